"""What may be put into a register: by its element's kind, no older than what stands, of a subject that can be named."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec

from quanyu.engines.registers.store import Shelf, find_shelf
from quanyu.kernel.errors import Conflict, Invalid
from quanyu.kernel.form import Fault, Forms, Register, check_value
from quanyu.kernel.identifier import parse_citizen_id, parse_credit_code
from quanyu.kernel.journal import Command, Desk, Fact, provenance_kind

_PERSON: Final = re.compile(r"person:[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
T = TypeVar("T")


class _Put(msgspec.Struct, forbid_unknown_fields=True):
    register: str
    values: dict[str, Any]
    as_of: str
    source: Text


class _Correct(msgspec.Struct, forbid_unknown_fields=True):
    register: str
    values: dict[str, Any]
    as_of: str
    reason: Text
    source: str = ""
    case: str | None = None


class _Forget(msgspec.Struct, forbid_unknown_fields=True):
    before: int


def put(forms: Forms, command: Command, desk: Desk) -> list[Fact]:
    """Take what a department holds of a subject; an empty value says that it holds it no more."""
    body = _read(command, _Put)
    register = forms.get_register(body.register)
    _check_subject(command.subject, register)
    day = _day(body.as_of)
    shelf = find_shelf(desk.state, command.subject)
    newer = sorted(id for id, line in shelf.get(register.id, {}).items() if id in body.values and line.as_of > day)
    if newer:
        raise Conflict(
            f"Register {register.id} holds {', '.join(newer)} as of a later day than {day}.",
            code="register.older",
            where="as_of",
            remedy="Send what is in force now, or correct it with a reason.",
        )
    return [_fact("register.held", forms, register, command, desk, body.values, day, {"source": body.source})]


def correct(forms: Forms, command: Command, desk: Desk) -> list[Fact]:
    """Put right what a register holds, with the reason and the case that asked for it; any day may be named."""
    body = _read(command, _Correct)
    register = forms.get_register(body.register)
    _check_subject(command.subject, register)
    told = {"source": body.source or body.reason, "reason": body.reason, "case": body.case}
    return [_fact("register.corrected", forms, register, command, desk, body.values, _day(body.as_of), told)]


def forget(forms: Forms, command: Command, desk: Desk) -> list[Fact]:
    """Take away what was held of an erased person before their erasure; nothing held is nothing to say."""
    body = _read(command, _Forget)
    shelf = find_shelf(desk.state, command.subject)
    if not any(line.seq < body.before for lines in shelf.values() for line in lines.values()):
        return []
    return [Fact("register.forgotten", command.subject, {"before": body.before}, "derived:registers")]


def _fact(
    kind: Literal["register.held", "register.corrected"],
    forms: Forms,
    register: Register,
    command: Command,
    desk: Desk,
    given: dict[str, Any],
    day: str,
    told: dict[str, Any],
) -> Fact:
    values, gone = _checked(forms, register, given, find_shelf(desk.state, command.subject))
    sealed = {id: msgspec.json.encode(value).decode() for id, value in values.items()}
    reference = desk.seal(command.subject, sealed) if sealed else ""
    body = {"register": register.id, "reference": reference, "elements": sorted(values), "gone": gone, "as_of": day}
    return Fact(
        kind, command.subject, {**body, **told, "simulated": provenance_kind(command.provenance) == "simulated"}
    )


def _checked(forms: Forms, register: Register, given: dict[str, Any], shelf: Shelf) -> tuple[dict[str, Any], list[str]]:
    """Return the values by element as they are kept, and the elements that are held no more."""
    if not given:
        raise Invalid(
            f"Nothing is put into the register {register.id}.",
            code="register.empty",
            where="values",
            remedy=f"Send values of {', '.join(register.holds)}.",
        )
    values: dict[str, Any] = {}
    gone: list[str] = []
    for id, each in given.items():
        if id not in register.holds:
            raise Invalid(
                f"Register {register.id} does not hold {id[:80]!r}.",
                code="register.element",
                where=f"values.{id[:80]}",
                remedy=f"It holds {', '.join(register.holds)}.",
            )
        read = check_value(forms.elements[id], each)
        if isinstance(read, Fault):
            # The value itself is never repeated: it is personal.
            raise Invalid(
                f"Value of {id} cannot be held: {read.en}", code="register.value", where=f"values.{id}", zh=read.zh
            )
        if read is not None:
            values[id] = read
        elif id in shelf.get(register.id, {}):
            gone.append(id)
    if not values and not gone:
        raise Invalid(
            f"No value is given for the register {register.id}.", code="register.empty", where="values",
            remedy="Leave elements out that are not known.",
        )  # fmt: skip
    return values, sorted(gone)


def _check_subject(subject: str, register: Register) -> None:
    kind, _, name = subject.partition(":")
    if kind != register.of:
        raise Invalid(
            f"Register {register.id} holds facts of a {register.of}, not of {kind[:20]!r}.",
            code="register.subject",
            where="subject",
            remedy="Name a subject as person:<id> or firm:<credit code>.",
        )
    if kind == "firm":
        parse_credit_code(name)
        return
    if _PERSON.fullmatch(subject) is None or _is_citizen_number(name):
        # The journal names its subjects for ever; a citizen number there could never be erased.
        raise Invalid(
            "A person is not named by an id of the hub.",
            code="register.person",
            where="subject",
            remedy="Name the person by an id that says nothing, as person:<id>; a citizen number is a value.",
        )


def _is_citizen_number(name: str) -> bool:
    try:
        parse_citizen_id(name.upper())
    except Invalid:
        return False
    return True


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as fault:
        raise Invalid(
            f"Day {text[:40]!r} cannot be read.", code="register.day", where="as_of", remedy="Write 2026-03-01."
        ) from fault


def _read(command: Command, shape: type[T]) -> T:
    try:
        return msgspec.convert(command.body, shape)
    except msgspec.ValidationError as fault:
        raise Invalid(
            f"Command {command.kind} cannot be read: {fault}.",
            code="register.body",
            where="body",
            remedy="See the description of the register routes in GET /api/openapi.json.",
        ) from fault
