"""`quanyu check`: the chain, the state against the journal, the cursors, the history and the files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, Protocol

import msgspec

from quanyu.assembly.chain import Chain
from quanyu.assembly.checkpoint import RebuiltState, Rows, canonical, load
from quanyu.assembly.core import CURSOR, FOLDED
from quanyu.kernel.errors import QuanyuError
from quanyu.kernel.journal import Engine, Head, Record, Row, Stored, Table

FAULTS_MAX = 20
BATCH = 2_000
Progress = Callable[[str, float], None]


class Snapshot(Rows, Protocol):
    """A store as it stood at one instant."""

    def read(self, after: int, limit: int) -> list[Stored]:
        """Return records in order."""
        ...

    def integrity(self) -> list[str]:
        """Return what the store itself finds broken."""
        ...


class Report(msgspec.Struct):
    """What was looked at, and what is wrong (nothing: the home is sound)."""

    records: int = 0
    kept: int = 0
    pruned: int = 0
    erased_persons: int = 0
    rebuilt_from: int = 0
    tables: dict[str, int] = msgspec.field(default_factory=dict)
    quarantined: int = 0
    faults: list[str] = msgspec.field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def check(
    home: Path,
    snapshot: Snapshot,
    engines: Sequence[Engine],
    upcast: Callable[[Stored], Record],
    extra: Iterable[Callable[[], list[str]]] = (),
    progress: Progress = lambda text, share: None,
) -> Report:
    """Verify a home as it stood at the snapshot."""
    report = Report()
    report.faults += snapshot.integrity()
    if report.faults:
        return report
    last = _verify_chain(snapshot, report, progress)
    if not report.faults:
        _verify_state(home, snapshot, engines, upcast, report, progress)
    for row in snapshot.rows(CURSOR):
        if row[1] > last:
            report.faults.append(f"reader {row[0]} stands at {row[1]}, past the end of the journal ({last})")
    for look in extra:
        report.faults += look()
    return report


def _batches(snapshot: Snapshot, after: int) -> Iterator[list[Stored]]:
    while batch := snapshot.read(after, BATCH):
        yield batch
        after = batch[-1].seq


def _verify_chain(snapshot: Snapshot, report: Report, progress: Progress) -> int:
    chain = Chain(Head())
    for batch in _batches(snapshot, 0):
        for stored in batch:
            wrong = chain.fault(stored)
            if wrong is not None:
                report.faults.append(wrong)
                if len(report.faults) >= FAULTS_MAX:
                    return chain.seq
            report.records += 1
            report.pruned += stored.body is None
            report.erased_persons += stored.kind == "person.erased"
            report.quarantined += stored.kind == "record.quarantined"
        progress("chain", 0.0)
    if not chain.whole:
        report.faults.append(f"record {chain.seq} does not end its commit: the records after it are gone")
    report.kept = report.records - report.pruned
    return chain.seq


def _start(
    home: Path, snapshot: Snapshot, tables: Sequence[Table], report: Report
) -> tuple[RebuiltState, int, Collection[str]]:
    """Return the state to fold from: nothing, or the newest checkpoint when bodies before it were pruned.

    The third is what tables it holds.
    """
    if report.pruned == 0:
        return RebuiltState(), 0, ()
    newest: Mapping[str, Any] | None = None
    for batch in _batches(snapshot, 0):
        for stored in batch:
            if stored.kind == "journal.checkpointed" and stored.body is not None:
                newest = msgspec.msgpack.decode(stored.body)
    if newest is None:
        report.faults.append("bodies were pruned but no checkpoint stands")
        return RebuiltState(), -1, ()
    try:
        state = load(home / "checkpoints" / newest["file"], tables, newest["digest"])
    except QuanyuError as error:
        report.faults.append(error.message)
        return RebuiltState(), -1, ()
    return state, newest["seq"], newest["rows"]


def _verify_state(
    home: Path,
    snapshot: Snapshot,
    engines: Sequence[Engine],
    upcast: Callable[[Stored], Record],
    report: Report,
    progress: Progress,
) -> None:
    tables = [table for engine in engines for table in engine.tables]
    state, after, held = _start(home, snapshot, tables, report)
    if after < 0:
        return
    report.rebuilt_from = after
    owners = {kind.name: engine for engine in engines for kind in engine.kinds}
    # Tables laid out anew since the checkpoint are folded from the first record: theirs are kept for ever.
    anew = {kind for kind, engine in owners.items() if after and _lacks(engine, held)}
    # What lags is compared as far as it is written; the records behind that are folded when the home is opened next.
    written = {row[0]: row[1] for row in snapshot.rows(FOLDED)}
    ends = {kind: written[engine.name] for kind, engine in owners.items() if engine.name in written and _lags(engine)}
    for batch in _batches(snapshot, 0 if anew else after):
        for stored in batch:
            if stored.seq <= after and stored.kind not in anew:
                continue
            if stored.body is None:
                report.faults.append(f"record {stored.seq} was pruned after the last checkpoint")
                return
            if stored.seq <= ends.get(stored.kind, stored.seq):
                owners[stored.kind].evolve(upcast(stored), state)
        progress("state", batch[-1].seq / report.records)
    for table in canonical(tables):
        _compare(table, snapshot.rows(table), state.rows(table), report)


def _lacks(engine: Engine, held: Collection[str]) -> bool:
    return any(table.name not in held for table in canonical(engine.tables))


def _lags(engine: Engine) -> bool:
    return any(table.lags for table in engine.tables)


def _compare(table: Table, durable: Iterator[Row], rebuilt: Iterator[Row], report: Report) -> None:
    count = 0
    for left, right in zip_longest(durable, rebuilt):
        count += 1
        if left != right:
            key = (left or right or ())[: table.keys]
            report.faults.append(
                f"table {table.name}, row {', '.join(map(str, key))}: the state is not what the journal says"
            )
            break
    report.tables[table.name] = count
