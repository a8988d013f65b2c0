"""Plays test_7_3_handling.md: an everyday matter and an emergency on one way, and the switch between the two modes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tests.plays.stage import HOUR_US, Person, Play, Stage, playing

STORY = Path(__file__).with_suffix(".md")
MINUTE_US = HOUR_US // 60
UNITS = {"water": "facilities.water", "roads": "roads.maintenance", "traffic": "roads.traffic", "gas": "facilities.gas",
         "fire": "fire.rescue", "health": "health.office", "police": "police.office"}  # fmt: skip


class Cast:
    """Everybody in the play, each with a token of their own."""

    def __init__(self, stage: Stage) -> None:
        self.duty = stage.person("duty", "duty", "city.command")
        self.desk, self.second = (stage.person(name, "handler", "emergency.duty") for name in ("desk", "second"))
        self.check = stage.person("check", "supervisor", "city.supervision")
        self.commander, self.deputy = (stage.person(name, "commander") for name in ("commander", "deputy"))
        self.sender = stage.person("sender", "dispatcher")
        self.units = {name: stage.person(name, "handler", unit) for name, unit in UNITS.items()}


def refused(stage: Stage, person: Person, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send what must be refused; return the problem."""
    answer = stage.ask("POST", path, person._token, json=body)
    assert answer.is_client_error, answer.text
    problem: dict[str, Any] = msgspec.json.decode(answer.content)
    return problem


def offered(person: Person, id: str) -> set[str]:
    """Return which actions a case lists for a person."""
    return {each["action"] for each in person.case(id)["next"]}


def everyday(stage: Stage, play: Play, cast: Cast) -> None:
    duty, units = cast.duty, cast.units
    with play.step(1):
        place = {"district": "110105", "lon": 116.46, "lat": 39.92, "address": "示例路口"}
        id = duty.send("/api/v1/incidents", {"kind": "water_main", "text": "路口供水管爆裂,水漫路面", "place": place})[
            "id"
        ]
        path = f"/api/v1/incidents/{id}"
        found = duty.get(path)
        assert (found["incident"]["handling"], found["incident"]["level"]) == ("normal", None)
        assert [plan["plan"] for plan in found["offered"]] == ["water_main_normal"]
        assert found["offered"][0]["status"] == "unverified"
        assert found["reports"] == []
    with play.step(2):
        cast.desk.does(id, "accept", "属实")
        cast.desk.does(id, "sort", emergency=False)
        case = cast.desk.does(id, "dispatch", unit="facilities.water", supports=["roads.traffic", "roads.maintenance"])
        assert (case["step"], case["unit"]) == ("handle", "facilities.water")
    with play.step(3):
        commander = cast.commander
        orders = commander.send(f"{path}/plan", {"plan": "water_main_normal"})["incident"]["orders"]
        assert len(orders) == 4
        assert {order["unit"] for order in orders} == {"facilities.water", "roads.traffic", "roads.maintenance"}
        mine = {order["id"] for order in orders if order["unit"] == "facilities.water"}
        assert mine <= units["water"].list("mine")
        for task in mine:
            units["water"].does(task, "receive")
        waiting = [order["unit"] for order in commander.get(path)["orders"] if order["acknowledged_at"] is None]
        assert sorted(waiting) == ["roads.maintenance", "roads.traffic"]
    with play.step(4):
        assert (
            refused(stage, commander, f"{path}/plan", {"plan": "water_main_normal"})["code"] == "incident.plan_active"
        )
        assert refused(stage, commander, f"{path}/plan", {"plan": "general_4"})["code"] == "incident.plan_unknown"
        nobody = refused(stage, commander, f"{path}/orders", {"unit": "no.such", "text": "现场支援"})
        assert nobody["code"] == "case.unit_unknown"
        denied = refused(stage, units["water"], f"{path}/orders", {"unit": "roads.traffic", "text": "现场支援"})
        assert denied["code"] == "access.denied"
    with play.step(5):
        traffic = next(order for order in orders if order["unit"] == "roads.traffic")["id"]
        stage.pass_time(20 * MINUTE_US)
        units["traffic"].does(traffic, "receive")
        late = next(order for order in commander.get(path)["orders"] if order["id"] == traffic)
        assert [step["met"] for step in late["steps_done"]] == [False]
    with play.step(6):
        who = {"facilities.water": "water", "roads.traffic": "traffic", "roads.maintenance": "roads"}
        for order in commander.get(path)["orders"]:
            crew = units[who[order["unit"]]]
            if order["acknowledged_at"] is None:
                crew.does(order["id"], "receive")
            assert crew.is_refused(order["id"], "carry_out", outcome="fixed")["code"] == "case.evidence_missing"
            crew.does(order["id"], "carry_out", "完成", outcome="fixed", done_percent=100)
        units["water"].does(id, "handle", "关阀抢修完毕", photos=1)
        cast.check.does(id, "check", "现场恢复", passed=True)
        closed = cast.desk.does(id, "close", "归档", outcome="fixed")
        assert closed["state"] == "closed"
        assert all(order["done_at"] for order in commander.get(path)["orders"])


def emergency(stage: Stage, play: Play, cast: Cast) -> None:
    duty, commander, deputy = cast.duty, cast.commander, cast.deputy
    with play.step(7):
        place = {"district": "110105", "lon": 116.47, "lat": 39.91}
        id = duty.send("/api/v1/incidents", {"kind": "gas_explosion", "text": "居民楼燃气爆燃", "place": place})["id"]
        path = f"/api/v1/incidents/{id}"
        found = duty.get(path)
        (report,) = found["reports"]
        assert report["step"] == "to_county"
        (first,) = [clock for clock in report["clocks"] if clock["name"].startswith("step.")]
        assert first["limit"] == "1 hour"
        assert found["incident"]["handling"] == "emergency"
        assert [each["kind"] for each in found["inquiries"]] == ["incident_inquiry"]
    with play.step(8):
        commander.send(f"{path}/level", {"level": 4, "why": "初判一般", "seen": 0})
        seen = deputy.get(path)["incident"]["moves"]
        commander.send(f"{path}/level", {"level": 3, "why": "伤亡扩大", "seen": seen})
        told = refused(stage, deputy, f"{path}/level", {"level": 4, "why": "险情缓解", "seen": seen})
        assert (told["code"], told["status"]) == ("incident.level_moved", 409)
        assert "3 is in force" in told["detail"]
        reports = commander.get(path)["reports"]
        assert [each["step"] for each in reports] == ["to_county", "to_county"]
    with play.step(9):
        assert next(plan["plan"] for plan in commander.get(path)["offered"]) == "gas_explosion_upper"
        modes(stage, cast, id)
        orders = commander.send(f"{path}/plan", {"plan": "gas_explosion_upper"})["incident"]["orders"]
        assert {order["unit"] for order in orders} == {"facilities.gas", "fire.rescue", "health.office", "police.office",
                                                       "roads.traffic"}  # fmt: skip


def modes(stage: Stage, cast: Cast, id: str) -> None:
    """Switch the mode of the district and let it end by itself; everything is as it was."""
    commander, deputy, duty = cast.commander, cast.deputy, cast.duty
    before = commander.get("/api/v1/mode")
    assert (before["mode"], before["channels"][0]) == ("normal", "console")
    task = commander.send(f"/api/v1/incidents/{id}/orders", {"unit": "fire.rescue", "text": "现场警戒"})
    running = task["incident"]["orders"][-1]["id"]
    due = commander.case(running)["due_at"]
    assert refused(stage, duty, f"/api/v1/incidents/{id}/level", {"level": 2, "why": "x", "seen": 2})["status"] == 403
    proposed = commander.send("/api/v1/mode", {"reason": "燃气爆燃处置", "hours": 6, "area": "110105", "incident": id})
    assert refused(stage, commander, f"/api/v1/mode/{proposed['id']}/set", {})["code"] == "mode.same_person"
    standing = deputy.send(f"/api/v1/mode/{proposed['id']}/set", {})
    stage.settle()
    assert (standing["mode"], standing["areas"], standing["channels"][0]) == ("emergency", ["110105"], "console")
    assert refused(stage, deputy, f"/api/v1/mode/{proposed['id']}/set", {})["code"] == "mode.set_already"
    ending = commander.get(f"/api/v1/incidents/{id}")["ending"]
    assert "mode" in [each["what"] for each in ending["missing"]]
    # Limits: what begins now has the emergency limit, and so has what runs where the parameter reaches it.
    assert commander.case(running)["due_at"] < due
    new = duty.send("/api/v1/incidents", {"kind": "road_sink", "text": "路面塌陷", "place": {"district": "110105"}})[
        "id"
    ]
    assert next(clock["limit"] for clock in duty.case(new)["clocks"] if clock["name"] == "step.1") == "5 minutes"
    elsewhere = duty.send("/api/v1/incidents", {"kind": "road_sink", "text": "塌陷", "place": {"district": "110101"}})[
        "id"
    ]
    assert next(clock["limit"] for clock in duty.case(elsewhere)["clocks"] if clock["name"] == "step.1") == "15 minutes"
    # Rights: a duty officer commands, and nobody asks for more time.
    assert duty.send(f"/api/v1/incidents/{id}/level", {"level": 2, "why": "影响扩大", "seen": 2})["incident"]
    assert "suspend" not in offered(cast.sender, new)
    assert "merge" in offered(cast.sender, new)
    assert "suspend" in offered(cast.sender, elsewhere)
    assert cast.desk.is_refused(new, "suspend", "等候", review="2026-12-01")["code"] == "mode.suspended"
    stage.pass_time(7 * HOUR_US)
    after = commander.get("/api/v1/mode")
    assert after == before
    assert "suspend" in offered(cast.sender, new)
    assert commander.case(running)["due_at"] == due
    assert refused(stage, duty, f"/api/v1/incidents/{id}/level", {"level": 1, "why": "x", "seen": 3})["status"] == 403


def test_one_thing_is_handled_on_one_way_every_day_and_in_an_emergency(tmp_path: Path) -> None:
    with playing(tmp_path / "home", STORY, "2026-04-15T09:00:00+08:00") as (stage, play):
        cast = Cast(stage)
        everyday(stage, play, cast)
        emergency(stage, play, cast)
        assert play.over
