"""Signed form fields: state between the steps of a form travels through the visitor's browser and comes back unchanged.

The key lies in the home and never leaves it; whoever holds no key can neither attach a file that was not uploaded here
nor open a matter that was not shown.
"""

from __future__ import annotations

import hmac
import os
import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path
from typing import Final

from quanyu.kernel.journal import Instant

KEY_BYTES: Final = 32
KEY_FILE: Final = "web.key"
TEXT_MAX: Final = 400
SECOND_US: Final = 1_000_000


class Seal:
    """Signs short texts for a purpose; a text signed for one purpose is worth nothing for another."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, purpose: str, text: str) -> str:
        """Return the text with its signature."""
        return f"{text}.{self._mark(purpose, text)}"

    def open(self, purpose: str, signed: str) -> str | None:
        """Return the text; None when it was not signed here for this purpose."""
        text, _, mark = signed[:TEXT_MAX].rpartition(".")
        return text if mark.isascii() and hmac.compare_digest(mark, self._mark(purpose, text)) else None

    def sign_until(self, purpose: str, text: str, until: Instant) -> str:
        """Return the text signed together with the machine instant up to which it is worth something."""
        return self.sign(purpose, f"{text}.{until // SECOND_US}")

    def open_until(self, purpose: str, signed: str, now: Instant) -> str | None:
        """Return the text; None when it was not signed here or its time has run out."""
        text, _, until = (self.open(purpose, signed) or "").rpartition(".")
        return text if text and int(until) * SECOND_US > now else None

    def draw(self, purpose: str, text: str, alphabet: str, length: int) -> str:
        """Return letters that follow from the key and the text alone: sending a form twice draws the same code."""
        number = int.from_bytes(hmac.digest(self._key, f"{purpose}\0{text}".encode(), "sha256"), "big")
        letters = []
        for _ in range(length):
            number, place = divmod(number, len(alphabet))
            letters.append(alphabet[place])
        return "".join(letters)

    def same(self, one: str, other: str) -> bool:
        """Tell whether two texts are the same, in a time that says nothing of where they differ."""
        return hmac.compare_digest(one.encode(), other.encode())

    def _mark(self, purpose: str, text: str) -> str:
        digest = hmac.new(self._key, f"{purpose}\0{text}".encode(), sha256).digest()
        return urlsafe_b64encode(digest[:18]).decode()


def load_seal(home: Path) -> Seal:
    """Read the home's key for signed form fields from disk, or make it once, readable by the owner alone."""
    path = home / KEY_FILE
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return Seal(path.read_bytes())
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
    return Seal(path.read_bytes())
