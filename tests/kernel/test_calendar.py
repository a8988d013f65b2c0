"""The official calendar gives the dates that Monday-to-Friday counting gets wrong, and refuses what it cannot know."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.time import (
    DayLimit,
    OfficialCalendar,
    calendar_days,
    calendar_months,
    day_of,
    due,
    due_day,
    format_instant,
    hours,
    instant,
    midnight,
    minutes,
    moment,
    parse_calendar,
    parse_instant,
    working_days,
)

SHANGHAI = "Asia/Shanghai"
HEAD = "day,kind,name,source,status\n"


@pytest.mark.parametrize(
    ("start", "limit", "last"),
    [
        # rules.md A2, computed with the official calendar
        (date(2026, 2, 10), working_days(20), date(2026, 3, 16)),
        (date(2026, 9, 21), working_days(15), date(2026, 10, 19)),
        (date(2026, 4, 29), working_days(5), date(2026, 5, 9)),
        (date(2026, 3, 1), calendar_days(3), date(2026, 3, 4)),
        (date(2026, 1, 31), calendar_months(1), date(2026, 2, 28)),
        (date(2024, 1, 31), calendar_months(1), date(2024, 2, 29)),
        (date(2026, 11, 30), calendar_months(3), date(2027, 2, 28)),
    ],
)
def test_due_days(china: OfficialCalendar, start: date, limit: DayLimit, last: date) -> None:
    assert due_day(start, limit, china) == last
    at = midnight(start, SHANGHAI) + 10 * 3_600_000_000
    assert due(at, limit, china) == midnight(last + timedelta(days=1), SHANGHAI)


def test_hours_pay_no_heed_to_the_calendar(china: OfficialCalendar) -> None:
    start = parse_instant("2026-12-31T23:30:00+08:00")
    assert format_instant(due(start, hours(4), china), SHANGHAI) == "2027-01-01T03:30:00+08:00"
    assert due(start, minutes(240), china) == due(start, hours(4), china)


def test_a_start_just_before_midnight_loses_the_day(china: OfficialCalendar) -> None:
    late = due(parse_instant("2026-03-02T23:59:59+08:00"), working_days(1), china)
    early = due(parse_instant("2026-03-03T00:00:00+08:00"), working_days(1), china)
    assert format_instant(late, SHANGHAI) == "2026-03-04T00:00:00+08:00"
    assert format_instant(early, SHANGHAI) == "2026-03-05T00:00:00+08:00"


def test_the_shipped_calendar_knows_its_years_and_sources(china: OfficialCalendar) -> None:
    assert (china.first_day, china.last_certain_day) == (date(2004, 1, 1), date(2026, 12, 31))
    compared = {2024, 2025, 2026}
    assert {each.year: each.status for each in china.sources} == {
        year: "verified" if year in compared else "unverified" for year in range(2004, 2027)
    }
    assert not china.is_working_day(date(2026, 10, 1))
    assert china.is_working_day(date(2026, 5, 9))  # a working Saturday
    assert not china.is_working_day(date(2026, 5, 10))


def test_working_days_beyond_the_calendar_are_refused(china: OfficialCalendar) -> None:
    with pytest.raises(Missing) as fault:
        due(parse_instant("2026-12-30T09:00:00+08:00"), working_days(2), china)
    assert fault.value.code == "calendar.unknown_day"
    assert fault.value.details["latest_certain_day"] == "2026-12-31"
    with pytest.raises(Missing):
        china.is_working_day(date(2027, 1, 1))
    with pytest.raises(Missing):
        china.is_working_day(date(2003, 12, 31))


def test_an_edit_changes_the_due_day_and_names_its_source(china: OfficialCalendar) -> None:
    edited = china.with_days({date(2026, 3, 16): False, date(2026, 3, 14): True}, source="市政府通知")
    assert due_day(date(2026, 2, 10), working_days(20), edited) == date(2026, 3, 14)
    assert edited.sources[-1].source == "市政府通知"
    assert edited.sources[-1].status == "unverified"
    assert due_day(date(2026, 2, 10), working_days(20), china) == date(2026, 3, 16)
    back = edited.with_days({date(2026, 3, 16): True, date(2026, 3, 14): False}, source="更正")
    assert (back.holidays, back.workdays) == (china.holidays, china.workdays)


def test_a_simulated_year_extends_what_is_known(china: OfficialCalendar) -> None:
    longer = china.with_days({date(2027, 1, 1): False}, source="demo", status="simulated", last_day=date(2027, 12, 31))
    assert due_day(date(2026, 12, 31), working_days(1), longer) == date(2027, 1, 4)
    assert [each.status for each in longer.sources][-4:] == ["verified", "verified", "verified", "simulated"]


def test_an_edit_beyond_the_calendar_is_refused(china: OfficialCalendar) -> None:
    with pytest.raises(Invalid) as fault:
        china.with_days({date(2027, 1, 1): False}, source="demo")
    assert fault.value.code == "calendar.outside"
    with pytest.raises(Invalid, match="cannot shrink"):
        china.with_days({}, source="demo", last_day=date(2025, 1, 1))


def test_contradictions_are_refused() -> None:
    first, last = date(2026, 1, 1), date(2026, 12, 31)
    with pytest.raises(Invalid, match="both"):
        OfficialCalendar("CN", first, last, frozenset({first}), frozenset({first}))
    with pytest.raises(Invalid, match="ends"):
        OfficialCalendar("CN", last, first)
    with pytest.raises(Invalid, match="time zone"):
        OfficialCalendar("CN", first, last, zone="Mars/Olympus")


@pytest.mark.parametrize(
    ("rows", "code", "where"),
    [
        ("", "calendar.empty", None),
        ("2026-13-01,holiday,x,s,verified\n", "calendar.row", "line 2"),
        ("2026-01-01,feast,x,s,verified\n", "calendar.row", "line 2"),
        ("2026-01-01,holiday,x,s\n", "calendar.row", "line 2"),
        ("2026-01-01,holiday,x,s,sure\n", "status.unknown", "line 2"),
        ("2026-01-01,holiday,x,s,verified\n# note\n2026-01-01,workday,x,s,verified\n", "calendar.row", "line 4"),
        ("2026-01-01,holiday,x,s,verified\n2026-01-02,holiday,x,t,verified\n", "calendar.row", "line 3"),
        ("2024-01-01,holiday,x,s,verified\n2026-01-02,holiday,x,t,verified\n", "calendar.gap", None),
    ],
)
def test_a_faulty_file_names_the_line(rows: str, code: str, where: str | None) -> None:
    with pytest.raises(Invalid) as fault:
        parse_calendar(HEAD + rows)
    assert (fault.value.code, fault.value.where) == (code, where)


def test_wrong_columns_are_refused() -> None:
    with pytest.raises(Invalid, match="columns day,kind,name,source,status"):
        parse_calendar("date,kind\n")


def test_a_year_may_be_cut_short() -> None:
    calendar = parse_calendar(HEAD + "2026-01-01,holiday,元旦,s,verified\n", last_day=date(2026, 6, 30))
    assert calendar.last_certain_day == date(2026, 6, 30)


def test_the_file_holds_what_the_package_says(china: OfficialCalendar) -> None:
    from chinese_calendar import is_workday

    day = china.first_day
    while day <= china.last_day:
        assert china.is_working_day(day) == is_workday(day), day
        day += timedelta(days=1)


starts = st.dates(date(2024, 1, 1), date(2026, 3, 1))
counts = st.integers(min_value=1, max_value=60)


@given(start=starts, some=counts, more=counts)
def test_working_days_add_up_and_grow(china: OfficialCalendar, start: date, some: int, more: int) -> None:
    once = due_day(start, working_days(some), china)
    assert once > start
    assert china.is_working_day(once)
    assert due_day(once, working_days(more), china) == due_day(start, working_days(some + more), china)
    assert china.working_days_between(start, once) == some


@given(start=starts, later=st.integers(min_value=0, max_value=40), count=counts)
def test_a_later_start_is_never_due_earlier(china: OfficialCalendar, start: date, later: int, count: int) -> None:
    moved = start + timedelta(days=later)
    for limit in (working_days(count), calendar_days(count), calendar_months(count)):
        assert due_day(start, limit, china) <= due_day(moved, limit, china)


@given(at=st.integers(min_value=1_704_067_200_000_000, max_value=1_770_000_000_000_000), count=counts)
def test_a_day_limit_ends_at_a_local_midnight(china: OfficialCalendar, at: int, count: int) -> None:
    end = moment(due(at, working_days(count), china), SHANGHAI)
    assert (end.hour, end.minute, end.second, end.microsecond) == (0, 0, 0, 0)
    assert day_of(instant(end) - 1, SHANGHAI) == due_day(day_of(at, SHANGHAI), working_days(count), china)


def test_time_ends_with_the_year_9999(china: OfficialCalendar) -> None:
    for limit in (calendar_days(1_000_000), calendar_months(1_000_000)):
        with pytest.raises(Invalid) as fault:
            due_day(date(9000, 1, 1), limit, china)
        assert fault.value.code == "time.range"
