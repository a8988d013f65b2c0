"""The vendor loop: commitment, evidence, incentive or sanction, repair; its score is the same in the review and the indicator."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.assembly.opening import load_declared
from quanyu.domains.governance.vendor.flows import vendor_review
from quanyu.domains.governance.vendor.indicators import vendor_procurement_weight, vendor_score
from quanyu.domains.governance.vendor.simulation import vendor, vendor_id
from quanyu.engines.indicators.formula import Plan
from quanyu.kernel.errors import Conflict, QuanyuError
from quanyu.kernel.expression import compile_expression
from quanyu.kernel.journal import Command
from quanyu.kernel.view import EVERYTHING, CaseQuery
from tests.packs.mini_city import MiniCity, mini_city

PARAMETERS = load_declared("beijing", False).parameters
SETS = dict(vendor_review.get_step("score").sets)
PERCENT = st.floats(0, 100, allow_nan=False)


@given(PERCENT, PERCENT, st.integers(0, 40))
def test_the_review_works_out_what_the_indicators_say(availability: float, timeliness: float, incidents: int) -> None:
    evidence: dict[str, Any] = {"availability": availability, "timeliness": timeliness, "incidents": incidents}
    rows = [PARAMETERS.get_row(each.id, date(2026, 3, 2), "110000") for each in vendor_review.figures]
    figures = {row.id: row.pinned().number() for row in rows}
    points = compile_expression(SETS["points"]).value(evidence | figures)
    weight = compile_expression(SETS["weight"]).value(evidence | figures | {"points": points})
    measures: dict[str, float | None] = {f"vendors_{name}": float(value) for name, value in evidence.items()}
    for indicator, said in ((vendor_score, points), (vendor_procurement_weight, weight)):
        plan = Plan(indicator, PARAMETERS)
        assert plan.value(measures, plan.pinned(PARAMETERS, date(2026, 3, 2), "110000")) == pytest.approx(said)


def opened(city: MiniCity, flow: str) -> str:
    body = {"flow": flow, "text": "履约", "asset": vendor_id(0), "title": {"zh": "云帆数据(模拟)", "en": "Yunfan"}}
    receipt = city.hub.commit_blocking([Command("case.open", "", body, "simulated:test")], "simulation:test")
    return str(receipt.outcomes[0].subject)


def act(city: MiniCity, id: str, action: str, who: str = "1", unit: str = "city.data", **body: Any) -> dict[str, Any]:
    person = {"id": f"person:{unit}-{who}", "name": "经办", "unit": unit, "role": "handler"}
    command = Command("case.act", id, {"action": action, "as_person": person} | body, "simulated:test")
    city.hub.commit_blocking([command], "simulation:test")
    case = city.cases.find(id, EVERYTHING)
    assert case is not None
    return dict(case)


def answered(city: MiniCity, id: str) -> None:
    act(city, id, "acknowledge", fields={"receiver": "data_office"}, note="名录已更新")
    act(city, id, "acknowledge", unit="procurement.office", fields={"receiver": "procurement"}, note="权重已更新")


def test_a_breach_is_judged_sanctioned_mended_measured_again_and_repaired(tmp_path: Path) -> None:
    with mini_city(tmp_path / "home") as city:
        id = opened(city, "vendor_breach")
        act(city, id, "accept")
        act(city, id, "hear", fields={"statement": "机房断电"})
        case = act(city, id, "judge", fields={"breach": True, "measure": "weight_down"})
        assert (case["step"], len(case["notices"])) == ("mend", 2)
        act(city, id, "mend")
        with pytest.raises(QuanyuError):
            act(city, id, "check", "2", fields={"passed": True})
        case = act(city, id, "check", "2", fields={"passed": True, "availability": 99.95})
        assert (case["step"], {notice["receipt_at"] for notice in case["notices"]}) == ("close", {None})
        with pytest.raises(Conflict) as refused:
            act(city, id, "close", fields={"outcome": "fixed"})
        assert refused.value.code == "case.receipts_missing"
        answered(city, id)
        assert act(city, id, "close", fields={"outcome": "fixed"})["outcome"]["word"] == "fixed"


def test_no_breach_ends_without_a_sanction(tmp_path: Path) -> None:
    with mini_city(tmp_path / "home") as city:
        id = opened(city, "vendor_breach")
        act(city, id, "accept")
        act(city, id, "hear", fields={"statement": "市电中断"})
        assert act(city, id, "judge", fields={"breach": False})["step"] == "drop"
        case = act(city, id, "drop", fields={"outcome": "no_action"}, note="不归责于供应商")
        assert (case["state"], case["notices"]) == ("closed", [])


def test_a_review_tells_procurement_the_weight(tmp_path: Path) -> None:
    with mini_city(tmp_path / "home") as city:
        id = opened(city, "vendor_review")
        act(city, id, "collect_evidence", fields={"availability": 99, "timeliness": 95, "incidents": 1})
        with pytest.raises(QuanyuError):
            act(city, id, "approve", fields={"passed": True})
        act(city, id, "approve", "2", fields={"passed": True})
        told = [record.body for record in city.hub.journal_read(0, 10_000, {"case.told"}) if record.body]
        assert {body["receiver"] for body in told} == {"procurement", "data_office"}
        assert told[0]["data"]["points"] == pytest.approx(96)
        assert told[0]["data"]["weight"] == pytest.approx(96 / 90)
        answered(city, id)
        closed = act(city, id, "close", fields={"outcome": "fixed"})
        assert closed["state"] == "closed"
        # Each number of the score is a dated row, and the review names the version that it used.
        pinned = {each["id"]: each for each in closed["parameters"]}
        row = PARAMETERS.get_row("vendor_full_score", date(2026, 3, 2), "110000")
        assert (pinned["vendor_full_score"]["value"], pinned["vendor_full_score"]["version"]) == ("90", row.version)
        assert row.status == "unverified"


def test_the_simulated_vendors_are_measured_reviewed_and_say_simulated(tmp_path: Path) -> None:
    with mini_city(tmp_path / "home") as city:
        city.found([vendor])
        for _ in range(8 * 144):
            city.step([vendor])
        cases = city.cases.query(CaseQuery(list="all", kind="vendor"), EVERYTHING).items
    assert city.refused == []
    assert [case["flow"] for case in cases] == ["vendor_review"] * len(cases)
    assert cases
    assert all("模拟" in case["title"]["zh"] and case["simulated"] for case in cases)
