"""The report of a year about one kind of incidents, produced from records: how many, how grave, how fast reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from html import escape
from typing import Any, Literal

import msgspec
from starlette.responses import Response

from quanyu.faces.http.incident_page import META, table
from quanyu.faces.http.route import Ask, Route
from quanyu.faces.http.shown import shown
from quanyu.kernel.errors import Invalid
from quanyu.kernel.time import day_of, midnight
from quanyu.kernel.view import CaseQuery

PAGE = 500
WORDS: Mapping[str, tuple[str, str]] = {
    "title": ("年度事件报告", "Report of a year"),
    "total": ("事件总数", "Incidents"),
    "simulated": ("其中模拟", "of these simulated"),
    "open": ("未办结", "not ended"),
    "level": ("等级", "Level"),
    "unknown": ("未定级", "without a level"),
    "reported": ("已报告", "Reported"),
    "kept": ("较大以下,未报告", "Below larger, not reported"),
    "in_time": ("按时报告", "Reported in time"),
    "late": ("超时报告", "Reported late"),
    "number": ("编号", "Number"),
    "what": ("事件", "Incident"),
    "opened": ("时间", "Opened"),
    "state": ("状态", "State"),
    "report": ("报告", "Report"),
    "checksum": ("校验值(SHA-256)", "Checksum (SHA-256)"),
}


class YearlyQuery(msgspec.Struct):
    """Which kind of cases, which year (the present one otherwise), and how: as JSON or as a page to print."""

    year: int | None = None
    kind: str = "cyber_incident"
    format: Literal["json", "html"] = "json"
    lang: Literal["zh", "en"] | None = None


def yearly(ask: Ask) -> Any:
    """The report of a year, with the digests of the records that it counts."""
    year = ask.query.year or day_of(ask.hub.clock.now(), ask.zone).year
    if not 2000 <= year <= 2100:
        raise Invalid(f"Year {year} is not known.", code="incident.year", where="year", remedy="Send 2000 to 2100.")
    document = _document(ask, year)
    headers = {"Cache-Control": "private, no-cache"}
    if ask.query.format == "json":
        return Response(msgspec.json.encode(document), 200, headers, "application/json")
    text = page(shown(document, ask.zone), ask.query.lang or ask.actor.language)
    return Response(text, 200, headers, "text/html; charset=utf-8")


def _document(ask: Ask, year: int) -> dict[str, Any]:
    start, end = (midnight(date(each, 1, 1), ask.zone) for each in (year, year + 1))
    rows, seqs = [], []
    for case in _cases(ask, start, end):
        found = ask.hub.incidents.view.find(case["id"], ask.scope)
        if found is None:
            continue
        incident = found.get("incident") or {}
        reports = [_report(each) for each in found["reports"]]
        rows.append({
            "id": case["id"], "number": case["number"], "title": case["title"], "opened_at": case["opened_at"],
            "closed_at": case["closed_at"], "state": case["state"], "simulated": case["simulated"],
            "kind": incident.get("kind"), "level": incident.get("level"), "grade": incident.get("grade"),
            "figures": incident.get("figures", {}), "reports": reports,
        })  # fmt: skip
        seqs += [action["seq"] for each in (found["case"], *found["reports"]) for action in each["actions"]]
        seqs += [line["seq"] for line in found["log"]]
    states = [each["state"] for row in rows for each in row["reports"]]
    document = {
        "kind": "yearly",
        "about": ask.query.kind,
        "year": year,
        "city": dict(ask.hub.city.name),
        "exported_at": ask.hub.clock.now(),
        "exported_by": {"id": ask.actor.id, "name": ask.actor.name},
        "total": len(rows),
        "simulated": sum(row["simulated"] for row in rows),
        "open": sum(row["state"] == "open" for row in rows),
        "by_level": dict(sorted(Counter(str(row["level"] or "unknown") for row in rows).items())),
        "reported": sum(state in ("in_time", "late") for state in states),
        "in_time": states.count("in_time"),
        "late": states.count("late"),
        "kept": states.count("kept"),
        "incidents": rows,
    }
    return ask.hub.sealed(document, seqs)


def _cases(ask: Ask, start: int, end: int) -> Iterable[Mapping[str, Any]]:
    after: str | None = None
    while True:
        query = CaseQuery(
            list="all", kind=ask.query.kind, opened_from=start, opened_to=end, sort="oldest", limit=PAGE, after=after
        )
        listed = ask.hub.views.cases.query(query, ask.scope)
        yield from listed.items
        after = listed.after
        if after is None:
            return


def _report(each: Mapping[str, Any]) -> dict[str, Any]:
    """Return what became of a report: in time, late, kept below larger, or still running."""
    first = next((clock for clock in each["clocks"] if clock["name"] == "overall"), {"met": None})
    steps = {step["clock"] for step in each["steps_done"]}
    sent = bool(steps & {"step report", "step to_county"})
    ended = "kept" if each["state"] == "closed" else "running"
    state = ("late" if first["met"] is False else "in_time") if sent else ended
    receipts = [notice["receipt_at"] for notice in each["notices"]]
    return {"number": each["number"], "state": state, "due": first.get("due"), "at": first.get("stopped"),
            "receipts": sum(at is not None for at in receipts), "asked": len(receipts)}  # fmt: skip


def page(document: Mapping[str, Any], language: str) -> str:
    """Return the report as a page to print."""
    place = 0 if language == "zh" else 1

    def word(name: str) -> str:
        return WORDS[name][place]

    title = f"{word('title')} {document['year']}"
    facts = [
        (word(name), document[name]) for name in ("total", "simulated", "open", "reported", "in_time", "late", "kept")
    ]
    facts += [
        (f"{word('level')} {level if level != 'unknown' else word('unknown')}", count)
        for level, count in document["by_level"].items()
    ]
    rows = [
        (row["number"], row["title"][language], row["opened_at"], row["level"] or word("unknown"), row["state"],
         "; ".join(word(each["state"]) if each["state"] in WORDS else each["state"] for each in row["reports"]))
        for row in document["incidents"]
    ]  # fmt: skip
    columns = [word(name) for name in ("number", "what", "opened", "level", "state", "report")]
    return (
        f'<!doctype html><html lang="{"zh-CN" if place == 0 else "en"}"><head>{META}'
        f"<title>{escape(title)}</title></head><body><h1>{escape(title)}</h1>{table([], facts)}{table(columns, rows)}"
        f"<footer><p>{escape(word('checksum'))}<br><code>{document['checksum']}</code></p></footer></body></html>"
    )


ROUTES = (
    Route(method="GET", path="/api/v1/incidents/yearly", permission="view:cases", handle=yearly,
          summary="The report of a year about one kind of incidents", query=YearlyQuery),
)  # fmt: skip
