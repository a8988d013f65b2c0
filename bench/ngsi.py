"""The NGSI-LD API as its users meet it: over HTTP, against a plain ASGI answer and FastAPI under the same server.

`peers` prints what other brokers publish of themselves; it was measured on other machines, by others.
"""

from __future__ import annotations

import random
import re
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.request import urlopen

import msgspec

from bench.measure import Result, interleaved, result
from bench.serving import Served, request, served, station

ROUNDS = 5
POSTS = 4_000
CROWD_ROUNDS = 9
CROWDS = (16, 32, 64, 128)
CALLERS = 64
"""So many wait for an answer at once where one figure is given, as for `commit.shared_sync`; the other crowds stand beside
it. What a group costs besides its calls is shared by fewer of them or by more, so the ratio falls as the crowd grows."""
BATCH = 1_000
BATCHES = 15
"""Every tenth meets a checkpoint of the database."""
MILLION = 1_000_000
LOAD = 10_000
ENTITIES = "/ngsi-ld/v1/entities"
KIND = "AirQualityObserved"
PUBLISHED = (
    "published elsewhere, on other machines: 131-241 creates/s and 30-33 filtered queries/s (Stellio 2024-09, 8 vCPU);"
    " 3,500 updates/s (Orion-LD, 2 CPU + MongoDB on 8 CPU)"
)


def urn(number: int) -> str:
    """Return the id of a station."""
    return f"urn:ngsi-ld:{KIND}:{number:07d}"


def posts(start: int, count: int = POSTS) -> list[bytes]:
    """Return requests that create stations."""
    return [request("POST", ENTITIES, station(number)) for number in range(start, start + count)]


def patches(chance: random.Random, count: int = POSTS) -> list[bytes]:
    """Return requests that each change one attribute of one entity of a million."""
    changed = {"type": "Property", "unitCode": "GQ", "observedAt": "2026-03-02T09:00:00Z"}
    return [
        request("PATCH", f"{ENTITIES}/{urn(chance.randrange(MILLION))}/attrs",
                {"pm25": {**changed, "value": chance.randrange(10_000) / 100}})
        for _ in range(count)
    ]  # fmt: skip


def writes() -> Iterator[Result]:
    """[ngsi.post], [ngsi.vs_fastapi], [ngsi.batch_ms]: durable and indexed, until the readers have drained."""
    with served("plain") as plain, served("fastapi") as fastapi:
        crowds = {callers: _posted(plain, fastapi, callers) for callers in CROWDS}
    mine_s, plain_s, fastapi_s = (statistics.median(costs_s) for costs_s in zip(*crowds[CALLERS], strict=True))
    others = ", ".join(
        f"{_to(rounds, 1):.2f} with {callers}" for callers, rounds in crowds.items() if callers != CALLERS
    )
    detail = (
        f"{CALLERS} callers: {mine_s * 1e6:.0f} µs CPU a POST, plain {plain_s * 1e6:.0f} µs,"
        f" FastAPI {fastapi_s * 1e6:.0f} µs; {others}; {PUBLISHED}"
    )
    yield result("ngsi.post", _to(crowds[CALLERS], 1), "ratio", "lower",
                 "plain ASGI that validates and keeps nothing", detail, 5.0)  # fmt: skip
    yield result("ngsi.vs_fastapi", _to(crowds[CALLERS], 2), "ratio", "lower",
                 "FastAPI + pydantic that keeps nothing", detail, 0.9)  # fmt: skip
    yield result("ngsi.batch_ms", _batch_s() * 1e3, "ms", "lower", "-",
                 f"CPU of a batch of 1,000 upserts, median of {BATCHES}", 45.0)  # fmt: skip


def _posted(plain: Served, fastapi: Served, callers: int) -> list[list[float]]:
    """Return by round what a POST costs, in CPU seconds: a hub that begins empty, and both peers right after it."""
    with tempfile.TemporaryDirectory() as home, served("hub", Path(home)) as hub:
        servers = (hub, plain, fastapi)
        for server in servers:
            server.cost_s(posts(MILLION, 1_000), 201)
        return [
            [server.cost_s(posts(number * POSTS), 201, callers) for server in servers] for number in range(CROWD_ROUNDS)
        ]


def _to(rounds: Sequence[Sequence[float]], peer: int) -> float:
    """Return the median ratio to a peer, each within its round: how fast the machine is changes from one to the next."""
    return statistics.median(costs_s[0] / costs_s[peer] for costs_s in rounds)


def _batch_s() -> float:
    """Return what a batch costs a hub that holds as many entities as it was sent batches' worth before."""
    with tempfile.TemporaryDirectory() as home, served("hub", Path(home)) as hub:
        costs = [hub.cost_s([_upserts(number * BATCH)], 201, connections=1) for number in range(2 * BATCHES)]
    return statistics.median(costs[BATCHES:])


def _upserts(start: int) -> bytes:
    documents = [station(number) for number in range(start, start + BATCH)]
    return request("POST", "/ngsi-ld/v1/entityOperations/upsert", documents)


def million() -> Iterator[Result]:
    """[ngsi.patch], [ngsi.get], [ngsi.query_ms], [ngsi.deep_page], [ngsi.deep_offset_ms] in a million entities."""
    chance = random.Random(5)
    with tempfile.TemporaryDirectory() as name:
        _fill(Path(name))
        with served("plain") as plain, served("hub", Path(name)) as hub:
            yield from _points(hub, plain, chance)
            yield from _pages(hub)


def _fill(home: Path) -> None:
    from quanyu.assembly import Options, open_hub
    from quanyu.kernel.journal import Command

    hub = open_hub(home, Options(open=True))
    hub.start()
    for start in range(0, MILLION, LOAD):
        documents = map(station, range(start, start + LOAD))
        hub.commit_blocking([Command("entity.create", each["id"], each) for each in documents], "person:open")
    hub.settled_blocking(timeout_s=600)
    hub.close()


def _points(hub: Served, plain: Served, chance: random.Random) -> Iterator[Result]:
    post, patch, get, bare = [], [], [], []
    hub.cost_s(posts(2 * MILLION, 1_000), 201)
    for number in range(ROUNDS):
        post.append(hub.cost_s(posts(3 * MILLION + number * POSTS), 201))
        patch.append(hub.cost_s(patches(chance), 204))
        asked = [request("GET", f"{ENTITIES}/{urn(chance.randrange(MILLION))}") for _ in range(POSTS)]
        get.append(hub.cost_s(asked, 200))
        bare.append(plain.cost_s(asked, 200))
    posted, patched, got, answered = map(statistics.median, (post, patch, get, bare))
    yield result("ngsi.patch", patched / posted, "ratio", "lower", "POST into the same home",
                 f"{patched * 1e6:.0f} µs CPU, POST {posted * 1e6:.0f} µs, of 1,000,000 entities", 1.5)  # fmt: skip
    yield result("ngsi.get", got / answered, "ratio", "lower", "plain ASGI that sends a constant",
                 f"{got * 1e6:.0f} µs CPU, plain {answered * 1e6:.0f} µs", 2.5)  # fmt: skip


def _pages(hub: Served) -> Iterator[Result]:
    filtered = [f"{ENTITIES}?type={KIND}&q=pm25=={value}.5&limit=100" for value in range(20, 70)]
    yield result("ngsi.query_ms", _median_ms(hub, filtered), "ms", "lower", "-",
                 f"CPU of 100 found by q among 1,000,000; {PUBLISHED}", 5.0)  # fmt: skip
    first = f"{ENTITIES}?type={KIND}&limit=100"
    far = f"{first}&offset=900000"
    deep = _next(hub, far)
    page_one, page_deep = _median_ms(hub, [first] * 50), _median_ms(hub, [deep] * 50)
    yield result("ngsi.deep_page", page_deep / page_one, "ratio", "lower", "page one",
                 f"keyset link at 900,000: {page_deep:.2f} ms, page one {page_one:.2f} ms CPU", 1.2)  # fmt: skip
    yield result("ngsi.deep_offset_ms", _median_ms(hub, [far] * 50), "ms", "lower", "-",
                 "CPU of offset=900000&limit=100", 5.0)  # fmt: skip


def _median_ms(hub: Served, paths: Sequence[str], rounds: int = ROUNDS) -> float:
    asked = [request("GET", path) for path in paths]
    hub.cost_s(asked, 200, connections=1)
    return statistics.median(hub.cost_s(asked, 200, connections=1) for _ in range(rounds)) * 1e3


def _next(hub: Served, path: str) -> str:
    with urlopen(f"http://127.0.0.1:{hub.port}{path}") as answer:
        found = re.search(r'<([^>]+)>\s*;\s*rel="next"', ", ".join(answer.headers.get_all("Link") or []))
    assert found, "a page in the middle has no next one"
    return found.group(1)


def words() -> Iterator[Result]:
    """[ngsi.decode], [ngsi.expand]: names of entities translated, against bare decoding and PyLD."""
    from bench.contexts import CONTEXT, decoded, expanded, oracle_expanded

    bodies = [msgspec.json.encode({"@context": CONTEXT, **station(number)}) for number in range(2_000)]
    bare = msgspec.json.Decoder(dict[str, msgspec.Raw])

    def ours() -> None:
        for body in bodies:
            decoded(body)

    def peer() -> None:
        for body in bodies:
            bare.decode(body)

    mine, theirs = interleaved(ours, peer)
    yield result("ngsi.decode", theirs / mine, "ratio", "higher", "msgspec dict[str, Raw]",
                 f"{mine / len(bodies) * 1e6:.2f} µs, bare {theirs / len(bodies) * 1e6:.2f} µs a document", 0.5)  # fmt: skip
    few = [msgspec.json.decode(body) for body in bodies[:100]]
    assert [expanded(each) for each in few] == [oracle_expanded(each) for each in few]
    mine, theirs = interleaved(
        lambda: [expanded(each) for each in few], lambda: [oracle_expanded(each) for each in few]
    )
    yield result("ngsi.expand", theirs / mine, "ratio", "higher", "PyLD, equal results",
                 f"{mine / len(few) * 1e6:.1f} µs, PyLD {theirs / len(few) * 1e6:.0f} µs a document", 100.0)  # fmt: skip
