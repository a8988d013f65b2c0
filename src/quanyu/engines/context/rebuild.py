"""Makes the indexes over entities again: in a home that has none, or whose layout is an earlier one."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from quanyu.engines.context.fold import observed_names
from quanyu.engines.context.index import MARK, VERSION, enter, forms_of
from quanyu.engines.context.places import move
from quanyu.engines.context.tables import DOC, ENTITY_N
from quanyu.kernel.journal import Row, State


def is_current(state: State) -> bool:
    """Whether the indexes have the present layout."""
    row = state.get(MARK, "version")
    return row is not None and row[1] == VERSION


def index_entities(rows: Iterable[Row], state: State) -> None:
    """Index entities into empty tables."""
    state.put(MARK, ("version", VERSION))
    for row in rows:
        document = msgspec.json.decode(row[DOC])
        forms = forms_of(document, document, observed_names(state, row[ENTITY_N]))
        enter(state, document["type"], row[ENTITY_N], forms)
        move(state, row[ENTITY_N], {}, document)
