"""The overall limit of an application: it waits for the step that begins it, and a draft that never comes lapses."""

from __future__ import annotations

from typing import Any

import pytest

from quanyu.engines.cases.clocks import light
from quanyu.kernel.errors import Denied, Invalid
from quanyu.kernel.flow import (
    Boundary,
    Flow,
    check_shape,
    fixed,
    flow,
    flow_document,
    flow_from_document,
    granted,
    no_action,
    refused,
    step,
)
from quanyu.kernel.journal import Command
from quanyu.kernel.time import hours, working_days
from tests.engines.casework import DAY, HOUR, CaseDesk, make_engine


def permit(**changes: Any) -> Flow:
    """Somebody fills in, a clerk accepts, a chief decides within five working days of the acceptance."""
    given: dict[str, Any] = {"overall": working_days(5), "begins": "accept", "private": True}
    return flow(
        "permit",
        case="permit",
        steps=[
            step("fill", by="applicant"),
            step("accept", by="clerk", within=working_days(1)),
            step("decide", by="chief", outcome=[granted, refused]),
        ],
        **given | changes,
    )


def desk_of(made: Flow) -> CaseDesk:
    return CaseDesk(make_engine([made]))


def open_draft(desk: CaseDesk) -> str:
    return desk.open("citizen:report", flow="permit", text="开店", code="ABCDEFGHJK23")


def citizen(id: str) -> str:
    return f"citizen:{id.rpartition(':')[2]}"


def do(desk: CaseDesk, id: str, actor: str, action: str, **body: Any) -> None:
    desk.run(Command("case.act", id, {"action": action} | body), actor)


def test_the_clock_of_the_whole_case_waits_for_its_step() -> None:
    desk = desk_of(permit())
    id = open_draft(desk)
    overall = desk.state_of(id).overall
    assert (overall.begun, overall.runs, overall.stands, overall.due) == (False, False, False, None)
    assert light(overall, desk.at) == "stopped"
    assert desk.timers() == []
    desk.at += 30 * DAY
    do(desk, id, citizen(id), "fill")
    assert not desk.state_of(id).overall.begun
    assert [name for _, _, name in desk.timers()] == ["step.2.overdue"]
    desk.at += HOUR
    do(desk, id, "person:clerk", "accept")
    overall = desk.state_of(id).overall
    assert (overall.begun, overall.runs, overall.start) == (True, True, desk.at)
    assert overall.due is not None
    assert overall.due > desk.at + 4 * DAY
    assert desk.folded(id) == desk.state_of(id)
    do(desk, id, "person:chief", "decide", fields={"outcome": "granted"}, note="符合条件")
    assert not desk.state_of(id).late


def test_a_step_that_the_hub_passes_may_begin_it() -> None:
    made = flow(
        "permit",
        case="permit",
        overall=working_days(5),
        begins="deemed",
        steps=[
            step("fill", by="applicant"),
            step("deemed", kind="rule", sets={"silent": "True"}),
            step("decide", by="chief", outcome=[granted, refused]),
        ],
    )
    desk = desk_of(made)
    id = open_draft(desk)
    desk.at += DAY
    do(desk, id, citizen(id), "fill")
    assert desk.state_of(id).overall.start == desk.at
    assert desk.state_of(id).overall.runs


def deemed_permit(deemed: str | None) -> Flow:
    return flow(
        "permit",
        case="permit",
        overall=hours(200),
        begins="accepted",
        deemed=deemed,
        steps=[
            step("fill", by="applicant"),
            step("review", by="clerk", boundary=[Boundary("silence", hours(100), to="accepted")]),
            step("accepted", kind="rule", sets={"is_accepted": "1 == 1"}),
            step("decide", by="chief", outcome=[granted, refused]),
        ],
    )


@pytest.mark.parametrize(("deemed", "late"), [("silence", 0), (None, 100)])
def test_silence_counts_as_acceptance_on_the_day_of_receipt(deemed: str | None, late: int) -> None:
    desk = desk_of(deemed_permit(deemed))
    id = open_draft(desk)
    desk.at += DAY
    received = desk.at
    do(desk, id, citizen(id), "fill")
    desk.at += 100 * HOUR
    desk.wake()
    overall = desk.state_of(id).overall
    assert (overall.runs, overall.start, overall.due) == (True, received + late * HOUR, received + (200 + late) * HOUR)
    assert desk.folded(id) == desk.state_of(id)


def test_an_acceptance_by_somebody_counts_from_its_own_day() -> None:
    desk = desk_of(deemed_permit("silence"))
    id = open_draft(desk)
    do(desk, id, citizen(id), "fill")
    desk.at += HOUR
    do(desk, id, "person:clerk", "review")
    assert desk.state_of(id).overall.start == desk.at


@pytest.mark.parametrize("deemed", ["nobody", "fill"])
def test_what_is_deemed_needs_a_timer(deemed: str) -> None:
    with pytest.raises(Invalid) as refusal:
        deemed_permit(deemed)
    assert refusal.value.code == "flow.deemed"


def test_a_flow_that_begins_with_what_is_passed_at_once_begins_at_the_opening() -> None:
    made = flow(
        "permit",
        case="permit",
        overall=hours(5),
        begins="noted",
        steps=[step("noted", kind="rule", sets={"seen": "True"}), step("decide", by="chief", outcome=[granted])],
    )
    desk = desk_of(made)
    assert desk.state_of(open_draft(desk)).overall.runs


@pytest.mark.parametrize("begins", ["nowhere", "decide"])
def test_a_beginning_must_be_a_step_of_its_own(begins: str) -> None:
    with pytest.raises(Invalid) as refusal:
        permit(begins=begins, until="decide")
    assert refusal.value.code == "flow.begins"


def test_the_words_stand_in_the_document_only_where_they_are_said() -> None:
    plain = flow("row", case="c", overall=hours(1), steps=[step("close", by="duty", outcome=[fixed, no_action])])
    assert "begins" not in flow_document(plain)
    assert "form" not in flow_document(plain)["steps"][0]
    made = flow(
        "row", case="c", overall=hours(1), begins="fill",
        steps=[step("fill", by="applicant", form="f"), step("close", by="duty", outcome=[fixed])],
    )  # fmt: skip
    document = flow_document(made)
    assert check_shape(document) == document
    assert flow_from_document(document) == made
    assert made.forms == {"fill": "f"}


def test_the_applicant_comes_with_the_code_and_a_clerk_in_that_name() -> None:
    desk = desk_of(permit())
    first, second = open_draft(desk), open_draft(desk)
    with pytest.raises(Denied) as refusal:
        do(desk, first, citizen(second), "fill")
    assert refusal.value.code == "case.role_missing"
    with pytest.raises(Denied):
        do(desk, first, "person:duty", "fill")
    do(desk, first, citizen(first), "fill")
    do(desk, second, "person:clerk", "fill")
    assert [desk.state_of(each).doer("fill") for each in (first, second)] == [citizen(first), "person:clerk"]


def test_what_is_reopened_after_its_clock_began_runs_at_once() -> None:
    desk = desk_of(permit())
    id = open_draft(desk)
    do(desk, id, citizen(id), "fill")
    do(desk, id, "person:clerk", "accept")
    do(desk, id, "person:chief", "decide", fields={"outcome": "refused"}, note="不符合条件")
    desk.at += DAY
    do(desk, id, "person:duty", "reopen", note="复议")
    overall = desk.state_of(id).overall
    assert (overall.runs, overall.start) == (True, desk.at)
