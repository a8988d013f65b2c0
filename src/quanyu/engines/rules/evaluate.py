"""The evaluator: batches of observations in, findings and changed memory out; no store, no clock, no commands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from quanyu.engines.rules import memory
from quanyu.engines.rules.advance import Excerpt, advance, excerpt
from quanyu.engines.rules.compile import Plan
from quanyu.engines.rules.lane import Lane, Sample, Told
from quanyu.engines.rules.pins import Pins
from quanyu.engines.rules.population import Population, Types
from quanyu.engines.rules.series import Rows, arrange
from quanyu.engines.rules.watch import Watch, join
from quanyu.kernel.entity import Observations
from quanyu.kernel.journal import Instant
from quanyu.kernel.parameter import Pinned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quanyu.engines.rules.scan import Index


class Batch(NamedTuple):
    """One record of observations: its seq, the city time at which it was committed, and whether it is an import."""

    observations: Observations
    seq: int = 0
    at: Instant = 0
    historical: bool = False


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


class Columns(NamedTuple):
    """Batches laid end to end; `origin` is the batch of each row."""

    entities: Sequence[str]
    attributes: Sequence[str]
    entity: NDArray[np.intp]
    attribute: NDArray[np.intp]
    at: NDArray[np.int64]
    value: NDArray[np.float64]
    origin: NDArray[np.int64]


class Evaluator:
    """Judges batches against compiled rules; memory that changed waits in `changes` until it is taken."""

    def __init__(self, plans: Iterable[Plan], pins: Pins, types: Types) -> None:
        self.plans = tuple(plans)
        self.watches = _watches(self.plans, pins)
        self.population = Population(list(dict.fromkeys(watch.type for watch in self.watches)), types)
        self.changes = memory.Changes()
        self.late = 0
        self._pins = pins

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
        for watch in self.watches:
            size = len(self.population.ids[watch.type])
            if len(watch.last_at) < size:
                watch.grow(max(64, size + size // 2))

    def _judge(self, group: Sequence[Batch]) -> list[Finding]:
        columns = _concatenate(group)
        if not len(columns.at):
            return []
        parts = self._route(columns)
        rows_of = {(watch.type, watch.attribute): rows for watch, rows in parts}
        historical = group[0].historical
        excerpts: list[Excerpt] = []
        watch_of: dict[Lane, Watch] = {}
        for watch, rows in parts:
            joined = {
                name: join(rows, rows_of.get((watch.type, name)), self._watch(watch.type, name), columns.origin)
                for name in watch.joined
            }
            sample = watch.sample(rows, joined, historical)
            if watch.unsettled(sample.epochs):
                self.changes.settle()
                watch.settle(sample.epochs)
            watch_of.update(dict.fromkeys(watch.lanes, watch))
            found = (excerpt(lane, sample) for lane in watch.lanes)
            excerpts += [part for part in found if part is not None]
        findings: list[Finding] = []
        for lane, sample, places, told in advance(excerpts):
            self.changes.lane(lane, places)
            if told is not None:
                batches = [group[i] for i in columns.origin[sample.rows.row[told.row]].tolist()]
                limits = lane.limits(sample, told.row, told.step).tolist()
                findings += self._told(watch_of[lane], lane.plans, told, sample, limits, batches)
        for watch, rows in parts:
            findings += self._break(watch, rows, group, columns.origin)
        for watch, rows in parts:
            heard = None
            if watch.silences and not historical:
                heard = np.array([batch.at for batch in group], dtype=np.int64)[columns.origin[rows.row]]
            watch.remember(rows, heard)
            self.changes.seen(watch, rows.series)
        return findings

    def _route(self, columns: Columns) -> list[tuple[Watch, Rows]]:
        """Cut a batch by watch; each part is sorted by slot in order of arrival, late samples taken out."""
        types, slots = self.population.locate(columns.entities)
        self.ready()
        self.changes.met(self.population)
        table = self._table(columns.attributes)
        width = len(columns.attributes)
        if width == 1:
            watch_of = table[types].take(columns.entity)
        else:
            watch_of = table[types.take(columns.entity) * width + columns.attribute]
        order, slot = _sorted(slots.take(columns.entity), watch_of, len(self.watches))
        at, value, watches = columns.at.take(order), columns.value.take(order), watch_of.take(order)
        bounds = np.searchsorted(watches, np.arange(len(self.watches) + 1)) if len(order) else np.zeros(1, np.intp)
        parts = []
        for i in range(len(bounds) - 1):
            start, stop = int(bounds[i]), int(bounds[i + 1])
            if start == stop:
                continue
            watch, cut = self.watches[i], slice(start, stop)
            rows, late = arrange(slot[cut], at[cut], value[cut], order[cut], watch.last_at)
            self.late += late
            if len(rows):
                parts.append((watch, rows))
        return parts

    def _table(self, attributes: Sequence[str]) -> NDArray[np.int16]:
        """Return the watch of (type number, attribute place), flat; the last row, which -1 finds, watches nothing."""
        place = {name: i for i, name in enumerate(attributes)}
        number = {name: i for i, name in enumerate(self.population.types)}
        table = np.full((len(number) + 1) * len(attributes), -1, dtype=np.int16)
        for i, watch in enumerate(self.watches):
            if watch.attribute in place:
                table[number[watch.type] * len(attributes) + place[watch.attribute]] = i
        return table

    def _watch(self, type_: str, attribute: str) -> Watch:
        return next(watch for watch in self.watches if watch.type == type_ and watch.attribute == attribute)

    def _break(
        self, watch: Watch, rows: Rows, group: Sequence[Batch], origin: NDArray[np.int64]
    ) -> Iterator[Finding]:
        """Tell the silences that samples broke."""
        for silence in watch.silences:
            told, slots = silence.step(rows)
            self.changes.silence(silence, slots)
            if told is not None:
                batches = [group[i] for i in origin[rows.row[told.row]].tolist()]
                yield from self._told(watch, (silence.plan,), told, None, (), batches)

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


def _sorted(slot: Index, watch_of: NDArray[np.int16], watches: int) -> tuple[Index, Index]:
    """Return the watched rows ordered by watch, slot and arrival, and their slots."""
    kept = None if (watch_of >= 0).all() else np.flatnonzero(watch_of >= 0)
    if kept is not None:
        slot, watch_of = slot[kept], watch_of[kept]
    if not len(slot):
        return slot, slot
    # Keys of 16 bits are sorted by radix, several times faster than wider ones.
    order = np.argsort(slot.astype(np.uint16) if slot.max() < 65536 else slot, kind="stable")
    if watches > 1:
        order = order.take(np.argsort(watch_of.take(order), kind="stable"))
    return (order if kept is None else kept.take(order)), slot.take(order)


def _concatenate(group: Sequence[Batch]) -> Columns:
    """Lay batches end to end; texts are samples without a number."""
    entities: list[str] = []
    attributes: dict[str, int] = {}
    parts: list[tuple[Any, ...]] = []
    for i, batch in enumerate(group):
        seen = batch.observations
        if seen.texts:
            seen = _numbered(seen)
        if len(group) == 1:
            at = np.asarray(seen.observed_at, dtype=np.int64)
            entity, attribute = np.asarray(seen.entity, dtype=np.intp), np.asarray(seen.attribute, dtype=np.intp)
            value = np.asarray(seen.value, dtype=np.float64)
            return Columns(seen.entities, seen.attributes, entity, attribute, at, value, np.zeros(len(at), np.int64))
        names = np.array([attributes.setdefault(name, len(attributes)) for name in seen.attributes], dtype=np.intp)
        entity = np.asarray(seen.entity, dtype=np.intp) + len(entities)
        entities += seen.entities
        attribute = names[np.asarray(seen.attribute, dtype=np.intp)]
        parts.append((entity, attribute, seen.observed_at, seen.value, np.full(len(entity), i, dtype=np.int64)))
    entity, attribute, at, value, origin = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Columns(
        entities, tuple(attributes), entity, attribute, at.astype(np.int64), value.astype(np.float64), origin
    )


def _numbered(seen: Observations) -> Observations:
    """Append texts as samples of unknown value: they break silences and make conditions unknown."""
    entities = {name: i for i, name in enumerate(seen.entities)}
    attributes = {name: i for i, name in enumerate(seen.attributes)}
    entity = [entities.setdefault(row[0], len(entities)) for row in seen.texts]
    attribute = [attributes.setdefault(row[1], len(attributes)) for row in seen.texts]
    return Observations(
        tuple(entities),
        tuple(attributes),
        [*seen.entity, *entity],
        [*seen.attribute, *attribute],
        [*seen.observed_at, *(row[2] for row in seen.texts)],
        [*seen.value, *([float("nan")] * len(seen.texts))],
    )


