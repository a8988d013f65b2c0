"""The port to stored cases: what the view asks, always under a filter; a store answers it with its own indexes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Protocol

import msgspec

from quanyu.kernel.journal import Instant, Record
from quanyu.kernel.view import CaseQuery, Filter, Grant

LISTS: Final = (
    "open", "mine", "returned", "approvals", "waiting", "overdue", "unanswered", "bank", "calendar", "closed", "all",
)  # fmt: skip
"""`approvals`: disputes and requests for more time that the viewer answers. `unanswered` are open cases that wait for a
receipt of the viewer's unit, for a chief those of every receiver. `bank`: the problem bank. `calendar` is its keeper's:
cases with a clock whose due instant the calendar does not know. The others: `CaseQuery`.
"""


class Viewer(msgspec.Struct, frozen=True):
    """For whom a list is drawn up: whose turn it is and what is overdue depend on person, grants and hour."""

    now: Instant
    person: str = ""
    grants: tuple[Grant, ...] = ()


class StoredCase(msgspec.Struct, frozen=True):
    """A case as it lies in rows: the record that opened it, and its state in MessagePack."""

    serial: int
    version: int
    opening: int
    doc: bytes


class CasePage(msgspec.Struct, frozen=True):
    """Cases of one page; `after` leads to the next."""

    items: list[StoredCase]
    after: str | None = None


class CaseStore(Protocol):
    """Every question carries the filter of who asks; no answer may hold what the filter keeps out."""

    def find(self, serial: int, scope: Filter) -> StoredCase | None:
        """Return a case if it exists and may be seen."""
        ...

    def trail(self, serial: int) -> list[int]:
        """Return the seqs of the records after the opening, in order; for a case that `find` gave."""
        ...

    def records(self, seqs: Sequence[int]) -> list[Record]:
        """Return records of the journal, in order."""
        ...

    def query(self, query: CaseQuery, scope: Filter, viewer: Viewer) -> CasePage:
        """Return a page of a list; raises Invalid (query.cursor) for a cursor that it did not give."""
        ...

    def count(self, query: CaseQuery, scope: Filter, viewer: Viewer) -> int:
        """Return how many cases match, whatever the page."""
        ...

    def bank(self, scope: Filter, now: Instant) -> list[dict[str, Any]]:
        """Return the problem bank by unit: {unit, count, overdue, oldest_at}, most overdue first."""
        ...

    def facts(self, start: Instant, end: Instant, doc: bool = False) -> Iterable[dict[str, Any]]:
        """Return the flat rows of cases opened or closed in [start, end), with the folded state as `doc` if asked."""
        ...

    def open_cases(self) -> Iterator[tuple[int, bytes]]:
        """Yield serial and state of every case that is not closed."""
        ...

    def find_flow(self, digest: str) -> bytes | None:
        """Return the document of a pinned flow."""
        ...


class TimerStore(Protocol):
    """The timers, earliest first."""

    def next_timer(self) -> Instant | None:
        """Return the instant of the earliest timer."""
        ...

    def timers_due(self, now: Instant, limit: int) -> list[tuple[Instant, int, str]]:
        """Return timers with instants up to now: (instant, serial, name)."""
        ...
