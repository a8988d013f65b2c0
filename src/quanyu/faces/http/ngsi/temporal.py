"""How entities came to be what they are: evolutions told, read, queried, amended and deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from quanyu.faces.http.ngsi import forwarding
from quanyu.faces.http.ngsi.asked import Answer, Asked, created, header_of
from quanyu.faces.http.ngsi.entities import MAPS, SELECT
from quanyu.faces.http.ngsi.negotiate import PATCHED
from quanyu.faces.http.ngsi.querying import EntitySelector, criteria_of_body
from quanyu.faces.http.ngsi.route import NgsiRoute, words
from quanyu.faces.http.ngsi.selecting import Criteria, page_of
from quanyu.faces.http.ngsi.temporal_asking import Wanted, temporal_body, wanted_of
from quanyu.kernel.entity import Document, check_id
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.journal import Command
from quanyu.kernel.ngsi.instants import text_of
from quanyu.kernel.ngsi.members import NULL, PLURALS
from quanyu.kernel.ngsi.reading import read_attribute_fragment, read_name
from quanyu.kernel.ngsi.reading_temporal import Evolution, read_evolution, read_evolution_fragment
from quanyu.kernel.ngsi.temporal_shape import Aggregate, write_aggregated, write_temporal
from quanyu.kernel.temporal import BEGINNING, END, Evolutions, instance_of
from quanyu.kernel.view import EVERYTHING, Filter

HEAD = frozenset({"id", "type", "createdAt", "modifiedAt"})
OWN = frozenset({"instanceId", "createdAt", "modifiedAt"})


async def create(asked: Asked) -> Answer | None:
    """NGSI-LD 5.6.11, 6.18.3.1: make the temporal representation of an entity, or add to it."""
    told = read_evolution(asked.body, asked.context)
    id = told.head["id"]
    forwarding.check(asked, "upsertTemporal", forwarding.interest(told.head["type"], (id,), told.attributes))
    knew, lives = await asked.threaded(_known, asked, id)
    types = told.head["type"]
    body = {"type": [types] if isinstance(types, str) else types, "attributes": _instances(told), "stands": lives}
    await asked.commit([Command("history.add", id, body)])
    return None if knew else created("/temporal/entities", id)


async def append(asked: Asked) -> None:
    """NGSI-LD 5.6.12, 6.20.3.1: add instances to an evolution."""
    id = check_id(asked.path("entityId"))
    told = read_evolution_fragment(asked.body, asked.context)
    if told.head.get("id", id) != id:
        raise Invalid("The body names another entity.", code="entity.fixed", where="id", remedy="Leave the id out.")
    forwarding.check(asked, "appendAttrsTemporal", forwarding.interest(None, (id,), told.attributes))
    knew, lives = await asked.threaded(_known, asked, id)
    if not knew:
        raise missing(id)
    types = told.head.get("type", [])
    body = {"type": [types] if isinstance(types, str) else types, "attributes": _instances(told), "stands": lives}
    await asked.commit([Command("history.add", id, {**body, "create": False})])


def _known(asked: Asked, id: str) -> tuple[bool, bool]:
    """Return whether the history knows the entity, and whether it stands now."""
    lives = asked.hub.views.entities.find(id, EVERYTHING) is not None
    return asked.hub.temporal.stands(id, EVERYTHING), lives


def _instances(told: Evolution) -> dict[str, Any]:
    scope = told.head.get("scope")
    if scope is None:
        return dict(told.attributes)
    return {**told.attributes, "scope": [{"type": "Property", "value": scope}]}


async def delete(asked: Asked) -> None:
    """NGSI-LD 5.6.16, 6.19.3.2: delete the temporal representation of an entity; the entity itself stays."""
    id = check_id(asked.path("entityId"))
    forwarding.check(asked, "deleteTemporal", forwarding.interest(None, (id,), None))
    knew, _ = await asked.threaded(_known, asked, id)
    if not knew:
        raise missing(id)
    # What was deleted may still be forgotten.
    await asked.commit([Command("history.forget", id, {"stands": True})])


async def delete_attribute(asked: Asked) -> None:
    """NGSI-LD 5.6.13, 6.21.3.1: delete an attribute from an evolution: the default instances, one dataset, or all."""
    id, name = _target(asked)
    forwarding.check(asked, "deleteAttrsTemporal", forwarding.interest(None, (id,), (name,)))
    dataset = "*" if asked.query.flag("deleteAll") else asked.query.get("datasetId", "@none")
    if dataset not in ("*", "@none"):
        check_id(dataset, "datasetId")
    dataset = "" if dataset == "@none" else dataset
    knew, _ = await asked.threaded(_known, asked, id)
    if not knew:
        raise missing(id)
    has = await asked.threaded(asked.hub.temporal.has, id, name, None if dataset == "*" else dataset, EVERYTHING)
    if not has:
        raise Missing(
            f"The history of {id} has no such instances of {name}.",
            code="attribute.missing",
            where="attrId",
            remedy="Read the evolution to see what it has.",
        )
    await asked.commit([Command("history.forget", id, {"attribute": name, "dataset": dataset, "stands": True})])


async def change_instance(asked: Asked) -> None:
    """NGSI-LD 5.6.14, 6.22.3.1: change members of one instance; it keeps its instanceId."""
    id, name = _target(asked)
    pair, standing = await _standing(asked, id, name)
    fragment = read_attribute_fragment(name, asked.body, asked.context)
    forwarding.check(asked, "updateAttrInstanceTemporal", forwarding.interest(None, (id,), (name,)))
    if fragment.get("type", standing["type"]) != standing["type"]:
        raise Invalid(
            f"An instance of {name} is a {standing['type']}.",
            code="attribute.kind",
            where="type",
            remedy="Leave the type out; it does not change.",
        )
    amended = {member: value for member, value in standing.items() if member not in OWN}
    for member, value in fragment.items():
        if value == NULL:
            amended.pop(member, None)
        elif member != "datasetId":
            amended[member] = value
    if isinstance(amended.get("observedAt"), int):
        amended["observedAt"] = text_of(amended["observedAt"])
    body = {"id": list(pair), "attribute": name, "instance": amended, "created": standing["createdAt"]}
    await asked.commit([Command("history.amend", id, body)])


async def delete_instance(asked: Asked) -> None:
    """NGSI-LD 5.6.15, 6.22.3.2: delete one instance of an attribute."""
    id, name = _target(asked)
    pair, _ = await _standing(asked, id, name)
    forwarding.check(asked, "deleteAttrInstanceTemporal", forwarding.interest(None, (id,), (name,)))
    await asked.commit([Command("history.strike", id, {"instances": [list(pair)], "reason": "deleted by its sender"})])


def _target(asked: Asked) -> tuple[str, str]:
    id, term = check_id(asked.path("entityId")), asked.path("attrId")
    return id, term if term == "scope" else read_name(term, asked.context)


async def _standing(asked: Asked, id: str, name: str) -> tuple[tuple[int, int], Document]:
    uri = check_id(asked.path("instanceId"), "instanceId")
    pair = instance_of(uri)
    found = None
    if pair is not None:
        found = await asked.threaded(asked.hub.temporal.instance, id, name, pair, EVERYTHING)
    if pair is None or found is None:
        raise Missing(
            f"The history of {id} has no instance {uri[:200]} of {name}.",
            code="history.instance",
            where="instanceId",
            remedy="Use an instanceId that the evolution shows.",
        )
    return pair, found


def missing(id: str) -> Missing:
    """Return the error for an entity that the history does not know, or not for this actor: the two look alike."""
    return Missing(
        f"The history knows no entity {id[:200]}.",
        code="history.missing",
        where="id",
        remedy="Look the id up with GET /ngsi-ld/v1/temporal/entities.",
    )


def retrieve(asked: Asked) -> Answer:
    """NGSI-LD 5.7.3, 6.19.3.1: the evolution of one entity."""
    id = check_id(asked.path("entityId"))
    wanted = wanted_of(asked, asked.query, one=True)
    interest = forwarding.interest(None, (id,), wanted.query.attrs)
    found = asked.hub.temporal.find(id, wanted.query, _visible(asked))
    if found is None:
        forwarding.check_absent(asked, "retrieveTemporal", interest)
        raise missing(id)
    warnings = forwarding.check(asked, "retrieveTemporal", interest)
    written = [] if not found.items else _written(asked, found, wanted)
    if not written:
        raise Missing(
            f"The history of {id} has nothing of what is asked.",
            code="attribute.missing",
            where="attrs",
            remedy="Ask for other members.",
        )
    answer = Answer(written[0], context=asked.context, headers=warnings)
    return _in_part(answer, found, wanted)


def query(asked: Asked) -> Answer:
    """NGSI-LD 5.7.4, 6.18.3.2: the evolutions of the entities that meet a query, in pages."""
    return _answer_query(asked, asked.query)


def query_by_body(asked: Asked) -> Answer:
    """NGSI-LD 5.7.4, 6.24.3.1: a temporal query in a body."""
    given, selectors = criteria_of_body(asked, temporal=True)
    return _answer_query(asked, {**given, **temporal_body(asked.body)}, selectors)


def _answer_query(asked: Asked, given: Criteria, selectors: Sequence[EntitySelector] = ()) -> Answer:
    limit, offset, counted = page_of(asked)
    wanted = wanted_of(asked, given, selectors=selectors, limit=limit, offset=offset, count=counted)
    interests = [
        msgspec.structs.replace(
            forwarding.interest(None, each.ids, wanted.query.attrs), types=each.types, id_pattern=each.id_pattern
        )
        for each in wanted.query.selectors
    ]
    warnings = [pair for each in interests for pair in forwarding.check(asked, "queryTemporal", each)]
    found = asked.hub.temporal.query(wanted.query, _visible(asked))
    answer = asked.listing(
        _written(asked, found, wanted), limit=limit, offset=offset, more=found.more, total=found.total
    )
    answer.headers = (*answer.headers, *dict.fromkeys(warnings))
    return _in_part(answer, found, wanted)


def _visible(asked: Asked) -> Filter:
    """Return what the actor may see of the history: no more than of what is."""
    now = asked.scope_of("view:entities")
    past = asked.scope
    types = now.types if past.types is None else past.types if now.types is None else past.types & now.types
    return msgspec.structs.replace(past, types=types, masked=past.masked | now.masked)


def _written(asked: Asked, found: Evolutions, wanted: Wanted) -> list[Document]:
    """Return the documents of an answer; those of which nothing is left are left out (4.21)."""
    written = []
    for document in found.items:
        head = {name: value for name, value in document.items() if name in HEAD}
        attributes = {name: value for name, value in document.items() if name not in HEAD}
        if wanted.aggregated:
            aggregates = {name: _aggregates(value) for name, value in attributes.items()}
            made = write_aggregated(head, aggregates, asked.context, wanted.shape)
        else:
            made = write_temporal(head, attributes, asked.context, wanted.shape, wanted.query.time_property)
            made |= _elsewhere(asked, found.rest.get(document["id"], {}), wanted)
        if made:
            written.append(made)
    return written


def _aggregates(value: Any) -> list[Aggregate]:
    return [
        Aggregate(
            {method: rows for method, rows in each.items() if method not in ("type", "datasetId")},
            each["type"],
            each.get("datasetId"),
        )
        for each in (value if isinstance(value, list) else [value])
    ]


def _elsewhere(asked: Asked, rest: Mapping[str, str], wanted: Wanted) -> Document:
    """Return attributes that have instances in other parts of the evolution alone."""
    simplified = wanted.shape.format == "simplified"
    return {
        asked.context.word(name): {"type": kind, PLURALS[kind]: []} if simplified else [] for name, kind in rest.items()
    }


def _in_part(answer: Answer, found: Evolutions, wanted: Wanted) -> Answer:
    """NGSI-LD 6.3.10: say of which time the answer tells when it does not tell everything."""
    query = wanted.query
    if not found.partial or found.first is None or found.last is None:
        return answer
    if query.last is None:
        start, end, size = query.start if query.timed and query.start > BEGINNING else found.first, found.last, "*"
    else:
        start, end, size = query.end if query.end < END else found.last, found.first, str(query.last)
    answer.status = 206
    answer.headers = (*answer.headers, header_of(b"content-range", f"date-time {text_of(start)}-{text_of(end)}/{size}"))
    return answer


FORM = words("normalized concise simplified keyValues temporalValues aggregatedValues sysAttrs")
TIME = words("timerel timeAt endTimeAt timeproperty lastN aggrMethods aggrPeriodDuration")
SHOWN = words("options format pick omit lang datasetId attrs local")
PAGED = words("limit offset count")
ALL = "/temporal/entities"
ONE = f"{ALL}/{{entityId}}"
ATTRIBUTE = f"{ONE}/attrs/{{attrId}}"
INSTANCE = f"{ATTRIBUTE}/{{instanceId}}"
LOCAL = words("local")
ROUTES = (
    NgsiRoute(method="POST", path=ALL, permission="history.add", handle=create, body="object", parameters=LOCAL,
              summary="Make or extend an evolution", makes_tenant=True, status=201),
    NgsiRoute(method="GET", path=ALL, permission="view:history", handle=query, summary="Query evolutions",
              parameters=SELECT | TIME | SHOWN | PAGED | words("orderBy"), unbuilt=MAPS, options=FORM),
    NgsiRoute(method="GET", path=ONE, permission="view:history", handle=retrieve, summary="The evolution of an entity",
              parameters=TIME | SHOWN, unbuilt=MAPS, options=FORM),
    NgsiRoute(method="DELETE", path=ONE, permission="history.forget", handle=delete, parameters=LOCAL,
              summary="Delete an evolution", status=204),
    NgsiRoute(method="POST", path=f"{ONE}/attrs", permission="history.add", handle=append, body="object",
              parameters=LOCAL, summary="Add instances to an evolution", status=204),
    NgsiRoute(method="DELETE", path=ATTRIBUTE, permission="history.forget", handle=delete_attribute,
              parameters=words("datasetId deleteAll local"), summary="Delete an attribute from an evolution",
              status=204),
    NgsiRoute(method="PATCH", path=INSTANCE, permission="history.amend", handle=change_instance, body="object",
              reads=PATCHED, parameters=LOCAL, summary="Change an instance", status=204),
    NgsiRoute(method="DELETE", path=INSTANCE, permission="history.strike", handle=delete_instance, parameters=LOCAL,
              summary="Delete an instance", status=204),
    NgsiRoute(method="POST", path="/temporal/entityOperations/query", permission="view:history", handle=query_by_body,
              body="object", parameters=words("limit offset count options format local"), unbuilt=MAPS, options=FORM,
              summary="Query evolutions by a body"),
)  # fmt: skip
