"""A small city for tests of packs: the grid pack's cases on a fresh home, driven tick by tick."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from quanyu.adapters.sqlite import cases as sqlite_cases
from quanyu.adapters.sqlite import context as sqlite_context
from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.assembly.core import CoreEngine
from quanyu.assembly.hub import Hub
from quanyu.assembly.opening import copies_of, load_declared, territory_of
from quanyu.engines.cases.engine import CasesEngine
from quanyu.engines.cases.timing import CaseTimers
from quanyu.engines.cases.views import CasesView
from quanyu.engines.context.engine import ContextEngine
from quanyu.engines.history.engine import HistoryEngine
from quanyu.engines.rules.recurring import RecurrencesReader
from quanyu.kernel.crew import CREW_GRANTS, CREWS
from quanyu.kernel.declare import City, Simulation, Tick
from quanyu.kernel.journal import Command, Engine
from quanyu.kernel.view import Grant, Views
from tests.hubs import MORNING, HandClock

MINUTE_US = 60_000_000
STEP_US = 10 * MINUTE_US


def grants(actor: str) -> Sequence[Grant]:
    return CREW_GRANTS if actor == CREWS.actor else ()


class MiniCity:
    """Steps simulations like the demo does; `refused` keeps what the engines did not take."""

    def __init__(self, hub: Hub, clock: HandClock, cases: CasesView, city: City, seed: int) -> None:
        self.hub, self.clock, self.cases, self.city, self.seed = hub, clock, cases, city, seed
        self.number = 0
        self.refused: list[tuple[Command, Exception]] = []
        self.views = cast(Any, Views)(entities=None, history=None, cases=cases, indicators=None)

    def tick(self) -> Tick:
        return Tick(self.seed, self.number, self.clock.at, STEP_US, self.city, random.Random(0), self.views)

    def found(self, simulations: Sequence[Simulation]) -> None:
        """Make the entities of the simulations, as the demo does once."""
        commands = [command for each in simulations if each.found for command in each.found(self.city, self.seed)]
        self.hub.commit_blocking(commands, "simulation:city")
        self.hub.settled_blocking()

    def step(self, simulations: Sequence[Simulation]) -> list[Command]:
        self.number += 1
        self.clock.at += STEP_US
        commands = [command for each in simulations for command in each.step(self.tick())]
        receipt = self.hub.commit_blocking(commands, "simulation:city", atomic=False)
        for command, outcome in zip(commands, receipt.outcomes, strict=True):
            if outcome.error is not None:
                self.refused.append((command, outcome.error))
        self.hub.settled_blocking()
        return commands


@contextmanager
def mini_city(home: Path, seed: int = 7, at: int = MORNING) -> Iterator[MiniCity]:
    home.mkdir(parents=True, exist_ok=True)
    declared, clock = load_declared("beijing", True), HandClock(at)
    packs, city, parameters = declared.packs, declared.city, declared.parameters
    flows = [flow for pack in packs for flow in pack.flows]
    units = {unit["id"] for unit in city.units}
    engines: list[Engine] = [
        CoreEngine(),
        ContextEngine(),
        HistoryEngine(),
        CasesEngine(
            flows,
            parameters,
            declared.calendar,
            grants,
            units,
            city.code,
            city.receivers,
            {code: unit for pack in packs for code, unit in pack.leads.items()},
            territory_of(city),
            copies_of(city),
        ),
    ]
    tables = [*(table for engine in engines for table in engine.tables), *RecurrencesReader.tables]
    store = SqliteStore(home / "quanyu.db", tables, [sqlite_context.SCHEMA, sqlite_cases.SCHEMA])
    hub = Hub(home, store, engines, clock, chance=random.Random(seed), reader_tables=tuple(RecurrencesReader.tables))
    recurrences = [each for pack in packs for each in pack.recurrences]
    hub.attach(RecurrencesReader(recurrences, parameters, store, jurisdiction=city.code, zone=city.zone))
    rows = sqlite_cases.SqliteCases(store.connection, hub.upcast)
    hub.attach(CaseTimers(rows))
    hub.start()
    try:
        yield MiniCity(hub, clock, CasesView(rows, grants, clock.now), city, seed)
    finally:
        hub.close()
