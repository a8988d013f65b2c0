"""The straight way of the common case: one branch, a step done by its own unit, one step after it or the end.

What is said here in short is said in full by `acting`, `walking` and `fold`: the same judgement, the same records, the
same state. Whatever is not plain, or not allowed, is left to them; they also find the words of a refusal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from quanyu.engines.cases.actions import meets, option_of_step
from quanyu.engines.cases.bodies import ActBody
from quanyu.engines.cases.moving import clock_of
from quanyu.engines.cases.office import Office, person_document
from quanyu.engines.cases.option import THEMSELVES, Asker, Option, need_of
from quanyu.engines.cases.proof import check_evidence, check_fields, check_outcome, photos
from quanyu.engines.cases.rows import get_opening
from quanyu.engines.cases.state import OVERALL, STANDS, CaseState, ClockState, Done, Token
from quanyu.engines.cases.steps import closed, dispatched, handled
from quanyu.engines.cases.walking import stopped_by
from quanyu.kernel.flow import Arrow, Element, Flow, Step
from quanyu.kernel.journal import Body, Desk, Instant
from quanyu.kernel.time import DayLimit, WallLimit
from quanyu.kernel.view import Grant

STRETCHES_MAX: Final = 10_000


class Next(msgspec.Struct, frozen=True):
    """A step where a branch rests, with what is known of its limit unless a parameter says it: its text beside it.

    Of a limit on the wall clock: its text, its length, and when it turns amber and red.
    """

    step: Step
    wall: tuple[str, int, int, int] | None = None
    days: tuple[DayLimit, str] | None = None


class Stretch(msgspec.Struct, frozen=True):
    """A step and the one that follows it, as far as the flow alone says; `option` says what the step asks for.

    `fails`: it may say that something is not right; `unless`: the step that somebody else has to have done.
    """

    step: Step
    next: Next | None
    option: Option
    asks: bool
    fails: bool
    unless: str | None
    handles: bool
    stops: tuple[str, ...]
    proves: bool
    measures: bool


_stretches: dict[tuple[str, str], Stretch | None] = {}
"""By the flow's hash and the step: what a hash names never changes."""


_starts: dict[str, Next | None] = {}


def _stretch(flow: Flow, case: CaseState, token: Token) -> Stretch | None:
    key = (case.flow_hash, token.step)
    try:
        return _stretches[key]
    except KeyError:
        if len(_stretches) >= STRETCHES_MAX:
            _stretches.clear()
        made = _stretches[key] = _laid_out(flow, case, token)
        return made


def _laid_out(flow: Flow, case: CaseState, token: Token) -> Stretch | None:
    """Return the stretch from a step on; None where it is not straight. `next` is None after the last step of a row."""
    step, out = flow.get_step(token.step), flow.net.out(token.step)
    if step.tells or step.kind != "user" or step.boundary or step.form or step.ends or len(out) != 1:
        return None
    if flow.begins == step.name:
        return None
    following = flow.net.elements.get(out[0].target)
    if following is None and not (flow.is_row and step.outcome and not step.to):
        return None
    if following is not None and not _rests(following, out[0]):
        return None
    option = option_of_step(flow, case, token)
    return Stretch(
        step=step,
        next=_next(flow, following) if isinstance(following, Step) else None,
        option=option,
        asks=bool(option.evidence) or any(field.required for field in option.fields),
        fails=bool(step.back),
        unless=step.unless.step if step.unless is not None else None,
        handles=step.name == flow.handling.name,
        stops=tuple(stopped_by(flow, step.name)),
        proves=step.name in flow.since_handling,
        measures=any(proof.kind == "measurement" for proof in step.evidence),
    )


def _next(flow: Flow, step: Step) -> Next:
    limit = step.within
    if isinstance(limit, DayLimit):
        return Next(step, days=(limit, str(limit)))
    if not isinstance(limit, WallLimit):
        return Next(step)
    length = limit.length_us
    return Next(step, (str(limit), length, round(length * flow.amber), round(length * flow.red)))


def _rests(element: Element, arrow: Arrow) -> bool:
    """Whether a branch that arrives stands there until somebody acts, and nothing else begins."""
    return isinstance(element, Step) and element.waits and not element.boundary and arrow.when is None


def straight_start(office: Office, flow: Flow, case: CaseState, at: Instant) -> Body | None:
    """Return token and clock of a case that begins at its first step, and knows nothing that its flow reads."""
    key = case.flow_hash
    if key not in _starts:
        if len(_starts) >= STRETCHES_MAX:
            _starts.clear()
        out = flow.net.out("")
        first = flow.net.elements.get(out[0].target)
        plain = len(out) == 1 and flow.begins is None and first is not None and _rests(first, out[0])
        _starts[key] = _next(flow, first) if plain and isinstance(first, Step) else None
    first_step = _starts[key]
    if first_step is None or case.historical:
        return None
    tokens, clocks = _moves(office, flow, first_step, case, at)
    return {"tokens": tokens, "clocks": clocks}


def straight_step(
    office: Office, desk: Desk, found: tuple[int, CaseState], flow: Flow, asker: Asker, body: ActBody
) -> Body | None:
    """Return the record's body of a step of a case (serial, state) that goes straight on; None for anything else.

    Raises what `acting` raises for a step that misses what it has to bring.
    """
    serial, case = found
    if (
        flow.keeps is not None
        or len(case.tokens) != 1
        or case.state != STANDS
        or case.historical
        or case.merged_into is not None
    ):
        return None
    token = case.tokens[0]
    if token.step != body.action or body.at is not None or body.step not in (None, token.step):
        return None
    if case.waits or case.joins or case.sides or case.merged or token.role in THEMSELVES or _stands(case):
        return None
    stretch = _stretch(flow, case, token)
    if stretch is None or not _goes_on(stretch, flow, case, body.fields):
        return None
    step, grant, unit = stretch.step, _grant(token, asker, case), None
    if grant is None or (stretch.unless is not None and _did(case, stretch.unless, asker.id)):
        return None
    if step.to and (unit := _dispatched_to(office, desk, serial, flow, case, step.to)) is None:
        return None
    if stretch.asks or body.fields:
        check_fields(stretch.option, body)
        check_evidence(stretch.option, body)
    said = _said(stretch, token, body, person_document(asker, grant))
    if stretch.next is None:
        return said | _ended(case, body, asker, desk.at)
    said["tokens"], said["clocks"] = _moves(office, flow, stretch.next, case, desk.at)
    if unit is not None:
        said["dispatched"] = {"role": step.to, "unit": unit, "supports": []}
    return said


def _goes_on(stretch: Stretch, flow: Flow, case: CaseState, fields: dict[str, Any]) -> bool:
    """Whether what was filled in means no more than that the step is done, or on the last one what became of the matter."""
    if stretch.fails and fields.get("passed") is not True:
        return False
    if stretch.next is None:
        asked = flow.confirm is not None and case.asks_reporter and case.confirmed != "yes"
        return bool(fields.get("outcome")) and not case.notices and not asked and flow.reads.isdisjoint(fields)
    return not fields or (not stretch.step.to and "outcome" not in fields and flow.reads.isdisjoint(fields))


def _dispatched_to(office: Office, desk: Desk, serial: int, flow: Flow, case: CaseState, role: str) -> str | None:
    """Return the unit that a dispatch without a word goes to, where it is the one that the case has; None otherwise."""
    unit = case.units.get(role)
    if not unit or unit in office.copies or (office.units is not None and unit not in office.units):
        return None
    usual = office.leads and unit == flow.roles.get(role)
    return None if usual and get_opening(desk.state, serial).category in office.leads else unit


def _ended(case: CaseState, given: ActBody, asker: Asker, at: Instant) -> Body:
    fields = given.fields
    check_outcome(case, given, fields)
    outcome = {"word": fields["outcome"], "by": asker.id, "at": at, "note": given.note}
    return {"outcome": outcome | {name: fields[name] for name in ("date", "who") if fields.get(name)}}


def _grant(token: Token, asker: Asker, case: CaseState) -> Grant | None:
    for grant in asker.grants:
        if meets(token, grant, case):
            return grant
    return None


def _stands(case: CaseState) -> bool:
    overall = case.clocks[0]
    if overall.name != OVERALL:
        overall = case.overall
    return bool(overall.pauses) and overall.stands


def _did(case: CaseState, step: str, person: str) -> bool:
    return any(done.step == step and done.person == person for done in case.done)


def _said(stretch: Stretch, token: Token, given: ActBody, person: dict[str, Any]) -> Body:
    body: Body = {"action": token.step, "person": person, "step": token.step}
    if given.note:
        body["note"] = given.note
    if given.fields:
        body["fields"] = given.fields
    if given.files:
        body["files"] = msgspec.to_builtins(given.files)
    body["left"] = token.id
    if stretch.handles:
        body["handled"] = True
    if stretch.stops:
        body["stops"] = list(stretch.stops)
    if stretch.proves and (stretch.measures or (given.files and photos(given))):
        body["proven"] = True
    return body


def _moves(office: Office, flow: Flow, after: Next, case: CaseState, at: Instant) -> tuple[list[Any], list[Any]]:
    """Return the token and the clock of the next step, each in a list."""
    step, id = after.step, case.token_last + 1
    need = need_of(case, step.by)
    return [[id, step.name, at, need.role, need.unit, None]], _started(office, flow, after, id, case, at)


def _started(office: Office, flow: Flow, after: Next, token: int, case: CaseState, at: Instant) -> list[Any]:
    """Return the clock of a step as a list of its parts, in a list; an empty one where it has no limit."""
    if after.wall is not None:
        text, length, amber, red = after.wall
        late = at + length
        return [[f"step.{token}", text, at, late, at + amber, at + red, late, None, (), None, None]]
    if after.days is not None:
        limit, text = after.days
        instants = office.keeper.in_days(at, limit, text, flow.amber, flow.red)
        if not isinstance(instants, str):
            late, amber, red = instants
            return [[f"step.{token}", text, at, late, amber, red, late, None, (), None, None]]
    clocks: list[Any] = msgspec.to_builtins(office.step_clocks(flow, after.step, token, at, case))
    return clocks


_OTHERWISE: Final = frozenset(
    {"waits", "joins", "sides", "data", "passed", "stops", "failed", "waited", "confirm_by", "keep"}
)
"""What a record says besides when its step does not go straight on."""


def straight_fold(state: CaseState, body: Body, at: Instant) -> CaseState | None:
    """Return the state after a step that went straight on; None where the record says more than that."""
    if len(state.tokens) != 1 or not _OTHERWISE.isdisjoint(body) or state.waits or state.sides or state.historical:
        return None
    left, tokens, clocks = state.tokens[0], body.get("tokens", ()), body.get("clocks", ())
    step, ends = body["step"], "outcome" in body
    if left.id != body["left"] or state.objection is not None or state.returned_until == step:
        return None
    if len(tokens) + ends != 1 or len(clocks) > 1:
        return None
    if tokens and tokens[0][0] <= state.token_last:
        return None
    if clocks and (ends or clocks[0][0] != f"step.{tokens[0][0]}"):
        return None
    by = body["person"]["id"]
    changes: dict[str, Any] = {}
    if "handled" in body:
        changes["handled_on_time"] = handled(state, body, at)
    if "proven" in body:
        changes["proven"] = True
    if "dispatched" in body:
        changes |= dispatched(state, body["dispatched"])
    if state.fired:
        stems = (f"step.{left.id}.", f"bound.{left.id}.", f"wait.{left.id}.")
        changes["fired"] = tuple([name for name in state.fired if not name.startswith(stems)])
    if tokens:
        changes["tokens"] = (Token(*tokens[0]),)
        changes["token_last"] = tokens[0][0]
    state = replace(
        state,
        last=(by, body["action"], at),
        done=(*state.done, Done(step, at, by)),
        clocks=_clocks(state, left.id, clocks),
        **changes,
    )
    return closed(state, body, at) if ends else state


def _clocks(state: CaseState, left: int, started: Sequence[Sequence[Any]]) -> tuple[ClockState, ...]:
    """Return the clocks without those of the branch that left, and with what the next step started."""
    own, stem = f"step.{left}", f"bound.{left}."
    kept = [each for each in state.clocks if each.name != own and not each.name.startswith(stem)]
    if started:
        kept.append(clock_of(started[0]))
    return tuple(kept)
