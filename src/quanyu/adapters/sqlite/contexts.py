"""Kept contexts on SQLite."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from quanyu.engines.context.contexts import ContextKind, Held
from quanyu.kernel.journal import Instant

if TYPE_CHECKING:
    import apsw


class SqliteContexts:
    """Implements `engines.context.contexts.ContextsStore`; `connect` returns this thread's read-only connection."""

    def __init__(self, connect: Callable[[], apsw.Connection]) -> None:
        self._connect = connect

    def find(self, id: str) -> Held | None:
        """Return a kept context."""
        row = self._connect().execute("SELECT * FROM jsonld_context WHERE id = ?", (id,)).fetchone()
        return None if row is None else Held(*row)

    def held(self) -> list[tuple[str, ContextKind, Instant]]:
        """Return id, kind and instant of all kept contexts, oldest first."""
        return list(self._connect().execute("SELECT id, kind, created FROM jsonld_context ORDER BY created, id"))
