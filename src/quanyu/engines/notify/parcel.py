"""What is delivered and to whom: a parcel for a receiver, the letter that a carrier takes, the rows of both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final, Literal, Protocol
from urllib.parse import quote

import msgspec

from quanyu.engines.notify.store import Answer
from quanyu.kernel.journal import Instant, Row, Table

PARCELS = Table(
    "parcel",
    ("receiver TEXT", "number INTEGER", "id TEXT", "seq INTEGER", "items BLOB", "count INTEGER", "entities TEXT",
     "tail TEXT", "made INTEGER", "state TEXT", "tries INTEGER", "error TEXT"),
    keys=2,
    canonical=False,
)  # fmt: skip
"""What could not be delivered at once. `number` orders a receiver's parcels; `made` is machine time."""
DELIVERY = Table(
    "delivery",
    ("receiver TEXT", "sent INTEGER", "failed INTEGER", "failures INTEGER", "last_sent INTEGER", "last_ok INTEGER",
     "last_failed INTEGER", "error TEXT", "dropped INTEGER", "first_dropped INTEGER"),
    canonical=False,
)  # fmt: skip
"""How a receiver does: instants are city time. `dropped` parcels are gone for good, the first at seq `first_dropped`."""

State = Literal["waiting", "dead"]

MASK: Final = "********"
"""What is shown and kept in the place of a secret."""
URI_PART: Final = ":uri"
"""Field of a vault entry that is no header but the password of the receiver's URI."""


class Parcel(msgspec.Struct, gc=False):
    """News for one receiver: `count` items, encoded and joined by commas, that stand for records from `seq` on.

    `id` is the same whenever the same records are told to the same receiver, so that it may know a repetition.
    """

    receiver: str
    number: int
    id: str
    seq: int
    items: bytes
    count: int = 1
    entities: tuple[str, ...] = ()
    tail: str = "]}"
    made: Instant = 0
    state: State = "waiting"
    tries: int = 0
    error: str | None = None
    stored: bool = False

    def row(self) -> Row:
        """Write a row of PARCELS."""
        return (
            self.receiver, self.number, self.id, self.seq, self.items, self.count, "\n".join(self.entities), self.tail,
            self.made, self.state, self.tries, self.error,
        )  # fmt: skip


def parcel_of(row: Row) -> Parcel:
    """Read a row of PARCELS."""
    receiver, number, id_, seq, items, count, entities, tail, made, state, tries, error = row
    named = tuple(entities.split("\n")) if entities else ()
    return Parcel(receiver, number, id_, seq, items, count, named, tail, made, state, tries, error, stored=True)


class Health(msgspec.Struct):
    """The columns of DELIVERY behind the receiver, and whether the last attempt got through."""

    sent: int = 0
    failed: int = 0
    failures: int = 0
    last_sent: Instant | None = None
    last_ok: Instant | None = None
    last_failed: Instant | None = None
    error: str | None = None
    dropped: int = 0
    first_dropped: int | None = None

    def row(self, receiver: str) -> Row:
        """Write a row of DELIVERY."""
        return (receiver, *msgspec.structs.astuple(self))

    @property
    def status(self) -> str | None:
        """`ok` or `failed` as the last attempt went; None before the first."""
        if self.last_sent is None:
            return None
        return "failed" if self.failures else "ok"


class Letter(msgspec.Struct, frozen=True, gc=False):
    """One attempt as a carrier takes it: `options` are words for the carrier itself, such as MQTT-QoS."""

    uri: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    timeout_s: float
    options: Mapping[str, str] = {}


class Receiver(msgspec.Struct, frozen=True):
    """Where parcels go and how they are wrapped: `{"id", "notifiedAt", <opening><items><tail>`.

    `secret` is a reference into the vault; its fields are laid over the headers at each attempt. `timeout_us` and
    `cooldown_us` are machine time. A receiver that `merges` gets what has piled up in one letter.
    """

    id: str
    uri: str
    opening: str
    headers: tuple[tuple[str, str], ...] = ()
    options: Mapping[str, str] = {}
    secret: str | None = None
    timeout_us: int = 10_000_000
    cooldown_us: int = 0
    merges: bool = True

    def letter(self, parcels: Sequence[Parcel], secrets: Mapping[str, str], now: Instant) -> Letter:
        """Return the letter for parcels of one tail; `now` is the city time that it says it was notified at."""
        id_ = parcels[0].id if len(parcels) == 1 else joined_id(each.id for each in parcels)
        at = datetime.fromtimestamp(now / 1e6, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        head = f'{{"id":"{id_}","notifiedAt":"{at}",{self.opening}'.encode()
        body = head + b",".join(each.items for each in parcels) + parcels[0].tail.encode()
        headers = (*self.headers, *((name, value) for name, value in secrets.items() if name != URI_PART))
        uri = with_password(self.uri, secrets[URI_PART]) if URI_PART in secrets else self.uri
        return Letter(uri, headers, body, self.timeout_us / 1e6, self.options)


class Carrier(Protocol):
    """Takes letters to receivers. `carry` returns at once; `done` is called later, once, on the carrier's thread."""

    def carry(self, letter: Letter, done: Callable[[Answer], None]) -> None:
        """Take a letter; whatever happens is told to `done`."""
        ...


class ParcelStore(Protocol):
    """What the dispatch asks a store: the rows of PARCELS and DELIVERY as they are durable."""

    def waiting(self, receiver: str, after: int, limit: int) -> Sequence[Row]:
        """Return waiting parcels of a receiver with a higher number, in order."""
        ...

    def dead(self, receiver: str, limit: int) -> Sequence[Row]:
        """Return dead letters of a receiver, oldest first."""
        ...

    def numbers(self, receiver: str) -> Sequence[int]:
        """Return the numbers of all parcels of a receiver."""
        ...

    def last_number(self) -> int:
        """Return the highest number of any parcel, 0 when there is none."""
        ...

    def parcel_counts(self) -> Mapping[str, Mapping[str, int]]:
        """Return how many parcels each receiver has, by state."""
        ...

    def delivery(self, receiver: str) -> Row | None:
        """Return the row of DELIVERY."""
        ...


def with_password(uri: str, password: str) -> str:
    """Return a URI with its password in the place of the mask."""
    return uri.replace(f":{MASK}@", f":{quote(password, safe='')}@", 1)


def notification_id(receiver: str, *parts: object) -> str:
    """Return an id that is the same for the same receiver and the same records."""
    digest = blake2b(repr((receiver, *parts)).encode(), digest_size=16).hexdigest()
    return f"urn:ngsi-ld:Notification:{digest}"


def joined_id(ids: Iterable[str]) -> str:
    """Return the id of a letter that holds several parcels."""
    return notification_id("", *ids)
