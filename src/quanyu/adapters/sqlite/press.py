"""Bodies of records as they lie in the file: those of cases pressed against words that all of them repeat.

A pressed body begins with a byte that MessagePack never uses and the number of its words, so pressed and plain ones stand
side by side and nothing needs to be rewritten. Digests are taken of the plain body.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import astuple

from quanyu.kernel.journal import Row, Stored

MARK: Final = 0xC1
LEVEL: Final = 1
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
WORDS: Final[Mapping[int, bytes]] = {1: b"".join(map(msgspec.msgpack.encode, _SAMPLES))}
"""What bodies are pressed against, by number; kept for ever, like upcasters: a changed word would garble what stands."""

_HEAD: Final = bytes((MARK, max(WORDS)))
_press = zlib.compressobj(LEVEL, zlib.DEFLATED, WINDOW_BITS, MEMORY, zlib.Z_DEFAULT_STRATEGY, WORDS[max(WORDS)])


def press(kind: str, body: bytes | None) -> bytes | None:
    """Return a body as it is to lie in the file."""
    if body is None or not kind.startswith(PRESSED) or len(body) < BYTES_MIN:
        return body
    # A copy has read the words already.
    presser = _press.copy()
    pressed = _HEAD + presser.compress(body) + presser.flush()
    return pressed if len(pressed) < len(body) else body


def plain(body: bytes | None) -> bytes | None:
    """Return a body as it was written."""
    if not body or body[0] != MARK:
        return body
    return zlib.decompressobj(WINDOW_BITS, WORDS[body[1]]).decompress(body[2:])


def row_of(record: Stored) -> Row:
    """Return the row of the journal that holds a record."""
    row: Row = astuple(record)
    body = press(record.kind, record.body)
    return row if body is record.body else (*row[:6], body, *row[7:])


def stored_of(row: Row) -> Stored:
    """Return the record that a row of the journal holds."""
    body = row[6]
    return Stored(*((*row[:6], plain(body), *row[7:]) if body and body[0] == MARK else row))
