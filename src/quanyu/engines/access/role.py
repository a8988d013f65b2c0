"""Roles as packs declare them: action patterns, each with how far it reaches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Literal

import msgspec

from quanyu.kernel.errors import Conflict, Invalid

Reach = Literal["all", "unit", "district", "own"]
REACHES: tuple[Reach, ...] = ("all", "unit", "district", "own")
"""From the widest to the narrowest."""


class Permission(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An action pattern (`case.act:dispatch`, `case.*`, `view:cases`) and how far it reaches.

    `types` narrows entity views to these types. `personal` opens personal attributes when a purpose is stated.
    """

    action: str
    reach: Reach = "all"
    types: tuple[str, ...] | None = None
    personal: bool = False

    def covers(self, action: str) -> bool:
        """Tell whether the pattern matches the action, whatever the reach."""
        return _matches(action, self.action)


class Role(msgspec.Struct, frozen=True):
    """A role: its titles and what it may."""

    id: str
    title: Mapping[str, str]
    permissions: tuple[Permission, ...] = ()

    def reaches(self, action: str) -> tuple[Permission, ...]:
        """Return the permissions whose pattern matches the action."""
        return tuple(each for each in self.permissions if each.covers(action))


class _Declared(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    zh: str
    en: str
    permissions: tuple[Permission, ...] = ()


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    role: tuple[_Declared, ...] = ()


CORE_ROLES = (
    Role("administrator", {"zh": "系统管理员", "en": "Administrator"}, (Permission("*", personal=True),)),
    Role(
        "citizen",
        {"zh": "市民", "en": "Citizen"},
        (
            Permission("case.open", "own"),
            Permission("case.act:*", "own"),
            Permission("file.put", "own"),
            Permission("person.erase", "own"),
            Permission("view:cases", "own"),
            Permission("view:city"),
        ),
    ),
    Role(
        "registrar",
        {"zh": "登记员", "en": "Registrar"},
        (
            Permission("register.put", "unit"),
            Permission("register.correct", "unit"),
            Permission("view:cases", "unit", personal=True),
            Permission("view:city"),
        ),
    ),
)
"""Roles that stand in every city; a pack that declares the same id replaces them."""


def roles_of(document: Mapping[str, Any], where: str) -> tuple[Role, ...]:
    """Return the roles of a parsed `roles.toml`; Invalid names the file and the field."""
    try:
        declared = msgspec.convert(document, _Document).role
    except msgspec.ValidationError as fault:
        raise Invalid(
            f"Role file does not fit: {fault}.",
            code="role.shape",
            where=where,
            remedy='Write [[role]] with id, zh, en and permissions = [{ action = "case.act:*", reach = "unit" }].',
        ) from fault
    return tuple(Role(each.id, {"zh": each.zh, "en": each.en}, each.permissions) for each in declared)


def collect(declared: Iterable[Role]) -> dict[str, Role]:
    """Return roles by id, the core roles included; Conflict when two packs declare the same id differently."""
    roles: dict[str, Role] = {}
    for role in declared:
        if role.id in roles and roles[role.id] != role:
            raise Conflict(
                f"Role {role.id} is declared twice with different permissions.",
                code="role.twice",
                where=role.id,
                remedy="Declare a role in one pack only.",
            )
        roles[role.id] = role
    return {**{role.id: role for role in CORE_ROLES}, **roles}


def holders(roles: Mapping[str, Role], action: str) -> Sequence[Role]:
    """Return the roles that may do an action at any reach: what a refusal tells its reader to ask for."""
    return [role for role in roles.values() if role.reaches(action)]


def wider_or_equal(own: Reach, other: Reach) -> bool:
    """Tell whether a reach takes in another; unit and district take in only themselves and `own`."""
    return own in ("all", other) or (other == "own" and own in ("unit", "district"))


@lru_cache(maxsize=4096)
def _matches(action: str, pattern: str) -> bool:
    return fnmatchcase(action, pattern)
