"""kill -9 at seeded moments: what was acknowledged is there, nothing half-written is visible, restart is clean."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from quanyu.assembly.backup import restore
from quanyu.assembly.core import CoreEngine
from quanyu.assembly.keeping import check_home
from quanyu.engines.context.engine import ContextEngine
from tests.hubs import MORNING, HandClock, bare_hub

ENGINES = (CoreEngine(), ContextEngine())
READY_S_MAX = 60


def killed_worker(home: Path, job: str, seed: int, after_s: float) -> list[str]:
    """Run the worker, kill it so long after it said ready, and return what it had said."""
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.soak.worker", str(home), job, str(seed)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == "ready\n"
    killer = threading.Timer(after_s, worker.send_signal, [signal.SIGKILL])
    killer.start()
    said = worker.stdout.read().splitlines()
    worker.wait(READY_S_MAX)
    worker.stdout.close()
    assert worker.returncode == -signal.SIGKILL
    return said


def survives(folder: Path, job: str, seed: int) -> None:
    home = folder / "home"
    chance = random.Random(seed)
    for turn in range(2):
        said = killed_worker(home, job, seed + turn, chance.uniform(0.01, 0.6))
        acknowledged = max(
            (int(line.split()[1]) for line in said if line.startswith("ack") and len(line.split()) == 2), default=0
        )
        with bare_hub(home, HandClock(MORNING)) as hub:
            assert hub.last_seq >= acknowledged, (
                f"seed {seed}: {acknowledged} was acknowledged, {hub.last_seq} is there"
            )
            report = check_home(home, ENGINES, hub.upcast)
        assert report.sound, f"seed {seed}: {report.faults}"
    for line in (line for line in said if line.startswith("backup")):
        _, name, seq = line.split()
        target = folder / f"restored-{seq}"
        restore(folder / name, target, lambda text, share: None)
        with bare_hub(target, HandClock(MORNING)) as hub:
            assert hub.last_seq == int(seq)
            assert check_home(target, ENGINES, hub.upcast).sound


@pytest.mark.parametrize("job", ["commits", "backups"])
@pytest.mark.parametrize("seed", range(2))
def test_killed_at_a_seeded_moment(tmp_path: Path, job: str, seed: int) -> None:
    survives(tmp_path, job, seed)


@pytest.mark.soak
@pytest.mark.parametrize("job", ["commits", "backups"])
@pytest.mark.parametrize("seed", range(100, 150))
def test_killed_at_fifty_seeded_moments(tmp_path: Path, job: str, seed: int) -> None:
    survives(tmp_path, job, seed)
