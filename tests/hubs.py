"""Hubs for tests: bare ones with given engines on a fresh home, with clocks that tests move."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from quanyu.adapters.lake.store import LakeStore
from quanyu.adapters.sqlite import context as sqlite_context
from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.assembly.core import CoreEngine
from quanyu.assembly.files import Files
from quanyu.assembly.hub import Hub
from quanyu.engines.context.engine import ContextEngine
from quanyu.engines.history.engine import HistoryEngine, HistoryReader
from quanyu.kernel.journal import Engine, Reader, Record

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


def open_store(
    home: Path, engines: Sequence[Engine], readers: Sequence[Reader] = (), kind: type[SqliteStore] = SqliteStore
) -> SqliteStore:
    tables = [table for engine in engines for table in engine.tables]
    tables += [table for reader in readers for table in reader.tables]
    return kind(home / "quanyu.db", tables, [sqlite_context.SCHEMA])


@contextmanager
def bare_hub(
    home: Path,
    clock: HandClock | None = None,
    readers: Sequence[Reader] = (),
    extra: Sequence[Engine] = (),
    kind: type[SqliteStore] = SqliteStore,
) -> Iterator[Hub]:
    """A hub with the core and context engines, and what else is given."""
    home.mkdir(parents=True, exist_ok=True)
    engines: list[Engine] = [CoreEngine(), ContextEngine(), *extra]
    store = open_store(home, engines, readers, kind)
    clock = clock or HandClock()
    reader_tables = [table for reader in readers for table in reader.tables]
    hub = Hub(home, store, engines, clock, chance=random.Random(1), reader_tables=reader_tables)
    hub.engines = engines
    for reader in readers:
        hub.attach(reader)
    hub.start()
    try:
        yield hub
    finally:
        hub.close()


@contextmanager
def past_hub(
    home: Path, clock: HandClock | None = None, lake: Callable[[Path], LakeStore] = LakeStore
) -> Iterator[Hub]:
    """A hub with a history, put together as assembly does it, on the lake that is given."""
    home.mkdir(parents=True, exist_ok=True)
    engines: list[Engine] = [CoreEngine(), ContextEngine(), HistoryEngine()]
    tables = [table for engine in engines for table in engine.tables] + list(HistoryReader.tables)
    store = SqliteStore(home / "quanyu.db", tables, [sqlite_context.SCHEMA])
    hub = Hub(home, store, engines, clock or HandClock(), chance=random.Random(1), reader_tables=HistoryReader.tables)

    def tail(after: int) -> Iterator[Record]:
        return iter(hub.journal_read(after, 100_000, HistoryReader.wants))

    hub.engines = engines
    hub.files = Files(home)
    files = lake(home / "lake")
    hub.history = HistoryReader(files, store, tail)
    hub.attach(hub.history)
    hub.start()
    try:
        yield hub
    finally:
        hub.close()
        files.close()
