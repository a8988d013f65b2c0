"""Aggregates of evolutions (4.5.19): numbers are folded in the columns, all else by hand."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from math import fsum, sqrt
from typing import Any

import msgspec

from quanyu.engines.history.asking import ask
from quanyu.engines.history.engine import HistoryReader
from quanyu.engines.history.gathering import REMEDY, Gatherer, Span
from quanyu.engines.history.store import Grouping, Slice
from quanyu.engines.history.telling import Told
from quanyu.kernel.journal import Instant
from quanyu.kernel.temporal import BEGINNING, END, WHOLE, Period, TemporalQuery, too_many

AGGREGATES_MAX = 200_000
"""Periods of all series of one answer."""

INSTANCES_MAX = 1_000_000
VALUES = ("value", "object", "languageMap", "vocab", "json", "valueList", "objectList")
NUMERIC = frozenset({"sum", "avg", "stddev", "sumsq"})
Aggregate = dict[str, Any]
_encode = msgspec.json.Encoder(order="deterministic").encode


class Periods(msgspec.Struct, frozen=True):
    """The periods of an answer: from `origin` on; a whole span is one period and ends at `end`."""

    period: Period
    origin: Instant
    end: Instant
    edges: tuple[Instant, ...] = ()

    def ends(self, number: int) -> tuple[Instant, Instant]:
        """Return the start and the end of a period."""
        if self.period == WHOLE:
            return self.origin, self.end
        return self.period.step(self.origin, number), self.period.step(self.origin, number + 1)

    def number(self, key: Instant) -> int:
        """Return the period that holds an instant."""
        if self.edges:
            return bisect_right(self.edges, key) - 1
        return (key - self.origin) // self.period.width_us if self.period.width_us else 0


def aggregated(
    reader: HistoryReader, gatherer: Gatherer, entities: Sequence[str], query: TemporalQuery, span: Span
) -> dict[str, dict[str, list[Aggregate]]]:
    """Return the aggregates of every attribute of the entities, one for each dataset, the default one first."""
    periods = told_periods(query) or _found_periods(query, gatherer, entities, span)
    if periods is None:
        return {}
    mixed = gatherer.mixed(entities, span, INSTANCES_MAX)
    answer: dict[str, dict[str, list[Aggregate]]] = {}
    if span.property != "deletedAt" and (span.datasets is None or "" in span.datasets):
        _fold_columns(reader, entities, query, span, periods, mixed, answer)
    for entity in dict.fromkeys(entity for entity, _ in mixed):
        names = tuple(sorted(attribute for each, attribute in mixed if each == entity))
        told, cut = gatherer.gather(
            (entity,), msgspec.structs.replace(span, attributes=names), Slice(page=INSTANCES_MAX, most=INSTANCES_MAX)
        )
        if cut is not None:
            raise too_many("instances", INSTANCES_MAX, "timeAt", REMEDY)
        _fold_told(told, query, span, periods, answer.setdefault(entity, {}))
    # A series that is not all numbers may have nothing in the span.
    return {entity: series for entity, series in answer.items() if series}


def told_periods(query: TemporalQuery) -> Periods | None:
    """Return the periods when the question alone says where they begin and, if that matters, end."""
    begins, ends = query.timed and query.start > BEGINNING, query.timed and query.end < END
    if not begins or (not ends and not query.period.width_us):
        return None
    edges = tuple(query.period.edges(query.start, query.end)) if ends and query.period.months else ()
    return Periods(query.period, query.start, query.end, edges) if edges or not query.period.months else None


def _found_periods(query: TemporalQuery, gatherer: Gatherer, entities: Sequence[str], span: Span) -> Periods | None:
    """Return the periods from the first instance on, None when there is none."""
    found = gatherer.series(entities, span, INSTANCES_MAX)
    series = [each for known in found.values() for each in known.values()]
    if not series:
        return None
    last = max(each[1] for each in series)
    origin = query.start if query.timed and query.start > BEGINNING else min(each[0] for each in series)
    end = query.end if query.timed and query.end < END else last
    edges = tuple(query.period.edges(origin, last + 1)) if query.period.months else ()
    return Periods(query.period, origin, end, edges)


def _fold_columns(
    reader: HistoryReader,
    entities: Sequence[str],
    query: TemporalQuery,
    span: Span,
    periods: Periods,
    mixed: set[tuple[str, str]],
    answer: dict[str, dict[str, list[Aggregate]]],
) -> None:
    window, tail = ask(
        reader, entities, span.named(), span.start, span.end, recorded=span.property != "observedAt"
    )  # fmt: skip
    width = 0 if periods.edges else query.period.width_us
    grouping = Grouping(query.methods, periods.origin, width, periods.edges, AGGREGATES_MAX)
    groups = reader.store.grouped(window, tail, reader.hidden, grouping)
    ends = {number: periods.ends(number) for number in set(groups.period.tolist())}
    starts, stops = ([ends[number][end] for number in groups.period.tolist()] for end in (0, 1))
    columns = [(method, groups.columns[method].tolist()) for method in query.methods]
    row = 0
    for (entity, attribute), run in groupby(zip(groups.entities, groups.attributes, strict=True)):
        first, row = row, row + sum(1 for _ in run)
        if (entity, attribute) not in mixed and span.wants(attribute, ""):
            aggregate: Aggregate = {"type": "Property"}
            for method, values in columns:
                aggregate[method] = list(zip(values[first:row], starts[first:row], stops[first:row], strict=True))
            answer.setdefault(entity, {})[attribute] = [aggregate]


def _fold_told(
    told: Iterable[Told], query: TemporalQuery, span: Span, periods: Periods, answer: dict[str, list[Aggregate]]
) -> None:
    cells: dict[tuple[str, str], dict[int, list[Told]]] = {}
    for each in told:
        key = span.key(each)
        if key is not None:
            series = cells.setdefault((each.attribute, each.dataset), {})
            series.setdefault(periods.number(key), []).append(each)
    for (attribute, dataset), series in sorted(cells.items()):
        newest = series[max(series)][-1]
        aggregate: Aggregate = {"type": newest.content.get("type", "Property")}
        if dataset:
            aggregate["datasetId"] = dataset
        for number, instances in sorted(series.items()):
            values = [_value(each.content) for each in instances]
            for method, value in _folds(values, query.methods).items():
                aggregate.setdefault(method, []).append((value, *periods.ends(number)))
        answer.setdefault(attribute, []).append(aggregate)


def _value(content: Mapping[str, Any]) -> Any:
    return next((content[name] for name in VALUES if name in content), None)


def _folds(values: Sequence[Any], methods: Sequence[str]) -> dict[str, Any]:
    """Return the methods that these values have (table 4.5.19-1): truth counts as 1, an array as its length."""
    numbers = [number for value in values if (number := _number(value)) is not None]
    texts = [value for value in values if isinstance(value, str)]
    found: dict[str, Any] = {}
    for method in methods:
        if method == "totalCount":
            found[method] = len(values)
        elif method == "distinctCount":
            found[method] = len({_encode(value) for value in values})
        elif method in ("min", "max") and (numbers or texts):
            found[method] = (min if method == "min" else max)(numbers or texts)
        elif method in NUMERIC and numbers:
            found[method] = _number_fold(numbers, method)
    return found


def _number(value: Any) -> float | None:
    if isinstance(value, list):
        return float(len(value))
    return float(value) if isinstance(value, int | float) else None


def _number_fold(numbers: Sequence[float], method: str) -> float:
    total = fsum(numbers)
    if method == "sum":
        return total
    if method == "sumsq":
        return fsum(number * number for number in numbers)
    mean = total / len(numbers)
    if method == "avg":
        return mean
    return sqrt(fsum((number - mean) ** 2 for number in numbers) / len(numbers))
