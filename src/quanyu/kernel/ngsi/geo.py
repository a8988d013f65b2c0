"""Questions about places (NGSI-LD 4.10): near, within, contains, intersects, equals, disjoint, overlaps."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from quanyu.kernel.errors import Invalid
from quanyu.kernel.geo import Geometry, Near, Point, bounds, check_geometry, distance_m
from quanyu.kernel.geo.geometry import DEPTH
from quanyu.kernel.ngsi.context import Context
from quanyu.kernel.ngsi.scanner import no_text

DEFAULT_PROPERTY: Final = "location"
POINTS_MAX: Final = 10_000
"""Positions of a geometry that is asked for."""
_TEXT_MAX: Final = 1_000_000
_RELATIONS: Final = ("near", "within", "contains", "intersects", "equals", "disjoint", "overlaps")
_NUMBER: Final = r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_NEAR: Final = re.compile(rf"near;(maxDistance|minDistance)==({_NUMBER})")
_REACH_MAX_M: Final = 25_000_000.0  # beyond half the way around the globe

Bounds = tuple[float, float, float, float]
"""West, south, east, north in degrees."""


class GeoQuery:
    """A relation to a reference geometry, asked of one GeoProperty.

    A reference polygon that crosses itself is mended: its area is what its lines enclose. `attribute` is the stored
    name of the GeoProperty; an index of places by another attribute must not be asked.
    """

    __slots__ = ("_box", "_shapes", "_test", "attribute", "distance_m", "farther", "geometry", "relation")

    def __init__(
        self, relation: str, geometry: Geometry, attribute: str, distance_m: float = 0.0, *, farther: bool = False
    ) -> None:
        self.relation = relation
        self.geometry = geometry
        self.attribute = attribute
        self.distance_m = distance_m
        self.farther = farther
        self._box = self._bounds()
        self._test: Callable[[Geometry], bool] | None = None

    def box(self) -> Bounds | None:
        """Give a box that every matching geometry touches; None where there is no such (disjoint, minDistance)."""
        return self._box

    def matches(self, document: Mapping[str, Any]) -> bool:
        """Whether a document in stored form fulfils the relation with any instance of the GeoProperty."""
        found = document.get(self.attribute)
        if found is None:
            return False
        return any(self.holds(each) for each in map(place_of, found if isinstance(found, list) else [found]) if each)

    def holds(self, geometry: Geometry) -> bool:
        """Whether a GeoJSON geometry fulfils the relation; one that is no geometry does not."""
        if self._test is None:
            self._test = self._compiled()
        try:
            return self._test(geometry)
        except (ValueError, TypeError, LookupError):
            return False

    def _compiled(self) -> Callable[[Geometry], bool]:
        if self.relation == "near":
            return self._near()
        from quanyu.kernel.ngsi.geo_shape import relation  # shapely is heavy; most queries name no place

        return relation(self.relation, self.geometry)

    def _near(self) -> Callable[[Geometry], bool]:
        reach, farther, box = self.distance_m, self.farther, self._box
        measure = measure_to(self.geometry)
        if box is None:
            return lambda geometry: (measure(geometry) > reach) is farther
        return lambda geometry: _meets(box, geometry) and measure(geometry) <= reach

    def _bounds(self) -> Bounds | None:
        if self.relation == "disjoint" or self.farther:
            return None
        box = bounds(self.geometry)
        if self.relation != "near":
            return box.west, box.south, box.east, box.north
        reach = min(self.distance_m, _REACH_MAX_M)
        corners = {(x, y) for x in (box.west, box.east) for y in (box.south, box.north)}
        rings = [Near(corner, reach).bounds() for corner in corners]
        return (
            min(ring.west for ring in rings),
            min(ring.south for ring in rings),
            max(ring.east for ring in rings),
            max(ring.north for ring in rings),
        )


def parse_geo(georel: str, geometry: str, coordinates: object, geoproperty: str | None, context: Context) -> GeoQuery:
    """Read the four parameters of a geoquery; `coordinates` is JSON text or what it says.

    Raises Invalid: geo.relation, geo.distance, geo.area, and the codes of `check_geometry` with the path of the fault.
    """
    relation, distance, farther = _relation(georel)
    if geoproperty is not None and not isinstance(geoproperty, str):
        raise no_text(geoproperty, "geoproperty", "geo")
    attribute = context.name(geoproperty) if geoproperty else DEFAULT_PROPERTY
    return GeoQuery(relation, parse_geometry(geometry, coordinates), attribute, distance, farther=farther)


def parse_geometry(kind: object, coordinates: object, *, where: str = "geoQ") -> Geometry:
    """Read a reference geometry from its type and its coordinates (JSON text or what it says)."""
    if not isinstance(kind, str) or kind not in DEPTH:
        raise Invalid(
            f"geometry {kind!r:.60} is not one of {', '.join(DEPTH)}",
            code="geo.type",
            where=f"{where}.geometry",
            remedy=f"write one of {', '.join(DEPTH)}",
        )
    if isinstance(coordinates, str):
        coordinates = _decoded(coordinates, where)
    geometry = check_geometry({"type": kind, "coordinates": coordinates}, where=where, points_max=POINTS_MAX)
    if kind.endswith("Polygon"):
        from quanyu.kernel.ngsi.geo_shape import shape_of

        try:
            shape_of(geometry)
        except ValueError as fault:
            raise Invalid(
                f"{kind} cannot be used: {fault}",
                code="geo.area",
                where=f"{where}.coordinates",
                remedy="send rings whose positions are not all on one line",
            ) from fault
    return geometry


def _decoded(text: str, where: str) -> object:
    if len(text) > _TEXT_MAX:
        raise Invalid(
            f"coordinates have {len(text)} of at most {_TEXT_MAX} characters",
            code="geo.too_many",
            where=f"{where}.coordinates",
            remedy="simplify the geometry",
        )
    try:
        return msgspec.json.decode(text.encode())
    except (ValueError, RecursionError) as fault:
        raise Invalid(
            "coordinates are not JSON",
            code="geo.type",
            where=f"{where}.coordinates",
            remedy="write for example [116.4,39.9]",
        ) from fault


def _relation(georel: str) -> tuple[str, float, bool]:
    """Read georel into relation, distance in metres, and whether it is the least distance."""
    if not isinstance(georel, str):
        raise no_text(georel, "georel", "geo")
    if georel in _RELATIONS[1:]:
        return georel, 0.0, False
    if not georel.startswith("near"):
        raise Invalid(
            f"georel {georel[:60]!r} is not known",
            code="geo.relation",
            where="georel",
            remedy=f"write one of {', '.join(_RELATIONS)}",
        )
    found = _NEAR.fullmatch(georel) if len(georel) < 400 else None
    distance = float(found[2]) if found else 0.0
    if found is None or not 0 < distance < float("inf"):
        raise Invalid(
            f"georel {georel[:60]!r} names no distance",
            code="geo.distance",
            where="georel",
            remedy="write near;maxDistance==2000 or near;minDistance==2000, in metres above 0",
        )
    return "near", distance, found[1] == "minDistance"


def measure_to(reference: Geometry) -> Callable[[Geometry], float]:
    """Compile the distance in metres from a reference to any geometry; the function raises ValueError for no geometry.

    Between points it is the great circle; shapely is loaded when something else is met.
    """
    origin = _position(reference) if reference["type"] == "Point" else None
    shaped: list[Callable[[Geometry], float]] = []

    def measure(geometry: Geometry) -> float:
        if origin is not None and geometry["type"] == "Point":
            return distance_m(origin, _position(geometry))
        if not shaped:
            from quanyu.kernel.ngsi.geo_shape import separation_m

            shaped.append(separation_m(reference))
        return shaped[0](geometry)

    return measure


def place_of(instance: Any) -> Geometry | None:
    """Give the geometry of a GeoProperty instance, or of a member that is one itself."""
    if not isinstance(instance, dict):
        return None
    if instance.get("type") == "GeoProperty":
        instance = instance.get("value")
    kind = instance.get("type") if isinstance(instance, dict) else None
    return instance if isinstance(kind, str) and kind in DEPTH else None


def _position(geometry: Geometry) -> Point:
    coordinates = geometry["coordinates"]
    return coordinates[0], coordinates[1]


def _meets(box: Bounds, geometry: Geometry) -> bool:
    if geometry["type"] == "Point":
        x, y = _position(geometry)
        return box[0] <= x <= box[2] and box[1] <= y <= box[3]
    other = bounds(geometry)
    return other.west <= box[2] and box[0] <= other.east and other.south <= box[3] and box[1] <= other.north
