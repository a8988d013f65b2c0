"""XML that strangers send: read with bounds and line numbers, without DTD, entities or anything from outside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final
from xml.parsers import expat

from quanyu.kernel.errors import Invalid

BYTES_MAX: Final = 4 * 1024 * 1024
ELEMENTS_MAX: Final = 50_000
"""Elements of XML: a flow of a thousand elements needs about twenty thousand with its picture."""
DEPTH_MAX: Final = 64

_UNWRITABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
_ESCAPED: Final = re.compile('[&<>"\n\r\t]')


class Element:
    """One element as it stands in the file; `space` is its namespace, attributes of other namespaces are `{space}name`."""

    __slots__ = ("attributes", "children", "line", "name", "space", "text")

    def __init__(self, space: str, name: str, attributes: dict[str, str], line: int) -> None:
        self.space = space
        self.name = name
        self.attributes = attributes
        self.line = line
        self.children: list[Element] = []
        self.text = ""

    def of(self, space: str, *names: str) -> Iterator[Element]:
        """Yield the children of a namespace, of some names or of all."""
        return (each for each in self.children if each.space == space and (not names or each.name in names))

    def find(self, space: str, name: str) -> Element | None:
        """Return the first child of this name."""
        return next(self.of(space, name), None)

    def get(self, name: str, default: str = "") -> str:
        """Return an attribute."""
        return self.attributes.get(name, default)


class _Builder:
    """Grows the tree while the parser runs, and stops it where a bound is passed."""

    def __init__(self, parser: Any) -> None:
        self.parser = parser
        self.root: Element | None = None
        self.open: list[Element] = []
        self.texts: list[list[str]] = []
        self.count = 0
        parser.StartDoctypeDeclHandler = self.doctype
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.said

    def doctype(self, *declared: object) -> None:
        raise Invalid(
            f"File declares a document type in line {self.parser.CurrentLineNumber}.",
            code="bpmn.doctype",
            where=f"line {self.parser.CurrentLineNumber}",
            remedy="Remove the <!DOCTYPE>: neither entities nor anything outside the file is read.",
        )

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.count += 1
        line = self.parser.CurrentLineNumber
        if self.count > ELEMENTS_MAX:
            raise _too_big(f"holds more than {ELEMENTS_MAX} XML elements", line)
        if len(self.open) >= DEPTH_MAX:
            raise _too_big(f"is nested more than {DEPTH_MAX} deep", line)
        space, name = _split(tag)
        named = {(f"{{{at}}}{word}" if at else word): text for key, text in attributes.items()
                 for at, word in [_split(key)]}  # fmt: skip
        element = Element(space, name, named, line)
        if self.open:
            self.open[-1].children.append(element)
        else:
            self.root = element
        self.open.append(element)
        self.texts.append([])

    def end(self, tag: str) -> None:
        self.open.pop().text = "".join(self.texts.pop())

    def said(self, text: str) -> None:
        self.texts[-1].append(text)


def _split(tag: str) -> tuple[str, str]:
    space, _, name = tag.rpartition(" ")
    return space, name


def _too_big(why: str, line: int) -> Invalid:
    return Invalid(
        f"File {why}.", code="bpmn.too_big", where=f"line {line}", remedy="Divide the flow; call the parts from it."
    )


def parse(content: bytes) -> Element:
    """Return the root; raises Invalid (bpmn.xml, bpmn.doctype, bpmn.too_big) with the line."""
    if len(content) > BYTES_MAX:
        raise _too_big(f"holds more than {BYTES_MAX} bytes", 1)
    parser = expat.ParserCreate(namespace_separator=" ")
    builder = _Builder(parser)
    try:
        parser.Parse(content, True)
    except expat.ExpatError as fault:
        raise Invalid(
            f"File is not XML: {expat.ErrorString(fault.code)} in line {fault.lineno}.",
            code="bpmn.xml",
            where=f"line {fault.lineno}",
            remedy="Send the BPMN 2.0 file as the drawing tool saved it, in UTF-8.",
        ) from fault
    except (LookupError, ValueError) as fault:
        raise Invalid(
            "File is in an encoding that cannot be read.",
            code="bpmn.xml",
            where="line 1",
            remedy="Save the BPMN 2.0 file in UTF-8.",
        ) from fault
    assert builder.root is not None, "a document without a root is not well-formed"
    return builder.root


class Tag:
    """An element to be written: `name` with its prefix, in the order given."""

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, /, *children: Tag, text: str = "", **attributes: str) -> None:
        self.name = name
        self.children = list(children)
        self.text = text
        self.attributes = attributes


def render(root: Tag) -> bytes:
    """Return the document in UTF-8, two spaces deeper for each level; raises Invalid (bpmn.text) where XML cannot say it."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    _render(root, "", lines)
    return ("\n".join(lines) + "\n").encode()


def _render(tag: Tag, indent: str, lines: list[str]) -> None:
    said = "".join(f' {name.replace("__", ":")}="{_written(text)}"' for name, text in tag.attributes.items())
    if tag.children:
        lines.append(f"{indent}<{tag.name}{said}>")
        for child in tag.children:
            _render(child, indent + "  ", lines)
        lines.append(f"{indent}</{tag.name}>")
    elif tag.text:
        lines.append(f"{indent}<{tag.name}{said}>{_written(tag.text)}</{tag.name}>")
    else:
        lines.append(f"{indent}<{tag.name}{said}/>")


def _written(text: str) -> str:
    found = _UNWRITABLE.search(text)
    if found:
        raise Invalid(
            f"Text {text[:40]!r} holds a character that XML has no way to write.",
            code="bpmn.text",
            where=f"character {found.start() + 1}",
            remedy="Remove control characters from titles.",
        )
    return _ESCAPED.sub(lambda found: _ESCAPES[found[0]], text)
