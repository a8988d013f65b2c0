"""All lanes of one reader: sends at once from memory, puts what lags or fails into rows, and says how far all is safe.

How a reader uses it: `open` a receiver (again when it changes), `send` parcels while reading, and put `collect()` and
`hold()` into the effects of every step. A parcel holds the reader's cursor until it is delivered or a row; so after a
kill everything unsettled is read again, and nothing stops in silence. `next_wake` says when the reader must step though
there is nothing to read. Registration subscriptions use the same class with receivers of their own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import msgspec

from quanyu.engines.notify.lane import DEAD_MAX, QUEUE_MAX, WAITING_MAX, Lane
from quanyu.engines.notify.parcel import (
    DELIVERY,
    PARCELS,
    Carrier,
    Health,
    Parcel,
    ParcelStore,
    Receiver,
    parcel_of,
)
from quanyu.engines.notify.store import Answer
from quanyu.kernel.errors import QuanyuError
from quanyu.kernel.journal import Change, Instant, Row

LATE_US = 1_000_000
"""A parcel that is not delivered after so long (machine time) becomes a row, and no longer holds the cursor."""
FLUSH_US = 300_000
"""Counters are written so long after they changed, with the cursor."""
LOAD_PARCELS = 500
GRACE_US = 30_000_000
"""What a carrier may take beyond the time-out of a receiver, to connect and to answer, before the lane gives it up."""
RELOAD_US = 20_000
EMPTY_LOADS_MAX = 500

Reveal = Callable[[str], Mapping[str, str] | None]
"""Opens a vault reference; None when it was erased."""


class Dispatch:
    """Lanes by receiver. `clock` is city time (what is shown), `machine` rules pauses and ages.

    `nudge` is called from any thread when the reader should step soon.
    """

    def __init__(
        self,
        store: ParcelStore,
        carrier: Carrier,
        reveal: Reveal,
        clock: Callable[[], Instant],
        machine: Callable[[], Instant],
    ) -> None:
        self.nudge: Callable[[], None] = lambda: None
        self._store = store
        self._carrier = carrier
        self._reveal = reveal
        self._clock = clock
        self._machine = machine
        self._lock = threading.RLock()
        self._lanes: dict[str, Lane] = {}
        self._busy: dict[str, Lane] = {}
        self._dirty: dict[str, Lane] = {}
        self._held: dict[int, int] = {}
        self._changes: list[Change] = []
        self._counts = dict(store.parcel_counts())
        self._number = store.last_number()
        self._alarm: Instant | None = None
        self._stopped = False

    # -- what the reader calls ----------------------------------------------------------------------------------------

    def now(self) -> Instant:
        """Return city time."""
        return self._clock()

    def open(self, receiver: Receiver, paused: bool | None = None) -> None:
        """Take a receiver in, or take its changes over: what waits goes where it is now. None leaves it as it is."""
        with self._lock:
            lane = self._lanes.get(receiver.id)
            if lane is None:
                row = self._store.delivery(receiver.id)
                counts = self._counts.pop(receiver.id, {})
                health = Health(*row[1:]) if row else Health()
                lane = Lane(receiver, health, counts.get("waiting", 0), counts.get("dead", 0))
                self._lanes[receiver.id] = lane
            elif lane.receiver != receiver:
                lane.receiver, lane.due = receiver, 0
            if paused is not None:
                lane.paused = paused
            if lane.waiting:
                self._busy[receiver.id] = lane
                self._wake_at(0)

    def pause(self, receiver: str) -> None:
        """Send a receiver nothing more until it is opened to go on; what waits becomes rows."""
        with self._lock:
            lane = self._lanes.get(receiver)
            if lane is not None and not lane.paused:
                lane.paused = True
                self._wake_at(0)

    def close(self, receiver: str) -> list[Change]:
        """Forget a receiver with all that waits for it; return the changes that remove its rows."""
        with self._lock:
            lane = self._lanes.pop(receiver, None)
            self._busy.pop(receiver, None)
            self._dirty.pop(receiver, None)
            if lane is None:
                return []
            lane.closed = True
            for parcel in (*lane.queue, *lane.flying):
                self._release(parcel)
            held = (*lane.queue, *lane.flying)
            numbers = {*self._store.numbers(receiver), *(each.number for each in held if each.stored)}
            gone = [Change(PARCELS.name, (receiver, number), None) for number in sorted(numbers)]
            # Rows on their way to the store would come after their removal.
            self._changes = [each for each in self._changes if each.key[0] != receiver]
            return [*gone, Change(DELIVERY.name, (receiver,), None)]

    def send(self, parcel: Parcel, hold: bool = True) -> None:
        """Queue a parcel behind the others of its receiver and try at once; an unknown receiver takes nothing.

        One that stands for no record cannot be read again: without `hold` it is a row from the beginning.
        """
        with self._lock:
            lane = self._lanes.get(parcel.receiver)
            if lane is None:
                return
            parcel.made = self._machine()
            parcel.number = self._number = max(self._number + 1, parcel.made)
            self._busy[parcel.receiver] = lane
            if lane.waiting >= WAITING_MAX:
                lane.health.error = "More waits for this receiver than is kept."
                self._bury(lane, parcel)
            elif lane.unloaded or len(lane.queue) >= QUEUE_MAX:
                self._save(lane, parcel)
                lane.unloaded += 1
            else:
                if hold:
                    self._hold_for(parcel)
                else:
                    self._save(lane, parcel)
                lane.queue.append(parcel)
                self._depart(lane)

    def collect(self) -> tuple[Change, ...]:
        """Return the rows that have changed: call it in every step, and `hold` after it."""
        with self._lock:
            machine = self._machine()
            self._alarm = None
            for lane in list(self._busy.values()):
                self._tend(lane, machine)
            for id_, lane in self._dirty.items():
                self._changes.append(Change(DELIVERY.name, (id_,), lane.health.row(id_)))
            self._dirty.clear()
            changes, self._changes = self._changes, []
            return tuple(changes)

    def hold(self) -> int | None:
        """Return the seq up to which everything is delivered or a row; None when nothing is held."""
        with self._lock:
            return min(self._held) - 1 if self._held else None

    @property
    def next_wake(self) -> Instant | None:
        """At once when there is something to write, to load or to try again."""
        alarm = self._alarm
        return 0 if alarm is not None and alarm <= self._machine() else None

    def replay(self, receiver: str) -> list[Change]:
        """Send the dead letters of a receiver again, behind what waits; those that were dropped are gone."""
        with self._lock:
            lane = self._lanes.get(receiver)
            if lane is None:
                return []
            for parcel in (parcel_of(row) for row in self._store.dead(receiver, DEAD_MAX)):
                self._changes.append(Change(PARCELS.name, (receiver, parcel.number), None))
                parcel.made = self._machine()
                parcel.number = self._number = max(self._number + 1, parcel.made)
                parcel.state, parcel.tries, parcel.error = "waiting", 0, None
                self._save(lane, parcel)
                lane.unloaded += 1
                lane.dead -= 1
            lane.due = lane.health.dropped = 0
            lane.health.first_dropped = None
            self._busy[receiver] = self._dirty[receiver] = lane
            self._wake_at(0)
            return list(self.collect())

    def health(self, receiver: str) -> tuple[Health, int, int] | None:
        """Return how a receiver does at this moment, how many parcels wait for it and how many are dead."""
        with self._lock:
            lane = self._lanes.get(receiver)
            return (msgspec.structs.replace(lane.health), lane.waiting, lane.dead) if lane else None

    def rows_of(self, receiver: str, state: str, limit: int) -> Sequence[Row]:
        """Return the rows of parcels that wait, or are dead."""
        if state == "dead":
            return self._store.dead(receiver, limit)
        return self._store.waiting(receiver, 0, limit)

    def trouble(self, receiver: str, error: str) -> None:
        """Note why nothing is sent to a receiver though it should be."""
        with self._lock:
            lane = self._lanes.get(receiver)
            if lane is not None and lane.health.error != error:
                lane.health.error = error
                self._dirty[receiver] = lane
                self._wake_at(self._machine() + FLUSH_US)

    def lost(self, receiver: str, seq: int, error: str) -> None:
        """Count what could not even be written for a receiver: nobody will be told of it, so it must be seen."""
        with self._lock:
            lane = self._lanes.get(receiver)
            if lane is not None:
                lane.health.dropped += 1
                lane.health.first_dropped = lane.health.first_dropped or seq
                self.trouble(receiver, error[:300])

    def totals(self) -> dict[str, int]:
        """Return sums over all receivers: receivers, failing, waiting, dead, dropped, sent, failed.

        Failing are those that do not answer, and those that should be told but cannot be (see `trouble`).
        """
        with self._lock:
            lanes = list(self._lanes.values())
            return {
                "receivers": len(lanes),
                "failing": sum(1 for lane in lanes if lane.health.error is not None),
                "waiting": sum(lane.waiting for lane in lanes),
                "dead": sum(lane.dead for lane in lanes),
                "dropped": sum(lane.health.dropped for lane in lanes),
                "sent": sum(lane.health.sent for lane in lanes),
                "failed": sum(lane.health.failed for lane in lanes),
            }

    def save(self) -> None:
        """Turn everything unsettled into rows at the next `collect`: before the hub is closed."""
        with self._lock:
            for lane in self._busy.values():
                self._save_all(lane)

    def stop(self) -> None:
        """Send nothing more."""
        with self._lock:
            self._stopped = True

    # -- inside -------------------------------------------------------------------------------------------------------

    def _tend(self, lane: Lane, machine: Instant) -> None:
        """Save what lags, load what is needed, try again what is due."""
        if not lane.waiting:
            self._busy.pop(lane.receiver.id, None)
            return
        oldest = next((each for each in (*lane.flying, *lane.queue) if not each.stored), None)
        if oldest is not None:
            if lane.health.failures or lane.paused or machine - oldest.made >= LATE_US:
                self._save_all(lane)
            else:
                self._wake_at(oldest.made + LATE_US)
        if lane.flying:
            late = lane.departed + lane.receiver.timeout_us + GRACE_US
            if machine >= late:
                self._landed(lane, lane.flying, Answer(0, "The carrier did not answer in time."))
            else:
                self._wake_at(late)
        if lane.paused:
            return
        if lane.hungry and machine >= lane.due:
            self._load(lane)
        self._depart(lane)
        if not lane.flying and not self._stopped:
            self._wake_at(max(lane.due, machine + RELOAD_US if lane.hungry else 0))

    def _depart(self, lane: Lane) -> None:
        if lane.flying or lane.paused or self._stopped or (lane.due and self._machine() < lane.due):
            return
        parcels = lane.take()
        if not parcels:
            return
        lane.departed = self._machine()
        self._wake_at(lane.departed + lane.receiver.timeout_us + GRACE_US)
        try:
            secrets = {} if lane.receiver.secret is None else self._reveal(lane.receiver.secret)
            if secrets is not None:
                letter = lane.receiver.letter(parcels, secrets, self._clock())
                self._carrier.carry(letter, partial(self._landed, lane, parcels))
                return
            answer = Answer(410, "The secret of this receiver is erased.")
        except (
            QuanyuError,
            OSError,
            ValueError,
            LookupError,
        ) as fault:  # for any other, the lane is given up when late
            answer = Answer(0, f"{type(fault).__name__}: {fault}"[:300])
        self._landed(lane, parcels, answer)

    def _landed(self, lane: Lane, parcels: list[Parcel], answer: Answer) -> None:
        with self._lock:
            if lane.closed or lane.flying is not parcels:
                return
            machine = self._machine()
            delivered, dead = lane.landed(answer, self._clock(), machine)
            self._dirty[lane.receiver.id] = lane
            for parcel in delivered:
                self._settle(lane, parcel)
            for parcel in dead:
                self._bury(lane, parcel)
            if delivered:
                self._depart(lane)
            soon = bool(lane.health.failures) or lane.hungry
            self._wake_at(0 if soon else machine + FLUSH_US)
        if soon:
            self.nudge()

    def _settle(self, lane: Lane, parcel: Parcel) -> None:
        # Its row may be seen for a moment longer: it must not be loaded again.
        lane.loaded_to = max(lane.loaded_to, parcel.number)
        if parcel.stored:
            lane.stored -= 1
            self._changes.append(Change(PARCELS.name, (parcel.receiver, parcel.number), None))
        else:
            self._release(parcel)

    def _bury(self, lane: Lane, parcel: Parcel) -> None:
        self._dirty[lane.receiver.id] = lane
        self._wake_at(0)
        self._settle(lane, parcel)
        if lane.dead >= DEAD_MAX:
            lane.health.dropped += parcel.count
            lane.health.first_dropped = lane.health.first_dropped or parcel.seq
            return
        lane.dead += 1
        parcel.state, parcel.error = "dead", parcel.error or lane.health.error
        self._changes.append(Change(PARCELS.name, (parcel.receiver, parcel.number), parcel.row()))

    def _save_all(self, lane: Lane) -> None:
        for parcel in (*lane.flying, *lane.queue):
            if not parcel.stored:
                self._release(parcel)
                self._save(lane, parcel)
        # What is in the table need not be in memory too.
        while len(lane.queue) > LOAD_PARCELS:
            lane.queue.pop()
            lane.unloaded += 1
        last = lane.queue or lane.flying
        if last:
            lane.loaded_to = last[-1].number

    def _save(self, lane: Lane, parcel: Parcel) -> None:
        parcel.stored = True
        lane.stored += 1
        self._wake_at(0)
        self._changes.append(Change(PARCELS.name, (parcel.receiver, parcel.number), parcel.row()))

    def _load(self, lane: Lane) -> None:
        rows = self._store.waiting(lane.receiver.id, lane.loaded_to, LOAD_PARCELS)
        for row in rows:
            lane.queue.append(parcel_of(row))
        if rows:
            lane.unloaded = max(0, lane.unloaded - len(rows))
            lane.loaded_to = rows[-1][1]
            self._number = max(self._number, lane.loaded_to)
            lane.empty_loads = 0
            return
        # Its rows are on their way to the store; were they never to come, waiting for them would never end.
        lane.empty_loads += 1
        if lane.empty_loads > EMPTY_LOADS_MAX:
            lane.unloaded = 0

    def _hold_for(self, parcel: Parcel) -> None:
        self._held[parcel.seq] = self._held.get(parcel.seq, 0) + 1
        self._wake_at(parcel.made + LATE_US)

    def _release(self, parcel: Parcel) -> None:
        left = self._held.get(parcel.seq, 0) - 1
        if left > 0:
            self._held[parcel.seq] = left
        else:
            self._held.pop(parcel.seq, None)

    def _wake_at(self, at: Instant) -> None:
        if self._alarm is None or at < self._alarm:
            self._alarm = at
