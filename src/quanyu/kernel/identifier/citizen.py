"""Citizen identity numbers (GB 11643): personal data, so messages and repr never show one whole."""

from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from quanyu.kernel.identifier.checks import citizen_check
from quanyu.kernel.identifier.division import Divisions, parse_division_code
from quanyu.kernel.identifier.grammar import DIGITS, Caveat, Grammar, Part, compact

Holder = Literal["resident", "hk_macao_taiwan"]

_GRAMMAR: Final = Grammar(
    "citizen number",
    "citizen",
    (Part("division", 6), Part("birth", 8), Part("sequence", 3), Part("check", 1, DIGITS + "X")),
    secret=True,
)
_PERMIT_PREFIXES: Final = ("81", "82", "83")


@dataclass(frozen=True, slots=True)
class CitizenId:
    """The parts of an identity number."""

    division: str
    birth: date = field(repr=False)
    sequence: str = field(repr=False)
    check: str = field(repr=False)
    caveats: tuple[Caveat, ...] = ()

    def __str__(self) -> str:
        return f"{self.division}{compact(self.birth)}{self.sequence}{self.check}"

    @property
    def male(self) -> bool:
        """Digit 17 is odd for men."""
        return int(self.sequence[-1]) % 2 == 1

    @property
    def holder(self) -> Holder:
        """Prefixes 81, 82 and 83 are residence permits of Hong Kong, Macao and Taiwan residents (unverified)."""
        return "hk_macao_taiwan" if self.division.startswith(_PERMIT_PREFIXES) else "resident"


def parse_citizen_id(text: str, *, divisions: Divisions | None = None, on: date | None = None) -> CitizenId:
    """Read 18 characters; ``on`` refuses a birth after that day, ``divisions`` an unknown division.

    A division known but not in force in the year of birth is only a caveat: numbers carry the division of the day
    they were issued, which can be decades later.
    """
    division, _, sequence, check = _GRAMMAR.split(text)
    birth = _GRAMMAR.date(text, 7)
    if on is not None and birth > on:
        raise _GRAMMAR.fault(text, 7, "birth is in the future", f"a day up to {on}")
    if check != (expected := citizen_check(text[:17])):
        raise _GRAMMAR.fault(text, 18, f"check character is {check!r}", repr(expected))
    caveats = _division_caveats(text, birth.year, divisions)
    return CitizenId(division, birth, sequence, check, caveats)


def _division_caveats(text: str, year: int, divisions: Divisions | None) -> tuple[Caveat, ...]:
    if divisions is None or text.startswith(_PERMIT_PREFIXES):
        return ()
    if text[0] == "0" or not (names := divisions.names(parse_division_code(text[:6]))):
        raise _GRAMMAR.fault(text, 1, f"division {text[:6]} does not exist", "a code of GB/T 2260")
    if any(name.held_in(year) for name in names):
        return ()
    years = ", ".join(f"{name.first_year or ''}-{name.last_year or ''}" for name in names)
    return (Caveat(1, f"division {text[:6]} was not in force in the year of birth", years),)


def make_citizen_id(division: str, birth: date, sequence: int) -> CitizenId:
    """Complete a number with its check digit, for simulated people; odd sequences are men."""
    first_17 = f"{division}{compact(birth)}{sequence:03}"
    _GRAMMAR.split(first_17 + "0")
    return parse_citizen_id(first_17 + citizen_check(first_17))
