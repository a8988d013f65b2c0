"""Keeping a home: checkpoints, pruning, erasure, check, backup."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from quanyu.adapters.lake.check import verify
from quanyu.adapters.sqlite.snapshot import SqliteSnapshot
from quanyu.assembly.backup import DATABASE, Manifest, Progress, backup
from quanyu.assembly.check import Report, check
from quanyu.assembly.checkpoint import dump
from quanyu.assembly.erasure import brought_by
from quanyu.assembly.files import Files
from quanyu.assembly.hub import Hub
from quanyu.engines.history.tables import MARK
from quanyu.kernel.errors import Conflict, Unavailable
from quanyu.kernel.journal import Command, Engine, Receipt, Record, Stored

ORPHAN_AGE_S = 86_400.0
LAKE_CHECK = Callable[[], list[str]]


def checkpoint(hub: Hub, engines: Sequence[Engine]) -> int:
    """Dump the state as it stands now and record seq and digest; return that seq."""
    tables = [table for engine in engines for table in engine.tables]

    def settled() -> SqliteSnapshot:
        """Return the home as it stands between two groups, with no row waiting."""
        hub.settle()
        return SqliteSnapshot(hub.home / DATABASE)

    with hub.errand(settled) as snapshot, _written("checkpoint", hub.home / "checkpoints"):
        seq = snapshot.seq
        name = f"{seq:012d}.gz"
        digest, counts = dump(snapshot, tables, hub.home / "checkpoints" / name)
    body = {"seq": seq, "file": name, "digest": digest, "rows": counts}
    hub.commit_blocking([Command("journal.checkpoint", "checkpoint", body, "derived")], "system:keeping")
    return seq


def prune(hub: Hub, upto: int) -> int:
    """Forget telemetry bodies up to a seq that a checkpoint, every reader and the durable history have passed.

    Raises Conflict `prune.early` naming what has not passed it.
    """
    behind = {name: runner.cursor for name, runner in hub.runners.items() if runner.cursor < upto}
    checkpoints = [r.body["seq"] for r in hub.journal_read(0, 1_000_000, {"journal.checkpointed"}) if r.body]
    if not checkpoints or max(checkpoints) < upto:
        behind["checkpoint"] = max(checkpoints, default=0)
    if behind:
        raise Conflict(
            f"Telemetry up to {upto} is still needed by {', '.join(f'{k} (at {v})' for k, v in behind.items())}.",
            code="prune.early",
            remedy="Make a checkpoint and let the readers settle first.",
        )
    kinds = hub.telemetry_kinds
    return hub.errand(lambda: hub.store.prune(upto, kinds))  # type: ignore[attr-defined,no-any-return]


def erase(hub: Hub, person: str, reason: str, actor: str) -> Receipt:
    """Destroy a person's vault key and rows; the journal keeps that it was done, and why."""
    return hub.commit_blocking([Command("person.erase", person, {"reason": reason})], actor)


def check_home(
    home: Path,
    engines: Sequence[Engine],
    upcast: Callable[[Stored], Record],
    lake: LAKE_CHECK | None = None,
    progress: Progress = lambda text, share: None,
) -> Report:
    """Verify a home from a snapshot; nobody needs to stop."""
    looks: list[LAKE_CHECK] = [Files(home).faults]
    if lake is not None:
        looks.append(lake)
    with SqliteSnapshot(home / DATABASE) as snapshot:
        return check(home, snapshot, engines, upcast, looks, progress)


def check_hub(hub: Hub, progress: Progress = lambda text, share: None) -> Report:
    """Verify the home of a hub, its history included."""

    def lake() -> list[str]:
        # The writer goes on meanwhile: its connection is its own.
        row = hub.store.fetch_shared(MARK, "lake")  # type: ignore[attr-defined]
        return [f"{each.where}: {each.message}" for each in verify(hub.home / "lake", row[1] if row else 0)]

    hub.settle()
    report = check_home(hub.home, hub.engines, hub.upcast, lake, progress)
    report.faults += lost_files(hub)
    return report


def named_files(hub: Hub) -> set[str]:
    """Return the digests of all files that a case names."""
    found: set[str] = set()
    after = 0
    while records := hub.journal_read(after, 2_000, {"case.opened", "case.acted"}):
        for record in records:
            for each in (record.body or {}).get("files") or ():
                found.add(each["sha256"])
        after = records[-1].seq
    return found


def lost_files(hub: Hub) -> list[str]:
    """Return what is wrong with the files that cases name: those that are not there."""
    there = {path.name for path in hub.files.folder.iterdir()} if hub.files.folder.is_dir() else set()
    lost = named_files(hub) - there
    after = 0
    while lost and (records := hub.journal_read(after, 2_000, {"person.erased"})):
        for record in records:
            lost -= brought_by(hub.views.cases, record.subject)
        after = records[-1].seq
    return [f"file {name} is named by a case and is not there" for name in sorted(lost)]


def sweep_files(hub: Hub, older_than_s: float = ORPHAN_AGE_S) -> int:
    """Remove files that no case names and that were stored long enough ago; return how many."""
    if not hub.files.folder.is_dir():
        return 0
    named, now = named_files(hub), hub.machine() / 1e6
    orphans = [
        path
        for path in hub.files.folder.iterdir()
        if path.name not in named and now - path.stat().st_mtime > older_than_s
    ]
    for path in orphans:
        path.unlink()
    return len(orphans)


def backup_home(
    home: Path, target: Path, history: Callable[[int], Sequence[str]], made_at: int, progress: Progress
) -> Manifest:
    """Write one file from which `restore` makes this home again."""

    def copy(database: Path) -> int:
        with SqliteSnapshot(home / DATABASE) as snapshot:
            snapshot.copy_to(database)
            return snapshot.seq

    with _written("backup", target):
        return backup(home, target, copy, history, made_at, progress)


@contextmanager
def _written(what: str, where: Path) -> Iterator[None]:
    """Say in our words that the disk refuses to take something."""
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"The disk refuses the {what} at {where}: {error.strerror or error}.",
            code="disk.refuses",
            where=str(where),
            remedy="Free disk space or choose another place; the home is as it was.",
            retry_after_s=60,
        ) from error


def erasures_after(home: Path, seq: int) -> list[str]:
    """Return the persons erased in a home after a seq: what a restore of an older backup must do again."""
    found: list[str] = []
    with SqliteSnapshot(home / DATABASE) as snapshot:
        while records := snapshot.read(seq, 5_000):
            found += [record.subject for record in records if record.kind == "person.erased"]
            seq = records[-1].seq
    return found
