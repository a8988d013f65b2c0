"""How records are linked: a chain of SHA-256 over headers and salted body digests."""

from __future__ import annotations

from hashlib import sha256

import msgspec

from quanyu.kernel.journal import Head, Record, Stored

SALT_BYTES = 16
_encode = msgspec.msgpack.Encoder().encode


def header(record: Record | Stored) -> bytes:
    """Return the bytes of a record's header that the chain covers."""
    return _encode(
        (
            record.seq,
            record.at,
            record.actor,
            record.kind,
            record.version,
            record.subject,
            record.cause,
            record.provenance,
        )
    )


def linked(record: Record, body: bytes, salt: bytes, before: bytes) -> Stored:
    """Return the record as it is stored, linked to the chain before it."""
    digest = sha256(salt + body).digest()
    return Stored(
        record.seq,
        record.at,
        record.actor,
        record.kind,
        record.version,
        record.subject,
        body,
        record.cause,
        record.provenance,
        salt,
        digest,
        sha256(before + header(record) + digest).digest(),
    )


def fault(stored: Stored, before: Head) -> str | None:
    """Return what is wrong with a record after the one before it, or None; a missing body is no fault."""
    if stored.seq != before.seq + 1:
        return f"record {stored.seq} follows record {before.seq}: the records between are gone"
    if stored.at < before.at:
        return f"record {stored.seq} is older than the record before it"
    if stored.body is not None and sha256((stored.salt or b"") + stored.body).digest() != stored.digest:
        return f"body of record {stored.seq} ({stored.kind} {stored.subject}) does not match its digest"
    if sha256(before.chain + header(stored) + stored.digest).digest() != stored.chain:
        return f"header of record {stored.seq} ({stored.kind} {stored.subject}) does not match the chain"
    return None
