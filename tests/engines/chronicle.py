"""What a test of evolutions needs: a past that hears every kind of record, and a plain reading of the same journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from quanyu.adapters.lake.store import LakeStore
from quanyu.engines.history.engine import HistoryEngine, HistoryReader
from quanyu.engines.history.store import FIRST, LAST, IndexWindow
from quanyu.engines.history.tables import AMENDED, DEPARTED, DESCRIBED, FORGOTTEN, INSTANCES, TEMPORAL, TOMBSTONE
from quanyu.engines.history.temporal import TemporalView
from quanyu.kernel.entity import UNTOLD, Document, Observation, body_of, observations
from quanyu.kernel.journal import Command, Effects, Record, Row, Table
from quanyu.kernel.temporal import Evolutions
from quanyu.kernel.time import parse_instant
from quanyu.kernel.view import Entities, Filter, Page, Selection
from tests.desk import MemoryState
from tests.engines.past import MINUTE_US, MORNING

COLUMNS = {"observed_at": 3, "at": 4, "modified": 10}


class Standing:
    """What is: documents by id."""

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}

    def find(self, id: str, scope: Filter, sys: bool = False) -> Document | None:
        return self.documents.get(id)

    def select(self, selection: Selection, scope: Filter) -> Page:
        types = selection.types
        return Page([each for each in self.documents.values() if types is None or types.matches(each["type"])])


class Index:
    """The state store's part of the past, from the rows that the reader kept."""

    def __init__(self, chronicle: Chronicle) -> None:
        self._chronicle = chronicle

    def _rows(self, table: Table) -> list[Row]:
        return list(self._chronicle.rows(table))

    def series(self, entity: str) -> list[tuple[str, str]]:
        return sorted({(row[1], row[2]) for row in self._rows(INSTANCES) if row[0] == entity})

    def instances(
        self, entity: str, attribute: str, dataset: str, window: IndexWindow, limit: int, *, newest: bool = False
    ) -> list[Row]:
        by = COLUMNS[window.by]
        rows = [
            row
            for row in self._rows(INSTANCES)
            if row[:3] == (entity, attribute, dataset) and window.start <= row[by] < window.end
        ]
        return sorted(rows, key=lambda row: row[by], reverse=newest)[:limit]

    def described(self, entity: str, tells: int, limit: int, start: int = FIRST, end: int = LAST) -> list[int]:
        rows = [row for row in self._rows(DESCRIBED) if row[0] == entity and start <= row[2] < end]
        seqs = [row[1] for row in rows if row[3] & tells]
        return sorted(seqs, reverse=True)[:limit]

    def births(self, entities: Sequence[str]) -> dict[str, int]:
        return {id: self._chronicle.births[id][0] for id in entities if id in self._chronicle.births}

    def records(self, seqs: Sequence[int]) -> list[Record]:
        return [self._chronicle.records[seq - 1] for seq in sorted(seqs)]

    def temporal(self, id: str) -> Row | None:
        return self._chronicle.state.get(TEMPORAL, id)

    def departed(self, id: str) -> Row | None:
        return self._chronicle.kept.get((DEPARTED.name, (id,)))

    def others(self, after: str, limit: int) -> list[tuple[str, str]]:
        rows = {row[0]: row[1] for row in (*self._rows(TEMPORAL), *self._rows(DEPARTED))}
        return [(id, rows[id]) for id in sorted(rows) if id > after][:limit]


@dataclass
class Chronicle:
    """A journal with a history over it, which may be stopped and started again."""

    lake: Path
    limits: dict[str, int] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    now: int = MORNING
    kept: dict[tuple[str, Row], Row] = field(default_factory=dict)
    state: MemoryState = field(default_factory=MemoryState)
    standing: Standing = field(default_factory=Standing)
    births: dict[str, tuple[int, int]] = field(default_factory=dict)
    cursor: int = 0

    def __post_init__(self) -> None:
        self.engine = HistoryEngine()
        self.start()

    def start(self) -> None:
        self.store = LakeStore(self.lake, grace_hours=0)
        wants = HistoryReader.wants or ()

        def tail(after: int) -> list[Record]:
            return [record for record in self.records[after:] if record.kind in wants]

        self.reader = HistoryReader(self.store, self, tail, **self.limits)
        self.view = TemporalView(self.reader, Index(self), cast(Entities, self.standing))
        self.seen = self.cursor

    def again(self) -> None:
        self.store.close()
        self.start()

    def rows(self, table: Table) -> list[Row]:
        if table in (TOMBSTONE, AMENDED, FORGOTTEN, TEMPORAL):
            return [row for (name, _), row in self.state.rows.items() if name == table.name]
        return [row for (name, _), row in self.kept.items() if name == table.name]

    def feed(self, batch: int = 500) -> None:
        while self.seen < len(self.records):
            records = self.records[self.seen : self.seen + batch]
            self.seen = records[-1].seq
            wanted = [record for record in records if record.kind in (self.reader.wants or ())]
            if wanted:
                self.keep(self.reader.read(wanted, self.now), self.seen)

    def flush(self) -> None:
        self.keep(self.reader.flush(), self.seen)

    def keep(self, effects: Effects, upto: int) -> None:
        for change in effects.delta:
            if change.row is None:
                self.kept.pop((change.table, change.key), None)
            else:
                self.kept[change.table, change.key] = change.row
        self.cursor = max(self.cursor, upto if effects.upto is None else min(upto, effects.upto))

    def write(self, kind: str, subject: str, body: dict[str, Any], provenance: str = "reported") -> Record:
        """Write a record of another engine; the context knows where the entities that stand began."""
        self.now += MINUTE_US
        if kind == "entity.deleted" and subject in self.births:
            seq, at = self.births.pop(subject)
            body = {**body, "born": seq, "created": at}
        elif kind == "entity.created" and UNTOLD not in body:
            self.births[subject] = (self.seq, self.now)
        record = Record(len(self.records) + 1, self.now, "person:test", kind, 1, subject, body, None, provenance)
        self.records.append(record)
        return record

    def observe(self, rows: Sequence[Observation]) -> Record:
        return self.write("observed", "gateway", body_of(observations(rows)), "measured")

    def tell(self, kind: str, subject: str, body: dict[str, Any]) -> list[Record]:
        """Let the history decide a command, and fold its facts."""
        self.now += MINUTE_US
        made = []
        for fact in list(self.engine.decide(Command(kind, subject, body), self)):
            record = Record(self.seq, self.now, "person:test", fact.kind, 1, fact.subject, fact.body, None, "reported")
            self.records.append(record)
            self.engine.evolve(record, self.state)
            made.append(record)
        return made

    # A desk, as far as the history looks at one.
    @property
    def seq(self) -> int:
        return len(self.records) + 1

    @property
    def at(self) -> int:
        return self.now

    actor = "person:test"
    chance: Any = None

    def seal(self, person: str, fields: Any) -> str:
        return ""


CAR, BUS = "urn:ngsi-ld:Vehicle:1", "urn:ngsi-ld:Bus:1"


def number(value: float, time: str, **more: Any) -> dict[str, Any]:
    """A number of the first of September."""
    return {"type": "Property", "value": value, "observedAt": f"2020-09-01T{time}Z", **more}


SPEED = [number(120, "12:03:00"), number(80, "12:05:00"), number(100, "12:07:00")]
FUEL = [number(67, "12:03:00"), number(53, "13:05:00"), number(40, "14:07:00", datasetId="urn:x:fuel")]


def at(time: str) -> int:
    return parse_instant(f"2020-09-01T{time}Z")


def tell(past: Chronicle, id: str = CAR, **attributes: Any) -> None:
    """Tell an evolution of a vehicle."""
    given = attributes or {"speed": SPEED, "fuel": FUEL}
    past.tell("history.add", id, {"type": [id.split(":")[2]], "attributes": given})


def one(found: Evolutions | None) -> dict[str, Any]:
    assert found is not None
    (document,) = found.items
    return dict(document)


def values(document: dict[str, Any], name: str) -> list[Any]:
    return [each.get("value", each.get("object")) for each in document.get(name, [])]
