"""Cells of points: near ones share the beginning of their number, and a box is a few ranges of them."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from quanyu.engines.context.cells import RANGES_MAX, SIDE, Area, Box, cell_of

longitudes, latitudes = st.floats(-180, 180), st.floats(-90, 90)
sizes = st.floats(-6, 2).map(lambda exponent: 10**exponent)
shares = st.floats(0, 1)


def cell(longitude: float, latitude: float) -> int:
    found = cell_of({"type": "Point", "coordinates": [longitude, latitude]})
    assert found is not None
    return found


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    west, south, size = draw(longitudes), draw(latitudes), draw(sizes)
    return west, south, min(180, west + size * draw(shares)), min(90, south + size * draw(shares))


def test_corners_of_the_earth() -> None:
    assert cell(-180, -90) == 0
    assert cell(180, 90) == SIDE * SIDE - 1
    assert cell(0, -90) == SIDE * SIDE >> 2
    assert cell(-180, 0) == SIDE * SIDE >> 1
    assert cell_of({"type": "LineString", "coordinates": [[0, 0], [1, 1]]}) is None
    assert cell_of({"type": "Point", "coordinates": [181, -91, 50]}) == cell(180, -90)


def test_the_earth_is_one_range_and_a_point_one_cell() -> None:
    assert Area((-180, -90, 180, 90)).ranges == [(0, SIDE * SIDE - 1)]
    assert Area((116.4, 39.9, 116.4, 39.9)).ranges == [(cell(116.4, 39.9),) * 2]


def test_a_box_that_ends_before_it_begins_holds_nothing() -> None:
    assert not Area((10, 10, 5, 5)).holds(cell(7, 7))
    assert not Area((10, 10, 10 - 1e-9, 20)).holds(cell(9.9999, 15))


@given(boxes(), shares, shares)
def test_what_lies_in_a_box_lies_in_its_ranges(box: Box, east: float, north: float) -> None:
    area = Area(box)
    longitude, latitude = box[0] + (box[2] - box[0]) * east, box[1] + (box[3] - box[1]) * north
    found = cell(min(longitude, box[2]), min(latitude, box[3]))
    assert area.holds(found)
    assert any(first <= found <= last for first, last in area.ranges)


@given(boxes(), longitudes, latitudes)
def test_what_an_area_holds_is_in_its_ranges_and_near_the_box(box: Box, longitude: float, latitude: float) -> None:
    area, found = Area(box), cell(longitude, latitude)
    if area.holds(found):
        assert any(first <= found <= last for first, last in area.ranges)
        wide, high = 360 / SIDE, 180 / SIDE
        assert box[0] - wide <= longitude <= box[2] + wide
        assert box[1] - high <= latitude <= box[3] + high


@given(boxes())
def test_ranges_are_few_apart_and_in_order(box: Box) -> None:
    ranges = Area(box).ranges
    assert 1 <= len(ranges) <= RANGES_MAX
    assert all(one[1] + 1 < other[0] for one, other in pairwise(ranges))
