"""Which types and attributes there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import uuid4

from quanyu.faces.http.ngsi import forwarding
from quanyu.faces.http.ngsi.asked import Answer, Asked
from quanyu.faces.http.ngsi.route import NgsiRoute, words
from quanyu.kernel.errors import Missing
from quanyu.kernel.ngsi.context import iri_of
from quanyu.kernel.ngsi.reading import read_name
from quanyu.kernel.ngsi.reading_member import type_name
from quanyu.kernel.view import AttributeFound, TypeFound


def types(asked: Asked) -> Answer:
    """NGSI-LD 5.7.5, 5.7.6, 6.25.3.1: the types of entities that stand, with `details` their attributes."""
    found: list[TypeFound] = asked.hub.views.entities.discover_types(asked.scope)
    context = asked.context
    if asked.query.flag("details"):
        body: Any = [
            {
                "id": iri_of(each.type),
                "type": "EntityType",
                "typeName": context.type_word(each.type),
                "attributeNames": sorted(context.word(name) for name in each.attributes),
            }
            for each in found
        ]
        return _answer(asked, "retrieveEntityTypeDetails", body)
    names = sorted(context.type_word(each.type) for each in found)
    body = {"id": f"urn:ngsi-ld:EntityTypeList:{uuid4()}", "type": "EntityTypeList", "typeList": names}
    return _answer(asked, "retrieveEntityTypes", body)


def one_type(asked: Asked) -> Answer:
    """NGSI-LD 5.7.7, 6.26.3.1: a type with its number of entities and the kinds of its attributes."""
    name = type_name(asked.path("type"), asked.context, "type")
    found = next((each for each in asked.hub.views.entities.discover_types(asked.scope) if each.type == name), None)
    if found is None:
        raise Missing(
            f"No entity has the type {asked.path('type')[:200]}.",
            code="type.missing",
            where="type",
            remedy="See GET /ngsi-ld/v1/types.",
        )
    word = asked.context.word
    body = {
        "id": iri_of(found.type),
        "type": "EntityTypeInfo",
        "typeName": asked.context.type_word(found.type),
        "entityCount": found.count,
        "attributeDetails": _attributes(found.attributes, word),
    }
    return _answer(asked, "retrieveEntityTypeInfo", body)


def _attributes(kinds: Mapping[str, Iterable[str]], word: Any) -> list[dict[str, Any]]:
    return [
        {"id": iri_of(name), "type": "Attribute", "attributeName": word(name), "attributeTypes": sorted(kinds[name])}
        for name in sorted(kinds)
    ]


def attributes(asked: Asked) -> Answer:
    """NGSI-LD 5.7.8, 5.7.9, 6.27.3.1: the attributes that stand, with `details` the types that have them."""
    found: list[AttributeFound] = asked.hub.views.entities.discover_attributes(asked.scope)
    context = asked.context
    if asked.query.flag("details"):
        body: Any = [
            {
                "id": iri_of(each.attribute),
                "type": "Attribute",
                "attributeName": context.word(each.attribute),
                "typeNames": sorted(context.type_word(name) for name in each.types),
            }
            for each in found
        ]
        return _answer(asked, "retrieveAttrTypeDetails", body)
    names = sorted(context.word(each.attribute) for each in found)
    body = {"id": f"urn:ngsi-ld:AttributeList:{uuid4()}", "type": "AttributeList", "attributeList": names}
    return _answer(asked, "retrieveAttrTypes", body)


def one_attribute(asked: Asked) -> Answer:
    """NGSI-LD 5.7.10, 6.28.3.1: an attribute with its count, its kinds and the types that have it."""
    context = asked.context
    name = read_name(asked.path("attrId"), context)
    rows: list[AttributeFound] = asked.hub.views.entities.discover_attributes(asked.scope)
    found = next((each for each in rows if each.attribute == name), None)
    if found is None:
        raise Missing(
            f"No entity has the attribute {asked.path('attrId')[:200]}.",
            code="attribute.missing",
            where="attrId",
            remedy="See GET /ngsi-ld/v1/attributes.",
        )
    body = {
        "id": iri_of(found.attribute),
        "type": "Attribute",
        "attributeName": context.word(found.attribute),
        "attributeCount": found.count,
        "attributeTypes": sorted(found.kinds),
        "typeNames": sorted(context.type_word(each) for each in found.types),
    }
    return _answer(asked, "retrieveAttrTypeInfo", body)


def _answer(asked: Asked, operation: str, body: Any) -> Answer:
    return Answer(body, context=asked.context, headers=forwarding.warnings(asked, operation, forwarding.ANYTHING))


PARAMETERS = words("details local")
ROUTES = (
    NgsiRoute(method="GET", path="/types", permission="view:entities", handle=types, summary="Types that stand",
              parameters=PARAMETERS),
    NgsiRoute(method="GET", path="/types/{type}", permission="view:entities", handle=one_type,
              summary="One type", parameters=words("local")),
    NgsiRoute(method="GET", path="/attributes", permission="view:entities", handle=attributes,
              summary="Attributes that stand", parameters=PARAMETERS),
    NgsiRoute(method="GET", path="/attributes/{attrId}", permission="view:entities", handle=one_attribute,
              summary="One attribute", parameters=words("local")),
)  # fmt: skip
