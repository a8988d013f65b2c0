"""What a timer of a branch does: a wait is over, or a timer on a step takes the step away or opens a side branch."""

from __future__ import annotations

from collections.abc import Sequence

from quanyu.engines.cases.notices import Telling
from quanyu.engines.cases.office import Office
from quanyu.engines.cases.state import CaseState
from quanyu.engines.cases.walking import Course
from quanyu.kernel.errors import Conflict
from quanyu.kernel.flow import Flow, side_way
from quanyu.kernel.journal import Body, Fact, Instant

OF_WAITS = "wait."
OF_STEPS = "bound."


def branch_moves(office: Office, flow: Flow, case: CaseState, timer: str, at: Instant) -> Body:
    """Return the moves that a timer of a branch causes; none where the side branch that it opens stands already."""
    stem, number, *rest = timer.split(".")
    id = int(number)
    if f"{stem}." == OF_WAITS:
        node = next(each.node for each in case.waits if each.id == id)
        return {"waited": id, "step": node} | Course(office, flow, case, at, left=id).leave(node).body()
    step = flow.get_step(next(token.step for token in case.tokens if token.id == id))
    bound = next(each for each in step.boundary if each.name == rest[0])
    if bound.interrupting:
        course = Course(office, flow, case, at, left=id)
        if bound.name == flow.deemed:
            course.begun_at = next(token.at for token in case.tokens if token.id == id)
        return {"left": id, "step": step.name} | course.enter(bound.to).body()
    standing = {token.step for token in case.tokens} | {each.node for each in case.waits}
    if standing & side_way(flow.net, bound.to):
        return {"step": step.name}
    return {"step": step.name} | Course(office, flow, case, at, side=True).enter(bound.to).body()


def tell_if_listed(
    telling: Telling, case: CaseState, steps: Sequence[str], at: Instant, event: str | None = None
) -> tuple[list[Fact], Body]:
    """Return the notices of steps that were passed while nobody acted, and what the record says of missing receivers.

    A city that lists no receivers is told so in the record: a timer that could not fire would stop the whole clock.
    """
    try:
        return [*telling.after(case, steps, at), *telling.of([event] if event else [], case, at)], {}
    except Conflict as fault:
        return [], {"untold": fault.details.get("event")}
