"""A watch: one attribute of one entity type, its rules, and what was last seen of every entity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from quanyu.engines.rules.compile import Plan
from quanyu.engines.rules.ground import NEVER, Ground
from quanyu.engines.rules.lane import Condition, Joined, Lane, Sample
from quanyu.engines.rules.past import Past
from quanyu.engines.rules.pins import Epoch, Pins, numbers
from quanyu.engines.rules.series import Rows
from quanyu.engines.rules.silence import Silence
from quanyu.engines.rules.threshold import Thresholds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quanyu.engines.rules.scan import Index


class Part(Protocol):
    """What a watch keeps by slot besides the ground."""

    def grow(self, capacity: int) -> None:
        """Make room for slots below `capacity`."""
        ...

    def drop(self, slot: int) -> None:
        """Forget a slot."""
        ...


class Watch:
    """Slots are places of entities within their type. `heard_at` is city time, kept for silences only."""

    def __init__(self, type: str, attribute: str, plans: Sequence[Plan], pins: Pins) -> None:
        self.type, self.attribute = type, attribute
        self.plans = tuple(plans)
        self.pins = pins
        self.parameters = tuple(dict.fromkeys(name for plan in plans for name in plan.parameters))
        self.joined = tuple(dict.fromkeys(name for plan in plans if plan.absent_us is None for name in plan.attributes))
        self.silences = tuple(Silence(plan) for plan in plans if plan.absent_us is not None)
        self.pasts = {plan.hash: Past() for plan in plans if plan.rule.baseline is not None}
        self.lanes: list[Lane] = _lanes([plan for plan in plans if plan.absent_us is None])
        self.ground = Ground()
        self.stretch = slice(0, 0)
        self.sparse = not (self.silences or self.pasts) and all(isinstance(lane, Thresholds) for lane in self.lanes)
        self.band: Epoch | None = None
        """The epoch that the bands of all series are noted for."""
        self.unknown = dict.fromkeys((plan.name for plan in plans), 0)

    @property
    def last_at(self) -> NDArray[np.int64]:
        """Event time of the last sample by slot; NEVER."""
        return self.ground.last_at[self.stretch]

    @property
    def heard_at(self) -> NDArray[np.int64]:
        """City time at which the last live sample came, by slot; NEVER."""
        return self.ground.heard_at[self.stretch]

    @property
    def value(self) -> NDArray[np.float64]:
        """Last value by slot."""
        return self.ground.value[self.stretch]

    @property
    def seen(self) -> NDArray[np.int64]:
        """Number of samples by slot."""
        return self.ground.seen[self.stretch]

    @property
    def parts(self) -> tuple[Part, ...]:
        """Lanes, silences and pasts."""
        return (*self.lanes, *self.silences, *self.pasts.values())

    def stand(self, ground: Ground, start: int, stop: int) -> None:
        """Take a stretch of the ground, and make room for its slots."""
        self.ground, self.stretch, self.band = ground, slice(start, stop), None
        for part in self.parts:
            part.grow(stop - start)

    def epochs(self, at: NDArray[np.int64], day: int | None) -> tuple[list[Epoch], NDArray[np.intp] | None]:
        """Return the epochs of parameters (all rows lie on `day`, if given) and count the rows of unknown ones."""
        epochs, which = self.pins.epochs(self.parameters, at, day)
        for i, epoch in enumerate(epochs):
            if epoch.unknown:
                self._count_unknown(epoch, len(at) if which is None else int((which == i).sum()))
        return epochs, which

    def sample(
        self,
        rows: Rows,
        epochs: list[Epoch],
        which: NDArray[np.intp] | None,
        joined: Mapping[str, Joined],
        historical: bool,
    ) -> Sample:
        """Lay out what conditions read: the value, joined attributes, parameters of the day, scores against the past."""
        columns: dict[str, Any] = {}
        if not self.sparse:
            columns = {self.attribute: rows.value, **numbers(self.parameters, epochs, which)}
            columns.update((name, value) for name, (_, value) in joined.items())
            for hash_, past in self.pasts.items():
                columns["past " + hash_] = past.scores(rows)
        return Sample(rows, epochs, which, columns, joined, self.value, self.seen, historical)

    def odd(self, epochs: list[Epoch], which: NDArray[np.intp] | None, rows: Rows, found: Index) -> Index | None:
        """Return the rows that may change something (None: all), given those outside the bands."""
        if not self.plans:
            return np.empty(0, dtype=np.intp)
        if not self.sparse or which is not None or self.band is not epochs[0]:
            return None
        gaps = [gap for lane in self.lanes if (gap := lane.plans[0].max_gap_us) is not None]
        if gaps:
            return np.union1d(found, (rows.at - rows.before_at > min(gaps)).nonzero()[0])
        return found

    def note(self, sample: Sample, series: Sequence[Index]) -> None:
        """Note the bands of series whose levels changed, or of all when parameters did."""
        if not self.sparse:
            return
        if sample.which is not None:
            self.band = None
            return
        slots = np.concatenate(series) if len(series) > 1 else series[0] if series else np.empty(0, dtype=np.intp)
        if self.band is not sample.epochs[0]:
            self.band = sample.epochs[0]
            slots = np.arange(self.stretch.stop - self.stretch.start)
        if not len(slots):
            return
        bands = [lane.band(self.band, slots) for lane in self.lanes if isinstance(lane, Thresholds)]
        low, high, due = bands[0]
        for other_low, other_high, other_due in bands[1:]:
            low, high, due = np.maximum(low, other_low), np.minimum(high, other_high), np.minimum(due, other_due)
        places = slots + self.stretch.start
        self.ground.low[places], self.ground.high[places], self.ground.due[places] = low, high, due

    def drop(self, slot: int) -> None:
        """Forget a slot."""
        self.last_at[slot] = self.heard_at[slot] = NEVER
        self.value[slot], self.band = np.nan, None
        for part in self.parts:
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
        for lane in settled:
            if isinstance(lane, Thresholds):
                lane.alone = len(settled) == 1

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
