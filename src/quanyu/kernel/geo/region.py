"""Which of very many points lie in a shape: cells that lie wholly inside or outside are not looked at point by point."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, isqrt, radians
from typing import Any, Final

from quanyu.kernel.geo.geometry import Point

CELLS_MIN: Final = 32
CELLS_MAX: Final = 1536
"""Cells along one side; about as many altogether as there are points to be judged."""
EARTH_KM_PER_DEGREE: Final = 111.195

Ring = Sequence[Point]


class Shape:
    """One polygon (outer ring first, then holes), tested by even and odd; a point on its edge counts as inside."""

    def __init__(self, rings: Sequence[Ring]) -> None:
        import numpy as np

        closed = [ring if tuple(ring[0]) == tuple(ring[-1]) else [*ring, ring[0]] for ring in rings]
        arrays = [np.asarray(ring, dtype=np.float64) for ring in closed]
        self._from: Any = np.concatenate([each[:-1] for each in arrays])
        self._to: Any = np.concatenate([each[1:] for each in arrays])
        self._rings = closed
        ends = np.concatenate([self._from, self._to])
        self.west, self.south = ends.min(axis=0).tolist()
        self.east, self.north = ends.max(axis=0).tolist()
        self._exact: Any = None

    def inside(self, lons: Any, lats: Any) -> Any:
        """Return for arrays of degrees which points lie inside, as an array of booleans."""
        import numpy as np

        found = np.zeros(len(lons), dtype=bool)
        near = np.flatnonzero((lons >= self.west) & (lons <= self.east) & (lats >= self.south) & (lats <= self.north))
        if not len(near):
            return found
        xs, ys = lons[near], lats[near]
        side = min(CELLS_MAX, max(CELLS_MIN, isqrt(len(near))))
        if len(near) < CELLS_MIN * CELLS_MIN or self.east == self.west or self.north == self.south:
            found[near] = self._judged(xs, ys)
            return found
        wide, high = (self.east - self.west) / side, (self.north - self.south) / side
        edge, full = self._cells(side, wide, high)
        column = np.minimum(((xs - self.west) / wide).astype(np.int64), side - 1)
        row = np.minimum(((ys - self.south) / high).astype(np.int64), side - 1)
        cell = row * side + column
        verdict = full.ravel()[cell]
        close = np.flatnonzero(edge.ravel()[cell])
        verdict[close] = self._judged(xs[close], ys[close])
        found[near] = verdict
        return found

    def _judged(self, xs: Any, ys: Any) -> Any:
        import shapely

        if self._exact is None:
            polygon = shapely.Polygon(self._rings[0], self._rings[1:])
            self._exact = polygon if polygon.is_valid else shapely.make_valid(polygon)
            shapely.prepare(self._exact)
        return shapely.intersects_xy(self._exact, xs, ys)

    def _cells(self, side: int, wide: float, high: float) -> tuple[Any, Any]:
        """Return which cells an edge may touch, and which of the others lie inside."""
        import numpy as np

        x0, y0 = (self._from[:, 0] - self.west) / wide, (self._from[:, 1] - self.south) / high
        x1, y1 = (self._to[:, 0] - self.west) / wide, (self._to[:, 1] - self.south) / high
        edge = np.zeros((side, side), dtype=bool)
        # Pieces of at most half a cell lie in the cells around their two ends.
        pieces = np.ceil(2 * np.maximum(np.abs(x1 - x0), np.abs(y1 - y0))).astype(np.int64) + 1
        which = np.repeat(np.arange(len(pieces)), pieces)
        first = np.repeat(np.cumsum(pieces) - pieces, pieces)
        share = (np.arange(len(which)) - first) / np.maximum(pieces[which] - 1, 1)
        px = x0[which] + (x1 - x0)[which] * share
        py = y0[which] + (y1 - y0)[which] * share
        # In the middle, too: half a cell to the left and to the right of a cell's middle lie its neighbours alone.
        for dx in (-0.51, 0.0, 0.51):
            for dy in (-0.51, 0.0, 0.51):
                column = np.clip(px + dx, 0, side - 1).astype(np.int64)
                row = np.clip(py + dy, 0, side - 1).astype(np.int64)
                edge[row, column] = True
        return edge, self._filled(side, x0, y0, x1, y1)

    @staticmethod
    def _filled(side: int, x0: Any, y0: Any, x1: Any, y1: Any) -> Any:
        """Return whether the middle of each cell lies inside, by counting the edges to its left along each row."""
        import numpy as np

        low, top = np.minimum(y0, y1), np.maximum(y0, y1)
        begin = np.ceil(low - 0.5).astype(np.int64).clip(0, side)
        end = np.ceil(top - 0.5).astype(np.int64).clip(0, side)
        rows = end - begin
        which = np.repeat(np.arange(len(rows)), rows)
        row = np.arange(len(which)) - np.repeat(np.cumsum(rows) - rows, rows) + begin[which]
        x = x0[which] + (row + 0.5 - y0[which]) * (x1 - x0)[which] / (y1 - y0)[which]
        column = np.ceil(x - 0.5).astype(np.int64).clip(0, side)
        crossings = np.zeros((side, side + 1), dtype=np.int32)
        np.add.at(crossings, (row, column), 1)
        return (np.cumsum(crossings, axis=1)[:, :side] % 2).astype(bool)


class Disc:
    """A circle on the globe, small enough to be flat: the radius in kilometres."""

    def __init__(self, centre: Point, radius_km: float) -> None:
        self._centre, self._radius_km = centre, radius_km

    def inside(self, lons: Any, lats: Any) -> Any:
        """Return for arrays of degrees which points lie inside, as an array of booleans."""
        import numpy as np

        x = (lons - self._centre[0]) * (cos(radians(self._centre[1])) * EARTH_KM_PER_DEGREE)
        y = (lats - self._centre[1]) * EARTH_KM_PER_DEGREE
        return np.hypot(x, y) <= self._radius_km


class Region:
    """Several shapes together: a point lies in it when it lies in one of them."""

    def __init__(self, shapes: Sequence[Shape | Disc]) -> None:
        self._shapes = shapes

    @property
    def empty(self) -> bool:
        """Whether it has no shape."""
        return not self._shapes

    def inside(self, lons: Any, lats: Any) -> Any:
        """Return for arrays of degrees which points lie inside, as an array of booleans."""
        import numpy as np

        found = np.zeros(len(lons), dtype=bool)
        for shape in self._shapes:
            found |= shape.inside(lons, lats)
        return found
