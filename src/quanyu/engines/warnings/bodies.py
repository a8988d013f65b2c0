"""What the commands of warnings may carry."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

import msgspec

from quanyu.kernel.cap import Alert
from quanyu.kernel.errors import Denied, Invalid
from quanyu.kernel.journal import Command, Desk
from quanyu.kernel.warning import Draft

T = TypeVar("T")
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Note = Annotated[str, msgspec.Meta(max_length=2000)]
Block = Annotated[bytes, msgspec.Meta(min_length=512, max_length=512)]
TERMINALS_MAX = 20_000
RECEIPTS_MAX = 200_000


class _Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Unknown fields are mistakes. `as_person` is the simulated person in whose name a simulation acts."""

    as_person: dict[str, Any] | None = None


class DraftBody(_Body, frozen=True, kw_only=True):
    """warning.draft."""

    draft: Draft


class EditBody(_Body, frozen=True, kw_only=True):
    """warning.edit."""

    revision: int
    draft: Draft


class StepBody(_Body, frozen=True, kw_only=True):
    """warning.submit, approve, send_back, drop: on the words of a revision."""

    revision: int
    note: Note = ""


class PublishBody(_Body, frozen=True, kw_only=True):
    """warning.publish: `targets` are bitmaps of terminals by channel and block."""

    revision: int
    targets: dict[str, dict[str, Block]] = {}
    web: Annotated[str, msgspec.Meta(max_length=500)] = ""


class ResendBody(_Body, frozen=True, kw_only=True):
    """warning.resend: to those of a channel of whom nothing was heard, or who failed."""

    channel: Word


class ReceiptsBody(_Body, frozen=True, kw_only=True):
    """warning.receipts: numbers (32 bits, little-endian) and states (a byte each) of terminals of a channel."""

    channel: Word
    numbers: bytes
    states: bytes


class ReceiveBody(_Body, frozen=True, kw_only=True):
    """warning.receive: a message of a peer, as it was read."""

    alert: Alert
    remarks: tuple[str, ...] = ()


class ChannelBody(_Body, frozen=True, kw_only=True):
    """warning_channel.put."""

    mode: Literal["actual", "exercise"]
    kind: Literal["loudspeaker", "screen", "sms", "broadcast", "webhook", "feed", "other"]
    zh: Word
    en: Word
    languages: Annotated[tuple[Word, ...], msgspec.Meta(max_length=20)] = ("zh",)
    capability: Annotated[str, msgspec.Meta(max_length=500)] = ""
    webhook: Annotated[str, msgspec.Meta(max_length=200)] = ""
    simulated: bool = False


class TerminalBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A terminal of a channel."""

    id: Word
    title: Annotated[str, msgspec.Meta(max_length=200)] = ""
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None
    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = None
    district: Annotated[str, msgspec.Meta(max_length=20)] = ""
    grid: Annotated[str, msgspec.Meta(max_length=20)] = ""
    simulated: bool = False


class TerminalsBody(_Body, frozen=True, kw_only=True):
    """warning_terminal.put: terminals of one channel."""

    terminals: Annotated[tuple[TerminalBody, ...], msgspec.Meta(min_length=1, max_length=TERMINALS_MAX)]


def read(command: Command, shape: type[T]) -> T:
    """Return a command's body; raises Invalid (warning.body)."""
    try:
        return msgspec.convert(command.body, shape)
    except msgspec.ValidationError as fault:
        raise Invalid(
            f"Command {command.kind} cannot be read: {fault}.",
            code="warning.body",
            where="body",
            remedy="See the description of the warning routes in GET /api/openapi.json.",
        ) from fault


def who(desk: Desk, person: dict[str, Any] | None) -> str:
    """Return who acts: the actor, or the person that a simulation acts for."""
    if person is None:
        return desk.actor
    if not desk.actor.startswith("simulation:"):
        raise Denied(
            f"Actor {desk.actor} acts in its own name only.",
            code="warning.as_person",
            where="body.as_person",
            remedy="Leave as_person out; only simulations act for simulated persons.",
        )
    return str(person.get("id", ""))
