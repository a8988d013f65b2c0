"""Shifts: the log of the one that runs, handing it over, accepting it, and those that were."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from quanyu.engines.cases.shift_log import HEADINGS, LIGHTS
from quanyu.engines.cases.shifting import OFFICERS
from quanyu.faces.http import shift_page
from quanyu.faces.http.route import Ask, Route
from quanyu.faces.http.shown import Listing, csv_text, shown
from quanyu.faces.http.staff import names_of
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.journal import Command
from quanyu.kernel.view import Filter


class ShiftsQuery(msgspec.Struct):
    """Shifts of a desk, newest first."""

    desk: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50
    after: str | None = None
    format: str = "json"


class DeskQuery(msgspec.Struct):
    """The desk whose shift runs; one's own where it is left out."""

    desk: str | None = None


class ShiftQuery(msgspec.Struct):
    """How a log is wanted: as JSON, as CSV for a spreadsheet, as a page to print."""

    format: Literal["json", "csv", "html"] = "json"
    lang: Literal["zh", "en"] | None = None


class HandOver(msgspec.Struct, forbid_unknown_fields=True):
    """Hand the running shift over; `to` is the person who takes over, `notes` what the log cannot know."""

    desk: str | None = None
    notes: Annotated[str, msgspec.Meta(max_length=4000)] = ""
    to: str | None = None


class Acceptance(msgspec.Struct, forbid_unknown_fields=True):
    """Take a shift over."""

    remarks: Annotated[str, msgspec.Meta(max_length=4000)] = ""


def shifts(ask: Ask) -> Listing:
    """Shifts that were handed over, with what they counted."""
    page = ask.hub.shifts.query(ask.scope, ask.query.desk, ask.query.limit, ask.query.after)
    return Listing([_named(ask, each) for each in page.items], page.after, name="shifts")


def running(ask: Ask) -> dict[str, Any]:
    """The log of the shift that runs now, as it would be handed over."""
    return _named(ask, ask.hub.shifts.draft(_desk(ask, ask.query.desk), ask.scope_of("view:cases")))


def shift(ask: Ask) -> Any:
    """A shift with its log, as it was handed over: JSON, CSV or a page to print."""
    found = _named(ask, _find(ask, ask.scope))
    if ask.query.format == "json":
        return found
    language = ask.query.lang or ask.actor.language
    if ask.query.format == "html":
        text = shift_page.page(shown(found, ask.zone), language)
        return Response(text, 200, {"Cache-Control": "private, no-cache"}, "text/html; charset=utf-8")
    headers = {
        "Content-Disposition": f'attachment; filename="shift-{found["number"]}.csv"',
        "Cache-Control": "private, no-cache",
    }
    return Response(csv_text(_rows(found, language), ask.zone, language), 200, headers, "text/csv; charset=utf-8")


async def hand_over(ask: Ask) -> dict[str, Any]:
    """Hand the running shift over: its log is drawn up, kept, and waits to be accepted."""
    sent: HandOver = ask.body
    desk = _desk(ask, sent.desk)
    if sent.to is not None and await run_in_threadpool(ask.hub.access.find_person, sent.to) is None:
        raise Invalid(
            f"Person {sent.to[:80]} does not exist.",
            code="shift.receiver",
            where="to",
            remedy="Name a person of this hub, or leave it to whoever comes.",
        )
    drawn = await run_in_threadpool(ask.hub.shifts.draft, desk, ask.scope_of("view:cases"))
    body = drawn | {"notes": sent.notes, "to": sent.to}
    taken = await ask.hub.commit([Command("shift.hand_over", "", body)], ask.actor.id, key=ask.key)
    return {"id": taken.outcomes[0].subject, "seq": taken.seq, "at": taken.at}


async def accept(ask: Ask) -> dict[str, Any]:
    """Accept a shift, with remarks."""
    body = {"remarks": ask.body.remarks}
    taken = await ask.hub.commit([Command("shift.accept", ask.path("id"), body)], ask.actor.id, key=ask.key)
    return {"id": ask.path("id"), "seq": taken.seq, "at": taken.at}


def _desk(ask: Ask, stated: str | None) -> str:
    """Return the desk that is meant: as stated, else where the actor is on duty; whoever is everywhere, at the command centre."""
    if stated:
        return stated
    watches = [grant.unit for grant in ask.actor.roles if grant.role in OFFICERS]
    own = [unit for unit in watches if unit]
    if not own and watches:
        own = [str(unit["id"]) for unit in ask.hub.city.units if unit.get("kind") == "command"]
    if not own:
        raise Invalid(
            "No desk is named, and the actor is on duty at none.",
            code="shift.desk",
            where="desk",
            remedy="Name the unit at which you are on duty.",
        )
    return own[0]


def _find(ask: Ask, scope: Filter) -> dict[str, Any]:
    found = ask.hub.shifts.find(ask.path("id"), scope)
    if found is None:
        raise Missing(
            f"Shift {ask.path('id')[:80]} does not exist.",
            code="shift.unknown",
            where="id",
            remedy="List the shifts with GET /api/v1/shifts.",
        )
    return found


def _named(ask: Ask, document: dict[str, Any]) -> dict[str, Any]:
    """Put the names of staff beside their ids."""
    ids = {
        each["who"] for lines in document.get("log", {}).get("events", {}).values() for each in lines if "who" in each
    }
    ids |= {each["person"]["id"] for each in (document, document.get("accepted") or {}) if "person" in each}
    ids |= {document["to"]} if document.get("to") else set()
    names = names_of(ask.hub, ids)
    units = {unit["id"]: unit.get("name") or {"zh": unit["zh"], "en": unit["en"]} for unit in ask.hub.city.units}
    return document | {"names": names, "desk_title": units.get(document["desk"])}


def _rows(found: dict[str, Any], language: str) -> list[dict[str, Any]]:
    """Return the log as rows of one table, headings in the reader's language."""
    place = 0 if language == "zh" else 1
    log, names = found["log"], found["names"]
    rows = [
        {
            "heading": HEADINGS[heading][place],
            "at": line["at"],
            "number": line["number"],
            "title": line.get("title"),
            "unit": line.get("unit"),
            "who": names.get(line["who"], line["who"]),
            "word": line.get("word"),
            "note": line.get("note"),
        }
        for heading, lines in log["events"].items()
        for line in lines
    ]
    rows += [
        {
            "heading": LIGHTS[case["clock"]][place],
            "at": case.get("due_at"),
            "number": case["number"],
            "title": case.get("title"),
            "unit": case.get("unit"),
            "who": case.get("person") or case.get("role"),
            "word": case.get("step_title"),
            "note": None,
        }
        for case in log["open"]
    ]
    return rows


ROUTES = (
    Route(method="GET", path="/api/v1/shifts", permission="view:shifts", handle=shifts, summary="Shifts handed over",
          query=ShiftsQuery),
    Route(method="POST", path="/api/v1/shifts", permission="shift.hand_over", handle=hand_over,
          summary="Hand the running shift over", body=HandOver, status=201),
    Route(method="GET", path="/api/v1/shifts/running", permission="view:shifts", handle=running,
          summary="The log of the shift that runs", query=DeskQuery),
    Route(method="GET", path="/api/v1/shifts/{id}", permission="view:shifts", handle=shift, summary="One shift",
          query=ShiftQuery),
    Route(method="POST", path="/api/v1/shifts/{id}/accept", permission="shift.accept", handle=accept,
          summary="Accept a shift", body=Acceptance),
)  # fmt: skip
