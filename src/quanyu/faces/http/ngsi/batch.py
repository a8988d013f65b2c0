"""Many entities at once: created, upserted, updated, merged, deleted, queried."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from quanyu.faces.http.ngsi import forwarding
from quanyu.faces.http.ngsi.asked import Answer, Asked
from quanyu.faces.http.ngsi.attributes import left_alone
from quanyu.faces.http.ngsi.entities import FORM, MAPS, answer_query
from quanyu.faces.http.ngsi.negotiate import LD, MAPPED
from quanyu.faces.http.ngsi.problem import one
from quanyu.faces.http.ngsi.querying import criteria_of_body
from quanyu.faces.http.ngsi.route import NgsiRoute, words
from quanyu.kernel.entity import Document
from quanyu.kernel.errors import Conflict, Invalid, QuanyuError
from quanyu.kernel.journal import Command, Outcome
from quanyu.kernel.ngsi.context import iri_of
from quanyu.kernel.ngsi.members import HEAD
from quanyu.kernel.ngsi.reading import BATCH_MAX, read_entity, read_fragment, read_ids
from quanyu.kernel.ngsi.reading_alike import plain_entities

Making = Callable[[Document], Command]
Judge = Callable[[Document, Outcome], Exception | None] | None
"""What a command that was taken lacks all the same."""


class Item(msgspec.Struct, frozen=True):
    """One entity of a batch: its command, or why it has none."""

    id: str | None
    command: Command | None
    error: Exception | None
    document: Document | None = None


async def create(asked: Asked) -> Answer:
    """NGSI-LD 5.6.7, 6.14.3.1: make many entities."""
    items = await _read(asked, "createBatch", read_entity, lambda each: Command("entity.create", each["id"], each))
    success, errors, _ = await _committed(asked, items)
    if errors:
        return Answer({"success": success, "errors": errors}, 207)
    return Answer(success, 201)


async def upsert(asked: Asked) -> Answer | None:
    """NGSI-LD 5.6.8, 6.15.3.1: make entities, or replace (or update) those that stand."""
    mode = "update" if "update" in asked.query.options else "replace"
    if {"update", "replace"} <= asked.query.options:
        raise Invalid(
            "update and replace exclude each other.", code="http.query", where="options", remedy="Give one of them."
        )

    def make(each: Document) -> Command:
        return Command("entity.upsert", each["id"], {"document": each, "mode": mode})

    # One that updates may remove attributes of one that stands: reading takes it for a whole one all the same.
    items = await _read(asked, "upsertBatch", read_entity, make)
    success, errors, made = await _committed(asked, items)
    if errors:
        return Answer({"success": success, "errors": errors}, 207)
    return Answer(made, 201) if made else None


async def update(asked: Asked) -> Answer | None:
    """NGSI-LD 5.6.9, 6.16.3.1: add attributes to many entities, overwriting unless `noOverwrite` says not to."""
    overwrite = "noOverwrite" not in asked.query.options

    def make(each: Document) -> Command:
        head: dict[str, Any] = {name: each[name] for name in ("type", "scope", "expiresAt") if name in each}
        attributes = {name: value for name, value in each.items() if name not in HEAD}
        return Command("entity.append", each["id"], {"attributes": attributes, "overwrite": overwrite, **head})

    def judge(each: Document, outcome: Outcome) -> Exception | None:
        left = [] if overwrite else left_alone(each, outcome)
        if not left:
            return None
        return Conflict(
            f"Attributes of {outcome.subject} stand and were left: {', '.join(map(iri_of, left))}.",
            code="attribute.exists",
            where="options",
            remedy="Leave noOverwrite out to replace them.",
        )

    return await _changed(asked, "updateBatch", _fragment, make, judge)


async def merge(asked: Asked) -> Answer | None:
    """NGSI-LD 5.6.20, 6.31.3.1: merge fragments into many entities."""

    def read(document: Mapping[str, Any], context: Any) -> Document:
        return _identified(read_fragment(document, context, merge=True))

    def make(each: Document) -> Command:
        fragment = {name: value for name, value in each.items() if name != "id"}
        return Command("entity.patch", each["id"], {"fragment": fragment})

    return await _changed(asked, "mergeBatch", read, make)


async def delete(asked: Asked) -> Answer | None:
    """NGSI-LD 5.6.10, 6.17.3.1: delete many entities."""
    ids = read_ids(asked.body)
    interest = forwarding.interest(None, ids, None)
    forwarding.check(asked, "deleteBatch", interest)
    items = [Item(id, Command("entity.delete", id, {}), None) for id in ids]
    success, errors, _ = await _committed(asked, items)
    return Answer({"success": success, "errors": errors}, 207) if errors else None


async def query(asked: Asked) -> Answer:
    """NGSI-LD 5.7.2, 6.23.3.1: the entities that meet a query given in a body."""
    given, selectors = criteria_of_body(asked)
    found: Answer = await asked.threaded(answer_query, asked, given, selectors)
    return found


def _fragment(document: Mapping[str, Any], context: Any) -> Document:
    return _identified(read_fragment(document, context, nulls=False))


def _identified(document: Document) -> Document:
    if "id" not in document:
        raise Invalid("An entity has no id.", code="entity.id", where="id", remedy="Give its id.")
    return document


async def _changed(
    asked: Asked, operation: str, read: Callable[[Any, Any], Document], make: Making, judge: Judge = None
) -> Answer | None:
    items = await _read(asked, operation, read, make)
    success, errors, _ = await _committed(asked, items, judge)
    return Answer({"success": success, "errors": errors}, 207) if errors else None


async def _read(asked: Asked, operation: str, read: Callable[[Any, Any], Document], make: Making) -> list[Item]:
    """Read every entity by itself: what one of them lacks is that one's error (5.6.7.4)."""
    body = asked.body
    if not 1 <= len(body) <= BATCH_MAX:
        raise Invalid(
            f"A batch holds {len(body)} entities.",
            code="batch.size",
            where="$",
            remedy=f"Send a list of 1 to {BATCH_MAX} entities.",
        )
    if any(item is None for item in body):
        raise Invalid("A batch holds null.", code="batch.null", where="$", remedy="Leave it out.")
    # What comes without a @context of its own shares that of the Link header.
    shared = None if asked.received == LD else await asked.context_of(None)
    alone = forwarding.alone(asked)
    whole = alone and read is read_entity and shared is not None and shared.core
    items = []
    for document, plain in zip(body, plain_entities(body) if whole else [None] * len(body), strict=True):
        if plain is not None:
            items.append(Item(plain["id"], make(plain), None, plain))
            continue
        try:
            if document.__class__ is not dict:
                raise Invalid("An entity is no object.", code="entity.shape", where="$", remedy="Send { … }.")
            context = shared
            if shared is None or "@context" in document:
                context = await asked.context_of(document)
                document = {name: value for name, value in document.items() if name != "@context"}
            found = read(document, context)
            if not alone:
                forwarding.check_document(asked, operation, found)
            items.append(Item(found["id"], make(found), None, found))
        except QuanyuError as error:
            items.append(Item(_id_of(document), None, error))
    return items


def _id_of(document: Any) -> str | None:
    id = document.get("id", document.get("@id")) if isinstance(document, dict) else None
    return id if isinstance(id, str) else None


async def _committed(
    asked: Asked, items: list[Item], judge: Judge = None
) -> tuple[list[str], list[dict[str, Any]], list[str]]:
    """Commit what could be read, each with a fate of its own; return ids, errors, and the ids of those made."""
    commands = [item.command for item in items if item.command is not None]
    outcomes = iter((await asked.commit(commands, atomic=False)).outcomes if commands else ())
    success: list[str] = []
    errors: list[dict[str, Any]] = []
    made: list[str] = []
    for item in items:
        outcome = next(outcomes) if item.command is not None else None
        error = item.error if outcome is None else outcome.error
        if error is None and judge is not None and outcome is not None:
            error = judge(item.document or {}, outcome)
        if error is not None:
            errors.append({"entityId": item.id or "urn:ngsi-ld:null", "error": one(error)})
            continue
        assert outcome is not None
        subject = outcome.subject
        success.append(subject)
        if "entity.created" in [record.kind for record in outcome.made]:
            made.append(subject)
    return list(dict.fromkeys(success)), errors, list(dict.fromkeys(made))


AT = "/entityOperations/"
LOCAL = words("local")
PLAIN = words("options local")
ROUTES = (
    NgsiRoute(method="POST", path=f"{AT}create", permission="entity.create", handle=create, body="list",
              own_context=True, parameters=LOCAL, summary="Make many entities", makes_tenant=True, status=201),
    NgsiRoute(method="POST", path=f"{AT}upsert", permission="entity.upsert", handle=upsert, body="list",
              own_context=True, parameters=PLAIN, options=words("update replace"), summary="Make or change entities",
              makes_tenant=True, status=201),
    NgsiRoute(method="POST", path=f"{AT}update", permission="entity.append", handle=update, body="list",
              own_context=True, parameters=PLAIN, options=words("noOverwrite"), summary="Update many entities",
              status=204),
    NgsiRoute(method="POST", path=f"{AT}merge", permission="entity.patch", handle=merge, body="list",
              own_context=True, parameters=LOCAL, summary="Merge into many entities", status=204),
    NgsiRoute(method="POST", path=f"{AT}delete", permission="entity.delete", handle=delete, body="list",
              own_context=True, parameters=LOCAL, summary="Delete many entities", status=204),
    NgsiRoute(method="POST", path=f"{AT}query", permission="view:entities", handle=query, body="object",
              parameters=words("limit offset count after options format local geometryProperty"), unbuilt=MAPS,
              options=FORM, answers=MAPPED, summary="Query entities by a body"),
)  # fmt: skip
