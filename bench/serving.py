"""Servers in child processes and a load on them: what a request costs is CPU time of the server and its children alone.

All of them run under uvicorn with uvloop and httptools in one worker, as the hub does, and validate the same document.
"""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import msgspec

CONNECTIONS = 32
CPU_PATH = "/bench/cpu"
START_TIMEOUT_S = 120
JSON_HEADERS = [(b"content-type", b"application/json")]


class Point(msgspec.Struct):
    type: str
    coordinates: tuple[float, float]


class Text(msgspec.Struct):
    type: str
    value: str


class Number(msgspec.Struct):
    type: str
    value: float
    unitCode: str  # noqa: N815
    observedAt: str  # noqa: N815


class Place(msgspec.Struct):
    type: str
    value: Point


class Station(msgspec.Struct):
    id: str
    type: str
    name: Text
    location: Place
    pm25: Number
    pm10: Number
    no2: Number


def station(number: int, kind: str = "AirQualityObserved") -> dict[str, Any]:
    """Return an entity of about 500 bytes and five attributes."""
    observed = {"type": "Property", "unitCode": "GQ", "observedAt": "2026-03-02T08:00:00Z"}
    east, north = 116 + number % 997 / 997, 39.5 + number % 1009 / 1009
    return {
        "id": f"urn:ngsi-ld:{kind}:{number:07d}",
        "type": kind,
        "name": {"type": "Property", "value": f"站点 {number}"},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [east, north]}},
        **{
            name: {**observed, "value": number * 7919 % 10_000 / 100 + i}
            for i, name in enumerate(("pm25", "pm10", "no2"))
        },
    }


def request(method: str, path: str, document: Any = None) -> bytes:
    """Return a request as bytes, its body JSON."""
    body = b"" if document is None else msgspec.json.encode(document)
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


class Served:
    """A server in a child process."""

    def __init__(self, port: int) -> None:
        self.port = port

    def cpu_s(self) -> float:
        """Return the CPU seconds of the process, its threads and its children once its readers have drained."""
        with urlopen(f"http://127.0.0.1:{self.port}{CPU_PATH}", timeout=600) as answer:
            return float(json.load(answer)["cpu_s"])

    def cost_s(self, requests: Sequence[bytes], wanted: int, connections: int = CONNECTIONS) -> float:
        """Send requests over keep-alive connections and return CPU seconds a request; all must answer as wanted."""
        before = self.cpu_s()
        statuses = asyncio.run(_load(self.port, requests, connections))
        spent = self.cpu_s() - before
        assert set(statuses) == {wanted}, f"asked for {wanted}, got {statuses}"
        return spent / len(requests)


async def _load(port: int, requests: Sequence[bytes], connections: int) -> dict[int, int]:
    waiting = iter(requests)
    statuses: dict[int, int] = {}

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for each in waiting:
            writer.write(each)
            head = await reader.readuntil(b"\r\n\r\n")
            status = int(head[9:12])
            statuses[status] = statuses.get(status, 0) + 1
            length = head.lower().find(b"content-length:")
            if length >= 0:
                await reader.readexactly(int(head[length + 15 : head.find(b"\r\n", length)]))
            elif b"chunked" in head.lower():
                raise AssertionError("a chunked answer cannot be measured here")
        writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    return statuses


@contextmanager
def served(kind: str, home: Path | None = None) -> Iterator[Served]:
    """Start a server of a kind and end it by its own process id."""
    words = [sys.executable, "-m", "bench.serving", kind, *([str(home)] if home else [])]
    child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        line = child.stdout.readline()
        assert line.strip().isdigit(), f"server {kind} did not start: {line!r}"
        yield Served(int(line))
    finally:
        child.terminate()
        child.wait(timeout=60)


def _plain() -> Any:
    """Return the peer: plain ASGI, the document decoded and validated, nothing kept."""
    decoder = msgspec.json.Decoder(Station)
    headers = {"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"0")]}
    found = msgspec.json.encode(station(1))
    shown = {"type": "http.response.start", "status": 200,
             "headers": [*JSON_HEADERS, (b"content-length", str(len(found)).encode())]}  # fmt: skip

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "GET":
            await send(shown)
            await send({"type": "http.response.body", "body": found})
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        decoder.decode(body)
        await send(headers)
        await send({"type": "http.response.body", "body": b""})

    return app


def _fastapi() -> Any:
    """Return the peer that Python services are usually built with; it keeps nothing either."""
    from fastapi import FastAPI
    from pydantic import BaseModel

    class PointModel(BaseModel):
        type: str
        coordinates: tuple[float, float]

    class PlaceModel(BaseModel):
        type: str
        value: PointModel

    class TextModel(BaseModel):
        type: str
        value: str

    class NumberModel(BaseModel):
        type: str
        value: float
        unitCode: str  # noqa: N815
        observedAt: str  # noqa: N815

    class StationModel(BaseModel):
        id: str
        type: str
        name: TextModel
        location: PlaceModel
        pm25: NumberModel
        pm10: NumberModel
        no2: NumberModel

    app = FastAPI()

    async def create(document: StationModel) -> dict[str, str]:
        return {"id": document.id}

    # Annotations as objects: with postponed ones FastAPI cannot find a model that a function declares.
    create.__annotations__["document"] = StationModel
    app.post("/ngsi-ld/v1/entities", status_code=201)(create)
    return app


def _hub(home: Path) -> tuple[Any, Callable[[], None], Callable[[], None]]:
    from quanyu.assembly import Options, open_hub
    from quanyu.faces.cli.compose import compose

    hub = open_hub(home, Options(open=True, allow_private=True))
    hub.start()

    def drain() -> None:
        hub.settled_blocking()
        # Rows that wait for company belong to what was written, not to what is asked next.
        hub.settle()

    return compose(hub), drain, hub.close


def _metered(app: Any, drain: Callable[[], None]) -> Any:
    async def metered(scope: Any, receive: Any, send: Any) -> None:
        if scope.get("path") != CPU_PATH:
            await app(scope, receive, send)
            return
        await asyncio.to_thread(drain)
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        body = json.dumps({"cpu_s": time.process_time() + children.ru_utime + children.ru_stime}).encode()
        start = {"type": "http.response.start", "status": 200,
                 "headers": [*JSON_HEADERS, (b"content-length", str(len(body)).encode())]}  # fmt: skip
        await send(start)
        await send({"type": "http.response.body", "body": body})

    return metered


def main(kind: str, home: str | None = None) -> None:
    """Serve until terminated; the port is the first line that is printed."""
    import uvicorn

    drain: Callable[[], None] = lambda: None  # noqa: E731
    close = drain
    if kind == "hub":
        assert home is not None, "a hub needs its home"
        app, drain, close = _hub(Path(home))
    else:
        app = {"plain": _plain, "fastapi": _fastapi}[kind]()
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    bound.listen(256)
    config = uvicorn.Config(
        _metered(app, drain), loop="uvloop", http="httptools", lifespan="off", log_config=None, access_log=False,
        server_header=False, proxy_headers=False,
    )  # fmt: skip
    print(bound.getsockname()[1], flush=True)
    uvicorn.Server(config).run(sockets=[bound])
    close()


if __name__ == "__main__":
    main(*sys.argv[1:])
