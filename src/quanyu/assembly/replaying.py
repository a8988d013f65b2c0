"""Replays of changes: in threads of their own, bounded, with progress and a way to stop them; the outcome is a record."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Literal

import msgspec
import structlog

from quanyu.engines.changes.store import Change, number_of
from quanyu.kernel.errors import Conflict, Missing, QuanyuError, Unavailable
from quanyu.kernel.journal import Command, Instant, Receipt

RUNNING_MAX = 2
BREATH_S = 0.001
"""Between two portions of work a replay lets the others go first."""
ACTOR = "system:replay"
log = structlog.get_logger()


class Stopped(Exception):
    """Somebody stopped the replay."""


class Job(msgspec.Struct):
    """A replay at work. `share` is what is done of it, 0 to 1; `stale`: the change was edited or decided meanwhile."""

    change: int
    revision: int
    days: int
    asked_by: str
    started_at: Instant
    state: Literal["running", "done", "stopped", "stale", "failed"] = "running"
    share: float = 0.0
    entities: int = 0
    samples: int = 0
    cases: int = 0
    fault: str | None = None


class Breath:
    """What a replay reports to, and learns from that it should stop."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._stop = threading.Event()

    def stop(self) -> None:
        """Ask the replay to end; it does at its next breath."""
        self._stop.set()

    def take(self, share: float | None = None) -> None:
        """Say how far the work is and let others go first; raises Stopped when it is wanted no more."""
        if share is not None:
            self.job.share = min(share, 0.99)
        if self._stop.wait(BREATH_S):
            raise Stopped


Rehearse = Callable[[Change, int, Breath], dict[str, Any]]
"""Returns the outcome of a change over so many days."""


class Replays:
    """At most RUNNING_MAX at once, one for each change; the newest job of each change is remembered while the hub runs."""

    def __init__(
        self, rehearse: Rehearse, commit: Callable[[list[Command], str], Receipt], machine: Callable[[], Instant]
    ) -> None:
        self._rehearse, self._commit, self._machine = rehearse, commit, machine
        self._guard = threading.Lock()
        self._jobs: dict[int, tuple[Breath, threading.Thread]] = {}

    def start(self, change: Change, days: int, asked_by: str) -> Job:
        """Begin a replay of the newest words of a proposal; refused while one of it runs, or too many others."""
        if change.state != "proposed":
            raise Conflict(
                f"Change {change.id} is {change.state}: there is nothing left to decide.",
                code="change.state",
                where="state",
                remedy="Replay a proposal.",
            )
        with self._guard:
            running = [breath for breath, _ in self._jobs.values() if breath.job.state == "running"]
            if any(breath.job.change == change.number for breath in running):
                raise Conflict(
                    f"Change {change.id} is being replayed already.",
                    code="change.replay_running",
                    where="replay",
                    remedy="Wait for it, or stop it.",
                )
            if len(running) >= RUNNING_MAX:
                raise Unavailable(
                    f"{len(running)} replays run already.",
                    code="change.replay_busy",
                    remedy="Start it again when one of them has ended.",
                    retry_after_s=10,
                )
            breath = Breath(Job(change.number, change.revision, days, asked_by, self._machine()))
            thread = threading.Thread(target=self._run, args=(change, breath), name="replay", daemon=True)
            self._jobs[change.number] = (breath, thread)
            thread.start()
        return breath.job

    def find(self, number: int) -> Job | None:
        """Return the newest job of a change since the start of the hub."""
        found = self._jobs.get(number)
        return None if found is None else found[0].job

    def stop(self, id: str) -> Job:
        """Stop a replay; raises Missing (change.replay_unknown) when none runs."""
        found = self._jobs.get(number_of(id))
        if found is None or found[0].job.state != "running":
            raise Missing(
                f"No replay of change {id[:80]} runs.",
                code="change.replay_unknown",
                where="replay",
                remedy="Start one; its outcome stands with the change.",
            )
        found[0].stop()
        return found[0].job

    def wait(self, number: int, timeout_s: float = 60) -> None:
        """Wait until the job of a change has ended."""
        found = self._jobs.get(number)
        if found is not None:
            found[1].join(timeout_s)

    def close(self) -> None:
        """Stop all replays; what they had found is forgotten."""
        for breath, thread in list(self._jobs.values()):
            breath.stop()
            thread.join(timeout=10)

    def _run(self, change: Change, breath: Breath) -> None:
        job = breath.job
        try:
            outcome = self._rehearse(change, job.days, breath)
            body = {"revision": job.revision, "asked_by": job.asked_by, "outcome": outcome}
            self._commit([Command("change.note_replay", change.id, body, "derived")], ACTOR)
            job.share, job.state = 1.0, "done"
        except Stopped:
            job.state = "stopped"
        except Conflict as error:
            job.fault, job.state = error.message, "stale"
        except QuanyuError as error:
            job.fault, job.state = error.message, "failed"
        except Exception as error:  # a runner: whoever looks at the job hears it
            log.error("replay fails", change=change.id, error=str(error), exc_info=error)
            job.fault, job.state = f"{type(error).__name__}: {error}", "failed"
