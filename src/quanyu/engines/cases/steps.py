"""What steps of some meaning do to a case: the handling, a dispatch, the end."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from quanyu.engines.cases.moving import without_branches
from quanyu.engines.cases.state import CaseState, Result
from quanyu.kernel.journal import Body, Instant


def handled(state: CaseState, body: Body, at: Instant) -> bool | None:
    """Return whether the handling was in time, every round of it; None while nobody can say."""
    clock = state.find_clock(f"step.{body['left']}") or state.overall
    if clock.due is None:
        return state.handled_on_time
    return at < clock.due and state.handled_on_time is not False


def dispatched(state: CaseState, body: Body) -> dict[str, Any]:
    """Return what a dispatch changes besides branches: who answers, who helps, and whether the first choice was right."""
    unit = body["unit"]
    return {
        "units": state.units | {body["role"]: unit},
        "supports": tuple(body.get("supports", ())),
        "first_unit": state.first_unit or unit,
        "first_right": unit == state.first_unit and state.first_right if state.first_unit else True,
        "territory": "because" in body,
    }


def closed(state: CaseState, body: Body, at: Instant) -> CaseState:
    """Fold an outcome in: every branch and clock ends, and whether the limit was kept stays."""
    overall = state.overall
    due, kept_at = overall.due, overall.stopped
    return replace(
        without_branches(state, at),
        state="closed",
        late=state.late or (due is not None and (at if kept_at is None else kept_at) >= due),
        outcome=msgspec.convert(body["outcome"], Result),
        closed_at=at,
        returned_by=None,
        returned_to=None,
        returned_until=None,
        confirm_by=body.get("confirm_by"),
        confirmed="asked" if body.get("asks") else state.confirmed,
    )
