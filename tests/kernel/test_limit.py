"""Limits are written, read and spoken in one way."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.kernel.errors import Invalid
from quanyu.kernel.time import Limit, calendar_days, calendar_months, hours, minutes, parse_limit, working_days


@pytest.mark.parametrize(
    ("text", "limit", "zh"),
    [
        ("30 minutes", minutes(30), "30分钟"),
        ("4 hours", hours(4), "4小时"),
        ("1 hour", hours(1), "1小时"),
        ("20 working days", working_days(20), "20个工作日"),
        ("3 calendar days", calendar_days(3), "3个自然日"),
        ("1 calendar month", calendar_months(1), "1个月"),
    ],
)
def test_limit_has_one_text_and_two_languages(text: str, limit: Limit, zh: str) -> None:
    assert parse_limit(text) == limit
    assert (str(limit), limit.words("zh"), limit.words("en")) == (text, zh, text)


def test_plural_is_accepted_where_the_count_is_one() -> None:
    assert parse_limit("1 calendar months") == calendar_months(1)


@given(
    st.sampled_from([minutes, hours, working_days, calendar_days, calendar_months]),
    st.integers(min_value=1, max_value=1_000_000),
)
def test_parse_reverses_str(build: Callable[[int], Limit], count: int) -> None:
    assert parse_limit(str(build(count))) == build(count)


@pytest.mark.parametrize(
    "text", ["", "4", "hours", "4 days", "04 hours", "-1 hours", "4.5 hours", "4  hours", "4 workdays"]
)
def test_unreadable_limit_lists_the_units(text: str) -> None:
    with pytest.raises(Invalid) as fault:
        parse_limit(text, where="params.toml")
    assert (fault.value.code, fault.value.where) == ("limit.unreadable", "params.toml")
    assert "working days" in str(fault.value.remedy)


@pytest.mark.parametrize("count", [0, -1, 1_000_001, True, 1.0])
def test_count_is_a_whole_number_from_one(count: int) -> None:
    with pytest.raises(Invalid) as fault:
        working_days(count)
    assert fault.value.code == "limit.count"


def test_kinds_never_compare_equal() -> None:
    assert len({hours(1), minutes(1), working_days(1), calendar_days(1), calendar_months(1)}) == 5
    assert hours(1).length_us == minutes(60).length_us == 3_600_000_000
