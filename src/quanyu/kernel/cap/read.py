"""Reads a CAP 1.2 message as its schema has it: order, number, code lists and shapes, each fault with its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from quanyu.kernel.cap.format import CAP
from quanyu.kernel.cap.words import CODES, NAMESPACE, SIGNATURE, Alert, Area, Circle, Info, Named, Position, Resource
from quanyu.kernel.errors import Invalid
from quanyu.kernel.time import parse_instant
from quanyu.kernel.xml import Element, parse

MANY: Final = 10_000
POSITIONS_MAX: Final = 100_000
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d", re.ASCII)
_LANGUAGE: Final = re.compile(r"[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*", re.ASCII)
_DECIMAL: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_INTEGER: Final = re.compile(r"[+-]?\d{1,18}", re.ASCII)


class Part(NamedTuple):
    """A child element: how it is read, the field that it fills, and how often it stands."""

    name: str
    read: Callable[[Element], Any]
    field: str
    least: int = 0
    most: int = 1


def read_alert(content: bytes) -> Alert:
    """Return the alert; raises Invalid (cap.xml, cap.doctype, cap.too_big, cap.schema) with the line."""
    root = parse(content, CAP)
    if root.space != NAMESPACE or root.name != "alert":
        raise schema_fault(
            root, f"Root is {root.name!r}, not an alert of CAP 1.2", f'Begin with <alert xmlns="{NAMESPACE}">.'
        )
    signed = [each for each in root.children if each.space == SIGNATURE]
    fields = _parts(root, _ALERT, foreign=SIGNATURE)
    return Alert(**fields, signatures=tuple(_raw(content, each) for each in signed))


def schema_fault(element: Element, why: str, remedy: str) -> Invalid:
    """Return the refusal of what the schema does not allow, with its place."""
    return Invalid(
        f"{why} in line {element.line}.", code="cap.schema", where=f"line {element.line}: {element.name}", remedy=remedy
    )


def _raw(content: bytes, element: Element) -> str:
    end = content.find(b">", element.end) + 1
    return content[element.begin : end].decode("utf-8", "replace")


def _parts(element: Element, parts: tuple[Part, ...], foreign: str = "") -> dict[str, Any]:
    """Return what stands in an element, by field; the children come in the order of the schema."""
    place = {part.name: number for number, part in enumerate(parts)}
    found: dict[str, list[Any]] = {part.name: [] for part in parts}
    last = 0
    for child in element.children:
        if foreign and child.space == foreign:
            last = len(parts)
            continue
        if child.space != NAMESPACE or child.name not in place:
            raise schema_fault(child, f"Element {child.name!r} does not belong into {element.name}", "Leave it out.")
        if place[child.name] < last:
            raise schema_fault(
                child, f"Element {child.name} comes too late in {element.name}", "Keep the schema's order."
            )
        last = place[child.name]
        part = parts[last]
        if len(found[child.name]) >= part.most:
            raise schema_fault(child, f"Element {child.name} stands more than {part.most} times", "Leave it out.")
        found[child.name].append(part.read(child))
    for part in parts:
        if len(found[part.name]) < part.least:
            raise schema_fault(element, f"Element {part.name} is missing in the {element.name}", f"Add <{part.name}>.")
    fields: dict[str, Any] = {}
    for part in parts:
        values = found[part.name]
        if part.most > 1:
            fields[part.field] = tuple(values)
        elif values:
            fields[part.field] = values[0]
    return fields


def _text(element: Element) -> str:
    if element.children:
        raise schema_fault(element, f"Element {element.name} holds elements instead of text", "Write text.")
    return element.text


def _word(element: Element) -> str:
    word = _text(element)
    if word not in CODES[element.name]:
        known = ", ".join(CODES[element.name])
        raise schema_fault(
            element, f"Value {word[:40]!r} of {element.name} is not in its code list", f"Use one of {known}."
        )
    return word


def _time(element: Element) -> int:
    text = _text(element).strip()
    if not _TIME.fullmatch(text):
        raise schema_fault(
            element,
            f"Time {text[:40]!r} of {element.name} has no numeric zone or another shape",
            "Write for example 2026-03-01T08:00:00+08:00; UTC is -00:00, not Z.",
        )
    try:
        return parse_instant(text)
    except Invalid as fault:
        raise schema_fault(element, f"Time {text[:40]!r} of {element.name} does not exist", "Correct it.") from fault


def _language(element: Element) -> str:
    text = _text(element).strip()
    if not _LANGUAGE.fullmatch(text):
        raise schema_fault(element, f"Language {text[:40]!r} is no language tag", "Write for example zh-CN.")
    return text


def _integer(element: Element) -> int:
    text = _text(element).strip()
    if not _INTEGER.fullmatch(text):
        raise schema_fault(element, f"Number {text[:40]!r} of {element.name} is not whole", "Write digits.")
    return int(text)


def _decimal(element: Element) -> float:
    text = _text(element).strip()
    if not _DECIMAL.fullmatch(text) or len(text) > 40:
        raise schema_fault(element, f"Number {text[:40]!r} of {element.name} is no decimal", "Write for example 120.5.")
    return float(text)


def _position(element: Element, text: str) -> Position:
    latitude, _, longitude = text.partition(",")
    if not (_DECIMAL.fullmatch(latitude) and _DECIMAL.fullmatch(longitude)) or len(text) > 80:
        raise schema_fault(
            element, f"Position {text[:40]!r} of a {element.name} is no pair", "Write latitude,longitude."
        )
    if abs(float(latitude)) > 90 or abs(float(longitude)) > 180:
        raise schema_fault(
            element, f"Position {text[:40]!r} is outside the earth", "Write latitude,longitude in degrees."
        )
    return float(longitude), float(latitude)


def _polygon(element: Element) -> tuple[Position, ...]:
    texts = _text(element).split()
    if len(texts) > POSITIONS_MAX:
        raise CAP.too_big(f"has a polygon of more than {POSITIONS_MAX} positions", element.line)
    return tuple(_position(element, text) for text in texts)


def _circle(element: Element) -> Circle:
    texts = _text(element).split()
    if len(texts) != 2 or not _DECIMAL.fullmatch(texts[1]) or float(texts[1]) < 0:
        raise schema_fault(
            element, "Circle has no centre and radius", "Write latitude,longitude radius, in kilometres."
        )
    return Circle(_position(element, texts[0]), float(texts[1]))


def _named(element: Element) -> Named:
    return Named(**_parts(element, _NAMED))


def _resource(element: Element) -> Resource:
    return Resource(**_parts(element, _RESOURCE))


def _area(element: Element) -> Area:
    return Area(**_parts(element, _AREA))


def _info(element: Element) -> Info:
    return Info(**_parts(element, _INFO))


def _references(element: Element) -> tuple[str, ...]:
    return tuple(_text(element).split())


_NAMED: Final = (Part("valueName", _text, "name", 1), Part("value", _text, "value", 1))
_RESOURCE: Final = (
    Part("resourceDesc", _text, "description", 1),
    Part("mimeType", _text, "mime", 1),
    Part("size", _integer, "size_bytes"),
    Part("uri", _text, "uri"),
    Part("derefUri", _text, "deref"),
    Part("digest", _text, "digest"),
)
_AREA: Final = (
    Part("areaDesc", _text, "description", 1),
    Part("polygon", _polygon, "polygons", most=MANY),
    Part("circle", _circle, "circles", most=MANY),
    Part("geocode", _named, "geocodes", most=MANY),
    Part("altitude", _decimal, "altitude_ft"),
    Part("ceiling", _decimal, "ceiling_ft"),
)
_INFO: Final = (
    Part("language", _language, "language"),
    Part("category", _word, "categories", 1, MANY),
    Part("event", _text, "event", 1),
    Part("responseType", _word, "responses", most=MANY),
    Part("urgency", _word, "urgency", 1),
    Part("severity", _word, "severity", 1),
    Part("certainty", _word, "certainty", 1),
    Part("audience", _text, "audience"),
    Part("eventCode", _named, "event_codes", most=MANY),
    Part("effective", _time, "effective"),
    Part("onset", _time, "onset"),
    Part("expires", _time, "expires"),
    Part("senderName", _text, "sender_name"),
    Part("headline", _text, "headline"),
    Part("description", _text, "description"),
    Part("instruction", _text, "instruction"),
    Part("web", _text, "web"),
    Part("contact", _text, "contact"),
    Part("parameter", _named, "parameters", most=MANY),
    Part("resource", _resource, "resources", most=MANY),
    Part("area", _area, "areas", most=MANY),
)
_ALERT: Final = (
    Part("identifier", _text, "identifier", 1),
    Part("sender", _text, "sender", 1),
    Part("sent", _time, "sent", 1),
    Part("status", _word, "status", 1),
    Part("msgType", _word, "kind", 1),
    Part("source", _text, "source"),
    Part("scope", _word, "scope", 1),
    Part("restriction", _text, "restriction"),
    Part("addresses", _text, "addresses"),
    Part("code", _text, "codes", most=MANY),
    Part("note", _text, "note"),
    Part("references", _references, "references"),
    Part("incidents", _text, "incidents"),
    Part("info", _info, "infos", most=MANY),
)

PARTS: Final[Mapping[str, tuple[Part, ...]]] = {"alert": _ALERT, "info": _INFO, "area": _AREA, "resource": _RESOURCE,
                                                "named": _NAMED}  # fmt: skip
"""The schema, in its order: what the writer goes by too."""
