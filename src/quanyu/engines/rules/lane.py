"""Lanes: rules of one attribute that share their memory, a level per series and the runs above each of its steps.

A lane of thresholds holds rules `attribute <op> limit` of the same direction, hysteresis and gap, ordered by limit, so
that the rules which stand are always the first `level` of them. A lane of one condition has the levels 0 and 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from quanyu.engines.rules.compile import Plan
from quanyu.engines.rules.scan import Runs, clamp_scan, largest, runs
from quanyu.engines.rules.series import NEVER, Rows

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

_WORSE: Final = 0.1
"""An open finding is told again when its worst value is worse by this share of what was told."""


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
    count: NDArray[np.int64]
    row: Index


class Touched(NamedTuple):
    """Places of the memory that a batch changed."""

    step: Index
    slot: Index


class Lane:
    """Memory of rules over slots; subclasses say which rows reach which level."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        self.plans = tuple(plans)
        self.width = len(self.plans)
        self.sign = 1.0 if self.plans[0].upward else -1.0
        self.lasting = np.array([plan.lasting_us for plan in self.plans], dtype=np.int64)
        self.level: Levels = np.zeros(0, dtype=np.int32)
        self.memory = np.zeros((0, self.width), dtype=CELL)

    def grow(self, capacity: int) -> None:
        """Make room for slots below `capacity`."""
        more = capacity - len(self.level)
        self.level = np.append(self.level, np.zeros(more, dtype=np.int32))
        self.memory = np.vstack((self.memory, np.zeros((more, self.width), dtype=CELL)))

    def restore(self, step: int, slot: Index, cells: NDArray[np.void]) -> None:
        """Put the memory of one rule back."""
        self.memory[slot, step] = cells
        self.level[slot] = self.memory["on"][slot].sum(axis=1)

    def drop(self, slot: int) -> None:
        """Forget a slot."""
        self.level[slot] = 0
        self.memory[slot] = 0

    def lively(self, sample: Sample) -> Index:
        """Return the segments in which something may change."""
        rows = sample.rows
        lively = self.level[rows.series] > 0
        lively[rows.segment[self.hot(sample)]] = True
        return np.flatnonzero(lively)

    def settle_series(self, sample: Sample, series: Index) -> None:
        """Note what the next batch must know of these series to be passed over quickly."""

    def hot(self, sample: Sample) -> Index:
        """Return the rows that reach a level by themselves."""
        raise NotImplementedError

    def judge(self, sample: Sample, rows: Index) -> tuple[Levels, Levels]:
        """Return the clamp of each of these rows: what it reaches, what it lets stand."""
        raise NotImplementedError

    def limits(self, sample: Sample, rows: Index, steps: Index) -> NDArray[np.float64]:
        """Return the limit that each (row, step) was judged by; NaN when the condition has none."""
        raise NotImplementedError

    def breaks(self, sample: Sample, rows: Index) -> tuple[NDArray[np.bool_] | None, NDArray[np.bool_] | None]:
        """Return which of these rows begin anew, and which of them after a gap (what stood ended before it)."""
        gap = self.plans[0].max_gap_us
        if gap is None:
            return None, None
        wide = sample.rows.at[rows] - sample.rows.before_at[rows] > gap
        return (wide, wide) if wide.any() else (None, None)

    def step(self, sample: Sample) -> tuple[Told | None, Touched | None]:
        """Advance over a batch: remember, and say what a duty officer should know."""
        rows = sample.rows
        segments = self.lively(sample)
        if not len(segments):
            return None, None
        picked = rows.of(segments)
        counts = rows.counts[segments]
        starts = np.cumsum(counts) - counts
        series = rows.series[segments]
        broken, gaps = self.breaks(sample, picked)
        level, before = self._levels(sample, picked, series, starts, counts, broken)
        found = runs(level, before, broken, starts, counts, self.width)
        self.level[series] = level[starts + counts - 1]
        touched = Touched(found.step, series[found.segment])
        told = self._remember(sample, found, touched.slot, picked, starts, gaps)
        self.settle_series(sample, series)
        return told, touched

    def _levels(
        self,
        sample: Sample,
        picked: Index,
        series: Index,
        starts: Index,
        counts: Index,
        broken: NDArray[np.bool_] | None,
    ) -> tuple[Levels, Levels]:
        up, keep = self.judge(sample, picked)
        if broken is not None:
            keep = np.where(broken, up, keep)
        first = self.level[series]
        if sample.rows.longest > 1:
            position = np.arange(len(picked)) - np.repeat(starts, counts)
            up, keep = clamp_scan(up, keep, position, int(counts.max()))
            level = np.maximum(up, np.minimum(np.repeat(first, counts), keep))
        else:
            level = np.maximum(up, np.minimum(first, keep))
        before = np.empty_like(level)
        before[1:] = level[:-1]
        before[starts] = first
        return level, before

    def _remember(
        self,
        sample: Sample,
        found: Runs,
        slot: Index,
        picked: Index,
        starts: Index,
        gaps: NDArray[np.bool_] | None,
    ) -> Told | None:
        rows, step, opened, closed = sample.rows, found.step, found.opened, found.closed
        cells = self.memory[slot, step]
        cells[opened] = 0
        at = rows.at[picked]
        begun = sample.seen[slot] - starts[found.segment]
        # The row that decides: the one that closed the run, else the last of the run.
        decisive = found.stop - ~closed
        end = at[decisive]
        if gaps is not None:
            end = np.where(closed & gaps[decisive], rows.before_at[picked[decisive]], end)
        # A run that opened has a row, so `first` is one; others may be empty and begin at a row that is not theirs.
        since = np.where(opened, at[found.first], cells["since"])
        base = np.where(opened, begun + found.first, cells["base"])
        values = rows.value[picked] * self.sign
        peak = np.maximum(np.where(opened, -np.inf, cells["peak"]), largest(values, found.first, found.stop))
        fired = cells["fired"] > 0
        fires = ~fired & (end - since >= self.lasting[step])
        says = fires | (fired & closed)
        if not sample.historical:
            says |= fired & ~closed & (peak > cells["told"] + _WORSE * np.abs(cells["told"]))
        cells["since"], cells["base"], cells["peak"], cells["on"] = since, base, peak, ~closed
        cells["fired"] = fired | fires
        cells["told"] = np.where(says, peak, cells["told"])
        self.memory[slot, step] = cells
        told = np.flatnonzero(says)
        if not len(told):
            return None
        return Told(
            step[told],
            slot[told],
            fires[told],
            closed[told],
            since[told],
            end[told],
            peak[told] * self.sign,
            (begun + found.stop - base)[told],
            picked[decisive[told]],
        )


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
        return np.flatnonzero(self._true)

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
        return mask & (sample.columns["past " + self.plan.hash] > self.plan.rule.baseline)
