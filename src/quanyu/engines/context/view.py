"""The read view of context: the store's answers under the actor's filter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from quanyu.engines.context.store import ContextStore
from quanyu.kernel.entity import Document
from quanyu.kernel.errors import Invalid
from quanyu.kernel.geo import check_geometry
from quanyu.kernel.journal import Instant
from quanyu.kernel.view import AttributeFound, Filter, Page, Query, Selection, TypeFound

LIMIT_MAX = 10_000
NUMBER_MAX = 2**62
OPERATORS = frozenset({"==", "!=", "<", "<=", ">", ">="})


def _always() -> Instant:
    return 0


class ContextView:
    """Implements `kernel.view.Entities`. `now` is city time; without a clock nothing ever expires."""

    def __init__(self, store: ContextStore, now: Callable[[], Instant] = _always) -> None:
        self._store, self._now = store, now

    def find(self, id: str, scope: Filter, sys: bool = False) -> Document | None:
        """Return the entity, or None when it does not exist or the actor may not see its type."""
        return self._store.find(id, scope, self._now(), sys)

    def json(self, id: str, scope: Filter) -> bytes | None:
        """Return an entity as JSON in its normalized form, or None where that depends on the moment or the actor."""
        return self._store.json(id, scope)

    def still(self) -> AbstractContextManager[None]:
        """Let this thread see one moment of the entities that it asks for as JSON."""
        return self._store.still()

    def stated(self, ids: Sequence[str]) -> dict[str, Document]:
        """Return, by id, entities without what is observed of them, for whoever hears that anyway."""
        return self._store.stated(ids, self._now())

    def query(self, query: Query, scope: Filter) -> Page:
        """Return one page of matching entities."""
        check_query(query)
        found = self._store.query(query, number_of(query.after), scope, self._now())
        after = str(found[-1][0]) if len(found) == query.limit else None
        return Page([document for _, document in found], after)

    def count(self, query: Query, scope: Filter) -> int:
        """Return how many entities match."""
        check_query(query)
        return self._store.count(query, scope, self._now())

    def select(self, selection: Selection, scope: Filter) -> Page:
        """Return one page of a selection."""
        check_selection(selection)
        found, after = self._store.select(selection, scope, self._now())
        return Page(found, None if after is None else str(after))

    def tally(self, selection: Selection, scope: Filter) -> int:
        """Return how many entities a selection means."""
        return self._store.tally(selection, scope, self._now())

    def last(self, entity: str, attribute: str) -> tuple[Any, Instant] | None:
        """Return the last observed value of an attribute."""
        return self._store.last(entity, attribute)

    def types(self, scope: Filter) -> list[tuple[str, int]]:
        """Return the types that the actor may see, each with its number of entities."""
        return self._store.types(scope, self._now())

    def discover_types(self, scope: Filter) -> list[TypeFound]:
        """NGSI-LD 5.7.5 to 5.7.7: return the types that stand with their attributes."""
        return self._store.discover_types(scope, self._now())

    def discover_attributes(self, scope: Filter) -> list[AttributeFound]:
        """NGSI-LD 5.7.8 to 5.7.10: return the attributes that stand with their types."""
        return self._store.discover_attributes(scope, self._now())


def number_of(cursor: str | None) -> int:
    """Return the number of an entity that a cursor holds, 0 for none."""
    if not cursor:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise Invalid(
            f"Cursor {cursor[:60]!r} does not continue a list of entities.",
            code="query.cursor",
            where="after",
            remedy="Send the cursor of the page before, unchanged, with the same query.",
        )
    return int(cursor)


def check_selection(selection: Selection) -> None:
    """Refuse a page that no store could give; Invalid names the part."""
    for where, value, least, most in (
        ("limit", selection.limit, 0, LIMIT_MAX),
        ("offset", selection.offset, 0, NUMBER_MAX),
        ("after", selection.after, 0, NUMBER_MAX),
    ):
        if not least <= value <= most:
            raise Invalid(
                f"{where} {value} is not between {least} and {most}.", code=f"query.{where}", where=where,
                remedy="Ask for less and follow the links.",
            )  # fmt: skip


def check_query(query: Query) -> None:
    """Refuse a query that no store could answer; Invalid names the part."""
    if not 1 <= query.limit <= LIMIT_MAX:
        raise Invalid(
            f"Limit {query.limit} is not between 1 and {LIMIT_MAX}.", code="query.limit", where="limit",
            remedy="Ask for less and follow the cursor.",
        )  # fmt: skip
    for attribute, operator, _ in query.where:
        if operator not in OPERATORS:
            raise Invalid(
                f"Operator {operator!r} on {attribute} is not known.",
                code="query.operator",
                where="q",
                remedy=f"Use one of: {' '.join(sorted(OPERATORS))}.",
            )
    if query.box is not None:
        west, south, east, north = query.box
        if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
            raise Invalid(
                "Box is not west, south, east, north in degrees.", code="query.box", where="box",
                remedy="Write for example 116.2,39.8,116.6,40.1.",
            )  # fmt: skip
    if query.near is not None and not (
        -180 <= query.near[0] <= 180 and -90 <= query.near[1] <= 90 and 0 < query.near[2] <= 1_000_000
    ):
        raise Invalid(
            "Near is not longitude, latitude, metres (at most 1,000,000).", code="query.near", where="near",
            remedy="Write for example 116.41,39.93,2000.",
        )  # fmt: skip
    if query.polygon is not None:
        check_geometry(dict(query.polygon), where="polygon")
