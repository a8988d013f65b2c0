"""What lies pressed in the file, against words that all of its kind repeat: bodies of cases' records, states of cases.

A home begins with words that any city uses and learns its own from what many of its cases say alike (`learning`).
What is pressed begins with a byte that MessagePack never uses and the number of its words, so pressed and plain ones stand
side by side and nothing needs to be rewritten. Digests and comparisons are of what was written, not of what lies there.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

import apsw
import msgspec

from quanyu.adapters.sqlite.learning import Learning
from quanyu.kernel.journal import Row, Table

MARK: Final = 0xC1
LEVEL: Final = 3
"""Up to here more costs nothing: bodies are short, and to begin and end one takes longer than to look for words in it."""
WINDOW_BITS: Final = -12
MEMORY: Final = 4
BYTES_MIN: Final = 64
PRESSED: Final = "case."
"""Beginning of the kinds whose bodies are pressed: many, kept for ever, and much alike."""

_AT: Final = 1_772_409_600_000_000
_SAMPLES: Final[tuple[Mapping[str, Any], ...]] = (
    {"timer": "overall.escalate", "due": _AT}, {"timer": "step.12.overdue", "due": _AT},
    {"timer": "overall.amber", "due": _AT}, {"timer": "overall.red", "due": _AT},
    {"timer": "overall.overdue", "due": _AT, "unit": "city.director"},
    {"action": "comment", "person": {"id": "person:chief", "name": "", "role": "chief", "unit": "city.command"}},
    {"action": "return", "person": {"id": "person:clerk", "role": "clerk"}, "step": "handle", "note": ""},
    {
        "head": {
            "kind": "hotline", "flow": "grid_case", "title": {"zh": "", "en": ""}, "channel": "citizen", "text": "",
            "place": {"lon": 116.4, "lat": 39.9, "district": "110105", "grid": "", "address": ""},
            "asset": "urn:ngsi-ld:", "asset_type": "", "category": "c01", "reporter": "personal:", "reporter_id": None,
            "code": None, "fold_key": "rule:", "rule": "", "parameters": [], "provenance": "simulated",
        },
        "flow_hash": "", "opened_at": _AT, "severity": "orange", "historical": True, "simulated": True,
        "finding": [_AT, None, 1.5, 2.5, "GQ", "yellow", {"zh": "", "en": ""}, 1], "channel": "console",
    },
    {
        "severity": "yellow", "tokens": [[1, "accept", _AT, "duty", None, None]],
        "clocks": [
            ["overall", "5 working days", _AT, _AT, _AT, _AT, _AT, None, [], None, None],
            ["step.1", "30 minutes", _AT, _AT, _AT, _AT, _AT, None, [], None, None],
            ["step.2", "1 hour", _AT, _AT, _AT, _AT, _AT, None, [], None, "grid_accept_limit@1"],
        ],
        "units": {"lead": "city.command", "check": "city.supervision", "escalate": "city.director"}, "limits": {},
        "person": {"id": "person:clerk", "role": "clerk", "unit": "city.command"},
    },
    {
        "action": "dispatch", "person": {"id": "person:dispatcher", "role": "dispatcher", "unit": "city.command"},
        "step": "dispatch", "left": 2, "tokens": [[3, "handle", _AT, "handler", "ecology.enforcement", None]],
        "clocks": [["step.3", "3 working days", _AT, _AT, _AT, _AT, _AT, None, [], None, None]],
        "dispatched": {"role": "lead", "unit": "ecology.enforcement", "supports": []},
    },
    {
        "action": "handle", "person": {"id": "person:handler", "role": "handler", "unit": "ecology.enforcement"},
        "step": "handle", "files": [{"sha256": "0123456789abcdef", "type": "image/jpeg", "name": ""}], "left": 3,
        "handled": True, "proven": True, "tokens": [[4, "feedback", _AT, "dispatcher", None, None]],
        "clocks": [["step.4", "4 hours", _AT, _AT, _AT, _AT, _AT, None, [], None, None]],
    },
    {
        "action": "check", "person": {"id": "person:checker", "role": "supervisor", "unit": "city.supervision"},
        "step": "check", "fields": {"passed": True}, "left": 5, "tokens": [[6, "close", _AT, "duty", None, None]],
        "clocks": [],
    },
    {
        "action": "close", "person": {"id": "person:duty", "role": "duty", "unit": "city.command"}, "step": "close",
        "fields": {"outcome": "fixed"}, "left": 6,
        "outcome": {"word": "fixed", "by": "person:duty", "at": _AT, "note": ""},
    },
)  # fmt: skip
_CLOSED: Final[Mapping[str, Any]] = {
    "f": "", "o": _AT, "s": "orange", "S": "closed", "s2": "yellow", "n": 6,
    "d": [
        ["accept", _AT, "person:clerk"], ["register", _AT, "person:duty"], ["dispatch", _AT, "person:dispatcher"],
        ["handle", _AT, "person:handler"], ["feedback", _AT, "person:dispatcher"], ["check", _AT, "person:checker"],
        ["close", _AT, "person:duty"],
    ],
    "c": [["overall", "5 working days", _AT, _AT, _AT, _AT, _AT, None, [], _AT, None]],
    "u": {"check": "city.supervision", "escalate": "city.command", "lead": "ecology.enforcement"},
    "l": {"grid_overall_limit": ["7 working days", "1"]}, "D": "110105", "U": "ecology.enforcement", "R": True,
    "w": {"word": "fixed", "by": "person:duty", "at": _AT}, "x": _AT, "p": True, "h": True,
    "a": ["person:duty", "close", _AT],
}  # fmt: skip
WORDS: Final[dict[int, bytes]] = {
    1: b"".join(map(msgspec.msgpack.encode, _SAMPLES)),
    2: msgspec.msgpack.encode(_CLOSED),
}
"""What is pressed against, by number; kept for ever, like upcasters: a changed word would garble what stands."""

BODIES: Final = 1
ROWS: Final = 2
WORDS_BYTES_MAX: Final = 3_800
"""As far back as is looked for words: what a home has learned stands nearest, and what any city says before it."""
LEARNED: Final = 16
"""Numbers from here on are of words that a home has learned."""
OPENED: Final = "case.opened"
STATES: Final = "state"
"""Sorts of what is pressed, besides `PRESSED`: what is alike learns its words together."""
SCHEMA: Final = "CREATE TABLE IF NOT EXISTS press_words (number INTEGER PRIMARY KEY, sort TEXT, words BLOB NOT NULL);"


class Press:
    """The words of one database. It is pressed by the writer's thread; anybody may ask for what is plain."""

    def __init__(self) -> None:
        self._fresh: list[tuple[int, str, bytes]] = []
        self._take([])

    def _take(self, learned: Iterable[tuple[int, str, bytes]]) -> None:
        learned = list(learned)
        # At once: others read meanwhile.
        self._words = WORDS | {number: words for number, _, words in learned}
        self._generations = dict.fromkeys((OPENED, PRESSED, STATES), 0)
        self._sorts = {sort: Learning() for sort in (OPENED, PRESSED, STATES)}
        first = {OPENED: BODIES, PRESSED: BODIES, STATES: ROWS}
        self._present = {sort: _presser(number, WORDS[number]) for sort, number in first.items()}
        for number, sort, words in learned:
            self._know(number, sort, words)
        self._fresh.clear()

    def _know(self, number: int, sort: str, words: bytes) -> None:
        self._present[sort] = _presser(number, words)
        self._generations[sort] += 1
        self._sorts[sort].begin(self._generations[sort])

    def load(self, connection: apsw.Connection) -> None:
        """Know the words that are durable and no others."""
        rows: Iterable[Any] = connection.execute("SELECT number, sort, words FROM press_words ORDER BY number")
        self._take(rows)

    def keep(self, connection: apsw.Connection) -> None:
        """Write down what was learned, in the transaction of the first that is pressed against it."""
        if self._fresh:
            connection.executemany("INSERT INTO press_words VALUES (?, ?, ?)", self._fresh)
            self._fresh.clear()

    def body(self, kind: str, body: bytes | None) -> bytes | None:
        """Return a body as it is to lie in the file."""
        if body is None or not kind.startswith(PRESSED) or len(body) < BYTES_MIN:
            return body
        return self._pressed(body, OPENED if kind == OPENED else PRESSED)

    def _pressed(self, given: bytes, sort: str) -> bytes:
        learning = self._sorts[sort]
        words = None
        if learning.left:
            learning.left -= 1
        else:
            words = learning.see(given)
        if words is not None:
            words = (WORDS[ROWS if sort == STATES else BODIES] + words)[-WORDS_BYTES_MAX:]
            number = max(LEARNED - 1, *self._words) + 1
            self._words[number] = words
            self._know(number, sort, words)
            self._fresh.append((number, sort, words))
        mark, presser = self._present[sort]
        # A copy has read the words already.
        presser = presser.copy()
        pressed = mark + presser.compress(given) + presser.flush()
        return pressed if len(pressed) < len(given) else given

    def plain(self, given: bytes) -> bytes:
        """Return bytes as they were written."""
        if not given or given[0] != MARK:
            return given
        return zlib.decompressobj(WINDOW_BITS, self._words[given[1]]).decompress(given[2:])

    def written_rows(self, table: Table, rows: Iterable[Row | None]) -> list[Row]:
        """Return the rows that stand as they are to lie in the file."""
        stand = [row for row in rows if row is not None]
        if not table.pressed:
            return stand
        return [
            (*row[:-1], self._pressed(row[-1], STATES)) if row[-1] and len(row[-1]) >= BYTES_MIN else row
            for row in stand
        ]

    def read_row(self, row: Row) -> Row:
        """Return a row as it was written."""
        last = row[-1]
        return (*row[:-1], self.plain(last)) if last and last[0] == MARK else row


def _presser(number: int, words: bytes) -> tuple[bytes, zlib._Compress]:
    """Return what bytes pressed against these words begin with, and what presses them."""
    begun = zlib.compressobj(LEVEL, zlib.DEFLATED, WINDOW_BITS, MEMORY, zlib.Z_DEFAULT_STRATEGY, words)
    return bytes((MARK, number)), begun
