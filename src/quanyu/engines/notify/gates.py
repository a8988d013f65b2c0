"""Queries as gates: of a thousand thresholds on one attribute, a value passes those that it can meet, and only those."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Any, Final

from quanyu.engines.notify.watch import Watch
from quanyu.kernel.entity import Document
from quanyu.kernel.ngsi.members import instances
from quanyu.kernel.ngsi.q import Comparison

_UP: Final = frozenset({">", ">=", ".."})
_DOWN: Final = frozenset({"<", "<="})


def gate_of(watch: Watch) -> Comparison | None:
    """Return the condition that says most about which values concern a watch; None where no single one is sure."""
    found = watch.q.required() if watch.q is not None else ()
    ranks = {"==": 0, "..": 1, ">": 2, ">=": 2, "<": 2, "<=": 2}
    return min(found, key=lambda each: ranks.get(each.operator, 3), default=None)


class Shelf:
    """Watches under one key of the index: those that any entity may concern, and those behind gates."""

    def __init__(self) -> None:
        self.plain: dict[str, Watch] = {}
        self.gates: dict[str, Gate] = {}

    def put(self, watch: Watch) -> None:
        """Take in a watch."""
        gate = gate_of(watch)
        if gate is None:
            self.plain[watch.id] = watch
        else:
            self.gates.setdefault(gate.attribute, Gate()).put(watch, gate)

    def remove(self, watch: Watch) -> None:
        """Forget a watch that was put."""
        gate = gate_of(watch)
        if gate is None:
            self.plain.pop(watch.id, None)
        else:
            self.gates[gate.attribute].remove(watch, gate)
            if not self.gates[gate.attribute].watches:
                del self.gates[gate.attribute]

    @property
    def empty(self) -> bool:
        """Whether nothing is left."""
        return not (self.plain or self.gates)

    def passing(self, document: Document | None) -> Iterator[Watch]:
        """Yield the watches behind gates that an entity may concern; without an entity, none."""
        if document is not None:
            for attribute, gate in self.gates.items():
                if attribute in document:
                    yield from gate.passing(document[attribute])


class Gate:
    """Conditions on one attribute, in order of their bounds. Numbers and texts apart; what else there is passes."""

    def __init__(self) -> None:
        self.watches: dict[str, Watch] = {}
        self._any: dict[str, None] = {}
        self._equal: dict[Any, dict[str, None]] = {}
        self._bounds: dict[tuple[bool, bool], Bounds] = {}

    def put(self, watch: Watch, gate: Comparison) -> None:
        """Take in a watch behind its gate."""
        self.watches[watch.id] = watch
        if gate.operator == "==" and all(_sortable(value) for value in gate.values):
            for value in gate.values:
                self._equal.setdefault(value, {})[watch.id] = None
        elif gate.operator in _UP | _DOWN and _sortable(gate.values[0]):
            self._bounds.setdefault(_kind(gate), Bounds()).put(gate.values[0], watch.id)
        else:
            self._any[watch.id] = None

    def remove(self, watch: Watch, gate: Comparison) -> None:
        """Forget a watch."""
        self.watches.pop(watch.id, None)
        self._any.pop(watch.id, None)
        if gate.operator == "==":
            for value in gate.values:
                held = self._equal.get(value)
                if held is not None:
                    held.pop(watch.id, None)
                    if not held:
                        del self._equal[value]
        elif gate.operator in _UP | _DOWN and _sortable(gate.values[0]):
            self._bounds[_kind(gate)].remove(gate.values[0], watch.id)

    def passing(self, attribute: Any) -> Iterator[Watch]:
        """Yield the watches whose condition an attribute may meet, each once."""
        values = []
        for instance in instances(attribute):
            value = instance.get("value") if isinstance(instance, dict) and instance.get("type") == "Property" else None
            if not _sortable(value):
                yield from self.watches.values()
                return
            values.append(value)
        found = dict(self._any)
        for value in values:
            found.update(self._equal.get(value, ()))
            text = isinstance(value, str)
            for rises in (True, False):
                bounds = self._bounds.get((text, rises))
                if bounds is not None:
                    found.update(dict.fromkeys(bounds.upto(value) if rises else bounds.down_to(value)))
        for id in found:
            yield self.watches[id]


class Bounds:
    """Bounds of one kind in order, and the id of the watch behind each."""

    def __init__(self) -> None:
        self._values: list[Any] = []
        self._ids: list[str] = []

    def put(self, value: Any, id: str) -> None:
        """Take in a bound."""
        place = bisect_right(self._values, value)
        self._values.insert(place, value)
        self._ids.insert(place, id)

    def remove(self, value: Any, id: str) -> None:
        """Forget a bound that was put."""
        for place in range(bisect_left(self._values, value), bisect_right(self._values, value)):
            if self._ids[place] == id:
                del self._values[place], self._ids[place]
                return

    def upto(self, value: Any) -> list[str]:
        """Return whose bounds are not above a value."""
        return self._ids[: bisect_right(self._values, value)]

    def down_to(self, value: Any) -> list[str]:
        """Return whose bounds are not below a value."""
        return self._ids[bisect_left(self._values, value) :]


def _kind(gate: Comparison) -> tuple[bool, bool]:
    return isinstance(gate.values[0], str), gate.operator in _UP


def _sortable(value: Any) -> bool:
    """Whether a value is a number or a text; true is not 1."""
    return value.__class__ in (int, float, str)
