"""Makes the indexes over entities again when a home opens without them, or with those of an earlier layout."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import structlog

from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.assembly.state import WriterState
from quanyu.engines.context.index import INDEXES
from quanyu.engines.context.places import PLACES
from quanyu.engines.context.rebuild import index_entities, is_current
from quanyu.engines.context.tables import ENTITY, OBSERVED
from quanyu.kernel.journal import Group, Row

STEP = 5_000
"""Entities indexed in one transaction."""
log = structlog.get_logger()


def reindex(store: SqliteStore) -> bool:
    """Make the indexes again unless they are current; return whether that was needed. Call it before a hub opens."""
    state = WriterState([ENTITY, OBSERVED, *INDEXES, *PLACES], store.fetch)
    rows: Iterator[Row] = store.rows(ENTITY)
    some = list(islice(rows, STEP))
    if not some or is_current(state):
        return False
    log.info("entities are indexed again")
    state.lost()
    for table in (*INDEXES, *PLACES):
        store.clear(table)
    while some:
        index_entities(some, state)
        store.write(Group((), state.changes(lagging=True), store.head()))
        state.flushed(lagging=True)
        some = list(islice(rows, STEP))
    return True
