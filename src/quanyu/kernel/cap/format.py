"""XML of CAP: its bounds, and what is said of a message that breaks them."""

from __future__ import annotations

from typing import Final

from quanyu.kernel.errors import Invalid

BYTES_MAX: Final = 4 * 1024 * 1024
ELEMENTS_MAX: Final = 20_000
DEPTH_MAX: Final = 32
"""A signature nests about a dozen deep, CAP itself five."""


class CapFormat:
    """The bounds and refusals of CAP messages."""

    bytes_max = BYTES_MAX
    elements_max = ELEMENTS_MAX
    depth_max = DEPTH_MAX

    def broken(self, why: str, line: int) -> Invalid:
        """Refuse what is not XML."""
        return Invalid(why, code="cap.xml", where=f"line {line}", remedy="Send one CAP 1.2 alert in UTF-8.")

    def doctype(self, line: int) -> Invalid:
        """Refuse entities and everything else that a document type brings."""
        return Invalid(
            f"Message declares a document type in line {line}.",
            code="cap.doctype",
            where=f"line {line}",
            remedy="Remove the <!DOCTYPE>: neither entities nor anything outside the message is read.",
        )

    def too_big(self, why: str, line: int) -> Invalid:
        """Refuse a flood."""
        return Invalid(
            f"Message {why}.",
            code="cap.too_big",
            where=f"line {line}",
            remedy="Name resources by uri instead of sending them along; simplify the polygon.",
        )

    def unwritable(self, text: str, character: int) -> Invalid:
        """Refuse control characters."""
        return Invalid(
            f"Text {text[:40]!r} holds a character that XML has no way to write.",
            code="cap.text",
            where=f"character {character}",
            remedy="Remove control characters from the text.",
        )


CAP: Final = CapFormat()
