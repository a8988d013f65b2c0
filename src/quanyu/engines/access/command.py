"""The bodies of access commands: strict, so that a misspelt field is refused and not ignored."""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec

from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Command, Instant

Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Put(msgspec.Struct, forbid_unknown_fields=True):
    """`person.put`: a person comes, or changes name, unit or language."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    unit: str | None = None
    language: str = "zh"


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """`person.leave`, `token.revoke`, `session.close`: the subject says it all."""


class Granting(msgspec.Struct, forbid_unknown_fields=True):
    """`role.grant` and `role.withdraw`."""

    role: str
    unit: str | None = None
    district: str | None = None


class TokenIssue(msgspec.Struct, forbid_unknown_fields=True):
    """`token.issue`, subject a person: only the digest of the token is told; `expires` is machine time."""

    digest: Digest
    title: Title
    expires: Instant | None = None
    roles: tuple[str, ...] | None = None


class LinkIssue(msgspec.Struct, forbid_unknown_fields=True):
    """`signin.issue`, subject a person; `expires` is machine time."""

    digest: Digest
    expires: Instant


class LinkUse(msgspec.Struct, forbid_unknown_fields=True):
    """`signin.use`, subject a link: ends the link and opens a session. All instants are machine time."""

    digest: Digest
    now: Instant
    session: Digest
    expires: Instant
    idle_us: Annotated[int, msgspec.Meta(gt=0)]


class SessionOpen(msgspec.Struct, forbid_unknown_fields=True):
    """`session.open`, subject a person: for faces that prove who somebody is by other means."""

    digest: Digest
    now: Instant
    expires: Instant
    idle_us: Annotated[int, msgspec.Meta(gt=0)]


T = TypeVar("T")


def read(command: Command, shape: type[T]) -> T:
    """Return the body in its shape; Invalid names the field. The body itself is never quoted: it may hold a digest."""
    try:
        return msgspec.convert(command.body, shape)
    except msgspec.ValidationError as fault:
        raise Invalid(
            f"Body of {command.kind} does not fit: {fault}.",
            code="command.body",
            where=command.kind,
            remedy=f"Send the fields {', '.join(field.name for field in msgspec.structs.fields(shape))}.",  # type: ignore[arg-type]
        ) from fault
