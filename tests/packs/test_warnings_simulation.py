"""The simulated emergency duty office: warnings go their whole way, terminals answer, exercises stay exercises."""

from __future__ import annotations

from pathlib import Path

from quanyu.assembly import Options, open_hub
from quanyu.assembly.clock import SimulatedClock
from quanyu.assembly.simulation import STEP_US, Driver, Position
from quanyu.domains.safety.warnings.simulation import warnings
from quanyu.kernel.time import parse_instant
from quanyu.kernel.view import EVERYTHING, CaseQuery

START = parse_instant("2026-03-01T22:00:00+08:00")
DAY_US = 86_400_000_000


def test_a_day_of_the_duty_office(tmp_path: Path) -> None:
    hub = open_hub(tmp_path / "home", Options(demo=True))
    try:
        clock = hub.clock
        assert isinstance(clock, SimulatedClock)
        clock.jump(START)
        driver = Driver(hub, clock, hub.views, hub.city, [warnings], Position(-1, START, 8, STEP_US))
        with hub.in_turn():
            driver.found()
            driver.warm(START + DAY_US // 2, lambda *_: None)
            (made,) = hub.warnings.in_force()
            assert made["simulated"] is True
            assert "模拟" in made["headline"]["zh"]
            warning = hub.warnings.get(made["id"])
            reach = {each["channel"]: each for each in hub.warnings.views.reach(warning)}
            assert {name: each["asked"] for name, each in reach.items()} == {"speakers": 10, "screens": 6, "sms": 4}
            assert all(each["share"] > 50 and each["simulated"] for each in reach.values())
            driver.warm(START + 2 * DAY_US, lambda *_: None)
        assert driver.refused == 0
        page = hub.views.cases.query(CaseQuery(list="all", flow="warning"), EVERYTHING)
        assert [(case["state"], case["outcome"]["word"]) for case in page.items] == [("closed", "lifted")]
        found = hub.warnings.preview(warning.draft)["area"]
        assert found["types"]["ResidentialCommunity"] >= 1
        assert found["people"] >= 2000
    finally:
        hub.close()
