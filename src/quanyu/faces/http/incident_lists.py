"""Incidents in a list, and the warnings that one of them may be linked with."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from quanyu.engines.incidents.listing import IncidentQuery
from quanyu.faces.http.incidents import find
from quanyu.faces.http.route import Ask, Route
from quanyu.faces.http.shown import Listing


class IncidentsQuery(msgspec.Struct):
    """Incidents, the open and gravest first; `kind` and `level` as they were declared, `text` words of the case."""

    list: Literal["open", "closed", "all"] = "all"
    kind: str | None = None
    level: Annotated[int, msgspec.Meta(ge=1, le=4)] | None = None
    place: str | None = None
    text: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50
    after: str | None = None
    count: bool = False
    format: str = "json"


class OfferQuery(msgspec.Struct):
    """Words that stand in headline, area or number of a warning."""

    text: Annotated[str, msgspec.Meta(max_length=200)] = ""
    format: str = "json"


def incidents(ask: Ask) -> Listing:
    """Incidents: open ones first and the gravest first among them, then those that have ended, newest first."""
    asked: IncidentsQuery = ask.query
    query = IncidentQuery(
        list=asked.list, kind=asked.kind, level=asked.level, place=asked.place, text=asked.text, limit=asked.limit,
        after=asked.after,
    )  # fmt: skip
    lists = ask.hub.incidents.view.lists
    page = lists.page(query, ask.scope)
    total = sum(lists.count(ask.scope).values()) if asked.count else None
    return Listing(page.items, page.after, total, "incidents")


def offered(ask: Ask) -> Listing:
    """Warnings in force that are not linked yet: those that hold where the incident is first, then the gravest.

    Exercises are offered to those alone who may see drafts and exercises.
    """
    found = find(ask)
    linked = set((found.get("incident") or {}).get("warnings", ()))
    drills = ask.hub.access.may(ask.actor, "view:warnings")
    place: dict[str, Any] = found["case"].get("place") or {}
    words = ask.query.text.casefold().split()
    items = [
        ask.hub.warnings.views.summary(each) | {"near": ask.hub.warnings.holds_at(each, place)}
        for each in ask.hub.warnings.views.in_force(actual_only=not drills)
        if each.id not in linked
    ]
    shown = [each for each in items if all(word in _text(each) for word in words)]
    return Listing(sorted(shown, key=lambda each: not each["near"]), name="warnings")


def _text(warning: dict[str, Any]) -> str:
    parts = [warning["identifier"], warning["id"]]
    parts += [text for name in ("headline", "area", "event", "colour") for text in warning[name].values()]
    return " ".join(str(each) for each in parts if each).casefold()


ROUTES = (
    Route(method="GET", path="/api/v1/incidents", permission="view:cases", handle=incidents,
          summary="Incidents, open and gravest first", query=IncidentsQuery),
    Route(method="GET", path="/api/v1/incidents/{id}/offered-warnings", permission="view:cases", handle=offered,
          summary="Warnings in force that an incident may be linked with, near ones first", query=OfferQuery),
)  # fmt: skip
