"""Transient entities and attributes (NGSI-LD 4.22): nobody sees them past their instant, and soon after they go."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final, Protocol

from quanyu.engines.context.instance import keyed, packed
from quanyu.kernel.entity import RESERVED, Document
from quanyu.kernel.journal import Command, Effects, Instant, Record, Table
from quanyu.kernel.ngsi.instants import micros
from quanyu.kernel.ngsi.members import instances

WAKE_MAX: Final = 1000
"""Entities looked at in one waking; the next waking takes the next thousand."""


class ExpiryStore(Protocol):
    """What the clock hand asks of a store."""

    def next_expiry(self) -> Instant | None:
        """Return when the first part of any entity expires."""
        ...

    def expired(self, now: Instant, limit: int) -> list[str]:
        """Return ids of entities of which something has expired by now, earliest first."""
        ...


def expires_at(document: Document) -> Instant | None:
    """Return when the first part of an entity expires: the entity itself, or an instance of an attribute."""
    found = [
        instance["expiresAt"]
        for name, attribute in document.items()
        if name not in RESERVED
        for instance in instances(attribute)
        if "expiresAt" in instance
    ]
    if "expiresAt" in document:
        found.append(document["expiresAt"])
    return min(map(micros, found)) if found else None


def is_over(document: Document, now: Instant) -> bool:
    """Whether the entity itself has expired by now."""
    return "expiresAt" in document and micros(document["expiresAt"]) <= now


def without_expired(document: Document, now: Instant) -> Document:
    """Return a document without the instances that have expired by now; what has none stays the same object."""
    left: Document = {}
    for name, attribute in document.items():
        kept: Any = attribute
        if name not in RESERVED:
            found = keyed(attribute)
            alive = {
                key: each for key, each in found.items() if "expiresAt" not in each or micros(each["expiresAt"]) > now
            }
            kept = attribute if len(alive) == len(found) else packed(alive)
        if kept is not None:
            left[name] = kept
    return left


class ContextExpiry:
    """Wakes when the next thing expires and asks for its removal; it remembers nothing."""

    name = "context.expiry"
    wants: Collection[str] | None = ()
    tables: Collection[Table] = ()

    def __init__(self, store: ExpiryStore) -> None:
        self._store = store

    @property
    def next_wake(self) -> Instant | None:
        """When the first part of any entity expires; None while nothing does."""
        return self._store.next_expiry()

    def read(self, records: Sequence[Record], now: Instant) -> Effects:
        """Hear nothing: what expires follows from rows, not from records."""
        return Effects()

    def wake(self, now: Instant) -> Effects:
        """Return one command for each entity of which something has expired."""
        return Effects(
            [Command("entity.expire", id, {}, provenance="derived") for id in self._store.expired(now, WAKE_MAX)]
        )
