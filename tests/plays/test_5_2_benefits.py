"""Plays test_5_2_benefits.md: benefits and offers that begin with an event in a firm's life."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from quanyu.kernel.traces import trace_in
from quanyu.kernel.view import CaseQuery, Filter
from tests.plays.stage import DAY_US, Person, Play, Stage, playing

STORY = Path(__file__).with_suffix(".md")
CODE, YOUNG = "91350100M000100Y43", "91110000600037341L"
ZONE = ZoneInfo("Asia/Shanghai")


class Cast:
    """Everybody in the play."""

    def __init__(self, stage: Stage) -> None:
        self.engineer, self.chief = stage.person("engineer", "engineer"), stage.person("chief", "chief")
        self.office = stage.person("office", "handler", "services.enterprise")
        self.payer = stage.person("payer", "handler", "social.insurance")
        self.clerk = stage.person("clerk", "clerk")


def firm(code: str) -> str:
    return f"urn:ngsi-ld:Firm:{code}"


def observed(stage: Stage, engineer: Person, code: str, **values: float) -> None:
    """Send what registers say of a firm now."""
    at = datetime.fromtimestamp(stage.now / 1e6, ZONE).isoformat()
    units = {"newStaff": "IE", "newPatents": "C62", "ageMonths": "MON"}
    items = [{"entity": firm(code), "attribute": name, "value": value, "unit": units[name], "observedAt": at}
             for name, value in values.items()]  # fmt: skip
    engineer.send("/api/v1/observations", {"items": items})
    stage.settle()


def opened(cast: Cast, flow: str, code: str) -> list[dict[str, Any]]:
    items = cast.chief.get("/api/v1/cases", kind="offer", list="all", limit=100)["items"]
    return [case for case in items if case["flow"] == flow and case["asset"] == firm(code)]


def by_itself(stage: Stage, play: Play, cast: Cast) -> None:
    with play.step(1):
        for code in (CODE, YOUNG):
            name = {"zh": "示例企业", "en": "Example firm"}
            cast.engineer.send("/api/v1/entities", {
                "id": firm(code), "type": "Firm", "name": {"type": "Property", "value": name},
                "creditCode": {"type": "Property", "value": code},
            })  # fmt: skip
        observed(stage, cast.engineer, CODE, newStaff=4, ageMonths=40)
        assert opened(cast, "benefit_direct", CODE) == []
        stage.pass_time(DAY_US)
        observed(stage, cast.engineer, CODE, newStaff=5)
        (summary,) = opened(cast, "benefit_direct", CODE)
        case = cast.chief.case(summary["id"])
        assert (case["rule"], case["unit"]) == ("hiring_direct", "services.enterprise")
        assert case["findings"][0]["why"]["en"]
        assert opened(cast, "policy_offer", CODE) == []
    with play.step(2):
        id = case["id"]
        cast.office.does(id, "check", fits=True, evidence_read="单位参保登记,2026-03-03")
        case = cast.payer.does(id, "give", "已兑付", passed=True, outcome="granted")
        assert (case["state"], case["outcome"]["word"]) == ("closed", "granted")
        assert case["application"] is None


def declined(stage: Stage, play: Play, cast: Cast) -> None:
    with play.step(3):
        stage.pass_time(DAY_US)
        observed(stage, cast.engineer, CODE, newPatents=1)
        (summary,) = opened(cast, "policy_offer", CODE)
        id = summary["id"]
        cast.office.does(id, "check", fits=True)
        case = cast.chief.case(id)
        assert (case["step"], case["role"]) == ("answer", "applicant")
        scope = Filter(actor=f"citizen:firm:{CODE}", subjects=frozenset({f"firm:{CODE}"}))
        own = stage.hub.views.cases.query(CaseQuery(list="all", sort="opened"), scope)
        assert own.items[0]["id"] == id
        assert [each["flow"] for each in own.items] == ["policy_offer", "benefit_direct"]
        found = stage.hub.views.cases.find(id, scope)
        assert found is not None
        assert "answer" in {option["action"] for option in found["next"]}
    with play.step(4):
        cast.clerk.does(id, "answer", "暂无需要", taken=False)
        stage.settle()
        case = cast.chief.case(id)
        assert (case["state"], case["outcome"]["word"]) == ("closed", "declined")
        stage.pass_time(DAY_US)
        observed(stage, cast.engineer, CODE, newPatents=0)
        stage.pass_time(DAY_US)
        observed(stage, cast.engineer, CODE, newPatents=2)
        assert [each["id"] for each in opened(cast, "policy_offer", CODE)] == [id]


def taken_and_unanswered(stage: Stage, play: Play, cast: Cast) -> None:
    with play.step(5):
        observed(stage, cast.engineer, YOUNG, ageMonths=2)
        (summary,) = opened(cast, "policy_offer", YOUNG)
        cast.office.does(summary["id"], "check", fits=True)
        cast.clerk.does(summary["id"], "answer", taken=True)
        case = cast.office.does(summary["id"], "give", "已安排辅导", outcome="granted")
        assert case["outcome"]["word"] == "granted"
    with play.step(6):
        observed(stage, cast.engineer, YOUNG, newPatents=1)
        silent = next(each for each in opened(cast, "policy_offer", YOUNG) if each["state"] == "open")["id"]
        cast.office.does(silent, "check", fits=True)
        stage.pass_time(60 * DAY_US)
        assert cast.chief.case(silent)["step"] == "unanswered"
        cast.office.does(silent, "unanswered", "企业未答复", outcome="no_action")
        found = cast.chief.get("/api/v1/indicators/benefit_offers_taken")
        assert trace_in([found["name"], *found["title"].values()]) is None


def test_policies_find_firms(tmp_path: Path) -> None:
    with playing(tmp_path / "home", STORY, "2026-03-02T09:00:00+08:00") as (stage, play):
        cast = Cast(stage)
        by_itself(stage, play, cast)
        declined(stage, play, cast)
        taken_and_unanswered(stage, play, cast)
