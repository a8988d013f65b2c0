"""Batches of observations laid end to end in columns, as the evaluator judges them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from quanyu.kernel.entity import Observation, Observations, observations
from quanyu.kernel.journal import Instant

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Batch(NamedTuple):
    """One record of observations: its seq, the city time at which it was committed, and whether it is an import.

    `observations`: in columns, or the rows of a small batch as the journal holds them.
    """

    observations: Observations | list[Any]
    seq: int = 0
    at: Instant = 0
    historical: bool = False


class Columns(NamedTuple):
    """Batches laid end to end; `origin` is the batch of each row."""

    entities: Sequence[str]
    attributes: Sequence[str]
    entity: NDArray[np.intp]
    attribute: NDArray[np.intp]
    at: NDArray[np.int64]
    value: NDArray[np.float64]
    origin: NDArray[np.int64]


def concatenate(group: Sequence[Batch]) -> Columns:
    """Lay batches end to end; texts are samples without a number."""
    rows = _rows(group)
    if rows is not None:
        return rows
    entities: list[str] = []
    attributes: dict[str, int] = {}
    parts: list[tuple[Any, ...]] = []
    for i, batch in enumerate(group):
        seen = batch.observations
        if isinstance(seen, list):
            seen = observations(Observation(*row[:5]) for row in seen)
        if seen.texts:
            seen = _numbered(seen)
        if len(group) == 1:
            at = np.asarray(seen.observed_at, dtype=np.int64)
            entity, attribute = np.asarray(seen.entity, dtype=np.intp), np.asarray(seen.attribute, dtype=np.intp)
            value = np.asarray(seen.value, dtype=np.float64)
            return Columns(seen.entities, seen.attributes, entity, attribute, at, value, np.zeros(len(at), np.int64))
        names = np.array([attributes.setdefault(name, len(attributes)) for name in seen.attributes], dtype=np.intp)
        entity = np.asarray(seen.entity, dtype=np.intp) + len(entities)
        entities += seen.entities
        attribute = names[np.asarray(seen.attribute, dtype=np.intp)]
        parts.append((entity, attribute, seen.observed_at, seen.value, np.full(len(entity), i, dtype=np.int64)))
    entity, attribute, at, value, origin = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Columns(
        entities, tuple(attributes), entity, attribute, at.astype(np.int64), value.astype(np.float64), origin
    )


def _rows(group: Sequence[Batch]) -> Columns | None:
    """Return batches of rows laid end to end, without a column of their own for each; None when that is not all."""
    parts = [batch.observations for batch in group if isinstance(batch.observations, list)]
    if len(parts) < len(group):
        return None
    flat = [row for part in parts for row in part]
    # A text comes after the numbers of its batch, so it cannot stay where it is.
    if not flat or any(row[3].__class__ is str for row in flat):
        return None
    number: dict[str, int] = {}
    codes = [number.setdefault(row[1], len(number)) for row in flat]
    return Columns(
        [row[0] for row in flat],
        tuple(number),
        np.arange(len(flat), dtype=np.intp),
        np.array(codes, dtype=np.intp),
        np.array([row[2] for row in flat], dtype=np.int64),
        np.array([row[3] for row in flat], dtype=np.float64),
        np.repeat(np.arange(len(parts), dtype=np.int64), [len(part) for part in parts]),
    )


def _numbered(seen: Observations) -> Observations:
    """Append texts as samples of unknown value: they break silences and make conditions unknown."""
    entities = {name: i for i, name in enumerate(seen.entities)}
    attributes = {name: i for i, name in enumerate(seen.attributes)}
    entity = [entities.setdefault(row[0], len(entities)) for row in seen.texts]
    attribute = [attributes.setdefault(row[1], len(attributes)) for row in seen.texts]
    return Observations(
        tuple(entities),
        tuple(attributes),
        [*seen.entity, *entity],
        [*seen.attribute, *attribute],
        [*seen.observed_at, *(row[2] for row in seen.texts)],
        [*seen.value, *([float("nan")] * len(seen.texts))],
    )
