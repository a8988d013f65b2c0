"""`open_hub`: lock the home, load city and packs, put engines, adapters and readers together, return a Hub."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import structlog

from quanyu.adapters.sqlite import access, alike, cases, context, indicators, notify, shifts, warnings
from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.assembly.applications import Applications
from quanyu.assembly.calendar import edited
from quanyu.assembly.catalogue import Catalogue
from quanyu.assembly.changing import Changes
from quanyu.assembly.clock import CityClock, RealClock, SimulatedClock
from quanyu.assembly.commanding import Emergency, book_of, effects_of, thresholds_of, wire_emergency
from quanyu.assembly.core import SETTING, CoreEngine
from quanyu.assembly.files import Files
from quanyu.assembly.hub import Hub
from quanyu.assembly.joining import attribute_labels, join, reader_tables
from quanyu.assembly.law import LawBook
from quanyu.assembly.options import Declared, Options
from quanyu.assembly.owner import Lock
from quanyu.assembly.packs import load_calendar, load_city, load_packs, packs_of_city
from quanyu.assembly.papers import check_forms_of, papers_of
from quanyu.assembly.refold import refold
from quanyu.assembly.registers import Fetches
from quanyu.assembly.reindex import reindex
from quanyu.assembly.simulation import Position
from quanyu.assembly.tenant import opener_of
from quanyu.assembly.tenants import Tenants
from quanyu.assembly.warnings import FLOW, companion, law_of
from quanyu.engines.access.engine import AccessEngine
from quanyu.engines.access.gate import Gate
from quanyu.engines.access.role import collect, roles_of
from quanyu.engines.access.scope import Policy
from quanyu.engines.access.store import PEOPLE, grants_of
from quanyu.engines.cases.engine import CasesEngine
from quanyu.engines.changes.engine import ChangesEngine
from quanyu.engines.context.contexts import ContextsEngine
from quanyu.engines.context.engine import ContextEngine
from quanyu.engines.context.registrations import RegistrationsEngine
from quanyu.engines.history.engine import HistoryEngine
from quanyu.engines.incidents.deciding import Ground
from quanyu.engines.incidents.engine import IncidentsEngine
from quanyu.engines.indicators.engine import IndicatorsEngine
from quanyu.engines.modes.engine import ModesEngine
from quanyu.engines.notify.engine import NotifyEngine
from quanyu.engines.notify.registration_subscriptions import RegistrationSubscriptionsEngine
from quanyu.engines.notify.subscriptions import SubscriptionsEngine, keeps_before
from quanyu.engines.registers.engine import RegistersEngine
from quanyu.engines.warnings.engine import WarningsEngine
from quanyu.kernel.declare import City
from quanyu.kernel.errors import Unavailable
from quanyu.kernel.form import Forms
from quanyu.kernel.journal import Engine
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.time import OfficialCalendar
from quanyu.kernel.view import Grant

SCHEMAS = (
    context.SCHEMA,
    cases.SCHEMA,
    alike.SCHEMA,
    shifts.SCHEMA,
    access.SCHEMA,
    indicators.SCHEMA,
    notify.SCHEMA,
    notify.PARCELS_SCHEMA,
    warnings.SCHEMA,
)


def load_declared(city: str, simulated: bool) -> Declared:
    """Read city profile, calendar and packs; Invalid names file and line of what cannot be read."""
    profile = load_city(city)
    packs = packs_of_city(profile, city, load_packs())
    rows = Parameters([row for pack in packs for row in pack.parameters])
    if not simulated:
        # A value that only stands in for an unknown law is none in a city that lives.
        rows = Parameters(row for row in rows if row.status != "simulated")
    forms = Forms(packs).with_owners(profile.registers, f"{city}/profile.toml")
    check_forms_of((flow for pack in packs for flow in pack.flows), forms)
    return Declared(
        city=profile,
        packs=packs,
        parameters=rows,
        calendar=load_calendar(simulated),
        roles=collect(role for pack in packs for role in roles_of(pack.roles, pack.id)),
        forms=forms,
    )


def make_engines(declared: Declared, grants: Callable[[str], Sequence[Grant]], allow_private: bool) -> list[Engine]:
    """Return the engines of a home, the core's first."""
    packs, city = declared.packs, declared.city
    units = {unit["id"] for unit in city.units}
    return [
        CoreEngine(),
        ContextEngine(keeps_before),
        ContextsEngine(),
        RegistrationsEngine(),
        HistoryEngine(),
        RegistersEngine(declared.forms),
        AccessEngine(declared.roles, units, {district["code"] for district in city.districts}),
        CasesEngine(
            [flow for pack in packs for flow in pack.flows],
            declared.parameters,
            declared.calendar,
            grants,
            units,
            city.code,
            city.receivers,
            {code: unit for pack in packs for code, unit in pack.leads.items()},
            territory_of(city),
            copies_of(city),
            papers_of(declared.forms),
        ),
        ChangesEngine(),
        ModesEngine({str(district["code"]) for district in city.districts}),
        IncidentsEngine(
            Ground(
                book_of(packs),
                thresholds_of(packs),
                declared.parameters,
                declared.calendar,
                units,
                city.code,
                lambda id: None,
            )
        ),
        IndicatorsEngine(each for pack in packs for each in pack.indicators),
        NotifyEngine(allow_private),
        SubscriptionsEngine(allow_private),
        RegistrationSubscriptionsEngine(allow_private),
        WarningsEngine(law_of(packs, city)),
    ]


def territory_of(city: City) -> dict[str, str]:
    """Return which office answers for a place where nobody else does: by district, and by sub-district where there is one.

    The id of a sub-district's office ends with the nine digits of its code.
    """
    territory = {str(unit["district"]): str(unit["id"]) for unit in city.units if unit["kind"] == "district"}
    streets = (str(unit["id"]) for unit in city.units if unit["kind"] == "subdistrict")
    return territory | {unit.rpartition(".")[2]: unit for unit in streets}


def owners_of(forms: Forms) -> dict[str, str]:
    """Return the unit that keeps each register."""
    return {id: register.owner for id, register in forms.registers.items()}


def copies_of(city: City) -> dict[str, str]:
    """Return the district's own office for every sub-district: it gets a copy of what is sent there (rules.md B5)."""
    districts = {unit["district"]: unit["id"] for unit in city.units if unit["kind"] == "district"}
    streets = [unit for unit in city.units if unit["kind"] == "subdistrict"]
    return {unit["id"]: districts[unit["district"]] for unit in streets if unit["district"] in districts}


log = structlog.get_logger()
DEFAULTS = Options()


def open_hub(home: Path, options: Options = DEFAULTS, lock: bool = True) -> Hub:
    """Open a home for work; its readers run after `hub.start()`. Conflict when another process owns it."""
    held = Lock(home) if lock else None
    try:
        return _open(home, options, held)
    except BaseException:
        if held is not None:
            held.release()
        raise


def _open(home: Path, options: Options, held: Lock | None) -> Hub:
    home.mkdir(parents=True, exist_ok=True)
    declared = load_declared(options.city, options.demo)
    hub_box: list[Hub] = []
    emergency = Emergency(effects_of(declared.packs), lambda: hub_box[0].clock.now())  # noqa: PLW0108

    def grants(actor: str) -> Sequence[Grant]:
        """Return an actor's grants as the writer sees them at this moment."""
        if options.open and actor == "person:open":
            return [Grant(role) for role in declared.roles]
        row = hub_box[0].writer.state.get(PEOPLE, actor)
        return emergency.widen_inside(grants_of(row[5])) if row is not None else ()

    engines = make_engines(declared, grants, options.allow_private)
    tables = [table for engine in engines for table in engine.tables]
    store = SqliteStore(home / "quanyu.db", [*tables, *reader_tables()], SCHEMAS)
    reindex(store)
    calendar = edited(declared.calendar, store)
    book = LawBook(declared.packs, declared.parameters, declared.city, store)
    declared = msgspec.structs.replace(declared, parameters=book.law.parameters)
    _govern(engines, book, calendar)
    policy = make_policy(declared)
    gate = Gate(policy, None, options.open, owners_of(declared.forms))
    hub = Hub(
        home,
        store,
        engines,
        _clock(store, options),
        chance=random.SystemRandom(),
        gate=gate,
        reader_tables=reader_tables(),
    )
    hub_box.append(hub)
    hub.emergency = emergency
    wire_emergency(emergency, hub.writer.state, engines, gate)
    hub.lock = held
    hub.engines = engines
    for engine in engines:
        if isinstance(engine, CasesEngine):
            refold(hub, store, engine)
    hub.declare(declared.city, declared.packs, declared.parameters, calendar)
    hub.forms, hub.fetches = declared.forms, Fetches(hub)
    hub.applications = Applications(hub)
    hub.files = Files(home)
    hub.catalogue = Catalogue(declared.city, declared.packs, book)
    hub.changes = Changes(hub, book, attribute_labels(declared.packs))
    hub.simulated = options.demo
    hub.seed = options.seed if options.demo else None
    join(hub, store, declared, policy, options, book)
    hub.tenants = Tenants(
        home,
        opener_of(hub, policy, options),
        creates=options.open or options.makes_tenants,
        tells=notify.holds_subscriptions,
    )
    hub.body_bytes_max = options.body_bytes_max
    hub.temporal_page = options.temporal_page
    _begin(hub)
    return hub


def _begin(hub: Hub) -> None:
    try:
        define_flows(hub)
    except Unavailable as error:
        # The home opens for reading and for `accept-time`; whoever writes is told the same.
        if error.code != "clock.back":
            raise
        log.warning("home opens without writing", reason=error.message)


def _govern(engines: Sequence[Engine], book: LawBook, calendar: OfficialCalendar) -> None:
    """Let the engines decide by what is in force in this home: the calendar's edits and the city's releases."""
    for engine in engines:
        if isinstance(engine, CasesEngine):
            engine.renew(calendar=calendar, parameters=book.law.parameters, flows=book.law.flows)
            engine.office.companions[FLOW] = companion
        elif isinstance(engine, IncidentsEngine):
            engine.renew(calendar=calendar, parameters=book.law.parameters)
        elif isinstance(engine, ChangesEngine):
            engine.checks = book.checks


def make_policy(declared: Declared) -> Policy:
    """Return who may do what, with the districts of units and the personal attributes of types."""
    personal = {row.attribute for pack in declared.packs for row in pack.types if row.personal not in ("", "none")}
    return Policy(declared.roles, {unit["id"]: unit["district"] for unit in declared.city.units}, personal)


def _clock(store: SqliteStore, options: Options) -> CityClock:
    if not options.demo:
        return RealClock()
    row = store.fetch(SETTING, "simulation")
    at = msgspec.convert(msgspec.msgpack.decode(row[1]), Position).at if row else 0
    # People act between two steps: the city's time never resumes before what they did.
    return SimulatedClock(max(at, store.head().at), options.speed)


def define_flows(hub: Hub) -> None:
    """Keep the definitions of flows in the journal; what stands there already makes no record."""
    for engine in hub.engines:
        if isinstance(engine, CasesEngine):
            hub.commit_blocking(engine.definitions(), "system:assembly")
