"""The wrong unit: a return once, then a dispute, then arbitration; counted for each branch where ways stand side by side.

A branch is known by the role that its flow gives it, since its unit is that of the role: two branches of one role are of one
unit, and share the count. Where a case goes one way there is one count for the whole of it.
"""

from __future__ import annotations

from quanyu.engines.cases.state import CaseState, Token
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
