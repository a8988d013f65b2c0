"""The history's ear on the journal: hot tail, flushes, struck instances."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

import msgspec

from quanyu.engines.history.columns import Rows, Words, gather, joined, no_rows, source_of
from quanyu.engines.history.store import HistoryStore, ReaderState, Statistics
from quanyu.kernel.entity import batch_of
from quanyu.kernel.errors import Invalid, Missing, Unavailable
from quanyu.kernel.journal import (
    Change,
    Command,
    Desk,
    Effects,
    Fact,
    Instant,
    Kind,
    Record,
    State,
    Table,
    provenance_kind,
)

TOMBSTONE = Table("tombstone", ("seq INTEGER", "offset INTEGER", "by INTEGER"), keys=2)
MARK = Table("history_mark", ("name TEXT", "seq INTEGER"), canonical=False)
INSTANCES = Table(
    "instances",
    (
        "entity TEXT",
        "attribute TEXT",
        "dataset TEXT",
        "observed_at INTEGER",
        "at INTEGER",
        "value TEXT",
        "quality TEXT",
        "source TEXT",
        "seq INTEGER",
        "offset INTEGER",
    ),
    keys=4,
    canonical=False,
)

ROWS_HELD_MAX = 250_000
"""A tail of this size is flushed: about 16 MB of columns, one file of 1.5 to 3 MB."""

HELD_US_MAX = 3_600_000_000
"""A tail this old (city time) is flushed, however small."""

ROWS_AHEAD_MAX = 2_000_000
"""A query decodes no more unread rows than this; beyond it the history says that it is behind."""


class Strike(msgspec.Struct, frozen=True):
    """Body of `history.strike`: instances (seq, offset) to take out, and why."""

    instances: tuple[tuple[int, int], ...]
    reason: str


class HistoryEngine:
    """Decides what is struck from the history: `history.strike` → `history.struck`, kept for ever."""

    name = "history"
    commands: Collection[str] = ("history.strike",)
    kinds: Collection[Kind] = (Kind("history.struck"),)
    tables: Collection[Table] = (TOMBSTONE,)

    def decide(self, command: Command, desk: Desk) -> Iterable[Fact]:
        """Strike instances of the past; those struck already are left out, and when all are there is no fact."""
        try:
            wish = msgspec.convert(command.body, Strike)
        except msgspec.ValidationError as error:
            raise Invalid(
                f"A strike does not say what to strike: {error}.",
                code="history.strike",
                where="body",
                remedy="Give `instances` as pairs of seq and offset, and a `reason`.",
            ) from error
        for seq, offset in wish.instances:
            if not 0 < seq < desk.seq or offset < 0:
                raise Missing(
                    f"Instance {seq}/{offset} stands nowhere in the history.",
                    code="history.instance",
                    where="instances",
                    remedy="Use the seq and offset that the history gave with the value.",
                )
        fresh = [pair for pair in dict.fromkeys(wish.instances) if desk.state.get(TOMBSTONE, *pair) is None]
        if fresh:
            yield Fact("history.struck", command.subject, {"instances": fresh, "reason": wish.reason})

    def evolve(self, record: Record, state: State) -> None:
        """Write a tombstone for each struck instance."""
        if record.body is not None:
            for seq, offset in record.body["instances"]:
                state.put(TOMBSTONE, (seq, offset, record.seq))


class HistoryReader:
    """Gathers observed records into the hot tail and flushes it into the store.

    The tail is what was read and not yet flushed. `Effects.upto` holds the cursor at the last flush, so after a
    restart the runner gives the held records again. What counts is the store's own last seq: records that it has (the
    power went between file and cursor) are skipped, records that it lacks although the cursor has passed them are
    fetched through `tail`. Reading the same records twice is harmless at any time.

    `tail(after_seq)` returns, lazily and in order, all committed records of the wanted kinds after a seq. City time
    rules when a small tail is flushed (`next_wake`, `wake`). Observed texts go to table `instances`; rewritten by
    key, they may come twice.
    """

    name = "history"
    wants: Collection[str] | None = ("observed", "history.struck")
    tables: Collection[Table] = (MARK, INSTANCES)

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
        self.struck: frozenset[tuple[int, int]] = frozenset((row[0], row[1]) for row in state.rows(TOMBSTONE))
        self._tail = tail
        self._rows_held_max = rows_held_max
        self._held_us_max = held_us_max
        self._rows_ahead_max = rows_ahead_max
        self._lock = threading.Lock()
        self._held: list[Rows] = []
        self._held_rows = 0
        self._held_since: Instant | None = None
        self._flushed: int | None = None
        self._started = False
        self._read_seq = 0
        self._ahead = no_rows(self.words)
        self._ahead_seq = 0

    @property
    def next_wake(self) -> Instant | None:
        """City time at which the tail is old enough to be flushed; None when nothing is held."""
        return None if self._held_since is None else self._held_since + self._held_us_max

    def read(self, records: Sequence[Record], now: Instant) -> Effects:
        """Hold the records in the tail; flush when it is large or old. Raises Unavailable when the store refuses."""
        delta: list[Change] = []
        for missed in self._missed(records):
            self._take([missed], now, delta)
            if self._held_rows >= self._rows_held_max:
                self._flush(delta)
        self._take(records, now, delta)
        if self._held_rows >= self._rows_held_max or (self.next_wake is not None and now >= self.next_wake):
            self._flush(delta)
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

    def statistics(self) -> Statistics:
        """Return the store's statistics; rows held in memory are counted as rows."""
        stored = self.store.statistics()
        return msgspec.structs.replace(stored, rows=stored.rows + self._held_rows)

    def _flushed_seq(self) -> int:
        """Return the last seq that need not be read again; at first it is what the store says, not the cursor."""
        if self._flushed is None:
            self._flushed = self.store.last_seq()
        return self._flushed

    def _hold(self) -> int | None:
        """Return how far the cursor may go while records are held; None when none is."""
        return None if self._held_since is None else self._flushed_seq()

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

    def _take(self, records: Sequence[Record], now: Instant, delta: list[Change]) -> None:
        known = max(self._read_seq, self._flushed_seq())
        fresh = [record for record in records if record.seq > known]
        observed = [record for record in fresh if record.kind == "observed"]
        delta += [change for record in records if record.kind == "observed" for change in _texts(record)]
        with self._lock:
            self._strike(records)
            rows = gather(observed, self.words)
            if len(rows):
                self._held.append(rows)
                self._held_rows += len(rows)
            if fresh and self._held_since is None:
                self._held_since = now
            self._read_seq = max([self._read_seq, *(record.seq for record in records)])

    def _strike(self, records: Iterable[Record]) -> None:
        for record in records:
            if record.kind == "history.struck" and record.body is not None:
                fresh = {(seq, offset) for seq, offset in record.body["instances"]}
                self.struck = self.struck | fresh

    def _flush(self, delta: list[Change]) -> None:
        with self._lock:
            rows, seq = joined(self.words, self._held), self._read_seq
        if len(rows):
            self.store.append(rows, seq)
            delta.append(Change(MARK.name, ("lake",), ("lake", seq)))
        self._flushed = max(seq, self._flushed_seq())
        with self._lock:
            self._held, self._held_rows, self._held_since = [], 0, None
        self.store.maintain(self.struck)

    def _look_ahead(self) -> Rows:
        """Decode what came since the last look; what the reader has read meanwhile is dropped."""
        after = max(self._ahead_seq, self._read_seq, self._flushed_seq())
        parts = [self._ahead.after(self._read_seq)]
        rows = len(parts[0])
        for record in self._tail(after):
            self._strike([record])
            if record.kind == "observed":
                part = gather([record], self.words)
                parts.append(part)
                rows += len(part)
            after = record.seq
            if rows > self._rows_ahead_max:
                raise Unavailable(
                    f"The history is more than {self._rows_ahead_max} rows behind the journal: {self._read_seq}.",
                    code="history.behind",
                    remedy="Ask again when the import has been read.",
                    retry_after_s=10,
                )
        self._ahead, self._ahead_seq = joined(self.words, parts), after
        return self._ahead


def _texts(record: Record) -> Iterator[Change]:
    """Yield rows of `instances`; offsets go on where the numbers of the record end."""
    if record.body is None:
        return
    batch = batch_of(record.body)
    quality, source = provenance_kind(record.provenance), source_of(record)
    for offset, (entity, attribute, observed_at, value) in enumerate(batch.texts, len(batch.value)):
        key = (entity, attribute, "", observed_at)
        yield Change(INSTANCES.name, key, (*key, record.at, value, quality, source, record.seq, offset))
