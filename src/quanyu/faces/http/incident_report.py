"""The after-action report of an incident, drawn from the journal: every line names its record, nothing is typed twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from quanyu.faces.http.staff import names_of

if TYPE_CHECKING:
    from quanyu.engines.access.view import Actor
    from quanyu.faces.http.hub import Hub

BESIDE = ("orders", "reports", "inquiries", "lessons")


def report_document(hub: Hub, found: Mapping[str, Any], actor: Actor) -> dict[str, Any]:
    """Return the report with the digests of the records that it stands on, and its checksum."""
    case, incident = found["case"], found.get("incident") or {}
    timeline = sorted(_timeline(found), key=lambda line: (line["at"], line["seq"]))
    clocks = list(_clocks(found))
    beside = {name: [_brief(each) for each in found[name]] for name in BESIDE}
    document: dict[str, Any] = {
        "kind": "after_action",
        "city": dict(hub.city.name),
        "exported_at": hub.clock.now(),
        "exported_by": {"id": actor.id, "name": actor.name},
        "case": {
            name: case[name]
            for name in ("id", "number", "title", "text", "state", "opened_at", "closed_at", "place", "outcome",
                         "simulated", "flow", "flow_hash", "parameters")
        },
        "incident": incident,
        "incident_kind": found.get("kind"),
        "measures": found.get("measures", []),
        "names": names_of(hub, (line["actor"] for line in timeline)),
        "timeline": timeline,
        "clocks": clocks,
        "clocks_met": sum(each["met"] is True for each in clocks),
        "clocks_missed": sum(each["met"] is False for each in clocks),
        "figures": [line for line in found["log"] if line["kind"] == "incident.figured"],
        **beside,
        "warnings": found["warnings"],
        "unanswered": sorted({str(each["unit"]) for each in found["orders"] if each["acknowledged_at"] is None}),
        "recovery": hub.incidents.view.curves(found["id"]),
        "units": {unit["id"]: {"zh": unit["zh"], "en": unit["en"]} for unit in map(_named, hub.city.units)},
    }  # fmt: skip
    return hub.sealed(document, [line["seq"] for line in timeline])


def _named(unit: Mapping[str, Any]) -> dict[str, Any]:
    name = unit.get("name") or unit
    return {"id": unit["id"], "zh": name["zh"], "en": name["en"]}


def _timeline(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    case = found["case"]
    for line in found["log"]:
        yield {"seq": line["seq"], "at": line["at"], "actor": line["actor"], "what": line["kind"], "number": case["number"],
               "title": None, "said": line["said"]}  # fmt: skip
    for about in (case, *(each for name in BESIDE for each in found[name])):
        for action in about["actions"]:
            yield {"seq": action["seq"], "at": action["at"], "actor": action["actor"], "what": "case",
                   "number": about["number"], "title": action["title"], "said": {"note": action.get("note", "")}}  # fmt: skip


def _clocks(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every limit that ran: steps that were done in time or not, and the clocks that cases still carry."""
    for name in BESIDE:
        for each in found[name]:
            for step in each["steps_done"]:
                yield {"number": each["number"], "about": each["title"], **step}
            for clock in each["clocks"]:
                yield {"number": each["number"], "about": each["title"], "clock": clock["name"], "title": clock["title"],
                       "due": clock["due"], "at": clock["stopped"], "met": clock["met"]}  # fmt: skip


def _brief(each: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in each.items() if name not in ("actions", "clocks")}
