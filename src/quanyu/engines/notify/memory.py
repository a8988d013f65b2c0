"""What queries look at, remembered of entities: a change that concerns nobody is judged without reading the entity.

Filled by one reading of an entity, then kept by the records themselves under the rules of the store. What records do
not tell in full is forgotten and read again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from quanyu.engines.notify.change import Change, laid
from quanyu.engines.notify.hearing import Laid, Patch
from quanyu.kernel.entity import Document
from quanyu.kernel.ngsi.members import Instance, instances

ENTITIES_MAX = 100_000
"""Entities remembered: their types, since an observation does not tell them, and the attributes that are looked at."""


class Memory:
    """Parts of entities: `type`, and of the attributes in `names` those that they have.

    `names` may lose a name at any time; when it gains one, everything must be forgotten.
    """

    def __init__(self, find: Callable[[str], Document | None], names: Collection[str]) -> None:
        self._find = find
        self._names = names
        self._parts: dict[str, dict[str, Any]] = {}

    def forget(self, entity: str | None = None) -> None:
        """Forget an entity, or all."""
        if entity is None:
            self._parts.clear()
        else:
            self._parts.pop(entity, None)

    def part(self, entity: str) -> Document | None:
        """Return what is remembered of an entity, read if need be; None when it does not stand."""
        part = self._parts.get(entity)
        if part is None:
            document = self._find(entity)
            if document is not None:
                part = self._keep(entity, document)
        return part

    def take(self, change: Change, *, in_full: bool = True) -> None:
        """Follow a change; `in_full` says that its patch holds all that stands of the attributes it names."""
        if change.document is not None:
            self._keep(change.entity, change.document)
        elif change.deleted or not in_full:
            self.forget(change.entity)
        else:
            part = self._parts.get(change.entity)
            if part is not None:
                self._lay(part, change.patch)

    def observe(self, entity: str, patch: Patch) -> Document | None:
        """Follow observations; return the part of the entity then, None when it does not stand.

        What was observed later than it came is in the part beside what stands: a watch may care for either.
        """
        part = self._parts.get(entity) or self.part(entity)
        if part is None:
            return None
        shown, names = part, self._names
        for name, row in patch.items():
            if name in names and not _observe(part, name, row):
                shown = {**shown, name: [*instances(part[name]), {"type": "Property", "value": row[1]}]}
        return shown

    def standing(self, change: Change) -> Document | None:
        """Return the part of an entity as a written change left it, which was taken before."""
        part = self._parts.get(change.entity)
        if part is not None:
            return part
        # The store may have gone on since: what the change laid down counts.
        part = self.part(change.entity)
        return laid(part, change.patch, change.at) if part is not None and change.patch else part

    def _keep(self, entity: str, document: Document) -> dict[str, Any]:
        if len(self._parts) >= ENTITIES_MAX:
            self._parts.clear()
        names = self._names
        part = {name: value for name, value in document.items() if name == "type" or name in names}
        if "id" in names:
            part["id"] = entity
        self._parts[entity] = part
        return part

    def _lay(self, part: dict[str, Any], patch: Mapping[str, Any]) -> None:
        for name, value in patch.items():
            if name in self._names or name == "type":
                if value is None:
                    part.pop(name, None)
                else:
                    part[name] = value


def types_of(part: Document) -> tuple[str, ...]:
    """Return the types of an entity."""
    types = part["type"]
    return tuple(types) if types.__class__ is list else (types,)


def _observe(part: dict[str, Any], name: str, row: Laid) -> bool:
    """Lay an observed value over the default instance; False when a later one was observed. What was written yields."""
    standing = part.get(name)
    default, others = standing, []
    if standing.__class__ is list or (standing is not None and "datasetId" in standing):
        every = instances(standing)
        default = next((each for each in every if "datasetId" not in each), None)
        others = [each for each in every if each is not default]
    if default is not None:
        at = default.get("observedAt")
        if at.__class__ is int and at > row[0]:
            return False
    new: Instance = {"type": "Property", "value": row[1], "observedAt": row[0]}
    part[name] = [new, *others] if others else new
    return True
