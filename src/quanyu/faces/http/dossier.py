"""The dossier of a case: everything that was done, how its clocks were counted, and seals that can be checked later.

The public version says what was done and by which unit; no person, no free text of officers, no exact place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

import msgspec
from starlette.responses import Response

from quanyu.faces.http import dossier_page
from quanyu.faces.http.cases import get_case, named
from quanyu.faces.http.route import Ask, Route
from quanyu.faces.http.shown import shown
from quanyu.kernel.errors import Denied
from quanyu.kernel.public import is_public, masked_text

PUBLIC_PARTS: Final = (
    "id", "number", "kind", "class", "flow_title", "severity", "state", "step_title", "opened_at", "closed_at",
    "due_at", "due_known", "late", "lead_unit", "simulated", "parameters",
)  # fmt: skip
CLOCK_PARTS: Final = ("name", "limit", "start", "due", "stopped", "parameter", "light")
FULL_LEAVES_OUT: Final = ("next", "reporter")
TEXT_MAX: Final = 4000
FORM: Final = "quanyu-dossier-1"


class DossierQuery(msgspec.Struct):
    """Which version, and how it is wanted: as a page to print, or as JSON that can be checked."""

    version: Literal["full", "public"] = "full"
    format: Literal["html", "json"] = "html"
    lang: Literal["zh", "en"] | None = None


def dossier(ask: Ask) -> Response:
    """The dossier of a case: a page to print, or JSON; the public version names no person."""
    case = named(ask, get_case(ask, ask.scope))
    if ask.query.version == "public" and not is_public(case):
        raise Denied(
            f"Case {case['number']} is not one that the public is told of.",
            code="dossier.not_public",
            where="version",
            remedy="Only what people reported has a public version.",
        )
    seqs = [entry["seq"] for entry in case["actions"]]
    body = redacted(case) if ask.query.version == "public" else whole(case)
    document: dict[str, Any] = {
        "form": FORM,
        "version": ask.query.version,
        "city": dict(ask.hub.city.name),
        "zone": ask.zone,
        "exported_at": ask.hub.clock.now(),
        "exported_by": None if ask.query.version == "public" else {"id": ask.actor.id, "name": ask.actor.name},
        "case": body,
        "units": _units(ask, body),
    }
    document = ask.hub.sealed(document, seqs)
    headers = {"Cache-Control": "private, no-cache"}
    if ask.query.format == "json":
        headers["Content-Disposition"] = f'attachment; filename="case-{case["number"]}-{ask.query.version}.json"'
        return Response(msgspec.json.encode(document), 200, headers, "application/json")
    seals = document["seals"]
    page = dossier_page.page(shown(document, ask.zone) | {"seals": seals}, ask.query.lang or ask.actor.language)
    return Response(page, 200, headers, "text/html; charset=utf-8")


def whole(case: Mapping[str, Any]) -> dict[str, Any]:
    """Return a case without what is only for this moment and this reader; sealed fields were never in it."""
    return {name: value for name, value in case.items() if name not in FULL_LEAVES_OUT}


def redacted(case: Mapping[str, Any]) -> dict[str, Any]:
    """Return what anybody may read: units instead of persons, evidence by digest, the district instead of the point."""
    place, outcome = case["place"] or {}, case["outcome"]
    return {
        **{name: case[name] for name in PUBLIC_PARTS},
        "title": {language: masked_text(words) for language, words in case["title"].items()},
        "text": masked_text(case["text"], TEXT_MAX),
        "place": {"district": place.get("district")},
        "outcome": None
        if outcome is None
        else {name: outcome[name] for name in ("word", "title", "date", "who", "at")},
        "clocks": [
            {name: clock.get(name) for name in CLOCK_PARTS} | {"pauses": clock["pauses"]} for clock in case["clocks"]
        ],
        "steps": [{name: step[name] for name in ("name", "title", "state", "at")} for step in case["steps"]],
        "actions": list(_public_actions(case["actions"])),
    }


def _public_actions(actions: Iterable[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    for entry in actions:
        yield {
            "seq": entry["seq"],
            "at": entry["at"],
            "title": entry["title"],
            "unit": (entry["person"] or {}).get("unit"),
            "files": [{"sha256": file["sha256"], "type": file["type"]} for file in entry["files"]],
        }


def _units(ask: Ask, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the units of the case are called."""
    used = {body.get("lead_unit"), body.get("unit"), *(entry.get("unit") for entry in body["actions"])}
    used |= {(entry.get("person") or {}).get("unit") for entry in body["actions"]}
    return {each["id"]: dict(each["name"]) for each in ask.hub.city.units if each["id"] in used}


ROUTES = (
    Route(method="GET", path="/api/v1/cases/{id}/dossier", permission="view:cases", handle=dossier,
          summary="The dossier of a case, to print or to check", query=DossierQuery),
)  # fmt: skip
