"""What stands between a warning and people after it was published: steps of its case, its expiry, the channels' edge."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from quanyu.engines.warnings.store import OVER, CityWarning, WarningStore, channel_of, id_of, key_of, warning_of
from quanyu.kernel.errors import QuanyuError
from quanyu.kernel.journal import Command, Effects, Instant, Record, Table

EXPIRED_MAX: Final = 500

DRIVEN: Final = frozenset({"draft", "approve", "publish", "watch"})
"""Steps of the flow `warning` that its message decides: they are done where the message stands so, and in no other way."""


def stands_so(warning: CityWarning | None, step: str, fields: Mapping[str, Any]) -> bool:
    """Whether the message of a case has come so far that a step of its flow may be done; "" is its opening."""
    if not step:
        return warning is not None and warning.standing == "draft"
    if step not in DRIVEN:
        return True
    if warning is None:
        return False
    standing = warning.standing
    if step == "draft":
        return standing == "dropped" if fields.get("outcome") else standing == "submitted"
    if step == "approve":
        return standing == ("approved" if fields.get("passed") else "draft")
    if step == "publish":
        return standing == "published"
    return standing in OVER or (standing == "published" and warning.draft.kind == "Cancel")


class WarningTimers:
    """Wakes when a warning expires. It remembers nothing: what has expired is found in the rows after any restart."""

    name: Final = "warnings"
    wants: Collection[str] | None = frozenset({"warning.published", "warning.expired"})
    tables: Collection[Table] = ()

    def __init__(self, store: WarningStore, case_of: Callable[[str], Command | None]) -> None:
        self._store, self._case_of = store, case_of

    @property
    def next_wake(self) -> Instant | None:
        """When the first warning in force expires."""
        return self._store.next_expiry()

    def read(self, records: Sequence[Record], now: Instant) -> Effects:
        """Let the case of a warning that was replaced, and that of a Cancel, go on to its review."""
        commands = []
        for record in records:
            ended = []
            if record.kind == "warning.published" and record.body is not None:
                ended = [id_of(record.body["replaces"])] if record.body["replaces"] else []
                if record.body["alert"]["kind"] == "Cancel":
                    ended.append(record.subject)
            elif record.kind == "warning.expired":
                ended = [record.subject]
            commands += [command for each in ended if (command := self._case_of(each)) is not None]
        return Effects(commands)

    def wake(self, now: Instant) -> Effects:
        """Return the warnings that have expired by now, each with the step of its case."""
        commands: list[Command] = []
        for key in self._store.expired(now, EXPIRED_MAX):
            commands.append(Command("warning.expire", id_of(key), {}, provenance="derived"))
            command = self._case_of(id_of(key))
            if command is not None:
                commands.append(command)
        return Effects(commands)


def edge(store: WarningStore, now: Callable[[], Instant]) -> Callable[[str, str, Mapping[str, Any], str], str | None]:
    """Return what a channel's edge asks before every try: why a message must not go out to a receiver; None lets it pass.

    A message is for the receiver of its channel alone, of the channel's own mode, and only while the warning holds.
    """

    def refuse(kind: str, subject: str, body: Mapping[str, Any], receiver: str) -> str | None:
        if kind != "warning.sent":
            return None
        try:
            row = store.find(key_of(subject))
        except QuanyuError:
            row = None
        if row is None:
            return "The warning does not exist."
        channels = {channel.id: channel for channel in map(channel_of, store.channels())}
        channel = channels.get(str(body.get("channel", "")))
        warning = warning_of(row)
        if channel is None or channel.webhook != receiver:
            return "This receiver is not the gateway of the channel."
        actual = body.get("status") == "Actual"
        if actual != (channel.mode == "actual"):
            return "The message and the channel are not of one kind."
        if warning.standing != "published" or (warning.draft.expires or 0) <= now():
            return f"The warning is {warning.standing if warning.standing != 'published' else 'expired'}."
        return None

    return refuse
