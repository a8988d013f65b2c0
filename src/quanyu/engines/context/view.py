"""The read view of context: the store's answers under the actor's filter."""

from __future__ import annotations

from typing import Any

from quanyu.engines.context.store import ContextStore
from quanyu.kernel.entity import Document
from quanyu.kernel.errors import Invalid
from quanyu.kernel.geo import check_geometry
from quanyu.kernel.journal import Instant
from quanyu.kernel.view import Filter, Page, Query

LIMIT_MAX = 10_000
OPERATORS = frozenset({"==", "!=", "<", "<=", ">", ">="})


class ContextView:
    """Implements `kernel.view.Entities`."""

    def __init__(self, store: ContextStore) -> None:
        self._store = store

    def find(self, id: str, scope: Filter) -> Document | None:
        """Return the entity, or None when it does not exist or the actor may not see its type."""
        document = self._store.find(id)
        if document is None or (scope.types is not None and document["type"] not in scope.types):
            return None
        return _masked(document, scope)

    def query(self, query: Query, scope: Filter) -> Page:
        """Return one page of matching entities."""
        check_query(query)
        found = self._store.query(query, scope.types)
        after = found[-1]["id"] if len(found) == query.limit else None
        return Page([_masked(document, scope) for document in found], after)

    def count(self, query: Query, scope: Filter) -> int:
        """Return how many entities match."""
        check_query(query)
        return self._store.count(query, scope.types)

    def last(self, entity: str, attribute: str) -> tuple[Any, Instant] | None:
        """Return the last observed value of an attribute."""
        return self._store.last(entity, attribute)

    def types(self, scope: Filter) -> list[tuple[str, int]]:
        """Return the types that the actor may see, each with its number of entities."""
        return [row for row in self._store.types() if scope.types is None or row[0] in scope.types]


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


def _masked(document: Document, scope: Filter) -> Document:
    if not scope.masked:
        return document
    return {name: value for name, value in document.items() if name not in scope.masked}
