"""The port of indicators, and the rows they keep: the latest value of each, a bounded trend, and how long it is out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from quanyu.kernel.journal import Instant, Row, Table

TREND_KEPT: Final = 672
"""Points kept of each indicator: four weeks of hours."""

INDICATOR: Final = Table(
    "indicator",
    (
        "name TEXT",
        "n INTEGER",
        "at INTEGER",
        "data_at INTEGER",
        "value REAL",
        "state TEXT",
        "simulated INTEGER",
        "doc TEXT",
    ),
)
TREND: Final = Table("indicator_trend", ("name TEXT", "slot INTEGER", "at INTEGER", "value REAL"), keys=2)
"""A ring: point n lies in slot n modulo TREND_KEPT, so the oldest is overwritten by key."""

RHYTHM: Final = Table(
    "indicator_rhythm", ("name TEXT", "at INTEGER", "since INTEGER", "found INTEGER"), canonical=False
)
"""The reader's own: when it evaluated last, since when the value is out, and whether a case was asked for."""


class ReaderState(Protocol):
    """What a reader finds of its own when it starts."""

    def rows(self, table: Table) -> Iterable[Row]:
        """Yield all rows of one of its tables."""
        ...


class IndicatorStore(Protocol):
    """Reads what the engine wrote."""

    def latest(self) -> Sequence[Row]:
        """Return the rows of `INDICATOR`, by name."""
        ...

    def find(self, name: str) -> Row | None:
        """Return the row of one indicator."""
        ...

    def trend(self, name: str, limit: int) -> list[tuple[Instant, float | None]]:
        """Return the newest points, oldest first."""
        ...
