"""Decide and fold entity commands and batches of observations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from quanyu.engines.context.document import applied, checked_document, checked_patch, place_of
from quanyu.engines.context.observed import checked_batch, newest
from quanyu.kernel.entity import Document
from quanyu.kernel.errors import Conflict, Missing
from quanyu.kernel.journal import Command, Desk, Fact, Kind, Record, Row, State, Table

ENTITY = Table(
    "entity",
    (
        "id TEXT",
        "n INTEGER PRIMARY KEY",
        "type TEXT",
        "scope TEXT",
        "doc TEXT",
        "version INTEGER",
        "created INTEGER",
        "modified INTEGER",
        "provenance TEXT",
    ),
)
PLACE = Table("place", ("n INTEGER", "west REAL", "south REAL", "east REAL", "north REAL"))
LAST = Table(
    "last",
    (
        "n INTEGER",
        "attribute TEXT",
        "value",
        "observed_at INTEGER",
        "at INTEGER",
        "seq INTEGER",
        "offset INTEGER",
        "unit TEXT",
        "provenance TEXT",
    ),
    keys=2,
)
OBSERVED = Table("observed", ("n INTEGER", "names TEXT"))
COUNTER = Table("counter", ("name TEXT", "value INTEGER"))

KINDS = (
    Kind("entity.created"),
    Kind("entity.replaced"),
    Kind("entity.merged"),
    Kind("entity.deleted"),
    Kind("observed", life="telemetry"),
)


class ContextEngine:
    """Owns entities. Ids are the sender's; every entity also gets a number that indexes join on."""

    name = "context"
    commands = frozenset({"entity.create", "entity.replace", "entity.merge", "entity.delete", "observe"})
    kinds = KINDS
    tables = (ENTITY, PLACE, LAST, OBSERVED, COUNTER)

    def decide(self, command: Command, desk: Desk) -> Iterable[Fact]:
        """Judge an entity command or a batch of observations."""
        if command.kind == "observe":
            return [Fact("observed", command.subject, checked_batch(command.body, desk.at, desk.state, ENTITY))]
        if command.kind == "entity.create":
            return [self._create(command, desk)]
        row = desk.state.get(ENTITY, command.subject)
        if row is None:
            raise Missing(
                f"Entity {command.subject} does not exist.",
                code="entity.missing",
                where="id",
                remedy="Create it first, or look the id up with a query.",
            )
        if command.expects is not None and command.expects != row[5]:
            raise Conflict(
                f"Entity {command.subject} stands in version {row[5]}, not {command.expects}.",
                code="entity.stale",
                where="expects",
                remedy="Read it again and send the change on its present version.",
            )
        if command.kind == "entity.delete":
            return [Fact("entity.deleted", command.subject, {"n": row[1], "type": row[2]})]
        if command.kind == "entity.replace":
            document = checked_document(command.subject, command.body)
            return [Fact("entity.replaced", command.subject, {"n": row[1], "document": document})]
        patch = checked_patch(command.subject, command.body)
        return [Fact("entity.merged", command.subject, {"n": row[1], "patch": patch})]

    def _create(self, command: Command, desk: Desk) -> Fact:
        document = checked_document(command.subject, command.body)
        if desk.state.get(ENTITY, command.subject) is not None:
            raise Conflict(
                f"Entity {command.subject} exists already.",
                code="entity.exists",
                where="id",
                remedy="Merge into it, or choose another id.",
            )
        counter = desk.state.get(COUNTER, "entity")
        return Fact("entity.created", command.subject, {"n": counter[1] + 1 if counter else 1, "document": document})

    def evolve(self, record: Record, state: State) -> None:
        """Fold an entity record; a telemetry record moves last values only."""
        body = record.body
        assert body is not None, f"record {record.seq} was pruned and cannot be folded"
        if record.kind == "observed":
            self._observe(record, body, state)
        elif record.kind == "entity.deleted":
            self._delete(record.subject, state)
        elif record.kind == "entity.merged":
            row = state.get(ENTITY, record.subject)
            assert row is not None
            document = applied(msgspec.json.decode(row[4]), body["patch"])
            self._forget_last(state, row[1], body["patch"])
            self._write(record, document, row, state)
        elif record.kind == "entity.replaced":
            row = state.get(ENTITY, record.subject)
            assert row is not None
            self._forget_last(state, row[1], None)
            self._write(record, body["document"], row, state)
        else:
            state.put(COUNTER, ("entity", body["n"]))
            self._write(record, body["document"], None, state, body["n"])

    def _write(self, record: Record, document: Document, old: Row | None, state: State, n: int = 0) -> None:
        n = old[1] if old else n
        scope = document.get("scope")
        text = msgspec.json.encode(document).decode()
        state.put(
            ENTITY,
            (
                record.subject,
                n,
                document["type"],
                scope if isinstance(scope, str) else None,
                text,
                old[5] + 1 if old else 1,
                old[6] if old else record.at,
                record.at,
                record.provenance,
            ),
        )
        place = place_of(document)
        before = state.get(PLACE, n) if old else None
        # The box is written only when a geometry moved: an index entry costs more than the document.
        if place is None:
            if before is not None:
                state.delete(PLACE, n)
        elif before is None or before[1:] != place:
            state.put(PLACE, (n, *place))

    def _delete(self, subject: str, state: State) -> None:
        row = state.get(ENTITY, subject)
        assert row is not None
        self._forget_last(state, row[1], None)
        state.delete(ENTITY, subject)
        if state.get(PLACE, row[1]) is not None:
            state.delete(PLACE, row[1])

    def _forget_last(self, state: State, n: int, attributes: Iterable[str] | None) -> None:
        """Drop last values that a described value replaces (None: all of the entity)."""
        row = state.get(OBSERVED, n)
        if row is None:
            return
        names = row[1].split("\n")
        gone = set(names) if attributes is None else set(names) & set(attributes)
        for name in sorted(gone):
            state.delete(LAST, n, name)
        left = [name for name in names if name not in gone]
        if left:
            state.put(OBSERVED, (n, "\n".join(left)))
        else:
            state.delete(OBSERVED, n)

    def _observe(self, record: Record, body: dict[str, Any], state: State) -> None:
        seq, at, provenance = record.seq, record.at, record.provenance
        for n, name, observed_at, value, unit, offset in newest(body):
            old = state.get(LAST, n, name)
            if old is None:
                row = state.get(OBSERVED, n)
                state.put(OBSERVED, (n, f"{row[1]}\n{name}" if row else name))
            elif old[3] > observed_at:
                continue
            state.put(LAST, (n, name, value, observed_at, at, seq, offset, unit, provenance))
