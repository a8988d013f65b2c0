"""The wrong unit: a return once, then a dispute, then arbitration; counted for each branch where ways stand side by side.

A branch is known by the role that its flow gives it, since its unit is that of the role: two branches of one role are of one
unit, and share the count. Where a case goes one way there is one count for the whole of it.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from quanyu.engines.cases.state import CaseState, SentBack, Token
from quanyu.kernel.flow import Flow


def branch_of(flow: Flow, state: CaseState, token: Token) -> str:
    """Return the role under which a branch is counted; "" where the case goes one way."""
    apart = len(state.main_branches) > 1 or bool(state.joins) or token.id in state.sides
    return flow.get_step(token.step).by if apart else ""


def was_returned(flow: Flow, state: CaseState, token: Token) -> bool:
    """Tell whether the branch was sent back before."""
    branch = branch_of(flow, state, token)
    return branch in state.bounced if branch else state.bounces > len(state.bounced)


def is_settled(flow: Flow, state: CaseState, token: Token) -> bool:
    """Tell whether arbitration has said who answers for the branch."""
    branch = branch_of(flow, state, token)
    return branch in state.settled if branch else state.arbitrated


# -- fold: what was sent back stays in the lists of both sides until that step is done --------------------------------


def every_return(state: CaseState) -> tuple[SentBack, ...]:
    """Return all branches that were sent back and are not dealt with, the latest last."""
    if state.returned_to is None or state.returned_until is None:
        return state.sent_back
    return (*state.sent_back, (state.returned_by, state.returned_to, state.returned_until))


def still_back(state: CaseState, step: str) -> tuple[SentBack, ...]:
    """Return what stays sent back beside a branch that is sent back to a step now."""
    return tuple(each for each in every_return(state) if each[2] != step)


def dealt_with(state: CaseState, step: str) -> dict[str, Any]:
    """Return what changes when a step is done to which something was sent back: the one before it shows again."""
    if state.returned_until != step and all(until != step for _, _, until in state.sent_back):
        return {}
    left = still_back(state, step)
    by, to, until = left[-1] if left else (None, None, None)
    return {"returned_by": by, "returned_to": to, "returned_until": until, "sent_back": left[:-1]}


def readdressed(state: CaseState) -> CaseState:
    """Let whoever has a branch now that was sent back find it among the returned ones, too."""

    def told(each: SentBack) -> SentBack:
        token = state.find_token(each[2])
        return each if token is None else (each[0], token.unit or token.role, each[2])

    found = tuple(told(each) for each in every_return(state))
    if not found:
        return state
    return replace(state, returned_to=found[-1][1], sent_back=found[:-1])
