"""The port of the context engine: what an adapter must answer about entities."""

from __future__ import annotations

from typing import Any, Protocol

from quanyu.kernel.entity import Document
from quanyu.kernel.journal import Instant
from quanyu.kernel.view import Query


class ContextStore(Protocol):
    """Durable entities with their last values laid over them, in order of id."""

    def find(self, id: str) -> Document | None:
        """Return the entity."""
        ...

    def query(self, query: Query, types: frozenset[str] | None) -> list[Document]:
        """Return up to `query.limit` matching entities after `query.after`; `types` None means all."""
        ...

    def count(self, query: Query, types: frozenset[str] | None) -> int:
        """Return how many entities match, whatever the page."""
        ...

    def last(self, id: str, attribute: str) -> tuple[Any, Instant] | None:
        """Return the last observed value and its instant of event time."""
        ...

    def types(self) -> list[tuple[str, int]]:
        """Return the types that stand, each with its number of entities."""
        ...
