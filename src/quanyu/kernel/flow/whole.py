"""A flow as one value, with what follows from its parts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Final

import msgspec

from quanyu.kernel.expression import compile_expression
from quanyu.kernel.flow.net import Net
from quanyu.kernel.flow.soundness import find_singles
from quanyu.kernel.flow.words import APPLICANT, Arrow, Call, Extension, FlowClock, Keeping, Node, Parameter, Step, Wait
from quanyu.kernel.time import Limit

GIVEN: Final = ("severity", "category", "channel")
"""Names that guards may read besides the fields that the steps ask for."""


class Flow(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A checked net of steps for one kind of case; amber and red are shares of the overall limit that are used.

    Without arrows the steps follow one another. `escalate` is the unit that is told when the overall limit has
    passed, `escalate_after` that much later; `confirm` is how long the reporter is asked whether it is fixed; no
    answer leaves the outcome as it stands. `until` is the step that keeps the overall limit: its clock stops there, and
    what follows (a call-back, a look at the file) has limits of its own. `begins` is the step that starts it when it
    is done or passed for the first time: the law counts from what was handed in, not from the first page. `deemed` is
    the timer that begins it where nobody answered: it then counts from when the step in question got its turn. Cases of a
    `private` flow are never shown to strangers: they are about persons or firms, not about places. `keeps` says when what
    a case tells of a person is erased. `figures` are dated numbers that guards and rule steps read: a case pins them
    like its limits.
    """

    name: str
    case: str
    zh: str
    en: str
    roles: Mapping[str, str]
    steps: tuple[Step, ...]
    overall: Limit | Parameter
    amber: float = 0.7
    red: float = 0.9
    escalate: str | None = None
    escalate_after: Limit | None = None
    confirm: Limit | None = None
    until: str | None = None
    private: bool = False
    extend: Extension | None = None
    nodes: tuple[Node, ...] = ()
    arrows: tuple[Arrow, ...] = ()
    clocks: tuple[FlowClock, ...] = ()
    begins: str | None = None
    deemed: str | None = None
    keeps: Keeping | None = None
    figures: tuple[Parameter, ...] = ()

    @property
    def title(self) -> dict[str, str]:
        """What the flow is called."""
        return {"zh": self.zh, "en": self.en}

    @cached_property
    def net(self) -> Net:
        """The elements and what leads from one to the next."""
        return Net(self.steps, self.nodes, self.arrows)

    @cached_property
    def is_row(self) -> bool:
        """Whether it is a plain row of steps that somebody does: one branch, no choices, no timers on steps."""
        return not self.arrows and not self.nodes and all(each.waits and not each.boundary for each in self.steps)

    def get_step(self, name: str) -> Step:
        """Return a step by name; a flow was checked, so an unknown name is our own mistake."""
        return self._steps_by_name[name]

    @cached_property
    def _steps_by_name(self) -> Mapping[str, Step]:
        return {each.name: each for each in self.steps}

    def find_node(self, name: str) -> Node | None:
        """Return an element that is no step."""
        return next((each for each in self.nodes if each.name == name), None)

    def following(self, name: str) -> Step | None:
        """Return the next step that somebody does, the nearest of several; None where only ends follow."""
        seen, agenda = {name}, [name]
        while agenda:
            for target in self.net.next_of(agenda.pop(0), timers=False):
                element = self.net.elements.get(target)
                if isinstance(element, Step) and element.waits:
                    return element
                if element is not None and target not in seen:
                    seen.add(target)
                    agenda.append(target)
        return None

    def dispatch_before(self, name: str) -> Step | None:
        """Return the nearest earlier step that dispatches: where a returned case goes."""
        return next((each for each in self.net.before(name) if each.to), None)

    @cached_property
    def handling(self) -> Step:
        """The step that does the work: the one dispatched to, else what a failed check returns to, else the first.

        What an applicant fills in is no work on the case yet.
        """
        for each in self.steps:
            following = self.following(each.name) if each.to else None
            if following is not None:
                return following
        backs = (each.back for each in self.steps)
        first = self.following("") or self.steps[0]
        if first.by == APPLICANT:
            first = self.following(first.name) or first
        return next((self.get_step(back) for back in backs if back), first)

    @cached_property
    def since_handling(self) -> frozenset[str]:
        """Names of the handling step and of all elements that may follow it."""
        return self.net.reach(self.handling.name) | {self.handling.name}

    @cached_property
    def reads(self) -> frozenset[str]:
        """Names that guards, rule steps, dated timers or indicators read, and results of rule steps: no others are kept.

        Severity is apart: a case has it anyhow.
        """
        texts = [arrow.when for arrow in self.arrows if arrow.when is not None]
        texts += [expression for each in self.steps for _, expression in each.sets]
        names = {name for text in texts for name in compile_expression(text).names}
        dated = [clock.since for clock in self.clocks] + ([self.keeps.since] if self.keeps else [])
        dated += [node.since for node in self.nodes if isinstance(node, Wait)]
        dated += [timer.since for each in self.steps for timer in each.boundary]
        counted = {field.name for each in self.steps for field in each.fields if field.counted}
        counted |= {name for each in self.steps for name, _ in each.sets}
        given = {"severity", *(each.id for each in self.figures)}
        return frozenset(names | counted | {name for name in dated if name}) - given

    @cached_property
    def forms(self) -> Mapping[str, str]:
        """Steps that the applicant fills a form in at, to the ids of the forms."""
        return {each.name: each.form for each in self.steps if each.form}

    def form_at(self, name: str) -> Step | None:
        """Return the step whose form the applicant has before them: that of the step, or of one that it mends."""
        step = self.get_step(name)
        if step.by != APPLICANT and not step.form:
            return None
        return step if step.form else next((each for each in self.net.before(name) if each.form), None)

    @property
    def known_names(self) -> frozenset[str]:
        """Names that a guard may read: fields and measured values of steps, results of rule steps, figures, `GIVEN`."""
        fields = {field.name for each in self.steps for field in each.fields}
        measured = {proof.attribute for each in self.steps for proof in each.evidence if proof.attribute}
        results = {name for each in self.steps for name, _ in each.sets}
        return frozenset(fields | measured | results | {each.id for each in self.figures} | set(GIVEN))

    @property
    def calls(self) -> tuple[Call, ...]:
        """The flows that stand in it and are not put in yet."""
        return tuple(node for node in self.nodes if isinstance(node, Call))

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """Ids of the parameters that limits refer to, and of the figures."""
        limits: list[object] = [self.overall, *(each.within for each in self.steps)]
        limits += [node.until for node in self.nodes if isinstance(node, Wait)]
        limits += [timer.after for each in self.steps for timer in each.boundary]
        limits += [clock.limit for clock in self.clocks] + ([self.keeps.limit] if self.keeps else [])
        limits += [extend.by for extend in (self.extend, *(each.extend for each in self.steps)) if extend]
        return tuple(dict.fromkeys(each.id for each in (*limits, *self.figures) if isinstance(each, Parameter)))

    @cached_property
    def restart(self) -> str:
        """Where a reopened case goes on: at the handling step, or before the ways part that lead to it; "" the start."""
        if self.is_row:
            return self.handling.name
        singles = find_singles(self.net)
        steps = (self.handling, *self.net.before(self.handling.name))
        return next((each.name for each in steps if each.waits and each.name in singles), "")
