"""The engine of incidents: decides what is commanded, and folds records into the incident and its log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from msgspec.structs import replace

from quanyu.engines.incidents.deciding import DECISIONS, Ground
from quanyu.engines.incidents.store import (
    TABLES,
    Activated,
    Function,
    Incident,
    Line,
    Resource,
    Response,
    find_incident,
    put_incident,
)
from quanyu.kernel.journal import Body, Command, Desk, Fact, Kind, Record, State
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.time import OfficialCalendar


class IncidentsEngine:
    """Owns what incidents carry besides the steps of their cases."""

    name: Final = "incidents"
    commands: Final = tuple(DECISIONS)
    kinds: Final = tuple(
        Kind(f"incident.{word}")
        for word in (
            "declared", "figured", "levelled", "responded", "lifted", "activated", "assigned", "given_back", "noted",
            "watched", "warned",
        )
    )  # fmt: skip
    tables: Final = TABLES

    def __init__(self, ground: Ground) -> None:
        self.ground = ground

    def renew(self, *, calendar: OfficialCalendar | None = None, parameters: Parameters | None = None) -> None:
        """Decide from now on by an edited calendar or by what the city released."""
        if calendar is not None:
            self.ground.calendar = calendar
        if parameters is not None:
            self.ground.parameters = parameters

    def decide(self, command: Command, desk: Desk) -> Iterable[Fact]:
        """Judge a command about an incident; refusals have codes that begin with incident."""
        return [DECISIONS[command.kind](self.ground, command, desk)]

    def evolve(self, record: Record, state: State) -> None:
        """Fold a record into its incident, and write the line of its log."""
        body = record.body
        assert body is not None, f"record {record.seq} of kind {record.kind} is kept for ever and has no body"
        before = find_incident(state, record.subject)
        if record.kind == "incident.declared":
            after = _declared(before, record, body)
        else:
            assert before is not None, f"record {record.seq} is about {record.subject}, which was never declared"
            after = _EVOLUTIONS[record.kind](before, record, body)
        put_incident(state, record.subject, after, Line(record.seq, record.at, record.actor, record.kind, body))


def _declared(before: Incident | None, record: Record, body: Body) -> Incident:
    given = {name: body[name] for name in ("kind", "of", "handling", "window_ends")}
    if before is None:
        return Incident(declared_at=record.at, declared_by=record.actor, source=body["source"], **given)
    return _graded(replace(before, source=body["source"] or before.source, **given), body)


def _graded(incident: Incident, body: Body) -> Incident:
    if "grade" not in body:
        return incident
    return replace(
        incident, grade=body["grade"], grade_by=tuple(body["grade_by"]), grade_unknown=tuple(body["grade_unknown"])
    )


def _figured(incident: Incident, record: Record, body: Body) -> Incident:
    figures = incident.figures | body["values"]
    return _graded(replace(incident, figures=figures, figured_at=record.at), body)


def _levelled(incident: Incident, record: Record, body: Body) -> Incident:
    return replace(
        incident,
        level=body["level"],
        level_at=record.at,
        level_by=record.actor,
        level_why=body["why"],
        moves=incident.moves + 1,
    )


def _responded(incident: Incident, record: Record, body: Body) -> Incident:
    new = Response(
        level=body["level"],
        matter=body["matter"],
        hours=body["hours"],
        measures=tuple(body["measures"]),
        issue=body["issue"],
        at=record.at,
        by=record.actor,
        started_at=body["started_at"],
    )
    return replace(incident, responses=(*incident.responses, new))


def _lifted(incident: Incident, record: Record, body: Body) -> Incident:
    *earlier, last = incident.responses
    ended = replace(last, lifted_at=record.at, lifted_by=record.actor, lifted_why=body["why"])
    return replace(incident, responses=(*earlier, ended))


def _activated(incident: Incident, record: Record, body: Body) -> Incident:
    new = Activated(
        plan=body["plan"],
        title=body["title"],
        lead=body["lead"],
        supports=tuple(body["supports"]),
        tasks=tuple(body["tasks"]),
        at=record.at,
        by=record.actor,
    )
    return replace(incident, plans=(*incident.plans, new))


def _assigned(incident: Incident, record: Record, body: Body) -> Incident:
    return replace(incident, resources=(*incident.resources, Resource(at=record.at, by=record.actor, **body)))


def _given_back(incident: Incident, record: Record, body: Body) -> Incident:
    return replace(
        incident,
        resources=tuple(
            replace(each, returned_at=record.at) if each.number == body["number"] else each
            for each in incident.resources
        ),
    )


def _watched(incident: Incident, record: Record, body: Body) -> Incident:
    return replace(incident, functions=tuple(Function(**each) for each in body["functions"]))


def _warned(incident: Incident, record: Record, body: Body) -> Incident:
    return replace(incident, warnings=(*incident.warnings, body["warning"]))


def _noted(incident: Incident, record: Record, body: Body) -> Incident:
    return incident


_EVOLUTIONS: Final[Mapping[str, Callable[[Incident, Record, Body], Incident]]] = {
    "incident.figured": _figured,
    "incident.levelled": _levelled,
    "incident.responded": _responded,
    "incident.lifted": _lifted,
    "incident.activated": _activated,
    "incident.assigned": _assigned,
    "incident.given_back": _given_back,
    "incident.noted": _noted,
    "incident.watched": _watched,
    "incident.warned": _warned,
}
