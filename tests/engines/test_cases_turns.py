"""The turns a case may take: return, dispute, pause, suspend, merge, split, confirm, reopen, and findings."""

from __future__ import annotations

import pytest

from quanyu.engines.cases.clocks import light
from quanyu.engines.cases.rows import get_opening
from quanyu.engines.cases.tables import FOLD, serial_of
from quanyu.kernel.errors import Conflict, Invalid, Missing
from quanyu.kernel.journal import Command
from tests.engines.casework import DAY, HOUR, MORNING, PHOTOS, REVIEW, CaseDesk


def test_a_case_bounces_once_and_then_somebody_else_decides() -> None:
    desk = CaseDesk()
    id = desk.to_inspect()
    due = desk.state_of(id).overall.due
    desk.at += HOUR
    desk.act(id, "handler", "return", note="应由街道处置")
    case = desk.state_of(id)
    assert case.token is not None
    assert (case.token.step, case.returned_by, case.returned_to) == ("dispatch", "ecology.enforcement", "dispatcher")
    assert (case.overall.due, case.overall.runs) == (due, True)
    desk.act(id, "dispatcher", "dispatch", fields={"unit": "streets.chaoyang"})
    case = desk.state_of(id)
    assert (case.first_right, case.returned_to, case.returns) == (False, None, 1)

    with pytest.raises(Conflict) as refused:
        desk.act(id, "street", "return", note="也不归我们")
    assert refused.value.code == "case.return_exhausted"
    desk.act(id, "street", "dispute", note="也不归我们")
    desk.act(id, "chief", "arbitrate", fields={"decision": "moved", "unit": "ecology.enforcement"}, note="生态执法")
    case = desk.state_of(id)
    assert case.token is not None
    assert (case.token.step, case.token.unit, case.arbitrated) == ("inspect", "ecology.enforcement", True)
    assert case.units["lead"] == "ecology.enforcement"
    for action in ("return", "dispute"):
        with pytest.raises(Conflict) as bound:
            desk.act(id, "handler", action, note="仍有异议")
        assert bound.value.code == "case.arbitrated"
    assert case.overall.due == due


def test_a_redispatch_to_the_same_unit_was_right_the_first_time() -> None:
    desk = CaseDesk()
    id = desk.to_inspect()
    desk.act(id, "handler", "return", note="请补充地址")
    desk.act(id, "dispatcher", "dispatch")
    assert desk.state_of(id).first_right is True


def test_a_dispute_is_dropped_by_doing_the_step_and_moving_needs_a_unit() -> None:
    desk = CaseDesk()
    id = desk.open()
    desk.act(id, "duty", "dispute", note="不归本中心")
    with pytest.raises(Conflict):
        desk.act(id, "duty", "dispute", note="再次")
    with pytest.raises(Invalid) as refused:
        desk.act(id, "chief", "arbitrate", fields={"decision": "moved"}, note="改派")
    assert refused.value.where == "body.fields.unit"
    desk.act(id, "duty", "accept")
    assert desk.state_of(id).objection is None


def test_a_dispute_at_a_desk_moves_where_the_case_will_be_sent() -> None:
    desk = CaseDesk()
    id = desk.open()
    desk.act(id, "duty", "dispute", note="应直接派街道")
    desk.act(id, "chief", "arbitrate", fields={"decision": "moved", "unit": "streets.chaoyang"}, note="派街道")
    desk.act(id, "duty", "accept")
    desk.act(id, "dispatcher", "dispatch")
    token = desk.state_of(id).token
    assert token is not None
    assert token.unit == "streets.chaoyang"


@pytest.mark.parametrize("action", ["return", "dispute", "suspend", "merge"])
def test_what_changes_a_cases_course_gives_a_reason(action: str) -> None:
    desk = CaseDesk()
    id = desk.to_inspect() if action != "dispute" else desk.open()
    who = {"return": "handler", "dispute": "duty", "suspend": "chief", "merge": "duty"}[action]
    fields = {"merge": {"into": id}, "suspend": REVIEW}
    with pytest.raises(Invalid) as refused:
        desk.act(id, who, action, note="  ", fields=fields.get(action, {}))
    assert refused.value.code == "case.reason_missing"


def test_a_pause_stops_the_clock_on_a_ground_that_the_flow_states() -> None:
    desk = CaseDesk()
    id = desk.to_inspect()
    due = desk.state_of(id).overall.due
    assert due is not None
    with pytest.raises(Invalid) as refused:
        desk.act(id, "handler", "pause", fields={"ground": "lunch"})
    assert refused.value.remedy == "Send one of weather."
    desk.act(id, "handler", "pause", fields={"ground": "weather"})
    case = desk.state_of(id)
    assert (light(case.overall, desk.at), case.overall.due, desk.timers()) == ("paused", None, [])
    with pytest.raises(Conflict) as stands:
        desk.act(id, "handler", "inspect", files=PHOTOS, fields={"pm25": 1})
    assert "Resume it first" in (stands.value.remedy or "")
    desk.at += 2 * DAY
    desk.act(id, "handler", "resume")
    case = desk.state_of(id)
    # The clock stood at the end of Tuesday alone: the day of the start never counts, Wednesday is worked on.
    assert case.overall.due == due + DAY
    assert case.overall.amber is not None
    assert case.overall.amber < case.overall.due
    assert len(desk.timers()) == 1
    desk.act(id, "handler", "inspect", files=PHOTOS, fields={"pm25": 1})


def test_the_problem_bank_keeps_a_case_with_its_reason() -> None:
    desk = CaseDesk()
    id = desk.to_inspect()
    desk.act(id, "dispatcher", "suspend", note="产权不明，待确权", fields=REVIEW)
    case = desk.state_of(id)
    assert (case.state, case.overall.stands) == ("suspended", True)
    with pytest.raises(Conflict) as refused:
        desk.act(id, "handler", "inspect", files=PHOTOS, fields={"pm25": 1})
    assert refused.value.details["allowed"] == ["resume", "postpone", "strike_off", "comment"]
    desk.at += DAY
    desk.act(id, "chief", "resume")
    assert desk.state_of(id).state == "open"
    assert desk.state_of(id).overall.runs


def test_suspending_a_case_whose_clock_stands_keeps_it_standing() -> None:
    desk = CaseDesk()
    id = desk.to_inspect()
    desk.act(id, "handler", "pause", fields={"ground": "weather"})
    desk.act(id, "chief", "suspend", note="停工", fields=REVIEW)
    desk.act(id, "chief", "resume")
    assert desk.state_of(id).overall.runs


def test_claim_and_assign_name_the_person() -> None:
    desk = CaseDesk()
    id = desk.to_inspect()
    desk.act(id, "handler", "claim")
    token = desk.state_of(id).token
    assert token is not None
    assert token.person == "person:handler"
    with pytest.raises(Conflict):
        desk.act(id, "handler2", "claim")
    desk.act(id, "dispatcher", "assign", fields={"person": {"id": "person:handler2", "name": "李"}})
    token = desk.state_of(id).token
    assert token is not None
    assert token.person == "person:handler2"


def test_merge_shows_on_both_cases_and_split_undoes_it() -> None:
    desk = CaseDesk()
    into, id = desk.open(), desk.open()
    before = desk.state_of(id)
    desk.act(id, "duty", "merge", fields={"into": into}, note="同一工地")
    assert desk.state_of(id).merged_into == serial_of(into)
    assert desk.state_of(into).merged == (serial_of(id),)
    assert {case for _, case, _ in desk.timers()} == {into}
    with pytest.raises(Conflict) as refused:
        desk.act(id, "duty", "accept")
    assert "split" in (refused.value.remedy or "")
    desk.act(id, "chief", "split", note="两处")
    after = desk.state_of(id)
    assert (after.tokens, after.clocks, after.merged_into) == (before.tokens, before.clocks, None)
    assert desk.state_of(into).merged == ()
    assert len(desk.timers()) == 2


def test_what_a_case_cannot_be_merged_into() -> None:
    desk = CaseDesk()
    id, closed, other, target = desk.open(), desk.closed(), desk.open(), desk.open()
    desk.act(other, "duty", "merge", fields={"into": target}, note="重复")
    history = desk.find(**{"as": "history", "from": MORNING - DAY, "to": MORNING - HOUR})
    for into in (id, closed, other, history):
        with pytest.raises(Conflict) as refused:
            desk.act(id, "duty", "merge", fields={"into": into}, note="重复")
        assert refused.value.code == "case.merge_target"
    with pytest.raises(Missing):
        desk.act(id, "duty", "merge", fields={"into": "urn:ngsi-ld:Case:20260302-99"}, note="重复")


def test_the_reporters_no_opens_the_case_again() -> None:
    desk = CaseDesk()
    id = desk.closed("citizen:new")
    citizen = "citizen:" + id.rpartition(":")[2]
    assert desk.state_of(id).confirmed == "asked"
    desk.at += HOUR
    desk.run(Command("case.act", id, {"action": "confirm", "fields": {"fixed": False}, "note": "还在冒烟"}), citizen)
    case = desk.state_of(id)
    assert case.token is not None
    assert (case.state, case.token.step, case.reopens, case.reworks) == ("open", "inspect", 1, 1)
    assert (case.outcome, case.proven, case.closed_at) == (None, False, None)
    assert case.overall.start == desk.at
    desk.act(id, "handler", "inspect", files=PHOTOS, fields={"pm25": 1})
    desk.act(id, "checker", "check", fields={"passed": True})
    desk.act(id, "duty", "close", fields={"outcome": "fixed"})
    desk.run(Command("case.act", id, {"action": "confirm", "fields": {"fixed": True}}), citizen)
    assert desk.state_of(id).confirmed == "yes"
    assert desk.folded(id) == desk.state_of(id)


def test_a_no_before_the_end_keeps_fixed_from_being_claimed_by_the_reporter() -> None:
    desk = CaseDesk()
    id = desk.open("citizen:new", flow="answer")
    desk.act(id, "clerk", "accept")
    desk.act(id, "clerk", "confirm", fields={"fixed": False})
    with pytest.raises(Invalid) as refused:
        desk.act(id, "duty", "close", fields={"outcome": "fixed"})
    assert refused.value.code == "case.evidence_missing"


def test_an_unanswered_question_lapses() -> None:
    desk = CaseDesk()
    id = desk.closed("citizen:new")
    desk.at += DAY
    assert desk.wake() == ["confirm.lapse"]
    assert desk.state_of(id).confirmed == "lapsed"
    with pytest.raises(Conflict):
        desk.act(id, "clerk", "confirm", fields={"fixed": False})


def test_reopening_starts_a_new_clock_at_the_handling_step() -> None:
    desk = CaseDesk()
    id = desk.closed()
    desk.at += DAY
    desk.act(id, "duty", "reopen", note="复发")
    case = desk.state_of(id)
    assert case.token is not None
    assert (case.token.step, case.token.unit, case.overall.start) == ("inspect", "ecology.enforcement", desk.at)
    desk.act(id, "handler", "return", note="应由街道")
    assert desk.state_of(id).returns == 1


def test_findings_of_one_cause_fold_into_one_case() -> None:
    desk = CaseDesk()
    id = desk.find(**{"from": MORNING - 2 * HOUR})
    assert id is not None
    assert desk.find(**{"from": MORNING - 2 * HOUR}) is None, "the same finding again says nothing new"
    again = desk.find(**{"from": MORNING - HOUR}, severity="red")
    other = desk.find("rule:heavy|asset:2")
    assert again == id
    assert other != id
    case = desk.state_of(id)
    assert (case.finding_count, case.severity, case.findings_ended_at) == (2, "red", None)
    assert get_opening(desk.state, serial_of(id)).fold_key == "rule:heavy|asset:1"
    desk.find(**{"from": MORNING - 2 * HOUR, "to": MORNING - HOUR, "value": 190.0})
    assert desk.state_of(id).findings_ended_at is None
    desk.find(**{"from": MORNING - HOUR, "to": MORNING - 60})
    case = desk.state_of(id)
    assert (case.findings_ended_at, case.state, case.finding_count) == (MORNING - 60, "open", 2)


def test_a_finding_after_the_end_opens_another_case_and_its_own_end_does_not() -> None:
    desk = CaseDesk()
    id = desk.find()
    assert id is not None
    start = desk.at - HOUR
    desk.act(id, "duty", "accept")
    desk.act(id, "dispatcher", "dispatch")
    desk.act(id, "handler", "inspect", files=PHOTOS, fields={"pm25": 1})
    desk.act(id, "checker", "check", fields={"passed": True})
    desk.act(id, "duty", "close", fields={"outcome": "fixed"})
    assert desk.find(**{"from": start, "to": desk.at}) == id
    assert desk.state_of(id).findings_ended_at == desk.at
    newer = desk.find(**{"from": desk.at + 1})
    assert newer not in (None, id)
    desk.act(id, "duty", "reopen", note="误结")
    assert desk.find(**{"from": desk.at + 2}) == newer


def test_a_reopened_case_takes_its_findings_back() -> None:
    desk = CaseDesk()
    id = desk.closed()
    found = desk.find()
    assert found is not None
    for step, who, body in (
        ("accept", "duty", {}),
        ("dispatch", "dispatcher", {}),
        ("inspect", "handler", {"files": PHOTOS, "fields": {"pm25": 1}}),
        ("check", "checker", {"fields": {"passed": True}}),
        ("close", "duty", {"fields": {"outcome": "fixed"}}),
        ("reopen", "duty", {"note": "复发"}),
    ):
        desk.act(found, who, step, **body)
    assert desk.find(**{"from": desk.at + 5}) == found
    assert desk.state.get(FOLD, "rule:heavy|asset:1") == ("rule:heavy|asset:1", serial_of(found))
    assert desk.state_of(id).finding_count == 0


def test_findings_of_a_merged_case_go_to_the_case_that_took_it_in() -> None:
    desk = CaseDesk()
    id, into = desk.find(), desk.open()
    assert id is not None
    desk.act(id, "duty", "merge", fields={"into": into}, note="同源")
    assert desk.find(**{"from": desk.at + 1}) == into


def test_a_finding_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        CaseDesk().find(**{"from": 5, "to": 4})
    assert (refused.value.code, refused.value.where) == ("case.finding_order", "body.to")
