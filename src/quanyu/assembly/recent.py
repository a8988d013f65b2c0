"""The end of the journal in memory: readers that keep up share one decoding of each record and ask no database."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence

from quanyu.kernel.entity import Checked
from quanyu.kernel.journal import Record, Stored

BYTES_MAX = 16_000_000
RECORDS_MAX = 20_000
OVERHEAD_BYTES = 500
DECODED_MAX = 2_000
"""Decoded records are many times their size, and readers that keep up need the last few hundred."""


class Latest:
    """The seq of the last record of some kinds since the start: whoever keeps a copy of what they made looks here first."""

    __slots__ = ("_kinds", "seq")

    def __init__(self, kinds: Collection[str]) -> None:
        self._kinds = frozenset(kinds)
        self.seq = 0

    def hear(self, kinds: Collection[str], seq: int) -> None:
        """Take note of the kinds of a group that has become durable, and of its last seq."""
        if not self._kinds.isdisjoint(kinds):
            self.seq = seq


class Recent:
    """The last records as the store holds them; decoded when the first reader wants them, as a replay would.

    `seq` is the last record before them.
    """

    def __init__(self, upcast: Callable[[Stored], Record], seq: int) -> None:
        self._upcast = upcast
        self._guard = threading.Lock()
        self._stored: list[Stored] = []
        self._decoded: dict[int, Record] = {}
        self._first = seq + 1
        self._bytes = 0

    def add(self, stored: Sequence[Stored], made: Sequence[Record] = ()) -> None:
        """Take a group that has become durable, with its records as they were made.

        A new entity as it was read from JSON is what its bytes say, so nobody need decode them.
        """
        if not stored:
            return
        size = _size(stored)
        with self._guard:
            if stored[0].seq != self._first + len(self._stored):
                self._stored, self._bytes, self._first = [], 0, stored[0].seq
                self._decoded.clear()
            self._stored += stored
            self._bytes += size
            if len(self._decoded) > DECODED_MAX:
                self._decoded.clear()
            self._decoded.update(
                {
                    each.seq: each
                    for each in made
                    if each.kind == "entity.created" and (each.body or {})["document"].__class__ is Checked
                }
            )
            if self._bytes > BYTES_MAX or len(self._stored) > RECORDS_MAX:
                self._shrink()

    def _shrink(self) -> None:
        """Forget the older half, so that forgetting costs little a record."""
        gone = (len(self._stored) + 1) // 2
        self._bytes -= _size(self._stored[:gone])
        self._first += gone
        del self._stored[:gone]

    def read(self, after: int, limit: int, kinds: Collection[str] | None) -> list[Record] | None:
        """Return up to `limit` records of these kinds with seq > after, None when they reach back too far."""
        with self._guard:
            start = after + 1 - self._first
            if start < 0:
                return None
            found: list[Record] = []
            decoded = self._decoded
            for each in self._stored[start:]:
                if kinds is None or each.kind in kinds:
                    record = decoded.get(each.seq)
                    if record is None:
                        record = decoded[each.seq] = self._upcast(each)
                    found.append(record)
                    if len(found) == limit:
                        break
            return found


def _size(stored: Sequence[Stored]) -> int:
    return sum([len(each.body) for each in stored if each.body is not None]) + OVERHEAD_BYTES * len(stored)
