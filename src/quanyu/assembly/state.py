"""State as the writer sees it: durable rows, a cache over them, and what this group has decided so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from quanyu.kernel.journal import Later, Row, Table

CACHED_ROWS_MAX = 50_000
UNKNOWN: Row = ("unknown",)
"""In place of a row whose key was not looked at before it was written."""
Mark = tuple[int, int]
"""How long the undo list and the list of what is to be done later were."""
Fetch = Callable[[Table, Any], Row | None]


class WriterState:
    """Rows by table and key, with undo for a refused call and one flush for a group.

    Rows of deferred tables are only written, never read: what happens to them is noted in order until the next stride.
    """

    def __init__(self, tables: Iterable[Table], fetch: Fetch) -> None:
        self._fetch = fetch
        self._tables = {table.name: table for table in tables}
        self._rows: dict[str, dict[Any, Row | None]] = {name: {} for name in self._tables}
        self._dirty: dict[str, dict[Any, None]] = {name: {} for name in self._tables}
        self._asked: set[str] = set()
        # What to put back under a key, or how long a list of notes was.
        self._undo: list[tuple[Any, Any, Row | None]] = []
        deferred = {table.name: table.deferred for table in self._tables.values() if table.deferred is not None}
        self._noted: dict[str, list[tuple[Any, Row | None]]] = {name: [] for name in deferred}
        self._later: list[tuple[Later, tuple[Any, ...]]] = []
        self._kept = 0
        # What marks deferred rows and is durable already; the next stride takes it out.
        self._marked: dict[str, dict[Any, None]] = {marker.name: {} for marker in deferred.values()}

    def get(self, table: Table, *key: Any) -> Row | None:
        """Return the row under its key, decided or durable."""
        name = key[0] if table.keys == 1 else key
        rows = self._rows[table.name]
        try:
            return rows[name]
        except KeyError:
            self._asked.add(table.name)
            row = rows[name] = self._fetch(table, name)
            return row

    def take(
        self, table: Table, keys: Iterable[Any], found: Callable[[Table, Sequence[Any]], Mapping[Any, Row]]
    ) -> None:
        """Look rows of a table with one key column up together that are about to be asked for one by one."""
        rows = self._rows[table.name]
        unknown = [key for key in keys if key not in rows]
        if unknown:
            standing = found(table, unknown)
            self._asked.add(table.name)
            rows.update(dict.fromkeys(unknown))
            rows.update(standing)

    def put(self, table: Table, row: Row) -> None:
        """Write a row."""
        name, keys = table.name, table.keys
        key = row[0] if keys == 1 else row[:keys]
        if table.deferred is not None:
            self._note(name, [(key, row)])
            return
        rows = self._rows[name]
        self._undo.append((rows, key, rows.get(key, UNKNOWN)))
        rows[key] = row
        self._dirty[name][key] = None

    def put_all(self, table: Table, rows: Sequence[Row]) -> None:
        """Write rows."""
        if table.deferred is None:
            for row in rows:
                self.put(table, row)
        elif table.keys == 1:
            self._note(table.name, [(row[0], row) for row in rows])
        else:
            keys = table.keys
            self._note(table.name, [(row[:keys], row) for row in rows])

    def _note(self, name: str, changes: list[tuple[Any, Row | None]]) -> None:
        noted = self._noted[name]
        self._undo.append((noted, len(noted), None))
        noted += changes

    def delete(self, table: Table, *key: Any) -> None:
        """Remove the row under its key."""
        name = key[0] if table.keys == 1 else key
        if table.deferred is not None:
            self._note(table.name, [(name, None)])
            return
        rows = self._rows[table.name]
        self._undo.append((rows, name, rows.get(name, UNKNOWN)))
        rows[name] = None
        self._dirty[table.name][name] = None

    def later(self, work: Later, of: tuple[Any, ...]) -> None:
        """Do something for the whole group at once, before it is written."""
        self._later.append((work, of))

    def settle(self) -> None:
        """Do what was left for later: nothing of the group is refused any more."""
        works, self._later = self._later, []
        for work, items in groupby(works, itemgetter(0)):
            work(self, [of for _, of in items])
        self.accept()

    def accept(self) -> None:
        """Keep what the present call wrote."""
        self._undo.clear()
        self._kept = len(self._later)

    def refuse(self) -> None:
        """Take back what the present call wrote."""
        self.back_to((0, self._kept))

    def mark(self) -> Mark:
        """Return a point in the present call to come back to."""
        return len(self._undo), len(self._later)

    def back_to(self, mark: Mark) -> None:
        """Take back what was written after the mark."""
        length, later = mark
        for rows, key, row in reversed(self._undo[length:]):
            if rows.__class__ is list:
                del rows[key:]
            elif row is UNKNOWN:
                del rows[key]
            else:
                rows[key] = row
        del self._undo[length:], self._later[later:]

    @property
    def deferred(self) -> int:
        """How many changes of deferred tables wait for the next stride."""
        return sum(map(len, self._noted.values()))

    def changes(self, stride: bool = False) -> Mapping[str, Mapping[Any, Row | None]]:
        """Return every row written since the last flush, by table and key; deferred ones only with a stride."""
        changed: dict[str, Mapping[Any, Row | None]] = {}
        for name, keys in self._dirty.items():
            if keys:
                # A key written only by a refused call is dirty but may be unknown again.
                rows = self._rows[name]
                changed[name] = {key: rows[key] for key in keys if key in rows}
        if stride:
            changed |= {name: dict(noted) for name, noted in self._noted.items() if noted}
            for name, marked in self._marked.items():
                changed[name] = dict.fromkeys((*marked, *self._dirty[name]))
        return changed

    def flushed(self, stride: bool = False) -> None:
        """Forget what is dirty after the group became durable; bound the cache."""
        for name, marked in self._marked.items():
            marked.update(self._dirty[name])
            self._rows[name].clear()
        for name, keys in self._dirty.items():
            if keys:
                keys.clear()
            # What nobody ever looks for need not be kept.
            if name not in self._asked or len(self._rows[name]) > CACHED_ROWS_MAX:
                self._rows[name].clear()
        if stride:
            for noted in self._noted.values():
                noted.clear()
            for marked in self._marked.values():
                marked.clear()

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
        for noted in self._noted.values():
            noted.clear()
        self._later.clear()
        self.accept()
