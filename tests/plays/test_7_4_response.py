"""Plays test_7_4_response.md: an accident from alarm to after-action report, in the real hub."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from quanyu.assembly.keeping import check_hub
from quanyu.assembly.seals import checksum
from tests.plays.stage import DAY_US, HOUR_US, Person, Play, Stage, playing
from tests.plays.test_7_2_warnings import DRAFT, issued, put_terminals, texts

STORY = Path(__file__).with_suffix(".md")
SUPPLY = "urn:ngsi-ld:WaterSupply:east"
ZONE = ZoneInfo("Asia/Shanghai")


class Cast:
    """Everybody in the play, each with a token of their own."""

    def __init__(self, stage: Stage) -> None:
        self.duty = stage.person("duty", "duty", "city.command")
        self.desk, self.second = (stage.person(name, "handler", "emergency.duty") for name in ("desk", "second"))
        self.commander, self.deputy = (stage.person(name, "commander") for name in ("commander", "deputy"))
        self.water = stage.person("water", "handler", "facilities.water")
        self.fire = stage.person("fire", "handler", "fire.rescue")
        self.engineer = stage.person("engineer", "engineer")


def refused(stage: Stage, person: Person, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send what must be refused; return the problem."""
    answer = stage.ask("POST", path, person._token, json=body)
    assert answer.is_client_error, answer.text
    problem: dict[str, Any] = msgspec.json.decode(answer.content)
    return problem


def supply(stage: Stage, engineer: Person, percent: float) -> None:
    """Say how much of its water the district gets now."""
    at = datetime.fromtimestamp(stage.now / 1e6, ZONE).isoformat()
    item = {"entity": SUPPLY, "attribute": "served", "value": percent, "unit": "P1", "observedAt": at}
    engineer.send("/api/v1/observations", {"items": [item]})


def reported(stage: Stage, play: Play, cast: Cast) -> str:
    """Steps 1 to 4: taken in, reported, graded, reported further up."""
    duty, desk, commander = cast.duty, cast.desk, cast.commander
    with play.step(1):
        cast.engineer.send("/api/v1/entities", {"id": SUPPLY, "type": "WaterSupply", "served": 100})
        supply(stage, cast.engineer, 100)
        alarm = duty.opens("restore_vital", text="供水压力骤降", severity="orange")
        sent = {"kind": "work_accident", "text": "泵站检修发生坍塌", "source": alarm, "place": {"district": "110105"}}
        id = str(duty.send("/api/v1/incidents", sent)["id"])
        path = f"/api/v1/incidents/{id}"
        assert commander.get(path)["incident"]["source"] == alarm
    with play.step(2):
        (report,) = commander.get(path)["reports"]
        desk.does(report["id"], "to_county", said="泵站坍塌,多人被困")
        case = desk.does(report["id"], "to_city", said_city="续报")
        assert case["step"] == "close"
        assert desk.is_refused(report["id"], "close", outcome="fixed")["code"] == "case.receipts_missing"
        for receiver in ("county_duty", "city_duty"):
            cast.second.does(report["id"], "acknowledge", "电话回执", receiver=receiver)
        assert desk.does(report["id"], "close", outcome="fixed")["state"] == "closed"
    with play.step(3):
        figures = {"values": {"dead": 3, "seriously_hurt": 4}, "source": "现场指挥部"}
        found = duty.send(f"{path}/figures", figures)["incident"]["incident"]
        assert (found["grade"], found["grade_by"], found["graver"]) == (3, ["dead"], True)
        milder = refused(stage, commander, f"{path}/level", {"level": 4, "why": "初判", "seen": 0})
        assert milder["code"] == "incident.level_below_grade"
        assert (
            refused(stage, duty, f"{path}/figures", {"values": {"boats": 1}, "source": "x"})["code"]
            == "incident.measure"
        )
        assert (
            refused(stage, duty, f"{path}/figures", {"values": {"dead": -1}, "source": "x"})["code"] == "incident.body"
        )
    with play.step(4):
        commander.send(f"{path}/level", {"level": 3, "why": "死亡三人", "seen": 0})
        further = next(each for each in commander.get(path)["reports"] if each["state"] == "open")
        desk.does(further["id"], "to_county", said="定为较大")
        stage.pass_time(3 * HOUR_US)
        desk.does(further["id"], "to_city", said_city="续报")
        case = desk.does(further["id"], "to_province", said_province="续报")
        assert case["step"] == "close"
        done = next(each for each in commander.get(path)["reports"] if each["id"] == further["id"])["steps_done"]
        assert [step["met"] for step in done] == [True, False, True]
    return id


def answered(stage: Stage, play: Play, cast: Cast, id: str) -> None:
    """Steps 5 to 7: response, resources, orders, recovery."""
    commander, path = cast.commander, f"/api/v1/incidents/{id}"
    with play.step(5):
        whole = {"level": 3, "matter": "泵站坍塌救援", "hours": 24, "measures": ["搜救", "应急供水"], "seen": 0}
        for part in ("matter", "measures", "hours", "level"):
            assert refused(stage, commander, f"{path}/response", {**whole, part: [] if part == "measures" else ""})
        assert refused(stage, commander, f"{path}/response", {**whole, "measures": []})["code"] == "incident.body"
        started = commander.send(f"{path}/response", whole)["incident"]["incident"]
        assert (started["response"]["issue"], started["issues"]) == (1, 1)
    with play.step(6):
        commander.send(f"{path}/resources", {"resource": "移动供水车 3 号", "unit": "facilities.water", "count": 2})
        again = refused(stage, commander, f"{path}/resources", {"resource": "移动供水车 3 号", "unit": "fire.rescue"})
        assert again["code"] == "incident.resource_out"
        order = commander.send(f"{path}/orders", {"unit": "fire.rescue", "text": "继续搜救"})["incident"]["orders"][-1]
        cast.fire.does(order["id"], "receive")
        cast.fire.does(order["id"], "carry_out", "搜救结束", outcome="fixed", done_percent=100)
        cast.duty.send(f"{path}/notes", {"text": "市领导到达现场"})
        commander.send(f"{path}/resources/return", {"number": 1})
        unknown = refused(stage, commander, f"{path}/resources/return", {"number": 1})
        assert unknown["code"] == "incident.resource_unknown"
        warned_of(stage, cast, path)
    with play.step(7):
        watched = {"entity": SUPPLY, "attribute": "served", "normal": 100, "zh": "供水", "en": "Water supply"}
        commander.send(f"{path}/functions", {"functions": [watched]})
        for percent, hours in ((40, 2), (60, 2), (92, 12), (100, 0)):
            supply(stage, cast.engineer, percent)
            stage.pass_time(hours * HOUR_US)
        (curve,) = commander.get(f"{path}/recovery")["curves"]
        assert curve["recovered"]
        # From the opening: full for 3 hours, 40 % from the 3rd, 60 % from the 5th, 92 % from the 7th, all from the 19th.
        assert curve["hours_to"] == {"50": pytest.approx(5, abs=0.1), "90": pytest.approx(7, abs=0.1),
                                     "100": pytest.approx(19, abs=0.1)}  # fmt: skip
        assert curve["lost_h"] == pytest.approx(2 * 0.6 + 2 * 0.4 + 6 * 0.08, abs=0.05)
        assert len(curve["gaps"]) == 1
        picture = stage.ask("GET", f"{path}/recovery", commander._token, params={"format": "svg"})
        assert picture.headers["content-type"].startswith("image/svg+xml")
        assert "供水" in picture.text
        asked = {"format": "svg", "function": 9}
        missing = stage.ask("GET", f"{path}/recovery", commander._token, params=asked)
        assert msgspec.json.decode(missing.content)["code"] == "incident.function_missing"


def warned_of(stage: Stage, cast: Cast, path: str) -> None:
    """Link a warning: the draft stays with its authors, the issued one is seen by everybody."""
    author, second = stage.person("author", "warning_author"), stage.person("second_eye", "warning_approver")
    put_terminals(stage.person("warner", "warning_engineer"))
    times = {"starts_at": "2026-04-15T09:00:00+08:00", "expires_at": "2026-04-16T20:00:00+08:00"}
    made = issued(author, second, DRAFT | times)
    unknown = refused(stage, cast.commander, f"{path}/warnings", {"warning": "urn:ngsi-ld:Warning:none"})
    assert unknown["status"] == 404
    offers = cast.commander.get(f"{path}/offered-warnings", text=made["identifier"])["items"]
    assert [(each["id"], each["near"]) for each in offers] == [(made["id"], False)], "it holds in another district"
    assert cast.commander.get(f"{path}/offered-warnings", text="earthquake")["items"] == []
    linked = cast.commander.send(f"{path}/warnings", {"warning": made["id"]})["incident"]["warnings"]
    assert cast.commander.get(f"{path}/offered-warnings")["items"] == []
    assert "warnings" in [each["what"] for each in cast.commander.get(path)["ending"]["missing"]]
    assert [(each["id"], each["standing"]) for each in linked] == [(made["id"], "published")]
    again = refused(stage, cast.commander, f"{path}/warnings", {"warning": made["id"]})
    assert again["code"] == "incident.warned"
    draft = author.send("/api/v1/warnings", texts(author, DRAFT | times))
    cast.commander.send(f"{path}/warnings", {"warning": draft["id"]})
    assert [each["id"] for each in cast.commander.get(path)["warnings"]] == [made["id"]]


def to_be_ended(commander: Person, id: str) -> None:
    """The list and the incident say the same of its tasks, and who takes the next step."""
    (row,) = commander.get("/api/v1/incidents", list="open", limit=10)["items"]
    assert (row["id"], row["warnings"]) == (id, 2)
    ending = commander.get(f"/api/v1/incidents/{id}")["ending"]
    tasks = ending["tasks"]
    assert (row["tasks"], row["tasks_done"]) == (tasks["all"], tasks["all"] - tasks["open"])
    assert ending["next"]["mine"]
    assert ending["next"]["role_title"]["en"]
    assert "response" not in [each["what"] for each in ending["missing"]]


def ended(stage: Stage, play: Play, cast: Cast, id: str) -> None:
    """Steps 8 to 11: re-grading, the end, the report and its lessons."""
    commander, deputy, desk, path = cast.commander, cast.deputy, cast.desk, f"/api/v1/incidents/{id}"
    with play.step(8):
        stage.pass_time(20 * DAY_US)
        found = cast.duty.send(f"{path}/figures", {"values": {"dead": 10}, "source": "医院"})["incident"]
        assert (found["incident"]["grade"], found["log"][-1]["said"]["regraded"]) == (2, True)
        stage.pass_time(20 * DAY_US)
        later = cast.duty.send(f"{path}/figures", {"values": {"dead": 31}, "source": "医院"})["incident"]
        assert (later["incident"]["grade"], later["log"][-1]["said"]["counts"]) == (2, False)
    with play.step(9):
        issues = commander.get(path)["incident"]["issues"]
        adjusted = {"level": 2, "matter": "转入善后", "hours": 12, "measures": ["善后"], "seen": issues}
        commander.send(f"{path}/response", adjusted)
        assert refused(stage, deputy, f"{path}/response/lift", {"why": "险情解除", "seen": issues})["code"] == (
            "incident.response_moved"
        )
        deputy.send(f"{path}/response/lift", {"why": "险情解除", "seen": issues + 1})
        assert refused(stage, deputy, f"{path}/response/lift", {"why": "x", "seen": issues + 2})["code"] == (
            "incident.no_response"
        )
        desk.does(id, "accept", "属实")
        desk.does(id, "sort", emergency=True)
        to_be_ended(commander, id)
        commander.does(id, "stabilise", "险情解除")
        commander.does(id, "evaluate", loss_said="直接损失约四千万元", recovery_plan="更换泵组")
        assert desk.does(id, "close", photos=1, outcome="fixed")["state"] == "closed"
        late = refused(stage, commander, f"{path}/level", {"level": 1, "why": "x", "seen": 1})
        assert late["code"] == "incident.ended"
    with play.step(10):
        report = commander.get(f"{path}/report")
        assert report["kind"] == "after_action"
        assert checksum(report) == report["checksum"]
        assert report["clocks_missed"] >= 1
        assert report["figures"][0]["said"]["values"] == {"dead": 3, "seriously_hurt": 4}
        seqs = {line["seq"] for line in report["timeline"]}
        assert seqs == {each["seq"] for each in report["seals"]["records"]}
        assert {"case", "incident.figured", "incident.lifted"} <= {line["what"] for line in report["timeline"]}
        for language, word in (("zh", "处置评估报告"), ("en", "After-action report")):
            asked = {"format": "html", "lang": language}
            page = stage.ask("GET", f"{path}/report", commander._token, params=asked)
            assert word in page.text
            assert report["checksum"] in page.text
        assert [each["standing"] for each in report["warnings"]] == ["expired"]
    with play.step(11):
        commander.send(f"{path}/lessons", {"unit": "facilities.water", "text": "泵站检修须双人监护"})
        (lesson,) = commander.get(path)["lessons"]
        assert lesson["id"] in cast.water.list("mine")
        case = cast.water.does(lesson["id"], "mend", "制定监护制度", due="2026-08-01")
        assert case["step"] == "prove"
        stage.settle()
        assert check_hub(stage.hub).faults == []


def test_an_accident_runs_from_alarm_to_after_action_report(tmp_path: Path) -> None:
    with playing(tmp_path / "home", STORY, "2026-04-15T09:00:00+08:00") as (stage, play):
        cast = Cast(stage)
        id = reported(stage, play, cast)
        answered(stage, play, cast, id)
        ended(stage, play, cast, id)
        assert play.over
