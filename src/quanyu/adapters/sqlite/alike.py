"""Rows of likeness in SQLite: one range of the clustered key per cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import apsw

from quanyu.engines.cases.alike.spots import Spot
from quanyu.kernel.journal import Instant

SCHEMA: Final = """
CREATE INDEX IF NOT EXISTS case_spot_serial ON case_spot (serial);
CREATE INDEX IF NOT EXISTS case_pair_other ON case_pair (other);
CREATE INDEX IF NOT EXISTS case_outbreak_root ON case_outbreak (root);
"""


class SqliteAlike:
    """Implements `engines.cases.alike.spots.AlikeStore`; `connect` returns this thread's read-only connection."""

    def __init__(self, connect: Callable[[], apsw.Connection]) -> None:
        self._connect = connect

    def spots(self, cells: list[int], start: Instant, end: Instant, limit: int) -> list[Spot]:
        """Return spots of these cells with start <= at <= end, newest first."""
        sql = "SELECT * FROM case_spot WHERE cell = ? AND at BETWEEN ? AND ? ORDER BY at DESC LIMIT ?"
        connection = self._connect()
        found = [Spot(*row) for cell in cells for row in connection.execute(sql, (cell, start, end, limit))]
        found.sort(key=lambda spot: -spot.at)
        return found[:limit]

    def spots_of(self, serial: int) -> list[Spot]:
        """Return the spot of a case; none where it has closed."""
        return [Spot(*row) for row in self._connect().execute("SELECT * FROM case_spot WHERE serial = ?", (serial,))]

    def unlike(self, serial: int) -> set[int]:
        """Return the cases that somebody judged not to be the same."""
        return {row[0] for row in self._connect().execute("SELECT other FROM case_unlike WHERE serial = ?", (serial,))}

    def pairs(self, after: tuple[int, int] | None, limit: int) -> list[tuple[int, int, float, bytes]]:
        """Return suggestions, newest first, after (serial, other)."""
        sql = (
            "SELECT * FROM case_pair WHERE ?1 IS NULL OR (serial, other) < (?1, ?2)"
            " ORDER BY serial DESC, other DESC LIMIT ?3"
        )
        return list(self._connect().execute(sql, (*(after or (None, None)), limit)))

    def pairs_of(self, serial: int) -> list[tuple[int, int, float, bytes]]:
        """Return suggestions in which a case stands on either side."""
        return list(self._connect().execute("SELECT * FROM case_pair WHERE serial = ?1 OR other = ?1", (serial,)))

    def outbreak(self, serial: int) -> int | None:
        """Return the earliest report of the outbreak that a case belongs to."""
        row: tuple[int] | None = (
            self._connect().execute("SELECT root FROM case_outbreak WHERE serial = ?", (serial,)).fetchone()
        )
        return row[0] if row else None

    def members(self, root: int) -> list[int]:
        """Return the reports of an outbreak."""
        sql = "SELECT serial FROM case_outbreak WHERE root = ? ORDER BY serial"
        return [row[0] for row in self._connect().execute(sql, (root,))]
