"""Cases in a real hub: durable, woken by city time, the same after a restart and after a rebuild."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from quanyu.adapters.sqlite import cases as sqlite_cases
from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.assembly.core import CoreEngine
from quanyu.assembly.hub import Hub
from quanyu.assembly.keeping import check_home
from quanyu.engines.cases.timing import CaseTimers
from quanyu.engines.cases.views import CasesView
from quanyu.kernel.errors import Conflict
from quanyu.kernel.flow import Flow
from quanyu.kernel.journal import Command, Engine
from quanyu.kernel.view import EVERYTHING, CaseQuery
from tests.engines.branching import road_works
from tests.engines.casework import DAY, HOUR, PEOPLE, PHOTOS, make_engine
from tests.hubs import HandClock

OPEN = Command("case.open", "", {"flow": "inspect_source", "text": "工地扬尘"})


@contextmanager
def case_hub(home: Path, clock: HandClock, *flows: Flow) -> Iterator[tuple[Hub, CasesView]]:
    engines: list[Engine] = [CoreEngine(), make_engine(flows or None)]
    tables = [table for engine in engines for table in engine.tables]
    store = SqliteStore(home / "quanyu.db", tables, [sqlite_cases.SCHEMA])
    hub = Hub(home, store, engines, clock, chance=random.Random(1))
    rows = sqlite_cases.SqliteCases(store.connection, hub.upcast)
    hub.engines = engines
    hub.attach(CaseTimers(rows))
    hub.start()
    try:
        yield hub, CasesView(rows, lambda actor: PEOPLE.get(actor, []), clock.now)
    finally:
        hub.close()


def act(hub: Hub, id: str, who: str, action: str, **body: object) -> None:
    hub.commit_blocking([Command("case.act", id, {"action": action} | body)], f"person:{who}")


def settle(hub: Hub) -> None:
    asyncio.run(hub.settled(hub.last_seq))


def test_a_case_walks_through_a_hub_and_its_timers_fire_once_over_a_restart(tmp_path: Path) -> None:
    clock = HandClock()
    with case_hub(tmp_path, clock) as (hub, view):
        receipt = hub.commit_blocking([OPEN], "person:duty")
        id = receipt.outcomes[0].subject or ""
        assert id == "urn:ngsi-ld:Case:20260302-1"
        act(hub, id, "duty", "accept")
        act(hub, id, "dispatcher", "dispatch")
        clock.at += 9 * DAY
        hub.commit_blocking([OPEN], "person:duty")
        settle(hub)
        document = view.find(id, EVERYTHING)
        assert document is not None
        timers = [(record.body or {})["timer"] for record in hub.journal_read(0, 1000, {"case.timed"})]
        assert timers == ["step.3.overdue", "overall.amber", "overall.red", "overall.overdue", "overall.escalate"]
    with case_hub(tmp_path, clock) as (hub, view):
        clock.at += 60_000_000
        settle(hub)
        again = view.find(id, EVERYTHING)
        assert again is not None
        assert len(again["actions"]) == len(document["actions"])
        assert again["late"]
        act(hub, id, "handler", "inspect", files=PHOTOS, fields={"pm25": 20})
        assert view.count(CaseQuery(list="open"), EVERYTHING) == 2


def timed(hub: Hub) -> list[str]:
    names = [(record.body or {})["timer"] for record in hub.journal_read(0, 1000, {"case.timed"})]
    return [name for name in names if not name.startswith("overall.")]


def test_waits_and_timers_on_steps_fire_once_over_restarts_and_the_home_rebuilds(tmp_path: Path) -> None:
    clock = HandClock()
    command = Command("case.open", "", {"flow": "road_works", "text": "占道施工"})
    with case_hub(tmp_path, clock, road_works()) as (hub, view):
        id = hub.commit_blocking([command], "person:duty").outcomes[0].subject or ""
        act(hub, id, "duty", "survey", fields={"size": 10})
        assert [each["step"] for each in view.query(CaseQuery(), EVERYTHING).items[0]["tokens"]] == ["dig", "hear"]
    clock.at += 9 * HOUR
    with case_hub(tmp_path, clock, road_works()) as (hub, _):
        settle(hub)
        assert timed(hub) == ["bound.2.late.strike"]
    with case_hub(tmp_path, clock, road_works()) as (hub, _):
        settle(hub)
        assert timed(hub) == ["bound.2.late.strike"]
        act(hub, id, "handler", "dig")
        act(hub, id, "street", "hear")
    clock.at += 3 * DAY
    with case_hub(tmp_path, clock, road_works()) as (hub, view):
        settle(hub)
        assert timed(hub) == ["bound.2.late.strike", "wait.5.over"]
        found = view.find(id, EVERYTHING)
        assert found is not None
        assert [(each["step"], each["side"]) for each in found["tokens"]] == [("remind", True), ("close", False)]
        states = {each["name"]: each["state"] for each in found["steps"]}
        assert (states["grade"], states["rule"], states["close"]) == ("done", "passed_by", "current")
        ways = [each["fields"]["way"] for each in found["actions"] if "way" in each["fields"]]
        assert ways[-1][-1] == {"node": "choose", "to": "close"}
        report = check_home(tmp_path, hub.engines, hub.upcast)
    assert report.sound, report.faults


def test_a_refused_action_leaves_no_trace_in_the_hub(tmp_path: Path) -> None:
    with case_hub(tmp_path, HandClock()) as (hub, _):
        id = hub.commit_blocking([OPEN], "person:duty").outcomes[0].subject
        before = hub.last_seq
        with pytest.raises(Conflict) as refused:
            hub.commit_blocking([Command("case.act", id, {"action": "accept"}, expects=7)], "person:duty")
        assert refused.value.code == "case.stale"
        assert hub.last_seq == before


def test_many_openings_of_one_commit_get_their_own_numbers(tmp_path: Path) -> None:
    with case_hub(tmp_path, HandClock()) as (hub, view):
        receipt = hub.commit_blocking([OPEN] * 12, "person:duty")
        assert len({outcome.subject for outcome in receipt.outcomes}) == 12
        assert view.count(CaseQuery(text="扬尘"), EVERYTHING) == 12


def test_a_case_that_people_worked_on_is_the_same_when_it_is_rebuilt(tmp_path: Path) -> None:
    clock = HandClock()
    with case_hub(tmp_path, clock) as (hub, _):
        id = hub.commit_blocking([OPEN], "person:duty").outcomes[0].subject or ""
        act(hub, id, "duty", "accept", note="照章办理")
        act(hub, id, "duty", "comment", note="备注")
        settle(hub)
        report = check_home(tmp_path, hub.engines, hub.upcast)
    assert report.sound, report.faults
