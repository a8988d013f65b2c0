"""Open matters near a new report, as far as anybody may see them: what, where, how far, how old, how it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from quanyu.faces.web.port import CityHub
from quanyu.faces.web.report_form import Report
from quanyu.kernel.intake import Intake
from quanyu.kernel.likeness import HOUR_US, Weights
from quanyu.kernel.public import PUBLIC, is_public, masked_text
from quanyu.kernel.view import Sketch

NEAR_M: Final = 400.0
WIDE: Final = Weights(away_m=NEAR_M, apart_us=30 * 24 * HOUR_US, place=0.6, words=0.3, time=0.1)
"""Wider than what is folded: somebody looks at it, and the place says more than words that are still being found."""

SHOWN_MAX: Final = 3
LIKE_MIN: Final = 0.2


class Near(msgspec.Struct, frozen=True):
    """A matter that may be the same one; `score` ranks it, `away_m` is None where one of the two has no point."""

    case: dict[str, Any]
    text: str
    photo: str | None
    away_m: float | None
    score: float


def find_near(hub: CityHub, intake: Intake, report: Report) -> list[Near]:
    """Return the likeliest open matters, best first: by distance, words and category.

    A report of a private flow is like no other that a stranger may see.
    """
    way = intake.way_of(intake.find_choice(report.category))
    if way.private:
        return []
    alike = hub.views.alike
    assert alike is not None, "a city that takes reports knows which are alike"
    sketch = Sketch(
        flow=way.flow, text=report.text, category=report.category or None, lon=report.lon, lat=report.lat,
        district=report.district or None, address=report.address,
    )  # fmt: skip
    found = [each for each in alike.near(sketch, PUBLIC, WIDE, LIKE_MIN) if is_public(each["case"])]
    return [_shown(hub, each) for each in found[:SHOWN_MAX]]


def _shown(hub: CityHub, found: Mapping[str, Any]) -> Near:
    case = found["case"]
    # Without a class the title is the beginning of what somebody wrote.
    title = {language: masked_text(words) for language, words in case["title"].items()}
    photo = _first_photo(hub, case["id"])
    return Near(case | {"title": title}, masked_text(case["text"]), photo, found["away_m"], found["score"])


def _first_photo(hub: CityHub, id: str) -> str | None:
    case = hub.views.cases.find(id, PUBLIC)
    actions = case["actions"] if case else []
    opening = next((each for each in actions if each["action"] == "open"), None)
    files = opening["files"] if opening else []
    return next((file["sha256"] for file in files if file["type"].startswith("image/")), None)
