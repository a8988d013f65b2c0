"""The log of a shift as a page to print: plain tables without style or script, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

from quanyu.engines.cases.shift_log import HEADINGS, LIGHTS

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "title": ("交接班记录", "Shift hand-over"),
    "desk": ("值班席位", "Desk"),
    "period": ("时段", "Period"),
    "by": ("交班人", "Handed over by"),
    "to": ("接班人", "Taken over by"),
    "waiting": ("待接班", "not yet accepted"),
    "notes": ("交班说明", "Notes"),
    "remarks": ("接班意见", "Remarks"),
    "warnings": ("系统提醒", "Warnings"),
    "counts": ("在办情况", "Cases at hand"),
    "happened": ("本班事项", "What happened"),
    "open": ("未结事件(按剩余时间)", "Open cases by time left"),
    "none": ("无", "none"),
    "at": ("时间", "Time"),
    "number": ("编号", "Number"),
    "case": ("事件", "Case"),
    "unit": ("单位", "Unit"),
    "who": ("经办", "Done by"),
    "note": ("说明", "Note"),
    "light": ("灯色", "Light"),
    "due": ("截止", "Due"),
    "step": ("下一步", "Next step"),
    "records": ("记录序号", "Records"),
}
COUNTS: Final[Mapping[str, tuple[str, str]]] = {
    "open": ("在办", "Open"),
    "overdue": ("超期", "Overdue"),
    "approvals": ("待审批", "Waiting for a decision"),
    "returned": ("退回", "Returned"),
    "bank": ("挂账", "Problem bank"),
    "calendar": ("时限未知", "Due date unknown"),
    "unanswered": ("未回执", "Receipts missing"),
}


def page(document: Mapping[str, Any], language: str) -> str:
    """Return the page of a shift whose instants are written out already; everything that people wrote is escaped."""
    place = 0 if language == "zh" else 1

    def word(name: str) -> str:
        return escape(WORDS[name][place])

    log, names = document["log"], document["names"]
    title = f"{WORDS['title'][place]} {document['number']}"
    parts = [
        f'<!doctype html><html lang="{"zh-CN" if place == 0 else "en"}"><head><meta charset="utf-8">',
        f"<title>{escape(title)}</title></head><body><h1>{escape(title)}</h1>",
        _facts(document, place),
        f"<h2>{word('counts')}</h2>",
        _table([], ([COUNTS[name][place], count] for name, count in log["counts"].items() if name in COUNTS)),
        f"<h2>{word('happened')}</h2>",
    ]
    columns = [WORDS[name][place] for name in ("at", "number", "case", "unit", "who", "note")]
    for heading, lines in log["events"].items():
        total = log["totals"].get(heading, len(lines))
        parts.append(f"<h3>{escape(HEADINGS[heading][place])} ({total})</h3>")
        parts.append(_table(columns, (_event(line, names, place) for line in lines)))
    if not log["events"]:
        parts.append(f"<p>{word('none')}</p>")
    parts.append(f"<h2>{word('open')}</h2>")
    columns = [WORDS[name][place] for name in ("light", "due", "number", "case", "step", "unit")]
    parts.append(_table(columns, (_open(case, place) for case in log["open"])))
    parts.append(f"<h2>{word('warnings')}</h2>")
    parts.append("<ul>" + "".join(f"<li>{escape(str(each))}</li>" for each in log["warnings"]) + "</ul>")
    return "".join(parts) + "</body></html>"


def _facts(document: Mapping[str, Any], place: int) -> str:
    names = document["names"]
    accepted = document["accepted"]
    taker = WORDS["waiting"][place]
    if accepted is not None:
        taker = f"{names.get(accepted['person']['id'], accepted['person']['id'])}, {accepted['at']}"
    elif document.get("to"):
        taker = f"{names.get(document['to'], document['to'])} ({taker})"
    rows = [
        (WORDS["desk"][place], _said(document.get("desk_title"), place) or document["desk"]),
        (WORDS["period"][place], f"{document['from_at']} – {document['to_at']}"),
        (WORDS["records"][place], f"{document['after'] + 1} – {document['upto']}"),
        (WORDS["by"][place], names.get(document["person"]["id"], document["person"]["id"])),
        (WORDS["to"][place], taker),
        (WORDS["notes"][place], document["notes"] or WORDS["none"][place]),
    ]
    if accepted is not None:
        rows.append((WORDS["remarks"][place], accepted["remarks"] or WORDS["none"][place]))
    return _table([], rows)


def _event(line: Mapping[str, Any], names: Mapping[str, str], place: int) -> list[Any]:
    who = names.get(line["who"], line["who"])
    note = " ".join(str(line[name]) for name in ("word", "note") if line.get(name))
    return [line["at"], line["number"], _said(line.get("title"), place), line.get("unit", ""), who, note]


def _open(case: Mapping[str, Any], place: int) -> list[Any]:
    light = LIGHTS[case["clock"]][place]
    step = _said(case.get("step_title"), place)
    return [light, case.get("due_at", ""), case["number"], _said(case.get("title"), place), step, case.get("unit", "")]


def _said(title: Any, place: int) -> str:
    return str(title["zh" if place == 0 else "en"]) if isinstance(title, Mapping) else ""


def _table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    head = "<tr>" + "".join(f'<th scope="col">{escape(each)}</th>' for each in columns) + "</tr>" if columns else ""
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<table border="1" cellpadding="4">{head}{body}</table>'
