"""What is disputed is shown to the unit that keeps the register, and to nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from quanyu.assembly import Hub
from quanyu.assembly.personal import readings
from tests.assembly.forms_home import WANG, hire
from tests.assembly.test_disputes import KEEPER, act, apply, disputed, open_city
from tests.faces.test_forms_api import Door


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    yield from open_city(tmp_path)


def test_only_who_keeps_the_register_sees_what_is_disputed(hub: Hub) -> None:
    case = apply(hub)
    act(hub, case, "contradict", fields={"name": "person_address", "right": False})
    act(hub, case, "save", fields={"person_address": "西城区示例路2号"})
    act(hub, case, "fill")
    [opened] = disputed(hub)
    door = Door(hub, {"ann": ("registrar", KEEPER), "bob": ("registrar", "city.data"), "dan": ("clerk", None)})
    hire(hub, "ann", "handler", KEEPER)
    before = len(readings(hub, WANG))
    path = f"cases/{opened['id']}/dispute"
    assert door(401, "GET", path, None)["code"] == "access.stranger"
    assert door(403, "GET", path, "dan")["code"] == "access.denied"
    assert door(404, "GET", path, "bob")["code"] == "case.missing"
    assert len(readings(hub, WANG)) == before
    shown = door(200, "GET", path, "ann")
    assert (shown["held"]["value"], shown["said"]) == ("东城区示例路1号", "西城区示例路2号")
    assert readings(hub, WANG)[before:][0]["actor"] == "person:ann"
    door.close()
