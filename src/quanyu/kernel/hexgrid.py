"""Plain grids over a city: hexagons that stand in for district shapes, and square cells of about 100 metres.

The hexagons are schematic: each belongs to the nearest district centre, so they show where roughly a district lies and
claim no boundary.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import cos, radians, sqrt
from typing import Any

METRES_PER_DEGREE = 111_320.0
"""Length of one degree of latitude, and of longitude at the equator."""

CELL_M = 100.0
"""Side of a management grid cell (about 100 m × 100 m; rules.md B1, unverified)."""

Point = tuple[float, float]
Box = tuple[float, float, float, float]


def hexagons(box: Box, radius_m: float) -> Iterator[tuple[Point, list[Point]]]:
    """Yield (centre, closed ring) of flat-topped hexagons that cover a box; `radius_m` is centre to corner."""
    west, south, east, north = box
    metre_x = 1 / (METRES_PER_DEGREE * cos(radians((south + north) / 2)))
    metre_y = 1 / METRES_PER_DEGREE
    step_x, step_y = 1.5 * radius_m * metre_x, sqrt(3) * radius_m * metre_y
    corners = [(cos(radians(60 * k)), cos(radians(60 * k - 90))) for k in range(7)]
    for column in range(int((east - west) / step_x) + 2):
        x = west + column * step_x
        shift = step_y / 2 if column % 2 else 0.0
        for row in range(int((north - south) / step_y) + 2):
            y = south + row * step_y + shift
            yield (
                (x, y),
                [(round(x + dx * radius_m * metre_x, 5), round(y + dy * radius_m * metre_y, 5)) for dx, dy in corners],
            )


def hex_districts(districts: Sequence[Mapping[str, Any]], box: Box, radius_m: float = 2_500.0) -> list[dict[str, Any]]:
    """Return one GeoJSON feature per district: the hexagons nearest to its centre, never a boundary."""
    rings: dict[str, list[list[list[Point]]]] = {district["code"]: [] for district in districts}
    stretch = cos(radians((box[1] + box[3]) / 2))
    for (x, y), ring in hexagons(box, radius_m):
        nearest = min(
            districts, key=lambda each: ((each["centre"][0] - x) * stretch) ** 2 + (each["centre"][1] - y) ** 2
        )
        rings[nearest["code"]].append([ring])
    return [
        {
            "type": "Feature",
            "id": district["code"],
            "properties": {"code": district["code"], "name": district["name"], "shape": "schematic"},
            "geometry": {"type": "MultiPolygon", "coordinates": rings[district["code"]]},
        }
        for district in districts
    ]


def grid_code(district: str, lon: float, lat: float, box: Box) -> str:
    """Return the 15 digits of a point's cell: 6 of the district, 4 + 5 of row and column in the city's own lattice.

    The split of the last nine digits is this project's own (rules.md B1 has only their number, unverified).
    """
    row, column = cell_at(lon, lat, box)
    return f"{district}{row:04d}{column:05d}"


def cell_at(lon: float, lat: float, box: Box) -> tuple[int, int]:
    """Return (row, column) of the square cell that holds a point, counted from the south-west corner; never below 0."""
    metre_x = 1 / (METRES_PER_DEGREE * cos(radians((box[1] + box[3]) / 2)))
    column = int((lon - box[0]) / (CELL_M * metre_x))
    row = int((lat - box[1]) * METRES_PER_DEGREE / CELL_M)
    return max(0, row), max(0, column)


def cell_ring(row: int, column: int, box: Box) -> list[Point]:
    """Return the closed ring of a square cell, counter-clockwise from its south-west corner."""
    width = CELL_M / (METRES_PER_DEGREE * cos(radians((box[1] + box[3]) / 2)))
    height = CELL_M / METRES_PER_DEGREE
    west, south = box[0] + column * width, box[1] + row * height
    return [
        (round(x, 6), round(y, 6))
        for x, y in [
            (west, south),
            (west + width, south),
            (west + width, south + height),
            (west, south + height),
            (west, south),
        ]
    ]
