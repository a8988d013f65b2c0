"""When an incident is ready to be ended, and in which order incidents are listed."""

from __future__ import annotations

from typing import Any

import pytest

from quanyu.engines.incidents.ending import ending_of
from quanyu.engines.incidents.listing import IncidentLists, IncidentQuery
from quanyu.engines.incidents.store import Incident, Resource, Response
from quanyu.kernel.errors import Invalid
from quanyu.kernel.plan import IncidentKind, PlanBook
from quanyu.kernel.view import EVERYTHING, CaseQuery, Filter, Page

STEPS = [
    {"name": "accept", "state": "done"},
    {"name": "stabilise", "state": "current"},
    {"name": "close", "state": "todo"},
]
CASE: dict[str, Any] = {"state": "open", "step": "stabilise", "step_title": {"zh": "指挥", "en": "Command"}, "role": "commander",
        "unit": None, "steps": STEPS, "next": [{"action": "stabilise"}]}  # fmt: skip
DONE, RUNNING = {"state": "closed"}, {"state": "open"}


def beside(*orders: dict[str, str], reports: tuple[dict[str, str], ...] = ()) -> dict[str, list[Any]]:
    return {"orders": list(orders), "reports": list(reports), "inquiries": [], "lessons": []}


def incident(**more: Any) -> Incident:
    return Incident(kind="fire", of="accident", handling="emergency", declared_at=0, declared_by="person:a", **more)


def test_an_incident_whose_tasks_are_all_done_can_be_ended() -> None:
    found = ending_of(CASE, incident(level=3), beside(DONE, DONE))
    assert found is not None
    assert found["ready"]
    assert found["tasks"] == {"all": 2, "open": 0}
    assert found["missing"] == []
    assert [each["name"] for each in found["steps"]] == ["stabilise", "close"]
    assert found["next"]["mine"]
    assert "可以结束" in found["zh"]


def test_one_task_that_runs_or_none_at_all_is_no_hint() -> None:
    for orders in ((), (DONE, RUNNING)):
        found = ending_of(CASE, incident(level=3), beside(*orders))
        assert found is not None
        assert not found["ready"]
    assert ending_of(CASE | {"state": "closed"}, incident(), beside(DONE)) is None


def test_what_still_stands_is_named() -> None:
    response = Response(level=3, matter="x", hours=1, measures=("x",), issue=1, at=0, by="person:a", started_at=0)
    resource = Resource(number=1, resource="x", unit="u", count=1, at=0, by="person:a")
    found = ending_of(CASE, incident(responses=(response,), resources=(resource,)), beside(DONE, reports=(RUNNING,)))
    assert found is not None
    assert [each["what"] for each in found["missing"]] == ["level", "response", "resources", "reports"]
    assert all(each["zh"] and each["en"] for each in found["missing"])
    graver = ending_of(CASE, incident(level=4, grade=2), beside(DONE))
    assert graver is not None
    assert [each["what"] for each in graver["missing"]] == ["level"]


class Book:
    """Cases in memory, as the lists ask for them; newest first, two a page at most."""

    def __init__(self, cases: list[dict[str, Any]]) -> None:
        self.cases = cases

    def query(self, query: CaseQuery, scope: Filter) -> Page:
        if query.kind == "incident_task":
            number = int(query.asset or 0)
            return Page([{"state": "closed" if each else "open"} for each in range(number % 3)], None)
        assert query.kind == "cyber_incident,incident"
        found = [each for each in self.cases if each["state"] == query.list]
        start = int(query.after or 0)
        end = start + query.limit
        return Page(found[start:end], str(end) if end < len(found) else None)

    def count(self, query: CaseQuery, scope: Filter) -> int:
        return sum(each["state"] == query.list for each in self.cases)


def lists() -> IncidentLists:
    def row(number: int, state: str) -> dict[str, Any]:
        return {"id": str(number), "number": str(number), "title": {}, "state": state, "place": None, "opened_at": number,
                "closed_at": None, "step_title": None, "lead_unit": None, "unit": "u", "simulated": False}  # fmt: skip

    cases = [row(number, "open" if number % 2 else "closed") for number in range(20, 0, -1)]
    words = {"zh": "x", "en": "x", "source": "x", "status": "unverified"}
    kinds = {case: IncidentKind(kind=case, of="accident", case=case, handling="emergency", regrade="", **words)
             for case in ("incident", "cyber_incident")}  # fmt: skip
    levels = {1: 3, 3: 1, 5: 2, 2: 4}
    get = {str(number): incident(level=level) for number, level in levels.items()}
    return IncidentLists(Book(cases), lambda: PlanBook(kinds=kinds), get.get)  # type: ignore[arg-type]


@pytest.mark.parametrize("limit", [1, 3, 7, 50])
def test_open_ones_come_first_the_gravest_first_and_no_page_repeats_or_skips(limit: int) -> None:
    found: list[int] = []
    after: str | None = None
    while True:
        page = lists().page(IncidentQuery(limit=limit, after=after), EVERYTHING)
        assert len(page.items) <= limit
        found += [int(each["id"]) for each in page.items]
        after = page.after
        if after is None:
            break
    assert found == [3, 5, 1, 19, 17, 15, 13, 11, 9, 7, *range(20, 0, -2)]
    assert lists().count(EVERYTHING) == {"open": 10, "closed": 10}


def test_a_list_is_narrowed_and_says_how_tasks_stand() -> None:
    graded = lists().page(IncidentQuery(level=4, limit=5), EVERYTHING)
    assert [each["id"] for each in graded.items] == ["2"]
    assert (graded.items[0]["tasks"], graded.items[0]["tasks_done"]) == (2, 1)
    assert graded.after is None
    assert [each["state"] for each in lists().page(IncidentQuery(list="closed"), EVERYTHING).items] == ["closed"] * 10


@pytest.mark.parametrize("after", ["x", "open:", "open:-1", "tomorrow:3"])
def test_a_cursor_that_no_page_returned_is_refused(after: str) -> None:
    with pytest.raises(Invalid) as told:
        lists().page(IncidentQuery(after=after), EVERYTHING)
    assert told.value.code == "incident.cursor"
    assert told.value.remedy
