"""Acting on a case: who may, with what proof, and what follows, all resolved into the record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from quanyu.engines.cases import applying, banking, extending
from quanyu.engines.cases.actions import find_grant, find_options
from quanyu.engines.cases.bodies import ActBody, read_body
from quanyu.engines.cases.bouncing import branch_of
from quanyu.engines.cases.erasing import sealed_act
from quanyu.engines.cases.merging import ended, merge, other_side, split, unlike
from quanyu.engines.cases.notices import Telling, check_receipts, narrowed
from quanyu.engines.cases.office import Office, person_document
from quanyu.engines.cases.option import Asker, Need, Option, need_of
from quanyu.engines.cases.proof import check_evidence, check_fields, check_outcome, outcome_missing, photos
from quanyu.engines.cases.rechecking import own_work
from quanyu.engines.cases.refusing import not_allowed, not_its_own, role_missing, same_person, stale, stranger
from quanyu.engines.cases.rows import get_case, get_opening
from quanyu.engines.cases.state import OVERALL, CaseState
from quanyu.engines.cases.straight import straight_step
from quanyu.engines.cases.tables import id_of, serial_of
from quanyu.engines.cases.territory import TERRITORY, answering, owner_of
from quanyu.engines.cases.walking import Course, opening_clocks, stopped_by
from quanyu.kernel.errors import Conflict, Invalid, Missing
from quanyu.kernel.flow import Flow, Step
from quanyu.kernel.journal import Body, Command, Desk, Fact, Instant, State
from quanyu.kernel.view import Grant


class Deed(msgspec.Struct, frozen=True):
    """An action while it is judged: everything that its effects are worked out from."""

    office: Office
    desk: Desk
    serial: int
    flow: Flow
    case: CaseState
    option: Option
    body: ActBody
    person: dict[str, Any]
    at: Instant
    facts: dict[str, Any] = {}

    @property
    def fields(self) -> dict[str, Any]:
        """What was filled in."""
        return self.body.fields

    def course(self, *, data: bool = False) -> Course:
        """Return the way of the branch that acts; `data` lets what was filled in be kept and read by guards."""
        known = self.facts | self.fields
        given = {name: known[name] for name in known.keys() & self.flow.reads} if data else None
        return Course(self.office, self.flow, self.case, self.at, left=self.option.token, data=given)


def decide_act(office: Office, command: Command, desk: Desk) -> Iterator[Fact]:
    """Judge an action; raises the error that says what is wrong, where, and who or what would mend it."""
    body = read_body(command.kind, command.body, ActBody)
    serial = serial_of(command.subject)
    found = get_case(desk.state, serial)
    if found is None:
        raise Missing(
            f"Case {command.subject} does not exist.",
            code="case.unknown",
            where="subject",
            remedy="Look the case up by its number.",
        )
    version, case = found
    asker = office.asker(desk, body.as_person)
    if not asker.grants and not asker.brings(serial, case) and not asker.is_engine:
        raise stranger(serial, asker)
    if command.expects is not None and command.expects != version:
        raise stale(serial, version, command.expects, case, office.calendar.zone)
    office.check_suspended(body.action, desk.at, case.district)
    flow = office.pinned_flow(desk.state, case.flow_hash)
    companion = office.companions.get(flow.name)
    plain = None if companion else straight_step(office, desk, (serial, case), flow, asker, body)
    if plain is not None:
        yield Fact("case.acted", id_of(serial), plain)
        return
    options = [narrowed(each, case, body) for each in find_options(flow, case, body.action, body.step)]
    if not options:
        raise not_allowed(flow, case, serial, body.action, body.step)
    # Where several branches allow it and none is named, it is the asker's own.
    option, grant = next(
        ((each, held) for each in options if (held := find_grant(each, case, asker, serial)) is not None),
        (options[0], None),
    )
    person = _authorised(flow, case, option, grant, serial, asker, desk.state)
    if body.action not in applying.FREE_FIELDS:
        check_fields(option, body)
    check_evidence(option, body)
    if companion is not None and option.action == option.step:
        asset = get_opening(desk.state, serial).asset
        if not companion(desk.state, asset, option.action, body.fields):
            raise not_its_own(flow, serial, option.action, asset)
    deed = Deed(office, desk, serial, flow, case, option, body, person, _event_time(case, body, desk.at))
    effects = EFFECTS.get(body.action, _do_step)(deed)
    said = sealed_act(flow, serial, _said(deed) | effects, desk)
    yield Fact("case.acted", id_of(serial), said)
    done = [option.action] if option.token is not None and option.action == option.step else []
    if steps := [*done, *(each["step"] for each in effects.get("passed", ()) if "step" in each)]:
        yield from Telling(office, desk.state, serial, flow, effects).after(case, steps, deed.at)
    yield from other_side(deed, effects)
    yield from ended(deed, effects)
    yield from applying.readings(deed, effects)
    yield from applying.forgotten(serial, effects)


def _authorised(
    flow: Flow, case: CaseState, option: Option, grant: Grant | None, serial: int, asker: Asker, state: State
) -> dict[str, Any]:
    if grant is None:
        raise role_missing(option, case, serial, asker)
    step = flow.get_step(option.step) if option.step and option.action == option.step else None
    if step is not None and step.unless is not None and own_work(case, step, asker.id, lambda each: _case(state, each)):
        raise same_person(step.name, step.unless.step, serial, asker)
    return person_document(asker, grant)


def _case(state: State, serial: int) -> CaseState | None:
    found = get_case(state, serial)
    return None if found is None else found[1]


def _event_time(case: CaseState, body: ActBody, now: Instant) -> Instant:
    """City time; a historical case lives in event time, which moves only by what is stated."""
    if not case.historical:
        if body.at is not None:
            raise Invalid(
                "Action names an instant, but the case is not historical.",
                code="case.event_time",
                where="body.at",
                remedy="Leave `at` out: the action counts when it is committed.",
            )
        return now
    at = case.seen_at if body.at is None else body.at
    if not case.seen_at <= at <= now:
        raise Invalid(
            "Action's instant is before what the case knows, or in the future.",
            code="case.event_time",
            where="body.at",
            remedy="Tell history in order.",
            earliest=case.seen_at,
        )
    return at


def _said(deed: Deed) -> Body:
    """Return what every action's record says; empty parts are left out."""
    body: Body = {"action": deed.option.action, "person": deed.person}
    if deed.option.step is not None:
        body["step"] = deed.option.step
    if deed.body.note:
        body["note"] = deed.body.note
    if deed.body.fields and deed.option.action not in applying.FREE_FIELDS:
        body["fields"] = deed.body.fields
    if deed.body.files:
        body["files"] = msgspec.to_builtins(deed.body.files)
    if deed.case.historical:
        body |= {"historical": True, "at": deed.at}
    return body


def _do_step(deed: Deed) -> Body:
    # What goes straight on to one next step is resolved in `straight`, to the same.
    step = deed.flow.get_step(deed.option.action)
    handling = deed.flow.handling
    effects: Body = {"left": deed.option.token}
    if step.name == handling.name:
        effects["handled"] = True
    if deed.flow.form_at(step.name) is not None:
        said, facts = applying.handed_in(deed)
        deed = replace(deed, facts=facts)
        effects |= said
    if stops := stopped_by(deed.flow, step.name):
        effects["stops"] = stops
    measured = any(proof.kind == "measurement" for proof in step.evidence)
    if step.name in deed.flow.since_handling and (photos(deed.body) or measured):
        effects["proven"] = True
    if step.to:
        return effects | _dispatch(deed, step)
    if step.back and not deed.fields["passed"]:
        return effects | _fail(deed, step)
    if step.outcome and deed.fields.get("outcome"):
        return effects | _close(deed) | _passed_at_the_end(deed, step)
    said = _go_on(deed.course(data=True).leave(step.name), deed)
    if "stops" in said and "stops" in effects:
        said["stops"] = [*effects["stops"], *said["stops"]]
    return effects | said


def _go_on(course: Course, deed: Deed) -> Body:
    """Return what a way resolves; the last branch of a case does not end without an outcome."""
    if course.ends:
        raise outcome_missing(deed.option)
    return course.body()


def _passed_at_the_end(deed: Deed, step: Step) -> Body:
    """Pass what the hub does after the last step of all; an outcome given on the way ends the case where it stands."""
    course = deed.course(data=True)
    if not deed.flow.is_row:
        try:
            course.leave(step.name)
        except Conflict:
            course = deed.course(data=True)
    said = course.body() if course.ends else deed.course(data=True).body()
    return {name: said[name] for name in ("passed", "data") if name in said}


def _dispatch(deed: Deed, step: Step) -> Body:
    role = step.to or ""
    unit, because = owner_of(deed, role)
    stated = bool(deed.fields.get("unit"))
    deed.office.check_unit(unit, "body.fields.unit" if stated else f"flow {deed.flow.name} role {role}")
    asked = [*(deed.fields.get("supports") or []), deed.office.copies.get(unit)]
    supports = [each for each in dict.fromkeys(asked) if each and each != unit]
    for support in supports:
        deed.office.check_unit(support, "body.fields.supports")
    after = replace(deed, case=replace(deed.case, units=deed.case.units | {role: unit}))
    effects = _go_on(after.course(data=True).leave(step.name), deed)
    if person := deed.fields.get("person"):
        _hand_to(person["id"], effects, deed.flow, role)
    dispatched = {"role": role, "unit": unit, "supports": supports} | ({"because": because} if because else {})
    return effects | {"dispatched": dispatched}


def _hand_to(person: str, effects: Body, flow: Flow, role: str) -> None:
    """Put the person named at a dispatch beside the branches that the role has now; beside the first where none has."""
    tokens = effects["tokens"]
    meant = [token for token in tokens if flow.get_step(token[1]).by == role] or tokens[:1]
    for token in meant:
        token[5] = person


def _fail(deed: Deed, step: Step) -> Body:
    if not deed.body.note.strip():
        raise Invalid(
            f"Step {step.name} fails the case without a reason.",
            code="case.reason_missing",
            where="body.note",
            remedy="Write what is not right yet.",
        )
    return deed.course(data=True).enter(step.back or "").body() | {"failed": True, "proven": False}


def _close(deed: Deed) -> Body:
    fields = deed.fields
    check_receipts(deed.case)
    measured = any(proof.kind == "measurement" for proof in deed.option.evidence)
    check_outcome(deed.case, deed.body, fields, measured)
    outcome = {
        "word": fields["outcome"],
        "by": deed.person["id"],
        "at": deed.at,
        "note": "" if deed.flow.keeps else deed.body.note,
    }
    outcome |= {name: fields[name] for name in ("date", "who") if fields.get(name)}
    effects: Body = {"outcome": outcome}
    if deed.flow.confirm is not None and deed.case.asks_reporter and deed.case.confirmed != "yes":
        effects["asks"] = True
        effects["confirm_by"] = None if deed.case.historical else deed.office.lapse(deed.at, deed.flow.confirm)
    return effects


def _return(deed: Deed) -> Body:
    target = deed.flow.dispatch_before(deed.option.step or "")
    assert target is not None, f"flow {deed.flow.name} lets step {deed.option.step} return to nobody"
    return {"left": deed.option.token} | deed.course().enter(target.name).body() | _branch(deed, deed.option.token)


def _branch(deed: Deed, id: int | None) -> Body:
    """Say which branch an action counts for, where several stand."""
    token = next((each for each in deed.case.tokens if each.id == id), deed.case.token)
    branch = branch_of(deed.flow, deed.case, token) if token else ""
    return {"branch": branch} if branch else {}


def _arbitrate(deed: Deed) -> Body:
    branch = _branch(deed, deed.case.disputed)
    if deed.fields["decision"] == "stands":
        return branch
    nobody = deed.fields["decision"] == "nobody"
    unit = answering(deed) if nobody else deed.fields.get("unit")
    if not unit:
        raise Invalid(
            "Arbitration moves the case to nobody.",
            code="case.field_missing",
            where="body.fields.unit",
            remedy="Name the unit that answers for it.",
        )
    deed.office.check_unit(unit, "body.fields.unit")
    roles = [step.to for step in deed.flow.steps if step.to]
    token = next((each for each in deed.case.tokens if each.id == deed.case.disputed), deed.case.token)
    step = deed.flow.get_step(token.step) if token else None
    # Of several branches the one that objected is moved: its role, where a dispatch of its own gave it the unit.
    role = step.by if step and deed.case.disputed and step.by in roles else next(iter(roles), None)
    effects: Body = branch | ({"units": {role: unit}} if role else {})
    if nobody:
        effects["because"] = TERRITORY
    if token and step and token.unit is not None and (role is None or step.by == role):
        moved = replace(token, unit=unit, person=None)
        effects |= {"tokens": [msgspec.to_builtins(moved)]}
        effects |= {} if role else {"units": {step.by: unit}}
    return effects


def _resume(deed: Deed) -> Body:
    """Start the clocks again; a limit in working days then knows which days it stood."""
    keeper, flow = deed.office.keeper, deed.flow
    clocks = [
        keeper.resume(
            clock,
            max(deed.at, clock.pauses[-1][0]),
            amber=flow.amber,
            red=flow.red,
            escalate_after=flow.escalate_after if clock.name == OVERALL else None,
            longer=deed.case.longer(clock),
        )
        for clock in deed.case.clocks
        if clock.stands
    ]
    return {"clocks": msgspec.to_builtins(clocks)}


def _assign(deed: Deed) -> Body:
    token = next(each for each in deed.case.tokens if each.id == deed.option.token)
    given = deed.fields.get("person") if deed.option.action == "assign" else deed.person
    person = None if given is None or deed.option.action == "release" else given["id"]
    moved: Body = {"tokens": [msgspec.to_builtins(replace(token, person=person))]}
    return moved | ({"before": token.person} if token.person else {})


def _reopen(deed: Deed) -> Body:
    """Begin again at the handling step, under new clocks of the pinned law."""
    flow = deed.flow
    effects = deed.course().enter(flow.restart).body()
    waits = flow.begins is not None and flow.begins in flow.net.reach(flow.restart) | {flow.restart}
    begun = deed.case.overall.begun or not waits
    clocks = [deed.office.overall_clock(flow, deed.at, deed.case, begun=begun)]
    clocks += opening_clocks(deed.office, flow, deed.case, deed.at)
    return effects | {"clocks": [*msgspec.to_builtins(clocks), *effects["clocks"]]}


def _confirm(deed: Deed) -> Body:
    """A no opens the case again; one that was merged stands by itself from then on."""
    if deed.fields["fixed"]:
        return {}
    if deed.case.merged_into is not None:
        return _reopen(deed) | {"other": deed.case.merged_into}
    return _reopen(deed) if deed.case.state == "closed" else {}


def _dispute(deed: Deed) -> Body:
    need = need_of(deed.case, "arbiter") if "arbiter" in deed.flow.roles else Need("chief")
    several = {"token": deed.option.token} if len(deed.case.tokens) > 1 else {}
    return {"asks": {"role": need.role, "unit": need.unit}} | several


def _nothing(deed: Deed) -> Body:
    return {}


EFFECTS: Final[Mapping[str, Callable[[Deed], Body]]] = {
    "return": _return,
    "dispute": _dispute,
    "arbitrate": _arbitrate,
    "pause": _nothing,
    "resume": _resume,
    "suspend": banking.review,
    "postpone": banking.review,
    "strike_off": _close,
    "extend": extending.ask,
    "decide_extension": extending.answer,
    "comment": _nothing,
    "assign": _assign,
    "claim": _assign,
    "release": _assign,
    "reopen": _reopen,
    "confirm": _confirm,
    "acknowledge": _nothing,
    "merge": merge,
    "split": split,
    "unlike": unlike,
    "save": applying.save,
    "contradict": applying.contradict,
    "prove_subject": applying.prove,
    "withdraw": applying.withdraw,
}
"""What each common action resolves; any other action does the step of its name."""
