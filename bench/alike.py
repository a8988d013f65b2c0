"""The search for reports of one matter in a city that has a million of them."""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import apsw

from bench.measure import Result, result
from quanyu.adapters.sqlite.alike import SCHEMA, SqliteAlike
from quanyu.adapters.sqlite.store import declaration
from quanyu.engines.cases.alike.near import Bounds, candidates
from quanyu.engines.cases.alike.reader import AlikeReader
from quanyu.engines.cases.alike.spots import Spot, cell_of
from quanyu.kernel.likeness import HOUR_US, letters_of
from tests.reports_day import MORNING, SAYINGS, STREETS

REPORTS = 1_000_000
DAYS = 30
ASKED = 300
WEST, SOUTH, WIDTH, HEIGHT = 116.2, 39.75, 0.4, 0.35
"""A built-up area of about 34 by 39 kilometres."""


def _spots(chance: random.Random, count: int) -> Iterator[Spot]:
    codes = list(SAYINGS)
    for serial in range(count):
        # Half of all reports come from a tenth of the ground.
        share = 0.1 if chance.random() < 0.5 else 1.0
        lon, lat = WEST + chance.random() * WIDTH * share, SOUTH + chance.random() * HEIGHT
        code = chance.choice(codes)
        text = chance.choice(SAYINGS[code]).format(where=f"{chance.choice(STREETS)}{chance.randrange(300)}号")
        at = MORNING - chance.randrange(DAYS * 24 * HOUR_US)
        cell = cell_of(lon, lat, None)
        yield Spot(cell, at, serial, lon, lat, "grid_case", code, "110105", 0, "", letters_of(text))


def duplicates() -> Iterator[Result]:
    """[cases.duplicates_ms]: one search by place, time and words among a million open reports."""
    chance = random.Random(5)
    with tempfile.TemporaryDirectory() as name:
        database = apsw.Connection(str(Path(name) / "alike.db"))
        database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536")
        for table in AlikeReader.tables:
            database.execute(declaration(table))
        database.execute(SCHEMA)
        with database:
            database.executemany("INSERT INTO case_spot VALUES (?,?,?,?,?,?,?,?,?,?,?)", _spots(chance, REPORTS))
        store = SqliteAlike(lambda: database)
        bounds = Bounds()
        took, found = [], 0
        for new in _spots(chance, ASKED):
            spot = new._replace(serial=-1, at=MORNING)
            start = time.process_time()
            found += len(candidates(store, spot, bounds.weights, (), bounds.suggest))
            took.append((time.process_time() - start) * 1000)
        worst = statistics.quantiles(took, n=20)[-1]
        detail = (
            f"{REPORTS:,} open reports of {DAYS} days; {found / ASKED:.1f} found a search, 95 % within {worst:.2f} ms"
        )
        yield result("cases.duplicates_ms", statistics.fmean(took), "ms", "lower", "-", detail, 5)
