"""A hub that tells: entities and subscriptions on a fresh home, a carrier that tests answer for, clocks that they move."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from quanyu.adapters.sqlite import context as sqlite_context
from quanyu.adapters.sqlite.notify import PARCELS_SCHEMA
from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.assembly.core import CoreEngine
from quanyu.assembly.hub import Hub
from quanyu.assembly.joining import reveal_of
from quanyu.assembly.subscribing import subscribe
from quanyu.engines.context.engine import ContextEngine
from quanyu.engines.context.registered import RegistrationsView
from quanyu.engines.context.registrations import RegistrationsEngine
from quanyu.engines.context.view import ContextView
from quanyu.engines.notify.registration_subscriptions import RegistrationSubscriptionsEngine
from quanyu.engines.notify.subscriptions import SubscriptionsEngine, keeps_before
from quanyu.engines.notify.subscriptions_reader import SubscriptionsReader
from quanyu.kernel.errors import Unavailable
from quanyu.kernel.journal import Command
from quanyu.kernel.ngsi.context import CORE, Context, resolve
from quanyu.kernel.ngsi.core import CORE_URL
from quanyu.kernel.ngsi.subscription import read_subscription
from quanyu.kernel.view import EVERYTHING, Filter, Views
from tests.engines.dispatching import HandCarrier
from tests.hubs import HandClock

MACHINE = 1_780_000_000_000_000
OWN_URL = "http://contexts.example.org/city.jsonld"
OWN = resolve({"Haus": "https://city.example/Building", "Name": "https://city.example/name"}, lambda url: {})
URI = "http://receiver.example.org/"


class Rights:
    """What creators may see, as a test says."""

    def __init__(self) -> None:
        self.scopes: dict[str, Filter | None] = {}
        self.number = 0

    def version(self) -> int:
        return self.number

    def reach(self, actor: str, action: str, roles: Any = None) -> Filter | None:
        return self.scopes.get(actor if roles is None else f"{actor} as {','.join(roles)}", EVERYTHING)

    def set(self, actor: str, scope: Filter | None) -> None:
        self.scopes[actor] = scope
        self.number += 1


class Words:
    """Contexts by URL; a test takes them away."""

    def __init__(self) -> None:
        self.known: dict[str, Context] = {CORE_URL: CORE, OWN_URL: OWN}

    def resolve(self, url: str) -> Context:
        if url not in self.known:
            raise Unavailable(f"{url} does not answer.", code="context.unavailable")
        return self.known[url]

    at_hand = resolve


class Told:
    """The hub, and what a test does with it; the reader steps on the test's own thread."""

    def __init__(self, home: Path, threads: bool = False, tenant: str | None = None, carrier: Any = None) -> None:
        self.home, self._threads, self._tenant = home, threads, tenant
        self.rights, self.words = Rights(), Words()
        self.clock, self.machine = HandClock(), HandClock(MACHINE)
        self.carrier: Any = carrier or HandCarrier()
        self.open()

    def open(self) -> None:
        """Open the home; what was not durable is forgotten."""
        self.home.mkdir(parents=True, exist_ok=True)
        engines: list[Any] = [
            CoreEngine(), ContextEngine(keeps_before), RegistrationsEngine(), SubscriptionsEngine(True),
            RegistrationSubscriptionsEngine(True),
        ]  # fmt: skip
        own = list(SubscriptionsReader.tables)
        tables = [*(table for engine in engines for table in engine.tables), *own]
        self.store = SqliteStore(self.home / "quanyu.db", tables, [sqlite_context.SCHEMA, PARCELS_SCHEMA])
        hub: Any = Hub(
            self.home, self.store, engines, self.clock, machine=self.machine.now, chance=random.Random(1),
            reader_tables=own,
        )  # fmt: skip
        hub.engines = engines
        nothing: Any = None
        entities = ContextView(sqlite_context.SqliteContext(self.store.connection), self.clock.now)
        hub.views = Views(entities, nothing, nothing, nothing)
        hub.contexts = self.words
        hub.registrations = RegistrationsView(self.store, self.clock.now)
        self.hub: Hub = hub
        rights: Any = self.rights
        subscribe(hub, self.store, self.carrier, reveal_of(self.store), rights, tenant=self._tenant)
        if self._threads:
            hub.start()

    def kill(self) -> None:
        """End without a word, and open again."""
        self.hub.endings.clear()
        self.hub.close()
        self.carrier = HandCarrier()
        self.open()

    def commit(self, kind: str, subject: str, body: Mapping[str, Any], actor: str = "system:test") -> None:
        self.hub.commit_blocking([Command(kind, subject, dict(body))], actor)

    def subscribe(
        self, id: str = "urn:s:1", notification: Mapping[str, Any] | None = None, endpoint: Mapping[str, Any] | None = None,
        context: Context = CORE, actor: str = "person:a", roles: list[str] | None = None, **members: Any,
    ) -> None:  # fmt: skip
        wish = {
            "type": "Subscription",
            **({} if "watchedAttributes" in members else {"entities": [{"type": "Building"}]}),
            **members,
            "notification": {"endpoint": {"uri": URI, **(endpoint or {})}, **(notification or {})},
        }
        document = read_subscription(wish, context)
        url = CORE_URL if context is CORE else OWN_URL
        self.commit("subscription.create", id, {"document": document, "context": url, "roles": roles}, actor)

    def create(self, id: str = "urn:b:1", type: Any = "Building", **attributes: Any) -> None:
        self.commit("entity.create", id, {"type": type, **attributes})

    def merge(self, id: str = "urn:b:1", **attributes: Any) -> None:
        self.commit("entity.merge", id, attributes)

    def observe(self, *rows: tuple[Any, ...], mode: str = "live") -> None:
        self.commit("observe", "", {"rows": [[*row, None] for row in rows], "as": mode})

    def step(self, pass_us: int = 0) -> None:
        """Let the reader take in all there is, and write what it has to."""
        self.machine.at += pass_us
        runner = self.hub.runners["subscriptions"]
        runner.turn(self.hub.last_seq)

    def letters(self, answer: int | None = 200) -> list[Any]:
        """Step, answer what is out again and again, and return the bodies that were sent."""
        self.step()
        while answer is not None and self.carrier.out:
            self.carrier.answer_all(answer)
            self.step()
        found = [json.loads(letter.body) for letter in self.carrier.letters]
        self.carrier.letters.clear()
        return found

    def told(self) -> list[Any]:
        """Return the entities that were told of, in order."""
        return [item for body in self.letters() for item in body["data"]]

    def silence(self) -> None:
        """Forget what was told so far."""
        self.letters()


@contextmanager
def telling(home: Path, threads: bool = False, tenant: str | None = None, carrier: Any = None) -> Iterator[Told]:
    told = Told(home, threads, tenant, carrier)
    try:
        yield told
    finally:
        told.hub.close()
