"""A desk without a store: rows in a dictionary, an engine that decides and folds, and a clock that the test moves."""

from __future__ import annotations

from typing import Any

from quanyu.kernel.journal import Command, Engine, Fact, Record, Row, Table

HOUR_US = 3_600_000_000
NOON = 1_776_225_600_000_000
"""2026-04-15 12:00 +08:00."""


class Rows:
    """State as a dictionary; equal states are equal dictionaries."""

    def __init__(self) -> None:
        self.rows: dict[tuple[Any, ...], Row] = {}

    def get(self, table: Table, *key: Any) -> Row | None:
        return self.rows.get((table.name, *key))

    def put(self, table: Table, row: Row) -> None:
        self.rows[table.name, *row[: table.keys]] = row

    def put_all(self, table: Table, rows: list[Row]) -> None:
        for row in rows:
            self.put(table, row)

    def delete(self, table: Table, *key: Any) -> None:
        self.rows.pop((table.name, *key), None)


class Desk:
    """Sends commands to one engine as whoever is named; a refused command leaves everything as it was."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.state: Any = Rows()
        self.records: list[Record] = []
        self.at = NOON
        self.actor = "person:a"

    def send(self, kind: str, subject: str, body: dict[str, Any] | None = None, actor: str = "person:a") -> list[Fact]:
        """Decide and fold; raises what refuses the command."""
        self.actor = actor
        before = dict(self.state.rows)
        desk: Any = self
        facts = list(self.engine.decide(Command(kind, subject, body or {}), desk))
        assert self.state.rows == before, "a decision wrote something"
        for fact in facts:
            seq = len(self.records) + 1
            record = Record(seq, self.at, actor, fact.kind, 1, fact.subject, fact.body, None, "reported")
            self.records.append(record)
            self.engine.evolve(record, self.state)
        return facts

    def replayed(self) -> dict[Any, Row]:
        """Return the state that the records alone give."""
        state: Any = Rows()
        for record in self.records:
            self.engine.evolve(record, state)
        rows: dict[Any, Row] = state.rows
        return rows
