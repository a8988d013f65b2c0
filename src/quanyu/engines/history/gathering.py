"""Instances from everywhere: columns, tables, journal and what was told a moment ago, each key once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isnan
from typing import NamedTuple

import msgspec
import numpy as np

from quanyu.engines.history.ahead import Ahead
from quanyu.engines.history.asking import ask
from quanyu.engines.history.columns import Rows
from quanyu.engines.history.described import tells_of
from quanyu.engines.history.engine import HistoryReader
from quanyu.engines.history.store import FIRST, LAST, Found, Grouping, IndexWindow, Slice, TemporalIndex, Window
from quanyu.engines.history.telling import GONE, SCOPES, UNTIMED, Told, told_of
from quanyu.kernel.journal import Instant
from quanyu.kernel.temporal import BEGINNING, END, TimeProperty, too_many

SCOPE = "scope"
SPARE = 64
DESCRIBED_MAX = 50_000
EVERYTHING = UNTIMED | SCOPES | GONE
REMEDY = "Ask for fewer entities or attributes, or for a shorter time."
COLUMN = {"observedAt": "observed_at", "createdAt": "at", "modifiedAt": "modified"}


Ends = tuple[Instant, Instant, str]
"""First and last time of a series, and the kind of its attribute."""


class Span(msgspec.Struct, frozen=True):
    """Which instances: those whose time property lies in [start, end), of all or some attributes and datasets.

    `untimed`: also those that lack the time property.
    """

    property: TimeProperty = "observedAt"
    start: Instant = BEGINNING
    end: Instant = END
    untimed: bool = False
    attributes: tuple[str, ...] | None = None
    datasets: tuple[str, ...] | None = None
    without: frozenset[str] = frozenset()

    def named(self) -> str | tuple[str, ...] | None:
        """The attributes as the columns are asked for them: one by its name."""
        one = self.attributes is not None and len(self.attributes) == 1
        return self.attributes[0] if one and self.attributes else self.attributes

    def wants(self, attribute: str, dataset: str) -> bool:
        """Whether instances of a series are asked for."""
        if attribute in self.without or (self.attributes is not None and attribute not in self.attributes):
            return False
        return self.datasets is None or dataset in self.datasets

    def key(self, each: Told) -> Instant | None:
        """Return the time of an instance; None when it lacks the property."""
        if self.property == "observedAt":
            return each.observed_at
        if self.property == "deletedAt":
            return each.content.get("deletedAt")
        return each.at if self.property == "createdAt" else each.modified


class Lately(NamedTuple):
    """What does not stand in the tables of the history: which records made the entities that stand, and what was told of late.

    Births first: who is deleted between the two looks, its deletion says where it began.
    """

    births: Mapping[str, int]
    ahead: tuple[Ahead, ...]


class Gatherer:
    """Finds instances of entities; `gather` returns them in the order of time, those without a time first."""

    def __init__(self, reader: HistoryReader, index: TemporalIndex) -> None:
        self._reader = reader
        self._index = index

    def gather(self, entities: Sequence[str], span: Span, part: Slice) -> tuple[list[Told], Instant | None]:
        """Return a part of the instances, and where it was cut (see Slice)."""
        lately = self._lately(entities, _tells_needed(span))
        columns, bound = self._columns(entities, span, part)
        others: list[Told] = []
        for entity in entities:
            told, cut = self._others(entity, span, part, lately)
            others += told
            bound = _nearer(bound, cut, part.last)
        beside = [each for each in _once(others) if self._in(each, span)]
        chosen = _beside([each for each in columns if self._in(each, span)], beside)
        if part.last is not None:
            chosen = _newest(chosen, span, part.last)
        return paged(chosen, span, part, bound)

    def series(
        self, entities: Sequence[str], span: Span, most: int, *, both: bool = True
    ) -> dict[str, dict[str, Ends]]:
        """Return the attributes of which each entity has instances in the span, with first and last time and kind.

        Without `both` the last is not looked for.
        """
        lately = self._lately(entities, _tells_needed(span))
        found: dict[str, dict[str, Ends]] = {}
        if self._in_columns(span):
            window, tail = self._window(entities, span)
            for entity, attribute, first, last in self._reader.store.series(window, tail, self._reader.hidden, most):
                if span.wants(attribute, ""):
                    found.setdefault(entity, {})[attribute] = (first, last, "Property")
        for entity in entities:
            for end in (None, 1) if both else (None,):
                for each in _once(self._others(entity, span, Slice(page=1, most=most, last=end), lately)[0]):
                    key = span.key(each)
                    if key is not None and self._in(each, span):
                        known = found.setdefault(entity, {})
                        first, last, _ = known.get(each.attribute, (key, key, ""))
                        known[each.attribute] = (min(key, first), max(key, last), str(each.content.get("type")))
        return found

    def mixed(self, entities: Sequence[str], span: Span, most: int) -> set[tuple[str, str]]:
        """Return the series (entity, attribute) that have instances beside the columns, standing ones or not."""
        lately, one = self._lately(entities, _tells_needed(span)), Slice(page=1, most=most)
        return {
            (entity, each.attribute) for entity in entities for each in self._others(entity, span, one, lately)[0]
        }  # fmt: skip

    def samples(
        self, entities: Sequence[str], span: Span, above: Sequence[float], most: int
    ) -> dict[tuple[str, str], list[float]]:
        """Return of every series of numbers the least and the greatest value, and the least not under each of `above`.

        So much is enough to tell whether some value lies above, below or between numbers, equals or differs from one.
        """
        if not self._in_columns(span):
            return {}
        window, tail = self._window(entities, span)
        grouping = Grouping(("min", "max"), 0, most=most, above=tuple(above))
        groups = self._reader.store.grouped(window, tail, self._reader.hidden, grouping)
        columns = [column.tolist() for column in groups.columns.values()]
        found = zip(groups.entities, groups.attributes, *columns, strict=True)
        return {
            (entity, attribute): [value for value in dict.fromkeys(values) if not isnan(value)]
            for entity, attribute, *values in found
            if span.wants(attribute, "")
        }

    def knows(self, entity: str) -> bool:
        """Whether anything that was not forgotten was told of an entity by a kept record."""
        upto = self._reader.forgotten.get(entity, {}).get(("", "*"), 0)
        lately = self._lately((entity,), EVERYTHING)
        seqs = self._index.described(entity, EVERYTHING, 1)
        return any(seq > upto for seq in (*seqs, *_seqs_lately(entity, lately)))

    def first(self, entity: str, attribute: str, instance: tuple[int, int]) -> Told | None:
        """Return an instance by its identity, if it stands."""
        seq, offset = instance
        lately = self._lately((entity,), EVERYTHING)
        everything = Span(attributes=(attribute,), untimed=True)
        for each in _once(self._all_others(entity, attribute, lately)):
            if (each.seq, each.offset) == instance and self._in(each, everything):
                return each
        for record in self._index.records([seq]):
            window, tail = ask(self._reader, (entity,), attribute, record.at, record.at + 1, recorded=True)
            found = self._reader.store.instances(window, tail, self._reader.hidden, Slice(page=10**6, most=10**6))
            at = np.flatnonzero((found.seq == seq) & (found.offset == offset))
            if len(at):
                return next(each for each in _tells(found) if (each.seq, each.offset) == instance)
        return None

    def hidden(self, each: Told) -> bool:
        """Whether an instance was struck, amended since, or forgotten."""
        identity, reader = (each.seq, each.offset), self._reader
        if identity in reader.struck or reader.amended.get(identity, 0) > each.by:
            return True
        forgotten = reader.forgotten.get(each.entity)
        if not forgotten:
            return False
        return any(
            each.by < upto and (not attribute or (attribute == each.attribute and dataset in ("*", each.dataset)))
            for (attribute, dataset), upto in forgotten.items()
        )

    def _in(self, each: Told, span: Span) -> bool:
        if not span.wants(each.attribute, each.dataset) or self.hidden(each):
            return False
        if "deletedAt" in each.content and span.property != "deletedAt":
            return False
        key = span.key(each)
        return span.untimed if key is None else span.start <= key < span.end

    def _in_columns(self, span: Span) -> bool:
        return span.property != "deletedAt" and (span.datasets is None or "" in span.datasets)

    def _columns(self, entities: Sequence[str], span: Span, part: Slice) -> tuple[list[Told], Instant | None]:
        if not self._in_columns(span):
            return [], None
        window, tail = self._window(entities, span)
        found = self._reader.store.instances(window, tail, self._reader.hidden, part)
        return list(_tells(found)), found.cut

    def _window(self, entities: Sequence[str], span: Span) -> tuple[Window, Rows]:
        recorded = span.property != "observedAt"
        return ask(self._reader, entities, span.named(), span.start, span.end, recorded=recorded)

    def _lately(self, entities: Sequence[str], tells: int) -> Lately:
        """Return what the tables lack of entities; `tells` is what is wanted beside instances with a time."""
        births = self._index.births(entities) if tells else {}
        return Lately(births, self._reader.told_ahead())

    def _others(self, entity: str, span: Span, part: Slice, lately: Lately) -> tuple[list[Told], Instant | None]:
        """Return what is told of an entity beside the columns, and where that was cut."""
        told: list[Told] = []
        bound: Instant | None = None
        if span.property != "deletedAt":
            for attribute, dataset in self._index.series(entity):
                if span.wants(attribute, dataset):
                    rows, cut = self._stored(entity, attribute, dataset, span, part)
                    told += rows
                    bound = _nearer(bound, cut, part.last)
            told += [each for side in lately.ahead for each in side.told.get(entity, ())]
        tells = _tells_needed(span)
        if tells:
            told += self._described(entity, lately, tells, _recorded(span))
        return [each for each in told if span.wants(each.attribute, each.dataset)], bound

    def _stored(
        self, entity: str, attribute: str, dataset: str, span: Span, part: Slice
    ) -> tuple[list[Told], Instant | None]:
        wanted = part.page + 1 if part.last is None else min(part.last, part.page + 1)
        window = IndexWindow(span.start, span.end, COLUMN[span.property])
        limit = wanted + SPARE
        while True:
            rows = self._index.instances(entity, attribute, dataset, window, limit, newest=part.last is not None)
            told = [told_of(row) for row in rows]
            standing = [each for each in told if not self.hidden(each)]
            if len(rows) < limit:
                return standing, None
            if len(standing) >= wanted:
                whole = part.last is not None and wanted == part.last
                return standing, None if whole else span.key(told[-1])
            if limit > part.most:
                raise too_many("instances", part.most, "timeAt", REMEDY)
            limit *= 8

    def _all_others(self, entity: str, attribute: str, lately: Lately) -> Iterator[Told]:
        for side in lately.ahead:
            yield from side.told.get(entity, ())
        yield from self._described(entity, lately, UNTIMED | SCOPES)
        window = IndexWindow(FIRST, LAST)
        for name, dataset in self._index.series(entity):
            if name == attribute:
                for row in self._index.instances(entity, name, dataset, window, 2**31):
                    yield told_of(row)

    def _described(
        self, entity: str, lately: Lately, tells: int, between: tuple[Instant, Instant] = (FIRST, LAST)
    ) -> list[Told]:
        seqs = set(self._index.described(entity, tells, DESCRIBED_MAX + 1, *between))
        if tells & SCOPES and between[0] > FIRST:
            # The scope that stood before: said again, it was not set.
            seqs.update(self._index.described(entity, SCOPES, 1, FIRST, between[0]))
        seqs.update(_seqs_lately(entity, lately))
        if len(seqs) > DESCRIBED_MAX:
            remedy = "Ask with timerel, for a span of observedAt or modifiedAt."
            raise too_many("records", DESCRIBED_MAX, "id", remedy)
        return tells_of(self._index.records(sorted(seqs)))


def _seqs_lately(entity: str, lately: Lately) -> Iterator[int]:
    """Yield records of any time that tell of an entity what has none, and of which table `described` need not know."""
    if entity in lately.births:
        yield lately.births[entity]
    for side in lately.ahead:
        for _, seq in side.described.get(entity, ()):
            yield seq


def paged(chosen: list[Told], span: Span, part: Slice, bound: Instant | None) -> tuple[list[Told], Instant | None]:
    """Cut instances at `part.page` or at `bound`, whole instants together, two at least; return them by time."""
    turn = 1 if part.last is None else -1
    timed = [(turn * key, each) for each in chosen if (key := span.key(each)) is not None]
    timed.sort(key=lambda pair: (pair[0], pair[1].by, pair[1].offset))
    untimed = [each for each in chosen if span.key(each) is None]
    end = None if bound is None else turn * bound
    limit = end
    if len(timed) > part.page:
        limit = timed[part.page][0] if end is None else min(end, timed[part.page][0])
    if limit is not None:
        limit = _beyond_two(sorted({key for key, _ in timed}), limit, end)
    if limit is None:
        kept, cut = timed, None
    else:
        kept, cut = [pair for pair in timed if pair[0] < limit], turn * limit
    if len(kept) > part.most:
        raise too_many("instances", part.most, "timeAt", REMEDY)
    told = [each for _, each in (kept if part.last is None else reversed(kept))]
    return untimed + told, cut


def _beyond_two(keys: Sequence[Instant], limit: Instant, end: Instant | None) -> Instant | None:
    """Return a limit with two instants before it at least; None when all is before it.

    With fewer, whoever asks again from the last instant on would never come further. Nothing is known from `end` on.
    """
    if len(keys) > 1 and keys[1] < limit:
        return limit
    third = keys[2] if len(keys) > 2 else None
    if end is None:
        return third
    if len(keys) < 2 or keys[1] >= end:
        raise too_many("instances of one time", 1, "timeAt", REMEDY)
    return end if third is None else min(third, end)


def _tells_needed(span: Span) -> int:
    """Return which records must be read: for what has no observedAt, for scopes, for what is gone (and was what)."""
    if span.property == "deletedAt":
        return EVERYTHING
    return (UNTIMED if span.untimed or span.property != "observedAt" else 0) | (SCOPES if span.wants(SCOPE, "") else 0)


def _recorded(span: Span) -> tuple[Instant, Instant]:
    """Return when the records were written that tell of the span: what was created in it may have been amended since."""
    if span.property == "modifiedAt":
        return span.start, span.end
    return (span.start, LAST) if span.property == "createdAt" else (FIRST, LAST)


def _nearer(one: Instant | None, other: Instant | None, last: int | None) -> Instant | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other) if last is None else max(one, other)


def _once(told: Iterable[Told]) -> list[Told]:
    """Return, of what is told beside the columns, the latest of every key and the latest version of every identity."""
    timed: dict[tuple[str, str, str, Instant], Told] = {}
    untimed: dict[tuple[int, int, str], Told] = {}
    for each in told:
        if each.observed_at is None:
            identity = (each.seq, each.offset, "deletedAt" if "deletedAt" in each.content else "")
            if identity not in untimed or untimed[identity].by < each.by:
                untimed[identity] = each
            continue
        key = (each.entity, each.attribute, each.dataset, each.observed_at)
        if key not in timed or (timed[key].by, timed[key].offset) < (each.by, each.offset):
            timed[key] = each
    return [*timed.values(), *untimed.values()]


def _beside(columns: list[Told], others: list[Told]) -> list[Told]:
    """Return instances from both sides; where both have one of the same key, the later one."""
    rivals = {
        (each.entity, each.attribute, each.observed_at): each
        for each in others
        if not each.dataset and each.observed_at is not None
    }
    if not rivals:
        return columns + others
    kept, lost = [], set[int]()
    for each in columns:
        rival = rivals.get((each.entity, each.attribute, each.observed_at or 0))
        if rival is None or (rival.by, rival.offset) < (each.by, each.offset):
            kept.append(each)
            if rival is not None:
                lost.add(id(rival))
    return kept + [each for each in others if id(each) not in lost]


def _newest(chosen: Iterable[Told], span: Span, last: int) -> list[Told]:
    """Return the newest instances of each attribute of each entity."""
    by_series: dict[tuple[str, str], list[Told]] = {}
    for each in chosen:
        if span.key(each) is not None:
            by_series.setdefault((each.entity, each.attribute), []).append(each)
    kept: list[Told] = []
    for told in by_series.values():
        told.sort(key=lambda each: (span.key(each) or 0, each.by, each.offset))
        kept += told[-last:]
    return kept


def _tells(found: Found) -> Iterator[Told]:
    names = found.words.names
    for entity, attribute, unit, observed_at, at, seq, offset, value in zip(
        found.entity.tolist(), found.attribute.tolist(), found.unit.tolist(), found.observed_at.tolist(),
        found.at.tolist(), found.seq.tolist(), found.offset.tolist(), found.value.tolist(), strict=True,
    ):  # fmt: skip
        content = {"type": "Property", "value": int(value) if value.is_integer() and abs(value) < 2**53 else value}
        if unit:
            content["unitCode"] = names[unit]
        yield Told(
            names[entity], names[attribute], "", observed_at, at, content, "", "", seq, offset, at, seq
        )  # fmt: skip
