"""State as the writer sees it: durable rows, a cache over them, and what this group has decided so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from quanyu.kernel.journal import Row, Table

CACHED_ROWS_MAX = 200_000
Fetch = Callable[[Table, Any], Row | None]


class WriterState:
    """Rows by table and key, with undo for a refused call and one flush for a group."""

    def __init__(self, tables: Iterable[Table], fetch: Fetch) -> None:
        self._fetch = fetch
        self._tables = {table.name: table for table in tables}
        self._rows: dict[str, dict[Any, Row | None]] = {name: {} for name in self._tables}
        self._dirty: dict[str, dict[Any, None]] = {name: {} for name in self._tables}
        self._undo: list[tuple[dict[Any, Row | None], Any, bool, Row | None]] = []

    def get(self, table: Table, *key: Any) -> Row | None:
        """Return the row under its key, decided or durable."""
        name = key[0] if table.keys == 1 else key
        rows = self._rows[table.name]
        try:
            return rows[name]
        except KeyError:
            row = rows[name] = self._fetch(table, name)
            return row

    def put(self, table: Table, row: Row) -> None:
        """Write a row."""
        self._set(table, row[0] if table.keys == 1 else row[: table.keys], row)

    def delete(self, table: Table, *key: Any) -> None:
        """Remove the row under its key."""
        self._set(table, key[0] if table.keys == 1 else key, None)

    def _set(self, table: Table, key: Any, row: Row | None) -> None:
        rows = self._rows[table.name]
        known = key in rows
        self._undo.append((rows, key, known, rows[key] if known else None))
        rows[key] = row
        self._dirty[table.name][key] = None

    def accept(self) -> None:
        """Keep what the present call wrote."""
        self._undo.clear()

    def refuse(self) -> None:
        """Take back what the present call wrote."""
        self.back_to(0)

    def mark(self) -> int:
        """Return a point in the present call to come back to."""
        return len(self._undo)

    def back_to(self, mark: int) -> None:
        """Take back what was written after the mark."""
        for rows, key, known, row in reversed(self._undo[mark:]):
            if known:
                rows[key] = row
            else:
                del rows[key]
        del self._undo[mark:]

    def changes(self) -> Mapping[str, Mapping[Any, Row | None]]:
        """Return every row written since the last flush, by table and key."""
        changed: dict[str, Mapping[Any, Row | None]] = {}
        for name, keys in self._dirty.items():
            if keys:
                # A key written only by a refused call is dirty but may be unknown again.
                rows = self._rows[name]
                changed[name] = {key: rows[key] for key in keys if key in rows}
        return changed

    def flushed(self) -> None:
        """Forget what is dirty after the group became durable; bound the cache."""
        for name, keys in self._dirty.items():
            if keys:
                keys.clear()
            if len(self._rows[name]) > CACHED_ROWS_MAX:
                self._rows[name].clear()

    def forget(self, table: Table) -> None:
        """Forget the cached rows of a table that the store changed by itself between two groups."""
        self._rows[table.name].clear()

    def lost(self) -> None:
        """Forget everything after a group that could not be written."""
        for rows in self._rows.values():
            rows.clear()
        for keys in self._dirty.values():
            keys.clear()
        self._undo.clear()
