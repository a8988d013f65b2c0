"""The lake as the history's store: appends, reads, upkeep."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from quanyu.adapters.lake.compact import SMALL_ROWS, Request, wanted
from quanyu.adapters.lake.evolution import (
    grouped,
    instances,
    series,
    tail_grouped,
    tail_instances,
    tail_series,
)
from quanyu.adapters.lake.log import MIXED, SINGLE, DeltaLog, Version
from quanyu.adapters.lake.parquet import connect, write_rows
from quanyu.adapters.lake.query import fetch, plan
from quanyu.adapters.lake.tail import folded as tail_folded
from quanyu.adapters.lake.tail import points as tail_points
from quanyu.engines.history.columns import Rows, sorted_rows
from quanyu.engines.history.store import (
    Folded,
    Forgotten,
    Found,
    Grouping,
    Groups,
    Points,
    SeriesEnds,
    Slice,
    Snapshot,
    Statistics,
    Struck,
    Window,
)
from quanyu.kernel.errors import Unavailable
from quanyu.kernel.view import Fold

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

COMPACT_AT_FILES = 32
GRACE_HOURS = 1
PACKAGES = os.pathsep.join(path for path in sys.path if path)
"""Where the child finds what this process found."""

NOTHING = Version(-1, (), 0, 0)

_VALUE: dict[Fold, str] = {
    "mean": "sum(value)",
    "sum": "sum(value)",
    "min": "min(value)",
    "max": "max(value)",
    "count": "count(*)::DOUBLE",
}


class LakeStore:
    """Implements `HistoryStore` on `<home>/lake`. Reads run in any thread and hold on to one version of the table.

    Nothing is opened before the first call. `close` stops a compaction under way, which is safe at any instant.
    `before_append` makes the journal durable where it is not yet: the lake must not know what the journal may forget.
    """

    def __init__(
        self,
        lake: Path,
        *,
        threads: int = 2,
        memory_mb: int = 1024,
        compact_at_files: int = COMPACT_AT_FILES,
        grace_hours: int = GRACE_HOURS,
        before_append: Callable[[], None] = lambda: None,
    ) -> None:
        self.lake = lake
        self.table = lake / "observations"
        self._log = DeltaLog(self.table)
        self._threads, self._memory_mb = threads, memory_mb
        self._compact_at_files, self._grace_hours = compact_at_files, grace_hours
        self._before_append = before_append
        self._lock = threading.Lock()
        self._version: Version | None = None
        self._connection: DuckDBPyConnection | None = None
        self._child: subprocess.Popen[bytes] | None = None

    def last_seq(self) -> int:
        """Return the Delta application transaction version: the last seq whose rows are in the table."""
        return self._current().last_seq

    def append(self, rows: Rows, seq: int) -> None:
        """Write the rows as one file and commit it together with `seq`; file, log and directories are synced."""
        self._before_append()
        self._current()
        ordered, single = sorted_rows(rows)
        name = f"{SINGLE if single else MIXED}-{uuid.uuid4().hex}.parquet"
        try:
            if not self._log.exists():
                self._log.create()
            self._log.commit([write_rows(self._database(), self.table, name, ordered)], seq=seq)
        except OSError as error:
            raise Unavailable(
                f"The disk refuses the history's file {name}: {_plain(error)}.",
                code="lake.disk",
                where=str(self.table),
                remedy="Free space or mend the disk; the rows are kept in memory and in the journal meanwhile.",
            ) from error
        self.refresh()

    def points(self, window: Window, tail: Rows, struck: Struck, limit: int) -> Points:
        """Return the standing values of one entity in time order, at most `limit`."""
        rows = plan(self._current(), window, tail, struck)
        if not rows.files and not len(rows.tail):
            none = np.empty(0, np.int64)
            return Points(none, np.empty(0), none, none.astype(np.int32), None, None)
        if not rows.files:
            return tail_points(rows, limit)
        select = 'SELECT t, value, seq, "offset", unit, quality FROM rows ORDER BY t LIMIT $limit'
        found = fetch(self._database(), rows, self.table, select, {"limit": limit})
        unit, quality = (_last_word(found[name]) for name in ("unit", "quality"))
        return Points(found["t"], found["value"], found["seq"], found["offset"], unit, quality)

    def folded(self, window: Window, width_us: int, fold: Fold, tail: Rows, struck: Struck) -> Folded:
        """Return one row per entity and bucket that has values; the entities are those asked for, or those found."""
        rows = plan(self._current(), window, tail, struck)
        names = window.entities or ()
        if not rows.files and not len(rows.tail):
            none = np.empty(0, np.int64)
            return Folded(names, none, none, np.empty(0), none)
        if not rows.files:
            return tail_folded(rows, width_us, fold)
        select = (
            f"SELECT entity, (t - $start) // $width AS bucket, {_VALUE[fold]} AS value, count(*) AS number"  # noqa: S608
            " FROM rows GROUP BY ALL"
        )
        values: dict[str, Any] = {"width": width_us}
        if window.entities is None:
            found = fetch(self._database(), rows, self.table, select, values)
            names = tuple(found["entity"].tolist())
            place = np.arange(len(names))
        else:
            values["names"] = list(names)
            select = (
                f"SELECT place - 1 AS place, bucket, value, number FROM ({select})"  # noqa: S608
                " JOIN (SELECT unnest($names::VARCHAR[]) AS entity, generate_subscripts($names::VARCHAR[], 1) AS place)"
                " USING (entity)"
            )
            found = fetch(self._database(), rows, self.table, select, values)
            place = found["place"]
        return Folded(names, place, found["bucket"], found["value"], found["number"])

    def instances(self, window: Window, tail: Rows, struck: Struck, part: Slice) -> Found:
        """Return a part of the standing instances, whole instants, in the order of time."""
        rows = plan(self._current(), window, tail, struck)
        if not rows.files:
            return tail_instances(rows, part)
        return instances(self._database(), rows, self.table, part)

    def grouped(self, window: Window, tail: Rows, struck: Struck, grouping: Grouping) -> Groups:
        """Return standing values folded by entity, attribute and period."""
        rows = plan(self._current(), window, tail, struck)
        if not rows.files:
            return tail_grouped(rows, grouping)
        return grouped(self._database(), rows, self.table, grouping)

    def series(self, window: Window, tail: Rows, struck: Struck, most: int) -> list[SeriesEnds]:
        """Return the series that have standing instances, each with the first and last time."""
        rows = plan(self._current(), window, tail, struck)
        if not rows.files:
            return tail_series(rows, most)
        return series(self._database(), rows, self.table, most)

    def maintain(self, struck: Struck, forgotten: Forgotten = ()) -> None:
        """Start a compaction when enough small files gathered; take note when one has ended."""
        if self._child is not None:
            if self._child.poll() is None:
                return
            self._child = None
            self.refresh()
        small = [file for file in self._current().files if file.rows < SMALL_ROWS]
        if len(small) >= self._compact_at_files:
            self.compact(struck, forgotten)

    def compact(self, struck: Struck, forgotten: Forgotten = (), *, everything: bool = False) -> None:
        """Start a compaction in a child process; `everything` also folds files that hold what must go (erasure)."""
        version = self._current()
        inputs = wanted(version.files, everything=everything, struck=struck, forgotten=forgotten)
        if self._child is not None or not inputs:
            return
        request = Request(tuple(struck), everything, self._grace_hours, tuple(forgotten))
        self._child = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "quanyu.adapters.lake.compact", str(self.table)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": PACKAGES},
        )
        assert self._child.stdin is not None
        self._child.stdin.write(msgspec.json.encode(request))
        self._child.stdin.close()

    def settle(self, timeout_s: float = 600) -> int:
        """Wait for a compaction under way and return its exit code (0 when none was)."""
        if self._child is None:
            return 0
        code = self._child.wait(timeout_s)
        self._child = None
        self.refresh()
        return code

    def statistics(self) -> Statistics:
        """Return sizes from the log's statistics; no file is opened."""
        version = self._current()
        return Statistics(
            rows=sum(file.rows for file in version.files),
            files=len(version.files),
            bytes=sum(file.bytes for file in version.files),
            last_seq=version.last_seq,
            corrections=version.corrections,
        )

    def snapshot(self, seq: int) -> Snapshot:
        """Return the files of the newest version with no row after `seq`, the last seq of the store's own snapshot.

        Take the snapshot of the store first: whatever its cursor had passed is then in this version, and what this
        version has more is skipped when it is read again. Raises Missing when so old a version is no longer there.
        """
        from quanyu.adapters.lake.check import snapshot_of

        return snapshot_of(self._log, seq)

    def refresh(self) -> Version:
        """Look at the log again; reads that began keep the version they have."""
        with self._lock:
            self._version = self._log.version() if self._log.exists() else NOTHING
            return self._version

    def close(self) -> None:
        """Stop the child and let go of DuckDB."""
        if self._child is not None:
            self._child.terminate()
            self._child.wait()
            self._child = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _current(self) -> Version:
        if self._version is None:
            if self.table.exists():
                self._log.mend()
            return self.refresh()
        return self._version

    def _database(self) -> DuckDBPyConnection:
        with self._lock:
            if self._connection is None:
                self._connection = connect(self.lake / "scratch", self._threads, self._memory_mb)
            return self._connection


def _plain(error: Exception) -> str:
    """Return an error's text as one line without the colours that libraries put in for terminals."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m|↳", " ", str(error)).split()).rstrip(" .")


def _last_word(column: Any) -> str | None:
    """Return the last word of a column that may be masked or empty."""
    if not len(column):
        return None
    word = column[-1]
    return word if isinstance(word, str) else None
