"""Which watches a change may concern: found by entity, by type and attribute, and by what their queries require."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final

from quanyu.engines.notify.gates import Shelf, gate_of
from quanyu.engines.notify.watch import Watch
from quanyu.kernel.entity import Document

ANY: Final = ""
"""Stands for every type or every attribute; neither can have this name."""
KNOWN_MAX: Final = 2_000
"""Kinds of changes whose shelves are remembered: types and names come from outside."""


class Index:
    """Watches by entity id, and by type and attribute: a change that concerns none costs a few look-ups."""

    def __init__(self) -> None:
        self.watches: dict[str, Watch] = {}
        self._by_id: dict[str, dict[str, Watch]] = {}
        self._by_key: dict[tuple[str, str], Shelf] = {}
        # Types and names of a change → where its watches stand; forgotten when shelves come or go.
        self._known: dict[tuple[object, ...], tuple[Shelf, ...]] = {}
        self._names: Counter[str] = Counter()
        self.gated: Counter[str] = Counter()
        """Attributes whose values tell which watches a change concerns."""

    def put(self, watch: Watch) -> None:
        """Take in a watch, in the place of the one that had its id; those told by the clock alone are not found."""
        self.remove(watch.id)
        self.watches[watch.id] = watch
        if watch.interval_us is not None:
            return
        for id in self._ids(watch):
            self._by_id.setdefault(id, {})[watch.id] = watch
        self._known.clear()
        for key in self._keys(watch):
            self._by_key.setdefault(key, Shelf()).put(watch)
        self._names.update(watch.watched or (ANY,))
        self.gated.update(_gated(watch))

    def remove(self, id: str) -> None:
        """Forget a watch."""
        watch = self.watches.pop(id, None)
        if watch is None or watch.interval_us is not None:
            return
        for entity in self._ids(watch):
            held = self._by_id[entity]
            held.pop(id, None)
            if not held:
                del self._by_id[entity]
        self._known.clear()
        for key in self._keys(watch):
            self._by_key[key].remove(watch)
            if self._by_key[key].empty:
                del self._by_key[key]
        self._names.subtract(watch.watched or (ANY,))
        self._names += Counter()
        self.gated.subtract(_gated(watch))
        for name in _gated(watch):
            if not self.gated[name]:
                del self.gated[name]

    def wants(self, attribute: str) -> bool:
        """Whether an attribute may concern any watch, or tell whom another one concerns."""
        return attribute in self._names or attribute in self.gated or ANY in self._names

    def candidates(
        self, entity: str, types: tuple[str, ...], names: Collection[str], document: Callable[[], Document | None]
    ) -> list[Watch]:
        """Return the watches that may concern a change of these attributes; they are asked for the rest.

        `document` is asked for the entity as it stands (`gated` attributes are enough), where queries can tell whom it
        concerns.
        """
        key = (types, *names)
        shelves = self._known.get(key)
        if shelves is None:
            shelves = self._shelves(types, names)
            if len(self._known) >= KNOWN_MAX:
                self._known.clear()
            self._known[key] = shelves
        found: dict[str, Watch] = {}
        if entity in self._by_id:
            found.update(self._by_id[entity])
        for shelf in shelves:
            if shelf.plain:
                found.update(shelf.plain)
            if shelf.gates:
                for watch in shelf.passing(document()):
                    found[watch.id] = watch
        return list(found.values())

    def _shelves(self, types: Iterable[str], names: Iterable[str]) -> tuple[Shelf, ...]:
        keys = ((type_, name) for type_ in (*types, ANY) for name in (*names, ANY))
        return tuple(self._by_key[key] for key in keys if key in self._by_key)

    def _ids(self, watch: Watch) -> frozenset[str]:
        return frozenset(selector.id for selector in watch.selectors if selector.id is not None)

    def _keys(self, watch: Watch) -> Iterator[tuple[str, str]]:
        starts: set[str] = set() if watch.selectors else {ANY}
        for selector in watch.selectors:
            if selector.id is None:
                starts.update(selector.types.any_of() or (ANY,))
        for start in starts:
            for name in watch.watched or (ANY,):
                yield start, name


def _gated(watch: Watch) -> tuple[str, ...]:
    gate = gate_of(watch)
    return () if gate is None else (gate.attribute,)
