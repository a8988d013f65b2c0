"""A process that works on a real home and says what was acknowledged, until it is killed."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from quanyu.adapters.lake.store import LakeStore
from quanyu.assembly import Options, open_hub
from quanyu.assembly.hub import Hub
from quanyu.assembly.operations import run_operation
from quanyu.kernel.entity import Observation, body_of, observations
from quanyu.kernel.journal import Command

ENTITIES = 50
MINUTE_US = 60_000_000
FLUSHES_PER_COMPACTION = 5
YEAR_BACK_US = 365 * 1440 * MINUTE_US


def entity(number: int) -> str:
    return f"urn:ngsi-ld:Station:{number}"


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def operation(hub: Hub, name: str, **arguments: Any) -> Any:
    return run_operation(hub, name, arguments, lambda text, share: None)


def observed(rows: list[Observation]) -> Command:
    return Command("observe", "soak", body_of(observations(rows)), "measured")


def commits(hub: Hub, chance: random.Random, folder: Path) -> None:
    while True:
        name = entity(chance.randrange(ENTITIES))
        commands = [
            observed([Observation(name, "x", hub.clock.now(), chance.random())]),
            Command("entity.merge", name, {"turn": hub.last_seq}),
        ]
        say(f"acknowledged {hub.commit_blocking(commands, 'system:soak').seq}")


def backups(hub: Hub, chance: random.Random, folder: Path) -> None:
    while True:
        for _ in range(20):
            row = Observation(entity(chance.randrange(ENTITIES)), "x", hub.clock.now(), 1.0)
            say(f"acknowledged {hub.commit_blocking([observed([row])], 'system:soak').seq}")
        operation(hub, "checkpoint", prune_telemetry=True)
        target = folder / f"backup-{hub.last_seq}.quanyu"
        say(f"backup {target.name} {operation(hub, 'backup', target=str(target))['seq']}")


def imports(hub: Hub, chance: random.Random, folder: Path) -> None:
    files = sorted(folder.glob("*.csv"))
    chance.shuffle(files)
    while True:
        for file in files:
            operation(hub, "import", kind="air", files=[str(file)], mode="history")
            say(f"acknowledged {hub.last_seq}")
            hub.flush_history()


def compactions(hub: Hub, chance: random.Random, folder: Path) -> None:
    """Many small flushes whose rows correct one another, and a compaction in a child process every few."""
    lake = hub.history.store
    assert isinstance(lake, LakeStore)
    start = hub.clock.now() - YEAR_BACK_US
    turn = 0
    while True:
        rows = [
            Observation(entity(chance.randrange(3)), "x", start + chance.randrange(300) * MINUTE_US, chance.random())
            for _ in range(60)
        ]
        say(f"acknowledged {hub.commit_blocking([observed(rows)], 'system:soak').seq}")
        hub.settled_blocking()
        hub.flush_history()
        turn += 1
        if turn % FLUSHES_PER_COMPACTION == 0:
            lake.settle()
            lake.compact(hub.history.hidden, hub.history.forgotten_rows(), everything=True)
            say("compacting")


CLERK = {"id": "person:soak", "name": "值守", "unit": None, "role": "duty"}


def cases(hub: Hub, chance: random.Random, folder: Path) -> None:
    """Cases opened and spoken of, faster than anybody looks at them: their rows wait when the kill comes."""
    versions: dict[str, int] = {}
    while True:
        if not versions or chance.random() < 0.2:
            body = {"flow": "grid_case", "text": "井盖破损", "as_person": CLERK}
            receipt = hub.commit_blocking([Command("case.open", "", body, "simulated")], "simulation:soak")
            id = receipt.outcomes[0].subject
            versions[id] = 1
        else:
            id = chance.choice(list(versions))
            body = {"action": "comment", "note": "在看", "as_person": CLERK}
            receipt = hub.commit_blocking([Command("case.act", id, body, "simulated")], "simulation:soak")
            versions[id] += 1
        say(f"acknowledged {receipt.seq} {id} {versions[id]}")


JOBS: dict[str, Callable[[Hub, random.Random, Path], None]] = {
    "commits": commits,
    "backups": backups,
    "import": imports,
    "compaction": compactions,
    "cases": cases,
}


def main(home: str, job: str, seed: str) -> None:
    hub = open_hub(Path(home), Options())
    hub.start()
    made = [Command("entity.create", entity(n), {"type": "Station"}) for n in range(ENTITIES)]
    hub.commit_blocking(made, "system:soak", atomic=False)
    say("ready")
    JOBS[job](hub, random.Random(seed), Path(home).parent)


if __name__ == "__main__":
    main(*sys.argv[1:])
