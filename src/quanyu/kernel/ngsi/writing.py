"""The stored form → what a reader is given (4.5.1, 4.5.4): entities in one of three formats, whole or in part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from quanyu.kernel.entity import Document
from quanyu.kernel.ngsi.instants import text_of
from quanyu.kernel.ngsi.members import Words
from quanyu.kernel.ngsi.projection import Picked, Projection, projection
from quanyu.kernel.ngsi.writing_attribute import ABSENT, AttributeWriter

Format = Literal["normalized", "concise", "simplified"]
FORMATS: Final[dict[str, Format]] = {
    "normalized": "normalized",
    "concise": "concise",
    "simplified": "simplified",
    "keyValues": "simplified",
}
"""The words that a request has for the formats."""


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """How entities are written. Names are stored names; None means no limit.

    `sys` adds createdAt, modifiedAt and expiresAt. `pick` leaves only the members named (id and type too), `omit` leaves
    members out, `attrs` leaves only the attributes named (id, type and scope stay). `dataset` leaves the instances of
    the datasets named, "@none" being the default one. `lang` is a language filter (4.15). `geometry` names the
    GeoProperty that becomes the geometry of a GeoJSON feature.
    """

    format: Format = "normalized"
    sys: bool = False
    lang: str | None = None
    pick: tuple[Picked, ...] | None = None
    omit: tuple[Picked, ...] | None = None
    attrs: tuple[str, ...] | None = None
    dataset: tuple[str, ...] | None = None
    geometry: str = "location"

    def plain(self, context: Words) -> bool:
        """Whether the stored text of an entity is its answer, if the entity `is_self_written`."""
        return (
            context.core
            and self.format == "normalized"
            and not self.sys
            and self.lang is None
            and self.pick is None
            and self.omit is None
            and self.attrs is None
            and self.dataset is None
        )


NORMALIZED: Final = Shape()


def is_self_written(document: Mapping[str, Any]) -> bool:
    """Whether the stored document is its own normalized answer under the core context: nothing in it expires (6.3.11)."""
    for name, attribute in document.items():
        if name == "expiresAt":
            return False
        for instance in attribute if attribute.__class__ is list else (attribute,):
            if instance.__class__ is dict and not _keeps(instance):
                return False
    return True


def _keeps(instance: Mapping[str, Any]) -> bool:
    if "expiresAt" in instance:
        return False
    values = ("value", "json", "languageMap", "valueList", "objectList")
    return all(
        key in values or is_self_written({key: value})
        for key, value in instance.items()
        if value.__class__ is dict or value.__class__ is list
    )


class EntityWriter:
    """Writes many entities in one shape."""

    def __init__(self, context: Words, shape: Shape) -> None:
        self.context = context
        self.shape = shape
        self.attributes = AttributeWriter(
            context, form=shape.format, sys=shape.sys, lang=shape.lang, datasets=shape.dataset
        )
        self.pick, self.omit = projection(shape.pick), projection(shape.omit)
        self.attrs = None if shape.attrs is None else frozenset(shape.attrs)

    def entity(self, document: Document) -> Document:
        """Return one entity in the shape; empty when nothing of it was picked."""
        return self.projected(document, self.pick, self.omit, self.attrs)

    def projected(
        self,
        document: Document,
        pick: Projection | None,
        omit: Projection | None,
        attrs: frozenset[str] | None = None,
    ) -> Document:
        """Return one entity with other limits than the shape's: a linked entity has its own."""
        made: Document = {}
        word, write, core = self.context.word, self.attributes.attribute, self.context.core
        for name, value in document.items():
            if (pick is not None and name not in pick) or (omit is not None and name in omit and omit[name] is None):
                continue
            head = _HEAD.get(name)
            if head is not None:
                if head(self, value):
                    made[name] = self._head(name, value)
            elif attrs is None or name in attrs:
                written = write(value) if value.__class__ is not str else value
                if written is not ABSENT:
                    made[name if core else word(name)] = written
        return made

    def _head(self, name: str, value: Any) -> Any:
        if name == "type" and not self.context.core:
            of = self.context.type_word
            return [of(kind) for kind in value] if isinstance(value, list) else of(value)
        return text_of(value) if value.__class__ is int else value


def _always(writer: EntityWriter, value: Any) -> bool:
    return True


def _when_asked(writer: EntityWriter, value: Any) -> bool:
    return writer.shape.sys


_HEAD: Final = {
    "id": _always,
    "type": _always,
    "scope": _always,
    "deletedAt": _always,
    "createdAt": _when_asked,
    "modifiedAt": _when_asked,
    "expiresAt": _when_asked,
}


def write_entity(document: Document, context: Words, shape: Shape = NORMALIZED) -> Document:
    """NGSI-LD 4.5: return a stored document as it is answered, without its context; parts of it may be shared.

    The document may hold what a view lays over it: instants in µs and the `provenance` of observed values.
    """
    return EntityWriter(context, shape).entity(document)


def write_entities(documents: list[Document], context: Words, shape: Shape = NORMALIZED) -> list[Document]:
    """Return the entities of a page; those of which nothing was picked are left out."""
    writer = EntityWriter(context, shape)
    return [written for document in documents if (written := writer.entity(document))]
