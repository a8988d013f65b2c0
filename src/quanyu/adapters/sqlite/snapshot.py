"""A home's database as it stood at one instant, without the lock: for `check`, checkpoints and backups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import apsw

from quanyu.adapters.sqlite.heads import ENDS, Heads
from quanyu.adapters.sqlite.press import Press
from quanyu.adapters.sqlite.statements import column_names
from quanyu.kernel.errors import Missing, Unavailable
from quanyu.kernel.journal import Row, Stored, Table


class SqliteSnapshot:
    """Reads inside one transaction; close it soon, an open snapshot keeps the write-ahead log from shrinking."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise Missing(
                f"Home {path.parent} holds no database.", code="home.empty", where=str(path),
                remedy="Name a home that the hub has served.",
            )  # fmt: skip
        try:
            self._db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
            self._db.set_busy_timeout(10_000)
            self._db.execute("BEGIN")
            self.seq = self._head()
            self._known: tuple[Heads, Press] | None = None
        except apsw.Error as error:
            raise Unavailable(
                f"Database {path} cannot be read: {error}.", code="store.damaged", where=str(path),
                remedy="Restore the last backup.",
            ) from error  # fmt: skip

    def _head(self) -> int:
        row = self._db.execute("SELECT max(seq) FROM journal").fetchone()
        return int(row[0] or 0) if row else 0

    def __enter__(self) -> SqliteSnapshot:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def read(self, after: int, limit: int) -> list[Stored]:
        """Return records with seq > after, in order."""
        rows = self._db.execute("SELECT * FROM journal WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit))
        return self._reading()[0].salted(rows.fetchall(), self._end)

    def _reading(self) -> tuple[Heads, Press]:
        """Return the words of the home; of one that was written without any, none."""
        if self._known is None:
            press = Press()
            heads = Heads(press)
            for part, table in ((heads, "journal_word"), (press, "press_words")):
                if self._db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
                    part.load(self._db)
            self._known = heads, press
        return self._known

    def _end(self, seq: int) -> bytes | None:
        row: tuple[bytes | None] | None = self._db.execute(ENDS, (seq,)).fetchone()
        return row[0] if row else None

    def rows(self, table: Table) -> Iterator[Row]:
        """Yield all rows in key order (of Python: by bytes and numbers, not by collation)."""
        order = ", ".join(column_names(table)[: table.keys])
        rows = self._db.execute(f"SELECT {', '.join(column_names(table))} FROM {table.name} ORDER BY {order}")  # noqa: S608
        yield from map(self._reading()[1].read_row, rows) if table.pressed else rows

    def integrity(self) -> list[str]:
        """Return what SQLite finds broken in its own pages."""
        try:
            found = [str(row[0]) for row in self._db.execute("PRAGMA integrity_check(20)")]
        except apsw.Error as error:
            return [f"database page damaged: {error}"]
        return [] if found == ["ok"] else [f"database: {text}" for text in found]

    def copy_to(self, target: Path) -> None:
        """Write the database as it stands in this snapshot into a new file, durable when it returns. Raises OSError."""
        copy = apsw.Connection(str(target))
        try:
            with copy.backup("main", self._db, "main") as step:
                step.step()
            copy.execute("PRAGMA journal_mode = DELETE")
        except (apsw.FullError, apsw.IOError) as error:
            raise OSError(f"the copy of the database cannot be written ({type(error).__name__})") from error
        finally:
            copy.close()
