"""A small city behind its HTTP face: the real hub and engines on a fresh home, people of each kind, two cases."""

from __future__ import annotations

import asyncio
import random
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
from starlette.applications import Starlette

from quanyu.adapters.lake.store import LakeStore
from quanyu.adapters.sqlite import access as sqlite_access
from quanyu.adapters.sqlite import alike as sqlite_alike
from quanyu.adapters.sqlite import cases as sqlite_cases
from quanyu.adapters.sqlite import context as sqlite_context
from quanyu.adapters.sqlite import notify as sqlite_notify
from quanyu.adapters.sqlite import shifts as sqlite_shifts
from quanyu.adapters.sqlite import warnings as sqlite_warnings
from quanyu.adapters.sqlite.contexts import SqliteContexts
from quanyu.adapters.sqlite.history import SqliteHistory
from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.assembly.changing import Changes
from quanyu.assembly.commanding import Emergency, book_of, effects_of, join_incidents, thresholds_of
from quanyu.assembly.contexts import Contexts
from quanyu.assembly.core import CoreEngine
from quanyu.assembly.files import Files
from quanyu.assembly.hub import Hub
from quanyu.assembly.law import LawBook
from quanyu.assembly.packs import load_packs
from quanyu.assembly.subscribing import subscribe
from quanyu.assembly.vault import unseal
from quanyu.assembly.warnings import Warnings, law_of
from quanyu.domains.governance import grid
from quanyu.engines.access.engine import AccessEngine
from quanyu.engines.access.gate import Gate
from quanyu.engines.access.role import collect, roles_of
from quanyu.engines.access.scope import Policy
from quanyu.engines.access.secret import digest_of
from quanyu.engines.access.view import AccessView
from quanyu.engines.cases.alike.reader import AlikeReader
from quanyu.engines.cases.alike.view import AlikeView
from quanyu.engines.cases.office import Office
from quanyu.engines.cases.shift_view import ShiftsView
from quanyu.engines.cases.views import CasesView
from quanyu.engines.changes.engine import ChangesEngine
from quanyu.engines.context.contexts import ContextsEngine, ContextsView
from quanyu.engines.context.engine import ContextEngine
from quanyu.engines.context.registered import RegistrationsView
from quanyu.engines.context.registrations import RegistrationsEngine
from quanyu.engines.context.view import ContextView
from quanyu.engines.history.engine import HistoryEngine, HistoryReader
from quanyu.engines.history.temporal import TemporalView
from quanyu.engines.incidents.deciding import Ground
from quanyu.engines.incidents.engine import IncidentsEngine
from quanyu.engines.modes.engine import ModesEngine
from quanyu.engines.notify.engine import NotifyEngine
from quanyu.engines.notify.reader import NotifyReader
from quanyu.engines.notify.registration_subscriptions import RegistrationSubscriptionsEngine
from quanyu.engines.notify.store import Answer
from quanyu.engines.notify.subscriptions import SubscriptionsEngine, keeps_before
from quanyu.engines.notify.subscriptions_reader import SubscriptionsReader
from quanyu.engines.notify.view import NotifyView
from quanyu.engines.warnings.engine import WarningsEngine
from quanyu.faces import http
from quanyu.kernel.declare import City
from quanyu.kernel.errors import Unavailable
from quanyu.kernel.flow import flow_document, flow_hash
from quanyu.kernel.journal import Command, Engine, Instant, Row, Table
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.view import Series, Views
from tests.engines.casework import UNITS, inspect_source, make_engine, plain_flow, repair_flow
from tests.engines.dispatching import HandCarrier
from tests.hubs import MORNING, HandClock

FLOWS = [inspect_source(), plain_flow(), repair_flow()]
MACHINE = 1_780_000_000_000_000
STATION = "urn:ngsi-ld:AirQualityObserved:dongsi"
TOKENS = {
    name: f"qy_test-token-of-{name}"
    for name in ("admin", "chief", "engineer", "duty", "handler", "street", "nobody", "clerk")
}
GRANTS: dict[str, list[tuple[str, str | None]]] = {
    "admin": [("administrator", None)],
    "chief": [("chief", "centre")],
    "engineer": [("engineer", None)],
    "duty": [("duty", "centre")],
    "clerk": [("clerk", "centre")],
    "handler": [("handler", "ecology.enforcement")],
    "street": [("handler", "streets.chaoyang")],
    "nobody": [],
}
BEIJING = City(
    code="110000",
    name={"zh": "北京市", "en": "Beijing"},
    zone="Asia/Shanghai",
    centre=(116.41, 39.91),
    box=(115.41, 39.44, 117.51, 41.06),
    districts=({"code": "110105", "name": {"zh": "朝阳区", "en": "Chaoyang"}, "centre": (116.51, 39.95)},),
    units=tuple({"id": unit, "name": {"zh": unit, "en": unit}, "kind": "ecology"} for unit in sorted(UNITS)),
)


class StillHistory:
    """A history that holds one series."""

    def series(self, entity: str, attribute: str, start: Instant, end: Instant, limit: int = 0) -> Series:
        at = [MORNING - 2_000_000, MORNING - 1_000_000]
        return Series(entity, attribute, at, [1.5, float("nan")], "GQ", "measured")

    def buckets(
        self, entities: Sequence[str], attribute: str, start: Instant, end: Instant, width_us: int, fold: str = "mean"
    ) -> list[Series]:
        return [Series(entity, attribute, [start], [None]) for entity in entities]

    def fold(self, *_: Any) -> dict[str, tuple[float, int]]:
        return {}


class StillIndicators:
    """One indicator."""

    PM25: Mapping[str, Any] = {
        "name": "pm25_day_mean", "title": {"zh": "日均", "en": "Daily mean"}, "value": 41.0, "at": MORNING,
        "trend": [[MORNING, 41.0]], "vital": 1,
    }  # fmt: skip

    def current(self) -> list[dict[str, Any]]:
        return [dict(self.PM25)]

    def find(self, id: str) -> dict[str, Any] | None:
        return dict(self.PM25) if id == "pm25_day_mean" else None


class Declared:
    """What packs declare, in the shapes of the API."""

    def types(self) -> list[dict[str, Any]]:
        attributes = [
            {"name": "pm25", "unit": "GQ", "unit_symbol": "µg/m³", "title": {"zh": "", "en": ""}, "kind": "p"}
        ]
        return [{"type": "AirQualityObserved", "title": {"zh": "站", "en": "Station"}, "attributes": attributes}]

    def layers(self) -> list[dict[str, Any]]:
        return [{"id": "air_pm25", "type": "AirQualityObserved"}]

    def flows(self) -> list[dict[str, Any]]:
        return [{**flow_document(each), "hash": flow_hash(each), "pack": "test"} for each in FLOWS]

    def picture(self, digest: str) -> None:
        return None

    def rules(self) -> list[dict[str, Any]]:
        return [{"name": "heavy_particles"}]

    def in_force(self, parameter: str, at: int) -> dict[str, Any] | None:
        return {"value": "10 minutes"} if parameter == "bulk_undo_limit" else None

    def parameters(self) -> list[dict[str, Any]]:
        return [{"id": "inspect_limit"}]

    def services(self) -> dict[str, Any]:
        words: dict[str, Any] = {
            "title": {"zh": "排查", "en": "Inspect"},
            "what": {"zh": "", "en": ""},
            "life": "firm",
            "parts": [],
        }
        one = words | {"id": "inspect", "stage": "firm_entry", "flow": "inspect_source", "fields": []}
        other = words | {"id": "named_only", "stage": "firm_exit", "flow": None, "fields": []}
        return {"lives": {}, "stages": [], "services": [one, other]}

    def outlines(self) -> dict[str, Any]:
        return {"type": "FeatureCollection", "features": [], "source": "test"}


class NoWeb:
    """A network without contexts."""

    def fetch(self, url: str) -> Any:
        raise Unavailable(f"Context {url} cannot be fetched.", code="context.unavailable", where="@context")

    def at_hand(self, url: str) -> Any:
        return None

    def reload(self, url: str) -> None:
        self.fetch(url)

    def forget(self, url: str) -> bool:
        return False

    def kept(self) -> Mapping[str, Any]:
        return {}


class StoreRows:
    """A reader's rows as they stand."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    def rows(self, table: Table) -> Iterator[Row]:
        return iter(list(self._store.rows(table)))


def views_of(hub: Any, store: SqliteStore, access: AccessView, clock: HandClock, office: Office) -> Views:
    """What may be read of the small city."""
    view = CasesView(sqlite_cases.SqliteCases(store.connection, hub.upcast), access.grants, clock.now, office)
    return Views(
        ContextView(sqlite_context.SqliteContext(store.connection)),
        StillHistory(),
        view,
        StillIndicators(),
        AlikeView(
            sqlite_alike.SqliteAlike(store.connection), view, Parameters(), clock.now, zone="Asia/Shanghai",
            jurisdiction="CN",
        ),
    )  # fmt: skip


@contextmanager
def city_hub(home: Path, *, local: bool = False) -> Iterator[Any]:
    """A hub with access, cases and notify, wired as assembly does it."""
    roles = collect(roles_of(tomllib.loads((Path(grid.__path__[0]) / "roles.toml").read_text("utf-8")), "roles.toml"))
    policy = Policy(roles, dict.fromkeys(UNITS), personal=("phone",))
    cases = make_engine(FLOWS, territory={"110105": "streets.chaoyang"})
    changing = ChangesEngine()
    engines: list[Engine] = [
        CoreEngine(), ContextEngine(keeps_before), ContextsEngine(), RegistrationsEngine(), HistoryEngine(),
        AccessEngine(roles, UNITS, ("110105",)), cases, NotifyEngine(), SubscriptionsEngine(allow_private=True),
        RegistrationSubscriptionsEngine(allow_private=True), changing, ModesEngine(("110105",)),
        IncidentsEngine(Ground(book_of(load_packs()), thresholds_of(load_packs()), Parameters(), cases.office.calendar, UNITS,
                               "110000", lambda id: None)),
        WarningsEngine(law_of((), BEIJING)),
    ]  # fmt: skip
    own = [*HistoryReader.tables, *NotifyReader.tables, *SubscriptionsReader.tables, *AlikeReader.tables]
    tables = [*(table for engine in engines for table in engine.tables), *own]
    schemas = [module.SCHEMA for module in (sqlite_context, sqlite_access, sqlite_cases, sqlite_notify)]
    schemas += [sqlite_notify.PARCELS_SCHEMA, sqlite_alike.SCHEMA, sqlite_warnings.SCHEMA]
    store = SqliteStore(home / "quanyu.db", tables, schemas)
    clock = HandClock()

    def reveal(reference: str) -> dict[str, str] | None:
        sql = "SELECT key, sealed FROM personal JOIN person_key USING (person) WHERE reference = ?"
        row = store.connection().execute(sql, (reference,)).fetchone()
        return unseal(row[0], reference, row[1]) if row else None

    access = AccessView(sqlite_access.SqliteAccess(store.connection), policy, reveal, local)
    cases.office.grants = access.grants
    machine = HandClock(MACHINE)
    hub: Any = Hub(
        home, store, engines, clock, machine=machine.now, chance=random.Random(1), gate=Gate(policy, open=local),
        reader_tables=own,
    )  # fmt: skip
    hub.machine_clock = machine
    hub.engines, hub.emergency = engines, Emergency(effects_of(load_packs()), clock.now)
    hub.attach(NotifyReader(StoreRows(store), reveal, lambda *_: Answer(204), machine.now, threads=False))
    hub.city, hub.access, hub.catalogue, hub.files = BEIJING, access, Declared(), Files(home)
    hub.contexts = Contexts(ContextsView(SqliteContexts(store.connection)), NoWeb(), machine.now)
    hub.registrations, hub.packs = RegistrationsView(store, clock.now), ()
    hub.changes = changes_of(hub, store, changing)
    hub.simulated, hub.seed, hub.webhooks = True, 7, NotifyView(sqlite_notify.SqliteNotify(store.connection))
    hub.views = views_of(hub, store, access, clock, cases.office)
    join_incidents(hub, store, load_packs())
    hub.warnings = Warnings(hub, store)
    hub.history = HistoryReader(
        LakeStore(home / "lake"), StoreRows(store), lambda after: hub.journal_read(after, 100_000, HistoryReader.wants)
    )
    hub.shifts = ShiftsView(
        sqlite_shifts.SqliteShifts(store.connection), hub.views.cases, hub.journal_read, lambda: hub.last_seq,
        clock.now, BEIJING.zone, lambda: ["the source teller is stale"],
    )  # fmt: skip
    hub.temporal = TemporalView(hub.history, SqliteHistory(store.connection, hub.upcast), hub.views.entities)
    hub.carrier = HandCarrier()
    subscribe(hub, store, hub.carrier, reveal, access)
    hub.start()
    settle(hub)
    try:
        yield hub
    finally:
        hub.close()


def changes_of(hub: Any, store: SqliteStore, engine: ChangesEngine) -> Changes:
    """Changes over the rules of the air pack; nothing here goes by what is released."""
    air = [pack for pack in load_packs() if pack.id == "green/air"]
    book = LawBook(air, Parameters(row for pack in air for row in pack.parameters), BEIJING, store)
    engine.checks = book.checks
    return Changes(hub, book, {})


def settle(hub: Any) -> None:
    """Let in the people, one station and two cases: of the enforcement unit and of nobody yet."""
    commands: list[Command] = []
    for name, held in GRANTS.items():
        person = f"person:{name}"
        commands.append(Command("person.put", person, {"name": f"姓名 {name}"}))
        commands += [Command("role.grant", person, {"role": role, "unit": unit}) for role, unit in held]
        commands.append(Command("token.issue", person, {"digest": digest_of(TOKENS[name]), "title": "test"}))
    commands.append(
        Command(
            "entity.create",
            STATION,
            {
                "type": "AirQualityObserved",
                "name": "东四",
                "pm25": 12,
                "phone": "13800000000",
                "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [116.41, 39.93]}},
            },
        )
    )
    hub.commit_blocking(commands, "system:test")


class Knock:
    """Asks the face as a named person, with an event loop of its own."""

    def __init__(self, hub: Any) -> None:
        self.hub = hub
        self.loop = asyncio.new_event_loop()
        self.app = http.before(hub, Starlette(routes=list(http.routes(hub)), middleware=list(http.middleware(hub))))
        transport = httpx.ASGITransport(self.app, client=("127.0.0.1", 5000), raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")

    def __call__(
        self, method: str, path: str, who: str | None = None, *, headers: Mapping[str, str] | None = None, **rest: Any
    ) -> httpx.Response:
        given = dict(headers or {})
        if who is not None:
            given["Authorization"] = f"Bearer {TOKENS[who]}"
        return self.loop.run_until_complete(self.client.request(method, path, headers=given, **rest))

    def json(self, method: str, path: str, who: str | None = None, **rest: Any) -> Any:
        response = self(method, path, who, **rest)
        assert response.status_code < 300, response.text
        return msgspec.json.decode(response.content)

    def problem(self, status: int, method: str, path: str, who: str | None = None, **rest: Any) -> dict[str, Any]:
        response = self(method, path, who, **rest)
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == "application/problem+json"
        found: dict[str, Any] = msgspec.json.decode(response.content)
        assert found["status"] == status
        assert found["error_id"]
        return found

    def close(self) -> None:
        self.loop.run_until_complete(self.client.aclose())
        self.loop.close()


@contextmanager
def knocking(home: Path, *, local: bool = False) -> Iterator[Knock]:
    home.mkdir(parents=True, exist_ok=True)
    with city_hub(home, local=local) as hub:
        knock = Knock(hub)
        try:
            yield knock
        finally:
            knock.close()


def ids(items: Iterable[Mapping[str, Any]]) -> list[Any]:
    return [each["id"] for each in items]
