"""A day passes: checkpoint, sweep, forgotten keys; and pruning then has nothing to wait for."""

from __future__ import annotations

import os
from pathlib import Path

from quanyu.assembly import Options, open_hub
from quanyu.assembly.clock import SimulatedClock
from quanyu.assembly.housekeeping import KEYS_KEPT_US, Housekeeper, keep_house
from quanyu.assembly.operations import run_operation
from quanyu.kernel.entity import Observation, body_of, observations
from quanyu.kernel.journal import Command
from tests.hubs import MORNING

ID = "urn:ngsi-ld:AirQualityObserved:test"
CREATE = Command("entity.create", ID, {"type": "AirQualityObserved"})


def test_a_day_of_housekeeping_and_then_pruning(tmp_path: Path) -> None:
    now = [10 * KEYS_KEPT_US]
    hub = open_hub(tmp_path, Options(demo=True))
    hub.machine = lambda: now[0]
    hub.writer._machine = hub.machine
    assert isinstance(hub.clock, SimulatedClock)
    hub.clock.jump(MORNING)
    hub.start()
    hub.commit_blocking([CREATE], "system:test", key="old")
    batch = observations([Observation(ID, "pm25", MORNING, 70.0, "GQ")])
    hub.commit_blocking([Command("observe", "test", body_of(batch), "measured")], "system:test", key="new")
    orphan = hub.files.keep(b"%PDF-orphan", "application/pdf")
    path = hub.files.folder / orphan.sha256
    os.utime(path, (now[0] / 1e6 - 90_000, now[0] / 1e6 - 90_000))
    now[0] += KEYS_KEPT_US + 1
    done = keep_house(hub)
    assert (done["files_swept"], done["keys_forgotten"]) == (1, 2)
    assert not path.exists()
    hub.settled_blocking()
    result = run_operation(hub, "checkpoint", {"prune_telemetry": True}, lambda text, share: None)
    assert result["pruned"] >= 1
    assert run_operation(hub, "check", {}, lambda text, share: None)["faults"] == []
    keeper = Housekeeper(hub, every_s=0.01)
    before = len(list((tmp_path / "checkpoints").iterdir()))
    keeper.start()
    while len(list((tmp_path / "checkpoints").iterdir())) == before:
        pass
    keeper.stop()
    hub.close()
