"""A demo city that can be stepped, stopped, cut off, copied and restored, always going on where it stood."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from quanyu.assembly import Options, open_hub
from quanyu.assembly.backup import restore
from quanyu.assembly.demo import start_demo
from quanyu.assembly.hub import Hub
from quanyu.assembly.operations import run_operation
from quanyu.assembly.simulation import Driver
from quanyu.kernel.journal import Command, Receipt

OPTIONS = Options(demo=True)
COPIED = ("quanyu.db", "quanyu.db-wal", "lake", "checkpoints", "files")
"""What a disk still holds after a power cut; the rest is made anew."""


class LivingCity:
    """A home and the hub on it; `hub` and `driver` change with every restart, `acknowledged` only grows."""

    hub: Hub
    driver: Driver

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.seed = folder, seed
        self.chance = random.Random(f"mishaps:{seed}")
        self.homes = 0
        self.home = folder / "home-0"
        self.acknowledged = 0
        self.log: list[str] = []
        self.erased: set[str] = set()
        self.forbidden_tried = 0
        self.before_pruning: Callable[[], None] = lambda: None
        self._turns = ExitStack()

    def open(self) -> None:
        """Open the home; its readers take turns, so that the same seed does the same again."""
        self.hub = open_hub(self.home, OPTIONS)
        self._turns.enter_context(self.hub.in_turn())
        # The first step of a new home is a morning before any warm-up: three days are simulated, none is skipped.
        self.driver = start_demo(self.hub, self.seed, None, 0, lambda text, share: None)
        self.hub.settled_blocking()
        assert self.hub.last_seq >= self.acknowledged, (
            f"{self.acknowledged} was acknowledged, {self.hub.last_seq} is there"
        )

    def close(self) -> None:
        self._turns.close()
        self.hub.close()

    def step(self) -> None:
        self.driver.step()
        self.acknowledged = self.hub.last_seq

    def commit(self, commands: Sequence[Command], actor: str, **options: Any) -> Receipt:
        receipt = self.hub.commit_blocking(commands, actor, **options)
        self.acknowledged = max(self.acknowledged, receipt.seq)
        return receipt

    def operation(self, name: str, **arguments: Any) -> Any:
        found = run_operation(self.hub, name, arguments, lambda text, share: None)
        self.acknowledged = self.hub.last_seq
        return found

    def restart(self) -> None:
        self.close()
        self.open()

    def lose_power(self) -> None:
        """Go on from what the disk holds at this instant; the hub that ran is thrown away with all it had in memory."""
        copy = self._next_home()
        copy.mkdir()
        for name in COPIED:
            part = self.home / name
            if part.is_dir():
                shutil.copytree(part, copy / name)
            elif part.exists():
                shutil.copyfile(part, copy / name)
        self.close()
        self._move_to(copy)

    def restore_elsewhere(self) -> None:
        """Back up, and go on in a new home made from the backup."""
        target = self.folder / f"backup-{self.homes}.quanyu"
        self.operation("backup", target=str(target))
        self.close()
        copy = self._next_home()
        restore(target, copy, lambda text, share: None)
        target.unlink()
        self._move_to(copy)

    def _next_home(self) -> Path:
        self.homes += 1
        return self.folder / f"home-{self.homes}"

    def _move_to(self, home: Path) -> None:
        shutil.rmtree(self.home)
        self.home = home
        self.open()
