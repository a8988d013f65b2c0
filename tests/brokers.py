"""A real MQTT broker for tests and benches: Debian's mosquitto on a free port, with a publisher in a process of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
MOSQUITTO = shutil.which("mosquitto", path=PATH)
needs_mosquitto = pytest.mark.skipif(
    MOSQUITTO is None, reason="there is no mosquitto (Debian: apt-get install mosquitto)"
)
CONFIGURATION = """listener {port} 127.0.0.1
allow_anonymous {anonymous}
max_queued_messages 0
persistence true
persistence_location {folder}/
log_dest none
"""
PUBLISHER = """
import asyncio, sys
from gmqtt import Client
async def main(port, topic, payload):
    client = Client("publisher-" + topic.replace("/", "-"))
    await client.connect("127.0.0.1", port)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        for number in range(int(line)):
            client.publish(topic % (number % 200), payload % (number % 300))
            if number % 100 == 99:
                await asyncio.sleep(0)
        print("sent", flush=True)
asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Mosquitto:
    """A broker that can be stopped and started again on its port, with its sessions."""

    def __init__(self, folder: Path, user: tuple[str, str] | None = None, tls: tuple[Path, Path] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self._file = folder / "mosquitto.conf"
        text = CONFIGURATION.format(port=self.port, anonymous="false" if user else "true", folder=folder)
        if user is not None:
            passwords = folder / "passwords"
            passwords.write_text(f"{user[0]}:{user[1]}\n", "utf-8")
            subprocess.run([str(shutil.which("mosquitto_passwd", path=PATH)), "-U", str(passwords)], check=True)
            text += f"password_file {passwords}\n"
        if tls is not None:
            text += f"certfile {tls[0]}\nkeyfile {tls[1]}\n"
        if os.geteuid() == 0:
            text += "user root\n"
        self._file.write_text(text, "utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert MOSQUITTO is not None
        self._process = subprocess.Popen([MOSQUITTO, "-c", str(self._file)], stderr=subprocess.DEVNULL)
        for _ in range(200):
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError("mosquitto does not answer")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None


@contextmanager
def mosquitto(
    folder: Path, user: tuple[str, str] | None = None, tls: tuple[Path, Path] | None = None
) -> Iterator[Mosquitto]:
    broker = Mosquitto(folder, user, tls)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


class Publisher:
    """Sends as many messages as it is told, as fast as it can; `topic` and `payload` hold one %d each."""

    def __init__(self, port: int, topic: str, payload: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", PUBLISHER, str(port), topic, payload],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def send(self, count: int) -> None:
        """Begin to send; does not wait."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{count}\n")
        self._process.stdin.flush()

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
