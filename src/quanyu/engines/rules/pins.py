"""Parameters in event time: which version held on the city day of each sample, resolved once per day and name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from quanyu.kernel.errors import Missing
from quanyu.kernel.journal import Instant
from quanyu.kernel.parameter import Parameters, Pinned
from quanyu.kernel.time import moment

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DAY_US = 86_400_000_000
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


class Epoch:
    """A stretch of days on which the same versions hold: numbers by name (NaN where unknown) and what to quote."""

    def __init__(self, pinned: dict[str, Pinned | None]) -> None:
        self.pinned = pinned
        self.values = {name: _number(pin) for name, pin in pinned.items()}
        self.unknown = frozenset(name for name, value in self.values.items() if value != value)


class Pins:
    """Resolves parameters for batches; answers are cached per day, as parameters are fixed while a hub runs."""

    def __init__(self, parameters: Parameters, jurisdiction: str, zone: str) -> None:
        self._parameters = parameters
        self._jurisdiction = jurisdiction
        self._zone = zone
        self._epochs: dict[tuple[tuple[str, ...], int], Epoch] = {}
        self._same: dict[tuple[object, ...], Epoch] = {}
        self._offsets: dict[int, int | None] = {}

    def only_day(self, at: NDArray[np.int64]) -> int | None:
        """Return the city day that all instants lie on, as days since 1970; None when they span several."""
        first, last = self._day(int(at.min())), self._day(int(at.max()))
        return first if first == last else None

    def epochs(
        self, names: tuple[str, ...], at: NDArray[np.int64], day: int | None
    ) -> tuple[list[Epoch], NDArray[np.intp] | None]:
        """Return the epochs of instants (all on `day`, if given), and which holds for each (None: the first for all)."""
        import numpy as np

        if not names:
            return [self._epoch((), 0)], None
        if day is not None:
            return [self._epoch(names, day)], None
        days, row_day = np.unique(self._days(at), return_inverse=True)
        found = [self._epoch(names, int(each)) for each in days]
        distinct = list(dict.fromkeys(found))
        if len(distinct) == 1:
            return distinct, None
        index = {epoch: i for i, epoch in enumerate(distinct)}
        return distinct, np.array([index[epoch] for epoch in found])[row_day]

    def epoch_at(self, names: tuple[str, ...], at: Instant) -> Epoch:
        """Return what holds at one instant."""
        return self._epoch(names, self._day(at))

    def _epoch(self, names: tuple[str, ...], day: int) -> Epoch:
        epoch = self._epochs.get((names, day))
        if epoch is None:
            pinned = {name: self._find(name, date.fromordinal(day + _EPOCH_ORDINAL)) for name in names}
            # One object per set of versions, so that days with the same law are one epoch.
            key = (names, *(pin.version if pin else None for pin in pinned.values()))
            epoch = self._epochs[names, day] = self._same.setdefault(key, Epoch(pinned))
        return epoch

    def _find(self, name: str, day: date) -> Pinned | None:
        try:
            return self._parameters.get(name, day, self._jurisdiction)
        except Missing:
            return None

    def _day(self, at: Instant) -> int:
        offset = self._offset(at // DAY_US)
        return (at + (self._exact_offset(at) if offset is None else offset)) // DAY_US

    def _days(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return city days since 1970; only UTC days on which the zone changes its offset are looked at row by row."""
        import numpy as np

        utc_days, row_day = np.unique(at // DAY_US, return_inverse=True)
        offsets = [self._offset(int(day)) for day in utc_days]
        steady = np.array([offset or 0 for offset in offsets], dtype=np.int64)
        days = (at + steady[row_day]) // DAY_US
        for i, offset in enumerate(offsets):
            if offset is None:
                rows = np.flatnonzero(row_day == i)
                days[rows] = [self._day(int(instant)) for instant in at[rows]]
        return np.asarray(days, dtype=np.int64)

    def _offset(self, utc_day: int) -> int | None:
        """Return the zone's offset on a UTC day in microseconds; None when it changes within the day."""
        if utc_day not in self._offsets:
            start, end = self._exact_offset(utc_day * DAY_US), self._exact_offset((utc_day + 1) * DAY_US)
            self._offsets[utc_day] = start if start == end else None
        return self._offsets[utc_day]

    def _exact_offset(self, at: Instant) -> int:
        offset = moment(at, self._zone).utcoffset()
        assert offset is not None
        return offset.days * DAY_US + offset.seconds * 1_000_000 + offset.microseconds


def numbers(names: Sequence[str], epochs: list[Epoch], which: NDArray[np.intp] | None) -> dict[str, object]:
    """Return the columns of parameters: one number when one epoch holds, else one per row."""
    import numpy as np

    if which is None:
        return {name: epochs[0].values[name] for name in names}
    return {name: np.array([epoch.values[name] for epoch in epochs])[which] for name in names}


def _number(pin: Pinned | None) -> float:
    return float("nan") if pin is None else float(pin.number())
