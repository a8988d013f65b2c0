"""Incidents in a list: the open ones first, the gravest first among them; then those that have ended, newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal

import msgspec

from quanyu.engines.incidents.store import Incident
from quanyu.kernel.errors import Invalid
from quanyu.kernel.plan import PlanBook
from quanyu.kernel.view import CaseQuery, Cases, Filter, Page

OPEN_MAX: Final = 1_000
BESIDE_MAX: Final = 200
UNGRADED: Final = 9
TASK: Final = "incident_task"


class IncidentQuery(msgspec.Struct, frozen=True):
    """Which incidents; `kind` is one of the kinds that packs declare, `place` a district, `text` words of the case."""

    list: Literal["open", "closed", "all"] = "all"
    kind: str | None = None
    place: str | None = None
    text: str | None = None
    level: int | None = None
    limit: int = 50
    after: str | None = None


class IncidentLists:
    """Lists incidents that a scope shows: their cases, with what was declared of them and how their tasks stand."""

    def __init__(self, cases: Cases, book: Callable[[], PlanBook], get: Callable[[str], Incident | None]) -> None:
        self._cases, self._book, self._get = cases, book, get

    def page(self, query: IncidentQuery, scope: Filter) -> Page:
        """Return a page; raises Invalid (incident.cursor) for a cursor that no page returned."""
        of, _, place = (query.after or "").partition(":")
        if of not in ("", "open", "closed") or (of == "open" and not place.isdigit()):
            raise Invalid(
                f"Cursor {str(query.after)[:60]!r} cannot be read.",
                code="incident.cursor",
                where="after",
                remedy="Send the cursor of the page before, unchanged, with the same query.",
            )
        items: list[dict[str, Any]] = []
        after: str | None = None
        if query.list != "closed" and of != "closed":
            found, start = self._open(query, scope), int(place or 0)
            items = found[start : start + query.limit]
            if start + query.limit < len(found):
                return Page([self._whole(each, scope) for each in items], f"open:{start + query.limit}")
        if query.list != "open":
            room = query.limit - len(items)
            if room == 0:
                return Page([self._whole(each, scope) for each in items], "closed:")
            more, after = self._ended(query, scope, place if of == "closed" else "", room)
            items += more
        return Page([self._whole(each, scope) for each in items], None if after is None else f"closed:{after}")

    def count(self, scope: Filter) -> dict[str, int]:
        """Return how many incidents are open and how many have ended."""
        query = IncidentQuery()
        return {name: self._cases.count(self._asked(query, name, 1), scope) for name in ("open", "closed")}

    def _asked(self, query: IncidentQuery, name: str, limit: int, after: str = "") -> CaseQuery:
        kinds = ",".join(sorted({each.case for each in self._book().kinds.values()}))
        return CaseQuery(
            list=name, kind=kinds, place=query.place, text=query.text or None, historical=False, sort="opened",
            limit=limit, after=after or None,
        )  # fmt: skip

    def _open(self, query: IncidentQuery, scope: Filter) -> list[dict[str, Any]]:
        found = self._kept(query, self._cases.query(self._asked(query, "open", OPEN_MAX), scope).items)
        return sorted(found, key=lambda each: (each["level"] or UNGRADED, -each["opened_at"]))

    def _ended(
        self, query: IncidentQuery, scope: Filter, after: str, room: int
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Return at most so many that have ended, and where to go on; what the query leaves out is read over."""
        items: list[dict[str, Any]] = []
        while len(items) < room:
            page = self._cases.query(self._asked(query, "closed", room - len(items), after), scope)
            items += self._kept(query, page.items)
            if page.after is None:
                return items, None
            after = page.after
        return items, after

    def _kept(self, query: IncidentQuery, cases: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        rows = (self._row(each) for each in cases)
        return [
            each
            for each in rows
            if (query.kind is None or each["kind"] == query.kind)
            and (query.level is None or each["level"] == query.level)
        ]

    def _row(self, case: Mapping[str, Any]) -> dict[str, Any]:
        incident = self._get(case["id"])
        kind = None if incident is None else self._book().kinds.get(incident.kind)
        lead = incident.plans[-1].lead if incident is not None and incident.plans else None
        return {
            "id": case["id"],
            "number": case["number"],
            "title": case["title"],
            "state": case["state"],
            "level": None if incident is None else incident.level,
            "grade": None if incident is None else incident.grade,
            "declared": incident is not None,
            "kind": None if incident is None else incident.kind,
            "kind_title": None if kind is None else {"zh": kind.zh, "en": kind.en},
            "response": incident.response.level if incident is not None and incident.response is not None else None,
            "district": (case.get("place") or {}).get("district"),
            "opened_at": case["opened_at"],
            "closed_at": case["closed_at"],
            "step_title": case["step_title"],
            "lead_unit": case["lead_unit"] or lead or case["unit"],
            "warnings": 0 if incident is None else len(incident.warnings),
            "simulated": case["simulated"],
        }

    def _whole(self, row: dict[str, Any], scope: Filter) -> dict[str, Any]:
        page = self._cases.query(
            CaseQuery(list="all", kind=TASK, asset=row["id"], sort="oldest", limit=BESIDE_MAX), scope
        )
        done = sum(each["state"] == "closed" for each in page.items)
        return row | {"tasks": len(page.items), "tasks_done": done}
