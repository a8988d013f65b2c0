"""Points in the value index: each stands there as the number of its cell on a grid over the earth.

Cells are numbered along a Z-order curve, so that a box is a few ranges of numbers. One row of the value index costs a
fifth of an entry in an R*Tree, and the index holds a row of every attribute anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

BITS: Final = 24
"""Of a cell on each axis: it is about two metres wide."""
SIDE: Final = 1 << BITS
RANGES_MAX: Final = 10
"""Cells that a box is cut into at the most, before neighbours on the curve are joined."""
MANY: Final = 32
"""So many points are worked out as columns."""
_HALF: Final = BITS // 2
_LOW: Final = (1 << _HALF) - 1
_EAST: Final = SIDE / 360
_NORTH: Final = SIDE / 180

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees."""
Range = tuple[int, int]
"""The first and the last cell of it."""


def _spread(number: int) -> int:
    """Return a number with a zero before each of its bits."""
    return sum((number >> bit & 1) << 2 * bit for bit in range(_HALF))


_SPREAD: Final = tuple(map(_spread, range(1 << _HALF)))
EASTWARD: Final = int("01" * BITS, 2)
"""The bits of a cell that say how far east it lies; they grow with it, so they compare as they are."""
NORTHWARD: Final = EASTWARD << 1


def cell_of(geometry: Any) -> int | None:
    """Return the cell of a GeoJSON point, None for another geometry."""
    if geometry["type"] != "Point":
        return None
    position = geometry["coordinates"]
    x, y = int((position[0] + 180) * _EAST), int((position[1] + 90) * _NORTH)
    if not (0 <= x < SIDE and 0 <= y < SIDE):
        x, y = _x(position[0]), _y(position[1])
    return _SPREAD[x & _LOW] | _SPREAD[x >> _HALF] << BITS | _SPREAD[y & _LOW] << 1 | _SPREAD[y >> _HALF] << BITS + 1


def cells_of(geometries: Sequence[Any]) -> list[int | None]:
    """Return of each geometry what `cell_of` returns."""
    if len(geometries) < MANY or any(each["type"] != "Point" for each in geometries):
        return [cell_of(each) for each in geometries]
    import numpy as np

    positions = [each["coordinates"] for each in geometries]
    spread = np.array(_SPREAD, np.int64)
    east = (np.array([each[0] for each in positions], np.float64) + 180) * _EAST
    north = (np.array([each[1] for each in positions], np.float64) + 90) * _NORTH
    x, y = (np.clip(each, 0, SIDE - 1).astype(np.int64) for each in (east, north))
    cells = spread[x & _LOW] | spread[x >> _HALF] << BITS | spread[y & _LOW] << 1 | spread[y >> _HALF] << BITS + 1
    found: list[int | None] = cells.tolist()
    return found


def _x(longitude: float) -> int:
    return min(max(int((longitude + 180) * _EAST), 0), SIDE - 1)


def _y(latitude: float) -> int:
    return min(max(int((latitude + 90) * _NORTH), 0), SIDE - 1)


def _curve(x: int, y: int) -> int:
    east = _SPREAD[x & _LOW] | _SPREAD[x >> _HALF] << BITS
    north = _SPREAD[y & _LOW] | _SPREAD[y >> _HALF] << BITS
    return east | north << 1


class Area:
    """The cells that a box touches: `ranges` hold them all and as many beside them at the most.

    `eastward` and `northward` bound the bits of a cell that say how far east and north it lies: they tell which are which.
    """

    def __init__(self, box: Box) -> None:
        west, south, east, north = _x(box[0]), _y(box[1]), _x(box[2]), _y(box[3])
        self.ranges: Sequence[Range] = _joined(_squares(west, south, east, north))
        self.eastward: Range = _curve(west, 0), _curve(east, 0)
        self.northward: Range = _curve(0, south), _curve(0, north)

    def holds(self, cell: int) -> bool:
        """Whether a point of the cell may lie in the box."""
        (west, east), (south, north) = self.eastward, self.northward
        return west <= cell & EASTWARD <= east and south <= cell & NORTHWARD <= north


def _squares(west: int, south: int, east: int, north: int) -> list[Range]:
    """Cover a box with squares of one size and cut those that stick out into four, until they are many."""
    size = 1 << max(east - west, north - south, 0).bit_length()
    edge = [
        (x, y)
        for x in range(west & -size, east + 1, size)
        for y in range(south & -size, north + 1, size)
    ]  # fmt: skip
    whole: list[Range] = []
    while size > 1:
        half = size >> 1
        inner: list[Range] = []
        parts: list[tuple[int, int]] = []
        for left, below in edge:
            for x in (left, left + half):
                for y in (below, below + half):
                    if x > east or y > north or x + half <= west or y + half <= south:
                        continue
                    if west <= x and x + half - 1 <= east and south <= y and y + half - 1 <= north:
                        inner.append(_square(x, y, half))
                    else:
                        parts.append((x, y))
        if len(whole) + len(inner) + len(parts) > RANGES_MAX:
            break
        whole += inner
        edge, size = parts, half
    return whole + [_square(x, y, size) for x, y in edge]


def _square(x: int, y: int, size: int) -> Range:
    first = _curve(x, y)
    return first, first + size * size - 1


def _joined(ranges: Sequence[Range]) -> list[Range]:
    found: list[Range] = []
    for first, last in sorted(ranges):
        if found and found[-1][1] + 1 == first:
            found[-1] = found[-1][0], last
        else:
            found.append((first, last))
    return found
