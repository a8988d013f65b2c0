"""The port of the context engine: what an adapter must answer about entities."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from quanyu.engines.context.expiry import ExpiryStore
from quanyu.kernel.entity import Document
from quanyu.kernel.journal import Instant
from quanyu.kernel.view import EVERYTHING, AttributeFound, Filter, Query, Selection, TypeFound


class ContextStore(ExpiryStore, Protocol):
    """Durable entities with their last values laid over them, in the order in which they were made.

    Every answer is given for an actor's filter: what he may not see is not found, not counted and selects nothing.
    `now` is city time: what has expired by then is not there.
    """

    def find(self, id: str, scope: Filter = EVERYTHING, now: Instant = 0, sys: bool = False) -> Document | None:
        """Return the entity; `sys` lays `createdAt` and `modifiedAt` in."""
        ...

    def json(self, id: str, scope: Filter) -> bytes | None:
        """Return an entity with its last values as normalized JSON, None where that depends on the moment or the actor."""
        ...

    def still(self) -> AbstractContextManager[None]:
        """Let this thread see one moment of the entities that it looks at as JSON; short, and nothing else is read in it."""
        ...

    def stated(self, ids: Sequence[str], now: Instant) -> dict[str, Document]:
        """Return, by id, entities without attributes of which a value was observed, as far as that is written down."""
        ...

    def query(self, query: Query, after: int, scope: Filter, now: Instant) -> list[tuple[int, Document]]:
        """Return up to `query.limit` matching entities with numbers after `after`."""
        ...

    def count(self, query: Query, scope: Filter, now: Instant) -> int:
        """Return how many entities match, whatever the page."""
        ...

    def select(self, selection: Selection, scope: Filter, now: Instant) -> tuple[list[Document], int | None]:
        """Return a page and the number to go on from, None at the end; Invalid `query.too_many`."""
        ...

    def tally(self, selection: Selection, scope: Filter, now: Instant) -> int:
        """Return how many entities are selected, whatever the page; Invalid `query.too_many`."""
        ...

    def last(self, id: str, attribute: str) -> tuple[Any, Instant] | None:
        """Return the last observed value and its instant of event time."""
        ...

    def types(self, scope: Filter, now: Instant) -> list[tuple[str, int]]:
        """Return the types that stand, each with its number of entities."""
        ...

    def discover_types(self, scope: Filter, now: Instant) -> list[TypeFound]:
        """Return the types that stand with their attributes, by name."""
        ...

    def discover_attributes(self, scope: Filter, now: Instant) -> list[AttributeFound]:
        """Return the attributes that stand with their types, by name."""
        ...
