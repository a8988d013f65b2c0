"""One attribute's samples of a batch, sorted by series in order of arrival, with late samples taken out."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from quanyu.engines.rules.scan import ranges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quanyu.engines.rules.scan import Index


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

    def __len__(self) -> int:
        return len(self.slot)

    @cached_property
    def stops(self) -> Index:
        """Row behind each segment."""
        return np.append(self.starts[1:], len(self.slot))

    @cached_property
    def counts(self) -> Index:
        """Rows of each segment."""
        return self.stops - self.starts

    @cached_property
    def longest(self) -> int:
        """Rows of the longest segment."""
        return int(self.counts.max())

    @cached_property
    def series(self) -> Index:
        """Slot of each segment."""
        return self.slot.take(self.starts)

    @cached_property
    def position(self) -> Index:
        """Place of each row in its segment, from 0."""
        return np.arange(len(self.slot)) - self.starts.repeat(self.counts)

    def segments(self, rows: Index) -> Index:
        """Return the segments of some ascending rows, each once."""
        if not len(rows) or len(self.starts) == len(self.slot):
            return rows
        found = self.starts.searchsorted(rows, side="right") - 1
        return found[np.concatenate(([True], found[1:] != found[:-1]))]

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
        return ranges(self.starts.take(segments), self.counts.take(segments))
