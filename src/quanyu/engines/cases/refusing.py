"""Why an action is refused, in words for whoever must go on: what is allowed now, and who may."""

from __future__ import annotations

from quanyu.engines.cases.actions import COMMON, available
from quanyu.engines.cases.bouncing import is_settled, was_returned
from quanyu.engines.cases.extending import why_not
from quanyu.engines.cases.option import Asker, Option
from quanyu.engines.cases.state import CaseState
from quanyu.engines.cases.tables import id_of, number_of
from quanyu.kernel.errors import Conflict, Denied, Invalid, QuanyuError
from quanyu.kernel.flow import Flow
from quanyu.kernel.time import format_instant


def stale(serial: int, version: int, expected: int, state: CaseState, zone: str) -> Conflict:
    """Return the conflict of somebody who acted on an older version."""
    who, action, at = state.last
    return Conflict(
        f"Case {number_of(serial)} stands in version {version}, not {expected}: {who} did {action!r}"
        f" at {format_instant(at, zone)}.",
        code="case.stale",
        where=id_of(serial),
        remedy="Look at the case again, then decide.",
        expected=expected,
        version=version,
        changed_by=who,
        changed_at=at,
        action=action,
    )


def not_allowed(flow: Flow, state: CaseState, serial: int, action: str, step: str | None = None) -> QuanyuError:
    """Return the refusal of an action that the case does not allow now, with all that it does allow."""
    steps = [step.name for step in flow.steps]
    allowed = [option.action for option in available(flow, state)]
    listed = f"Allowed now: {', '.join(allowed)}."
    standing = [token.step for token in state.tokens]
    if step is not None and step not in standing:
        return Conflict(
            f"Case {number_of(serial)} has no branch at step {step!r:.80}.",
            code="case.branch_unknown",
            where="body.step",
            remedy=f"It stands at {', '.join(standing) or 'no step'}; name one of these, or none.",
            allowed=allowed,
        )
    if action not in COMMON and action not in steps:
        return Invalid(
            f"Action {action!r:.80} does not exist in flow {flow.name}.",
            code="case.action_unknown",
            where="body.action",
            remedy=listed,
            allowed=allowed,
        )
    why, code, remedy = _why(flow, state, action, step)
    return Conflict(
        f"Case {number_of(serial)} does not allow {action!r}: {why}.",
        code=code,
        where=id_of(serial),
        remedy=f"{remedy}{listed}",
        allowed=allowed,
        step=state.token.step if state.token else None,
    )


def _why(flow: Flow, state: CaseState, action: str, step: str | None) -> tuple[str, str, str]:
    plain = "case.action_not_allowed"
    if action == "extend" and (why := why_not(state)) is not None:
        return why
    if state.merged_into is not None:
        return f"it is merged into {number_of(state.merged_into)}", plain, "Act on that case, or split this one. "
    if state.state == "closed":
        return "it is closed", plain, "Reopen it: that undoes a close. "
    if state.state != "open":
        return f"it is {state.state}", plain, "Resume it first. "
    meant = next((each for each in state.tokens if each.step == step), state.token)
    if action in ("return", "dispute") and meant is not None and is_settled(flow, state, meant):
        return "its unit was decided by arbitration", "case.arbitrated", "Do the step. "
    if action == "return" and meant is not None and was_returned(flow, state, meant):
        return "it was returned once already", "case.return_exhausted", "Dispute it: somebody else decides then. "
    if state.overall.stands:
        return f"its clock stands ({state.overall.pauses[-1][2]})", plain, "Resume it first. "
    if state.tokens:
        return f"it stands at step {', '.join(token.step for token in state.tokens)}", plain, ""
    if state.waits:
        return f"it waits at {', '.join(each.node for each in state.waits)}", plain, "Nobody has to do anything now. "
    return "it does not apply here", plain, ""


def role_missing(option: Option, state: CaseState, serial: int, asker: Asker) -> Denied:
    """Return the refusal of somebody whose roles do not reach this action."""
    needs = [str(need) for need in option.by]
    place = f" in district {state.district}" if state.district else ""
    return Denied(
        f"Actor {asker.id} may not {option.action!r} case {number_of(serial)}.",
        code="case.role_missing",
        where=id_of(serial),
        remedy=f"Ask {' or '.join(needs)}{place}.",
        needs=[{"role": need.role, "unit": need.unit} for need in option.by],
    )


def stranger(serial: int, asker: Asker) -> Denied:
    """Return the refusal of somebody who has nothing to do with any case of this hub; it tells nothing."""
    return Denied(
        f"Actor {asker.id} may not act on case {number_of(serial)}.",
        code="case.role_missing",
        where=id_of(serial),
        remedy="Sign in with a role, or with the code of the case.",
        needs=[],
    )


def same_person(step: str, other: str, serial: int, asker: Asker) -> Denied:
    """Return the refusal of somebody who would judge one's own work."""
    return Denied(
        f"Actor {asker.id} did step {other!r} of case {number_of(serial)} and may not do {step!r}.",
        code="case.same_person",
        where=id_of(serial),
        remedy="Let somebody else do it.",
        step=other,
    )


def not_its_own(flow: Flow, serial: int, step: str, asset: str | None) -> Conflict:
    """Return the refusal of a step that follows what happens to the thing the case is about, and to nothing else."""
    return Conflict(
        f"Step {step!r} of case {number_of(serial)} follows {asset or 'what the case is about'}, which does not stand so.",
        code="case.companion",
        where=id_of(serial),
        remedy=f"Do it there; the case of flow {flow.name} goes along by itself.",
        step=step,
        asset=asset,
    )
