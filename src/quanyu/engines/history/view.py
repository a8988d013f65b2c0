"""The published view: series, buckets and folds over files, hot tail and unread records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from quanyu.engines.history.asking import ask
from quanyu.engines.history.engine import HistoryReader
from quanyu.engines.history.store import FIRST, LAST, Folded, Points
from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Instant
from quanyu.kernel.view import Fold, Series

CELLS_MAX = 5_000_000
"""Entities × buckets of one answer: 40 MB of values before they become Python objects."""

DAY_US = 86_400_000_000
LAST_WINDOWS_US = (DAY_US, 31 * DAY_US, LAST)
"""How far back the newest value is looked for: most sensors spoke today."""


class HistoryView:
    """Implements `kernel.view.History`. The tail is taken before the version, so a flush in between shows once."""

    def __init__(self, reader: HistoryReader) -> None:
        self._reader = reader
        self._store = reader.store

    def series(self, entity: str, attribute: str, start: Instant, end: Instant, limit: int = 100_000) -> Series:
        """Return raw values in time order, the hot tail included; the first `limit` of them."""
        points = self.points(entity, attribute, start, end, limit)
        return Series(
            entity,
            attribute,
            points.observed_at.tolist(),
            points.value.tolist(),
            unit=points.unit,
            provenance=points.quality,
        )

    def points(self, entity: str, attribute: str, start: Instant, end: Instant, limit: int = 100_000) -> Points:
        """Return a series with the instance id (seq, offset) of every value: what NGSI-LD calls instanceId."""
        window, tail = ask(self._reader, (entity,), attribute, start, end)
        return self._store.points(window, tail, self._reader.hidden, limit)

    def buckets(
        self, entities: Sequence[str], attribute: str, start: Instant, end: Instant, width_us: int, fold: Fold = "mean"
    ) -> list[Series]:
        """Return a bucketed series per entity, in the order asked; a bucket without values is None, for `count` too.

        Raises Invalid for a width that is not positive and for more than CELLS_MAX cells. Units are not looked up.
        """
        size = _bucket_count(start, end, width_us, len(entities))
        window, tail = ask(self._reader, entities, attribute, start, end)
        folded = self._store.folded(window, width_us, fold, tail, self._reader.hidden)
        grid = np.full((len(folded.entities), size), np.nan)
        grid[folded.entity, folded.bucket] = _values(folded, fold)
        cells = grid.astype(object)
        cells[np.isnan(grid)] = None
        found = dict(zip(folded.entities, cells.tolist(), strict=True))
        at = list(range(start, start + size * width_us, width_us))
        return [Series(entity, attribute, at, found.get(entity) or [None] * size) for entity in entities]

    def fold(
        self, attribute: str, start: Instant, end: Instant, fold: Fold, groups: Mapping[str, str]
    ) -> dict[str, tuple[float, int]]:
        """Fold an attribute by group (entity → place) into (value, number of values); empty groups are left out."""
        if start >= end:
            return {}
        window, tail = ask(self._reader, tuple(groups) if len(groups) <= 1000 else None, attribute, start, end)
        folded = self._store.folded(window, end - start, fold, tail, self._reader.hidden)
        parts: dict[str, list[tuple[float, int]]] = {}
        for entity, value, count in zip(
            folded.entity.tolist(), folded.value.tolist(), folded.count.tolist(), strict=True
        ):
            group = groups.get(folded.entities[entity])
            if group is not None:
                parts.setdefault(group, []).append((value, count))
        return {group: _together(cells, fold) for group, cells in parts.items()}

    def last(self, entity: str, attribute: str, before: Instant) -> tuple[float, Instant] | None:
        """Return the newest value observed before an instant, and when."""
        for back in LAST_WINDOWS_US:
            window, tail = ask(self._reader, (entity,), attribute, max(before - back, FIRST), before)
            points = self._store.points(window, tail, self._reader.hidden, LAST)
            if len(points.value):
                return float(points.value[-1]), int(points.observed_at[-1])
        return None


def _values(folded: Folded, fold: Fold) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return folded.value / folded.count if fold == "mean" else folded.value


def _together(cells: Sequence[tuple[float, int]], fold: Fold) -> tuple[float, int]:
    """Fold the entities of a group, each given as (sum, min, max or count, number)."""
    count = sum(number for _, number in cells)
    values = [value for value, _ in cells]
    if fold in ("min", "max"):
        return (min(values) if fold == "min" else max(values)), count
    return (sum(values) / count if fold == "mean" else sum(values)), count


def _bucket_count(start: Instant, end: Instant, width_us: int, entities: int) -> int:
    if width_us <= 0:
        raise Invalid(
            f"A bucket of {width_us} µs has no width.",
            code="history.width",
            where="width",
            remedy="Give a positive width.",
        )
    size = max(0, -((start - end) // width_us))
    if size * entities > CELLS_MAX:
        raise Invalid(
            f"{size} buckets of {entities} entities are more than {CELLS_MAX} cells.",
            code="history.cells",
            where="width",
            remedy="Ask for wider buckets, a shorter time or fewer entities.",
        )
    return size
