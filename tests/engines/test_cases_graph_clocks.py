"""Clocks of flows with branches: waits, named clocks, pauses, calendars, history."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from quanyu.engines.cases.tables import serial_of
from quanyu.engines.cases.timing import recount_commands
from quanyu.kernel.errors import Conflict
from quanyu.kernel.flow import FlowClock, Wait
from quanyu.kernel.time import hours, midnight, working_days
from tests.engines.branching import (
    close_step,
    desk_of,
    net,
    road_works,
    stands,
)
from tests.engines.casework import CALENDAR, DAY, HOUR, MORNING
from tests.engines.test_cases_graph import same_again, surveyed


def test_a_wait_counts_from_the_day_in_a_field() -> None:
    desk = desk_of(road_works())
    id = surveyed(desk, dug_on="2026-03-10")
    desk.act(id, "handler", "dig")
    desk.act(id, "street", "hear")
    clock = desk.state_of(id).find_clock("wait.4")
    assert clock is not None
    assert clock.start == midnight(date(2026, 3, 10), CALENDAR.zone)
    past = surveyed(desk, dug_on="2026-02-01")
    desk.act(past, "handler", "dig")
    desk.act(past, "street", "hear")
    assert "wait.4.over" in desk.wake()
    assert (stands(desk.state_of(id)), stands(desk.state_of(past))) == (["calm"], ["dig_again"])
    same_again(desk, past)


def test_named_clocks_start_and_stop_by_themselves() -> None:
    desk = desk_of(road_works())
    id = desk.open(flow="road_works")
    assert {clock.name for clock in desk.state_of(id).clocks} == {"overall", "answer"}
    desk.at += HOUR
    desk.act(id, "duty", "survey", fields={"size": 10, "dug_on": "2026-03-05"})
    case = desk.state_of(id)
    answer, permit = case.find_clock("answer"), case.find_clock("permit")
    assert answer is not None
    assert permit is not None
    assert answer.stopped == desk.at
    assert permit.limit == "30 calendar days"
    late = desk.open(flow="road_works")
    desk.at += 3 * HOUR
    assert {"answer.amber", "answer.red", "answer.overdue"} <= set(desk.wake())
    assert not desk.state_of(late).late


def test_a_pause_stops_every_clock_and_no_branch_moves() -> None:
    desk = desk_of(road_works())
    id = surveyed(desk)
    desk.act(id, "handler", "pause", fields={"ground": "weather"})
    assert all(clock.stands or clock.stopped for clock in desk.state_of(id).clocks)
    desk.at += 5 * DAY
    assert desk.wake() == []
    with pytest.raises(Conflict):
        desk.act(id, "street", "hear")
    desk.act(id, "handler", "resume")
    bound = next(clock for clock in desk.state_of(id).clocks if clock.name.endswith("silent"))
    assert bound.due == MORNING + 24 * HOUR + 5 * DAY
    same_again(desk, id)


def test_history_passes_waits_and_rings_no_timers() -> None:
    desk = desk_of(road_works())
    id = desk.open(flow="road_works", **{"as": "history", "at": MORNING - 9 * DAY})
    desk.act(id, "duty", "survey", fields={"size": 10})
    desk.act(id, "handler", "dig")
    desk.act(id, "street", "hear")
    assert stands(desk.state_of(id)) == ["close"]
    assert desk.timers() == []
    same_again(desk, id)


def test_a_wait_beyond_the_calendar_goes_on_once_the_calendar_knows() -> None:
    made = net([close_step()], [("", "rest"), ("rest", "close"), ("close", "")], Wait("rest", working_days(215)))
    desk = desk_of(made)
    id = desk.open(flow="f")
    assert not [name for _, _, name in desk.timers() if name.startswith("wait.")]
    desk.cases.renew(calendar=CALENDAR.with_days({date(2027, 1, 1): False}, source="test", last_day=date(2027, 12, 31)))
    for command in list(recount_commands([(serial_of(id), desk.state_of(id))], "2027 entered")):
        desk.run(command, "system:calendar")
    desk.at = int(datetime(2027, 3, 1, tzinfo=UTC).timestamp()) * 1_000_000
    assert "wait.1.over" in desk.wake()
    assert stands(desk.state_of(id)) == ["close"]
    same_again(desk, id)


def test_a_named_clock_is_not_the_cases_own() -> None:
    made = net([close_step()], [], clocks=[FlowClock("answer", hours(1))])
    desk = desk_of(made)
    id = desk.open(flow="f")
    desk.at += 2 * HOUR
    desk.wake()
    assert not desk.state_of(id).late
    desk.act(id, "duty", "close", fields={"outcome": "no_action"}, note="late, but done")
    desk.act(id, "duty", "reopen", note="again")
    answer = desk.state_of(id).find_clock("answer")
    assert answer is not None
    assert answer.start == desk.at
    same_again(desk, id)
