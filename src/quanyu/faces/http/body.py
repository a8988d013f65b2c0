"""Reading what came: size while it streams, media type, strict decoding with the path of the fault."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request

from quanyu.kernel.errors import Invalid

JSON_BYTES_MAX = 4 * 1024 * 1024
FILE_BYTES_MAX = 20 * 1024 * 1024
T = TypeVar("T")


def _too_large(limit: int) -> Invalid:
    return Invalid(
        f"The body holds more than {limit} bytes.",
        code="http.too_large",
        where="body",
        remedy="Send it in smaller parts.",
    )


async def read_bytes(request: Request, limit: int) -> bytes:
    """Return the body, refusing it as soon as it passes the limit, whatever its Content-Length said."""
    stated = request.headers.get("content-length", "")
    if stated.isdigit() and int(stated) > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > limit:
                raise _too_large(limit)
            parts.append(part)
    except ClientDisconnect as fault:
        raise Invalid("The body ends too early.", code="http.cut_off", where="body") from fault
    return b"".join(parts)


def media_type(request: Request) -> str:
    """Return the media type of the body without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_json(request: Request, shape: Any, limit: int = JSON_BYTES_MAX) -> Any:
    """Return the body decoded into its shape; Invalid names the path at which it does not fit."""
    found = media_type(request)
    if found != "application/json" and not found.endswith("+json"):
        raise Invalid(
            f"Media type {found[:80] or 'none'} is not JSON.",
            code="http.media_type",
            where="Content-Type",
            remedy="Send Content-Type: application/json.",
        )
    return decoded(await read_bytes(request, limit), shape)


def decoded(content: bytes, shape: Any) -> Any:
    """Decode JSON strictly; unknown fields are refused where the shape says so."""
    try:
        return msgspec.json.decode(content, type=shape)
    except msgspec.ValidationError as fault:
        raise unfit(fault, shape) from fault
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise Invalid(
            f"The body is not JSON: {fault}.",
            code="http.json",
            where="body",
            remedy="Check quotes, commas and brackets; encode in UTF-8.",
        ) from fault


def unfit(fault: msgspec.ValidationError, shape: Any) -> Invalid:
    """Return the error for a document of the wrong shape: what, and at which path."""
    said, _, path = str(fault).partition(" - at ")
    accepted = field_names(shape)
    return Invalid(
        f"The body does not fit: {said}.",
        code="http.shape",
        where=path.strip("`").lstrip("$.") or "body",
        remedy=f"Accepted fields: {', '.join(accepted)}." if accepted else None,
    )


def field_names(shape: Any) -> list[str]:
    """Return the names that a struct has on the wire, empty for other shapes."""
    if isinstance(shape, type) and issubclass(shape, msgspec.Struct):
        return [field.encode_name for field in msgspec.structs.fields(shape)]
    return []


def query_of(request: Request, shape: type[T]) -> T:
    """Return the query parameters in their shape; an unknown or repeated one is refused, naming what is accepted."""
    accepted = field_names(shape)
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in accepted or name in given:
            raise Invalid(
                f"Query parameter {name[:80]!r} is {'repeated' if name in given else 'not known here'}.",
                code="http.query",
                where=name[:80],
                remedy=f"Accepted: {', '.join(accepted) or 'none'}.",
            )
        given[name] = value
    try:
        return msgspec.convert(given, shape, strict=False)
    except msgspec.ValidationError as fault:
        said, _, path = str(fault).partition(" - at ")
        raise Invalid(
            f"A query parameter does not fit: {said}.",
            code="http.query",
            where=path.strip("`").lstrip("$."),
            remedy=f"Accepted: {', '.join(accepted)}.",
        ) from fault
