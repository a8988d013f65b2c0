"""XML of BPMN 2.0: its bounds, and what is said of a file that breaks them."""

from __future__ import annotations

from typing import Final

from quanyu.kernel import xml
from quanyu.kernel.errors import Invalid
from quanyu.kernel.xml import Element, Tag

BYTES_MAX: Final = 4 * 1024 * 1024
ELEMENTS_MAX: Final = 50_000
"""Elements of XML: a flow of a thousand elements needs about twenty thousand with its picture."""
DEPTH_MAX: Final = 64

__all__ = ["BYTES_MAX", "Element", "Tag", "parse", "render"]


class _Bpmn:
    bytes_max = BYTES_MAX
    elements_max = ELEMENTS_MAX
    depth_max = DEPTH_MAX

    def broken(self, why: str, line: int) -> Invalid:
        return Invalid(
            why,
            code="bpmn.xml",
            where=f"line {line}",
            remedy="Send the BPMN 2.0 file as the drawing tool saved it, in UTF-8.",
        )

    def doctype(self, line: int) -> Invalid:
        return Invalid(
            f"File declares a document type in line {line}.",
            code="bpmn.doctype",
            where=f"line {line}",
            remedy="Remove the <!DOCTYPE>: neither entities nor anything outside the file is read.",
        )

    def too_big(self, why: str, line: int) -> Invalid:
        return Invalid(
            f"File {why}.",
            code="bpmn.too_big",
            where=f"line {line}",
            remedy="Divide the flow; call the parts from it.",
        )

    def unwritable(self, text: str, character: int) -> Invalid:
        return Invalid(
            f"Text {text[:40]!r} holds a character that XML has no way to write.",
            code="bpmn.text",
            where=f"character {character}",
            remedy="Remove control characters from titles.",
        )


_BPMN: Final = _Bpmn()


def parse(content: bytes) -> Element:
    """Return the root; raises Invalid (bpmn.xml, bpmn.doctype, bpmn.too_big) with the line."""
    return xml.parse(content, _BPMN)


def render(root: Tag) -> bytes:
    """Return the document in UTF-8; raises Invalid (bpmn.text) where XML cannot say it."""
    return xml.render(root, _BPMN)
