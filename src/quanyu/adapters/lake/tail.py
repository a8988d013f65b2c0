"""Windows that lie in the hot tail alone: answered from memory, so that DuckDB is loaded only when files are read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quanyu.adapters.lake.query import Plan
from quanyu.engines.history.columns import Rows
from quanyu.engines.history.store import Folded, Points
from quanyu.kernel.view import Fold


def standing(plan: Plan) -> Rows:
    """Return the tail's rows by entity and time, of each instant the one that stands."""
    rows = plan.tail
    again = (np.diff(rows.entity) == 0) & (np.diff(rows.attribute) == 0) & (np.diff(rows.observed_at) == 0)
    kept = rows.take(np.append(~again, True)) if again.any() else rows
    if plan.struck:
        struck = set(plan.struck)
        stands = [pair not in struck for pair in zip(kept.seq.tolist(), kept.offset.tolist(), strict=True)]
        kept = kept.take(np.array(stands, np.bool_))
    window = plan.window
    if window.recorded:
        kept = kept.take((kept.at >= window.start) & (kept.at < window.end))
    for entity, attribute, upto in window.forgotten:
        gone = (kept.entity == _code(kept, entity)) & (kept.seq < upto)
        if attribute:
            gone &= kept.attribute == _code(kept, attribute)
        kept = kept.take(~gone)
    return kept


def _code(rows: Rows, name: str) -> int:
    code = rows.words.find_code(name)
    return -1 if code is None else code


def points(plan: Plan, limit: int) -> Points:
    """Return one entity's standing values in time order, at most `limit`; unit and quality of the newest."""
    rows = standing(plan)
    names = rows.words.names
    last = len(rows) - 1
    return Points(
        rows.observed_at[:limit],
        rows.value[:limit],
        rows.seq[:limit],
        rows.offset[:limit],
        (names[rows.unit[min(last, limit - 1)]] or None) if last >= 0 else None,
        (names[rows.quality[min(last, limit - 1)]] or None) if last >= 0 else None,
    )


def folded(plan: Plan, width_us: int, fold: Fold) -> Folded:
    """Return one row per entity and bucket that has values, as the store's query would."""
    rows = standing(plan)
    words = rows.words
    found = [words.names[code] for code in np.unique(rows.entity).tolist()]
    names = plan.window.entities or tuple(sorted(found))
    places = np.full(len(words.names), -1, np.int64)
    for place, name in enumerate(names):
        code = words.find_code(name)
        if code is not None:
            places[code] = place
    bucket = (rows.observed_at - plan.window.start) // width_us
    cells, first, counts = _cells(places[rows.entity], bucket)
    values = _reduced(rows.value, first, counts, fold) if len(cells) else np.empty(0)
    return Folded(names, cells[:, 0], cells[:, 1], values, counts)


def _cells(
    place: NDArray[np.int64], bucket: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.intp], NDArray[np.int64]]:
    """Return (place, bucket) of each run of equal neighbours, where it begins and how long it is.

    Rows lie by entity and time, so the rows of a cell are neighbours.
    """
    if not len(place):
        none = np.empty(0, np.int64)
        return none.reshape(0, 2), none.astype(np.intp), none
    starts = np.flatnonzero(np.append(True, (np.diff(place) != 0) | (np.diff(bucket) != 0)))
    counts = np.diff(np.append(starts, len(place)))
    return np.stack((place[starts], bucket[starts]), axis=1), starts, counts


def _reduced(
    values: NDArray[np.float64], first: NDArray[np.intp], counts: NDArray[np.int64], fold: Fold
) -> NDArray[np.float64]:
    """Return the folded value of each cell; a mean is held as its sum."""
    if fold == "count":
        return counts.astype(np.float64)
    how = {"mean": np.add, "sum": np.add, "min": np.minimum, "max": np.maximum}[fold]
    reduced: NDArray[np.float64] = how.reduceat(values, first)
    return reduced
