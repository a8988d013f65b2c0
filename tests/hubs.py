"""Hubs for tests: a bare one with given engines on a fresh home, with clocks that tests move."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from quanyu.adapters.sqlite import context as sqlite_context
from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.assembly.core import CoreEngine
from quanyu.assembly.hub import Hub
from quanyu.engines.context.engine import ContextEngine
from quanyu.kernel.journal import Engine, Reader

MORNING = 1_772_409_600_000_000
"""2026-03-02 08:00 +08:00."""
HOUR_US = 3_600_000_000


class HandClock:
    """A clock that stands until a test moves it."""

    speed = 1.0

    def __init__(self, at: int = MORNING) -> None:
        self.at = at

    def now(self) -> int:
        return self.at


def open_store(home: Path, engines: Sequence[Engine], readers: Sequence[Reader] = ()) -> SqliteStore:
    tables = [table for engine in engines for table in engine.tables]
    tables += [table for reader in readers for table in reader.tables]
    return SqliteStore(home / "quanyu.db", tables, [sqlite_context.SCHEMA])


@contextmanager
def bare_hub(
    home: Path, clock: HandClock | None = None, readers: Sequence[Reader] = (), extra: Sequence[Engine] = ()
) -> Iterator[Hub]:
    """A hub with the core and context engines, and what else is given."""
    home.mkdir(parents=True, exist_ok=True)
    engines: list[Engine] = [CoreEngine(), ContextEngine(), *extra]
    store = open_store(home, engines, readers)
    clock = clock or HandClock()
    reader_tables = [table for reader in readers for table in reader.tables]
    hub = Hub(home, store, engines, clock, chance=random.Random(1), reader_tables=reader_tables)
    for reader in readers:
        hub.attach(reader)
    hub.start()
    try:
        yield hub
    finally:
        hub.close()
