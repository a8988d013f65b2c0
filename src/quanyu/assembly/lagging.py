"""Tables that lag behind the journal: how far their rows are written, when they have to be, and what makes them again.

Between two writings the journal alone holds what the rows say, durably. So several actions on one case cost one row, what
many new entities write to the same pages is written once, and after a cut the records behind the mark are folded again:
at most `RECORDS_MAX`, besides one group.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from quanyu.assembly.core import FOLDED
from quanyu.assembly.state import WriterState
from quanyu.kernel.journal import Engine, Instant, Kind, Record, Store, Stored

RECORDS_MAX = 5_000
"""So many records may lie between the written rows and the end of the journal."""
ROWS_MAX = 50_000
"""So many rows may wait in memory, besides those of one group: a record of observations makes many."""
AGE_US = 1_000_000
"""No row waits longer while the writer is at work: whoever looks without waiting (for what expires next) is so late."""
WATCHED_US = 100_000
"""Whoever has looked at the rows will look again: so long they are written with every group, and nobody waits."""
STEP = 2_000
_decode = msgspec.msgpack.Decoder().decode


def upcast(kinds: Mapping[str, Kind], stored: Stored) -> Record:
    """Return a stored record with its body decoded and brought to the present version of its kind."""
    kind = kinds[stored.kind]
    body = None if stored.body is None else kind.upcast(stored.version, _decode(stored.body))
    return Record(
        stored.seq, stored.at, stored.actor, stored.kind, kind.version, stored.subject, body, stored.cause,
        stored.provenance,
    )  # fmt: skip


class Lagging:
    """Owned by the writer. `mark` is the seq up to which the rows are durable."""

    def __init__(self, engines: Iterable[Engine], store: Store, state: WriterState) -> None:
        self._engines = [engine for engine in engines if any(table.lags for table in engine.tables)]
        self._kinds = {kind.name: kind for engine in self._engines for kind in engine.kinds}
        self._owners = {kind.name: engine for engine in self._engines for kind in engine.kinds}
        self._store, self._state = store, state
        rows = {engine.name: store.fetch(FOLDED, engine.name) for engine in self._engines}
        head = store.head().seq
        # An engine whose rows did not lag before has written them all.
        self._marks = {name: head if row is None else int(row[1]) for name, row in rows.items()}
        self.mark = min(self._marks.values(), default=head)
        self._unmarked = None in rows.values()
        self._watched_until: Instant = 0
        self._oldest: Instant | None = None
        if self.mark < head:
            store.waits = frozenset(table.name for engine in self._engines for table in engine.tables)

    def __bool__(self) -> bool:
        """Whether any table lags."""
        return bool(self._engines)

    def watch(self, now: Instant) -> None:
        """Take into account that somebody looks at the rows at an instant of machine time."""
        self._watched_until = now + WATCHED_US

    def due(self, seq: int, now: Instant) -> bool:
        """Tell whether a group that ends at a seq takes along what waits."""
        state = self._state
        if not self._engines or not state.waits:
            self._oldest = None
            return False
        if self._oldest is None:
            self._oldest = now
        if seq - self.mark >= RECORDS_MAX or now < self._watched_until or now - self._oldest >= AGE_US:
            return True
        return state.waiting >= ROWS_MAX

    def note(self, seq: int | None) -> None:
        """Put the mark that a group writes: where the rows will stand (None: where they do, if nothing says so yet)."""
        if seq is None and not self._unmarked:
            return
        for engine in self._engines:
            self._state.put(FOLDED, (engine.name, self.mark if seq is None else seq))
        self._state.accept()

    def publish(self) -> None:
        """Say which rows wait, before anybody can know of the records that they follow from."""
        self._store.waits = self._state.waits

    def written(self, seq: int | None) -> None:
        """Take into account that a group is durable, with the rows up to a seq or without them (None)."""
        self._unmarked = False
        if seq is not None:
            self.mark = seq
            self._marks = dict.fromkeys(self._marks, seq)
            self._oldest = None
            self.publish()

    def fold(self) -> None:
        """Make the rows that wait again, after a group was lost or the process before this one."""
        after = self.mark
        while batch := self._read(after):
            for stored in batch:
                engine = self._owners[stored.kind]
                if stored.seq > self._marks[engine.name]:
                    engine.evolve(upcast(self._kinds, stored), self._state)
            after = batch[-1].seq
        self._state.settle_each()
        self.publish()

    def _read(self, after: int) -> Sequence[Stored]:
        return self._store.read(after, STEP, list(self._kinds)) if self._engines else ()
