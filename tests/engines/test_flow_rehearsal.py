"""A flow or a limit over past cases: who would have been due when, who late, and which steps come and go."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from quanyu.engines.cases.office import Office
from quanyu.engines.cases.rehearse import FlowRehearsal
from quanyu.engines.cases.state import Opening
from quanyu.kernel.flow import Flow, parameter, step
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.time import hours, minutes, working_days
from tests.engines.casework import CALENDAR, DAY, HOUR, MORNING, CaseDesk, inspect_source, limits


def office(limit: str = "3 working days") -> Office:
    return Office([], limits(limit), CALENDAR, lambda _: ())


def opening() -> Opening:
    return Opening(kind="alarm", flow="inspect_source", title={"zh": "扬尘", "en": "Dust"}, channel="console")


def rehearsed(
    desk: CaseDesk, ids: list[str], before: Flow, after: Flow, now: int, limit: str = "3 working days"
) -> Any:
    rehearsal = FlowRehearsal((office(), before), (office(limit), after), now)
    for id in ids:
        rehearsal.see((id, opening(), desk.state_of(id)))
    return rehearsal.outcome()


def test_a_shorter_limit_makes_an_open_case_late() -> None:
    desk = CaseDesk()
    id = desk.open()
    found = rehearsed(desk, [id], inspect_source(), inspect_source(overall=hours(2)), MORNING + 3 * HOUR)
    assert (found["cases"], found["open"]) == (1, 1)
    assert found["late"] == {"before": 0, "after": 1}
    assert found["turned_late"] == {"count": 1, "examples": [id]}
    assert found["due_moved"]["count"] == 1
    assert found["due_moved"]["examples"][0]["after_at"] == MORNING + 2 * HOUR
    longer = rehearsed(desk, [id], inspect_source(overall=hours(2)), inspect_source(), MORNING + 3 * HOUR)
    assert longer["no_longer_late"] == {"count": 1, "examples": [id]}


def test_a_clock_that_stands_is_left_as_it_is_and_pauses_are_counted() -> None:
    desk = CaseDesk()
    id = desk.open()
    desk.act(id, "duty", "accept")
    desk.act(id, "dispatcher", "dispatch", fields={"unit": "ecology.enforcement"})
    desk.act(id, "handler", "pause", fields={"ground": "weather"}, note="暴雨")
    short = inspect_source(overall=hours(2))
    found = rehearsed(desk, [id], inspect_source(), short, MORNING + 5 * HOUR)
    assert found["unknown"] == {"before": 1, "after": 1}
    desk.at += 4 * HOUR
    desk.act(id, "handler", "resume")
    found = rehearsed(desk, [id], inspect_source(), short, MORNING + 5 * HOUR)
    assert found["late"]["after"] == 0, "four hours of rain do not count"
    assert rehearsed(desk, [id], inspect_source(), short, MORNING + 7 * HOUR)["late"]["after"] == 1


def test_steps_that_come_and_go_and_a_step_limit_that_is_missed() -> None:
    desk = CaseDesk()
    ids = [desk.open(), desk.open()]
    desk.at += 20 * 60_000_000
    desk.act(ids[0], "duty", "accept")
    flow = inspect_source()
    steps = [each for each in flow.steps if each.name not in ("accept", "check")]
    quick = step("accept", by="duty", within=minutes(10))
    other = inspect_source()
    after = Flow(**{name: getattr(other, name) for name in other.__struct_fields__} | {
        "steps": (quick, step("register", by="duty"), *steps)
    })  # fmt: skip
    found = rehearsed(desk, ids, flow, after, desk.at)
    assert found["new_steps"] == ["register"]
    assert found["gone_steps"] == [{"step": "check", "standing": 0}]
    [accept] = found["steps"]
    assert accept == {
        "step": "accept",
        "limit": {"before": "30 minutes", "after": "10 minutes"},
        "done": 1,
        "late": {"before": 0, "after": 1},
    }


def test_open_cases_that_could_not_move_to_the_new_version_say_why() -> None:
    desk = CaseDesk()
    ids = [desk.open(), desk.open(), desk.open()]
    desk.act(ids[0], "duty", "accept")
    desk.act(ids[1], "duty", "accept")
    old = inspect_source()
    parts = {name: getattr(old, name) for name in old.__struct_fields__}
    new = Flow(**parts | {"steps": tuple(each for each in old.steps if each.name != "accept")})
    rehearsal = FlowRehearsal((office(), old), (office(), new), desk.at, lambda digest: old)
    for id in ids:
        rehearsal.see((id, opening(), desk.state_of(id)))
    moves = rehearsal.outcome()["moves"]
    assert (moves["can"], moves["cannot"]) == (2, 1)
    assert [(why["code"], why["count"], why["case"]) for why in moves["why"]] == [("case.migrate_place", 1, ids[2])]


def test_a_flow_that_is_new_is_compared_with_the_cases_as_they_are() -> None:
    desk = CaseDesk()
    id = desk.open()
    new = inspect_source(overall=working_days(1))
    rehearsal = FlowRehearsal((office(), None), (office(), new), MORNING + DAY)
    rehearsal.see((id, opening(), desk.state_of(id)))
    found = rehearsal.outcome()
    assert found["new_steps"] == [each.name for each in new.steps]
    assert found["due_moved"]["count"] == 1
    [moved] = found["due_moved"]["examples"]
    assert moved["before_at"] == desk.state_of(id).overall.due


def test_a_parameter_without_a_value_on_the_day_leaves_the_clock_as_it_is() -> None:
    desk = CaseDesk()
    id = desk.open()
    flow = inspect_source(overall=parameter("inspect_limit"))
    young = limits()
    [row] = young
    young = Parameters([replace(row, valid_from=date(2030, 1, 1))])
    nowhere = Office([], young, CALENDAR, lambda _: ())
    rehearsal = FlowRehearsal((office(), flow), (nowhere, flow), MORNING + DAY)
    rehearsal.see((id, opening(), desk.state_of(id)))
    [moved] = rehearsal.outcome()["due_moved"]["examples"]
    assert moved["after_at"] == desk.state_of(id).overall.due


@given(st.lists(st.integers(0, 100), max_size=8), st.integers(1, 80), st.integers(1, 80))
def test_the_longer_limit_is_never_the_later_one(ages: list[int], shorter: int, longer: int) -> None:
    desk = CaseDesk()
    ids = []
    for age in sorted(ages, reverse=True):
        desk.at = MORNING + (100 - age) * HOUR
        ids.append(desk.open())
    shorter, longer = sorted((shorter, longer))
    flows = inspect_source(overall=hours(shorter)), inspect_source(overall=hours(longer))
    found = rehearsed(desk, ids, *flows, MORNING + 100 * HOUR)
    assert found["turned_late"]["count"] == 0
    assert found["late"]["before"] == sum(age > shorter for age in ages)
    assert found["late"]["after"] == sum(age > longer for age in ages)
    assert found["late"]["before"] - found["late"]["after"] == found["no_longer_late"]["count"]
    assert found["amber"]["after"] >= found["red"]["after"] >= found["late"]["after"]
