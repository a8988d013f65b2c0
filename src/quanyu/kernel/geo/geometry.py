"""GeoJSON geometry (RFC 7946): checked once at the border, trusted inside."""

from collections.abc import Iterator, Mapping
from math import inf
from typing import Any, Final

from quanyu.kernel.errors import Invalid, Unsupported

Point = tuple[float, float]
"""Longitude, then latitude, in degrees."""

Geometry = Mapping[str, Any]
"""A GeoJSON geometry object that passed ``check_geometry``."""

# How many lists stand around one position, by geometry type.
DEPTH: Final = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}
POINTS_MAX: Final = 100_000

_LIST_MIN: Final = {"LineString": 2, "MultiLineString": 2, "Polygon": 4, "MultiPolygon": 4, "MultiPoint": 1}


def check_geometry(geojson: object, *, where: str = "$", points_max: int = POINTS_MAX) -> Geometry:
    """Return the geometry if it is sound; raises Invalid whose ``where`` is the JSON path of the first fault.

    Checked are type, numbers, ranges, closed rings, counts, and that no other reference system is named.
    GeometryCollection raises Unsupported: NGSI-LD does not allow it as a location.
    """
    if not isinstance(geojson, Mapping):
        raise _fault(where, f"geometry is {_kind(geojson)}, not an object", "geo.type")
    kind = geojson.get("type")
    if kind == "GeometryCollection":
        raise Unsupported(
            "geometry type GeometryCollection is not supported", where=f"{where}.type", remedy=f"send {_accepted()}"
        )
    if not isinstance(kind, str) or kind not in DEPTH:
        raise _fault(f"{where}.type", f"geometry type {kind!r} is not known", "geo.type", f"send {_accepted()}")
    if "crs" in geojson:
        raise _fault(
            f"{where}.crs", "geometry names a reference system", "geo.crs", "convert to WGS 84 and leave crs out"
        )
    if "coordinates" not in geojson:
        raise _fault(where, "geometry has no coordinates", "geo.type")
    _Check(kind, points_max).walk(geojson["coordinates"], DEPTH[kind], f"{where}.coordinates")
    return geojson


class _Check:
    """One walk over the coordinates that counts positions as it goes, so that a flood stops early."""

    def __init__(self, kind: str, points_max: int) -> None:
        self.kind = kind
        self.points_max = points_max
        self.points = 0

    def walk(self, value: object, depth: int, where: str) -> None:
        if depth == 0:
            self.position(value, where)
            return
        if not isinstance(value, list | tuple):
            raise _fault(where, f"coordinates hold {_kind(value)}, not a list", "geo.type")
        least = _LIST_MIN[self.kind] if depth == 1 else 1
        if len(value) < least:
            raise _fault(where, f"{self.kind} has {len(value)} of at least {least} positions", "geo.too_few")
        for place, item in enumerate(value):
            self.walk(item, depth - 1, f"{where}[{place}]")
        if depth == 1 and self.kind.endswith("Polygon") and list(value[0]) != list(value[-1]):
            raise _fault(where, "ring is not closed", "geo.ring", "repeat the first position at the end")

    def position(self, value: object, where: str) -> None:
        self.points += 1
        if self.points > self.points_max:
            raise _fault(where, f"geometry has more than {self.points_max} positions", "geo.too_many", "simplify it")
        if not isinstance(value, list | tuple) or not 2 <= len(value) <= 3:
            raise _fault(where, "position is not [longitude, latitude]", "geo.position")
        for place, number in enumerate(value):
            if type(number) not in (int, float) or not -inf < number < inf:
                raise _fault(f"{where}[{place}]", f"coordinate {number!r} is not a finite number", "geo.number")
        longitude, latitude = value[0], value[1]
        if not -180 <= longitude <= 180:
            raise _fault(f"{where}[0]", f"longitude {longitude} is outside -180 to 180", "geo.range")
        if not -90 <= latitude <= 90:
            swapped = "send longitude first, then latitude" if -90 <= longitude <= 90 else None
            raise _fault(f"{where}[1]", f"latitude {latitude} is outside -90 to 90", "geo.range", swapped)


def _fault(where: str, message: str, code: str, remedy: str | None = None) -> Invalid:
    return Invalid(message, code=code, where=where, remedy=remedy)


def _kind(value: object) -> str:
    return "null" if value is None else type(value).__name__


def _accepted() -> str:
    return ", ".join(DEPTH)


def paths(geometry: Geometry) -> Iterator[list[Point]]:
    """Yield the runs of points: one per point, line or ring, in order."""
    yield from _runs(geometry["coordinates"], DEPTH[geometry["type"]])


def _runs(value: Any, depth: int) -> Iterator[list[Point]]:
    if depth == 0:
        yield [(value[0], value[1])]
    elif depth == 1:
        yield [(each[0], each[1]) for each in value]
    else:
        for item in value:
            yield from _runs(item, depth - 1)


def polygons(geometry: Geometry) -> list[list[list[Point]]]:
    """Give polygons as lists of rings, the outer ring first; empty for points and lines."""
    kind, coordinates = geometry["type"], geometry["coordinates"]
    many = [coordinates] if kind == "Polygon" else coordinates if kind == "MultiPolygon" else []
    return [list(_runs(rings, 2)) for rings in many]
