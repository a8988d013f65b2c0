"""The evaluator: batches of observations in, findings and changed memory out; no store, no clock, no commands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from quanyu.engines.rules import memory
from quanyu.engines.rules.advance import Excerpt, advance, excerpt
from quanyu.engines.rules.columns import Batch, Columns, concatenate
from quanyu.engines.rules.compile import Plan
from quanyu.engines.rules.ground import NEVER, Ground, Sorted, sort
from quanyu.engines.rules.lane import Joined, Lane, Sample, Told
from quanyu.engines.rules.pins import Pins
from quanyu.engines.rules.population import Population
from quanyu.engines.rules.series import Rows
from quanyu.engines.rules.store import Describe, standing_value
from quanyu.engines.rules.watch import Watch, join
from quanyu.kernel.journal import Instant
from quanyu.kernel.parameter import Pinned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quanyu.engines.rules.scan import Index


class Finding(msgspec.Struct, frozen=True, gc=False):
    """What a rule found on an entity, from the first true sample to the first false one (`end` None: it still holds).

    `new`: told for the first time. `value`: the worst seen since `start`; None for silence. `last`: newest instant that
    it speaks of. `pins`: the parameters that it was judged by.
    """

    plan: Plan
    entity: str
    new: bool
    start: Instant
    end: Instant | None
    last: Instant
    value: float | None
    count: int
    limit: float | None
    pins: tuple[Pinned, ...]
    seq: int
    historical: bool


class Evaluator:
    """Judges batches against compiled rules; memory that changed waits in `changes` until it is taken."""

    def __init__(self, plans: Iterable[Plan], pins: Pins, describe: Describe) -> None:
        self.plans = tuple(plans)
        self.watches = _watches(self.plans, pins)
        self.population = Population(list(dict.fromkeys(watch.type for watch in self.watches)), describe)
        self.changes = memory.Changes()
        self.late = 0
        self._pins = pins
        self._ground = Ground()

    def read(self, batches: Sequence[Batch]) -> list[Finding]:
        """Judge batches in order; those of one life that follow one another are judged together."""
        findings: list[Finding] = []
        for _, group in groupby(batches, key=lambda batch: batch.historical):
            findings += self._judge(list(group))
        return findings

    def wake(self, now: Instant) -> list[Finding]:
        """Tell the live series that have been silent for too long at this city time."""
        findings: list[Finding] = []
        for watch in self.watches:
            for silence in watch.silences:
                told, touched = silence.wake(now, watch.heard_at, watch.last_at)
                if told is not None:
                    self.changes.silence(silence, touched)
                    findings += self._told(watch, (silence.plan,), told, None, (), [])
        return findings

    @property
    def next_wake(self) -> Instant | None:
        """City time at which the next series will have been silent for too long."""
        due = [silence.next_wake(watch.heard_at) for watch in self.watches for silence in watch.silences]
        return min((at for at in due if at is not None), default=None)

    def drop(self, entity: str, at: Instant, seq: int) -> list[Finding]:
        """End what stands on a deleted entity and forget its series; a new entity of that id starts afresh."""
        ended = [
            msgspec.structs.replace(finding, end=max(at, finding.start), last=at, seq=seq)
            for finding in self.standing()
            if finding.entity == entity
        ]
        for type_, slot in self.population.drop(entity):
            self.changes.dropped(type_, slot)
            for watch in self.watches:
                if watch.type == type_:
                    watch.drop(slot)
        return ended

    def standing(self) -> Iterator[Finding]:
        """Return every finding that was told and still holds."""
        for watch in self.watches:
            ids = self.population.ids[watch.type]
            for lane in watch.lanes:
                for slot, step in np.argwhere(lane.memory["fired"] & lane.memory["on"]).tolist():
                    cell, plan, last = lane.memory[slot, step], lane.plans[step], int(watch.last_at[slot])
                    since, value = int(cell["since"]), float(cell["peak"]) * lane.sign
                    count, pins = int(watch.seen[slot] - cell["base"]), self._pinned(plan, since)
                    yield Finding(plan, ids[slot], False, since, None, last, value, count, None, pins, 0, False)
            for silence in watch.silences:
                for i in np.flatnonzero(silence.fired).tolist():
                    since_at = int(silence.since[i])
                    yield Finding(silence.plan, ids[i], False, since_at, None, since_at, None, 0, None, (), 0, False)

    def ready(self) -> None:
        """Give every watch room for its population."""
        sizes = [len(self.population.ids[watch.type]) for watch in self.watches]
        rooms = [watch.stretch.stop - watch.stretch.start for watch in self.watches]
        if all(size <= room for size, room in zip(sizes, rooms, strict=True)):
            return
        self.changes.settle(self.watches)
        rooms = [max(room, 64, size + size // 2) for size, room in zip(sizes, rooms, strict=True)]
        self._ground.lay(rooms)
        self.population.moved()
        for watch, start, room in zip(self.watches, self._ground.starts.tolist(), rooms, strict=False):
            watch.stand(self._ground, start, start + room)

    def _judge(self, group: Sequence[Batch]) -> list[Finding]:
        columns = concatenate(group)
        if not len(columns.at):
            return []
        batch, late = sort(self._places(columns), columns.at, columns.value, self._ground)
        self.late += late
        if not len(batch.at):
            return []
        samples = self._samples(batch, columns, group[0].historical)
        found = [excerpt(lane, sample, odd) for watch, sample, odd in samples for lane in watch.lanes]
        findings = self._advance([part for part in found if part is not None], samples, group, columns.origin)
        places = batch.remember(self._ground)
        self.changes.seen(places)
        for watch, sample, _ in samples:
            if watch.silences or watch.pasts:
                findings += self._break(watch, sample.rows, group, columns.origin)
        return findings

    def _samples(self, batch: Sorted, columns: Columns, historical: bool) -> list[tuple[Watch, Sample, Index | None]]:
        """Lay out the batch for each watch in which something may change, with the rows that may matter."""
        odd = batch.odd(self._ground)
        day = self._pins.only_day(batch.at)
        bounds = batch.place.searchsorted(self._ground.starts).tolist()
        series = batch.starts.searchsorted(bounds).tolist()
        odds = odd.searchsorted(bounds).tolist()
        cuts: dict[Watch, Rows] = {}
        laid = []
        for i, watch in enumerate(self.watches):
            start, stop = bounds[i], bounds[i + 1]
            if start == stop:
                continue
            epochs, which = watch.epochs(batch.at[start:stop], day)
            if watch.unsettled(epochs):
                self.changes.settle(self.watches)
                watch.settle(epochs)
            rows = cuts[watch] = batch.rows(start, stop, series[i], series[i + 1], watch.stretch.start)
            rows_odd = watch.odd(epochs, which, rows, odd[odds[i] : odds[i + 1]] - start)
            if rows_odd is not None and not len(rows_odd):
                continue
            laid.append((watch, rows, epochs, which, rows_odd))
        return [
            (watch, watch.sample(rows, epochs, which, self._joined(watch, rows, cuts, columns), historical), rows_odd)
            for watch, rows, epochs, which, rows_odd in laid
        ]

    def _joined(self, watch: Watch, rows: Rows, cuts: dict[Watch, Rows], columns: Columns) -> dict[str, Joined]:
        others = ((name, self._watch(watch.type, name)) for name in watch.joined)
        return {name: join(rows, cuts.get(other), other, columns.origin) for name, other in others}

    def _advance(
        self,
        parts: Sequence[Excerpt],
        samples: Sequence[tuple[Watch, Sample, Index | None]],
        group: Sequence[Batch],
        origin: NDArray[np.int64],
    ) -> list[Finding]:
        findings: list[Finding] = []
        changed: dict[Lane, Index] = {}
        watch_of = {lane: watch for watch, _, _ in samples for lane in watch.lanes}
        for lane, sample, series, cells, told in advance(parts):
            changed[lane] = series
            self.changes.lane(lane, cells)
            if told is not None:
                batches = [group[i] for i in origin.take(sample.rows.row.take(told.row)).tolist()]
                limits = lane.limits(sample, told.row, told.step).tolist()
                findings += self._told(watch_of[lane], lane.plans, told, sample, limits, batches)
        for watch, sample, _ in samples:
            watch.note(sample, [changed[lane] for lane in watch.lanes if lane in changed])
        return findings

    def _places(self, columns: Columns) -> Index:
        """Return the place on the ground of each row; -1: not watched."""
        known = self.population.locate(columns.entities)
        self.changes.met(self.population)
        self.ready()
        self._take_stated(columns)
        if len(columns.attributes) > 1:
            starts = self._table(columns.attributes).take(
                known.types.take(columns.entity) * len(columns.attributes) + columns.attribute
            )
            return np.where(starts < 0, -1, starts + known.slots.take(columns.entity))
        [attribute] = columns.attributes
        places = known.places.get(attribute)
        if places is None:
            starts = self._table(columns.attributes).take(known.types)
            places = known.places[attribute] = np.where(starts < 0, -1, starts + known.slots)
        return places.take(columns.entity)

    def _take_stated(self, columns: Columns) -> None:
        """Let conditions read what documents state of attributes that nobody observes, nor has begun to just now."""
        watches = {type_: [each for each in self.watches if each.type == type_] for type_ in self.population.types}
        stated = [
            (watch, slot, document["id"], value)
            for type_, slot, document in self.population.described
            for watch in watches[type_]
            if (value := standing_value(document.get(watch.attribute))) is not None and watch.last_at[slot] == NEVER
        ]
        if stated:
            pairs = zip(columns.entity.tolist(), columns.attribute.tolist(), strict=True)
            seen = {(columns.entities[entity], columns.attributes[attribute]) for entity, attribute in {*pairs}}
            for watch, slot, id_, value in stated:
                if (id_, watch.attribute) not in seen:
                    watch.value[slot] = value
        self.population.described = []

    def _table(self, attributes: Sequence[str]) -> Index:
        """Return where the stretch of (type number, attribute) starts; the last row, which -1 finds, watches nothing."""
        place = {name: i for i, name in enumerate(attributes)}
        number = {name: i for i, name in enumerate(self.population.types)}
        table = np.full((len(number) + 1) * len(attributes), -1, dtype=np.intp)
        for watch in self.watches:
            if watch.attribute in place:
                table[number[watch.type] * len(attributes) + place[watch.attribute]] = watch.stretch.start
        return table

    def _watch(self, type_: str, attribute: str) -> Watch:
        return next(watch for watch in self.watches if watch.type == type_ and watch.attribute == attribute)

    def _break(self, watch: Watch, rows: Rows, group: Sequence[Batch], origin: NDArray[np.int64]) -> Iterator[Finding]:
        """Tell the silences that samples broke, and let the samples become past."""
        for silence in watch.silences:
            told, slots = silence.step(rows)
            self.changes.silence(silence, slots)
            if told is not None:
                batches = [group[i] for i in origin[rows.row[told.row]].tolist()]
                yield from self._told(watch, (silence.plan,), told, None, (), batches)
        watch.heard_at[rows.series] = NEVER
        if not group[0].historical:
            heard = np.array([batch.at for batch in group], dtype=np.int64)
            watch.heard_at[rows.series] = heard[origin[rows.row[rows.stops - 1]]]
        for past in watch.pasts.values():
            past.append(rows)

    def _told(
        self,
        watch: Watch,
        plans: Sequence[Plan],
        told: Told,
        sample: Sample | None,
        limits: Sequence[float],
        batches: Sequence[Batch],
    ) -> Iterator[Finding]:
        """Turn columns into findings."""
        ids = self.population.ids[watch.type]
        columns = [column.tolist() for column in told]
        for i, (step, slot, new, over, since, end, peak, count, row) in enumerate(zip(*columns, strict=True)):
            plan = plans[step]
            pins: tuple[Pinned, ...] = ()
            if sample is not None and plan.parameters:
                epoch = sample.epochs[0 if sample.which is None else int(sample.which[row])]
                pins = tuple(pin for name in plan.parameters if (pin := epoch.pinned[name]) is not None)
            limit = limits[i] if limits else None
            yield Finding(
                plan=plan,
                entity=ids[slot],
                new=new,
                start=since,
                end=end if over else None,
                last=end,
                value=None if plan.absent_us is not None else peak,
                count=count,
                limit=None if limit != limit else limit,
                pins=pins,
                seq=batches[i].seq if batches else 0,
                historical=batches[i].historical if batches else False,
            )

    def _pinned(self, plan: Plan, at: Instant) -> tuple[Pinned, ...]:
        pinned = self._pins.epoch_at(plan.parameters, at).pinned if plan.parameters else {}
        return tuple(pin for pin in pinned.values() if pin is not None)


def _watches(plans: Sequence[Plan], pins: Pins) -> tuple[Watch, ...]:
    """Group rules by what they watch; an attribute that conditions only read is a watch without rules."""
    groups: dict[tuple[str, str], list[Plan]] = {}
    for plan in plans:
        groups.setdefault((plan.rule.type, plan.rule.attribute), []).append(plan)
    for plan in plans:
        for name in plan.attributes:
            groups.setdefault((plan.rule.type, name), [])
    return tuple(Watch(type_, attribute, group, pins) for (type_, attribute), group in groups.items())
