"""Puts the views and readers of a hub together: views first, since readers ask them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from quanyu.adapters.http.contexts import WebContexts
from quanyu.adapters.http.post import HttpPost
from quanyu.adapters.lake.store import LakeStore
from quanyu.adapters.sqlite import access, alike, cases, context, indicators, notify, shifts
from quanyu.adapters.sqlite.contexts import SqliteContexts
from quanyu.adapters.sqlite.history import SqliteHistory
from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.assembly.changing import take_up
from quanyu.assembly.clock import machine_now
from quanyu.assembly.commanding import join_incidents, recounts
from quanyu.assembly.contexts import Contexts, Web
from quanyu.assembly.core import CURSOR, PERSON_KEY, PERSONAL
from quanyu.assembly.disputes import DisputesReader
from quanyu.assembly.erasure import ErasureReader
from quanyu.assembly.hub import Hub
from quanyu.assembly.law import LawBook
from quanyu.assembly.options import Declared, Options
from quanyu.assembly.recounting import ReleaseReader
from quanyu.assembly.subscribing import Reveal, carriers_of, subscribe
from quanyu.assembly.vault import unseal
from quanyu.assembly.warnings import Warnings
from quanyu.engines.access.remembered import CHANGES, RememberedAccess
from quanyu.engines.access.scope import Policy
from quanyu.engines.access.view import AccessView
from quanyu.engines.cases.alike.reader import AlikeReader
from quanyu.engines.cases.alike.view import AlikeView
from quanyu.engines.cases.engine import CasesEngine
from quanyu.engines.cases.shift_view import ShiftsView
from quanyu.engines.cases.timing import CaseTimers
from quanyu.engines.cases.unattended import Unattended
from quanyu.engines.cases.views import CasesView
from quanyu.engines.context.contexts import ContextsView
from quanyu.engines.context.expiry import ContextExpiry
from quanyu.engines.context.registered import RegistrationsView
from quanyu.engines.context.registrations import RegistrationsEngine
from quanyu.engines.context.view import ContextView
from quanyu.engines.history.engine import HistoryReader
from quanyu.engines.history.temporal import TemporalView
from quanyu.engines.history.view import HistoryView
from quanyu.engines.indicators.reader import IndicatorsReader
from quanyu.engines.indicators.view import IndicatorsView
from quanyu.engines.modes.engine import ModesReader
from quanyu.engines.notify.reader import NotifyReader
from quanyu.engines.notify.subscriptions_reader import SubscriptionsReader
from quanyu.engines.notify.view import NotifyView
from quanyu.engines.registers.view import RegistersView
from quanyu.engines.rules.engine import RulesReader
from quanyu.engines.rules.recurring import RecurrencesReader
from quanyu.engines.rules.store import Label, Past, describe_by
from quanyu.engines.warnings.guarding import WarningTimers, edge
from quanyu.kernel.declare import Indicator
from quanyu.kernel.journal import Reader, Record, Table
from quanyu.kernel.pack import Pack
from quanyu.kernel.view import EVERYTHING, Query, Views

TAIL_BATCH = 200
WARM_PAGE = 1_000
SIMULATED_TAIL_US = 30 * 24 * 3_600_000_000


def reader_tables() -> list[Table]:
    """Return the readers' own tables."""
    kinds = (
        HistoryReader, RulesReader, RecurrencesReader, IndicatorsReader, NotifyReader, CaseTimers, AlikeReader,
        SubscriptionsReader, ReleaseReader, ModesReader,
    )  # fmt: skip
    return [table for kind in kinds for table in kind.tables]


def join(hub: Hub, store: SqliteStore, declared: Declared, policy: Policy, options: Options, book: LawBook) -> None:
    """Give the hub its views, and its readers their cursors."""
    reveal = reveal_of(store)
    hub.access = access_of(hub, store, policy, options)
    hub.webhooks = NotifyView(notify.SqliteNotify(store.connection))
    hub.contexts = contexts_of(hub, store, WebContexts(hub.home / "contexts", options.allow_private))
    hub.history = _history(hub, store, options)
    hub.views = _views(hub, store, declared)
    hub.shifts = shifts_of(hub, store)
    hub.temporal = temporal_of(hub, store)
    hub.registrations = registrations_of(hub, store)
    hub.warnings = Warnings(hub, store)
    rules = _rules(hub, store, declared, book)
    figures = IndicatorsReader(
        indicators_of(declared.packs),
        declared.parameters,
        hub.views,
        store,
        jurisdiction=declared.city.code,
        zone=declared.city.zone,
        simulated=options.demo,
    )
    recurrences = _recurrences(store, declared)
    cases_view = hub.views.cases
    assert isinstance(cases_view, CasesView)
    incidents = join_incidents(hub, store, declared.packs)
    doubles = _doubles(hub, store, declared)
    readers: list[Reader] = [
        hub.history,
        rules,
        recurrences,
        figures,
        ReleaseReader(cases_view, lambda: book.law, store, declared.city.zone),
        ModesReader(hub.emergency.outside, recounts(cases_view, lambda: book.law.parameters)),
        notices_of(hub, store, reveal, options),
        WarningTimers(hub.warnings.store, hub.warnings.watching),
        CaseTimers(cases.SqliteCases(store.connection, hub.upcast)),
        doubles,
        Unattended(cases_view),
        ContextExpiry(context.SqliteContext(store.connection)),
        DisputesReader(cases_view, hub.forms.registers, registers_of(store), _flows(declared.packs)),
        ErasureReader(hub.views.cases, hub.files, hub.views.registers),
    ]
    for reader in readers:
        hub.attach(reader)
    hub.carriers = carriers_of(options.allow_private)
    subscribe(hub, store, hub.carriers, reveal, hub.access)
    _warm(hub, rules)
    hub.changes.rules = rules
    hub.endings.append(hub.changes.replays.close)
    alike_view = hub.views.alike
    assert isinstance(alike_view, AlikeView)
    renewals = [figures.renew, recurrences.renew, doubles.renew, alike_view.renew]
    take_up(hub, book, [lambda rows: incidents.renew(parameters=rows), *renewals])


def _recurrences(store: SqliteStore, declared: Declared) -> RecurrencesReader:
    return RecurrencesReader(
        [each for pack in declared.packs for each in pack.recurrences],
        declared.parameters,
        store,
        jurisdiction=declared.city.code,
        zone=declared.city.zone,
    )


def _doubles(hub: Hub, store: SqliteStore, declared: Declared) -> AlikeReader:
    return AlikeReader(
        alike.SqliteAlike(store.connection),
        cases.SqliteCases(store.connection, hub.upcast),
        declared.parameters,
        zone=declared.city.zone,
        jurisdiction=declared.city.code,
    )


def notices_of(hub: Hub, store: SqliteStore, reveal: Reveal, options: Options) -> NotifyReader:
    """Return the reader that delivers; before every try it asks whether a warning may still go out there."""
    asks = edge(hub.warnings.store, hub.clock.now)
    return NotifyReader(store, reveal, HttpPost(options.allow_private), machine_now, edge=asks)


def registers_of(store: SqliteStore) -> RegistersView:
    """Return the view of what registers hold."""
    return RegistersView(store.fetch_shared, reveal_of(store))


def _flows(packs: Iterable[Pack]) -> set[str]:
    return {flow.name for pack in packs for flow in pack.flows}


def shifts_of(hub: Hub, store: SqliteStore) -> ShiftsView:
    """Return the view of shifts: it draws a log up from the journal as it stands."""
    cases_view = hub.views.cases
    assert isinstance(cases_view, CasesView)
    return ShiftsView(
        shifts.SqliteShifts(store.connection),
        cases_view,
        hub.journal_read,
        lambda: hub.last_seq,
        hub.clock.now,
        hub.city.zone,
        lambda: hub.health()["warnings"],
    )


def contexts_of(hub: Hub, store: SqliteStore, web: Web) -> Contexts:
    """Return the contexts of a hub; those that were downloaded are shared by a home and its tenants."""
    return Contexts(ContextsView(SqliteContexts(store.connection)), web, machine_now, hub.opened_at)


def temporal_of(hub: Hub, store: SqliteStore) -> TemporalView:
    """Return the view of how entities came to be what they are."""
    return TemporalView(hub.history, SqliteHistory(store.connection, hub.upcast), hub.views.entities)


def access_of(hub: Hub, store: SqliteStore, policy: Policy, options: Options) -> AccessView:
    """Return the view of who may, which asks the database only when somebody's rights have changed."""
    latest = hub.latest(CHANGES)
    rows = RememberedAccess(access.SqliteAccess(store.connection), reveal_of(store), lambda: latest.seq)
    return AccessView(rows, policy, rows.reveal, options.open)


def registrations_of(hub: Hub, store: SqliteStore) -> RegistrationsView:
    """Return the view of registrations, which asks the database only when one of them has changed."""
    latest = hub.latest([kind.name for kind in RegistrationsEngine.kinds])
    return RegistrationsView(store, hub.clock.now, lambda: latest.seq)


def indicators_of(packs: Iterable[Pack]) -> list[Indicator]:
    """Return all declared indicators."""
    return [each for pack in packs for each in pack.indicators]


def reveal_of(store: SqliteStore) -> Reveal:
    """Return what opens references into the vault of a hub."""

    def reveal(reference: str) -> Mapping[str, str] | None:
        row = store.fetch_shared(PERSONAL, reference)
        key = store.fetch_shared(PERSON_KEY, row[1]) if row else None
        return unseal(key[1], reference, row[2]) if row and key else None

    return reveal


def _history(hub: Hub, store: SqliteStore, options: Options) -> HistoryReader:
    def tail(after: int) -> Iterable[Record]:
        while records := hub.journal_read(after, TAIL_BATCH, HistoryReader.wants):
            yield from records
            after = records[-1].seq

    def journal_first() -> None:
        if not store.durable:
            hub.errand(store.sync)

    lake = LakeStore(hub.home / "lake", before_append=journal_first)
    # A simulated city's hour may be a second: its tail waits longer, so that files do not become many and small.
    pace = {"held_us_max": SIMULATED_TAIL_US} if options.demo else {}
    return HistoryReader(lake, store, tail, **pace)


def _views(hub: Hub, store: SqliteStore, declared: Declared) -> Views:
    office = next(engine.office for engine in hub.engines if isinstance(engine, CasesEngine))
    cases_view = CasesView(cases.SqliteCases(store.connection, hub.upcast), hub.access.grants, hub.clock.now, office)
    entities = context.SqliteContext(store.connection, single=store.copying)
    hub.endings.append(entities.numbers.close)
    return Views(
        entities=ContextView(entities, hub.clock.now),
        history=HistoryView(hub.history),
        cases=cases_view,
        indicators=IndicatorsView(
            indicators_of(declared.packs),
            indicators.SqliteIndicators(store.connection),
            cases_view,
            hub.clock.now,
            declared.city,
            measure_titles(declared.packs),
        ),
        alike=AlikeView(
            alike.SqliteAlike(store.connection),
            cases_view,
            declared.parameters,
            hub.clock.now,
            zone=declared.city.zone,
            jurisdiction=declared.city.code,
        ),
        registers=registers_of(store),
    )


def _rules(hub: Hub, store: SqliteStore, declared: Declared, book: LawBook) -> RulesReader:
    # What is released behind the cursor is taken up where it stands, when the reader comes to it.
    row = store.fetch(CURSOR, RulesReader.name)
    law = book.law_at(row[1] if row else 0)
    return RulesReader(
        law.rules,
        law.parameters,
        describe_by(hub.views.entities),
        attribute_labels(declared.packs),
        store,
        jurisdiction=declared.city.code,
        zone=declared.city.zone,
        laws=book.law_at,
        past=Past(hub.views.history, lambda kind: _ids(hub, kind)),
        stated=hub.views.entities.stated,
    )


def attribute_labels(packs: Iterable[Pack]) -> dict[tuple[str, str], Label]:
    """Return what people call the attributes of types, as the packs' tables say."""
    return {
        (row.type, row.attribute): Label(row.zh, row.en, row.unit or None)
        for pack in packs
        for row in pack.types
        if row.attribute
    }


def _warm(hub: Hub, rules: RulesReader) -> None:
    """Give a new or changed rule the memory that it would have; a reader that begins at the beginning needs none."""
    cursor = hub.runners[rules.name].cursor
    if not rules.cold or cursor == 0:
        return
    # What lies behind the cursor is known; what comes after it will be read.
    known_until = hub.store.read(cursor - 1, 1)[0].at
    ids = [id for kind in sorted({plan.rule.type for plan in rules.cold}) for id in _ids(hub, kind)]
    rules.warm(hub.views.history, ids, known_until)


def _ids(hub: Hub, kind: str) -> list[str]:
    """Return the ids of all entities of a type."""
    ids: list[str] = []
    after: str | None = ""
    while after is not None:
        page = hub.views.entities.query(Query(type=kind, limit=WARM_PAGE, after=after or None), EVERYTHING)
        ids += [document["id"] for document in page.items]
        after = page.after
    return ids


def measure_titles(packs: Iterable[Pack]) -> dict[str, Mapping[str, str]]:
    """Return what the measures of indicators are called, from the packs' strings."""
    return {
        f"measure.{name}": {
            language: pack.strings[language].get("measure", {}).get(name, name) for language in ("zh", "en")
        }
        for pack in packs
        for name in pack.strings["zh"].get("measure", {})
    }
