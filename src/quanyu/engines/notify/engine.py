"""Decides which webhooks stand, and when dead letters are sent again."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Annotated, Any

import msgspec

from quanyu.engines.notify.store import WEBHOOKS
from quanyu.engines.notify.webhook import Webhook, check_url
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.journal import Command, Desk, Fact, Kind, Record, State, Table

ID_PATTERN = re.compile(r"^[a-z0-9][a-z0-9_-]{0,62}$")
Secret = Annotated[str, msgspec.Meta(min_length=16, max_length=200)]


class _Replay(msgspec.Struct, forbid_unknown_fields=True):
    after: int | None = None


class _Put(msgspec.Struct, forbid_unknown_fields=True):
    webhook: Webhook
    secret: Secret | None = None


class NotifyEngine:
    """Owner of webhooks. `allow_private` lets receivers stand on private addresses (a closed network, a test)."""

    name = "notify"
    commands: Collection[str] = ("webhook.put", "webhook.remove", "webhook.replay")
    kinds: Collection[Kind] = (Kind("webhook.put"), Kind("webhook.removed"), Kind("webhook.replayed"))
    tables: Collection[Table] = (WEBHOOKS,)

    def __init__(self, allow_private: bool = False) -> None:
        self._allow_private = allow_private

    def decide(self, command: Command, desk: Desk) -> Iterable[Fact]:
        """Judge a command; the signing secret goes to the vault, the record names only its reference."""
        if command.kind == "webhook.put":
            return [self._put(command, desk)]
        if desk.state.get(WEBHOOKS, command.subject) is None:
            raise Missing(f"Webhook {command.subject[:80]} does not exist.", code="webhook.missing", where="subject")
        if command.kind == "webhook.replay":
            replay = _read(command, _Replay)
            return [Fact("webhook.replayed", command.subject, {"after": replay.after})]
        return [Fact("webhook.removed", command.subject, {})]

    def evolve(self, record: Record, state: State) -> None:
        """Fold a record into the table of webhooks."""
        if record.kind == "webhook.put" and record.body is not None:
            document = msgspec.json.encode(record.body["webhook"], order="sorted").decode()
            state.put(WEBHOOKS, (record.subject, document, record.body["secret"], record.at, record.seq))
        elif record.kind == "webhook.removed":
            state.delete(WEBHOOKS, record.subject)

    def _put(self, command: Command, desk: Desk) -> Fact:
        if not ID_PATTERN.match(command.subject):
            raise Invalid(
                f"Webhook id {command.subject[:80]!r} is not usable.",
                code="webhook.id",
                where="id",
                remedy="Use lower-case letters, digits, dashes and underscores, at most 63.",
            )
        put = _read(command, _Put)
        check_url(put.webhook.url, self._allow_private)
        row = desk.state.get(WEBHOOKS, command.subject)
        if put.secret is not None:
            secret = desk.seal(f"webhook:{command.subject}", {"secret": put.secret})
        elif row is not None:
            secret = row[2]
        else:
            raise Invalid(
                f"Webhook {command.subject} has no secret to sign with.",
                code="webhook.secret",
                where="secret",
                remedy="Give a secret of at least 16 characters; later changes may leave it out.",
            )
        return Fact("webhook.put", command.subject, {"webhook": msgspec.to_builtins(put.webhook), "secret": secret})


def _read(command: Command, shape: Any) -> Any:
    try:
        return msgspec.convert(command.body, shape)
    except msgspec.ValidationError as fault:
        raise Invalid(
            f"Body of {command.kind} does not fit: {fault}.",
            code="command.body",
            where=command.kind,
            remedy="Give webhook {url, title, kinds, where, paused} and secret.",
        ) from fault
