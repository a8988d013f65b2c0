"""The read view of registrations: which sources there are, and which of them a request concerns (5.10, 5.12)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from quanyu.engines.context.registrations import REGISTRATION, TALLY
from quanyu.kernel.journal import Instant, Row, Table
from quanyu.kernel.ngsi.geo import GeoQuery
from quanyu.kernel.ngsi.instants import micros
from quanyu.kernel.ngsi.operations import DEFAULT, operations_of
from quanyu.kernel.ngsi.pattern import compile_pattern
from quanyu.kernel.ngsi.q import Q
from quanyu.kernel.ngsi.registration import MEMBERS, PROXIED, Registration
from quanyu.kernel.ngsi.scope import ScopeQ
from quanyu.kernel.ngsi.selection import Types


class Rows(Protocol):
    """What the view reads: rows as they are durable, from any thread."""

    def fetch_shared(self, table: Table, key: Any) -> Row | None:
        """Return a row by its key."""
        ...

    def rows(self, table: Table) -> Iterator[Row]:
        """Yield all rows in key order."""
        ...


class Interest(msgspec.Struct, frozen=True):
    """Entities and attributes of a request, to be matched with what sources say they provide (5.12).

    None stands for all. `attributes` holds those of the request's q and geo query too.
    """

    types: Types | None = None
    ids: tuple[str, ...] | None = None
    id_pattern: str | None = None
    attributes: frozenset[str] | None = None
    datasets: frozenset[str] | None = None


class Period(msgspec.Struct, frozen=True):
    """A temporal query: `start` None is before all time, `end` None is for ever; `managed`: of createdAt and the like."""

    start: Instant | None
    end: Instant | None
    managed: bool = False


class Discovery(msgspec.Struct, frozen=True):
    """A query for registrations (5.10.2): the interest, where, when, and what the source says of itself."""

    interest: Interest = Interest()
    geo: GeoQuery | None = None
    period: Period | None = None
    csf: Q | None = None
    scope: ScopeQ | None = None


class Registered(msgspec.Struct, frozen=True):
    """A registration as it stands; `expires` None is never."""

    id: str
    n: int
    document: Registration
    created: Instant
    modified: Instant
    expires: Instant | None
    operations: frozenset[str]

    @property
    def proxied(self) -> bool:
        """Whether what it provides may not be held here."""
        return self.document.get("mode") in PROXIED

    @property
    def timed(self) -> bool:
        """Whether it provides the past only: one with intervals does not provide the latest (5.2.9)."""
        return "observationInterval" in self.document or "managementInterval" in self.document


class RegistrationsView:
    """Answers from a copy in memory, which is renewed when a record changed the table."""

    def __init__(self, rows: Rows, now: Callable[[], Instant]) -> None:
        self._rows = rows
        self._now = now
        self._held: tuple[int, tuple[Registered, ...]] = (-1, ())

    def all(self) -> Iterator[Registered]:
        """Yield what stands, oldest first."""
        held = self._fresh()
        if not held:
            return
        now = self._now()
        yield from (each for each in held if each.expires is None or each.expires > now)

    def none(self) -> bool:
        """Whether no registration stands, ended ones apart."""
        return not self._fresh()

    def find(self, id: str) -> Registered | None:
        """Return a registration, None when there is none or it has ended."""
        return next((each for each in self.all() if each.id == id), None)

    def discover(self, asked: Discovery) -> list[Registered]:
        """Return the registrations that meet a query, oldest first."""
        return [each for each in self.all() if discovered(each.document, asked)]

    def concerned(self, operation: str, interest: Interest, past: bool = False) -> list[Registered]:
        """Return the sources that a request would have to be sent to; `past`: of those that provide the past."""
        return [
            each
            for each in self.all()
            if operation in each.operations and each.timed == past and informing(each.document, interest)
        ]

    def _fresh(self) -> tuple[Registered, ...]:
        row = self._rows.fetch_shared(TALLY, "seq")
        seq = row[1] if row else 0
        held = self._held
        if held[0] != seq:
            made = sorted((_registered(row) for row in self._rows.rows(REGISTRATION)), key=lambda each: each.n)
            held = self._held = (seq, tuple(made))
        return held[1]


def _registered(row: Row) -> Registered:
    id, n, text, created, modified, _ = row
    document = msgspec.json.decode(text)
    expires = micros(document["expiresAt"]) if "expiresAt" in document else None
    operations = operations_of(document.get("operations", DEFAULT))
    return Registered(id, n, document, created, modified, expires, operations)


def discovered(document: Registration, asked: Discovery) -> bool:
    """Whether a registration meets a query (5.10.2.4)."""
    return (
        _in_period(document, asked.period)
        and bool(informing(document, asked.interest))
        and (asked.geo is None or _in_place(document, asked.geo))
        and (asked.scope is None or asked.scope.matches(document.get("scope")))
        and (asked.csf is None or asked.csf.matches(_properties(document)))
    )


def informing(document: Registration, interest: Interest) -> list[Mapping[str, Any]]:
    """Return the elements of `information` that match (5.12); none when the registration does not."""
    own = document.get("datasetId")
    if interest.datasets is not None and own is not None and interest.datasets.isdisjoint(own):
        return []
    return [info for info in document["information"] if _informs(info, interest)]


def _informs(info: Mapping[str, Any], interest: Interest) -> bool:
    entities = info.get("entities")
    if entities is not None and not any(_provides(each, interest) for each in entities):
        return False
    if not interest.attributes:
        return True
    names = (*info.get("propertyNames", ()), *info.get("relationshipNames", ()))
    return not names or not interest.attributes.isdisjoint(names)


def _provides(entity: Mapping[str, Any], interest: Interest) -> bool:
    if interest.types is not None and not interest.types.matches(entity["type"]):
        return False
    if interest.ids is None and interest.id_pattern is None:
        return True
    if "id" in entity:
        id = entity["id"]
        named = interest.ids is not None and id in interest.ids
        return named or (interest.id_pattern is not None and compile_pattern(interest.id_pattern)(id))
    if "idPattern" in entity:
        # Whether two patterns have an id in common is not asked: they may.
        return interest.ids is None or any(map(compile_pattern(entity["idPattern"]), interest.ids))
    return True


def _in_period(document: Registration, period: Period | None) -> bool:
    if period is None:
        return "observationInterval" not in document and "managementInterval" not in document
    interval = document.get("managementInterval" if period.managed else "observationInterval")
    if interval is None:
        return False
    starts = micros(interval["startAt"])
    ends = micros(interval["endAt"]) if "endAt" in interval else None
    return (period.end is None or starts <= period.end) and (
        ends is None or period.start is None or ends >= period.start
    )


def _in_place(document: Registration, geo: GeoQuery) -> bool:
    """Whether the place matches, or holds places that may."""
    place = document.get(geo.attribute)
    if place is None:
        return False
    if geo.relation in ("near", "disjoint") or geo.holds(place):
        return geo.holds(place)
    return GeoQuery("intersects", geo.geometry, geo.attribute).holds(place)


def _properties(document: Registration) -> dict[str, Any]:
    """Return what a filter over sources looks at: their properties, as an entity would have them."""
    return {name: _attribute(value) for name, value in document.items() if name not in MEMBERS or name in _NAMED}


_NAMED = frozenset({"id", "registrationName", "description", "endpoint", "contextSourceAlias", "tenant", "mode"})


def _attribute(value: Any) -> Any:
    is_attribute = isinstance(value, dict) and isinstance(value.get("type"), str)
    return value if is_attribute else {"type": "Property", "value": value}


def interest_of(
    types: Types | None,
    ids: Sequence[str] | None,
    id_pattern: str | None,
    attributes: Iterable[str] | None,
    datasets: Collection[str] | None = None,
) -> Interest:
    """Return an interest in its frozen form."""
    return Interest(
        types,
        None if ids is None else tuple(ids),
        id_pattern,
        None if attributes is None else frozenset(attributes),
        None if datasets is None else frozenset(datasets),
    )
