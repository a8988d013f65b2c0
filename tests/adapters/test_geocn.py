"""District polygons from the optional package: one city's own, and nothing without it."""

from __future__ import annotations

import importlib.util

import pytest

from quanyu.adapters.geocn import district_shapes
from quanyu.assembly.packs import load_city
from quanyu.kernel.errors import Missing


def test_only_the_districts_of_the_city_are_given() -> None:
    shapes = district_shapes("110000")
    assert shapes is not None
    assert [shape["id"] for shape in shapes] == sorted(district["code"] for district in load_city("beijing").districts)
    assert all(shape["geometry"]["type"] in ("Polygon", "MultiPolygon") for shape in shapes)
    other = district_shapes("440300")
    assert other is not None
    assert {shape["id"][:4] for shape in other} == {"4403"}


def test_an_unknown_city_is_refused() -> None:
    with pytest.raises(Missing) as refused:
        district_shapes("999900")
    assert refused.value.code == "geocn.city"


def test_without_the_package_there_are_no_polygons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert district_shapes("110000") is None
