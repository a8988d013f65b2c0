"""A series' own past: how far a value strays from the median of the last 48, in robust deviations.

Score = |value - median| / (1.4826 · MAD) over the samples before it, anomalies included (the median bears them). Fewer
than 12 samples, or a past that never moved (MAD 0), say nothing: the score is unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quanyu.engines.rules.series import Rows

WINDOW: Final = 48
LEAST: Final = 12
MAD_TO_DEVIATION: Final = 1.4826
"""Makes the median absolute deviation of a normal distribution its standard deviation."""


class Past:
    """Ring of the last samples of every slot; `filled` counts all that ever went in."""

    def __init__(self) -> None:
        self.ring = np.full((0, WINDOW), np.nan)
        self.filled = np.zeros(0, dtype=np.int64)

    def grow(self, capacity: int) -> None:
        """Make room for slots below `capacity`."""
        more = capacity - len(self.filled)
        self.ring = np.vstack((self.ring, np.full((more, WINDOW), np.nan)))
        self.filled = np.append(self.filled, np.zeros(more, dtype=np.int64))

    def drop(self, slot: int) -> None:
        """Forget a slot."""
        self.filled[slot] = 0

    def scores(self, rows: Rows) -> NDArray[np.float64]:
        """Return how far each row strays from the samples before it; NaN where they say too little."""
        window = np.sort(self._windows(rows), axis=1)  # NaN sorts last
        known = np.isfinite(window).sum(axis=1)
        median = _middle(window, known)
        spread = _middle(np.sort(np.abs(window - median[:, None]), axis=1), known)
        with np.errstate(all="ignore"):
            score = np.abs(rows.value - median) / (MAD_TO_DEVIATION * spread)
        return np.where((known >= LEAST) & (spread > 0), score, np.nan)

    def append(self, rows: Rows) -> None:
        """Let the rows become past."""
        kept = np.repeat(rows.counts, rows.counts) - rows.position <= WINDOW
        slot = rows.slot[kept]
        self.ring[slot, (self.filled[slot] + rows.position[kept]) % WINDOW] = rows.value[kept]
        self.filled[rows.series] += rows.counts

    def _windows(self, rows: Rows) -> NDArray[np.float64]:
        back = np.arange(1, WINDOW + 1)
        position = rows.position[:, None]
        in_batch = back <= position
        earlier = np.maximum(np.arange(len(rows))[:, None] - back, 0)
        filled = self.filled[rows.slot][:, None]
        age = back - position
        stored = np.where(age <= filled, self.ring[rows.slot[:, None], (filled - age) % WINDOW], np.nan)
        return np.where(in_batch, rows.value[earlier], stored)


def _middle(ordered: NDArray[np.float64], known: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the median of the first `known` values of each ordered row."""
    row = np.arange(len(ordered))
    low, high = np.maximum(known - 1, 0) // 2, np.minimum(known // 2, WINDOW - 1)
    return np.asarray((ordered[row, low] + ordered[row, high]) / 2, dtype=np.float64)
