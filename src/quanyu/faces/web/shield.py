"""What stands between the public pages and the open network: headers, origin, size of a body, pace of an address."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from quanyu.kernel.errors import Denied, Invalid

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; font-src 'self'; worker-src 'self'; "
    "img-src 'self' data: blob:; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = (
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"geolocation=(self), camera=(self), microphone=(), payment=()"),
)
BODY_BYTES_MAX: Final = 32 * 1024 * 1024
TOO_LARGE: Final = "too large"


class Shield:
    """Adds the security headers to every response of this face (one that stands stays) and stops bodies that are too large."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting what comes in and completing what goes out."""
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > BODY_BYTES_MAX:
                # The form parser closes its temporary files for this kind of error alone.
                raise MultiPartException(TOO_LARGE)
            return message

        async def completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                present = {name.lower() for name, _ in headers}
                message["headers"] = [*headers, *(pair for pair in HEADERS if pair[0] not in present)]
            await send(message)

        await self._app(scope, counted, completed)


def too_large() -> Invalid:
    """Return the refusal of a body past the limit."""
    return Invalid(
        f"The form holds more than {BODY_BYTES_MAX} bytes.",
        code="web.too_large",
        where="body",
        remedy="Send fewer or smaller photos.",
    )


def check_origin(request: Request) -> None:
    """Refuse a form that another site made a browser send.

    A browser that hides the origin (`null`) is let in: nothing here rests on a cookie, and each form is signed.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    foreign = origin not in (None, "null") and urlsplit(origin or "").netloc != request.headers.get("host")
    if site not in (None, "same-origin", "none") or foreign:
        raise Denied(
            "The form was sent by another site.",
            code="web.cross_site",
            where="Origin",
            remedy="Open this page itself and send the form from there.",
        )


def address_of(request: Request) -> str:
    """Return the peer's address; a server behind a proxy is told to trust its forwarded address by uvicorn."""
    return request.client.host if request.client else "unknown"
