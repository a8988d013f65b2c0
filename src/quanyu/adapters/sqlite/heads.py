"""How the heads of records lie in the journal: words that come again and again as codes, salts of a commit as one.

Actor, kind, provenance and the stem of a subject are written as the codes of `journal_word`, in bytes, where a spelled-out
one is text; so both stand side by side and nothing needs to be rewritten. A code that was given once is kept for ever, in
the transaction that used it first. What the chain covers is what the codes say.

A salt hides a body that has gone: without it nobody can find a short body by trying all of them against its digest. A
commit of records that are kept for ever gets one random salt, `BASE_BYTES` long, which lies with its last record; that of
each record is SHA-256(base, seq), so to know one tells nothing of the others. Bodies of such commits are not pruned. To
forget one of them, the salts of the others are written into their rows and the base is destroyed, as the body's own salt
is where it lies in place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import apsw

from quanyu.adapters.sqlite.press import PRESSED, Press
from quanyu.kernel.journal import BASE_BYTES, Row, Stored, salt_of

SCHEMA: Final = "CREATE TABLE IF NOT EXISTS journal_word (code INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);"
SHORT_MAX: Final = 127
"""Codes up to here take one byte, all others two."""
WORDS_MAX: Final = 30_000
"""Words that come later are spelled out."""
WORD_LENGTH_MAX: Final = 100
SUBJECTS_MAX: Final = 10_000
"""Subjects that are remembered in short."""
COMMON: Final = ("person:", "engine:", "system:", "simulation:")
"""How actors begin who come again; a citizen writes to one case."""
URN: Final = "urn:"
SPELLED, NUMBERED = 0, 1
"""How the rest of a subject is written behind its stem: as text, or as the day and the number that cases have."""
DAY_DIGITS, RUNNING_DIGITS = 8, 7
_PLACES: Final[int] = 10_000_000
ENDS: Final = "SELECT salt FROM journal WHERE seq >= ? AND chain IS NOT NULL ORDER BY seq LIMIT 1"


class Heads:
    """The words of one database. Rows are made by the writer's thread and read by any."""

    def __init__(self, press: Press) -> None:
        self._press = press
        self._codes: dict[str, bytes] = {}
        self._words: dict[int, str] = {}
        self._fresh: list[tuple[int, str]] = []
        self._subjects: dict[str, bytes] = {}

    def load(self, connection: apsw.Connection) -> None:
        """Know the durable words and no others."""
        self._words = dict(connection.execute("SELECT code, text FROM journal_word"))
        self._codes = {text: _bytes_of(code) for code, text in self._words.items()}
        self._fresh.clear()
        self._subjects.clear()

    def keep(self, connection: apsw.Connection) -> None:
        """Write the words that are new, in the transaction of the rows that use them."""
        if self._fresh:
            connection.executemany("INSERT INTO journal_word VALUES (?, ?)", self._fresh)
            self._fresh.clear()

    def codes(self, words: Iterable[str]) -> list[bytes]:
        """Return the codes of words, as far as there are any."""
        return [self._codes[word] for word in words if word in self._codes]

    def rows(self, records: Sequence[Stored], base: bytes | None) -> list[Row]:
        """Return the rows that hold the records of a commit; `base` is what their salts are derived from."""
        known: dict[tuple[str, str, str], tuple[bytes | str, bytes | str, bytes | str, bool]] = {}
        subjects, press = self._subjects, self._press.body
        rows: list[Row] = []
        for record in records:
            head = (record.actor, record.kind, record.provenance)
            found = known.get(head)
            if found is None:
                found = known[head] = self._head(*head)
            actor, kind, provenance, pressed = found
            rows.append((
                record.seq,
                record.at,
                actor,
                kind,
                record.version,
                subjects.get(record.subject) or self._subject(record.subject),
                press(record.kind, record.body) if pressed else record.body,
                record.cause,
                provenance,
                record.salt if base is None else None,
                record.digest,
                record.chain,
            ))  # fmt: skip
        if base is not None and rows:
            rows[-1] = (*rows[-1][:9], base, *rows[-1][10:])
        return rows

    def _head(self, actor: str, kind: str, provenance: str) -> tuple[bytes | str, bytes | str, bytes | str, bool]:
        """Return what most records of a commit share, in short, and whether their bodies may be pressed."""
        shown = self._short(actor) if actor.startswith(COMMON) else actor
        return shown, self._short(kind), self._short(provenance), kind.startswith(PRESSED)

    def stored(self, row: Row, salt: bytes | None = None) -> Stored:
        """Return the record that a row holds; its salt is `salt` where it has none of its own."""
        seq, at, actor, kind, version, subject, body, cause, provenance, own, digest, chain = row
        return Stored(
            seq,
            at,
            actor if actor.__class__ is str else self._long(actor),
            kind if kind.__class__ is str else self._long(kind),
            version,
            subject if subject.__class__ is str else self._whole(subject),
            self._press.plain(body) if body else body,
            cause,
            provenance if provenance.__class__ is str else self._long(provenance),
            own if own is not None and len(own) != BASE_BYTES else salt,
            digest,
            chain,
        )

    def salted(self, rows: Sequence[Row], end_of: Callable[[int], bytes | None]) -> list[Stored]:
        """Return the records of consecutive rows with their salts; `end_of` gives the salt at the end of a commit."""
        found: list[Stored] = []
        base: bytes | None = None
        if rows and rows[-1][11] is None:
            base = _base(end_of(rows[-1][0]))
        for row in reversed(rows):
            if row[11] is not None:
                base = _base(row[9])
            derived = row[6] is not None and base is not None
            found.append(self.stored(row, salt_of(base, row[0]) if derived and base is not None else None))
        found.reverse()
        return found

    def _short(self, word: str) -> bytes | str:
        try:
            return self._codes[word]
        except KeyError:
            if len(self._words) >= WORDS_MAX or len(word) > WORD_LENGTH_MAX:
                return word
            code = len(self._words) + 1
            self._words[code] = word
            self._fresh.append((code, word))
            found = self._codes[word] = _bytes_of(code)
            return found

    def _long(self, code: bytes) -> str:
        return self._words[code[0] if len(code) == 1 else int.from_bytes(code, "big") & 0x7FFF]

    def _subject(self, subject: str) -> bytes | str:
        if not subject.startswith(URN):
            return subject
        stem, _, rest = subject.rpartition(":")
        code = self._short(stem)
        if isinstance(code, str):
            return subject
        if len(self._subjects) >= SUBJECTS_MAX:
            self._subjects.clear()
        found = self._subjects[subject] = code + _rest(rest)
        return found

    def _whole(self, subject: bytes) -> str:
        width = 1 if subject[0] <= SHORT_MAX else 2
        stem = self._long(subject[:width])
        rest = subject[width + 1 :]
        if subject[width] == SPELLED:
            return f"{stem}:{rest.decode()}"
        day, running = divmod(int.from_bytes(rest, "big"), _PLACES)
        return f"{stem}:{day:0{DAY_DIGITS}d}-{running}"


def _rest(rest: str) -> bytes:
    """Return the last part of a subject in bytes; only what reads the same afterwards is written as a number."""
    if rest[DAY_DIGITS : DAY_DIGITS + 1] != "-":
        return b"\x00" + rest.encode()
    day, running = rest[:DAY_DIGITS], rest[DAY_DIGITS + 1 :]
    if (
        rest.isascii()
        and day.isdigit()
        and running.isdigit()
        and len(running) <= RUNNING_DIGITS
        and (running[0] != "0" or running == "0")
    ):
        number: int = int(day) * _PLACES + int(running)
        return b"\x01" + number.to_bytes((number.bit_length() + 7) // 8, "big")
    return b"\x00" + rest.encode()


def _bytes_of(code: int) -> bytes:
    return bytes((code,)) if code <= SHORT_MAX else (code | 0x8000).to_bytes(2, "big")


def _base(salt: bytes | None) -> bytes | None:
    return salt if salt is not None and len(salt) == BASE_BYTES else None
