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

COLUMNS: Final = ("on", "since", "peak", "told", "count", "fired")
COLUMN_TYPES: Final = ("u1", "i8", "f8", "f8", "i8", "u1")
_WORSE: Final = 0.1
"""An open finding is told again when its worst value is worse by this share of what was told."""


class Sample(NamedTuple):
    """A batch of one attribute as lanes see it: rows, epochs of parameters (`which` per row), columns by name.

    `values`: the last value of every slot before the batch.
    """

    rows: Rows
    epochs: list[Epoch]
    which: NDArray[np.intp] | None
    columns: dict[str, Any]
    joined: Mapping[str, Joined]
    values: NDArray[np.float64]
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
    """Memory that a batch changed: step and slot, then the columns of `COLUMNS`."""

    step: Index
    slot: Index
    columns: tuple[NDArray[Any], ...]


class Lane:
    """Memory of rules over slots; subclasses say which rows reach which level."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        self.plans = tuple(plans)
        self.width = len(self.plans)
        self.sign = 1.0 if self.plans[0].upward else -1.0
        self.lasting = np.array([plan.lasting_us for plan in self.plans], dtype=np.int64)
        self.level: Levels = np.zeros(0, dtype=np.int32)
        self.memory = {
            name: np.zeros((0, self.width), dtype=kind) for name, kind in zip(COLUMNS, COLUMN_TYPES, strict=True)
        }

    def grow(self, capacity: int) -> None:
        """Make room for slots below `capacity`."""
        more = capacity - len(self.level)
        self.level = np.append(self.level, np.zeros(more, dtype=np.int32))
        for name, column in self.memory.items():
            self.memory[name] = np.vstack((column, np.zeros((more, self.width), dtype=column.dtype)))

    def restore(self, step: Index, slot: Index, columns: Sequence[NDArray[Any]]) -> None:
        """Put memory back as `Touched` carried it; of repeats the last counts."""
        for name, column in zip(COLUMNS, columns, strict=True):
            self.memory[name][slot, step] = column
        self.level[slot] = self.memory["on"][slot].sum(axis=1)

    def drop(self, slot: int) -> None:
        """Forget a slot."""
        self.level[slot] = 0
        self.memory["on"][slot] = 0

    def standing(self) -> Touched:
        """Return all memory that matters: the runs that stand."""
        slot, step = np.nonzero(self.memory["on"])
        return Touched(step, slot, tuple(self.memory[name][slot, step] for name in COLUMNS))

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
        lively = self.level[rows.series] > 0
        lively[rows.segment[self.hot(sample)]] = True
        segments = np.flatnonzero(lively)
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
        return self._remember(sample, found, picked, series, gaps)

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
        self, sample: Sample, found: Runs, picked: Index, series: Index, gaps: NDArray[np.bool_] | None
    ) -> tuple[Told | None, Touched]:
        slot, step, opened = series[found.segment], found.step, found.opened
        memory = {name: column[slot, step] for name, column in self.memory.items()}
        at = sample.rows.at[picked]
        since = np.where(opened, at[found.first], memory["since"]) if len(at) else memory["since"]
        values = sample.rows.value[picked] * self.sign
        peak = np.maximum(np.where(opened, -np.inf, memory["peak"]), largest(values, found.first, found.stop))
        count = np.where(opened, 0, memory["count"]) + found.stop - found.first
        # The row that decides: the one that closed the run, else the last of the run.
        decisive = found.stop - ~found.closed
        end = at[decisive]
        if gaps is not None:
            end = np.where(found.closed & gaps[decisive], sample.rows.before_at[picked][decisive], end)
        fired = ~opened & (memory["fired"] > 0)
        fires = ~fired & (end - since >= self.lasting[step])
        told_before = np.where(opened, 0.0, memory["told"])
        worse = fired & ~found.closed & (peak > told_before + _WORSE * np.abs(told_before))
        says = fires | (fired & found.closed)
        if not sample.historical:
            says |= worse
        told_value = np.where(says, peak, told_before)
        on = ~found.closed
        columns = (on.astype("u1"), since, peak, told_value, count, (fired | fires).astype("u1"))
        for name, column in zip(COLUMNS, columns, strict=True):
            self.memory[name][slot, step] = column
        touched = Touched(step, slot, columns)
        if not says.any():
            return None, touched
        told = np.flatnonzero(says)
        return Told(
            step[told],
            slot[told],
            fires[told],
            found.closed[told],
            since[told],
            end[told],
            peak[told] * self.sign,
            count[told],
            picked[decisive[told]],
        ), touched


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
