"""Subscriptions: what those that nothing concerns cost, and how fast the rest hear. `receiver` is the child that hears."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import msgspec
import uvloop

from bench.measure import Result, cpu_s, result
from bench.serving import Served, request, served, station
from quanyu.assembly import Hub, Options, open_hub
from quanyu.assembly.writer import Call
from quanyu.kernel.entity import Observation, body_of, observations
from quanyu.kernel.journal import Command
from quanyu.kernel.ngsi.context import CORE
from quanyu.kernel.ngsi.core import CORE_URL
from quanyu.kernel.ngsi.subscription import read_subscription

KIND, IDLE, ENTITIES = "AirQualityObserved", 1_000, 5_000
UPDATES, GROUP, START = 4_000, 100, 1_772_500_000_000_000
LISTENERS, CHANGES, MANY, ROUNDS = 100, 100, 10_000, 5
COMPARED = 25
BASE = "/ngsi-ld/v1"
WAIT_S = 120.0
Way = Callable[[random.Random, int], list[Call]]


# -- what concerns nobody ---------------------------------------------------------------------------------------------


def deaf(number: int) -> dict[str, Any]:
    """Return a subscription that an update of pm25 does not concern, for one of four reasons.

    Another type, another attribute, another entity, or values that it never has.
    """
    wishes: tuple[dict[str, Any], ...] = (
        {"entities": [{"type": f"Meter{number}"}]},
        {"entities": [{"type": KIND}], "watchedAttributes": [f"other{number}"]},
        {"entities": [{"type": KIND, "id": f"urn:ngsi-ld:{KIND}:9{number:06d}"}]},
        {"entities": [{"type": KIND}], "watchedAttributes": ["pm25"], "q": f"pm25>{1_000 + number}"},
    )
    return {
        "type": "Subscription",
        **wishes[number % len(wishes)],
        "notification": {"endpoint": {"uri": f"http://127.0.0.1:9/{number}"}},
    }


def idle_cost() -> Iterator[Result]:
    """[sub.idle_cost]: durable updates that concern none of 1,000 subscriptions, against the same without them."""
    chance = random.Random(11)
    with ExitStack() as stack:
        here, there = (stack.enter_context(_peopled(subscribed)) for subscribed in (IDLE, 0))
        for hub in (here, there):
            _commit(hub, [[_observation_of(number, START) for number in range(ENTITIES)]])
        costs = []
        for way in (_observed, _changed):
            pairs = [_pair(way, chance, here, there, number) for number in range(COMPARED)]
            mine, theirs = (statistics.median(side) / UPDATES * 1e6 for side in zip(*pairs, strict=True))
            costs.append((statistics.median(one / other for one, other in pairs), mine, theirs))
        assert all(here.subscriptions.totals()[name] == 0 for name in ("sent", "waiting", "dead", "dropped"))
    worst = max(costs)
    detail = ", ".join(
        f"{name} {mine:.1f} µs CPU against {theirs:.1f}"
        for name, (_, mine, theirs) in zip(("observed", "changed"), costs, strict=True)
    )
    yield result(
        "sub.idle_cost", worst[0], "ratio", "lower", "the same updates without subscriptions",
        f"the worse of two: {detail}; median of {COMPARED} pairs", 1.2,
    )  # fmt: skip


def _pair(way: Way, chance: random.Random, here: Hub, there: Hub, number: int) -> tuple[float, float]:
    """Return CPU seconds of the same updates here and there, in turns first; what writes files now and then does not."""
    groups = [way(chance, number * UPDATES // GROUP + each) for each in range(UPDATES // GROUP)]
    spent = {}
    for hub in (here, there) if number % 2 else (there, here):
        hub.flush_history()
        spent[hub] = cpu_s(partial(_commit, hub, groups))
    return spent[here], spent[there]


@contextmanager
def _peopled(subscriptions: int) -> Iterator[Hub]:
    """Open a whole hub with stations and subscriptions."""
    with tempfile.TemporaryDirectory() as home:
        hub = open_hub(Path(home), Options(open=True, allow_private=True))
        hub.start()
        stations = [Command("entity.create", each["id"], each) for each in map(station, range(ENTITIES))]
        hub.commit_blocking(stations, "person:open")
        for number in range(subscriptions):
            document = read_subscription(deaf(number), CORE)
            body = {"document": document, "context": CORE_URL, "roles": None}
            hub.commit_blocking([Command("subscription.create", f"urn:s:{number}", body)], "person:open")
        hub.settled_blocking()
        try:
            yield hub
        finally:
            hub.close()


def _commit(hub: Hub, groups: Sequence[list[Call]]) -> None:
    for group in groups:
        results = hub.errand(partial(_decide, hub, group))
        assert not isinstance(results[0], Exception)
    hub.settled_blocking()


def _decide(hub: Hub, group: Sequence[Call]) -> Sequence[Any]:
    results = hub.decide(group)
    hub.spread()
    return results


def _observed(chance: random.Random, group: int) -> list[Call]:
    at = START + group * GROUP
    return [_observation_of(chance.randrange(ENTITIES), at + number) for number in range(GROUP)]


def _observation_of(number: int, at: int) -> Call:
    batch = observations([Observation(_urn(number), "pm25", at, at % 3_000 / 10, "GQ")])
    return Call([Command("observe", "bench", body_of(batch), "measured")], "person:open")


def _changed(chance: random.Random, group: int) -> list[Call]:
    calls = []
    for _ in range(GROUP):
        id = f"urn:ngsi-ld:{KIND}:{chance.randrange(ENTITIES):07d}"
        value = {"type": "Property", "value": chance.randrange(3_000) / 10, "unitCode": "GQ"}
        calls.append(Call([Command("entity.update", id, {"attributes": {"pm25": value}})], "person:open"))
    return calls


# -- who hears --------------------------------------------------------------------------------------------------------


class Ear:
    """A receiver in a child process that keeps what it hears and looks at it only when asked."""

    def __init__(self, port: int) -> None:
        self.port = port

    def heard(self, subscription: str, wanted: int) -> tuple[float, int]:
        """Wait until so many different changes of a subscription's name were told.

        Return the time (CLOCK_MONOTONIC, s) of the last one and the count of letters; each change must come once.
        """
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            with urlopen(f"http://127.0.0.1:{self.port}/{subscription}") as answer:
                found = json.load(answer)
            if found["told"] >= wanted:
                break
            time.sleep(0.02)
        with urlopen(f"http://127.0.0.1:{self.port}/{subscription}/all") as answer:
            found = json.load(answer)
        assert found["told"] == found["different"] == wanted, f"of {wanted} changes came {found}"
        return float(found["last"]), int(found["letters"])


@contextmanager
def listening() -> Iterator[Ear]:
    """Start the receiver and end it by its own process id."""
    child = subprocess.Popen([sys.executable, "-m", "bench.subs"], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        yield Ear(int(child.stdout.readline()))
    finally:
        child.terminate()
        child.wait(timeout=60)


@contextmanager
def dead() -> Iterator[int]:
    """Give the port of a receiver that takes connections and never answers."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen(64)
        yield bound.getsockname()[1]


def rate() -> Iterator[Result]:
    """[sub.rate], [sub.told]: changes in by HTTP, notifications to one fast receiver beside one that never answers."""
    with ExitStack() as stack:
        hub = stack.enter_context(served("hub", Path(stack.enter_context(tempfile.TemporaryDirectory()))))
        ear, port = stack.enter_context(listening()), stack.enter_context(dead())
        hub.cost_s([request("POST", f"{BASE}/entities", station(number)) for number in range(MANY)], 201)
        _subscribe(hub, "one", 1, ear.port, {"type": KIND}, "pm25")
        _subscribe(hub, "each", LISTENERS, ear.port, {"type": KIND, "id": _urn(0)}, "no2")
        for name in ("pm25", "no2"):
            _subscribe(hub, f"dead-{name}", 1, port, {"type": KIND}, name)
        value, detail = _figures([_letters(hub, ear, number) for number in range(ROUNDS)])
        yield result(
            "sub.rate", value, "notifications/s", "higher", "none",
            f"{LISTENERS} subscriptions of one receiver, each notified of each change: {detail}", 10_000,
        )  # fmt: skip
        value, detail = _figures([_items(hub, ear, number) for number in range(ROUNDS)])
        yield result(
            "sub.told", value, "changes/s", "higher", "none",
            f"one subscription, entities changed in batches of 1,000: {detail}",
        )  # fmt: skip
        _check_dead(hub)


def _figures(runs: Sequence[tuple[int, float, float, int]]) -> tuple[float, str]:
    """Return how many a second were heard, and the rest in words."""
    wall = statistics.median(count / wall_s for count, wall_s, _, _ in runs)
    cpu_us = statistics.median(cpu_s / count * 1e6 for count, _, cpu_s, _ in runs)
    return wall, (
        f"{cpu_us:.1f} µs CPU of the hub each, {runs[0][0]:,} in {runs[0][3]:,} letters, wall from the first request to"
        " the last heard; beside a receiver that never answers; none lost"
    )


def _urn(number: int) -> str:
    return f"urn:ngsi-ld:{KIND}:{number:07d}"


def _subscribe(hub: Served, name: str, count: int, port: int, selector: dict[str, Any], attribute: str) -> None:
    wishes = [
        {
            "id": f"urn:s:{name}:{number}", "type": "Subscription", "entities": [selector],
            "watchedAttributes": [attribute],
            "notification": {"attributes": [attribute], "endpoint": {"uri": f"http://127.0.0.1:{port}/{name}/{number}"}},
        }
        for number in range(count)
    ]  # fmt: skip
    hub.cost_s([request("POST", f"{BASE}/subscriptions", wish) for wish in wishes], 201)


def _letters(hub: Served, ear: Ear, round_: int) -> tuple[int, float, float, int]:
    """Change one entity again and again: every change is a notification of its own to each of its subscriptions."""
    sent = [
        request("PATCH", f"{BASE}/entities/{_urn(0)}/attrs", {"no2": {"type": "Property", "value": float(value)}})
        for value in range(round_ * CHANGES, (round_ + 1) * CHANGES)
    ]
    return _timed(hub, ear, "each", sent, 204, CHANGES * LISTENERS * (round_ + 1), CHANGES * LISTENERS)


def _items(hub: Served, ear: Ear, round_: int) -> tuple[int, float, float, int]:
    sent = []
    for start in range(0, MANY, 1_000):
        batch = [
            {"id": _urn(number), "type": KIND, "pm25": {"type": "Property", "value": round_ + number / MANY}}
            for number in range(start, start + 1_000)
        ]
        sent.append(request("POST", f"{BASE}/entityOperations/update", batch))
    return _timed(hub, ear, "one", sent, 204, MANY * (round_ + 1), MANY)


def _timed(
    hub: Served, ear: Ear, name: str, sent: Sequence[bytes], wanted: int, until: int, count: int
) -> tuple[int, float, float, int]:
    """Return notifications, seconds of wall and CPU, letters heard till now."""
    before, start = hub.cpu_s(), time.monotonic()
    hub.cost_s(sent, wanted, connections=1)
    last, letters = ear.heard(name, until)
    return count, last - start, hub.cpu_s() - before, letters


def _check_dead(hub: Served) -> None:
    """Nothing that the dead receiver should have heard is gone: it waits in rows soon, to the last change."""
    for name, wanted in (("no2", CHANGES * ROUNDS), ("pm25", MANY * ROUNDS)):
        path = f"http://127.0.0.1:{hub.port}/api/v1/subscriptions/urn:s:dead-{name}:0"
        until = time.monotonic() + WAIT_S
        kept = 0
        while kept < wanted and time.monotonic() < until:
            with urlopen(f"{path}/notifications?state=waiting&limit=1000") as answer:
                kept = sum(len(each["entities"]) for each in json.load(answer)["items"])
        with urlopen(path) as answer:
            health = json.load(answer)
        assert kept == wanted, f"{name}: {kept} of {wanted} wait: {health}"
        assert health["dead"] == health["dropped"] == 0 < health["waiting"], f"{name}: {health}"


# -- the receiver -----------------------------------------------------------------------------------------------------


class Hearing(asyncio.Protocol):
    """One connection: a letter in, an empty answer out; GET tells what was heard under a name."""

    def __init__(self, told: dict[str, list[tuple[float, bytes]]], counts: dict[str, int]) -> None:
        self._told, self._counts = told, counts
        self._data = b""

    def connection_made(self, transport: Any) -> None:
        """Keep the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take every request that is whole."""
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = self._data[:end]
            at = head.lower().find(b"content-length:")
            stop = end + 4 + (int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0)
            if len(self._data) < stop:
                return
            body, self._data = self._data[end + 4 : stop], self._data[stop:]
            method, path = head.split(b" ", 2)[:2]
            name, _, rest = path[1:].decode().partition("/")
            if method == b"POST":
                self._told.setdefault(name, []).append((time.monotonic(), body))
                self._counts[name] = self._counts.get(name, 0) + body.count(b'"type":"AirQualityObserved"')
                self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            else:
                self._answer(self._summary(name) if rest else {"told": self._counts.get(name, 0)})

    def _answer(self, found: dict[str, Any]) -> None:
        body = json.dumps(found).encode()
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    def _summary(self, name: str) -> dict[str, Any]:
        letters = self._told.get(name, [])
        keys = [
            (letter["subscriptionId"], item["id"], item.get("no2", item.get("pm25"))["value"])
            for letter in (msgspec.json.decode(body) for _, body in letters)
            for item in letter["data"]
        ]
        return {"told": len(keys), "different": len(set(keys)), "letters": len(letters), "last": letters[-1][0]}


def main() -> None:
    """Hear until terminated; the port is the first line that is printed."""

    async def serve() -> None:
        told: dict[str, list[tuple[float, bytes]]] = {}
        counts: dict[str, int] = {}
        server = await asyncio.get_running_loop().create_server(lambda: Hearing(told, counts), "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    uvloop.run(serve())


if __name__ == "__main__":
    main()
