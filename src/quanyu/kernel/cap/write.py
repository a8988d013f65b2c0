"""Writes a CAP 1.2 message: what is written would be read again as the same value."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from quanyu.kernel.cap.format import CAP
from quanyu.kernel.cap.read import PARTS, Part
from quanyu.kernel.cap.words import NAMESPACE, Alert, Area, Circle, Info, Named, Position, Resource
from quanyu.kernel.time.instant import SECOND, Zone, moment
from quanyu.kernel.xml import Tag, render

_SHAPES: Final[dict[type[Any], str]] = {Info: "info", Area: "area", Resource: "resource", Named: "named"}
_TIMES: Final = frozenset({"sent", "effective", "onset", "expires"})


def write_alert(alert: Alert, zone: Zone) -> bytes:
    """Return the message in UTF-8, its times in the zone; raises Invalid (cap.text) where XML cannot say it."""
    root = Tag("alert", *_tags(alert, PARTS["alert"], zone))
    root.attributes["xmlns"] = NAMESPACE
    return render(root, CAP)


def _tags(value: Any, parts: tuple[Part, ...], zone: Zone) -> Iterator[Tag]:
    for part in parts:
        held = getattr(value, part.field)
        if part.name == "references":
            if held:
                yield Tag(part.name, text=" ".join(held))
        elif part.most > 1:
            yield from (_tag(part.name, each, zone) for each in held)
        elif part.least or held not in ("", None):
            yield _tag(part.name, held, zone)


def _tag(name: str, value: Any, zone: Zone) -> Tag:
    shape = _SHAPES.get(type(value))
    if shape is not None:
        return Tag(name, *_tags(value, PARTS[shape], zone))
    return Tag(name, text=written_time(value, zone) if name in _TIMES else _text(value))


def _text(value: Any) -> str:
    if isinstance(value, Circle):
        return f"{_pair(value.centre)} {_number(value.radius_km)}"
    if isinstance(value, tuple):
        return " ".join(_pair(each) for each in value)
    return _number(value) if isinstance(value, float) else str(value)


def _pair(position: Position) -> str:
    return f"{_number(position[1])},{_number(position[0])}"


def _number(value: float) -> str:
    """Write a decimal without an exponent, which XML Schema's decimal does not have."""
    return format(Decimal(repr(float(value))), "f")


def written_time(at: int, zone: Zone) -> str:
    """Write a time with whole seconds and a numeric zone; UTC is -00:00 by the standard."""
    when = moment(at - at % SECOND, zone)
    text = when.isoformat(timespec="seconds")
    return text.removesuffix("+00:00") + "-00:00" if text.endswith("+00:00") else text
