"""Channels by type: an actual channel takes actual messages alone, one of exercises takes exercises alone.

The types say it to whoever writes code, `dispatched` says it to whoever sends commands: there is no third way out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, final

import msgspec

from quanyu.engines.warnings.store import Channel
from quanyu.kernel.errors import Denied
from quanyu.kernel.journal import Fact
from quanyu.kernel.warning import ActualMessage, ExerciseMessage, Message


class _Way:
    def __init__(self, channel: Channel) -> None:
        self.channel = channel

    def _sent(self, subject: str, message: Message, maps: dict[str, bytes], count: int, turn: int) -> Fact:
        body: dict[str, Any] = {
            "channel": self.channel.id,
            "mode": self.channel.mode,
            "status": message.alert.status,
            "identifier": message.alert.identifier,
            "round": turn,
            "terminals": count,
            "targets": maps,
            "alert": msgspec.to_builtins(message.alert),
        }
        return Fact("warning.sent", subject, body)


@final
class ActualChannel(_Way):
    """A way to people who will act on what they hear."""

    def take(self, subject: str, message: ActualMessage, maps: dict[str, bytes], count: int, turn: int) -> Fact:
        """Return the record by which the channel is told."""
        return self._sent(subject, message, maps, count, turn)


@final
class ExerciseChannel(_Way):
    """A way to those who take part in an exercise."""

    def take(self, subject: str, message: ExerciseMessage, maps: dict[str, bytes], count: int, turn: int) -> Fact:
        """Return the record by which the channel is told."""
        return self._sent(subject, message, maps, count, turn)


def way_of(channel: Channel) -> ActualChannel | ExerciseChannel:
    """Return a channel as the type that its mode has."""
    return ActualChannel(channel) if channel.mode == "actual" else ExerciseChannel(channel)


def in_turn(channels: Iterable[Channel], places: Mapping[str, int]) -> list[Channel]:
    """Return channels by their own place, else by that of their kind; those without any stay last, as they were named."""

    def place(channel: Channel) -> tuple[bool, int]:
        found = places.get(channel.id, places.get(channel.kind))
        return found is None, found or 0

    return sorted(channels, key=place)


def dispatched(
    subject: str, message: Message, channel: Channel, maps: dict[str, bytes], count: int, turn: int = 0
) -> Fact:
    """Return the record that sends a message by a channel; Denied (warning.mode) where the two are not of one kind."""
    way = way_of(channel)
    if isinstance(way, ActualChannel) and isinstance(message, ActualMessage):
        return way.take(subject, message, maps, count, turn)
    if isinstance(way, ExerciseChannel) and isinstance(message, ExerciseMessage):
        return way.take(subject, message, maps, count, turn)
    raise Denied(
        f"Channel {channel.id} is one of {channel.mode} warnings; the message is {message.alert.status}.",
        code="warning.mode",
        where=f"channels: {channel.id}",
        remedy="Exercises and tests have channels of their own; choose those.",
    )
