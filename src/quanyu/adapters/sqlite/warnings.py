"""Warnings in SQLite: an index for what is in force, and the rows of channels, terminals and receipts as they lie."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import apsw
import msgspec

from quanyu.kernel.journal import Instant, Row

SCHEMA: Final = """
CREATE INDEX IF NOT EXISTS warning_by_expiry ON warning (expires) WHERE standing = 'published';
CREATE INDEX IF NOT EXISTS warning_by_number ON warning (number);
CREATE INDEX IF NOT EXISTS warning_received_by_number ON warning_received (number);
"""
_COLUMNS: Final = "key, number, standing, expires, doc"


class SqliteWarnings:
    """Implements `engines.warnings.store.WarningStore` over reading connections."""

    def __init__(self, connect: Callable[[], apsw.Connection]) -> None:
        self._connect = connect

    def find(self, key: str) -> Row | None:
        """Return the row of a warning."""
        row: Row | None = self._connect().execute(f"SELECT {_COLUMNS} FROM warning WHERE key = ?", (key,)).fetchone()  # noqa: S608
        return row

    def key_of(self, identifier: str) -> str | None:
        """Return the key of a published warning."""
        sql = "SELECT key FROM warning_identifier WHERE identifier = ?"
        row = self._connect().execute(sql, (identifier,)).fetchone()
        return None if row is None else str(row[0])

    def newest(self, standings: Sequence[str], before: int | None, limit: int) -> list[Row]:
        """Return warnings, newest first, below a number."""
        sql = (
            f"SELECT {_COLUMNS} FROM warning WHERE standing IN (SELECT value FROM json_each(?1))"  # noqa: S608
            " AND (number < ?2 OR ?2 IS NULL) ORDER BY number DESC LIMIT ?3"
        )
        return self._connect().execute(sql, (msgspec.json.encode(list(standings)).decode(), before, limit)).fetchall()

    def next_expiry(self) -> Instant | None:
        """Return when the first published warning expires."""
        sql = "SELECT expires FROM warning WHERE standing = 'published' ORDER BY expires LIMIT 1"
        row = self._connect().execute(sql).fetchone()
        return None if row is None else int(row[0])

    def expired(self, now: Instant, limit: int) -> list[str]:
        """Return keys of published warnings whose time has passed."""
        sql = "SELECT key FROM warning WHERE standing = 'published' AND expires <= ? ORDER BY expires LIMIT ?"
        return [row[0] for row in self._connect().execute(sql, (now, limit))]

    def channels(self) -> list[Row]:
        """Return all channels, by id."""
        return self._connect().execute("SELECT id, doc FROM warning_channel ORDER BY id").fetchall()

    def terminals(self, channel: str, after: int, limit: int) -> list[Row]:
        """Return terminals of a channel with a number above `after`."""
        sql = (
            "SELECT channel, number, id, doc FROM warning_terminal WHERE channel = ? AND number > ?"
            " ORDER BY number LIMIT ?"
        )
        return self._connect().execute(sql, (channel, after, limit)).fetchall()

    def reach(self, key: str, channel: str | None = None) -> list[Row]:
        """Return what is known of the terminals of a warning."""
        sql = (
            "SELECT key, channel, block, states FROM warning_reach"
            " WHERE key = ?1 AND (channel = ?2 OR ?2 IS NULL) ORDER BY channel, block"
        )
        return self._connect().execute(sql, (key, channel)).fetchall()

    def received(self, before: int | None, limit: int) -> list[Row]:
        """Return messages of peers, newest first."""
        sql = (
            "SELECT digest, number, doc FROM warning_received WHERE number < ?1 OR ?1 IS NULL"
            " ORDER BY number DESC LIMIT ?2"
        )
        return self._connect().execute(sql, (before, limit)).fetchall()
