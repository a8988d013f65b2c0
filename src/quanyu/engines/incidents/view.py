"""The read view of incidents: the case, what stands beside it, its log, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol

import msgspec

from quanyu.engines.incidents.deciding import Ground, fitting, issues_of
from quanyu.engines.incidents.ending import ending_of
from quanyu.engines.incidents.listing import IncidentLists
from quanyu.engines.incidents.store import INCIDENT, LINE, Incident, Line, incident_of, line_of
from quanyu.kernel.journal import Instant, Row, Table
from quanyu.kernel.plan import Plan
from quanyu.kernel.recovery import recovery
from quanyu.kernel.view import EVERYTHING, CaseQuery, Cases, Filter, History

BESIDE_MAX: Final = 200
HOUR_US: Final = 3_600_000_000
BEFORE_US: Final = 24 * HOUR_US
"""How far before the incident a function's last value may lie and still hold at its start."""


class Rows(Protocol):
    """Where durable rows are read by key, from any thread."""

    def fetch_shared(self, table: Table, key: Any) -> Row | None:
        """Return a row by its key."""
        ...


class IncidentsView:
    """Answers about one incident at a time; `lists` about many."""

    def __init__(self, store: Rows, cases: Cases, history: History, ground: Ground, now: Callable[[], Instant]) -> None:
        self._store, self._cases, self._history = store, cases, history
        self._ground, self._now = ground, now
        self.lists = IncidentLists(cases, lambda: ground.book, self.get)

    def kinds(self) -> list[dict[str, Any]]:
        """Return the kinds of incidents with their measures and levels."""
        rows = self._ground.thresholds
        return [
            msgspec.to_builtins(kind) | {"thresholds": [msgspec.to_builtins(row) for row in rows if row.of == kind.of]}
            for kind in self._ground.book.kinds.values()
        ]

    def get(self, id: str) -> Incident | None:
        """Return what was declared of a case; None where nothing was."""
        row = self._store.fetch_shared(INCIDENT, id)
        return None if row is None else incident_of(row)

    def find(self, id: str, scope: Filter) -> dict[str, Any] | None:
        """Return an incident with its case and everything beside it; None where its case is not to be seen."""
        case = self._cases.find(id, scope)
        if case is None:
            return None
        incident = self.get(id)
        beside = self.beside(id, scope)
        document: dict[str, Any] = {
            "id": id,
            "case": case,
            "declared": incident is not None,
            "version": None,
            **beside,
        }
        if incident is None:
            return document | {"kinds": self.kinds(), "log": []}
        plans = fitting(self._ground, incident)
        document["ending"] = ending_of(case, incident, beside)
        kind = self._ground.book.kinds.get(incident.kind)
        return document | {
            "incident": shown(incident),
            "kind": None if kind is None else msgspec.to_builtins(kind),
            "measures": self.measures(incident.of),
            "offered": [plan_document(plan) for plan in plans],
            "log": [line_document(line) for line in self.log(id, incident)],
        }

    def measures(self, of: str) -> list[dict[str, Any]]:
        """Return what a class is graded by: measure, titles, and the limit of each level (None: no source gives it)."""
        found: dict[str, dict[str, Any]] = {}
        for row in self._ground.thresholds:
            if row.of == of:
                measure = found.setdefault(
                    row.measure, {"measure": row.measure, "title": {"zh": row.zh, "en": row.en}, "levels": {}}
                )
                measure["levels"][str(row.level)] = row.at_least
        return list(found.values())

    def log(self, id: str, incident: Incident) -> list[Line]:
        """Return every line about an incident, in order."""
        rows = (self._store.fetch_shared(LINE, (id, number)) for number in range(1, incident.lines + 1))
        return [line_of(row) for row in rows if row is not None]

    def beside(self, id: str, scope: Filter) -> dict[str, list[dict[str, Any]]]:
        """Return the cases that stand beside an incident, by what they are: tasks, reports, inquiries, lessons."""
        words = {"incident_task": "orders", "incident_report": "reports", "incident_inquiry": "inquiries",
                 "incident_lesson": "lessons"}  # fmt: skip
        found: dict[str, list[dict[str, Any]]] = {word: [] for word in words.values()}
        page = self._cases.query(CaseQuery(list="all", asset=id, sort="oldest", limit=BESIDE_MAX), scope)
        for summary in page.items:
            kind = str(summary["kind"])
            word = words.get(kind, "reports" if kind.endswith("_report") else "")
            whole = self._cases.find(summary["id"], scope) if word else None
            if whole is not None:
                found[word].append(beside_document(whole, self._now()))
        return found

    def curves(self, id: str) -> list[dict[str, Any]]:
        """Return how the watched functions fell and came back, from the opening of the case to its end or now."""
        incident = self.get(id)
        case = self._cases.find(id, EVERYTHING)
        if incident is None or case is None:
            return []
        start, end = case["opened_at"], case.get("closed_at") or self._now()
        return [self._curve(each, start, end) for each in incident.functions]

    def _curve(self, watched: Any, start: Instant, end: Instant) -> dict[str, Any]:
        series = self._history.series(watched.entity, watched.attribute, start - BEFORE_US, end + 1)
        samples = [(at, value) for at, value in zip(series.at, series.value, strict=True) if value is not None]
        curve = recovery(samples, watched.normal, start, end)
        return {
            "entity": watched.entity,
            "attribute": watched.attribute,
            "title": {"zh": watched.zh, "en": watched.en},
            "normal": watched.normal,
            "unit": series.unit,
            "source": f"history: {watched.entity} {watched.attribute}",
            "provenance": series.provenance,
            "start_at": start,
            "end_at": end,
            "points": [{"at": at, "share": share} for at, share in curve.points],
            "lost_h": curve.lost_h,
            "lowest": curve.lowest,
            "hours_to": curve.hours_to,
            "gaps": [{"from": since, "to": until} for since, until in curve.gaps],
            "known": curve.known,
            "recovered": curve.recovered,
        }


def shown(incident: Incident) -> dict[str, Any]:
    """Return an incident as faces show it; `issues` is what a change of the response is checked against."""
    document: dict[str, Any] = {
        name: msgspec.to_builtins(getattr(incident, name)) for name in Incident.__struct_fields__
    }
    response = incident.response
    return document | {
        "response": None if response is None else msgspec.to_builtins(response),
        "issues": issues_of(incident),
        "graver": incident.grade is not None and (incident.level is None or incident.grade < incident.level),
    }


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return a plan with its tasks."""
    return {**msgspec.to_builtins(plan), "title": {"zh": plan.zh, "en": plan.en}}


def line_document(line: Line) -> dict[str, Any]:
    """Return a line of the log as faces show it."""
    return {"seq": line.seq, "at": line.at, "actor": line.by, "kind": line.kind, "said": line.said}


def beside_document(case: Mapping[str, Any], now: Instant) -> dict[str, Any]:
    """Return a case beside an incident: whose it is, who has acknowledged and done it, its clocks and receipts."""
    done = {action["action"]: action for action in case["actions"]}
    taken = done.get("receive")
    ended = next((action for action in reversed(case["actions"]) if action["action"] == "carry_out"), None)
    return {
        "id": case["id"],
        "number": case["number"],
        "kind": case["kind"],
        "title": case["title"],
        "text": case["text"],
        "state": case["state"],
        "step": case["step"],
        "step_title": case.get("step_title"),
        "unit": case.get("lead_unit") or case.get("unit") or ((taken or {}).get("person") or {}).get("unit"),
        "opened_at": case["opened_at"],
        "closed_at": case.get("closed_at"),
        "due_at": case.get("due_at"),
        "acknowledged_at": None if taken is None else taken["at"],
        "acknowledged_by": None if taken is None else taken["actor"],
        "done_at": None if ended is None else ended["at"],
        "done_note": "" if ended is None else ended.get("note", ""),
        "outcome": case.get("outcome"),
        "clocks": [clock_document(clock, now) for clock in case["clocks"]],
        "steps_done": list(steps_done(case)),
        "notices": case["notices"],
        "actions": [
            {
                "seq": action["seq"],
                "at": action["at"],
                "actor": action["actor"],
                "title": action["title"],
                "note": action.get("note", ""),
            }
            for action in case["actions"]
        ],
    }


def clock_document(clock: Mapping[str, Any], now: Instant) -> dict[str, Any]:
    """Return a clock with whether it was met: yes, no, or None while it runs within its limit or cannot be counted."""
    due, stopped = clock.get("due"), clock.get("stopped")
    met: bool | None = None
    if due is not None:
        if stopped is not None:
            met = stopped <= due
        elif now > due:
            met = False
    return {
        "name": clock["name"],
        "title": clock.get("title"),
        "limit": clock["limit"],
        "start": clock["start"],
        "due": due,
        "stopped": stopped,
        "met": met,
    }


def steps_done(case: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the steps that somebody did, with whether the limit of each was met: a step's timer says when it was not."""
    late = False
    for action in case["actions"]:
        timer = str(action["fields"].get("timer", "")) if action["action"] == "timer" else ""
        if timer.startswith("step.") and timer.endswith(".overdue"):
            late = True
        elif action["step"] is not None and action["step"] == action["action"]:
            yield {"clock": f"step {action['step']}", "title": action["title"], "due": None, "at": action["at"],
                   "met": not late}  # fmt: skip
            late = False
