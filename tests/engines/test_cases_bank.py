"""The problem bank and the territory: what cannot be solved now is not forgotten, what nobody owns has an owner."""

from __future__ import annotations

from typing import Any

import pytest

from quanyu.engines.cases.columns import sort_at, written_row
from quanyu.engines.cases.tables import NO_DUE, ROW, serial_of
from quanyu.kernel.errors import Conflict, Invalid
from quanyu.kernel.time import parse_instant
from tests.engines.casework import DAY, MORNING, PHOTOS, REVIEW, CaseDesk, inspect_source, make_engine, plain_flow

TERRITORY = {"110105": "streets.chaoyang"}
REVIEW_AT = parse_instant("2026-04-01T00:00:00+08:00")


def in_bank(desk: CaseDesk) -> str:
    id = desk.to_inspect()
    desk.act(id, "dispatcher", "suspend", note="产权不明", fields=REVIEW)
    return id


def test_a_case_lies_in_the_bank_with_reason_and_review_date_and_a_timer_reminds() -> None:
    desk = CaseDesk()
    id = in_bank(desk)
    bank = desk.state_of(id).bank
    assert bank is not None
    assert (bank.by, bank.person, bank.reason, bank.since) == ("centre", "person:dispatcher", "产权不明", MORNING)
    assert (bank.review, bank.remind_at) == ("2026-04-01", REVIEW_AT)
    assert desk.timers() == [(REVIEW_AT, id, "bank.review")]
    row = desk.state.get(ROW, serial_of(id))
    assert row is not None
    assert REVIEW_AT in written_row(row), "the bank is sorted by review date"
    desk.at = REVIEW_AT
    assert desk.wake() == ["bank.review"]
    assert desk.timers() == []
    assert desk.state_of(id).state == "suspended", "a reminder decides nothing"

    desk.act(id, "dispatcher", "postpone", note="产权仍在确认", fields={"review": "2026-05-01"})
    bank = desk.state_of(id).bank
    assert bank is not None
    assert (bank.since, bank.review) == (MORNING, "2026-05-01")
    assert [name for _, _, name in desk.timers()] == ["bank.review"]
    desk.act(id, "chief", "resume", note="产权已确认")
    case = desk.state_of(id)
    assert (case.state, case.bank, case.overall.runs) == ("open", None, True)
    assert "bank.review" not in [name for _, _, name in desk.timers()]
    assert desk.state.rows == desk.replayed().rows
    assert desk.folded(id) == case


@pytest.mark.parametrize("review", ["2026-03-02", "2025-12-31"])
@pytest.mark.parametrize("action", ["suspend", "postpone"])
def test_a_review_date_lies_after_today(review: str, action: str) -> None:
    desk = CaseDesk()
    id = desk.open() if action == "suspend" else in_bank(desk)
    with pytest.raises(Invalid) as refused:
        desk.act(id, "dispatcher", action, note="产权不明", fields={"review": review})
    assert (refused.value.code, refused.value.where) == ("case.review_date", "body.fields.review")
    with pytest.raises(Invalid) as missing:
        desk.act(id, "dispatcher", action, note="产权不明")
    assert (missing.value.code, missing.value.where) == ("case.field_missing", "body.fields.review")


@pytest.mark.parametrize(
    ("fields", "note", "code"),
    [
        ({"outcome": "fixed"}, "", "case.evidence_missing"),
        ({"outcome": "planned"}, "", "case.outcome_incomplete"),
        ({"outcome": "no_action"}, "", "case.outcome_incomplete"),
        ({}, "", "case.outcome_missing"),
    ],
)
def test_the_bank_is_no_way_around_a_true_word(fields: dict[str, Any], note: str, code: str) -> None:
    desk = CaseDesk()
    id = in_bank(desk)
    with pytest.raises(Invalid) as refused:
        desk.act(id, "chief", "strike_off", fields=fields, note=note)
    assert refused.value.code == code


def test_a_case_is_closed_from_the_bank() -> None:
    desk = CaseDesk()
    id = in_bank(desk)
    desk.act(id, "chief", "strike_off", fields={"outcome": "planned", "date": "2026-09-01"}, note="列入改造计划")
    case = desk.state_of(id)
    assert case.outcome is not None
    assert (case.state, case.outcome.word, case.bank, desk.timers()) == ("closed", "planned", None, [])
    assert desk.state.rows == desk.replayed().rows
    with pytest.raises(Conflict) as refused:
        desk.act(id, "handler", "inspect", files=PHOTOS, fields={"pm25": 1})
    assert "Reopen it: that undoes a close." in (refused.value.remedy or "")
    desk.act(id, "chief", "reopen", note="误销")
    assert desk.state_of(id).state == "open"


def test_suspending_twice_reminds_twice() -> None:
    desk = CaseDesk()
    id = in_bank(desk)
    desk.at = REVIEW_AT
    desk.wake()
    desk.act(id, "chief", "resume")
    desk.act(id, "chief", "suspend", note="再次停工", fields={"review": "2026-06-01"})
    assert [name for _, _, name in desk.timers()] == ["bank.review"]


def test_a_suspension_of_before_has_no_review_date_and_sorts_last() -> None:
    case = CaseDesk()
    id = case.open()
    assert sort_at(case.state_of(id), None) == NO_DUE


def ownerless(leads: dict[str, str] | None = None, territory: dict[str, str] | None = None) -> CaseDesk:
    flows = [inspect_source(roles={"lead": "", "check": "ecology.supervision"}), plain_flow()]
    return CaseDesk(make_engine(flows, leads=leads, territory=TERRITORY if territory is None else territory))


@pytest.mark.parametrize(
    ("category", "unit", "because"),
    [
        ("smoke", "ecology.enforcement", None),
        ("other", "streets.chaoyang", "territory"),
        ("pole", "streets.chaoyang", "territory"),
        ("unheard_of", "streets.chaoyang", "territory"),
        (None, "streets.chaoyang", "territory"),
    ],
)
def test_a_dispatch_without_a_unit_goes_to_the_classs_unit_or_to_the_territory(
    category: str | None, unit: str, because: str | None
) -> None:
    desk = ownerless({"smoke": "ecology.enforcement", "other": "district", "pole": ""})
    id = desk.open(**({"class": category} if category else {}))
    desk.act(id, "duty", "accept")
    (record,) = desk.act(id, "dispatcher", "dispatch")
    assert record.body is not None
    assert (record.body["dispatched"]["unit"], record.body["dispatched"].get("because")) == (unit, because)
    case = desk.state_of(id)
    assert case.token is not None
    assert (case.token.unit, case.territory) == (unit, because == "territory")
    assert desk.state.rows == desk.replayed().rows


def test_a_sub_district_answers_before_its_district() -> None:
    desk = ownerless(territory={"110105": "centre", "110105001": "streets.chaoyang"})
    id = desk.open(place={"district": "110105", "grid": "110105001002003"})
    desk.act(id, "duty", "accept")
    desk.act(id, "dispatcher", "dispatch")
    token = desk.state_of(id).token
    assert token is not None
    assert token.unit == "streets.chaoyang"


def test_where_no_place_is_known_somebody_has_to_name_the_unit() -> None:
    desk = ownerless()
    id = desk.open(place={"address": "不详"})
    desk.act(id, "duty", "accept")
    with pytest.raises(Invalid) as refused:
        desk.act(id, "dispatcher", "dispatch")
    assert (refused.value.code, refused.value.where) == ("case.owner_unknown", "body.fields.unit")
    desk.act(id, "dispatcher", "dispatch", fields={"unit": "ecology.enforcement"})
    assert not desk.state_of(id).territory


def test_what_two_units_deny_and_the_arbiter_finds_nobodys_falls_to_the_territory() -> None:
    desk = CaseDesk(make_engine(territory=TERRITORY))
    id = desk.to_inspect()
    desk.act(id, "handler", "return", note="不归我们")
    desk.act(id, "dispatcher", "dispatch")
    desk.act(id, "handler", "dispute", note="不归我们")
    (record,) = desk.act(id, "chief", "arbitrate", fields={"decision": "nobody"}, note="无主设施")
    assert record.body is not None
    assert record.body["because"] == "territory"
    case = desk.state_of(id)
    assert case.token is not None
    assert (case.token.unit, case.territory, case.arbitrated) == ("streets.chaoyang", True, True)
    desk.at += DAY
    desk.act(id, "street", "inspect", files=PHOTOS, fields={"pm25": 1})
    assert desk.state.rows == desk.replayed().rows
