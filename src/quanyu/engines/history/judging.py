"""What queries and geo-queries are asked of: the instances of a span, numbers only as far as the query can tell them apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from quanyu.engines.history.gathering import REMEDY, Gatherer, Span
from quanyu.engines.history.store import Slice
from quanyu.engines.history.telling import Told, whole
from quanyu.kernel.entity import Document
from quanyu.kernel.ngsi.q_plan import terms_of
from quanyu.kernel.temporal import TemporalQuery, too_many

INSTANCES_MAX = 500_000
"""Instances that one step of a query looks at in memory: about 250 MB."""

NUMBERS_MAX = 20
"""A query that compares with more numbers looks at every value."""


def fulfilled_by(
    gatherer: Gatherer, types: Mapping[str, Sequence[str]], query: TemporalQuery, span: Span
) -> dict[str, Document]:
    """Return documents of which q and geo-query hold just when they hold of the instances in the span."""
    documents: dict[str, Document] = {
        id: {"id": id, "type": each[0] if len(each) == 1 else list(each)} for id, each in types.items()
    }
    ids = list(types)
    plain, others, numbers = _attributes(query)
    if others:
        _lay(documents, _told(gatherer, ids, span, others))
    if not plain:
        return documents
    asked = msgspec.structs.replace(span, attributes=plain, untimed=False)
    mixed = gatherer.mixed(ids, asked, INSTANCES_MAX)
    for (id, name), values in gatherer.samples(ids, asked, numbers, INSTANCES_MAX).items():
        if (id, name) not in mixed:
            documents[id][name] = [{"type": "Property", "value": value} for value in values]
    for id in dict.fromkeys(entity for entity, _ in mixed):
        names = tuple(name for entity, name in sorted(mixed) if entity == id)
        _lay(documents, _told(gatherer, [id], span, names))
    return documents


def _attributes(query: TemporalQuery) -> tuple[tuple[str, ...], tuple[str, ...], tuple[float, ...]]:
    """Return the attributes of which extremes are enough, the others, and the numbers that values are compared with."""
    terms = [] if query.q is None else list(terms_of(query.q.root))
    deep = {term.path.attribute for term in terms if not term.path.plain}
    if query.geo is not None:
        deep.add(query.geo.attribute)
    numbers = {
        float(value.value)
        for term in terms
        for value in term.values
        if isinstance(value.value, int | float) and not isinstance(value.value, bool)
    }
    names = {term.path.attribute for term in terms}
    if len(numbers) > NUMBERS_MAX:
        return (), tuple(sorted(names | deep)), ()
    return tuple(sorted(names - deep)), tuple(sorted(deep)), tuple(sorted(numbers))


def _told(gatherer: Gatherer, ids: Sequence[str], span: Span, names: tuple[str, ...]) -> list[Told]:
    asked = msgspec.structs.replace(span, attributes=names, untimed=False)
    told, cut = gatherer.gather(ids, asked, Slice(page=INSTANCES_MAX, most=INSTANCES_MAX))
    if cut is not None:
        raise too_many("instances", INSTANCES_MAX, "q", REMEDY)
    return told


def _lay(documents: Mapping[str, Document], told: Sequence[Told]) -> None:
    for each in told:
        documents[each.entity].setdefault(each.attribute, []).append(whole(each))
