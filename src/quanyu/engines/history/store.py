"""The port of the history: what a column store must do for the engine."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from quanyu.engines.history.columns import Codes, Doubles, Longs, Rows, Words
from quanyu.kernel.journal import Instant, Record, Row, Table
from quanyu.kernel.view import Fold

FIRST, LAST = -(2**62), 2**62
"""Before and after every instant."""

Forgotten = Sequence[tuple[str, str, int]]
"""What was taken out of the past: an attribute ("" for all) of an entity, as far as it was written before a seq."""

Struck = Collection[tuple[int, int]]
"""Instances taken out of the history: (seq, offset)."""


class Window(msgspec.Struct, frozen=True):
    """What is asked: attributes (one, several, None: all) of some entities (None: of all) in event time [start, end).

    `recorded`: the time is that of the record (createdAt), not event time. `forgotten` rows (entity, attribute or "",
    seq) take out what was written before the seq.
    """

    entities: tuple[str, ...] | None
    attribute: str | tuple[str, ...] | None
    start: Instant
    end: Instant
    recorded: bool = False
    forgotten: Forgotten = ()

    @property
    def attributes(self) -> tuple[str, ...] | None:
        """The attributes asked for; None: all."""
        return (self.attribute,) if isinstance(self.attribute, str) else self.attribute

    @property
    def times(self) -> tuple[Instant, Instant]:
        """Event times [start, end) that an instance of the window may have."""
        return (FIRST, LAST) if self.recorded else (self.start, self.end)


class Statistics(msgspec.Struct, frozen=True):
    """For health: `corrections` counts the replaced values that compaction has folded away so far."""

    rows: int = 0
    files: int = 0
    bytes: int = 0
    last_seq: int = 0
    corrections: int = 0


class Finding(msgspec.Struct, frozen=True):
    """What `quanyu check` reports: stable code, what is wrong and where, what to do."""

    code: str
    message: str
    where: str
    remedy: str


class Snapshot(msgspec.Struct, frozen=True):
    """Files (relative to the home) that together are the history as of `seq`; copy them within the grace period."""

    seq: int
    version: int
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Points:
    """One series in time order: values, their instance ids (seq, offset), and unit and quality of the newest."""

    observed_at: Longs
    value: Doubles
    seq: Longs
    offset: Codes
    unit: str | None
    quality: str | None


@dataclass(frozen=True, slots=True)
class Folded:
    """Folded values: row i is bucket `bucket[i]` of `entities[entity[i]]`; a mean is held as its sum and count."""

    entities: tuple[str, ...]
    entity: Longs
    bucket: Longs
    value: Doubles
    count: Longs


@dataclass(frozen=True, slots=True)
class Found:
    """Instances of several series in columns; words are codes into `words`. `cut`: the time at which more were left."""

    words: Words
    entity: Codes
    attribute: Codes
    unit: Codes
    observed_at: Longs
    at: Longs
    seq: Longs
    offset: Codes
    value: Doubles
    cut: Instant | None = None


class Slice(msgspec.Struct, frozen=True):
    """Which instances of a window: the `last` ones of each series, then `page` of them from one end of time.

    All instances of one instant go together; more than `most` are Invalid. `last` turns the order: newest first.
    """

    page: int
    most: int
    last: int | None = None


class Grouping(msgspec.Struct, frozen=True):
    """Periods to fold by: of `width_us` from `origin`, or between `edges`; neither: the whole window. What to fold.

    `above`: numbers; columns `above0`, `above1`, … hold the least value not under each, NaN where there is none. More
    than `most` groups are Invalid.
    """

    methods: tuple[str, ...]
    origin: Instant
    width_us: int = 0
    edges: tuple[Instant, ...] = ()
    most: int = 1_000_000
    above: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Groups:
    """Folded series: row i is period `period[i]` of an attribute of an entity; a column for each method."""

    entities: Sequence[str]
    attributes: Sequence[str]
    period: Longs
    columns: Mapping[str, Any]


SeriesEnds = tuple[str, str, Instant, Instant]
"""Entity, attribute, first and last time of its instances."""


class HistoryStore(Protocol):
    """A column store. Reads get the hot tail's rows of the window; those the store holds already are left out by seq.

    Of rows with one key the last by (seq, offset) stands, and when that one is struck, none does.
    """

    def last_seq(self) -> int:
        """Return the last seq that was appended for good; 0 when none was."""
        ...

    def append(self, rows: Rows, seq: int) -> None:
        """Add rows and move `last_seq`, both or neither; durable on return. Unavailable when the disk refuses."""
        ...

    def points(self, window: Window, tail: Rows, struck: Struck, limit: int) -> Points:
        """Return the first `limit` standing values of the window's one entity."""
        ...

    def folded(self, window: Window, width_us: int, fold: Fold, tail: Rows, struck: Struck) -> Folded:
        """Return standing values by entity and bucket of `width_us` from the window's start; empty ones left out."""
        ...

    def instances(self, window: Window, tail: Rows, struck: Struck, part: Slice) -> Found:
        """Return standing instances; `cut` is the first instant (in the order of the part) that did not fit."""
        ...

    def grouped(self, window: Window, tail: Rows, struck: Struck, grouping: Grouping) -> Groups:
        """Return standing values folded by entity, attribute and period, in that order; empty periods left out."""
        ...

    def series(self, window: Window, tail: Rows, struck: Struck, most: int) -> list[SeriesEnds]:
        """Return which series have standing instances, and when the first and the last; Invalid past `most`."""
        ...

    def maintain(self, struck: Struck, forgotten: Forgotten = ()) -> None:
        """Look after the files (merge, fold, sweep) without holding up anybody; called after each append."""
        ...

    def statistics(self) -> Statistics:
        """Return sizes and counts of what is stored."""
        ...


class ReaderState(Protocol):
    """Rows that the reader left in the state store before it was last stopped."""

    def rows(self, table: Table) -> Iterable[Row]:
        """Return all rows of a table."""
        ...


class TemporalIndex(Protocol):
    """What the state store holds of the past: instances that are no plain numbers, and where entities are told of."""

    def series(self, entity: str) -> list[tuple[str, str]]:
        """Return the (attribute, dataset) of which instances with a time are stored."""
        ...

    def instances(
        self, entity: str, attribute: str, dataset: str, window: IndexWindow, limit: int, *, newest: bool = False
    ) -> list[Row]:
        """Return up to `limit` rows of table `instances` in the order of the window's time."""
        ...

    def described(self, entity: str, tells: int, limit: int, start: Instant = FIRST, end: Instant = LAST) -> list[int]:
        """Return seqs of table `described`, newest first: records of [start, end) that tell any of these."""
        ...

    def births(self, entities: Sequence[str]) -> Mapping[str, int]:
        """Return the seqs of the records that made these entities, of those that stand and say so."""
        ...

    def records(self, seqs: Sequence[int]) -> list[Record]:
        """Return records of the journal by seq, in order."""
        ...

    def temporal(self, id: str) -> Row | None:
        """Return the row of table `temporal`."""
        ...

    def departed(self, id: str) -> Row | None:
        """Return the row of table `departed`."""
        ...

    def others(self, after: str, limit: int) -> list[tuple[str, str]]:
        """Return ids and types of tables `temporal` and `departed` after an id, in order of id."""
        ...


class IndexWindow(msgspec.Struct, frozen=True):
    """Instances whose column `by` (observed_at, at or modified) lies in [start, end)."""

    start: Instant
    end: Instant
    by: str = "observed_at"
