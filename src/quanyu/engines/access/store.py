"""Access's rows and its port: what the view asks a store."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

import msgspec

from quanyu.kernel.journal import Instant, Row, Table
from quanyu.kernel.view import Grant

PEOPLE = Table(
    "access_person",
    ("id TEXT", "name TEXT", "unit TEXT", "language TEXT", "state TEXT", "grants TEXT", "changed_at INTEGER"),
)
TOKENS = Table(
    "access_token",
    ("id TEXT", "digest TEXT", "person TEXT", "title TEXT", "roles TEXT", "issued_at INTEGER", "expires INTEGER",
     "revoked_at INTEGER"),
)  # fmt: skip
LINKS = Table("access_signin", ("id TEXT", "digest TEXT", "person TEXT", "expires INTEGER", "used_at INTEGER"))
SESSIONS = Table(
    "access_session",
    ("id TEXT", "digest TEXT", "person TEXT", "opened INTEGER", "expires INTEGER", "idle_us INTEGER",
     "closed_at INTEGER"),
)  # fmt: skip
POLICY = Table("access_policy", ("name TEXT", "version INTEGER"))
"""One row: the seq of the last record that changed who may do what."""


class Person(msgspec.Struct, frozen=True):
    """A person of the hub; `name` is a reference into the vault, `state` is here or left."""

    id: str
    name: str
    unit: str | None
    language: str
    state: str
    grants: tuple[Grant, ...]
    changed_at: Instant


class Token(msgspec.Struct, frozen=True):
    """An API token; `roles` narrows it to some of its person's roles, `expires` is machine time."""

    id: str
    digest: str
    person: str
    title: str
    roles: tuple[str, ...] | None
    issued_at: Instant
    expires: Instant | None
    revoked_at: Instant | None


class Session(msgspec.Struct, frozen=True):
    """A browser session; `opened`, `expires` and `idle_us` are machine time."""

    id: str
    digest: str
    person: str
    opened: Instant
    expires: Instant
    idle_us: int
    closed_at: Instant | None


class AccessStore(Protocol):
    """What the access view reads: rows by key, and the lists of an administrator."""

    def policy(self) -> int:
        """Return the seq of the last record that changed who may do what (0 before the first)."""
        ...

    def find_person(self, id: str) -> Person | None:
        """Return a person, here or gone."""
        ...

    def find_token(self, id: str) -> Token | None:
        """Return a token, revoked and expired ones included."""
        ...

    def find_session(self, id: str) -> Session | None:
        """Return a session, closed and expired ones included."""
        ...

    def any_session(self) -> bool:
        """Tell whether a session was ever opened."""
        ...

    def people(self, after: str | None, limit: int) -> Sequence[Person]:
        """Return people ordered by id, starting behind `after`."""
        ...

    def tokens(self, person: str | None) -> Sequence[Token]:
        """Return the tokens of a person, or of everybody, newest first."""
        ...

    def sessions(self, person: str | None) -> Sequence[Session]:
        """Return the open sessions of a person, or of everybody, newest first."""
        ...


def person_of(row: Row) -> Person:
    """Read a row of `access_person`."""
    id_, name, unit, language, state, grants, changed_at = row
    return Person(id_, name, unit, language, state, grants_of(grants), changed_at)


def row_of(person: Person) -> Row:
    """Write a row of `access_person`."""
    grants = msgspec.json.encode(person.grants).decode()
    return (person.id, person.name, person.unit, person.language, person.state, grants, person.changed_at)


def token_of(row: Row) -> Token:
    """Read a row of `access_token`."""
    id_, digest, person, title, roles, issued_at, expires, revoked_at = row
    narrowed = None if roles is None else msgspec.json.decode(roles, type=tuple[str, ...])
    return Token(id_, digest, person, title, narrowed, issued_at, expires, revoked_at)


@lru_cache(maxsize=4_096)
def grants_of(text: str) -> tuple[Grant, ...]:
    """Read the grants written inside a person's row; the same words say the same."""
    return _grants.decode(text)


_grants = msgspec.json.Decoder(tuple[Grant, ...])
