"""`open_hub`: lock the home, load city and packs, put engines, adapters and readers together, return a Hub."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from quanyu.adapters.http.post import HttpPost
from quanyu.adapters.lake.store import LakeStore
from quanyu.adapters.sqlite import access, cases, context, indicators, notify
from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.assembly.calendar import edited
from quanyu.assembly.catalogue import Catalogue
from quanyu.assembly.clock import CityClock, RealClock, SimulatedClock, machine_now
from quanyu.assembly.core import PERSON_KEY, PERSONAL, SETTING, CoreEngine
from quanyu.assembly.files import Files
from quanyu.assembly.hub import Hub
from quanyu.assembly.owner import Lock
from quanyu.assembly.packs import load_calendar, load_city, load_packs
from quanyu.assembly.simulation import Position
from quanyu.assembly.vault import unseal
from quanyu.engines.access.engine import AccessEngine
from quanyu.engines.access.gate import Gate
from quanyu.engines.access.role import Role, collect, roles_of
from quanyu.engines.access.scope import Policy
from quanyu.engines.access.store import PEOPLE, grants_of
from quanyu.engines.access.view import AccessView
from quanyu.engines.cases.engine import CasesEngine
from quanyu.engines.cases.timing import CaseTimers
from quanyu.engines.cases.views import CasesView
from quanyu.engines.context.engine import ContextEngine
from quanyu.engines.context.view import ContextView
from quanyu.engines.history.engine import HistoryEngine, HistoryReader
from quanyu.engines.history.view import HistoryView
from quanyu.engines.indicators.engine import IndicatorsEngine
from quanyu.engines.indicators.reader import IndicatorsReader
from quanyu.engines.indicators.view import IndicatorsView
from quanyu.engines.notify.engine import NotifyEngine
from quanyu.engines.notify.reader import NotifyReader
from quanyu.engines.notify.view import NotifyView
from quanyu.engines.rules.engine import RulesReader
from quanyu.engines.rules.store import Label, describe_by
from quanyu.kernel.declare import City
from quanyu.kernel.journal import Engine, Reader, Record, Table
from quanyu.kernel.pack import Pack
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.time import OfficialCalendar
from quanyu.kernel.view import EVERYTHING, Grant, Query, Views

SCHEMAS = (context.SCHEMA, cases.SCHEMA, access.SCHEMA, indicators.SCHEMA, notify.SCHEMA)
TAIL_BATCH = 200
WARM_PAGE = 1_000
SIMULATED_TAIL_US = 30 * 24 * 3_600_000_000


class Options(msgspec.Struct, frozen=True):
    """How a home is opened; a home that was simulated stays so."""

    city: str = "beijing"
    demo: bool = False
    open: bool = False
    speed: float = 60.0
    seed: int = 8
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

    def grants(actor: str) -> Sequence[Grant]:
        """Return an actor's grants as the writer sees them at this moment."""
        if options.open and actor == "person:open":
            return [Grant(role) for role in declared.roles]
        row = hub_box[0].writer.state.get(PEOPLE, actor)
        return grants_of(row[5]) if row is not None else ()

    engines = make_engines(declared, grants, options.allow_private)
    tables = [table for engine in engines for table in engine.tables]
    store = SqliteStore(home / "quanyu.db", [*tables, *reader_tables()], SCHEMAS)
    calendar = edited(declared.calendar, store)
    for engine in engines:
        if isinstance(engine, CasesEngine):
            engine.renew(calendar=calendar)
    policy = make_policy(declared)
    hub = Hub(
        home,
        store,
        engines,
        _clock(store, options),
        chance=random.SystemRandom(),
        gate=Gate(policy, None, options.open),
        reader_tables=reader_tables(),
    )
    hub_box.append(hub)
    hub.lock = held
    hub.engines = engines
    hub.declare(declared.city, declared.packs, declared.parameters, calendar)
    hub.files = Files(home)
    hub.catalogue = Catalogue(declared.city, declared.packs, declared.parameters)
    hub.simulated = options.demo
    hub.seed = options.seed if options.demo else None
    _join(hub, store, declared, policy, options)
    _define(hub, engines)
    return hub


def reader_tables() -> list[Table]:
    """Return the readers' own tables."""
    kinds: tuple[type[Any], ...] = (HistoryReader, RulesReader, IndicatorsReader, NotifyReader, CaseTimers)
    return [table for kind in kinds for table in kind.tables]


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


def _join(hub: Hub, store: SqliteStore, declared: Declared, policy: Policy, options: Options) -> None:
    """Put views and readers together; readers ask views, so the views come first."""
    connect = store.connection

    def reveal(reference: str) -> Mapping[str, str] | None:
        row = store.fetch_shared(PERSONAL, reference)
        key = store.fetch_shared(PERSON_KEY, row[1]) if row else None
        return unseal(key[1], reference, row[2]) if row and key else None

    def tail(after: int) -> Iterable[Record]:
        while records := hub.journal_read(after, TAIL_BATCH, {"observed", "history.struck"}):
            yield from records
            after = records[-1].seq

    hub.access = AccessView(access.SqliteAccess(connect), policy, reveal, options.open)
    cases_view = CasesView(cases.SqliteCases(connect), hub.access.grants, hub.clock.now)

    def journal_first() -> None:
        if not store.durable:
            hub.errand(store.sync)

    lake = LakeStore(hub.home / "lake", before_append=journal_first)
    history = HistoryReader(lake, store, tail, **_pace(options))
    indicator_list = [each for pack in declared.packs for each in pack.indicators]
    views = Views(
        entities=ContextView(context.SqliteContext(connect)),
        history=HistoryView(history),
        cases=cases_view,
        indicators=IndicatorsView(
            indicator_list,
            indicators.SqliteIndicators(connect),
            cases_view,
            hub.clock.now,
            declared.city,
            measure_titles(declared.packs),
        ),
    )
    hub.views = views
    hub.webhooks = NotifyView(notify.SqliteNotify(connect))
    hub.history = history
    rules = RulesReader(
        [rule for pack in declared.packs for rule in pack.rules],
        declared.parameters,
        describe_by(views.entities),
        attribute_labels(declared.packs),
        store,
        jurisdiction=declared.city.code,
        zone=declared.city.zone,
    )
    readers: list[Reader] = [
        history,
        rules,
        IndicatorsReader(
            indicator_list,
            declared.parameters,
            views,
            store,
            jurisdiction=declared.city.code,
            zone=declared.city.zone,
            simulated=options.demo,
        ),
        NotifyReader(store, reveal, HttpPost(options.allow_private), machine_now),
        CaseTimers(cases.SqliteCases(connect)),
    ]
    for reader in readers:
        hub.attach(reader)
    _warm(hub, rules, declared.packs)


def attribute_labels(packs: Iterable[Pack]) -> dict[tuple[str, str], Label]:
    """Return what people call the attributes of types, as the packs' tables say."""
    return {
        (row.type, row.attribute): Label(row.zh, row.en, row.unit or None)
        for pack in packs
        for row in pack.types
        if row.attribute
    }


def _warm(hub: Hub, rules: RulesReader, packs: Iterable[Pack]) -> None:
    """Give a new or changed rule the memory that it would have; a reader that begins at the beginning needs none."""
    if not rules.cold or hub.runners[rules.name].cursor == 0:
        return
    ids: list[str] = []
    for kind in sorted({rule.type for pack in packs for rule in pack.rules}):
        after: str | None = ""
        while after is not None:
            page = hub.views.entities.query(Query(type=kind, limit=WARM_PAGE, after=after or None), EVERYTHING)
            ids += [document["id"] for document in page.items]
            after = page.after
    rules.warm(hub.views.history, ids, hub.clock.now())


def measure_titles(packs: Iterable[Pack]) -> dict[str, Mapping[str, str]]:
    """Return what the measures of indicators are called, from the packs' strings."""
    return {
        f"measure.{name}": {
            language: pack.strings[language].get("measure", {}).get(name, name) for language in ("zh", "en")
        }
        for pack in packs
        for name in pack.strings["zh"].get("measure", {})
    }


def _pace(options: Options) -> dict[str, int]:
    """A simulated city's day may be a minute: its tail waits longer, so that files do not become many and small."""
    return {"held_us_max": SIMULATED_TAIL_US} if options.demo else {}


def _define(hub: Hub, engines: Sequence[Engine]) -> None:
    """Keep the definitions of flows in the journal; what stands there already makes no record."""
    for engine in engines:
        if isinstance(engine, CasesEngine):
            hub.commit_blocking(engine.definitions(), "system:assembly")
