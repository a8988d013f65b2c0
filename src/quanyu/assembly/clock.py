"""Two clocks: city time (the journal, duties, ages) and machine time (tokens, back-off, logs)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from quanyu.kernel.journal import Instant


def machine_now() -> Instant:
    """Return the machine's time."""
    return time.time_ns() // 1000


class CityClock(Protocol):
    """What time it is in the city; `speed` is city seconds per machine second."""

    speed: float

    def now(self) -> Instant:
        """Return city time."""
        ...


class RealClock:
    """The city's time is the machine's."""

    speed = 1.0

    def __init__(self, machine: Callable[[], Instant] = machine_now) -> None:
        self._machine = machine

    def now(self) -> Instant:
        """Return city time."""
        return self._machine()


class SimulatedClock:
    """Runs `speed` times faster than the machine between the instants of a simulation, never past `until`."""

    def __init__(self, start: Instant, speed: float = 1.0, machine: Callable[[], Instant] = machine_now) -> None:
        self.speed = speed
        self._machine = machine
        self._guard = threading.Lock()
        self._from, self._since, self._until = start, machine(), start

    def now(self) -> Instant:
        """Return city time."""
        with self._guard:
            return self._at()

    def _at(self) -> Instant:
        return min(self._until, self._from + int((self._machine() - self._since) * self.speed))

    def run_until(self, until: Instant) -> None:
        """Let the clock run on to the next step."""
        with self._guard:
            self._from, self._since = self._at(), self._machine()
            self._until = max(until, self._from)

    def jump(self, to: Instant) -> None:
        """Stand at an instant at once (a step made quickly); never back."""
        with self._guard:
            self._from, self._since = max(to, self._at()), self._machine()
            self._until = max(self._until, self._from)

    def left_s(self) -> float:
        """Return machine seconds until the clock reaches the instant it runs to."""
        with self._guard:
            return max(0.0, (self._until - self._at()) / self.speed / 1e6)
