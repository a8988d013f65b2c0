"""Attributes as a sender writes them (4.5.2 to 4.5.5, normalized or concise) → instances as they are stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from quanyu.kernel.entity import check_name
from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.members import (
    DEPTH_MAX,
    GEO_NAMES,
    INFERRED,
    INSTANCES_MAX,
    KINDS,
    MEMBERS_MAX,
    NULL,
    PROOF,
    RESERVED,
    SYSTEM,
    Instance,
    Words,
    removed,
)
from quanyu.kernel.ngsi.reading_member import READ_MEMBER, REMOVABLE
from quanyu.kernel.ngsi.reading_value import (
    geometry,
    is_geometry,
    is_scalar,
    language_map,
    null_fault,
    object_id,
    object_list,
    one_or_more,
    plain,
    raw_json,
    value_list,
    vocabulary,
)

_NULL_OF: Final[dict[str, Any]] = {
    "LanguageProperty": {"@none": NULL},
    "ListProperty": [NULL],
    "ListRelationship": [NULL],
}


_DECLARED: Final = GEO_NAMES | {PROOF}
"""Attributes that the standard says more of than of others."""


class AttributeReader:
    """Reads attributes under one context.

    `nulls`: NULL may remove an attribute or instance (update). `partial`: members may be missing, and NULL may remove
    one (partial update, merge). `deep`: NULL may stand inside a value (merge).
    """

    __slots__ = ("core", "deep", "name", "nulls", "partial", "words")

    def __init__(self, words: Words, *, nulls: bool = False, partial: bool = False, deep: bool = False) -> None:
        self.words = words
        self.core = words.core
        self.name = words.name
        self.nulls = nulls
        self.partial = partial
        self.deep = deep

    def stored_name(self, term: str, where: str) -> str:
        """Return the stored name of an attribute; a term that the core context keeps for itself is refused."""
        check_name(term, where)
        name = term if self.core and ":" not in term else self.name(term)
        if name in RESERVED:
            raise Invalid(
                f"{term[:80]!r} is no attribute.",
                code="attribute.reserved",
                where=where,
                remedy="Give it another name.",
            )
        return name

    def attribute(self, name: str, given: Any, where: str, depth: int = 0) -> Any:
        """Return the instance, or the list of more than one; NULL when all that is said is to remove it."""
        kind = given.__class__
        if kind is list and given and are_instances(given):
            return self._several(name, given, where, depth)
        if kind is str and given == NULL:
            if self.nulls:
                return NULL
            raise null_fault(where)
        made = self.instance(name, given, where, depth)
        return NULL if self.nulls and "datasetId" not in made and removed(made) else made

    def instances(self, name: str, given: Any, where: str) -> list[Instance]:
        """Return every instance in a list, whatever datasets they name: the evolution of an attribute (4.5.7)."""
        several = given if isinstance(given, list) and are_instances(given) else [given]
        return [self.instance(name, item, f"{where}[{place}]", 0) for place, item in enumerate(several)]

    def instance(self, name: str, given: Any, where: str, depth: int = 0) -> Instance:
        """Return one instance in its normalized form."""
        if given.__class__ is not dict:
            given = {"type": "Property", "value": given}
        kind = given.get("type")
        member = KINDS.get(kind) if kind.__class__ is str else None
        if member is None:
            kind, member, given = self._inferred(given, where)
        elif kind == "Property" and len(given) == 2 and is_scalar(given.get("value")) and name not in _DECLARED:
            sound: Instance = given
            return sound
        if depth == 0 and name in GEO_NAMES and kind is not None and kind != "GeoProperty":
            raise Invalid(
                f"{name} is a {kind}, not a GeoProperty.",
                code="attribute.kind",
                where=f"{where}.type",
                remedy="Send a GeoProperty.",
            )
        return self.members(name, kind, member, given, where, depth)

    def members(
        self, name: str, kind: str | None, member: str | None, given: dict[str, Any], where: str, depth: int = 0
    ) -> Instance:
        """Return an instance from its members, one by one; without a kind only what every kind has may stand."""
        if len(given) > MEMBERS_MAX:
            raise Invalid(
                f"{len(given)} members are more than {MEMBERS_MAX}.",
                code="attribute.size",
                where=where,
                remedy="Use several attributes.",
            )
        made: Instance = {"type": kind} if kind is not None else {}
        for key, value in given.items():
            if key == member and kind is not None:
                if kind == "Property" and is_scalar(value):
                    made[key] = value
                else:
                    made[key] = self._value(kind, value, where, key)
            elif (read := READ_MEMBER.get(key)) is not None:
                if value == NULL and key in REMOVABLE:
                    self._remove(made, key, f"{where}.{key}")
                elif (kept := read(self.words, value, kind, name, f"{where}.{key}")) is not None:
                    made[key] = kept
            else:
                self._sub_attribute(made, key, value, f"{where}.{key}", depth)
        if member is None or member in made:
            if name == PROOF and not (member == "value" and (made["value"] == NULL or isinstance(made["value"], dict))):
                raise Invalid(
                    "A proof is no object.",
                    code="attribute.value",
                    where=f"{where}.value",
                    remedy="Send the proof of W3C Data Integrity.",
                )
            return made if not self.nulls or member is None or made[member] != NULL else _only_removed(made, member)
        if self.partial:
            return made
        raise Invalid(
            f"A {kind} has no {member}.",
            code="attribute.value",
            where=f"{where}.{member}",
            remedy=f"Give its {member}.",
        )

    def _remove(self, made: Instance, key: str, where: str) -> None:
        if not self.nulls:
            raise null_fault(where)
        # An attribute that is replaced as a whole has no old member left to remove.
        if self.partial:
            made[key] = NULL

    def _value(self, kind: str, value: Any, where: str, member: str) -> Any:
        where = f"{where}.{member}"
        if value == NULL or value == _NULL_OF.get(kind, NULL):
            if self.nulls:
                return NULL
            raise null_fault(where)
        return _VALUES[kind](self, value, where)

    def _inferred(self, given: dict[str, Any], where: str) -> tuple[str | None, str | None, dict[str, Any]]:
        """Find the kind of an object that does not name one of the kinds by its word."""
        kind = given.get("type", given.get("@type"))
        if kind is not None:
            if is_geometry(given):
                return "GeoProperty", "value", {"value": given}
            named = self.name(kind) if kind.__class__ is str and ":" in kind else kind
            if named.__class__ is str and named in KINDS:
                return named, KINDS[named], given
            raise Invalid(
                f"{str(kind)[:80] if kind.__class__ is str else 'That'} is no kind of attribute.",
                code="attribute.kind",
                where=f"{where}.type",
                remedy=f"Use one of {', '.join(KINDS)}; an object of yours goes into its value.",
            )
        for member, inferred in INFERRED.items():
            if member in given:
                if member == "value" and is_geometry(given["value"]):
                    return "GeoProperty", "value", given
                return inferred, member, given
        if self.partial and (not given or any(self._is_member(key, value) for key, value in given.items())):
            return None, None, given
        if any(key in READ_MEMBER and key not in SYSTEM for key in given):
            return "Property", "value", given
        return "Property", "value", {"value": given}

    def _is_member(self, key: str, value: Any) -> bool:
        return key in READ_MEMBER or (value.__class__ is dict and _is_instance(value))

    def _several(self, name: str, given: list[Any], where: str, depth: int) -> Any:
        if len(given) > INSTANCES_MAX:
            raise Invalid(
                f"{len(given)} instances are more than {INSTANCES_MAX}.",
                code="attribute.size",
                where=where,
                remedy="Use several attributes.",
            )
        made = []
        datasets: set[str | None] = set()
        for place, item in enumerate(given):
            within = f"{where}[{place}]"
            if not isinstance(item, dict):
                raise Invalid(
                    "A list mixes instances and bare values.",
                    code="attribute.instances",
                    where=within,
                    remedy="Send one or the other.",
                )
            instance = self.instance(name, item, within, depth)
            dataset = instance.get("datasetId")
            if dataset in datasets:
                raise Invalid(
                    f"Two instances belong to {dataset or 'the default dataset'}.",
                    code="attribute.dataset",
                    where=within,
                    remedy="Give each another datasetId; one may have none.",
                )
            datasets.add(dataset)
            made.append(instance)
        if len(made) > 1:
            return made
        return NULL if self.nulls and "datasetId" not in made[0] and removed(made[0]) else made[0]

    def _sub_attribute(self, made: Instance, key: str, value: Any, where: str, depth: int) -> None:
        name = self.stored_name(key, where)
        if name in made:
            raise Invalid(
                f"{name} stands twice.",
                code="attribute.twice",
                where=where,
                remedy="Two words of the context mean the same; send one.",
            )
        if depth >= DEPTH_MAX:
            raise Invalid(
                f"Attributes are nested deeper than {DEPTH_MAX}.",
                code="attribute.depth",
                where=where,
                remedy="Use related entities.",
            )
        read = self.attribute(name, value, where, depth + 1)
        if removed(read):
            self._remove(made, name, where)
        else:
            made[name] = read


def are_instances(given: list[Any]) -> bool:
    """Whether a list holds instances; a list with none is the value of a concise Property."""
    return any(item.__class__ is dict and _is_instance(item) for item in given)


def _is_instance(item: dict[str, Any]) -> bool:
    kind = item.get("type", item.get("@type"))
    if kind.__class__ is str and kind in KINDS:
        return True
    return not is_geometry(item) and tells_kind(item)


def tells_kind(given: dict[str, Any]) -> bool:
    """Whether an object holds the value of some kind."""
    return any(member in given for member in INFERRED)


def is_bare(value: Any) -> bool:
    """Whether an object or list that stands alone is the value of a Property, and can be nothing else."""
    if value.__class__ is list:
        return not are_instances(value)
    return not any(key in READ_MEMBER for key in value)


def _only_removed(made: Instance, member: str) -> Instance:
    return {key: made[key] for key in ("type", member, "datasetId") if key in made}


_VALUES: Final[dict[str, Callable[[AttributeReader, Any, str], Any]]] = {
    "Property": lambda reader, value, where: plain(value, where, reader.deep),
    "GeoProperty": lambda reader, value, where: geometry(value, where),
    "Relationship": lambda reader, value, where: one_or_more(value, where, "ids", object_id),
    "LanguageProperty": lambda reader, value, where: language_map(value, where, reader.deep),
    "VocabProperty": lambda reader, value, where: vocabulary(value, where, reader.words),
    "JsonProperty": lambda reader, value, where: raw_json(value, where),
    "ListProperty": lambda reader, value, where: value_list(value, where),
    "ListRelationship": lambda reader, value, where: object_list(value, where),
}
