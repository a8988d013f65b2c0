"""Makes the indexes over entities again: in a home that has none, or whose layout is an earlier one."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from quanyu.engines.context.fold import observed_names
from quanyu.engines.context.index import EXISTS, FRESH, MARK, VALUE, VERSION, enter, enter_again, forms_of
from quanyu.engines.context.places import move
from quanyu.engines.context.tables import DOC, ENTITY, ENTITY_N
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
        enter(state, document["type"], row[ENTITY_N], row[0], forms)
        move(state, row[ENTITY_N], row[0], {}, document)


def index_again(n: int, id: str, state: State) -> None:
    """Put the values of an entity again that a cut may have kept from the index; one that is gone needs none."""
    state.put(FRESH, (n, n, id))
    # A row that never stood goes with the next stride, so that there is one to take the marker along.
    state.delete(VALUE, 0, EXISTS, n)
    row = state.get(ENTITY, id)
    if row is None or row[ENTITY_N] != n:
        return
    document = msgspec.json.decode(row[DOC])
    enter_again(state, document["type"], n, forms_of(document, document))
    move(state, n, id, {}, document)
