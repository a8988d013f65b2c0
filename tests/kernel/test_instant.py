"""Instants keep microseconds, refuse guesses and fall into half-open days and hours."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.kernel.errors import Invalid
from quanyu.kernel.time import (
    day_bounds,
    day_of,
    format_instant,
    hour_bounds,
    hour_of,
    instant,
    midnight,
    moment,
    parse_instant,
)

SHANGHAI = "Asia/Shanghai"
instants = st.integers(min_value=-62_000_000_000_000_000, max_value=250_000_000_000_000_000)


def test_instant_counts_microseconds_from_1970() -> None:
    assert instant(datetime(1970, 1, 1, tzinfo=UTC)) == 0
    assert instant(datetime(1970, 1, 1, 8, 0, 0, 1, tzinfo=UTC)) == 8 * 3_600_000_000 + 1
    assert parse_instant("1970-01-01T08:00:00+08:00") == 0


def test_instant_refuses_naive_time() -> None:
    with pytest.raises(Invalid, match="has no time zone") as fault:
        instant(datetime(2026, 3, 1))
    assert fault.value.code == "time.naive"


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-03-01T08:00:00+08:00", "2026-03-01T00:00:00Z"),
        ("2026-03-01t00:00:00z", "2026-03-01T00:00:00Z"),
        ("2026-03-01T00:00:00-00:00", "2026-03-01T00:00:00Z"),
        ("2026-02-28T23:30:00.5-00:30", "2026-03-01T00:00:00.500000Z"),
        ("2026-03-01T00:00:00.1234567Z", "2026-03-01T00:00:00.123456Z"),
    ],
)
def test_parse_instant_reads_every_offset(text: str, same: str) -> None:
    assert format_instant(parse_instant(text)) == same


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-03-01",
        "2026-03-01T08:00:00",
        "2026-03-01 08:00:00Z",
        "2026-02-30T08:00:00Z",
        "2026-03-01T24:00:00Z",
        "2026-03-01T08:00:60Z",
        "2026-03-01T08:00:00+08:60",
        "2026-03-01T08:00:00+24:00",
        "2026-03-01T08:00:00+0800",
        "٢٠٢٦-03-01T08:00:00Z",
        "0000-03-01T08:00:00Z",
    ],
)
def test_parse_instant_refuses_with_place_and_example(text: str) -> None:
    with pytest.raises(Invalid) as fault:
        parse_instant(text, where="observedAt")
    assert (fault.value.code, fault.value.where) == ("time.unreadable", "observedAt")
    assert "2026-03-01T08:00:00+08:00" in str(fault.value.remedy)


@given(instants, st.sampled_from(["UTC", SHANGHAI, "America/New_York", "Asia/Kathmandu"]))
def test_parse_reverses_format(at: int, zone: str) -> None:
    assert parse_instant(format_instant(at, zone)) == at


def test_format_falls_back_to_utc_where_the_offset_has_seconds() -> None:
    at = instant(datetime(1900, 1, 1, tzinfo=UTC))
    assert format_instant(at, SHANGHAI) == "1900-01-01T00:00:00Z"
    assert format_instant(0, SHANGHAI) == "1970-01-01T08:00:00+08:00"


def test_moment_refuses_what_a_datetime_cannot_hold() -> None:
    with pytest.raises(Invalid) as fault:
        moment(10**18)
    assert fault.value.code == "time.range"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd"])
def test_unknown_zone_is_named(zone: str) -> None:
    with pytest.raises(Invalid) as fault:
        moment(0, zone)
    assert fault.value.code == "time.zone"


def test_days_are_half_open_in_the_city() -> None:
    end = parse_instant("2026-03-02T00:00:00+08:00")
    assert day_of(end - 1, SHANGHAI) == date(2026, 3, 1)
    assert day_of(end, SHANGHAI) == date(2026, 3, 2)
    assert day_bounds(date(2026, 3, 1), SHANGHAI) == (end - 86_400_000_000, end)


def test_a_day_with_a_changed_offset_is_shorter() -> None:
    start, end = day_bounds(date(2026, 3, 8), "America/New_York")
    assert (end - start) == 23 * 3_600_000_000


@given(instants, st.sampled_from(["UTC", SHANGHAI, "Asia/Kathmandu"]))
def test_every_instant_lies_in_its_own_day_and_hour(at: int, zone: str) -> None:
    start, end = day_bounds(day_of(at, zone), zone)
    assert start <= at < end
    hour, next_hour = hour_bounds(at, zone)
    assert hour <= at < next_hour
    assert hour == hour_of(hour, zone) != hour_of(next_hour, zone)


def test_hours_begin_on_the_local_clock() -> None:
    at = parse_instant("2026-03-01T00:50:00Z")
    assert moment(hour_of(at, "Asia/Kathmandu"), "Asia/Kathmandu").minute == 0


def test_last_day_of_time_has_no_end() -> None:
    assert midnight(date(9999, 12, 31), "UTC") == instant(datetime(9999, 12, 31, tzinfo=UTC))
    with pytest.raises(Invalid, match="outside the years"):
        day_bounds(date(9999, 12, 31), "UTC")
