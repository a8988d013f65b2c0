"""One step of all lanes over a batch: levels by scan, runs, what is remembered of them and what is told.

The lanes' excerpts are laid end to end, so that the cost of a batch hardly grows with the number of lanes it touches.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from quanyu.engines.rules.lane import CELL, Lane, Sample, Told
from quanyu.engines.rules.scan import Runs, clamp_scan, largest, runs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quanyu.engines.rules.scan import Index, Levels

_WORSE: Final = 0.1
"""An open finding is told again when its worst value is worse by this share of what was told."""

_BYTES: Final = np.dtype(f"V{CELL.itemsize}")
"""Cells as bytes: laid end to end without a look at their fields."""


class Excerpt(NamedTuple):
    """The rows of one lane in which something may change: whole series, their clamps, and where they begin anew.

    `gaps`: those of the `broken` rows that come after a gap; what stood ended before it.
    """

    lane: Lane
    sample: Sample
    rows: Index
    series: Index
    counts: Index
    up: Levels
    keep: Levels
    broken: NDArray[np.bool_] | None
    gaps: NDArray[np.bool_] | None


def excerpt(lane: Lane, sample: Sample, odd: Index | None) -> Excerpt | None:
    """Cut out what a lane must look at (`odd`: the rows that may matter); None when the batch changes nothing for it."""
    rows = sample.rows
    segments = lane.lively(sample, odd)
    if not len(segments):
        return None
    picked = rows.of(segments)
    up, keep = lane.judge(sample, picked)
    broken, gaps = lane.breaks(sample, picked)
    if broken is not None:
        keep = np.where(broken, up, keep)
    return Excerpt(lane, sample, picked, rows.series.take(segments), rows.counts.take(segments), up, keep, broken, gaps)


class Advance(NamedTuple):
    """What became of a lane: the series looked at, the cells that changed, and what there is to tell."""

    lane: Lane
    sample: Sample
    series: Index
    cells: Index
    told: Told | None


def advance(parts: Sequence[Excerpt]) -> list[Advance]:
    """Move all lanes on by one batch."""
    if not parts:
        return []
    counts = np.concatenate([part.counts for part in parts])
    starts = counts.cumsum() - counts
    level, before = _levels(parts, starts, counts)
    broken = _masks([part.broken for part in parts], parts)
    width = max(part.lane.width for part in parts)
    found = runs(level, before, broken, starts, counts, width)
    last = level.take(starts + counts - 1)
    bounds = np.cumsum([0, *(len(part.series) for part in parts)])
    for part, start, stop in zip(parts, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        part.lane.level[part.series] = last[start:stop]
    cuts = np.searchsorted(found.segment, bounds).tolist()
    return _remember(parts, found, starts, cuts)


def _levels(parts: Sequence[Excerpt], starts: Index, counts: Index) -> tuple[Levels, Levels]:
    up = np.concatenate([part.up for part in parts])
    keep = np.concatenate([part.keep for part in parts])
    first = np.concatenate([part.lane.level.take(part.series) for part in parts])
    longest = int(counts.max())
    if longest > 1:
        position = np.arange(len(up)) - starts.repeat(counts)
        up, keep = clamp_scan(up, keep, position, longest)
    level = np.maximum(up, np.minimum(first.repeat(counts), keep))
    before = np.empty_like(level)
    before[1:] = level[:-1]
    before[starts] = first
    return level, before


def _remember(parts: Sequence[Excerpt], found: Runs, starts: Index, cuts: Sequence[int]) -> list[Advance]:
    step, opened, closed, stop = found.step, found.opened, found.closed, found.stop
    spans = [slice(a, b) for a, b in pairwise(cuts)]
    series = np.concatenate([part.series for part in parts])
    slot = series.take(found.segment)
    places = [slot[span] * part.lane.width + step[span] for part, span in zip(parts, spans, strict=True)]
    found_cells = [part.lane.cells.view(_BYTES).take(place) for part, place in zip(parts, places, strict=True)]
    cells = np.concatenate(found_cells).view(CELL)
    at = np.concatenate([part.sample.rows.at.take(part.rows) for part in parts])
    values = np.concatenate([part.sample.rows.value.take(part.rows) * part.lane.sign for part in parts])
    seen = np.concatenate([part.sample.seen.take(part.series) for part in parts]) - starts
    lasting = np.concatenate([part.lane.lasting.take(step[span]) for part, span in zip(parts, spans, strict=True)])
    historical = parts[0].sample.historical
    # The row that decides: the one that closed the run, else the last of the run.
    decisive = stop - ~closed
    end = at.take(decisive)
    gaps = _masks([part.gaps for part in parts], parts)
    if gaps is not None:
        before_at = np.concatenate([part.sample.rows.before_at.take(part.rows) for part in parts])
        end = np.where(closed & gaps.take(decisive), before_at.take(decisive), end)
    begun = seen.take(found.segment)
    count_to = begun + stop
    # Of a run from before, `first` is the first row of its series, which may already be another's.
    since = np.where(opened, at.take(found.first), cells["since"])
    base = np.where(opened, begun + found.first, cells["base"])
    peak = np.maximum(np.where(opened, -np.inf, cells["peak"]), largest(values, found.first, stop))
    fired = ~opened & (cells["fired"] > 0)
    fires = ~fired & (end - since >= lasting)
    says = fires | (fired & closed)
    if not historical:
        says |= fired & ~closed & (peak > cells["told"] + _WORSE * np.abs(cells["told"]))
    cells["told"] = np.where(says, peak, cells["told"])
    cells["since"], cells["base"], cells["peak"], cells["on"], cells["fired"] = (
        since,
        base,
        peak,
        ~closed,
        fired | fires,
    )
    told = says.nonzero()[0]
    columns = (step, slot, fires, closed, since, end, peak, count_to - base, decisive)
    chosen = [column.take(told) for column in columns]
    said = told.searchsorted(cuts).tolist()
    row_start = 0
    advanced = []
    for part, span, place, a, b in zip(parts, spans, places, said[:-1], said[1:], strict=True):
        part.lane.cells[place] = cells[span]
        say = _told(part, [column[a:b] for column in chosen], row_start) if a < b else None
        advanced.append(Advance(part.lane, part.sample, part.series, place, say))
        row_start += len(part.rows)
    return advanced


def _told(part: Excerpt, chosen: Sequence[NDArray[Any]], row_start: int) -> Told:
    step, slot, fires, closed, since, end, peak, count, decisive = chosen
    return Told(
        step, slot, fires, closed, since, end, peak * part.lane.sign, count, part.rows.take(decisive - row_start)
    )


def _masks(masks: Sequence[NDArray[np.bool_] | None], parts: Sequence[Excerpt]) -> NDArray[np.bool_] | None:
    """Lay masks end to end; None when no lane has one."""
    if all(mask is None for mask in masks):
        return None
    pairs = zip(masks, parts, strict=True)
    return np.concatenate([np.zeros(len(part.rows), np.bool_) if mask is None else mask for mask, part in pairs])
