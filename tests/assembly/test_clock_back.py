"""A clock far behind the journal: the home opens and says so, refuses to write, and goes on when an operator decides."""

from __future__ import annotations

from pathlib import Path

import pytest

from quanyu.assembly import Options, open_hub
from quanyu.assembly.clock import SimulatedClock
from quanyu.assembly.operations import run_operation
from quanyu.kernel.errors import Unavailable
from quanyu.kernel.journal import Command

FUTURE = 7_258_118_400_000_000
"""The year 2200."""


def entity(name: str) -> Command:
    return Command("entity.create", f"urn:ngsi-ld:A:{name}", {"type": "A"})


def test_a_home_whose_clock_stands_behind_waits_for_a_decision(tmp_path: Path) -> None:
    hub = open_hub(tmp_path, Options(demo=True))
    assert isinstance(hub.clock, SimulatedClock)
    hub.clock.jump(FUTURE)
    hub.commit_blocking([entity("one")], "system:test")
    hub.close()
    back = open_hub(tmp_path, Options())
    try:
        with pytest.raises(Unavailable) as refused:
            back.commit_blocking([entity("two")], "system:test")
        assert refused.value.code == "clock.back"
        run_operation(back, "accept-time", {}, lambda text, share: None)
        assert back.commit_blocking([entity("two")], "system:test").at == FUTURE
    finally:
        back.close()


def test_a_simulated_home_resumes_where_people_acted_after_its_last_step(tmp_path: Path) -> None:
    hub = open_hub(tmp_path, Options(demo=True))
    assert isinstance(hub.clock, SimulatedClock)
    tick = {"number": 0, "at": FUTURE, "seed": 1, "step_us": 600_000_000}
    hub.clock.jump(FUTURE)
    hub.commit_blocking([Command("simulation.tick", "simulation", tick, "simulated")], "simulation:city")
    hub.clock.jump(FUTURE + 540_000_000)
    hub.commit_blocking([entity("one")], "system:test")
    hub.close()
    again = open_hub(tmp_path, Options(demo=True))
    try:
        assert again.clock.now() >= FUTURE + 540_000_000
        assert again.commit_blocking([entity("two")], "system:test").seq > 2
    finally:
        again.close()
