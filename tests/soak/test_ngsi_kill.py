"""kill -9 while several connections write to a served hub: every answer of 2xx holds, and every subscription still fires."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.soak.city_load import Caller, Worker, lacking, run

CONNECTIONS = 6
WAIT_S_MAX = 60
QUANYU = [sys.executable, "-c", "from quanyu.faces.cli import main; main()"]
ENVIRONMENT = {**os.environ, "PYTHONUNBUFFERED": "1"}
DEAD = "http://127.0.0.1:9/"


class Receiver:
    """A web server that remembers who told it of which entities."""

    def __init__(self) -> None:
        told: dict[str, set[str]] = {}

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = msgspec.json.decode(self.rfile.read(int(self.headers["Content-Length"])))
                told.setdefault(body["subscriptionId"], set()).update(each["id"] for each in body["data"])
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.told = told
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def heard(self, id: str, wanted: set[str]) -> set[str]:
        """Wait until a subscription told of all that is wanted; return what it did not."""
        until = time.monotonic() + WAIT_S_MAX
        while wanted - self.told.get(id, set()) and time.monotonic() < until:
            time.sleep(0.02)
        return wanted - self.told.get(id, set())

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def serving(home: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Serve a home as an operator does; whatever happens, the process is ended."""
    words = ["serve", "--home", str(home), "--port", "0", "--open", "--allow-private"]
    log = (home.parent / "serve.log").open("a")
    server = subprocess.Popen(
        [*QUANYU, *words], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
    )
    try:
        assert server.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)", server.stdout.readline())
        assert found is not None, (home.parent / "serve.log").read_text()
        yield server, int(found[1])
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.communicate(timeout=WAIT_S_MAX)
        log.close()


def subscription(id: str, uri: str, kind: str, **members: Any) -> dict[str, Any]:
    return {
        "id": f"urn:ngsi-ld:Subscription:{id}", "type": "Subscription", "entities": [{"type": kind}],
        "notificationTrigger": ["entityCreated", "entityUpdated"], "notification": {"endpoint": {"uri": uri}}, **members,
    }  # fmt: skip


def subscribe(call: Caller, uri: str) -> None:
    for wish in (
        subscription("load", uri, "Load"),
        subscription("past", uri, "Load", q="kept"),
        subscription("dead", DEAD, "Load"),
        subscription("end", uri, "Load", notificationTrigger=["entityDeleted"]),
    ):
        assert call("POST", "/subscriptions", wish).status == 201


def fires(call: Caller, receiver: Receiver, turn: int) -> None:
    """Every subscription that stands tells of what comes now, and of what goes."""
    id = f"urn:ngsi-ld:Load:probe-{turn}"
    assert call("POST", "/entities", {"id": id, "type": "Load", "kept": "x"}).status == 201
    for name in ("load", "past"):
        assert not receiver.heard(f"urn:ngsi-ld:Subscription:{name}", {id}), f"{name} is silent"
    assert call("DELETE", f"/entities/{id}").status == 204
    assert not receiver.heard("urn:ngsi-ld:Subscription:end", {id}), "the end is not told"
    standing = call("GET", "/subscriptions?limit=100").body
    assert {each["id"].rpartition(":")[2] for each in standing} == {"load", "past", "dead", "end"}
    assert all(each["status"] == "active" for each in standing)
    dead = next(each for each in standing if each["id"].endswith(":dead"))
    assert dead["notification"]["timesFailed"] > 0


def survives(folder: Path, seed: int, turns: int) -> None:
    home, chance, receiver = folder / "home", random.Random(seed), Receiver()
    workers: list[Worker] = []
    try:
        for turn in range(turns + 1):
            with serving(home) as (server, port):
                call = Caller(port)
                if turn == 0:
                    subscribe(call, receiver.url)
                else:
                    for worker in workers:
                        assert lacking(worker, port) == [], f"seed {seed}, turn {turn}"
                    created = set().union(*(worker.created for worker in workers))
                    silent = receiver.heard("urn:ngsi-ld:Subscription:load", created)
                    assert not silent, f"seed {seed}: created and never told: {sorted(silent)[:5]}"
                    fires(call, receiver, turn)
                call.close()
                if turn == turns:
                    break
                fresh = [Worker(f"{turn}-{n}", port, seed * 1000 + turn * 100 + n) for n in range(CONNECTIONS)]
                threads = run(fresh)
                time.sleep(chance.uniform(0.1, 1.2))
                (os.killpg if chance.random() < 0.5 else os.kill)(server.pid, signal.SIGKILL)
                for thread in threads:
                    thread.join(WAIT_S_MAX)
                assert [word for worker in fresh for word in worker.wrong] == []
                assert sum(worker.acknowledged for worker in fresh) > 0
                workers += fresh
    finally:
        receiver.close()
    words = [*QUANYU, "check", "--home", str(home)]
    checked = subprocess.run(words, check=False, env=ENVIRONMENT, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("seed", [1, 2])
def test_what_was_answered_survives_a_kill(tmp_path: Path, seed: int) -> None:
    survives(tmp_path, seed, turns=1)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 150))
def test_what_was_answered_survives_fifty_kills(tmp_path: Path, seed: int) -> None:
    survives(tmp_path, seed, turns=3)
