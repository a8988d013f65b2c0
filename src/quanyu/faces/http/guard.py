"""Pure ASGI guards around the whole application: security headers, and the closed doors of open mode."""

from __future__ import annotations

import ipaddress
from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from quanyu.faces.http import problem
from quanyu.faces.http.hub import Hub
from quanyu.kernel.errors import Denied

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; font-src 'self'; worker-src 'self'; "
    "img-src 'self' data: blob:; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = (
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"geolocation=(self), camera=(self), microphone=(), payment=()"),
)
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class SecurityHeaders:
    """Adds the security headers to every response; one that a handler set stays."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and complete the headers of its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                present = {name.lower() for name, _ in headers}
                message["headers"] = [*headers, *(pair for pair in HEADERS if pair[0] not in present)]
            await send(message)

        await self._app(scope, receive, completed)


class OpenGuard:
    """In open mode lets in only this machine under its own name: no other host, origin or peer (DNS rebinding)."""

    def __init__(self, app: ASGIApp, hub: Hub) -> None:
        self._app = app
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse foreign requests while the hub is open."""
        if scope["type"] in ("http", "websocket"):
            try:
                check_local(self._hub, scope)
            except Denied as error:
                await problem.answer(error, scope["path"])(scope, receive, send)
                return
        await self._app(scope, receive, send)


def check_local(hub: Hub, scope: MutableMapping[str, Any]) -> None:
    """Raise Denied for a request from elsewhere while the hub is open."""
    if not hub.access.open:
        return
    host = origin = None
    for name, value in scope["headers"]:
        if name == b"host":
            host = value
        elif name == b"origin":
            origin = value
    check_named(scope, host, origin)


def check_named(scope: MutableMapping[str, Any], host: bytes | None, origin: bytes | None) -> None:
    """Raise Denied unless a request to an open hub comes from this machine, under its own name."""
    client = scope.get("client")
    fault = _foreign(client[0] if client is not None else None, host or b"", origin, scope["scheme"])
    if fault is not None:
        raise Denied(
            f"The hub is open to this machine only: {fault}.",
            code="access.foreign",
            remedy="Use http://127.0.0.1 on the machine itself, or start without --open and sign in.",
        )


@lru_cache(maxsize=256)
def _foreign(client: str | None, host: bytes, origin: bytes | None, scheme: str) -> str | None:
    if client is not None and not _loopback(client):
        return "the request comes from elsewhere"
    if host_name(host.decode("latin-1")) not in LOCAL_NAMES:
        return "the Host header names another machine"
    if origin is not None and origin.decode("latin-1") != f"{_http(scheme)}://{host.decode('latin-1')}":
        return "the Origin header names another site"
    return None


def host_name(host: str) -> str:
    """Return the name in a Host header without its port, empty when it cannot be read."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _http(scheme: str) -> str:
    return {"ws": "http", "wss": "https"}.get(scheme, scheme)
