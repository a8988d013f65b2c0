"""Plays test_7_5_cyber.md: assets, weak spots, an incident with its hours, and the year's report."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from quanyu.assembly.seals import checksum
from tests.plays.stage import HOUR_US, Person, Play, Stage, playing

STORY = Path(__file__).with_suffix(".md")
ASSET = "urn:ngsi-ld:CyberAsset:scada"
ZONE = ZoneInfo("Asia/Shanghai")
MINUTE_US = HOUR_US // 60


class Cast:
    """Everybody in the play, each with a token of their own."""

    def __init__(self, stage: Stage) -> None:
        self.engineer = stage.person("engineer", "engineer")
        self.office, self.second = (stage.person(name, "handler", "cyber.office") for name in ("office", "second"))
        self.police = stage.person("police", "handler", "police.office")
        self.data = stage.person("data", "handler", "city.data")
        self.commander = stage.person("commander", "commander")


def measure(stage: Stage, engineer: Person, attribute: str, value: float, unit: str) -> None:
    at = datetime.fromtimestamp(stage.now / 1e6, ZONE).isoformat()
    item = {"entity": ASSET, "attribute": attribute, "value": value, "unit": unit, "observedAt": at}
    engineer.send("/api/v1/observations", {"items": [item]})


def watched(stage: Stage, play: Play, cast: Cast) -> str:
    """Steps 1 to 4: the register, a weak spot, an asset that is down, the hour."""
    office = cast.office
    with play.step(1):
        cast.engineer.send("/api/v1/entities", {
            "id": ASSET, "type": "CyberAsset", "operator": "facilities.water", "operatorKind": "critical",
            "software": "SCADA 4.1", "exposed": True,
            "name": {"type": "Property", "value": {"zh": "供水调度系统", "en": "Water control"}},
        })  # fmt: skip
    with play.step(2):
        measure(stage, cast.engineer, "weakness", 9.8, "C62")
        (ticket,) = cast.commander.get("/api/v1/cases", kind="cyber_ticket")["items"]
        assert cast.commander.case(ticket["id"])["findings"][0]["why"]["zh"]
        office.does(ticket["id"], "accept", "属实")
        office.does(ticket["id"], "dispatch", unit="city.data")
        assert cast.data.is_refused(ticket["id"], "mend", "已打补丁")["code"] == "case.evidence_missing"
        cast.data.does(ticket["id"], "mend", "已打补丁", weakness=2.1)
        office.does(ticket["id"], "check", passed=True)
        assert office.does(ticket["id"], "close", outcome="fixed")["state"] == "closed"
    with play.step(3):
        measure(stage, cast.engineer, "downMinutes", 5, "MIN")
        assert cast.commander.get("/api/v1/cases", kind="cyber_incident")["items"] == []
        stage.pass_time(HOUR_US)
        measure(stage, cast.engineer, "downMinutes", 65, "MIN")
        (summary,) = cast.commander.get("/api/v1/cases", kind="cyber_incident")["items"]
        id = str(summary["id"])
        assert cast.commander.get(f"/api/v1/incidents/{id}")["declared"] is False
    with play.step(4):
        cast.commander.send(f"/api/v1/incidents/{id}/declare", {"kind": "cyber_critical"})
        (report,) = cast.commander.get(f"/api/v1/incidents/{id}")["reports"]
        (overall,) = [clock for clock in report["clocks"] if clock["name"] == "overall"]
        assert overall["limit"] == "1 hour"
    return id


def answered(stage: Stage, play: Play, cast: Cast, id: str) -> None:
    """Steps 5 to 8: what is known, what a person judges, the report, the end."""
    office, commander, path = cast.office, cast.commander, f"/api/v1/incidents/{id}"
    with play.step(5):
        figures: dict[str, Any] = {"values": {"critical_down_h": 5}, "source": "运营单位"}
        found = commander.send(f"{path}/figures", figures)["incident"]["incident"]
        assert (found["grade"], found["grade_unknown"]) == (None, [2, 3, 4])
    with play.step(6):
        commander.send(f"{path}/level", {"level": 2, "why": "按附件由人工判定", "seen": 0})
        (report,) = commander.get(path)["reports"]
        office.does(report["id"], "judge", reportable=True, major=True)
        stage.pass_time(30 * MINUTE_US)
        case = office.does(report["id"], "report", what="调度系统中断", measures="切换手动")
        assert case["step"] == "up"
        assert {notice["receiver"] for notice in case["notices"]} == {"protector", "police"}
        office.does(report["id"], "up", "重大,续报")
        assert office.is_refused(report["id"], "finish", outcome="fixed")["code"] == "case.receipts_missing"
        cast.police.does(report["id"], "acknowledge", "收悉", receiver="police")
        for receiver in ("protector", "national"):
            cast.second.does(report["id"], "acknowledge", "收悉", receiver=receiver)
        assert office.does(report["id"], "finish", outcome="fixed")["state"] == "closed"
        (report,) = commander.get(path)["reports"]
        assert [clock["met"] for clock in report["clocks"] if clock["name"] == "overall"] == [True]
        dossier = commander.get(f"/api/v1/cases/{report['id']}/dossier", format="json")
        assert checksum(dossier) == dossier["checksum"]
    with play.step(7):
        found = commander.send(f"{path}/figures", {"values": {"critical_down_h": 6}, "source": "运营单位"})
        assert (found["incident"]["incident"]["grade"], found["incident"]["incident"]["graver"]) == (1, True)
        commander.send(f"{path}/level", {"level": 1, "why": "整体中断六小时", "seen": 1})
    with play.step(8):
        office.does(id, "accept")
        office.does(id, "contain", "隔离")
        assert office.is_refused(id, "preserve", cause="勒索软件")["code"] == "case.evidence_missing"
        office.does(id, "preserve", "日志留存", photos=1, cause="勒索软件")
        office.does(id, "restore", "恢复运行")
        assert office.does(id, "close", outcome="fixed")["state"] == "closed"


def counted(stage: Stage, play: Play, cast: Cast) -> None:
    """Steps 9 and 10: one that is not reported, and the year."""
    with play.step(9):
        sent = {"kind": "cyber_other", "text": "门户网站被扫描"}
        id = cast.commander.send("/api/v1/incidents", sent)["id"]
        (report,) = cast.commander.get(f"/api/v1/incidents/{id}")["reports"]
        cast.office.does(report["id"], "judge", reportable=False, major=False)
        kept = cast.office.does(report["id"], "keep", "较大以下", outcome="no_action")
        assert kept["state"] == "closed"
    with play.step(10):
        year = cast.commander.get("/api/v1/incidents/yearly", year=2026)
        assert (year["total"], year["by_level"]) == (2, {"1": 1, "unknown": 1})
        assert (year["reported"], year["in_time"], year["late"], year["kept"]) == (1, 1, 0, 1)
        assert checksum(year) == year["checksum"]
        token = cast.commander._token
        asked = {"year": 2026, "format": "html", "lang": "zh"}
        page = stage.ask("GET", "/api/v1/incidents/yearly", token, params=asked)
        assert "年度事件报告" in page.text
        assert stage.ask("GET", "/api/v1/incidents/yearly", token, params={"year": 1}).status_code == 400


def test_cyber_incidents_are_graded_reported_and_counted(tmp_path: Path) -> None:
    with playing(tmp_path / "home", STORY, "2026-04-15T09:00:00+08:00") as (stage, play):
        cast = Cast(stage)
        id = watched(stage, play, cast)
        answered(stage, play, cast, id)
        counted(stage, play, cast)
        assert play.over
