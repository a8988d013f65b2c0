"""Compaction, run as `python -m quanyu.adapters.lake.compact TABLE` with a request on standard input.

Many small files become few sorted ones, a period of whole months each; replaced values and struck instances are
folded away. Crash-safe at any instant: the new files are durable before one transaction puts them in the place of the
old ones; before it they are orphans that a later sweep deletes, after it the old ones are kept for the grace period
of readers and backups.
"""

from __future__ import annotations

import fcntl
import os
import sys
import uuid
from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from quanyu.adapters.lake.log import SINGLE, DataFile, DeltaLog, sync
from quanyu.adapters.lake.parquet import FORMAT, connect
from quanyu.adapters.lake.query import FORGOTTEN, contested, meetings
from quanyu.engines.history.store import Forgotten, Struck

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SMALL_ROWS = 1_000_000
"""Smaller files are merged; a period gathers months until it has as many rows."""

CHECKPOINT_EVERY = 100
MEMORY_MB = 1024
_KEY = "entity, attribute, dataset, observed_at"


class Request(msgspec.Struct, frozen=True):
    """What the hub asks: instances struck so far, whether to fold all that they touch, how long replaced files stay.

    `forgotten`: entity, attribute ("" for all) and the seq before which rows go.
    """

    struck: tuple[tuple[int, int], ...] = ()
    everything: bool = False
    grace_hours: int = 1
    forgotten: tuple[tuple[str, str, int], ...] = ()


def wanted(
    files: Sequence[DataFile], *, everything: bool, struck: Struck, forgotten: Forgotten = ()
) -> tuple[DataFile, ...]:
    """Choose what to merge: the small files, joined by larger ones that share their time while these are no burden.

    A larger file is taken when it has at most twice the rows gathered so far, so a row is rewritten a logarithmic
    number of times. `everything` instead takes the files that hold corrections, struck instances or what was
    forgotten, with all that overlap them, and the small ones.
    """
    chosen = [file for file in files if file.rows < SMALL_ROWS]
    if everything:
        chosen += [file for file in files if file not in chosen and _folds(file, struck, forgotten)]
    rows = sum(file.rows for file in chosen)
    grown = True
    while grown:
        grown = False
        for file in sorted(set(files) - set(chosen), key=lambda file: file.rows):
            if any(file.overlaps(other) for other in chosen) and (everything or file.rows <= 2 * rows):
                chosen.append(file)
                rows += file.rows
                grown = True
    folding = any(_folds(file, struck, forgotten) for file in chosen)
    return tuple(chosen) if len(chosen) > 1 or (chosen and everything and folding) else ()


def compaction(table: Path, request: Request) -> Generator[str]:
    """Merge, commit, sweep; yields the name of each step when it is done, so that a test can stop at any."""
    log = DeltaLog(table)
    version = log.version()
    inputs = wanted(version.files, everything=request.everything, struck=request.struck, forgotten=request.forgotten)
    yield "chosen"
    if inputs:
        connection = connect(table.parent / "scratch", 1, MEMORY_MB)
        rest = set(version.files) - set(inputs)
        closed = not any(file.overlaps(other) for file in inputs for other in rest)
        rows, corrections = _standing(connection, table, inputs, request.struck if closed else ())
        rows = _left(connection, rows, request.forgotten)
        outputs = []
        for low, high in _periods(connection, rows):
            file = _written(connection, table, rows, low, high)
            outputs += [file] if file else []
            yield "written"
        log.commit(outputs, inputs, corrections=version.corrections + corrections)
        yield "committed"
    if log.checkpoint_age() >= CHECKPOINT_EVERY:
        log.checkpoint()
        yield "checkpointed"
    log.sweep(request.grace_hours)
    yield "swept"


def main(table: Path) -> int:
    """Compact unless another compaction holds the lock; steps done are printed, one a line."""
    os.nice(10)
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    with (table.parent / "compact.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 0
        for step in compaction(table, request):
            print(step, flush=True)  # noqa: T201 - what the parent may follow
    return 0


def _standing(
    connection: DuckDBPyConnection, table: Path, inputs: Sequence[DataFile], struck: Struck
) -> tuple[str, int]:
    """Name a view of the rows that stay; return its name and how many values were corrected.

    Struck instances may only be dropped when no other file can hold an older value of their key, which would then
    stand again.
    """
    hit = [pair for pair in struck if any(file.seqs[0] <= pair[0] <= file.seqs[1] for file in inputs)]
    stretches = contested([file.times for file in inputs if file.mixed or struck_in(file, hit)] + meetings(inputs))
    paths = [str(table / file.path) for file in inputs]
    files = connection.read_parquet(paths, hive_partitioning=False)
    files.create_view("files")
    inside = " OR ".join(
        f"observed_at BETWEEN make_timestamptz({low:d}) AND make_timestamptz({high:d})" for low, high in stretches
    )
    if not stretches:
        return "files", 0
    connection.execute('CREATE TABLE struck (seq BIGINT, "offset" INTEGER)')
    if hit:
        connection.executemany("INSERT INTO struck VALUES (?, ?)", [list(pair) for pair in hit])
    connection.execute(
        f"""CREATE VIEW standing AS
        SELECT * FROM files WHERE NOT ({inside}) UNION ALL
        SELECT * FROM (
            SELECT * FROM files WHERE {inside}
            QUALIFY row_number() OVER (PARTITION BY {_KEY} ORDER BY seq DESC, "offset" DESC) = 1
        ) ANTI JOIN struck USING (seq, "offset")"""  # noqa: S608 - integers and constants
    )
    corrected = connection.execute(
        f"""SELECT count(*) FROM (
            SELECT value <> lead(value) OVER (PARTITION BY {_KEY} ORDER BY seq, "offset") AS corrected
            FROM files WHERE {inside}
        ) WHERE corrected"""  # noqa: S608 - integers and constants
    ).fetchone()
    return "standing", corrected[0] if corrected else 0


def _left(connection: DuckDBPyConnection, rows: str, forgotten: Forgotten) -> str:
    """Name a view of the rows that were not forgotten."""
    if not forgotten:
        return rows
    connection.execute("CREATE TABLE forgotten (entity VARCHAR, attribute VARCHAR, upto BIGINT)")
    connection.executemany("INSERT INTO forgotten VALUES (?, ?, ?)", [list(row) for row in forgotten])
    connection.execute(f"CREATE VIEW remaining AS SELECT * FROM {rows} r WHERE {FORGOTTEN}")  # noqa: S608
    return "remaining"


def _periods(connection: DuckDBPyConnection, rows: str) -> Iterator[tuple[int, int]]:
    """Yield half-open stretches of whole UTC months, each with at least SMALL_ROWS rows but the last."""
    months = connection.execute(
        f"""SELECT year(t) AS year, month(t) AS month, count(*)
        FROM (SELECT make_timestamp(epoch_us(observed_at)) AS t FROM {rows})
        GROUP BY ALL ORDER BY ALL"""  # noqa: S608 - the name of a view of ours
    ).fetchall()
    low, gathered = -(2**62), 0
    for i, (year, month, number) in enumerate(months):
        gathered += number
        if i == len(months) - 1:
            yield low, 2**62
        elif gathered >= SMALL_ROWS and 1 <= year < 9999:
            following = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
            high = int(following.timestamp()) * 1_000_000
            yield low, high
            low, gathered = high, 0


def _written(connection: DuckDBPyConnection, table: Path, rows: str, low: int, high: int) -> DataFile | None:
    """Write the rows of one period, sorted, durably; None when none stays."""
    name = f"{SINGLE}-{uuid.uuid4().hex}.parquet"
    path = table / name
    connection.execute(
        f"""COPY (
            SELECT * FROM {rows}
            WHERE observed_at >= make_timestamptz({low:d}) AND observed_at < make_timestamptz({high:d})
            ORDER BY {_KEY}
        ) TO '{_quoted(path)}' {FORMAT}"""  # noqa: S608 - integers, our own names, a quoted path
    )
    sync(path)
    sync(table)
    ends = connection.execute(
        """SELECT count(*), min(entity), max(entity), min(attribute), max(attribute),
            epoch_us(min(observed_at)), epoch_us(max(observed_at)), min(seq), max(seq)
        FROM read_parquet($path)""",
        {"path": str(path)},
    ).fetchone()
    if not ends or not ends[0]:
        path.unlink()
        return None
    return DataFile(name, ends[0], path.stat().st_size, ends[1:3], ends[3:5], ends[5:7], ends[7:9])


def struck_in(file: DataFile, struck: Struck) -> bool:
    """Whether a struck instance may stand in the file."""
    return any(file.seqs[0] <= seq <= file.seqs[1] for seq, _ in struck)


def forgotten_in(file: DataFile, forgotten: Forgotten) -> bool:
    """Whether rows that were forgotten may stand in the file."""
    return any(
        file.seqs[0] < upto
        and file.entities[0] <= entity <= file.entities[1]
        and (not attribute or file.attributes[0] <= attribute <= file.attributes[1])
        for entity, attribute, upto in forgotten
    )


def _folds(file: DataFile, struck: Struck, forgotten: Forgotten) -> bool:
    return file.mixed or struck_in(file, struck) or forgotten_in(file, forgotten)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
