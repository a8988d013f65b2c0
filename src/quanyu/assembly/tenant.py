"""The hub of a tenant: the engines that the NGSI-LD routes use, on a store, journal, history and chain of its own.

Packs, cases, people and the console belong to the home; who may do what in a tenant is asked of the home, too.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from quanyu.adapters.lake.store import LakeStore
from quanyu.adapters.sqlite import context
from quanyu.adapters.sqlite.notify import PARCELS_SCHEMA
from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.assembly.core import CoreEngine
from quanyu.assembly.hub import Hub
from quanyu.assembly.joining import contexts_of, registrations_of, reveal_of, temporal_of
from quanyu.assembly.options import Options
from quanyu.assembly.reindex import reindex
from quanyu.assembly.subscribing import subscribe
from quanyu.assembly.tenants import Opener
from quanyu.engines.access.gate import OPEN_ACTOR, TRUSTED, action_of
from quanyu.engines.access.scope import Policy
from quanyu.engines.context.contexts import ContextsEngine
from quanyu.engines.context.engine import ContextEngine
from quanyu.engines.context.expiry import ContextExpiry
from quanyu.engines.context.registrations import RegistrationsEngine
from quanyu.engines.context.view import ContextView
from quanyu.engines.history.engine import HistoryEngine, HistoryReader
from quanyu.engines.history.view import HistoryView
from quanyu.engines.notify.registration_subscriptions import RegistrationSubscriptionsEngine
from quanyu.engines.notify.subscriptions import SubscriptionsEngine, keeps_before
from quanyu.engines.notify.subscriptions_reader import SubscriptionsReader
from quanyu.kernel.journal import Command, Desk, Engine, Record
from quanyu.kernel.view import Views


def opener_of(home: Hub, policy: Policy, options: Options) -> Opener:
    """Return what opens the tenants of a home: on its clock, with its people and what it downloaded."""
    web = home.contexts.web

    def gate(command: Command, desk: Desk) -> None:
        actor = desk.actor
        if actor.startswith(TRUSTED) or (options.open and actor == OPEN_ACTOR):
            return
        if not policy.allows(actor, home.access.grants(actor), action_of(command), None):
            raise policy.refusal(actor, action_of(command))

    def open_tenant(folder: Path) -> Hub:
        engines: list[Engine] = [
            CoreEngine(),
            ContextEngine(keeps_before),
            ContextsEngine(),
            RegistrationsEngine(),
            HistoryEngine(),
            SubscriptionsEngine(options.allow_private),
            RegistrationSubscriptionsEngine(options.allow_private),
        ]
        own = [*HistoryReader.tables, *SubscriptionsReader.tables]
        tables = [table for engine in engines for table in engine.tables]
        store = SqliteStore(folder / "quanyu.db", [*tables, *own], [context.SCHEMA, PARCELS_SCHEMA])
        reindex(store)
        hub = Hub(folder, store, engines, home.clock, chance=random.SystemRandom(), gate=gate, reader_tables=own)
        hub.engines = engines
        hub.simulated = home.simulated
        hub.contexts = contexts_of(hub, store, web)
        _join(hub, store)
        if home.carriers is not None:
            subscribe(hub, store, home.carriers, reveal_of(store), home.access, folder.name)
        hub.start()
        return hub

    return open_tenant


def _join(hub: Hub, store: SqliteStore) -> None:
    def tail(after: int) -> list[Record]:
        return hub.journal_read(after, 10_000, HistoryReader.wants)

    hub.history = HistoryReader(LakeStore(hub.home / "lake"), store, tail)
    hub.registrations = registrations_of(hub, store)
    entities = context.SqliteContext(store.connection, single=store.copying)
    hub.endings.append(entities.numbers.close)
    nothing: Any = None
    hub.views = Views(
        entities=ContextView(entities, hub.clock.now),
        history=HistoryView(hub.history),
        cases=nothing,
        indicators=nothing,
    )
    hub.temporal = temporal_of(hub, store)
    hub.attach(hub.history)
    hub.attach(ContextExpiry(entities))
