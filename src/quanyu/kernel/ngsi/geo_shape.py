"""Geometry that needs shapely: the relations of simple features, and distances between places of any shape."""

from collections.abc import Callable
from math import asin, atan2, cos, degrees, hypot, radians, sin
from typing import Any, Final

import numpy as np
import shapely

from quanyu.kernel.geo import Geometry, Point
from quanyu.kernel.geo.place import EARTH_RADIUS_M

_STEP_DEGREES: Final = 0.1  # a straight line in degrees bends by about a metre over this
_DECIMALS: Final = 12  # far below what any position can mean
_PIECES_MAX: Final = 20_000


def shape_of(geometry: Geometry) -> Any:
    """Make a shape; polygons that cross or touch themselves are mended to the area that they enclose.

    Raises ValueError for a polygon that encloses nothing and for what is no geometry.
    """
    try:
        shape = _made(geometry["type"], geometry["coordinates"])
        if shape.is_valid or not geometry["type"].endswith("Polygon"):
            return shape
        areas = [part for part in shapely.get_parts(shapely.make_valid(shape)) if part.area > 0]
    except shapely.errors.ShapelyError as fault:
        raise ValueError(str(fault)) from fault
    flat = [area for part in areas for area in shapely.get_parts(part)]
    if not flat:
        raise ValueError("polygon encloses no area")
    return flat[0] if len(flat) == 1 else shapely.MultiPolygon(flat)


def _made(kind: str, coordinates: Any) -> Any:
    if kind == "Point":
        return shapely.Point(coordinates[0], coordinates[1])
    if kind == "MultiPoint":
        return shapely.MultiPoint(_flat(coordinates))
    if kind == "LineString":
        line = _flat(coordinates)
        places = {(round(x, _DECIMALS), round(y, _DECIMALS)) for x, y in line}
        return shapely.LineString(line) if len(places) != 1 or len(line) == 1 else shapely.Point(line[0])
    if kind == "MultiLineString":
        return shapely.MultiLineString([_flat(line) for line in coordinates])
    if kind == "Polygon":
        return _polygon(coordinates)
    return shapely.MultiPolygon([_polygon(rings) for rings in coordinates])


def _polygon(rings: Any) -> Any:
    return shapely.Polygon(_flat(rings[0]), [_flat(ring) for ring in rings[1:]])


def _flat(positions: Any) -> list[Point]:
    """Leave out altitudes."""
    return [(position[0], position[1]) for position in positions]


def relation(name: str, reference: Geometry) -> Callable[[Geometry], bool]:
    """Compile `target <name> reference` (within, contains, intersects, equals, disjoint, overlaps) on degrees."""
    fixed = shape_of(reference)
    shapely.prepare(fixed)
    west, south, east, north = fixed.bounds
    by_shape: dict[str, Callable[[Any], Any]] = {
        "within": lambda target: shapely.contains(fixed, target),
        "contains": lambda target: shapely.within(fixed, target),
        "intersects": lambda target: shapely.intersects(fixed, target),
        "disjoint": lambda target: shapely.disjoint(fixed, target),
        "overlaps": lambda target: shapely.overlaps(fixed, target),
        "equals": lambda target: shapely.equals(fixed, target),
    }
    by_point: dict[str, Callable[[float, float], Any]] = {
        "within": lambda x, y: shapely.contains_xy(fixed, x, y),
        "intersects": lambda x, y: shapely.intersects_xy(fixed, x, y),
    }
    test, at = by_shape[name], by_point.get(name)

    def holds(geometry: Geometry) -> bool:
        if at is not None and geometry["type"] == "Point":
            x, y = geometry["coordinates"][:2]
            return west <= x <= east and south <= y <= north and bool(at(x, y))
        try:
            return bool(test(shape_of(geometry)))
        except shapely.errors.ShapelyError:
            return False

    return holds


def separation_m(reference: Geometry) -> Callable[[Geometry], float]:
    """Compile the shortest distance to a reference on the sphere, in metres; 0 where they meet.

    Lines are straight in degrees, as GeoJSON has it. Right to a few metres up to a quarter of the way around the globe: the
    shapes are laid flat around the place where they come closest. The function raises ValueError for what is no geometry.
    """
    fixed = shape_of(reference)
    pieces = _divided(fixed)
    shapely.prepare(fixed)

    def measured(geometry: Geometry) -> float:
        try:
            return between(shape_of(geometry))
        except shapely.errors.ShapelyError as fault:
            raise ValueError(str(fault)) from fault

    def between(target: Any) -> float:
        if shapely.intersects(fixed, target):
            return 0.0
        target = _divided(target)
        for shape in (pieces, target):
            if shape.geom_type == "Point":
                return _laid(pieces, target, (shape.x, shape.y))[0]
        near = shapely.shortest_line(pieces, target).interpolate(0.5, normalized=True)
        _, middle = _laid(pieces, target, (near.x, near.y))
        return _laid(pieces, target, middle)[0]

    return measured


def _divided(shape: Any) -> Any:
    """Divide long lines, so that their ends suffice on a bent surface."""
    step = max(_STEP_DEGREES, shape.length / _PIECES_MAX)
    try:
        return shapely.segmentize(shape, step)
    except shapely.errors.ShapelyError:  # a part of no length
        return shape


def _laid(first: Any, second: Any, centre: Point) -> tuple[float, Point]:
    """Measure in the plane that keeps distances from `centre`; also give the middle of the shortest line."""
    line = shapely.shortest_line(
        shapely.transform(first, lambda points: _flattened(points, centre)),
        shapely.transform(second, lambda points: _flattened(points, centre)),
    )
    (x1, y1), (x2, y2) = line.coords[0], line.coords[-1]
    return hypot(x2 - x1, y2 - y1), _raised((x1 + x2) / 2, (y1 + y2) / 2, centre)


def _flattened(points: Any, centre: Point) -> Any:
    """Project degrees to metres, azimuthal and equidistant around a centre."""
    longitude, latitude = np.radians(points[:, 0] - centre[0]), np.radians(points[:, 1])
    middle = radians(centre[1])
    east = np.cos(latitude) * np.sin(longitude)
    north = cos(middle) * np.sin(latitude) - sin(middle) * np.cos(latitude) * np.cos(longitude)
    up = sin(middle) * np.sin(latitude) + cos(middle) * np.cos(latitude) * np.cos(longitude)
    across = np.hypot(east, north)
    scale = np.divide(np.arctan2(across, up), across, out=np.ones_like(across), where=across > 0) * EARTH_RADIUS_M
    return np.column_stack((east * scale, north * scale))


def _raised(x: float, y: float, centre: Point) -> Point:
    """Undo the projection for one point."""
    length = hypot(x, y)
    if length == 0:
        return centre
    angle, middle = length / EARTH_RADIUS_M, radians(centre[1])
    height = cos(angle) * sin(middle) + y * sin(angle) * cos(middle) / length
    turn = atan2(x * sin(angle), length * cos(middle) * cos(angle) - y * sin(middle) * sin(angle))
    return centre[0] + degrees(turn), degrees(asin(max(-1.0, min(1.0, height))))
