"""The Delta log: which files are the table, committed so that a power cut at any instant leaves it whole.

The log is written by deltalake, which syncs nothing: every commit here syncs the data file and its directory before,
the log file and its directory after. What a cut may leave torn at the end of the log was never acknowledged and is
taken away on opening.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from quanyu.kernel.errors import Unavailable

if TYPE_CHECKING:
    from deltalake import DeltaTable, PostCommitHookProperties, Schema
    from deltalake.transaction import AddAction

SEQ = "quanyu.history"
"""Delta application id whose transaction version is the last journal seq in the table."""

CORRECTIONS = "quanyu.history.corrections"
"""Delta application id whose transaction version counts the replaced values folded away."""

COLUMNS = (
    ("entity", "string"),
    ("attribute", "string"),
    ("dataset", "string"),
    ("observed_at", "timestamp"),
    ("at", "timestamp"),
    ("value", "double"),
    ("unit", "string"),
    ("quality", "string"),
    ("source", "string"),
    ("seq", "long"),
    ("offset", "integer"),
)

SINGLE, MIXED = "single", "mixed"
"""First word of a file's name: every key once, or some keys with several values (corrections not yet folded)."""

ATTEMPTS_MAX = 20
_SETTINGS: dict[str, str | None] = {
    "delta.checkpointInterval": "1000000",
    "delta.logRetentionDuration": "interval 2 days",
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YEAR_1_S, YEAR_10000_S = -62_135_596_800, 253_402_300_800


class DataFile(msgspec.Struct, frozen=True):
    """A file of the table and what its statistics say; the ends are inclusive."""

    path: str
    rows: int
    bytes: int
    entities: tuple[str, str]
    attributes: tuple[str, str]
    times: tuple[int, int]
    seqs: tuple[int, int]

    @property
    def mixed(self) -> bool:
        """Whether a key may stand in it more than once."""
        return not self.path.startswith(SINGLE)

    def overlaps(self, other: DataFile) -> bool:
        """Whether both may hold the same key."""
        return (
            _meet(self.times, other.times)
            and _meet(self.entities, other.entities)
            and _meet(self.attributes, other.attributes)
        )


@dataclass(frozen=True, slots=True)
class Version:
    """The table at one version: what reads hold on to."""

    number: int
    files: tuple[DataFile, ...]
    last_seq: int
    corrections: int


class DeltaLog:
    """The log of one table; one process appends, one child at a time compacts, both through this class."""

    def __init__(self, table: Path) -> None:
        self.table = table
        self._delta: DeltaTable | None = None
        self._synced = -1

    def exists(self) -> bool:
        """Whether the table was ever created."""
        return (self.table / "_delta_log" / f"{0:020}.json").exists()

    def create(self) -> None:
        """Make the empty table, durably."""
        from deltalake import DeltaTable

        self.table.mkdir(parents=True, exist_ok=True)
        DeltaTable.create(self.table, _schema(), mode="ignore", configuration=_SETTINGS)
        self._sync_log()
        for directory in (self.table, self.table.parent, self.table.parent.parent):
            sync(directory)

    def version(self) -> Version:
        """Return the newest version."""
        from deltalake import DeltaTable

        if self._delta is None:
            self._delta = DeltaTable(self.table)
        else:
            self._delta.update_incremental()
        return version_of(self._delta)

    def commit(self, added: Sequence[DataFile], removed: Sequence[DataFile] = (), **marks: int) -> None:
        """Add and remove files in one transaction with the marks `seq` and `corrections`; durable on return.

        The added files must be durable already. A removal changes no data: it is compaction.
        """
        from deltalake import CommitProperties, Transaction
        from deltalake.exceptions import CommitFailedError
        from deltalake.transaction import RemoveAction

        now_ms = time.time_ns() // 1_000_000
        actions = [_added(file, now_ms, data_change=not removed) for file in added]
        removals = [RemoveAction(file.path, data_change=False, deletion_timestamp=now_ms) for file in removed]
        transactions = [
            Transaction({"seq": SEQ, "corrections": CORRECTIONS}[name], mark) for name, mark in marks.items()
        ]
        for attempt in range(ATTEMPTS_MAX):
            number = self.version().number
            assert self._delta is not None
            try:
                self._delta.create_write_transaction(
                    [*actions, *removals],
                    "append",
                    _schema(),
                    commit_properties=CommitProperties(app_transactions=transactions),
                    post_commithook_properties=_no_hooks(),
                )
                break
            except CommitFailedError as error:
                if attempt == ATTEMPTS_MAX - 1:
                    raise Unavailable(
                        f"The history's log {self.table} refuses version {number + 1}: {error}.",
                        code="lake.commit",
                        where=str(self.table),
                        remedy="See whether another process writes this home.",
                    ) from error
        self._sync_log()

    def checkpoint(self) -> None:
        """Write a checkpoint of the log, durably, and only then drop log files past their retention."""
        from deltalake import DeltaTable

        delta = DeltaTable(self.table)
        delta.create_checkpoint()
        for path in sorted((self.table / "_delta_log").glob("*checkpoint*")):
            sync(path)
        sync(self.table / "_delta_log")
        delta.cleanup_metadata()

    def checkpoint_age(self) -> int:
        """Return how many commits the last checkpoint is old."""
        pointer = self.table / "_delta_log" / "_last_checkpoint"
        last = msgspec.json.decode(pointer.read_bytes())["version"] if pointer.exists() else 0
        return self.version().number - int(last)

    def sweep(self, grace_hours: int) -> list[str]:
        """Delete files that left the table longer ago than the grace period, and orphans as old; return their names."""
        from deltalake import DeltaTable

        swept = DeltaTable(self.table).vacuum(
            grace_hours,
            dry_run=False,
            enforce_retention_duration=False,
            full=True,
            post_commithook_properties=_no_hooks(),
        )
        self._sync_log()
        return swept

    def mend(self) -> list[str]:
        """Take away the torn end that a power cut may leave: log files and checkpoints that cannot be read.

        A commit is acknowledged when everything before it is on the disk too, so nothing after a torn file was.
        """
        log = self.table / "_delta_log"
        commits = self._commits()
        torn = next((i for i, path in enumerate(commits) if not _readable(path)), len(commits))
        bad = commits[torn:] + [path for path in log.glob("*.checkpoint*.parquet") if not _whole(path)]
        pointer = log / "_last_checkpoint"
        if pointer.exists() and (bad or not _readable(pointer)):
            bad.append(pointer)
        for path in bad:
            path.unlink()
        if bad:
            sync(log)
        return [path.name for path in bad]

    def _commits(self) -> list[Path]:
        return sorted(path for path in (self.table / "_delta_log").glob("*.json") if path.stem.isdigit())

    def _sync_log(self) -> None:
        """Sync every log file since the last sync: a sweep's commits by another process may lie between ours."""
        for path in self._commits():
            if int(path.stem) > self._synced:
                sync(path)
                self._synced = int(path.stem)
        sync(self.table / "_delta_log")


def version_of(delta: DeltaTable) -> Version:
    """Return the files and marks of a loaded table; files without statistics count as covering everything."""
    actions = delta.get_add_actions(flatten=True)
    column = {name: actions.column(name).to_pylist() for name in _STATISTICS} if actions.num_rows else {}
    files = tuple(_data_file(*row) for row in zip(*column.values(), strict=True)) if column else ()
    return Version(
        number=delta.version(),
        files=tuple(sorted(files, key=lambda file: (file.times, file.path))),
        last_seq=delta.transaction_version(SEQ) or 0,
        corrections=delta.transaction_version(CORRECTIONS) or 0,
    )


def sync(path: Path) -> None:
    """Force a file or directory to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_RANGED = ("entity", "attribute", "observed_at", "seq")
_STATISTICS = ("path", "num_records", "size_bytes", *(f"{end}.{name}" for name in _RANGED for end in ("min", "max")))


def _data_file(
    path: str,
    rows: int,
    size: int,
    entity_min: str | None,
    entity_max: str | None,
    attribute_min: str | None,
    attribute_max: str | None,
    time_min: datetime | None,
    time_max: datetime | None,
    seq_min: int | None,
    seq_max: int | None,
) -> DataFile:
    return DataFile(
        path,
        rows,
        size,
        (entity_min or "", entity_max or chr(0x10FFFF)),
        (attribute_min or "", attribute_max or chr(0x10FFFF)),
        (-(2**62) if time_min is None else _micros(time_min), 2**62 if time_max is None else _micros(time_max)),
        (seq_min or 0, 2**62 if seq_max is None else seq_max),
    )


def _added(file: DataFile, now_ms: int, *, data_change: bool) -> AddAction:
    from deltalake.transaction import AddAction

    ends = [
        {
            "entity": file.entities[end],
            "attribute": file.attributes[end],
            "observed_at": _iso(file.times[end]),
            "seq": file.seqs[end],
        }
        for end in (0, 1)
    ]
    stats = {"numRecords": file.rows, "minValues": ends[0], "maxValues": ends[1], "nullCount": {}}
    return AddAction(file.path, file.bytes, {}, now_ms, data_change, msgspec.json.encode(stats).decode())


def _schema() -> Schema:
    from deltalake import Field, Schema
    from deltalake.schema import PrimitiveType

    return Schema([Field(name, PrimitiveType(kind), nullable=name == "unit") for name, kind in COLUMNS])


def _no_hooks() -> PostCommitHookProperties:
    from deltalake import PostCommitHookProperties

    return PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)


def _readable(path: Path) -> bool:
    text = path.read_bytes()
    try:
        for line in text.splitlines():
            msgspec.json.decode(line)
    except msgspec.DecodeError:
        return False
    return bool(text)


def _whole(path: Path) -> bool:
    """Whether a Parquet file has its end."""
    return path.stat().st_size > 8 and path.read_bytes()[-4:] == b"PAR1"


def _meet(one: tuple[Any, Any], other: tuple[Any, Any]) -> bool:
    return bool(one[0] <= other[1] and other[0] <= one[1])


def _iso(instant: int) -> str | None:
    """Return the instant as Delta writes it; None (no statistics) outside the years that it can write."""
    seconds, micros = divmod(instant, 1_000_000)
    if not YEAR_1_S <= seconds < YEAR_10000_S:
        return None
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{micros:06d}Z"


def _micros(moment: datetime) -> int:
    delta = moment - EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
