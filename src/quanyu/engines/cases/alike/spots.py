"""Where open reports lie: one small row each, clustered by cell and time, so that a search costs what is near."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, Protocol

from quanyu.kernel.hexgrid import METRES_PER_DEGREE
from quanyu.kernel.journal import Instant, Table
from quanyu.kernel.likeness import Report, letters_of

CELL_M: Final = 200.0
ROW_COLUMNS: Final = 1 << 22
"""More columns than a row of cells can have, so that row and column make one number."""

CANDIDATES_MAX: Final = 300
"""Spots of one search, newest first: in a crowd of reports the last ones say enough."""

SPOT: Final = Table(
    "case_spot",
    (
        "cell INTEGER", "at INTEGER", "serial INTEGER", "lon REAL", "lat REAL", "flow TEXT", "category TEXT",
        "district TEXT", "simulated INTEGER", "address TEXT", "letters TEXT",
    ),
    keys=3,
    canonical=False,
)  # fmt: skip
UNLIKE: Final = Table("case_unlike", ("serial INTEGER", "other INTEGER"), keys=2, canonical=False)
"""Pairs that somebody judged to be two matters; kept in both orders."""

PAIR: Final = Table("case_pair", ("serial INTEGER", "other INTEGER", "score REAL", "doc BLOB"), keys=2, canonical=False)
"""Suggestions: `serial` may be the same as `other`, the older one; `doc` is the reason."""

OUTBREAK: Final = Table("case_outbreak", ("serial INTEGER", "root INTEGER"), keys=1, canonical=False)
"""Reports of an outbreak, by the earliest of them."""


class Spot(NamedTuple):
    """A row of SPOT; `letters` and `address` are letters only."""

    cell: int
    at: Instant
    serial: int
    lon: float | None
    lat: float | None
    flow: str
    category: str | None
    district: str | None
    simulated: int
    address: str
    letters: str

    @property
    def report(self) -> Report:
        """What is compared of it."""
        return Report(self.at, self.letters, self.lon, self.lat, self.address, self.category)


class AlikeStore(Protocol):
    """The rows of likeness as the store holds them."""

    def spots(self, cells: list[int], start: Instant, end: Instant, limit: int) -> list[Spot]:
        """Return spots of these cells with start <= at <= end, newest first."""
        ...

    def spots_of(self, serial: int) -> list[Spot]:
        """Return the spot of a case; none where it has closed."""
        ...

    def unlike(self, serial: int) -> set[int]:
        """Return the cases that somebody judged not to be the same."""
        ...

    def pairs(self, after: tuple[int, int] | None, limit: int) -> list[tuple[int, int, float, bytes]]:
        """Return suggestions, newest first, after (serial, other)."""
        ...

    def pairs_of(self, serial: int) -> list[tuple[int, int, float, bytes]]:
        """Return suggestions in which a case stands on either side."""
        ...

    def outbreak(self, serial: int) -> int | None:
        """Return the earliest report of the outbreak that a case belongs to."""
        ...

    def members(self, root: int) -> list[int]:
        """Return the reports of an outbreak."""
        ...


def spot_of(serial: int, at: Instant, head: dict[str, Any], simulated: bool) -> Spot:
    """Return the spot of an opening, as its record tells it."""
    place = head.get("place") or {}
    lon, lat = place.get("lon"), place.get("lat")
    district = place.get("district")
    if lon is None or lat is None:
        lon = lat = None
    letters = letters_of(head.get("text") or " ".join(head["title"].values()))
    return Spot(
        cell_of(lon, lat, district), at, serial, lon, lat, head["flow"], head.get("category"), district,
        int(simulated), letters_of(place.get("address") or ""), letters,
    )  # fmt: skip


def cell_of(lon: float | None, lat: float | None, district: str | None) -> int:
    """Return the cell of a point; a report without one lies in a cell of its district's own, below zero."""
    if lon is None or lat is None:
        return -1 - zlib.crc32((district or "").encode())
    row, column = _row(lat), _column(lon)
    return row * ROW_COLUMNS + column


def cells_near(lon: float | None, lat: float | None, district: str | None, away_m: float) -> Iterator[int]:
    """Yield every cell that holds points within so many metres."""
    if lon is None or lat is None:
        yield cell_of(None, None, district)
        return
    north = away_m / METRES_PER_DEGREE
    east = north / max(0.01, math.cos(math.radians(lat)))
    for row in range(_row(lat - north), _row(lat + north) + 1):
        for column in range(_column(lon - east), _column(lon + east) + 1):
            yield row * ROW_COLUMNS + column


def _row(lat: float) -> int:
    return math.floor((lat + 90) * METRES_PER_DEGREE / CELL_M)


def _column(lon: float) -> int:
    # Twice as wide in degrees as high: at the latitude of 60° a cell is a square, nearer the equator it is wider.
    return math.floor((lon + 180) * METRES_PER_DEGREE / CELL_M / 2)
