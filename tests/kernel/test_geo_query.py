"""Geoqueries on places that a reader can draw (NGSI-LD 4.10), and against distances worked out otherwise."""

import json
import math
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from quanyu.kernel.errors import Invalid
from quanyu.kernel.geo import bounds, distance_m
from quanyu.kernel.ngsi.context import CORE, resolve
from quanyu.kernel.ngsi.geo import measure_to, parse_geo, parse_geometry

SQUARE = [[[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]]
HOLED = [*SQUARE, [[4, 4], [6, 4], [6, 6], [4, 6], [4, 4]]]
BOW_TIE = [[[0, 0], [10, 10], [10, 0], [0, 10], [0, 0]]]


def place(kind: str, coordinates: Any) -> dict[str, Any]:
    return {"location": {"type": "GeoProperty", "value": {"type": kind, "coordinates": coordinates}}}


POINT_IN, POINT_EDGE, POINT_HOLE, POINT_OUT = (place("Point", at) for at in ([2, 2], [0, 5], [5, 5], [20, 20]))
SMALL = place("Polygon", [[[1, 1], [2, 1], [2, 2], [1, 2], [1, 1]]])
ACROSS = place("Polygon", [[[8, 8], [12, 8], [12, 12], [8, 12], [8, 8]]])
SAME = place("Polygon", [[[10, 10], [0, 10], [0, 0], [10, 0], [10, 10]]])
LINE = place("LineString", [[1, 1], [20, 1]])
TWO = place("MultiPoint", [[2, 2], [20, 20]])
PARTS = place("MultiPolygon", [SQUARE, [[[20, 20], [21, 20], [21, 21], [20, 20]]]])

RELATIONS = [
    ("within", "Polygon", SQUARE, [POINT_IN, POINT_HOLE, SMALL, SAME], [POINT_EDGE, POINT_OUT, ACROSS, LINE, TWO]),
    ("within", "Polygon", HOLED, [POINT_IN, SMALL], [POINT_HOLE, SAME]),
    ("within", "Polygon", BOW_TIE, [place("Point", [2, 5]), place("Point", [8, 5])], [place("Point", [5, 9])]),
    ("within", "MultiPolygon", [SQUARE, ACROSS["location"]["value"]["coordinates"]], [POINT_IN, SMALL], [POINT_OUT]),
    ("contains", "Point", [2, 1.5], [SAME, PARTS], [POINT_IN, LINE, ACROSS]),
    ("contains", "Point", [2, 2], [POINT_IN, TWO, SAME], [POINT_OUT, SMALL]),
    ("contains", "LineString", [[1, 1], [2, 1]], [SAME, LINE], [POINT_IN]),
    ("intersects", "Polygon", SQUARE, [POINT_IN, POINT_EDGE, SMALL, ACROSS, LINE, TWO, PARTS], [POINT_OUT]),
    ("intersects", "LineString", [[0, 5], [0, 6]], [POINT_EDGE, SAME], [POINT_IN, SMALL]),
    ("disjoint", "Polygon", SQUARE, [POINT_OUT], [POINT_IN, POINT_EDGE, ACROSS, TWO]),
    ("disjoint", "Point", [2, 2], [POINT_OUT, POINT_EDGE], [POINT_IN, SAME]),
    ("overlaps", "Polygon", SQUARE, [ACROSS], [SMALL, SAME, POINT_IN, LINE, POINT_OUT]),
    ("overlaps", "MultiPoint", [[2, 2], [3, 3]], [TWO], [POINT_IN]),
    ("equals", "Polygon", SQUARE, [SAME], [SMALL, ACROSS]),
    ("equals", "Point", [2, 2], [POINT_IN], [POINT_EDGE, TWO]),
    ("equals", "MultiPoint", [[20, 20], [2, 2]], [TWO], [POINT_IN]),
    ("equals", "MultiLineString", [[[1, 1], [10, 1]], [[10, 1], [20, 1]]], [LINE], [POINT_IN]),
]


@pytest.mark.parametrize(("relation", "kind", "coordinates", "match", "others"), RELATIONS)
def test_relations(relation: str, kind: str, coordinates: Any, match: list[Any], others: list[Any]) -> None:
    for given_as in (coordinates, json.dumps(coordinates)):
        query = parse_geo(relation, kind, given_as, None, CORE)
        assert [query.matches(each) for each in match] == [True] * len(match)
        assert [query.matches(each) for each in others] == [False] * len(others)
    box = query.box()
    assert (box is None) is (relation == "disjoint")
    assert box is None or all(meets(box, each) for each in match)


def meets(box: tuple[float, float, float, float], document: dict[str, Any]) -> bool:
    other = bounds(document["location"]["value"])
    return other.west <= box[2] and box[0] <= other.east and other.south <= box[3] and box[1] <= other.north


NEAR = [
    # One degree of latitude is 111 195 m on the sphere.
    ("near;maxDistance==111196", "Point", [0, 0], place("Point", [0, 1]), True),
    ("near;maxDistance==111194", "Point", [0, 0], place("Point", [0, 1]), False),
    ("near;minDistance==111194", "Point", [0, 0], place("Point", [0, 1]), True),
    ("near;minDistance==111196", "Point", [0, 0], place("Point", [0, 1]), False),
    ("near;maxDistance==1.2e5", "Point", [0, 0], place("Point", [0, 1, 8848]), True),
    # A degree of longitude is half as long at 60 degrees north, and 9.7 km at 85.
    ("near;maxDistance==56000", "Point", [0, 60], place("Point", [1, 60]), True),
    ("near;maxDistance==55000", "Point", [0, 60], place("Point", [1, 60]), False),
    ("near;maxDistance==20000", "Point", [0, 85], place("LineString", [[1, 85], [0, 85.6]]), True),
    ("near;maxDistance==9000", "Point", [0, 85], place("LineString", [[1, 85], [0, 85.6]]), False),
    # Lines are straight in degrees: the parallel, not the great circle, which runs 21 km north of it.
    ("near;maxDistance==2000", "LineString", [[0, 60], [10, 60]], place("Point", [5, 60.009]), True),
    ("near;maxDistance==2000", "LineString", [[0, 61], [10, 61]], place("Point", [5, 60.009]), False),
    ("near;maxDistance==1", "Polygon", SQUARE, place("Point", [5, 5]), True),
    ("near;minDistance==1", "Polygon", SQUARE, place("Point", [5, 5]), False),
    ("near;maxDistance==120000", "Polygon", SQUARE, place("Point", [11, 5]), True),
    ("near;maxDistance==100000", "Polygon", SQUARE, place("Point", [11, 5]), False),
    ("near;maxDistance==120000", "Polygon", SQUARE, place("Polygon", [[[11, 1], [12, 1], [12, 2], [11, 1]]]), True),
    ("near;minDistance==120000", "Polygon", SQUARE, place("Polygon", [[[11, 1], [12, 1], [12, 2], [11, 1]]]), False),
    # The antimeridian is no border.
    ("near;maxDistance==30000", "Point", [179.9, 0], place("Point", [-179.9, 0]), True),
    ("near;maxDistance==30000", "LineString", [[179.9, -1], [179.9, 1]], place("Point", [-179.9, 0]), True),
    ("near;maxDistance==20000", "LineString", [[179.9, -1], [179.9, 1]], place("Point", [-179.9, 0]), False),
]


@pytest.mark.parametrize(("georel", "kind", "coordinates", "document", "near"), NEAR)
def test_distances(georel: str, kind: str, coordinates: Any, document: dict[str, Any], near: bool) -> None:
    query = parse_geo(georel, kind, coordinates, None, CORE)
    assert query.matches(document) is near
    assert (query.box() is None) is ("min" in georel)
    if near and (box := query.box()):
        assert meets(box, document)


def test_the_named_property_is_asked_any_instance_of_it() -> None:
    city = resolve({"spot": "http://example.com/spot"}, lambda _: None)
    query = parse_geo("near;maxDistance==2000", "Point", [8, 40], "spot", city)
    far, near = ({"type": "GeoProperty", "value": {"type": "Point", "coordinates": [8, y]}} for y in (50, 40))
    assert query.attribute == "http://example.com/spot"
    assert query.matches({"http://example.com/spot": near})
    assert query.matches({"http://example.com/spot": [far, near]})
    assert not query.matches({"http://example.com/spot": [far]})
    assert not query.matches({"location": near})
    assert parse_geo("intersects", "Point", [8, 40], None, city).attribute == "location"
    # A context source tells its place as plain GeoJSON.
    assert query.matches({"http://example.com/spot": near["value"]})


@pytest.mark.parametrize("relation", ["within", "disjoint", "equals", "near;maxDistance==5", "near;minDistance==5"])
@pytest.mark.parametrize(
    "value",
    [
        None,
        5,
        "here",
        {"type": "Property", "value": {"type": "Point", "coordinates": [1, 1]}},
        {"type": "GeoProperty", "value": "here"},
        {"type": "GeoProperty", "value": {"type": "Point"}},
        {"type": "GeoProperty", "value": {"type": "Point", "coordinates": []}},
        {"type": "GeoProperty", "value": {"type": "Point", "coordinates": ["a", "b"]}},
        {"type": "GeoProperty", "value": {"type": "LineString", "coordinates": [[1, 1]]}},
        {"type": "GeoProperty", "value": {"type": "Polygon", "coordinates": [[[1, 1], [2, 2], [1, 1], [1, 1]]]}},
        {"type": "GeoProperty", "value": {"type": ["Point"], "coordinates": [1, 1]}},
    ],
)
def test_what_is_no_place_never_matches(relation: str, value: Any) -> None:
    assert not parse_geo(relation, "Polygon", SQUARE, None, CORE).matches({"location": value})


FAULTS = [
    ("touches", "Point", [1, 1], "geo.relation", "georel"),
    ("", "Point", [1, 1], "geo.relation", "georel"),
    ("within;maxDistance==5", "Point", [1, 1], "geo.relation", "georel"),
    ("near", "Point", [1, 1], "geo.distance", "georel"),
    ("near;maxDistance==0", "Point", [1, 1], "geo.distance", "georel"),
    ("near;maxDistance==0.0", "Point", [1, 1], "geo.distance", "georel"),
    ("near;maxDistance==-5", "Point", [1, 1], "geo.distance", "georel"),
    ("near;maxDistance==inf", "Point", [1, 1], "geo.distance", "georel"),
    ("near;maxDistance==1e400", "Point", [1, 1], "geo.distance", "georel"),
    ("near;maxDistance==" + "9" * 500, "Point", [1, 1], "geo.distance", "georel"),
    ("near;maxDistance=5", "Point", [1, 1], "geo.distance", "georel"),
    ("near;maxDistance==5;minDistance==1", "Point", [1, 1], "geo.distance", "georel"),
    ("near;distance==5", "Point", [1, 1], "geo.distance", "georel"),
    ("within", "GeometryCollection", [], "geo.type", "geoQ.geometry"),
    ("within", "Circle", [], "geo.type", "geoQ.geometry"),
    ("within", ["Point"], [], "geo.type", "geoQ.geometry"),
    ("within", "Point", "here", "geo.type", "geoQ.coordinates"),
    ("within", "Point", "[1,", "geo.type", "geoQ.coordinates"),
    ("within", "Point", "[" * 100_000, "geo.type", "geoQ.coordinates"),
    ("within", "Point", "\ud800", "geo.type", "geoQ.coordinates"),
    ("within", "Point", " " * 1_000_001, "geo.too_many", "geoQ.coordinates"),
    ("within", "Point", [200, 0], "geo.range", "geoQ.coordinates[0]"),
    ("within", "Point", [1, float("nan")], "geo.number", "geoQ.coordinates[1]"),
    ("within", "Polygon", [[[0, 0], [1, 0], [1, 1], [0, 1]]], "geo.ring", "geoQ.coordinates[0]"),
    ("within", "Polygon", [[[0, 0], [1, 0], [0, 0]]], "geo.too_few", "geoQ.coordinates[0]"),
    ("within", "Polygon", [[[0, 0], [1, 1], [2, 2], [0, 0]]], "geo.area", "geoQ.coordinates"),
    ("within", "LineString", [[0, 0]] * 10_001, "geo.too_many", "geoQ.coordinates[10000]"),
]


@pytest.mark.parametrize(("georel", "kind", "coordinates", "code", "where"), FAULTS)
def test_what_is_no_geoquery_is_refused(georel: str, kind: Any, coordinates: Any, code: str, where: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_geo(georel, kind, coordinates, None, CORE)
    assert (caught.value.code, caught.value.where) == (code, where)


positions = st.tuples(st.floats(-179, 179), st.floats(-88, 88))


@settings(max_examples=60)
@given(positions, positions, positions)
def test_the_distance_to_a_line_is_that_to_its_nearest_position(
    one: tuple[float, float], two: tuple[float, float], point: tuple[float, float]
) -> None:
    """Against a walk along the line in 500 steps, up to a quarter of the way around the globe."""
    # A line of a few degrees: longer ones make the walk coarse.
    two = (max(-179.0, min(179.0, one[0] + two[0] / 60)), max(-88.0, min(88.0, one[1] + two[1] / 60)))
    line = {"type": "LineString", "coordinates": [list(one), list(two)]}
    assume(distance_m(one, point) < 10_000_000)
    found = measure_to(line)({"type": "Point", "coordinates": list(point)})
    steps = 500
    walked = min(
        distance_m(point, (one[0] + (two[0] - one[0]) * n / steps, one[1] + (two[1] - one[1]) * n / steps))
        for n in range(steps + 1)
    )
    assert found <= walked * (1 + 1e-6) + 3
    assert found >= walked * (1 - 1e-6) - distance_m(one, two) / steps - 3
    assert math.isclose(found, measure_to({"type": "Point", "coordinates": list(point)})(line), abs_tol=1)


@settings(max_examples=60)
@given(positions, st.floats(1, 2_000_000), positions)
def test_the_box_holds_all_that_is_near(one: tuple[float, float], reach: float, two: tuple[float, float]) -> None:
    two = (max(-180, min(180, one[0] + two[0] / 10)), max(-90, min(90, one[1] + two[1] / 10)))
    line = [list(one), [max(-180, min(180, one[0] + 3)), one[1]]]
    for kind, coordinates in (("Point", list(one)), ("LineString", line)):
        query = parse_geo(f"near;maxDistance=={reach!r}", kind, coordinates, None, CORE)
        box = query.box()
        assert box is not None
        if measure_to(query.geometry)({"type": "Point", "coordinates": list(two)}) <= reach:
            assert meets(box, place("Point", list(two)))
            assert query.matches(place("Point", list(two)))


def test_a_geometry_for_ordering_is_read_alike() -> None:
    assert parse_geometry("Point", "[8,40]") == {"type": "Point", "coordinates": [8, 40]}
