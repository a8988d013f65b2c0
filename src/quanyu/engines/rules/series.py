"""One attribute's samples of a batch, sorted by series in order of arrival, with late samples taken out."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from quanyu.engines.rules.scan import ranges, running_max

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quanyu.engines.rules.scan import Index

NEVER: Final = -(2**62)
"""Event time of a series that was never seen: so far back that no difference to it overflows."""


class Rows:
    """Samples sorted by slot: `row` is the place in the batch, `before_at` the instant of the sample before (or NEVER)."""

    def __init__(
        self,
        slot: Index,
        at: NDArray[np.int64],
        value: NDArray[np.float64],
        row: Index,
        before_at: NDArray[np.int64],
        starts: Index,
    ) -> None:
        self.slot, self.at, self.value, self.row = slot, at, value, row
        self.before_at = before_at
        self.starts = starts
        self.stops = np.append(starts[1:], len(slot))
        self.counts = self.stops - starts
        self.longest = int(self.counts.max()) if len(starts) else 0

    def __len__(self) -> int:
        return len(self.slot)

    @cached_property
    def series(self) -> Index:
        """Slot of each segment."""
        return np.asarray(self.slot[self.starts], dtype=np.intp)

    @cached_property
    def segment(self) -> Index:
        """Segment of each row."""
        return np.repeat(np.arange(len(self.starts)), self.counts)

    @cached_property
    def position(self) -> Index:
        """Place of each row in its segment, from 0."""
        return np.arange(len(self.slot)) - np.repeat(self.starts, self.counts)

    def before(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the value before each row, given the last value of every slot."""
        shifted = np.empty_like(self.value)
        shifted[1:] = self.value[:-1]
        shifted[self.starts] = values[self.series]
        return shifted

    def of(self, segments: Index) -> Index:
        """Return the rows of some segments."""
        if len(segments) == len(self.starts):
            return np.arange(len(self.slot))
        if self.longest == 1:
            return self.starts[segments]
        return ranges(self.starts[segments], self.counts[segments])


def arrange(
    slot: Index, at: NDArray[np.int64], value: NDArray[np.float64], row: Index, last_at: NDArray[np.int64]
) -> tuple[Rows, int]:
    """Cut sorted samples into series and drop the late ones (not newer than the newest seen); return how many."""
    starts = _starts(slot)
    before_at = np.empty_like(at)
    before_at[1:] = at[:-1]
    before_at[starts] = last_at[slot[starts]]
    if (at > before_at).all():
        return Rows(slot, at, value, row, before_at, starts), 0
    counts = np.diff(np.append(starts, len(slot)))
    position = np.arange(len(slot)) - np.repeat(starts, counts)
    newest = np.maximum(running_max(at, position, int(counts.max())), last_at[slot])
    newest[1:] = newest[:-1]
    newest[starts] = last_at[slot[starts]]
    kept = at > newest
    slot, at, value, row = slot[kept], at[kept], value[kept], row[kept]
    starts = _starts(slot)
    before_at = np.empty_like(at)
    before_at[1:] = at[:-1]
    before_at[starts] = last_at[slot[starts]]
    return Rows(slot, at, value, row, before_at, starts), len(kept) - len(slot)


def _starts(slot: Index) -> Index:
    if not len(slot):
        return np.empty(0, dtype=np.intp)
    return np.concatenate((np.zeros(1, dtype=np.intp), np.flatnonzero(slot[1:] != slot[:-1]) + 1))
