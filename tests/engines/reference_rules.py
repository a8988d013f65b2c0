"""The rules said again, one event at a time, with dicts and the plain Python conditions: what the vectors must equal."""

from __future__ import annotations

import inspect
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from quanyu.kernel.declare import Rule
from quanyu.kernel.entity import Observation

Values = Mapping[str, float]
Sure = Callable[[Mapping[str, float | None]], bool]
Episode = tuple[str, str, int, int | None, float | None, int]
"""Rule, entity, start, end (None: still stands), worst value, samples."""


@dataclass
class Run:
    since: int
    worst: float
    count: int = 0
    fired: bool = False


@dataclass
class Memory:
    last_at: int | None = None
    last: float | None = None
    run: Run | None = None
    past: list[float] = field(default_factory=list)


class Reference:
    """Judges records of single observations; `worst` says for each rule whether it looks for the max or the min."""

    def __init__(
        self,
        rules: Sequence[Rule],
        types: Mapping[str, str],
        parameters: Callable[[int], Values],
        unknown: Mapping[str, Sure],
        low: Iterable[str] = (),
    ) -> None:
        self.rules = rules
        self.types = types
        self.parameters = parameters
        self.unknown = unknown
        self.low = frozenset(low)
        self.seen: dict[tuple[str, str], tuple[int, float]] = {}
        self.memory: dict[tuple[str, str], Memory] = {}
        self.episodes: list[Episode] = []

    def record(self, rows: Sequence[Observation]) -> None:
        newest = dict(self.seen)
        order = []
        for place, row in enumerate(rows):
            key = (row.entity, row.attribute)
            late = key in newest and row.observed_at <= newest[key][0]
            if not late:
                assert isinstance(row.value, float)
                newest[key] = (row.observed_at, row.value)
                order.append((place, row))
        for rule in self.rules:
            for place, row in order:
                if row.attribute == rule.attribute and self.types[row.entity] == rule.type:
                    self._judge(rule, row, self._beside(rule, place, row, order))
        self.seen = newest

    def standing(self) -> list[Episode]:
        return [
            (name, entity, memory.run.since, None, memory.run.worst, memory.run.count)
            for (name, entity), memory in self.memory.items()
            if memory.run is not None and memory.run.fired
        ]

    def _beside(
        self, rule: Rule, place: int, row: Observation, order: Sequence[tuple[int, Observation]]
    ) -> dict[str, float | None]:
        """What is known of the other names when a sample is judged."""
        values: dict[str, float | None] = {rule.attribute: float(row.value)}
        parameters = self.parameters(row.observed_at)
        for name in inspect.signature(rule.condition).parameters:
            if name == rule.attribute:
                continue
            if name.startswith("p_"):
                values[name] = parameters.get(name)
                continue
            known = self.seen.get((row.entity, name))
            judged = {r.observed_at: p for p, r in order if (r.entity, r.attribute) == (row.entity, rule.attribute)}
            for other_place, other in order:
                came = min(other_place, judged.get(other.observed_at, other_place))
                if (other.entity, other.attribute) == (row.entity, name) and came <= place:
                    known = (other.observed_at, float(other.value))
            gap = rule.max_gap
            stale = known is not None and gap is not None and row.observed_at - known[0] > gap.length_us  # type: ignore[union-attr]
            values[name] = None if known is None or stale else known[1]
        return values

    def _true(self, rule: Rule, values: Mapping[str, float | None]) -> bool:
        if any(value is None for value in values.values()):
            return self.unknown[rule.name](values) if rule.name in self.unknown else False
        return bool(rule.condition(**values))

    def _judge(self, rule: Rule, row: Observation, values: dict[str, float | None]) -> None:
        memory = self.memory.setdefault((rule.name, row.entity), Memory())
        at, value = row.observed_at, float(row.value)
        if rule.absent is not None:
            if memory.last_at is not None and at - memory.last_at >= length(rule.absent):
                self.episodes.append((rule.name, row.entity, memory.last_at, at, None, 0))
            memory.last_at = at
            return
        if rule.max_gap is not None and memory.last_at is not None and at - memory.last_at > length(rule.max_gap):
            self._end(rule, row.entity, memory, memory.last_at)
        if rule.unchanged is not None and memory.last != value:
            self._end(rule, row.entity, memory, at)
        holds = self._true(rule, values)
        if memory.run is not None and rule.clears is not None and not holds:
            holds = self._true(rule, {**values, rule.attribute: value / rule.clears})
        if rule.baseline is not None:
            holds = holds and strays(memory.past, value, rule.baseline)
        memory.past.append(value)
        if not holds:
            self._end(rule, row.entity, memory, at)
        else:
            pick = min if rule.name in self.low else max
            run = memory.run = memory.run or Run(at, value)
            run.worst, run.count = pick(run.worst, value), run.count + 1
            run.fired = run.fired or at - run.since >= needed(rule)
        memory.last_at, memory.last = at, value

    def _end(self, rule: Rule, entity: str, memory: Memory, at: int) -> None:
        run, memory.run = memory.run, None
        if run is not None and (run.fired or at - run.since >= needed(rule)):
            self.episodes.append((rule.name, entity, run.since, at, run.worst, run.count))


def strays(past: Sequence[float], value: float, deviations: float) -> bool:
    window = past[-48:]
    if len(window) < 12:
        return False
    median = statistics.median(window)
    spread = statistics.median(abs(other - median) for other in window)
    return spread > 0 and abs(value - median) / (1.4826 * spread) > deviations


def needed(rule: Rule) -> int:
    limit = rule.lasting or rule.unchanged
    return length(limit) if limit is not None else 0


def length(limit: Any) -> int:
    return int(limit.length_us)
