"""Notify's rows and its ports: what it asks a store, and what it asks the network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from quanyu.kernel.journal import Instant, Row, Table

WEBHOOKS = Table("webhook", ("id TEXT", "document TEXT", "secret TEXT", "changed_at INTEGER", "seq INTEGER"))
"""`secret` is a reference into the vault; the key itself is nowhere else."""
OUTBOX = Table(
    "webhook_outbox",
    ("webhook TEXT", "seq INTEGER", "kind TEXT", "subject TEXT", "payload BLOB", "state TEXT", "tries INTEGER",
     "due INTEGER", "status INTEGER", "error TEXT", "done INTEGER"),
    keys=2,
    canonical=False,
)  # fmt: skip
"""`due` and `done` are machine time."""
RECEIVERS = Table(
    "webhook_receiver",
    ("webhook TEXT", "last_ok INTEGER", "last_error TEXT", "failing_since INTEGER", "resync INTEGER"),
    canonical=False,
)

State = Literal["waiting", "sent", "dead"]


class Delivery(msgspec.Struct, frozen=True):
    """One record for one receiver: a row of the outbox."""

    webhook: str
    seq: int
    kind: str
    subject: str
    payload: bytes
    state: State = "waiting"
    tries: int = 0
    due: Instant = 0
    status: int | None = None
    error: str | None = None
    done: Instant | None = None

    @property
    def key(self) -> str:
        """The idempotency key that a receiver sees at every try."""
        return f"{self.webhook}:{self.seq}"

    def row(self) -> Row:
        """Write a row of the outbox."""
        return msgspec.structs.astuple(self)


class Answer(msgspec.Struct, frozen=True):
    """What a receiver answered; `status` 0 means that nobody answered and `error` says why."""

    status: int
    error: str | None = None

    @property
    def taken(self) -> bool:
        """Any 2xx is a receipt."""
        return 200 <= self.status < 300


class Post(Protocol):
    """Sends one signed body; never raises, never follows a redirect, refuses addresses that are not public."""

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Return what the receiver said."""
        ...


class Rows(Protocol):
    """Handed to the reader by assembly: its rows as they stand."""

    def rows(self, table: Table) -> Iterator[Row]:
        """Yield all rows of a table."""
        ...


class NotifyStore(Protocol):
    """What the view asks a store."""

    def webhooks(self) -> Sequence[tuple[Row, Row | None, Mapping[str, int]]]:
        """Return webhook row, receiver row and deliveries by state, ordered by id."""
        ...

    def deliveries(self, webhook: str, state: str | None, before: int | None, limit: int) -> Sequence[Delivery]:
        """Return deliveries of a webhook, newest first, those with a lower seq than `before`."""
        ...


def delivery_of(row: Sequence[Any]) -> Delivery:
    """Read a row of the outbox."""
    return Delivery(*row)
