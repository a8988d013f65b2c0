"""What is: entities."""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec

from quanyu.faces.http import problem
from quanyu.faces.http.route import Ask, Route, expected_version
from quanyu.faces.http.shown import Listing
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.journal import Command, Receipt
from quanyu.kernel.view import Query

CONDITION = re.compile(r"^([A-Za-z][A-Za-z0-9_.]*)\s*(==|!=|<=|>=|<|>)\s*(.+)$")
Limit = Annotated[int, msgspec.Meta(ge=1, le=10_000)]


class EntitiesQuery(msgspec.Struct):
    """Filters of the entity list; `box` is w,s,e,n and `near` lon,lat,metres."""

    type: str | None = None
    scope: str | None = None
    q: str | None = None
    box: str | None = None
    near: str | None = None
    ids: str | None = None
    limit: Limit = 100
    after: str | None = None
    count: bool = False
    format: str = "json"


def numbers(text: str | None, count: int, where: str) -> tuple[float, ...] | None:
    """Return `count` comma-separated numbers, None for None; Invalid names the parameter."""
    if text is None:
        return None
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    if len(found) != count or not all(abs(each) < 1e9 for each in found):
        raise Invalid(
            f"Parameter {where} is not {count} numbers with commas between them.",
            code="http.query",
            where=where,
            remedy="Write for example box=116.2,39.8,116.6,40.1 or near=116.41,39.93,2000.",
        )
    return found


def conditions(text: str | None) -> tuple[tuple[str, str, Any], ...]:
    """Return the conditions of `q`: `pm25>75;status==open`, joined by and."""
    found = []
    for part in (text or "").split(";"):
        if not part.strip():
            continue
        match = CONDITION.match(part.strip())
        if match is None:
            raise Invalid(
                f"Condition {part[:80]!r} cannot be read.",
                code="http.query",
                where="q",
                remedy="Write attribute, operator (== != < <= > >=) and value, for example pm25>75;status==open.",
            )
        name, operator, value = match.groups()
        found.append((name, operator, _value(value)))
    return tuple(found)


def _value(text: str) -> Any:
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text) if any(mark in text for mark in ".eE") else int(text)
    except ValueError:
        return text


def entities(ask: Ask) -> Listing:
    """Entities that match, in the order in which they were made, last values laid over them."""
    asked = ask.query
    box, near = numbers(asked.box, 4, "box"), numbers(asked.near, 3, "near")
    query = Query(
        type=asked.type,
        scope=asked.scope,
        where=conditions(asked.q),
        box=box,  # type: ignore[arg-type]
        near=near,  # type: ignore[arg-type]
        ids=tuple(asked.ids.split(",")) if asked.ids else None,
        limit=asked.limit,
        after=asked.after,
    )
    view = ask.hub.views.entities
    page = view.query(query, ask.scope)
    return Listing(page.items, page.after, view.count(query, ask.scope) if asked.count else None, "entities")


def entity(ask: Ask) -> Any:
    """One entity with its last values."""
    id_ = ask.path("id")
    found = ask.hub.views.entities.find(id_, ask.scope)
    if found is None:
        raise missing(id_)
    return found


def missing(id_: str) -> Missing:
    """Return the error for an entity that is not there, or not for this actor: the two look alike."""
    return Missing(
        f"Entity {id_[:200]} does not exist.",
        code="entity.missing",
        where="id",
        remedy="Look the id up with GET /api/v1/entities.",
    )


def receipt(ask: Ask, taken: Receipt) -> dict[str, Any]:
    """Return what a sender keeps: the last record and what became of each command."""
    path = ask.request.url.path
    outcomes = [
        {"subject": each.subject, "seqs": each.seqs, "error": problem.outcome(each.error, path)}
        for each in taken.outcomes
    ]
    return {"seq": taken.seq, "at": taken.at, "outcomes": outcomes}


async def create(ask: Ask) -> dict[str, Any]:
    """Make an entity from its document."""
    document = ask.body
    id_ = document.get("id")
    if not isinstance(id_, str):
        raise Invalid(
            "Entity has no id.", code="entity.id", where="id", remedy="Give a URN: urn:ngsi-ld:<Type>:<name>."
        )
    return receipt(ask, await ask.hub.commit([Command("entity.create", id_, document)], ask.actor.id, key=ask.key))


async def merge(ask: Ask) -> dict[str, Any]:
    """Merge attributes into an entity; an attribute given as null is removed."""
    expects = expected_version(ask.request, None)
    command = Command("entity.merge", ask.path("id"), ask.body, expects=expects)
    return receipt(ask, await ask.hub.commit([command], ask.actor.id, key=ask.key))


async def delete(ask: Ask) -> None:
    """Delete an entity; its history stays."""
    await ask.hub.commit([Command("entity.delete", ask.path("id"), {})], ask.actor.id, key=ask.key)


ROUTES = (
    Route(method="GET", path="/api/v1/entities", permission="view:entities", handle=entities, summary="Entities",
          query=EntitiesQuery),
    Route(method="POST", path="/api/v1/entities", permission="entity.create", handle=create,
          summary="Make an entity", body=dict[str, Any], status=201),
    Route(method="GET", path="/api/v1/entities/{id}", permission="view:entities", handle=entity,
          summary="One entity"),
    Route(method="PATCH", path="/api/v1/entities/{id}", permission="entity.merge", handle=merge,
          summary="Merge attributes", body=dict[str, Any]),
    Route(method="DELETE", path="/api/v1/entities/{id}", permission="entity.delete", handle=delete,
          summary="Delete an entity", status=204),
)  # fmt: skip
