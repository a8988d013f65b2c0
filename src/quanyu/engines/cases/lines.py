"""The history of a case as people read it: one line for each record about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from quanyu.engines.cases import fold
from quanyu.engines.cases.papers import NOTE_SEALED
from quanyu.engines.cases.state import Entry, Notice
from quanyu.kernel.journal import Body, Instant, Record

WORDS: Final[Mapping[str, str]] = {
    "case.opened": "open",
    "case.found": "find",
    "case.timed": "timer",
    "case.due_changed": "recount",
    "case.told": "tell",
    "case.receipt": "receipt",
    "case.disowned": "disown",
}
"""What a record says that is no action of somebody; an action's record names it."""


def lines(records: Sequence[Record]) -> Iterator[Entry]:
    """Yield a line for each record of one case, from the opening on; a historical case counts in event time."""
    opened = _said(records[0])
    state = fold.opened(opened)[1] if opened.get("historical") else None
    yield _line(records[0], opened, opened["opened_at"])
    for record in records[1:]:
        body = _said(record)
        yield _line(record, body, record.at if state is None else fold.instant_of(record, body, state))
        if state is not None:
            state = fold.changed(state, record, body)


def _said(record: Record) -> Body:
    assert record.body is not None, f"record {record.seq} of kind {record.kind} is kept for ever and has no body"
    return record.body


def _line(record: Record, body: Body, at: Instant) -> Entry:
    person = body.get("person")
    return Entry(
        seq=record.seq,
        at=at,
        actor=person["id"] if person else record.actor,
        action=WORDS.get(record.kind) or body["action"],
        step=body.get("step"),
        note=body.get("note") or body.get("reason") or "",
        files=tuple(body.get("files", ())),
        fields=_fields(record.kind, body),
        person=person,
        provenance=record.provenance,
    )


def _fields(kind: str, body: Body) -> Body:
    said = _own_fields(kind, body)
    if NOTE_SEALED in body:
        said = {**said, NOTE_SEALED: body[NOTE_SEALED]}
    # What the hub passed by itself, and which way a choice took.
    return {**said, "way": body["passed"]} if "passed" in body else said


def _own_fields(kind: str, body: Body) -> Body:
    match kind:
        case "case.found" | "case.opened" | "case.disowned":
            return {}
        case "case.timed":
            return {name: body[name] for name in ("timer", "due", "unit", "untold") if name in body}
        case "case.due_changed":
            return {name: body[name] for name in ("clock", "before", "due")}
        case "case.told" | "case.receipt":
            told = {name: body[name] for name in ("event", "receiver", "by", "error") if name in body}
            return told | ({"tries": msgspec.convert(body["notice"], Notice).tries} if "notice" in body else {})
        case _:
            return _acted(body)


def _acted(body: Body) -> Body:
    fields: Body = body.get("fields", {})
    if "other" in body:
        return {"other": body["other"]}
    if "answers" in body:
        return {"answered": list(body["answers"])}
    if body["action"] == "migrate":
        return {"from": body["from"], "to": body["to"], "map": body["map"]}
    if "moved" in body:
        return {**fields, "moved": body["moved"]}
    dispatched = body.get("dispatched", {})
    if because := body.get("because") or dispatched.get("because"):
        unit = dispatched.get("unit") or next(iter(body.get("units", {}).values()), None)
        return {**fields, "unit": unit, "because": because}
    return fields
