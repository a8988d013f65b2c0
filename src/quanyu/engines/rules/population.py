"""Who is watched: entity ids as numbers, and each entity's slot among those of its type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from quanyu.engines.rules.store import Describe
from quanyu.kernel.entity import Document

if TYPE_CHECKING:
    from quanyu.engines.rules.scan import Index

RECENT: Final = 4
"""Lists of names kept from recent batches."""


class Known(NamedTuple):
    """Names of a batch and where they were found; `places`: their places on the ground, by attribute."""

    entities: Sequence[str]
    types: Index
    slots: Index
    places: dict[str, Index]


class Population:
    """Slots are given in order of first sight and never reused; `met` collects those given since it was last emptied."""

    def __init__(self, types: Sequence[str], lookup: Describe) -> None:
        self.types = tuple(types)
        self.ids: dict[str, list[str]] = {name: [] for name in self.types}
        self.met: list[tuple[str, int, str]] = []
        self.described: list[tuple[str, int, Document]] = []
        """What was looked up of watched entities since this list was last emptied."""
        self._lookup = lookup
        self._number = {name: i for i, name in enumerate(self.types)}
        self._slots: dict[str, dict[str, int]] = {name: {} for name in self.types}
        self._codes: dict[str, int] = {}
        self._recent: list[Known] = []
        self._next = 0
        self._type_of: Index = np.empty(0, dtype=np.intp)
        self._slot_of: Index = np.empty(0, dtype=np.intp)

    def locate(self, entities: Sequence[str]) -> Known:
        """Return type number (-1: not watched) and slot of each entity; strangers are looked up, all at once.

        Polls and simulation ticks name the same entities in the same order: comparing is cheaper than hashing them.
        """
        for known in self._recent:
            if known.entities == entities:
                return known
        found = self._locate(entities)
        self._recent = [found, *self._recent[: RECENT - 1]]
        return found

    def _locate(self, entities: Sequence[str]) -> Known:
        size = len(entities)
        try:
            codes = np.fromiter(map(self._codes.__getitem__, entities), dtype=np.intp, count=size)
        except KeyError:
            self._meet([entity for entity in entities if entity not in self._codes])
            codes = np.fromiter(map(self._codes.__getitem__, entities), dtype=np.intp, count=size)
        return Known(entities, self._type_of.take(codes), self._slot_of.take(codes), {})

    def slot(self, type_: str, entity: str) -> int:
        """Return the entity's slot among its type, a new one if it has none."""
        slots = self._slots[type_]
        found = slots.get(entity)
        if found is None:
            found = slots[entity] = len(self.ids[type_])
            self.ids[type_].append(entity)
            self.met.append((type_, found, entity))
        return found

    def moved(self) -> None:
        """Forget the places of recent names: watches stand elsewhere."""
        for known in self._recent:
            known.places.clear()

    def forget(self, entity: str) -> None:
        """Look the entity up again when it is next observed."""
        if self._codes.pop(entity, None) is not None:
            self._recent = []

    def drop(self, entity: str) -> list[tuple[str, int]]:
        """Take a deleted entity's slots away; return them with their types."""
        self.forget(entity)
        held = [(type_, slots.pop(entity)) for type_, slots in self._slots.items() if entity in slots]
        for type_, slot in held:
            self.ids[type_][slot] = ""
        return held

    def restore(self, type_: str, first: int, ids: Sequence[str]) -> None:
        """Give slots from `first` on to `ids`, in order; an empty id takes a slot away."""
        self._recent = []
        names, slots = self.ids[type_], self._slots[type_]
        for slot, entity in enumerate(ids, first):
            if slot == len(names):
                names.append(entity)
            else:
                slots.pop(names[slot], None)
                names[slot] = entity
            if entity:
                slots[entity] = slot

    def _meet(self, entities: Sequence[str]) -> None:
        found = self._lookup(entities)
        room = len(self._type_of) - self._next - len(entities)
        if room < 0:
            more = np.full(max(1024, self._next, len(entities)), -1, dtype=np.intp)
            self._type_of = np.append(self._type_of, more)
            self._slot_of = np.append(self._slot_of, np.zeros_like(more))
        for entity in entities:
            if entity in self._codes:
                continue
            code = self._codes[entity] = self._next
            self._next += 1
            type_ = found[entity]["type"] if entity in found else ""
            self._type_of[code] = self._number.get(type_, -1)
            if type_ in self._number:
                slot = self._slot_of[code] = self.slot(type_, entity)
                self.described.append((type_, int(slot), found[entity]))
