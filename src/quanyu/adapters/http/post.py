"""Posts webhook deliveries: resolves a name once, judges the address, and connects to exactly that address."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable, Mapping
from urllib.parse import SplitResult, urlsplit

from quanyu.engines.notify.store import Answer
from quanyu.engines.notify.webhook import public

TIMEOUT_S = 10.0
ANSWER_BYTES_MAX = 65_536

Resolve = Callable[[str, int], list[str]]


def resolved(host: str, port: int) -> list[str]:
    """Return the addresses of a host, as the system resolves it."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class HttpPost:
    """Implements `engines.notify.store.Post`; redirects are answers, never followed.

    `allow_private` lets deliveries go to private and loopback addresses: closed networks and tests.
    """

    def __init__(self, allow_private: bool = False, timeout_s: float = TIMEOUT_S, resolve: Resolve = resolved) -> None:
        self._allow_private = allow_private
        self._timeout_s = timeout_s
        self._resolve = resolve
        self._tls: ssl.SSLContext | None = None

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Return what the receiver said; status 0 with the reason when nobody answered."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            addresses = self._resolve(host, port)
            # All addresses must be public: a name with one private address is a trap, not a receiver.
            if not addresses or not (self._allow_private or all(public(address) for address in addresses)):
                return Answer(0, f"{host} does not resolve to public addresses")
            return self._send(parts, host, port, addresses[0], body, headers)
        except (OSError, http.client.HTTPException, ValueError) as fault:
            return Answer(0, f"{type(fault).__name__}: {fault}"[:300])

    def _send(
        self, parts: SplitResult, host: str, port: int, address: str, body: bytes, headers: Mapping[str, str]
    ) -> Answer:
        connection = http.client.HTTPConnection(host, port, timeout=self._timeout_s)
        plain = socket.create_connection((address, port), self._timeout_s)
        connection.sock = self._secured(plain, host) if parts.scheme == "https" else plain
        try:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", target, body, {"User-Agent": "Quanyu", "Connection": "close", **headers})
            response = connection.getresponse()
            response.read(ANSWER_BYTES_MAX)
            return Answer(response.status)
        finally:
            connection.close()

    def _secured(self, plain: socket.socket, host: str) -> ssl.SSLSocket:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls.wrap_socket(plain, server_hostname=host)
