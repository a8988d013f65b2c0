"""Identifiers of electronic licences after GB/T 36904: six parts under one root, the last a check character (rules.md B1).

The shape is not confirmed: no text of the standard was seen. Which characters the check runs over is not known either;
here they are type, issuer, serial and version as they follow one another. ISO 7064 MOD 37,36 itself is confirmed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from quanyu.kernel.errors import Invalid
from quanyu.kernel.identifier.checks import mod_37_36
from quanyu.kernel.identifier.credit_code import parse_credit_code
from quanyu.kernel.identifier.grammar import DIGITS, LETTERS

ROOT: Final = "1.2.156.3005.2"
LENGTHS: Final = {"type": 21, "issuer": 18, "version": 3, "check": 1}
SERIAL_MAX: Final = 32
"""The length of the serial is not known: any number of characters up to this is let through."""

_PARTS: Final = ("type", "issuer", "serial", "version", "check")
_REMEDY: Final = f"write {ROOT}.type(21).issuer(18).serial.version(3).check(1), capital letters and digits"


@dataclass(frozen=True, slots=True)
class LicenceId:
    """What kind of licence it is, who issued it (a credit code), its serial and version."""

    type: str
    issuer: str
    serial: str
    version: str
    check: str

    def __str__(self) -> str:
        return f"{ROOT}.{self.type}.{self.issuer}.{self.serial}.{self.version}.{self.check}"


def parse_licence_id(text: str) -> LicenceId:
    """Read an identifier; Invalid (identifier.licence) names the 1-based position that fails."""
    if not text.startswith(f"{ROOT}."):
        at = next((n for n, (one, other) in enumerate(zip(text, ROOT, strict=False), 1) if one != other), len(ROOT) + 1)
        raise _fault(text, min(at, len(text) + 1), "it does not begin with the root of licences", f"{ROOT}.")
    pieces = text[len(ROOT) + 1 :].split(".")
    if len(pieces) != len(_PARTS):
        raise _fault(text, len(ROOT) + 2, f"{len(pieces)} parts follow the root", f"{len(_PARTS)} parts")
    position = len(ROOT) + 2
    for name, piece in zip(_PARTS, pieces, strict=True):
        _check_part(text, position, name, piece)
        position += len(piece) + 1
    kind, issuer, serial, version, check = pieces
    parse_credit_code(issuer)
    if check != (expected := mod_37_36(kind + issuer + serial + version)):
        raise _fault(text, len(text), f"check character is {check!r}", repr(expected))
    return LicenceId(kind, issuer, serial, version, check)


def make_licence_id(type: str, issuer: str, serial: str, version: str = "001") -> LicenceId:
    """Complete an identifier with its check character; raises as `parse_licence_id` does."""
    parts = f"{type}{issuer}{serial}{version}"
    known = all(character in DIGITS + LETTERS for character in parts)
    check = mod_37_36(parts) if known and parts else "0"
    return parse_licence_id(str(LicenceId(type, issuer, serial, version, check)))


def _check_part(text: str, position: int, name: str, piece: str) -> None:
    length = LENGTHS.get(name)
    for offset, character in enumerate(piece):
        alphabet = DIGITS if name == "version" else DIGITS + LETTERS
        if character not in alphabet:
            expected = "0-9" if name == "version" else "0-9 A-Z"
            raise _fault(text, position + offset, f"{name} has {character!r}", expected)
    if length is not None and len(piece) != length:
        raise _fault(text, position, f"{name} has {len(piece)} characters", f"{length} characters")
    if not 1 <= len(piece) <= SERIAL_MAX:
        raise _fault(text, position, f"{name} has {len(piece)} characters", f"1 to {SERIAL_MAX} characters")


def _fault(text: str, position: int, why: str, expected: str) -> Invalid:
    return Invalid(
        f"licence id {text[:90]!r} fails at position {position}: {why}, expected {expected}",
        code="identifier.licence",
        remedy=_REMEDY,
        position=position,
        expected=expected,
    )
