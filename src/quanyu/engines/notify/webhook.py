"""A webhook: which records it wants, how a delivery is written and signed, how long to wait between tries."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec

from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Instant, Record

TRIES_MAX = 12
PAUSE_US = 10_000_000
"""After the first failure; it doubles up to PAUSE_MAX_US, so twelve tries span about five hours."""
PAUSE_MAX_US = 3_600_000_000
WAITING_MAX = 10_000
"""Deliveries waiting for one receiver; beyond it they go to the dead letters and a resync is needed."""
RECEIPTS_MAX = 1_000
"""Receipts kept for one receiver."""
WEBHOOKS_MAX = 200

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Webhook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to send which records. `kinds` are patterns (`case.*`); `where` compares fields of the record's body.

    A value of `where` is the value itself or a list of accepted ones; a dot in its name steps into the body.
    """

    url: Annotated[str, msgspec.Meta(min_length=8, max_length=2000)]
    title: Text
    kinds: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1, max_length=50)]
    where: dict[str, Any] = {}
    paused: bool = False

    def wants(self, record: Record) -> bool:
        """Tell whether a record is for this receiver; imported history notifies nobody."""
        body = record.body
        if self.paused or body is None or body.get("as") == "history":
            return False
        if not any(fnmatchcase(record.kind, pattern) for pattern in self.kinds):
            return False
        return all(_field_matches(body, path, value) for path, value in self.where.items())


def check_url(url: str, allow_private: bool) -> None:
    """Refuse a receiver that can only be a mistake or a trick; names are resolved and judged again at each delivery."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as fault:
        raise _bad_url(f"URL cannot be read: {fault}") from fault
    if parts.scheme not in ("https", "http") or not parts.hostname or port == 0:
        raise _bad_url("URL is not http:// or https:// with a host")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise _bad_url("URL carries a user name, a password or a fragment")
    if not allow_private and not may_be_public(parts.hostname):
        raise _bad_url(f"Host {parts.hostname[:80]} is not a public address")


def payload_of(record: Record) -> bytes:
    """Return the JSON body of a delivery: the record, its instant in RFC 3339; bytes become base64."""
    at = datetime.fromtimestamp(record.at / 1e6, UTC).isoformat(timespec="milliseconds")
    return msgspec.json.encode(
        {
            "seq": record.seq,
            "at": at.replace("+00:00", "Z"),
            "kind": record.kind,
            "version": record.version,
            "subject": record.subject,
            "actor": record.actor,
            "provenance": record.provenance,
            "body": record.body,
        }
    )


def signature(secret: str, body: bytes, now: Instant) -> str:
    """Return `t=<unix seconds>,v1=<hex>`: HMAC-SHA256 over `<t>.<body>`, so that an old delivery cannot be replayed."""
    seconds = str(now // 1_000_000)
    mac = hmac.new(secret.encode(), seconds.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={mac}"


def pause_us(tries: int) -> int:
    """Return the pause after so many failed tries."""
    return int(min(PAUSE_US * 2 ** (tries - 1), PAUSE_MAX_US))


def public(address: str) -> bool:
    """Tell whether an IP address is on the public internet, seen through the wrappings of IPv4 in IPv6."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            ip = inner
    return ip.is_global and not ip.is_multicast


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def may_be_public(host: str) -> bool:
    """Tell whether a host may stand on the public internet, as far as its name tells."""
    try:
        return public(host)
    except ValueError:
        # A name: only its addresses count, and they are judged when it is connected to.
        return host != "localhost" and not host.endswith((".localhost", ".local", ".internal"))


def _field_matches(body: Mapping[str, Any], path: str, wanted: Any) -> bool:
    found: Any = body
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found in wanted if isinstance(wanted, list) else bool(found == wanted)


def _bad_url(why: str) -> Invalid:
    return Invalid(
        f"{why}.",
        code="webhook.url",
        where="url",
        remedy="Give an https:// address of a public host, or let the configuration allow private receivers.",
    )
