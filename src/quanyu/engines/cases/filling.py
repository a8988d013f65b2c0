"""What may be done with a form that is being filled in, and by whom: its applicant, or a clerk in that name."""

from __future__ import annotations

from quanyu.engines.cases.option import NOTE_FREE, Need, Option, common_option, desks, workable
from quanyu.engines.cases.state import CaseState, Token
from quanyu.kernel.flow import APPLICANT, Field, Flow


def _filling(flow: Flow, state: CaseState) -> Token | None:
    """Return the branch that leads, where the applicant fills in a form or mends one."""
    token = state.token
    if token is None or not workable(state) or flow.form_at(token.step) is None:
        return None
    return token


def save_option(flow: Flow, state: CaseState) -> Option | None:
    """Offer whoever applies to answer questions, one by one, in any order."""
    token = _filling(flow, state)
    return common_option("save", _themselves(), [], token) if token else None


def contradict_option(flow: Flow, state: CaseState) -> Option | None:
    """Offer to contradict what a register holds: the applicant's word stands, marked, until its owner has looked."""
    token = _filling(flow, state)
    if token is None or not state.subjects:
        return None
    fields = [
        Field("name", "text", True, "哪一项", "Which item"),
        Field("right", "yes_no", True, "登记的信息是否正确", "Is what is held right?"),
    ]
    return common_option("contradict", _themselves(), [*fields, NOTE_FREE], token)


def prove_option(flow: Flow, state: CaseState) -> Option | None:
    """Offer a clerk to say whose application it is, and which document showed it."""
    if not flow.forms or not workable(state) or len(state.subjects) > 1:
        return None
    fields = [
        Field("subject", "text", True, "申请人或企业", "Person or firm"),
        Field("document", "text", True, "查验的证件", "Document seen"),
    ]
    return common_option("prove_subject", desks("clerk"), fields)


def withdraw_option(flow: Flow, state: CaseState) -> Option | None:
    """Offer the applicant to withdraw while nothing is decided."""
    if not flow.forms or not workable(state) or (state.overall.begun and state.overall.stopped is not None):
        return None
    return common_option("withdraw", _themselves(), [NOTE_FREE])


def _themselves() -> tuple[Need, ...]:
    return (Need(APPLICANT), *desks("clerk"))
