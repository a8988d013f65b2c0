"""XML that strangers send: read with bounds and line numbers, without DTD, entities or anything from outside.

Each format (bpmn, cap) says its bounds and its own words for what is wrong, so that an error names the file in question.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, Protocol
from xml.parsers import expat

from quanyu.kernel.errors import Invalid

_UNWRITABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
_ESCAPED: Final = re.compile('[&<>"\n\r\t]')


class Format(Protocol):
    """What a format allows, and what it says of a file that breaks it."""

    bytes_max: int
    elements_max: int
    depth_max: int

    def broken(self, why: str, line: int) -> Invalid:
        """Return the error for what is not XML."""
        ...

    def doctype(self, line: int) -> Invalid:
        """Return the error for a declared document type."""
        ...

    def too_big(self, why: str, line: int) -> Invalid:
        """Return the error for a file past a bound."""
        ...

    def unwritable(self, text: str, character: int) -> Invalid:
        """Return the error for a character that XML has no way to write."""
        ...


class Element:
    """One element as it stands in the file; `space` is its namespace, attributes of other namespaces are `{space}name`.

    `begin` and `end` are byte offsets of its first tag and of its last one.
    """

    __slots__ = ("attributes", "begin", "children", "end", "line", "name", "space", "text")

    def __init__(self, space: str, name: str, attributes: dict[str, str], line: int) -> None:
        self.space = space
        self.name = name
        self.attributes = attributes
        self.line = line
        self.children: list[Element] = []
        self.text = ""
        self.begin = self.end = 0

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

    def __init__(self, parser: Any, form: Format) -> None:
        self.parser = parser
        self.form = form
        self.root: Element | None = None
        self.open: list[Element] = []
        self.texts: list[list[str]] = []
        self.count = 0
        parser.StartDoctypeDeclHandler = self.doctype
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.said

    def doctype(self, *declared: object) -> None:
        raise self.form.doctype(self.parser.CurrentLineNumber)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.count += 1
        line = self.parser.CurrentLineNumber
        if self.count > self.form.elements_max:
            raise self.form.too_big(f"holds more than {self.form.elements_max} XML elements", line)
        if len(self.open) >= self.form.depth_max:
            raise self.form.too_big(f"is nested more than {self.form.depth_max} deep", line)
        space, name = _split(tag)
        named = {(f"{{{at}}}{word}" if at else word): text for key, text in attributes.items()
                 for at, word in [_split(key)]}  # fmt: skip
        element = Element(space, name, named, line)
        element.begin = self.parser.CurrentByteIndex
        if self.open:
            self.open[-1].children.append(element)
        else:
            self.root = element
        self.open.append(element)
        self.texts.append([])

    def end(self, tag: str) -> None:
        element = self.open.pop()
        element.text = "".join(self.texts.pop())
        element.end = self.parser.CurrentByteIndex

    def said(self, text: str) -> None:
        self.texts[-1].append(text)


def _split(tag: str) -> tuple[str, str]:
    space, _, name = tag.rpartition(" ")
    return space, name


def parse(content: bytes, form: Format) -> Element:
    """Return the root; raises what the format says of a file that is no XML, too big, or declares a document type."""
    if len(content) > form.bytes_max:
        raise form.too_big(f"holds more than {form.bytes_max} bytes", 1)
    parser = expat.ParserCreate(namespace_separator=" ")
    builder = _Builder(parser, form)
    try:
        parser.Parse(content, True)
    except expat.ExpatError as fault:
        raise form.broken(
            f"File is not XML: {expat.ErrorString(fault.code)} in line {fault.lineno}.", fault.lineno
        ) from fault
    except (LookupError, ValueError) as fault:
        raise form.broken("File is in an encoding that cannot be read.", 1) from fault
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


def render(root: Tag, form: Format) -> bytes:
    """Return the document in UTF-8, two spaces deeper for each level; raises `form.unwritable`."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    _render(root, "", lines, form)
    return ("\n".join(lines) + "\n").encode()


def _render(tag: Tag, indent: str, lines: list[str], form: Format) -> None:
    said = "".join(f' {name.replace("__", ":")}="{_written(text, form)}"' for name, text in tag.attributes.items())
    if tag.children:
        lines.append(f"{indent}<{tag.name}{said}>")
        for child in tag.children:
            _render(child, indent + "  ", lines, form)
        lines.append(f"{indent}</{tag.name}>")
    elif tag.text:
        lines.append(f"{indent}<{tag.name}{said}>{_written(tag.text, form)}</{tag.name}>")
    else:
        lines.append(f"{indent}<{tag.name}{said}/>")


def _written(text: str, form: Format) -> str:
    found = _UNWRITABLE.search(text)
    if found:
        raise form.unwritable(text, found.start() + 1)
    return _ESCAPED.sub(lambda found: _ESCAPES[found[0]], text)
