"""Geometry is checked once, and the fault is named by its JSON path."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.kernel.errors import Invalid, Unsupported
from quanyu.kernel.geo import Box, bounds, check_geometry

SQUARE = [[116.0, 39.0], [117.0, 39.0], [117.0, 40.0], [116.0, 40.0], [116.0, 39.0]]

SOUND: list[dict[str, Any]] = [
    {"type": "Point", "coordinates": [116.4, 39.9]},
    {"type": "Point", "coordinates": [116, 39, 43.5]},
    {"type": "MultiPoint", "coordinates": [[116.4, 39.9]]},
    {"type": "LineString", "coordinates": [[116.4, 39.9], [116.5, 39.9]]},
    {"type": "MultiLineString", "coordinates": [[[116.4, 39.9], [116.5, 39.9]]]},
    {"type": "Polygon", "coordinates": [SQUARE]},
    {"type": "MultiPolygon", "coordinates": [[SQUARE], [SQUARE]], "bbox": [116, 39, 117, 40]},
]


@pytest.mark.parametrize("geometry", SOUND)
def test_sound_geometry_is_returned_as_it_is(geometry: dict[str, Any]) -> None:
    assert check_geometry(geometry) is geometry


def polygon(*ring: list[float]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [list(ring)]}


@pytest.mark.parametrize(
    ("geometry", "where", "code"),
    [
        (None, "$", "geo.type"),
        ([116.4, 39.9], "$", "geo.type"),
        ({}, "$.type", "geo.type"),
        ({"type": ["Point"]}, "$.type", "geo.type"),
        ({"type": "point", "coordinates": [116.4, 39.9]}, "$.type", "geo.type"),
        ({"type": "Point"}, "$", "geo.type"),
        ({"type": "Point", "coordinates": "116.4,39.9"}, "$.coordinates", "geo.position"),
        ({"type": "Point", "coordinates": [116.4]}, "$.coordinates", "geo.position"),
        ({"type": "Point", "coordinates": [1, 2, 3, 4]}, "$.coordinates", "geo.position"),
        ({"type": "Point", "coordinates": [116.4, "39.9"]}, "$.coordinates[1]", "geo.number"),
        ({"type": "Point", "coordinates": [True, 39.9]}, "$.coordinates[0]", "geo.number"),
        ({"type": "Point", "coordinates": [116.4, float("nan")]}, "$.coordinates[1]", "geo.number"),
        ({"type": "Point", "coordinates": [116.4, 39.9, float("inf")]}, "$.coordinates[2]", "geo.number"),
        ({"type": "Point", "coordinates": [180.1, 39.9]}, "$.coordinates[0]", "geo.range"),
        ({"type": "Point", "coordinates": [39.9, 116.4]}, "$.coordinates[1]", "geo.range"),
        ({"type": "Point", "coordinates": [10**400, 39.9]}, "$.coordinates[0]", "geo.range"),
        ({"type": "LineString", "coordinates": [[116.4, 39.9]]}, "$.coordinates", "geo.too_few"),
        ({"type": "LineString", "coordinates": {"0": 1}}, "$.coordinates", "geo.type"),
        ({"type": "MultiPoint", "coordinates": []}, "$.coordinates", "geo.too_few"),
        ({"type": "MultiPolygon", "coordinates": [[SQUARE], []]}, "$.coordinates[1]", "geo.too_few"),
        ({"type": "MultiPolygon", "coordinates": [[SQUARE], [SQUARE[:4]]]}, "$.coordinates[1][0]", "geo.ring"),
        (polygon([1, 1], [2, 1], [1, 1]), "$.coordinates[0]", "geo.too_few"),
        (polygon([1, 1], [2, 1], [2, 2], [1, 2]), "$.coordinates[0]", "geo.ring"),
        ({"type": "Point", "coordinates": [116.4, 39.9], "crs": {"type": "name"}}, "$.crs", "geo.crs"),
    ],
)
def test_a_fault_is_named_by_its_path(geometry: object, where: str, code: str) -> None:
    with pytest.raises(Invalid) as fault:
        check_geometry(geometry)
    assert (fault.value.where, fault.value.code) == (where, code)


def test_swapped_coordinates_get_a_hint() -> None:
    with pytest.raises(Invalid) as fault:
        check_geometry({"type": "Point", "coordinates": [39.9, 116.4]}, where="$.location.value")
    assert fault.value.where == "$.location.value.coordinates[1]"
    assert fault.value.remedy == "send longitude first, then latitude"


def test_a_collection_is_known_but_not_built() -> None:
    with pytest.raises(Unsupported) as fault:
        check_geometry({"type": "GeometryCollection", "geometries": []})
    assert "MultiPolygon" in str(fault.value.remedy)


def test_too_many_positions_are_refused() -> None:
    line = {"type": "LineString", "coordinates": [[116.4, 39.9]] * 11}
    with pytest.raises(Invalid) as fault:
        check_geometry(line, points_max=10)
    assert (fault.value.where, fault.value.code) == ("$.coordinates[10]", "geo.too_many")
    assert check_geometry(line, points_max=11) is line


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=20,
)


@given(st.sampled_from(["Point", "LineString", "Polygon", "MultiPolygon", "Nothing"]), anything)
def test_any_json_is_either_sound_or_refused(kind: str, coordinates: object) -> None:
    try:
        box = bounds(check_geometry({"type": kind, "coordinates": coordinates}))
    except Invalid as refused:
        path = str(refused.where)
    else:
        path = "$"
        assert Box(-180, -90, 180, 90).meets(box)
    assert path.startswith("$")
