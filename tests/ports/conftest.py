"""Cases in a fresh store of each adapter, and a small city of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quanyu.adapters.sqlite import cases as sqlite_cases
from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.engines.cases.store import CaseStore
from quanyu.engines.cases.tables import TABLES
from quanyu.engines.cases.views import CasesView
from quanyu.kernel.journal import Group, Stored
from quanyu.kernel.journal import Head as End
from tests.engines.casework import DAY, MORNING, REVIEW, CaseDesk
from tests.ports.casebook import Make, as_record, as_stored, view_of


@pytest.fixture(params=["sqlite"])
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Put the rows of a desk into a fresh store of each adapter; asking again puts the newest rows in."""
    tables = {table.name: table for table in TABLES}
    store = SqliteStore(tmp_path / "quanyu.db", TABLES, [sqlite_cases.SCHEMA])
    written: dict[tuple[str, Any], Any] = {}
    kept: list[Stored] = []

    def make(desk: CaseDesk) -> CaseStore:
        changes: dict[str, dict[Any, Any]] = {}
        rows = desk.state.rows
        for name, key in {*rows, *written}:
            if rows.get((name, key)) != written.get((name, key)):
                bound = key if tables[name].keys > 1 else key[0]
                changes.setdefault(name, {})[bound] = rows.get((name, key))
        written.clear()
        written.update(rows)
        fresh = [as_stored(record) for record in desk.records[len(kept) :]]
        kept.extend(fresh)
        store.write(Group(fresh, changes, End()))
        return sqlite_cases.SqliteCases(store.connection, as_record)

    yield make
    store.close()


@pytest.fixture
def city(stored: Make) -> tuple[CaseDesk, CasesView, dict[str, str]]:
    """One case at each place that a list shows."""
    desk = CaseDesk()
    named = {
        "new": desk.open(
            text="建国路88号井盖缺失", place={"district": "110105", "grid": "G1", "lon": 116.5, "lat": 39.9}
        ),
        "inspect": desk.to_inspect(text="东四工地夜间施工噪声扰民"),
        "returned": desk.to_inspect(text="垃圾堆放"),
        "waiting": desk.to_inspect(text="无主线杆", place={"district": "110116", "address": "怀柔区雁栖大街1号"}),
        "checked": desk.to_close(text="油烟"),
        "closed": desk.closed(text="道路破损"),
        "found": desk.find() or "",
        "history": desk.find(**{"as": "history", "from": MORNING - 40 * DAY, "to": MORNING - DAY}) or "",
        "citizen": desk.open("citizen:new", flow="answer", text="停水", code="ABCD2345"),
    }
    desk.act(named["returned"], "handler", "return", note="应由街道处置")
    desk.act(named["waiting"], "chief", "suspend", note="产权不明", fields=REVIEW)
    return desk, view_of(desk, stored(desk)), named
