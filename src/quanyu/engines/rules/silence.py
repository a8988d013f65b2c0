"""Silence: series from which nothing came for too long, by city time while they live and by event time in history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from quanyu.engines.rules.compile import Plan
from quanyu.engines.rules.ground import NEVER
from quanyu.engines.rules.lane import Told
from quanyu.engines.rules.series import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quanyu.engines.rules.scan import Index
    from quanyu.kernel.journal import Instant

_KNOWN = NEVER // 2


class Silence:
    """One `absent` rule: which slots are silent, and since which sample. A series that never spoke is not missed."""

    def __init__(self, plan: Plan) -> None:
        assert plan.absent_us is not None
        self.plan = plan
        self.length_us = plan.absent_us
        self.fired = np.zeros(0, dtype=np.bool_)
        self.since = np.zeros(0, dtype=np.int64)

    def grow(self, capacity: int) -> None:
        """Make room for slots below `capacity`."""
        more = capacity - len(self.fired)
        self.fired = np.append(self.fired, np.zeros(more, dtype=np.bool_))
        self.since = np.append(self.since, np.zeros(more, dtype=np.int64))

    def restore(self, slot: Index, fired: NDArray[Any], since: NDArray[np.int64]) -> None:
        """Put memory back as `step` and `wake` returned it."""
        self.fired[slot] = fired
        self.since[slot] = since

    def drop(self, slot: int) -> None:
        """Forget a slot."""
        self.fired[slot] = False

    def step(self, rows: Rows) -> tuple[Told | None, Index]:
        """End silences that a sample broke, and tell those that lie between two samples; return the touched slots."""
        gap = np.flatnonzero((rows.at - rows.before_at >= self.length_us) & (rows.before_at > _KNOWN))
        silent = self.fired[rows.series]
        if not len(gap) and not silent.any():
            return None, gap
        broken = rows.starts[silent]
        found = np.union1d(gap, broken)
        slot = rows.slot[found]
        ended = np.isin(found, broken)
        since = np.where(ended, self.since[slot], rows.before_at[found])
        touched = rows.slot[broken]
        self.fired[touched] = False
        return self._told(slot, ~ended, np.ones(len(found), dtype=np.bool_), since, rows.at[found], found), touched

    def wake(self, now: Instant, heard_at: NDArray[np.int64], last_at: NDArray[np.int64]) -> tuple[Told | None, Index]:
        """Tell the series that were last heard, in city time, too long ago."""
        slot = np.flatnonzero((heard_at > _KNOWN) & ~self.fired & (now - heard_at >= self.length_us))
        if not len(slot):
            return None, slot
        self.fired[slot] = True
        self.since[slot] = last_at[slot]
        yes = np.ones(len(slot), dtype=np.bool_)
        row = np.full(len(slot), -1)
        return self._told(slot, yes, ~yes, self.since[slot], np.full(len(slot), now), row), slot

    def next_wake(self, heard_at: NDArray[np.int64]) -> Instant | None:
        """Return when the next series will have been silent for too long, if it stays so."""
        waiting = heard_at[(heard_at > _KNOWN) & ~self.fired]
        return int(waiting.min()) + self.length_us if len(waiting) else None

    def _told(
        self,
        slot: Index,
        new: NDArray[np.bool_],
        over: NDArray[np.bool_],
        since: NDArray[np.int64],
        end: NDArray[np.int64],
        row: Index,
    ) -> Told:
        size = len(slot)
        nothing = np.full(size, np.nan)
        return Told(np.zeros(size, dtype=np.intp), slot, new, over, since, end, nothing, np.zeros(size, np.int64), row)
