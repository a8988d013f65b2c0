"""A process that works on a home and says what was acknowledged, until it is killed."""

from __future__ import annotations

import random
import sys
from pathlib import Path

from quanyu.assembly.core import CoreEngine
from quanyu.assembly.hub import Hub
from quanyu.assembly.keeping import backup_home, checkpoint, prune
from quanyu.engines.context.engine import ContextEngine
from quanyu.kernel.entity import Observation, body_of, observations
from quanyu.kernel.journal import Command
from tests.hubs import MORNING, HandClock, bare_hub

ENTITIES = 50


def entity(number: int) -> str:
    return f"urn:ngsi-ld:Station:{number}"


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def commits(hub: Hub, chance: random.Random) -> None:
    while True:
        number = chance.randrange(ENTITIES)
        batch = observations([Observation(entity(number), "x", MORNING + hub.last_seq, chance.random())])
        commands = [
            Command("observe", "soak", body_of(batch), "measured"),
            Command("entity.merge", entity(number), {"turn": hub.last_seq}),
        ]
        receipt = hub.commit_blocking(commands, "person:soak")
        say(f"acknowledged {receipt.seq}")


def backups(hub: Hub, chance: random.Random) -> None:
    turn = 0
    while True:
        for _ in range(20):
            batch = observations([Observation(entity(chance.randrange(ENTITIES)), "x", MORNING + turn, 1.0)])
            say(f"acknowledged {hub.commit_blocking([Command('observe', 's', body_of(batch), 'measured')], 'a').seq}")
        seq = checkpoint(hub, [CoreEngine(), ContextEngine()])
        prune(hub, seq)
        target = hub.home.parent / f"backup-{hub.last_seq}.quanyu"
        manifest = backup_home(hub.home, target, lambda seq: [], MORNING, lambda text, share: None)
        say(f"backup {target.name} {manifest.seq}")
        turn += 1


def main(home: str, job: str, seed: str) -> None:
    with bare_hub(Path(home), HandClock(MORNING)) as hub:
        if hub.last_seq == 0:
            made = [Command("entity.create", entity(n), {"type": "Station"}) for n in range(ENTITIES)]
            hub.commit_blocking(made, "person:soak")
        say("ready")
        {"commits": commits, "backups": backups}[job](hub, random.Random(seed))


if __name__ == "__main__":
    main(*sys.argv[1:])
