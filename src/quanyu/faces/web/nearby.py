"""Open matters near a new report, as far as anybody may see them: what, where, how far, how old, how it stands."""

from __future__ import annotations

import math
import re
from typing import Any, Final

import msgspec

from quanyu.faces.web.intake import Intake
from quanyu.faces.web.port import CityHub
from quanyu.faces.web.report_form import Report
from quanyu.kernel.journal import Instant
from quanyu.kernel.view import CaseQuery, Filter

PUBLIC: Final = Filter(actor="citizen:", masked=frozenset({"reporter", "person", "provenance", "rule"}))
"""What the public pages read under: no reporter, no officer."""

CHANNELS: Final = frozenset({"citizen", "counter", "console", "simulation"})
"""Matters that people brought in; what rules found is for those on duty."""

NEAR_M: Final = 400.0
DAYS_BACK: Final = 30
DAY_US: Final = 86_400_000_000
LOOKED_AT_MAX: Final = 200
SHOWN_MAX: Final = 3
TEXT_SHOWN: Final = 140
LIKE_MIN: Final = 0.3
DEGREE_M: Final = 111_320.0
_DIGITS: Final = re.compile(r"[0-9０-９](?:[\s-]?[0-9０-９Xx]){6,}")


class Near(msgspec.Struct, frozen=True):
    """A matter that may be the same one; `score` ranks it, `away_m` is None where one of the two has no point."""

    case: dict[str, Any]
    text: str
    photo: str | None
    away_m: float | None
    score: float


def find_near(hub: CityHub, intake: Intake, report: Report, now: Instant) -> list[Near]:
    """Return the likeliest open matters, best first: by distance and category, by words where there is no point."""
    asked = CaseQuery(
        kind=intake.kind,
        place=None if report.placed else report.district,
        box=_box(report) if report.placed else None,
        historical=False,
        opened_from=now - DAYS_BACK * DAY_US,
        sort="opened",
        limit=LOOKED_AT_MAX,
    )
    found = [_judged(report, case) for case in hub.views.cases.query(asked, PUBLIC).items if is_public(case)]
    best = sorted((each for each in found if each is not None), key=lambda each: -each.score)[:SHOWN_MAX]
    return [msgspec.structs.replace(each, photo=_first_photo(hub, each.case["id"])) for each in best]


def is_public(case: dict[str, Any]) -> bool:
    """Tell whether anybody may know that the matter is being dealt with."""
    return case["channel"] in CHANNELS and not case["historical"]


def masked_text(text: str) -> str:
    """Return text for strangers: what looks like a telephone or identity number is hidden, long text is cut."""
    hidden = _DIGITS.sub("•••", text)
    return hidden if len(hidden) <= TEXT_SHOWN else f"{hidden[:TEXT_SHOWN].rstrip()}…"


def metres(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    """Return the distance of two points of one city in metres (a plane at their latitude)."""
    east = (other_lon - lon) * DEGREE_M * math.cos(math.radians((lat + other_lat) / 2))
    return math.hypot(east, (other_lat - lat) * DEGREE_M)


def likeness(one: str, other: str) -> float:
    """Return how alike two addresses are: the share of common pairs of characters, 0 to 1."""
    pairs, others = _pairs(one), _pairs(other)
    return len(pairs & others) / len(pairs | others) if pairs and others else 0.0


def _pairs(text: str) -> set[str]:
    joined = "".join(letter for letter in text.casefold() if letter.isalnum())
    return {joined[place : place + 2] for place in range(len(joined) - 1)}


def _box(report: Report) -> tuple[float, float, float, float]:
    assert report.lon is not None and report.lat is not None, "a report without a point has no box"  # noqa: PT018
    north = NEAR_M / DEGREE_M
    east = north / max(0.1, math.cos(math.radians(report.lat)))
    return (report.lon - east, report.lat - north, report.lon + east, report.lat + north)


def _judged(report: Report, case: dict[str, Any]) -> Near | None:
    """Rank one matter; None when nothing speaks for it."""
    place = case["place"] or {}
    away = None
    if report.lon is not None and report.lat is not None and place.get("lon") is not None:
        away = metres(report.lon, report.lat, place["lon"], place["lat"])
        if away > NEAR_M:
            return None
        score = 1 - away / NEAR_M
    else:
        score = likeness(report.address, place.get("address") or "")
        if score < LIKE_MIN:
            return None
    if report.category and case["class"]:
        score += 0.5 if report.category == case["class"] else -0.4
    return Near(case, masked_text(case["text"]), None, away, score) if score > 0 else None


def _first_photo(hub: CityHub, id: str) -> str | None:
    case = hub.views.cases.find(id, PUBLIC)
    actions = case["actions"] if case else []
    opening = next((each for each in actions if each["action"] == "open"), None)
    files = opening["files"] if opening else []
    return next((file["sha256"] for file in files if file["type"].startswith("image/")), None)
