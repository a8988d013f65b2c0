"""What `quanyu check` and `quanyu backup` need from the lake: findings, and the files of one version."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from quanyu.adapters.lake.log import DataFile, DeltaLog, version_of
from quanyu.adapters.lake.parquet import connect
from quanyu.engines.history.store import Finding, Snapshot
from quanyu.kernel.errors import Missing

RESTORE = "Restore the history from a backup; what the journal still holds is read again from there."


def verify(lake: Path, mark: int) -> list[Finding]:
    """Compare the log with the disk, and its last seq with `mark`, the row `lake` of the reader's table `history_mark`.

    The lake may be ahead of the mark (the power went before the cursor moved, which heals by itself), never behind.
    """
    log = DeltaLog(lake / "observations")
    if not log.exists():
        return [_behind(0, mark, lake)] if mark else []
    version = log.version()
    findings = [finding for file in version.files for finding in _file_findings(log.table, file)]
    return findings + ([_behind(version.last_seq, mark, lake)] if version.last_seq < mark else [])


def snapshot_of(log: DeltaLog, seq: int) -> Snapshot:
    """Return the newest version whose last seq is not after `seq`; Missing when its files are no longer all there."""
    from deltalake import DeltaTable

    if not log.exists():
        return Snapshot(0, -1, ())
    delta = DeltaTable(log.table)
    version = version_of(delta)
    while version.last_seq > seq and version.number > 0:
        delta.load_as_version(version.number - 1)
        version = version_of(delta)
    files = [log.table / file.path for file in version.files]
    gone = [path for path in files if not path.exists()]
    if gone:
        raise Missing(
            f"The history as of seq {seq} is no longer complete: {gone[0].name} was swept.",
            code="lake.snapshot",
            where=str(log.table),
            remedy="Take the snapshot of the store again, then this one at once.",
        )
    home = log.table.parent.parent
    return Snapshot(
        version.last_seq,
        version.number,
        tuple(str(path.relative_to(home)) for path in [*files, *_log_files(log.table / "_delta_log", version.number)]),
    )


def _log_files(log: Path, number: int) -> Iterator[Path]:
    """Yield log files and checkpoints up to a version; the pointer to the last checkpoint is a hint and left out."""
    for path in sorted(log.iterdir()):
        head = path.name.partition(".")[0]
        if head.isdigit() and int(head) <= number:
            yield path


def _file_findings(table: Path, file: DataFile) -> Iterator[Finding]:
    path = table / file.path
    if not path.exists():
        yield Finding(
            "lake.file", f"File {file.path} of the history is gone, with {file.rows} rows.", str(path), RESTORE
        )
        return
    size = path.stat().st_size
    if size != file.bytes:
        yield Finding("lake.size", f"File {file.path} has {size} bytes, the log says {file.bytes}.", str(path), RESTORE)
        return
    import duckdb

    try:
        found = connect(table.parent / "scratch", 1, 256).execute(
            "SELECT count(value) FROM read_parquet(?)", [str(path)]
        )
        row = found.fetchone()
    except duckdb.Error as error:
        yield Finding("lake.unreadable", f"File {file.path} cannot be read: {error}.", str(path), RESTORE)
        return
    if row is None or row[0] != file.rows:
        yield Finding("lake.rows", f"File {file.path} has {row} rows, the log says {file.rows}.", str(path), RESTORE)


def _behind(last_seq: int, mark: int, lake: Path) -> Finding:
    return Finding(
        "lake.behind",
        f"The history ends at seq {last_seq}, but its reader has flushed up to {mark}: observations are missing.",
        str(lake),
        RESTORE,
    )
