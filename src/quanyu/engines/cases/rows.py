"""From folded state to rows: what lists and counts read, the text that search reads, the next timer, the trail."""

from __future__ import annotations

from typing import Any

import msgspec

from quanyu.engines.cases.actions import involved
from quanyu.engines.cases.asks import may_ask, write_asks
from quanyu.engines.cases.clocks import earliest
from quanyu.engines.cases.columns import lead_unit as lead_unit
from quanyu.engines.cases.columns import sort_at as sort_at
from quanyu.engines.cases.owning import write_owners
from quanyu.engines.cases.state import CITIZEN_CHANNELS, CaseState, Opening
from quanyu.engines.cases.tables import (
    BRANCH,
    DAY_CASES_MAX,
    FOLD,
    NOTICE,
    NUMBER,
    OPENING,
    PAGE_ENTRIES,
    REACH,
    ROW,
    SEQ_BYTES,
    TEXT,
    TRAIL,
    number_of,
)
from quanyu.kernel.journal import Instant, Row, State


def get_case(state: State, serial: int) -> tuple[int, CaseState] | None:
    """Return version and folded state under a serial; None when no such case was opened."""
    row = state.get(ROW, serial)
    return None if row is None else (row[1], row[4])


def get_timer(state: State, serial: int) -> tuple[Instant, str] | None:
    """Return the earliest pending timer of a case."""
    row = state.get(ROW, serial)
    return None if row is None else earliest(row[4])


class Opened(msgspec.Struct, frozen=True):
    """What decisions need of an opening; the rest, the address included, is in its record."""

    kind: str
    flow: str
    asset: str | None
    category: str | None
    fold_key: str | None
    title: dict[str, str]
    place: dict[str, Any]


def get_opening(state: State, serial: int) -> Opened:
    """Return what was said at the opening of a case that exists."""
    row = state.get(OPENING, serial)
    assert row is not None, f"case {serial} was not opened"
    zh, _, en = row[14].partition("\n")
    moving = state.get(ROW, serial)
    place = {"district": moving[4].district if moving else None, "grid": row[5], "lon": row[9], "lat": row[10]}
    place = {name: value for name, value in place.items() if value is not None}
    return Opened(row[2], row[3], row[6], row[7], row[13], {"zh": zh, "en": en or zh}, place)


def write_opened(state: State, serial: int, head: Opening, case: CaseState, seq: int) -> None:
    """Write all rows of a new case; `seq` is the record that opened it."""
    reached, asks = frozenset(involved(case)), may_ask(case)
    state.put(ROW, (serial, 1, 0, b"", case, reached, asks))
    state.put(OPENING, (serial, seq, *_fixed(serial, head, case)))
    state.put(TEXT, (serial, _text(serial, head)))
    day, running = divmod(serial, DAY_CASES_MAX)
    state.put(NUMBER, (day, running))
    if head.fold_key is not None:
        state.put(FOLD, (head.fold_key, serial))
    for unit in sorted(reached):
        state.put(REACH, (unit, serial))
    if asks:
        write_asks(state, serial, None, case)
    if len(case.tokens) > 1:
        _branches(state, serial, None, case)
    if case.subjects:
        write_owners(state, serial, None, case)


def _within(reached: frozenset[str], before: CaseState, case: CaseState) -> bool:
    """Tell at a glance that a record brought no unit in: only its branches moved, to units that were there."""
    for token in case.tokens:
        if token.unit and token.unit not in reached:
            return False
    return (
        case.units is before.units
        and case.supports is before.supports
        and case.notices is before.notices
        and case.first_unit == before.first_unit
        and case.returned_by == before.returned_by
        and case.escalated_to == before.escalated_to
    )


def write_changed(state: State, live: Row, case: CaseState, seq: int, *, bump: bool) -> None:
    """Write what a record changed of a case; `bump` moves the version that officers' actions are checked against."""
    serial, version, entries, seqs, before, reached, asked = live
    if len(seqs) == PAGE_ENTRIES * SEQ_BYTES:
        state.put(TRAIL, (serial, entries // PAGE_ENTRIES - 1, seqs))
        seqs = b""
    seqs += seq.to_bytes(SEQ_BYTES, "big")
    if not _within(reached, before, case):
        units = involved(case)
        for unit in sorted(units - reached):
            state.put(REACH, (unit, serial))
        reached = reached.union(units)
    asks = may_ask(case)
    state.put(ROW, (serial, version + bump, entries + 1, seqs, case, reached, asks))
    if asked or asks:
        write_asks(state, serial, before, case)
    if len(before.tokens) > 1 or len(case.tokens) > 1:
        _branches(state, serial, before, case)
    if before.notices != case.notices:
        _notices(state, serial, before, case)
    if before.subjects:
        write_owners(state, serial, before, case)
    elif case.subjects:
        write_owners(state, serial, None, case)


def _branches(state: State, serial: int, before: CaseState | None, case: CaseState) -> None:
    """Put a row for each branch behind the leading one, which stands in the row of the case."""
    old = () if before is None else before.tokens[1:]
    new = case.tokens[1:]
    for token in old:
        if all(token.id != each.id for each in new):
            state.delete(BRANCH, serial, token.id)
    for token in new:
        if token not in old:
            state.put(BRANCH, (serial, token.id, token.role, token.unit, token.person))


def _fixed(serial: int, head: Opening, case: CaseState) -> Row:
    place = head.place or {}
    return (
        head.kind,
        head.flow,
        head.channel,
        place.get("grid"),
        head.asset,
        head.category,
        reporter_key(serial, head),
        place.get("lon"),
        place.get("lat"),
        int(case.simulated),
        case.opened_at,
        head.fold_key,
        _title(head.title),
    )


def _title(title: dict[str, str]) -> str:
    zh, en = (" ".join(title[language].split("\n")) for language in ("zh", "en"))
    return zh if zh == en else f"{zh}\n{en}"


def reporter_key(serial: int, head: Opening) -> str | None:
    """Return the person under whom a reporter finds the case: known people by id, others by the case's number."""
    if head.reporter_id is not None:
        return head.reporter_id
    return f"citizen:{number_of(serial)}" if head.reporter is not None or head.channel in CITIZEN_CHANNELS else None


def _text(serial: int, head: Opening) -> str:
    """Return every part once, whatever else repeats it."""
    address: Any = (head.place or {}).get("address")
    found = number_of(serial)
    for each in (head.text, *head.title.values(), address):
        if each and each not in found:
            found = f"{found}\n{each}"
    return found


def _notices(state: State, serial: int, before: CaseState, case: CaseState) -> None:
    waiting = {(each.event, each.receiver): each for each in case.outstanding}
    for each in before.outstanding:
        if (each.event, each.receiver) not in waiting:
            state.delete(NOTICE, serial, each.event, each.receiver)
    for key, each in waiting.items():
        state.put(NOTICE, (serial, *key, each.unit, each.told_at))
