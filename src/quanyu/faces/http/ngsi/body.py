"""Reading a body: its size while it comes, strict JSON, the shape that the route reads, how much and how deep it may be."""

from __future__ import annotations

from types import GenericAlias
from typing import Any, Final

import msgspec
from starlette.types import Receive

from quanyu.kernel.errors import Invalid

BYTES_MAX = 16 * 1024 * 1024
"""What a body may hold where the home does not say otherwise."""
DEPTH_MAX = 64
SHORT_BYTES = 10_000
"""Brackets of a body so short are counted before its depth is looked at."""
PARTS_MAX = 1_000_000
"""Commas and brackets of a body: what bounds the objects that it becomes, and the time that they take."""
SHAPES = {"object": dict, "list": list}
SHALLOW: Final = 16
"""A long body is first read as one of so many levels, which costs nothing besides; deeper ones are looked through."""


def _levels(count: int) -> Any:
    """Return the type of JSON values that nest no deeper."""
    scalar: Any = str | int | float | bool | None
    found = scalar
    for _ in range(count):
        found = scalar | GenericAlias(list, (found,)) | GenericAlias(dict, (str, found))
    return found


_decode = msgspec.json.Decoder().decode
_decode_shallow = msgspec.json.Decoder(_levels(SHALLOW)).decode


async def received_bytes(receive: Receive, stated: bytes, bytes_max: int) -> bytes:
    """Return the body, refusing it as soon as it passes the limit, whatever its Content-Length said."""
    if stated.isdigit() and int(stated[:20]) > bytes_max:
        raise _too_large(bytes_max)
    message = await receive()
    content: bytes = message.get("body", b"")
    if message.get("more_body", False):
        parts, size = [content], len(content)
        while message.get("more_body", False):
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Invalid("The body ends too early.", code="http.cut_off", where="body")
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > bytes_max:
                raise _too_large(bytes_max)
        content = b"".join(parts)
    if len(content) > bytes_max:
        raise _too_large(bytes_max)
    return content


def _too_large(most: int, what: str = "bytes") -> Invalid:
    return Invalid(
        f"The body holds more than {most} {what}.",
        code="http.too_large",
        where="body",
        remedy="Send it in smaller parts.",
    )


def parsed(content: bytes, shape: str) -> Any:
    """Return the JSON of a body; one that is no JSON, or of another shape, is no request at all (5.5.4)."""
    if len(content) > PARTS_MAX and sum(map(content.count, (b"{", b"[", b","))) > PARTS_MAX:
        raise _too_large(PARTS_MAX, "values")
    try:
        body, deep = _read(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise Invalid(
            f"The body is not JSON: {fault}." if content else "The body is empty.",
            code="http.json",
            where="body",
            remedy="Check quotes, commas and brackets; encode in UTF-8.",
        ) from fault
    wanted = SHAPES.get(shape)
    if wanted is not None and not isinstance(body, wanted):
        raise Invalid(
            f"The body is not a JSON {shape}.",
            code="http.shape",
            where="body",
            remedy="Send { … }." if shape == "object" else "Send [ … ].",
        )
    if deep:
        _check_depth(body)
    return body


def _read(content: bytes) -> tuple[Any, bool]:
    """Return a body, and whether it may be too deep."""
    if len(content) <= SHORT_BYTES:
        return _decode(content), content.count(b"{") + content.count(b"[") > DEPTH_MAX
    try:
        return _decode_shallow(content), False
    except msgspec.ValidationError:
        return _decode(content), True


def _check_depth(body: Any) -> None:
    level = [body]
    for _ in range(DEPTH_MAX):
        level = [
            child
            for parent in level
            for child in (parent.values() if type(parent) is dict else parent)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return
    raise Invalid(
        f"The body nests deeper than {DEPTH_MAX} levels.",
        code="body.deep",
        where="body",
        remedy="Flatten it, or keep the inner document as text.",
    )
