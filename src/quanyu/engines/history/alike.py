"""New entities with the same attributes are heard attribute by attribute: a column of numbers costs a third of its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quanyu.engines.history.columns import Doubles, Rows, Words, joined, no_rows
from quanyu.engines.history.telling import (
    EXACT_MAX,
    HEAD,
    INTERFACE,
    SCOPES,
    UNTIMED,
    Heard,
    hear,
    micros_of,
    numbers_of,
)
from quanyu.kernel.journal import Instant, Record, provenance_kind

ALIKE_MIN = 8
"""Fewer are heard one by one: a column has its own price."""
_NUMBERS = frozenset({float, int})
_ONE = {dict}
_TEXTS = {str}

Pairs = list[tuple[Record, Heard]]


class Column(NamedTuple):
    """An attribute of all of them: plain numbers that have their times."""

    attribute: str
    unit: str
    offset: int
    times: Sequence[Instant]
    values: Doubles


def hear_all(records: Sequence[Record], after: int, words: Words) -> tuple[Pairs, Rows]:
    """Return what is heard of each record, and the numbers of those with seq > after in journal order."""
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        if record.kind == "entity.created" and record.body is not None:
            groups.setdefault((*record.body["document"],), []).append(record)
    known: dict[int, Heard] = {}
    parts: list[Rows] = []
    for names, some in groups.items():
        found = _heard_alike(names, some, words) if len(some) >= ALIKE_MIN else None
        if found is not None:
            known.update(dict.fromkeys([record.seq for record in some], found[0]))
            parts.append(found[1].after(after))
    pairs = [(record, known.get(record.seq) or hear(record)) for record in records]
    parts.append(numbers_of([pair for pair in pairs if pair[0].seq > after], words))
    parts = [part for part in parts if len(part)]
    rows = joined(words, parts)
    return pairs, rows if len(parts) < 2 else rows.take(np.lexsort((rows.offset, rows.seq)))


def _heard_alike(names: Sequence[str], records: Sequence[Record], words: Words) -> tuple[Heard, Rows] | None:
    """Return what each of the records says besides numbers, and their numbers; None when they differ in more than values."""
    documents = [record.body["document"] for record in records if record.body is not None]
    untimed, columns, offset = False, list[Column](), 0
    for name in names:
        if name in HEAD:
            continue
        instances = [document[name] for document in documents]
        if {*map(type, instances)} != _ONE:
            return None
        if {"observedAt" in each for each in instances} == {False}:
            untimed = True
        else:
            column = _column(name, offset, instances)
            if column is None:
                return None
            columns.append(column)
        offset += 1
    heard = Heard(untimed=untimed, describes=SCOPES | (UNTIMED if untimed else 0))
    return heard, _rows(columns, records, words) if columns else no_rows(words)


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
