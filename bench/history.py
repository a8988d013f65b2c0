"""The history against an indexed row store and hand-written SQL, and what a row costs on the disk."""

from __future__ import annotations

import csv
import gzip
import os
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path

import apsw
import numpy as np

from bench.measure import Result, interleaved, result
from quanyu.adapters.lake.log import DeltaLog
from quanyu.adapters.lake.parquet import connect
from quanyu.adapters.lake.store import LakeStore
from quanyu.engines.history.columns import Words, gather
from quanyu.engines.history.engine import HistoryReader
from quanyu.engines.history.view import HistoryView
from quanyu.kernel.entity import Observations, body_of
from quanyu.kernel.journal import Record, Row, Table

DATA = Path(os.environ.get("QUANYU_BENCH_DATA", "../shared/data"))
SENSORS, DAYS, STEP_US, START = 2_315, 30, 600_000_000, 1_772_294_400_000_000
TICKS = DAYS * 144
ENTITIES = tuple(f"urn:ngsi-ld:Sensor:{number:05d}" for number in range(SENSORS))
APPEND_TICKS = 200
HOUR_US = 3_600_000_000
AIR = {"PM2.5": "pm25", "PM10": "pm10", "SO2": "so2", "NO2": "no2", "CO": "co", "O3": "o3", "TEMP": "temperature",
       "PRES": "pressure", "DEWP": "dewPoint", "RAIN": "rain", "WSPM": "windSpeed"}  # fmt: skip
AIR_BATCH = 1_000
BEIJING = timezone(timedelta(hours=8))


class Nothing:
    """A reader's state that is empty."""

    def rows(self, table: Table) -> Iterable[Row]:
        """Return no rows."""
        return ()


def batch(seq: int, at: int, provenance: str, observations: Observations) -> Record:
    """Return a record as the journal gives it."""
    return Record(seq, at, "token:gateway", "observed", 1, "gateway", body_of(observations), None, provenance)


def jittered(ticks: int = TICKS) -> Iterator[Record]:
    """Every sensor every ten minutes within a second, one value in a hundred missing, one decimal; a record a tick.

    A tick's record is committed up to 50 ms after its second has passed.
    """
    chance = np.random.default_rng(7)
    middle = chance.normal(20, 5, SENSORS)
    for tick in range(ticks):
        entity = np.flatnonzero(chance.random(SENSORS) >= 0.01).astype(np.int32)
        times = START + tick * STEP_US + chance.integers(0, 1_000_000, len(entity))
        day = 8 * np.sin(tick % 144 / 144 * 2 * np.pi)
        value = np.round(middle[entity] + day + chance.normal(0, 2, len(entity)), 1)
        at = START + tick * STEP_US + 1_000_000 + int(chance.integers(0, 50_000))
        columns = Observations(
            ENTITIES, ("temperature",), entity, np.zeros_like(entity), times, value, {"temperature": "CEL"}
        )
        yield batch(tick + 1, at, "measured:gateway", columns)


def air() -> Iterator[Record]:
    """The real air set as an import gives it: station by station, hour by hour, a thousand values a record."""
    seq = 0
    entity, attribute, times, value = [], [], [], []
    stations = sorted((DATA / "beijing-air").glob("*.csv.gz"))
    names = tuple(f"urn:ngsi-ld:AirQualityObserved:{path.name.split('_')[1].lower()}" for path in stations)
    for number, path in enumerate(stations):
        with gzip.open(path, "rt") as file:
            for row in csv.DictReader(file):
                hour = datetime(int(row["year"]), int(row["month"]), int(row["day"]), int(row["hour"]), tzinfo=BEIJING)
                for column, name in enumerate(AIR):
                    if row[name] == "NA":
                        continue
                    entity.append(number)
                    attribute.append(column)
                    times.append(int(hour.timestamp()) * 1_000_000)
                    value.append(float(row[name]))
                if len(value) >= AIR_BATCH:
                    seq += 1
                    columns = Observations(names, tuple(AIR.values()), entity, attribute, times, value)
                    yield batch(seq, START + seq * 15_013, "measured:import", columns)
                    entity, attribute, times, value = [], [], [], []
    columns = Observations(names, tuple(AIR.values()), entity, attribute, times, value)
    yield batch(seq + 1, START, "measured:import", columns)


def filled(lake: Path, records: Iterable[Record]) -> HistoryReader:
    """Read records into a lake as the hub does, flush the rest, compact."""
    reader = HistoryReader(LakeStore(lake, grace_hours=0, compact_at_files=10_000), Nothing())
    for record in records:
        reader.read([record], record.at)
    reader.flush()
    return reader


@cache
def month() -> tuple[HistoryReader, tempfile.TemporaryDirectory[str]]:
    """Return the history of the jittered month, compacted; made once a run."""
    folder = tempfile.TemporaryDirectory(prefix="quanyu-bench-")
    reader = filled(Path(folder.name) / "lake", jittered())
    compact(reader)
    return reader, folder


def compact(reader: HistoryReader) -> None:
    """Compact in the child process and wait."""
    store = reader.store
    assert isinstance(store, LakeStore)
    store.compact(())
    assert store.settle() == 0


def append() -> Iterator[Result]:
    """[history.append]: rows from journal records to a durable file, against rows into an indexed SQLite table."""
    records = list(jittered(APPEND_TICKS))
    words = Words()
    batches = [rows_of(record, words) for record in records]
    count = sum(len(rows) for rows in batches)
    with tempfile.TemporaryDirectory(prefix="quanyu-bench-") as folder:
        number = iter(range(1_000))

        def ours() -> None:
            reader = filled(Path(folder) / f"lake{next(number)}", records)
            assert isinstance(reader.store, LakeStore)
            reader.store.close()

        def peer() -> None:
            connection = apsw.Connection(f"{folder}/rows{next(number)}.db")
            connection.execute("PRAGMA journal_mode = wal; PRAGMA synchronous = full")
            connection.execute(
                "CREATE TABLE observation (entity TEXT, attribute TEXT, dataset TEXT, observed_at INTEGER, at INTEGER,"
                " value REAL, unit TEXT, quality TEXT, source TEXT, seq INTEGER, offset INTEGER);"
                "CREATE INDEX by_time ON observation (observed_at);"
                "CREATE INDEX by_entity ON observation (entity, attribute, observed_at)"
            )
            for rows in batches:
                with connection:
                    connection.executemany("INSERT INTO observation VALUES (?,?,?,?,?,?,?,?,?,?,?)", rows)
            connection.close()

        mine, other = interleaved(ours, peer)
    yield result(
        "history.append", other / mine, "x", "higher", "executemany into SQLite with time and entity index",
        f"{count / mine:,.0f} rows/s CPU against {count / other:,.0f}, {count:,} rows, files synced", 4.0,
    )  # fmt: skip


def rows_of(record: Record, words: Words) -> list[Row]:
    """Return the rows of a record as a row store takes them."""
    rows = gather([record], words)
    names = words.names
    return [
        (names[e], names[a], "", t, record.at, v, names[u], names[q], names[s], record.seq, o)
        for e, a, t, v, u, q, s, o in zip(
            rows.entity.tolist(), rows.attribute.tolist(), rows.observed_at.tolist(), rows.value.tolist(),
            rows.unit.tolist(), rows.quality.tolist(), rows.source.tolist(), rows.offset.tolist(), strict=True,
        )
    ]  # fmt: skip


def hourly() -> Iterator[Result]:
    """[history.hourly]: hourly means of 100 sensors over the month, through the view, against SQL on the same files."""
    reader, _ = month()
    store = reader.store
    assert isinstance(store, LakeStore)
    view = HistoryView(reader)
    entities = ENTITIES[::23][:100]
    end = START + DAYS * 24 * HOUR_US
    paths = [str(store.table / file.path) for file in DeltaLog(store.table).version().files]
    bare = connect(store.lake / "scratch", 2, 1024)
    marks = ", ".join("?" for _ in entities)

    def ours() -> None:
        series = view.buckets(entities, "temperature", START, end, HOUR_US)
        assert len(series) == 100
        assert len(series[0].value) == DAYS * 24

    def peer() -> None:
        bare.execute(
            "SELECT entity, time_bucket(INTERVAL 1 HOUR, observed_at) AS hour, avg(value) AS mean FROM read_parquet(?)"
            f" WHERE entity IN ({marks}) AND attribute = 'temperature' AND observed_at >= make_timestamptz(?)"
            " AND observed_at < make_timestamptz(?) GROUP BY ALL",
            [paths, *entities, START, end],
        ).fetchnumpy()

    mine, other = interleaved(ours, peer, 9)
    rows = store.statistics().rows
    yield result(
        "history.hourly", mine / other, "ratio", "lower", "hand-written DuckDB SQL on the same sorted files",
        f"{mine * 1e3:.0f} ms CPU against {other * 1e3:.0f}, {rows:,} rows in {len(paths)} files", 1.3,
    )  # fmt: skip
    day = START + 24 * HOUR_US

    def one() -> None:
        assert len(view.series(ENTITIES[1_000], "temperature", START, day).value) > 100

    def bare_one() -> None:
        bare.execute(
            "SELECT observed_at, value FROM read_parquet(?) WHERE entity = ? AND attribute = 'temperature'"
            " AND observed_at >= make_timestamptz(?) AND observed_at < make_timestamptz(?) ORDER BY 1",
            [paths, ENTITIES[1_000], START, day],
        ).fetchnumpy()

    mine, other = interleaved(one, bare_one, 9)
    yield result(
        "history.series", mine / other, "ratio", "lower", "hand-written DuckDB SQL on the same sorted files",
        f"one sensor, one day: {mine * 1e3:.1f} ms CPU against {other * 1e3:.1f}",
    )  # fmt: skip


def bytes_row() -> Iterator[Result]:
    """[history.bytes_row]: the jittered month with every column, after compaction."""
    reader, _ = month()
    found = reader.store.statistics()
    yield result(
        "history.bytes_row", found.bytes / found.rows, "bytes", "lower", "entropy of times and values: 3.3",
        f"{found.rows:,} rows, 11 columns, {found.files} files", 5.5,
    )  # fmt: skip


def bytes_air() -> Iterator[Result]:
    """[history.bytes_air]: three years of hourly air and weather at twelve stations of Beijing, after compaction."""
    with tempfile.TemporaryDirectory(prefix="quanyu-bench-") as folder:
        reader = filled(Path(folder) / "lake", air())
        before = reader.store.statistics()
        compact(reader)
        found = reader.store.statistics()
        yield result(
            "history.bytes_air", found.bytes / found.rows, "bytes", "lower", "prototype: 1.4 to 2.3",
            f"{found.rows:,} rows, 11 columns, {found.files} files; {before.bytes / before.rows:.2f} before compaction",
            3.0,
        )  # fmt: skip
