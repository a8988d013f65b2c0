"""The port of the history: what a column store must do for the engine."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from quanyu.engines.history.columns import Codes, Doubles, Longs, Rows
from quanyu.kernel.journal import Instant, Row, Table
from quanyu.kernel.view import Fold

Struck = Collection[tuple[int, int]]
"""Instances taken out of the history: (seq, offset)."""


class Window(msgspec.Struct, frozen=True):
    """What is asked: an attribute of some entities (None: of all) in event time [start, end)."""

    entities: tuple[str, ...] | None
    attribute: str
    start: Instant
    end: Instant


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

    def maintain(self, struck: Struck) -> None:
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
