"""The small language of alternatives that types and scopes share: `a,b`, `a|b`, `(a;b)|c`; `;` binds closer."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import msgspec

from quanyu.kernel.ngsi.q_words import DEPTH_MAX, TERMS_MAX
from quanyu.kernel.ngsi.scanner import Scanner

_WORD: Final = re.compile(r"[^|,;()\s]+")


class Both(msgspec.Struct, frozen=True):
    """Every part holds."""

    parts: tuple[Choice, ...]


class AnyOf(msgspec.Struct, frozen=True):
    """At least one part holds."""

    parts: tuple[Choice, ...]


Choice = str | Both | AnyOf
"""A word, or words that are combined."""


def read_choice(text: str, turn: Callable[[str, int], str], *, where: str, code: str, what: str) -> Choice:
    """Read alternatives; `turn` makes of each single word what is kept, given where it stands.

    Raises Invalid with codes `<code>.syntax` and `<code>.complex`; `what` names one word in the message.
    """
    return _Reader(text, turn, where, code, what).whole()


def holds(choice: Choice, test: Callable[[str], bool]) -> bool:
    """Whether a choice holds when `test` says so of its words."""
    if isinstance(choice, Both):
        return all(holds(part, test) for part in choice.parts)
    if isinstance(choice, AnyOf):
        return any(holds(part, test) for part in choice.parts)
    return test(choice)


def written(choice: Choice, write: Callable[[str], str]) -> str:
    """Write a choice back as text."""
    if isinstance(choice, AnyOf):
        return "|".join(written(part, write) for part in choice.parts)
    if isinstance(choice, Both):
        inner = (f"({written(p, write)})" if isinstance(p, AnyOf) else written(p, write) for p in choice.parts)
        return f"({';'.join(inner)})"
    return write(choice)


class _Reader(Scanner):
    """One pass from left to right."""

    def __init__(self, text: str, turn: Callable[[str, int], str], where: str, code: str, what: str) -> None:
        super().__init__(text, where, code)
        self.turn, self.what = turn, what
        self.words = self.depth = 0

    def whole(self) -> Choice:
        found = self.either()
        self.end("| or ; or the end")
        return found

    def either(self) -> Choice:
        parts = [self.both()]
        while self.take("|", ","):
            parts.append(self.both())
        if len(parts) == 1:
            return parts[0]
        flat: list[Choice] = []
        for part in parts:
            flat.extend(part.parts if isinstance(part, AnyOf) else [part])
        return AnyOf(tuple(flat))

    def both(self) -> Choice:
        parts = [self.part()]
        while self.take(";"):
            parts.append(self.part())
        if len(parts) == 1:
            return parts[0]
        flat: list[Choice] = []
        for part in parts:
            flat.extend(part.parts if isinstance(part, Both) else [part])
        return Both(tuple(flat))

    def part(self) -> Choice:
        if self.take("("):
            self.depth += 1
            if self.depth > DEPTH_MAX:
                self.complain(f"parentheses stand more than {DEPTH_MAX} deep")
            found = self.either()
            if not self.take(")"):
                self.fail(")")
            self.depth -= 1
            return found
        self.words += 1
        if self.words > TERMS_MAX:
            self.complain(f"it has more than {TERMS_MAX} words")
        begin = self.at
        return self.turn(self.read(_WORD, self.what), begin)
