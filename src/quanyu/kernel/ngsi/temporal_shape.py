"""Temporal representations (4.5.6 to 4.5.9, 4.5.19): the evolution of an entity, written whole, simplified or aggregated.

An evolution is a head (`id`, `type`, …) and the instances of each attribute by stored name, in the order in which they
are to be written. Instances are in the stored form; instants may be µs. The evolution of the scope stands among the
attributes as `scope`: instances of a Property.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from quanyu.kernel.entity import Document
from quanyu.kernel.journal import Instant
from quanyu.kernel.ngsi.instants import text_of
from quanyu.kernel.ngsi.members import KINDS, NULL, PLURALS, Instance, Words
from quanyu.kernel.ngsi.writing import NORMALIZED, EntityWriter, Shape
from quanyu.kernel.ngsi.writing_attribute import AttributeWriter, null_of

TimeProperty = Literal["observedAt", "createdAt", "modifiedAt", "deletedAt"]
_WRAPPED: Final = frozenset({"languageMap", "json", "vocab"})

Period = tuple[Any, Instant, Instant]
"""What an aggregation method gave, from (µs), to (µs)."""


class Aggregate(msgspec.Struct, frozen=True):
    """Periods of one attribute (of one dataset) by aggregation method, in the order in which they are to be written."""

    methods: Mapping[str, Sequence[Period]]
    kind: str = "Property"
    dataset: str | None = None


def write_temporal(
    head: Document,
    attributes: Mapping[str, Sequence[Instance]],
    context: Words,
    shape: Shape = NORMALIZED,
    time: TimeProperty = "observedAt",
) -> Document:
    """NGSI-LD 4.5.6, 4.5.9: return an entity's evolution; with the simplified format as pairs of value and instant.

    `time` is the temporal property asked for: it stands in every instance and is the instant of a pair. An attribute
    without instances of the datasets asked for is left out.
    """
    writer = EntityWriter(context, shape)
    made = _head(writer, head, attributes)
    for name, several in attributes.items():
        if not _wanted(writer, name):
            continue
        if shape.dataset is not None:
            several = [each for each in several if each.get("datasetId", "@none") in shape.dataset]
        if not several:
            continue
        if shape.format == "simplified":
            made[_word(context, name)] = _simplified(writer.attributes, several, time)
        else:
            made[_word(context, name)] = [_instance(writer.attributes, each, time) for each in several]
    return made


def write_aggregated(
    head: Document, attributes: Mapping[str, Sequence[Aggregate]], context: Words, shape: Shape = NORMALIZED
) -> Document:
    """NGSI-LD 4.5.19: return aggregated values, one triple of value, from and to for each period."""
    writer = EntityWriter(context, shape)
    made = _head(writer, head, attributes)
    for name, several in attributes.items():
        if not several or not _wanted(writer, name):
            continue
        written = []
        for aggregate in several:
            one: Document = {"type": aggregate.kind}
            if aggregate.dataset is not None:
                one["datasetId"] = aggregate.dataset
            for method, periods in aggregate.methods.items():
                one[method] = [[value, text_of(start), text_of(end)] for value, start, end in periods]
            written.append(one)
        made[_word(context, name)] = written[0] if len(written) == 1 else written
    return made


def _head(writer: EntityWriter, head: Document, attributes: Mapping[str, Any]) -> Document:
    return writer.entity({name: value for name, value in head.items() if name not in attributes})


def _wanted(writer: EntityWriter, name: str) -> bool:
    if (writer.pick is not None and name not in writer.pick) or (writer.omit is not None and name in writer.omit):
        return False
    return writer.attrs is None or name in writer.attrs


def _word(context: Words, name: str) -> str:
    return name if context.core or name == "scope" else context.word(name)


def _instance(writer: AttributeWriter, instance: Instance, time: str) -> Any:
    written = writer.short(instance) if writer.form == "concise" else writer.normalized(instance)
    at = instance.get(time)
    # What was asked for by its time is told with it, system instants or not.
    return written if at is None or time in written else written | {time: _text(at)}


def _simplified(writer: AttributeWriter, several: Sequence[Instance], time: str) -> Any:
    """Return one object of pairs, or one for each kind and dataset when there are more."""
    parts: dict[tuple[str, str | None], list[Any]] = {}
    for instance in several:
        part = parts.setdefault((instance["type"], instance.get("datasetId")), [])
        part.append([_value(writer, instance), _text(instance.get(time))])
    written = []
    for (kind, dataset), pairs in parts.items():
        one: Document = {"type": kind}
        if dataset is not None:
            one["datasetId"] = dataset
        plural = PLURALS[kind]
        if kind == "LanguageProperty" and writer.ranges is not None:
            one["type"], plural = "Property", "values"
        one[plural] = pairs
        written.append(one)
    return written[0] if len(written) == 1 else written


def _value(writer: AttributeWriter, instance: Instance) -> Any:
    kind = instance["type"]
    member, value = KINDS[kind], instance[KINDS[kind]]
    if value != null_of(kind):
        return writer.simplified(instance)
    if kind == "LanguageProperty" and writer.ranges is not None:
        return NULL
    return {member: value} if member in _WRAPPED else value


def _text(at: Any) -> Any:
    return text_of(at) if at.__class__ is int else at
