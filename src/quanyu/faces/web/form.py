"""Reading a posted form within limits, and the signed key that makes sending it twice one act."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

import msgspec
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from quanyu.faces.web.page import Visit
from quanyu.faces.web.shield import BODY_BYTES_MAX, TOO_LARGE, check_origin, too_large
from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Instant

FILES_MAX: Final = 6
FIELDS_MAX: Final = 60
NAME_MAX: Final = 200
FIELD_BYTES_MAX: Final = 128 * 1024
KEY_LIFE_US: Final = 6 * 24 * 3600 * 1_000_000
"""Shorter than the week for which the hub remembers idempotency keys."""


class Posted(msgspec.Struct, frozen=True):
    """What came: the last value of each field, all values of repeated ones, and what was uploaded."""

    fields: dict[str, str]
    lists: dict[str, list[str]]
    uploads: Sequence[bytes]
    names: Sequence[str] = ()
    """What the uploaded files are called."""

    def get(self, name: str) -> str:
        """Return a field; empty when it did not come."""
        return self.fields.get(name, "")


async def read_posted(request: Request) -> Posted:
    """Return the form of this request; Invalid when it is too large or cut off, Denied when another site sent it."""
    check_origin(request)
    stated = request.headers.get("content-length", "")
    if stated.isdigit() and int(stated) > BODY_BYTES_MAX:
        raise too_large()
    lists: dict[str, list[str]] = {}
    uploads, names = [], []
    limits = {"max_files": FILES_MAX, "max_fields": FIELDS_MAX, "max_part_size": FIELD_BYTES_MAX}
    try:
        async with request.form(**limits) as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    uploads.append(await value.read())
                    names.append((value.filename or "")[-NAME_MAX:])
                else:
                    lists.setdefault(name, []).append(value)
    except (MultiPartException, HTTPException) as fault:
        why = fault.detail if isinstance(fault, HTTPException) else fault.message
        if why == TOO_LARGE:
            raise too_large() from fault
        raise Invalid(f"Form cannot be taken apart: {why}.", code="web.form", where="body") from fault
    return Posted({name: values[-1] for name, values in lists.items()}, lists, uploads, names)


def new_key(visit: Visit) -> str:
    """Return a fresh signed key for a form."""
    return visit.seal.sign_until("form", secrets.token_urlsafe(12), visit.hub.machine() + KEY_LIFE_US)


def open_key(visit: Visit, signed: str, now: Instant) -> str | None:
    """Return the key of a form; None when the form is not ours or lay open for days."""
    return visit.seal.open_until("form", signed, now)
