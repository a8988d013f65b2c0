"""Cases: durable actions, their bytes, and lists and timers at a million open cases."""

from __future__ import annotations

import itertools
import random
import statistics
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import apsw

from bench.measure import ROUNDS, Result, cpu_s, interleaved, result
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
from quanyu.engines.cases.timing import CaseTimers
from quanyu.engines.cases.views import CasesView
from quanyu.kernel.errors import Missing
from quanyu.kernel.flow import Flow, fixed, flow, no_action, not_ours, photo, planned, return_once, same_person, step
from quanyu.kernel.journal import Command, Engine
from quanyu.kernel.time import hours, minutes, working_days
from quanyu.kernel.view import CaseQuery, Filter, Grant
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


def _six_user_tasks() -> str:
    """Return the same six steps for the peer."""
    names = [action for _, action, _ in WALK]
    places = ["start", *names, "end"]
    flows = "".join(
        f'<sequenceFlow id="f{n}" sourceRef="{source}" targetRef="{target}"/>'
        for n, (source, target) in enumerate(itertools.pairwise(places))
    )
    tasks = "".join(f'<userTask id="{name}" name="{name}"/>' for name in names)
    return (
        '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="bench">'
        f'<process id="six" isExecutable="true"><startEvent id="start"/>{tasks}<endEvent id="end"/>{flows}</process>'
        "</definitions>"
    )


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
    # What lags belongs to the work: rows that wait are written as they are at rest.
    hub.writer.process(())


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
            each = statistics.median(spent)
            yield result(bench, 1 / each, "actions/s", "higher", "none", f"{each * 1e6:.1f} µs CPU an action", goal)
        hub.store.sync()  # type: ignore[attr-defined]
        before = database.stat().st_size
        closed = 20_000
        _process(hub, _groups(first, closed, 1000, 77))
        hub.store.sync()  # type: ignore[attr-defined]
        grown = (database.stat().st_size - before) / closed
        yield result("cases.bytes", grown, "bytes", "lower", "own table-driven kernel without journal: 841",
                     f"{closed:,} closed cases of six steps, journal and search included", 1500)  # fmt: skip


class Spiff:
    """The peer: load the workflow's JSON from SQLite, do a task, save it; commits shared by as many steps as ours."""

    def __init__(self, database: Path) -> None:
        try:
            from SpiffWorkflow.bpmn.parser import BpmnParser
            from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
            from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
            from SpiffWorkflow.util.task import TaskState
        except ImportError as error:
            raise Missing(
                "SpiffWorkflow is not installed.",
                code="bench.peer",
                where="cases.vs_spiff",
                remedy="Run make setup: it is among the packages for development.",
            ) from error
        self.ready = TaskState.READY
        self.workflow = BpmnWorkflow
        self.serializer = BpmnWorkflowSerializer()
        parser = BpmnParser()
        parser.add_bpmn_str(_six_user_tasks().encode())
        self.spec = parser.get_spec("six")
        self.db = apsw.Connection(str(database))
        self.db.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000")
        self.db.execute("CREATE TABLE instance (id INTEGER PRIMARY KEY, doc TEXT)")

    def run(self, first: int, count: int) -> None:
        """Walk so many instances to their end, a step each in turn."""
        steps = [(place, number) for place in range(len(WALK) + 1) for number in range(first, first + count)]
        for start in range(0, len(steps), 100):
            self.db.execute("BEGIN IMMEDIATE")
            for place, number in steps[start : start + 100]:
                self._step(place, number)
            self.db.execute("COMMIT")

    def _step(self, place: int, number: int) -> None:
        if place == 0:
            workflow = self.workflow(self.spec)
            workflow.do_engine_steps()
        else:
            row = self.db.execute("SELECT doc FROM instance WHERE id = ?", (number,)).fetchone()
            assert row is not None
            workflow = self.serializer.deserialize_json(row[0])
            task = workflow.get_next_task(state=self.ready, manual=True)
            task.data.update({"by": WALK[place - 1][0], **WALK[place - 1][2]})
            task.run()
            workflow.do_engine_steps()
        assert workflow.is_completed() == (place == len(WALK))
        self.db.execute("REPLACE INTO instance VALUES (?, ?)", (number, self.serializer.serialize_json(workflow)))


def vs_spiff() -> Iterator[Result]:
    """[cases.vs_spiff]: cases of six steps, 100 steps a commit, against SpiffWorkflow that loads, steps and saves."""
    ours_count, peer_count = 500, 100
    with tempfile.TemporaryDirectory() as name, case_hub(Path(name) / "home") as hub:
        peer = Spiff(Path(name) / "spiff.db")
        turns = itertools.count()
        work = [_groups(1 + turn * ours_count, ours_count, 100, turn) for turn in range(ROUNDS + 1)]
        theirs = itertools.count(0, peer_count)
        mine, other = interleaved(
            lambda: _process(hub, work[next(turns)]), lambda: peer.run(next(theirs), peer_count)
        )  # fmt: skip
        mine, other = mine / ours_count, other / peer_count
        yield result("cases.vs_spiff", other / mine, "x", "higher", "SpiffWorkflow, JSON in SQLite each step",
                     f"{1 / mine:,.0f} cases/s CPU against {1 / other:,.0f}", 15)  # fmt: skip


OPEN_CASES = 1_000_000
BATCH = 1_000
SHARES = (0.55, 0.35, 0.2, 0.1, 0.05)
"""How many of the open cases have done the first, the second … step: the rest wait before it."""

DUE = 10_000


def million() -> Iterator[Result]:
    """[cases.worklist_ms], [cases.sweep_s]: a million open cases, most of them waiting at a desk of sixteen districts."""
    with tempfile.TemporaryDirectory() as name, case_hub(Path(name)) as hub:
        _fill(hub, OPEN_CASES)
        slowest, detail = _work_lists(hub)
        yield result("cases.worklist_ms", slowest, "ms", "lower", "none", detail, 10)
        took, detail = _sweep(hub)
        yield result("cases.sweep_s", took, "s", "lower", "none", detail, 1)


def _fill(hub: Hub, count: int) -> None:
    """Open cases, forty a second within one day; of each batch some have been worked on."""
    chance = random.Random(31)
    clock = hub.clock
    assert isinstance(clock, HandClock)

    def commit(calls: list[Call]) -> None:
        results, _ = hub.writer.process(calls)
        for each in results:
            assert not isinstance(each, Exception), each

    for start in range(1, count + 1, BATCH):
        numbers = range(start, min(count, start + BATCH - 1) + 1)
        clock.at += BATCH * 25_000
        commit([Call([Command("case.open", "", report(number, chance)) for number in numbers], "person:duty")])
        for (who, action, brings), share in zip(WALK, SHARES, strict=False):
            moved = numbers[: round(BATCH * share)]
            acts = [Command("case.act", id_of(DAY * DAY_CASES_MAX + n), {"action": action, **brings}) for n in moved]
            commit([Call(acts, who)])


def _work_lists(hub: Hub) -> tuple[float, str]:
    """Look at the first page and the length of the longest lists; the slowest counts."""
    rows = cases.SqliteCases(hub.store.connection, hub.upcast)  # type: ignore[attr-defined]
    viewers = {
        "a desk": (Grant("dispatcher"),),
        "a desk at its unit": (Grant("duty", "city.command"),),
        "a desk in one district": (Grant("duty", "city.command", "110105"),),
        "a unit": (Grant("handler", "ecology.enforcement"),),
    }
    query = CaseQuery(list="mine")
    spent: dict[str, float] = {}
    counts: dict[str, int] = {}
    for who, grants in viewers.items():
        view = CasesView(rows, lambda actor, held=grants: held, hub.clock.now)  # type: ignore[misc]
        scope = Filter(actor="person:bench")

        def look(view: CasesView = view, who: str = who, scope: Filter = scope) -> None:
            page = view.query(query, scope)
            counts[who] = view.count(query, scope)
            assert len(page.items) == query.limit

        look()
        spent[who] = statistics.median(cpu_s(look) for _ in range(ROUNDS)) * 1000
    detail = ", ".join(f"{who} {spent[who]:.1f} ms of {counts[who]:,}" for who in viewers)
    return max(spent.values()), f"first 50 of a role by time left, with their count: {detail}"


def _sweep(hub: Hub) -> tuple[float, str]:
    timers = CaseTimers(cases.SqliteCases(hub.store.connection, hub.upcast))  # type: ignore[attr-defined]
    fired = 0
    assert isinstance(hub.clock, HandClock)
    hub.clock.at += 3_600_000_000

    def sweep() -> None:
        nonlocal fired
        while fired < DUE:
            commands = timers.wake(hub.clock.now()).commands
            assert commands
            results, made = hub.writer.process([Call(commands, "engine:cases", None, atomic=False)])
            assert not isinstance(results[0], Exception)
            fired += len(made)

    took = cpu_s(sweep)
    return took, f"{fired:,} due timers fired, recorded and durable, 1,000 a commit"
