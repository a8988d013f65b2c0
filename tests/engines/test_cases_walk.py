"""The golden walk: the flow of SEMANTICS §8 from a rule's finding to fixed, with every instant that the law gives."""

from __future__ import annotations

import pytest

from quanyu.engines.cases.clocks import light
from quanyu.kernel.errors import Conflict, Denied, Invalid, Missing
from quanyu.kernel.time import format_instant
from tests.engines.casework import DAY, HOUR, MINUTE, MORNING, PHOTOS, CaseDesk


def local(at: int | None) -> str:
    return format_instant(at, "Asia/Shanghai") if at is not None else "-"


def test_a_finding_walks_to_fixed() -> None:
    desk = CaseDesk()
    id = desk.find()
    assert id == "urn:ngsi-ld:Case:20260302-1"
    case = desk.state_of(id)
    assert (case.token is not None and case.token.step, case.severity) == ("accept", "orange")
    # Five working days after Monday 2 March end with Monday 9 March; it is late at the midnight that follows.
    assert local(case.overall.due) == "2026-03-10T00:00:00+08:00"
    assert local(case.overall.amber) == "2026-03-06T12:00:00+08:00"
    assert local(case.overall.red) == "2026-03-09T12:00:00+08:00"
    accept = case.find_clock("step.1")
    assert accept is not None
    assert accept.due == MORNING + 30 * MINUTE

    desk.at += 10 * MINUTE
    desk.act(id, "duty", "accept", expects=1)
    desk.act(id, "dispatcher", "dispatch", expects=2, fields={"supports": ["streets.chaoyang"]})
    case = desk.state_of(id)
    assert case.token is not None
    assert (case.token.step, case.token.unit, case.token.role) == ("inspect", "ecology.enforcement", "handler")
    assert case.supports == ("streets.chaoyang",)
    clock = case.find_clock(f"step.{case.token.id}")
    assert clock is not None
    assert clock.limit == "3 working days"
    assert clock.parameter == f"inspect_limit@{case.limits['inspect_limit'][1]}"

    desk.at += DAY
    desk.act(id, "handler", "inspect", files=PHOTOS, fields={"pm25": 41.5}, note="洒水降尘")
    desk.act(id, "checker", "check", fields={"passed": True})
    desk.act(id, "duty", "close", fields={"outcome": "fixed"})
    case = desk.state_of(id)
    assert case.outcome is not None
    assert (case.state, case.outcome.word, case.late, case.handled_on_time) == ("closed", "fixed", False, True)
    assert case.first_right
    assert [done.step for done in case.done] == ["accept", "dispatch", "inspect", "check", "close"]
    assert light(case.overall, desk.at + 100 * DAY) == "stopped"
    assert desk.timers() == []
    assert desk.version_of(id) == 6
    assert desk.state.rows == desk.replayed().rows
    assert desk.folded(id) == case


def test_the_doer_does_not_check_the_work() -> None:
    desk = CaseDesk()
    id = desk.to_inspect()
    desk.act(id, "both", "inspect", files=PHOTOS, fields={"pm25": 41.5})
    with pytest.raises(Denied) as refused:
        desk.act(id, "both", "check", fields={"passed": True})
    assert refused.value.code == "case.same_person"
    assert refused.value.remedy == "Let somebody else do it."
    desk.act(id, "checker", "check", fields={"passed": True})


def test_the_doer_of_any_round_and_of_a_merged_case_does_not_check() -> None:
    desk = CaseDesk()
    into, id = desk.to_inspect(), desk.to_inspect()
    desk.act(id, "both", "inspect", files=PHOTOS, fields={"pm25": 41.5})
    desk.act(id, "duty", "merge", fields={"into": into}, note="同一工地")
    desk.act(into, "handler", "inspect", files=PHOTOS, fields={"pm25": 41.5})
    with pytest.raises(Denied) as merged:
        desk.act(into, "both", "check", fields={"passed": True})
    assert merged.value.code == "case.same_person"
    desk.act(id, "chief", "split", note="两处")
    desk.act(into, "both", "check", fields={"passed": False}, note="仍有扬尘")

    again = desk.to_inspect()
    desk.act(again, "both", "inspect", files=PHOTOS, fields={"pm25": 41.5})
    desk.act(again, "checker", "check", fields={"passed": True})
    desk.act(again, "duty", "close", fields={"outcome": "fixed"})
    desk.act(again, "duty", "reopen", note="复发")
    desk.act(again, "handler", "inspect", files=PHOTOS, fields={"pm25": 41.5})
    with pytest.raises(Denied) as reopened:
        desk.act(again, "both", "check", fields={"passed": True})
    assert reopened.value.code == "case.same_person", "whose first round did not hold does not judge the second"
    desk.act(again, "checker", "check", fields={"passed": True})


def test_a_failed_check_sends_the_case_back_with_a_reason() -> None:
    desk = CaseDesk()
    id = desk.to_inspect()
    desk.act(id, "handler", "inspect", files=PHOTOS, fields={"pm25": 141.5})
    with pytest.raises(Invalid) as refused:
        desk.act(id, "checker", "check", fields={"passed": False})
    assert (refused.value.code, refused.value.where) == ("case.reason_missing", "body.note")
    desk.act(id, "checker", "check", fields={"passed": False}, note="仍有扬尘")
    case = desk.state_of(id)
    assert case.token is not None
    assert (case.token.step, case.reworks, case.proven) == ("inspect", 1, False)
    assert (case.returned_by, case.returned_to) == ("ecology.supervision", "ecology.enforcement")
    desk.act(id, "handler2", "inspect", files=PHOTOS, fields={"pm25": 30})
    assert desk.state_of(id).returned_to is None


@pytest.mark.parametrize(
    ("files", "fields", "where"),
    [
        ([], {"pm25": 30}, "body.files"),
        (PHOTOS[:1], {"pm25": 30}, "body.files"),
        ([PHOTOS[0], PHOTOS[1] | {"type": "application/pdf"}], {"pm25": 30}, "body.files"),
        (PHOTOS, {}, "body.fields.pm25"),
    ],
)
def test_a_step_without_its_proof_is_refused(files: list[object], fields: dict[str, object], where: str) -> None:
    desk = CaseDesk()
    id = desk.to_inspect()
    with pytest.raises(Invalid) as refused:
        desk.act(id, "handler", "inspect", files=files, fields=fields)
    assert (refused.value.code, refused.value.where) == ("case.evidence_missing", where)


@pytest.mark.parametrize(
    ("fields", "note", "code"),
    [
        ({}, "", "case.outcome_missing"),
        ({"outcome": "done"}, "", "case.field_kind"),
        ({"outcome": "planned"}, "", "case.outcome_incomplete"),
        ({"outcome": "not_ours"}, "", "case.outcome_incomplete"),
        ({"outcome": "no_action"}, "", "case.outcome_incomplete"),
        ({"outcome": "planned", "date": "soon"}, "", "case.field_kind"),
    ],
)
def test_a_case_does_not_end_with_an_empty_word(fields: dict[str, str], note: str, code: str) -> None:
    desk = CaseDesk()
    id = desk.to_close()
    with pytest.raises(Invalid) as refused:
        desk.act(id, "duty", "close", fields=fields, note=note)
    assert refused.value.code == code
    assert desk.state_of(id).state == "open"


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({"outcome": "planned", "date": "2026-06-30"}, ""),
        ({"outcome": "not_ours", "who": "streets.chaoyang"}, ""),
        ({"outcome": "no_action"}, "已超出受理范围"),
    ],
)
def test_each_word_is_taken_with_what_makes_it_true(fields: dict[str, str], note: str) -> None:
    desk = CaseDesk()
    id = desk.to_close()
    desk.act(id, "duty", "close", fields=fields, note=note)
    outcome = desk.state_of(id).outcome
    assert outcome is not None
    assert {"outcome": outcome.word} | {k: v for k, v in (("date", outcome.date), ("who", outcome.who)) if v} == fields


def test_fixed_needs_evidence_or_the_reporters_yes() -> None:
    desk = CaseDesk()
    id = desk.open("person:clerk", flow="answer", reporter={"name": "张三", "phone": "13800000000"})
    desk.act(id, "clerk", "accept")
    with pytest.raises(Invalid) as refused:
        desk.act(id, "duty", "close", fields={"outcome": "fixed"})
    assert (refused.value.code, refused.value.where) == ("case.evidence_missing", "body.fields.outcome")
    desk.act(id, "clerk", "confirm", fields={"fixed": True}, note="电话回访")
    desk.act(id, "duty", "close", fields={"outcome": "fixed"})
    case = desk.state_of(id)
    assert (case.state, case.confirmed, case.confirm_by) == ("closed", "yes", None)


def test_an_early_outcome_closes_where_the_flow_allows_it() -> None:
    desk = CaseDesk()
    id = desk.open("person:clerk", flow="answer")
    desk.act(id, "clerk", "accept", fields={"outcome": "no_action"}, note="咨询已答复")
    assert desk.state_of(id).state == "closed"


def test_two_officers_act_at_once_and_the_second_is_told_who_came_first() -> None:
    desk = CaseDesk()
    id = desk.open()
    desk.act(id, "duty", "accept", expects=1)
    with pytest.raises(Conflict) as refused:
        desk.act(id, "dispatcher", "dispatch", expects=1)
    assert refused.value.code == "case.stale"
    assert refused.value.details == {
        "expected": 1, "version": 2, "changed_by": "person:duty", "changed_at": desk.at, "action": "accept",
    }  # fmt: skip


def test_a_step_is_not_skipped() -> None:
    desk = CaseDesk()
    id = desk.open()
    with pytest.raises(Conflict) as refused:
        desk.act(id, "duty", "close", fields={"outcome": "no_action"}, note="x")
    assert refused.value.code == "case.action_not_allowed"
    assert "accept" in (refused.value.remedy or "")
    assert refused.value.details["step"] == "accept"


def test_what_is_no_action_and_what_is_no_case() -> None:
    desk = CaseDesk()
    id = desk.open()
    with pytest.raises(Invalid) as refused:
        desk.act(id, "duty", "dance")
    assert refused.value.code == "case.action_unknown"
    for subject, error, code in (
        ("urn:ngsi-ld:Case:20260302-99", Missing, "case.unknown"),
        ("urn:ngsi-ld:Tree:1", Invalid, "case.id"),
    ):
        with pytest.raises(error) as missing:
            desk.act(subject, "duty", "accept")
        assert missing.value.code == code


@pytest.mark.parametrize(
    ("fields", "code", "where"),
    [
        ({"unit": "no.such.unit"}, "case.unit_unknown", "body.fields.unit"),
        ({"supports": ["no.such.unit"]}, "case.unit_unknown", "body.fields.supports"),
        ({"supports": "streets.chaoyang"}, "case.field_kind", "body.fields.supports"),
        ({"unit": 3}, "case.field_kind", "body.fields.unit"),
        ({"person": "li"}, "case.field_kind", "body.fields.person"),
        ({"colour": "red"}, "case.field_unknown", "body.fields.colour"),
    ],
)
def test_a_dispatch_into_nothing_is_refused(fields: dict[str, object], code: str, where: str) -> None:
    desk = CaseDesk()
    id = desk.open()
    desk.act(id, "duty", "accept")
    with pytest.raises(Invalid) as refused:
        desk.act(id, "dispatcher", "dispatch", fields=fields)
    assert (refused.value.code, refused.value.where) == (code, where)


def test_a_body_that_cannot_be_read_names_its_field() -> None:
    desk = CaseDesk()
    id = desk.open()
    with pytest.raises(Invalid) as refused:
        desk.act(id, "duty", "accept", files=[{"sha256": "short", "type": "image/png"}])
    assert (refused.value.code, refused.value.where) == ("case.body", "body.files[0].sha256")
    with pytest.raises(Invalid) as refused:
        desk.act(id, "duty", "accept", colour="red")
    assert refused.value.code == "case.body"


def test_measured_values_are_numbers() -> None:
    desk = CaseDesk()
    id = desk.to_inspect()
    with pytest.raises(Invalid) as refused:
        desk.act(id, "handler", "inspect", files=PHOTOS, fields={"pm25": "low"})
    assert refused.value.where == "body.fields.pm25"


def test_handling_late_is_remembered_even_when_the_case_is_on_time() -> None:
    desk = CaseDesk()
    id = desk.to_inspect()
    desk.at += 3 * DAY + 20 * HOUR
    desk.act(id, "handler", "inspect", files=PHOTOS, fields={"pm25": 20})
    desk.act(id, "checker", "check", fields={"passed": True})
    desk.act(id, "duty", "close", fields={"outcome": "fixed"})
    case = desk.state_of(id)
    assert (case.handled_on_time, case.late) == (False, False)
