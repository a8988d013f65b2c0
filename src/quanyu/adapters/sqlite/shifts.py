"""Shifts in SQLite: rows by id, newest first by the place at which they were written."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

import msgspec

from quanyu.adapters.sqlite.store import Reading
from quanyu.engines.cases.shift_view import ShiftRow
from quanyu.engines.cases.tables import SHIFT, SHIFT_DESK

SCHEMA: Final = "CREATE INDEX IF NOT EXISTS shift_by_desk ON shift (desk, number);"
SHIFTS: Final = frozenset({SHIFT.name, SHIFT_DESK.name})
_COLUMNS: Final = "id, desk, number, doc, accepted"


class SqliteShifts:
    """Implements `engines.cases.shift_view.ShiftStore` over a reading connection."""

    def __init__(self, connect: Callable[[], Reading]) -> None:
        self._connect = connect

    def _reading(self) -> Reading:
        connection = self._connect()
        connection.settle(SHIFTS)
        return connection

    def last_shift(self, desk: str) -> ShiftRow | None:
        """Return a desk's latest shift."""
        sql = f"SELECT {_COLUMNS} FROM shift WHERE desk = ? ORDER BY number DESC LIMIT 1"  # noqa: S608
        row: ShiftRow | None = self._reading().execute(sql, (desk,)).fetchone()
        return row

    def find_shift(self, id: str) -> ShiftRow | None:
        """Return a shift by id."""
        row: ShiftRow | None = self._reading().execute(f"SELECT {_COLUMNS} FROM shift WHERE id = ?", (id,)).fetchone()  # noqa: S608
        return row

    def shifts(self, desks: Collection[str] | None, before: int | None, limit: int) -> list[tuple[int, ShiftRow]]:
        """Return shifts of some desks with their place, newest first."""
        where, values = ["1"], dict[str, object]()
        if desks is not None:
            where.append("desk IN (SELECT value FROM json_each(:desks))")
            values["desks"] = msgspec.json.encode(sorted(desks)).decode()
        if before is not None:
            where.append("seq < :before")
            values["before"] = before
        sql = (
            f"SELECT seq, {_COLUMNS} FROM shift WHERE {' AND '.join(where)}"  # noqa: S608
            " ORDER BY seq DESC LIMIT :limit"
        )
        return [(row[0], row[1:]) for row in self._reading().execute(sql, values | {"limit": limit})]
