"""The temporal representation of an entity as a sender writes it (4.5.6 to 4.5.8, 5.2.20) → stored instances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from quanyu.kernel.entity import Document, check_id
from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.instants import canonical
from quanyu.kernel.ngsi.members import ATTRIBUTES_MAX, INSTANCES_MAX, KINDS, NULL, Instance, Words
from quanyu.kernel.ngsi.reading_attribute import AttributeReader
from quanyu.kernel.ngsi.reading_head import READ_HEAD, check_head, read_scopes
from quanyu.kernel.ngsi.writing_attribute import null_of

TEMPORAL_INSTANCES_MAX: Final = 1000 * INSTANCES_MAX


class Evolution(NamedTuple):
    """An entity's head (id, type, expiresAt, scope when it came plain) and the instances of each attribute by stored name.

    The evolution of a scope stands among the attributes as `scope`: instances of a Property.
    """

    head: Document
    attributes: dict[str, list[Instance]]


def read_evolution(document: Any, context: Words) -> Evolution:
    """NGSI-LD 5.6.11: return the evolution of an entity, with its id and type."""
    made = read_evolution_fragment(document, context)
    check_head(made.head)
    return made


def read_evolution_fragment(document: Any, context: Words) -> Evolution:
    """NGSI-LD 5.6.12: return instances to be added; id and type need not stand."""
    if document.__class__ is not dict:
        raise Invalid("An entity is no object.", code="entity.shape", where="$", remedy='Write {"id": …, "type": …}.')
    if len(document) > ATTRIBUTES_MAX + len(READ_HEAD):
        raise Invalid(
            f"An entity has more than {ATTRIBUTES_MAX} attributes.",
            code="entity.size",
            where="$",
            remedy="Send it in parts.",
        )
    reader = AttributeReader(context)
    made = Evolution({}, {})
    for key, given in document.items():
        if key == "scope" and _is_reified(given):
            made.attributes[key] = _scopes(given)
        elif (read := READ_HEAD.get(key)) is not None:
            read(made.head, given, reader)
        else:
            name = reader.stored_name(key, key)
            if name in made.attributes:
                raise Invalid(
                    f"{name} stands twice.",
                    code="attribute.twice",
                    where=key,
                    remedy="Two words of the context mean the same; send one.",
                )
            made.attributes[name] = _instances(reader, name, given, key)
    return made


def read_temporal_instance(name: str, value: Any, context: Words) -> Instance:
    """NGSI-LD 5.6.14: return one whole instance of the attribute, whose stored name is `name`."""
    given = {key: item for key, item in value.items() if key != "@context"} if isinstance(value, dict) else value
    return AttributeReader(context).instance(name, given, name)


def _instances(reader: AttributeReader, name: str, given: Any, where: str) -> list[Instance]:
    if isinstance(given, list):
        if not given:
            return []
        if len(given) > TEMPORAL_INSTANCES_MAX:
            raise Invalid(
                f"{len(given)} instances are more than {TEMPORAL_INSTANCES_MAX}.",
                code="attribute.size",
                where=where,
                remedy="Send it in parts.",
            )
    several = given if isinstance(given, list) else [given]
    gone = [_gone(each, where) for each in several if _is_gone(each)]
    if not gone:
        return reader.instances(name, given, where)
    rest = [each for each in several if not _is_gone(each)]
    return [*(reader.instances(name, rest, where) if rest else ()), *gone]


def _is_gone(given: Any) -> bool:
    """Whether an instance says that the attribute was deleted (4.5.7), which only an evolution may hold (5.5.4)."""
    kind = given.get("type") if isinstance(given, Mapping) else None
    return isinstance(kind, str) and kind in KINDS and given.get(KINDS[kind]) in (NULL, {"@none": NULL})


def _gone(given: Mapping[str, Any], where: str) -> Instance:
    """Return the instance of a deletion: when it was and of which dataset."""
    kind = given["type"]
    made: Instance = {"type": kind, KINDS[kind]: null_of(kind)}
    if "observedAt" in given:
        made["observedAt"] = canonical(given["observedAt"], f"{where}.observedAt")
    if "datasetId" in given:
        made["datasetId"] = check_id(given["datasetId"], f"{where}.datasetId")
    return made


def _is_reified(given: Any) -> bool:
    several = given if isinstance(given, list) else [given]
    return any(isinstance(item, Mapping) for item in several)


def _scopes(given: Any) -> list[Instance]:
    """Return the evolution of the scope (4.18): only values and when they held."""
    made = []
    for place, item in enumerate(given if isinstance(given, list) else [given]):
        where = f"scope[{place}]"
        if not isinstance(item, Mapping) or item.get("type", "Property") != "Property" or "value" not in item:
            raise Invalid(
                "An instance of scope is no Property with a value.",
                code="entity.scope",
                where=where,
                remedy='Write {"type": "Property", "value": ["/Madrid"], "observedAt": …}.',
            )
        value = item["value"]
        gone = value == NULL or value == []
        instance: Instance = {"type": "Property", "value": [] if gone else read_scopes(value, f"{where}.value")}
        if "observedAt" in item:
            instance["observedAt"] = canonical(item["observedAt"], f"{where}.observedAt")
        made.append(instance)
    return made
