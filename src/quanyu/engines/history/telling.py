"""What a record tells of the past: attribute instances, in an order that every reading of it gives again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from math import isfinite
from typing import Any

import msgspec
import numpy as np

from quanyu.engines.history.columns import Rows, Words, gather, joined, no_rows, source_of
from quanyu.kernel.entity import UNTOLD, batch_of
from quanyu.kernel.journal import Instant, Record, Row, provenance_kind
from quanyu.kernel.ngsi.instants import micros

OBSERVED = frozenset({"observed", "history.measured"})
"""Kinds whose body is a batch of observations."""

KEPT = frozenset(
    {"entity.created", "entity.replaced", "entity.merged", "entity.deleted", "history.added", "history.amended"}
)
"""Kinds that tell of one entity, and are kept for ever."""

HEAD = frozenset({"id", "type", "scope", "expiresAt", "@context", "createdAt", "modifiedAt"})
PLAIN = frozenset({"type", "value", "unitCode", "observedAt"})
NOTHING_SKIPPED: frozenset[str] = frozenset()
UNTIMED, SCOPES, GONE = 1, 2, 4
"""What a kept record may tell beside instances with a time: values without one, types and scopes, deletions."""

EXACT_MAX = 2**53
INTERFACE = "ngsi-ld"
"""Source of what no source is named for."""

_ONE = {dict}
_encode = msgspec.json.Encoder().encode
micros_of = lru_cache(maxsize=4096)(micros)
"""Microseconds of an instant as text: batches say the same one again and again."""
_decode = msgspec.json.Decoder().decode


class Told(msgspec.Struct, frozen=True, gc=False):
    """One instance: (`seq`, `offset`) is its identity, `by` the record that says it as it is now.

    `content` lacks observedAt and datasetId, which stand beside it.
    """

    entity: str
    attribute: str
    dataset: str
    observed_at: Instant | None
    at: Instant
    content: Mapping[str, Any]
    quality: str
    source: str
    seq: int
    offset: int
    modified: Instant
    by: int


Measured = tuple[str, str, str, int, Instant, float]
"""Entity, attribute, unit, offset, observed_at and value of an instance that stands in the columns."""


class Heard(msgspec.Struct, frozen=True, gc=False):
    """What the history keeps of a record: plain numbers, timed instances that are none, and whether some have no time.

    `describes`: for what else the record must be found again by its entity (see `describes`).
    """

    numbers: Sequence[Measured] = ()
    tells: Sequence[Told] = ()
    untimed: bool = False
    describes: int = 0


NOTHING = Heard()
DELETED = Heard(describes=SCOPES | GONE)
"""With an entity its scope ends: one that comes back with the same scope sets it again."""


def number_of(value: Any) -> float | None:
    """Return a number that a column of doubles holds without loss."""
    if value.__class__ is float:
        return float(value) if isfinite(value) else None
    return float(value) if value.__class__ is int and -EXACT_MAX < value < EXACT_MAX else None


def told(record: Record) -> list[Told]:
    """Return the instances that a record tells, numbers of observed batches left out; none of a pruned body."""
    body = record.body
    if body is None or record.kind == "entity.deleted":
        return []
    if record.kind in OBSERVED:
        return list(_texts(record, body))
    if record.kind not in KEPT:
        return []
    if record.kind == "history.amended":
        return [_amended(record, body)]
    return [
        _told(record, name, instance, offset)
        for offset, (name, instance) in enumerate(_instances(record.kind, body))
    ]  # fmt: skip


def hear(record: Record) -> Heard:
    """Return what the history keeps of a record; of the batches in columns, which `gather` reads, the texts alone."""
    body = record.body
    if body is None:
        return NOTHING
    if record.kind == "entity.deleted":
        return DELETED
    if record.kind in OBSERVED:
        return _heard_rows(record, body) if "rows" in body else Heard(tells=list(_texts(record, body)))
    if record.kind == "history.amended":
        amended = _amended(record, body)
        return Heard(untimed=True, describes=UNTIMED) if amended.observed_at is None else Heard(tells=(amended,))
    return _heard_kept(record, body) if record.kind in KEPT else NOTHING


def _heard_kept(record: Record, body: Mapping[str, Any]) -> Heard:
    numbers: list[Measured] = []
    tells: list[Told] = []
    untimed = False
    subject = record.subject
    for offset, (name, instance) in enumerate(_instances(record.kind, body)):
        observed_at = instance.get("observedAt")
        if observed_at is None:
            untimed = True
            continue
        # A number that says nothing besides, but for its unit, goes to the columns.
        unit = instance.get("unitCode")
        number = None
        if len(instance) == (3 if unit is None else 4) and instance.get("type") == "Property":
            value = instance.get("value")
            number = value if value.__class__ is float and isfinite(value) else number_of(value)
        if number is None:
            tells.append(_told(record, name, instance, offset))
        else:
            at = micros_of(observed_at) if observed_at.__class__ is str else observed_at
            numbers.append((subject, name, unit or "", offset, at, number))
    return Heard(numbers, tells, untimed, describes(record, body, untimed))


def _told(record: Record, name: str, instance: Mapping[str, Any], offset: int) -> Told:
    dataset, observed_at, content = split(instance)
    return Told(
        record.subject, name, dataset, observed_at, record.at, content, provenance_kind(record.provenance),
        record.provenance.partition(":")[2] or INTERFACE, record.seq, offset, record.at, record.seq,
    )  # fmt: skip


def _heard_rows(record: Record, body: Mapping[str, Any]) -> Heard:
    """Hear a small batch; the unit that is said last of an attribute is the unit of all its rows."""
    rows = body["rows"]
    units = {row[1]: row[4] for row in rows if row[4]}
    plain = [row for row in rows if row[3].__class__ is not str]
    numbers = [
        (entity, attribute, units.get(attribute, ""), offset, observed_at, float(value))
        for offset, (entity, attribute, observed_at, value, *_) in enumerate(plain)
    ]
    return Heard(numbers, () if len(plain) == len(rows) else list(_texts(record, body)))


def split(instance: Mapping[str, Any]) -> tuple[str, Instant | None, dict[str, Any]]:
    """Return dataset, instant and the rest of an instance."""
    content = dict(instance)
    dataset = content.pop("datasetId", "")
    observed_at = content.pop("observedAt", None)
    return dataset, micros(observed_at) if isinstance(observed_at, str) else observed_at, content


def whole(each: Told) -> dict[str, Any]:
    """Return an instance with its time and dataset."""
    instance = dict(each.content)
    if each.observed_at is not None:
        instance["observedAt"] = each.observed_at
    if each.dataset:
        instance["datasetId"] = each.dataset
    return instance


def describes(record: Record, body: Mapping[str, Any], untimed: bool) -> int:
    """Return for what a kept record must be found again by its entity: UNTIMED, SCOPES, GONE together; 0 for nothing.

    The record that made an entity is found by the entity, or by the record that deleted it (see `born`).
    """
    if record.kind == "entity.created" and UNTOLD not in body:
        return 0
    found = UNTIMED if untimed else 0
    if record.kind in ("entity.created", "entity.replaced") or (
        record.kind == "entity.merged" and "scope" in (body.get("head") or ())
    ):
        found |= SCOPES
    return found | GONE if gone(record) else found


def born(record: Record) -> tuple[int, Instant] | None:
    """Return seq and time of the record that made the entity which this one deletes; None for other records."""
    body = record.body
    if body is None or record.kind != "entity.deleted" or "born" not in body:
        return None
    return body["born"], body["created"]


def instances_of(given: Any) -> Sequence[Mapping[str, Any]]:
    """Return the instances of a stored attribute, which may be one or a list."""
    if isinstance(given, dict):
        return (given,)
    return given if isinstance(given, list | tuple) else ()


def instance_row(each: Told) -> Row:
    """Return the row of table `instances`."""
    return (
        each.entity, each.attribute, each.dataset, each.observed_at, each.at, _encode(each.content).decode(),
        each.quality, each.source, each.seq, each.offset, each.modified, each.by,
    )  # fmt: skip


def told_of(row: Row) -> Told:
    """Return the instance of a row."""
    entity, attribute, dataset, observed_at, at, text, quality, source, seq, offset, modified, by = row
    return Told(
        entity, attribute, dataset, observed_at, at, _decode(text), quality, source, seq, offset, modified, by
    )  # fmt: skip


def numbers_of(heard: Sequence[tuple[Record, Heard]], words: Words) -> Rows:
    """Return the plain numbers of records as rows, in journal order."""
    columns = gather([record for record, _ in heard if record.kind in OBSERVED and in_columns(record)], words)
    rows = _rows([(record, each) for record, each in heard if each.numbers], words)
    if not len(columns):
        return rows
    if not len(rows):
        return columns
    both = joined(words, [columns, rows])
    return both.take(np.lexsort((both.offset, both.seq)))


def in_columns(record: Record) -> bool:
    """Whether an observed record is a batch in columns."""
    return record.body is not None and "rows" not in record.body


def _rows(heard: Sequence[tuple[Record, Heard]], words: Words) -> Rows:
    """Return what was heard row by row; what all rows of a record share is looked up once."""
    if not heard:
        return no_rows(words)
    flat = [row for _, each in heard for row in each.numbers]
    entity, attribute, unit, offset, observed_at, value = zip(*flat, strict=True)
    heads = [record for record, _ in heard]
    counts = [len(each.numbers) for _, each in heard]
    return Rows(
        words,
        entity=np.array(words.codes(entity), np.int32),
        attribute=np.array(words.codes(attribute), np.int32),
        unit=np.array(words.codes(unit), np.int32),
        quality=np.repeat(np.array(words.codes(provenance_kind(head.provenance) for head in heads), np.int32), counts),
        source=np.repeat(np.array(words.codes(map(_source, heads)), np.int32), counts),
        offset=np.array(offset, np.int32),
        observed_at=np.array(observed_at, np.int64),
        at=np.repeat(np.array([head.at for head in heads], np.int64), counts),
        seq=np.repeat(np.array([head.seq for head in heads], np.int64), counts),
        value=np.array(value, np.float64),
    )


def _source(head: Record) -> str:
    """Return who measured, or that it came by the interface."""
    return source_of(head) if head.kind in OBSERVED else head.provenance.partition(":")[2] or INTERFACE


def _instances(kind: str, body: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Return the instances that a kept record writes, each with the name of its attribute."""
    if kind == "entity.created":
        found = [each for each in body["document"].items() if each[0] not in HEAD]
        if {each.__class__ for _, each in found} <= _ONE:
            return found
    return _chosen(kind, body)


def _chosen(kind: str, body: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if kind == "history.added":
        given: Mapping[str, Any] = body["attributes"]
    else:
        given = body["patch"] if kind == "entity.merged" else body["document"]
    skipped = NOTHING_SKIPPED if kind == "history.added" else HEAD
    touched = body.get("datasets", {})
    for name, each in given.items():
        if name in skipped:
            continue
        if each.__class__ is dict and name not in touched:
            yield name, each
            continue
        datasets = touched.get(name)
        for instance in instances_of(each):
            if datasets is None or instance.get("datasetId") in datasets:
                yield name, instance


def gone(record: Record) -> list[tuple[str, str]]:
    """Return which attributes, or datasets of them, a change of an entity took away."""
    body = record.body
    if body is None or record.kind not in ("entity.merged", "entity.replaced"):
        return []
    if record.kind == "entity.replaced":
        return [(name, "") for name in body.get("gone", ()) if name not in HEAD]
    found = []
    for name, each in body["patch"].items():
        if name in HEAD:
            continue
        left = {instance.get("datasetId") for instance in instances_of(each)}
        touched = body.get("datasets", {}).get(name, (None,) if each is None else ())
        found += [(name, dataset or "") for dataset in touched if dataset not in left]
    return found


def _amended(record: Record, body: Mapping[str, Any]) -> Told:
    dataset, observed_at, content = split(body["instance"])
    seq, offset = body["id"]
    source = record.provenance.partition(":")[2] or INTERFACE
    return Told(
        record.subject, body["attribute"], dataset, observed_at, body["created"], content,
        provenance_kind(record.provenance), source, seq, offset, record.at, record.seq,
    )  # fmt: skip


def _texts(record: Record, body: Mapping[str, Any]) -> Iterator[Told]:
    """Yield observed texts; offsets go on where the numbers of the record end."""
    batch = batch_of(body)
    if not batch.texts:
        return
    quality, source = provenance_kind(record.provenance), record.provenance.partition(":")[2] or record.subject
    for offset, (entity, attribute, observed_at, value) in enumerate(batch.texts, len(batch.value)):
        content = {"type": "Property", "value": value}
        yield Told(
            entity, attribute, "", observed_at, record.at, content, quality, source, record.seq, offset,
            record.at, record.seq,
        )  # fmt: skip
