"""Messages of devices: what is in them, declared; and a reader that turns one into rows of observations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from math import isfinite
from typing import Any, Literal

import msgspec

from quanyu.kernel.device.gathering import Row
from quanyu.kernel.device.template import pick
from quanyu.kernel.entity import NAME_PATTERN, RESERVED, check_name
from quanyu.kernel.errors import Invalid, QuanyuError
from quanyu.kernel.journal import Instant
from quanyu.kernel.time import instant, parse_instant
from quanyu.kernel.time.instant import zone_of
from quanyu.kernel.unit import find_unit

Payload = Literal["json", "number", "ngsi-ld"]
EPOCHS = {"s": 1_000_000, "ms": 1_000, "us": 1}
"""Words of `format` for times that are counted since 1970."""
ITEMS_MAX = 10_000
MANTISSA = 2**53
"""Whole numbers below it are exact as floats."""
DOCUMENT_FIELDS = RESERVED | {"createdAt", "modifiedAt", "observedAt"}
DECODE = msgspec.json.Decoder().decode
Read = Callable[[str, Any, Instant], list[Row]]
"""(entity, one document or number, arrival) → rows."""


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value of a message: the attribute it becomes, its unit (UN/CEFACT code), and value = sent · scale + offset."""

    attribute: str
    unit: str | None = None
    scale: float = 1.0
    offset: float = 0.0


class Message(msgspec.Struct, frozen=True):
    """What a message of one kind of device says; a city's devices file says from which topics it comes.

    `json`: an object, or a list of objects; `fields` maps paths (`body.temp`) to attributes. `number`: the payload is
    one number, `value` says of what. `ngsi-ld`: an entity's attributes as the standard writes them. `time` is the path
    of the instant (arrival without it), `format` how it is written: RFC 3339 (default), `s`, `ms`, `us` since 1970, or
    words of strptime, in `zone` when it has no offset. Values in `missing` stand for no value.
    """

    type: str
    payload: Payload = "json"
    fields: Mapping[str, Field] = {}
    value: Field | None = None
    time: str | None = None
    format: str | None = None
    zone: str | None = None
    missing: tuple[float | str, ...] = ()
    name: str = ""
    title: Mapping[str, str] = {}
    doc: str = ""


def reader_of(message: Message, zone: str) -> Read:
    """Return the function that reads one document of a message; it raises Invalid (device.*) for what is wrong."""
    zone = message.zone or zone
    if message.payload == "number":
        assert message.value is not None, "a message of one number says of what"
        return _number_reader(message.value)
    if message.payload == "ngsi-ld":
        return _read_entity
    return _fields_reader(message, _time_reader(message, zone))


def documents(message: Message, payload: bytes | bytearray | memoryview) -> Sequence[Any]:
    """Return the documents in a payload: one, or those of a list; Invalid (device.json) when it cannot be read."""
    try:
        found = DECODE(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        what = "a number" if message.payload == "number" else "JSON"
        raise Invalid(f"The message is not {what}: {str(fault)[:120]}.", code="device.json") from fault
    if found.__class__ is dict or message.payload == "number":
        return (found,)
    items: Sequence[Any] = found if isinstance(found, list) else (found,)
    if len(items) > ITEMS_MAX or not all(isinstance(item, dict) for item in items):
        raise Invalid(f"The message is not an object, or at most {ITEMS_MAX} of them in a list.", code="device.json")
    return items


def _number_reader(field: Field) -> Read:
    def read(entity: str, found: Any, arrival: Instant) -> list[Row]:
        value = None if found is None else _value(found, field, "the payload")
        if value is None or isinstance(value, str):
            raise _no_value("the payload", found)
        return [(entity, field.attribute, arrival, value, field.unit)]

    return read


def _fields_reader(message: Message, time_of: Callable[[Any, Instant], Instant]) -> Read:
    plain = [
        (name, field, field.attribute, field.unit, field.scale, field.offset)
        for name, field in message.fields.items()
        if "." not in name
    ]
    deep = [(name, tuple(name.split(".")), field) for name, field in message.fields.items() if "." in name]
    missing = frozenset(message.missing)
    arrives = message.time is None

    def read(entity: str, document: Any, arrival: Instant) -> list[Row]:
        at = arrival if arrives else time_of(document, arrival)
        rows: list[Row] = []
        for name, field, attribute, unit, scale, offset in plain:
            sent = document.get(name)
            if sent is None or (missing and _is_missing(sent, missing)):
                continue
            # Nearly every value is a finite float: it is read here, the rest with more care.
            if sent.__class__ is float and sent - sent == 0.0:
                value: float | str | None = sent * scale + offset
            else:
                value = _value(sent, field, name)
            if value is not None:
                rows.append((entity, attribute, at, value, unit))
        for name, path, field in deep:
            sent = pick(document, path)
            if sent is not None and not _is_missing(sent, missing):
                value = _value(sent, field, name)
                if value is not None:
                    rows.append((entity, field.attribute, at, value, field.unit))
        if not rows:
            names = ", ".join(list(message.fields)[:8])
            raise Invalid(f"The message has none of the declared fields: {names}.", code="device.empty")
        return rows

    return read


def _is_missing(sent: Any, missing: frozenset[float | str]) -> bool:
    return sent.__class__ in (str, int, float) and sent in missing


def _value(sent: Any, field: Field, name: str) -> float | str | None:
    """Return a value in the attribute's unit; text counts as a number where a unit or a scale says that it is one."""
    if sent.__class__ is int and -MANTISSA < sent < MANTISSA:
        return float(sent * field.scale + field.offset)
    if sent.__class__ is str:
        if field.unit is None and field.scale == 1.0 and field.offset == 0.0:
            return str(sent)
        if not sent.strip():
            return None
    if sent.__class__ not in (int, float, bool, str):
        raise _no_value(name, sent)
    try:
        # float() reads 1_000 too, which no device means.
        value = float("?" if sent.__class__ is str and "_" in sent else sent)
    except (ValueError, OverflowError) as fault:
        raise _no_value(name, sent) from fault
    value = value * field.scale + field.offset
    if not isfinite(value):
        raise _no_value(name, sent)
    return value


def _no_value(name: str, sent: Any) -> Invalid:
    return Invalid(f"{name} holds {str(sent)[:60]!r}, which is no measured value.", code="device.value", where=name)


def _time_reader(message: Message, zone: str) -> Callable[[Any, Instant], Instant]:
    if message.time is None:
        return lambda document, arrival: arrival
    path, form = tuple(message.time.split(".")), message.format
    read = _counted(EPOCHS[form]) if form in EPOCHS else _written(form, zone)

    def time_of(document: Any, arrival: Instant) -> Instant:
        found = pick(document, path)
        try:
            return read(found)
        except (TypeError, ValueError, OverflowError, QuanyuError) as fault:
            raise Invalid(
                f"{message.time} holds {str(found)[:60]!r}, which is no time in the declared form ({form or 'RFC 3339'}).",
                code="device.time",
                where=message.time,
            ) from fault

    return time_of


def _counted(unit_us: int) -> Callable[[Any], Instant]:
    def read(found: Any) -> Instant:
        if found.__class__ is int:
            at: int = found * unit_us
        elif found.__class__ in (float, str):
            at = round(float(found) * unit_us)
        else:
            raise TypeError(found)
        if not 0 < at < 4_102_444_800_000_000:  # before the year 2100: what is later is counted in another unit
            raise ValueError(found)
        return at

    return read


def _written(form: str | None, zone: str) -> Callable[[Any], Instant]:
    if form is None:
        return parse_instant
    resolved = zone_of(zone)

    def read(found: Any) -> Instant:
        when = datetime.strptime(found, form)
        return instant(when if when.tzinfo else when.replace(tzinfo=resolved))

    return read


def _read_entity(entity: str, document: Any, arrival: Instant) -> list[Row]:
    """Read what the standard calls an entity, normalized, concise or simplified; only Properties are observed."""
    rows: list[Row] = []
    for name, given in document.items():
        if name in DOCUMENT_FIELDS or given is None:
            continue
        if not NAME_PATTERN.match(name):
            raise Invalid(f"{name[:60]!r} is no name of an attribute.", code="device.value", where=name[:60])
        attribute = given if isinstance(given, dict) else {"value": given}
        if attribute.get("type", "Property") != "Property" or "value" not in attribute:
            raise Invalid(
                f"Attribute {name} is no Property: devices send observed values only.", code="device.value", where=name
            )
        unit = attribute.get("unitCode")
        value = _value(attribute["value"], Field(name), name)
        assert value is not None, "without a unit nothing counts as missing"
        at = _observed_at(attribute.get("observedAt", document.get("observedAt")), arrival, name)
        rows.append((entity, name, at, value, unit if isinstance(unit, str) else None))
    if not rows:
        raise Invalid("The message has no attributes.", code="device.empty")
    return rows


def _observed_at(given: Any, arrival: Instant, name: str) -> Instant:
    if given is None:
        return arrival
    if not isinstance(given, str):
        raise Invalid(f"observedAt of {name} is no text.", code="device.time", where=name)
    return parse_instant(given, where=f"{name}.observedAt")


def message_faults(message: Message) -> Iterator[str]:
    """Yield what is wrong with a declared message, whoever declared it."""
    if message.payload == "json" and (not message.fields or message.value):
        yield "a json payload needs fields, and no value"
    if message.payload == "number" and (message.value is None or message.fields or message.time):
        yield "a number needs value, and has neither fields nor time"
    if message.payload == "ngsi-ld" and (message.fields or message.value or message.time):
        yield "an ngsi-ld payload brings its attributes and times itself: no fields, value or time"
    if message.format is not None and message.time is None:
        yield "format is given, but not the field of the time"
    if message.format is not None and message.format not in EPOCHS and "%" not in message.format:
        yield f"format {message.format!r} is neither s, ms, us nor made of words of strptime"
    try:
        check_name(message.type, "type")
        zone_of(message.zone or "UTC")
        for field in (*message.fields.values(), *filter(None, [message.value])):
            check_name(field.attribute, "fields")
            if field.unit is not None and find_unit(field.unit) is None:
                yield f"unit {field.unit} is no common code"
    except QuanyuError as fault:
        yield fault.message.rstrip(".")
