"""Units convert exactly inside a dimension and never across."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.unit import UNITS, convert, find_unit, get_unit, symbol


@pytest.mark.parametrize(
    ("value", "source", "target", "result"),
    [
        (35.0, "GQ", "GP", 0.035),
        (0.1, "GP", "GQ", 100.0),
        (1.0, "M1", "GP", 1000.0),
        (36.0, "KMH", "MTS", 10.0),
        (2.0, "KWH", "3B", 7.2),
        (1.5, "HUR", "MIN", 90.0),
        (1013.25, "A97", "KPA", 101.325),
        (16_403.0, "KMK", "H18", 1_640_300.0),
        (50.0, "P1", "C62", 0.5),
        (2.0, "ANN", "MON", 24.0),
        (1.0, "E34", "4L", 1000.0),
        (36.0, "MQH", "G51", 10.0),
        (5.0, "C62", "C62", 5.0),
    ],
)
def test_known_conversions(value: float, source: str, target: str, result: float) -> None:
    assert convert(value, source, target) == pytest.approx(result, rel=1e-15)


@pytest.mark.parametrize(
    ("value", "source", "target", "result"),
    [
        (0.0, "CEL", "KEL", 273.15),
        (100.0, "CEL", "FAH", 212.0),
        (-40.0, "FAH", "CEL", -40.0),
        (0.0, "KEL", "CEL", -273.15),
    ],
)
def test_temperatures_have_an_offset(value: float, source: str, target: str, result: float) -> None:
    assert convert(value, source, target) == pytest.approx(result, rel=1e-12)


def test_degrees_and_radians() -> None:
    assert convert(180.0, "DD", "C81") == pytest.approx(3.141592653589793)


@pytest.mark.parametrize(("source", "target"), [("GQ", "CEL"), ("DAY", "MON"), ("H87", "IE"), ("2N", "P1")])
def test_dimensions_do_not_mix(source: str, target: str) -> None:
    with pytest.raises(Invalid) as fault:
        convert(1.0, source, target)
    assert fault.value.code == "unit.dimension"


def test_an_unknown_code_is_missing() -> None:
    assert find_unit("XYZ") is None
    for source, target in (("XYZ", "XYZ"), ("GQ", "XYZ")):
        with pytest.raises(Missing) as fault:
            convert(1.0, source, target)
        assert fault.value.code == "unit.unknown"


def test_a_mistaken_code_gets_a_hint() -> None:
    with pytest.raises(Missing) as fault:
        get_unit("HPA")
    assert "A97" in str(fault.value.remedy)


def test_symbols_and_names() -> None:
    assert [symbol(code) for code in ("GQ", "CEL", "P1", "C62", "H87")] == ["µg/m³", "°C", "%", "", "piece"]
    assert symbol("IE", "zh") == "人"
    assert (symbol("MON", "zh"), symbol("ANN"), symbol("HUR")) == ("个月", "years", "h")
    assert (get_unit("GQ").zh, get_unit("GQ").en) == ("微克每立方米", "microgram per cubic metre")


def test_every_dimension_has_a_base_unit_and_codes_are_unique() -> None:
    dimensions = {unit.dimension for unit in UNITS.values()}
    based = {unit.dimension for unit in UNITS.values() if unit.factor == 1 and unit.offset == 0}
    assert based == dimensions
    assert all(code == unit.code and unit.symbol for code, unit in UNITS.items())


@given(st.sampled_from(sorted(UNITS)), st.sampled_from(sorted(UNITS)), st.floats(-1e9, 1e9))
def test_conversion_there_and_back(source: str, target: str, value: float) -> None:
    if UNITS[source].dimension != UNITS[target].dimension:
        with pytest.raises(Invalid):
            convert(value, source, target)
    else:
        assert convert(convert(value, source, target), target, source) == pytest.approx(value, rel=1e-9, abs=1e-6)
