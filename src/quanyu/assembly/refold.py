"""Folds the rows of cases again from the journal, when a home opens that was written in an earlier layout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.assembly.core import CURSOR
from quanyu.assembly.hub import Hub
from quanyu.assembly.state import WriterState
from quanyu.engines.cases.engine import CasesEngine
from quanyu.engines.cases.tables import OPENING
from quanyu.kernel.journal import Group, Row

STEP = 5_000
"""Records folded in one transaction."""
MARK = "refold:cases"
"""Stands among the cursors while the work is under way: a cut goes on from there."""
log = structlog.get_logger()


def refold(hub: Hub, store: SqliteStore, engine: CasesEngine) -> bool:
    """Make the rows of cases when the journal knows cases and no row does; return whether that was needed.

    Call it before anybody works with the hub.
    """
    mark = store.fetch(CURSOR, MARK)
    if mark is None and (next(store.rows(OPENING), None) is not None or not store.read(0, 1, ["case.opened"])):
        return False
    log.info("cases are folded again from the journal")
    state, kinds = WriterState(engine.tables, store.fetch), [kind.name for kind in engine.kinds]
    after = 0 if mark is None else mark[1]
    while records := hub.journal_read(after, STEP, kinds):
        for record in records:
            engine.evolve(record, state)
        state.settle()
        after = records[-1].seq
        _write(store, state, (MARK, after, ""))
    _write(store, state, None)
    return True


def _write(store: SqliteStore, state: WriterState, mark: Row | None) -> None:
    changes: Mapping[str, Mapping[Any, Row | None]] = state.changes(lagging=True)
    store.write(Group((), {**changes, CURSOR.name: {MARK: mark}}, store.head()))
    state.flushed(lagging=True)
