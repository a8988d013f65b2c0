"""`open_hub`: lock the home, load city and packs, put engines, adapters and readers together, return a Hub."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from quanyu.adapters.sqlite import access, cases, context, indicators, notify
from quanyu.assembly.core import CoreEngine
from quanyu.assembly.packs import load_calendar, load_city, load_packs
from quanyu.engines.access.engine import AccessEngine
from quanyu.engines.access.role import Role, collect, roles_of
from quanyu.engines.cases.engine import CasesEngine
from quanyu.engines.context.engine import ContextEngine
from quanyu.engines.history.engine import HistoryEngine
from quanyu.engines.indicators.engine import IndicatorsEngine
from quanyu.engines.notify.engine import NotifyEngine
from quanyu.kernel.declare import City
from quanyu.kernel.journal import Engine
from quanyu.kernel.pack import Pack
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.time import OfficialCalendar
from quanyu.kernel.view import Grant

SCHEMAS = (context.SCHEMA, cases.SCHEMA, access.SCHEMA, indicators.SCHEMA, notify.SCHEMA)
TAIL_BATCH = 200


class Options(msgspec.Struct, frozen=True):
    """How a home is opened; a home that was simulated stays so."""

    city: str = "beijing"
    demo: bool = False
    open: bool = False
    speed: float = 60.0
    seed: int = 20260302
    allow_private: bool = False


class Declared(msgspec.Struct, frozen=True):
    """Everything that is declared rather than happened."""

    city: City
    packs: tuple[Pack, ...]
    parameters: Parameters
    calendar: OfficialCalendar
    roles: Mapping[str, Role]


def load_declared(city: str, simulated: bool) -> Declared:
    """Read city profile, calendar and packs; Invalid names file and line of what cannot be read."""
    packs = load_packs()
    return Declared(
        city=load_city(city),
        packs=packs,
        parameters=Parameters([row for pack in packs for row in pack.parameters]),
        calendar=load_calendar(simulated),
        roles=collect(role for pack in packs for role in roles_of(pack.roles, pack.id)),
    )


def make_engines(declared: Declared, grants: Callable[[str], Sequence[Grant]], allow_private: bool) -> list[Engine]:
    """Return the engines of a home, the core's first."""
    packs, city = declared.packs, declared.city
    units = {unit["id"] for unit in city.units}
    return [
        CoreEngine(),
        ContextEngine(),
        HistoryEngine(),
        AccessEngine(declared.roles, units, {district["code"] for district in city.districts}),
        CasesEngine(
            [flow for pack in packs for flow in pack.flows],
            declared.parameters,
            declared.calendar,
            grants,
            units,
            city.code,
        ),
        IndicatorsEngine(each for pack in packs for each in pack.indicators),
        NotifyEngine(allow_private),
    ]
