"""Entity documents in their stored form: what may stand in one, and the boxes that it lies in.

The faces read what senders write; here is checked once more what every later reader relies on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, cast

from quanyu.engines.context.instance import META, Attribute, is_null
from quanyu.kernel.entity import ID_MAX, ID_PATTERN, RESERVED, Checked, Document, check_id, check_name
from quanyu.kernel.errors import Invalid
from quanyu.kernel.geo import check_geometry
from quanyu.kernel.ngsi.instants import canonical, text_of
from quanyu.kernel.ngsi.members import KINDS as VALUE_OF
from quanyu.kernel.ngsi.members import NULL, Instance, instances
from quanyu.kernel.time import parse_instant

ATTRIBUTES_MAX: Final = 500
INSTANCES_MAX: Final = 1_000
TYPES_MAX: Final = 50
DEPTH_MAX: Final = 16
"""Sub-attributes within sub-attributes."""
SCOPE: Final = re.compile(r"/?[^\s/,;|()]+(?:/[^\s/,;|()]+)*")
_IGNORED: Final = frozenset({"createdAt", "modifiedAt", "deletedAt", "instanceId"})
Mode = Literal["whole", "merge", "update", "fragment"]
"""How much may be missing: nothing; None for an attribute that goes; NULL for what goes; also kinds and values."""
_PLAIN: Final = frozenset({int, float, bool})
_SHAPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "Relationship": (str, list),
    "LanguageProperty": dict,
    "VocabProperty": (str, list),
    "ListProperty": list,
    "ListRelationship": list,
}


def checked_document(id: str, document: Mapping[str, Any]) -> Document:
    """Return the document with its id, every attribute in its normalized form; Invalid says where it is wrong."""
    if document.__class__ is Checked and document["id"] == id:
        return document
    check_id(id)
    if "type" not in document:
        raise Invalid(f"Entity {id} has no type.", code="entity.type", where="type", remedy="Name its type.")
    head: Document = {"id": id}
    for name, check in HEAD.items():
        if document.get(name) is not None:
            head[name] = check(id, document[name])
    return head | checked_attributes(id, document)


def checked_types(id: str, given: Any) -> str | list[str]:
    """Return the type of an entity, or its types in the order given, each once."""
    words = given if isinstance(given, list) else [given]
    if not words or len(words) > TYPES_MAX or not all(isinstance(word, str) for word in words):
        raise Invalid(f"Entity {id} has no type.", code="entity.type", where="type", remedy="Name its type.")
    for word in words:
        check_name(word, "type")
    found = list(dict.fromkeys(words))
    return found[0] if len(found) == 1 else found


def checked_scope(id: str, given: Any) -> str | list[str]:
    """NGSI-LD 4.18: return the scope, or the scopes in the order given, each once."""
    words = given if isinstance(given, list) else [given]
    for word in words or (None,):
        if not isinstance(word, str) or len(word) > 1_000 or not SCOPE.fullmatch(word):
            raise Invalid(
                f"Scope of {id} is not a path.",
                code="entity.scope",
                where="scope",
                remedy="Write for example /beijing.",
            )
    found = list(dict.fromkeys(words))
    return found[0] if len(found) == 1 else found


def checked_instant(id: str, given: Any, where: str = "expiresAt") -> str:
    """Return an instant as documents hold it; whole microseconds are taken too."""
    if given.__class__ is int:
        return text_of(given)
    if isinstance(given, str) and not given.endswith("Z"):
        return text_of(parse_instant(given, where=where))
    return canonical(given, where)


HEAD: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "type": checked_types,
    "scope": checked_scope,
    "expiresAt": checked_instant,
}
"""The members of an entity beside its id and attributes, each with its check."""


def checked_patch(id: str, patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes to merge; an attribute given as None is removed."""
    for name in ("id", "type"):
        if name in patch:
            raise Invalid(
                f"{name!r} of entity {id} cannot change.",
                code="entity.fixed",
                where=name,
                remedy="Delete the entity and create another.",
            )
    return checked_attributes(id, patch, "merge")


def checked_attributes(id: str, source: Mapping[str, Any], mode: Mode = "whole") -> dict[str, Any]:
    """Return attributes in normalized form; plain values become Properties."""
    if source.__class__ is Checked:
        return {name: attribute for name, attribute in source.items() if name not in RESERVED}
    attributes: dict[str, Any] = {}
    for name, given in source.items():
        if name in RESERVED:
            continue
        check_name(name, name)
        if given is None and mode in ("fragment", "merge"):
            attributes[name] = None
        else:
            attributes[name] = checked_attribute(id, name, given, mode)
    if len(attributes) > ATTRIBUTES_MAX:
        raise Invalid(
            f"Entity {id} has {len(attributes)} attributes; {ATTRIBUTES_MAX} are the most.",
            code="entity.size",
            remedy="Split it into related entities.",
        )
    return attributes


def checked_attribute(id: str, name: str, given: Any, mode: Mode = "whole", depth: int = 0) -> Attribute:
    """Return one attribute, or one sub-attribute, as an instance or a list of several with distinct datasetIds."""
    if given.__class__ is dict and len(given) == 2 and given.get("type") == "Property":
        value = given.get("value")
        if value.__class__ in _PLAIN or (value.__class__ is str and value != NULL):
            return cast(Instance, given)
    open_kind = mode == "fragment"
    if given.__class__ is dict and ("type" in given or open_kind):
        return _checked_instance(id, name, given, mode, depth)
    if (
        given.__class__ is list
        and given
        and all(each.__class__ is dict and (open_kind or "type" in each) for each in given)
    ):
        return _checked_instances(id, name, given, mode, depth)
    return _checked_instance(id, name, {"type": "Property", "value": given}, mode, depth)


def _checked_instances(id: str, name: str, given: list[Instance], mode: Mode, depth: int) -> Attribute:
    if len(given) > INSTANCES_MAX:
        raise Invalid(
            f"Attribute {name} of {id} has {len(given)} instances; {INSTANCES_MAX} are the most.",
            code="attribute.size",
            where=name[:80],
        )
    found = [_checked_instance(id, name, each, mode, depth) for each in given]
    if len({each.get("datasetId") for each in found}) < len(found):
        raise Invalid(
            f"Attribute {name} of {id} has two instances with one datasetId.",
            code="attribute.dataset",
            where=f"{name[:80]}.datasetId",
            remedy="Give each instance a datasetId of its own; one may have none.",
        )
    return found[0] if len(found) == 1 else found


def _checked_instance(id: str, name: str, given: Instance, mode: Mode, depth: int) -> Instance:
    if is_null(given):
        if mode in ("whole", "merge"):
            raise Invalid(
                f"Attribute {name} of {id} is NULL, and there is nothing to remove.",
                code="attribute.null",
                where=name[:80],
                remedy="Leave it out; NULL removes an attribute in an update or a merge.",
            )
    elif mode != "fragment":
        check_value(id, name, given)
    elif "type" in given:
        _check_kind(id, name, given["type"])
    if len(given) == 2:
        return given
    return checked_members(id, name, given, mode, depth)


def _check_kind(id: str, name: str, kind: Any) -> None:
    if not isinstance(kind, str) or kind not in VALUE_OF:
        raise Invalid(
            f"Attribute {name} of {id} is of the unknown kind {str(kind)[:80]!r}.",
            code="attribute.kind",
            where=f"{name[:80]}.type",
            remedy=f"Use one of: {', '.join(VALUE_OF)}.",
        )


def check_value(id: str, name: str, instance: Instance) -> None:
    """Refuse an instance without a known kind, or without a value of that kind."""
    kind = instance.get("type")
    _check_kind(id, name, kind)
    assert isinstance(kind, str)
    member = VALUE_OF[kind]
    value = instance.get(member)
    if value is None and not (kind == "JsonProperty" and member in instance):
        raise Invalid(
            f"Attribute {name} of {id} has no {member}.",
            code="attribute.value",
            where=f"{name[:80]}.{member}",
            remedy=f"Give its {member}.",
        )
    shape = _SHAPES.get(kind)
    if kind == "GeoProperty":
        check_geometry(value, where=f"{name}.value")
    elif shape is not None and not isinstance(value, shape):
        raise Invalid(
            f"Relationship {name} of {id} does not name an entity."
            if kind == "Relationship"
            else f"{kind} {name} of {id} has a {member} of another shape.",
            code=f"attribute.{member}",
            where=f"{name[:80]}.{member}",
            remedy="Give the id of the related entity." if kind == "Relationship" else "See NGSI-LD 4.5.",
        )


def check_merged(id: str, name: str, instance: Instance) -> None:
    """Refuse what came of a merge unless every value, down into sub-attributes, is one that its kind allows."""
    check_value(id, name, instance)
    for key, value in instance.items():
        if key not in META:
            for each in instances(value):
                check_merged(id, f"{name}.{key}", each)


def checked_members(id: str, name: str, given: Mapping[str, Any], mode: Mode = "whole", depth: int = 0) -> Instance:
    """Return an instance, or the fragment of one, with its members checked, whatever its kind."""
    if depth > DEPTH_MAX:
        raise Invalid(
            f"Attribute {name[:80]} of {id} is nested more than {DEPTH_MAX} deep.",
            code="attribute.depth",
            where=name[:80],
        )
    nulls = mode in ("update", "fragment")
    result: Instance = {}
    for key, value in given.items():
        if key in _IGNORED:
            continue
        if nulls and value == NULL and key != "datasetId":
            result[key] = value
        elif key not in META:
            check_name(key, f"{name}.{key}")
            result[key] = checked_attribute(id, key, value, mode, depth + 1)
        elif key in ("observedAt", "expiresAt"):
            result[key] = checked_instant(id, value, f"{name}.{key}")
        else:
            if key in ("datasetId", "unitCode"):
                _check_word(id, name, key, value)
            result[key] = value
    return result


def _check_word(id: str, name: str, key: str, value: Any) -> None:
    if not isinstance(value, str) or (key == "datasetId" and not _is_dataset(value)):
        raise Invalid(
            f"{key} of attribute {name} of {id} cannot be {str(value)[:80]!r}.",
            code="attribute.dataset" if key == "datasetId" else "attribute.unit",
            where=f"{name[:80]}.{key}",
            remedy="Give a URI." if key == "datasetId" else "Give a UN/CEFACT code, or leave it out.",
        )


def _is_dataset(text: str) -> bool:
    return text != NULL and len(text) <= ID_MAX and ID_PATTERN.match(text) is not None
