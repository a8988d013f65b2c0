"""The pure fold: what each record does to a case. Everything it needs stands in the record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from quanyu.engines.cases import answering, banking, extending
from quanyu.engines.cases.clocks import paused
from quanyu.engines.cases.migrating import migrated
from quanyu.engines.cases.moving import clocks_of, moved, other_parts, put_clocks, tokens_of
from quanyu.engines.cases.notices import NOTICE, acknowledged, received, told
from quanyu.engines.cases.owning import disowned
from quanyu.engines.cases.state import (
    CITIZEN_CHANNELS,
    FINDINGS_KEPT,
    KEEP,
    OVERALL,
    SEVERITIES,
    CaseState,
    Done,
    Finding,
    Objection,
    Opening,
)
from quanyu.engines.cases.steps import closed, dispatched, handled
from quanyu.engines.cases.straight import straight_fold
from quanyu.kernel.journal import Body, Instant, Record

Fold = Callable[[CaseState, Body, Instant], CaseState]


def opened(body: Body) -> tuple[Opening, CaseState]:
    """Return the opening and the first state written by case.opened."""
    head = msgspec.convert(body["head"], Opening)
    finding = body.get("finding")
    state = CaseState(
        flow_hash=body["flow_hash"],
        opened_at=body["opened_at"],
        severity=body["severity"],
        tokens=tokens_of(body),
        token_last=max((token[0] for token in body["tokens"]), default=0),
        clocks=clocks_of(body),
        units=body["units"],
        limits={name: (limit, version) for name, (limit, version) in body["limits"].items()},
        district=(head.place or {}).get("district"),
        seen_at=body["opened_at"] if body.get("historical") else 0,
        historical=body.get("historical", False),
        simulated=body.get("simulated", False),
        asks_reporter=head.reporter is not None or head.channel in CITIZEN_CHANNELS,
        subjects=head.subjects,
        forms=body.get("forms", {}),
        last=(body["person"]["id"], "open", body["opened_at"]),
    )
    state = other_parts(state, body, body["opened_at"])
    return head, state if finding is None else found(state, body)


def instant_of(record: Record, body: Body, state: CaseState) -> Instant:
    """Return the instant at which a record counts: event time for historical cases, city time for all others."""
    return body.get("at", state.seen_at) if state.historical else record.at


def changed(state: CaseState, record: Record, body: Body) -> CaseState:
    """Fold one record after the opening."""
    return CHANGED[record.kind](state, body, instant_of(record, body, state))


def folded(records: Iterable[Record]) -> CaseState | None:
    """Fold the records of one case from the first: the same state as was kept step by step."""
    state: CaseState | None = None
    for record in records:
        assert record.body is not None, f"record {record.seq} is kept for ever and has no body"
        state = opened(record.body)[1] if state is None else changed(state, record, record.body)
    return state


def found(state: CaseState, body: Body) -> CaseState:
    """Fold a finding in: the same beginning is the same finding, grown or ended."""
    new = msgspec.convert(body["finding"], Finding)
    kept = tuple(each for each in state.findings if each.start != new.start)
    count = state.finding_count + (len(kept) == len(state.findings))
    findings = (*kept, new)[-FINDINGS_KEPT:]
    ends = [each.end for each in findings]
    severity = max(state.severity, new.severity, key=SEVERITIES.index)
    state = replace(
        state,
        severity=severity,
        findings=findings,
        finding_count=count,
        findings_ended_at=None if None in ends else max(end for end in ends if end is not None),
    )
    return seen(state, new.end or new.start) if state.historical else state


def seen(state: CaseState, at: Instant) -> CaseState:
    """Move a historical case to a later instant of event time, and say that it was late if it was by then."""
    if at <= state.seen_at:
        return state
    due = state.overall.due if state.overall.stopped is None else None
    late = state.late or (state.state == "open" and due is not None and at >= due)
    return replace(state, seen_at=at, late=late)


def timed(state: CaseState, body: Body, at: Instant) -> CaseState:
    """Note that a timer fired; overdue marks the case late, escalate names the unit told, lapse ends the question.

    The end of a wait and a timer on a step move branches, as the record says.
    """
    name = body["timer"]
    if name.startswith(("wait.", "bound.")):
        state = replace(state, fired=(*state.fired, name))
        if state.objection is not None and "left" in body and state.disputed in (0, body["left"]):
            state = replace(state, objection=None, disputed=0)
        return moved(state, body, at)
    if name == KEEP:
        return replace(state, erased_at=at)
    state = replace(state, fired=(*state.fired, name))
    if "outcome" in body:
        return answering.forgotten(closed(state, body, at), body)
    if name == f"{OVERALL}.overdue":
        return replace(state, late=True)
    if name == f"{OVERALL}.escalate":
        return replace(state, escalated_to=body["unit"])
    if name.startswith(NOTICE):
        return replace(state, escalated_to=body.get("unit", state.escalated_to))
    if name == "confirm.lapse":
        return replace(state, confirmed="lapsed", confirm_by=None)
    return state


def due_changed(state: CaseState, body: Body, at: Instant) -> CaseState:
    """Put recounted instants in place of the old; a case late only by the old ones is late no more."""
    was_due = state.overall.due
    state = put_clocks(state, clocks_of(body), at)
    due = state.overall.due
    if state.state != "closed" and was_due is not None and was_due <= at and (due is None or due > at):
        state = replace(state, late=state.reopens > 0 and state.late, escalated_to=None)
    return state


def acted(state: CaseState, body: Body, at: Instant) -> CaseState:
    """Fold one action in; `at` is event time for historical cases, city time for all others."""
    if state.historical:
        state = seen(state, at)
    common = ACTED.get(body["action"])
    if common is None:
        straight = straight_fold(state, body, at)
        return _step_done(state, body, at) if straight is None else straight
    return common(replace(state, last=(body["person"]["id"], body["action"], at)), body, at)


def _step_done(state: CaseState, body: Body, at: Instant) -> CaseState:
    person, step = body["person"], body["step"]
    by = person["id"]
    changes: dict[str, Any] = {
        "last": (by, body["action"], at),
        "done": (*state.done, Done(step, at, by)),
    }
    if body.get("handled"):
        changes["handled_on_time"] = handled(state, body, at)
    if state.returned_until == step:
        changes |= {"returned_by": None, "returned_to": None, "returned_until": None}
    if state.objection is not None and state.disputed in (0, body["left"]):
        changes |= {"objection": None, "disputed": 0}
    if body.get("proven"):
        changes["proven"] = True
    state = answering.pinned(state, body)
    if "dispatched" in body:
        changes |= dispatched(state, body["dispatched"])
    state = moved(replace(state, **changes), body, at)
    if body.get("failed"):
        state = _sent_back(state, body, reworks=state.reworks + 1, proven=False)
    return closed(state, body, at) if "outcome" in body else state


def _sent_back(state: CaseState, body: Body, **changes: Any) -> CaseState:
    """Show the case in the list of whoever sent it back and of whoever has it again, until that step is done."""
    target = next(iter(tokens_of(body)), None)
    if target is None:
        return replace(state, **changes)
    person = body["person"]
    return replace(
        state,
        returned_by=person.get("unit") or person.get("role"),
        returned_to=target.unit or target.role,
        returned_until=target.step,
        **changes,
    )


def _returned(state: CaseState, body: Body, at: Instant) -> CaseState:
    state = moved(state, body, at)
    if branch := body.get("branch"):
        state = replace(state, bounced=(*state.bounced, branch))
    return _sent_back(state, body, returns=state.returns + 1, bounces=state.bounces + 1)


def _disputed(state: CaseState, body: Body, at: Instant) -> CaseState:
    person, answers = body["person"], body.get("asks", {})
    return replace(
        state,
        objection=Objection(person.get("unit"), person["id"], body.get("note", ""), at, **answers),
        disputed=body.get("token", 0),
    )


def _arbitrated(state: CaseState, body: Body, at: Instant) -> CaseState:
    units = body.get("units")
    if units and state.first_unit and state.first_unit not in units.values():
        state = replace(state, first_right=False)
    if units:
        state = replace(state, units=state.units | units, territory="because" in body)
    state = replace(moved(state, body, at), objection=None, disputed=0)
    branch = body.get("branch")
    state = replace(state, settled=(*state.settled, branch)) if branch else replace(state, arbitrated=True)
    # Whoever gets a case that was sent back finds it among the returned ones, too.
    again = None if state.returned_until is None else state.find_token(state.returned_until)
    return state if again is None else replace(state, returned_to=again.unit or again.role)


def _stand(state: CaseState, at: Instant, ground: str) -> CaseState:
    clocks = tuple(
        clock if clock.stands or clock.stopped is not None else paused(clock, at, ground) for clock in state.clocks
    )
    return replace(state, clocks=clocks)


def _paused(state: CaseState, body: Body, at: Instant) -> CaseState:
    return _stand(state, at, body["fields"]["ground"])


def _suspended(state: CaseState, body: Body, at: Instant) -> CaseState:
    return banking.put_in(replace(_stand(state, at, "suspended"), state="suspended"), body, at)


def _resumed(state: CaseState, body: Body, at: Instant) -> CaseState:
    return banking.taken_out(replace(moved(state, body, at), state="open"))


def _struck_off(state: CaseState, body: Body, at: Instant) -> CaseState:
    return closed(banking.taken_out(state), body, at)


def _answered(state: CaseState, body: Body, at: Instant) -> CaseState:
    return due_changed(extending.was_answered(state, body), body, at)


def _assigned(state: CaseState, body: Body, at: Instant) -> CaseState:
    return moved(state, body, at)


def _reopened(state: CaseState, body: Body, at: Instant) -> CaseState:
    state = replace(
        state,
        state="open",
        clocks=(),
        fired=(),
        outcome=None,
        closed_at=None,
        confirm_by=None,
        confirmed="no" if body["action"] == "confirm" else None,
        proven=False,
        bounces=0,
        bounced=(),
        arbitrated=False,
        settled=(),
        extension=None,
        extended=(),
        reopens=state.reopens + 1,
        reworks=state.reworks + 1,
    )
    return moved(state, body, at)


def _merged_into(state: CaseState, body: Body, at: Instant) -> CaseState:
    return replace(state, merged_into=body["into"], objection=None, disputed=0)


def _merged(state: CaseState, body: Body, at: Instant) -> CaseState:
    return replace(state, merged=(*state.merged, body["other"]))


def _split(state: CaseState, body: Body, at: Instant) -> CaseState:
    return replace(state, merged_into=None)


def _separated(state: CaseState, body: Body, at: Instant) -> CaseState:
    return replace(state, merged=tuple(serial for serial in state.merged if serial != body["other"]))


def _ended(state: CaseState, body: Body, at: Instant) -> CaseState:
    """The case that this one was merged into has ended: its reporter is asked, too."""
    return replace(state, confirmed="asked", confirm_by=body["confirm_by"])


def _confirmed(state: CaseState, body: Body, at: Instant) -> CaseState:
    if body["fields"]["fixed"]:
        return replace(state, confirmed="yes", confirm_by=None)
    if "tokens" in body:
        return _reopened(replace(state, merged_into=None, tokens=()), body, at)
    return replace(state, confirmed="no", confirm_by=None)


def _commented(state: CaseState, body: Body, at: Instant) -> CaseState:
    return state


def _withdrawn(state: CaseState, body: Body, at: Instant) -> CaseState:
    return answering.forgotten(closed(state, body, at), body)


ACTED: Final[Mapping[str, Fold]] = {
    "return": _returned,
    "dispute": _disputed,
    "arbitrate": _arbitrated,
    "pause": _paused,
    "resume": _resumed,
    "suspend": _suspended,
    "postpone": banking.put_off,
    "strike_off": _struck_off,
    "extend": extending.was_asked,
    "decide_extension": _answered,
    "comment": _commented,
    "assign": _assigned,
    "claim": _assigned,
    "release": _assigned,
    "reopen": _reopened,
    "merge": _merged_into,
    "merged": _merged,
    "split": _split,
    "separated": _separated,
    "unlike": _commented,
    "ended": _ended,
    "confirm": _confirmed,
    "acknowledge": acknowledged,
    "migrate": migrated,
    "save": answering.saved,
    "contradict": answering.contradicted,
    "prove_subject": answering.proven,
    "withdraw": _withdrawn,
}
"""What each common action does; any other action does the step of its name."""

CHANGED: Final[Mapping[str, Fold]] = {
    "case.acted": acted,
    "case.timed": timed,
    "case.due_changed": due_changed,
    "case.receipt": received,
    "case.found": lambda state, body, at: found(state, body),
    "case.told": lambda state, body, at: told(state, body),
    "case.disowned": lambda state, body, at: disowned(state, body["subject"]),
}
"""What each kind of record after the opening does to a case."""
