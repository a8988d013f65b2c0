"""Unified social credit codes (GB 32100-2015) with both of their check digits."""

from dataclasses import dataclass
from typing import Final

from quanyu.kernel.identifier.checks import CREDIT_ALPHABET, credit_check, organisation_check
from quanyu.kernel.identifier.grammar import Caveat, Grammar, Part

_GRAMMAR: Final = Grammar(
    "credit code",
    "credit_code",
    (
        Part("authority", 1, CREDIT_ALPHABET),
        Part("body type", 1, CREDIT_ALPHABET),
        Part("division", 6),
        Part("organisation", 9, CREDIT_ALPHABET),
        Part("check", 1, CREDIT_ALPHABET),
    ),
)


@dataclass(frozen=True, slots=True)
class CreditCode:
    """The parts of a unified social credit code; ``organisation`` holds its own check digit last."""

    authority: str
    body_type: str
    division: str
    organisation: str
    check: str
    caveats: tuple[Caveat, ...] = ()

    def __str__(self) -> str:
        return f"{self.authority}{self.body_type}{self.division}{self.organisation}{self.check}"


def parse_credit_code(text: str) -> CreditCode:
    """Read 18 characters; a wrong inner check digit is a caveat only, since old and odd codes miss it (B1)."""
    authority, body_type, division, organisation, check = _GRAMMAR.split(text)
    if check != (expected := credit_check(text[:17])):
        raise _GRAMMAR.fault(text, 18, f"check character is {check!r}", repr(expected))
    return CreditCode(authority, body_type, division, organisation, check, _caveats(organisation))


def _caveats(organisation: str) -> tuple[Caveat, ...]:
    expected = organisation_check(organisation[:8])
    if organisation[8] == expected:
        return ()
    message = f"organisation code {organisation} has check digit {organisation[8]!r} where GB 11714 gives {expected!r}"
    return (Caveat(17, message, expected),)


def make_credit_code(authority: str, body_type: str, division: str, organisation_8: str) -> CreditCode:
    """Complete a code with both check digits, for simulated bodies; they must be marked fictitious where shown."""
    first_16 = authority + body_type + division + organisation_8
    _GRAMMAR.split(first_16.ljust(16, "?") + "00")
    first_17 = first_16 + organisation_check(organisation_8)
    return parse_credit_code(first_17 + credit_check(first_17))
