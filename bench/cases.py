"""Cases: durable actions, their bytes, and lists and timers at a million open cases."""

from __future__ import annotations

import itertools
import random
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.measure import ROUNDS, Result, cpu_s, result
from quanyu.adapters.sqlite import access, cases
from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.assembly.core import CoreEngine
from quanyu.assembly.hub import Hub
from quanyu.assembly.opening import load_declared, make_policy
from quanyu.assembly.writer import Call
from quanyu.engines.access.engine import AccessEngine
from quanyu.engines.access.gate import Gate
from quanyu.engines.access.store import PEOPLE, grants_of
from quanyu.engines.cases.engine import CasesEngine
from quanyu.engines.cases.tables import DAY_CASES_MAX, id_of
from quanyu.kernel.flow import Flow, fixed, flow, no_action, not_ours, photo, planned, return_once, same_person, step
from quanyu.kernel.journal import Command, Engine
from quanyu.kernel.time import hours, minutes, working_days
from quanyu.kernel.view import Grant
from tests.hubs import HandClock

DAY = 20260302
UNITS = ("city.command", "city.supervision", "ecology.enforcement")
STREETS = ("建国路", "东四北大街", "学院路", "望京西路", "方庄路", "莲花池东路", "阜石路", "通惠河北路")
MATTERS = ("井盖破损", "路灯不亮", "占道堆物", "施工噪声扰民", "绿地裸露", "排水不畅", "护栏缺损", "油烟扰民")
PHOTO = {"sha256": "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8", "type": "image/jpeg"}
WALK: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("person:duty", "accept", {}),
    ("person:dispatcher", "dispatch", {}),
    ("person:handler", "handle", {"files": [PHOTO]}),
    ("person:dispatcher", "feedback", {"note": "已处置，请核查"}),
    ("person:checker", "check", {"fields": {"passed": True}}),
    ("person:duty", "close", {"fields": {"outcome": "fixed"}}),
)
"""Who does which step of the bench's flow, and what the step brings."""
CREW = {
    "person:duty": ("duty", "city.command"),
    "person:dispatcher": ("dispatcher", "city.command"),
    "person:handler": ("handler", "ecology.enforcement"),
    "person:checker": ("supervisor", "city.supervision"),
}


def six_steps() -> Flow:
    """Return the flow of the bench: a guard, an evidence, a clock of its own or a permission at every step."""
    return flow(
        "bench_six",
        case="grid",
        zh="六步案件",
        en="Six steps",
        roles={"lead": "ecology.enforcement", "check": "city.supervision"},
        steps=[
            step("accept", by="duty", within=minutes(30)),
            step("dispatch", by="dispatcher", within=hours(1), to="lead"),
            step("handle", by="lead", within=working_days(3), evidence=[photo(1)], may=[return_once]),
            step("feedback", by="dispatcher", within=hours(4)),
            step("check", by="check", within=working_days(2), fails="handle", unless=same_person("handle")),
            step("close", by="duty", outcome=[fixed, planned, not_ours, no_action]),
        ],
        overall=working_days(5),
        escalate="city.command",
    )


@contextmanager
def case_hub(home: Path) -> Iterator[Hub]:
    """A hub of people and cases behind the gate of the packs' roles."""
    home.mkdir(parents=True, exist_ok=True)
    declared = load_declared("beijing", simulated=False)
    boxed: list[Hub] = []

    def grants(actor: str) -> Sequence[Grant]:
        row = boxed[0].writer.state.get(PEOPLE, actor)
        return grants_of(row[5]) if row is not None else ()

    units = {*UNITS, *(unit["id"] for unit in declared.city.units)}
    engines: list[Engine] = [
        CoreEngine(),
        AccessEngine(declared.roles, units, set()),
        CasesEngine([six_steps()], declared.parameters, declared.calendar, grants, units),
    ]
    tables = [table for engine in engines for table in engine.tables]
    store = SqliteStore(home / "quanyu.db", tables, [cases.SCHEMA, access.SCHEMA])
    hub = Hub(
        home, store, engines, HandClock(), chance=random.Random(1), gate=Gate(make_policy(declared), None)
    )  # fmt: skip
    boxed.append(hub)
    hub.engines = engines
    hub.start()
    for person, (role, unit) in CREW.items():
        hub.commit_blocking(
            [
                Command("person.put", person, {"name": role, "unit": unit}),
                Command("role.grant", person, {"role": role, "unit": unit}),
            ],
            "system:bench",
        )
    try:
        yield hub
    finally:
        hub.close()


def report(number: int, chance: random.Random) -> dict[str, object]:
    """Return what a clerk takes down: a sentence, a place, a sub-class."""
    street, matter = STREETS[number % len(STREETS)], MATTERS[chance.randrange(len(MATTERS))]
    return {
        "flow": "bench_six",
        "text": f"{street}{number % 997}号门前{matter}，请尽快处理",
        "class": f"c{chance.randrange(1, 30):04d}",
        "place": {
            "lon": round(116.2 + chance.random() * 0.4, 6),
            "lat": round(39.8 + chance.random() * 0.3, 6),
            "district": f"1101{chance.randrange(1, 17):02d}",
            "grid": f"G{chance.randrange(900)}",
            "address": f"{street}{number % 997}号",
        },
    }


class Walks:
    """The work of many cases, interleaved: each turn takes another case a step on, or opens a new one."""

    def __init__(self, first: int, count: int, seed: int = 5) -> None:
        self.chance = random.Random(seed)
        self.waiting: deque[tuple[int, int]] = deque((number, 0) for number in range(first, first + count))
        self.under_way: list[tuple[int, int]] = []
        self.alive = 500

    def calls(self) -> Iterator[Call]:
        """Yield one call an action, as the faces make them: with the version that the officer saw."""
        while self.waiting or self.under_way:
            if self.waiting and len(self.under_way) < self.alive:
                number, place = self.waiting.popleft()
            else:
                at = self.chance.randrange(len(self.under_way))
                self.under_way[at], self.under_way[-1] = self.under_way[-1], self.under_way[at]
                number, place = self.under_way.pop()
            if place < len(WALK):
                self.under_way.append((number, place + 1))
            yield Call([self._command(number, place)], "person:duty" if place == 0 else WALK[place - 1][0])

    def _command(self, number: int, place: int) -> Command:
        if place == 0:
            return Command("case.open", "", report(number, self.chance))
        _, action, brings = WALK[place - 1]
        id = id_of(DAY * DAY_CASES_MAX + number)
        return Command("case.act", id, {"action": action, **brings}, expects=place)


def _groups(first: int, count: int, size: int, seed: int) -> list[list[Call]]:
    calls = Walks(first, count, seed).calls()
    # Two acts on one case may meet in a group, as they do when people are quick: the second sees the first.
    return [list(group) for group in iter(lambda: list(itertools.islice(calls, size)), [])]


def _process(hub: Hub, groups: list[list[Call]]) -> None:
    clock = hub.clock
    assert isinstance(clock, HandClock)
    for group in groups:
        clock.at += 20_000
        results, _ = hub.writer.process(group)
        for each in results:
            assert not isinstance(each, Exception), each


def actions() -> Iterator[Result]:
    """[cases.actions], [cases.actions_1000], [cases.bytes]: a case walks six steps to its outcome, guards included."""
    with tempfile.TemporaryDirectory() as name, case_hub(Path(name)) as hub:
        database = Path(name) / "quanyu.db"
        first, size = 1, 1_000
        _process(hub, _groups(first, size, 100, 1))
        first += size
        for group, bench, goal in ((100, "cases.actions", 10_000), (1000, "cases.actions_1000", 18_000)):
            spent = []
            for turn in range(ROUNDS):
                work = _groups(first, size, group, turn)
                first += size
                spent.append(cpu_s(lambda: _process(hub, work)) / sum(map(len, work)))  # noqa: B023
            each = sorted(spent)[len(spent) // 2]
            yield result(
                bench, 1 / each, "actions/s", "higher", "none", f"{each * 1e6:.1f} µs CPU an action", goal
            )  # fmt: skip
        hub.store.sync()  # type: ignore[attr-defined]
        before = database.stat().st_size
        closed = 20_000
        _process(hub, _groups(first, closed, 1000, 77))
        hub.store.sync()  # type: ignore[attr-defined]
        grown = (database.stat().st_size - before) / closed
        yield result("cases.bytes", grown, "bytes", "lower", "own table-driven kernel without journal: 841",
                     f"{closed:,} cases of six steps, journal and search included", 1500)  # fmt: skip
