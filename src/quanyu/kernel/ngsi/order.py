"""In which order entities are asked for (NGSI-LD 4.23): `orderBy=name,age;desc`, `location;dist-asc`, collations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from typing import Any, Final

import msgspec

from quanyu.kernel.entity import Document
from quanyu.kernel.errors import Invalid
from quanyu.kernel.geo import Geometry
from quanyu.kernel.ngsi.collation import SortKey, parse_collation
from quanyu.kernel.ngsi.context import Context
from quanyu.kernel.ngsi.geo import measure_to, parse_geometry, place_of
from quanyu.kernel.ngsi.instants import micros
from quanyu.kernel.ngsi.moments import kind_of_time, order_key
from quanyu.kernel.ngsi.q_match import member_of, targets_of, value_of
from quanyu.kernel.ngsi.q_path import PathReader
from quanyu.kernel.ngsi.q_words import TIMES, Path
from quanyu.kernel.ngsi.scanner import texts_of

TERMS_MAX: Final = 20
_DIRECTION: Final = re.compile(r"(?:dist-)?(?:asc|desc)(?!\w)")
_RANK_OF_TIME: Final = {"time": 5, "date": 6, "dateTime": 7}
_LAST: Final = 9


class OrderTerm(msgspec.Struct, frozen=True):
    """One key of an order: a path, up or down, by value or by distance."""

    path: Path
    descending: bool = False
    distance: bool = False


class Order:
    """An order over documents in stored form (with `sys` members where createdAt or modifiedAt is named).

    Values of different types follow the order of the standard: numbers, texts, objects, arrays, booleans, times,
    dates, dates with time, null, nothing; null and nothing come last in either direction. Of several instances the
    default one counts, else the first; of several languages the first tag in the alphabet.
    """

    __slots__ = ("_keys", "terms")

    def __init__(self, terms: tuple[OrderTerm, ...], collate: SortKey, reference: Geometry | None) -> None:
        self.terms = terms
        measure = measure_to(reference) if reference else None
        self._keys = [_key(term, collate, measure) for term in terms]

    def sorted(self, documents: Iterable[Document]) -> list[Document]:
        """Sort documents; those that no key tells apart stay in the order in which they came."""
        found = list(documents)
        for term, key in reversed(list(zip(self.terms, self._keys, strict=True))):
            ranked = [(key(document), document) for document in found]
            there = [pair for pair in ranked if pair[0][0] < _LAST]
            there.sort(key=_first, reverse=term.descending)
            found = [document for _, document in there]
            found += [document for rank, document in ranked if rank[0] >= _LAST]
        return found

    def attributes(self) -> frozenset[str]:
        """Stored names of the attributes and members that the order looks at."""
        return frozenset(term.path.attribute for term in self.terms)


def parse_order(
    text: str | Sequence[str],
    context: Context,
    *,
    order_from: object = None,
    order_geometry: str = "Point",
    collation: str | None = None,
) -> Order:
    """Read orderBy (text, or the list of a query body) with what belongs to it.

    `order_from` are the coordinates of the place from which distances count, JSON text or what it says.
    Raises Invalid: order.syntax, order.complex, order.from (a distance from nowhere), order.collation, and geo codes;
    Unsupported (order.collation) for a language whose alphabet is not known.
    """
    terms: list[OrderTerm] = []
    for each in texts_of(text, "orderBy", "order"):
        terms.extend(_Reader(each, context, "orderBy", "order").terms_of_order())
    if not 0 < len(terms) <= TERMS_MAX:
        raise Invalid(
            f"orderBy has {len(terms)} of 1 to {TERMS_MAX} terms",
            code="order.complex",
            where="orderBy",
            remedy="name fewer attributes",
        )
    reference = None
    if any(term.distance for term in terms):
        if order_from is None:
            raise Invalid(
                "orderBy asks for distances from nowhere",
                code="order.from",
                where="orderFrom",
                remedy="name a place, for example orderFrom=[116.4,39.9]",
            )
        reference = parse_geometry(order_geometry, order_from, where="orderFrom")
    return Order(tuple(terms), parse_collation(collation), reference)


class _Reader(PathReader):
    def terms_of_order(self) -> list[OrderTerm]:
        found = [self.order_term()]
        while len(found) <= TERMS_MAX and self.take(","):
            found.append(self.order_term())
        if len(found) <= TERMS_MAX:
            self.end(", or ; or the end")
        return found

    def order_term(self) -> OrderTerm:
        begin = self.at
        path = self.path()
        if path.hops:
            self.at = begin
            self.fail("an attribute of the entity itself")
        if not self.take(";"):
            return OrderTerm(path)
        direction = self.read(_DIRECTION, "asc, desc, dist-asc or dist-desc")
        return OrderTerm(path, direction.endswith("desc"), direction.startswith("dist"))


def _first(pair: tuple[Any, Any]) -> Any:
    return pair[0]


def _key(
    term: OrderTerm, collate: SortKey, measure: Callable[[Geometry], float] | None
) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    stamped = not term.path.trailing and term.path.names[-1] in TIMES

    def key(document: Mapping[str, Any]) -> tuple[Any, ...]:
        target = _chosen(targets_of(document, term.path.names))
        if term.distance and measure is not None:
            place = place_of(target)
            if place is not None:
                return (-1, _measured(measure, place))
        found = member_of(target, term.path.trailing) if term.path.trailing else value_of(target)
        return _ranked(_instant(found) if stamped else found, collate)

    return key


def _instant(value: Any) -> Any:
    """Count a time as the store does, which lays some in as microseconds and some as text."""
    if isinstance(value, str) and kind_of_time(value) == "dateTime":
        try:
            return micros(value)
        except Invalid:
            return value
    return value


def _measured(measure: Callable[[Geometry], float], place: Geometry) -> float:
    try:
        return measure(place)
    except (ValueError, TypeError, LookupError):
        return inf


def _chosen(targets: list[Any]) -> Any:
    """Take the default instance, else the first; None where there is nothing."""
    for target in targets:
        if not isinstance(target, dict) or "datasetId" not in target:
            return target
    return targets[0] if targets else None


def _ranked(value: Any, collate: SortKey) -> tuple[Any, ...]:
    """Give the place of a value among all values."""
    if value is None:
        return (_LAST,)
    if isinstance(value, bool):
        return (4, value)
    if isinstance(value, int | float):
        return (0, value)
    if isinstance(value, str):
        kind = kind_of_time(value)
        return (_RANK_OF_TIME[kind], order_key(value)) if kind else (1, collate(value))
    if isinstance(value, dict):
        return (2, msgspec.json.encode(value, order="sorted"))
    return (3, tuple(_ranked(each, collate) for each in value)) if isinstance(value, list) else (_LAST,)
