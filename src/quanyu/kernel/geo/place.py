"""Questions asked of places: how far, inside or not, which box, which middle; on a sphere or a plane of degrees."""

from dataclasses import dataclass
from itertools import pairwise
from math import asin, cos, degrees, hypot, radians, sin, sqrt
from typing import Final

from quanyu.kernel.errors import Invalid
from quanyu.kernel.geo.geometry import Geometry, Point, paths, polygons

EARTH_RADIUS_M: Final = 6_371_008.8  # mean radius of WGS 84 (IUGG)


@dataclass(frozen=True, slots=True)
class Box:
    """A box of degrees, edges included; it does not reach across the antimeridian."""

    west: float
    south: float
    east: float
    north: float

    def __post_init__(self) -> None:
        if not (-180 <= self.west <= self.east <= 180 and -90 <= self.south <= self.north <= 90):
            raise Invalid(
                f"box {self.west},{self.south},{self.east},{self.north} is not west,south,east,north in degrees",
                code="geo.box",
            )

    def holds(self, point: Point) -> bool:
        """Whether the point lies in the box or on its edge."""
        return self.west <= point[0] <= self.east and self.south <= point[1] <= self.north

    def meets(self, other: "Box") -> bool:
        """Whether the boxes share at least a point."""
        return (
            self.west <= other.east
            and other.west <= self.east
            and self.south <= other.north
            and other.south <= self.north
        )


@dataclass(frozen=True, slots=True)
class Near:
    """A ring around a point: at least ``least_m`` and at most ``most_m`` away."""

    point: Point
    most_m: float
    least_m: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.least_m <= self.most_m:
            raise Invalid(f"distance {self.least_m} to {self.most_m} m is not a range", code="geo.near")

    def holds(self, point: Point) -> bool:
        """Whether the point lies in the ring."""
        return self.least_m <= distance_m(self.point, point) <= self.most_m

    def bounds(self) -> Box:
        """Give a box that surely holds the ring, for an index to search; whole degrees of longitude near a pole."""
        longitude, latitude = self.point
        reach = degrees((self.most_m * (1 + 1e-9) + 0.001) / EARTH_RADIUS_M)  # a millimetre for rounding
        south, north = max(-90.0, latitude - reach), min(90.0, latitude + reach)
        west, east = -180.0, 180.0
        if south > -90 and north < 90:
            side = degrees(asin(min(1.0, sin(radians(reach)) / cos(radians(latitude))))) * (1 + 1e-9)
            if longitude - side >= -180 and longitude + side <= 180:
                west, east = longitude - side, longitude + side
        return Box(west, south, east, north)


def distance_m(a: Point, b: Point) -> float:
    """Great-circle distance in metres (haversine on the mean sphere; within 0.6 % of the ellipsoid)."""
    half_lon, half_lat = radians(b[0] - a[0]) / 2, radians(b[1] - a[1]) / 2
    chord = sin(half_lat) ** 2 + cos(radians(a[1])) * cos(radians(b[1])) * sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(chord)))


def bounds(geometry: Geometry) -> Box:
    """Give the smallest box around a geometry."""
    points = [point for run in paths(geometry) for point in run]
    longitudes, latitudes = [point[0] for point in points], [point[1] for point in points]
    return Box(min(longitudes), min(latitudes), max(longitudes), max(latitudes))


def contains(geometry: Geometry, point: Point) -> bool:
    """Whether a polygon or multipolygon holds the point, by the even-odd rule, so holes are outside.

    Edges are half-open: of two polygons that share an edge, a point on it belongs to at most one.
    Raises Invalid for points and lines, which have no inside.
    """
    if geometry["type"] not in ("Polygon", "MultiPolygon"):
        raise Invalid(f"geometry type {geometry['type']} has no inside", code="geo.no_inside")
    return any(sum(_crosses(ring, point) for ring in rings) % 2 == 1 for rings in polygons(geometry))


def _crosses(ring: list[Point], point: Point) -> int:
    """Count how often a ray from the point to the east crosses the ring."""
    x, y = point
    count = 0
    for (x1, y1), (x2, y2) in pairwise(ring):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
            count += 1
    return count


def centre(geometry: Geometry) -> Point:
    """Give the middle of area, of length or of points, whichever fits; it may lie outside a concave polygon."""
    if geometry["type"] == "Point":
        longitude, latitude = geometry["coordinates"][:2]
        return longitude, latitude
    runs = list(paths(geometry))
    origin = runs[0][0]
    if geometry["type"].endswith("Polygon"):
        rings = [(ring, place > 0) for polygon in polygons(geometry) for place, ring in enumerate(polygon)]
        weighted = [_area_middle(ring, origin, hole=hole) for ring, hole in rings]
    elif geometry["type"].endswith("LineString"):
        weighted = [_length_middle(run, origin) for run in runs]
    else:
        weighted = []
    total = sum(weight for weight, _, _ in weighted)
    if total <= 0:
        points = [point for run in runs for point in run]
        weighted = [(1.0, x - origin[0], y - origin[1]) for x, y in points]
        total = float(len(points))
    return (
        origin[0] + sum(weight_x for _, weight_x, _ in weighted) / total,
        origin[1] + sum(weight_y for _, _, weight_y in weighted) / total,
    )


def _area_middle(ring: list[Point], origin: Point, *, hole: bool) -> tuple[float, float, float]:
    """Area of a ring and its first moments about ``origin``; negative for a hole whatever way it winds."""
    area = moment_x = moment_y = 0.0
    for (x1, y1), (x2, y2) in pairwise((x - origin[0], y - origin[1]) for x, y in ring):
        cross = (x1 * y2 - x2 * y1) / 2
        area += cross
        moment_x += cross * (x1 + x2) / 3
        moment_y += cross * (y1 + y2) / 3
    sign = (-1 if hole else 1) * (1 if area >= 0 else -1)
    return sign * area, sign * moment_x, sign * moment_y


def _length_middle(line: list[Point], origin: Point) -> tuple[float, float, float]:
    """Length of a line and its first moments about ``origin``."""
    length = moment_x = moment_y = 0.0
    for (x1, y1), (x2, y2) in pairwise((x - origin[0], y - origin[1]) for x, y in line):
        piece = hypot(x2 - x1, y2 - y1)
        length += piece
        moment_x += piece * (x1 + x2) / 2
        moment_y += piece * (y1 + y2) / 2
    return length, moment_x, moment_y
