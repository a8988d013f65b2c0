"""The history's decisions, and its ear on the journal: hot tail, flushes, what was struck, amended and forgotten."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import msgspec

from quanyu.engines.history import deciding
from quanyu.engines.history.ahead import Ahead, types_text
from quanyu.engines.history.alike import hear_all
from quanyu.engines.history.columns import Rows, Words, joined, no_rows
from quanyu.engines.history.store import HistoryStore, ReaderState, Statistics
from quanyu.engines.history.tables import (
    AMENDED,
    DEPARTED,
    DESCRIBED,
    FORGOTTEN,
    INSTANCES,
    MARK,
    TEMPORAL,
    TOMBSTONE,
)
from quanyu.engines.history.telling import (
    KEPT,
    OBSERVED,
    SCOPES,
    UNTIMED,
    Heard,
    born,
    hear,
    instance_row,
    numbers_of,
)
from quanyu.kernel.errors import Unavailable
from quanyu.kernel.journal import Change, Command, Desk, Effects, Fact, Instant, Kind, Record, State, Table

ROWS_HELD_MAX = 250_000
"""A tail of this size is flushed: about 16 MB of columns, one file of 1.5 to 3 MB."""

HELD_US_MAX = 3_600_000_000
"""A tail this old (city time) is flushed, however small."""

ROWS_AHEAD_MAX = 2_000_000
"""A query decodes no more unread rows than this; beyond it the history says that it is behind."""

CHANGES_HELD_MAX = 1000
"""So many rows for the state store wait for one another, so that not every batch is a commit of its own."""

RECENT_RECORDS = 1_500
"""What so many records told is remembered until it is surely in the state store: as many rows as may be held, and a batch
of the runner."""

Pair = tuple[int, int]
Datasets = Mapping[tuple[str, str], int]
"""Of an entity, by attribute and dataset: the seq before which everything is forgotten."""


class HistoryEngine:
    """Decides what is told to the history itself, amended in it and taken out of it.

    `history.strike` → `history.struck`, `history.amend` → `history.amended`, `history.forget` → `history.forgotten`:
    kept for ever. `history.add` → `history.added`, kept for ever, and `history.measured`: plain numbers, which may be
    pruned like observations once they are in the lake.
    """

    name = "history"
    commands: Collection[str] = ("history.strike", "history.add", "history.amend", "history.forget")
    kinds: Collection[Kind] = (
        Kind("history.struck"),
        Kind("history.added"),
        Kind("history.measured", life="telemetry"),
        Kind("history.amended"),
        Kind("history.forgotten"),
    )
    tables: Collection[Table] = (TOMBSTONE, AMENDED, FORGOTTEN, TEMPORAL)

    def decide(self, command: Command, desk: Desk) -> Iterable[Fact]:
        """Judge a command about the past."""
        deciders = {
            "history.strike": deciding.strike,
            "history.add": deciding.add,
            "history.amend": deciding.amend,
            "history.forget": deciding.forget,
        }
        return deciders[command.kind](command, desk)

    def evolve(self, record: Record, state: State) -> None:
        """Write tombstones, amendments, what is forgotten, and entities that the history alone knows."""
        body = record.body
        if body is None:
            return
        if record.kind == "history.struck":
            for seq, offset in body["instances"]:
                state.put(TOMBSTONE, (seq, offset, record.seq))
        elif record.kind == "history.amended":
            state.put(AMENDED, (*body["id"], record.seq))
        elif record.kind == "history.forgotten":
            state.put(FORGOTTEN, (record.subject, body["attribute"], body["dataset"], record.seq))
            if not body["attribute"] and state.get(TEMPORAL, record.subject) is not None:
                state.delete(TEMPORAL, record.subject)
        elif record.kind == "history.added" and not body["stands"]:
            row = state.get(TEMPORAL, record.subject)
            created = row[2] if row else record.at
            state.put(TEMPORAL, (record.subject, "\n".join(body["type"]), created, record.at))


class HistoryReader:
    """Gathers what is observed and told into the hot tail and flushes it into the store.

    The tail is what was read and not yet flushed. `Effects.upto` holds the cursor at the last flush, so after a
    restart the runner gives the held records again. What counts is the store's own last seq: records that it has (the
    power went between file and cursor) are skipped, records that it lacks although the cursor has passed them are
    fetched through `tail`. Reading the same records twice is harmless at any time.

    `tail(after_seq)` returns, lazily and in order, all committed records of the wanted kinds after a seq. City time
    rules when a small tail is flushed (`next_wake`, `wake`). What is no plain number goes to table `instances`, or is
    found again through `described`; rewritten by key, it may come twice. Who makes an entity is found by the entity.
    """

    name = "history"
    wants: Collection[str] | None = OBSERVED | KEPT | {"history.struck", "history.forgotten"}
    tables: Collection[Table] = (MARK, INSTANCES, DESCRIBED, DEPARTED)
    rest_s = 0.1
    """Nobody waits for it: who asks meanwhile is told what it has not read yet, too."""

    def __init__(
        self,
        store: HistoryStore,
        state: ReaderState,
        tail: Callable[[int], Iterable[Record]] = lambda after_seq: (),
        *,
        rows_held_max: int = ROWS_HELD_MAX,
        held_us_max: int = HELD_US_MAX,
        rows_ahead_max: int = ROWS_AHEAD_MAX,
    ) -> None:
        self.store = store
        self.words = Words()
        self.struck: frozenset[Pair] = frozenset((row[0], row[1]) for row in state.rows(TOMBSTONE))
        self.amended: dict[Pair, int] = {(row[0], row[1]): row[2] for row in state.rows(AMENDED)}
        self.hidden: frozenset[Pair] = self.struck | self.amended.keys()
        self.forgotten: dict[str, Datasets] = {}
        for entity, attribute, dataset, upto in state.rows(FORGOTTEN):
            self._forget(entity, attribute, dataset, upto)
        self._marks: dict[str, int] = {row[0]: row[1] for row in state.rows(MARK)}
        self._tail = tail
        self._rows_held_max = rows_held_max
        self._held_us_max = held_us_max
        self._rows_ahead_max = rows_ahead_max
        self._lock = threading.Lock()
        self._held: list[Rows] = []
        self._held_rows = 0
        self._held_since: Instant | None = None
        self._changes: list[Change] = []
        self._changes_after = 0
        self._changes_since: Instant | None = None
        self._flushed: int | None = None
        self._started = False
        self._read_seq = 0
        # Two ages of what was read of late: the older goes when the younger is full, so forgetting costs nothing.
        self._recent, self._older = Ahead(), Ahead()
        self._recent_records = 0
        self._ahead = no_rows(self.words)
        self._ahead_told = Ahead()
        self._ahead_seq = 0

    @property
    def next_wake(self) -> Instant | None:
        """City time at which what is held is old enough to be flushed; None when nothing is."""
        held = [at for at in (self._held_since, self._changes_since) if at is not None]
        return min(held) + self._held_us_max if held else None

    def read(self, records: Sequence[Record], now: Instant) -> Effects:
        """Hold the records in the tail; flush when it is large or old. Raises Unavailable when the store refuses."""
        delta: list[Change] = []
        for missed in self._missed(records):
            self._take([missed], now)
            if self._held_rows >= self._rows_held_max:
                self._flush(delta)
        self._take(records, now)
        if len(self._changes) >= CHANGES_HELD_MAX:
            self._let_go(delta)
        if self._held_rows >= self._rows_held_max or (self.next_wake is not None and now >= self.next_wake):
            self._flush(delta)
        if self._held_since is None:
            # Nothing waits: whoever starts again need not look for numbers before here.
            self._flushed = max(self._read_seq, self._flushed_seq())
            if delta:
                delta.append(Change(MARK.name, ("read",), ("read", self._flushed)))
        return Effects(delta=tuple(delta), upto=self._hold())

    def wake(self, now: Instant) -> Effects:
        """Flush a tail that has waited long enough."""
        delta: list[Change] = []
        if self.next_wake is not None and now >= self.next_wake:
            self._flush(delta)
        return Effects(delta=tuple(delta), upto=self._hold())

    def flush(self) -> Effects:
        """Flush now, whatever is held: before a backup, at shutdown. The effects belong to the reader's next commit."""
        delta: list[Change] = []
        self._flush(delta)
        return Effects(delta=tuple(delta), upto=self._hold())

    def tail_rows(self) -> Rows:
        """Return what the store may not hold yet: the held rows, then those committed but unread.

        Raises Unavailable when so much is unread that no query can take it along.
        """
        with self._lock:
            self._held = [joined(self.words, self._held)] if self._held else []
            held = self._held[0] if self._held else no_rows(self.words)
            ahead = self._look_ahead()
        return joined(self.words, [held, ahead]) if len(ahead) else held

    def told_ahead(self) -> tuple[Ahead, ...]:
        """Return what was told and read of late, and what is unread: the state store may lack either."""
        with self._lock:
            self._look_ahead()
            return self._older.sort(), self._recent.sort(), self._ahead_told.sort()

    def forgotten_rows(self) -> list[tuple[str, str, int]]:
        """Return what was forgotten of the columns: entity, attribute ("" for all), and before which seq."""
        return [
            (entity, attribute, upto)
            for entity, known in list(self.forgotten.items())
            for (attribute, dataset), upto in known.items()
            if dataset in ("", "*")
        ]

    def statistics(self) -> Statistics:
        """Return the store's statistics; rows held in memory are counted as rows."""
        stored = self.store.statistics()
        return msgspec.structs.replace(stored, rows=stored.rows + self._held_rows)

    def _flushed_seq(self) -> int:
        """Return the last seq that need not be read again; at first it is what the store says, not the cursor."""
        if self._flushed is None:
            stored = self.store.last_seq()
            whole = stored >= self._marks.get("lake", 0)
            self._flushed = max(stored, self._marks.get("read", 0)) if whole else stored
        return self._flushed

    def _hold(self) -> int | None:
        """Return how far the cursor may go while records are held; None when none is."""
        held = [] if self._held_since is None else [self._flushed_seq()]
        if self._changes:
            held.append(self._changes_after)
        return min(held, default=None)

    def _missed(self, records: Sequence[Record]) -> Iterator[Record]:
        """Yield, once, what the store lacks before the first batch: none, unless the cursor ran ahead of the store.

        It did when a backup took the store's files a moment before its state, or when the files were lost.
        """
        if self._started or not records:
            return
        for record in self._tail(self._flushed_seq()):
            if record.seq >= records[0].seq:
                break
            yield record
        self._started = True

    def _take(self, records: Sequence[Record], now: Instant) -> None:
        known = max(self._read_seq, self._flushed_seq())
        with self._lock:
            heard, rows = hear_all(records, known, self.words)
            self._mark(records)
            if len(rows):
                self._held.append(rows)
                self._held_rows += len(rows)
                self._held_since = now if self._held_since is None else self._held_since
            self._remember(heard)
            self._read_seq = max(self._read_seq, max((record.seq for record in records), default=0))
        before, changes = len(self._changes), self._changes
        for record, each in heard:
            _change(record, each, changes)
        if self._changes and not before:
            self._changes_after, self._changes_since = records[0].seq - 1, now

    def _let_go(self, delta: list[Change]) -> None:
        """Give the rows that waited to the reader's next commit."""
        delta += self._changes
        self._changes, self._changes_since = [], None

    def _remember(self, heard: Sequence[tuple[Record, Heard]]) -> None:
        self._recent_records += self._recent.take(heard)
        if self._recent_records >= RECENT_RECORDS:
            self._older, self._recent, self._recent_records = self._recent, Ahead(), 0

    def _mark(self, records: Iterable[Record]) -> None:
        """Take note of what does not stand any more."""
        hidden: set[Pair] = set()
        for record in records:
            if record.body is None:
                continue
            if record.kind == "history.struck":
                struck = {(seq, offset) for seq, offset in record.body["instances"]}
                self.struck |= struck
                hidden |= struck
            elif record.kind == "history.amended":
                seq, offset = record.body["id"]
                self.amended[seq, offset] = record.seq
                hidden.add((seq, offset))
            elif record.kind == "history.forgotten":
                self._forget(record.subject, record.body["attribute"], record.body["dataset"], record.seq)
        if hidden:
            self.hidden |= hidden

    def _forget(self, entity: str, attribute: str, dataset: str, upto: int) -> None:
        known = self.forgotten.get(entity, {})
        self.forgotten[entity] = {**known, (attribute, dataset): max(upto, known.get((attribute, dataset), 0))}

    def _flush(self, delta: list[Change]) -> None:
        self._let_go(delta)
        with self._lock:
            rows, seq = joined(self.words, self._held), self._read_seq
        if len(rows):
            self.store.append(rows, seq)
            delta.append(Change(MARK.name, ("lake",), ("lake", seq)))
        self._flushed = max(seq, self._flushed_seq())
        if len(rows):
            delta.append(Change(MARK.name, ("read",), ("read", self._flushed)))
        with self._lock:
            self._held, self._held_rows, self._held_since = [], 0, None
        self.store.maintain(self.hidden, self.forgotten_rows())

    def _look_ahead(self) -> Rows:
        """Decode what came since the last look; what the reader has read meanwhile is dropped."""
        after = max(self._ahead_seq, self._read_seq, self._flushed_seq())
        parts = [self._ahead.after(self._read_seq)]
        tells = self._ahead_told.after(self._read_seq)
        rows = len(parts[0])
        for record in self._tail(after):
            self._mark([record])
            each = hear(record)
            if each.tells or each.describes:
                tells.take([(record, each)])
            part = numbers_of([(record, each)], self.words)
            if len(part):
                parts.append(part)
                rows += len(part)
            after = record.seq
            if rows + tells.count > self._rows_ahead_max:
                raise Unavailable(
                    f"The history is more than {self._rows_ahead_max} rows behind the journal: {self._read_seq}.",
                    code="history.behind",
                    remedy="Ask again when the import has been read.",
                    retry_after_s=10,
                )
        self._ahead, self._ahead_seq, self._ahead_told = joined(self.words, parts), after, tells
        return self._ahead


def _change(record: Record, heard: Heard, changes: list[Change]) -> None:
    """Add the rows in which the state store finds what a record tells."""
    for each in heard.tells:
        row = instance_row(each)
        changes.append(Change(INSTANCES.name, row[:4], row))
    if heard.describes:
        key = (record.subject, record.seq)
        changes.append(Change(DESCRIBED.name, key, (*key, record.at, heard.describes)))
    if record.kind == "entity.deleted" and record.body is not None:
        row = (record.subject, types_text(record.body.get("type")), record.at)
        changes.append(Change(DEPARTED.name, row[:1], row))
        began = born(record)
        if began is not None:
            # The entity does not stand any more, by which the record that made it was found.
            key = (record.subject, began[0])
            changes.append(Change(DESCRIBED.name, key, (*key, began[1], UNTIMED | SCOPES)))
