"""Who may: every action, tried by everybody; and those who act in others' names."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from quanyu.kernel.errors import Denied, Invalid, QuanyuError
from quanyu.kernel.flow import extension
from quanyu.kernel.journal import Command
from quanyu.kernel.time import working_days
from tests.engines.casework import PEOPLE, PHOTOS, REVIEW, CaseDesk, inspect_source, make_engine

ME = {"id": "person:x"}
Scene = Callable[[CaseDesk], str]


def at_inspect(desk: CaseDesk) -> str:
    return desk.to_inspect()


def opened(desk: CaseDesk) -> str:
    return desk.open()


def accepted(desk: CaseDesk) -> str:
    id = desk.open()
    desk.act(id, "duty", "accept")
    return id


def inspected(desk: CaseDesk) -> str:
    id = desk.to_inspect()
    desk.act(id, "handler", "inspect", files=PHOTOS, fields={"pm25": 1})
    return id


def disputed(desk: CaseDesk) -> str:
    id = desk.open()
    desk.act(id, "duty", "dispute", note="不属于本中心")
    return id


def standing(desk: CaseDesk) -> str:
    id = desk.to_inspect()
    desk.act(id, "handler", "pause", fields={"ground": "weather"})
    return id


def suspended(desk: CaseDesk) -> str:
    id = desk.to_inspect()
    desk.act(id, "chief", "suspend", note="无主设施", fields=REVIEW)
    return id


def may_ask(desk: CaseDesk) -> str:
    desk.cases.office.flows |= make_engine([inspect_source(extend=extension(working_days(2)))]).office.flows
    return desk.to_inspect()


def longer_asked(desk: CaseDesk) -> str:
    id = may_ask(desk)
    desk.act(id, "handler", "extend", note="等待配件")
    return id


def asked(desk: CaseDesk) -> str:
    return desk.closed(reporter={"phone": "1380"})


def merged(desk: CaseDesk) -> str:
    into = desk.open()
    id = desk.open()
    desk.act(id, "duty", "merge", fields={"into": into}, note="重复")
    return id


def claimed(desk: CaseDesk) -> str:
    id = at_inspect(desk)
    desk.act(id, "handler", "claim")
    return id


HANDLERS = {"handler", "handler2", "both"}
DESK = {"duty", "dispatcher", "chief"}
CASES: list[tuple[str, Scene, dict[str, object], set[str]]] = [
    ("accept", opened, {}, {"duty"}),
    ("dispatch", accepted, {}, {"dispatcher"}),
    ("inspect", at_inspect, {"files": PHOTOS, "fields": {"pm25": 1}}, HANDLERS),
    ("check", inspected, {"fields": {"passed": True}}, {"checker", "both"}),
    ("close", lambda desk: desk.to_close(), {"fields": {"outcome": "fixed"}}, {"duty"}),
    ("return", at_inspect, {"note": "不属于本单位"}, HANDLERS),
    ("dispute", opened, {"note": "不属于本中心"}, {"duty"}),
    ("arbitrate", disputed, {"fields": {"decision": "stands"}, "note": "应受理"}, {"chief"}),
    ("pause", at_inspect, {"fields": {"ground": "weather"}}, HANDLERS),
    ("resume", standing, {}, HANDLERS | {"chief"}),
    ("resume", suspended, {}, {"dispatcher", "chief"}),
    ("suspend", opened, {"note": "无主设施", "fields": REVIEW}, {"dispatcher", "chief"}),
    ("postpone", suspended, {"note": "仍在确权", "fields": REVIEW}, {"dispatcher", "chief"}),
    ("strike_off", suspended, {"note": "已拆除", "fields": {"outcome": "no_action"}}, {"chief"}),
    ("extend", may_ask, {"note": "等待配件"}, HANDLERS),
    ("decide_extension", longer_asked, {"fields": {"decision": "granted"}}, {"chief"}),
    ("comment", opened, {"note": "看到了"}, DESK | {"clerk", "checker", "both"}),
    ("comment", at_inspect, {"note": "看到了"}, DESK | {"clerk", "checker"} | HANDLERS),
    ("assign", at_inspect, {"fields": {"person": ME}}, HANDLERS | {"dispatcher", "chief"}),
    ("claim", at_inspect, {}, HANDLERS),
    ("release", claimed, {}, HANDLERS | {"dispatcher", "chief"}),
    ("reopen", lambda desk: desk.closed(), {"note": "又出现"}, DESK),
    ("confirm", asked, {"fields": {"fixed": True}}, {"clerk", "duty"}),
    ("split", merged, {"note": "不是一回事"}, DESK),
]


@pytest.mark.parametrize(("action", "scene", "body", "may"), CASES, ids=[f"{c[0]}-{n}" for n, c in enumerate(CASES)])
def test_only_those_may_who_may(action: str, scene: Scene, body: dict[str, object], may: set[str]) -> None:
    done = set()
    for person in sorted(PEOPLE):
        desk = CaseDesk()
        id = scene(desk)
        before = dict(desk.state.rows)
        name = person.removeprefix("person:")
        try:
            desk.act(id, name, action, **body)  # type: ignore[arg-type]
        except Denied as refused:
            assert refused.details["needs"]  # noqa: PT017
            assert desk.state.rows == before
        else:
            done.add(name)
    assert done == may


def test_merging_is_for_the_desks() -> None:
    desk = CaseDesk()
    into, id = desk.open(), desk.open()
    for name in ("handler", "checker", "clerk", "auditor", "far"):
        with pytest.raises(Denied):
            desk.act(id, name, "merge", fields={"into": into}, note="重复")
    desk.act(id, "dispatcher", "merge", fields={"into": into}, note="重复")


def test_a_stranger_learns_nothing_not_even_who_was_first() -> None:
    desk = CaseDesk()
    id = desk.open()
    with pytest.raises(Denied) as refused:
        desk.act(id, "nobody", "accept", expects=77)
    assert refused.value.code == "case.role_missing"
    assert refused.value.details["needs"] == []


def test_a_role_in_one_district_does_not_reach_another() -> None:
    desk = CaseDesk()
    near, far = desk.open(), desk.open(place={"district": "110116"})
    with pytest.raises(Denied) as refused:
        desk.act(near, "far", "accept")
    assert "district 110105" in (refused.value.remedy or "")
    desk.act(far, "far", "accept")


def test_a_citizen_acts_on_the_own_case_only() -> None:
    desk = CaseDesk()
    own, other = (desk.open("citizen:new", channel="citizen", flow="answer") for _ in range(2))
    citizen = "citizen:" + own.rpartition(":")[2]
    comment = {"action": "comment", "note": "还在漏水"}
    desk.run(Command("case.act", own, comment), citizen)
    with pytest.raises(Denied):
        desk.run(Command("case.act", other, comment), citizen)
    with pytest.raises(Denied) as refused:
        desk.run(Command("case.act", own, {"action": "accept"}), citizen)
    assert refused.value.code == "case.role_missing"
    for actor in ("citizen:new", "citizen:", "citizen:2026-x"):
        with pytest.raises(Denied):
            desk.run(Command("case.act", own, comment), actor)


def test_a_simulation_acts_for_simulated_persons_and_nobody_else_does() -> None:
    desk = CaseDesk()
    id = desk.open()
    person = {"id": "person:sim-1", "name": "王", "unit": "centre", "role": "duty"}
    for actor in ("person:handler", "engine:rules", "citizen:new"):
        with pytest.raises(Denied) as refused:
            desk.run(Command("case.act", id, {"action": "accept", "as_person": person}), actor)
        assert refused.value.code == "case.as_person"
    (record,) = desk.run(Command("case.act", id, {"action": "accept", "as_person": person}), "simulation:grid")
    assert record.body is not None
    assert record.body["person"] == {"id": "person:sim-1", "name": "王", "unit": "centre", "role": "duty"}
    with pytest.raises(Denied):
        desk.run(Command("case.act", id, {"action": "dispatch", "as_person": person}), "simulation:grid")
    with pytest.raises(Denied):
        desk.run(Command("case.act", id, {"action": "dispatch"}), "simulation:grid")


@pytest.mark.parametrize("actor", ["person:duty", "person:handler", "person:clerk", "citizen:new", "simulation:x"])
def test_who_brings_a_matter_in(actor: str) -> None:
    desk = CaseDesk()
    assert desk.state_of(desk.open(actor)).state == "open"


@pytest.mark.parametrize("actor", ["person:auditor", "person:nobody"])
def test_who_does_not(actor: str) -> None:
    with pytest.raises(Denied) as refused:
        CaseDesk().open(actor)
    assert refused.value.code == "case.role_missing"


@pytest.mark.parametrize(
    ("kind", "body", "actor", "code"),
    [
        ("case.timer", {"name": "overall.amber", "due": 1}, "person:chief", "case.machine_only"),
        ("case.recount", {"reason": "x"}, "simulation:x", "case.machine_only"),
        ("flow.define", {}, "person:chief", "flow.define_denied"),
    ],
)
def test_machines_commands_are_not_for_people(kind: str, body: dict[str, object], actor: str, code: str) -> None:
    desk = CaseDesk()
    id = desk.open()
    with pytest.raises(Denied) as refused:
        desk.run(Command(kind, id, body), actor)
    assert refused.value.code == code


def test_people_send_no_findings() -> None:
    with pytest.raises(Denied) as refused:
        CaseDesk().find("rule:x", "person:chief")
    assert refused.value.code == "case.find_denied"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"text": " "}, "case.text_missing"),
        ({"flow": "none"}, "case.flow_unknown"),
        ({"at": 1}, "case.event_time"),
        ({"as": "history", "at": 2**60}, "case.event_time"),
        ({"severity": "blue"}, "case.body"),
        ({"place": {"lon": 200}}, "case.body"),
        ({"code": "short"}, "case.body"),
    ],
)
def test_an_opening_that_cannot_be_taken_is_refused(body: dict[str, object], code: str) -> None:
    desk = CaseDesk()
    with pytest.raises(QuanyuError) as refused:
        desk.open(**body)
    assert refused.value.code == code
    assert isinstance(refused.value, Invalid)
    assert desk.records == []


def test_a_reporters_name_and_code_are_in_no_record() -> None:
    desk = CaseDesk()
    desk.open(
        "citizen:new",
        channel="citizen",
        reporter={"name": "张三", "phone": "13800001234"},
        code="SECRETCODE23",
    )
    text = repr(desk.records) + repr(desk.state.rows)
    for secret in ("张三", "13800001234", "SECRETCODE23"):
        assert secret not in text
    assert desk.vault == {
        "personal:1": ("reporter:urn:ngsi-ld:Case:20260302-1", {"name": "张三", "phone": "13800001234"})
    }
