"""From grants to reach: which actions an actor may do, and where. Pure; the gate and the view both ask here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from quanyu.engines.access.role import Permission, Role, holders, wider_or_equal
from quanyu.kernel.errors import Denied
from quanyu.kernel.journal import Command, State
from quanyu.kernel.view import Filter, Grant

FILTERS_MAX = 5_000
REACHED_MAX = 20_000


class Located(msgspec.Struct, frozen=True):
    """Where the subject of a command stands: who holds it, in which district, and whose it is."""

    unit: str | None = None
    district: str | None = None
    person: str | None = None


Locate = Callable[[Command, State], Located | None]
"""Handed in by assembly, because only the engine that owns a subject knows where it stands."""


class Policy:
    """The declared roles and the districts of units: everything a judgement needs besides the grants."""

    def __init__(
        self,
        roles: Mapping[str, Role],
        unit_districts: Mapping[str, str | None] | None = None,
        personal: Iterable[str] = (),
    ) -> None:
        self.roles = roles
        self._unit_districts = unit_districts or {}
        self.personal = frozenset(personal)
        self._filters: dict[tuple[str, tuple[Grant, ...], str, bool], Filter | None] = {}
        self._reached: dict[tuple[str, str], tuple[Permission, ...]] = {}

    def permitted(self, grants: Iterable[Grant], action: str) -> list[tuple[Grant, Permission]]:
        """Return every grant and permission that matches the action; an undeclared role gives nothing."""
        found: list[tuple[Grant, Permission]] = []
        for grant in grants:
            reached = self._reached.get((grant.role, action))
            if reached is None:
                reached = self._reach(grant.role, action)
            found += [(grant, permission) for permission in reached]
        return found

    def permits(self, grants: Iterable[Grant], action: str) -> bool:
        """Tell whether any grant matches the action, wherever it reaches."""
        for grant in grants:
            reached = self._reached.get((grant.role, action))
            if self._reach(grant.role, action) if reached is None else reached:
                return True
        return False

    def _reach(self, name: str, action: str) -> tuple[Permission, ...]:
        """Return the permissions of a role that match an action; remembered, since roles are declared once."""
        if len(self._reached) >= REACHED_MAX:
            self._reached.clear()
        role = self.roles.get(name)
        found = self._reached[name, action] = () if role is None else role.reaches(action)
        return found

    def allows(self, actor: str, grants: Iterable[Grant], action: str, at: Located | None) -> bool:
        """Tell whether an action on a located subject is within reach; without a place only `all` reaches."""
        return any(self._within(actor, grant, each, at) for grant, each in self.permitted(grants, action))

    def filter(self, actor: str, grants: Iterable[Grant], action: str, purpose: str = "") -> Filter | None:
        """Return what may be seen, None when nothing may; remembered, since it follows from the grants alone."""
        key = (actor, tuple(grants), action, bool(purpose))
        try:
            return self._filters[key]
        except KeyError:
            if len(self._filters) >= FILTERS_MAX:
                self._filters.clear()
            found = self._filters[key] = self._filter(*key)
            return found

    def _filter(self, actor: str, grants: tuple[Grant, ...], action: str, purpose: bool) -> Filter | None:
        """Unite the grants of the widest reach.

        Limits of a Filter are ANDed, so grants of different reach cannot be united in one: the widest reach counts, and
        within it all grants are united. What is shown is never more than the grants together allow.
        """
        found = [(grant, each) for grant, each in self.permitted(grants, action) if self._stands(grant, each)]
        if not found:
            return None
        masked = frozenset() if purpose and any(each.personal for _, each in found) else self.personal
        for reach in ("all", "district", "unit", "own"):
            within = [(grant, each) for grant, each in found if each.reach == reach]
            if within:
                break
        types = None
        if all(each.types is not None for _, each in within):
            types = frozenset(name for _, each in within for name in each.types or ())
        return Filter(
            actor=actor,
            units=frozenset(str(grant.unit) for grant, _ in within) if reach == "unit" else None,
            places=frozenset(str(self._district(grant)) for grant, _ in within) if reach == "district" else None,
            person=actor if reach == "own" else None,
            types=types,
            masked=masked,
        )

    def sees_personal(self, grants: Iterable[Grant], action: str) -> bool:
        """Tell whether personal data behind an action may be opened, given a purpose."""
        return any(each.personal for _, each in self.permitted(grants, action))

    def takes_in(self, grants: Iterable[Grant], role: str) -> bool:
        """Tell whether the grants hold every permission of a role: nobody hands on more than they have."""
        held = [each for grant in grants for each in getattr(self.roles.get(grant.role), "permissions", ())]
        wanted = getattr(self.roles.get(role), "permissions", ())
        return all(
            any(own.covers(each.action) and wider_or_equal(own.reach, each.reach) for own in held) for each in wanted
        )

    def refusal(self, actor: str, action: str) -> Denied:
        """Return the error for a refused action: it names the roles that may, and who can grant them."""
        may = ", ".join(role.id for role in holders(self.roles, action)) or "none"
        granting = ", ".join(role.id for role in holders(self.roles, "role.grant")) or "none"
        return Denied(
            f"Actor {actor} may not {action} here.",
            code="access.denied",
            remedy=f"Roles that may: {may}. Ask somebody who can grant roles: {granting}.",
            action=action,
        )

    def _stands(self, grant: Grant, permission: Permission) -> bool:
        if permission.reach == "unit":
            return grant.unit is not None
        return permission.reach != "district" or self._district(grant) is not None

    def _within(self, actor: str, grant: Grant, permission: Permission, at: Located | None) -> bool:
        if permission.reach == "all":
            return True
        if at is None or not self._stands(grant, permission):
            return False
        if permission.reach == "unit":
            return at.unit == grant.unit
        if permission.reach == "district":
            return at.district == self._district(grant)
        return at.person == actor

    def _district(self, grant: Grant) -> str | None:
        return grant.district or self._unit_districts.get(grant.unit or "")
