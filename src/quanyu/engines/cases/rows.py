"""From folded state to rows: the index that lists and counts read, the text that search reads, the next timer."""

from __future__ import annotations

from typing import Any

from quanyu.engines.cases.actions import involved
from quanyu.engines.cases.asks import write_asks
from quanyu.engines.cases.clocks import earliest
from quanyu.engines.cases.state import CaseState, Entry, Opening, encode, head_of, state_of
from quanyu.engines.cases.tables import (
    ACTION,
    DAY_CASES_MAX,
    FILE,
    FIXED_COLUMNS,
    FOLD,
    INDEX,
    NO_DUE,
    NOTICE,
    NUMBER,
    REACH,
    TEXT,
    TIMER,
    number_of,
)
from quanyu.kernel.journal import Row, State


def get_case(state: State, serial: int) -> tuple[int, CaseState] | None:
    """Return version and folded state under a serial; None when no such case was opened."""
    row = state.get(FILE, serial)
    return None if row is None else (row[1], state_of(row[4]))


def get_opening(state: State, serial: int) -> Opening:
    """Return the opening of a case that exists."""
    row = state.get(FILE, serial)
    assert row is not None, f"case {serial} has no file"
    return head_of(row[3])


def write_opened(state: State, serial: int, head: Opening, case: CaseState, entry: Entry) -> None:
    """Write all rows of a new case."""
    state.put(FILE, (serial, 1, 1, encode(head), encode(case)))
    state.put(ACTION, (serial, 1, encode(entry)))
    state.put(INDEX, (*_fixed(serial, head, case), *_moving(case)))
    state.put(TEXT, (serial, _text(serial, head)))
    day, running = divmod(serial, DAY_CASES_MAX)
    state.put(NUMBER, (day, running))
    if head.fold_key is not None:
        state.put(FOLD, (head.fold_key, serial))
    _reach(state, serial, case, set())
    write_asks(state, serial, None, case)
    _timer(state, serial, None, case)


def write_changed(state: State, serial: int, before: CaseState, case: CaseState, entry: Entry, *, bump: bool) -> None:
    """Write what a record changed; `bump` moves the version that officers' actions are checked against."""
    row = state.get(FILE, serial)
    assert row is not None, f"case {serial} has no file"
    _, version, entries, head, _ = row
    state.put(ACTION, (serial, entries + 1, encode(entry)))
    state.put(FILE, (serial, version + bump, entries + 1, head, encode(case)))
    index = state.get(INDEX, serial)
    assert index is not None, f"case {serial} has no index row"
    moving = _moving(case)
    if index[FIXED_COLUMNS:] != moving:
        state.put(INDEX, (*index[:FIXED_COLUMNS], *moving))
    _reach(state, serial, case, involved(before))
    write_asks(state, serial, before, case)
    _timer(state, serial, before, case)
    if before.notices != case.notices:
        _notices(state, serial, before, case)


def _fixed(serial: int, head: Opening, case: CaseState) -> Row:
    place = head.place or {}
    return (
        serial,
        head.kind,
        head.flow,
        head.channel,
        place.get("district"),
        place.get("grid"),
        head.asset,
        head.category,
        reporter_key(serial, head),
        place.get("lon"),
        place.get("lat"),
        int(case.historical),
        int(case.simulated),
        case.opened_at,
    )


def reporter_key(serial: int, head: Opening) -> str | None:
    """Return the person under whom a reporter finds the case: known people by id, others by the case's number."""
    if head.reporter_id is not None:
        return head.reporter_id
    return f"citizen:{number_of(serial)}" if head.reporter is not None or head.channel == "citizen" else None


def _moving(case: CaseState) -> Row:
    token, overall = case.token, case.overall
    shown = "closed" if case.merged_into is not None else case.state
    due = overall.due if shown == "open" and overall.runs else None
    return (
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


def _text(serial: int, head: Opening) -> str:
    address: Any = (head.place or {}).get("address")
    return "\n".join(each for each in (number_of(serial), *head.title.values(), head.text, address) if each)


def _reach(state: State, serial: int, case: CaseState, known: set[str]) -> None:
    for unit in sorted(involved(case) - known):
        state.put(REACH, (serial, unit))


def _notices(state: State, serial: int, before: CaseState, case: CaseState) -> None:
    waiting = {(each.event, each.receiver): each for each in case.outstanding}
    for each in before.outstanding:
        if (each.event, each.receiver) not in waiting:
            state.delete(NOTICE, serial, each.event, each.receiver)
    for key, each in waiting.items():
        state.put(NOTICE, (serial, *key, each.unit, each.told_at))


def _timer(state: State, serial: int, before: CaseState | None, case: CaseState) -> None:
    old, new = earliest(before) if before is not None else None, earliest(case)
    if old == new:
        return
    if old is not None:
        state.delete(TIMER, old[0], serial, old[1])
    if new is not None:
        state.put(TIMER, (new[0], serial, new[1]))
