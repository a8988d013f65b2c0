"""The members of an attribute (5.2.5 to 5.2.8, 5.2.32 to 5.2.38): one table, from which readers and writers follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

NULL: Final = "urn:ngsi-ld:null"
"""What stands for "remove this" in a fragment, and for what was removed in a notification (4.5.0)."""

KINDS: Final = {
    "Property": "value",
    "GeoProperty": "value",
    "Relationship": "object",
    "LanguageProperty": "languageMap",
    "VocabProperty": "vocab",
    "JsonProperty": "json",
    "ListProperty": "valueList",
    "ListRelationship": "objectList",
}
"""Kind of attribute → the member that holds its value."""

# From the most telling to the most general, as a kind is inferred from what stands there.
INFERRED: Final = {
    "object": "Relationship",
    "languageMap": "LanguageProperty",
    "vocab": "VocabProperty",
    "json": "JsonProperty",
    "valueList": "ListProperty",
    "objectList": "ListRelationship",
    "value": "Property",
}
PLURALS: Final = {kind: f"{member}s" for kind, member in KINDS.items()}
"""Kind → the member that holds its values in a simplified temporal representation (4.5.9)."""
PREVIOUS: Final = {kind: f"previous{member[0].upper()}{member[1:]}" for kind, member in KINDS.items()}
"""Kind → the member that holds the value before the change, in a notification that shows changes."""
UNITLESS: Final = frozenset(KINDS) - {"Property", "GeoProperty", "ListProperty"}
RELATIONS: Final = frozenset({"Relationship", "ListRelationship"})
GEOMETRIES: Final = frozenset({"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"})
GEO_NAMES: Final = frozenset({"location", "observationSpace", "operationSpace"})
"""Attributes that the core context declares to be GeoProperties (4.7.1)."""

SYSTEM: Final = frozenset({"createdAt", "modifiedAt", "deletedAt"})
OUTPUT: Final = frozenset({*PREVIOUS.values(), "entity", "entityList"})
"""Members that only an answer may hold."""
PROOF: Final = "ngsildproof"
"""The attribute that seals an entity (W3C Data Integrity), the only one with the members SEALED."""
SEALED: Final = frozenset({"entityIdSealed", "entityTypeSealed"})
HEAD: Final = frozenset({"id", "type", "scope", "expiresAt", "@context"})
RESERVED: Final = frozenset(
    {
        *HEAD,
        *SYSTEM,
        *OUTPUT,
        *SEALED,
        *INFERRED,
        *PLURALS.values(),
        "datasetId",
        "instanceId",
        "lang",
        "objectType",
        "observedAt",
        "unitCode",
        "valueType",
    }
)
"""Core terms that are not attributes, so no attribute may bear their name (4.5.1)."""

ATTRIBUTES_MAX: Final = 500
INSTANCES_MAX: Final = 100
MEMBERS_MAX: Final = 100
DEPTH_MAX: Final = 8
"""How deep sub-attributes may be nested."""
VALUE_DEPTH_MAX: Final = 32
TYPES_MAX: Final = 32
SCOPES_MAX: Final = 100
TEXT_MAX: Final = 1024
"""Characters of a text that is no value: a unit, a scope, a language tag."""

Instance = dict[str, Any]


class Words(Protocol):
    """What readers and writers need of a context: names out of words and back."""

    name: Callable[[str], str]
    word: Callable[[str], str]
    type_word: Callable[[str], str]
    core: bool
    members: dict[str, str]
    """Stored names of members of entities that were read under it: a plain dict, which is looked up fastest."""


def removed(instance: object) -> bool:
    """Whether a fragment's attribute or instance says "remove this": NULL, or an instance whose value is NULL."""
    if isinstance(instance, dict):
        member = KINDS.get(instance.get("type", ""))
        return member is not None and instance.get(member) == NULL
    return instance == NULL


def instances(attribute: Any) -> list[Instance]:
    """Return the instances of a stored attribute, of which one alone stands without a list."""
    return attribute if isinstance(attribute, list) else [attribute]
