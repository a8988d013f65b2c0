"""The published view of evolutions: of one entity, and of those that a query finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import msgspec

from quanyu.engines.history.aggregating import aggregated, told_periods
from quanyu.engines.history.engine import HistoryReader
from quanyu.engines.history.gathering import SCOPE, Gatherer, Span
from quanyu.engines.history.judging import fulfilled_by
from quanyu.engines.history.store import Slice, TemporalIndex
from quanyu.engines.history.telling import Told, whole
from quanyu.kernel.entity import Document
from quanyu.kernel.journal import Instant
from quanyu.kernel.ngsi.pattern import compile_pattern
from quanyu.kernel.temporal import END, Evolutions, Selector, TemporalQuery, instance_id, too_many
from quanyu.kernel.view import EVERYTHING, Entities, Filter, Selection

CHUNK = 500
ONCE_MAX = 5_000
EXAMINED_MAX = 200_000
"""Entities that one query looks at."""

INSTANCES_MAX = 500_000
"""Instances that one query looks at in memory: about 250 MB."""

REMEDY = "Ask for fewer entities or attributes, or for a shorter time."


class Head(msgspec.Struct, frozen=True):
    """What an entity is, apart from its attributes."""

    id: str
    types: tuple[str, ...]
    created: Instant | None = None
    modified: Instant | None = None


class Stretch(msgspec.Struct, frozen=True):
    """When a scope was valid."""

    start: Instant
    end: Instant
    told: Told


class TemporalView:
    """Implements `kernel.temporal.Temporal` over the history and over what is."""

    def __init__(self, reader: HistoryReader, index: TemporalIndex, entities: Entities) -> None:
        self._reader = reader
        self._index = index
        self._entities = entities
        self._gatherer = Gatherer(reader, index)

    def find(self, id: str, query: TemporalQuery, scope: Filter) -> Evolutions | None:
        """Return the evolution of one entity; without items when it has none of the attributes asked for."""
        head = self._head(id, scope)
        if head is None or not self._told(head):
            return None
        span = told_span(query, scope)
        if query.attrs is not None and not self._any(
            id, Span(untimed=True, attributes=query.attrs, without=scope.masked)
        ):
            return Evolutions(())
        return self._told_of([head], span, query)

    def query(self, query: TemporalQuery, scope: Filter) -> Evolutions:
        """Return one page of the entities that have instances in the span and fulfil the conditions."""
        if is_plain(query):
            answer = self._aggregates(query, scope)
            if answer is not None:
                return answer
        chosen: list[Head] = []
        wanted = None if query.count or query.descending is not None else query.offset + query.limit + 1
        candidates = self._candidates(query, scope)
        examined = 0
        size = CHUNK if wanted is None else min(CHUNK, 2 * wanted)
        while part := list(islice(candidates, size)):
            examined, size = examined + len(part), CHUNK
            chosen += self._matching(part, query, scope)
            if wanted is not None and len(chosen) >= wanted:
                break
            if examined > EXAMINED_MAX:
                raise too_many("entities", EXAMINED_MAX, "type", REMEDY)
        if query.descending is not None:
            chosen.sort(key=lambda head: head.id, reverse=query.descending)
        page = chosen[query.offset : query.offset + query.limit]
        answer = self._told_of(page, told_span(query, scope), query)
        return msgspec.structs.replace(
            answer,
            total=len(chosen) if query.count else None,
            more=len(chosen) > query.offset + query.limit,
        )

    def _aggregates(self, query: TemporalQuery, scope: Filter) -> Evolutions | None:
        """Return a page of aggregates when the first candidates fill it: who has none is not there; else None."""
        wanted = query.offset + query.limit + 1
        heads = list(islice(self._candidates(query, scope), wanted))
        found = aggregated(self._reader, self._gatherer, [head.id for head in heads], query, told_span(query, scope))
        present = [head for head in heads if head.id in found]
        if len(present) < wanted == len(heads):
            return None
        page = present[query.offset : query.offset + query.limit]
        items = [_headed(head, query) | _merged(found[head.id]) for head in page]
        return Evolutions(items, more=len(present) == wanted)

    def stands(self, id: str, scope: Filter) -> bool:
        """Tell whether the history knows the entity."""
        head = self._head(id, scope)
        return head is not None and self._told(head)

    def instance(self, id: str, attribute: str, instance: tuple[int, int], scope: Filter) -> Document | None:
        """Return one instance of an attribute, its times in microseconds."""
        if attribute in scope.masked or self._head(id, scope) is None:
            return None
        found = self._gatherer.first(id, attribute, instance)
        return None if found is None else shown(found, sys=True)

    def has(self, id: str, attribute: str, dataset: str | None, scope: Filter) -> bool:
        """Tell whether any instance of a dataset (None: of any) of an attribute stands."""
        datasets = None if dataset is None else (dataset,)
        span = Span(untimed=True, attributes=(attribute,), datasets=datasets, without=scope.masked)
        return self._any(id, span)

    def _any(self, id: str, span: Span) -> bool:
        return bool(self._gatherer.gather((id,), span, Slice(page=2, most=INSTANCES_MAX))[0])

    def _head(self, id: str, scope: Filter) -> Head | None:
        document = self._entities.find(id, EVERYTHING, sys=True)
        if document is not None:
            head = head_of(document)
        else:
            row = self._index.temporal(id)
            if row is not None:
                head = Head(id, tuple(row[1].split("\n")), row[2], row[3])
            else:
                types = self._departed(id)
                if types is None:
                    return None
                head = Head(id, tuple(types.split("\n")))
        return head if _visible(head, scope) else None

    def _departed(self, id: str) -> str | None:
        for side in self._reader.told_ahead():
            if id in side.departed:
                return side.departed[id]
        row = self._index.departed(id)
        return None if row is None else str(row[1])

    def _told(self, head: Head) -> bool:
        """Whether the history has something of an entity: all of it may have been forgotten."""
        # What was forgotten a moment ago is known to whoever looks ahead.
        self._reader.told_ahead()
        if ("", "*") not in self._reader.forgotten.get(head.id, {}):
            return True
        if self._index.temporal(head.id) is not None or self._gatherer.knows(head.id):
            return True
        return self._any(head.id, Span(untimed=True))

    def _candidates(self, query: TemporalQuery, scope: Filter) -> Iterator[Head]:
        """Yield the entities that the selectors choose, each once."""
        if len(query.selectors) == 1:
            yield from self._chosen(query.selectors[0], scope)
            return
        seen: set[str] = set()
        for selector in query.selectors:
            for head in self._chosen(selector, scope):
                if head.id not in seen:
                    seen.add(head.id)
                    yield head

    def _chosen(self, selector: Selector, scope: Filter) -> Iterator[Head]:
        fits = compile_pattern(selector.id_pattern) if selector.id_pattern and selector.ids is None else None
        for head in self._known(selector, scope):
            if fits is not None and not fits(head.id):
                continue
            if selector.types is not None and not selector.types.matches(head.types):
                continue
            if _visible(head, scope):
                yield head

    def _known(self, selector: Selector, scope: Filter) -> Iterator[Head]:
        """Yield entities: first those that stand, as the context has them, then what the history alone knows."""
        if selector.ids is not None:
            heads = (self._head(id, scope) for id in dict.fromkeys(selector.ids))
            yield from (head for head in heads if head is not None)
            return
        yield from self._living(selector, scope)
        departed = {id: types for side in self._reader.told_ahead() for id, types in list(side.departed.items())}
        after = ""
        while rows := self._index.others(after, CHUNK):
            after = rows[-1][0]
            for id, types in rows:
                departed.pop(id, None)
                if self._entities.find(id, EVERYTHING) is None:
                    yield Head(id, tuple(types.split("\n")))
        for id, types in departed.items():
            if self._entities.find(id, EVERYTHING) is None:
                yield Head(id, tuple(types.split("\n")))

    def _living(self, selector: Selector, scope: Filter) -> Iterator[Head]:
        selection = Selection(types=selector.types, id_pattern=selector.id_pattern, limit=CHUNK, sys=True)
        after: str | None = "0"
        while after is not None:
            page = self._entities.select(msgspec.structs.replace(selection, after=int(after)), scope)
            yield from map(head_of, page.items)
            after = page.after

    def _matching(self, heads: Sequence[Head], query: TemporalQuery, scope: Filter) -> list[Head]:
        """Return the entities that have instances in the span and fulfil q, geo-query and scope query on them."""
        span = span_of(query, scope)
        values = msgspec.structs.replace(span, without=span.without | {SCOPE}) if query.scope_q is None else span
        present = self._gatherer.series([head.id for head in heads], values, INSTANCES_MAX, both=False)
        heads = [head for head in heads if head.id in present]
        if query.q is not None or query.geo is not None:
            heads = self._fulfilling(heads, query, span)
        if query.scope_q is not None:
            heads = [head for head in heads if self._valid(head, query, scope)]
        return heads

    def _fulfilling(self, heads: Sequence[Head], query: TemporalQuery, span: Span) -> list[Head]:
        documents = fulfilled_by(self._gatherer, {head.id: head.types for head in heads}, query, span)
        return [
            head
            for head in heads
            if (query.q is None or query.q.matches(documents[head.id]))
            and (query.geo is None or query.geo.matches(documents[head.id]))
        ]

    def _valid(self, head: Head, query: TemporalQuery, scope: Filter) -> list[Stretch]:
        """Return when a scope that is asked for was valid within the span (4.18): from its setting to the next."""
        span = Span(attributes=(SCOPE,), without=scope.masked)
        told, _ = self._gatherer.gather((head.id,), span, Slice(page=INSTANCES_MAX, most=INSTANCES_MAX))
        gone, _ = self._gatherer.gather(
            (head.id,),
            msgspec.structs.replace(span, property="deletedAt"),
            Slice(page=INSTANCES_MAX, most=INSTANCES_MAX),
        )
        steps = sorted(
            [(each.observed_at or 0, each) for each in told]
            + [(int(each.content["deletedAt"]), each) for each in gone],
            key=lambda step: step[0],
        )
        stretches = []
        assert query.scope_q is not None
        for number, (start, each) in enumerate(steps):
            end = steps[number + 1][0] if number + 1 < len(steps) else END
            value = each.content.get("value")
            if value and start < query.end and end > query.start and query.scope_q.matches(value):
                stretches.append(Stretch(start, end, each))
        return stretches

    def _told_of(self, heads: Sequence[Head], span: Span, query: TemporalQuery) -> Evolutions:
        ids = [head.id for head in heads]
        documents = {head.id: _headed(head, query) for head in heads}
        if span.attributes is not None and not span.attributes:
            return Evolutions(list(documents.values()))
        if query.methods:
            found = aggregated(self._reader, self._gatherer, ids, query, span)
            for id, attributes in found.items():
                documents[id] |= _merged(attributes)
            return Evolutions(list(documents.values()))
        told, cut = self._gatherer.gather(ids, span, Slice(page=query.page, most=INSTANCES_MAX, last=query.last))
        if query.scope_q is not None:
            valid = {head.id: self._valid(head, query, EVERYTHING) for head in heads}
            # The scope that was asked for is told although it was set before the span (C.5.16).
            scopes = [each.told for stretches in valid.values() for each in stretches if span.wants(SCOPE, "")]
            told = scopes + [each for each in told if _within(each, span, valid[each.entity])]
        stamped = query.sys or query.time_property in ("createdAt", "modifiedAt")
        for each in told:
            documents[each.entity].setdefault(each.attribute, []).append(shown(each, sys=stamped))
        if cut is None:
            return Evolutions(list(documents.values()))
        rest: dict[str, dict[str, str]] = {}
        for id, known in self._gatherer.series(ids, span, INSTANCES_MAX, both=False).items():
            rest[id] = {name: kind for name, (_, _, kind) in known.items() if name not in documents[id]}
        keys = [key for each in told if (key := span.key(each)) is not None]
        return Evolutions(list(documents.values()), partial=True, first=min(keys), last=max(keys), rest=rest)


def head_of(document: Document) -> Head:
    """Return what a document of the context says of its entity."""
    types = document["type"]
    return Head(
        document["id"],
        (types,) if isinstance(types, str) else tuple(types),
        document.get("createdAt"),
        document.get("modifiedAt"),
    )


def span_of(query: TemporalQuery, scope: Filter) -> Span:
    """Return the instances that a query looks at."""
    untimed = not query.timed and not query.values_only and query.last is None and query.time_property != "deletedAt"
    return Span(
        query.time_property, query.start, query.end, untimed, query.attrs, query.datasets, frozenset(scope.masked)
    )


def told_span(query: TemporalQuery, scope: Filter) -> Span:
    """Return the instances that a query tells."""
    attributes = query.attrs if query.pick is None else query.pick
    return msgspec.structs.replace(
        span_of(query, scope), attributes=attributes, without=frozenset(scope.masked | query.omit)
    )


def shown(each: Told, *, sys: bool) -> Document:
    """Return an instance as an evolution holds it."""
    instance = whole(each)
    instance["instanceId"] = instance_id(each.seq, each.offset)
    if sys:
        instance["createdAt"] = each.at
        instance["modifiedAt"] = each.modified
    return instance


def _headed(head: Head, query: TemporalQuery) -> Document:
    document: Document = {"id": head.id, "type": head.types[0] if len(head.types) == 1 else list(head.types)}
    if query.sys and head.created is not None:
        document |= {"createdAt": head.created, "modifiedAt": head.modified}
    return document


def _merged(attributes: Mapping[str, list[Document]]) -> Document:
    """Return aggregates as an evolution holds them: one of the default instances stands by itself."""
    return {
        name: each[0] if len(each) == 1 and "datasetId" not in each[0] else each for name, each in attributes.items()
    }


def is_plain(query: TemporalQuery) -> bool:
    """Whether aggregates alone can tell which entities are meant."""
    return (
        bool(query.methods)
        and told_periods(query) is not None
        and not query.count
        and query.descending is None
        and query.pick is None
        and not query.omit
        and query.q is None
        and query.geo is None
        and query.scope_q is None
        and query.offset + query.limit <= ONCE_MAX
    )


def _visible(head: Head, scope: Filter) -> bool:
    return scope.types is None or not scope.types.isdisjoint(head.types)


def _within(each: Told, span: Span, stretches: Sequence[Stretch]) -> bool:
    key = span.key(each)
    return each.attribute != SCOPE and (key is None or any(part.start <= key < part.end for part in stretches))
