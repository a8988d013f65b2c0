"""How a home is opened, and everything that is declared rather than happened."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from quanyu.engines.access.role import Role
from quanyu.kernel.declare import City
from quanyu.kernel.form import Forms
from quanyu.kernel.pack import Pack
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.temporal import PAGE_INSTANCES
from quanyu.kernel.time import OfficialCalendar


class Options(msgspec.Struct, frozen=True):
    """How a home is opened; a home that was simulated stays so."""

    city: str = "beijing"
    demo: bool = False
    open: bool = False
    speed: float = 60.0
    seed: int = 8
    allow_private: bool = False
    makes_tenants: bool = False
    """The first write to a tenant that does not exist makes it (always so when open)."""
    body_bytes_max: int = 16 * 1024 * 1024
    temporal_page: int = PAGE_INSTANCES
    """Instances in one answer about the past; what is more is answered in part."""


class Declared(msgspec.Struct, frozen=True):
    """Everything that is declared rather than happened."""

    city: City
    packs: tuple[Pack, ...]
    parameters: Parameters
    calendar: OfficialCalendar
    roles: Mapping[str, Role]
    forms: Forms
