"""What a test of the history needs: a journal in memory, a simple runner, and an oracle in plain Python."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from quanyu.engines.history.engine import HistoryReader
from quanyu.engines.history.store import HistoryStore
from quanyu.engines.history.tables import MARK, TOMBSTONE
from quanyu.engines.history.view import HistoryView
from quanyu.kernel.entity import Observation, batch_of, body_of, observations
from quanyu.kernel.journal import Effects, Record, Row, Table
from quanyu.kernel.view import Fold

MORNING = 1_772_409_600_000_000
MINUTE_US = 60_000_000
HOUR_US = 3_600_000_000


def sensor(number: int) -> str:
    return f"urn:ngsi-ld:Sensor:{number:03}"


@dataclass
class Journal:
    """Records in order, and the seq of the last."""

    records: list[Record] = field(default_factory=list)
    now: int = MORNING

    @property
    def head(self) -> int:
        return len(self.records)

    def observe(self, rows: Iterable[Observation], provenance: str = "measured") -> Record:
        return self._write("observed", "gateway", body_of(observations(rows)), provenance)

    def strike(self, *instances: tuple[int, int]) -> Record:
        return self._write("history.struck", "", {"instances": [list(pair) for pair in instances]}, "reported")

    def after(self, seq: int) -> Iterator[Record]:
        return iter(self.records[seq:])

    def _write(self, kind: str, subject: str, body: dict[str, object], provenance: str) -> Record:
        self.now += MINUTE_US
        record = Record(self.head + 1, self.now, "system:test", kind, 1, subject, body, None, provenance)
        self.records.append(record)
        return record


@dataclass
class State:
    """What the state store keeps for the reader."""

    tables: dict[str, dict[Row, Row]] = field(default_factory=dict)
    cursor: int = 0

    def rows(self, table: Table) -> list[Row]:
        return list(self.tables.get(table.name, {}).values())

    def keep(self, effects: Effects, upto: int) -> None:
        for change in effects.delta:
            assert change.row is not None
            self.tables.setdefault(change.table, {})[change.key] = change.row
        self.cursor = max(self.cursor, upto if effects.upto is None else min(upto, effects.upto))

    @property
    def mark(self) -> int:
        return max((row[1] for row in self.rows(MARK)), default=0)


class Past:
    """A history over a journal: feed it, stop it, start it again."""

    def __init__(self, store: HistoryStore, journal: Journal, state: State, **limits: int) -> None:
        self.journal, self.state = journal, state
        struck = {(seq, offset) for record in journal.records for seq, offset in _struck(record)}
        state.tables[TOMBSTONE.name] = {pair: (*pair, 1) for pair in struck}
        self.reader = HistoryReader(store, state, journal.after, **limits)
        self.view = HistoryView(self.reader)
        self.seen = state.cursor

    def feed(self, batch: int = 500) -> None:
        """Give the reader what it has not seen."""
        while self.seen < self.journal.head:
            records = self.journal.records[self.seen : self.seen + batch]
            effects = self.reader.read(records, self.journal.now)
            self.seen = records[-1].seq
            self.state.keep(effects, self.seen)

    def flush(self) -> None:
        self.state.keep(self.reader.flush(), self.seen)


def standing(journal: Journal) -> dict[tuple[str, str, int], float]:
    """The oracle: the last row of each key stands, unless it was struck."""
    last: dict[tuple[str, str, int], tuple[int, int, float]] = {}
    struck = {pair for record in journal.records for pair in _struck(record)}
    for record in journal.records:
        if record.kind == "observed":
            for offset, row in enumerate(_rows(record)):
                last[row.entity, row.attribute, row.observed_at] = (record.seq, offset, float(row.value))
    return {key: value for key, (seq, offset, value) in last.items() if (seq, offset) not in struck}


def series_of(journal: Journal, entity: str, attribute: str, start: int, end: int) -> tuple[list[int], list[float]]:
    rows = sorted(
        (t, v) for (e, a, t), v in standing(journal).items() if (e, a) == (entity, attribute) and start <= t < end
    )
    return [t for t, _ in rows], [v for _, v in rows]


def buckets_of(
    journal: Journal, entities: Sequence[str], attribute: str, start: int, end: int, width: int, fold: Fold
) -> list[list[float | None]]:
    answer: list[list[float | None]] = []
    for entity in entities:
        at, value = series_of(journal, entity, attribute, start, end)
        cells: list[list[float]] = [[] for _ in range(math.ceil((end - start) / width))]
        for t, v in zip(at, value, strict=True):
            cells[(t - start) // width].append(v)
        answer.append([fold_of(cell, fold) for cell in cells])
    return answer


def fold_of(values: Sequence[float], fold: Fold) -> float | None:
    if not values:
        return None
    if fold == "mean":
        return sum(values) / len(values)
    if fold == "count":
        return float(len(values))
    return float(sum(values) if fold == "sum" else min(values) if fold == "min" else max(values))


def _rows(record: Record) -> Iterator[Observation]:
    assert record.body is not None
    return iter(batch_of(record.body))


def _struck(record: Record) -> list[tuple[int, int]]:
    if record.kind != "history.struck" or record.body is None:
        return []
    return [(seq, offset) for seq, offset in record.body["instances"]]
