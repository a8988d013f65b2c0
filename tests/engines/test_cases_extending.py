"""More time: asked once with a reason, given by somebody else, and counted as the law counts."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from quanyu.engines.cases.clocks import light
from quanyu.engines.cases.tables import ASK, serial_of
from quanyu.engines.cases.timing import recount_commands
from quanyu.kernel.errors import Conflict, Denied, Invalid, QuanyuError
from quanyu.kernel.flow import Flow, FlowClock, extension, fixed, flow, no_action, parameter, pause, step
from quanyu.kernel.time import Limit, calendar_days, calendar_months, format_instant, hours, parse_instant, working_days
from tests.engines.casework import (
    CALENDAR,
    DAY,
    HOUR,
    MORNING,
    PEOPLE,
    PHOTOS,
    REVIEW,
    CaseDesk,
    inspect_source,
    limits,
    make_engine,
)


def local(at: int | None) -> str:
    return format_instant(at, "Asia/Shanghai") if at is not None else "-"


def desk_of(**changes: Any) -> CaseDesk:
    return CaseDesk(make_engine([inspect_source(**changes)]))


def repair(within: Limit, longer: Limit, overall: Limit | None = None, **words: Any) -> Flow:
    """A flow of one piece of work whose holder may ask for more time."""
    work = step("repair", by="clerk", within=within, extend=extension(longer, **words), may=[pause("weather")])
    last = step("close", by="duty", outcome=[fixed, no_action])
    return flow("repair", case="repair", steps=[work, last], overall=overall or working_days(10))


def asks(desk: CaseDesk, id: str) -> list[tuple[str, str]]:
    rows = [row for (table, _), row in desk.state.rows.items() if table == ASK.name and row[0] == serial_of(id)]
    return sorted((row[1], row[2]) for row in rows)


def test_five_working_days_and_two_more_end_on_the_eleventh() -> None:
    """Opened on Monday 2 March: due after the 9th; two working days more end with Wednesday the 11th."""
    desk = desk_of(extend=extension(working_days(2)))
    id = desk.to_inspect()
    assert local(desk.state_of(id).overall.due) == "2026-03-10T00:00:00+08:00"
    desk.at += DAY
    desk.act(id, "handler", "extend", note="等待配件")
    case = desk.state_of(id)
    assert local(case.overall.due) == "2026-03-10T00:00:00+08:00", "asking stops no clock"
    assert asks(desk, id) == [("extension", "chief")]
    with pytest.raises(Conflict) as twice:
        desk.act(id, "handler", "extend", note="等待配件")
    assert twice.value.code == "case.extension_asked"

    desk.act(id, "chief", "decide_extension", fields={"decision": "granted"})
    case = desk.state_of(id)
    assert local(case.overall.due) == "2026-03-12T00:00:00+08:00"
    assert local(case.overall.amber) == "2026-03-09T21:36:00+08:00", "seven tenths of seven working days"
    assert (case.longer(case.overall), asks(desk, id)) == (("2 working days",), [])
    with pytest.raises(Conflict) as used:
        desk.act(id, "handler", "extend", note="仍缺配件")
    assert used.value.code == "case.extension_used"
    assert [record.body["action"] for record in desk.records[-2:] if record.body] == ["extend", "decide_extension"]
    assert desk.records[-1].body is not None
    (moved,) = desk.records[-1].body["moved"]
    assert (moved["clock"], local(moved["before"])) == ("overall", "2026-03-10T00:00:00+08:00")
    assert desk.state.rows == desk.replayed().rows
    assert desk.folded(id) == case


def test_a_named_clock_moves_along_only_where_its_flow_lets_it_follow() -> None:
    clocks = [
        FlowClock("treaty", working_days(6)),
        FlowClock("answer", working_days(6), follows=True),
        FlowClock("over", working_days(1), follows=True),
        FlowClock("visit", hours(90), follows=True),
    ]
    desk = desk_of(extend=extension(working_days(2)), clocks=clocks)
    id = desk.to_inspect()
    before = {clock.name: local(clock.due) for clock in desk.state_of(id).clocks}
    assert before["treaty"] == before["answer"] == "2026-03-11T00:00:00+08:00"
    desk.at += 2 * DAY
    desk.act(id, "handler", "extend", note="等待配件")
    desk.act(id, "chief", "decide_extension", fields={"decision": "granted"})
    after = {clock.name: local(clock.due) for clock in desk.state_of(id).clocks}
    assert after["answer"] == "2026-03-13T00:00:00+08:00"
    # What does not follow, is over already or counts another kind of time stays.
    assert [after[name] for name in ("treaty", "over", "visit")] == [
        before[name] for name in ("treaty", "over", "visit")
    ]
    assert desk.folded(id) == desk.state_of(id)


@pytest.mark.parametrize(
    ("within", "longer", "start", "due"),
    [
        (hours(4), hours(2), "2026-03-02T08:00:00+08:00", "2026-03-02T14:00:00+08:00"),
        (working_days(3), working_days(2), "2026-04-29T09:00:00+08:00", "2026-05-10T00:00:00+08:00"),
        (calendar_days(3), calendar_days(4), "2026-03-02T08:00:00+08:00", "2026-03-10T00:00:00+08:00"),
        (calendar_months(1), calendar_days(10), "2026-01-31T08:00:00+08:00", "2026-03-11T00:00:00+08:00"),
        (calendar_months(1), calendar_months(1), "2026-01-31T08:00:00+08:00", "2026-03-29T00:00:00+08:00"),
    ],
)
def test_each_kind_of_time_is_made_longer_by_its_own_count(within: Limit, longer: Limit, start: str, due: str) -> None:
    desk = CaseDesk(make_engine([repair(within, longer)]), at=parse_instant(start))
    id = desk.open("person:clerk", flow="repair")
    desk.act(id, "clerk", "extend", note="雨天")
    desk.act(id, "chief", "decide_extension", fields={"decision": "granted"})
    clock = desk.state_of(id).find_clock("step.1")
    assert clock is not None
    assert local(clock.due) == due


def test_a_steps_extension_moves_the_overall_clock_of_the_same_kind_and_no_other() -> None:
    for overall, moves in ((working_days(10), True), (hours(300), False)):
        desk = CaseDesk(make_engine([repair(working_days(3), working_days(2), overall)]))
        id = desk.open("person:clerk", flow="repair")
        before = desk.state_of(id).overall.due
        desk.act(id, "clerk", "extend", note="缺料")
        desk.act(id, "chief", "decide_extension", fields={"decision": "granted"})
        assert (desk.state_of(id).overall.due != before) is moves


def test_time_of_another_kind_is_not_offered() -> None:
    desk = CaseDesk(make_engine([repair(hours(4), working_days(2), hours(9))]))
    id = desk.open("person:clerk", flow="repair")
    with pytest.raises(Conflict) as refused:
        desk.act(id, "clerk", "extend", note="缺料")
    assert refused.value.code == "case.action_not_allowed"


def test_less_may_be_asked_for_but_never_more() -> None:
    desk = desk_of(extend=extension(working_days(5)))
    id = desk.to_inspect()
    for count in (6, 0, 1.5):
        with pytest.raises(Invalid) as refused:
            desk.act(id, "handler", "extend", note="等待配件", fields={"count": count})
        assert (refused.value.code, refused.value.where) == ("case.extension_length", "body.fields.count")
    desk.act(id, "handler", "extend", note="等待配件", fields={"count": 1})
    desk.act(id, "chief", "decide_extension", fields={"decision": "granted"})
    assert local(desk.state_of(id).overall.due) == "2026-03-11T00:00:00+08:00"


def test_a_request_gives_its_reason_and_a_refusal_too() -> None:
    desk = desk_of(extend=extension(working_days(2)))
    id = desk.to_inspect()
    for who, action, fields in (("handler", "extend", {}), ("chief", "decide_extension", {"decision": "refused"})):
        with pytest.raises(Invalid) as refused:
            desk.act(id, who, action, note=" ", fields=fields)
        assert refused.value.code == "case.reason_missing"
        if action == "extend":
            desk.act(id, "handler", "extend", note="等待配件")
    due = desk.state_of(id).overall.due
    desk.act(id, "chief", "decide_extension", fields={"decision": "refused"}, note="可先行处置")
    case = desk.state_of(id)
    assert (case.extension, case.extended, case.overall.due) == (None, (), due)
    desk.act(id, "handler", "extend", note="新的情况")


def test_nobody_asks_when_the_limit_is_over() -> None:
    desk = desk_of(extend=extension(working_days(2)))
    id = desk.to_inspect()
    desk.at += 9 * DAY
    with pytest.raises(Conflict) as refused:
        desk.act(id, "handler", "extend", note="等待配件")
    assert refused.value.code == "case.extension_late"


def test_an_answer_that_comes_late_counts_from_when_it_was_asked() -> None:
    """Asked in time, granted after the old due instant: the case is late no more."""
    desk = desk_of(extend=extension(working_days(5)))
    id = desk.to_inspect()
    desk.act(id, "handler", "extend", note="等待配件")
    desk.at += 9 * DAY
    desk.wake()
    assert (desk.state_of(id).late, desk.state_of(id).escalated_to) == (True, "ecology.director")
    desk.act(id, "chief", "decide_extension", fields={"decision": "granted"})
    case = desk.state_of(id)
    assert (case.late, case.escalated_to, light(case.overall, desk.at)) == (False, None, "green")
    desk.at += 30 * DAY
    assert desk.wake()[-4:] == ["overall.amber", "overall.red", "overall.overdue", "overall.escalate"]


def test_whoever_asks_does_not_answer() -> None:
    PEOPLE["person:all"] = [*PEOPLE["person:handler"], *PEOPLE["person:chief"]]
    try:
        desk = desk_of(extend=extension(working_days(2)))
        id = desk.to_inspect()
        desk.act(id, "all", "extend", note="等待配件")
        with pytest.raises(Denied) as refused:
            desk.act(id, "all", "decide_extension", fields={"decision": "granted"})
        assert refused.value.code == "case.same_person"
        desk.act(id, "chief", "decide_extension", fields={"decision": "granted"})
    finally:
        del PEOPLE["person:all"]


def test_the_flow_names_who_answers() -> None:
    desk = desk_of(extend=extension(parameter("inspect_limit"), role="check"))
    id = desk.to_inspect()
    desk.act(id, "handler", "extend", note="等待配件")
    assert asks(desk, id) == [("extension", "supervisor")]
    with pytest.raises(Denied):
        desk.act(id, "chief", "decide_extension", fields={"decision": "granted"})
    desk.act(id, "checker", "decide_extension", fields={"decision": "granted"})
    case = desk.state_of(id)
    assert case.longer(case.overall) == ("3 working days",), "the pinned parameter says how much"


def test_a_request_falls_with_its_step_and_a_reopened_case_may_ask_again() -> None:
    desk = desk_of(extend=extension(working_days(2)))
    id = desk.to_inspect()
    desk.act(id, "handler", "extend", note="等待配件")
    desk.act(id, "handler", "inspect", files=PHOTOS, fields={"pm25": 1})
    assert asks(desk, id) == []
    with pytest.raises(Conflict):
        desk.act(id, "chief", "decide_extension", fields={"decision": "granted"})
    desk.act(id, "checker", "check", fields={"passed": False}, note="不合格")
    desk.act(id, "handler", "extend", note="返工")
    desk.act(id, "chief", "decide_extension", fields={"decision": "granted"})
    desk.act(id, "handler", "inspect", files=PHOTOS, fields={"pm25": 1})
    desk.act(id, "checker", "check", fields={"passed": True})
    desk.act(id, "duty", "close", fields={"outcome": "fixed"})
    desk.at += HOUR
    desk.act(id, "duty", "reopen", note="复发")
    assert desk.state_of(id).longer(desk.state_of(id).overall) == ()
    desk.act(id, "handler", "extend", note="等待配件")


def test_more_time_outlives_a_pause_and_an_edit_of_the_calendar() -> None:
    desk = desk_of(extend=extension(working_days(2)))
    id = desk.to_inspect()
    desk.act(id, "handler", "extend", note="等待配件")
    desk.act(id, "handler", "pause", fields={"ground": "weather"})
    desk.act(id, "chief", "decide_extension", fields={"decision": "granted"})
    assert desk.state_of(id).overall.due is None, "a standing clock has no due instant"
    desk.at += 2 * DAY
    desk.act(id, "handler", "resume")
    # Seven working days from 2 March end with the 11th; the clock stood at the end of the 3rd.
    assert local(desk.state_of(id).overall.due) == "2026-03-13T00:00:00+08:00"
    desk.cases.renew(calendar=CALENDAR.with_days({date(2026, 3, 10): False}, source="test"))
    for command in recount_commands([(serial_of(id), desk.state_of(id))], "a new day off"):
        desk.run(command, "system:calendar")
    assert local(desk.state_of(id).overall.due) == "2026-03-14T00:00:00+08:00"
    assert desk.state.rows == desk.replayed().rows


def test_no_time_is_asked_for_where_nothing_waits() -> None:
    desk = desk_of(extend=extension(working_days(2)))
    id = desk.to_inspect()
    desk.act(id, "chief", "suspend", note="停工", fields=REVIEW)
    with pytest.raises(QuanyuError) as refused:
        desk.act(id, "handler", "extend", note="等待配件")
    assert refused.value.code == "case.action_not_allowed"
    plain = CaseDesk(make_engine([inspect_source()], parameters=limits()), at=MORNING)
    other = plain.to_inspect()
    with pytest.raises(Conflict):
        plain.act(other, "handler", "extend", note="等待配件")
