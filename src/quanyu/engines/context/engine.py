"""Decide and fold entity commands and batches of observations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

import msgspec

from quanyu.engines.context.document import HEAD, checked_document, checked_patch
from quanyu.engines.context.draft import Draft
from quanyu.engines.context.expiry import is_over, without_expired
from quanyu.engines.context.fold import deletion_body, fold, fold_new
from quanyu.engines.context.index import INDEXES
from quanyu.engines.context.instance import keyed
from quanyu.engines.context.observed import checked_batch
from quanyu.engines.context.operations import OPERATIONS, update
from quanyu.engines.context.places import PLACES
from quanyu.engines.context.tables import (
    COUNTER,
    DOC,
    ENTITY,
    ENTITY_N,
    ENTITY_VERSION,
    EXPIRES,
    LAST,
    OBSERVED,
)
from quanyu.kernel.entity import RESERVED, UNTOLD, Checked
from quanyu.kernel.errors import Conflict, Invalid, Missing
from quanyu.kernel.journal import Command, Desk, Fact, Kind, Record, Row, State

KINDS = (
    Kind("entity.created", version=2, upcasters={1: lambda body: {**body, UNTOLD: True}}),
    Kind("entity.replaced"),
    Kind("entity.merged"),
    Kind("entity.deleted"),
    Kind("observed", life="telemetry"),
)
KeepsBefore = Callable[[State], bool]


class ContextEngine:
    """Owns entities. Ids are the sender's; every entity also gets a number that indexes join on.

    `keeps_before` says whether records must tell what stood before (somebody wants to hear it).
    """

    name = "context"
    commands = frozenset(
        {
            "entity.create", "entity.replace", "entity.merge", "entity.delete", "entity.upsert", "entity.expire",
            "observe", *OPERATIONS,
        }
    )  # fmt: skip
    begins_with = dict.fromkeys(commands - {"observe"}, lambda command: (ENTITY, command.subject))
    goes_on_with: Final = {ENTITY.name: (OBSERVED, itemgetter(ENTITY_N))}
    kinds = KINDS
    tables = (ENTITY, LAST, OBSERVED, COUNTER, *INDEXES, *PLACES)

    def __init__(self, keeps_before: KeepsBefore = lambda state: False) -> None:
        self._keeps_before = keeps_before

    def decide(self, command: Command, desk: Desk) -> Iterable[Fact]:
        """Judge an entity command or a batch of observations."""
        if command.kind == "observe":
            return [Fact("observed", command.subject, checked_batch(command.body, desk.at, desk.state, ENTITY))]
        row = desk.state.get(ENTITY, command.subject)
        dead = row is not None and row[EXPIRES] is not None and is_over(msgspec.json.decode(row[DOC]), desk.at)
        if command.kind == "entity.create" or (command.kind == "entity.upsert" and (row is None or dead)):
            return self._create(command, desk, row, dead)
        if row is None or (dead and command.kind != "entity.expire"):
            raise Missing(
                f"Entity {command.subject} does not exist.",
                code="entity.missing",
                where="id",
                remedy="Create it first, or look the id up with a query.",
            )
        if command.expects is not None and command.expects != row[ENTITY_VERSION]:
            raise Conflict(
                f"Entity {command.subject} stands in version {row[ENTITY_VERSION]}, not {command.expects}.",
                code="entity.stale",
                where="expects",
                remedy="Read it again and send the change on its present version.",
            )
        return self._change(command, desk, row)

    def decide_all(self, commands: Sequence[Command], desk: Desk) -> Sequence[Fact] | None:
        """Judge commands that each make another new entity, read and checked; None says that some do not."""
        documents = [document for command in commands if (document := _new(command)) is not None]
        state, subjects = desk.state, [command.subject for command in commands]
        if len(documents) < len(commands) or len({*subjects}) < len(subjects):
            return None
        if any(state.get(ENTITY, subject) is not None for subject in subjects):
            return None
        counter = state.get(COUNTER, "entity")
        first = counter[1] + 1 if counter else 1
        return [
            Fact("entity.created", document["id"], {"n": n, "document": document})
            for n, document in enumerate(documents, first)
        ]

    def _change(self, command: Command, desk: Desk, row: Row) -> list[Fact]:
        before = self._keeps_before(desk.state)
        if command.kind == "entity.delete":
            return [_deleted(command.subject, row, desk.state, before)]
        if command.kind == "entity.expire":
            return self._expire(command, desk, row, before)
        if command.kind == "entity.replace":
            return [self._replace(command.subject, command.body, row, before)]
        draft = Draft(command.subject, row, desk.state)
        if command.kind == "entity.merge":
            return self._merge(command, draft, desk, before)
        if command.kind == "entity.upsert":
            document = _document(command.body)
            if command.body.get("mode", "replace") == "replace":
                return [self._replace(command.subject, document, row, before)]
            update(draft, {**{name: document.get(name) for name in HEAD}, "attributes": document})
        else:
            OPERATIONS[command.kind](draft, command.body)
        return draft.facts(desk.at, before)

    def _create(self, command: Command, desk: Desk, row: Row | None, dead: bool) -> list[Fact]:
        given = _document(command.body) if command.kind == "entity.upsert" else command.body
        document = checked_document(command.subject, given)
        facts = []
        if row is not None:
            if not dead:
                raise Conflict(
                    f"Entity {command.subject} exists already.",
                    code="entity.exists",
                    where="id",
                    remedy="Merge into it, or choose another id.",
                )
            facts.append(_deleted(command.subject, row, desk.state, self._keeps_before(desk.state)))
        counter = desk.state.get(COUNTER, "entity")
        body = {"n": counter[1] + 1 if counter else 1, "document": document}
        return [*facts, Fact("entity.created", command.subject, body)]

    def _replace(self, subject: str, given: Mapping[str, Any], row: Row, before: bool) -> Fact:
        document = checked_document(subject, given)
        old = msgspec.json.decode(row[DOC])
        gone = [name for name in old if name not in document and name not in RESERVED]
        body = {"n": row[ENTITY_N], "document": document, "gone": gone}
        if before:
            body["before"] = old
        return Fact("entity.replaced", subject, body)

    def _merge(self, command: Command, draft: Draft, desk: Desk, before: bool) -> list[Fact]:
        """Put whole attributes in place of those that stand: what packs and the native API send."""
        patch = checked_patch(command.subject, command.body)
        body: dict[str, Any] = {
            "n": draft.n,
            "type": draft.document["type"],
            "patch": patch,
            "added": [name for name, each in patch.items() if each is not None and not draft.standing(name)],
        }
        head = {name: HEAD[name](command.subject, command.body[name]) for name in HEAD if name in command.body}
        if head:
            body["head"] = head
        if before:
            body["before"] = {name: draft.before(name) for name in patch if draft.standing(name)}
        return [Fact("entity.merged", command.subject, body)]

    def _expire(self, command: Command, desk: Desk, row: Row, before: bool) -> list[Fact]:
        """NGSI-LD 4.22: remove what has expired by now, the entity or instances of it; nothing due is no fault."""
        draft = Draft(command.subject, row, desk.state)
        if is_over(draft.document, desk.at):
            return [_deleted(command.subject, row, desk.state, before)]
        left = without_expired(draft.document, desk.at)
        for name, attribute in draft.document.items():
            if name not in RESERVED and left.get(name) is not attribute:
                for key in keyed(attribute).keys() - keyed(left.get(name)).keys():
                    draft.drop(name, key)
        return draft.facts(desk.at, before)

    def evolve(self, record: Record, state: State) -> None:
        """Fold an entity record; a telemetry record moves last values only."""
        assert record.body is not None, f"record {record.seq} was pruned and cannot be folded"
        fold(record, record.body, state)

    def evolve_all(self, records: Sequence[Record], state: State) -> None:
        """Fold the records of what `decide_all` decided."""
        fold_new(records, state)


def _new(command: Command) -> Checked | None:
    """Return the document of a command that makes an entity where none stands, if nothing of it is left to check."""
    body = command.body
    given = (
        body if command.kind == "entity.create" else body.get("document") if command.kind == "entity.upsert" else None
    )
    return given if isinstance(given, Checked) and given["id"] == command.subject else None


def _document(body: Mapping[str, Any]) -> Mapping[str, Any]:
    found = body.get("document")
    if not isinstance(found, Mapping):
        raise Invalid("Command has no document.", code="entity.shape", where="document", remedy="Give a JSON object.")
    return found


def _deleted(subject: str, row: Row, state: State, before: bool) -> Fact:
    return Fact("entity.deleted", subject, deletion_body(row, state, before))
