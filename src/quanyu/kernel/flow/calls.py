"""Calls put in: a flow that stands in another becomes part of it, so that a case follows one net alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from quanyu.kernel.errors import Invalid
from quanyu.kernel.flow.checking import ELEMENTS_MAX, check_flow
from quanyu.kernel.flow.refusing import refuse
from quanyu.kernel.flow.whole import Flow
from quanyu.kernel.flow.words import Arrow, Call, FlowClock, Gateway, Node, SamePerson, Step, Wait

DEPTH_MAX: Final = 16


def expand_calls(flows: Iterable[Flow]) -> list[Flow]:
    """Return the flows with every call put in, checked again; flows without calls are returned as they are.

    Elements are then called `<call>.<element>`, clocks too; fields keep their names, for a case has one set of them.
    A role that both flows have is the calling flow's. Where something follows the call, a step through which the
    called flow would end has no outcome: the case goes on; outcomes at other steps still end it. Overall limit,
    escalation and question to the reporter are the calling flow's. Raises Invalid (flow.call) for a flow that nobody
    gives or that calls itself.
    """
    given = list(flows)
    book = {each.name: each for each in given}
    return [_expanded(each, book, (each.name,)) if each.calls else each for each in given]


def _expanded(made: Flow, book: Mapping[str, Flow], chain: tuple[str, ...]) -> Flow:
    for call in made.calls:
        place = f"flow {made.name} call {call.name}"
        if call.flow in chain:
            way = " > ".join((*chain, call.flow))
            raise refuse(f"calls itself: {way}.", "call", place, "Let no flow come back to one that called it.")
        if len(chain) > DEPTH_MAX:
            raise refuse(f"stands {len(chain)} calls deep.", "call", place, f"Nest at most {DEPTH_MAX} calls.")
        if call.flow not in book:
            known = ", ".join(sorted(book))
            raise refuse(f"calls the flow {call.flow!r}, which nobody gives.", "call", place, f"Known: {known}.")
        inner = _expanded(book[call.flow], book, (*chain, call.flow))
        if inner.keeps is not None and made.keeps != inner.keeps:
            raise refuse(f"calls {call.flow!r}, which erases what it tells of a person.", "call", place,
                         "Give the calling flow the same keeps=, so that all of it is sealed.")  # fmt: skip
        if len(made.steps) + len(made.nodes) + len(inner.steps) + len(inner.nodes) > ELEMENTS_MAX:
            raise refuse(f"grows past {ELEMENTS_MAX} elements.", "size", place, "Call fewer flows.")
        made = _put_in(made, call, inner)
    check_flow(made)
    return made


def _put_in(made: Flow, call: Call, inner: Flow) -> Flow:
    """Replace one call by the elements of a flow that holds no calls itself."""
    inside = {"": ""} | {name: f"{call.name}.{name}" for name in inner.net.elements}
    before = next(arrow for arrow in inner.net.arrows if arrow.source == "").target
    after = made.net.out(call.name)[0].target
    first = inside[before]
    arrows = [replace(each, target=first) if each.target == call.name else each for each in made.net.arrows]
    arrows = [each for each in arrows if each.source != call.name]
    nodes: list[Node] = [each for each in made.nodes if each is not call]
    nodes += [_renamed_node(each, inside) for each in inner.nodes]
    follower = made.net.elements.get(after)
    parallel = isinstance(follower, Gateway) and follower.kind == "parallel"
    joined = _ends_together(inner)
    if len(inner.net.into("")) > 1 and (parallel or joined):
        # What follows a call begins once: ends that stand side by side meet, ends that exclude one another are one way,
        # also where a parallel gateway waits for all that lead to it.
        meeting = Gateway(f"{call.name}.end", "parallel" if joined else "exclusive")
        nodes.append(meeting)
        arrows.append(Arrow(meeting.name, after))
        after = meeting.name
    for each in inner.net.arrows:
        if each.source:
            arrows.append(Arrow(inside[each.source], inside[each.target] if each.target else after, each.when))
    goes_on = bool(made.net.landing(call.name)[0])
    steps = [_renamed_step(each, inner, inside, goes_on) for each in inner.steps]
    mine = [_entered_step(each, call.name, first) for each in made.steps]
    return replace(
        made,
        roles={**inner.roles, **made.roles},
        steps=(*_in_place(made, call, mine, steps),),
        nodes=tuple(nodes),
        arrows=tuple(arrows),
        figures=tuple(dict.fromkeys((*made.figures, *inner.figures))),
        clocks=(*made.clocks, *(_renamed_clock(each, call.name, inside) for each in inner.clocks)),
    )


def _ends_together(inner: Flow) -> bool:
    """Tell whether all ends of a flow stand side by side whenever it ends, so that a join before the end is sound."""
    if len(inner.net.into("")) < 2 or any(each.ends for each in inner.steps):
        return False
    meeting = Gateway("end_of_all", "parallel")
    arrows = [each if each.target else replace(each, target=meeting.name) for each in inner.net.arrows]
    try:
        check_flow(replace(inner, nodes=(*inner.nodes, meeting), arrows=(*arrows, Arrow(meeting.name, ""))))
    except Invalid:
        return False
    return True


def _in_place(made: Flow, call: Call, mine: Sequence[Step], steps: Sequence[Step]) -> list[Step]:
    """Put the steps where the call stands: behind the steps that lead to it, as lists of steps are shown in order."""
    leading = {each.name for each in made.net.before(call.name)} - made.net.reach(call.name)
    places = [place for place, each in enumerate(made.steps) if each.name in leading]
    cut = max(places, default=-1) + 1
    return [*mine[:cut], *steps, *mine[cut:]]


def _renamed_step(each: Step, inner: Flow, inside: Mapping[str, str], goes_on: bool) -> Step:
    return replace(
        each,
        name=inside[each.name],
        outcome=() if goes_on and inner.net.landing(each.name)[1] else each.outcome,
        fails=inside[each.fails] if each.fails else None,
        unless=SamePerson(inside[each.unless.step]) if each.unless else None,
        boundary=tuple(replace(timer, to=inside[timer.to]) for timer in each.boundary),
    )


def _entered_step(each: Step, call: str, first: str) -> Step:
    """Lead a timer that goes to the call to what stands there now."""
    if not any(timer.to == call for timer in each.boundary):
        return each
    return replace(each, boundary=tuple(replace(t, to=first) if t.to == call else t for t in each.boundary))


def _renamed_node(each: Node, inside: Mapping[str, str]) -> Gateway | Wait | Call:
    return replace(each, name=inside[each.name])


def _renamed_clock(each: FlowClock, call: str, inside: Mapping[str, str]) -> FlowClock:
    return replace(each, name=f"{call}.{each.name}", until=inside[each.until] if each.until else None)
