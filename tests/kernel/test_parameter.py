"""Parameters answer for a day and a place, say which row they used, and refuse to guess outside it."""

import tomllib
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.parameter import Parameters, jurisdiction_chain, parse_parameters
from quanyu.kernel.time import hours

AIR = """
[[parameter]]
id = "pm25_day_limit"
value = 75
unit = "GQ"
valid_from = 2016-01-01
valid_to = 2026-02-28
jurisdiction = "CN"
source = "GB 3095-2012"
status = "verified"
zh = "PM2.5日均限值"
en = "PM2.5 daily limit"

[[parameter]]
id = "pm25_day_limit"
value = 60
unit = "GQ"
valid_from = 2026-03-01
valid_to = 2030-12-31
jurisdiction = "CN"
source = "GB 3095-2026"
status = "verified"
zh = "PM2.5日均限值（过渡期）"
en = "PM2.5 daily limit (transition)"

[[parameter]]
id = "pm25_day_limit"
value = 50
unit = "GQ"
valid_from = 2028-01-01
jurisdiction = "110000"
source = "an imagined city rule"
status = "simulated"
zh = "PM2.5日均限值"
en = "PM2.5 daily limit"

[[parameter]]
id = "inspect_limit"
value = "4 hours"
valid_from = "2026-01-01"
jurisdiction = "CN"
source = "an imagined rule"
status = "unverified"
zh = "核查时限"
en = "Inspection limit"
applies = "pending"
note = "for tests"

[[parameter]]
id = "bands"
value = [[0, 35], [35, 75.5]]
unit = "GQ"
valid_from = 2026-01-01
jurisdiction = "CN"
source = "an imagined rule"
status = "unverified"
zh = "分级"
en = "Bands"
"""


@pytest.fixture(scope="module")
def air() -> Parameters:
    return parse_parameters(tomllib.loads(AIR), pack="green.air")


@pytest.mark.parametrize(
    ("on", "place", "value", "source"),
    [
        (date(2026, 2, 28), "CN", 75, "GB 3095-2012"),
        (date(2026, 3, 1), "CN", 60, "GB 3095-2026"),
        (date(2026, 3, 1), "110105", 60, "GB 3095-2026"),
        (date(2028, 1, 1), "CN", 60, "GB 3095-2026"),
        (date(2028, 1, 1), "310000", 60, "GB 3095-2026"),
        (date(2028, 1, 1), "110105", 50, "an imagined city rule"),
        (date(2040, 1, 1), "110000", 50, "an imagined city rule"),
    ],
)
def test_the_nearest_rule_in_force_wins(air: Parameters, on: date, place: str, value: int, source: str) -> None:
    pinned = air.get("pm25_day_limit", on, place)
    assert (pinned.value, pinned.number(), pinned.unit, pinned.source) == (value, value, "GQ", source)


@pytest.mark.parametrize(
    ("on", "place"), [(date(2015, 12, 31), "CN"), (date(2031, 1, 1), "310000"), (date(2027, 1, 1), "US")]
)
def test_outside_validity_nothing_is_guessed(air: Parameters, on: date, place: str) -> None:
    with pytest.raises(Missing) as fault:
        air.get("pm25_day_limit", on, place)
    assert fault.value.code == "parameter.outside_validity"
    assert "CN 2026-03-01 to 2030-12-31" in fault.value.message
    assert "110000 2028-01-01 to further notice" in fault.value.message


def test_an_unknown_parameter_is_missing(air: Parameters) -> None:
    assert "pm25_day_limit" in air
    with pytest.raises(Missing) as fault:
        air.get("pm10_day_limit", date(2026, 3, 1))
    assert fault.value.code == "parameter.unknown"


def test_a_parameter_is_asked_for_a_day(air: Parameters) -> None:
    with pytest.raises(Invalid) as fault:
        air.get("pm25_day_limit", datetime(2026, 3, 1, tzinfo=UTC))
    assert fault.value.code == "parameter.day"


def test_limits_and_lists_are_values(air: Parameters) -> None:
    row = air.get_row("inspect_limit", date(2026, 3, 1))
    assert row.pinned().limit() == hours(4)
    assert (row.unit, row.applies, row.note, row.pack) == ("", "pending", "for tests", "green.air")
    assert air.get("bands", date(2026, 3, 1)).value == ((0, 35), (35, 75.5))


def test_a_value_is_not_taken_for_what_it_is_not(air: Parameters) -> None:
    with pytest.raises(Invalid, match="not a limit") as fault:
        air.get("bands", date(2026, 3, 1)).limit()
    assert fault.value.code == "parameter.type"
    with pytest.raises(Invalid, match="not a number"):
        air.get("inspect_limit", date(2026, 3, 1)).number()


def test_the_version_is_stable_and_changes_with_the_law(air: Parameters) -> None:
    again = parse_parameters(tomllib.loads(AIR.replace("for tests", "x").replace("Inspection", "Check")), pack="other")
    assert [row.version for row in again] == [row.version for row in air]
    assert air.get("pm25_day_limit", date(2026, 3, 1)).version == "6320a725bcbe"
    changed = parse_parameters(tomllib.loads(AIR.replace("value = 60", "value = 61")), pack="green.air")
    assert len({row.version for row in [*air, *changed]}) == 6


def test_history_and_chain(air: Parameters) -> None:
    assert [row.value for row in air.history("pm25_day_limit")] == [75, 60, 50]
    assert jurisdiction_chain("110105") == ("110105", "110100", "110000", "CN")
    assert jurisdiction_chain("110000") == ("110000", "CN")
    assert jurisdiction_chain("CN") == ("CN",)
    with pytest.raises(Invalid) as fault:
        jurisdiction_chain("Beijing")
    assert fault.value.code == "parameter.jurisdiction"


GOOD: dict[str, Any] = tomllib.loads(AIR)["parameter"][1]


def test_packs_and_city_are_joined(air: Parameters) -> None:
    city = parse_parameters({"parameter": [GOOD | {"jurisdiction": "440300", "value": 40}]}, pack="city")
    both = air.joined(city, Parameters())
    assert both.get("pm25_day_limit", date(2026, 3, 1), "440305").value == 40
    assert len(list(both)) == 6
    with pytest.raises(Invalid) as fault:
        both.joined(city)
    assert fault.value.code == "parameter.overlap"


def test_two_values_on_a_day_are_refused() -> None:
    later = GOOD | {"valid_from": date(2030, 12, 31), "valid_to": date(2031, 1, 1)}
    with pytest.raises(Invalid, match="two values on 2030-12-31 in CN") as fault:
        parse_parameters({"parameter": [later, GOOD]}, pack="green.air")
    assert (fault.value.code, fault.value.where) == ("parameter.overlap", "green.air")
    endless = {key: value for key, value in GOOD.items() if key != "valid_to"}
    with pytest.raises(Invalid, match="two values"):
        parse_parameters({"parameter": [endless, later]}, pack="green.air")


def test_an_empty_file_is_fine() -> None:
    assert list(parse_parameters({}, pack="green.air")) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"valid_form": date(2026, 1, 1)}, "valid_form"),
        ({"id": "PM25"}, "id"),
        ({"id": "class"}, "id"),
        ({"id": 5}, "id"),
        ({"value": True}, "value"),
        ({"value": {}}, "value"),
        ({"value": []}, "value"),
        ({"value": [[[[1]]]]}, "value"),
        ({"value": ""}, "value"),
        ({"value": float("nan")}, "value"),
        ({"value": "4 days"}, "value"),
        ({"value": ["4 hours", "5 housr"]}, "value"),
        ({"unit": ""}, "unit"),
        ({"unit": 3}, "unit"),
        ({"valid_from": "soon"}, "valid_from"),
        ({"valid_from": 2026}, "valid_from"),
        ({"valid_from": datetime(2026, 1, 1, tzinfo=UTC)}, "valid_from"),
        ({"valid_to": date(2020, 1, 1)}, "valid_to"),
        ({"jurisdiction": "China"}, "jurisdiction"),
        ({"source": " "}, "source"),
        ({"status": "sure"}, "status"),
        ({"zh": ""}, "zh"),
        ({"applies": "always"}, "applies"),
        ({"note": 1}, "note"),
    ],
)
def test_a_faulty_row_is_named_by_pack_row_and_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as fault:
        parse_parameters({"parameter": [GOOD, GOOD | change]}, pack="green.air")
    assert fault.value.where == f"green.air: parameter 2.{field}"


@pytest.mark.parametrize("field", ["id", "value", "unit", "valid_from", "jurisdiction", "source", "status", "zh", "en"])
def test_a_missing_field_is_named(field: str) -> None:
    row = {key: value for key, value in GOOD.items() if key != field}
    with pytest.raises(Invalid, match="is missing") as fault:
        parse_parameters({"parameter": [row]}, pack="green.air")
    assert fault.value.where == f"green.air: parameter 1.{field}"


@pytest.mark.parametrize("table", [{"params": []}, {"parameter": {}}, {"parameter": ["x"]}])
def test_a_faulty_file_is_refused(table: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as fault:
        parse_parameters(table, pack="green.air")
    assert fault.value.code == "parameter.row"


@given(st.lists(st.integers(1, 400), min_size=1, max_size=8), st.integers(-100, 4000))
def test_on_every_day_at_most_one_row_is_in_force(lengths: list[int], offset: int) -> None:
    start, rows = date(2020, 1, 1).toordinal(), []
    for place, length in enumerate(lengths):
        span = {"valid_from": date.fromordinal(start), "valid_to": date.fromordinal(start + length - 1)}
        rows.append(GOOD | span | {"value": place})
        start += length
    parameters = parse_parameters({"parameter": rows[::-1]}, pack="p")
    on = date.fromordinal(date(2020, 1, 1).toordinal() + offset)
    expected = [row for row in parameters if row.in_force(on)]
    assert len(expected) == (0 <= offset < sum(lengths))
    for row in expected:
        assert parameters.get("pm25_day_limit", on) == row.pinned()
