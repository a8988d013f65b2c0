"""Files: photos and PDF, stored by digest, shown only through a case that holds them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.responses import Response

from quanyu.faces.http.body import media_type
from quanyu.faces.http.cases import get_case
from quanyu.faces.http.route import Ask, Raw, Route
from quanyu.kernel.errors import Invalid, Missing

MAGIC = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"%PDF-", "application/pdf"))


async def put(ask: Ask) -> Any:
    """Store a photo or PDF, sent raw or as the one file of a form; a photo loses its hidden data."""
    content = ask.body
    if media_type(ask.request) == "multipart/form-data":
        content = await _from_form(ask, content)
    if not content:
        raise Invalid("The file is empty.", code="file.empty", where="body", remedy="Send a photo or a PDF.")
    stored = await run_in_threadpool(ask.hub.files.put, content)
    return msgspec.to_builtins(stored)


async def _from_form(ask: Ask, content: bytes) -> bytes:
    async def stream() -> AsyncGenerator[bytes, None]:
        yield content

    try:
        form = await MultiPartParser(ask.request.headers, stream(), max_files=1, max_fields=10).parse()
    except MultiPartException as fault:
        raise Invalid(f"The form cannot be read: {fault.message}.", code="http.form", where="body") from fault
    try:
        for value in form.values():
            if isinstance(value, UploadFile):
                return await value.read()
    finally:
        await form.close()
    raise Invalid("The form holds no file.", code="file.empty", where="body", remedy="Send one file in the form.")


def get(ask: Ask) -> Response:
    """A file of a case that the actor may see; its type is judged by content, never taken from what was said."""
    name = ask.path("sha256")
    if name not in set(_digests(get_case(ask, ask.scope))):
        raise Missing(
            f"File {name[:80]} does not belong to the case.",
            code="file.missing",
            where="sha256",
            remedy="The case lists its files.",
        )
    content = ask.hub.files.get(name)
    kind = next((kind for magic, kind in MAGIC if content.startswith(magic)), "application/octet-stream")
    show = "inline" if kind.startswith("image/") else "attachment"
    headers = {
        "Content-Disposition": f'{show}; filename="{name[:12]}"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, max-age=3600",
    }
    return Response(content, 200, headers, kind)


def _digests(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        found = value.get("sha256")
        if isinstance(found, str):
            yield found
        for each in value.values():
            yield from _digests(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _digests(each)


ROUTES = (
    Route(method="POST", path="/api/v1/files", permission="file.put", handle=put, summary="Store a file", body=Raw,
          status=201),
    Route(method="GET", path="/api/v1/cases/{id}/files/{sha256}", permission="view:cases", handle=get,
          summary="A file of a case"),
)  # fmt: skip
