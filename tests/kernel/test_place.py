"""Distances, insides, boxes and middles agree with known figures and with shapely."""

from math import isclose
from typing import Any

import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st

from quanyu.kernel.errors import Invalid
from quanyu.kernel.geo import Box, Near, Point, bounds, centre, contains, distance_m

RING = [[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0], [0.0, 0.0]]
HOLE = [[1.0, 1.0], [3.0, 1.0], [3.0, 3.0], [1.0, 3.0], [1.0, 1.0]]
FRAME = {"type": "Polygon", "coordinates": [RING, HOLE]}
TWO = {"type": "MultiPolygon", "coordinates": [[RING, HOLE], [[[5, 5], [6, 5], [6, 6], [5, 6], [5, 5]]]]}

points = st.tuples(st.floats(-180, 180), st.floats(-90, 90))


def test_known_distances() -> None:
    assert distance_m((0, 0), (0, 1)) == pytest.approx(111_195, abs=1)
    assert distance_m((116.4, 39.9), (121.47, 31.23)) == pytest.approx(1_068_000, rel=0.005)  # Beijing to Shanghai
    assert distance_m((0, 0), (180, 0)) == pytest.approx(20_015_115, abs=1)
    assert distance_m((179.5, 0), (-179.5, 0)) == pytest.approx(111_195, abs=1)


@given(points, points, points)
def test_distance_is_a_distance(a: Point, b: Point, c: Point) -> None:
    assert distance_m(a, a) == 0
    assert isclose(distance_m(a, b), distance_m(b, a), rel_tol=1e-12, abs_tol=1e-6)
    assert distance_m(a, c) <= distance_m(a, b) + distance_m(b, c) + 1


@pytest.mark.parametrize(
    ("point", "inside"), [((0.5, 0.5), True), ((2, 2), False), ((5.5, 5.5), False), ((-1, 2), False), ((3.5, 2), True)]
)
def test_a_hole_is_outside(point: Point, inside: bool) -> None:
    assert contains(FRAME, point) is inside


def test_a_multipolygon_holds_what_any_part_holds() -> None:
    assert contains(TWO, (5.5, 5.5))
    assert not contains(TWO, (2, 2))


def test_only_areas_have_an_inside() -> None:
    with pytest.raises(Invalid) as fault:
        contains({"type": "Point", "coordinates": [0, 0]}, (0, 0))
    assert fault.value.code == "geo.no_inside"


@given(st.floats(0.01, 1.99), st.floats(0.01, 1.99))
def test_of_neighbours_exactly_one_holds_a_point(x: float, y: float) -> None:
    cells = [
        {"type": "Polygon", "coordinates": [[[a, b], [a + 1, b], [a + 1, b + 1], [a, b + 1], [a, b]]]}
        for a in (0, 1)
        for b in (0, 1)
    ]
    for point in ((x, y), (1.0, y), (x, 1.0), (1.0, 1.0)):
        assert sum(contains(cell, point) for cell in cells) == 1


def ring(corners: list[tuple[float, float]]) -> list[list[float]]:
    """A ring that does not cross itself: the convex hull of the corners."""
    hull = shapely.MultiPoint(corners).convex_hull
    assume(isinstance(hull, shapely.Polygon) and hull.area > 1e-3)
    return [list(each) for each in hull.exterior.coords]


near_beijing = st.tuples(st.floats(115, 118), st.floats(39, 41))


@given(st.lists(near_beijing, min_size=3, max_size=12), near_beijing)
def test_inside_and_middle_agree_with_shapely(corners: list[Point], point: Point) -> None:
    polygon = {"type": "Polygon", "coordinates": [ring(corners)]}
    oracle = shapely.Polygon(polygon["coordinates"][0])
    assume(oracle.exterior.distance(shapely.Point(point)) > 1e-9)
    assert contains(polygon, point) == oracle.contains(shapely.Point(point))
    assert centre(polygon) == pytest.approx((oracle.centroid.x, oracle.centroid.y), abs=1e-7)
    assert (bounds(polygon).west, bounds(polygon).north) == (oracle.bounds[0], oracle.bounds[3])


@pytest.mark.parametrize(
    ("geometry", "middle"),
    [
        ({"type": "Point", "coordinates": [116.4, 39.9, 50]}, (116.4, 39.9)),
        ({"type": "MultiPoint", "coordinates": [[0, 0], [2, 4]]}, (1, 2)),
        ({"type": "LineString", "coordinates": [[0, 0], [2, 0], [2, 2]]}, (1.5, 0.5)),
        ({"type": "LineString", "coordinates": [[3, 3], [3, 3]]}, (3, 3)),
        ({"type": "MultiLineString", "coordinates": [[[0, 0], [2, 0]], [[0, 2], [2, 2]]]}, (1, 1)),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [2, 2], [0, 0]]]}, (0.75, 0.75)),
        (FRAME, (2, 2)),
        ({"type": "Polygon", "coordinates": [RING, HOLE[::-1]]}, (2, 2)),
    ],
)
def test_middles(geometry: dict[str, Any], middle: Point) -> None:
    assert centre(geometry) == pytest.approx(middle)


def test_boxes() -> None:
    box = bounds(TWO)
    assert box == Box(0, 0, 6, 6)
    assert box.holds((6, 6))
    assert not box.holds((6.1, 6))
    assert box.meets(Box(6, 6, 7, 7))
    assert not box.meets(Box(6.1, 0, 7, 7))


@pytest.mark.parametrize("edges", [(2, 0, 1, 1), (0, 2, 1, 1), (-181, 0, 1, 1), (0, 0, 1, 91), (float("nan"), 0, 1, 1)])
def test_a_box_is_in_order(edges: tuple[float, float, float, float]) -> None:
    with pytest.raises(Invalid) as fault:
        Box(*edges)
    assert fault.value.code == "geo.box"


def test_near_is_a_ring() -> None:
    near = Near((116.4, 39.9), 2000, 500)
    assert near.holds((116.41, 39.9))
    assert not near.holds((116.4, 39.9))
    assert not near.holds((116.43, 39.9))
    for most, least in ((-1, 0), (1, 2), (float("nan"), 0)):
        with pytest.raises(Invalid):
            Near((0, 0), most, least)


@given(points, st.floats(0, 3_000_000), points)
def test_the_box_of_a_ring_holds_the_ring(point: Point, most_m: float, other: Point) -> None:
    near = Near(point, most_m)
    if near.holds(other):
        assert near.bounds().holds(other)
