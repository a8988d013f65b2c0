"""Incidents: what is refused and why, and that one of two at once wins."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from quanyu.assembly.packs import load_calendar
from quanyu.engines.incidents.deciding import Ground, Standing
from quanyu.engines.incidents.engine import IncidentsEngine
from quanyu.engines.incidents.store import Incident, find_incident
from quanyu.engines.incidents.view import clock_document, steps_done
from quanyu.kernel.errors import QuanyuError
from quanyu.kernel.grading import read_thresholds
from quanyu.kernel.parameter import parse_parameters
from quanyu.kernel.plan import read_book
from tests.engines.commanding import HOUR_US, NOON, Desk
from tests.kernel.test_grading import ROWS

CASE, ENDED, OTHER = (f"urn:ngsi-ld:Case:20260415-{number}" for number in (1, 2, 3))
WORDS = {"zh": "词", "en": "word", "source": "test", "status": "unverified"}
KINDS = [
    {"kind": kind, "of": of, "case": "incident", "handling": handling, "regrade": regrade, **WORDS}
    for kind, of, handling, regrade in (
        ("fire", "accident", "emergency", "window"),
        ("water_main", "accident", "normal", ""),
        ("crowd", "security", "emergency", ""),
    )
]
PLANS = [
    {"plan": plan, "kind": kind, "handling": handling, "level": level, "lead": "lead.unit", "supports": "a.unit;b.unit",
     **WORDS}
    for plan, kind, handling, level in (
        ("main", "water_main", "normal", ""), ("any", "*incident", "emergency", ""), ("three", "*incident", "emergency", "3"),
        ("strange", "crowd", "emergency", ""),
    )
]  # fmt: skip
TASKS = [{"plan": "strange", "task": "x", "unit": "no.unit", "basis": "test", **WORDS}]
WINDOW = {"id": "window", "value": "7 calendar days", "valid_from": date(2012, 1, 1), "jurisdiction": "CN", **WORDS}


def desk() -> Desk:
    standing = {CASE: Standing("incident", True, NOON), ENDED: Standing("incident", False, NOON),
                OTHER: Standing("alarm", True, NOON)}  # fmt: skip
    return Desk(IncidentsEngine(Ground(
        read_book(KINDS, PLANS, TASKS), read_thresholds(ROWS, "test"), parse_parameters({"parameter": [WINDOW]}, pack="p"),
        load_calendar(False), {"lead.unit", "a.unit", "b.unit"}, "110000", standing.get,
    )))  # fmt: skip


def declared(kind: str = "fire") -> Desk:
    made = desk()
    made.send("incident.declare", CASE, {"kind": kind})
    return made


def incident(made: Desk) -> Incident:
    found = find_incident(made.state, CASE)
    assert found is not None
    return found


def refused(made: Desk, kind: str, body: dict[str, Any], subject: str = CASE) -> str:
    before = dict(made.state.rows)
    with pytest.raises(QuanyuError) as told:
        made.send(kind, subject, body)
    assert told.value.remedy
    assert made.state.rows == before
    return told.value.code


def test_an_incident_is_declared_once_and_corrected_with_a_reason() -> None:
    made = desk()
    assert refused(made, "incident.declare", {"kind": "ghost"}) == "incident.kind_unknown"
    assert refused(made, "incident.declare", {"kind": "fire"}, OTHER) == "incident.case_unknown"
    assert refused(made, "incident.declare", {"kind": "fire"}, "no case") == "incident.case_unknown"
    assert refused(made, "incident.declare", {"kind": "fire"}, ENDED) == "incident.ended"
    assert refused(made, "incident.level", {"level": 4, "why": "x", "seen": 0}) == "incident.undeclared"
    made.send("incident.declare", CASE, {"kind": "water_main"})
    assert refused(made, "incident.declare", {"kind": "fire"}) == "incident.declared"
    made.send("incident.declare", CASE, {"kind": "fire", "why": "着火"})
    assert incident(made).kind == "fire"
    assert incident(made).lines == 2


def test_figures_grade_and_the_level_is_never_milder() -> None:
    made = declared()
    assert refused(made, "incident.figure", {"values": {"boats": 1}, "source": "x"}) == "incident.measure"
    assert refused(made, "incident.figure", {"values": {}, "source": "x"}) == "incident.body"
    made.send("incident.figure", CASE, {"values": {"dead": 3}, "source": "医院"})
    assert (incident(made).grade, incident(made).grade_by) == (3, ("dead",))
    assert refused(made, "incident.level", {"level": 4, "why": "x", "seen": 0}) == "incident.level_below_grade"
    made.send("incident.level", CASE, {"level": 3, "why": "三人死亡", "seen": 0})
    assert refused(made, "incident.level", {"level": 3, "why": "x", "seen": 1}) == "incident.level_same"
    made.at += 9 * 24 * HOUR_US
    made.send("incident.figure", CASE, {"values": {"dead": 30}, "source": "医院"})
    assert incident(made).grade == 3, "after seven days a fire is not graded anew"
    assert incident(made).figures["dead"] == 30
    assert made.replayed() == made.state.rows


@pytest.mark.parametrize("first", ["raise", "lower"])
def test_of_two_changes_of_level_at_once_one_wins_and_the_other_is_told(first: str) -> None:
    made = declared()
    made.send("incident.level", CASE, {"level": 3, "why": "初判", "seen": 0})
    levels = {"raise": 2, "lower": 4}
    second = "lower" if first == "raise" else "raise"
    made.send("incident.level", CASE, {"level": levels[first], "why": first, "seen": 1})
    with pytest.raises(QuanyuError) as told:
        made.send("incident.level", CASE, {"level": levels[second], "why": second, "seen": 1}, "person:b")
    assert told.value.code == "incident.level_moved"
    assert told.value.details["level"] == levels[first] == incident(made).level


def test_a_response_is_announced_whole_adjusted_and_lifted_once() -> None:
    made = declared()
    whole = {"level": 2, "matter": "火灾", "hours": 6, "measures": ["疏散"], "seen": 0}
    for part in ("level", "matter", "hours", "measures"):
        assert (
            refused(made, "incident.respond", {name: whole[name] for name in whole if name != part}) == "incident.body"
        )
    assert refused(made, "incident.lift", {"why": "x", "seen": 0}) == "incident.no_response"
    made.send("incident.respond", CASE, whole)
    assert refused(made, "incident.respond", whole) == "incident.response_moved"
    made.at += HOUR_US
    made.send("incident.respond", CASE, {**whole, "level": 1, "seen": 1})
    response = incident(made).response
    assert response is not None
    assert (response.issue, response.started_at) == (2, NOON)
    made.send("incident.lift", CASE, {"why": "扑灭", "seen": 2})
    assert incident(made).response is None
    assert refused(made, "incident.lift", {"why": "x", "seen": 2}) == "incident.response_moved"
    assert made.replayed() == made.state.rows


def test_plans_fit_kind_way_and_level() -> None:
    made = declared("water_main")
    made.send("incident.activate", CASE, {"plan": "main"})
    assert refused(made, "incident.activate", {"plan": "main"}) == "incident.plan_active"
    assert refused(made, "incident.activate", {"plan": "three"}) == "incident.plan_unknown"
    made.send("incident.level", CASE, {"level": 3, "why": "影响扩大", "seen": 0})
    made.send("incident.activate", CASE, {"plan": "three"})
    assert [plan.plan for plan in incident(made).plans] == ["main", "three"]
    strange = declared("crowd")
    assert refused(strange, "incident.activate", {"plan": "strange"}) == "incident.unit_unknown"


def test_resources_go_out_once_and_come_back() -> None:
    made = declared()
    pump = {"resource": "泵车 1 号", "unit": "a.unit"}
    assert refused(made, "incident.assign", {**pump, "unit": "no.unit"}) == "incident.unit_unknown"
    assert refused(made, "incident.assign", {**pump, "count": 0}) == "incident.body"
    made.send("incident.assign", CASE, pump)
    assert refused(made, "incident.assign", pump) == "incident.resource_out"
    made.send("incident.give_back", CASE, {"number": 1})
    assert refused(made, "incident.give_back", {"number": 1}) == "incident.resource_unknown"
    made.send("incident.assign", CASE, pump)
    assert [each.number for each in incident(made).resources] == [1, 2]


def test_functions_are_named_once_with_a_normal_value() -> None:
    made = declared()
    water = {"entity": "urn:x", "attribute": "served", "normal": 100, "zh": "供水", "en": "Water"}
    assert refused(made, "incident.watch", {"functions": [water, water]}) == "incident.functions"
    assert refused(made, "incident.watch", {"functions": [{**water, "normal": 0}]}) == "incident.functions"
    made.send("incident.watch", CASE, {"functions": [water]})
    made.send("incident.note", CASE, {"text": "供水车到位"})
    made.send("incident.warn", CASE, {"warning": "urn:w"})
    assert refused(made, "incident.warn", {"warning": "urn:w"}) == "incident.warned"
    assert len(incident(made).functions) == 1
    assert made.replayed() == made.state.rows


def test_a_clock_is_met_missed_or_still_open() -> None:
    clock = {"name": "overall", "limit": "1 hour", "start": 0, "due": 100, "stopped": None}
    assert clock_document(clock, 50)["met"] is None
    assert clock_document(clock, 101)["met"] is False
    assert clock_document({**clock, "stopped": 100}, 500)["met"] is True
    assert clock_document({**clock, "stopped": 101}, 500)["met"] is False
    assert clock_document({**clock, "due": None}, 500)["met"] is None


def test_a_step_is_late_when_its_timer_struck_before_it_was_done() -> None:
    def line(action: str, step: str | None = None, **fields: Any) -> dict[str, Any]:
        return {"action": action, "step": step, "fields": fields, "title": {"zh": action, "en": action}, "at": 1}

    actions = [line("open"), line("receive", "receive"), line("timer", timer="step.2.amber"),
               line("timer", timer="step.2.overdue"), line("comment", "carry_out"), line("carry_out", "carry_out")]  # fmt: skip
    assert [each["met"] for each in steps_done({"actions": actions})] == [True, False]
