"""Entity documents: what a sender may write, how a patch applies, and the box a document stands in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quanyu.kernel.entity import ID_PATTERN, RESERVED, Document, check_name
from quanyu.kernel.errors import Invalid
from quanyu.kernel.geo import bounds, check_geometry

ATTRIBUTES_MAX = 500
KINDS = {"Property": "value", "GeoProperty": "value", "Relationship": "object"}


def checked_document(id: str, document: Mapping[str, Any]) -> Document:
    """Return the document with its id, every attribute in its normalized form; Invalid says where it is wrong."""
    if not ID_PATTERN.match(id) or len(id) > 400:
        raise Invalid(
            f"Entity id {id[:80]!r} is not a URN of the form urn:ngsi-ld:<Type>:<name>.",
            code="entity.id",
            where="id",
            remedy="Write for example urn:ngsi-ld:AirQualityObserved:dongsi.",
        )
    kind = document.get("type")
    if not isinstance(kind, str):
        raise Invalid(f"Entity {id} has no type.", code="entity.type", where="type", remedy="Name its type.")
    check_name(kind, "type")
    scope = document.get("scope")
    if scope is not None and not (isinstance(scope, str) and scope.startswith("/")):
        raise Invalid(
            f"Scope of {id} is not a path.", code="entity.scope", where="scope", remedy="Write for example /beijing."
        )
    attributes = checked_attributes(id, document)
    head = {"id": id, "type": kind, **({"scope": scope} if scope else {})}
    return head | attributes


def checked_patch(id: str, patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes to merge; an attribute given as None is removed."""
    for name in RESERVED - {"scope", "@context"}:
        if name in patch:
            raise Invalid(
                f"{name!r} of entity {id} cannot change.",
                code="entity.fixed",
                where=name,
                remedy="Delete the entity and create another.",
            )
    return checked_attributes(id, patch, removal=True)


def checked_attributes(id: str, source: Mapping[str, Any], removal: bool = False) -> dict[str, Any]:
    """Return attributes in normalized form; plain values become Properties."""
    attributes: dict[str, Any] = {}
    for name, given in source.items():
        if name in RESERVED:
            continue
        check_name(name, name)
        if given is None and removal:
            attributes[name] = None
            continue
        attributes[name] = _checked_attribute(id, name, given)
    if len(attributes) > ATTRIBUTES_MAX:
        raise Invalid(
            f"Entity {id} has {len(attributes)} attributes; {ATTRIBUTES_MAX} are the most.",
            code="entity.size",
            remedy="Split it into related entities.",
        )
    return attributes


def _checked_attribute(id: str, name: str, given: Any) -> dict[str, Any]:
    attribute = given if isinstance(given, dict) and "type" in given else {"type": "Property", "value": given}
    kind = attribute["type"]
    if kind not in KINDS:
        raise Invalid(
            f"Attribute {name} of {id} is of the unknown kind {kind!r}.",
            code="attribute.kind",
            where=f"{name}.type",
            remedy=f"Use one of: {', '.join(KINDS)}.",
        )
    field = KINDS[kind]
    if field not in attribute or attribute[field] is None:
        raise Invalid(
            f"Attribute {name} of {id} has no {field}.",
            code="attribute.value",
            where=f"{name}.{field}",
            remedy=f"Give its {field}.",
        )
    if kind == "GeoProperty":
        check_geometry(attribute["value"], where=f"{name}.value")
    if kind == "Relationship" and not isinstance(attribute["object"], str | list):
        raise Invalid(
            f"Relationship {name} of {id} does not name an entity.",
            code="attribute.object",
            where=f"{name}.object",
            remedy="Give the id of the related entity.",
        )
    return attribute


def applied(document: Document, patch: Mapping[str, Any]) -> Document:
    """Return the document after a merge."""
    merged = dict(document)
    for name, attribute in patch.items():
        if attribute is None:
            merged.pop(name, None)
        else:
            merged[name] = attribute
    return merged


def place_of(document: Document) -> tuple[float, float, float, float] | None:
    """Return west, south, east, north of attribute `location`, or of the first GeoProperty."""
    location = document.get("location")
    candidates = [location] if location else list(document.values())
    for attribute in candidates:
        if isinstance(attribute, dict) and attribute.get("type") == "GeoProperty":
            box = bounds(attribute["value"])
            return box.west, box.south, box.east, box.north
    return None
