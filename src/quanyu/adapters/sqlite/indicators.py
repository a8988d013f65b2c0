"""Indicators in SQLite: the latest values and the ring of the trend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import apsw

from quanyu.kernel.journal import Instant, Row

SCHEMA: Final = "CREATE INDEX IF NOT EXISTS indicator_trend_at ON indicator_trend (name, at);"
COLUMNS: Final = "name, n, at, data_at, value, state, simulated, doc"
LATEST: Final = f"SELECT {COLUMNS} FROM indicator ORDER BY name"  # noqa: S608
FIND: Final = f"SELECT {COLUMNS} FROM indicator WHERE name = ?"  # noqa: S608
NEWEST: Final = "SELECT at, value FROM indicator_trend WHERE name = ? ORDER BY at DESC LIMIT ?"


class SqliteIndicators:
    """Implements `engines.indicators.store.IndicatorStore` over a reading connection."""

    def __init__(self, connect: Callable[[], apsw.Connection]) -> None:
        self._connect = connect

    def latest(self) -> Sequence[Row]:
        """Return the latest row of every indicator, by name."""
        return list(self._connect().execute(LATEST))

    def find(self, name: str) -> Row | None:
        """Return the latest row of one indicator."""
        row = self._connect().execute(FIND, (name,)).fetchone()
        return tuple(row) if row else None

    def trend(self, name: str, limit: int) -> list[tuple[Instant, float | None]]:
        """Return the newest points, oldest first."""
        return [(at, value) for at, value in self._connect().execute(NEWEST, (name, limit))][::-1]
