"""DateTime values have one text, and only UTC is one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.instants import canonical, micros, text_of


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("2020-09-01T12:03:00Z", "2020-09-01T12:03:00Z"),
        ("2020-09-01T12:03:00.000Z", "2020-09-01T12:03:00Z"),
        ("2020-09-01T12:03:10.500000Z", "2020-09-01T12:03:10.5Z"),
        ("2020-09-01T12:03:00,25Z", "2020-09-01T12:03:00.25Z"),
    ],
)
def test_an_instant_has_one_text(text: str, stored: str) -> None:
    assert canonical(text) == stored


@pytest.mark.parametrize(
    "text",
    [
        "2026-08-10T12:00:00+02:00",
        "2026-08-10T12:00:00",
        "2026-08-10T12:00Z",
        "2026-08-10",
        "2026-08-10 12:00:00Z",
        "2026-02-30T12:00:00Z",
        "2026-08-10T24:00:00Z",
        "2026-08-10T12:00:00.1234567Z",
        "2026-08-10T12:00:00.Z",
        "2026-08-10T12:00:00Z\n",
        "２０26-08-10T12:00:00Z",
        "not-a-date",
        "",
        "2026-08-10T12:00:00Z" * 1000,
        5,
        None,
        {"value": "2026-08-10T12:00:00Z"},
    ],
)
def test_what_is_no_instant_in_utc_is_invalid(text: object) -> None:
    for read in (canonical, micros):
        with pytest.raises(Invalid) as fault:
            read(text, "speed.observedAt")
        assert (fault.value.code, fault.value.where) == ("entity.time", "speed.observedAt")


@given(st.integers(-62_000_000_000_000_000, 250_000_000_000_000_000))
def test_text_and_microseconds_are_the_same_instant(at: int) -> None:
    text = text_of(at)
    assert micros(text) == at
    assert canonical(text) == text
