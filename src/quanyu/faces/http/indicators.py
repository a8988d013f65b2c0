"""How the city does: indicators and the vital signs."""

from __future__ import annotations

from typing import Any

from quanyu.faces.http.city import Formatted
from quanyu.faces.http.route import Ask, Route
from quanyu.faces.http.shown import Listing
from quanyu.kernel.errors import Missing


def vitals(ask: Ask) -> dict[str, Any]:
    """The indicators of the overview, in its order."""
    found = [each for each in ask.hub.views.indicators.current() if each.get("vital") is not None]
    # A city whose packs name no vital sign shows what it has.
    ordered = sorted(found, key=lambda each: each["vital"]) or ask.hub.views.indicators.current()
    return {"now": ask.hub.clock.now(), "items": ordered}


def indicators(ask: Ask) -> Listing:
    """The latest value of every indicator."""
    return Listing(ask.hub.views.indicators.current(), name="indicators")


def indicator(ask: Ask) -> dict[str, Any]:
    """One indicator with its formula, measures, pinned parameters and trend."""
    name = ask.path("name")
    found = ask.hub.views.indicators.find(name)
    if found is None:
        raise Missing(
            f"Indicator {name[:80]} does not exist.",
            code="indicator.missing",
            where="name",
            remedy="List them with GET /api/v1/indicators.",
        )
    return found


ROUTES = (
    Route(method="GET", path="/api/v1/vitals", permission="view:indicators", handle=vitals, summary="Vital signs"),
    Route(method="GET", path="/api/v1/indicators", permission="view:indicators", handle=indicators,
          summary="Indicators", query=Formatted),
    Route(method="GET", path="/api/v1/indicators/{name}", permission="view:indicators", handle=indicator,
          summary="One indicator"),
)  # fmt: skip
