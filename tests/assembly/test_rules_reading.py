"""Rules in a hub: what is observed becomes findings once, whatever is restarted in between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from quanyu.assembly.core import CoreEngine
from quanyu.engines.context.engine import ContextEngine
from quanyu.engines.rules.engine import RulesReader
from quanyu.engines.rules.store import Label
from quanyu.kernel.declare import rule
from quanyu.kernel.entity import Document, Observation, body_of, observations
from quanyu.kernel.journal import Command, Desk, Engine, Fact, Kind, Record, Row, State, Table
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.time import hours
from tests.hubs import HOUR_US, MORNING, HandClock, bare_hub, open_store

STATION = "urn:ngsi-ld:Air:1"


@rule(on="Air.x", opens="inspect", zh="过高", en="High", lasting=hours(2))
def high(x: float) -> bool:
    return x > 100


@rule(on="Air.x", opens="mend", zh="无数据", en="Silent", absent=hours(3))
def silent(x: float) -> bool:
    return True


class Finds:
    """Keeps what rules find."""

    name = "cases"
    commands = frozenset({"case.find"})
    kinds = (Kind("case.found"),)
    tables: Sequence[Table] = ()

    def decide(self, command: Command, desk: Desk) -> Iterable[Fact]:
        return [Fact("case.found", command.subject, command.body)]

    def evolve(self, record: Record, state: State) -> None:
        assert record.kind == "case.found"


class Kept:
    """The reader's rows as they stand in a home that is shut."""

    def __init__(self, home: Path) -> None:
        home.mkdir(exist_ok=True)
        engines: list[Engine] = [CoreEngine(), ContextEngine(), Finds()]
        with closing(open_store(home, engines, [reader(None)])) as store:
            self._rows = {table.name: list(store.rows(table)) for table in RulesReader.tables}

    def rows(self, table: Table) -> Iterable[Row]:
        return self._rows[table.name]


class Nothing:
    def rows(self, table: Table) -> Iterable[Row]:
        return []


def describe(ids: Sequence[str]) -> Mapping[str, Document]:
    return {id: {"id": id, "type": "Air"} for id in ids}


def reader(home: Path | None) -> RulesReader:
    state = Nothing() if home is None else Kept(home)
    labels = {("Air", "x"): Label("浓度", "Level")}
    return RulesReader([high, silent], Parameters(), describe, labels, state, jurisdiction="CN", zone="Asia/Shanghai")


def test_findings_are_made_once_across_restarts(tmp_path: Path) -> None:
    clock = HandClock()
    for hour, value in enumerate([150.0, 160.0, 170.0, 90.0, 80.0]):
        with bare_hub(tmp_path, clock, [reader(tmp_path)], [Finds()]) as hub:
            clock.at = MORNING + hour * HOUR_US
            if hour == 0:
                hub.commit_blocking([Command("entity.create", STATION, {"type": "Air"})], "person:1")
            batch = observations([Observation(STATION, "x", clock.at, value)])
            hub.commit_blocking([Command("observe", "s", body_of(batch), "measured")], "person:1")
            hub.settled_blocking()
    with bare_hub(tmp_path, clock, [reader(tmp_path)], [Finds()]) as hub:
        clock.at = MORNING + 7 * HOUR_US
        hub.settled_blocking()
        found = [record for record in hub.journal_read(0, 100) if record.kind == "case.found"]
        causes = {record.seq: record.kind for record in hub.journal_read(0, 100)}
    assert [(record.subject, record.body and record.body["to"], causes.get(record.cause or 0)) for record in found] == [
        (f"rule:high|asset:{STATION}", None, "observed"),
        (f"rule:high|asset:{STATION}", MORNING + 3 * HOUR_US, "observed"),
        (f"rule:silent|asset:{STATION}", None, None),
    ]
    assert all(record.actor == "engine:rules" for record in found)
