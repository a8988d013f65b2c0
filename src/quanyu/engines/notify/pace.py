"""Throttling and periods of subscriptions: when a notification may go, and what waits until then; rows, so they last."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from quanyu.engines.notify.watch import Watch
from quanyu.kernel.journal import Change, Instant, Row, Table

PACE = Table("subscription_pace", ("id TEXT", "last INTEGER", "pending BLOB"), canonical=False)
"""`last`: machine time of the last notification, or of the start of the period; `pending`: entities that changed since."""

Pending = dict[str, str | None]
"""Entity → its item as it was written when it was deleted; None: it is written as it stands when the time has come."""


class Pace(msgspec.Struct):
    """Where one subscription stands; instants are machine time."""

    last: Instant = 0
    pending: Pending = {}


class Paces:
    """The paces of throttled and of periodic subscriptions. `delta` returns the rows that changed since it was asked."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._paces = {id: Pace(last, msgspec.json.decode(pending, type=Pending)) for id, last, pending in rows}
        self._dirty: dict[str, None] = {}

    def start(self, watch: Watch, machine: Instant) -> None:
        """Take in a subscription; a period begins now, unless it began before."""
        if watch.interval_us is not None and watch.id not in self._paces:
            self._moved(watch.id, Pace(machine))

    def stop(self, id: str) -> None:
        """Forget a subscription."""
        if self._paces.pop(id, None) is not None:
            self._dirty[id] = None

    def passes(self, watch: Watch, machine: Instant) -> bool:
        """Whether a throttled subscription may be notified now; the moment counts as its last when it may."""
        assert watch.throttling_us is not None
        pace = self._paces.get(watch.id)
        if pace is None or machine - pace.last >= watch.throttling_us:
            self._moved(watch.id, Pace(machine))
            return True
        return False

    def wait(self, watch: Watch, entity: str, item: str | None) -> None:
        """Keep a change until the throttling has passed."""
        pace = self._paces[watch.id]
        pace.pending[entity] = item
        self._moved(watch.id, pace)

    def due(self, watches: Iterable[Watch], machine: Instant) -> list[tuple[Watch, Pending]]:
        """Return the subscriptions whose time has come, each with what waited; their next period begins."""
        found = []
        for watch in watches:
            pace = self._paces.get(watch.id)
            if pace is not None and machine >= self._next(watch, pace, machine):
                found.append((watch, pace.pending))
                self._moved(watch.id, Pace(machine))
        return found

    def next_of(self, watch: Watch, machine: Instant) -> Instant | None:
        """Return when a subscription is due; None when nothing waits."""
        pace = self._paces.get(watch.id)
        if pace is None or (watch.interval_us is None and not pace.pending):
            return None
        return self._next(watch, pace, machine)

    def delta(self) -> list[Change]:
        """Return the changed rows."""
        changes = []
        for id in self._dirty:
            pace = self._paces.get(id)
            row = None if pace is None else (id, pace.last, msgspec.json.encode(pace.pending))
            changes.append(Change(PACE.name, (id,), row))
        self._dirty.clear()
        return changes

    def _next(self, watch: Watch, pace: Pace, machine: Instant) -> Instant:
        if watch.interval_us is not None:
            return pace.last + watch.interval_us
        if not pace.pending:
            return machine + 1
        return pace.last + (watch.throttling_us or 0)

    def _moved(self, id: str, pace: Pace) -> None:
        self._paces[id] = pace
        self._dirty[id] = None
