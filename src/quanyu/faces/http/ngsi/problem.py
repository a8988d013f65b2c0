"""Errors as the standard's ProblemDetails (5.5.2, 6.3.2): one table from our codes to its types and statuses."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import msgspec
import structlog

from quanyu.faces.http import problem as native
from quanyu.kernel.errors import Conflict, Denied, Invalid, Missing, QuanyuError, Unavailable, Unsupported

ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"
log = structlog.get_logger()

BY_KIND: dict[type[QuanyuError], tuple[int, str, str]] = {
    Invalid: (400, "BadRequestData", "The request holds data that cannot be taken"),
    Denied: (403, "", "Not allowed"),
    Missing: (404, "ResourceNotFound", "The resource does not exist"),
    Conflict: (409, "Conflict", "In conflict with what stands"),
    Unsupported: (501, "OperationNotSupported", "Known but not built"),
    Unavailable: (503, "InternalError", "Not possible now"),
}
BY_CODE: dict[str, tuple[int, str, str]] = {
    "access.stranger": (401, "", "Not signed in"),
    "http.path": (404, "ResourceNotFound", "The path does not exist"),
    "http.method": (405, "", "The method is not allowed here"),
    "http.not_acceptable": (406, "InvalidRequest", "No representation is acceptable"),
    "http.length": (411, "InvalidRequest", "The length of the body is required"),
    "http.too_large": (413, "InvalidRequest", "The body is too large"),
    "http.media_type": (415, "InvalidRequest", "The media type is not read here"),
    "idempotency.reused": (422, "InvalidRequest", "The key was used for another request"),
    "http.internal": (500, "InternalError", "The hub fails to answer"),
    "context.unavailable": (504, "LdContextNotAvailable", "The @context is not available"),
    "context.absent": (400, "InvalidRequest", "The request is not valid"),
    "context.cached": (422, "OperationNotSupported", "Not possible for a context of this kind"),
    "tenant.missing": (404, "NonexistentTenant", "The tenant does not exist"),
    "tenant.none": (501, "NoMultiTenantSupport", "There are no tenants here"),
    "query.too_many": (403, "TooManyResults", "The query reaches too many results"),
    "query.too_complex": (403, "TooComplexQuery", "The query is too complex"),
    "command.unknown": (400, "InvalidRequest", "The request is not valid"),
}
"""Codes whose answer is not that of their kind; an empty type has no word in the standard."""
BARE = frozenset({411, 415})
INVALID_REQUEST = (400, "InvalidRequest", "The request is not valid")
TEXT_MAX = 2_000
"""Characters of what a refusal says: it quotes its request, and is no copy of it."""
EXISTS = (409, "AlreadyExists", "It exists already")


def kind_of(error: QuanyuError) -> tuple[int, str, str]:
    """Return HTTP status, the standard's type and title of an error."""
    known = BY_CODE.get(error.code)
    if known is not None:
        return known
    if isinstance(error, Invalid) and error.code.startswith(("http.", "tenant.")):
        return INVALID_REQUEST
    if isinstance(error, Conflict) and error.code.endswith(".exists"):
        return EXISTS
    return next(
        (row for kind, row in BY_KIND.items() if isinstance(error, kind)), (500, "InternalError", "The hub fails")
    )


class Details(msgspec.Struct, omit_defaults=True):
    """ProblemDetails; beside the standard's members our stable `code`, `where` and `remedy`, and the log's id."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str | None = None
    error_id: str | None = None
    where: str | None = None
    remedy: str | None = None


def details(error: Exception, instance: str | None = None, error_id: str | None = None) -> Details:
    """Return the ProblemDetails of an error: of a whole request, or of one entity in a batch."""
    known = error if isinstance(error, QuanyuError) else internal(error_id or secrets.token_hex(6))
    status, name, title = kind_of(known)
    type_ = ERRORS + name if name else f"urn:quanyu:problem:{known.code}"
    return Details(
        type_, title, status, _short(known.message), known.code, _short(instance), error_id, _short(known.where),
        _short(known.remedy),
    )  # fmt: skip


def _short(text: Any) -> Any:
    return text if text is None or len(text) <= TEXT_MAX else text[: TEXT_MAX - 1] + "…"


def internal(error_id: str) -> QuanyuError:
    """Return what a caller is told about an error that is ours: nothing about our inside."""
    return QuanyuError(
        "The hub fails to answer; the cause is in its log.",
        code="http.internal",
        remedy=f"Tell the operator the error id {error_id}.",
    )


def one(error: Exception) -> dict[str, Any]:
    """Return the ProblemDetails of one part of a batch, as plain values."""
    if not isinstance(error, QuanyuError):
        log.error("part of a batch failed", exc_info=error)
    found: dict[str, Any] = msgspec.to_builtins(details(error))
    return found


def answer(error: Exception, path: str, actor: str = "") -> tuple[int, Mapping[str, str], bytes]:
    """Log an error; return status, headers and body, which some have none of (6.3.4)."""
    error_id = secrets.token_hex(6)
    if isinstance(error, QuanyuError):
        log.info("request refused", error_id=error_id, path=path, actor=actor, code=error.code, message=error.message)
    else:
        log.error("request failed", error_id=error_id, path=path, actor=actor, exc_info=error)
        error = internal(error_id)
    native.counts[error.code] += 1
    found = details(error, path, error_id)
    headers = native.headers_of(error, found.status)
    if found.status in BARE:
        return found.status, headers, b""
    return found.status, {**headers, "Content-Type": native.MEDIA_TYPE}, msgspec.json.encode(found)
