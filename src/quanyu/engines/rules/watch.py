"""A watch: one attribute of one entity type, its rules, and what was last seen of every entity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from quanyu.engines.rules.compile import Plan
from quanyu.engines.rules.lane import Condition, Joined, Lane, Sample
from quanyu.engines.rules.past import Past
from quanyu.engines.rules.pins import Epoch, Pins, numbers
from quanyu.engines.rules.series import NEVER, Rows
from quanyu.engines.rules.silence import Silence
from quanyu.engines.rules.threshold import Thresholds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quanyu.engines.rules.scan import Index


class Watch:
    """Slots are places of entities within their type. `heard_at` is city time, kept for silences only."""

    def __init__(self, type: str, attribute: str, plans: Sequence[Plan], pins: Pins) -> None:  # noqa: A002
        self.type, self.attribute = type, attribute
        self.plans = tuple(plans)
        self.pins = pins
        self.parameters = tuple(dict.fromkeys(name for plan in plans for name in plan.parameters))
        self.joined = tuple(dict.fromkeys(name for plan in plans if plan.absent_us is None for name in plan.attributes))
        self.silences = tuple(Silence(plan) for plan in plans if plan.absent_us is not None)
        self.pasts = {plan.hash: Past() for plan in plans if plan.rule.baseline is not None}
        self.lanes: list[Lane] = _lanes([plan for plan in plans if plan.absent_us is None])
        self.last_at = np.zeros(0, dtype=np.int64)
        self.value = np.zeros(0, dtype=np.float64)
        self.seen = np.zeros(0, dtype=np.int64)
        self.heard_at = np.zeros(0, dtype=np.int64)
        self.unknown = dict.fromkeys((plan.name for plan in plans), 0)

    def grow(self, capacity: int) -> None:
        """Make room for slots below `capacity`."""
        more = capacity - len(self.last_at)
        if more <= 0:
            return
        self.last_at = np.append(self.last_at, np.full(more, NEVER, dtype=np.int64))
        self.heard_at = np.append(self.heard_at, np.full(more, NEVER, dtype=np.int64))
        self.seen = np.append(self.seen, np.zeros(more, dtype=np.int64))
        self.value = np.append(self.value, np.full(more, np.nan))
        for part in (*self.lanes, *self.silences, *self.pasts.values()):
            part.grow(capacity)

    def sample(self, rows: Rows, joined: Mapping[str, Joined], historical: bool) -> Sample:
        """Lay out what conditions read: the value, joined attributes, parameters of the day, scores against the past."""
        epochs, which = self.pins.epochs(self.parameters, rows.at)
        for i, epoch in enumerate(epochs):
            if epoch.unknown:
                self._count_unknown(epoch, len(rows) if which is None else int((which == i).sum()))
        columns: dict[str, Any] = {self.attribute: rows.value, **numbers(self.parameters, epochs, which)}
        columns.update((name, value) for name, (_, value) in joined.items())
        for hash_, past in self.pasts.items():
            columns["past " + hash_] = past.scores(rows)
        return Sample(rows, epochs, which, columns, joined, self.value, self.seen, historical)

    def remember(self, rows: Rows, heard_at: Iterable[int] | NDArray[np.int64] | None) -> None:
        """Keep the newest sample of each series; `heard_at` per row of `rows`, None for history."""
        last = rows.stops - 1
        self.last_at[rows.series] = rows.at[last]
        self.value[rows.series] = rows.value[last]
        self.seen[rows.series] += rows.counts
        if self.silences:
            self.heard_at[rows.series] = NEVER if heard_at is None else np.asarray(heard_at)[last]
        for past in self.pasts.values():
            past.append(rows)

    def drop(self, slot: int) -> None:
        """Forget a slot."""
        self.last_at[slot] = self.heard_at[slot] = NEVER
        self.value[slot] = np.nan
        for part in (*self.lanes, *self.silences, *self.pasts.values()):
            part.drop(slot)

    def lane_of(self, hash_: str) -> tuple[Lane, int] | None:
        """Find the lane of a rule and its place in it."""
        for lane in self.lanes:
            for step, plan in enumerate(lane.plans):
                if plan.hash == hash_:
                    return lane, step
        return None

    def unsettled(self, epochs: Sequence[Epoch]) -> bool:
        """Say whether lanes of thresholds have not yet been ordered for these epochs."""
        return any(isinstance(lane, Thresholds) and not lane.settled(epochs) for lane in self.lanes)

    def settle(self, epochs: Sequence[Epoch]) -> None:
        """Order lanes of thresholds by their limits, or split those that no one order serves."""
        settled: list[Lane] = []
        for lane in self.lanes:
            settled += lane.settle(epochs) if isinstance(lane, Thresholds) else [lane]
        self.lanes = settled

    def _count_unknown(self, epoch: Epoch, rows: int) -> None:
        for plan in self.plans:
            if not epoch.unknown.isdisjoint(plan.parameters):
                self.unknown[plan.name] += rows


def join(rows: Rows, other: Rows | None, watch: Watch, origin: NDArray[np.int64]) -> Joined:
    """Return another attribute as each row should see it: event time (NEVER) and value (NaN when unknown).

    It is the newest that arrived before the row; one of the same record, entity and instant as a judged sample counts as
    come with that sample, whatever the order of columns. `watch` still holds what was known before the batch.
    """
    at, value = watch.last_at[rows.slot], watch.value[rows.slot]
    if other is not None and len(other):
        found, seen = _newest_before(rows, other, origin)
        at = np.where(seen, other.at[found], at)
        value = np.where(seen, other.value[found], value)
    return at, value


def _newest_before(rows: Rows, other: Rows, origin: NDArray[np.int64]) -> tuple[Index, NDArray[np.bool_]]:
    size = int(max(rows.row.max(), other.row.max())) + 1
    instants = np.unique(np.concatenate((rows.at, other.at)))
    mine = rows.slot * len(instants) + np.searchsorted(instants, rows.at)  # ascending: by slot, then time
    theirs = other.slot * len(instants) + np.searchsorted(instants, other.at)
    twin = np.minimum(np.searchsorted(mine, theirs), len(mine) - 1)
    together = (mine[twin] == theirs) & (origin[rows.row[twin]] == origin[other.row])
    place = np.where(together, np.minimum(other.row, rows.row[twin]), other.row)
    key = other.slot * size + place
    key = np.minimum.accumulate(key[::-1])[::-1]  # a newer one that may be seen hides an older one that came later
    found = np.searchsorted(key, rows.slot * size + rows.row, side="right") - 1
    seen = (found >= 0) & (other.slot[found] == rows.slot)
    return found, seen


def _lanes(plans: Sequence[Plan]) -> list[Lane]:
    groups: dict[tuple[object, ...], list[Plan]] = {}
    lanes: list[Lane] = []
    for plan in plans:
        if plan.threshold is None:
            lanes.append(Condition(plan))
        else:
            groups.setdefault(Thresholds.kind(plan), []).append(plan)
    return [*(Thresholds(group) for group in groups.values()), *lanes]
