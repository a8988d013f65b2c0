"""Instances as they are stored → as a reader is given them: normalized, concise, simplified (4.5.2 to 4.5.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from quanyu.kernel.ngsi.instants import text_of
from quanyu.kernel.ngsi.language import choose, parse_lang
from quanyu.kernel.ngsi.members import INFERRED, KINDS, NULL, PREVIOUS, SEALED, Instance, Words
from quanyu.kernel.ngsi.reading_attribute import is_bare
from quanyu.kernel.ngsi.reading_value import is_geometry

_TRANSLATED: Final = frozenset({"vocab", "objectType", "valueType", "previousVocab", "entityTypeSealed"})
# Members written as they stand; the value of a LanguageProperty only without a language filter, an instant only as text.
_PLAIN: Final = frozenset(
    {
        *("type", "unitCode", "datasetId", "instanceId", "lang", "entityIdSealed"),
        *INFERRED,
        *PREVIOUS.values(),
    }
)
_WRAPPED: Final = frozenset({"languageMap", "json", "vocab"})
_NULL_FORMS: Final[dict[str, Any]] = {
    "LanguageProperty": {"@none": NULL},
    "ListProperty": [NULL],
    "ListRelationship": [NULL],
}
ABSENT: Final = object()
"""What an attribute of which nothing is asked for is written as."""


def null_of(kind: str) -> Any:
    """Return how the removed value of a kind is written (4.5.0)."""
    return _NULL_FORMS.get(kind, NULL)


class AttributeWriter:
    """Writes attributes for one context; `datasets` of instances, "@none" the default one; `lang` a language filter."""

    def __init__(
        self,
        words: Words,
        *,
        form: str = "normalized",
        sys: bool = False,
        lang: str | None = None,
        datasets: tuple[str, ...] | None = None,
    ) -> None:
        self.words = words
        self.core = words.core
        self.word = words.word
        self.sys = sys
        self.ranges = None if lang is None else parse_lang(lang)
        self.datasets = None if datasets is None else frozenset(datasets)
        self.plain = _PLAIN | _TRANSLATED if words.core else _PLAIN - _TRANSLATED
        if self.ranges is not None:
            self.plain -= {"languageMap"}
        self.untouched = self.plain | {"observedAt"}
        self.form = form
        self.instance = {"normalized": self.normalized, "concise": self.concise, "simplified": self.simplified}[form]

    def attribute(self, attribute: Any) -> Any:
        """Return what is written of an attribute, or ABSENT when no instance belongs to the datasets asked for."""
        if attribute.__class__ is dict and self.datasets is None:
            return self.instance(attribute)
        several = attribute if isinstance(attribute, list) else [attribute]
        if self.datasets is not None:
            several = [each for each in several if each.get("datasetId", "@none") in self.datasets]
        if not several:
            return ABSENT
        if len(several) == 1:
            return self.instance(several[0])
        if self.form == "simplified":
            return {"dataset": {each.get("datasetId", "@none"): self.simplified(each) for each in several}}
        if self.form == "concise":
            return [self.short(each) for each in several]
        return [self.normalized(each) for each in several]

    def normalized(self, instance: Instance) -> Instance:
        """Return an instance complete with its type."""
        if instance.keys() <= self.untouched and instance.get("observedAt").__class__ is not int:
            return instance
        return self._members(instance, self.normalized)

    def concise(self, instance: Instance) -> Any:
        """Return an instance without its type, and a Property or GeoProperty without anything else as its bare value."""
        made = self.short(instance)
        if len(made) == 1:
            ((member, value),) = made.items()
            if value == NULL or value == null_of(instance["type"]):
                return NULL
            if member == "value" and _reads_back(value, instance["type"]):
                return value
        return made

    def short(self, instance: Instance) -> Instance:
        """Return an instance without its type, unless the type does not follow from what stands there."""
        made = self._members(instance, self.concise)
        kind = made["type"]
        if kind == "Property" and is_geometry(made.get("value")):
            return made
        del made["type"]
        if kind == "ListRelationship":
            made["objectList"] = [_uri(item) for item in made["objectList"]]
        return made

    def simplified(self, instance: Instance) -> Any:
        """Return the value alone; what links to entities holds them instead of their ids, when they are laid in."""
        kind = instance["type"]
        member = KINDS[kind]
        if instance[member] == null_of(kind):
            return NULL
        if kind == "LanguageProperty" and self.ranges is not None:
            return choose(instance[member], self.ranges)[1]
        if kind == "Relationship":
            return _laid_in(instance.get("entity"), instance[member])
        if kind == "ListRelationship":
            return _laid_in(instance.get("entityList"), [_uri(item) for item in instance[member]])
        value = self._vocabulary(instance[member]) if kind == "VocabProperty" else instance[member]
        return {member: value} if member in _WRAPPED else value

    def _members(self, instance: Instance, write_sub: Callable[[Instance], Any]) -> Instance:
        made: Instance = {}
        plain = self.plain
        for key, value in instance.items():
            if key in plain:
                made[key] = value
            elif (write := _MEMBERS.get(key)) is not None:
                write(self, made, key, value)
            elif value.__class__ is dict:
                made[self.word(key)] = write_sub(value)
            elif value.__class__ is list:
                write_each = self.short if self.form == "concise" else self.normalized
                made[self.word(key)] = [write_each(each) for each in value]
            elif key != "provenance":
                made[self.word(key)] = value
            elif value.partition(":")[0] != "reported":
                # The origin of an observed value; that it was reported goes without saying.
                made[key] = value if self.form == "concise" else {"type": "Property", "value": value}
        return made

    def _vocabulary(self, value: Any) -> Any:
        if self.core or value == NULL:
            return value
        return (
            [self.words.type_word(item) for item in value] if isinstance(value, list) else self.words.type_word(value)
        )


def _uri(item: Any) -> Any:
    return item["object"] if isinstance(item, dict) else item


def _laid_in(entities: Any, ids: Any) -> Any:
    """Return linked entities in the place of their ids; an id whose entity is not known stays."""
    if not isinstance(ids, list):
        return ids if entities is None else entities
    if entities is None:
        return ids
    return [id if entity is None else entity for id, entity in zip(ids, entities, strict=True)]


def _reads_back(value: Any, kind: str) -> bool:
    """Whether a bare value is read as an attribute of this kind that holds it, and as nothing else (4.5.2.3)."""
    if value.__class__ is not dict and value.__class__ is not list:
        return True
    if kind == "GeoProperty":
        return True
    return is_bare(value)


_Write = Callable[[AttributeWriter, Instance, str, Any], None]


def _instant(writer: AttributeWriter, made: Instance, key: str, value: Any) -> None:
    made[key] = text_of(value) if value.__class__ is int else value


def _system_instant(writer: AttributeWriter, made: Instance, key: str, value: Any) -> None:
    if writer.sys:
        _instant(writer, made, key, value)


def _words(writer: AttributeWriter, made: Instance, key: str, value: Any) -> None:
    made[key] = writer._vocabulary(value)


def _languages(writer: AttributeWriter, made: Instance, key: str, value: Any) -> None:
    """4.15: a LanguageProperty becomes a Property in one language, which `lang` names."""
    if writer.ranges is None or value == null_of("LanguageProperty"):
        made[key] = value
        return
    tag, text = choose(value, writer.ranges)
    made |= {"type": "Property", "value": text, "lang": tag}


def _entities(writer: AttributeWriter, made: Instance, key: str, value: Any) -> None:
    found = [entity for entity in value if entity is not None] if isinstance(value, list) else value
    if found:
        made[key] = found


_MEMBERS: Final[dict[str, _Write]] = {
    **dict.fromkeys(("createdAt", "modifiedAt", "expiresAt"), _system_instant),
    **dict.fromkeys(("observedAt", "deletedAt"), _instant),
    **dict.fromkeys(_TRANSLATED, _words),
    **dict.fromkeys(("entity", "entityList"), _entities),
    "languageMap": _languages,
}
assert SEALED <= _PLAIN | _TRANSLATED
