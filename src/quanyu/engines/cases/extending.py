"""More time: asked for by whoever holds the case, given once by whoever must agree; the clock moves by the law's count.

A step that lets its holder ask moves its own clock, and the overall clock with it where both count the same kind of
time; a flow that does moves the overall clock. With the overall clock move those named ones that its flow lets follow, as
far as they run and are not over. Asking stops no clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from quanyu.engines.cases.option import NOTE, NOTE_FREE, ROLE_ALIASES, Need, Option, common_option, need_of, workable
from quanyu.engines.cases.state import OVERALL, Asked, CaseState, ClockState, Extended, Token
from quanyu.kernel.errors import Conflict, Denied, Invalid
from quanyu.kernel.flow import Extension, Field, Flow, Parameter
from quanyu.kernel.time import Limit, WallLimit, WorkingDays, parse_limit

if TYPE_CHECKING:
    from quanyu.engines.cases.acting import Deed
    from quanyu.kernel.journal import Body

GRANTED: Final = "granted"
REFUSED: Final = "refused"


def _allowed(flow: Flow, state: CaseState, token: Token) -> tuple[Extension, list[ClockState]] | None:
    """Return what may be asked for at a step, and the clocks that would move."""
    own = flow.get_step(token.step).extend
    extend = own or flow.extend
    if extend is None:
        return None
    names = [f"step.{token.id}", OVERALL] if own else [OVERALL]
    longer = _limit(state, extend)
    clocks = [state.find_clock(name) for name in names]
    moved = [each for each in clocks if each and each.stopped is None and _alike(parse_limit(each.limit), longer)]
    if any(each.name == OVERALL for each in moved):
        named = [state.find_clock(each.name) for each in flow.clocks if each.follows]
        moved += [each for each in named if each and each.stopped is None and _alike(parse_limit(each.limit), longer)]
    return (extend, moved) if moved else None


def _limit(state: CaseState, extend: Extension) -> Limit:
    return parse_limit(state.limits[extend.by.id][0]) if isinstance(extend.by, Parameter) else extend.by


def _alike(one: Limit, other: Limit) -> bool:
    """Whether two limits count the same kind of time, so that one can be added to the other."""
    kinds = [isinstance(each, WallLimit) + 2 * isinstance(each, WorkingDays) for each in (one, other)]
    return kinds[0] == kinds[1]


def asked(state: CaseState) -> Asked | None:
    """Return the request that waits for an answer; one whose step is over is nobody's matter any more."""
    waits = state.extension
    if waits is None or not workable(state) or all(token.id != waits.token for token in state.tokens):
        return None
    return waits


def extend_option(flow: Flow, state: CaseState) -> Option | None:
    """Offer the holder of a step to ask for more time, while none was given and no request waits."""
    if not workable(state) or not state.overall.runs or asked(state) is not None or state.was_extended:
        return None
    for token in state.tokens:
        found = _allowed(flow, state, token)
        if found is not None:
            most = _limit(state, found[0])
            field = Field("count", "number", False, f"延长(至多{most.words('zh')})", f"Longer by (at most {most})")
            return common_option("extend", [Need(token.role, token.unit)], [field, NOTE], token)
    return None


def decide_option(flow: Flow, state: CaseState) -> Option | None:
    """Offer whoever must agree to give more time or to refuse it."""
    waits = asked(state)
    if waits is None:
        return None
    choice = Field("decision", "choice", True, "审批意见", "Decision", (GRANTED, REFUSED))
    return common_option("decide_extension", [Need(waits.role, waits.unit)], [choice, NOTE_FREE])


def ask(deed: Deed) -> Body:
    """Say what is asked for: by how much, for which clocks, and who answers."""
    token = next(token for token in deed.case.tokens if token.id == deed.option.token)
    found = _allowed(deed.flow, deed.case, token)
    assert found is not None, f"case {deed.serial} offers more time that its flow does not know"
    extend, clocks = found
    followers = {each.name for each in deed.flow.clocks}
    clocks = [each for each in clocks if each.name not in followers or each.due is None or each.due > deed.at]
    if late := [clock.name for clock in clocks if clock.due is not None and clock.due <= deed.at]:
        raise Conflict(
            f"Clock {late[0]} has run out already.",
            code="case.extension_late",
            where="body.action",
            remedy="Ask before the limit is over; do the step now.",
        )
    most = _limit(deed.case, extend)
    count = deed.fields.get("count")
    count = most.count if count is None else count
    if int(count) != count or not 1 <= count <= most.count:
        raise Invalid(
            f"Extension by {count:g} is not within 1 to {most.count}.",
            code="case.extension_length",
            where="body.fields.count",
            remedy=f"At most {most} may be asked for.",
        )
    need = need_of(deed.case, extend.role)
    limit = str(replace_count(most, int(count)))
    return {
        "extension": {
            "limit": limit,
            "clocks": [clock.name for clock in clocks],
            "token": token.id,
            "role": ROLE_ALIASES.get(need.role, need.role),
            "unit": need.unit,
        }
    }


def replace_count(limit: Limit, count: int) -> Limit:
    """Return a limit of the same kind with another number."""
    return type(limit)(count)


def answer(deed: Deed) -> Body:
    """Refuse with a reason, or move the clocks."""
    waits = asked(deed.case)
    assert waits is not None, f"case {deed.serial} waits for no answer"
    if waits.person == deed.person["id"]:
        raise Denied(
            f"Actor {waits.person} asked for more time and may not give it.",
            code="case.same_person",
            where="body.action",
            remedy="Let somebody else decide.",
            step="extend",
        )
    if deed.fields["decision"] == REFUSED:
        if not deed.body.note.strip():
            raise Invalid(
                "Request for more time is refused without a reason.",
                code="case.reason_missing",
                where="body.note",
                remedy="Write the reason in the note.",
            )
        return {}
    given, clocks, moved = [], [], []
    for clock in deed.case.clocks:
        if clock.name not in waits.clocks:
            continue
        given.append(Extended(clock.name, clock.start, waits.limit))
        if clock.runs:
            new = _longer(deed, clock, waits.limit)
            clocks.append(new)
            moved.append({"clock": clock.name, "before": clock.due, "due": new.due})
    return {
        "granted": msgspec.to_builtins(given),
        "clocks": msgspec.to_builtins(clocks),
        "moved": moved,
    }


def _longer(deed: Deed, clock: ClockState, limit: str) -> ClockState:
    flow = deed.flow
    return deed.office.keeper.recount(
        clock,
        amber=flow.amber,
        red=flow.red,
        escalate_after=flow.escalate_after if clock.name == OVERALL else None,
        longer=(*deed.case.longer(clock), limit),
    )


def was_asked(state: CaseState, body: dict[str, Any], at: int) -> CaseState:
    """Fold a request in."""
    person, said = body["person"], body["extension"]
    waits = Asked(
        by=person.get("unit"),
        person=person["id"],
        reason=body.get("note", ""),
        at=at,
        limit=said["limit"],
        clocks=tuple(said["clocks"]),
        token=said["token"],
        role=said["role"],
        unit=said["unit"],
    )
    return replace(state, extension=waits)


def was_answered(state: CaseState, body: dict[str, Any]) -> CaseState:
    """Fold an answer in; the clocks that it moved are put in their place by the fold of clocks."""
    given = msgspec.convert(body.get("granted", ()), tuple[Extended, ...])
    return replace(state, extension=None, extended=(*state.extended, *given))


def why_not(state: CaseState) -> tuple[str, str, str] | None:
    """Return why no more time can be asked for, as (why, code, remedy); None where there is no word for it."""
    if asked(state) is not None:
        return "more time was asked for already", "case.extension_asked", "Wait for the answer. "
    if state.was_extended:
        return "more time was given once already", "case.extension_used", "Do the step, or dispute it. "
    return None
