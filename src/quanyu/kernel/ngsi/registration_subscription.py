"""Subscriptions to registrations (5.11): a subscription with a temporal query, and what it selects among registrations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.context import CORE, Context
from quanyu.kernel.ngsi.discovery import Discovery, Interest, Period, discovered, informing
from quanyu.kernel.ngsi.geo import parse_geo
from quanyu.kernel.ngsi.instants import canonical, micros
from quanyu.kernel.ngsi.members import NULL
from quanyu.kernel.ngsi.registration import Registration
from quanyu.kernel.ngsi.scope import parse_scope_q
from quanyu.kernel.ngsi.selection import parse_types
from quanyu.kernel.ngsi.subscription import (
    Subscription,
    query_of,
    read_subscription,
    read_subscription_fragment,
    write_subscription,
)

RELATIONS: Final = {"before": ("timeAt",), "after": ("timeAt",), "between": ("timeAt", "endTimeAt")}
MANAGED: Final = ("createdAt", "modifiedAt", "deletedAt")


class Wanted(msgspec.Struct, frozen=True):
    """What a subscription selects: any of several discoveries, which differ in their entities alone."""

    discoveries: tuple[Discovery, ...]

    def selects(self, registration: Registration) -> bool:
        """Whether the subscription is about a registration."""
        return any(discovered(registration, each) for each in self.discoveries)

    def narrowed(self, registration: Registration) -> Registration:
        """Return a registration with what the subscription is about, and nothing else (5.11.7)."""
        found = [informing(registration, each.interest) for each in self.discoveries]
        return {**registration, "information": [info for info in registration["information"] if _among(info, found)]}


def _among(info: Mapping[str, Any], found: list[list[Mapping[str, Any]]]) -> bool:
    return any(info is each for several in found for each in several)


def read_registration_subscription(document: Mapping[str, Any], context: Context) -> Subscription:
    """NGSI-LD 5.11.2: return a whole subscription in the form that is kept."""
    temporal, rest = _parted(document)
    made = read_subscription(rest, context)
    return made if temporal is None else {**made, "temporalQ": read_temporal_q(temporal)}


def read_registration_subscription_fragment(document: Mapping[str, Any], context: Context) -> Subscription:
    """NGSI-LD 5.11.3: return the members of an update; None stands for one to be removed."""
    temporal, rest = _parted(document)
    made = read_subscription_fragment(rest, context)
    if "temporalQ" in document:
        made["temporalQ"] = None if temporal is None or temporal == NULL else read_temporal_q(temporal)
    return made


def _parted(document: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Part the temporal query from the rest."""
    return document.get("temporalQ"), {name: value for name, value in document.items() if name != "temporalQ"}


def read_temporal_q(value: Any) -> dict[str, str]:
    """Return a temporal query (5.2.21) with canonical instants."""
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise _untimely("It is no object of texts.", "temporalQ")
    unknown = value.keys() - {"timerel", "timeAt", "endTimeAt", "timeproperty"}
    if unknown:
        raise _untimely(f"Member {min(unknown)[:40]!r} is not known.", f"temporalQ.{min(unknown)[:40]}")
    needed = RELATIONS.get(value.get("timerel", ""))
    if needed is None:
        raise _untimely("Its relation is none of before, after and between.", "temporalQ.timerel")
    for name in needed:
        if name not in value:
            raise _untimely(f"Relation {value['timerel']} needs {name}.", f"temporalQ.{name}")
    if value.get("timeproperty", "observedAt") not in ("observedAt", *MANAGED):
        raise _untimely("Its time property is not known.", "temporalQ.timeproperty")
    return {
        name: canonical(each, f"temporalQ.{name}") if name.endswith(("timeAt", "TimeAt")) else each
        for name, each in value.items()
    }


def _untimely(why: str, where: str) -> Invalid:
    return Invalid(
        f"The temporal query cannot be read: {why}",
        code="subscription.time",
        where=where,
        remedy='Write for example {"timerel": "after", "timeAt": "2026-03-01T00:00:00Z"}.',
    )


def period_of(temporal: Mapping[str, str]) -> Period:
    """Return the period of a temporal query as it is kept."""
    at = micros(temporal["timeAt"])
    managed = temporal.get("timeproperty", "observedAt") != "observedAt"
    relation = temporal["timerel"]
    if relation == "between":
        return Period(at, micros(temporal["endTimeAt"]), managed)
    return Period(at, None, managed) if relation == "after" else Period(None, at, managed)


def write_registration_subscription(kept: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Return a subscription in the words of a context."""
    return write_subscription(kept, context)


def wanted_of(kept: Subscription) -> Wanted:
    """Return what a subscription selects (5.11.2.4, 5.12).

    Watched attributes count only beside attributes of the notification: without those all are meant.
    """
    named = kept["notification"].get("attributes")
    attributes = frozenset((*named, *kept.get("watchedAttributes", ()))) if named else None
    if "entities" not in kept:
        attributes = frozenset(kept.get("watchedAttributes", ()))
    geo = None
    if "geoQ" in kept:
        asked = kept["geoQ"]
        geo = parse_geo(asked["georel"], asked["geometry"], asked["coordinates"], asked.get("geoproperty"), CORE)
    rest = Discovery(
        geo=geo,
        period=period_of(kept["temporalQ"]) if "temporalQ" in kept else None,
        csf=query_of(kept["csf"]) if "csf" in kept else None,
        scope=parse_scope_q(kept["scopeQ"]) if "scopeQ" in kept else None,
    )
    return Wanted(
        tuple(
            msgspec.structs.replace(rest, interest=_interest(each, attributes)) for each in kept.get("entities", ({},))
        )
    )


def _interest(selector: Mapping[str, Any], attributes: frozenset[str] | None) -> Interest:
    ids = (selector["id"],) if "id" in selector else None
    pattern = selector.get("idPattern") if ids is None else None
    types = parse_types(selector["type"], CORE) if "type" in selector else None
    return Interest(types, ids, pattern, attributes)
