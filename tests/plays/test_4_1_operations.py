"""Plays test_4_1_operations.md: hotline and grid on one platform; a case bounces once at most (AT7)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from quanyu.kernel.time import parse_instant
from tests.plays.stage import DAY_US, HOUR_US, Person, Play, Stage, playing

STORY = Path(__file__).with_suffix(".md")
NOISE = {"lon": 116.47, "lat": 39.9, "district": "110105", "grid": "110105000100001", "address": "春和路 8 号"}
MANHOLE = {"lon": 116.43, "lat": 39.93, "district": "110101", "grid": "110101000200002", "address": "玉兰路 3 号"}


def order(clerk: Person, text: str = "工地夜里还在施工", **more: Any) -> str:
    given = {"class": "h0301", "text": text, "place": NOISE, "channel": "phone", "reporter": {"name": "市民"}}
    return clerk.opens("hotline_order", **(given | more))


def sent(clerk: Person, dispatcher: Person, id: str, unit: str) -> dict[str, Any]:
    clerk.does(id, "accept")
    return dispatcher.does(id, "dispatch", unit=unit)


def grid_case(stage: Stage, clerk: Person, duty: Person, **more: Any) -> str:
    given = {"class": "c0101", "text": "井盖缺失", "place": MANHOLE}
    id = clerk.opens("grid_case", **(given | more))
    clerk.does(id, "collect")
    duty.does(id, "register")
    return id


class Cast:
    """Everybody in the play, each with a token of their own."""

    def __init__(self, stage: Stage) -> None:
        self.clerk, self.duty, self.dispatcher = (stage.person(role, role) for role in ("clerk", "duty", "dispatcher"))
        self.chief = stage.person("chief", "chief")
        self.first, self.second = (stage.person(name, "supervisor", "city.supervision") for name in ("first", "second"))
        self.order_unit = stage.person("order", "handler", "streets.order")
        self.sites = stage.person("sites", "handler", "construction.sites")
        self.roads = stage.person("roads", "handler", "roads.maintenance")
        self.rubbish = stage.person("rubbish", "handler", "streets.sanitation")
        self.water = stage.person("water", "handler", "facilities.water")
        self.district = stage.person("district", "handler", "district.110101")


def noise_at_night(stage: Stage, play: Play, cast: Cast) -> None:
    with play.step(1):
        id = order(cast.clerk)
        case = cast.clerk.case(id)
        printed = next(clock for clock in case["clocks"] if clock["name"] == "overall")
        assert printed["limit"] == "7 calendar days"
        assert printed["parameter"].startswith("hotline_feedback_limit@")
        assert parse_instant(case["due_at"]) == parse_instant("2026-04-23T00:00:00+08:00")
    with play.step(2):
        others = [
            cast.clerk.case(order(cast.clerk, "夜间施工", channel=word, place=MANHOLE))
            for word in ("counter", "console")
        ]
        assert {each["due_at"] for each in others} == {case["due_at"]}
        assert {each["step_due_at"] for each in others} == {case["step_due_at"]}
    with play.step(3):
        sent(cast.clerk, cast.dispatcher, id, "streets.order")
        assert "return" not in {option["action"] for option in cast.order_unit.case(id)["next"]}
        disputed = cast.order_unit.does(id, "dispute", "工地施工不属街面秩序")
        assert (disputed["unit"], disputed["lead_unit"]) == ("streets.order", "streets.order")
        assert disputed["due_at"] == case["due_at"]
    with play.step(4):
        moved = cast.chief.does(id, "arbitrate", "按职责清单", decision="moved", unit="construction.sites")
        assert (moved["lead_unit"], moved["due_at"]) == ("construction.sites", case["due_at"])
    with play.step(5):
        cast.sites.does(id, "handle", "已责令停工,向市民说明")
        cast.clerk.does(id, "call_back", reached=True, responded=True, solved=True, satisfied=True)
        cast.clerk.does(id, "confirm", fixed=True)
        closed = cast.duty.does(id, "close", outcome="fixed")
        assert (closed["state"], closed["outcome"]["word"], closed["confirmed"]) == ("closed", "fixed", "yes")
    with play.step(6):
        copied = sent(cast.clerk, cast.dispatcher, others[0]["id"], "street.110101900")
        assert copied["supports"] == ["district.110101"]


def again_and_again(stage: Stage, play: Play, cast: Cast) -> None:
    with play.step(7):
        for number in range(4):
            stage.pass_time(DAY_US)
            order(cast.clerk, f"第 {number + 2} 次反映夜间施工")
        (standing,) = cast.duty.get("/api/v1/cases", kind="standing")["items"]
        assert standing["title"]["zh"] == "同地同类诉求反复出现"
        cast.duty.does(standing["id"], "accept")
        owned = cast.dispatcher.does(standing["id"], "dispatch", unit="construction.sites")
        assert owned["lead_unit"] == "construction.sites"


def one_bounce(stage: Stage, play: Play, cast: Cast) -> str:
    with play.step(8):
        hole = grid_case(stage, cast.clerk, cast.duty)
        due = cast.clerk.case(hole)["due_at"]
        cast.dispatcher.does(hole, "dispatch", unit="roads.maintenance")
        assert cast.roads.is_refused(hole, "return")["code"] == "case.reason_missing"
        cast.roads.does(hole, "return", "井盖属供水设施")
        assert cast.dispatcher.case(hole)["returned_by"] == "roads.maintenance"
    with play.step(9):
        again = cast.dispatcher.does(hole, "dispatch", unit="streets.sanitation")
        assert cast.rubbish.is_refused(hole, "return", "不属环卫")["code"] == "case.return_exhausted"
        assert (again["unit"], again["due_at"]) == ("streets.sanitation", due)
        assert cast.rubbish.does(hole, "dispute", "不属环卫")["unit"] == "streets.sanitation"
    with play.step(10):
        stage.pass_time(HOUR_US)
        moved = cast.chief.does(hole, "arbitrate", "供水设施", decision="moved", unit="facilities.water")
        assert (moved["unit"], moved["due_at"]) == ("facilities.water", due)
        units = [entry["person"].get("unit") for entry in moved["actions"] if entry["action"] in ("return", "dispute")]
        assert units == ["roads.maintenance", "streets.sanitation"]
    return hole


def mended_at_last(play: Play, cast: Cast, hole: str) -> None:
    with play.step(11):
        assert cast.water.is_refused(hole, "handle", "已更换")["code"] == "case.evidence_missing"
        cast.water.does(hole, "handle", "已更换井盖", photos=1)
        cast.dispatcher.does(hole, "feedback")
        failed = cast.first.does(hole, "check", "井盖松动,未固定", passed=False)
        assert failed["step"] == "handle"
    with play.step(12):
        cast.water.does(hole, "handle", "重新安装并固定", photos=1)
        cast.dispatcher.does(hole, "feedback")
        cast.second.does(hole, "check", passed=True)
        closed = cast.duty.does(hole, "close", outcome="fixed")
        assert (closed["state"], closed["outcome"]["word"]) == ("closed", "fixed")


def nobodys_and_not_now(stage: Stage, play: Play, cast: Cast) -> None:
    with play.step(13):
        nobodys = grid_case(stage, cast.clerk, cast.duty, **{"class": "c0501"}, text="宣传栏脱落")
        fallen = cast.dispatcher.does(nobodys, "dispatch")
        assert (fallen["unit"], fallen["because"]) == ("district.110101", "territory")
        assert nobodys in cast.district.list("mine")
    with play.step(14):
        banked = cast.chief.does(nobodys, "suspend", "需纳入更新改造计划", review="2026-05-20")
        assert (banked["state"], banked["bank"]["reason"]) == ("suspended", "需纳入更新改造计划")
        (line,) = cast.chief.get("/api/v1/cases/bank")["items"]
        assert (line["unit"], line["count"]) == ("district.110101", 1)
        stage.pass_until("2026-05-21T09:00:00+08:00")
        reminded = [entry["fields"].get("timer") for entry in cast.chief.case(nobodys)["actions"]]
        assert "bank.review" in reminded
    with play.step(15):
        fresh = order(cast.clerk, "夜间施工噪声", place=MANHOLE)
        sent(cast.clerk, cast.dispatcher, fresh, "construction.sites")
        cast.sites.does(fresh, "handle", "已处理")
        cast.clerk.does(fresh, "call_back", reached=True, responded=True, solved=False, satisfied=True)
        cast.duty.does(fresh, "close", "约定分期治理", outcome="planned", date="2026-07-01")
        stage.pass_time(2 * HOUR_US)
        assert cast.chief.get("/api/v1/indicators/hotline_solution")["value"] == 0
        assert cast.chief.get("/api/v1/indicators/hotline_satisfaction")["value"] == 100
        score = cast.chief.get("/api/v1/indicators/problem_bank_unreviewed")
        assert score["owner"] == "city.supervision"


def test_two_matters_on_one_platform(tmp_path: Path) -> None:
    with playing(tmp_path / "home", STORY, "2026-04-15T09:00:00+08:00") as (stage, play):
        cast = Cast(stage)
        noise_at_night(stage, play, cast)
        again_and_again(stage, play, cast)
        hole = one_bounce(stage, play, cast)
        mended_at_last(play, cast, hole)
        nobodys_and_not_now(stage, play, cast)
        assert play.over
