"""Where a case stands, as faces show it: every branch, and the steps with what is done, current, to do or passed by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from quanyu.engines.cases.state import CaseState
from quanyu.kernel.flow import Flow


def branch_documents(flow: Flow, case: CaseState) -> list[dict[str, Any]]:
    """Return the branches: at steps first, the leading one before all; then those that wait for an instant."""
    return [*_at_steps(flow, case), *_at_waits(flow, case)]


def _at_steps(flow: Flow, case: CaseState) -> Iterator[dict[str, Any]]:
    for token in case.tokens:
        clock = case.find_clock(f"step.{token.id}")
        yield {
            "id": token.id,
            "step": token.step,
            "title": flow.get_step(token.step).title,
            "role": token.role,
            "unit": token.unit,
            "person": token.person,
            "at": token.at,
            "due_at": clock.due if clock else None,
            "waits": False,
            "side": token.id in case.sides,
        }


def _at_waits(flow: Flow, case: CaseState) -> Iterator[dict[str, Any]]:
    for each in case.waits:
        clock = case.find_clock(f"wait.{each.id}")
        yield {
            "id": each.id,
            "step": each.node,
            "title": title_of_node(flow, each.node),
            "role": None,
            "unit": None,
            "person": None,
            "at": each.at,
            "due_at": clock.due if clock else None,
            "waits": True,
            "side": each.id in case.sides,
        }


def title_of_node(flow: Flow, name: str) -> dict[str, str]:
    """Return what an element that is no step is called."""
    node = flow.find_node(name)
    return {"zh": name, "en": name} if node is None else node.title


def clock_title(flow: Flow, name: str) -> dict[str, str] | None:
    """Return what a clock of the flow's own is called; None for those that every case has."""
    return next((each.title for each in flow.clocks if each.name == name), None)


def leading_place(flow: Flow, case: CaseState) -> tuple[str | None, dict[str, str] | None]:
    """Return name and title of where the leading branch stands; a case that only waits stands at its wait."""
    token = case.token
    if token is not None:
        return token.step, flow.get_step(token.step).title
    if case.waits:
        return case.waits[0].node, title_of_node(flow, case.waits[0].node)
    return None, None


def step_documents(flow: Flow, case: CaseState) -> Iterator[dict[str, Any]]:
    """Show the steps in the flow's order; after a step back, what lies behind it is to do again.

    A step that no branch can come to any more was passed by: its choice went another way.
    """
    standing = {token.step for token in case.tokens}
    ahead = {name for place in (*standing, *(each.node for each in case.waits)) for name in flow.net.reach(place)}
    ahead |= {join for join, _ in case.joins} | {name for join, _ in case.joins for name in flow.net.reach(join)}
    for step in flow.steps:
        done = next((each for each in reversed(case.done) if each.step == step.name), None)
        current = step.name in standing
        past = not current and step.name not in ahead and done is not None
        gone = not flow.is_row and not past and not current and step.name not in ahead
        yield {
            "name": step.name,
            "title": step.title,
            "kind": step.kind,
            "state": "current" if current else "done" if past else "passed_by" if gone else "todo",
            "at": done.at if done and past else None,
            "by": done.person if done and past else None,
        }
