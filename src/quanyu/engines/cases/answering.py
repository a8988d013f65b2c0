"""The fold of applications: what was answered, contradicted and proven, and what a draft leaves behind."""

from __future__ import annotations

from msgspec.structs import replace

from quanyu.engines.cases.state import CaseState
from quanyu.kernel.journal import Body, Instant


def saved(state: CaseState, body: Body, at: Instant) -> CaseState:
    """Fold answers in: each takes the place of what was said before to the same question."""
    return pinned(replace(state, answers=state.answers | body["answers"]), body)


def contradicted(state: CaseState, body: Body, at: Instant) -> CaseState:
    """Fold in what the applicant says is not right in a register."""
    return pinned(replace(state, contradicted=tuple(body["contradicted"])), body)


def proven(state: CaseState, body: Body, at: Instant) -> CaseState:
    """Fold in whose application it is."""
    return replace(state, subjects=state.subjects | body["subjects"])


def pinned(state: CaseState, body: Body) -> CaseState:
    """Note the version of the form of a step that had none."""
    return replace(state, forms=state.forms | body["forms"]) if "forms" in body else state


def forgotten(state: CaseState, body: Body) -> CaseState:
    """Leave nothing of a draft that came to nothing."""
    return replace(state, answers={}, contradicted=()) if body.get("draft") else state
