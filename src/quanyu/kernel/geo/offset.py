"""The offset systems of Chinese public maps: GCJ-02 and BD-09, by the formulas in public use (unverified)."""

from collections.abc import Callable
from math import atan2, cos, hypot, pi, sin, sqrt
from typing import Final

from quanyu.kernel.geo.geometry import Point

# The Krasovsky 1940 ellipsoid, on which the offset is defined.
_RADIUS_M: Final = 6_378_245.0
_ECCENTRICITY_2: Final = 0.006_693_421_622_965_943

# Outside this box maps carry no offset; it is rough and touches neighbouring countries.
_WEST, _EAST, _SOUTH, _NORTH = 72.004, 137.8347, 0.8293, 55.8271

_BD_LON, _BD_LAT, _BD_ANGLE = 0.0065, 0.006, pi * 3000 / 180


def is_offset(point: Point) -> bool:
    """Whether public maps shift this WGS 84 point."""
    return _WEST <= point[0] <= _EAST and _SOUTH <= point[1] <= _NORTH


def _waves(*terms: tuple[float, float]) -> float:
    """Sum sines of (height in metres, angle in half turns), scaled as the public formula does."""
    return sum(height * sin(angle * pi) for height, angle in terms) * 2 / 3


def gcj02_from_wgs84(point: Point) -> Point:
    """Shift a WGS 84 point to GCJ-02, by up to a kilometre or two; unchanged outside the offset area."""
    if not is_offset(point):
        return point
    longitude, latitude = point
    x, y = longitude - 105, latitude - 35
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x))
    north += _waves((20, 6 * x), (20, 2 * x), (20, y), (40, y / 3), (160, y / 12), (320, y / 30))
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x))
    east += _waves((20, 6 * x), (20, 2 * x), (20, x), (40, x / 3), (150, x / 12), (300, x / 30))
    sine = sin(latitude * pi / 180)
    curve = 1 - _ECCENTRICITY_2 * sine * sine
    meridian = _RADIUS_M * (1 - _ECCENTRICITY_2) / (curve * sqrt(curve))
    parallel = _RADIUS_M / sqrt(curve) * cos(latitude * pi / 180)
    return longitude + east * 180 / (parallel * pi), latitude + north * 180 / (meridian * pi)


def wgs84_from_gcj02(point: Point) -> Point:
    """Undo the GCJ-02 shift to well within 1e-6 degrees (0.1 m), except within 1 km of the edge of the offset area."""
    return _undo(gcj02_from_wgs84, point) if is_offset(point) else point


def bd09_from_gcj02(point: Point) -> Point:
    """Shift a GCJ-02 point to BD-09."""
    x, y = point
    length = hypot(x, y) + 2e-5 * sin(y * _BD_ANGLE)
    angle = atan2(y, x) + 3e-6 * cos(x * _BD_ANGLE)
    return length * cos(angle) + _BD_LON, length * sin(angle) + _BD_LAT


def gcj02_from_bd09(point: Point) -> Point:
    """Undo the BD-09 shift to well within 1e-6 degrees, which the usual closed formula does not reach."""
    return _undo(bd09_from_gcj02, point)


def _undo(shift: Callable[[Point], Point], target: Point) -> Point:
    """Walk back from ``target`` until the shift lands on it; each step shrinks the error more than tenfold."""
    x, y = target
    for _ in range(40):
        shifted_x, shifted_y = shift((x, y))
        error_x, error_y = target[0] - shifted_x, target[1] - shifted_y
        x, y = x + error_x, y + error_y
        if abs(error_x) < 1e-11 and abs(error_y) < 1e-11:
            break
    return x, y
