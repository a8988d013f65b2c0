"""Killed the moment a release is acknowledged: it is in force when the home opens again, and judged by from there on."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from quanyu.assembly.keeping import check_hub
from tests.assembly.lawmaking import HOUR, MORNING, cases, city, observe, propose, release, replay

ROOT = Path(__file__).resolve().parents[2]
VICTIM = """
import os, signal, sys
from pathlib import Path
from tests.assembly.lawmaking import MORNING, city
from tests.assembly.test_change_kill import prepared
with city(Path(sys.argv[1]), MORNING) as hub:
    prepared(hub)
    print("released", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def prepared(hub: object) -> None:
    """A released threshold, and a proposal that waits with its replay."""
    from quanyu.assembly.hub import Hub

    assert isinstance(hub, Hub)
    row = {"value": 150, "source": "test", "status": "unverified"}
    waiting = propose(hub, "parameter", "no2_hour_limit", row)
    replay(hub, waiting, days=1)
    id = propose(hub, "parameter", "o3_hour_limit", row)
    replay(hub, id, days=1)
    release(hub, id)


def test_a_release_survives_the_kill_that_follows_its_receipt(tmp_path: Path) -> None:
    home = tmp_path / "home"
    path = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    ended = subprocess.run(
        [sys.executable, "-c", VICTIM, str(home)], capture_output=True, text=True, timeout=120, env=path, check=False
    )
    assert (ended.returncode, ended.stdout.strip().splitlines()[-1:]) == (-signal.SIGKILL, ["released"]), ended.stderr
    with city(home, MORNING + HOUR) as hub:
        states = [(each["name"], each["state"], each["replayed"]) for each in hub.changes.query()]
        assert states == [("o3_hour_limit", "released", True), ("no2_hour_limit", "proposed", True)]
        observe(hub, "east", (MORNING + HOUR, 160.0))
        assert [case["findings"][0]["limit"] for case in cases(hub)] == [150]
        release(hub, "urn:ngsi-ld:Change:1")
        assert check_hub(hub).faults == []
