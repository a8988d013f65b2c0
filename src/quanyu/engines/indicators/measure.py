"""Measures: declared folds over context, history and cases, in all and by district, with the age of their data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

import msgspec

from quanyu.engines.indicators.expression import Expression
from quanyu.kernel.declare import Measure
from quanyu.kernel.entity import Document
from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Instant
from quanyu.kernel.time import CalendarDays, Limit, WallLimit, parse_instant
from quanyu.kernel.view import EVERYTHING, Query, Views

DAY_US: Final = 86_400_000_000
PAGE: Final = 1_000
NO_ENDS: Final[Mapping[str, Instant]] = {}
NOWHERE: Final = ""
"""The district of what has none."""

CASE_COLUMNS: Final = frozenset({
    "kind", "flow", "reporter_channel", "district", "grid", "asset", "class", "historical", "simulated", "opened_at",
    "closed_at", "due_at", "severity", "state", "unit", "lead", "outcome", "late", "returns", "reworks",
    "first_dispatch_right", "on_time", "handled_on_time", "review_at", "start", "end",
})  # fmt: skip
"""Columns of a case row; `start` and `end` are the ends of the measure's window."""
DATA: Final = "data_"
"""Names that begin so are fields of steps that their flow counts: `data_solved` is the field `solved`."""


_FOLDS: Final[Mapping[str, Callable[[list[float]], float]]] = {"sum": sum, "count": sum, "min": min, "max": max}


class Folded(msgspec.Struct, frozen=True):
    """A measure's number (None without data) and how many rows stand behind it."""

    value: float | None
    count: int


class Measured(msgspec.Struct, frozen=True):
    """A measure at an instant: in all, by district code, and when its newest datum was observed."""

    total: Folded
    by_district: Mapping[str, Folded]
    data_at: Instant | None


def window_us(limit: Limit) -> int:
    """Return the length of a window in microseconds; Invalid for limits whose length depends on the calendar."""
    if isinstance(limit, WallLimit):
        return limit.length_us
    if isinstance(limit, CalendarDays):
        return limit.count * DAY_US
    raise Invalid(
        f"Window {limit} has no fixed length.",
        code="indicator.window",
        remedy="Use minutes(), hours() or calendar_days().",
    )


class Gauge:
    """Takes measures at one instant; what several measures need (entities of a type, case rows) is read once."""

    def __init__(self, views: Views, at: Instant, parameters: Mapping[str, Any]) -> None:
        self._views = views
        self._at = at
        self._parameters = parameters
        self._documents: dict[str, list[Document]] = {}
        self._rows: dict[tuple[int, bool], list[dict[str, Any]]] = {}

    def take(self, measure: Measure) -> Measured:
        """Return the measure now."""
        if measure.over == "history":
            return self._history(measure)
        return self._context(measure) if measure.over == "context" else self._cases(measure)

    def _of_type(self, type: str) -> list[Document]:
        if type not in self._documents:
            found: list[Document] = []
            after: str | None = None
            while True:
                page = self._views.entities.query(Query(type=type, limit=PAGE, after=after), EVERYTHING)
                found += page.items
                after = page.after
                if after is None:
                    break
            self._documents[type] = found
        return self._documents[type]

    def _history(self, measure: Measure) -> Measured:
        assert measure.type
        assert measure.attribute
        assert measure.fold != "share"
        documents = self._of_type(measure.type)
        groups = {document["id"]: _district(document) for document in documents}
        start = self._at - window_us(measure.window)
        # The window is half-open: one microsecond more takes in what was observed now.
        found = self._views.history.fold(measure.attribute, start, self._at + 1, measure.fold, groups) if groups else {}
        folded = {place: Folded(value, count) for place, (value, count) in found.items() if count}
        newest = max((_observed_at(document, measure.attribute) or 0 for document in documents), default=0)
        return Measured(_joined(measure.fold, folded.values()), folded, newest or None)

    def _context(self, measure: Measure) -> Measured:
        assert measure.type
        assert measure.attribute
        start = self._at - window_us(measure.window)
        rows = []
        newest = 0
        for document in self._of_type(measure.type):
            observed = _observed_at(document, measure.attribute)
            newest = max(newest, observed or 0)
            if observed is None or observed < start:
                continue
            rows.append(_values(document) | {"district": _district(document)})
        return self._over_rows(measure, rows, measure.attribute, newest or None)

    def _cases(self, measure: Measure) -> Measured:
        length = window_us(measure.window)
        data = any(DATA in text for text in (measure.where, measure.value) if text)
        if (length, data) not in self._rows:
            self._rows[length, data] = [
                row
                for row in self._views.cases.facts(self._at - length, self._at + 1, data)
                if not row.get("historical") and not row.get("merged_into")
            ]
        ends = {"start": self._at - length, "end": self._at}
        return self._over_rows(measure, self._rows[length, data], None, self._at, ends)

    def _over_rows(
        self,
        measure: Measure,
        rows: Iterable[dict[str, Any]],
        attribute: str | None,
        data_at: Instant | None,
        ends: Mapping[str, Instant] = NO_ENDS,
    ) -> Measured:
        place = f"measure {measure.name}"
        where = _expression(measure.where, place) if measure.where else None
        text = measure.value or attribute
        value = _expression(text, place) if text else None
        names = {*(where.names if where else ()), *(value.names if value else ())}
        fixed = {name: ends.get(name, self._parameters.get(name)) for name in names}
        kept: dict[str, list[Any]] = {}
        for row in rows:
            known = {name: row.get(name, otherwise) for name, otherwise in fixed.items()}
            if measure.fold == "share" and value is None:
                kept.setdefault(_place(row), []).append(bool(where and where(known)))
            elif where is None or where(known):
                kept.setdefault(_place(row), []).append(value(known) if value else 1.0)
        by_district = {district: _folded(measure.fold, found) for district, found in kept.items()}
        everything = [each for found in kept.values() for each in found]
        return Measured(_folded(measure.fold, everything), by_district, data_at)


@cache
def _expression(text: str, place: str) -> Expression:
    """Compile an expression once: packs declare a few, and each is evaluated at every turn of its rhythm."""
    return Expression(text, place)


def _folded(fold: str, values: Sequence[Any]) -> Folded:
    if fold == "count":
        return Folded(float(len(values)), len(values))
    known = [float(each) for each in values if each is not None]
    if not known:
        return Folded(None, 0)
    if fold in ("mean", "share"):
        return Folded(sum(known) / len(known), len(known))
    return Folded(_FOLDS[fold](known), len(known))


def _joined(fold: str, parts: Iterable[Folded]) -> Folded:
    """Join the folds of districts: means by the number of values behind each."""
    known = [part for part in parts if part.value is not None]
    count = sum(part.count for part in known)
    values = [part.value for part in known if part.value is not None]
    if not values:
        return Folded(0.0 if fold in ("count", "sum") else None, 0)
    if fold == "mean":
        return Folded(sum(value * part.count for value, part in zip(values, known, strict=True)) / count, count)
    return Folded(_FOLDS[fold](values), count)


def _place(row: Mapping[str, Any]) -> str:
    return row.get("district") or NOWHERE


def _district(document: Document) -> str:
    value = document.get("district")
    return str(value["value"]) if isinstance(value, dict) and value.get("value") else NOWHERE


def _values(document: Document) -> dict[str, Any]:
    return {name: part["value"] for name, part in document.items() if isinstance(part, dict) and "value" in part}


def _observed_at(document: Document, attribute: str) -> Instant | None:
    part = document.get(attribute)
    if not isinstance(part, dict) or "observedAt" not in part:
        return None
    observed = part["observedAt"]
    return observed if isinstance(observed, int) else parse_instant(observed)
