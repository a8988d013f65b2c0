"""The log of a shift: what happened in it, read from the journal, and what stands open at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from quanyu.engines.cases.tables import number_of, serial_of
from quanyu.kernel.journal import Record

KINDS: Final = ("case.opened", "case.acted", "case.timed")
"""Records that a log tells of."""

HEADINGS: Final[Mapping[str, tuple[str, str]]] = {
    "opened": ("新立案", "Opened"),
    "closed": ("结案", "Closed"),
    "reopened": ("重新打开", "Reopened"),
    "overdue": ("超期", "Overdue"),
    "escalated": ("升级督办", "Escalated"),
    "returned": ("退回", "Returned"),
    "disputed": ("提出异议", "Disputed"),
    "arbitrated": ("裁定", "Arbitrated"),
    "asked": ("申请延期", "Asked for more time"),
    "extended": ("延期审批", "More time decided"),
    "suspended": ("挂账", "Suspended"),
    "reminded": ("挂账到期复核", "Review date reached"),
    "resumed": ("恢复", "Resumed"),
    "merged": ("合并", "Merged"),
    "split": ("拆分", "Split"),
}
"""What a log tells, in the order in which it is read."""

LIGHTS: Final[Mapping[str, tuple[str, str]]] = {
    "overdue": ("超期", "Overdue"),
    "red": ("红灯", "Red"),
    "amber": ("黄灯", "Amber"),
    "green": ("绿灯", "Green"),
    "paused": ("暂停", "Paused"),
    "unknown": ("时限未知", "Due date unknown"),
    "stopped": ("停止", "Stopped"),
}
"""Lights of open cases, the most urgent first."""

LINES_MAX: Final = 2_000
"""Lines under one heading; further ones are counted and stand in the journal."""

OPEN_MAX: Final = 300
"""Open cases listed, least time left first; the others are counted."""

_TIMERS: Final = {"overall.overdue": "overdue", "overall.escalate": "escalated", "bank.review": "reminded"}
_ACTIONS: Final = {
    "return": "returned",
    "dispute": "disputed",
    "arbitrate": "arbitrated",
    "extend": "asked",
    "decide_extension": "extended",
    "suspend": "suspended",
    "resume": "resumed",
    "reopen": "reopened",
    "merge": "merged",
    "split": "split",
}

Brief = Callable[[str], Mapping[str, Any] | None]
"""Title and unit of a case by its id; None where the officer may not see it."""


def heading_of(record: Record) -> str | None:
    """Return under which heading a record stands; None for what a log leaves to the journal."""
    body = record.body
    if body is None or body.get("historical"):
        return None
    if record.kind == "case.opened":
        return "opened"
    if record.kind == "case.timed":
        return _TIMERS.get(body["timer"])
    if "outcome" in body:
        return "closed"
    if body["action"] == "confirm":
        return "reopened" if body.get("tokens") else None
    return _ACTIONS.get(body["action"])


def happened(records: Iterable[Record], brief: Brief) -> tuple[dict[str, list[dict[str, Any]]], dict[str, int]]:
    """Return the lines of a log by heading, and how many there are of each, listed or not."""
    lines: dict[str, list[dict[str, Any]]] = {}
    totals: dict[str, int] = {}
    known: dict[str, Mapping[str, Any] | None] = {}
    for record in records:
        heading = heading_of(record)
        if heading is None:
            continue
        if record.subject not in known:
            known[record.subject] = brief(record.subject)
        case = known[record.subject]
        if case is None:
            continue
        totals[heading] = totals.get(heading, 0) + 1
        if totals[heading] <= LINES_MAX:
            lines.setdefault(heading, []).append(_line(record, case))
    return {name: lines[name] for name in HEADINGS if name in lines}, {
        name: totals[name] for name in HEADINGS if name in totals
    }


def _line(record: Record, case: Mapping[str, Any]) -> dict[str, Any]:
    body = record.body or {}
    person = body.get("person") or {}
    fields = body.get("fields", {})
    word = body.get("outcome", {}).get("word") or fields.get("decision") or body.get("unit")
    line = {
        "seq": record.seq,
        "at": record.at,
        "id": record.subject,
        "number": number_of(serial_of(record.subject)),
        "title": case.get("title"),
        "unit": case.get("unit"),
        "who": person.get("id") or record.actor,
        "word": word,
        "note": body.get("note") or "",
    }
    return {name: value for name, value in line.items() if value not in (None, "")}


def standing(items: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the open cases as a log lists them: the light, the next step and whose it is."""
    names = ("id", "number", "title", "clock", "due_at", "step", "step_title", "step_due_at", "unit", "role", "person")
    return [{name: case[name] for name in names if case.get(name) is not None} for case in items]


def by_light(items: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Count open cases by light, the most urgent first."""
    counts: dict[str, int] = {}
    for case in items:
        counts[case["clock"]] = counts.get(case["clock"], 0) + 1
    return {name: counts[name] for name in LIGHTS if name in counts}
