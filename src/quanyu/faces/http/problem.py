"""Errors as RFC 9457 problems: one table from code to status, and nothing about our inside."""

from __future__ import annotations

import secrets
from collections import Counter
from typing import Any

import msgspec
import structlog
from starlette.responses import Response

from quanyu.kernel.errors import Conflict, Denied, Invalid, Missing, QuanyuError, Unavailable, Unsupported

MEDIA_TYPE = "application/problem+json"
log = structlog.get_logger()

STATUS_BY_KIND: dict[type[QuanyuError], tuple[int, str]] = {
    Invalid: (400, "The request is not valid"),
    Denied: (403, "Not allowed"),
    Missing: (404, "Does not exist"),
    Conflict: (409, "In conflict with what stands"),
    Unsupported: (501, "Known but not built"),
    Unavailable: (503, "Not possible now"),
}
STATUS_BY_CODE: dict[str, int] = {
    "access.stranger": 401,
    "access.link": 401,
    "http.method": 405,
    "http.precondition": 412,
    "http.too_large": 413,
    "file.size": 413,
    "http.media_type": 415,
    "http.encoding": 415,
    "file.type": 415,
    "idempotency.reused": 422,
    "command.unknown": 400,
    "heard.lagging": 503,
    "http.internal": 500,
}
"""Codes whose status is not that of their kind."""
counts: Counter[str] = Counter()
"""Problems answered since the process started, by code: a metric."""


class Problem(msgspec.Struct, omit_defaults=True):
    """RFC 9457 problem details; `error_id` stands in the log too, `remedy` says what to do.

    `faults`: all that is wrong. `allowed`: what would have been taken instead.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str
    error_id: str
    where: str | None = None
    remedy: str | None = None
    faults: Any = None
    allowed: Any = None


def status_of(error: QuanyuError) -> int:
    """Return the HTTP status of an error."""
    known = STATUS_BY_CODE.get(error.code)
    if known is not None:
        return known
    return next((status for kind, (status, _) in STATUS_BY_KIND.items() if isinstance(error, kind)), 500)


def document(error: QuanyuError, instance: str, error_id: str) -> Problem:
    """Return the problem that a caller reads."""
    title = next((title for kind, (_, title) in STATUS_BY_KIND.items() if isinstance(error, kind)), "Error")
    return Problem(
        type=f"urn:quanyu:problem:{error.code}",
        title=title,
        status=status_of(error),
        detail=error.message,
        code=error.code,
        instance=instance,
        error_id=error_id,
        where=error.where,
        remedy=error.remedy,
        faults=error.details.get("faults"),
        allowed=error.details.get("allowed"),
    )


def answer(error: Exception, instance: str, actor: str = "") -> Response:
    """Log an error and return it as a response; what is not of our error tree becomes a bare 500 with an id."""
    error_id = secrets.token_hex(6)
    if not isinstance(error, QuanyuError):
        log.error("request failed", error_id=error_id, path=instance, actor=actor, exc_info=error)
        error = QuanyuError(
            "The hub fails to answer; the cause is in its log.",
            code="http.internal",
            remedy=f"Tell the operator the error id {error_id}.",
        )
    else:
        log.info(
            "request refused", error_id=error_id, path=instance, actor=actor, code=error.code, message=error.message
        )
    counts[error.code] += 1
    problem = document(error, instance, error_id)
    return Response(msgspec.json.encode(problem), problem.status, headers_of(error, problem.status), MEDIA_TYPE)


def outcome(error: Exception | None, instance: str) -> dict[str, Any] | None:
    """Return the problem of one command of a batch, None when it was taken."""
    if error is None:
        return None
    known = error if isinstance(error, QuanyuError) else QuanyuError("The command fails.", code="http.internal")
    built: dict[str, Any] = msgspec.to_builtins(document(known, instance, secrets.token_hex(6)))
    return built


def headers_of(error: QuanyuError, status: int) -> dict[str, str]:
    """Return the headers that go with an error."""
    headers = {"Cache-Control": "no-store"}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="quanyu"'
    if "allow" in error.details:
        headers["Allow"] = str(error.details["allow"])
    if "retry_after_s" in error.details:
        headers["Retry-After"] = str(error.details["retry_after_s"])
    return headers
