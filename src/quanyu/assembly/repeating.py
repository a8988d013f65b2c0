"""Calls that are sent again: the receipt of the first is kept by its idempotency key, and is what the second gets."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from quanyu.assembly.core import IDEMPOTENCY
from quanyu.kernel.errors import Conflict
from quanyu.kernel.journal import Instant, Outcome, Receipt, State

if TYPE_CHECKING:
    from quanyu.assembly.writer import Call

_encode = msgspec.msgpack.Encoder().encode


def digest_of(call: Call) -> bytes:
    """Return what tells the commands of a call from others."""
    return sha256(_encode([(c.kind, c.subject, c.body, c.expects) for c in call.commands])).digest()


def known_receipt(state: State, call: Call, digest: bytes) -> Receipt | None:
    """Return the receipt that the key of a call stands for; Conflict `idempotency.reused` where it came with other commands."""
    row = state.get(IDEMPOTENCY, call.actor, call.key)
    if row is None:
        return None
    if row[2] != digest:
        raise Conflict(
            f"Idempotency key {call.key!r} was used before with other commands.",
            code="idempotency.reused",
            where="key",
            remedy="Use a new key for a new request.",
            status=422,
        )
    seq, at, outcomes = msgspec.msgpack.decode(row[3])
    return Receipt(seq, at, tuple(Outcome(subject, tuple(seqs)) for subject, seqs in outcomes))


def keep_receipt(state: State, call: Call, digest: bytes, receipt: Receipt, now: Instant) -> None:
    """Keep a receipt under the key of its call; `now` is machine time."""
    kept = _encode([receipt.seq, receipt.at, [[each.subject, list(each.seqs)] for each in receipt.outcomes]])
    state.put(IDEMPOTENCY, (call.actor, call.key, digest, kept, now))
