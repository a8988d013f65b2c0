"""Makes the small home of a release: `PYTHONPATH=src:. .venv/bin/python tests/homes/make.py` writes it beside this file.

Run it once, when a release is made, and never again for that release: the file stands for all homes of its time, and every
later program must open it.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from quanyu.assembly import Hub, Options, open_hub
from quanyu.assembly.clock import SimulatedClock
from quanyu.assembly.demo import make_people
from quanyu.assembly.doors import issue_token
from quanyu.assembly.operations import run_operation
from quanyu.assembly.simulation import STEP_US
from quanyu.kernel.crew import photo
from quanyu.kernel.entity import Observation, body_of, observations
from quanyu.kernel.journal import Command
from quanyu.kernel.time import parse_instant
from quanyu.kernel.view import EVERYTHING, CaseQuery

START = parse_instant("2026-03-02T08:00:00+08:00")
HOUR_US = 3_600_000_000
STATION = "urn:ngsi-ld:AirQualityObserved:dongsi"
DISTRICT = "110101"
PLACE = {"lon": 116.417, "lat": 39.929, "district": DISTRICT, "address": "东四北大街"}
REPORT = {
    "flow": "grid_case", "class": "c0101", "text": "井盖破损", "channel": "counter", "place": PLACE,
    "reporter": {"name": "甲", "phone": "13800138000"},
}  # fmt: skip


class Town:
    """A hub whose clock the script moves, and the few sentences that the script says to it."""

    def __init__(self, hub: Hub) -> None:
        assert isinstance(hub.clock, SimulatedClock)
        self.hub, self.clock = hub, hub.clock

    def commit(self, who: str, kind: str, subject: str, body: Mapping[str, Any]) -> str:
        """Commit one command and return its subject."""
        receipt = self.hub.commit_blocking([Command(kind, subject, dict(body), "simulated")], who)
        return str(receipt.outcomes[0].subject)

    def ask(self, name: str, **arguments: Any) -> Any:
        """Run an operation as `quanyu` does."""
        return run_operation(self.hub, name, arguments, lambda text, share: None)

    def observe(self, hours: range, level: float = 40.0) -> None:
        """Observe fine particles, one value an hour, and let the rules judge them."""
        rows = [Observation(STATION, "pm25", START + hour * HOUR_US, level + hour % 7, "GQ") for hour in hours]
        self.commit("system:gateway", "observe", "gateway", {**body_of(observations(rows)), "as": "live"})
        self.hub.settled_blocking()

    def act(self, case: str, who: str, action: str, photos: int = 0, **fields: Any) -> None:
        """Take an action on a case ten minutes later."""
        self.clock.jump(self.clock.now() + 600_000_000)
        kept = [self.hub.files.keep(photo(number), "image/png") for number in range(photos)]
        files = [{"sha256": each.sha256, "type": each.type} for each in kept]
        self.commit(f"person:{who}", "case.act", case, {"action": action, "fields": fields, "files": files})


def fill(town: Town) -> None:
    """Let a morning pass: people, a station, an alarm that a rule raised, a report, an erasure, a checkpoint."""
    make_people(town.hub)
    tick = {"number": 0, "at": START, "seed": 20260302, "step_us": STEP_US}
    town.commit("simulation:city", "simulation.tick", "simulation", tick)
    point = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [116.417, 39.929]}}
    document = {"type": "AirQualityObserved", "name": "东四", "location": point}
    town.commit("system:gateway", "entity.create", STATION, document)
    town.observe(range(-48, -4))
    town.observe(range(-4, 0), level=150.0)
    (alarm,) = town.hub.views.cases.query(CaseQuery(asset=STATION), EVERYTHING).items
    case = alarm["id"]
    town.act(case, "duty", "accept")
    town.act(case, "duty", "dispatch")
    town.act(case, "ecology.enforcement", "inspect", photos=2, pm25=36.0)
    town.act(case, "checker", "check", passed=True)
    town.act(case, "duty", "close", outcome="fixed")
    report = town.commit("person:clerk", "case.open", "", REPORT)
    town.ask("erase", person=report, reason="asked at the counter")
    issue_token(town.hub, "person:engineer", "a gateway")
    town.ask("edit-calendar", days={"2026-03-07": True}, source="an example, no notice")
    town.hub.settled_blocking()
    town.ask("checkpoint")
    town.observe(range(3))


def make(target: Path) -> dict[str, Any]:
    """Write the home through `quanyu backup` and press it; returns what the backup says: seq, files, bytes."""
    with tempfile.TemporaryDirectory() as folder:
        hub = open_hub(Path(folder) / "home", Options(demo=True))
        try:
            town = Town(hub)
            town.clock.jump(START)
            hub.start()
            fill(town)
            assert town.ask("check")["faults"] == []
            said = town.ask("backup", target=f"{folder}/home.quanyu")
        finally:
            hub.close()
        # Most of a small database is empty pages.
        target.write_bytes(gzip.compress(Path(f"{folder}/home.quanyu").read_bytes(), mtime=0))
        return dict(said)


if __name__ == "__main__":
    print(make(Path(__file__).parent / f"{sys.argv[1] if sys.argv[1:] else version('quanyu')}.quanyu.gz"))
