"""The rows behind a credential, remembered: every request asks who sends it, and few records change the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from quanyu.engines.access.engine import AccessEngine
from quanyu.engines.access.store import AccessStore, Person, Session, Token
from quanyu.kernel.remembered import Remembered

CHANGES: Final = frozenset(kind.name for kind in AccessEngine.kinds) | {"person.erased"}
"""Kinds of records after which another answer may be due."""
CREDENTIALS_MAX: Final = 10_000
NAMES_MAX: Final = 1_000
Reveal = Callable[[str], Mapping[str, str] | None]


class RememberedAccess(AccessStore):
    """Look-ups of another store. `latest` is the seq of the last record of a kind in CHANGES."""

    def __init__(self, store: AccessStore, reveal: Reveal, latest: Callable[[], int]) -> None:
        self._store = store
        self._reveal = reveal
        self._versions = Remembered[int](latest, 1)
        self._people = Remembered[Person](latest, CREDENTIALS_MAX)
        self._tokens = Remembered[Token](latest, CREDENTIALS_MAX)
        self._sessions = Remembered[Session](latest, CREDENTIALS_MAX)
        self._names = Remembered[Mapping[str, str]](latest, NAMES_MAX)

    def policy(self) -> int:
        """Return the seq of the last record that changed who may do what (0 before the first)."""
        return self._versions.get("", self._store.policy) or 0

    def find_person(self, id: str) -> Person | None:
        """Return a person, here or gone."""
        return self._people.get(id, lambda: self._store.find_person(id))

    def find_token(self, id: str) -> Token | None:
        """Return a token, revoked and expired ones included."""
        return self._tokens.get(id, lambda: self._store.find_token(id))

    def find_session(self, id: str) -> Session | None:
        """Return a session, closed and expired ones included."""
        return self._sessions.get(id, lambda: self._store.find_session(id))

    def reveal(self, reference: str) -> Mapping[str, str] | None:
        """Open a vault reference; None when the person was erased."""
        return self._names.get(reference, lambda: self._reveal(reference))

    def any_session(self) -> bool:
        """Tell whether a session was ever opened."""
        return self._store.any_session()

    def people(self, after: str | None, limit: int) -> Sequence[Person]:
        """Return people ordered by id, starting behind `after`."""
        return self._store.people(after, limit)

    def tokens(self, person: str | None) -> Sequence[Token]:
        """Return the tokens of a person, or of everybody, newest first."""
        return self._store.tokens(person)

    def sessions(self, person: str | None) -> Sequence[Session]:
        """Return the open sessions of a person, or of everybody, newest first."""
        return self._store.sessions(person)
