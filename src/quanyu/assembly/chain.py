"""How commits are linked: a chain of SHA-256 over the headers and salted body digests of their records."""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import sha256

import msgspec
from msgspec.structs import astuple

from quanyu.kernel.journal import Head, Record, Store, Stored, digest_of, salts_of

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


def linked(records: Sequence[tuple[Record, bytes]], before: bytes, base: bytes | None = None) -> list[Stored]:
    """Return the records of a commit with their bodies as they are stored, linked to the commit before it.

    Their salts are derived from `base`, or each is of its own.
    """
    salts = _random(len(records)) if base is None else salts_of(base, [record.seq for record, _ in records])
    covered, stored, last = [before], list[Stored](), len(records) - 1
    for place, ((record, body), salt) in enumerate(zip(records, salts, strict=True)):
        seq, at, actor, kind, version, subject, _, cause, provenance = astuple(record)
        covered += (
            _encode((seq, at, actor, kind, version, subject, cause, provenance)),
            sha256(salt + body).digest(),
        )
        link = None if place < last else sha256(b"".join(covered)).digest()
        stored.append(
            Stored(seq, at, actor, kind, version, subject, body, cause, provenance, salt, None, link)
        )  # fmt: skip
    return stored


def _random(count: int) -> list[bytes]:
    # One system call serves them all.
    salts = os.urandom(SALT_BYTES * count)
    return [salts[start : start + SALT_BYTES] for start in range(0, len(salts), SALT_BYTES)]


def first_link(store: Store) -> bytes | None:
    """Return the link of the first commit, None while there is none."""
    after = 0
    while batch := store.read(after, 100):
        for stored in batch:
            if stored.chain is not None:
                return stored.chain
        after = batch[-1].seq
    return None


class Chain:
    """Follows the journal from a link on, record by record."""

    def __init__(self, head: Head) -> None:
        self.seq, self._at = head.seq, head.at
        self._begin(head.chain)

    def _begin(self, link: bytes) -> None:
        self._covered, self._first = sha256(link), self.seq + 1

    @property
    def whole(self) -> bool:
        """Whether a commit has just ended."""
        return self._first == self.seq + 1

    def fault(self, stored: Stored) -> str | None:
        """Take the next record; return what is wrong with it or with the commit that it ends. A lost body is no fault."""
        seq, at = self.seq, self._at
        self.seq, self._at = stored.seq, stored.at
        if stored.seq != seq + 1:
            self._begin(stored.chain or b"")
            return f"record {stored.seq} follows record {seq}: the records between are gone"
        digest = stored.digest if stored.body is None else digest_of(stored.salt or b"", stored.body)
        self._covered.update(header(stored) + (digest or b""))
        found = None
        if stored.chain is not None:
            if self._covered.digest() != stored.chain:
                found = f"{self._commit()} not match the chain: a header or a body has changed"
            self._begin(stored.chain)
        if at > stored.at:
            return f"record {stored.seq} is older than the record before it"
        if stored.body is not None and stored.digest not in (None, digest):
            return f"body of record {stored.seq} ({stored.kind} {stored.subject}) does not match its digest"
        return found

    def _commit(self) -> str:
        if self._first == self.seq:
            return f"record {self.seq} does"
        return f"the commit of records {self._first} to {self.seq} does"
