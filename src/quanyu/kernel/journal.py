"""The journal's words: commands come in, facts are decided, records stay.

`decide(command, desk) → facts` runs once, inside the writer; `evolve(record, state)` is pure and runs at every replay.
State is rows in declared tables and is read by key alone, so a decision sees what was decided a moment before it,
durable or not. Queries by anything else belong to the read views.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Literal, Protocol

import msgspec

Instant = int
"""Microseconds since 1970-01-01T00:00Z."""

Row = tuple[Any, ...]
Body = dict[str, Any]
Life = Literal["kept", "telemetry"]

PROVENANCE_KINDS = ("measured", "reported", "simulated", "derived")
"""First word of a provenance; a source may follow after a colon: `simulated:green/air`."""

CAUSE_DEPTH_MAX = 8
"""A chain of causes deeper than this is a loop: it stops, and a case is opened on the rule."""


class Command(msgspec.Struct, frozen=True, gc=False):
    """What somebody wants; `expects` is the version of the subject that the sender saw."""

    kind: str
    subject: str
    body: Body
    provenance: str = "reported"
    cause: int | None = None
    expects: int | None = None


class Fact(msgspec.Struct, frozen=True, gc=False):
    """What was decided, with every value resolved: ids, due instants, versions of parameters."""

    kind: str
    subject: str
    body: Body
    provenance: str | None = None


class Record(msgspec.Struct, frozen=True, gc=False):
    """A fact in its place in the journal; `body` is None once it was pruned."""

    seq: int
    at: Instant
    actor: str
    kind: str
    version: int
    subject: str
    body: Body | None
    cause: int | None
    provenance: str


class Outcome(msgspec.Struct, frozen=True):
    """What became of one command: the records it made, or the error that refused it.

    `made` are the records themselves, for the caller at hand: an answer given again under an idempotency key has none.
    """

    subject: str
    seqs: tuple[int, ...] = ()
    error: Exception | None = None
    made: tuple[Record, ...] = ()


class Receipt(msgspec.Struct, frozen=True):
    """Returned after the commit is durable; `seq` is the last record written (0 when none was)."""

    seq: int
    at: Instant
    outcomes: tuple[Outcome, ...]


class Kind(msgspec.Struct, frozen=True):
    """A kind of record: its present version, its life, and the upcasters from older versions (kept for ever)."""

    name: str
    version: int = 1
    life: Life = "kept"
    upcasters: Mapping[int, Callable[[Body], Body]] = {}

    def upcast(self, version: int, body: Body) -> Body:
        """Return the body as the present version would have written it."""
        while version < self.version:
            body = self.upcasters[version](body)
            version += 1
        return body


class Table(msgspec.Struct, frozen=True):
    """Rows of state; the first `keys` columns are the key. Columns are written `name TYPE` with SQLite's type words.

    `canonical` tables are rebuilt from the journal and compared by `check`; others (reader state, caches) are not.

    Of a `pressed` table a store may press the last column, which holds MessagePack; it gives it back as it was.

    Rows of tables that `lag` are written in strides: until then the journal alone says what they hold, and after a cut
    its last records are folded again. All tables of an engine lag, or none. Rows of a table with a `shape` are put and
    got as their engine works with them, and take the shape of its columns only when they are written.
    """

    name: str
    columns: tuple[str, ...]
    keys: int = 1
    canonical: bool = True
    pressed: bool = False
    lags: bool = False
    shape: Shape | None = None


class Shape(msgspec.Struct, frozen=True):
    """How a row that an engine works with becomes one of columns (`written`), and back; the key stands first in both."""

    written: Callable[[Row], Row]
    read: Callable[[Row], Row]


class Change(msgspec.Struct, frozen=True, gc=False):
    """A row written (`row`) or removed (`row` is None) under its key."""

    table: str
    key: Row
    row: Row | None


class Advance(msgspec.Struct, frozen=True):
    """A reader's step: its cursor and its own state move in the transaction of its commands."""

    reader: str
    seq: int
    delta: tuple[Change, ...] = ()


Later = Callable[["State", Sequence[Any]], None]


class State(Protocol):
    """Rows as the writer sees them, including those decided but not yet durable."""

    def get(self, table: Table, *key: Any) -> Row | None:
        """Return the row under its key."""
        ...

    def put(self, table: Table, row: Row) -> None:
        """Write a row (its key is its first columns)."""
        ...

    def put_all(self, table: Table, rows: Sequence[Row]) -> None:
        """Write rows, in order."""
        ...

    def delete(self, table: Table, *key: Any) -> None:
        """Remove the row under its key, if it stands."""
        ...

    def later(self, work: Later, of: tuple[Any, ...]) -> None:
        """Move rows that no decision looks at when rows that lag are written: those of tables that lag.

        `work(state, all)` then gets what consecutive calls with it were given; it may not fail. Whoever leaves something
        for later puts a row of a table that lags, too: who looks at one looks at the other. A state that holds canonical
        tables alone leaves it.
        """
        ...


class Desk(Protocol):
    """What a decision may look at: state, city time, who asks, chance. Nothing else."""

    @property
    def state(self) -> State:
        """The rows, read only: a decision writes nothing."""
        ...

    @property
    def at(self) -> Instant:
        """City time of this commit."""
        ...

    @property
    def actor(self) -> str:
        """Who asks: `person:<id>`, `engine:<name>`, `simulation:<pack>`, `system:<part>`."""
        ...

    @property
    def chance(self) -> random.Random:
        """The injected source of chance (new ids)."""
        ...

    @property
    def seq(self) -> int:
        """The seq that the next fact of this command will get."""
        ...

    def seal(self, person: str, fields: Mapping[str, str]) -> str:
        """Put personal fields into the vault under the person's key; return the reference to write into the body."""
        ...


class Engine(Protocol):
    """An owner of record kinds. `decide` may raise errors of the tree; `evolve` may not fail.

    It may have `begins_with`: by command kind, a function from the command to the table (of one key column) and the key
    of the row that its decision begins with. Those of a group of commands are fetched together. `goes_on_with` says, by
    table, which row of another such table is asked for after that, and how its key follows from the row that was found.

    It may have `decide_all(commands, desk)` and `evolve_all(records, state)`: a fact of one kind of its own for each of
    the commands of a call, or None to be asked about each alone, and the fold of such records. Both come to what
    `decide` and `evolve` come to one after the other.
    """

    @property
    def name(self) -> str:
        """Folder name."""
        ...

    @property
    def commands(self) -> Collection[str]:
        """Command kinds that it decides."""
        ...

    @property
    def kinds(self) -> Collection[Kind]:
        """Record kinds that it owns."""
        ...

    @property
    def tables(self) -> Collection[Table]:
        """State that it owns."""
        ...

    def decide(self, command: Command, desk: Desk) -> Iterable[Fact]:
        """Judge a command once; reads the desk, writes nothing."""
        ...

    def evolve(self, record: Record, state: State) -> None:
        """Fold a record of an owned kind into the state; reads nothing but state and record."""
        ...


class Effects(msgspec.Struct, frozen=True):
    """What a reader wants after reading: commands, and changes of its own (non-canonical) tables."""

    commands: Sequence[Command] = ()
    delta: tuple[Change, ...] = ()
    upto: int | None = None
    """Move the cursor only so far (None: past everything that was read)."""


class Reader(Protocol):
    """An engine's ear on the journal; the hub keeps its cursor and skips the records it caused.

    Besides, it may have `next_wake` and `wake(now)` for city time, `flush()` for what it only remembers, `minds` (of the
    kinds that it wants those without which the others mean nothing to it at present) and `rest_s` (how long it rests
    between two reads while it is kept busy and nobody waits).
    """

    @property
    def name(self) -> str:
        """Cursor name; its commits carry the actor `engine:<name>`."""
        ...

    @property
    def wants(self) -> Collection[str] | None:
        """Record kinds it wants to see (None: all)."""
        ...

    @property
    def tables(self) -> Collection[Table]:
        """Its own tables, `canonical=False`."""
        ...

    def read(self, records: Sequence[Record], now: Instant) -> Effects:
        """Take the next records in order; raising on one record for ever quarantines that record."""
        ...


class Stored(msgspec.Struct, frozen=True, gc=False):
    """A record as it lies in the store: its body in MessagePack, and its part in the chain.

    The digest is SHA-256(salt, body). It is written down when body and salt go, pruned or erased; until then it is
    None, since it follows from them. The last record of a commit carries the link, `chain` = SHA-256(link before, then
    header and digest of each record of the commit); the others None. So the chain verifies whatever bodies have gone.
    """

    seq: int
    at: Instant
    actor: str
    kind: str
    version: int
    subject: str
    body: bytes | None
    cause: int | None
    provenance: str
    salt: bytes | None
    digest: bytes | None
    chain: bytes | None


def digest_of(salt: bytes, body: bytes) -> bytes:
    """Return what the chain covers of a body: it cannot be guessed from once the salt has gone."""
    return sha256(salt + body).digest()


BASE_BYTES = 20
"""Of what the salts of a commit are derived from; a salt that lies in place is shorter."""


def salt_of(base: bytes, seq: int) -> bytes:
    """Return the salt of a record whose commit has one for all: to know one tells nothing of the others."""
    return next(salts_of(base, (seq,)))


def salts_of(base: bytes, seqs: Iterable[int]) -> Iterator[bytes]:
    """Yield the salts of the records of a commit, SHA-256(base, seq) each: what is hashed first is the same for all."""
    begun = sha256(base)
    for seq in seqs:
        each = begun.copy()
        each.update(seq.to_bytes(8, "big"))
        yield each.digest()[:16]


class Head(msgspec.Struct, frozen=True):
    """The end of the journal: what the next commit links to."""

    seq: int = 0
    at: Instant = 0
    chain: bytes = bytes(32)


class Group(msgspec.Struct, frozen=True):
    """Everything that one transaction writes: records in order, and the changed rows of each table by key."""

    records: Sequence[Stored]
    changes: Mapping[str, Mapping[Any, Row | None]]
    head: Head
    erased: Sequence[str] = ()
    """Persons whose vault key and rows are destroyed."""
    salt: bytes | None = None
    """What the salts of the records are derived from (`salt_of`); None where each has its own."""
    again: Mapping[str, Collection[Any]] = {}
    """By table, keys of changed rows whose former row goes first: not a changed row, but another under the same key."""


class Waiting(Exception):
    """Rows that were to be looked at at once wait to be written: look again where waiting holds nobody up."""


class Store(Protocol):
    """The port to a state store: one transaction per group, durable when `write` returns.

    `waits` names tables that lag and of which rows are not written yet; whoever looks at one of them calls `settle`
    before. Who looks at single rows may ask whether it `lacks` these, and looks again when `strides` has moved meanwhile.
    """

    waits: frozenset[str]
    strides: int
    settle: Callable[[], None]
    lacks: Callable[[Table, Any], bool]

    def head(self) -> Head:
        """Return the end of the durable journal."""
        ...

    def fetch(self, table: Table, key: Any) -> Row | None:
        """Return a durable row (the key is a scalar when the table has one key column)."""
        ...

    def fetch_some(self, table: Table, keys: Sequence[Any]) -> Mapping[Any, Row]:
        """Return those durable rows of a table with one key column that stand, by key."""
        ...

    def write(self, group: Group) -> None:
        """Write a group durably, or raise Unavailable and change nothing."""
        ...

    def read(self, after: int, limit: int, kinds: Collection[str] | None = None) -> list[Stored]:
        """Return records with seq > after, in order."""
        ...

    def rows(self, table: Table) -> Iterator[Row]:
        """Yield all rows in key order."""
        ...


def provenance_kind(provenance: str) -> str:
    """Return measured, reported, simulated or derived."""
    return provenance.partition(":")[0]
