"""Plays test_4_6_vendor.md: commitment, evidence, sanction, repair and incentive of a digital vendor."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.plays.stage import DAY_US, HOUR_US, Person, Play, Stage, playing

STORY = Path(__file__).with_suffix(".md")
VENDOR = "urn:ngsi-ld:DigitalVendor:yunfan"
ZONE = ZoneInfo("Asia/Shanghai")


def measure(stage: Stage, engineer: Person, availability: float, hours: int) -> None:
    """Send what monitoring measured every four hours, and let time pass with it."""
    for _ in range(hours // 4):
        stage.pass_time(4 * HOUR_US)
        at = datetime.fromtimestamp(stage.now / 1e6, ZONE).isoformat()
        values = {"availability": (availability, "P1"), "timeliness": (95.0, "P1"), "incidents": (1.0, "C62")}
        items = [{"entity": VENDOR, "attribute": name, "value": value, "unit": unit, "observedAt": at}
                 for name, (value, unit) in values.items()]  # fmt: skip
        engineer.send("/api/v1/observations", {"items": items})


class Cast:
    """Everybody in the play, each with a token of their own."""

    def __init__(self, stage: Stage) -> None:
        self.office, self.second = (stage.person(name, "handler", "city.data") for name in ("office", "second"))
        self.buyer = stage.person("buyer", "handler", "procurement.office")
        self.engineer, self.chief = stage.person("engineer", "engineer"), stage.person("chief", "chief")


def breach_and_repair(stage: Stage, play: Play, cast: Cast) -> None:
    with play.step(1):
        name = {"zh": "云帆数据", "en": "Yunfan Data"}
        cast.engineer.send("/api/v1/entities", {
            "id": VENDOR, "type": "DigitalVendor", "name": {"type": "Property", "value": name},
            "committed": {"type": "Property", "value": 99.9, "unitCode": "P1"},
        })  # fmt: skip
    with play.step(2):
        measure(stage, cast.engineer, 99.95, 8)
        assert cast.office.get("/api/v1/cases", kind="vendor")["items"] == []
        measure(stage, cast.engineer, 99.2, 56)
        (summary,) = cast.chief.get("/api/v1/cases", kind="vendor")["items"]
        id = summary["id"]
        case = cast.chief.case(id)
        assert (case["flow"], case["asset"], case["rule"]) == ("vendor_breach", VENDOR, "below_commitment")
        assert case["findings"][0]["why"]["en"]
    with play.step(3):
        cast.office.does(id, "accept", "监测与合同比对无误")
        cast.office.does(id, "hear", statement="机房断电,已启动整改")
        case = cast.office.does(id, "judge", "按合同认定", breach=True, measure="weight_down")
        assert case["step"] == "mend"
    with play.step(4):
        assert {notice["receiver"] for notice in case["notices"]} == {"procurement", "data_office"}
        assert id in cast.buyer.list("unanswered")
        assert cast.office.is_refused(id, "close", outcome="fixed")["code"] == "case.action_not_allowed"
    with play.step(5):
        measure(stage, cast.engineer, 99.97, 24)
        cast.office.does(id, "mend", "扩容并增加值守")
        assert cast.office.is_refused(id, "check", passed=True, availability=99.97)["code"] == "case.same_person"
        assert cast.second.is_refused(id, "check", passed=True)["code"] == "case.evidence_missing"
        case = cast.second.does(id, "check", "连续监测达标", passed=True, availability=99.97)
        assert case["step"] == "close"
    with play.step(6):
        assert cast.office.is_refused(id, "close", outcome="fixed")["code"] == "case.receipts_missing"
        cast.buyer.does(id, "acknowledge", "权重已恢复", receiver="procurement")
        cast.second.does(id, "acknowledge", "名录已更新", receiver="data_office")
        closed = cast.office.does(id, "close", outcome="fixed")
        assert (closed["state"], closed["outcome"]["word"]) == ("closed", "fixed")


def review(stage: Stage, play: Play, cast: Cast) -> None:
    with play.step(7):
        review = cast.office.opens("vendor_review", text="年度履约评价", asset=VENDOR, asset_type="DigitalVendor")
        cast.office.does(review, "collect_evidence", availability=99, timeliness=95, incidents=1)
        assert cast.office.is_refused(review, "collect_evidence", points=100)["status"] >= 400
    with play.step(8):
        back = cast.second.does(review, "approve", "事故数与工单不符", passed=False)
        assert back["step"] == "collect_evidence"
        cast.office.does(review, "collect_evidence", availability=99, timeliness=95, incidents=2)
        cast.second.does(review, "approve", passed=True)
        (told,) = [record["body"] for record in cast.chief.get("/api/v1/journal", kind="case.told")["items"]
                   if record["subject"] == review and record["body"]["receiver"] == "procurement"]  # fmt: skip
        assert told["data"]["points"] == pytest.approx(94)
        assert told["data"]["weight"] == pytest.approx(94 / 90)
        cast.buyer.does(review, "acknowledge", "权重已登记", receiver="procurement")
        cast.second.does(review, "acknowledge", "名录已更新", receiver="data_office")
        assert cast.office.does(review, "close", outcome="fixed")["state"] == "closed"
    with play.step(9):
        stage.pass_time(DAY_US / 2)
        score = cast.chief.get("/api/v1/indicators/vendor_score")
        weight = cast.chief.get("/api/v1/indicators/vendor_procurement_weight")
        assert score["value"] == pytest.approx(0.5 * 99.97 + 0.3 * 95 + 0.2 * 90, abs=0.01)
        assert weight["value"] == pytest.approx(score["value"] / 90, abs=0.01)
        assert {each["status"] for each in score["parameters"]} == {"unverified"}


def test_a_vendor_is_held_to_its_word_and_can_repair_its_standing(tmp_path: Path) -> None:
    with playing(tmp_path / "home", STORY, "2026-04-15T09:00:00+08:00") as (stage, play):
        cast = Cast(stage)
        breach_and_repair(stage, play, cast)
        review(stage, play, cast)
        assert play.over
