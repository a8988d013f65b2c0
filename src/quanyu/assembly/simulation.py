"""Drives a simulated city: one commit a step, the same for the same seed; quickly in the warm-up, then at its speed."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence

import msgspec
import structlog

from quanyu.assembly.clock import SimulatedClock
from quanyu.assembly.core import SETTING
from quanyu.assembly.hub import Hub
from quanyu.kernel.declare import City, Simulation, Tick
from quanyu.kernel.errors import QuanyuError
from quanyu.kernel.journal import Command, Instant
from quanyu.kernel.view import Views

ACTOR = "simulation:city"
STEP_US = 600_000_000
log = structlog.get_logger()


class Position(msgspec.Struct, frozen=True):
    """Where a simulated home stands: the number of its last step and the city time that it reached."""

    number: int
    at: Instant
    seed: int
    step_us: int = STEP_US


def position(hub: Hub) -> Position | None:
    """Return where the simulation of a home stands, None when it never ran."""
    row = hub.store.fetch(SETTING, "simulation")
    return msgspec.convert(msgspec.msgpack.decode(row[1]), Position) if row else None


class Driver:
    """Steps the simulations of all packs together; `start` begins the thread that keeps pace with the clock."""

    def __init__(
        self, hub: Hub, clock: SimulatedClock, views: Views, city: City, simulations: Sequence[Simulation], at: Position
    ) -> None:
        self._hub, self._clock, self._views, self._city = hub, clock, views, city
        self._simulations = sorted(simulations, key=lambda each: each.name)
        self.position = at
        self.refused = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulation", daemon=True)

    def found(self) -> None:
        """Make the entities of every simulation, once."""
        for simulation in self._simulations:
            if simulation.found is not None:
                commands = list(simulation.found(self._city, self.position.seed))
                self._hub.commit_blocking(commands, ACTOR, atomic=False)
        self._hub.settled_blocking()

    def warm(self, until: Instant, progress: Callable[[str, float], None]) -> None:
        """Step as fast as the machine can until an instant of city time."""
        first = self.position.at
        while self.position.at < until and not self._stopping.is_set():
            self.step()
            progress("warm-up", (self.position.at - first) / (until - first))

    def step(self) -> None:
        """Commit the next step: the tick and what every pack does in it, in one call."""
        last = self.position
        number, at = last.number + 1, last.at + last.step_us
        self._clock.jump(at)
        commands = [Command("simulation.tick", "simulation", {
            "number": number, "at": at, "seed": last.seed, "step_us": last.step_us,
        }, "simulated")]  # fmt: skip
        for simulation in self._simulations:
            chance = random.Random(f"{last.seed}:{simulation.name}:{number}")  # noqa: S311
            tick = Tick(last.seed, number, at, last.step_us, self._city, chance, self._views)
            commands += simulation.step(tick)
        receipt = self._hub.commit_blocking(commands, ACTOR, atomic=False)
        for command, outcome in zip(commands, receipt.outcomes, strict=True):
            if outcome.error is not None:
                if command.kind == "simulation.tick":
                    raise outcome.error
                self.refused += 1
                log.debug("simulated command refused", kind=command.kind, error=str(outcome.error))
        self.position = msgspec.structs.replace(last, number=number, at=at)
        self._hub.settled_blocking()

    def start(self) -> None:
        """Keep pace with the clock from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the present step and end."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=60)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._clock.run_until(self.position.at + self.position.step_us)
            if self._stopping.wait(self._clock.left_s()):
                return
            try:
                self.step()
            except QuanyuError as error:
                log.error("simulation step refused", error=error.message)
                self._stopping.wait(1.0)
