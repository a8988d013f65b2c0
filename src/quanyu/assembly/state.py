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
        self._deferred = frozenset(table.name for table in self._tables.values() if table.deferred is not None)
        self._markers = frozenset(table.deferred.name for table in self._tables.values() if table.deferred is not None)
        # What marks deferred rows and is durable already; the next stride takes it out.
        self._marked: dict[str, dict[Any, None]] = {name: {} for name in self._markers}

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

    @property
    def deferred(self) -> int:
        """How many rows of deferred tables wait for the next stride."""
        return sum(len(self._dirty[name]) for name in self._deferred)

    def changes(self, stride: bool = False) -> Mapping[str, Mapping[Any, Row | None]]:
        """Return every row written since the last flush, by table and key; deferred ones only with a stride."""
        changed: dict[str, Mapping[Any, Row | None]] = {}
        for name, keys in self._dirty.items():
            if keys and (stride or name not in self._deferred):
                # A key written only by a refused call is dirty but may be unknown again.
                rows = self._rows[name]
                changed[name] = {key: rows[key] for key in keys if key in rows}
        if stride:
            for name, marked in self._marked.items():
                changed[name] = dict.fromkeys((*marked, *self._dirty[name]))
        return changed

    def flushed(self, stride: bool = False) -> None:
        """Forget what is dirty after the group became durable; bound the cache."""
        for name, keys in self._dirty.items():
            if name in self._deferred and not stride:
                continue
            if name in self._markers:
                if stride:
                    self._marked[name].clear()
                else:
                    self._marked[name].update(keys)
            if keys:
                keys.clear()
            if len(self._rows[name]) > CACHED_ROWS_MAX or name in self._deferred or name in self._markers:
                self._rows[name].clear()

    def remember(self, marker: Table, key: Any) -> None:
        """Take a durable marker into account that an earlier process left."""
        self._marked[marker.name][key] = None

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
