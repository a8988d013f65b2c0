"""Batches of observations: what may enter, and the newest value of each series in one pass."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from quanyu.kernel.entity import Observations, batch_of, check_name
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.journal import Instant, State, Table

SMALL = 64
ROWS_MAX = 1_000_000
FUTURE_MAX_US = 24 * 3_600_000_000
FIELDS = ("entities", "attributes", "entity", "attribute", "observed_at", "value", "units", "texts")


def checked_batch(body: Mapping[str, Any], now: Instant, state: State, entity_table: Table) -> dict[str, Any]:
    """Return the body with the number of every entity resolved; Invalid or Missing says which row is wrong."""
    for field in FIELDS:
        if field not in body:
            raise Invalid(f"Batch has no field {field!r}.", code="observations.shape", where=field)
    batch = batch_of(body)
    rows = len(batch.value)
    if len({rows, len(batch.entity), len(batch.attribute), len(batch.observed_at)}) != 1:
        raise Invalid("Columns of the batch differ in length.", code="observations.shape", where="value")
    if rows + len(batch.texts) > ROWS_MAX:
        raise Invalid(
            f"Batch holds {rows} observations; {ROWS_MAX} are the most.",
            code="observations.size",
            remedy="Send it in parts.",
        )
    for name in (*batch.attributes, *(text[1] for text in batch.texts)):
        check_name(name, f"attributes.{name}")
    if rows:
        (_check_small if rows <= SMALL else _check_large)(batch, now)
    numbers = [_number(state, entity_table, id) for id in batch.entities]
    for row, (id, name, observed_at, _) in enumerate(batch.texts):
        if id not in batch.entities or name not in batch.attributes:
            raise _dangling(rows + row)
        if observed_at > now + FUTURE_MAX_US:
            raise _future(id)
    return {**{field: body[field] for field in FIELDS}, "n": numbers, "as": body.get("as", "live")}


def _number(state: State, table: Table, id: str) -> int:
    row = state.get(table, id)
    if row is None:
        raise Missing(
            f"Entity {id} does not exist, so nothing can be observed of it.",
            code="entity.missing",
            where=id,
            remedy="Create the entity first.",
        )
    return int(row[1])


def _future(id: str) -> Invalid:
    return Invalid(
        f"An observation of {id} lies more than a day in the future.",
        code="observations.future",
        where=id,
        remedy="Check the sender's clock and time zone.",
    )


def _check_small(batch: Observations, now: Instant) -> None:
    for i, value in enumerate(batch.value):
        if not math.isfinite(value):
            raise _not_finite(i)
        if not 0 <= batch.entity[i] < len(batch.entities) or not 0 <= batch.attribute[i] < len(batch.attributes):
            raise _dangling(i)
        if batch.observed_at[i] > now + FUTURE_MAX_US:
            raise _future(batch.entities[batch.entity[i]])


def _check_large(batch: Observations, now: Instant) -> None:
    import numpy as np

    value = np.asarray(batch.value)
    if not np.isfinite(value).all():
        raise _not_finite(int(np.argmin(np.isfinite(value))))
    for codes, names in ((batch.entity, batch.entities), (batch.attribute, batch.attributes)):
        column = np.asarray(codes)
        if column.min() < 0 or column.max() >= len(names):
            raise _dangling(int(np.argmax((column < 0) | (column >= len(names)))))
    latest = int(np.argmax(np.asarray(batch.observed_at)))
    if batch.observed_at[latest] > now + FUTURE_MAX_US:
        raise _future(batch.entities[batch.entity[latest]])


def _not_finite(row: int) -> Invalid:
    return Invalid(
        f"Value of observation {row} is not a finite number.",
        code="observations.value",
        where=f"value[{row}]",
        remedy="Leave a missing value out.",
    )


def _dangling(row: int) -> Invalid:
    return Invalid(
        f"Observation {row} names an entity or attribute that the batch does not list.",
        code="observations.shape",
        where=f"entity[{row}]",
    )


def newest(batch: Observations) -> Iterator[tuple[int, int, Instant, float | str, int]]:
    """Yield (entity, attribute, observed_at, value, offset) of the newest row of each series; later rows win ties."""
    if len(batch.value) <= SMALL:
        best: dict[tuple[int, int], int] = {}
        times = batch.observed_at
        for i, pair in enumerate(zip(batch.entity, batch.attribute, strict=True)):
            if pair not in best or times[i] >= times[best[pair]]:
                best[pair] = i
        for (entity, attribute), i in best.items():
            yield entity, attribute, times[i], batch.value[i], i
    else:
        yield from _newest_large(batch)
    codes = {name: i for i, name in enumerate(batch.entities)}
    names = {name: i for i, name in enumerate(batch.attributes)}
    for offset, (id, name, observed_at, text) in enumerate(batch.texts, start=len(batch.value)):
        yield codes[id], names[name], observed_at, text, offset


def _newest_large(batch: Observations) -> Iterator[tuple[int, int, Instant, float, int]]:
    import numpy as np

    entity, attribute = np.asarray(batch.entity), np.asarray(batch.attribute)
    times, value = np.asarray(batch.observed_at), np.asarray(batch.value)
    series = entity.astype(np.int64) * len(batch.attributes) + attribute
    order = np.lexsort((np.arange(len(times)), times, series))
    ends = np.flatnonzero(np.append(series[order][1:] != series[order][:-1], True))
    for i in order[ends].tolist():
        yield int(entity[i]), int(attribute[i]), int(times[i]), float(value[i]), i
