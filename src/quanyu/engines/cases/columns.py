"""How a case lies in its row: the state that decisions work with, and the columns that lists look at.

The columns follow from the state, so they are worked out when a row is written, not with every action.
"""

from __future__ import annotations

from typing import Final

from quanyu.engines.cases.actions import involved
from quanyu.engines.cases.clocks import earliest
from quanyu.engines.cases.state import CaseState, encode, state_of
from quanyu.kernel.journal import Row

NO_DUE: Final = 2**62
"""`sort_at` of cases whose due instant is unknown or stands: behind all others."""


Live = tuple[int, int, int, bytes, CaseState, frozenset[str], bool]
"""A case as decisions and the fold work with it: serial, version, entries, seqs, state, units reached, asks.

The units are those that had to do with it, as far as is known; `asks`: it may wait for an answer (`asks.may_ask`).
"""


def written_row(live: Row) -> Row:
    """Return the row of a case as it is to be written."""
    serial, version, entries, seqs, case, _, _ = live
    return (serial, version, entries, seqs, *(earliest(case) or (None, None)), *_moving(case), encode(case))


def read_row(row: Row) -> Live:
    """Return what a written row says."""
    case = state_of(row[-1])
    return row[0], row[1], row[2], row[3], case, frozenset(involved(case)), True


def _moving(case: CaseState) -> Row:
    token, overall = case.token, case.overall
    shown = "closed" if case.merged_into is not None else case.state
    due = next_due(case) if shown == "open" and not overall.stands else None
    return (
        case.district,
        int(case.historical),
        case.severity,
        shown,
        token.step if token else None,
        token.role if token else None,
        token.unit if token else None,
        token.person if token else None,
        lead_unit(case),
        due,
        sort_at(case, due),
        int(case.state == "suspended" or overall.stands or case.objection is not None),
        int(case.late),
        case.closed_at,
        case.outcome.word if case.outcome else None,
        case.returned_by,
        case.returned_to,
        case.escalated_to,
        case.merged_into,
        case.returns,
        case.reworks,
        _flag(case.first_right),
        None if case.closed_at is None or (overall.due is None and not case.late) else int(not case.late),
        _flag(case.handled_on_time),
    )


def next_due(case: CaseState) -> int | None:
    """Return the overall due instant; of a case that has kept it, that of the step that is next to be late."""
    if case.overall.stopped is None:
        return case.overall.due
    return min((clock.due for clock in case.clocks if clock.runs and clock.due is not None), default=None)


def sort_at(case: CaseState, due: int | None) -> int:
    """Return where a case stands in a list by time left: by its due instant, in the problem bank by its review date."""
    if case.bank is not None:
        return case.bank.remind_at
    return NO_DUE if due is None else due


def lead_unit(case: CaseState) -> str | None:
    """Return the one unit that answers for the case, once it was dispatched."""
    return (case.units.get("lead") or case.first_unit) if case.first_unit else None


def _flag(value: bool | None) -> int | None:
    return None if value is None else int(value)
