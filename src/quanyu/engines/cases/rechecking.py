"""A re-check is somebody else's: whoever did the work, in any round or in a case that was merged in, does not judge it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from quanyu.engines.cases.state import CaseState
from quanyu.kernel.flow import Step

MERGED_MAX: Final = 1000
"""Cases looked through behind one; a bundle as large is nobody's single piece of work."""


def doers(case: CaseState, step: str, find: Callable[[int], CaseState | None]) -> set[str]:
    """Return everybody who did a step in this case or in one that was merged into it; `find` reads a case by serial."""
    found = {done.person for done in case.done if done.step == step}
    waiting, seen = list(case.merged), set[int]()
    while waiting and len(seen) < MERGED_MAX:
        serial = waiting.pop()
        other = None if serial in seen else find(serial)
        seen.add(serial)
        if other is not None:
            found |= {done.person for done in other.done if done.step == step}
            waiting += other.merged
    return found


def own_work(case: CaseState, step: Step, person: str, find: Callable[[int], CaseState | None]) -> bool:
    """Whether a step would have somebody judge what the same person did."""
    return step.unless is not None and person in doers(case, step.unless.step, find)
