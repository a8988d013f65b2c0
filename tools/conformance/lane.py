"""A lane: its own ports, one fresh hub for each group, and Robot Framework playing the group's files."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tools.conformance.contexts import COMPOUND, write_map
from tools.environment import PYTHON
from tools.say import ROOT, Trouble, line

START_S = 60
STOP_S = 20
BROOM = Path(__file__).with_name("broom.py")
SHIM = Path(__file__).with_name("mosquitto.py")
LIBRARIES = ("libraries", "libraries/robotframework-httpctrl/src")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Lane:
    """Plays groups one after another in a folder of its own; two lanes share nothing but the copy of the suite."""

    def __init__(self, work: Path, copy: Path, robot: Path, contexts_url: str, groups: Mapping[str, str]) -> None:
        self.groups = groups
        self._work, self._copy, self._robot, self._contexts_url = work, copy, robot, contexts_url
        self._processes: list[subprocess.Popen[bytes]] = []

    def output(self, group: str) -> Path:
        """Return where Robot Framework wrote what came of a group."""
        return self._work / group / "output.xml"

    def play(self) -> None:
        """Play the groups."""
        if self._work.exists():
            shutil.rmtree(self._work)
        self._work.mkdir(parents=True)
        for name, folder in self.groups.items():
            if any((self._copy / "TP" / "NGSI-LD" / folder).rglob("*.robot")):
                began = time.monotonic()
                with self._hub(name) as url:
                    self._play(name, folder, url)
                line(f"  {name} played, {time.monotonic() - began:.0f} s")

    def stop(self) -> None:
        """End what runs."""
        for process in self._processes:
            process.terminate()

    def _start(
        self, command: list[str | Path], log: Path, env: Mapping[str, str], cwd: Path
    ) -> subprocess.Popen[bytes]:
        with log.open("wb") as said:
            process = subprocess.Popen(
                [str(word) for word in command],
                cwd=cwd,
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
        self._processes.append(process)
        return process

    @contextmanager
    def _hub(self, name: str) -> Iterator[str]:
        home, port, log = self._work / f"{name}.home", free_port(), self._work / f"{name}.hub.log"
        write_map(home)
        serve = "import sys; from quanyu.faces.cli import main; sys.exit(main())"
        words: list[str | Path] = ["serve", "--home", home, "--port", str(port), "--open", "--allow-private"]
        # How large a part of an evolution is (6.3.10), the standard leaves open; the suite's data fill small ones.
        words += ["--temporal-page", "20"]
        process = self._start([PYTHON, "-c", serve, *words], log, {"PYTHONPATH": str(ROOT / "src")}, ROOT)
        try:
            self._await(process, f"http://127.0.0.1:{port}/healthz", log)
            yield f"http://127.0.0.1:{port}/ngsi-ld/v1"
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _await(self, process: subprocess.Popen[bytes], url: str, log: Path) -> None:
        until = time.monotonic() + START_S
        while time.monotonic() < until and process.poll() is None:
            try:
                with urllib.request.urlopen(url, timeout=2):  # noqa: S310
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:]
        raise Trouble("the hub does not start", f"read {log}", tail)

    def _play(self, name: str, folder: str, url: str) -> None:
        programs = self._work / "bin"
        mqtt_port = free_port()
        _place_shim(programs)
        variables = {
            "url": url,
            "temporal_api_url": url,
            "ngsild_test_suite_context": f"{self._contexts_url}/{COMPOUND}",
            "notification_server_host": "127.0.0.1",
            "notification_server_port": str(free_port()),
            "context_source_host": "127.0.0.1",
            "context_source_port": str(free_port()),
            "context_server_host": "127.0.0.1",
            "context_server_port": str(free_port()),
            "mqtt_broker_host": "127.0.0.1",
            "mqtt_broker_non_default_port": str(mqtt_port),
        }
        given = [word for key, value in variables.items() for word in ("--variable", f"{key}:{value}")]
        command: list[str | Path] = [
            self._robot, "--output", "output.xml", "--log", "NONE", "--report", "NONE", "--outputdir",
            self._work / name, "--listener", f"{BROOM}:{url}:{self._contexts_url}", *given,
            self._copy / "TP" / "NGSI-LD" / folder,
        ]  # fmt: skip
        env = {
            "PYTHONPATH": os.pathsep.join(str(self._copy / part) for part in LIBRARIES),
            "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}",
            "MOSQUITTO_WORK": str(self._work / "mosquitto"),
            "MOSQUITTO_SUITE": str(self._copy / "resources" / "mqttUtils" / "mosquitto"),
            "MOSQUITTO_PORT": str(mqtt_port),
        }
        process = self._start(command, self._work / f"{name}.robot.log", env, self._copy)
        process.wait()
        if not self.output(name).exists():
            log = self._work / f"{name}.robot.log"
            tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:]
            raise Trouble(f"Robot Framework plays nothing of {name}", f"read {log}", tail)


def _place_shim(programs: Path) -> None:
    """Put a program named `docker` first on the path: the suite asks it for a broker, and gets this machine's."""
    programs.mkdir(exist_ok=True)
    script = programs / "docker"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{SHIM}" "$@"\n', encoding="utf-8")
    script.chmod(0o755)
