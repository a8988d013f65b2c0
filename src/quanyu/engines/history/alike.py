"""New entities with the same attributes are heard attribute by attribute: a column of numbers costs a third of its rows.

Nothing else is kept of them: what has no time in them is found by the entity itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quanyu.engines.history.columns import Doubles, Rows, Words, joined, no_rows
from quanyu.engines.history.telling import (
    EXACT_MAX,
    HEAD,
    INTERFACE,
    Heard,
    hear,
    micros_of,
    numbers_of,
)
from quanyu.kernel.entity import UNTOLD
from quanyu.kernel.journal import Instant, Record, provenance_kind

ALIKE_MIN = 8
"""Fewer are heard one by one: a column has its own price."""
_NUMBERS = frozenset({float, int})
_ONE = {dict}
_TEXTS = {str}
SEQ = attrgetter("seq")

Pairs = list[tuple[Record, Heard]]


class Column(NamedTuple):
    """An attribute of all of them: plain numbers that have their times."""

    attribute: str
    unit: str
    offset: int
    times: Sequence[Instant]
    values: Doubles


def hear_all(records: Sequence[Record], after: int, words: Words) -> tuple[Pairs, Rows]:
    """Return what is heard of those that tell more than numbers, and the numbers of those with seq > after; by seq both."""
    groups: dict[tuple[str, ...], list[Record]] = {}
    others: list[Record] = []
    for record in records:
        body = record.body
        if record.kind == "entity.created" and body is not None and UNTOLD not in body:
            groups.setdefault((*body["document"],), []).append(record)
        else:
            others.append(record)
    parts: list[Rows] = []
    alone = len(others)
    for names, some in groups.items():
        rows = _rows_alike(names, some, words) if len(some) >= ALIKE_MIN else None
        if rows is None:
            others += some
        else:
            parts.append(rows.after(after))
    if alone < len(others):
        others.sort(key=SEQ)
    pairs = [(record, hear(record)) for record in others]
    parts.append(numbers_of([pair for pair in pairs if pair[0].seq > after], words))
    parts = [part for part in parts if len(part)]
    rows = joined(words, parts)
    if len(parts) > 1:
        rows = rows.take(np.lexsort((rows.offset, rows.seq)))
    return [pair for pair in pairs if pair[1].tells or pair[1].describes], rows


def _rows_alike(names: Sequence[str], records: Sequence[Record], words: Words) -> Rows | None:
    """Return the numbers of records that make entities; None when one says more or they differ in more than values."""
    documents = [record.body["document"] for record in records if record.body is not None]
    columns, offset = list[Column](), 0
    for name in names:
        if name in HEAD:
            continue
        instances = [document[name] for document in documents]
        if {*map(type, instances)} != _ONE:
            return None
        if {"observedAt" in each for each in instances} != {False}:
            column = _column(name, offset, instances)
            if column is None:
                return None
            columns.append(column)
        offset += 1
    return _rows(columns, records, words) if columns else no_rows(words)


def _column(name: str, offset: int, instances: Sequence[Mapping[str, Any]]) -> Column | None:
    """Return an attribute whose instances are all plain numbers in one unit with their times, else None."""
    units = {each.get("unitCode") for each in instances}
    times = [each.get("observedAt") for each in instances]
    values = [each.get("value") for each in instances]
    unit = next(iter(units))
    if (
        len(units) > 1
        or {each.get("type") for each in instances} != {"Property"}
        or {*map(len, instances)} != {3 if unit is None else 4}
        or not {*map(type, values)} <= _NUMBERS
    ):
        return None
    said = {*times}
    if {*map(type, said)} != _TEXTS:
        return None
    column = np.array(values, np.float64)
    # What is no number compares as False.
    if not (np.abs(column) < EXACT_MAX).all():
        return None
    at = {text: micros_of(text) for text in said}
    instants = list(at.values()) * len(times) if len(at) == 1 else [at[text] for text in times]
    return Column(name, unit or "", offset, instants, column)


def _rows(columns: Sequence[Column], records: Sequence[Record], words: Words) -> Rows:
    count, width = len(records), len(columns)
    provenances = [record.provenance for record in records]
    quality = {each: provenance_kind(each) for each in {*provenances}}
    source = {each: each.partition(":")[2] or INTERFACE for each in quality}

    def across(codes: Sequence[int]) -> NDArray[np.int32]:
        return np.tile(np.array(codes, np.int32), count)

    def down(names: Sequence[str]) -> NDArray[np.int32]:
        return np.repeat(np.array(words.codes(names), np.int32), width)

    return Rows(
        words,
        entity=down([record.subject for record in records]),
        attribute=across(words.codes(each.attribute for each in columns)),
        unit=across(words.codes(each.unit for each in columns)),
        quality=down([quality[each] for each in provenances]),
        source=down([source[each] for each in provenances]),
        offset=across([each.offset for each in columns]),
        observed_at=np.array([each.times for each in columns], np.int64).T.ravel(),
        at=np.repeat(np.array([record.at for record in records], np.int64), width),
        seq=np.repeat(np.array([record.seq for record in records], np.int64), width),
        value=np.array([each.values for each in columns]).T.ravel(),
    )
