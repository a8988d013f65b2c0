"""A unit that left the city profile is named to the operator while flows still send cases to it."""

from __future__ import annotations

from pathlib import Path

from quanyu.assembly import Options, open_hub
from quanyu.engines.cases.engine import CasesEngine


def test_health_names_the_unit_that_flows_miss(tmp_path: Path) -> None:
    hub = open_hub(tmp_path, Options(demo=True))
    assert hub.health()["warnings"] == []
    office = next(engine.office for engine in hub.engines if isinstance(engine, CasesEngine))
    assert office.units is not None
    office.units = set(office.units) - {"city.supervision"}
    missed = "flow grid_case gives the role check to the unit city.supervision, which the city profile does not have"
    assert missed in hub.health()["warnings"]
    hub.close()
