"""Access's lists and look-ups on SQLite."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from quanyu.engines.access.store import Person, Session, Token, person_of, token_of

if TYPE_CHECKING:
    import apsw

SCHEMA = """
CREATE INDEX IF NOT EXISTS access_token_by_person ON access_token (person, issued_at);
CREATE INDEX IF NOT EXISTS access_session_by_person ON access_session (person, opened);
"""

_PERSON = "SELECT id, name, unit, language, state, grants, changed_at FROM access_person"
_ISSUED = "SELECT id, digest, person, title, roles, issued_at, expires, revoked_at FROM access_token"
_SESSION = "SELECT id, digest, person, opened, expires, idle_us, closed_at FROM access_session"


class SqliteAccess:
    """Implements `engines.access.store.AccessStore`; `connect` returns this thread's read-only connection."""

    def __init__(self, connect: Callable[[], apsw.Connection]) -> None:
        self._connect = connect

    def policy(self) -> int:
        """Return the seq of the last record that changed who may do what (0 before the first)."""
        row = self._connect().execute("SELECT version FROM access_policy WHERE name = 'access'").fetchone()
        return 0 if row is None else int(row[0])

    def find_person(self, id: str) -> Person | None:
        """Return a person, here or gone."""
        row = self._connect().execute(f"{_PERSON} WHERE id = ?", (id,)).fetchone()
        return None if row is None else person_of(row)

    def find_token(self, id: str) -> Token | None:
        """Return a token, revoked and expired ones included."""
        row = self._connect().execute(f"{_ISSUED} WHERE id = ?", (id,)).fetchone()
        return None if row is None else token_of(row)

    def find_session(self, id: str) -> Session | None:
        """Return a session, closed and expired ones included."""
        row = self._connect().execute(f"{_SESSION} WHERE id = ?", (id,)).fetchone()
        return None if row is None else Session(*row)

    def any_session(self) -> bool:
        """Tell whether a session was ever opened."""
        return self._connect().execute("SELECT 1 FROM access_session LIMIT 1").fetchone() is not None

    def people(self, after: str | None, limit: int) -> Sequence[Person]:
        """Return people ordered by id, starting behind `after`."""
        rows = self._connect().execute(f"{_PERSON} WHERE id > ? ORDER BY id LIMIT ?", (after or "", limit))
        return [person_of(row) for row in rows]

    def tokens(self, person: str | None) -> Sequence[Token]:
        """Return the tokens of a person, or of everybody, newest first."""
        rows = self._connect().execute(
            f"{_ISSUED} WHERE person = ?1 OR ?1 IS NULL ORDER BY issued_at DESC, id LIMIT 1000", (person,)
        )
        return [token_of(row) for row in rows]

    def sessions(self, person: str | None) -> Sequence[Session]:
        """Return the open sessions of a person, or of everybody, newest first."""
        rows = self._connect().execute(
            f"{_SESSION} WHERE closed_at IS NULL AND (person = ?1 OR ?1 IS NULL) ORDER BY opened DESC, id LIMIT 1000",
            (person,),
        )
        return [Session(*row) for row in rows]
