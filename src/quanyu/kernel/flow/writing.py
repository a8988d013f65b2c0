"""How a flow is written down: its steps and, where they do not simply follow one another, its arrows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from quanyu.kernel.flow.checking import check_flow
from quanyu.kernel.flow.whole import Flow
from quanyu.kernel.flow.words import (
    STEP_TITLES,
    Arrow,
    Boundary,
    Ending,
    Evidence,
    Extension,
    Field,
    FlowClock,
    Keeping,
    Node,
    Parameter,
    Permission,
    SamePerson,
    Step,
)
from quanyu.kernel.time import Limit


def step(
    name: str,
    *,
    by: str = "",
    within: Limit | Parameter | None = None,
    to: str | None = None,
    may: Iterable[Permission] = (),
    evidence: Iterable[Evidence] = (),
    unless: SamePerson | None = None,
    outcome: Iterable[Ending] = (),
    fails: str | None = None,
    fields: Iterable[Field] = (),
    tells: str | None = None,
    ends: bool = False,
    extend: Extension | None = None,
    kind: Literal["user", "manual", "receive", "service", "send", "rule"] = "user",
    boundary: Iterable[Boundary] = (),
    sets: Mapping[str, str] | None = None,
    form: str = "",
    zh: str | None = None,
    en: str | None = None,
) -> Step:
    """Write down a step; the stages of rules.md B2 have titles already, other steps fall back on their name.

    A step that the hub passes by itself (`kind` in `AUTOMATIC`) needs no `by`.
    """
    known = STEP_TITLES.get(name, (name, name))
    return Step(
        name=name, by=by, zh=zh or known[0], en=en or known[1], within=within, to=to, may=tuple(may),
        evidence=tuple(evidence), unless=unless, outcome=tuple(outcome), fails=fails, fields=tuple(fields), extend=extend,
        tells=tells, ends=ends, kind=kind, boundary=tuple(boundary), sets=tuple((sets or {}).items()),
        form=form,
    )  # fmt: skip


def flow(
    name: str,
    *,
    case: str,
    steps: Iterable[Step],
    overall: Limit | Parameter,
    roles: Mapping[str, str] | None = None,
    amber: float = 0.7,
    red: float = 0.9,
    escalate: str | None = None,
    escalate_after: Limit | None = None,
    confirm: Limit | None = None,
    until: str | None = None,
    private: bool = False,
    extend: Extension | None = None,
    nodes: Iterable[Node] = (),
    arrows: Iterable[Arrow | tuple[str, str] | tuple[str, str, str]] = (),
    clocks: Iterable[FlowClock] = (),
    begins: str | None = None,
    deemed: str | None = None,
    keeps: Keeping | None = None,
    figures: Iterable[Parameter] = (),
    zh: str | None = None,
    en: str | None = None,
) -> Flow:
    """Write down a flow; raises Invalid with the flow and the step when it could not be walked to an end."""
    made = Flow(
        name=name,
        case=case,
        zh=zh or name,
        en=en or name,
        roles=dict(roles or {}),
        steps=tuple(steps),
        overall=overall,
        amber=amber,
        red=red,
        escalate=escalate,
        escalate_after=escalate_after,
        confirm=confirm,
        until=until,
        private=private,
        extend=extend,
        nodes=tuple(nodes),
        arrows=tuple(each if isinstance(each, Arrow) else Arrow(*each) for each in arrows),
        clocks=tuple(clocks),
        begins=begins,
        deemed=deemed,
        keeps=keeps,
        figures=tuple(figures),
    )
    check_flow(made)
    return made
