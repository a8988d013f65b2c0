"""The rows of changes: proposals with what became of them, and the numbered releases of each rule, flow and parameter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal, Protocol

import msgspec

from quanyu.kernel.errors import Missing
from quanyu.kernel.journal import Instant, Row, State, Table

Subject = Literal["rule", "flow", "parameter"]
SUBJECTS: Final[tuple[Subject, ...]] = ("rule", "flow", "parameter")
Standing = Literal["proposed", "released", "superseded", "rolled_back", "rejected", "withdrawn"]
STANDINGS: Final[tuple[Standing, ...]] = (
    "proposed", "released", "superseded", "rolled_back", "rejected", "withdrawn",
)  # fmt: skip

CHANGE: Final = Table("change", ("number INTEGER", "doc BLOB"))
RELEASE: Final = Table("release", ("kind TEXT", "name TEXT", "number INTEGER", "seq INTEGER", "doc BLOB"), keys=3)
LATEST: Final = Table("release_latest", ("kind TEXT", "name TEXT", "number INTEGER"), keys=2)
"""The number of the newest release of each; also, under ("change", ""), the number of the newest change."""
TABLES: Final = (CHANGE, RELEASE, LATEST)

_PREFIX: Final = "urn:ngsi-ld:Change:"
_encode: Final = msgspec.msgpack.Encoder(order="deterministic").encode


class Replay(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a change would have meant for the days before: the outcome, and the revision that it speaks of."""

    revision: int
    at: Instant
    asked_by: str
    outcome: dict[str, Any]


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """A change as it stands. `base`: the number of the release that it would replace (0: what the pack declares).

    `before` is the definition that it takes the place of; None: there is none. `line` is what releases are numbered by:
    the name, for parameters with the place. `authors` wrote it and may not release it. `replaced` is the release that it
    took the place of, which a roll-back puts back.
    """

    number: int
    kind: Subject
    name: str
    line: str
    definition: dict[str, Any]
    why: str
    base: int
    proposed_at: Instant
    authors: tuple[str, ...]
    before: dict[str, Any] | None = None
    drawing: dict[str, Any] | None = None
    revision: int = 1
    edited_at: Instant = 0
    state: Standing = "proposed"
    replay: Replay | None = None
    decided_by: str | None = None
    decided_at: Instant | None = None
    reason: str = ""
    release: int | None = None
    replaced: int = 0
    in_force_from: Instant | None = None
    rolled_back_by: str | None = None
    rolled_back_at: Instant | None = None
    superseded_by: int | None = None

    @property
    def id(self) -> str:
        """Name under which records and faces know it."""
        return id_of(self.number)


class Release(msgspec.Struct, frozen=True, omit_defaults=True):
    """One released version; `definition` None puts back what the pack declares.

    `change` is where the definition comes from (0: the pack). A parameter's release adds a dated row, or (`retires`)
    takes the row of an earlier release out from the day of `at` on.
    """

    at: Instant
    change: int
    definition: dict[str, Any] | None = None
    by: str = ""
    retires: int | None = None
    drawing: dict[str, Any] | None = None


_changes: Final = msgspec.msgpack.Decoder(Change)
_releases: Final = msgspec.msgpack.Decoder(Release)


class Rows(Protocol):
    """Where rows are read outside the writer."""

    def rows(self, table: Table) -> Iterable[Row]:
        """Yield all rows of a table in key order."""
        ...


def id_of(number: int) -> str:
    """Return the id of a change: urn:ngsi-ld:Change:<number>."""
    return f"{_PREFIX}{number}"


def number_of(id: str) -> int:
    """Return the number in an id; raises Missing (change.unknown) for anything else."""
    text = id.removeprefix(_PREFIX)
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise unknown(id)
    return int(text)


def unknown(id: str) -> Missing:
    """Return the error for a change that does not exist."""
    return Missing(
        f"Change {id[:80]!r} does not exist.",
        code="change.unknown",
        where="subject",
        remedy="GET /api/v1/changes lists them; ids look like urn:ngsi-ld:Change:7.",
    )


def find_change(state: State, number: int) -> Change | None:
    """Return a change as the writer sees it."""
    row = state.get(CHANGE, number)
    return None if row is None else change_of(row)


def change_of(row: Row) -> Change:
    """Read a change from its row."""
    return _changes.decode(row[1])


def put_change(state: State, change: Change) -> None:
    """Write the row of a change."""
    state.put(CHANGE, (change.number, _encode(change)))


def latest(state: State, kind: str, line: str) -> int:
    """Return the number of the newest release; 0 when the pack's definition was never replaced."""
    row = state.get(LATEST, kind, line)
    return 0 if row is None else row[2]


def find_release(state: State, kind: str, line: str, number: int) -> Release | None:
    """Return a release by its number."""
    row = state.get(RELEASE, kind, line, number)
    return None if row is None else release_of(row)


def release_of(row: Row) -> Release:
    """Read a release from its row."""
    return _releases.decode(row[4])


def put_release(state: State, kind: str, line: str, number: int, seq: int, release: Release) -> None:
    """Write a release and make it the newest of its line."""
    state.put(RELEASE, (kind, line, number, seq, _encode(release)))
    state.put(LATEST, (kind, line, number))
