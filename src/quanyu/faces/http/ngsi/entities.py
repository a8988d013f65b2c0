"""Entities: made, read, queried, replaced, merged, deleted, purged."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

import msgspec

from quanyu.faces.http.ngsi import forwarding
from quanyu.faces.http.ngsi.asked import Answer, Asked, created
from quanyu.faces.http.ngsi.negotiate import GEO, MAPPED, PATCHED
from quanyu.faces.http.ngsi.problem import one
from quanyu.faces.http.ngsi.querying import EntitySelector, any_of, criteria_of_selector
from quanyu.faces.http.ngsi.route import NgsiRoute, words
from quanyu.faces.http.ngsi.selecting import (
    Criteria,
    Join,
    criteria_of,
    format_of,
    interest_of,
    join_of,
    listed,
    page_of,
    selection_of,
    shape_of,
)
from quanyu.kernel.entity import Document, check_id
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.journal import Command
from quanyu.kernel.ngsi.geojson import geojson_collection, geojson_feature
from quanyu.kernel.ngsi.instants import canonical
from quanyu.kernel.ngsi.linking import write_linked
from quanyu.kernel.ngsi.reading import read_entity, read_fragment, read_name
from quanyu.kernel.ngsi.selection import EVERY, parse_types
from quanyu.kernel.ngsi.writing import FORMATS, Shape, write_entities, write_entity
from quanyu.kernel.view import Filter, Selection

SHALLOW_MAX = 1_000
"""Links to pages beyond this offset continue from the last entity, so that depth costs nothing."""
PURGED_AT_ONCE = 1_000


async def create(asked: Asked) -> Answer:
    """NGSI-LD 5.6.1, 6.4.3.1: make an entity."""
    document = read_entity(asked.body, asked.context)
    if not asked.hub.registrations.none():
        forwarding.check_document(asked, "createEntity", document)
    await asked.commit([Command("entity.create", document["id"], document)])
    return created("/entities", document["id"])


def retrieve(asked: Asked) -> Any:
    """NGSI-LD 5.7.1, 6.5.3.1: one entity."""
    id = asked.path("entityId")
    view = asked.hub.views.entities
    if not asked.query and asked.context.core and asked.media != GEO and asked.hub.registrations.none():
        stored = view.json(id, asked.scope)
        if stored is not None:
            return stored
    check_id(id)
    given = criteria_of(asked.query)
    context = asked.context
    attrs = tuple(read_name(word, context, "attrs") for word in listed(given, "attrs") or ())
    shape = shape_of(asked, given, attrs)
    join = join_of(given, shape, None)
    types = parse_types(given["type"], context) if "type" in given else None
    interest = forwarding.interest(None, (id,), attrs or None)
    found = view.find(id, asked.scope, shape.sys)
    if found is None or (types is not None and not types.matches(found["type"])):
        forwarding.check_absent(asked, "retrieveEntity", interest)
        raise missing(id)
    warnings = forwarding.check(asked, "retrieveEntity", interest)
    if attrs and found.keys().isdisjoint(attrs):
        raise Missing(
            f"Entity {id} has none of these attributes.", code="attribute.missing", where="attrs", remedy="Ask others."
        )
    written = written_of(asked, [found], shape, join)
    if not written[0]:
        raise Missing(
            f"Nothing of entity {id} is left by pick and omit.", code="attribute.missing", where="pick",
            remedy="Pick members that it has.",
        )  # fmt: skip
    if asked.media == GEO:
        if join.kind == "flat":
            return Answer(geojson_collection(written), context=context, headers=warnings)
        return Answer(written[0], context=context, headers=warnings)
    return Answer(written if join.kind == "flat" else written[0], context=context, headers=warnings)


def missing(id: str) -> Missing:
    """Return the error for an entity that is not there, or not for this actor: the two look alike."""
    return Missing(
        f"Entity {id[:200]} does not exist.",
        code="entity.missing",
        where="id",
        remedy="Look the id up with GET /ngsi-ld/v1/entities.",
    )


def written_of(asked: Asked, found: Sequence[Document], shape: Shape, join: Join) -> list[Document]:
    """Return documents as they are answered: with linked entities where asked, as features for GeoJSON."""
    context = asked.context

    def look(id: str) -> Document | None:
        document: Document | None = asked.hub.views.entities.find(id, asked.scope, shape.sys)
        return document

    if join.level:
        kind: Any = join.kind
        written = write_linked(
            found, context, shape, join=kind, level=join.level, find=look, contained_by=join.contained_by
        )
        if asked.media == GEO:
            return [geojson_feature(each, context, shape, one) for each, one in zip(found, written, strict=False)]
        return written
    if asked.media == GEO:
        return [geojson_feature(each, context, shape) for each in found]
    return write_entities(list(found), context, shape) if len(found) != 1 else [write_entity(found[0], context, shape)]


def query(asked: Asked) -> Answer:
    """NGSI-LD 5.7.2, 6.4.3.2: the entities that meet a query, in pages."""
    return answer_query(asked, criteria_of(asked.query))


def answer_query(asked: Asked, given: Criteria, selectors: Sequence[EntitySelector] = ()) -> Answer:
    """Return a page of a query, whether it came in parameters or in a body with one selector or several."""
    if selectors:
        return _answer_several(asked, given, selectors)
    selection = selection_of(asked, given)
    shape = shape_of(asked, given, selection.attrs)
    join = join_of(given, shape, selection.q)
    warnings: forwarding.Headers = ()
    if given.get("type") != EVERY:
        warnings = forwarding.check(asked, "queryEntity", interest_of(selection, shape.dataset))
        _check_order(selection, warnings)
    return paged(asked, selection, shape, join, warnings)


def _check_order(selection: Selection, warnings: forwarding.Headers) -> None:
    """Refuse to put in order what is not all here (5.7.2.4); what no other source has a part in is local by itself."""
    if selection.order is not None and warnings:
        raise Invalid(
            "Only what is local can be put in order.", code="query.order", where="orderBy", remedy="Add local=true."
        )


def _answer_several(asked: Asked, given: Criteria, selectors: Sequence[EntitySelector]) -> Answer:
    selections = [selection_of(asked, {**given, **criteria_of_selector(each)}) for each in selectors]
    shape = shape_of(asked, given, selections[0].attrs)
    join = join_of(given, shape, selections[0].q)
    warnings: forwarding.Headers = ()
    for selection in selections:
        warnings += forwarding.check(asked, "queryBatch", interest_of(selection, shape.dataset))
        _check_order(selection, warnings)
    limit, offset, counted = page_of(asked)
    chosen = [msgspec.structs.replace(each, sys=shape.sys, order=None) for each in selections]
    every = any_of(asked.hub.views.entities, chosen, asked.scope)
    order = selections[0].order
    found = list(every) if counted or order is not None else list(islice(every, offset + limit + 1))
    total = len(found) if counted else None
    if order is not None:
        found = order.sorted(found)
    items = found[offset : offset + limit]
    written = written_of(asked, items, shape, join) if items else []
    body: Any = geojson_collection(written) if asked.media == GEO else written
    answer = asked.listing(body, limit=limit, offset=offset, more=len(found) > offset + limit, total=total)
    answer.headers = (*answer.headers, *warnings)
    return answer


def paged(asked: Asked, selection: Selection, shape: Shape, join: Join, warnings: forwarding.Headers) -> Answer:
    """Return one page of a selection, with its links and its count."""
    limit, offset, counted = page_of(asked)
    view = asked.hub.views.entities
    after = asked.query.number("after", 0, 0, 2**62)
    chosen = msgspec.structs.replace(
        selection, sys=shape.sys, limit=limit, offset=0 if after else offset, after=after
    )  # fmt: skip
    page = view.select(chosen, asked.scope) if limit else None
    total = view.tally(selection, asked.scope) if counted else None
    items = list(page.items) if page is not None else []
    written = written_of(asked, items, shape, join) if items else []
    more = page is not None and (page.after is not None or (total is not None and offset + limit < total))
    if selection.order is not None and page is not None:
        more = len(items) == limit and view.tally(selection, asked.scope) > offset + limit
    body: Any = geojson_collection(written) if asked.media == GEO else written
    answer = asked.listing(body, limit=limit, offset=offset, more=more, total=total)
    if more and page is not None and page.after is not None and offset + limit >= SHALLOW_MAX:
        answer.links = [link for link in answer.links if 'rel="next"' not in link]
        answer.links = [
            *answer.links,
            asked.page("next", limit=str(limit), offset=str(offset + limit), after=page.after),
        ]
    answer.headers = (*answer.headers, *warnings)
    return answer


async def standing(asked: Asked, id: str, scope: Filter | None = None) -> Document | None:
    """Return the entity that a change is for, when it is there and of the `type` that was asked."""
    view = asked.hub.views.entities
    found: Document | None = await asked.at_once(view.find, id, scope or asked.scope_of("view:entities"))
    if found is None or "type" not in asked.query:
        return found
    return found if parse_types(asked.query["type"], asked.context).matches(found["type"]) else None


async def check_type(asked: Asked, id: str) -> None:
    """Refuse a change of an entity that is not of the types asked for; without `type` nothing is looked up."""
    if "type" in asked.query and await standing(asked, id) is None:
        raise missing(id)


def fragment_id(asked: Asked, id: str) -> None:
    """Refuse a body that names another entity than the path."""
    if asked.body.get("id", id) != id:
        raise Invalid(
            f"The body names entity {str(asked.body['id'])[:80]}, the path {id[:80]}.",
            code="entity.fixed",
            where="id",
            remedy="Leave the id out; it never changes.",
        )


async def replace(asked: Asked) -> None:
    """NGSI-LD 5.6.18, 6.5.3.3: put a whole entity in place of one that stands."""
    id = check_id(asked.path("entityId"))
    fragment_id(asked, id)
    body = {"id": id, **asked.body}
    if "type" not in body and "@type" not in body:
        found = await standing(asked, id)
        if found is None:
            raise missing(id)
        document = {**read_fragment(body, asked.context, nulls=False), "id": id, "type": found["type"]}
    else:
        document = read_entity(body, asked.context)
        await check_type(asked, id)
    forwarding.check(asked, "replaceEntity", forwarding.of_document(document))
    await asked.commit([Command("entity.replace", id, document)])


async def merge(asked: Asked) -> None:
    """NGSI-LD 5.6.17, 6.5.3.4: merge a fragment into an entity."""
    id = check_id(asked.path("entityId"))
    fragment_id(asked, id)
    query = asked.query
    simplified = FORMATS[format_of(query)] == "simplified"
    lang = query.get("lang")
    found = await standing(asked, id) if simplified or "type" in query else None
    if found is None and (simplified or "type" in query):
        raise missing(id)
    fragment = read_fragment(
        asked.body, asked.context, merge=True, simplified=simplified, standing=found, lang=lang
    )  # fmt: skip
    body: dict[str, Any] = {"fragment": fragment, "simplified": simplified}
    if "observedAt" in query:
        body["observed_at"] = canonical(query["observedAt"], "observedAt")
    if lang is not None:
        body["lang"] = lang
    forwarding.check(asked, "mergeEntity", forwarding.interest(None, (id,), fragment.keys()))
    await asked.commit([Command("entity.patch", id, body)])


async def delete(asked: Asked) -> None:
    """NGSI-LD 5.6.6, 6.5.3.2: delete an entity; its history stays."""
    id = check_id(asked.path("entityId"))
    await check_type(asked, id)
    forwarding.check(asked, "deleteEntity", forwarding.interest(None, (id,), None))
    await asked.commit([Command("entity.delete", id, {})])


async def purge(asked: Asked) -> Answer | None:
    """NGSI-LD 5.6.21, 6.4.3.3: delete the entities that meet a query, or attributes of them."""
    given = criteria_of(asked.query)
    selection = selection_of(asked, given)
    if selection.q is not None and selection.q.hops:
        raise Invalid("A purge follows no links.", code="query.deep", where="q", remedy="Ask for own attributes.")
    keep, drop = (_names(asked, name) for name in ("keep", "drop"))
    if keep is not None and drop is not None:
        raise Invalid("keep and drop exclude each other.", code="query.value", where="keep", remedy="Give one of them.")
    if given.get("type") != EVERY:
        forwarding.check(asked, "purgeEntity", interest_of(selection))
    errors: list[dict[str, Any]] = []
    success: list[str] = []
    # All that is meant is found first: a query that turns out to reach too far has deleted nothing.
    meant: list[tuple[str, Sequence[str] | None]] = await asked.threaded(_meant, asked, selection, keep, drop)
    for start in range(0, len(meant), PURGED_AT_ONCE):
        commands = [each for pair in meant[start : start + PURGED_AT_ONCE] for each in _purging(*pair)]
        for outcome in (await asked.hub.commit(commands, asked.actor.id, atomic=False)).outcomes:
            if outcome.error is None:
                success.append(outcome.subject)
            elif not isinstance(outcome.error, Missing):
                errors.append({"entityId": outcome.subject, "error": one(outcome.error)})
    if errors:
        return Answer({"success": list(dict.fromkeys(success)), "errors": errors}, 207)
    return None


def _names(asked: Asked, name: str) -> frozenset[str] | None:
    given = asked.query.words(name)
    return None if given is None else frozenset(read_name(word, asked.context, name) for word in given)


def _meant(
    asked: Asked, selection: Selection, keep: frozenset[str] | None, drop: frozenset[str] | None
) -> list[tuple[str, Sequence[str] | None]]:
    """Return the ids of what a purge is for, each with the attributes that shall go (None: the whole entity)."""
    found: list[tuple[str, Sequence[str] | None]] = []
    scope, after = asked.scope_of("view:entities"), "0"
    whole = keep is None and drop is None
    while after is not None:
        part = msgspec.structs.replace(selection, limit=PURGED_AT_ONCE, after=int(after))
        page = asked.hub.views.entities.select(part, scope)
        after = page.after
        for document in page.items:
            gone = None if whole else _dropped(document, keep, drop)
            if gone is None or gone:
                found.append((document["id"], gone))
    return found


def _dropped(document: Document, keep: frozenset[str] | None, drop: frozenset[str] | None) -> list[str]:
    own = [name for name, value in document.items() if isinstance(value, dict | list) and name not in ("type", "scope")]
    return [name for name in own if (name in drop if drop is not None else name not in (keep or ()))]


def _purging(id: str, gone: Sequence[str] | None) -> list[Command]:
    if gone is None:
        return [Command("entity.delete", id, {})]
    return [Command("entity.drop", id, {"attribute": name, "all": True}) for name in gone]


FORM = words("normalized concise simplified keyValues sysAttrs")
SELECT = words(
    "type id idPattern attrs q georel geometry coordinates geoproperty scopeQ csf local expandValues jsonKeys"
)
SHOWN = words("options format pick omit lang datasetId geometryProperty join joinLevel containedBy")
PAGED = words("limit offset count after orderBy orderFrom orderGeometry collation splitEntities")
MAPS = words("entityMap entityMapLifetime")
ONE = "/entities/{entityId}"
ROUTES = (
    NgsiRoute(method="POST", path="/entities", permission="entity.create", handle=create, summary="Make an entity",
              body="object", parameters=words("local"), makes_tenant=True, status=201),
    NgsiRoute(method="GET", path="/entities", permission="view:entities", handle=query, summary="Query entities",
              parameters=SELECT | SHOWN | PAGED, unbuilt=MAPS, options=FORM, answers=MAPPED),
    NgsiRoute(method="DELETE", path="/entities", permission="entity.delete", handle=purge,
              summary="Delete what meets a query", parameters=SELECT | words("keep drop"), status=204),
    NgsiRoute(method="GET", path=ONE, permission="view:entities", handle=retrieve, summary="One entity",
              parameters=SHOWN | words("attrs type local"), unbuilt=MAPS, options=FORM, answers=MAPPED, quick=True),
    NgsiRoute(method="PUT", path=ONE, permission="entity.replace", handle=replace, summary="Replace an entity",
              body="object", parameters=words("type local"), status=204),
    NgsiRoute(method="PATCH", path=ONE, permission="entity.patch", handle=merge, summary="Merge into an entity",
              body="object", reads=PATCHED, options=FORM,
              parameters=words("options format lang observedAt type local"), status=204),
    NgsiRoute(method="DELETE", path=ONE, permission="entity.delete", handle=delete, summary="Delete an entity",
              parameters=words("type local"), status=204),
)  # fmt: skip
