"""What is decided about incidents: every value resolved, so that tomorrow's tables cannot regrade yesterday."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

import msgspec

from quanyu.engines.incidents import bodies
from quanyu.engines.incidents.store import Incident, find_incident
from quanyu.kernel.errors import Conflict, Invalid, Missing
from quanyu.kernel.grading import Grade, Threshold, grade
from quanyu.kernel.journal import Body, Command, Desk, Fact, Instant
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.plan import Plan, PlanBook
from quanyu.kernel.time import OfficialCalendar, day_of, due


class Standing(msgspec.Struct, frozen=True):
    """What the engine needs to know of a case: its kind, whether it is open, and when it was opened."""

    kind: str
    open: bool
    opened_at: Instant


class Ground(msgspec.Struct):
    """What decisions stand on: the city's tables and parameters, and cases as the writer sees them."""

    book: PlanBook
    thresholds: Sequence[Threshold]
    parameters: Parameters
    calendar: OfficialCalendar
    units: Collection[str]
    jurisdiction: str
    standing: Callable[[str], Standing | None]

    def grade(self, of: str, figures: Mapping[str, float], at: Instant) -> Grade | None:
        """Return what figures say on the day of an instant."""
        return grade(self.thresholds, of, figures, day_of(at, self.calendar.zone))


def declare(ground: Ground, command: Command, desk: Desk) -> Fact:
    """Say what kind of incident an open case is; saying it again corrects the kind."""
    body = bodies.read(command, bodies.Declared)
    standing = _open_case(ground, command)
    kind = ground.book.kinds.get(body.kind)
    if kind is None or kind.case != standing.kind:
        known = [each.kind for each in ground.book.kinds.values() if each.case == standing.kind]
        raise Invalid(
            f"Incidents of a {standing.kind} case are not of the kind {body.kind!r}.",
            code="incident.kind_unknown",
            where="body.kind",
            remedy=f"Use one of {', '.join(known) or 'none'}; the city's table incident_kinds lists them.",
        )
    before = find_incident(desk.state, command.subject)
    if before is not None and not body.why.strip():
        raise Conflict(
            f"Incident {command.subject} is declared as {before.kind} already.",
            code="incident.declared",
            where="body.why",
            remedy="Say why the kind is another one.",
        )
    said: Body = {"kind": kind.kind, "of": kind.of, "handling": kind.handling, "window_ends": None}
    if kind.regrade:
        row = ground.parameters.get_row(kind.regrade, day_of(desk.at, ground.calendar.zone), ground.jurisdiction)
        said["window_ends"] = due(standing.opened_at, row.pinned().limit(), ground.calendar)
        said["parameters"] = [{"id": row.id, "version": row.version, "value": row.value}]
    figures = before.figures if before is not None else {}
    found = ground.grade(kind.of, figures, desk.at) if figures else None
    return Fact("incident.declared", command.subject, said | {"source": body.source, "why": body.why} | _graded(found))


def figure(ground: Ground, command: Command, desk: Desk) -> Fact:
    """Take new figures in; within the window they re-grade, afterwards they are kept and change no grade."""
    body = bodies.read(command, bodies.Figured)
    incident = _known(desk, command)
    measures = {row.measure for row in ground.thresholds if row.of == incident.of}
    if measures and (strange := sorted(body.values.keys() - measures)):
        raise Invalid(
            f"Figure {strange[0]!r} grades no incident of the class {incident.of}.",
            code="incident.measure",
            where=f"body.values.{strange[0]}",
            remedy=f"Use {', '.join(sorted(measures))}.",
        )
    counts = incident.window_ends is None or desk.at < incident.window_ends
    figures = incident.figures | body.values
    found = ground.grade(incident.of, figures, desk.at) if counts else None
    said: Body = {"values": body.values, "source": body.source, "note": body.note, "counts": counts}
    if found is not None:
        said |= _graded(found)
        said["regraded"] = incident.grade is not None and found.level != incident.grade
    return Fact("incident.figured", command.subject, said)


def level(ground: Ground, command: Command, desk: Desk) -> Fact:
    """Put a level in force: over what its sender has seen, and none milder than what the figures say."""
    body = bodies.read(command, bodies.Levelled)
    incident = _declared(ground, command, desk)
    _check_seen(incident, command, body.seen)
    if incident.grade is not None and body.level > incident.grade:
        raise Conflict(
            f"The figures of {command.subject} say level {incident.grade} ({', '.join(incident.grade_by)}); "
            f"level {body.level} is milder.",
            code="incident.level_below_grade",
            where="body.level",
            remedy="Correct the figures with their source, or keep the level that they reach.",
            grade=incident.grade,
        )
    if incident.level == body.level:
        raise Conflict(
            f"Level {body.level} is in force already.",
            code="incident.level_same",
            where="body.level",
            remedy="Nothing needs to be done.",
        )
    return Fact("incident.levelled", command.subject, {"level": body.level, "before": incident.level, "why": body.why})


def respond(ground: Ground, command: Command, desk: Desk) -> Fact:
    """Start or adjust the response: matter, level, expected duration and measures are announced together."""
    body = bodies.read(command, bodies.Responded)
    incident = _declared(ground, command, desk)
    _check_issue(incident, command, body.seen)
    said = msgspec.to_builtins(body)
    del said["seen"]
    running = incident.response
    return Fact(
        "incident.responded",
        command.subject,
        said
        | {
            "issue": len(incident.responses) + 1,
            "started_at": desk.at if running is None else running.started_at,
            "before": None if running is None else running.level,
        },
    )


def lift(ground: Ground, command: Command, desk: Desk) -> Fact:
    """End the response that is in force."""
    body = bodies.read(command, bodies.Lifted)
    incident = _declared(ground, command, desk)
    _check_issue(incident, command, body.seen)
    if incident.response is None:
        raise Conflict(
            f"No response to {command.subject} is in force.",
            code="incident.no_response",
            where="subject",
            remedy="Nothing needs to be lifted.",
        )
    return Fact("incident.lifted", command.subject, {"why": body.why, "issue": incident.response.issue})


def activate(ground: Ground, command: Command, desk: Desk) -> Fact:
    """Put a plan to work, once; its tasks are opened as cases beside the incident in the same commit."""
    body = bodies.read(command, bodies.Activation)
    incident = _declared(ground, command, desk)
    offered = {plan.plan: plan for plan in fitting(ground, incident)}
    plan = offered.get(body.plan)
    if plan is None:
        raise Invalid(
            f"Plan {body.plan!r} does not fit {incident.kind} at level {incident.level}.",
            code="incident.plan_unknown",
            where="body.plan",
            remedy=f"Fitting plans: {', '.join(offered) or 'none'}; the city's table incident_plans lists them.",
        )
    if any(each.plan == plan.plan for each in incident.plans):
        raise Conflict(
            f"Plan {plan.plan} is active already.",
            code="incident.plan_active",
            where="body.plan",
            remedy="Give single orders, or activate another plan.",
        )
    for unit in (plan.lead, *plan.supports, *(task.unit for task in plan.tasks)):
        _check_unit(ground, unit, f"plan {plan.plan}")
    return Fact(
        "incident.activated",
        command.subject,
        {
            "plan": plan.plan,
            "title": {"zh": plan.zh, "en": plan.en},
            "lead": plan.lead,
            "supports": list(plan.supports),
            "tasks": [task.task for task in plan.tasks],
            "status": plan.status,
        },
    )


def assign(ground: Ground, command: Command, desk: Desk) -> Fact:
    """Assign a resource; what is out with this incident already is not assigned twice."""
    body = bodies.read(command, bodies.Assigned)
    incident = _declared(ground, command, desk)
    _check_unit(ground, body.unit, "body.unit")
    out = [each for each in incident.resources if each.resource == body.resource and each.returned_at is None]
    if out:
        raise Conflict(
            f"Resource {body.resource} is out with this incident as number {out[0].number}.",
            code="incident.resource_out",
            where="body.resource",
            remedy="Give it back first, or name another one.",
        )
    return Fact(
        "incident.assigned", command.subject, msgspec.to_builtins(body) | {"number": len(incident.resources) + 1}
    )


def give_back(ground: Ground, command: Command, desk: Desk) -> Fact:
    """Give a resource back; also after the incident has ended."""
    body = bodies.read(command, bodies.Returned)
    incident = _known(desk, command)
    out = {each.number for each in incident.resources if each.returned_at is None}
    if body.number not in out:
        raise Missing(
            f"No resource {body.number} is out with {command.subject}.",
            code="incident.resource_unknown",
            where="body.number",
            remedy=f"Out are: {', '.join(map(str, sorted(out))) or 'none'}.",
        )
    return Fact("incident.given_back", command.subject, msgspec.to_builtins(body))


def note(ground: Ground, command: Command, desk: Desk) -> Fact:
    """Write a line into the command log."""
    body = bodies.read(command, bodies.Noted)
    _known(desk, command)
    return Fact("incident.noted", command.subject, {"text": body.text})


def warn(ground: Ground, command: Command, desk: Desk) -> Fact:
    """Say that a warning belongs to the incident; saying it again is refused."""
    body = bodies.read(command, bodies.Warned)
    incident = _known(desk, command)
    if body.warning in incident.warnings:
        raise Conflict(
            f"Warning {body.warning} belongs to {command.subject} already.",
            code="incident.warned",
            where="body.warning",
            remedy="Nothing needs to be done.",
        )
    return Fact("incident.warned", command.subject, {"warning": body.warning})


def watch(ground: Ground, command: Command, desk: Desk) -> Fact:
    """Say which functions of the city are followed until they are back."""
    body = bodies.read(command, bodies.Watching)
    _known(desk, command)
    named = [(each.entity, each.attribute) for each in body.functions]
    if len(set(named)) < len(named) or any(each.normal <= 0 for each in body.functions):
        raise Invalid(
            "A function is named twice, or its normal value is not above nothing.",
            code="incident.functions",
            where="body.functions",
            remedy="Name each attribute once, with its normal value.",
        )
    return Fact("incident.watched", command.subject, msgspec.to_builtins(body))


def _graded(found: Grade | None) -> dict[str, Any]:
    if found is None:
        return {}
    return {"grade": found.level, "grade_by": list(found.by), "grade_unknown": list(found.unknown)}


def fitting(ground: Ground, incident: Incident) -> list[Plan]:
    """Return the plans that may be activated now: emergency plans once a level or a response is in force."""
    handling = "emergency" if incident.level is not None or incident.response is not None else incident.handling
    return ground.book.fitting(incident.kind, handling, incident.level)


def _open_case(ground: Ground, command: Command) -> Standing:
    standing = ground.standing(command.subject)
    kinds = {each.case for each in ground.book.kinds.values()}
    if standing is None or standing.kind not in kinds:
        raise Missing(
            f"Case {command.subject[:80]} is no incident.",
            code="incident.case_unknown",
            where="subject",
            remedy=f"Open a case of the kind {' or '.join(sorted(kinds)) or 'incident'} first.",
        )
    if not standing.open:
        raise Conflict(
            f"Incident {command.subject} has ended.",
            code="incident.ended",
            where="subject",
            remedy="Reopen its case, or write a note.",
        )
    return standing


def _known(desk: Desk, command: Command) -> Incident:
    incident = find_incident(desk.state, command.subject)
    if incident is None:
        raise Missing(
            f"Case {command.subject[:80]} was not declared to be an incident.",
            code="incident.undeclared",
            where="subject",
            remedy="Say what kind of incident it is first.",
        )
    return incident


def _declared(ground: Ground, command: Command, desk: Desk) -> Incident:
    incident = _known(desk, command)
    _open_case(ground, command)
    return incident


def _check_seen(incident: Incident, command: Command, seen: int) -> None:
    if seen != incident.moves:
        raise Conflict(
            f"Somebody changed the level of {command.subject} meanwhile: {incident.level} is in force, "
            f"put there by {incident.level_by}.",
            code="incident.level_moved",
            where="body.seen",
            remedy="Read it again and decide on what is in force now.",
            level=incident.level,
            moves=incident.moves,
            by=incident.level_by,
        )


def _check_issue(incident: Incident, command: Command, seen: int) -> None:
    # A lift counts too: whoever adjusts what was lifted meanwhile has not seen it.
    issues = issues_of(incident)
    if seen != issues:
        raise Conflict(
            f"The response to {command.subject} was announced anew or lifted meanwhile.",
            code="incident.response_moved",
            where="body.seen",
            remedy="Read it again and decide on what is in force now.",
            issues=issues,
        )


def issues_of(incident: Incident) -> int:
    """Return how often the response was announced, adjusted or lifted."""
    return len(incident.responses) + sum(each.lifted_at is not None for each in incident.responses)


def _check_unit(ground: Ground, unit: str, where: str) -> None:
    if unit not in ground.units:
        raise Invalid(
            f"Unit {unit!r} does not exist in this city.",
            code="incident.unit_unknown",
            where=where,
            remedy="Choose a unit of the city profile, or mend the city's table of plans.",
        )


DECISIONS: Final[Mapping[str, Callable[[Ground, Command, Desk], Fact]]] = {
    "incident.declare": declare,
    "incident.figure": figure,
    "incident.level": level,
    "incident.respond": respond,
    "incident.lift": lift,
    "incident.activate": activate,
    "incident.assign": assign,
    "incident.give_back": give_back,
    "incident.note": note,
    "incident.watch": watch,
    "incident.warn": warn,
}
