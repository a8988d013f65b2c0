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
        rows = (position >= step).nonzero()[0]
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
        rows = (position >= step).nonzero()[0]
        values[rows] = np.maximum(values[rows], values[rows - step])
        step *= 2
    return values


def ranges(starts: Index, counts: Index) -> Index:
    """Concatenate start, start + 1, … (count of them) for each segment."""
    rows: Index = (starts - counts.cumsum() + counts).repeat(counts)
    rows += np.arange(len(rows))
    return rows


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
    rises, falls = (level > rise_from).nonzero()[0], (before > fall_to).nonzero()[0]
    none = np.zeros(len(starts), dtype=level.dtype)
    segment_of = np.arange(len(starts)).repeat(counts)
    # Runs from before begin with their segment, runs that stand end with it.
    begin_row = np.concatenate((starts, rises))
    begin_low = np.concatenate((none, rise_from[rises]))
    begin, begin_step = _expand(begin_low, np.concatenate((before[starts], level[rises])))
    end_row = np.concatenate((falls, stops))
    end_low = np.concatenate((fall_to[falls], none))
    end, end_step = _expand(end_low, np.concatenate((before[falls], level[stops - 1])))
    first, stop = begin_row[begin], end_row[end]
    opened, closed = begin >= len(starts), end < len(falls)
    segment = segment_of[first]
    # A run from before stands first even when its first row breaks it and begins another.
    scale = 2 * (len(level) + 1)
    begin_order = ((segment * width + begin_step) * scale + 2 * first + opened).argsort()
    end_order = ((segment_of[stop - ~closed] * width + end_step) * scale + 2 * stop).argsort()
    return Runs(
        segment[begin_order],
        begin_step[begin_order],
        first[begin_order],
        stop[end_order],
        opened[begin_order],
        closed[end_order],
    )


def _expand(low: Levels, high: Levels) -> tuple[Index, Index]:
    """Return, for every step in [low, high) of every entry, the entry's place and the step."""
    counts = (high - low).astype(np.intp)
    ends = counts.cumsum()
    place = np.arange(len(counts)).repeat(counts)
    step = np.arange(len(place)) - (ends - counts - low)[place]
    return place, step


def largest(values: NDArray[np.float64], first: Index, stop: Index) -> NDArray[np.float64]:
    """Return the largest of values[first:stop] for each run; -inf for an empty one."""
    padded = np.append(values, -np.inf)
    bounds = np.empty(2 * len(first), dtype=np.intp)
    bounds[0::2], bounds[1::2] = first, stop
    found = np.maximum.reduceat(padded, bounds)[0::2]
    return np.asarray(np.where(stop > first, found, -np.inf), dtype=np.float64)
