"""What queries look at, remembered of entities: a change that concerns nobody is judged without reading the entity.

Filled by one reading of an entity, then kept by the records themselves under the rules of the store. What records do
not tell in full is forgotten and read again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from quanyu.engines.notify.change import Change, laid
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

    def types(self, entity: str) -> tuple[str, ...] | None:
        """Return the types of an entity; None when it does not stand."""
        part = self.part(entity)
        if part is None:
            return None
        types = part["type"]
        return tuple(types) if isinstance(types, list) else (types,)

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

    def standing(self, change: Change) -> Document | None:
        """Return the part of an entity as a change left it, which was taken before; None when it does not stand."""
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
            if name not in self._names and name != "type":
                continue
            if value is None:
                part.pop(name, None)
            elif value.__class__ is tuple:
                _observe(part, name, value)
            else:
                part[name] = value


def _observe(part: dict[str, Any], name: str, row: tuple[Any, ...]) -> None:
    """Lay an observed value over the default instance, unless a later one was observed: what was written yields."""
    standing: list[Instance] = instances(part[name]) if name in part else []
    default = next((each for each in standing if "datasetId" not in each), None)
    at = None if default is None else default.get("observedAt")
    if at.__class__ is int and at > row[0]:
        return
    new: Instance = {"type": "Property", "value": row[1], "observedAt": row[0]}
    others = [each for each in standing if each is not default]
    part[name] = [new, *others] if others else new
