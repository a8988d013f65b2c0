"""The statutory clock pauses, resumes, is extended once and says how much of it is used."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.kernel.errors import Conflict, Invalid, Missing
from quanyu.kernel.time import (
    Clock,
    Limit,
    OfficialCalendar,
    calendar_days,
    calendar_months,
    due,
    format_instant,
    hours,
    minutes,
    parse_instant,
    working_days,
)

HOUR = 3_600_000_000
DAY = 24 * HOUR


def at(text: str) -> int:
    return parse_instant(f"2026-{text}:00+08:00")


def local(when: int) -> str:
    return format_instant(when, "Asia/Shanghai")[5:16]


def test_without_a_pause_the_clock_is_the_limit(china: OfficialCalendar) -> None:
    start = at("02-10T10:00")
    for limit in (hours(4), working_days(20), calendar_days(3), calendar_months(1)):
        assert Clock(start, limit).due(china) == due(start, limit, china)


def test_a_pause_moves_hours_by_the_paused_time(china: OfficialCalendar) -> None:
    clock = Clock(at("03-02T10:00"), hours(4)).paused(at("03-02T11:00"), "weather").resumed(at("03-02T13:30"))
    assert local(clock.due(china)) == "03-02T16:30"
    assert clock.left(at("03-02T14:30"), china) == 2 * HOUR
    assert clock.share_used(at("03-02T14:30"), china) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("pause", "resume", "due_at"),
    [
        ("03-03T09:00", "03-03T17:00", "03-06T00:00"),  # within one day: nothing changes
        ("03-03T09:00", "03-04T09:00", "03-07T00:00"),  # stands at the end of 3 March
        ("03-03T09:00", "03-04T00:00", "03-07T00:00"),  # resumed exactly at that end
        ("03-04T00:00", "03-04T09:00", "03-06T00:00"),  # 3 March was used to its end
        ("03-05T23:00", "03-09T08:00", "03-10T00:00"),  # over a weekend, on the last day
        ("03-06T00:00", "03-20T08:00", "03-06T00:00"),  # late already
    ],
)
def test_a_working_day_counts_unless_the_clock_stands_at_its_end(
    china: OfficialCalendar, pause: str, resume: str, due_at: str
) -> None:
    clock = Clock(at("03-02T10:00"), working_days(3)).paused(at(pause), "applicant").resumed(at(resume))
    assert local(clock.due(china)) == due_at


def test_calendar_days_pause_by_days(china: OfficialCalendar) -> None:
    clock = Clock(at("03-02T10:00"), calendar_days(3)).paused(at("03-03T09:00"), "court").resumed(at("03-10T09:00"))
    assert local(clock.due(china)) == "03-13T00:00"


def test_a_standing_clock_has_no_due_instant(china: OfficialCalendar) -> None:
    clock = Clock(at("03-02T10:00"), hours(4)).paused(at("03-02T11:00"), "weather")
    with pytest.raises(Conflict) as fault:
        clock.due(china)
    assert fault.value.code == "clock.paused"
    assert clock.stands
    assert clock.left(at("03-08T11:00"), china) == 3 * HOUR
    assert clock.share_used(at("03-08T11:00"), china) == pytest.approx(0.25)


def test_a_standing_clock_of_working_days_never_runs_out(china: OfficialCalendar) -> None:
    clock = Clock(at("03-02T10:00"), working_days(2)).paused(at("03-04T12:00"), "weather")
    assert clock.share_used(at("03-04T13:00"), china) == pytest.approx(0.5)
    assert clock.share_used(at("04-20T13:00"), china) == pytest.approx(0.5)
    assert clock.left(at("04-20T13:00"), china) > 0


def test_share_of_working_days_sleeps_on_holidays(china: OfficialCalendar) -> None:
    clock = Clock(at("02-12T10:00"), working_days(4))  # 13, 14 (a working Saturday), 24, 25 February
    assert clock.share_used(at("02-12T23:00"), china) == 0
    assert clock.share_used(at("02-13T12:00"), china) == pytest.approx(0.125)
    assert clock.share_used(at("02-15T00:00"), china) == clock.share_used(at("02-23T18:00"), china) == 0.5
    assert clock.share_used(at("02-26T00:00"), china) == 1.0
    assert clock.share_used(at("02-27T00:00"), china) == 1.25


def test_an_extension_is_granted_once(china: OfficialCalendar) -> None:
    clock = Clock(at("03-02T10:00"), working_days(3)).extended(working_days(2))
    assert local(clock.due(china)) == "03-10T00:00"
    with pytest.raises(Conflict) as fault:
        clock.extended(working_days(1))
    assert fault.value.code == "clock.already_extended"
    assert local(clock.extended(working_days(1), once=False).due(china)) == "03-11T00:00"
    assert local(Clock(at("03-02T10:00"), hours(1)).extended(minutes(30)).due(china)) == "03-02T11:30"
    assert local(Clock(at("03-02T10:00"), calendar_months(1)).extended(calendar_days(1)).due(china)) == "04-04T00:00"


def test_an_extension_of_another_kind_is_refused() -> None:
    with pytest.raises(Invalid) as fault:
        Clock(at("03-02T10:00"), working_days(3)).extended(hours(2))
    assert fault.value.code == "clock.mixed_extension"


def test_steps_out_of_order_are_refused(china: OfficialCalendar) -> None:
    clock = Clock(at("03-02T10:00"), hours(4))
    standing = clock.paused(at("03-02T11:00"), "weather")
    with pytest.raises(Invalid, match="before the clock runs"):
        clock.paused(at("03-02T09:00"), "weather")
    with pytest.raises(Invalid, match="no ground"):
        clock.paused(at("03-02T11:00"), " ")
    with pytest.raises(Conflict, match="stands already"):
        standing.paused(at("03-02T12:00"), "weather")
    with pytest.raises(Conflict, match="is running"):
        clock.resumed(at("03-02T12:00"))
    with pytest.raises(Invalid, match="before its pause"):
        standing.resumed(at("03-02T10:30"))
    with pytest.raises(Invalid, match="before the clock runs"):
        standing.resumed(at("03-02T12:00")).paused(at("03-02T11:30"), "weather")


def test_a_clock_beyond_the_calendar_is_unknown_but_counts_so_far(china: OfficialCalendar) -> None:
    clock = Clock(at("12-29T10:00"), working_days(5))
    with pytest.raises(Missing) as fault:
        clock.due(china)
    assert fault.value.details["latest_certain_day"] == "2026-12-31"
    assert clock.share_used(at("12-31T00:00"), china) == pytest.approx(0.2)


limits = st.one_of(
    st.integers(1, 500).map(hours),
    st.integers(1, 20).map(working_days),
    st.integers(1, 40).map(calendar_days),
    st.integers(1, 2).map(calendar_months),
)
offsets = st.lists(st.integers(0, 20 * DAY), max_size=6).map(sorted)


def clocked(limit: Limit, steps: list[int]) -> Clock:
    start = parse_instant("2025-01-13T09:20:00+08:00")
    clock = Clock(start, limit)
    for step in steps:
        clock = clock.resumed(start + step) if clock.stands else clock.paused(start + step, "weather")
    return clock


@given(limit=limits, steps=offsets)
def test_a_pause_never_shortens(china: OfficialCalendar, limit: Limit, steps: list[int]) -> None:
    clock = clocked(limit, steps)
    now = clock.start + 21 * DAY
    assert clock.due(china, now) >= Clock(clock.start, limit).due(china)
    longer = clock.resumed(now) if clock.stands else clock.paused(now, "x").resumed(now + 3 * DAY)
    assert longer.due(china) >= clock.due(china, now)


@given(limit=limits, steps=offsets, wait=st.integers(0, 60 * DAY))
def test_late_and_fully_used_are_the_same(china: OfficialCalendar, limit: Limit, steps: list[int], wait: int) -> None:
    clock = clocked(limit, steps)
    now = clock.start + (steps[-1] if steps else 0) + wait
    assert (clock.left(now, china) <= 0) == (clock.share_used(now, china) >= 1.0)


@given(limit=limits)
def test_the_share_reaches_one_at_the_due_instant(china: OfficialCalendar, limit: Limit) -> None:
    clock = clocked(limit, [])
    end = clock.due(china)
    assert clock.share_used(end - 1, china) < 1.0 <= clock.share_used(end, china)
    assert timedelta(microseconds=clock.left(end - 1, china)) == timedelta(microseconds=1)
