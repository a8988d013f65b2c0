"""A desk in memory: run an engine's decide and evolve without a store."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Any

from quanyu.kernel.journal import Command, Engine, Instant, Later, Record, Row, Table


class MemoryState:
    """Rows in a dict, by table and key."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, Row], Row] = {}

    def get(self, table: Table, *key: Any) -> Row | None:
        return self.rows.get((table.name, key))

    def put(self, table: Table, row: Row) -> None:
        written = row if table.shape is None else table.shape.written(row)
        assert len(written) == len(table.columns), f"{table.name}: {len(written)} values, {len(table.columns)} columns"
        self.rows[table.name, row[: table.keys]] = row

    def put_all(self, table: Table, rows: Iterable[Row]) -> None:
        for row in rows:
            self.put(table, row)

    def delete(self, table: Table, *key: Any) -> None:
        self.rows.pop((table.name, key), None)

    def later(self, work: Later, of: tuple[Any, ...]) -> None:
        work(self, [of])


class MemoryDesk:
    """A desk at a settable instant; `run` decides a command, evolves its facts and keeps the records."""

    def __init__(self, engine: Engine, at: Instant = 1_772_409_600_000_000, seed: int = 1) -> None:
        self.engine = engine
        self.state = MemoryState()
        self.at = at
        self.actor = "person:test"
        self.chance = random.Random(seed)
        self.records: list[Record] = []
        self.vault: dict[str, tuple[str, dict[str, str]]] = {}

    @property
    def seq(self) -> int:
        return len(self.records) + 1

    def seal(self, person: str, fields: Mapping[str, str]) -> str:
        reference = f"personal:{len(self.vault) + 1}"
        self.vault[reference] = (person, dict(fields))
        return reference

    def run(self, command: Command, actor: str | None = None) -> list[Record]:
        if actor is not None:
            self.actor = actor
        kinds = {kind.name: kind for kind in self.engine.kinds}
        made = []
        for fact in list(self.engine.decide(command, self)):
            record = Record(
                seq=self.seq,
                at=self.at,
                actor=self.actor,
                kind=fact.kind,
                version=kinds[fact.kind].version if fact.kind in kinds else 1,
                subject=fact.subject,
                body=fact.body,
                cause=command.cause,
                provenance=fact.provenance or command.provenance,
            )
            self.records.append(record)
            # What belongs to another engine (an erasure, a reading of personal data) is kept and folded by nobody here.
            if fact.kind in kinds:
                self.engine.evolve(record, self.state)
            made.append(record)
        return made

    def replayed(self) -> MemoryState:
        """Fold all records again into a fresh state: must equal `self.state`."""
        state = MemoryState()
        kinds = {kind.name for kind in self.engine.kinds}
        for record in self.records:
            if record.kind in kinds:
                self.engine.evolve(record, state)
        return state
