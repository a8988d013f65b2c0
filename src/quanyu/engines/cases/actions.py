"""What may be done next: derived from the flow and the folded state, never stored.

An option says who may take it (`by`: any one of these needs is enough) and what it must bring.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from msgspec.structs import replace

from quanyu.engines.cases.banking import postpone_option, strike_option, suspend_option
from quanyu.engines.cases.bouncing import is_settled, was_returned
from quanyu.engines.cases.extending import decide_option, extend_option
from quanyu.engines.cases.filling import contradict_option, prove_option, save_option, withdraw_option
from quanyu.engines.cases.option import (
    DESKS,
    INVOLVED,
    MACHINE,
    NOTE,
    NOTE_FREE,
    REPORTER,
    ROLE_ALIASES,
    THEMSELVES,
    Asker,
    Need,
    Option,
    common_option,
    desks,
    need_of,
    workable,
)
from quanyu.engines.cases.state import CaseState, Token
from quanyu.kernel.flow import Field, Flow, Step
from quanyu.kernel.view import Grant

GONE: Final = frozenset({"withdrawn", "lapsed"})
"""Outcomes that nobody undoes: whoever applied begins anew."""

ASKED_MAX: Final = 10_000
"""Steps whose fields are remembered."""


def find_grant(option: Option, state: CaseState, asker: Asker, serial: int) -> Grant | None:
    """Return the grant under which the asker may take the option; None when there is none."""
    if option.engines and asker.is_engine:
        return Grant("engine")
    for need in option.by:
        if need.role in THEMSELVES:
            if asker.brings(serial, state):
                return Grant(need.role)
            if need.role == REPORTER:
                continue
        for grant in asker.grants:
            if meets(need, grant, state):
                return grant
    return None


def meets(need: Need | Token, grant: Grant, state: CaseState) -> bool:
    """Tell whether a grant reaches a need: its role, its unit where both name one, the district of the case."""
    own_unit = grant.unit is not None and grant.unit == need.unit
    if grant.district is not None and grant.district != state.district and not (own_unit and state.district is None):
        return False
    if need.role == INVOLVED:
        return grant.unit is not None and grant.unit in involved(state)
    if ROLE_ALIASES.get(grant.role, grant.role) != need.role:
        return False
    return need.unit is None or grant.unit is None or own_unit


def involved(state: CaseState) -> set[str]:
    """Return the units that have to do with the case now."""
    units = {state.returned_by, state.escalated_to, *state.supports}
    units.update([token.unit for token in state.tokens])
    if state.notices:
        units.update([each.unit for each in state.notices])
    if state.first_unit:
        units.add(state.first_unit)
        units.update([unit for role, unit in state.units.items() if role != "escalate"])
    return {unit for unit in units if unit}


def option_of_step(flow: Flow, state: CaseState, token: Token) -> Option:
    """Return the option that does the step at which a token stands."""
    step = flow.get_step(token.step)
    fields, outcomes = _asked_at(flow, step, step.ends or _is_last(state, token))
    return Option(
        action=step.name,
        by=(
            Need(token.role, token.unit),
            # What people do online is done at the counter or by telephone too, by a clerk.
            *(desks("clerk") if token.role in THEMSELVES else ()),
            *((Need(MACHINE),) if step.kind == "receive" else ()),
        ),
        zh=step.zh,
        en=step.en,
        step=step.name,
        token=token.id,
        fields=fields,
        evidence=step.evidence,
        outcomes=outcomes,
    )


_asked: dict[tuple[int, str, bool], tuple[Flow, tuple[Field, ...], tuple[str, ...]]] = {}
"""What steps ask for, by the very flow that they stand in: it is kept beside, so that its number is nobody else's."""


def _asked_at(flow: Flow, step: Step, last: bool) -> tuple[tuple[Field, ...], tuple[str, ...]]:
    key = (id(flow), step.name, last)
    known = _asked.get(key)
    if known is None:
        if len(_asked) >= ASKED_MAX:
            _asked.clear()
        fields = (*_step_fields(flow, step, last), *step.fields, NOTE_FREE)
        known = _asked[key] = (flow, fields, tuple(ending.word for ending in step.outcome))
    return known[1], known[2]


def _is_last(state: CaseState, token: Token) -> bool:
    """Whether a branch is the only one left, side branches apart."""
    return state.main_branches == {token.id} and not state.joins


def _step_fields(flow: Flow, step: Step, last: bool) -> Iterator[Field]:
    if step.to:
        # Whoever names no unit leaves it to the class's lead unit, or to the territory.
        yield Field("unit", "unit", False, "主办单位", "Lead unit")
        yield Field("supports", "units", False, "协办单位", "Supporting units")
        yield Field("person", "person", False, "承办人", "Person")
    if step.back:
        yield Field("passed", "yes_no", True, "核查通过", "Passed")
    if step.outcome:
        words = tuple(ending.word for ending in step.outcome)
        last = last and flow.following(step.name) is None
        yield Field("outcome", "choice", last, "办理结果", "Outcome", words)
        yield Field("date", "date", False, "计划日期", "Planned date")
        yield Field("who", "unit", False, "责任单位", "Who it belongs to")


def available(flow: Flow, state: CaseState) -> list[Option]:
    """Return everything that the case allows now, whoever asks; steps first, an action once for each of its branches."""
    found = []
    if workable(state) and not state.overall.stands:
        found = [option_of_step(flow, state, token) for token in state.tokens]
    return found + [option for action in COMMON for option in _common(flow, state, action)]


def find_options(flow: Flow, state: CaseState, action: str, step: str | None = None) -> list[Option]:
    """Return the ways to take an action now, one for each branch that allows it; `step` names the branch that is meant."""
    if action in COMMON:
        found = list(_common(flow, state, action))
        return found if step is None else [each for each in found if each.step in (None, step)]
    token = state.find_token(action)
    if token is None or not workable(state) or state.overall.stands or step not in (None, action):
        return []
    return [option_of_step(flow, state, token)]


def _common(flow: Flow, state: CaseState, action: str) -> Iterator[Option]:
    """Yield an action of every case, for each branch that allows it: each stands first in its turn."""
    build = COMMON[action]
    seen: set[int | None] = set()
    for place in range(len(state.tokens) or 1):
        turned = state if not place else replace(state, tokens=(*state.tokens[place:], *state.tokens[:place]))
        option = build(flow, turned)
        if option is not None and option.token not in seen:
            seen.add(option.token)
            yield option


def _holding(state: CaseState, test: Callable[[Token], bool]) -> Token | None:
    return next((token for token in state.tokens if test(token)), None) if workable(state) else None


def _return(flow: Flow, state: CaseState) -> Option | None:
    def may(token: Token) -> bool:
        step = flow.get_step(token.step)
        return step.permits("return") and not was_returned(flow, state, token) and not is_settled(flow, state, token)

    token = _holding(state, may)
    if token is None or state.overall.stands:
        return None
    return common_option("return", [Need(token.role, token.unit)], [NOTE], token)


def _dispute(flow: Flow, state: CaseState) -> Option | None:
    def may(token: Token) -> bool:
        step = flow.get_step(token.step)
        allowed = step.permits("dispute") or (step.permits("return") and was_returned(flow, state, token))
        return allowed and not is_settled(flow, state, token)

    token = _holding(state, may)
    if token is None or state.objection is not None:
        return None
    return common_option("dispute", [Need(token.role, token.unit)], [NOTE], token)


def _arbitrate(flow: Flow, state: CaseState) -> Option | None:
    if state.objection is None or not workable(state):
        return None
    needs = [need_of(state, "arbiter")] if "arbiter" in flow.roles else [Need("chief")]
    choice = Field("decision", "choice", True, "裁定", "Decision", ("stands", "moved", "nobody"))
    return common_option("arbitrate", needs, [choice, Field("unit", "unit", False, "改派单位", "Move to unit"), NOTE])


def _pause(flow: Flow, state: CaseState) -> Option | None:
    token = _holding(state, lambda token: bool(flow.get_step(token.step).grounds))
    if token is None or not state.overall.runs:
        return None
    ground = Field("ground", "choice", True, "暂停事由", "Ground", flow.get_step(token.step).grounds)
    return common_option("pause", [Need(token.role, token.unit)], [ground, NOTE_FREE], token)


def _resume(flow: Flow, state: CaseState) -> Option | None:
    if state.state == "suspended":
        return common_option("resume", desks("dispatcher", "chief"), [NOTE_FREE])
    token = state.token
    if token is None or not workable(state) or not state.overall.stands:
        return None
    return common_option("resume", [Need(token.role, token.unit), Need("chief")], [NOTE_FREE], token)


def _comment(flow: Flow, state: CaseState) -> Option:
    return common_option("comment", [*desks(*DESKS), Need(INVOLVED), Need(REPORTER)], [NOTE])


def _assign(flow: Flow, state: CaseState) -> Option | None:
    token = _holding(state, lambda token: True)
    if token is None:
        return None
    person = Field("person", "person", True, "承办人", "Person")
    return common_option("assign", [*desks("dispatcher", "chief"), Need(token.role, token.unit)], [person], token)


def _claim(flow: Flow, state: CaseState) -> Option | None:
    token = _holding(state, lambda token: token.person is None)
    return common_option("claim", [Need(token.role, token.unit)], [], token) if token else None


def _release(flow: Flow, state: CaseState) -> Option | None:
    """Put back what somebody has on the desk: it is the unit's again, and nobody's in person."""
    token = _holding(state, lambda token: token.person is not None)
    if token is None:
        return None
    return common_option("release", [*desks("dispatcher", "chief"), Need(token.role, token.unit)], [NOTE_FREE], token)


def _reopen(flow: Flow, state: CaseState) -> Option | None:
    if state.state != "closed" or state.merged_into is not None:
        return None
    if state.outcome is not None and state.outcome.word in GONE:
        return None
    return common_option("reopen", desks("duty", "dispatcher", "chief"), [NOTE])


def _merge(flow: Flow, state: CaseState) -> Option | None:
    if not workable(state):
        return None
    into = Field("into", "case", True, "并入事件", "Into case")
    return replace(common_option("merge", desks("duty", "dispatcher", "chief"), [into, NOTE]), engines=True)


def _split(flow: Flow, state: CaseState) -> Option | None:
    return (
        common_option("split", desks("duty", "dispatcher", "chief"), [NOTE]) if state.merged_into is not None else None
    )


def _unlike(flow: Flow, state: CaseState) -> Option | None:
    other = Field("other", "case", True, "另一件", "The other case")
    return (
        common_option("unlike", desks("duty", "dispatcher", "chief"), [other, NOTE_FREE]) if workable(state) else None
    )


def _confirm(flow: Flow, state: CaseState) -> Option | None:
    """A case asks its reporter while it may still end as fixed, and after its end until the answer lapses.

    The reporter of one that was merged is asked when the case that leads has ended.
    """
    if not state.asks_reporter or state.confirmed in ("yes", "lapsed"):
        return None
    ending = workable(state) and any(flow.get_step(token.step).outcome for token in state.tokens)
    if not ending and state.confirmed != "asked":
        return None
    fixed = Field("fixed", "yes_no", True, "问题是否解决", "Is it fixed?")
    return common_option("confirm", [Need(REPORTER), *desks("clerk", "duty")], [fixed, NOTE_FREE])


def _acknowledge(flow: Flow, state: CaseState) -> Option | None:
    """A receiver's people say that they have heard; a chief may bring a receipt that came on paper."""
    waiting = state.outstanding
    # Of an erasure they answer after the end of the case, too.
    if not waiting or not (workable(state) or state.erased_at is not None):
        return None
    units = sorted({each.unit for each in waiting if each.unit})
    ids = tuple(dict.fromkeys(each.receiver for each in waiting))
    receiver = Field("receiver", "choice", True, "接收方", "Receiver", ids)
    return common_option("acknowledge", [*(Need("handler", unit) for unit in units), Need("chief")], [receiver, NOTE])


COMMON: Final[Mapping[str, Callable[[Flow, CaseState], Option | None]]] = {
    "return": _return,
    "dispute": _dispute,
    "arbitrate": _arbitrate,
    "pause": _pause,
    "resume": _resume,
    "suspend": suspend_option,
    "postpone": postpone_option,
    "strike_off": strike_option,
    "extend": extend_option,
    "decide_extension": decide_option,
    "assign": _assign,
    "claim": _claim,
    "release": _release,
    "confirm": _confirm,
    "acknowledge": _acknowledge,
    "reopen": _reopen,
    "merge": _merge,
    "split": _split,
    "unlike": _unlike,
    "comment": _comment,
    "save": save_option,
    "contradict": contradict_option,
    "prove_subject": prove_option,
    "withdraw": withdraw_option,
}


def option_document(option: Option) -> dict[str, Any]:
    """Return an option as faces show it: a form can be drawn from it alone."""
    return {
        "action": option.action,
        "title": {"zh": option.zh, "en": option.en},
        "step": option.step,
        "by": option.by[0].role,
        "who": [{"role": need.role, "unit": need.unit} for need in option.by],
        "fields": [
            {"name": each.name, "kind": each.kind, "required": each.required, "title": each.title}
            | ({"choices": list(each.choices)} if each.choices else {})
            | ({"when": {"field": each.when[0], "is": each.when[1]}} if each.when is not None else {})
            for each in option.fields
        ],
        "evidence": [
            {"kind": each.kind, "count": each.count} | ({"attribute": each.attribute} if each.attribute else {})
            for each in option.evidence
        ],
        "outcomes": list(option.outcomes),
    }
