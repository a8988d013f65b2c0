"""Offset maps convert there and back, and a stored place remembers where it came from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.kernel.errors import Invalid
from quanyu.kernel.geo import (
    Crs,
    Point,
    bd09_from_gcj02,
    convert_point,
    distance_m,
    gcj02_from_bd09,
    gcj02_from_wgs84,
    located,
    parse_crs,
    wgs84_from_gcj02,
)

china = st.tuples(st.floats(73.0, 136.0), st.floats(2.0, 54.0))


def test_published_example_values() -> None:
    assert gcj02_from_wgs84((116.404, 39.915)) == pytest.approx((116.41024449916938, 39.91640428150164), abs=1e-9)
    assert bd09_from_gcj02((116.404, 39.915)) == pytest.approx((116.41036949371029, 39.92133699351021), abs=1e-9)


def test_outside_the_offset_area_nothing_moves() -> None:
    for point in ((2.35, 48.86), (139.7, 35.7), (116.4, -10.0)):
        assert gcj02_from_wgs84(point) == wgs84_from_gcj02(point) == point


@given(china)
def test_gcj02_there_and_back(point: Point) -> None:
    shifted = gcj02_from_wgs84(point)
    assert 1 < distance_m(point, shifted) < 2000
    back = wgs84_from_gcj02(shifted)
    assert max(abs(back[0] - point[0]), abs(back[1] - point[1])) < 1e-9


@given(china)
def test_bd09_there_and_back(point: Point) -> None:
    back = gcj02_from_bd09(bd09_from_gcj02(point))
    assert max(abs(back[0] - point[0]), abs(back[1] - point[1])) < 1e-9


@given(china, st.sampled_from(Crs), st.sampled_from(Crs))
def test_every_pair_of_systems_converts_back(point: Point, source: Crs, target: Crs) -> None:
    there = convert_point(point, source, target)
    assert convert_point(there, target, source) == pytest.approx(point, abs=1e-6)


def test_cgcs2000_is_kept_as_it_is() -> None:
    assert convert_point((116.4, 39.9), Crs.CGCS2000, Crs.WGS84) == (116.4, 39.9)


def test_a_place_remembers_its_source() -> None:
    line = {"type": "LineString", "coordinates": [[116.41, 39.91, 43.5], [116.42, 39.92]], "name": "x"}
    place = located(line, Crs.GCJ02)
    assert place.source_crs == "GCJ-02"
    first, second = place.geometry["coordinates"]
    assert first[2] == 43.5
    assert (second[0], second[1]) == pytest.approx(wgs84_from_gcj02((116.42, 39.92)))
    assert place.geometry["name"] == "x"
    assert line["coordinates"] == [[116.41, 39.91, 43.5], [116.42, 39.92]]
    assert located(line, Crs.CGCS2000).geometry is line


def test_a_bad_place_is_refused_before_it_moves() -> None:
    with pytest.raises(Invalid) as fault:
        located({"type": "Point", "coordinates": [200, 0]}, Crs.BD09, where="$.location")
    assert fault.value.where == "$.location.coordinates[0]"


def test_systems_have_names() -> None:
    assert parse_crs("EPSG:4490") is Crs.CGCS2000
    with pytest.raises(Invalid) as fault:
        parse_crs("EPSG:3857", where="crs")
    assert (fault.value.code, fault.value.where) == ("geo.crs", "crs")
    assert "BD-09" in str(fault.value.remedy)
