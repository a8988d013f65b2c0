"""Check characters: GB 32100, GB 11714, GB 11643 and ISO 7064 MOD 37,36 (rules.md B1)."""

from typing import Final

from stdnum.iso7064 import mod_37_36 as iso7064

from quanyu.kernel.errors import Invalid
from quanyu.kernel.identifier.grammar import DIGITS, LETTERS, weighted

CREDIT_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""GB 32100: digits and letters without I, O, S, V and Z, valued 0 to 30 in order."""

_CREDIT_WEIGHTS: Final = tuple(pow(3, place, 31) for place in range(17))
_ORGANISATION_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_CITIZEN_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def credit_check(first_17: str) -> str:
    """Check character of a unified social credit code (GB 32100-2015)."""
    return CREDIT_ALPHABET[-weighted(first_17, _CREDIT_WEIGHTS, CREDIT_ALPHABET) % 31]


def organisation_check(first_8: str) -> str:
    """Check character of an organisation code (GB 11714); letters count from A = 10."""
    return "0123456789X"[-weighted(first_8, _ORGANISATION_WEIGHTS, DIGITS + LETTERS) % 11]


def citizen_check(first_17: str) -> str:
    """Check character of a citizen identity number (GB 11643)."""
    return "10X98765432"[weighted(first_17, _CITIZEN_WEIGHTS, DIGITS) % 11]


def mod_37_36(text: str) -> str:
    """Check character of ISO 7064 MOD 37,36 (GB/T 17710) for digits and capital letters."""
    for position, character in enumerate(text, 1):
        if character not in DIGITS + LETTERS:
            raise _mod_fault(text, position, f"it has {character!r}", "one of 0-9 A-Z")
    return str(iso7064.calc_check_digit(text))


def check_mod_37_36(text: str) -> str:
    """Return the text without its last character after checking that character; raises Invalid at its position."""
    if len(text) < 2:
        raise _mod_fault(text, len(text) + 1, "it is too short", "at least one character and its check")
    body, check = text[:-1], text[-1]
    if check != (expected := mod_37_36(body)):
        raise _mod_fault(text, len(text), f"check character is {check!r}", repr(expected))
    return body


def _mod_fault(text: str, position: int, why: str, expected: str) -> Invalid:
    return Invalid(
        f"code {text[:60]!r} fails at position {position}: {why}, expected {expected}",
        code="identifier.mod_37_36",
        position=position,
        expected=expected,
    )
