"""Series inside a batch without a loop: segmented scans over rows sorted by series, and the runs they contain.

A rule's memory is a level. A sample maps the level before to the level after by a clamp, x → max(up, min(x, keep)),
where `up` is what the sample reaches by itself and `keep` what it lets stand (hysteresis). Clamps compose to clamps, so
all repeats of all series in a batch are folded by doubling, in log2(longest series) passes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.intp]
    Levels = NDArray[np.int32]


def clamp_scan(up: Levels, keep: Levels, position: Index, longest: int) -> tuple[Levels, Levels]:
    """Compose each row's clamp with all before it in its segment; `position` counts rows within the segment."""
    up, keep = up.copy(), keep.copy()
    step = 1
    while step < longest:
        rows = np.flatnonzero(position >= step)
        before_up, before_keep = up[rows - step], keep[rows - step]
        row_up, row_keep = up[rows], keep[rows]
        up[rows] = np.maximum(row_up, np.minimum(before_up, row_keep))
        keep[rows] = np.minimum(row_keep, before_keep)
        step *= 2
    return up, keep


def running_max(values: NDArray[np.int64], position: Index, longest: int) -> NDArray[np.int64]:
    """Return the largest value so far within each segment."""
    values = values.copy()
    step = 1
    while step < longest:
        rows = np.flatnonzero(position >= step)
        values[rows] = np.maximum(values[rows], values[rows - step])
        step *= 2
    return values


def ranges(starts: Index, counts: Index) -> Index:
    """Concatenate start, start + 1, … (count of them) for each segment."""
    total = int(counts.sum())
    shift = np.repeat(starts - (np.cumsum(counts) - counts), counts)
    return np.asarray(shift + np.arange(total), dtype=np.intp)


class Runs(NamedTuple):
    """Stretches [first, stop) of rows on which a series stood above step `step` of its levels.

    `opened`: it began at `first` (else before the batch); `closed`: row `stop` ended it (else it still stands).
    """

    segment: Index
    step: Index
    first: Index
    stop: Index
    opened: NDArray[np.bool_]
    closed: NDArray[np.bool_]


def runs(
    level: Levels, before: Levels, broken: NDArray[np.bool_] | None, starts: Index, counts: Index, width: int
) -> Runs:
    """Cut the levels of a batch into runs, ordered by segment, step and time.

    `before` is the level before each row; a `broken` row ends all runs and begins anew.
    """
    stops = starts + counts
    rise_from = before if broken is None else np.where(broken, 0, before)
    fall_to = level if broken is None else np.where(broken, 0, level)
    rises = np.flatnonzero(level > rise_from)
    falls = np.flatnonzero(before > fall_to)
    last = level[stops - 1]
    old_row, old_step, old_segment = _expand(starts, np.zeros_like(last), before[starts])
    rise_row, rise_step, rise_of = _expand(rises, rise_from[rises], level[rises])
    fall_row, fall_step, fall_of = _expand(falls, fall_to[falls], before[falls])
    end_row, end_step, end_segment = _expand(stops, np.zeros_like(last), last)
    segment_of = np.repeat(np.arange(len(starts)), counts)
    start_key = np.concatenate((old_segment, segment_of[rises][rise_of])) * width + np.concatenate((old_step, rise_step))
    stop_key = np.concatenate((segment_of[falls][fall_of], end_segment)) * width + np.concatenate((fall_step, end_step))
    start_row = np.concatenate((old_row, rise_row))
    stop_row = np.concatenate((fall_row, end_row))
    # A run from before stands first even when its first row breaks it and begins another.
    rows = len(level) + 1
    start_order = np.argsort((start_key * rows + start_row) * 2 + (np.arange(len(start_row)) >= len(old_row)))
    stop_order = np.argsort(stop_key * rows + stop_row)
    return Runs(
        segment=start_key[start_order] // width,
        step=start_key[start_order] % width,
        first=start_row[start_order],
        stop=stop_row[stop_order],
        opened=start_order >= len(old_row),
        closed=stop_order < len(fall_row),
    )


def _expand(rows: Index, low: Levels, high: Levels) -> tuple[Index, Index, Index]:
    """Return row, step and place for every step in [low, high) of every row."""
    counts = (high - low).astype(np.intp)
    place = np.repeat(np.arange(len(rows)), counts)
    step = ranges(low.astype(np.intp), counts)
    return rows[place], step, place


def largest(values: NDArray[np.float64], first: Index, stop: Index) -> NDArray[np.float64]:
    """Return the largest of values[first:stop] for each run; -inf for an empty one."""
    padded = np.append(values, -np.inf)
    bounds = np.empty(2 * len(first), dtype=np.intp)
    bounds[0::2], bounds[1::2] = first, stop
    found = np.maximum.reduceat(padded, bounds)[0::2]
    return np.asarray(np.where(stop > first, found, -np.inf), dtype=np.float64)
