"""The inverse of an action: what takes back what it did, where there is such an action, and nothing where there is none.

A step that was done has none: what followed from it (notices, clocks, the next desk) stands, and a return or a reopening
is an act of its own, with a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from quanyu.kernel.journal import Body

Inverse = tuple[str, dict[str, Any]]


def inverse_of(body: Body) -> Inverse | None:
    """Return the action and the fields that take back what a record of an action says; None where nothing does."""
    made = INVERSES.get(body["action"])
    return None if made is None else made(body)


def _as_it_was(body: Body) -> Inverse:
    before = body.get("before")
    return ("assign", {"person": {"id": before}}) if before else ("release", {})


def _back(body: Body) -> Inverse | None:
    return ("assign", {"person": {"id": body["before"]}}) if "before" in body else None


INVERSES: Final[Mapping[str, Callable[[Body], Inverse | None]]] = {
    "assign": _as_it_was,
    "claim": _as_it_was,
    "release": _back,
    "pause": lambda body: ("resume", {}),
    "suspend": lambda body: ("resume", {}),
    "merge": lambda body: ("split", {}),
}
"""Actions with an inverse: who has it on the desk, standing clocks, the problem bank, one matter instead of two."""
