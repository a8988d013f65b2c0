"""Reference systems: everything is kept in WGS 84, and each place remembers the system it came in."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from quanyu.kernel.errors import Invalid
from quanyu.kernel.geo.geometry import DEPTH, Geometry, Point, check_geometry
from quanyu.kernel.geo.offset import bd09_from_gcj02, gcj02_from_bd09, gcj02_from_wgs84, wgs84_from_gcj02


class Crs(StrEnum):
    """The systems met in Chinese city data; coordinates are always longitude first, as in GeoJSON."""

    WGS84 = "EPSG:4326"
    CGCS2000 = "EPSG:4490"
    GCJ02 = "GCJ-02"
    BD09 = "BD-09"


def _same(point: Point) -> Point:
    return point


# WGS 84 and CGCS2000 differ by centimetres to decimetres, below what city data resolve.
_TO_WGS84: Final[dict[Crs, Callable[[Point], Point]]] = {
    Crs.WGS84: _same,
    Crs.CGCS2000: _same,
    Crs.GCJ02: wgs84_from_gcj02,
    Crs.BD09: lambda point: wgs84_from_gcj02(gcj02_from_bd09(point)),
}
_FROM_WGS84: Final[dict[Crs, Callable[[Point], Point]]] = {
    Crs.WGS84: _same,
    Crs.CGCS2000: _same,
    Crs.GCJ02: gcj02_from_wgs84,
    Crs.BD09: lambda point: bd09_from_gcj02(gcj02_from_wgs84(point)),
}


@dataclass(frozen=True, slots=True)
class Located:
    """A geometry in WGS 84 with the system that it was delivered in, to be stored beside it."""

    geometry: Geometry
    source_crs: Crs


def parse_crs(text: str, *, where: str | None = None) -> Crs:
    """Read the name of a reference system; raises Invalid that lists the four known ones."""
    try:
        return Crs(text)
    except ValueError as fault:
        raise Invalid(
            f"reference system {text!r} is not known",
            code="geo.crs",
            where=where,
            remedy=f"write one of {', '.join(Crs)}",
        ) from fault


def convert_point(point: Point, source: Crs, target: Crs) -> Point:
    """Move a point from one system to another, through WGS 84."""
    return point if source == target else _FROM_WGS84[target](_TO_WGS84[source](point))


def located(geojson: object, source: Crs, *, where: str = "$") -> Located:
    """Check a geometry and bring it to WGS 84; altitudes and other members are kept."""
    geometry = check_geometry(geojson, where=where)
    shift = _TO_WGS84[source]
    if shift is _same:
        return Located(geometry, source)
    moved = _moved(geometry["coordinates"], DEPTH[geometry["type"]], shift)
    return Located({**geometry, "coordinates": moved}, source)


def _moved(value: Any, depth: int, shift: Callable[[Point], Point]) -> list[Any]:
    if depth:
        return [_moved(item, depth - 1, shift) for item in value]
    return [*shift((value[0], value[1])), *value[2:]]
