"""What a case waits for besides its next step, and from whom: rows that the lists of approvals and of the calendar read."""

from __future__ import annotations

from collections.abc import Iterator

from quanyu.engines.cases.extending import asked
from quanyu.engines.cases.option import ROLE_ALIASES, workable
from quanyu.engines.cases.state import CaseState
from quanyu.engines.cases.tables import ASK
from quanyu.kernel.journal import Row, State

DISPUTE = "dispute"
EXTENSION = "extension"
CALENDAR = "calendar"
"""A clock runs whose due instant the calendar does not know: the keeper of the calendar is asked."""


def asks_of(serial: int, case: CaseState) -> Iterator[Row]:
    """Yield (serial, what, role, unit, since) for each answer that is missing."""
    if not workable(case):
        return
    if case.objection is not None:
        role = case.objection.role
        yield serial, DISPUTE, ROLE_ALIASES.get(role, role), case.objection.unit, case.objection.at
    waits = asked(case)
    if waits is not None:
        yield serial, EXTENSION, waits.role, waits.unit, waits.at
    unknown = [clock.start for clock in case.clocks if clock.runs and clock.due is None]
    if unknown:
        yield serial, CALENDAR, "", None, min(unknown)


def may_ask(case: CaseState) -> bool:
    """Tell at a glance whether a case may wait for an answer; most never do."""
    if case.objection is not None or case.extension is not None:
        return True
    return None in [clock.due for clock in case.clocks]


def write_asks(state: State, serial: int, before: CaseState | None, case: CaseState) -> None:
    """Put the rows of what is missing now, and take away those of what was answered."""
    old = set() if before is None else set(asks_of(serial, before))
    new = set(asks_of(serial, case))
    for row in sorted(old - new, key=str):
        state.delete(ASK, *row[: ASK.keys])
    for row in sorted(new - old, key=str):
        state.put(ASK, row)
