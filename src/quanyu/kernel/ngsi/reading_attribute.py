"""Attributes as a sender writes them (4.5.2 to 4.5.5, normalized or concise) → instances as they are stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from quanyu.kernel.entity import check_name
from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.instants import canonical
from quanyu.kernel.ngsi.members import (
    DEPTH_MAX,
    GEO_NAMES,
    INFERRED,
    INSTANCES_MAX,
    KINDS,
    MEMBERS_MAX,
    NULL,
    OUTPUT,
    RELATIONS,
    RESERVED,
    SEALED,
    SYSTEM,
    TEXT_MAX,
    UNITLESS,
    Instance,
    Words,
    removed,
)
from quanyu.kernel.ngsi.reading_value import (
    fault,
    geometry,
    is_geometry,
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
PROOF: Final = "ngsildproof"


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
            raise fault(f"{term[:80]!r} is no attribute.", "reserved", where, "Give it another name.")
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
        if depth == 0 and name in GEO_NAMES and kind is not None and kind != "GeoProperty":
            raise fault(f"{name} is a {kind}, not a GeoProperty.", "kind", f"{where}.type", "Send a GeoProperty.")
        return self.members(name, kind, member, given, where, depth)

    def members(
        self, name: str, kind: str | None, member: str | None, given: dict[str, Any], where: str, depth: int = 0
    ) -> Instance:
        """Return an instance from its members, one by one; without a kind only what every kind has may stand."""
        if len(given) > MEMBERS_MAX:
            raise fault(f"{len(given)} members are more than {MEMBERS_MAX}.", "size", where, "Use several attributes.")
        made: Instance = {"type": kind} if kind is not None else {}
        for key, value in given.items():
            if key == member and kind is not None:
                if value.__class__ is str and kind == "Property" and value != NULL:
                    made[key] = value
                else:
                    made[key] = self._value(kind, value, where, key)
            elif (read := _MEMBERS.get(key)) is not None:
                read(self, made, key, value, kind, name, f"{where}.{key}")
            else:
                self._sub_attribute(made, key, value, f"{where}.{key}", depth)
        if member is None or member in made:
            if name == PROOF and not (member == "value" and (made["value"] == NULL or isinstance(made["value"], dict))):
                raise fault("A proof is no object.", "value", f"{where}.value", "Send the proof of W3C Data Integrity.")
            return made if not self.nulls or member is None or made[member] != NULL else _only_removed(made, member)
        if self.partial:
            return made
        raise fault(f"A {kind} has no {member}.", "value", f"{where}.{member}", f"Give its {member}.")

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
            raise fault(
                f"{str(kind)[:80] if kind.__class__ is str else 'That'} is no kind of attribute.",
                "kind",
                f"{where}.type",
                f"Use one of {', '.join(KINDS)}; an object of yours goes into its value.",
            )
        for member, inferred in INFERRED.items():
            if member in given:
                if member == "value" and is_geometry(given["value"]):
                    return "GeoProperty", "value", given
                return inferred, member, given
        if self.partial and (not given or any(self._is_member(key, value) for key, value in given.items())):
            return None, None, given
        if any(key in _MEMBERS and key not in SYSTEM for key in given):
            return "Property", "value", given
        return "Property", "value", {"value": given}

    def _is_member(self, key: str, value: Any) -> bool:
        return key in _MEMBERS or (value.__class__ is dict and _is_instance(value))

    def _several(self, name: str, given: list[Any], where: str, depth: int) -> Any:
        if len(given) > INSTANCES_MAX:
            raise fault(f"{len(given)} instances are more than {INSTANCES_MAX}.", "size", where)
        made = []
        datasets: set[str | None] = set()
        for place, item in enumerate(given):
            within = f"{where}[{place}]"
            if not isinstance(item, dict):
                raise fault("A list mixes instances and bare values.", "instances", within, "Send one or the other.")
            instance = self.instance(name, item, within, depth)
            dataset = instance.get("datasetId")
            if dataset in datasets:
                raise fault(
                    f"Two instances belong to {dataset or 'the default dataset'}.",
                    "dataset",
                    within,
                    "Give each another datasetId; one may have none.",
                )
            datasets.add(dataset)
            made.append(instance)
        if len(made) > 1:
            return made
        return NULL if self.nulls and "datasetId" not in made[0] and removed(made[0]) else made[0]

    def _sub_attribute(self, made: Instance, key: str, value: Any, where: str, depth: int) -> None:
        name = self.stored_name(key, where)
        if name in made:
            raise fault(f"{name} stands twice.", "twice", where, "Two words of the context mean the same; send one.")
        if depth >= DEPTH_MAX:
            raise fault(f"Attributes are nested deeper than {DEPTH_MAX}.", "depth", where, "Use related entities.")
        read = self.attribute(name, value, where, depth + 1)
        # An attribute that is replaced as a whole has no old member left to remove.
        if self.partial or not removed(read):
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
    return not any(key in _MEMBERS for key in value)


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

_Read = Callable[[AttributeReader, Instance, str, Any, str | None, str, str], None]


def _removable(reader: AttributeReader, made: Instance, key: str, value: Any, where: str) -> bool:
    """Take NULL for a member; whether it was one."""
    if value.__class__ is not str or value != NULL:
        return False
    if not reader.nulls:
        raise null_fault(where)
    if reader.partial:
        made[key] = NULL
    return True


def _instant(
    reader: AttributeReader, made: Instance, key: str, value: Any, kind: str | None, name: str, where: str
) -> None:
    if not _removable(reader, made, key, value, where):
        made[key] = canonical(value, where)


def _unit(
    reader: AttributeReader, made: Instance, key: str, value: Any, kind: str | None, name: str, where: str
) -> None:
    if kind in UNITLESS:
        raise fault(f"A {kind} has no unit.", "member", where, "Leave unitCode out.")
    if _removable(reader, made, key, value, where):
        return
    made[key] = _text(value, where)


def _dataset(
    reader: AttributeReader, made: Instance, key: str, value: Any, kind: str | None, name: str, where: str
) -> None:
    if value == "@none":
        return
    made[key] = object_id(value, where)


def _value_type(
    reader: AttributeReader, made: Instance, key: str, value: Any, kind: str | None, name: str, where: str
) -> None:
    if kind in RELATIONS:
        raise fault(f"A {kind} has no valueType.", "member", where, "Leave it out.")
    if _removable(reader, made, key, value, where):
        return
    text = _text(value, where)
    if kind == "LanguageProperty" and text.rpartition(":")[2].rpartition("#")[2] != "langString":
        raise fault("The valueType of a LanguageProperty is not langString.", "value", where, "Leave it out.")
    made[key] = reader.name(text)


def _object_type(
    reader: AttributeReader, made: Instance, key: str, value: Any, kind: str | None, name: str, where: str
) -> None:
    if kind is not None and kind not in RELATIONS:
        raise fault(f"A {kind} has no objectType.", "member", where, "Leave it out.")
    if _removable(reader, made, key, value, where):
        return
    made[key] = one_or_more(value, where, "types", lambda item, within: type_name(item, reader.words, within))


def _sealed(
    reader: AttributeReader, made: Instance, key: str, value: Any, kind: str | None, name: str, where: str
) -> None:
    if name != PROOF:
        raise fault(f"{key} stands outside {PROOF}.", "member", where, "Leave it out.")
    if key == "entityIdSealed":
        made[key] = object_id(value, where)
    else:
        made[key] = one_or_more(value, where, "types", lambda item, within: type_name(item, reader.words, within))


def _ignored(
    reader: AttributeReader, made: Instance, key: str, value: Any, kind: str | None, name: str, where: str
) -> None:
    """Members that the hub itself writes, and the type, which is read already."""


def _foreign(
    reader: AttributeReader, made: Instance, key: str, value: Any, kind: str | None, name: str, where: str
) -> None:
    raise fault(f"{key} has no place in a {kind or 'fragment'}.", "member", where, "Leave it out.")


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value or len(value) > TEXT_MAX:
        raise fault(f"That is no text of 1 to {TEXT_MAX} characters.", "value", where, "Send a text.")
    return value


def type_name(value: Any, words: Words, where: str) -> str:
    """Return the stored name of an entity type."""
    if not isinstance(value, str):
        raise Invalid("A type is no text.", code="entity.type", where=where, remedy="Name its type.")
    check_name(value, where)
    return value if words.core and ":" not in value else words.name(value)


_MEMBERS: Final[dict[str, _Read]] = {
    **dict.fromkeys((*INFERRED, *OUTPUT, "@context", "id", "@id"), _foreign),
    **dict.fromkeys((*SYSTEM, "instanceId", "lang", "type", "@type"), _ignored),
    **dict.fromkeys(SEALED, _sealed),
    "observedAt": _instant,
    "expiresAt": _instant,
    "unitCode": _unit,
    "datasetId": _dataset,
    "valueType": _value_type,
    "objectType": _object_type,
}
