"""What tests of stored cases share: records put into a store by hand, and questions asked in one word."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from quanyu.adapters.sqlite import cases as sqlite_cases
from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.engines.cases.store import CaseStore
from quanyu.engines.cases.tables import TABLES
from quanyu.engines.cases.views import CasesView
from quanyu.kernel.journal import Group, Record, Stored
from quanyu.kernel.journal import Head as End
from quanyu.kernel.view import EVERYTHING, CaseQuery, Filter
from tests.engines.casework import PEOPLE, CaseDesk

Make = Callable[[CaseDesk], CaseStore]


def as_stored(record: Record) -> Stored:
    body = msgspec.msgpack.encode(record.body)
    head = (record.seq, record.at, record.actor, record.kind, record.version, record.subject)
    return Stored(*head, body, record.cause, record.provenance, b"", b"", b"")


def as_record(stored: Stored) -> Record:
    assert stored.body is not None
    head = (stored.seq, stored.at, stored.actor, stored.kind, stored.version, stored.subject)
    return Record(*head, msgspec.msgpack.decode(stored.body), stored.cause, stored.provenance)


def view_of(desk: CaseDesk, store: CaseStore) -> CasesView:
    return CasesView(store, lambda actor: PEOPLE.get(actor, []), lambda: desk.at)


def ids(view: CasesView, scope: Filter = EVERYTHING, **query: Any) -> list[str]:
    return [item["id"] for item in view.query(CaseQuery(**query), scope).items]


def scope(name: str, **limits: Any) -> Filter:
    return Filter(actor=f"person:{name}", **limits)


@contextmanager
def shelf(folder: Path) -> Iterator[Make]:
    """A fresh store that takes in a desk's rows whenever it is asked, and what was written since."""
    tables = {table.name: table for table in TABLES}
    store = SqliteStore(folder / "quanyu.db", TABLES, [sqlite_cases.SCHEMA])
    written: dict[tuple[str, Any], Any] = {}
    kept: list[Stored] = []

    def make(desk: CaseDesk) -> CaseStore:
        changes: dict[str, dict[Any, Any]] = {}
        rows = desk.state.rows
        for name, key in {*rows, *written}:
            if rows.get((name, key)) != written.get((name, key)):
                bound = key if tables[name].keys > 1 else key[0]
                row, shape = rows.get((name, key)), tables[name].shape
                changes.setdefault(name, {})[bound] = row if row is None or shape is None else shape.written(row)
        written.clear()
        written.update(rows)
        fresh = [as_stored(record) for record in desk.records[len(kept) :]]
        kept.extend(fresh)
        store.write(Group(fresh, changes, End()))
        return sqlite_cases.SqliteCases(store.connection, as_record)

    yield make
    store.close()
