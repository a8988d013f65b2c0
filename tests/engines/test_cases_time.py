"""Time at work: timers that fire once, a calendar that ends, history judged in its own time."""

from __future__ import annotations

from datetime import date

import pytest

from quanyu.engines.cases.clocks import Timekeeper, light
from quanyu.engines.cases.tables import serial_of
from quanyu.engines.cases.timing import CaseTimers, recount_commands
from quanyu.kernel.errors import Conflict, Invalid, Missing
from quanyu.kernel.flow import flow, no_action, parameter, step
from quanyu.kernel.journal import Command
from quanyu.kernel.time import (
    Clock,
    Limit,
    calendar_days,
    calendar_months,
    format_instant,
    hours,
    parse_instant,
    working_days,
)
from tests.engines.casework import (
    CALENDAR,
    DAY,
    HOUR,
    MINUTE,
    MORNING,
    PHOTOS,
    CaseDesk,
    inspect_source,
    limits,
    make_engine,
)


@pytest.mark.parametrize(
    ("start", "count", "late"),
    [
        ("2026-02-10T09:00:00+08:00", 20, "2026-03-17T00:00:00+08:00"),
        ("2026-09-21T09:00:00+08:00", 15, "2026-10-20T00:00:00+08:00"),
        ("2026-04-29T09:00:00+08:00", 5, "2026-05-10T00:00:00+08:00"),
    ],
)
def test_due_instants_of_the_official_calendar(start: str, count: int, late: str) -> None:
    """rules.md A2: the three vectors; a duty is late at the midnight after its due day."""
    clock = Timekeeper(CALENDAR).start("overall", working_days(count), parse_instant(start), amber=0.7, red=0.9)
    assert clock.due is not None
    assert format_instant(clock.due, "Asia/Shanghai") == late


@pytest.mark.parametrize("limit", [hours(5), working_days(5), working_days(1), calendar_days(7), calendar_months(1)])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.7, 0.9])
def test_amber_is_the_instant_at_which_the_share_is_used(limit: Limit, share: float) -> None:
    start = parse_instant("2026-04-29T09:17:00+08:00")
    made = Timekeeper(CALENDAR).start("overall", limit, start, amber=share, red=1.0)
    assert made.amber is not None
    kernel = Clock(start, limit)
    assert kernel.share_used(made.amber, CALENDAR) == pytest.approx(share, abs=1e-6)
    assert kernel.share_used(made.amber - HOUR, CALENDAR) < share


def test_timers_fire_once_each_in_their_order() -> None:
    desk = CaseDesk()
    id = desk.to_inspect()
    fired: list[str] = []
    for _ in range(14 * 24):
        desk.at += HOUR
        fired += desk.wake()
    assert fired == ["step.3.overdue", "overall.amber", "overall.red", "overall.overdue", "overall.escalate"]
    case = desk.state_of(id)
    assert (case.late, case.escalated_to, desk.timers()) == (True, "ecology.director", [])
    assert desk.version_of(id) == 3, "timers do not make officers' actions stale"
    assert desk.state.rows == desk.replayed().rows


def test_a_timer_that_has_fired_or_moved_does_nothing() -> None:
    desk = CaseDesk()
    id = desk.open()
    at, _, name = desk.timers()[0]
    command = Command("case.timer", id, {"name": name, "due": at})
    with pytest.raises(Conflict) as early:
        desk.run(command, "engine:cases")
    assert early.value.code == "case.timer_early"
    desk.at = at
    assert len(desk.run(command, "engine:cases")) == 1
    assert desk.run(command, "engine:cases") == []
    assert desk.run(Command("case.timer", id, {"name": "overall.red", "due": 5}), "engine:cases") == []


class Rows:
    """The timers of a desk, as a store would give them."""

    def __init__(self, desk: CaseDesk) -> None:
        self.desk = desk

    def next_timer(self) -> int | None:
        return self.desk.timers()[0][0] if self.desk.timers() else None

    def timers_due(self, now: int, limit: int) -> list[tuple[int, int, str]]:
        return [(at, serial_of(id), name) for at, id, name in self.desk.timers() if at <= now][:limit]


def test_the_hand_of_the_clock_wakes_at_the_earliest_timer_and_after_a_restart() -> None:
    desk = CaseDesk()
    assert CaseTimers(Rows(desk)).next_wake is None
    first = desk.open()
    desk.at += MINUTE
    desk.open()
    hand = CaseTimers(Rows(desk))
    assert hand.next_wake == MORNING + 30 * MINUTE
    assert hand.wake(MORNING + 29 * MINUTE).commands == []
    (command,) = hand.wake(MORNING + 30 * MINUTE).commands
    assert (command.kind, command.subject) == ("case.timer", first)
    desk.at = MORNING + 31 * MINUTE
    desk.run(command, "engine:cases")
    again = CaseTimers(Rows(desk))
    assert [each.subject for each in again.wake(desk.at).commands] != [first]
    assert again.read([], desk.at).commands == ()


def test_beyond_the_calendar_the_due_is_unknown_and_an_edit_makes_it_known() -> None:
    desk = CaseDesk(at=parse_instant("2026-12-29T09:00:00+08:00"))
    id = desk.open()
    case = desk.state_of(id)
    assert (case.overall.due, case.overall.certain) == (None, "2026-12-31")
    assert light(case.overall, desk.at) == "unknown"
    desk.act(id, "duty", "accept")
    desk.cases.renew(calendar=CALENDAR.with_days({date(2027, 1, 1): False}, source="test", last_day=date(2027, 12, 31)))
    commands = list(recount_commands([(serial_of(id), desk.state_of(id))], "2027 entered"))
    assert [command.subject for command in commands] == [id]
    (record,) = desk.run(commands[0], "system:calendar")
    assert record.kind == "case.due_changed"
    assert record.body is not None
    assert (record.body["clock"], record.body["before"]) == ("overall", None)
    case = desk.state_of(id)
    assert case.overall.due is not None
    assert format_instant(case.overall.due, "Asia/Shanghai") == "2027-01-07T00:00:00+08:00"
    assert desk.run(commands[0], "system:calendar") == [], "a second count changes nothing"
    assert len(desk.timers()) == 1
    with pytest.raises(Missing):
        desk.run(Command("case.recount", "urn:ngsi-ld:Case:20200101-1", {"reason": "x"}), "system:calendar")


def test_a_calendar_edit_writes_one_record_for_each_clock_that_moved() -> None:
    desk = CaseDesk()
    id, plain = desk.to_inspect(), desk.open("person:clerk", flow="answer")
    desk.cases.renew(calendar=CALENDAR.with_days({date(2026, 3, 4): False}, source="test"))
    both = [(serial_of(each), desk.state_of(each)) for each in (id, plain)]
    commands = list(recount_commands(both, "a new day off"))
    assert [command.subject for command in commands] == [id], "wall-clock limits do not depend on the calendar"
    records = desk.run(commands[0], "system:calendar")
    assert [record.body and record.body["clock"] for record in records] == ["overall", "step.3"]
    assert desk.state.rows == desk.replayed().rows


def test_a_case_late_by_a_day_that_turns_out_a_holiday_is_late_no_more() -> None:
    desk = CaseDesk()
    id = desk.to_inspect()
    desk.at = MORNING + 8 * DAY
    desk.wake()
    assert desk.state_of(id).late
    desk.cases.renew(calendar=CALENDAR.with_days({date(2026, 3, day): False for day in (4, 5)}, source="test"))
    desk.run(Command("case.recount", id, {"reason": "corrected"}), "system:calendar")
    case = desk.state_of(id)
    assert (case.late, case.escalated_to) == (False, None)
    desk.at += 4 * DAY
    assert desk.wake() == ["overall.amber", "overall.red", "overall.overdue", "overall.escalate"]


def test_a_clock_keeps_the_law_of_its_start_unless_the_parameter_is_pending() -> None:
    for applies, after in (("start", "3 working days"), ("pending", "8 working days")):
        desk = CaseDesk(make_engine(parameters=limits(applies=applies)))
        id = desk.to_inspect()
        clock = desk.state_of(id).find_clock("step.3")
        assert clock is not None
        assert clock.limit == "3 working days"
        desk.cases.renew(parameters=limits("8 working days", applies))
        desk.run(Command("case.recount", id, {"reason": "new law"}), "system:parameters")
        clock = desk.state_of(id).find_clock("step.3")
        assert clock is not None
        assert clock.limit == after
        desk.act(id, "handler", "return", note="x")
        desk.act(id, "dispatcher", "dispatch")
        clock = desk.state_of(id).find_clock("step.5")
        assert clock is not None
        assert clock.limit == after


def test_a_flow_whose_parameter_is_not_in_force_opens_no_case() -> None:
    desk = CaseDesk(at=parse_instant("2019-12-31T09:00:00+08:00"))
    with pytest.raises(Missing) as refused:
        desk.open()
    assert refused.value.code == "parameter.outside_validity"
    lost = flow("lost", case="c", overall=parameter("nowhere"), steps=[step("close", by="duty", outcome=[no_action])])
    with pytest.raises(Missing):
        CaseDesk(make_engine([lost])).open(flow="lost")


def test_escalation_may_wait() -> None:
    engine = make_engine([inspect_source(escalate_after=working_days(5), overall=hours(24))])
    desk = CaseDesk(engine)
    id = desk.open()
    due, escalate = desk.state_of(id).overall.due, desk.state_of(id).overall.escalate
    assert due == MORNING + DAY
    assert escalate is not None
    assert format_instant(escalate, "Asia/Shanghai") == "2026-03-11T00:00:00+08:00"
    desk.at = due
    assert "overall.overdue" in desk.wake()
    assert desk.state_of(id).escalated_to is None
    desk.at = escalate
    assert desk.wake() == ["overall.escalate"]


def test_history_is_judged_in_its_own_time_and_wakes_nobody() -> None:
    desk = CaseDesk()
    past = MORNING - 60 * DAY
    id = desk.find(**{"as": "history", "from": past, "to": past + 3 * HOUR})
    assert id == "urn:ngsi-ld:Case:20260101-1"
    case = desk.state_of(id)
    assert (case.historical, case.opened_at, case.late, desk.timers()) == (True, past, False, [])
    assert (case.seen_at, case.findings_ended_at) == (past + 3 * HOUR, past + 3 * HOUR)
    assert light(case.overall, case.seen_at) == "green"
    assert all(record.body and record.body.get("historical") for record in desk.records if record.kind[:4] == "case")
    long = desk.find(**{"as": "history", "from": past + DAY, "to": past + 30 * DAY})
    assert long == id
    assert desk.state_of(id).late, "event time passed the due instant while the finding lasted"
    later = desk.find(**{"as": "history", "from": past + 40 * DAY, "to": past + 41 * DAY})
    assert later != id
    live = desk.find()
    assert live not in (id, later), "history and the present are two cases"


def test_historical_actions_tell_their_own_time_in_order() -> None:
    desk = CaseDesk()
    past = MORNING - 60 * DAY
    id = desk.open(**{"as": "history", "at": past})
    desk.act(id, "duty", "accept", at=past + HOUR)
    with pytest.raises(Invalid) as refused:
        desk.act(id, "dispatcher", "dispatch", at=past)
    assert (refused.value.code, refused.value.details["earliest"]) == ("case.event_time", past + HOUR)
    with pytest.raises(Invalid):
        desk.act(id, "dispatcher", "dispatch", at=MORNING + DAY)
    desk.act(id, "dispatcher", "dispatch")
    desk.act(id, "handler", "inspect", at=past + 2 * DAY, files=PHOTOS, fields={"pm25": 1})
    desk.act(id, "checker", "check", fields={"passed": True})
    desk.act(id, "duty", "close", fields={"outcome": "fixed"})
    case = desk.state_of(id)
    assert (case.closed_at, case.late, case.confirm_by) == (past + 2 * DAY, False, None)
    assert desk.folded(id) == case
    assert desk.state.rows == desk.replayed().rows
    live = desk.open()
    with pytest.raises(Invalid):
        desk.act(live, "duty", "accept", at=past)


def test_simulated_cases_say_so() -> None:
    desk = CaseDesk()
    body = {"flow": "inspect_source", "text": "x", "channel": "simulation"}
    desk.run(Command("case.open", "", body, provenance="simulated:governance/grid"), "simulation:grid")
    assert desk.state_of("urn:ngsi-ld:Case:20260302-1").simulated
