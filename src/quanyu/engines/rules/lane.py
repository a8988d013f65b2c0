"""Lanes: rules of one attribute that share their memory, a level per series and the runs above each of its steps.

A lane of thresholds holds rules `attribute <op> limit` of the same direction, hysteresis and gap, ordered by limit, so
that the rules which stand are always the first `level` of them. A lane of one condition has the levels 0 and 1.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from quanyu.engines.rules.compile import Plan
from quanyu.engines.rules.ground import NEVER
from quanyu.engines.rules.series import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quanyu.engines.rules.pins import Epoch
    from quanyu.engines.rules.scan import Index, Levels

Joined = tuple["NDArray[np.int64]", "NDArray[np.float64]"]
"""Another attribute's event time and value for each row."""

CELL: Final = np.dtype(
    [("since", "<i8"), ("peak", "<f8"), ("told", "<f8"), ("base", "<i8"), ("on", "u1"), ("fired", "u1")]
)
"""Memory of one rule on one series: does its run stand and was it told, since when, the worst value (turned so that
larger is worse) and the worst that was told, and how many samples the series had had when the run began."""


class Sample(NamedTuple):
    """A batch of one attribute as lanes see it: rows, epochs of parameters (`which` per row), columns by name.

    `values`, `seen`: the last value and the number of samples of every slot before the batch.
    """

    rows: Rows
    epochs: list[Epoch]
    which: NDArray[np.intp] | None
    columns: dict[str, Any]
    joined: Mapping[str, Joined]
    values: NDArray[np.float64]
    seen: NDArray[np.int64]
    historical: bool


class Told(NamedTuple):
    """What a lane has to say: columns, one entry per finding. `end` counts where `over`; `row` is a row of the sample."""

    step: Index
    slot: Index
    new: NDArray[np.bool_]
    over: NDArray[np.bool_]
    since: NDArray[np.int64]
    end: NDArray[np.int64]
    peak: NDArray[np.float64]
    samples: NDArray[np.int64]
    row: Index


class Lane(ABC):
    """Memory of rules over slots; subclasses say which rows reach which level."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        self.plans = tuple(plans)
        self.width = len(self.plans)
        self.sign = 1.0 if self.plans[0].upward else -1.0
        self.lasting = np.array([plan.lasting_us for plan in self.plans], dtype=np.int64)
        self.level: Levels = np.zeros(0, dtype=np.int32)
        self.cells = np.zeros(0, dtype=CELL)

    @property
    def memory(self) -> NDArray[np.void]:
        """The cells by slot and step."""
        return self.cells.reshape(-1, self.width)

    def grow(self, capacity: int) -> None:
        """Make room for slots below `capacity`."""
        more = capacity - len(self.level)
        self.level = np.append(self.level, np.zeros(more, dtype=np.int32))
        self.cells = np.append(self.cells, np.zeros(more * self.width, dtype=CELL))

    def restore(self, step: int, slot: Index, cells: NDArray[np.void]) -> None:
        """Put the memory of one rule back."""
        self.memory[slot, step] = cells
        self.level[slot] = self.memory["on"][slot].sum(axis=1)

    def drop(self, slot: int) -> None:
        """Forget a slot."""
        self.level[slot] = 0
        self.memory[slot] = 0

    def lively(self, sample: Sample, odd: Index | None) -> Index:
        """Return the segments in which something may change; only rows in `odd` (None: all) need be looked at."""
        rows = sample.rows
        lively = self.level.take(rows.series) > 0
        lively[rows.segments(self.hot(sample))] = True
        return lively.nonzero()[0]

    @abstractmethod
    def hot(self, sample: Sample) -> Index:
        """Return the rows that reach a level by themselves."""
        ...

    @abstractmethod
    def judge(self, sample: Sample, rows: Index) -> tuple[Levels, Levels]:
        """Return the clamp of each of these rows: what it reaches, what it lets stand."""
        ...

    @abstractmethod
    def limits(self, sample: Sample, rows: Index, steps: Index) -> NDArray[np.float64]:
        """Return the limit that each (row, step) was judged by; NaN when the condition has none."""
        ...

    def breaks(self, sample: Sample, rows: Index) -> tuple[NDArray[np.bool_] | None, NDArray[np.bool_] | None]:
        """Return which of these rows begin anew, and which of them after a gap (what stood ended before it)."""
        gap = self.plans[0].max_gap_us
        if gap is None:
            return None, None
        wide = sample.rows.at[rows] - sample.rows.before_at[rows] > gap
        return (wide, wide) if wide.any() else (None, None)


class Condition(Lane):
    """One rule of any condition; `clears` keeps it standing while the condition holds for the value divided by it."""

    def __init__(self, plan: Plan) -> None:
        super().__init__((plan,))
        self.plan = plan
        self._true: NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)
        self._columns: dict[str, Any] = {}

    def hot(self, sample: Sample) -> Index:
        """Return the rows on which the condition is said to be true."""
        self._columns = self._fresh(sample)
        self._true = self._test(sample, self._columns)
        return self._true.nonzero()[0]

    def judge(self, sample: Sample, rows: Index) -> tuple[Levels, Levels]:
        """Return 1 where the condition holds; it stays where the relaxed condition holds."""
        up = self._true[rows].astype(np.int32)
        clears = self.plan.rule.clears
        if clears is None:
            return up, up
        attribute = self.plan.rule.attribute
        relaxed = {**self._columns, attribute: sample.rows.value / clears}
        return up, self._test(sample, relaxed)[rows].astype(np.int32)

    def breaks(self, sample: Sample, rows: Index) -> tuple[NDArray[np.bool_] | None, NDArray[np.bool_] | None]:
        """Begin anew after a gap and, for a stuck sensor, whenever the value moved."""
        broken, gaps = super().breaks(sample, rows)
        if self.plan.unchanged_us is None:
            return broken, gaps
        moved = (sample.rows.value != sample.rows.before(sample.values))[rows]
        return (moved if broken is None else moved | broken), gaps

    def limits(self, sample: Sample, rows: Index, steps: Index) -> NDArray[np.float64]:
        """Evaluate the other side of the comparison with the attribute."""
        if self.plan.limit is None:
            return np.full(len(rows), np.nan)
        with np.errstate(all="ignore"):
            limit = np.asarray(self.plan.limit(self._columns), dtype=np.float64)
        return np.broadcast_to(limit, len(sample.rows))[rows]

    def _fresh(self, sample: Sample) -> dict[str, Any]:
        """Return the columns; a joined value older than the rule's own `max_gap` is unknown to it."""
        gap = self.plan.max_gap_us
        if gap is None or not self.plan.attributes:
            return sample.columns
        columns = dict(sample.columns)
        for name in self.plan.attributes:
            at, value = sample.joined[name]
            columns[name] = np.where((at > NEVER) & (sample.rows.at - at > gap), np.nan, value)
        return columns

    def _test(self, sample: Sample, columns: dict[str, Any]) -> NDArray[np.bool_]:
        with np.errstate(all="ignore"):
            mask = np.broadcast_to(np.asarray(self.plan.test(columns), dtype=np.bool_), len(sample.rows))
        if self.plan.rule.baseline is None:
            return mask
        past: NDArray[np.float64] = sample.columns["past " + self.plan.hash]
        return mask & (past > self.plan.rule.baseline)
