"""Which registrations a request concerns (5.10.2, 5.12): what is asked, and what a registration says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from quanyu.kernel.journal import Instant
from quanyu.kernel.ngsi.geo import GeoQuery
from quanyu.kernel.ngsi.instants import micros
from quanyu.kernel.ngsi.pattern import compile_pattern
from quanyu.kernel.ngsi.q import Q
from quanyu.kernel.ngsi.registration import MEMBERS, Registration
from quanyu.kernel.ngsi.scope import ScopeQ
from quanyu.kernel.ngsi.selection import Types


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
