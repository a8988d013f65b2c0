"""The ground that all watches stand on: what was last seen of every series, in columns across watches.

A watch has a stretch of places; place = start of the stretch + slot of the entity. A batch is sorted by place once and
compared with the band of each series once: within the open band, before `due`, a value changes nothing for the
thresholds of its watch, so that most of a batch is only remembered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from quanyu.engines.rules.scan import running_max
from quanyu.engines.rules.series import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quanyu.engines.rules.scan import Index

NEVER: Final = -(2**62)
"""Event time of a series that was never seen: so far back that no difference to it overflows."""
NO_DUE: Final = 2**62


class Ground:
    """Columns by place; `heard_at` is city time, kept for silences only."""

    def __init__(self) -> None:
        self.last_at = np.zeros(0, dtype=np.int64)
        self.heard_at = np.zeros(0, dtype=np.int64)
        self.seen = np.zeros(0, dtype=np.int64)
        self.due = np.zeros(0, dtype=np.int64)
        self.value = np.zeros(0, dtype=np.float64)
        self.low = np.zeros(0, dtype=np.float64)
        self.high = np.zeros(0, dtype=np.float64)
        self.starts: Index = np.zeros(1, dtype=np.intp)

    def lay(self, sizes: Sequence[int]) -> None:
        """Give every watch a stretch of so many places, not fewer than it had; bands are open for all until noted."""
        old_starts, old_sizes = self.starts, np.diff(self.starts)
        self.starts = np.concatenate(([0], np.cumsum(sizes))).astype(np.intp)
        fresh = {"last_at": NEVER, "heard_at": NEVER, "seen": 0, "due": NO_DUE, "value": np.nan, "low": 0, "high": 0}
        for name, empty in fresh.items():
            old = getattr(self, name)
            column = np.full(self.starts[-1], empty, dtype=old.dtype)
            for start, old_start, size in zip(self.starts, old_starts, old_sizes, strict=False):
                column[start : start + size] = old[old_start : old_start + size]
            setattr(self, name, column)


class Sorted(NamedTuple):
    """A batch sorted by place in order of arrival, late samples taken out; `row` is the place of each in the batch."""

    place: Index
    at: NDArray[np.int64]
    value: NDArray[np.float64]
    row: Index
    before_at: NDArray[np.int64]
    starts: Index
    stops: Index

    def odd(self, ground: Ground) -> Index:
        """Return the rows outside the band of their series."""
        place, value = self.place, self.value
        quiet = (value > ground.low.take(place)) & (value < ground.high.take(place))
        quiet &= self.at < ground.due.take(place)
        return np.logical_not(quiet, out=quiet).nonzero()[0]

    def rows(self, start: int, stop: int, first: int, last: int, place: int) -> Rows:
        """Cut out the rows [start, stop), whose segments are [first, last), with slots counted from a place."""
        cut = slice(start, stop)
        starts = self.starts[first:last] - start
        return Rows(self.place[cut] - place, self.at[cut], self.value[cut], self.row[cut], self.before_at[cut], starts)

    def remember(self, ground: Ground) -> Index:
        """Keep the newest sample of each series; return their places."""
        places, last = self.place.take(self.starts), self.stops - 1
        ground.last_at[places] = self.at.take(last)
        ground.value[places] = self.value.take(last)
        ground.seen[places] += self.stops - self.starts
        return places


def sort(place: Index, at: NDArray[np.int64], value: NDArray[np.float64], ground: Ground) -> tuple[Sorted, int]:
    """Sort a batch (place -1: not watched) and drop late samples, not newer than the newest seen; return how many."""
    order = _order(place)
    place, at, value = place.take(order), at.take(order), value.take(order)
    starts = _starts(place)
    before_at = np.empty_like(at)
    before_at[1:] = at[:-1]
    before_at[starts] = ground.last_at.take(place.take(starts))
    if (at > before_at).all():
        return Sorted(place, at, value, order, before_at, starts, np.append(starts[1:], len(place))), 0
    counts = np.diff(np.append(starts, len(place)))
    position = np.arange(len(place)) - starts.repeat(counts)
    newest = np.maximum(running_max(at, position, int(counts.max())), ground.last_at.take(place))
    newest[1:] = newest[:-1]
    newest[starts] = ground.last_at.take(place.take(starts))
    kept = at > newest
    late = len(kept) - int(kept.sum())
    place, at, value, order, newest = place[kept], at[kept], value[kept], order[kept], newest[kept]
    starts = _starts(place)
    # Of the rows that are left, each is newer than all before it, so the newest before is the one before.
    return Sorted(place, at, value, order, newest, starts, np.append(starts[1:], len(place))), late


def _order(place: Index) -> Index:
    """Return the order of the watched rows; keys of 16 bits are sorted by radix, several times faster than wider ones."""
    kept = None if (place >= 0).all() else (place >= 0).nonzero()[0]
    if kept is not None:
        place = place.take(kept)
    if not len(place):
        return place
    order = (place & 0xFFFF).astype(np.uint16).argsort(kind="stable")
    if place.max() > 0xFFFF:
        order = order.take((place >> 16).astype(np.uint16).take(order).argsort(kind="stable"))
    return order if kept is None else kept.take(order)


def _starts(place: Index) -> Index:
    if not len(place):
        return np.empty(0, dtype=np.intp)
    changes = np.empty(len(place), dtype=np.bool_)
    changes[0] = True
    np.not_equal(place[1:], place[:-1], out=changes[1:])
    return changes.nonzero()[0]
