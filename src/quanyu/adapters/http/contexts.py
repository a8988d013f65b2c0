"""Downloads contexts: a file map first, then files kept from before, then the network, within bounds."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
import time
import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import msgspec
import structlog

from quanyu.adapters.http.post import Resolve, resolved
from quanyu.adapters.http.shelf import Kept, Shelf
from quanyu.engines.notify.webhook import public
from quanyu.kernel.errors import Invalid, Unavailable
from quanyu.kernel.journal import Instant

TIMEOUT_S = 10.0
"""For a whole download, redirects included."""
DOCUMENT_BYTES_MAX = 4_000_000
REDIRECTS_MAX = 5
AT_ONCE_MAX = 8
ADDRESSES_MAX = 4
MOVED = frozenset({301, 302, 303, 307, 308})
HEADERS = {
    "User-Agent": "Quanyu",
    "Accept": "application/ld+json, application/json;q=0.9, */*;q=0.1",
    "Connection": "close",
}
_MAPPED_PATH = re.compile(r"[A-Za-z0-9._~@=-]+(?:/[A-Za-z0-9._~@=-]+)*")
log = structlog.get_logger()


class WebContexts:
    """Contexts of the web, by URL; `folder` is `<home>/contexts`.

    `map.toml` in the folder maps URLs to files (`"https://…/x.jsonld" = "x.jsonld"`), or all that begins with a URL ending
    in `/` to a folder: what it names is never asked of the network. What was downloaded stays under `cache/` until it is
    forgotten or reloaded. Addresses are judged at every step of a download: none that is private, loopback or
    link-local unless `allow_private`; a name is resolved once, and the connection goes to that address.
    """

    def __init__(
        self,
        folder: Path,
        allow_private: bool = False,
        *,
        resolve: Resolve = resolved,
        timeout_s: float = TIMEOUT_S,
        machine: Callable[[], Instant] = lambda: time.time_ns() // 1_000,
    ) -> None:
        self._folder = folder
        self._allow_private = allow_private
        self._resolve = resolve
        self._timeout_s = timeout_s
        self._shelf = Shelf(folder / "cache", machine)
        self._map = read_map(folder / "map.toml")
        self._places = threading.BoundedSemaphore(AT_ONCE_MAX)
        self._tls: ssl.SSLContext | None = None

    def fetch(self, url: str) -> Any:
        """Return the JSON document of a context; Unavailable when it cannot be had, Invalid when it is no context."""
        found = self.at_hand(url)
        return self._fresh(url, None) if found is None else found

    def at_hand(self, url: str) -> Any:
        """Return the document of a context from the map or the files, None when it has to be downloaded."""
        path = self._mapped(url)
        return self._shelf.find(url) if path is None else self._fresh(url, path)

    def reload(self, url: str) -> None:
        """Get a context again and keep it; what stood stays when that fails."""
        self._fresh(url, self._mapped(url))

    def forget(self, url: str) -> bool:
        """Drop what was kept of a URL; False when nothing was."""
        return self._shelf.drop(url)

    def kept(self) -> Mapping[str, Kept]:
        """Return what is kept, by URL."""
        return self._shelf.kept()

    def _fresh(self, url: str, path: Path | None) -> Any:
        content = self._downloaded(url) if path is None else _file(url, path)
        document = checked(url, content)
        self._shelf.put(url, content)
        return document

    def _mapped(self, url: str) -> Path | None:
        """Return the file that the map gives for a URL; the longest beginning wins."""
        if url in self._map:
            return self._folder / self._map[url]
        begins = [start for start in self._map if start.endswith("/") and url.startswith(start)]
        if not begins:
            return None
        start = max(begins, key=len)
        rest = url[len(start) :].partition("?")[0].partition("#")[0]
        if not _MAPPED_PATH.fullmatch(rest) or ".." in rest.split("/"):
            raise unavailable(url, "the map names a folder, and the rest of the URL is no file name")
        return self._folder / self._map[start] / rest

    def _downloaded(self, url: str) -> bytes:
        if not self._places.acquire(blocking=False):
            raise unavailable(url, f"{AT_ONCE_MAX} downloads are under way", retry_after_s=1)
        try:
            deadline = time.monotonic() + self._timeout_s
            here = url
            for _ in range(REDIRECTS_MAX + 1):
                status, moved, content = self._get(here, deadline)
                if status == 200:
                    return content
                if status not in MOVED or not moved:
                    raise unavailable(url, f"{here[:200]} answers {status}")
                following = urljoin(here, moved)
                if here.startswith("https:") and not following.startswith("https:"):
                    raise unavailable(url, "it moved from https to another scheme")
                here = following
            raise unavailable(url, f"it moved more than {REDIRECTS_MAX} times")
        except (OSError, http.client.HTTPException, ValueError) as fault:
            raise unavailable(url, f"{type(fault).__name__}: {fault}"[:300]) from fault
        finally:
            self._places.release()

    def _get(self, url: str, deadline: float) -> tuple[int, str, bytes]:
        """Return status, Location and body of one request to a judged address."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme not in ("http", "https") or not host or parts.username is not None:
            raise unavailable(url, "it is no http or https URL of a host")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        addresses = self._resolve(host, port)
        # All addresses must be public: a name with one private address is a trap, not a server of contexts.
        if not addresses or not (self._allow_private or all(public(address) for address in addresses)):
            raise unavailable(url, f"{host[:200]} does not resolve to public addresses")
        plain = _connected(addresses[:ADDRESSES_MAX], port, deadline - time.monotonic())
        held = [plain]
        # A server that sends a byte now and then keeps every single wait short: the connection ends with the deadline.
        ends = threading.Timer(max(0.0, deadline - time.monotonic()), _shut, [held])
        ends.daemon = True
        ends.start()
        try:
            if parts.scheme == "https":
                held.append(self._secured(plain, host))
            answer = _asked(parts, host, port, held[-1])
        finally:
            ends.cancel()
            held[-1].close()
        if time.monotonic() > deadline:
            raise unavailable(url, f"it takes longer than {self._timeout_s:g} s")
        return answer

    def _secured(self, plain: socket.socket, host: str) -> ssl.SSLSocket:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        # The handshake follows with the first byte, when the deadline already watches.
        return self._tls.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)


def _asked(parts: SplitResult, host: str, port: int, link: socket.socket) -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection(host, port)
    connection.sock = link
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", target, headers=HEADERS)
        with connection.getresponse() as response:
            content = response.read(DOCUMENT_BYTES_MAX + 1) if response.status == 200 else b""
            if len(content) > DOCUMENT_BYTES_MAX:
                raise unavailable(parts.geturl(), f"it holds more than {DOCUMENT_BYTES_MAX} bytes")
            stated = response.headers.get("Content-Length", "")
            if response.status == 200 and stated.isdigit() and len(content) < int(stated):
                raise unavailable(parts.geturl(), "it ends too early")
            return response.status, response.headers.get("Location", ""), content
    finally:
        connection.close()


def _connected(addresses: list[str], port: int, left_s: float) -> socket.socket:
    fault: OSError = OSError("no address")
    for address in addresses:
        try:
            return socket.create_connection((address, port), max(0.1, left_s / len(addresses)))
        except OSError as error:
            fault = error
    raise fault


def _shut(held: list[socket.socket]) -> None:
    with suppress(OSError):
        held[-1].shutdown(socket.SHUT_RDWR)


def _file(url: str, path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as fault:
        raise unavailable(url, f"its file {path.name} in the map does not open: {fault.strerror}") from fault
    if len(content) > DOCUMENT_BYTES_MAX:
        raise unavailable(url, f"its file holds more than {DOCUMENT_BYTES_MAX} bytes")
    return content


def checked(url: str, content: bytes) -> Any:
    """Return the document of a context; Invalid `context.invalid` when it is no JSON, or has no "@context"."""
    try:
        document = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise _no_context(url, f"is not JSON: {fault}") from fault
    if not isinstance(document, dict) or "@context" not in document:
        raise _no_context(url, 'is no object with "@context"')
    return {"@context": document["@context"]}


def read_map(path: Path) -> dict[str, str]:
    """Return the map of URLs to files; Invalid `context.map` names the file and what is wrong in it."""
    if not path.is_file():
        return {}
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise _bad_map(path, f"cannot be read: {fault}") from fault
    for url, file in found.items():
        if not url.startswith(("http://", "https://")) or not isinstance(file, str):
            raise _bad_map(path, f"maps {url[:200]!r} to {file!r:.200}")
    return found


def unavailable(url: str, why: str, **details: object) -> Unavailable:
    """Return the error for a context that cannot be had now."""
    return Unavailable(
        f"The @context {url[:300]} cannot be had: {why}.",
        code="context.unavailable",
        where="@context",
        remedy="Check the URL, map it to a file in contexts/map.toml, or publish the context here.",
        **details,
    )


def _no_context(url: str, why: str) -> Invalid:
    return Invalid(
        f"What stands at {url[:300]} {why}.",
        code="context.invalid",
        where="@context",
        remedy="Name the URL of a JSON-LD context.",
    )


def _bad_map(path: Path, why: str) -> Invalid:
    return Invalid(
        f"The map of contexts {why}.",
        code="context.map",
        where=str(path),
        remedy='Write lines like "https://example.org/context.jsonld" = "context.jsonld".',
    )
