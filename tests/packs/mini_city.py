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
from quanyu.assembly.packs import load_calendar, load_city, load_packs
from quanyu.engines.cases.engine import CasesEngine
from quanyu.engines.cases.timing import CaseTimers
from quanyu.engines.cases.views import CasesView
from quanyu.engines.context.engine import ContextEngine
from quanyu.kernel.crew import CREW_GRANTS, CREWS
from quanyu.kernel.declare import City, Simulation, Tick
from quanyu.kernel.journal import Command, Engine
from quanyu.kernel.parameter import Parameters
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
    packs, city, clock = load_packs(), load_city("beijing"), HandClock(at)
    parameters = Parameters(row for pack in packs for row in pack.parameters)
    flows = [flow for pack in packs for flow in pack.flows]
    units = {unit["id"] for unit in city.units}
    engines: list[Engine] = [
        CoreEngine(),
        ContextEngine(),
        CasesEngine(flows, parameters, load_calendar(True), grants, units, city.code),
    ]
    tables = [table for engine in engines for table in engine.tables]
    store = SqliteStore(home / "quanyu.db", tables, [sqlite_context.SCHEMA, sqlite_cases.SCHEMA])
    hub = Hub(home, store, engines, clock, chance=random.Random(seed))
    rows = sqlite_cases.SqliteCases(store.connection, hub.upcast)
    hub.attach(CaseTimers(rows))
    hub.start()
    try:
        yield MiniCity(hub, clock, CasesView(rows, grants, clock.now), city, seed)
    finally:
        hub.close()
