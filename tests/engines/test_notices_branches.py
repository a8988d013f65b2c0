"""Telling receivers by steps that the hub passes: at the opening, behind an act, at the end of a wait."""

from __future__ import annotations

import pytest

from quanyu.engines.cases.engine import CasesEngine
from quanyu.kernel.errors import Conflict
from quanyu.kernel.flow import Flow, Wait, step
from quanyu.kernel.receiver import Receiver
from quanyu.kernel.time import hours
from tests.engines.branching import close_step, net, stands, work
from tests.engines.casework import CALENDAR, HOUR, PEOPLE, UNITS, CaseDesk, limits
from tests.engines.test_notices import receivers


def told_thrice() -> Flow:
    return net(
        [
            step("tell_first", kind="send", tells="withdrawn"),
            work("a"),
            step("tell_then", kind="service", tells="withdrawn"),
            step("tell_late", kind="send", tells="withdrawn"),
            close_step(),
        ],
        [("", "tell_first"), ("tell_first", "a"), ("a", "tell_then"), ("tell_then", "rest"), ("rest", "tell_late"),
         ("tell_late", "close"), ("close", "")],
        Wait("rest", hours(3)),
    )  # fmt: skip


def desk(listed: list[Receiver]) -> CaseDesk:
    return CaseDesk(
        CasesEngine([told_thrice()], limits(), CALENDAR, lambda actor: PEOPLE.get(actor, []), UNITS, receivers=listed)
    )


def kinds(office: CaseDesk) -> list[str]:
    return [record.kind for record in office.records if record.kind != "flow.defined"]


def test_passed_steps_tell_wherever_a_case_passes_them() -> None:
    office = desk(receivers()[:1])
    id = office.open(flow="f")
    assert kinds(office) == ["case.opened", "case.told"]
    office.act(id, "handler", "a")
    assert kinds(office)[2:] == ["case.acted", "case.told"]
    office.at += 3 * HOUR
    office.wake()
    assert kinds(office)[-2:] == ["case.timed", "case.told"]
    assert [(each.receiver, each.round) for each in office.state_of(id).notices] == [("portal", 3)]
    assert stands(office.state_of(id)) == ["close"]
    assert office.folded(id) == office.state_of(id)
    assert office.replayed().rows == office.state.rows


def test_where_nobody_is_listed_the_record_says_so_and_no_timer_is_held_up() -> None:
    office = desk([])
    id = office.open(flow="f")
    assert (office.records[-1].body or {})["untold"] == "withdrawn"
    with pytest.raises(Conflict) as refused:
        office.act(id, "handler", "a")
    assert refused.value.code == "case.receivers_missing"
    heard = desk(receivers())
    id = heard.open(flow="f")
    heard.act(id, "handler", "a")
    heard.cases.office.receivers.clear()
    heard.at += 3 * HOUR
    assert "wait.2.over" in heard.wake()
    timed = next(record for record in heard.records if (record.body or {}).get("timer") == "wait.2.over")
    assert (timed.body or {})["untold"] == "withdrawn"
    assert stands(heard.state_of(id)) == ["close"]
