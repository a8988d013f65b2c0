"""kill -9 while notifications are under way: whatever was acknowledged is told, to a receiver beside a dead one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from quanyu.adapters.http.carrier import HttpCarrier
from tests.telling import telling

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("receipts", [1, 60, 200])
def test_what_was_acknowledged_before_a_kill_is_told(receipts: int, tmp_path: Path) -> None:
    told: set[str] = set()

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            told.update(item["id"] for item in body["data"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    uri = f"http://127.0.0.1:{server.server_port}/"
    command = [sys.executable, "-m", "tests.assembly.teller", str(tmp_path / "home"), uri]
    env = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=env) as process:
        assert process.stdout is not None
        acknowledged = [int(process.stdout.readline()) for _ in range(receipts)]
        process.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in process.stdout.read().split("\n")[:-1]]
    carrier = HttpCarrier(allow_private=True)
    wanted = {f"urn:b:{number}" for number in acknowledged}
    with telling(tmp_path / "home", carrier=carrier) as hub:
        hub.machine.at = time.time_ns() // 1_000
        for _ in range(500):
            hub.step(20_000)
            if wanted <= told:
                break
            time.sleep(0.01)
        dead = hub.hub.subscriptions.get("urn:s:dead")
    carrier.close()
    server.shutdown()
    server.server_close()
    assert wanted <= told
    assert dead.waiting > 0
