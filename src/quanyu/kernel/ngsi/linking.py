"""Linked entities (4.5.23): laid into the relationships that name them, or listed behind the entities that do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Literal

from quanyu.kernel.entity import Document
from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.members import HEAD, RELATIONS, SYSTEM, Instance, Words, instances
from quanyu.kernel.ngsi.projection import Projection, projection
from quanyu.kernel.ngsi.writing import EntityWriter, Shape

Join = Literal["inline", "flat"]
Find = Callable[[str], Document | None]
"""Id → the stored document of an entity that the reader may see."""

LINKED_MAX: Final = 10_000
"""How many linked entities one answer may hold."""


def linked_ids(documents: Iterable[Document], shape: Shape) -> list[str]:
    """Return the ids that the entities of a page link to, each once: what `find` will be asked for first."""
    writer = _Projected(shape)
    return list(
        dict.fromkeys(id for each in documents for _, id in writer.links(writer.own(each), writer.pick, writer.omit))
    )


def write_linked(
    documents: Sequence[Document],
    context: Words,
    shape: Shape,
    *,
    join: Join,
    level: int,
    find: Find,
    contained_by: frozenset[str] = frozenset(),
) -> list[Document]:
    """NGSI-LD 4.5.23: return the entities of a page with those they link to, up to `level` links away.

    Inline: as `entity` or `entityList` of the relationship, or in the place of the id when simplified. Flat: behind the
    page, each once. An entity is never laid into itself, nor are those `contained_by` names; what `find` does not know
    stays an id. Projections (`pick=id,owner{name}`) reach along; an entity of the page of which nothing was picked
    keeps its place, empty. Invalid `join.too_many` bounds the answer.
    """
    linker = _Linker(context, shape, find, contained_by)
    return linker.inline(documents, level) if join == "inline" else linker.flat(documents, level)


class _Projected:
    """Follows the relationships that a projection leaves."""

    def __init__(self, shape: Shape) -> None:
        self.pick, self.omit = projection(shape.pick), projection(shape.omit)
        self.attrs = None if shape.attrs is None else frozenset(shape.attrs)
        self.datasets = shape.dataset

    def relationships(
        self, document: Document, pick: Projection | None, omit: Projection | None
    ) -> Iterator[tuple[str, Instance]]:
        """Yield the instances that link, by name, as far as they are written at all."""
        for name, attribute in document.items():
            if (pick is not None and name not in pick) or (omit is not None and name in omit and omit[name] is None):
                continue
            for instance in instances(attribute):
                if isinstance(instance, dict) and instance.get("type") in RELATIONS and self._asked(instance):
                    yield name, instance

    def _asked(self, instance: Instance) -> bool:
        return self.datasets is None or instance.get("datasetId", "@none") in self.datasets

    def own(self, document: Document) -> Document:
        """Return an entity of the page with the attributes asked for; linked entities have no such limit."""
        if self.attrs is None:
            return document
        return {name: value for name, value in document.items() if name in HEAD or name in SYSTEM or name in self.attrs}

    def links(self, document: Document, pick: Projection | None, omit: Projection | None) -> Iterator[tuple[str, str]]:
        """Yield (name of the relationship, id of the linked entity)."""
        for name, instance in self.relationships(document, pick, omit):
            for id in targets(instance):
                yield name, id


class _Linker(_Projected):
    """One answer being written."""

    def __init__(self, context: Words, shape: Shape, find: Find, contained_by: frozenset[str]) -> None:
        super().__init__(shape)
        self.writer = EntityWriter(context, shape)
        self.find = find
        self.contained_by = contained_by
        self.linked = 0

    def inline(self, documents: Sequence[Document], level: int) -> list[Document]:
        made = []
        for document in documents:
            path = self.contained_by | {document["id"]}
            laid_in = self._laid_in(self.own(document), self.pick, self.omit, level, path)
            made.append(self.writer.projected(laid_in, self.pick, self.omit, self.attrs))
        return made

    def flat(self, documents: Sequence[Document], level: int) -> list[Document]:
        made = [self.writer.entity(document) for document in documents]
        seen = self.contained_by | {document["id"] for document in documents}
        near = [(self.own(document), self.pick, self.omit) for document in documents]
        for _ in range(level):
            further: list[tuple[Document, Projection | None, Projection | None]] = []
            for document, pick, omit in near:
                for name, id in self.links(document, pick, omit):
                    found = None if id in seen else self._found(id)
                    if found is not None:
                        seen |= {id}
                        further.append((found, _within(pick, name), _within(omit, name)))
            made += [written for each in further if (written := self.writer.projected(*each))]
            near = further
        return made

    def _laid_in(
        self, document: Document, pick: Projection | None, omit: Projection | None, level: int, path: frozenset[str]
    ) -> Document:
        """Return the document with written entities inside its relationships."""
        if level <= 0:
            return document
        laid = dict(document)
        for name in {name for name, _ in self.relationships(document, pick, omit)}:
            inner_pick, inner_omit = _within(pick, name), _within(omit, name)
            several = []
            for instance in instances(document[name]):
                if instance.get("type") in RELATIONS:
                    found = [self._written(id, inner_pick, inner_omit, level - 1, path) for id in targets(instance)]
                    if any(found):
                        instance = instance | _member(instance, found)
                several.append(instance)
            laid[name] = several if isinstance(document[name], list) else several[0]
        return laid

    def _written(
        self, id: str, pick: Projection | None, omit: Projection | None, level: int, path: frozenset[str]
    ) -> Document | None:
        found = None if id in path else self._found(id)
        if found is None:
            return None
        return self.writer.projected(self._laid_in(found, pick, omit, level, path | {id}), pick, omit)

    def _found(self, id: str) -> Document | None:
        found = self.find(id)
        if found is not None:
            self.linked += 1
            if self.linked > LINKED_MAX:
                raise Invalid(
                    f"More than {LINKED_MAX} linked entities belong to the answer.",
                    code="join.too_many",
                    where="joinLevel",
                    remedy="Join fewer levels, or pick fewer relationships.",
                )
        return found


def targets(instance: Instance) -> list[str]:
    """Return the ids that a Relationship or ListRelationship names, in order."""
    if instance["type"] == "ListRelationship":
        return [item["object"] for item in instance["objectList"] if isinstance(item, dict)]
    named = instance["object"]
    return named if isinstance(named, list) else [named]


def _member(instance: Instance, found: list[Document | None]) -> dict[str, Any]:
    if instance["type"] == "ListRelationship":
        return {"entityList": found}
    return {"entity": found if isinstance(instance["object"], list) else found[0]}


def _within(outer: Projection | None, name: str) -> Projection | None:
    return None if outer is None else outer.get(name)
