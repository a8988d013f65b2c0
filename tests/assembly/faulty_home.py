"""Homes in a process of their own to which something happens; what each step came to is said as one line of JSON."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from quanyu.adapters.lake.store import LakeStore
from quanyu.assembly import Options, open_hub
from quanyu.assembly.hub import Hub
from quanyu.assembly.operations import run_operation
from quanyu.assembly.owner import call
from quanyu.engines.history.columns import Rows
from quanyu.kernel.entity import Observation, body_of, observations
from quanyu.kernel.errors import QuanyuError
from quanyu.kernel.journal import Command
from tests.hubs import past_hub

SENSOR = "urn:ngsi-ld:Sensor:a"
ROWS = 2_000
MINUTE_US = 60_000_000


def say(step: str, work: Callable[[], Any]) -> None:
    """Do a step and say what it returned, or the code and remedy of what refused it."""
    try:
        found: dict[str, Any] = {"result": msgspec.to_builtins(work())}
    except QuanyuError as error:
        found = {"code": error.code, "message": error.message, "remedy": error.remedy, **error.details}
    sys.stdout.write(msgspec.json.encode({"step": step, **found}).decode() + "\n")
    sys.stdout.flush()


def observe(hub: Hub, batch: int, rows: int = ROWS) -> int:
    """Commit one batch of values that do not compress."""
    start = hub.clock.now() - 10**12 + batch * rows * MINUTE_US
    values = [Observation(SENSOR, "level", start + n * MINUTE_US, (n * 7919 % 10007) / 7.3) for n in range(rows)]
    body = body_of(observations(values)) | {"as": "history"}
    return hub.commit_blocking([Command("observe", "test", body, "measured")], "system:test").seq


def largest_file(size: int) -> None:
    """Let no file of this process grow past a size: what a disk without space does to it."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def full(home: Path) -> None:
    """A disk that is full at every kind of write, and has space again after each."""
    hub = open_hub(home, Options())
    hub.start()
    hub.commit_blocking([Command("entity.create", SENSOR, {"type": "Sensor"})], "system:test")
    backup = {"target": str(home.parent / "kept.quanyu")}

    def operation(name: str, arguments: dict[str, Any]) -> Any:
        return run_operation(hub, name, arguments, lambda text, share: None)

    steps: list[tuple[str, int, Callable[[], Any]]] = [
        ("commit", 4_096, lambda: observe(hub, 0)),
        ("flush", 2_000, hub.flush_history),
        ("checkpoint", 0, lambda: operation("checkpoint", {})),
        ("backup", 8_192, lambda: operation("backup", backup)),
    ]
    for step, size, work in steps:
        hub.settled_blocking()
        largest_file(size)
        say(f"{step} without space", work)
        largest_file(resource.RLIM_INFINITY)
        say(f"{step} with space", work)
    hub.settled_blocking()
    say("rows", lambda: hub.history.store.statistics().rows)
    say("check", lambda: operation("check", {}))
    hub.close()


class CutLake(LakeStore):
    """A lake whose machine loses power right before or right after a flush is durable."""

    after = True

    def append(self, rows: Rows, seq: int) -> None:
        if self.after:
            super().append(rows, seq)
        os.kill(os.getpid(), signal.SIGKILL)


class CutBefore(CutLake):
    after = False


def cut(home: Path, lake: Callable[[Path], LakeStore]) -> None:
    """Observe, settle, and lose power in the flush."""
    with past_hub(home, lake=lake) as hub:
        if hub.last_seq == 0:
            hub.commit_blocking([Command("entity.create", SENSOR, {"type": "Sensor"})], "system:test")
        say("observed", lambda: [observe(hub, hub.last_seq + n) for n in range(3)])
        hub.settled_blocking()
        hub.flush_history()


def second(home: Path) -> None:
    """What a second process meets at a home that has an owner."""
    say("open", lambda: open_hub(home, Options()).last_seq)
    say("check", lambda: call(home, "check", {}))
    say("unknown", lambda: call(home, "dance", {}))


JOBS: dict[str, Callable[[Path], None]] = {
    "full": full,
    "cut-after": lambda home: cut(home, CutLake),
    "cut-before": lambda home: cut(home, CutBefore),
    "second": second,
}

if __name__ == "__main__":
    JOBS[sys.argv[1]](Path(sys.argv[2]))
