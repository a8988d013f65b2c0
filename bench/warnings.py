"""Warnings: receipts of very many terminals, and who stands in an area among a million entities."""

from __future__ import annotations

import random
import tempfile
import time
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from math import cos, pi, sin
from pathlib import Path
from typing import Any

import msgspec

from bench.measure import Result, result
from quanyu.adapters.sqlite.atlas import Standing
from quanyu.assembly.atlas import Atlas
from quanyu.engines.warnings.reach import bitmaps, tally
from quanyu.engines.warnings.store import id_of
from quanyu.kernel.geo.region import Region, Shape
from tests.engines.warning_desk import WarningDesk

TERMINALS = 100_000
BATCH = 1_000
ENTITIES = 1_000_000
VERTICES = 10_000
ASKED = 7


def fanout() -> Iterator[Result]:
    """[warnings.fanout_per_s]: receipts of 100,000 terminals, a thousand in a batch, decided, folded and written down."""
    with tempfile.TemporaryDirectory() as folder:
        desk = WarningDesk(Path(folder))
        desk.channel("net", count=20_000)
        for part in range(1, 5):
            terminals = [{"id": f"net-{part}-{number}"} for number in range(20_000)]
            desk.send("warning_terminal.put", "net", {"terminals": terminals})
        id = desk.approved("bench", channels=("net",))
        desk.send("warning.publish", id, {"revision": 1, "targets": {"net": bitmaps(range(TERMINALS))}})
        numbers = list(range(TERMINALS))
        random.Random(3).shuffle(numbers)
        batches = [numbers[start : start + BATCH] for start in range(0, TERMINALS, BATCH)]
        start = time.process_time()
        for batch in batches:
            # As a gateway sends them: JSON, numbers and one state for each.
            text = msgspec.json.encode({"terminals": batch, "states": [3] * BATCH})
            sent = msgspec.json.decode(text)
            body = {
                "channel": "net",
                "numbers": array("I", sent["terminals"]).tobytes(),
                "states": bytes(sent["states"]),
            }
            desk.send("warning.receipts", id_of("bench"), body)
        took = time.process_time() - start
        reached = tally(row[3] for row in desk.rows.reach("bench"))["reached"]
        assert reached == TERMINALS, reached
        desk.store.close()
    detail = f"{TERMINALS} receipts in batches of {BATCH}, {1e6 * took / TERMINALS:.2f} µs CPU each"
    yield result("warnings.fanout_per_s", TERMINALS / took, "1/s", "higher", "none", detail, goal=20_000)


class _Million:
    """A million entities of five types over a city; nothing changes while it is measured."""

    def seq(self) -> int:
        return 1

    def places(self) -> Iterator[Sequence[Standing]]:
        chance = random.Random(4)
        for start in range(0, ENTITIES, 50_000):
            yield [
                (n, f"Type{n % 5}", 115.9 + chance.random(), 39.5 + chance.random())
                for n in range(start, start + 50_000)
            ]

    def changed(self, after: int, upto: int, kinds: Collection[str], limit: int) -> list[str]:
        return []

    def standing(self, ids: Iterable[str]) -> Mapping[str, tuple[int, Standing | None]]:
        return {}

    def documents(self, numbers: Sequence[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        yield from ()


def area() -> Iterator[Result]:
    """[warnings.area_ms]: what stands in a polygon of 10,000 vertices over a million entities, checked point by point."""
    import numpy as np
    import shapely

    ring = wiggly(VERTICES)
    atlas = Atlas(_Million(), {})
    start = time.process_time()
    atlas.count(Region([Shape([ring])]))
    first = time.process_time() - start
    took = []
    for _ in range(ASKED):
        start = time.process_time()
        found = atlas.count(Region([Shape([ring])]))
        took.append(time.process_time() - start)
    pages = np.array([(each[2], each[3]) for page in _Million().places() for each in page])
    polygon = shapely.Polygon(ring)
    shapely.prepare(polygon)
    assert sum(found.types.values()) == int(shapely.intersects_xy(polygon, pages[:, 0], pages[:, 1]).sum())
    median = 1000 * sorted(took)[ASKED // 2]
    detail = f"{sum(found.types.values())} of {ENTITIES} inside; the first question, which makes the columns: {first:.1f} s CPU"
    yield result("warnings.area_ms", median, "ms", "lower", "none", detail, goal=200)


def wiggly(vertices: int) -> list[tuple[float, float]]:
    """A closed ring whose edge goes in and out all the way round."""
    chance = random.Random(1)
    turns = [2 * pi * number / vertices for number in range(vertices)]
    far = [0.38 + 0.08 * sin(7 * turn) + 0.01 * chance.random() for turn in turns]
    ring = [(116.4 + r * cos(turn), 40.0 + r * sin(turn)) for r, turn in zip(far, turns, strict=True)]
    return [*ring, ring[0]]
