"""What a flow is asked about its ways: where arrows lead, what guards read, what timers wait for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from quanyu.kernel.expression import Expression, read_expression
from quanyu.kernel.flow.net import stands
from quanyu.kernel.flow.refusing import refuse
from quanyu.kernel.flow.soundness import find_fault
from quanyu.kernel.flow.whole import GIVEN, Flow
from quanyu.kernel.flow.words import AUTOMATIC, NAME, Call, Gateway, Parameter, Step, Wait, is_name
from quanyu.kernel.time import DayLimit, WallLimit

KINDS = AUTOMATIC | {"user", "manual", "receive"}
CLOCK_WORDS = frozenset({"overall", "step", "wait", "bound", "notice", "confirm"})
"""Names that clocks and timers of every case have."""


def check_arrows(made: Flow) -> None:
    """Refuse arrows to nowhere, elements that nobody reaches, and ways that part or meet without a gateway for it."""
    net, place = made.net, f"flow {made.name}"
    for arrow in made.arrows:
        for name in (arrow.source, arrow.target):
            if name and name not in net.elements:
                raise refuse(f"has an arrow to or from {name!r}, which is no element.", "arrow_nowhere", place,
                             "Lead arrows from and to steps and nodes; \"\" is the start and an end.")  # fmt: skip
    for step in made.steps:
        for timer in step.boundary:
            if timer.to not in net.elements or net.is_join(timer.to):
                raise refuse(f"has a timer {timer.name} to {timer.to!r}, where no branch can begin.", "arrow_nowhere",
                             f"{place} step {step.name}", "Name an element that is no parallel join.")  # fmt: skip
    starts = net.out("")
    if len(starts) != 1 or starts[0].when is not None or not starts[0].target:
        raise refuse(
            f"has {len(starts)} ways to begin.", "arrows", place, 'Give it one arrow from "", without a guard.'
        )
    for name in net.elements:
        _check_out(made, name, place)
    reached = net.reach("")
    for name in net.elements:
        if name not in reached:
            raise refuse(f"has the element {name}, which nobody reaches.", "unreached", place, "Lead an arrow to it.")


def _check_out(made: Flow, name: str, place: str) -> None:
    element, out = made.net.elements[name], made.net.out(name)
    if not out:
        raise refuse(f"stops at {name}.", "arrows", place, 'Lead an arrow on from it; to "" where it ends.')
    if len(out) > 1 and not isinstance(element, Gateway):
        raise refuse(f"parts at {name}, which is no gateway.", "arrows", place, "Put a gateway behind it.")
    guarded = [arrow for arrow in out if arrow.when is not None]
    if guarded and not _chooses(element):
        raise refuse(f"guards an arrow from {name}.", "arrows", place, "Only exclusive gateways choose.")
    if _chooses(element) and len(out) - len(guarded) > 1:
        raise refuse(f"has two ways without a guard from {name}.", "arrows", place, "Leave one for all other cases.")
    if isinstance(element, Gateway) and not _chooses(element) and len({each.target for each in out}) < len(out):
        raise refuse(f"leads twice to one element from {name}.", "arrows", place, "Put a step between.")


def _chooses(element: object) -> bool:
    return isinstance(element, Gateway) and element.kind == "exclusive"


def check_elements(made: Flow) -> None:
    """Refuse what elements say wrongly: names, guards, results, timers, clocks, calls."""
    place = f"flow {made.name}"
    for node in made.nodes:
        where = f"{place} node {node.name}"
        if not is_name(node.name) or node.name in CLOCK_WORDS:
            raise refuse("has no name of its own in snake_case.", "name", where, "Use a-z, 0-9 and _.")
        if isinstance(node, Gateway) and node.kind not in ("exclusive", "parallel"):
            raise refuse(f"is a gateway of the kind {node.kind!r}.", "kind", where, "Use exclusive or parallel.")
        if isinstance(node, Wait):
            _check_timer(made, node.until, node.since, where)
        if isinstance(node, Call) and not NAME.match(node.flow):
            raise refuse(f"calls the flow {node.flow!r}.", "call", where, "Name a flow in snake_case.")
    for arrow in made.arrows:
        if arrow.when is not None:
            _check_names(made, arrow.when, f"{place} arrow {arrow.source} to {arrow.target or 'the end'}")
    for step in made.steps:
        where = f"{place} step {step.name}"
        for field, expression in step.sets:
            if not NAME.match(field) or field in GIVEN:
                raise refuse(
                    f"sets {field!r}.", "sets", where, f"Name a field in snake_case, none of {', '.join(GIVEN)}."
                )
            _check_names(made, expression, f"{where} sets {field}")
        if len({timer.name for timer in step.boundary}) < len(step.boundary):
            raise refuse("has two timers of one name.", "boundary", where, "Give each its own name.")
        for timer in step.boundary:
            if not NAME.match(timer.name) or not step.waits:
                raise refuse(f"bears the timer {timer.name!r}.", "boundary", where,
                             "Put timers with names in snake_case on steps that somebody does.")  # fmt: skip
            _check_timer(made, timer.after, timer.since, f"{where} timer {timer.name}")


def _check_names(made: Flow, text: str, where: str) -> None:
    """Refuse a guard that reads what nothing gives; what the forms of a flow give is judged where all packs are known."""
    if made.forms:
        Expression(text, where)
    else:
        read_expression(text, made.known_names, where)


def check_clocks(made: Flow) -> None:
    """Refuse named clocks that never start, never stop, or bear the name of another."""
    place = f"flow {made.name}"
    names = Counter(clock.name for clock in made.clocks)
    for clock in made.clocks:
        where = f"{place} clock {clock.name}"
        if not is_name(clock.name) or clock.name.partition(".")[0] in CLOCK_WORDS or names[clock.name] > 1:
            raise refuse("has no name of its own in snake_case.", "clock", where,
                         f"Use a-z, 0-9 and _, each name once, none of {', '.join(sorted(CLOCK_WORDS))}.")  # fmt: skip
        if clock.until is not None and not any(each.name == clock.until and each.waits for each in made.steps):
            raise refuse(f"stops with step {clock.until!r}.", "clock", where, "Name a step that somebody does.")
        _check_timer(made, clock.limit, clock.since, where)


def check_figures(made: Flow) -> None:
    """Refuse figures that are none or bear the name of something else that a guard reads."""
    others = {field.name for step in made.steps for field in step.fields} | {
        name for step in made.steps for name, _ in step.sets
    }
    names = [each.id if isinstance(each, Parameter) else "" for each in made.figures]
    for name in names:
        if not is_name(name) or name in others or names.count(name) > 1:
            raise refuse(f"reads the figure {name!r}.", "figure", f"flow {made.name}",
                         "Name each parameter once, with parameter(), and no field or result like it.")  # fmt: skip


def check_keeping(made: Flow) -> None:
    """Refuse a time to keep that never starts, and personal fields that would stay in clear or are kept for ever."""
    if made.keeps is not None:
        _check_timer(made, made.keeps.limit, made.keeps.since, f"flow {made.name} keeps")
    for step in made.steps:
        for field in step.fields:
            if field.personal and (made.keeps is None or field.name in made.reads or field.kind != "text"):
                where = f"flow {made.name} step {step.name}"
                raise refuse(f"has the personal field {field.name!r}.", "personal", where,
                             "Give the flow keeps=, and let it be a text that nothing reads or counts.")  # fmt: skip


def _check_timer(made: Flow, limit: object, since: str | None, where: str) -> None:
    if not isinstance(limit, WallLimit | DayLimit | Parameter):
        raise refuse(
            f"has the limit {limit!r}.", "limit", where, "Use hours(), working_days() and the like, or parameter()."
        )
    dates = {field.name for step in made.steps for field in step.fields if field.kind == "date"}
    if since is not None and since not in dates:
        known = ", ".join(sorted(dates)) or "none"
        raise refuse(f"counts from {since!r}, which is no date field.", "since", where, f"Date fields: {known}.")


def check_kind(step: Step, where: str) -> None:
    """Refuse steps whose kind and whose other words contradict each other."""
    if step.kind not in KINDS:
        raise refuse(f"is of the kind {step.kind!r}.", "kind", where, f"Use one of {', '.join(sorted(KINDS))}.")
    asks = (
        step.within,
        step.to,
        step.may,
        step.evidence,
        step.unless,
        step.outcome,
        step.fails,
        step.fields,
        step.extend,
    )
    if not step.waits and any(asks):
        raise refuse("is passed by the hub and yet asks for something.", "automatic", where,
                     "Leave limits, fields, evidence and outcomes to steps that somebody does.")  # fmt: skip
    if (step.kind == "rule") is not bool(step.sets):
        raise refuse("is a rule step without results, or has results and is none.", "sets", where,
                     'Give kind="rule" steps, and only them, sets={field: expression}.')  # fmt: skip


def check_ways(made: Flow) -> None:
    """Refuse loops in which nobody acts, choices that may find no way while nobody acts, and ways that never end."""
    place, net = f"flow {made.name}", made.net
    loop = _find_loop(made)
    if loop:
        raise refuse(f"loops for ever: {' > '.join(loop)}.", "loop", place, "Put a step or a wait into the loop.")
    for name in net.elements:
        if name not in net.ending:
            raise refuse(f"never ends once it is at {name}.", "stuck", place, "Lead a way from there to an end.")
    for name in _unattended(made):
        if all(arrow.when is not None for arrow in net.out(name)):
            raise refuse(f"may find no way at {name} while nobody acts.", "no_default", place,
                         "Give one arrow from it no guard: it is taken when no other holds.")  # fmt: skip
    fault = find_fault(net)
    if fault is not None:
        raise refuse(fault.why, fault.code, place, fault.remedy)


def _find_loop(made: Flow) -> list[str]:
    """Return a cycle of elements that are passed at once; empty when there is none."""
    on = {name: _at_once(made, name) for name in made.net.elements}
    done: set[str] = set()
    for first in sorted(on):
        path: list[str] = [first]
        stack = [iter(on[first])] if first not in done else []
        while stack:
            target = next(stack[-1], None)
            if target is None:
                done.add(path.pop())
                stack.pop()
            elif target in path:
                return [*path[path.index(target) :], target]
            elif target and target not in done:
                path.append(target)
                stack.append(iter(on[target]))
    return []


def _at_once(made: Flow, name: str) -> list[str]:
    """Return where a branch may go on at once: past what nobody does, and past timers whose day may be over already."""
    element = made.net.elements[name]
    if stands(element) and not (isinstance(element, Wait) and element.since):
        return [timer.to for timer in made.net.boundaries(name) if timer.since and timer.interrupting]
    return [arrow.target for arrow in made.net.out(name)]


def _unattended(made: Flow) -> Iterable[str]:
    """Return the choices that a case may come to without somebody's act: from its start, a wait, or a timer."""
    net = made.net
    agenda = ["", *(node.name for node in made.nodes if isinstance(node, Wait))]
    entered = [timer.to for step in made.steps for timer in step.boundary]
    agenda += [name for name in entered if not stands(net.elements[name])]
    seen = set(agenda)
    while agenda:
        for target in net.next_of(agenda.pop(), timers=False):
            if target and target not in seen and not stands(net.elements[target]):
                seen.add(target)
                agenda.append(target)
    return sorted(name for name in seen if name and _chooses(net.elements[name]))
