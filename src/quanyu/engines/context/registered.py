"""The read view of registrations: which sources there are, and which of them a request concerns (5.10, 5.12)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, Protocol

import msgspec

from quanyu.engines.context.registrations import REGISTRATION, TALLY
from quanyu.kernel.journal import Instant, Row, Table
from quanyu.kernel.ngsi.discovery import Discovery, Interest, discovered, informing
from quanyu.kernel.ngsi.instants import micros
from quanyu.kernel.ngsi.operations import DEFAULT, operations_of
from quanyu.kernel.ngsi.registration import PROXIED, Registration
from quanyu.kernel.ngsi.selection import Types


class Rows(Protocol):
    """What the view reads: rows as they are durable, from any thread."""

    def fetch_shared(self, table: Table, key: Any) -> Row | None:
        """Return a row by its key."""
        ...

    def rows(self, table: Table) -> Iterator[Row]:
        """Yield all rows in key order."""
        ...


class Registered(msgspec.Struct, frozen=True):
    """A registration as it stands; `expires` None is never."""

    id: str
    n: int
    document: Registration
    created: Instant
    modified: Instant
    expires: Instant | None
    operations: frozenset[str]
    seq: int
    """Of the record that made it."""

    @property
    def proxied(self) -> bool:
        """Whether what it provides may not be held here."""
        return self.document.get("mode") in PROXIED

    @property
    def timed(self) -> bool:
        """Whether it provides the past only: one with intervals does not provide the latest (5.2.9)."""
        return "observationInterval" in self.document or "managementInterval" in self.document


class RegistrationsView:
    """Answers from a copy in memory, which is renewed when a record changed the table.

    `latest` returns a number that changes with every such record; without it the table is asked.
    """

    def __init__(self, rows: Rows, now: Callable[[], Instant], latest: Callable[[], int] | None = None) -> None:
        self._rows = rows
        self._now = now
        self._latest = latest or self._stored
        self._held: tuple[int, tuple[Registered, ...]] = (-1, ())

    def all(self) -> Iterator[Registered]:
        """Yield what stands, oldest first."""
        held = self._fresh()
        if not held:
            return
        now = self._now()
        yield from (each for each in held if each.expires is None or each.expires > now)

    def none(self) -> bool:
        """Whether no registration stands, ended ones apart."""
        return not self._fresh()

    def documents(self) -> Iterator[tuple[Registration, Instant | None, int]]:
        """Yield what stands, oldest first, each with when it ends (None: never) and the seq that made it."""
        yield from ((each.document, each.expires, each.seq) for each in self.all())

    def find(self, id: str) -> Registered | None:
        """Return a registration, None when there is none or it has ended."""
        return next((each for each in self.all() if each.id == id), None)

    def discover(self, asked: Discovery) -> list[Registered]:
        """Return the registrations that meet a query, oldest first."""
        return [each for each in self.all() if discovered(each.document, asked)]

    def concerned(self, operation: str, interest: Interest, past: bool = False) -> list[Registered]:
        """Return the sources that a request would have to be sent to; `past`: of those that provide the past."""
        return [
            each
            for each in self.all()
            if operation in each.operations and each.timed == past and informing(each.document, interest)
        ]

    def _stored(self) -> int:
        row = self._rows.fetch_shared(TALLY, "seq")
        return row[1] if row else 0

    def _fresh(self) -> tuple[Registered, ...]:
        seq = self._latest()
        held = self._held
        if held[0] != seq:
            made = sorted((_registered(row) for row in self._rows.rows(REGISTRATION)), key=lambda each: each.n)
            held = self._held = (seq, tuple(made))
        return held[1]


def _registered(row: Row) -> Registered:
    id, n, text, created, modified, _, seq = row
    document = msgspec.json.decode(text)
    expires = micros(document["expiresAt"]) if "expiresAt" in document else None
    operations = operations_of(document.get("operations", DEFAULT))
    return Registered(id, n, document, created, modified, expires, operations, seq)


def interest_of(
    types: Types | None,
    ids: Sequence[str] | None,
    id_pattern: str | None,
    attributes: Iterable[str] | None,
    datasets: Collection[str] | None = None,
) -> Interest:
    """Return an interest in its frozen form."""
    return Interest(
        types,
        None if ids is None else tuple(ids),
        id_pattern,
        None if attributes is None else frozenset(attributes),
        None if datasets is None else frozenset(datasets),
    )
