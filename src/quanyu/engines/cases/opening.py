"""Opening a case: brought by somebody, or found by a rule and folded into the open case of the same cause."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from quanyu.engines.cases.applying import check_subjects, proof_of
from quanyu.engines.cases.bodies import FindBody, OpenBody, Reporter, read_body
from quanyu.engines.cases.clocks import QUARTER_US
from quanyu.engines.cases.erasing import sealed_opening
from quanyu.engines.cases.notices import Telling
from quanyu.engines.cases.office import CITIZEN, MACHINES, Office, code_digest, person_document
from quanyu.engines.cases.option import Asker
from quanyu.engines.cases.owning import OFFER, REGISTER
from quanyu.engines.cases.rows import get_case
from quanyu.engines.cases.state import CITIZEN_CHANNELS, CaseState, Finding, Opening
from quanyu.engines.cases.straight import straight_start
from quanyu.engines.cases.tables import DAY_CASES_MAX, FOLD, NUMBER, id_of, serial_of
from quanyu.engines.cases.waking import tell_if_listed
from quanyu.engines.cases.walking import Course, opening_clocks
from quanyu.kernel.errors import Denied, Invalid
from quanyu.kernel.flow import APPLICANT, Flow, declined
from quanyu.kernel.journal import Command, Desk, Fact, Instant, provenance_kind
from quanyu.kernel.time import day_of

OPENERS: Final = frozenset(
    {"clerk", "duty", "dispatcher", "handler", "supervisor", "check", "chief", "collector", "commander"}
)
"""Roles that may bring a matter in; readers of records (auditor, engineer) may not."""

ANYBODY: Final = (*MACHINES, CITIZEN)
"""Actors that need no role to bring a matter in."""

TITLE_LENGTH: Final = 40
MERGE_DEPTH_MAX: Final = 16


def decide_open(office: Office, command: Command, desk: Desk) -> Iterator[Fact]:
    """Open a case for a matter that somebody brings."""
    body = read_body(command.kind, command.body, OpenBody)
    asker = office.asker(desk, body.as_person)
    flow_roles = office.flows[body.flow][1].roles if body.flow in office.flows else {}
    _check_opener(asker, desk.actor, flow_roles)
    if not body.title and not body.text.strip():
        raise Invalid(
            "Case has neither title nor text.",
            code="case.text_missing",
            where="body.text",
            remedy="Say in a sentence what is the matter.",
        )
    historical = body.as_ == "history"
    at = _event_time(body.at, desk.at, historical)
    digest, flow = office.get_flow(body.flow)
    office.check_companion(desk.state, flow, body.asset)
    serial = _next_serial(office, desk, at)
    channel = body.channel
    if desk.actor.startswith(CITIZEN) and channel not in CITIZEN_CHANNELS:
        channel = "citizen"
    reporter, person = _sealed(body.reporter, serial, desk) if flow.keeps is None else (None, _person(body.reporter))
    subjects = _subjects(body, asker, desk)
    head = Opening(
        kind=body.kind or flow.case,
        flow=flow.name,
        title=_title(body.title, body.text),
        channel=channel,
        text=body.text,
        place=None if body.place is None else msgspec.to_builtins(body.place),
        asset=body.asset,
        asset_type=body.asset_type,
        category=body.category,
        reporter=reporter,
        reporter_id=person or next((f"{CITIZEN}{each}" for each in subjects), None),
        subjects=subjects,
        document=body.document,
        code=None if body.code is None else code_digest(id_of(serial), body.code),
        provenance=command.provenance,
    )
    if flow.keeps is not None:
        head = sealed_opening(flow, serial, head, _words(body.reporter), desk)
    opener = person_document(asker, asker.grants[0] if asker.grants else None)
    extra: dict[str, Any] = {"files": msgspec.to_builtins(body.files)} if body.files else {}
    if body.same_as is not None:
        extra["same_as"] = serial_of(body.same_as)
    if body.unlike:
        extra["unlike"] = [serial_of(id) for id in body.unlike]
    given = _units(office, flow, body.units)
    yield from office.definition(desk.state, digest, flow)
    if flow.forms:
        yield from _with_forms(office, flow, desk, extra)
    yield from _opened(office, flow, digest, serial, head, at, body.severity, opener, historical, extra, desk, given)


def decide_find(office: Office, command: Command, desk: Desk) -> Iterator[Fact]:
    """Fold a rule's finding into the open case of its key, or open one."""
    if not desk.actor.startswith(MACHINES):
        raise Denied(
            f"Actor {desk.actor} reports no findings.",
            code="case.find_denied",
            remedy="People open cases with case.open; findings come from rules.",
        )
    body = read_body(command.kind, command.body, FindBody)
    if body.end is not None and body.end < body.start:
        raise Invalid(
            "Finding ends before it begins.", code="case.finding_order", where="body.to", remedy="Send from <= to."
        )
    historical = body.as_ == "history"
    key = f"history|{command.subject}" if historical else command.subject
    finding = Finding(
        body.start, body.end, body.value, body.limit, body.unit, body.severity, dict(body.why), body.count
    )
    extra = {"finding": msgspec.to_builtins(finding)}
    standing = _standing(desk, key, finding)
    if standing is not None:
        serial, case = standing
        if finding not in case.findings:
            person = {"id": desk.actor}
            yield Fact("case.found", id_of(serial), extra | {"person": person} | _marks(case))
        return
    digest, flow = office.get_flow(body.flow)
    at = body.start if historical else desk.at
    subjects = _concerned(flow, body)
    head = Opening(
        kind=flow.case,
        flow=flow.name,
        title=_title(body.rule_title, ""),
        channel="rule",
        place=None if body.place is None else msgspec.to_builtins(body.place),
        asset=body.asset,
        asset_type=body.asset_type,
        reporter_id=next((f"{CITIZEN}{each}" for each in subjects), None),
        subjects=subjects,
        fold_key=key,
        rule=body.rule,
        rule_version=body.rule_version,
        parameters=body.parameters,
        provenance=command.provenance,
    )
    serial = _next_serial(office, desk, at)
    yield from office.definition(desk.state, digest, flow)
    if flow.forms:
        yield from _with_forms(office, flow, desk, extra)
    yield from _opened(
        office, flow, digest, serial, head, at, body.severity, {"id": desk.actor}, historical, extra, desk
    )


def _with_forms(office: Office, flow: Flow, desk: Desk, extra: dict[str, Any]) -> Iterator[Fact]:
    """Pin the forms of the flow's steps as they stand, and keep their definitions."""
    blanks = {step: office.papers.current(form) for step, form in flow.forms.items()}
    for blank in blanks.values():
        yield from office.papers.definition(desk.state, blank)
    extra["forms"] = {step: blank.version for step, blank in blanks.items()}


def _concerned(flow: Flow, body: FindBody) -> dict[str, str]:
    """Return the firm that a finding is about, where its flow asks it something or brings it something: it finds the case."""
    kind, _, name = (body.asset or "").removeprefix("urn:ngsi-ld:").partition(":")
    its = flow.case == OFFER or any(each.by == APPLICANT for each in flow.steps)
    return {f"firm:{name}": REGISTER} if its and kind == "Firm" and name else {}


def _check_opener(asker: Asker, actor: str, roles: Mapping[str, str]) -> None:
    """A role that the flow itself names may open its cases, besides those that may open any."""
    if actor.startswith(ANYBODY):
        return
    for grant in asker.grants:
        if grant.role in OPENERS or grant.role in roles:
            return
    raise Denied(
        f"Actor {actor} may not open cases.",
        code="case.role_missing",
        where="case.open",
        remedy=f"One of these roles may: {', '.join(sorted(OPENERS))}.",
        needs=sorted(OPENERS),
    )


def _units(office: Office, flow: Flow, given: dict[str, str]) -> dict[str, str]:
    """Return the units of roles that an opening names: only roles that the flow leaves open, only units of the city."""
    for role, unit in given.items():
        if flow.roles.get(role) != "":
            open_roles = ", ".join(sorted(name for name, own in flow.roles.items() if not own)) or "none"
            raise Invalid(
                f"Flow {flow.name} does not leave the role {role!r} open.",
                code="case.role_fixed",
                where=f"body.units.{role}",
                remedy=f"Roles that an opening may give to a unit: {open_roles}.",
            )
        office.check_unit(unit, f"body.units.{role}")
    return given


def _event_time(stated: Instant | None, now: Instant, historical: bool) -> Instant:
    if stated is None:
        return now
    if not historical or stated > now:
        raise Invalid(
            "Opening names an instant that it cannot have.",
            code="case.event_time",
            where="body.at",
            remedy="Only historical cases name an instant, and none in the future; leave `at` out.",
        )
    return stated


def _title(title: dict[Any, str] | None, text: str) -> dict[str, str]:
    short = text.strip().partition("\n")[0][:TITLE_LENGTH]
    zh = (title or {}).get("zh") or (title or {}).get("en") or short
    return {"zh": zh, "en": (title or {}).get("en") or zh}


def _sealed(reporter: Reporter | None, serial: int, desk: Desk) -> tuple[str | None, str | None]:
    """Seal a reporter's name and telephone; return the reference and the person's id."""
    if reporter is None:
        return None, None
    fields = _words(reporter)
    person = reporter.id or f"reporter:{id_of(serial)}"
    return (desk.seal(person, fields) if fields else None), reporter.id


def _words(reporter: Reporter | None) -> dict[str, str]:
    given = () if reporter is None else (("name", reporter.name), ("phone", reporter.phone))
    return {name: value for name, value in given if value}


def _person(reporter: Reporter | None) -> str | None:
    return None if reporter is None else reporter.id


def _subjects(body: OpenBody, asker: Asker, desk: Desk) -> dict[str, str]:
    """Return who applies and how each is proven; whoever signed in as somebody applies as that."""
    named = body.subjects or asker.subjects
    if not named:
        return {}
    check_subjects(named, "body.subjects")
    return {each: proof_of(desk.actor, each, body.document, asker.subjects) for each in sorted(named)}


def _next_serial(office: Office, desk: Desk, at: Instant) -> int:
    day = _day_number(at // QUARTER_US, office.calendar.zone)
    row = desk.state.get(NUMBER, day)
    running = 1 if row is None else row[1] + 1
    assert running < DAY_CASES_MAX, f"more than {DAY_CASES_MAX} cases on {day}"
    return day * DAY_CASES_MAX + running


@lru_cache(maxsize=64)
def _day_number(quarter: int, zone: str) -> int:
    """Return a day as cases are numbered: 20260302. A day begins with a quarter of an hour in every zone."""
    date = day_of(quarter * QUARTER_US, zone)
    return date.year * 10_000 + date.month * 100 + date.day


def _standing(desk: Desk, key: str, finding: Finding) -> tuple[int, CaseState] | None:
    """Return the case that the finding belongs to: open, or closed and knowing its beginning."""
    row = desk.state.get(FOLD, key)
    serial = None if row is None else row[1]
    for _ in range(MERGE_DEPTH_MAX):
        found = None if serial is None else get_case(desk.state, serial)
        if serial is None or found is None:
            return None
        case = found[1]
        if case.merged_into is not None:
            serial = case.merged_into
            continue
        if any(each.start == finding.start for each in case.findings):
            return serial, case
        # History is told in one piece: what begins after the clock of a historical case ran out is another matter.
        due = case.overall.due
        if case.state == "closed" and case.outcome is not None and case.outcome.word == declined.word:
            # Whoever said no is not asked again for the same reason.
            return serial, case
        if case.state == "closed" or (case.historical and due is not None and finding.start >= due):
            return None
        return serial, case
    return None


def _known(flow: Flow, head: Opening) -> dict[str, Any]:
    """Return what the flow reads and the opening says."""
    if not flow.reads:
        return {}
    given = {"category": head.category, "channel": head.channel}
    return {name: value for name, value in given.items() if name in flow.reads and value is not None}


def _marks(case: CaseState) -> dict[str, Any]:
    """What readers must know without looking the case up: nobody is notified of history."""
    return {"historical": True} if case.historical else {}


def _opened(
    office: Office,
    flow: Flow,
    digest: str,
    serial: int,
    head: Opening,
    at: Instant,
    severity: str,
    person: dict[str, Any],
    historical: bool,
    extra: dict[str, Any],
    desk: Desk,
    given_units: dict[str, str] | None = None,
) -> Iterator[Fact]:
    district = (head.place or {}).get("district")
    limits = office.pin(flow, at, district, head.category)
    units = {role: unit for role, unit in flow.roles.items() if unit} | (given_units or {})
    if flow.escalate:
        units["escalate"] = flow.escalate
    data = _known(flow, head)
    case = CaseState(digest, at, severity, units=units, limits=limits, district=district, historical=historical)
    said = None if data else straight_start(office, flow, case, at)
    passed: list[str] = []
    if said is None:
        course = Course(office, flow, case, at, data=data).start()
        said, passed = course.body(), course.steps_passed
    begun = flow.begins is None or flow.begins in passed
    clocks = [office.overall_clock(flow, at, case, begun=begun), *opening_clocks(office, flow, case, at)]
    body = {
        "head": msgspec.to_builtins(head),
        "flow_hash": digest,
        "opened_at": at,
        "severity": severity,
        **said,
        "clocks": [*msgspec.to_builtins(clocks), *said["clocks"]],
        "units": units,
        "limits": {name: list(pair) for name, pair in limits.items()},
        "person": person,
    }
    marks: dict[str, Any] = {"historical": True} if historical else {}
    if provenance_kind(head.provenance) == "simulated":
        marks["simulated"] = True
    notices: list[Fact] = []
    untold: dict[str, Any] = {}
    if passed:
        case = replace(case, simulated="simulated" in marks)
        telling = Telling(office, desk.state, serial, flow, said, head)
        notices, untold = tell_if_listed(telling, case, passed, at)
    yield Fact("case.opened", id_of(serial), body | marks | extra | untold)
    yield from notices
