"""Channels and their terminals, receipts in batches, and messages of peers."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Final

import msgspec

from quanyu.engines.warnings.bodies import (
    RECEIPTS_MAX,
    ChannelBody,
    ReceiptsBody,
    ReceiveBody,
    TerminalsBody,
    read,
)
from quanyu.engines.warnings.reach import CODES, TOLD
from quanyu.engines.warnings.store import CHANNEL, RECEIVED, channel_of, get_channel, get_warning, next_number
from quanyu.kernel.errors import Conflict, Invalid
from quanyu.kernel.journal import Command, Desk, Fact
from quanyu.kernel.warning import WarningLaw

_TOLD_CODES: Final = frozenset(CODES[word] for word in TOLD)
CHANNELS_MAX: Final = 1_000


def put_channel(law: WarningLaw, command: Command, desk: Desk) -> Iterator[Fact]:
    """Put a channel; whether it is actual or one of exercises is said once and never changes."""
    body = read(command, ChannelBody)
    id = command.subject
    if not id or len(id) > 100 or not id.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise Invalid(
            f"Channel id {id[:80]!r} is not made of letters, digits, dots and hyphens.",
            code="warning.channel_id",
            where="subject",
        )
    row = desk.state.get(CHANNEL, id)
    if row is not None and channel_of(row).mode != body.mode:
        raise Conflict(
            f"Channel {id} is one of {channel_of(row).mode} warnings and stays so.",
            code="warning.channel_mode",
            where="mode",
            remedy="Put a channel of its own for the other kind: terminals must never be mixed up.",
        )
    yield Fact("warning_channel.put", id, msgspec.to_builtins(body))


def put_terminals(law: WarningLaw, command: Command, desk: Desk) -> Iterator[Fact]:
    """Put terminals into a channel; they are numbered in the order in which they come."""
    body = read(command, TerminalsBody)
    channel = get_channel(desk.state, command.subject)
    yield Fact("warning_terminal.put", channel.id, {"terminals": msgspec.to_builtins(body.terminals)})


def receipts(law: WarningLaw, command: Command, desk: Desk) -> Iterator[Fact]:
    """Record a batch of what terminals answered: one record, however many they are."""
    body = read(command, ReceiptsBody)
    warning = get_warning(desk.state, command.subject)
    channel = get_channel(desk.state, body.channel)
    count, rest = divmod(len(body.numbers), 4)
    if rest or count != len(body.states) or not 0 < count <= RECEIPTS_MAX:
        raise _bad_receipts(f"{count} terminals with {len(body.states)} states", "Send as many states as terminals.")
    if not _TOLD_CODES.issuperset(body.states):
        raise _bad_receipts("a state is not known", f"Use {', '.join(sorted(TOLD))}.")
    if channel.id not in warning.reach:
        raise _bad_receipts(f"channel {channel.id} was never told of it", "Name a channel of this warning.")
    if max(memoryview(body.numbers).cast("I")) >= channel.count:
        raise _bad_receipts("a terminal is not in the channel", "Put the terminal first.")
    yield Fact("warning.receipts", warning.id, {"channel": channel.id, "numbers": body.numbers, "states": body.states})


def _bad_receipts(why: str, remedy: str) -> Invalid:
    return Invalid(f"Receipts cannot be recorded: {why}.", code="warning.receipts", where="receipts", remedy=remedy)


def receive(law: WarningLaw, command: Command, desk: Desk) -> Iterator[Fact]:
    """Keep a message of a peer for the duty officer; nothing of it goes out again by itself."""
    body = read(command, ReceiveBody)
    alert = body.alert
    digest = sha256(f"{alert.sender},{alert.identifier},{alert.sent}".encode()).hexdigest()[:32]
    if desk.state.get(RECEIVED, digest) is not None:
        raise Conflict(
            f"Message {alert.identifier[:80]} of {alert.sender[:80]} was received before.",
            code="warning.received_before",
            where="identifier",
            remedy="Nothing is to be done: it is with the duty officer.",
        )
    said = {"number": next_number(desk.state, "received"), "alert": msgspec.to_builtins(alert), "remarks": body.remarks}
    yield Fact("warning.received", f"cap:{digest}", said)
