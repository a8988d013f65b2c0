"""Decide and fold context source registrations (5.9): who else provides context, and in which mode.

A registration that has expired is as good as gone: nobody sees it, and its id may be used again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from quanyu.engines.context.tables import DOC, ENTITY
from quanyu.kernel.entity import check_id
from quanyu.kernel.errors import Conflict, Invalid, Missing
from quanyu.kernel.journal import Command, Desk, Fact, Instant, Kind, Record, State, Table
from quanyu.kernel.ngsi.instants import micros
from quanyu.kernel.ngsi.members import HEAD
from quanyu.kernel.ngsi.pattern import compile_pattern
from quanyu.kernel.ngsi.registration import PROXIED, TYPE, Registration, check_registration

REGISTRATION = Table(
    "registration",
    ("id TEXT", "n INTEGER", "document TEXT", "created INTEGER", "modified INTEGER", "version INTEGER", "seq INTEGER"),
)
"""`seq`: of the record that made it."""
CLAIM = Table("claim", ("type TEXT", "claims BLOB"))
"""What proxied registrations hold elsewhere, by entity type; the type of one that names no entities is empty."""
TALLY = Table("registrations", ("name TEXT", "value INTEGER"))
"""`n`: the last number given; `seq`: the last record about registrations."""
TYPES = "\n"
"""Key of the claim row that lists the types; no type has this name."""


class _Claim(msgspec.Struct, array_like=True, frozen=True):
    """What one EntityInfo of a proxied registration holds elsewhere; None stands for all."""

    registration: str
    mode: str
    expires: Instant | None
    entity: str | None
    pattern: str | None
    attributes: tuple[str, ...] | None


class RegistrationsEngine:
    """Owns registrations. A proxied one (exclusive, redirect) must not overlap with what is held here or elsewhere."""

    name = "registrations"
    commands = frozenset({"registration.create", "registration.update", "registration.delete", "registration.expire"})
    kinds = (Kind("registration.created"), Kind("registration.updated"), Kind("registration.deleted"))
    tables = (REGISTRATION, CLAIM, TALLY)

    def decide(self, command: Command, desk: Desk) -> Iterable[Fact]:
        """Judge a command; `document` of a creation and `fragment` of an update are in the form that is kept."""
        id = check_id(command.subject)
        row = desk.state.get(REGISTRATION, id)
        standing: Registration | None = None if row is None else msgspec.json.decode(row[2])
        if standing is not None and expired(standing, desk.at):
            if command.kind == "registration.expire":
                return [Fact("registration.deleted", id, {"before": standing})]
            standing = None
        if command.kind == "registration.expire":
            return []
        if command.kind == "registration.create":
            if standing is not None:
                raise Conflict(
                    f"Registration {id} exists already.",
                    code="registration.exists",
                    where="id",
                    remedy="Update it, or choose another id.",
                )
            made = _checked({**command.body["document"], "id": id, "type": TYPE}, desk)
            counter = desk.state.get(TALLY, "n")
            n = row[1] if row is not None else counter[1] + 1 if counter else 1
            return [Fact("registration.created", id, {"n": n, "document": made})]
        if standing is None:
            raise missing(id)
        if command.kind == "registration.delete":
            return [Fact("registration.deleted", id, {"before": standing})]
        fragment = command.body["fragment"]
        if fragment.get("id", id) != id:
            raise Invalid(
                f"The fragment names registration {str(fragment['id'])[:80]}, the path {id[:80]}.",
                code="registration.id",
                where="id",
                remedy="Leave the id out; it never changes.",
            )
        merged = {name: value for name, value in {**standing, **fragment}.items() if value is not None}
        return [Fact("registration.updated", id, {"document": _checked(merged, desk), "before": standing})]

    def evolve(self, record: Record, state: State) -> None:
        """Fold a record into the tables."""
        body = record.body
        assert body is not None, f"record {record.seq} was pruned and cannot be folded"
        row = state.get(REGISTRATION, record.subject)
        if row is not None:
            _release(record.subject, msgspec.json.decode(row[2]), state)
        if record.kind == "registration.deleted":
            state.delete(REGISTRATION, record.subject)
        else:
            made = body["document"]
            if record.kind == "registration.created":
                n, created, version, seq = body["n"], record.at, 1, record.seq
                counter = state.get(TALLY, "n")
                state.put(TALLY, ("n", max(n, counter[1] if counter else 0)))
            else:
                assert row is not None
                n, created, version, seq = row[1], row[3], row[5] + 1, row[6]
            text = msgspec.json.encode(made).decode()
            state.put(REGISTRATION, (record.subject, n, text, created, record.at, version, seq))
            _hold(made, state)
        state.put(TALLY, ("seq", record.seq))


def missing(id: str) -> Missing:
    """Return the error for a registration that does not stand."""
    return Missing(
        f"Registration {id[:200]} does not exist.",
        code="registration.missing",
        where="id",
        remedy="Look the id up with GET /ngsi-ld/v1/csourceRegistrations?type=….",
    )


def expired(registration: Mapping[str, Any], now: Instant) -> bool:
    """Whether the registration ended before now."""
    return "expiresAt" in registration and micros(registration["expiresAt"]) <= now


def _checked(made: Registration, desk: Desk) -> Registration:
    check_registration(made)
    if expired(made, desk.at):
        raise Invalid(
            f"The registration would end at {made['expiresAt']}, before now.",
            code="registration.past",
            where="expiresAt",
            remedy="Give an instant to come, or leave it out.",
        )
    if made.get("mode") in PROXIED:
        for type_, claim in _claims(made):
            _check_elsewhere(type_, claim, desk)
            _check_here(claim, desk.state)
    return made


def _claims(made: Registration) -> Iterator[tuple[str, _Claim]]:
    ends = micros(made["expiresAt"]) if "expiresAt" in made else None
    for info in made["information"]:
        names = (*info.get("propertyNames", ()), *info.get("relationshipNames", ())) or None
        for each in info.get("entities", ({"type": ""},)):
            id, pattern = each.get("id"), None if "id" in each else each.get("idPattern")
            claim = _Claim(made["id"], made["mode"], ends, id, pattern, names)
            types = each["type"] if isinstance(each["type"], list) else [each["type"]]
            for type_ in types:
                yield type_, claim


def _check_elsewhere(type_: str, claim: _Claim, desk: Desk) -> None:
    """Refuse an overlap with a proxied registration, unless both only redirect (4.3.6.3)."""
    held = _read(desk.state, TYPES, list[str]) if type_ == "" else ["", type_]
    for other_type in {"", *held}:
        for other in _read(desk.state, other_type, list[_Claim]):
            exclusive = "exclusive" in (claim.mode, other.mode)
            if (
                exclusive
                and other.registration != claim.registration
                and (other.expires is None or other.expires > desk.at)
                and _same_entity(claim, other)
                and _same_attribute(claim.attributes, other.attributes)
            ):
                raise Conflict(
                    f"Registration {other.registration} is {other.mode} for the same attributes of the same entity.",
                    code="registration.overlap",
                    where="information",
                    remedy="Register what it leaves, or delete it first.",
                )


def _check_here(claim: _Claim, state: State) -> None:
    """Refuse to send elsewhere for what an entity of this id holds here."""
    row = state.get(ENTITY, claim.entity) if claim.entity is not None else None
    if row is None:
        return
    held = msgspec.json.decode(row[DOC]).keys() - HEAD
    if claim.attributes is None or not held.isdisjoint(claim.attributes):
        raise local_conflict(str(claim.entity))


def local_conflict(entity: str) -> Conflict:
    """Return the error for a proxied registration of what is held here."""
    return Conflict(
        f"Entity {entity[:200]} holds here what the registration sends elsewhere for.",
        code="registration.local",
        where="information",
        remedy="Delete it here first, or register in the mode inclusive or auxiliary.",
    )


def _same_entity(one: _Claim, other: _Claim) -> bool:
    for mine, theirs in ((one, other), (other, one)):
        if mine.entity is not None:
            if theirs.entity is not None:
                return mine.entity == theirs.entity
            return theirs.pattern is None or compile_pattern(theirs.pattern)(mine.entity)
    return True


def _same_attribute(one: tuple[str, ...] | None, other: tuple[str, ...] | None) -> bool:
    return one is None or other is None or not set(one).isdisjoint(other)


def _read(state: State, type_: str, shape: Any) -> Any:
    row = state.get(CLAIM, type_)
    return msgspec.msgpack.decode(row[1], type=shape) if row else []


def _hold(made: Registration, state: State) -> None:
    if made.get("mode") not in PROXIED:
        return
    for type_, claim in _claims(made):
        claims: list[_Claim] = _read(state, type_, list[_Claim])
        state.put(CLAIM, (type_, msgspec.msgpack.encode([*claims, claim])))
        types: list[str] = _read(state, TYPES, list[str])
        if type_ not in types:
            state.put(CLAIM, (TYPES, msgspec.msgpack.encode(sorted([*types, type_]))))


def _release(id: str, made: Registration, state: State) -> None:
    if made.get("mode") not in PROXIED:
        return
    for type_ in dict.fromkeys(type_ for type_, _ in _claims(made)):
        left = [claim for claim in _read(state, type_, list[_Claim]) if claim.registration != id]
        if left:
            state.put(CLAIM, (type_, msgspec.msgpack.encode(left)))
        else:
            state.delete(CLAIM, type_)
            types = [each for each in _read(state, TYPES, list[str]) if each != type_]
            if types:
                state.put(CLAIM, (TYPES, msgspec.msgpack.encode(types)))
            else:
                state.delete(CLAIM, TYPES)
