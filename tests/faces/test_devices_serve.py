"""`quanyu serve` with devices, as a process: what a station was told is durable stays, whatever happens next."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

from quanyu.assembly import open_hub
from tests.brokers import free_port
from tests.faces.test_devices_demo import GATES
from tests.listening import FACTORS, values


def serving(home: Path, port: int) -> tuple[subprocess.Popen[str], str]:
    command = "from quanyu.faces.cli import main; main()"
    words = ["serve", "--home", str(home), "--port", "0", "--hj212", str(port)]
    server = subprocess.Popen(
        [sys.executable, "-c", command, *words],
        env={**os.environ, "PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout is not None
    found = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
    assert found is not None, server.communicate(timeout=10)[1]
    return server, found[0]


def test_an_answered_frame_survives_a_kill(tmp_path: Path) -> None:
    from quanyu.faces.hj212.frame import packed, parse

    home = tmp_path / "home"
    home.mkdir()
    (home / "devices.toml").write_text(GATES + "create = {}\n", "utf-8")
    (home / "factors.csv").write_text(FACTORS, "utf-8")
    (home / "word").write_text("123456", "utf-8")
    port = free_port()
    for turn, ending in enumerate((signal.SIGKILL, signal.SIGTERM)):
        server, _ = serving(home, port)
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=20) as station:
                said = f"DataTime=2026110108000{turn};a34004-Rtd={turn + 1}"
                frame = f"QN=20261101080000000;ST=22;CN=2011;PW=123456;MN=A1;Flag=5;CP=&&{said}&&"
                station.sendall(packed(frame.encode()))
                answer = b""
                while not answer.endswith(b"\r\n"):
                    piece = station.recv(1000)
                    assert piece, server.communicate(timeout=10)
                    answer += piece
                assert parse(answer).cn == "9014"
                server.send_signal(ending)
            said = server.communicate(timeout=20)[1]
        finally:
            server.kill()
        assert "123456" not in said
        hub = open_hub(home)
        assert values(hub, "urn:ngsi-ld:Air:1")["pm25"] == turn + 1
        hub.close()
    assert server.returncode == 0
