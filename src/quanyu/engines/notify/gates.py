"""Queries as gates: of a thousand thresholds on one attribute, a value passes those that it can meet, and only those."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from typing import Any, Final

from quanyu.engines.notify.watch import Watch
from quanyu.kernel.entity import Document
from quanyu.kernel.ngsi.members import instances
from quanyu.kernel.ngsi.q import Comparison

_UP: Final = frozenset({">", ">=", ".."})
_DOWN: Final = frozenset({"<", "<="})
_SORTABLE: Final = frozenset({int, float, str})


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

    def passing(self, document: Document | None) -> list[Watch]:
        """Return the watches behind gates that an entity may concern; without an entity, none."""
        found: list[Watch] = []
        if document is not None:
            for attribute, gate in self.gates.items():
                if attribute in document:
                    found += gate.passing(document[attribute])
        return found


class Gate:
    """Conditions on one attribute, in order of their bounds. Numbers and texts apart; what else there is passes."""

    def __init__(self) -> None:
        self.watches: dict[str, Watch] = {}
        self._any: dict[str, Watch] = {}
        self._equal: dict[Any, dict[str, Watch]] = {}
        # Of numbers (False) and of texts: those that values must lie below, and those that they must lie above.
        self._bounds: dict[bool, tuple[Bounds, Bounds]] = {}

    def put(self, watch: Watch, gate: Comparison) -> None:
        """Take in a watch behind its gate."""
        self.watches[watch.id] = watch
        if gate.operator == "==" and all(_sortable(value) for value in gate.values):
            for value in gate.values:
                self._equal.setdefault(value, {})[watch.id] = watch
        elif gate.operator in _UP | _DOWN and _sortable(gate.values[0]):
            bound = gate.values[0]
            self._bounds.setdefault(bound.__class__ is str, (Bounds(False), Bounds(True)))[gate.operator in _UP].put(
                bound, watch
            )
        else:
            self._any[watch.id] = watch

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
            bound = gate.values[0]
            self._bounds[bound.__class__ is str][gate.operator in _UP].remove(bound, watch)

    def passing(self, attribute: Any) -> Collection[Watch]:
        """Return the watches whose condition an attribute may meet; one may come more than once."""
        found = [*self._any.values()]
        for instance in instances(attribute):
            value = instance.get("value") if instance.__class__ is dict and instance.get("type") == "Property" else None
            if value.__class__ not in _SORTABLE:
                return self.watches.values()
            if value in self._equal:
                found += self._equal[value].values()
            for bounds in self._bounds.get(value.__class__ is str, ()):
                found += bounds.met(value)
        return found


class Bounds:
    """Bounds of one kind in order, and the watch behind each; values meet those below them, or those above."""

    def __init__(self, rising: bool) -> None:
        self._rising = rising
        self._values: list[Any] = []
        self._watches: list[Watch] = []

    def put(self, value: Any, watch: Watch) -> None:
        """Take in a bound."""
        place = bisect_right(self._values, value)
        self._values.insert(place, value)
        self._watches.insert(place, watch)

    def remove(self, value: Any, watch: Watch) -> None:
        """Forget a bound that was put."""
        for place in range(bisect_left(self._values, value), bisect_right(self._values, value)):
            if self._watches[place] is watch:
                del self._values[place], self._watches[place]
                return

    def met(self, value: Any) -> Sequence[Watch]:
        """Return whose bounds a value meets; one that lies at the bound counts."""
        values = self._values
        # Most values meet none, and that is told without a search.
        if not values or (value < values[0] if self._rising else value > values[-1]):
            return ()
        if self._rising:
            return self._watches[: bisect_right(values, value)]
        return self._watches[bisect_left(values, value) :]


def _sortable(value: Any) -> bool:
    """Whether a value is a number or a text; true is not 1."""
    return value.__class__ in _SORTABLE
