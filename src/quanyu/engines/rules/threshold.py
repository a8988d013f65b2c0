"""Thresholds of one attribute, sorted: two binary searches say which rules a value fires and which it lets stand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from quanyu.engines.rules.compile import Plan
from quanyu.engines.rules.ground import NO_DUE
from quanyu.engines.rules.lane import Lane, Sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quanyu.engines.rules.pins import Epoch
    from quanyu.engines.rules.scan import Index, Levels


class Cuts(NamedTuple):
    """Per rule, for values turned so that larger is worse: fires above `fire`, stands above `stand`; NaN never.

    By level: a value above `rise` reaches the next level, one not above `fall` loses this one.
    """

    fire: NDArray[np.float64]
    stand: NDArray[np.float64]
    limit: NDArray[np.float64]
    rise: NDArray[np.float64]
    fall: NDArray[np.float64]


class Thresholds(Lane):
    """Rules `attribute <op> limit` of one direction, `clears` and `max_gap`."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        super().__init__(plans)
        self._cuts: dict[Epoch, Cuts] = {}
        self._settled: set[Epoch] = set()
        self.alone = False
        """Whether the watch has no other lane, so that rows outside its bands are this lane's."""
        self._lasts = bool(self.lasting.any())

    @staticmethod
    def kind(plan: Plan) -> tuple[object, ...]:
        """Rules of one kind may share a lane."""
        return plan.upward, plan.rule.clears, plan.max_gap_us

    def cuts(self, epoch: Epoch) -> Cuts:
        """Return the cuts of an epoch in the order of the lane's rules."""
        cuts = self._cuts.get(epoch)
        if cuts is None:
            rows = [cut(plan, epoch, self.sign) for plan in self.plans]
            fire, stand, limit = (np.array(column) for column in zip(*rows, strict=True))
            rise = np.append(np.where(np.isnan(fire), np.inf, fire), np.inf)
            cuts = self._cuts[epoch] = Cuts(fire, stand, limit, rise, np.append(-np.inf, stand))
        return cuts

    def settled(self, epochs: Sequence[Epoch]) -> bool:
        """Say whether the present order of the rules serves these epochs."""
        return self._settled.issuperset(epochs)

    def settle(self, epochs: Sequence[Epoch]) -> list[Thresholds]:
        """Order the rules by their limits; lanes of one rule each come back when no one order serves all epochs."""
        if self.settled(epochs):
            return [self]
        order = _order(self.cuts(epochs[0]))
        if order != list(range(self.width)):
            self._permute(order)
        on = self.memory["on"]
        nested = bool((on[:, :-1] >= on[:, 1:]).all())
        if nested and all(_order(self.cuts(epoch)) == list(range(self.width)) for epoch in epochs):
            self._settled.update(epochs)
            return [self]
        return [self._single(step) for step in range(self.width)]

    def restore(self, step: int, slot: Index, cells: NDArray[np.void]) -> None:
        """Put the memory of one rule back; whether the rules stand in order is looked at again."""
        super().restore(step, slot, cells)
        self._settled.clear()

    def lively(self, sample: Sample, odd: Index | None) -> Index:
        """Return the segments in which a value left what its series is known to bear."""
        if sample.which is not None:
            return super().lively(sample, odd)
        if self.alone and odd is not None:
            return sample.rows.segments(odd)
        rows, gap = sample.rows, self.plans[0].max_gap_us
        looked = np.arange(len(rows)) if odd is None else odd
        floor, ceiling, due = self._bounds(sample.epochs[0], rows.slot.take(looked))
        values, at = rows.value.take(looked) * self.sign, rows.at.take(looked)
        quiet = (values > floor) & (values <= ceiling) & (at < due)
        if gap is not None:
            quiet &= (floor == -np.inf) | (at - rows.before_at.take(looked) <= gap)
        return rows.segments(looked[~quiet])

    def band(self, epoch: Epoch, slots: Index) -> tuple[NDArray[np.float64], NDArray[np.float64], Any]:
        """Return between which values, exclusive, and until when these series stay as they are."""
        floor, ceiling, due = self._bounds(epoch, slots)
        return (floor, ceiling, due) if self.sign > 0 else (-ceiling, -floor, due)

    def _bounds(self, epoch: Epoch, slots: Index) -> tuple[NDArray[np.float64], NDArray[np.float64], Any]:
        """Say within which turned values, (floor, ceiling], before `due`, nothing changes for these series.

        No rule fires or ceases, and no run has a new worst value: the run of the highest step is the youngest, so its
        worst value is the least of all.
        """
        cuts, level = self.cuts(epoch), self.level.take(slots)
        top = slots * self.width + np.maximum(level - 1, 0)
        peak = np.where(level > 0, self.cells.take(top)["peak"], np.inf)
        floor, ceiling = cuts.fall.take(level), np.minimum(peak, cuts.rise.take(level))
        if not self._lasts:
            return floor, ceiling, NO_DUE
        waits = self.memory[slots]
        due = np.where((waits["on"] > 0) & (waits["fired"] == 0), waits["since"] + self.lasting, NO_DUE)
        return floor, ceiling, due.min(axis=1)

    def hot(self, sample: Sample) -> Index:
        """Return the rows above the lowest limit."""
        values = sample.rows.value * self.sign if self.sign < 0 else sample.rows.value
        if sample.which is None:
            hot: NDArray[np.bool_] = values > self.cuts(sample.epochs[0]).fire[0]
            return hot.nonzero()[0]
        lowest = np.array([self.cuts(epoch).fire[0] for epoch in sample.epochs])
        return (values > lowest[sample.which]).nonzero()[0]

    def judge(self, sample: Sample, rows: Index) -> tuple[Levels, Levels]:
        """Count the limits below each value."""
        values = sample.rows.value.take(rows) * self.sign
        if sample.which is None:
            return self._count(self.cuts(sample.epochs[0]), values)
        up, keep = np.zeros(len(rows), dtype=np.int32), np.zeros(len(rows), dtype=np.int32)
        which = sample.which[rows]
        for i, epoch in enumerate(sample.epochs):
            mine = np.flatnonzero(which == i)
            up[mine], keep[mine] = self._count(self.cuts(epoch), values[mine])
        return up, keep

    def limits(self, sample: Sample, rows: Index, steps: Index) -> NDArray[np.float64]:
        """Look the limits up."""
        if sample.which is None:
            return self.cuts(sample.epochs[0]).limit.take(steps)
        limit = np.array([self.cuts(epoch).limit for epoch in sample.epochs])
        return np.asarray(limit[sample.which[rows], steps], dtype=np.float64)

    def _count(self, cuts: Cuts, values: NDArray[np.float64]) -> tuple[Levels, Levels]:
        up = _below(cuts.fire, values)
        return up, up if self.plans[0].rule.clears is None else _below(cuts.stand, values)

    def _permute(self, order: list[int]) -> None:
        self.plans = tuple(self.plans[i] for i in order)
        self.lasting = self.lasting[order]
        self.cells = self.memory[:, order].ravel()
        self._cuts.clear()
        self._settled.clear()

    def _single(self, step: int) -> Thresholds:
        lane = Thresholds((self.plans[step],))
        lane.cells = self.memory[:, step].copy()
        lane.level = lane.cells["on"].astype(np.int32)
        return lane


def cut(plan: Plan, epoch: Epoch, sign: float) -> tuple[float, float, float]:
    """Return exactly where a rule begins to fire and ceases to stand: the doubles just below, values turned by `sign`."""
    assert plan.threshold is not None
    with np.errstate(all="ignore"):
        limit = float(plan.threshold(epoch.values))
    turned = limit * sign
    if math.isnan(turned):
        return turned, turned, limit
    fire = turned if plan.strict else math.nextafter(turned, -math.inf)
    clears = plan.rule.clears
    if clears is None or math.isinf(turned):
        return fire, fire, limit
    if plan.strict:
        return fire, _edge(lambda value: value / clears > turned, turned * clears), limit
    return fire, _edge(lambda value: value / clears >= turned, turned * clears), limit


def _edge(holds: Callable[[float], bool], near: float) -> float:
    """Return the largest double for which a monotone condition does not hold, a few steps away from `near`."""
    while holds(near):
        near = math.nextafter(near, -math.inf)
    while not holds(math.nextafter(near, math.inf)):
        near = math.nextafter(near, math.inf)
    return near


def _below(cuts: NDArray[np.float64], values: NDArray[np.float64]) -> Levels:
    # NaN stands beyond every cut in NumPy's order, but an unknown value is above none.
    return np.asarray(cuts.searchsorted(values) * (values == values), dtype=np.int32)


def _order(cuts: Cuts) -> list[int]:
    """Sort by limit, the present order first among equals; `stand` follows, as both grow with the limit."""
    return [int(i) for i in np.lexsort((np.arange(len(cuts.fire)), cuts.stand, cuts.fire))]
