"""One receiver's lane: parcels leave in order, one letter at a time; a failure holds the lane, never another."""

from __future__ import annotations

from collections import deque

from quanyu.engines.notify.parcel import Health, Parcel, Receiver
from quanyu.engines.notify.store import Answer
from quanyu.kernel.journal import Instant

PAUSE_US = 1_000_000
"""After the first failure; it doubles up to PAUSE_MAX_US, so that a receiver that is back is noticed within a minute."""
PAUSE_MAX_US = 60_000_000
GIVE_UP_US = 6 * 3_600_000_000
"""A parcel of this age (machine time) that fails again becomes a dead letter."""
REFUSALS_MAX = 5
"""So many answers of the kind 4xx to one parcel make it a dead letter: those behind it may be better."""
LETTER_ITEMS_MAX = 500
LETTER_BYTES_MAX = 1_000_000
REPEATS_ABOVE = 100
"""So many parcels in a queue allow the same entity twice in one letter: the receiver is slower than the entity."""
QUEUE_MAX = 1_000
"""Parcels in memory for one receiver; beyond it they wait in the table."""
WAITING_MAX = 10_000
"""Parcels waiting for one receiver; beyond it they become dead letters at once."""
DEAD_MAX = 10_000
"""Dead letters kept for one receiver; beyond it what comes is counted as dropped."""


class Lane:
    """The queue of one receiver. The dispatch holds its lock around every call; nothing here waits.

    Some parcels are in memory (`queue`, `flying`); `unloaded` more wait in the table, behind number `loaded_to`. While
    any are unloaded, new parcels go to the table too: the order stays.
    """

    def __init__(self, receiver: Receiver, health: Health, waiting: int, dead: int) -> None:
        self.receiver = receiver
        self.health = health
        self.queue: deque[Parcel] = deque()
        self.flying: list[Parcel] = []
        self.unloaded = waiting
        self.loaded_to = 0
        self.stored = waiting
        self.dead = dead
        self.due: Instant = 0
        self.departed: Instant = 0
        self.paused = self.closed = False
        self.empty_loads = 0

    @property
    def waiting(self) -> int:
        """How many parcels wait, those under way included."""
        return len(self.queue) + len(self.flying) + self.unloaded

    @property
    def hungry(self) -> bool:
        """Whether parcels of the table are needed to go on."""
        return self.unloaded > 0 and not self.queue and not self.flying

    def take(self) -> list[Parcel]:
        """Move the parcels of the next letter from the queue to `flying`; empty when nothing waits."""
        if not self.queue:
            return []
        first = self.queue.popleft()
        self.flying = [first]
        if self.receiver.merges and not first.tries:
            self._merge(first)
        return self.flying

    def _merge(self, first: Parcel) -> None:
        count, size, seen = first.count, len(first.items), set(first.entities)
        repeats = len(self.queue) > REPEATS_ABOVE
        while self.queue:
            following = self.queue[0]
            count += following.count
            size += len(following.items)
            if following.tail != first.tail or count > LETTER_ITEMS_MAX or size > LETTER_BYTES_MAX:
                return
            if not repeats and not seen.isdisjoint(following.entities):
                return
            seen.update(following.entities)
            self.flying.append(self.queue.popleft())

    def landed(self, answer: Answer, now: Instant, machine: Instant) -> tuple[list[Parcel], list[Parcel]]:
        """Book an answer; return the parcels that are settled by it: delivered, and dead."""
        parcels, self.flying = self.flying, []
        health = self.health
        fresh = not parcels[0].tries
        health.sent += fresh
        health.last_sent = now
        if answer.taken:
            health.failures, health.error, health.last_ok = 0, None, now
            self.due = 0
            return parcels, []
        health.failed += fresh
        health.failures += 1
        health.last_failed = now
        health.error = (answer.error or f"HTTP status {answer.status}")[:300]
        self.due = machine + max(pause_us(health.failures), self.receiver.cooldown_us)
        dead = []
        for parcel in reversed(parcels):
            parcel.tries += 1
            parcel.error = health.error
            refused = 400 <= answer.status < 500 and answer.status not in (408, 425, 429)
            if machine - parcel.made > GIVE_UP_US or (refused and parcel.tries >= REFUSALS_MAX):
                dead.append(parcel)
            else:
                self.queue.appendleft(parcel)
        return [], dead[::-1]


def pause_us(failures: int) -> int:
    """Return the pause after so many failures in a row."""
    return min(PAUSE_US << min(failures - 1, 30), PAUSE_MAX_US)
