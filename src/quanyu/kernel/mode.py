"""The city's mode: normal, or emergency for an area and a time (平急转换), and what it changes while it stands.

Everything here is worked out from the modes that stand at an instant, so nothing has to be put back: when none stands,
limits, roles and channels are what they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Instant
from quanyu.kernel.parameter import Parameter
from quanyu.kernel.view import Grant

WHOLE_CITY: Final = ""


class Mode(msgspec.Struct, frozen=True, omit_defaults=True):
    """An emergency as it was set: for a district, or ("") the whole city, until an instant at the latest."""

    number: int
    area: str
    reason: str
    lasts_us: int
    proposed_by: str
    proposed_at: Instant
    incident: str | None = None
    set_by: str | None = None
    set_at: Instant | None = None

    @property
    def until(self) -> Instant:
        """When it ends by itself; 0 for one that is only proposed."""
        return 0 if self.set_at is None else self.set_at + self.lasts_us

    def stands(self, at: Instant, district: str | None) -> bool:
        """Whether it holds for a place at an instant; what has no place is touched by a city-wide mode alone."""
        if self.set_at is None or not self.set_at <= at < self.until:
            return False
        return self.area == WHOLE_CITY or self.area == district


class Effects(msgspec.Struct, frozen=True):
    """What an emergency changes besides limits: roles gained by a role, actions nobody may take, order of channels."""

    gains: Mapping[str, tuple[str, ...]] = {}
    loses: frozenset[str] = frozenset()
    channels: Mapping[str, tuple[int, int]] = {}
    """Channel to its place in the normal and in the emergency order; the smaller comes first."""


NO_EFFECTS: Final = Effects()


def stands(modes: Iterable[Mode], at: Instant, district: str | None) -> bool:
    """Whether an emergency holds for a place at an instant."""
    return any(mode.stands(at, district) for mode in modes)


def row_under(row: Parameter, modes: Iterable[Mode], at: Instant, district: str | None) -> Parameter:
    """Return the row with its emergency value where an emergency holds."""
    if row.emergency is None or not stands(modes, at, district):
        return row
    return row.in_emergency()


def grants_under(grants: Sequence[Grant], modes: Iterable[Mode], effects: Effects, at: Instant) -> Sequence[Grant]:
    """Return the grants with those that roles gain while an emergency holds, each within its area."""
    areas = {mode.area for mode in modes if mode.stands(at, mode.area)}
    if not areas:
        return grants
    more = [
        Grant(role, grant.unit, grant.district if area == WHOLE_CITY else area)
        for grant in grants
        for role in effects.gains.get(grant.role, ())
        for area in sorted(areas)
        if grant.district is None or area in (WHOLE_CITY, grant.district)
    ]
    return (*grants, *(each for each in dict.fromkeys(more) if each not in grants))


def channels_under(effects: Effects, modes: Iterable[Mode], at: Instant, district: str | None) -> list[tuple[str, int]]:
    """Return the channels with their place in the order that holds, the first one first."""
    emergency = stands(modes, at, district)
    places = ((name, pair[emergency]) for name, pair in effects.channels.items())
    return sorted(places, key=lambda each: (each[1], each[0]))


def read_effects(roles: Iterable[Mapping[str, str]], channels: Iterable[Mapping[str, str]]) -> Effects:
    """Read the tables of what an emergency changes; raises Invalid (mode.row) that names the row at fault."""
    gains: dict[str, tuple[str, ...]] = {}
    loses: set[str] = set()
    for row in roles:
        if row["change"] == "gains":
            gains[row["role"]] = (*gains.get(row["role"], ()), row["word"])
        elif row["change"] == "loses" and row["role"] == "*":
            loses.add(row["word"])
        else:
            raise Invalid(
                f"Row {row['role']}, {row['change']} changes nothing that is known.",
                code="mode.row",
                where="mode_roles",
                remedy="Write a role that gains a role, or * that loses an action.",
            )
    try:
        order = {row["channel"]: (int(row["normal"]), int(row["emergency"])) for row in channels}
    except ValueError as fault:
        raise Invalid(
            f"The order of channels cannot be read: {fault}.",
            code="mode.row",
            where="mode_channels",
            remedy="Write whole numbers; the smaller comes first.",
        ) from fault
    return Effects(gains, frozenset(loses), order)
