"""From folded state to rows: what lists and counts read, the text that search reads, the next timer, the trail."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from quanyu.engines.cases.actions import involved
from quanyu.engines.cases.asks import asks_of, write_asks
from quanyu.engines.cases.clocks import earliest
from quanyu.engines.cases.state import CITIZEN_CHANNELS, CaseState, Opening, encode, state_of
from quanyu.engines.cases.tables import (
    BRANCH,
    DAY_CASES_MAX,
    FOLD,
    NO_DUE,
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

KNOWN_MAX: Final = 20_000
"""Folded states that are remembered by their bytes."""


class _Known(msgspec.Struct, frozen=True):
    """A state and what was worked out from it when its row was written."""

    case: CaseState
    involved: frozenset[str]
    asks: tuple[Row, ...]


_known: dict[bytes, _Known] = {}
"""By the bytes of the row, which say everything: what is remembered here can be forgotten, but never be stale."""


def _know(doc: bytes) -> _Known:
    known = _known.get(doc)
    return _remember(doc, state_of(doc)) if known is None else known


def _remember(doc: bytes, case: CaseState) -> _Known:
    if len(_known) >= KNOWN_MAX:
        _known.clear()
    known = _known[doc] = _Known(case, frozenset(involved(case)), tuple(asks_of(0, case)))
    return known


def get_case(state: State, serial: int) -> tuple[int, CaseState] | None:
    """Return version and folded state under a serial; None when no such case was opened."""
    row = state.get(ROW, serial)
    return None if row is None else (row[1], _know(row[-1]).case)


def get_timer(state: State, serial: int) -> tuple[Instant, str] | None:
    """Return the earliest pending timer of a case."""
    row = state.get(ROW, serial)
    return None if row is None or row[4] is None else (row[4], row[5])


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
    place = {"district": moving[6] if moving else None, "grid": row[5], "lon": row[9], "lat": row[10]}
    place = {name: value for name, value in place.items() if value is not None}
    return Opened(row[2], row[3], row[6], row[7], row[13], {"zh": zh, "en": en or zh}, place)


def write_opened(state: State, serial: int, head: Opening, case: CaseState, seq: int) -> None:
    """Write all rows of a new case; `seq` is the record that opened it."""
    doc = encode(case)
    known = _remember(doc, case)
    state.put(ROW, (serial, 1, 0, b"", *_timer(case), *_moving(case), doc))
    state.put(OPENING, (serial, seq, *_fixed(serial, head, case)))
    state.put(TEXT, (serial, _text(serial, head)))
    day, running = divmod(serial, DAY_CASES_MAX)
    state.put(NUMBER, (day, running))
    if head.fold_key is not None:
        state.put(FOLD, (head.fold_key, serial))
    for unit in sorted(known.involved):
        state.put(REACH, (unit, serial))
    write_asks(state, serial, None, case)
    _branches(state, serial, None, case)


def write_changed(state: State, serial: int, case: CaseState, seq: int, *, bump: bool) -> None:
    """Write what a record changed; `bump` moves the version that officers' actions are checked against."""
    row = state.get(ROW, serial)
    assert row is not None, f"case {serial} has no row"
    version, entries, seqs = row[1], row[2], row[3]
    if len(seqs) == PAGE_ENTRIES * SEQ_BYTES:
        state.put(TRAIL, (serial, entries // PAGE_ENTRIES - 1, seqs))
        seqs = b""
    seqs += seq.to_bytes(SEQ_BYTES, "big")
    before = _know(row[-1])
    doc = encode(case)
    known = _remember(doc, case)
    state.put(ROW, (serial, version + bump, entries + 1, seqs, *_timer(case), *_moving(case), doc))
    if not known.involved <= before.involved:
        for unit in sorted(known.involved - before.involved):
            state.put(REACH, (unit, serial))
    if known.asks != before.asks:
        write_asks(state, serial, before.case, case)
    if len(before.case.tokens) > 1 or len(case.tokens) > 1:
        _branches(state, serial, before.case, case)
    if before.case.notices != case.notices:
        _notices(state, serial, before.case, case)


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


def _text(serial: int, head: Opening) -> str:
    """Return every part once, whatever else repeats it."""
    address: Any = (head.place or {}).get("address")
    parts = [number_of(serial)]
    for each in (head.text, *head.title.values(), address):
        if each and not any(each in part for part in parts):
            parts.append(each)
    return "\n".join(parts)


def _notices(state: State, serial: int, before: CaseState, case: CaseState) -> None:
    waiting = {(each.event, each.receiver): each for each in case.outstanding}
    for each in before.outstanding:
        if (each.event, each.receiver) not in waiting:
            state.delete(NOTICE, serial, each.event, each.receiver)
    for key, each in waiting.items():
        state.put(NOTICE, (serial, *key, each.unit, each.told_at))


def _timer(case: CaseState) -> tuple[Instant | None, str | None]:
    return earliest(case) or (None, None)
