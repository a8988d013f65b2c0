"""From "not right?" to the department that keeps the register, and back: corrected, and the case closed with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quanyu.assembly import Hub, Options, open_hub
from quanyu.assembly.clock import SimulatedClock
from quanyu.assembly.disputes import get_dispute, said
from quanyu.assembly.keeping import check_hub
from quanyu.assembly.personal import readings
from quanyu.assembly.registers import corrections
from quanyu.kernel.errors import Denied, Missing
from quanyu.kernel.journal import Command
from quanyu.kernel.view import EVERYTHING, CaseQuery
from tests.assembly.forms_home import WANG, hire, put
from tests.hubs import MORNING
from tests.kernel.forms_text import ADULT

CLERK = "person:cat"
KEEPER = "registry.household"
RECORD = {
    "person.name": "王小明",
    "person.citizen_id": ADULT,
    "person.address": "东城区示例路1号",
    "person.registered": True,
}


def open_city(home: Path) -> Iterator[Hub]:
    made = open_hub(home, Options(demo=True))
    assert isinstance(made.clock, SimulatedClock)
    made.clock.jump(MORNING)
    made.start()
    assert hire(made, "cat", "clerk") == CLERK
    made.commit_blocking([put(WANG, RECORD, "residents")], "system:test")
    yield made
    made.close()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    yield from open_city(tmp_path)


def act(hub: Hub, case: str, action: str, actor: str = CLERK, **body: Any) -> None:
    hub.commit_blocking([Command("case.act", case, {"action": action, **body})], actor)


def disputed(hub: Hub) -> list[dict[str, Any]]:
    hub.settled_blocking()
    return list(hub.views.cases.query(CaseQuery(flow="register_correction"), EVERYTHING).items)


def apply(hub: Hub) -> str:
    body = {
        "flow": "residence_proof",
        "text": "户籍信息证明",
        "channel": "counter",
        "subjects": [WANG],
        "document": "身份证",
    }
    case = hub.commit_blocking([Command("case.open", "", body)], CLERK).outcomes[0].subject
    act(hub, case, "save", fields={"used_for": "子女入学", "person_phone": "010-88886666"})
    return case


def test_what_is_not_right_goes_to_who_keeps_it_and_is_corrected_with_the_case(hub: Hub, tmp_path: Path) -> None:
    case = apply(hub)
    act(hub, case, "contradict", fields={"name": "person_address", "right": False}, note="搬家了")
    [opened] = disputed(hub)
    act(hub, case, "save", fields={"person_address": "西城区示例路2号"})
    act(hub, case, "fill")
    found = hub.views.cases.find(opened["id"], EVERYTHING)
    assert found is not None
    assert (found["step"], found["unit"]) == ("verify", KEEPER)
    assert "person.address" in found["text"]
    assert WANG in found["text"]
    assert "搬家了" not in str(found) + str(hub.views.cases.find(case, EVERYTHING)) + str(hub.journal_read(0, 1000))
    assert "示例路" not in str(found)
    assert [each["id"] for each in disputed(hub)] == [opened["id"]]

    keeper = hire(hub, "ann", "handler", KEEPER)
    hub.commit_blocking([Command("role.grant", keeper, {"role": "registrar", "unit": KEEPER})], "system:test")
    act(hub, opened["id"], "verify", keeper, fields={"wrong": True})
    right = {"register": "residents", "values": {"person.address": "西城区示例路2号"}, "as_of": "2026-03-02"}
    correction = {**right, "reason": "moved", "case": opened["id"]}
    close = {"action": "close", "fields": {"outcome": "corrected"}, "note": "已按户口簿更正"}
    shown = said(hub, get_dispute(hub, found), keeper, opened["id"])
    assert (shown["register"], shown["element"], shown["subject"]) == ("residents", "person.address", WANG)
    assert (shown["held"]["value"], shown["said"]) == ("东城区示例路1号", "西城区示例路2号")
    assert shown["note"] == "搬家了"
    assert [each["actor"] for each in readings(hub, WANG)][-1] == keeper
    assert [each["actor"] for each in readings(hub, f"reporter:{case}")][-1] == keeper
    other = hire(hub, "bob", "registrar", "city.data")
    with pytest.raises(Denied):
        hub.commit_blocking(corrections(WANG, correction, close), other)
    hub.commit_blocking(corrections(WANG, correction, close), keeper)
    closed = hub.views.cases.find(opened["id"], EVERYTHING)
    assert closed is not None
    assert closed["outcome"]["word"] == "corrected"
    assert hub.views.registers is not None
    assert hub.views.registers.held(WANG, ["person.address"])["person.address"].value == "西城区示例路2号"
    hub.settled_blocking()
    report = check_hub(hub)
    assert report.sound, report.faults
    kept = (tmp_path / "quanyu.db").read_bytes()
    assert [words for words in ("西城区示例路", "搬家了") if words.encode() in kept] == []


def test_saying_it_twice_troubles_the_department_once(hub: Hub) -> None:
    case = apply(hub)
    act(hub, case, "contradict", fields={"name": "person_address", "right": False})
    act(hub, case, "contradict", fields={"name": "person_address", "right": True})
    act(hub, case, "contradict", fields={"name": "person_address", "right": False})
    assert len(disputed(hub)) == 1
    found = hub.views.cases.find(case, EVERYTHING)
    assert found is not None
    with pytest.raises(Missing) as refused:
        get_dispute(hub, found)
    assert refused.value.code == "register.dispute"
