"""Observations as NumPy columns: gathered from journal records, chosen, sorted and freed of duplicates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from quanyu.kernel.entity import batch_of
from quanyu.kernel.journal import Record, provenance_kind

Codes = NDArray[np.int32]
Longs = NDArray[np.int64]
Doubles = NDArray[np.float64]

Number = TypeVar("Number", np.int32, np.int64, np.float64)

NO_WORD = 0
"""Code of the empty word: no unit."""


class Words:
    """Names that repeat (entities, attributes, units, sources), each stored once and known by its code."""

    def __init__(self) -> None:
        self.names: list[str] = [""]
        self._codes: dict[str, int] = {"": NO_WORD}

    def code(self, name: str) -> int:
        """Return the code of a name, a new one when it was never seen."""
        found = self._codes.get(name)
        if found is None:
            found = self._codes[name] = len(self.names)
            self.names.append(name)
        return found

    def codes(self, names: Iterable[str]) -> list[int]:
        """Return the codes of names, in their order."""
        known, code = self._codes, self.code
        return [known[name] if name in known else code(name) for name in names]

    def find_code(self, name: str) -> int | None:
        """Return the code of a name that was seen."""
        return self._codes.get(name)


@dataclass(frozen=True, slots=True)
class Rows:
    """Observations in columns of equal length; words are codes into `words`, times microseconds UTC."""

    words: Words
    entity: Codes
    attribute: Codes
    unit: Codes
    quality: Codes
    source: Codes
    offset: Codes
    observed_at: Longs
    at: Longs
    seq: Longs
    value: Doubles

    def __len__(self) -> int:
        return len(self.value)

    def take(self, index: NDArray[np.bool_] | NDArray[np.intp]) -> Rows:
        """Return the rows chosen by a mask or by positions."""
        return Rows(self.words, *(getattr(self, field.name)[index] for field in fields(self)[1:]))

    def after(self, seq: int) -> Rows:
        """Return the rows of later records; the very same object when all are."""
        later = self.seq > seq
        return self if later.all() else self.take(later)


def no_rows(words: Words) -> Rows:
    """Return rows that are none."""
    codes, longs = np.empty(0, np.int32), np.empty(0, np.int64)
    return Rows(words, codes, codes, codes, codes, codes, codes, longs, longs, longs, np.empty(0, np.float64))


def joined(words: Words, parts: Sequence[Rows]) -> Rows:
    """Return the rows of all parts in their order; all share one set of words."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return no_rows(words)
    names = [field.name for field in fields(Rows)[1:]]
    return Rows(words, *(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def gather(records: Iterable[Record], words: Words) -> Rows:
    """Return the numbers of observed records as rows; a pruned body holds none. Offsets count within the record."""
    read = [(record, batch_of(record.body)) for record in records if record.body is not None]
    read = [(record, batch) for record, batch in read if len(batch.value)]
    if not read:
        return no_rows(words)
    heads, batches = [record for record, _ in read], [batch for _, batch in read]
    counts = np.array([len(batch.value) for batch in batches], np.int64)
    entity = _placed([batch.entity for batch in batches], [len(batch.entities) for batch in batches], counts)
    attribute = _placed([batch.attribute for batch in batches], [len(batch.attributes) for batch in batches], counts)
    units = [[batch.units.get(name) or "" for name in batch.attributes] for batch in batches]
    return Rows(
        words,
        entity=_coded([batch.entities for batch in batches], words)[entity],
        attribute=_coded([batch.attributes for batch in batches], words)[attribute],
        unit=_coded(units, words)[attribute],
        quality=np.repeat(_coded([[provenance_kind(head.provenance) for head in heads]], words), counts),
        source=np.repeat(_coded([[source_of(head) for head in heads]], words), counts),
        offset=(np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)).astype(np.int32),
        observed_at=_joined([batch.observed_at for batch in batches], np.int64),
        at=np.repeat(np.array([head.at for head in heads], np.int64), counts),
        seq=np.repeat(np.array([head.seq for head in heads], np.int64), counts),
        value=_joined([batch.value for batch in batches], np.float64),
    )


def source_of(record: Record) -> str:
    """Return who measured: the source named in the provenance, else the subject of the record."""
    return record.provenance.partition(":")[2] or record.subject


def sorted_rows(rows: Rows) -> tuple[Rows, bool]:
    """Return rows by entity, attribute, time and journal order, duplicates dropped, and whether every key is single.

    Of equal neighbours the last stays, because the last in journal order is the instance that stands.
    """
    series = _rank(rows.entity, rows.words) * (len(rows.words.names) + 1) + _rank(rows.attribute, rows.words)
    order = np.argsort(series, kind="stable")
    if np.any((np.diff(series[order]) == 0) & (np.diff(rows.observed_at[order]) < 0)):
        order = np.lexsort((rows.observed_at, series))
    again = (np.diff(series[order]) == 0) & (np.diff(rows.observed_at[order]) == 0)
    if not again.any():
        return rows.take(order), True
    values = rows.value[order]
    dropped = again & (values[:-1] == values[1:])
    kept = np.append(~dropped, True)
    return rows.take(order[kept]), bool((again & ~dropped).sum() == 0)


def _coded(lists: Sequence[Sequence[str]], words: Words) -> Codes:
    code = words.code
    return np.array([code(name) for names in lists for name in names], np.int32)


def _placed(columns: Sequence[Sequence[int]], sizes: Sequence[int], counts: Longs) -> NDArray[np.signedinteger]:
    """Shift each record's indexes to where its names stand among the names of all records."""
    sizes_ = np.array(sizes, np.int64)
    return _joined(columns, np.int32) + np.repeat(np.cumsum(sizes_) - sizes_, counts)


def _joined(columns: Sequence[Sequence[float]], kind: type[Number]) -> NDArray[Number]:
    """Return the columns one after another; those over bytes are not copied twice."""
    return np.concatenate([np.asarray(column, kind) for column in columns])


def _rank(codes: Codes, words: Words) -> Longs:
    """Return each code's place in the alphabetical (UTF-8) order of the names used."""
    used = np.flatnonzero(np.bincount(codes, minlength=1))
    ranks = np.zeros(len(words.names), np.int64)
    ranks[sorted(used.tolist(), key=lambda code: words.names[code].encode())] = np.arange(len(used))
    return ranks[codes]
