"""Instances and folds of many series at once: what temporal queries ask of the lake."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from quanyu.adapters.lake.query import Answer, Plan, fetch
from quanyu.adapters.lake.tail import standing
from quanyu.engines.history.columns import Words
from quanyu.engines.history.store import Found, Grouping, Groups, SeriesEnds, Slice
from quanyu.kernel.temporal import too_many

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SLACK_ROWS = 1_000
"""Fetched beyond a page, so that the instants at its end are whole."""

_FOLDS = {
    "totalCount": "count(*)",
    "distinctCount": "count(DISTINCT value)",
    "sum": "sum(value)",
    "avg": "avg(value)",
    "min": "min(value)",
    "max": "max(value)",
    "stddev": "stddev_pop(value)",
    "sumsq": "sum(value * value)",
}
_REMEDY = "Ask for fewer entities or attributes, or for a shorter time."


def instances(connection: DuckDBPyConnection, plan: Plan, table: Path, part: Slice) -> Found:
    """Return a part of the standing instances from the files and the tail."""
    key, turn = _key(plan), "" if part.last is None else " DESC"
    newest = (
        ""
        if part.last is None
        else f' QUALIFY row_number() OVER (PARTITION BY entity, attribute ORDER BY {key} DESC, seq DESC, "offset" DESC)'
        " <= $last"
    )
    limit = min(part.page + SLACK_ROWS, part.most) + 1
    while True:
        select = (
            f'SELECT entity, attribute, unit, t, "at", seq, "offset", value FROM rows{newest}'  # noqa: S608
            f" ORDER BY {key}{turn} LIMIT $limit"
        )
        found = _found(fetch(connection, plan, table, select, {"limit": limit, "last": part.last}))
        chosen = page_of(found, _keys(plan, found), part, more=len(found.value) == limit)
        if chosen is not None:
            return chosen
        if limit > part.most:
            raise too_many("instances", part.most, "timeAt", _REMEDY)
        limit = part.most + 1


def tail_instances(plan: Plan, part: Slice) -> Found:
    """Return a part of the standing instances that lie in the tail alone."""
    rows = standing(plan)
    keys = rows.at if plan.window.recorded else rows.observed_at
    order = np.lexsort((rows.offset, rows.seq, keys, rows.attribute, rows.entity))
    if part.last is not None and len(order):
        series = np.stack((rows.entity[order], rows.attribute[order]))
        ends = np.flatnonzero(np.append((np.diff(series) != 0).any(axis=0), True))
        order = order[ends[np.searchsorted(ends, np.arange(len(order)))] - np.arange(len(order)) < part.last]
    turned = keys[order] if part.last is None else -keys[order]
    order = order[np.argsort(turned, kind="stable")]
    rows = rows.take(order)
    found = Found(
        rows.words, rows.entity, rows.attribute, rows.unit, rows.observed_at, rows.at, rows.seq, rows.offset, rows.value
    )  # fmt: skip
    chosen = page_of(found, _keys(plan, found), part, more=False)
    assert chosen is not None
    if len(chosen.value) > part.most:
        raise too_many("instances", part.most, "timeAt", _REMEDY)
    return chosen


def page_of(found: Found, keys: NDArray[np.int64], part: Slice, *, more: bool) -> Found | None:
    """Cut instances (in order) so that those of one instant stay together and two instants at least are told.

    With fewer, whoever asks again from the last instant on would never come further. None when what was fetched does
    not reach so far (`more`: there is more than was fetched).
    """
    if len(keys) <= part.page and not more:
        return found
    turned = keys if part.last is None else -keys
    changes = np.flatnonzero(np.diff(turned)) + 1
    beyond = changes[changes > 0][1:2]
    if not len(beyond):
        return None if more else found
    start = int(beyond[0])
    if start <= part.page < len(turned):
        start = max(start, int(np.searchsorted(turned, turned[part.page])))
    cut = int(keys[start])
    columns: dict[str, Any] = {
        field.name: getattr(found, field.name)[:start] for field in dataclasses.fields(Found)[1:-1]
    }
    return dataclasses.replace(found, cut=cut, **columns)


def grouped(connection: DuckDBPyConnection, plan: Plan, table: Path, grouping: Grouping) -> Groups:
    """Return standing values folded by entity, attribute and period."""
    key = _key(plan)
    values: dict[str, Any] = {
        "limit": grouping.most + 1, "origin": grouping.origin, "width": grouping.width_us
    }  # fmt: skip
    rows, period = "rows", "0"
    if grouping.edges:
        rows = f"rows ASOF JOIN (SELECT unnest($edges::BIGINT[]) AS edge, generate_subscripts($edges::BIGINT[], 1) - 1 AS place) ON {key} >= edge"  # noqa: E501
        period = "place"
        values["edges"] = list(grouping.edges)
    elif grouping.width_us:
        period = f"({key} - $origin) // $width"
    values |= {f"above{i}": number for i, number in enumerate(grouping.above)}
    folds = ", ".join(
        [f'{_FOLDS[method]} AS "{method}"' for method in grouping.methods]
        + [f"min(value) FILTER (WHERE value >= $above{i}) AS above{i}" for i in range(len(grouping.above))]
    )
    one = plan.window.attribute if isinstance(plan.window.attribute, str) else None
    series = "entity, attribute" if one is None else "entity"
    select = (
        f"SELECT {series}, {period} AS period, {folds} FROM {rows}"  # noqa: S608
        f" GROUP BY ALL ORDER BY {series}, period LIMIT $limit"
    )
    answer = fetch(connection, plan, table, select, values)
    count = len(answer["period"])
    _check_groups(count, grouping)
    columns = {method: np.ma.filled(answer[method]) for method in grouping.methods}
    columns |= {f"above{i}": np.ma.filled(answer[f"above{i}"], np.nan) for i in range(len(grouping.above))}
    attributes = [one] * count if one is not None else answer["attribute"].tolist()
    return Groups(answer["entity"].tolist(), attributes, answer["period"], columns)


def tail_grouped(plan: Plan, grouping: Grouping) -> Groups:
    """Return the folds of values that lie in the tail alone."""
    rows = standing(plan)
    keys = rows.at if plan.window.recorded else rows.observed_at
    if grouping.edges:
        period = np.searchsorted(np.array(grouping.edges, np.int64), keys, side="right") - 1
    else:
        period = (keys - grouping.origin) // grouping.width_us if grouping.width_us else np.zeros(len(keys), np.int64)
    order = np.lexsort((period, rows.attribute, rows.entity)) if plan.window.recorded else np.arange(len(keys))
    rows, period = rows.take(order), period[order]
    parts = np.stack((rows.entity.astype(np.int64), rows.attribute.astype(np.int64), period))
    starts = np.flatnonzero(np.append(True, (np.diff(parts) != 0).any(axis=0))) if len(period) else np.empty(0, np.intp)
    _check_groups(len(starts), grouping)
    names = rows.words.names
    columns = {method: _column(rows.value, starts, method) for method in grouping.methods}
    for i, number in enumerate(grouping.above):
        least = _column(np.where(rows.value >= number, rows.value, np.inf), starts, "min")
        columns[f"above{i}"] = np.where(np.isinf(least), np.nan, least)
    return Groups(
        [names[code] for code in rows.entity[starts].tolist()],
        [names[code] for code in rows.attribute[starts].tolist()],
        period[starts],
        columns,
    )


def series(connection: DuckDBPyConnection, plan: Plan, table: Path, most: int) -> list[SeriesEnds]:
    """Return the series that have standing instances, each with the first and last time."""
    key = _key(plan)
    select = (
        f"SELECT entity, attribute, min({key}) AS first, max({key}) AS last FROM rows"  # noqa: S608
        " GROUP BY entity, attribute LIMIT $limit"
    )
    answer = fetch(connection, plan, table, select, {"limit": most + 1})
    columns = (answer[name].tolist() for name in ("entity", "attribute", "first", "last"))
    return _checked(list(zip(*columns, strict=True)), most)


def tail_series(plan: Plan, most: int) -> list[SeriesEnds]:
    """Return the series of the tail alone."""
    rows = standing(plan)
    keys = rows.at if plan.window.recorded else rows.observed_at
    ends: dict[tuple[int, int], tuple[int, int]] = {}
    for entity, attribute, key in zip(rows.entity.tolist(), rows.attribute.tolist(), keys.tolist(), strict=True):
        first, last = ends.get((entity, attribute), (key, key))
        ends[entity, attribute] = (min(key, first), max(key, last))
    names = rows.words.names
    return _checked([(names[entity], names[attribute], *pair) for (entity, attribute), pair in ends.items()], most)


def _checked(found: list[SeriesEnds], most: int) -> list[SeriesEnds]:
    if len(found) > most:
        raise too_many("series", most, "type", _REMEDY)
    return found


def _check_groups(count: int, grouping: Grouping) -> None:
    if count > grouping.most:
        raise too_many("periods", grouping.most, "aggrPeriodDuration", "Ask for longer periods or fewer entities.")


def _key(plan: Plan) -> str:
    return '"at"' if plan.window.recorded else "t"


def _keys(plan: Plan, found: Found) -> NDArray[np.int64]:
    return found.at if plan.window.recorded else found.observed_at


def _found(answer: Answer) -> Found:
    words = Words()
    code = words.code
    entity, attribute = (np.array([code(name) for name in answer[name_].tolist()], np.int32) for name_ in _NAMES)
    unit = np.array([code(name or "") for name in answer["unit"].tolist()], np.int32)
    return Found(
        words, entity, attribute, unit, answer["t"], answer["at"], answer["seq"], answer["offset"], answer["value"]
    )  # fmt: skip


_NAMES = ("entity", "attribute")


def _column(values: NDArray[np.float64], starts: NDArray[np.intp], method: str) -> NDArray[Any]:
    counts = np.diff(np.append(starts, len(values)))
    if not len(starts):
        return np.empty(0)
    if method == "totalCount":
        return counts
    if method == "distinctCount":
        return np.array([len(np.unique(part)) for part in np.split(values, starts[1:])], np.int64)
    if method in ("min", "max"):
        reduced: NDArray[np.float64] = (np.minimum if method == "min" else np.maximum).reduceat(values, starts)
        return reduced
    sums = np.add.reduceat(values, starts)
    if method == "sum":
        return sums
    if method == "sumsq":
        return np.add.reduceat(values * values, starts)
    means = sums / counts
    if method == "avg":
        return means
    deviations = values - np.repeat(means, counts)
    return np.sqrt(np.add.reduceat(deviations * deviations, starts) / counts)
