"""Temporal queries of NGSI-LD: aggregates of one long series and of the whole month."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np

from bench.history import DAYS, ENTITIES, HOUR_US, SENSORS, START, batch, compact, filled, month
from bench.measure import Result, interleaved, result
from quanyu.adapters.lake.log import DeltaLog
from quanyu.adapters.lake.parquet import connect
from quanyu.adapters.lake.store import LakeStore
from quanyu.engines.history.store import TemporalIndex
from quanyu.engines.history.temporal import TemporalView
from quanyu.kernel.entity import Document, Observations
from quanyu.kernel.journal import Record
from quanyu.kernel.temporal import Method, TemporalQuery, parse_period
from quanyu.kernel.view import EVERYTHING, Entities, Filter, Page, Selection

INSTANCES, STEP_US, RECORDS = 100_000, 60_000_000, 50
END = START + DAYS * 24 * HOUR_US
SUMS: tuple[Method, ...] = ("avg", "max")


class Sensors:
    """The entities that stand, without a state store."""

    def find(self, id: str, scope: Filter, sys: bool = False) -> Document:
        """Return a sensor."""
        return {"id": id, "type": "Sensor"}

    def select(self, selection: Selection, scope: Filter) -> Page:
        """Return sensors in their order."""
        part = ENTITIES[selection.after : selection.after + selection.limit]
        after = selection.after + len(part)
        return Page([self.find(id, scope) for id in part], str(after) if after < len(ENTITIES) else None)


class NoTables:
    """A past of numbers alone."""

    def series(self, entity: str) -> list[Any]:
        """Return none."""
        return []

    def described(self, entity: str, tells: int, limit: int, start: int = 0, end: int = 0) -> list[int]:
        """Return none."""
        return []

    def births(self, entities: list[str]) -> dict[str, Any]:
        """Return none."""
        return {}

    def records(self, seqs: list[int]) -> list[Record]:
        """Return none."""
        return []

    def temporal(self, id: str) -> None:
        """Return none."""

    def departed(self, id: str) -> None:
        """Return none."""

    def others(self, after: str, limit: int) -> list[Any]:
        """Return none."""
        return []


def aggregate() -> Iterator[Result]:
    """[temporal.agg_ms]: hourly means and maxima of one sensor's 100,000 instances, of unknown beginning."""
    chance = np.random.default_rng(3)

    def records() -> Iterator[Record]:
        size = INSTANCES // RECORDS
        for number in range(RECORDS):
            times = START + (number * size + np.arange(size)) * STEP_US
            code = np.zeros(size, np.int32)
            columns = Observations(
                ENTITIES[:1], ("temperature",), code, code, times, np.round(chance.normal(20, 5, size), 1)
            )
            yield batch(number + 1, START, "measured:gateway", columns)

    with tempfile.TemporaryDirectory(prefix="quanyu-bench-") as folder:
        reader = filled(Path(folder) / "lake", records())
        compact(reader)
        view = TemporalView(reader, cast(TemporalIndex, NoTables()), cast(Entities, Sensors()))
        query = TemporalQuery(values_only=True, methods=SUMS, period=parse_period("PT1H"))

        def ours() -> None:
            found = view.find(ENTITIES[0], query, EVERYTHING)
            assert found is not None
            assert len(found.items[0]["temperature"]["avg"]) == -(-INSTANCES // 60)

        mine, _ = interleaved(ours, lambda: None, 9)
    yield result(
        "temporal.agg_ms", mine * 1e3, "ms", "lower", "one broker publishes 42 such requests/s on 8 CPU",
        f"{INSTANCES:,} instances in hourly periods, CPU of all threads", 50.0,
    )  # fmt: skip


def aggregate_month() -> Iterator[Result]:
    """[temporal.agg_ratio]: daily means and maxima of all sensors of the month, against SQL on the same files."""
    reader, _ = month()
    store = reader.store
    assert isinstance(store, LakeStore)
    view = TemporalView(reader, cast(TemporalIndex, NoTables()), cast(Entities, Sensors()))
    query = TemporalQuery(
        timed=True, start=START, end=END, values_only=True, methods=SUMS, period=parse_period("P1D"),
        attrs=("temperature",), limit=SENSORS,
    )  # fmt: skip
    paths = [str(store.table / file.path) for file in DeltaLog(store.table).version().files]
    bare = connect(store.lake / "scratch", 2, 1024)

    def ours() -> None:
        found = view.query(query, EVERYTHING)
        assert len(found.items) == SENSORS
        assert len(found.items[0]["temperature"]["avg"]) == DAYS

    def peer() -> None:
        bare.execute(
            "SELECT entity, (epoch_us(observed_at) - ?) // 86400000000 AS day, avg(value) AS mean, max(value) AS most"
            " FROM read_parquet(?) WHERE attribute = 'temperature' AND observed_at >= make_timestamptz(?)"
            " AND observed_at < make_timestamptz(?) GROUP BY ALL",
            [START, paths, START, END],
        ).fetchnumpy()

    mine, other = interleaved(ours, peer)
    yield result(
        "temporal.agg_ratio", mine / other, "ratio", "lower", "hand-written DuckDB SQL on the same sorted files",
        f"{mine * 1e3:.0f} ms CPU against {other * 1e3:.0f}, {store.statistics().rows:,} rows, {SENSORS:,} entities", 1.5,
    )  # fmt: skip
