"""Batches of observations: what may enter, and the newest value of each series in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from quanyu.kernel.entity import Observations, batch_of, check_name
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.journal import Instant, State, Table

Newest = tuple[int, str, Instant, float | str, str | None, int, str]
"""Number of the entity, attribute, observed_at, value, unit, offset in the batch, id of the entity."""

ROWS_MAX = 1_000_000
FUTURE_MAX_US = 24 * 3_600_000_000
FIELDS = ("entities", "attributes", "entity", "attribute", "observed_at", "value", "units", "texts")


def checked_batch(body: Mapping[str, Any], now: Instant, state: State, entity_table: Table) -> dict[str, Any]:
    """Return the body with the number of every entity resolved; Invalid or Missing says which row is wrong."""
    mode = body.get("as", "live")
    if "rows" in body:
        return {"rows": _checked_rows(body["rows"], now + FUTURE_MAX_US, state, entity_table), "as": mode}
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
    for name in batch.attributes:
        check_name(name, "attributes")
    if rows:
        _check_columns(batch, now)
    numbers = [_number(state, entity_table, id) for id in batch.entities]
    for row, (id, name, observed_at, _) in enumerate(batch.texts):
        if id not in batch.entities or name not in batch.attributes:
            raise _dangling(rows + row)
        if observed_at > now + FUTURE_MAX_US:
            raise _future(id)
    return {**{field: body[field] for field in FIELDS}, "n": numbers, "as": mode}


def _checked_rows(rows: Sequence[Any], latest: Instant, state: State, table: Table) -> list[Any]:
    checked = []
    for row, (entity, attribute, observed_at, value, unit) in enumerate(rows):
        check_name(attribute, "attribute")
        if value.__class__ is float and not isfinite(value):
            raise _not_finite(row)
        if observed_at > latest:
            raise _future(entity)
        checked.append((entity, attribute, observed_at, value, unit, _number(state, table, entity)))
    return checked


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


def _check_columns(batch: Observations, now: Instant) -> None:
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


def newest(body: Mapping[str, Any]) -> Iterator[Newest]:
    """Yield the newest value of each series of a checked batch; of equal instants the later row wins."""
    if "rows" in body:
        return _newest_rows(body["rows"])
    return _newest_columns(body)


def _newest_rows(rows: Sequence[Any]) -> Iterator[Newest]:
    if len(rows) == 1:
        id, attribute, observed_at, value, unit, n = rows[0]
        yield n, attribute, observed_at, value, unit, 0, id
        return
    best: dict[tuple[int, str], int] = {}
    for offset, row in enumerate(rows):
        series = (row[5], row[1])
        if series not in best or row[2] >= rows[best[series]][2]:
            best[series] = offset
    for (n, attribute), offset in best.items():
        row = rows[offset]
        yield n, attribute, row[2], row[3], row[4], offset, row[0]


def _newest_columns(body: Mapping[str, Any]) -> Iterator[Newest]:
    import numpy as np

    batch, numbers = batch_of(body), body["n"]
    entity, attribute = np.asarray(batch.entity), np.asarray(batch.attribute)
    times, value = np.asarray(batch.observed_at), np.asarray(batch.value)
    series = entity.astype(np.int64) * len(batch.attributes) + attribute
    order = np.lexsort((np.arange(len(times)), times, series))
    ends = np.flatnonzero(np.append(series[order][1:] != series[order][:-1], True)) if len(order) else order
    for i in order[ends].tolist():
        name = batch.attributes[attribute[i]]
        code = entity[i]
        yield numbers[code], name, int(times[i]), float(value[i]), batch.units.get(name), i, batch.entities[code]
    codes = dict(zip(batch.entities, numbers, strict=True))
    for offset, (id, name, observed_at, text) in enumerate(batch.texts, start=len(times)):
        yield codes[id], name, observed_at, text, batch.units.get(name), offset, id
