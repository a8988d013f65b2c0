"""The grammar of fixed-length codes: parts in order, and faults that name the 1-based position."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from quanyu.kernel.errors import Invalid

DIGITS: Final = "0123456789"
LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Caveat:
    """A doubt that does not make a code wrong, such as a check digit that old codes are known to miss."""

    position: int
    message: str
    expected: str


@dataclass(frozen=True, slots=True)
class Part:
    """A run of characters of one alphabet inside a code."""

    name: str
    length: int
    alphabet: str = DIGITS


@dataclass(frozen=True, slots=True)
class Grammar:
    """The shape of one kind of code; ``secret`` codes belong to a person and never appear whole in a message."""

    kind: str
    code: str
    parts: tuple[Part, ...]
    secret: bool = False

    @property
    def length(self) -> int:
        """Number of characters."""
        return sum(part.length for part in self.parts)

    def split(self, text: str) -> list[str]:
        """Cut a text into its parts; raises Invalid at the first position that is missing, extra or foreign."""
        if len(text) != self.length:
            raise self.fault(
                text,
                min(len(text), self.length) + 1,
                f"it has {len(text)} characters",
                f"{self.length} characters",
            )
        pieces, start = [], 0
        for part in self.parts:
            piece = text[start : start + part.length]
            for offset, character in enumerate(piece):
                if character not in part.alphabet:
                    position = start + offset + 1
                    raise self.fault(text, position, f"{part.name} has {character!r}", f"one of {brief(part.alphabet)}")
            pieces.append(piece)
            start += part.length
        return pieces

    def fault(self, text: str, position: int, why: str, expected: str) -> Invalid:
        """Build the error for one position; ``details`` carry position and expectation for the form that shows it."""
        shown = f"{text[:6]}…" if self.secret else text[: self.length + 8]
        return Invalid(
            f"{self.kind} {shown!r} fails at position {position}: {why}, expected {expected}",
            code=f"identifier.{self.code}",
            remedy=f"write {self.length} characters: " + " ".join(f"{part.name}({part.length})" for part in self.parts),
            position=position,
            expected=expected,
        )

    def date(self, text: str, position: int) -> date:
        """Read YYYYMMDD that begins at ``position``; the fault names the year, month or day that is impossible."""
        digits = text[position - 1 : position + 7]
        year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:])
        if year == 0:
            raise self.fault(text, position, "year is 0000", "a year from 0001")
        if not 1 <= month <= 12:
            raise self.fault(text, position + 4, f"month is {month:02}", "01 to 12")
        try:
            return date(year, month, day)
        except ValueError as fault:
            raise self.fault(text, position + 6, f"day is {day:02}", f"a day of {year:04}-{month:02}") from fault


def compact(day: date) -> str:
    """Write YYYYMMDD, with four digits for every year (``%Y`` drops leading zeros on some systems)."""
    return day.isoformat().replace("-", "")


def brief(alphabet: str) -> str:
    """Shorten an alphabet for a message."""
    return {DIGITS: "0-9", DIGITS + LETTERS: "0-9 A-Z"}.get(alphabet, alphabet)


def weighted(text: str, weights: Sequence[int], alphabet: str) -> int:
    """Sum the places of the characters in the alphabet, weighted from the left."""
    return sum(alphabet.index(character) * weight for character, weight in zip(text, weights, strict=True))
