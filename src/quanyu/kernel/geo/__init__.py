"""Places: GeoJSON geometry in WGS 84 / CGCS2000, the questions asked of it, and the offset systems of public maps."""

from quanyu.kernel.geo.crs import Crs, Located, convert_point, located, parse_crs
from quanyu.kernel.geo.geometry import Geometry, Point, check_geometry
from quanyu.kernel.geo.offset import bd09_from_gcj02, gcj02_from_bd09, gcj02_from_wgs84, wgs84_from_gcj02
from quanyu.kernel.geo.place import Box, Near, bounds, centre, contains, distance_m

__all__ = [
    "Box",
    "Crs",
    "Geometry",
    "Located",
    "Near",
    "Point",
    "bd09_from_gcj02",
    "bounds",
    "centre",
    "check_geometry",
    "contains",
    "convert_point",
    "distance_m",
    "gcj02_from_bd09",
    "gcj02_from_wgs84",
    "located",
    "parse_crs",
    "wgs84_from_gcj02",
]
