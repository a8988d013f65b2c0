"""Tenants: homes within a home, each with its own store, journal, history and chain; opened lazily and capped."""

from __future__ import annotations

import random
import re
import threading
from collections import OrderedDict
from pathlib import Path

from quanyu.adapters.lake.store import LakeStore
from quanyu.adapters.sqlite import context
from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.assembly.clock import CityClock
from quanyu.assembly.core import CoreEngine
from quanyu.assembly.hub import Hub
from quanyu.assembly.reindex import reindex
from quanyu.engines.context.engine import ContextEngine
from quanyu.engines.context.expiry import ContextExpiry
from quanyu.engines.history.engine import HistoryEngine, HistoryReader
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.journal import Engine, Record

OPEN_MAX = 16
NAME = re.compile(r"^[a-z0-9][a-z0-9_-]{0,49}$")


class Tenants:
    """The tenants of a home. `creates`: the first write makes a tenant that does not exist yet."""

    def __init__(self, home: Path, clock: CityClock, creates: bool = False, open_max: int = OPEN_MAX) -> None:
        self._home, self._clock, self._creates, self._open_max = home / "tenants", clock, creates, open_max
        self._open: OrderedDict[str, Hub] = OrderedDict()
        self._guard = threading.Lock()

    def names(self) -> list[str]:
        """Return the tenants that exist."""
        if not self._home.is_dir():
            return []
        return sorted(path.name for path in self._home.iterdir() if (path / "quanyu.db").is_file())

    def get(self, name: str, write: bool = False) -> Hub:
        """Return a tenant's hub; Invalid for a name that no folder may have, Missing when it does not exist."""
        if not NAME.match(name):
            raise Invalid(
                f"Tenant {name[:60]!r} is not a name.",
                code="tenant.name",
                where="tenant",
                remedy="Use small letters, digits, - and _, at most 50.",
            )
        with self._guard:
            hub = self._open.get(name)
            if hub is None:
                folder = self._home / name
                if not (folder / "quanyu.db").is_file() and not (write and self._creates):
                    raise Missing(f"Tenant {name} does not exist.", code="tenant.missing", where="tenant")
                hub = self._open[name] = _open_tenant(folder, self._clock)
                self._shrink()
            self._open.move_to_end(name)
            return hub

    def _shrink(self) -> None:
        while len(self._open) > self._open_max:
            _, idle = self._open.popitem(last=False)
            idle.close()

    def close(self) -> None:
        """Close every tenant that is open."""
        with self._guard:
            while self._open:
                self._open.popitem()[1].close()


def _open_tenant(folder: Path, clock: CityClock) -> Hub:
    folder.mkdir(parents=True, exist_ok=True)
    engines: list[Engine] = [CoreEngine(), ContextEngine(), HistoryEngine()]
    tables = [table for engine in engines for table in engine.tables]
    own = list(HistoryReader.tables)
    store = SqliteStore(folder / "quanyu.db", [*tables, *own], [context.SCHEMA])
    reindex(store)
    hub = Hub(folder, store, engines, clock, chance=random.SystemRandom(), reader_tables=own)

    def tail(after: int) -> list[Record]:
        return hub.journal_read(after, 10_000, {"observed", "history.struck"})

    hub.engines = engines
    hub.history = HistoryReader(LakeStore(folder / "lake"), store, tail)
    hub.attach(hub.history)
    hub.attach(ContextExpiry(context.SqliteContext(store.connection)))
    hub.start()
    return hub
