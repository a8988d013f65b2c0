"""State as the writer sees it: durable rows, a cache over them, and what this group has decided so far."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import structlog

from quanyu.kernel.journal import Change, Later, Row, Table

log = structlog.get_logger()

CACHED_ROWS_MAX = 50_000
SHAPED_ROWS_MAX = 20_000
"""Of a table whose rows take more room as engines work with them."""
UNKNOWN: Row = ("unknown",)
"""In place of a row whose key was not looked at before it was written."""
Rows = dict[Any, Row | None]
"""By key; None where no row stands."""
Mark = tuple[int, int]
"""How long the undo list and the list of what is to be done later were."""
Fetch = Callable[[Table, Any], Row | None]


class WriterState:
    """Rows by table and key, with undo for a refused call and one flush for a group.

    Rows of tables that lag are read as ever, and wait to be written. Here rows are as engines work with them; what a
    store gives and gets has the shape of columns.
    """

    def __init__(self, tables: Iterable[Table], fetch: Fetch) -> None:
        self._fetch = fetch
        self._tables = {table.name: table for table in tables}
        self._rows: dict[str, Rows] = {name: {} for name in self._tables}
        # Of the rows above those that are not durable yet, and such as nobody looks for.
        self._dirty: dict[str, Rows] = {name: {} for name in self._tables}
        # Of those the ones that were removed in this group before they were written: another row, not a changed one.
        self._again: dict[str, dict[Any, None]] = {}
        self._lagging = [name for name, table in self._tables.items() if table.lags]
        self._asked: set[str] = set()
        self._undo: list[tuple[Rows, Rows, Any, Row | None]] = []
        self._later: list[tuple[Later, tuple[Any, ...]]] = []
        self._kept = 0
        self._settling = False
        self.faults = 0

    def get(self, table: Table, *key: Any) -> Row | None:
        """Return the row under its key, decided or durable."""
        name = key[0] if table.keys == 1 else key
        rows = self._rows[table.name]
        try:
            return rows[name]
        except KeyError:
            self._asked.add(table.name)
            row = self._dirty[table.name].get(name, UNKNOWN)
            if row is UNKNOWN:
                row = self._fetch(table, name)
                if row is not None and table.shape is not None:
                    row = table.shape.read(row)
            rows[name] = row
            return row

    def take(
        self, table: Table, keys: Iterable[Any], found: Callable[[Table, Sequence[Any]], Mapping[Any, Row]]
    ) -> Collection[Row]:
        """Look rows of a table with one key column up together that are about to be asked for one by one.

        Return those that stand and were not at hand.
        """
        rows, dirty = self._rows[table.name], self._dirty[table.name]
        unknown = [key for key in keys if key not in rows and key not in dirty]
        if unknown:
            standing = found(table, unknown)
            if table.shape is not None:
                standing = {key: table.shape.read(row) for key, row in standing.items()}
            self._asked.add(table.name)
            rows.update(dict.fromkeys(unknown))
            rows.update(standing)
            return standing.values()
        return ()

    def put(self, table: Table, row: Row) -> None:
        """Write a row."""
        self._set(table, row[0] if table.keys == 1 else row[: table.keys], row)

    def put_all(self, table: Table, rows: Sequence[Row], last: bool = False) -> None:
        """Write rows; the `last` of a call cannot be refused any more."""
        name, keys = table.name, table.keys
        if not (self._settling or last):
            for row in rows:
                self._set(table, row[0] if keys == 1 else row[:keys], row)
            return
        dirty = self._dirty[name]
        names = rows if keys == len(table.columns) else [row[0] if keys == 1 else row[:keys] for row in rows]
        gone = [key for key in names if dirty.get(key, UNKNOWN) is None] if dirty else ()
        if gone:
            self._again.setdefault(name, {}).update(dict.fromkeys(gone))
        dirty.update(zip(names, rows, strict=True))
        # What nobody looks for is found among the dirty.
        if name in self._asked:
            self._rows[name].update(zip(names, rows, strict=True))

    def step(self, changes: Sequence[Change]) -> None:
        """Take the rows of a reader's step, the last of its call; KeyError for an unknown table, before any is taken."""
        tables = {change.table: self._tables[change.table] for change in changes}
        for (name, goes), some in groupby(changes, lambda change: (change.table, change.row is None)):
            if goes:
                for change in some:
                    self.delete(tables[name], *change.key)
            else:
                self.put_all(tables[name], [change.row for change in some if change.row is not None], last=True)

    def delete(self, table: Table, *key: Any) -> None:
        """Remove the row under its key."""
        self._set(table, key[0] if table.keys == 1 else key, None)

    def _set(self, table: Table, key: Any, row: Row | None) -> None:
        name = table.name
        held, dirty = self._rows[name], self._dirty[name]
        before = held.get(key, UNKNOWN)
        if before is UNKNOWN:
            before = dirty.get(key, UNKNOWN)
        if before is None and row is not None and dirty.get(key, UNKNOWN) is None:
            self._again.setdefault(name, {})[key] = None
        self._undo.append((held, dirty, key, before))
        held[key] = dirty[key] = row

    def later(self, work: Later, of: tuple[Any, ...]) -> None:
        """Do something at once for all that changed since rows that lag were written, before they are again."""
        self._later.append((work, of))

    def settle(self) -> None:
        """Do what was left for later: nothing of it is refused any more, so nothing is taken back."""
        works, self._later = self._later, []
        self._settling = True
        try:
            for work, items in groupby(works, itemgetter(0)):
                work(self, [of for _, of in items])
        finally:
            self._settling = False
        self.accept()

    def settle_each(self) -> None:
        """Do what was left for later one by one; what fails is left out and counted in `faults`."""
        works, self._later = self._later, []
        self.accept()
        for work, of in works:
            try:
                work(self, [of])
            except Exception as error:  # whatever fails there, the record is durable and the others go on
                self.refuse()
                self.faults += 1
                log.error("rows of a record are left out", of=repr(of)[:200], exc_info=error)
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
        for held, dirty, key, row in reversed(self._undo[length:]):
            if row is UNKNOWN:
                held.pop(key)
                dirty.pop(key, None)
            else:
                held[key] = dirty[key] = row
        del self._undo[length:], self._later[later:]

    @property
    def again(self) -> Mapping[str, Collection[Any]]:
        """Keys of rows that stand in place of others which were removed since the last flush."""
        return self._again

    @property
    def waits(self) -> frozenset[str]:
        """The tables of which rows are not written yet, since they lag."""
        return frozenset([name for name in self._lagging if self._dirty[name]])

    @property
    def left(self) -> int:
        """How much is left for later."""
        return len(self._later)

    @property
    def waiting(self) -> int:
        """How many rows wait, and how much else was left for later."""
        return sum([len(self._dirty[name]) for name in self._lagging], len(self._later))

    def lacks(self, table: Table, key: Any) -> bool:
        """Whether the durable row under a key lags, or will when the present group is durable; any thread may ask."""
        return key in self._dirty[table.name]

    def changes(self, lagging: bool = False) -> Mapping[str, Mapping[Any, Row | None]]:
        """Return every row written since the last flush, by table and key; those that lag only when they are asked for."""
        return {
            name: _shaped(self._tables[name], dirty)
            for name, dirty in self._dirty.items()
            if dirty and (lagging or not self._tables[name].lags)
        }

    def flushed(self, lagging: bool = False) -> None:
        """Forget what is dirty after the group became durable; bound the cache."""
        for name, dirty in self._dirty.items():
            if dirty and (lagging or not self._tables[name].lags):
                dirty.clear()
                self._again.pop(name, None)
                # What nobody ever looks for need not be kept.
                if name not in self._asked:
                    self._rows[name].clear()
        for name in self._asked:
            # The cache is all that knows the rows that wait.
            most = CACHED_ROWS_MAX if self._tables[name].shape is None else SHAPED_ROWS_MAX
            if len(self._rows[name]) > most and not (self._tables[name].lags and self._dirty[name]):
                self._rows[name].clear()

    def forget(self, table: Table) -> None:
        """Forget the cached rows of a table that the store changed by itself between two groups."""
        self._rows[table.name].clear()

    def lost(self) -> None:
        """Forget everything after a group that could not be written."""
        for rows in self._rows.values():
            rows.clear()
        for dirty in self._dirty.values():
            dirty.clear()
        self._again.clear()
        self._later.clear()
        self.accept()


def _shaped(table: Table, rows: Rows) -> Mapping[Any, Row | None]:
    if table.shape is None:
        return rows
    written = table.shape.written
    return {key: None if row is None else written(row) for key, row in rows.items()}
