"""Around me: the air at the stations now, open matters by district, and how the city does; every value with its age."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from starlette.responses import Response

from quanyu.faces.web.language import Words
from quanyu.faces.web.page import Visit
from quanyu.faces.web.port import CityHub
from quanyu.kernel import unit
from quanyu.kernel.entity import Document
from quanyu.kernel.journal import Instant
from quanyu.kernel.public import PUBLIC
from quanyu.kernel.view import CaseQuery, Query

STATION: Final = "AirQualityObserved"
VALUE: Final = "pm25"
STATIONS_MAX: Final = 200
WARNINGS_MAX: Final = 10
COUNTED: Final = "1"
"""Symbol of the unit of plain counts: not worth saying."""

STALE_US: Final = 2 * 3600 * 1_000_000
"""Stations report every hour: after two, a value says nothing of now."""


class Reading(msgspec.Struct, frozen=True):
    """The last value of a station, with unit and age; `value` is None where none came yet."""

    station: str
    district: str
    value: str | None
    unit: str
    at: Instant | None
    age: str
    stale: bool
    simulated: bool


class Count(msgspec.Struct, frozen=True):
    """Open matters of a district."""

    district: str
    open: int


async def show(visit: Visit) -> Response:
    """Show the page; what the hub does not hold yet is said, not hidden."""
    hub, words, now = visit.hub, visit.words, visit.hub.clock.now()
    readings, counts, vitals, warnings = await asyncio.to_thread(_read, hub, words, now)
    return visit.page(
        "around.html",
        now=now,
        readings=readings,
        counts=counts,
        most=max((each.open for each in counts), default=0),
        vitals=vitals,
        warnings=warnings[:WARNINGS_MAX],
        warnings_more=max(0, len(warnings) - WARNINGS_MAX),
    )


Read = tuple[list[Reading], list[Count], list[dict[str, Any]], list[dict[str, Any]]]


def _read(hub: CityHub, words: Words, now: Instant) -> Read:
    warnings = hub.warnings.in_force()
    return list(readings_of(hub, words, now)), list(counts_of(hub, words)), vitals_of(hub, words, now), warnings


async def warning(visit: Visit) -> Response:
    """Show one warning: what is coming, where and when, what to do; what is over says so. Made to be printed, too."""
    key = visit.request.path_params["key"]
    found = await asyncio.to_thread(visit.hub.warnings.public, key)
    return visit.page("warning.html", warning=found, now=visit.hub.clock.now())


def readings_of(hub: CityHub, words: Words, now: Instant) -> Iterator[Reading]:
    """Yield the stations' last values."""
    names = {district["code"]: words.pick(district["name"]) for district in hub.city.districts}
    for station in hub.views.entities.query(Query(type=STATION, limit=STATIONS_MAX), PUBLIC).items:
        yield _reading(station, names, hub.simulated, words, now)


def _reading(station: Document, names: dict[str, str], simulated: bool, words: Words, now: Instant) -> Reading:
    last = station.get(VALUE) or {}
    value, at = last.get("value"), last.get("observedAt")
    said = _value(station, "name")
    provenance = str(last.get("provenance") or _value(station, "provenance") or "")
    known = at if isinstance(at, int) else None
    return Reading(
        station=words.pick(said) if isinstance(said, dict) else str(said or station["id"].rpartition(":")[2]),
        district=names.get(str(_value(station, "district")), ""),
        value=f"{value:.0f}" if isinstance(value, int | float) else None,
        unit=unit.symbol(last["unitCode"], words.language) if last.get("unitCode") else "",
        at=known,
        age="" if known is None else words.age(now - known),
        stale=known is None or now - known > STALE_US,
        simulated=simulated or "simulated" in provenance,
    )


def _value(station: Document, name: str) -> Any:
    attribute = station.get(name)
    return attribute.get("value") if isinstance(attribute, dict) else None


def counts_of(hub: CityHub, words: Words) -> Iterator[Count]:
    """Yield how many matters are open in each district."""
    for district in hub.city.districts:
        asked = CaseQuery(place=district["code"], historical=False)
        yield Count(words.pick(district["name"]), hub.views.cases.count(asked, PUBLIC))


def vitals_of(hub: CityHub, words: Words, now: Instant) -> list[dict[str, Any]]:
    """Return the indicators that the city shows on its first page, in their order, as words and numbers."""
    current = hub.views.indicators.current()
    shown = [each for each in current if each.get("vital") is not None and each["value"] is not None]
    return [
        {
            "title": words.pick(each["title"]),
            "value": f"{each['value']:.{each.get('digits', 1)}f}",
            "unit": "" if each.get("unit_symbol") in (None, COUNTED) else each["unit_symbol"],
            "state": each.get("state") or "none",
            "age": "" if each.get("at") is None else words.age(now - each["at"]),
            "stale": bool(each.get("stale")),
            "simulated": hub.simulated or bool(each.get("simulated")),
        }
        for each in sorted(shown, key=lambda each: each["vital"])
    ]
