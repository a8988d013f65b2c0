"""What tests of stored cases share: records put into a store by hand, and questions asked in one word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from quanyu.engines.cases.store import CaseStore
from quanyu.engines.cases.views import CasesView
from quanyu.kernel.journal import Record, Stored
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
