"""What commands about incidents may carry; anything else is refused with the place of the fault."""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec

from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Command

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Why = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
Level = Annotated[int, msgspec.Meta(ge=1, le=4)]
Figure = Annotated[float, msgspec.Meta(ge=0, le=1e15)]


class Declared(msgspec.Struct, forbid_unknown_fields=True):
    """incident.declare: what kind of incident the case is, and the alarm that it came from."""

    kind: Word
    source: Word | None = None
    why: str = ""


class Figured(msgspec.Struct, forbid_unknown_fields=True):
    """incident.figure: figures as they are known now, by measure, and who says so."""

    values: Annotated[dict[Word, Figure], msgspec.Meta(min_length=1, max_length=40)]
    source: Word
    note: Annotated[str, msgspec.Meta(max_length=2000)] = ""


class Levelled(msgspec.Struct, forbid_unknown_fields=True):
    """incident.level: the level put in force, why, and how many changes of level the sender has seen."""

    level: Level
    why: Why
    seen: int


class Responded(msgspec.Struct, forbid_unknown_fields=True):
    """incident.respond: starts or adjusts the response; matter, level, expected duration and measures must be said."""

    level: Level
    matter: Why
    hours: Annotated[float, msgspec.Meta(gt=0, le=8760)]
    measures: Annotated[tuple[Why, ...], msgspec.Meta(min_length=1, max_length=40)]
    seen: int


class Lifted(msgspec.Struct, forbid_unknown_fields=True):
    """incident.lift: ends the response."""

    why: Why
    seen: int


class Activation(msgspec.Struct, forbid_unknown_fields=True):
    """incident.activate: puts a plan to work."""

    plan: Word


class Assigned(msgspec.Struct, forbid_unknown_fields=True):
    """incident.assign: a resource for the incident."""

    resource: Word
    unit: Word
    count: Annotated[float, msgspec.Meta(gt=0, le=1e9)] = 1


class Returned(msgspec.Struct, forbid_unknown_fields=True):
    """incident.give_back: the number of a resource that is no more needed."""

    number: int
    note: Annotated[str, msgspec.Meta(max_length=2000)] = ""


class Noted(msgspec.Struct, forbid_unknown_fields=True):
    """incident.note: a line of the command log."""

    text: Why


class Warned(msgspec.Struct, forbid_unknown_fields=True):
    """incident.warn: a warning that belongs to the incident."""

    warning: Word


class Watched(msgspec.Struct, forbid_unknown_fields=True):
    """A function of the city to be watched."""

    entity: Word
    attribute: Word
    normal: float
    zh: Word
    en: Word


class Watching(msgspec.Struct, forbid_unknown_fields=True):
    """incident.watch: the functions whose return is followed, all of them."""

    functions: Annotated[tuple[Watched, ...], msgspec.Meta(max_length=20)]


T = TypeVar("T")


def read(command: Command, shape: type[T]) -> T:
    """Return the body in its shape; raises Invalid (incident.body) that names the field at fault."""
    try:
        return msgspec.convert(command.body, shape)
    except msgspec.ValidationError as fault:
        why, _, place = str(fault).partition(" - at `$")
        raise Invalid(
            f"Command {command.kind} cannot be read: {why}.",
            code="incident.body",
            where=f"body{place.rstrip('`')}",
            remedy=f"Send {', '.join(field.name for field in msgspec.structs.fields(shape))}.",  # type: ignore[arg-type]
        ) from fault
