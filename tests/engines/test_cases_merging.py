"""Reports of one matter: who is asked at the end, what a no means, and what the hub's own engines may do."""

from __future__ import annotations

import pytest

from quanyu.engines.cases.tables import id_of, serial_of
from quanyu.kernel.errors import Denied, Missing
from quanyu.kernel.journal import Command
from tests.engines.casework import HOUR, CaseDesk


def pair(desk: CaseDesk) -> tuple[str, str]:
    """Two reports of one matter, the second merged into the first, which stands before its end."""
    second = desk.open("person:clerk", reporter={"name": "李四", "phone": "2"})
    first = desk.to_close("person:clerk", reporter={"name": "王五", "phone": "1"})
    desk.act(second, "duty", "merge", fields={"into": first}, note="同一工地")
    return first, second


def test_every_reporter_of_a_matter_is_asked_when_it_ends() -> None:
    desk = CaseDesk()
    first, second = pair(desk)
    desk.act(first, "duty", "close", fields={"outcome": "fixed"})
    assert (desk.state_of(first).confirmed, desk.state_of(second).confirmed) == ("asked", "asked")
    desk.act(second, "clerk", "confirm", fields={"fixed": True})
    assert desk.state_of(second).confirmed == "yes"
    assert desk.state_of(second).merged_into == serial_of(first)
    assert desk.state_of(first).confirmed == "asked"


def test_an_unanswered_question_lapses_for_a_merged_report_too() -> None:
    desk = CaseDesk()
    first, second = pair(desk)
    desk.act(first, "duty", "close", fields={"outcome": "fixed"})
    desk.at += 25 * HOUR
    assert desk.wake().count("confirm.lapse") == 2
    assert desk.state_of(second).confirmed == "lapsed"


def test_a_no_makes_a_merged_report_a_case_of_its_own_again() -> None:
    desk = CaseDesk()
    first, second = pair(desk)
    desk.act(first, "duty", "close", fields={"outcome": "fixed"})
    desk.act(second, "clerk", "confirm", fields={"fixed": False}, note="还是不行")
    again = desk.state_of(second)
    assert (again.state, again.merged_into, again.confirmed, again.reopens) == ("open", None, "no", 1)
    assert again.token is not None
    assert again.token.step == "inspect"
    assert len(again.tokens) == 1
    assert desk.state_of(first).merged == ()
    assert desk.state_of(first).state == "closed"
    assert desk.state.rows == desk.replayed().rows


def test_before_the_end_a_merged_report_is_not_asked() -> None:
    desk = CaseDesk()
    _, second = pair(desk)
    assert desk.state_of(second).confirmed is None
    with pytest.raises(Exception, match="confirm"):
        desk.act(second, "clerk", "confirm", fields={"fixed": True})


def test_an_engine_merges_but_does_no_work_of_people() -> None:
    desk = CaseDesk()
    first, second = desk.open(), desk.open()
    merge = {"action": "merge", "fields": {"into": first}, "note": "相距3米"}
    desk.run(Command("case.act", second, merge, "derived"), "engine:cases.alike")
    assert desk.state_of(second).merged_into == serial_of(first)
    with pytest.raises(Denied) as refused:
        desk.run(Command("case.act", first, {"action": "accept"}, "derived"), "engine:cases.alike")
    assert refused.value.code == "case.role_missing"


def test_not_the_same_names_a_case_that_exists() -> None:
    desk = CaseDesk()
    first, second = desk.open(), desk.open()
    (record,) = desk.act(first, "duty", "unlike", fields={"other": second})
    assert record.body is not None
    assert record.body["other"] == serial_of(second)
    with pytest.raises(Missing) as refused:
        desk.act(first, "duty", "unlike", fields={"other": id_of(serial_of(second) + 1)})
    assert refused.value.code == "case.unknown"
    with pytest.raises(Denied):
        desk.act(first, "handler", "unlike", fields={"other": second})
