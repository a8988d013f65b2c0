"""A writer on a store of its own, without threads: what the tests of the context engine sit at."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from quanyu.adapters.sqlite import context as sqlite_context
from quanyu.adapters.sqlite.context import SqliteContext
from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.assembly.core import CoreEngine
from quanyu.assembly.writer import Call, Writer
from quanyu.engines.context.engine import ContextEngine
from quanyu.engines.context.view import ContextView
from quanyu.kernel.journal import Command, Engine, Receipt, Record
from quanyu.kernel.view import EVERYTHING

NOON = 1_772_424_000_000_000
"""2026-03-02 12:00 +08:00."""
SECOND = 1_000_000


class Desk:
    """Sends commands one by one; `at` is the clock, a second later with each command."""

    def __init__(self, home: Path, keeps_before: bool = False) -> None:
        engines: list[Engine] = [CoreEngine(), ContextEngine(lambda state: keeps_before)]
        tables = [table for engine in engines for table in engine.tables]
        self.store = SqliteStore(home / "quanyu.db", tables, [sqlite_context.SCHEMA])
        self.store.set_durable(False)
        self.at = NOON
        self.writer = Writer(self.store, engines, self.now, self.now, random.Random(1))
        self.store.settle = self.writer.settle
        self.context = SqliteContext(self.store.connection)
        self.view = ContextView(self.context, self.now)

    def now(self) -> int:
        return self.at

    def send(
        self, kind: str, subject: str, body: Mapping[str, Any] | None = None, provenance: str = "reported"
    ) -> tuple[Record, ...]:
        """Commit a command and return the records that it made; raises what refused it."""
        self.at += SECOND
        (result,), _ = self.writer.process([Call([Command(kind, subject, dict(body or {}), provenance)], "person:a")])
        if not isinstance(result, Receipt):
            raise result
        return result.outcomes[0].made

    def settle(self) -> None:
        """Write what waits."""
        self.writer.process([])

    def find(self, id: str, sys: bool = False) -> dict[str, Any]:
        """Return an entity that must stand."""
        found = self.view.find(id, EVERYTHING, sys)
        assert found is not None
        return found


@contextmanager
def sitting(keeps_before: bool = False) -> Iterator[Desk]:
    with TemporaryDirectory() as folder:
        desk = Desk(Path(folder), keeps_before)
        try:
            yield desk
        finally:
            desk.store.close()
