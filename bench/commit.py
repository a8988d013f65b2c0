"""Durable commits against bare apsw loops, and what callers share."""

from __future__ import annotations

import asyncio
import itertools
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import apsw
import msgspec

from bench.measure import Result, interleaved, result
from quanyu.assembly.writer import Call
from quanyu.kernel.entity import Observation, body_of, observations
from quanyu.kernel.journal import Command
from tests.hubs import MORNING, bare_hub

ENTITIES = 20_000
GROUP = 100
GROUPS = 50


def document(number: int) -> dict[str, object]:
    """Return an air station of about 500 bytes."""
    observed = {"type": "Property", "unitCode": "GQ", "observedAt": "2026-03-02T08:00:00Z"}
    return {
        "type": "AirQualityObserved",
        "name": {"type": "Property", "value": f"站点 {number}"},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [116.4, 39.9]}},
        **{name: {**observed, "value": number % 300 + 0.5} for name in ("pm25", "pm10", "no2", "o3")},
    }


class Bare:
    """The peer: one table of documents, upserts of 517 bytes, 100 a transaction, synchronous=FULL."""

    def __init__(self, folder: Path, index: bool) -> None:
        self.db = apsw.Connection(str(folder / f"bare{index}.db"))
        self.db.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000")
        self.db.execute("CREATE TABLE entity (id TEXT PRIMARY KEY, doc TEXT) WITHOUT ROWID")
        if index:
            self.db.execute("CREATE INDEX pm25 ON entity (json_extract(doc, '$.pm25.value'))")
        with self.db:
            self.db.executemany("INSERT INTO entity VALUES (?, ?)", (self.row(n, n) for n in range(ENTITIES)))

    @staticmethod
    def row(number: int, value: float) -> tuple[str, str]:
        """Return id and document."""
        given = document(number)
        given["pm25"] = {"type": "Property", "value": value}
        return f"urn:ngsi-ld:AirQualityObserved:{number}", msgspec.json.encode(given).decode()

    def run(self, groups: list[list[tuple[str, str]]]) -> None:
        """Upsert prepared rows."""
        for group in groups:
            self.db.execute("BEGIN IMMEDIATE")
            self.db.executemany(
                "INSERT INTO entity VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET doc = excluded.doc", group
            )
            self.db.execute("COMMIT")


def group100() -> Iterator[Result]:
    """[commit.group100], [commit.plain]: 100 single-attribute updates a group, each its own call."""
    chance = random.Random(7)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with bare_hub(folder / "home") as hub:
            for chunk in _chunks(ENTITIES, 1000):
                hub.commit_blocking(
                    [Command("entity.create", f"urn:ngsi-ld:AirQualityObserved:{n}", document(n)) for n in chunk], "b"
                )
            clock = itertools.count(MORNING)

            def calls() -> list[Call]:
                made = []
                for _ in range(GROUP):
                    id = f"urn:ngsi-ld:AirQualityObserved:{chance.randrange(ENTITIES)}"
                    batch = observations([Observation(id, "pm25", next(clock), chance.random() * 300, "GQ")])
                    made.append(Call([Command("observe", "bench", body_of(batch), "measured")], "system:bench"))
                return made

            def ours() -> None:
                for group in ours_work:
                    results, _ = hub.writer.process(group)
                    assert not isinstance(results[0], Exception)

            for index, bench, goal in ((True, "commit.group100", 0.5), (False, "commit.plain", 0.25)):
                bare = Bare(folder, index)
                ours_work = [calls() for _ in range(GROUPS)]
                rows = [
                    [Bare.row(chance.randrange(ENTITIES), chance.random()) for _ in range(GROUP)] for _ in range(GROUPS)
                ]
                mine, peer = interleaved(ours, lambda: bare.run(rows))  # noqa: B023
                each = mine / GROUPS / GROUP * 1e6
                yield result(
                    bench, peer / mine, "ratio", "higher", "bare apsw upsert loop", f"{each:.1f} µs CPU an update",
                    goal,
                )  # fmt: skip


def _chunks(count: int, size: int) -> Iterator[range]:
    for start in range(0, count, size):
        yield range(start, min(count, start + size))


def shared_sync() -> Iterator[Result]:
    """[commit.shared_sync]: calls per sync with 64 concurrent callers."""
    with tempfile.TemporaryDirectory() as name, bare_hub(Path(name)) as hub:
        hub.commit_blocking([Command("entity.create", "urn:ngsi-ld:A:1", {"type": "A"})], "b")

        async def caller(number: int) -> None:
            for turn in range(50):
                batch = observations([Observation("urn:ngsi-ld:A:1", "x", MORNING + number + turn, 1.0)])
                await hub.commit([Command("observe", "bench", body_of(batch), "measured")], "system:bench")

        async def crowd() -> None:
            await asyncio.gather(*(caller(number) for number in range(64)))

        calls, groups = hub.line.calls, hub.line.groups
        asyncio.run(crowd())
        shared = (hub.line.calls - calls) / (hub.line.groups - groups)
        yield result("commit.shared_sync", shared, "calls", "higher", "one sync a call", "64 callers, 3,200 calls", 20)
