"""A refusal is remembered: who declined is not asked again for the same reason, and is asked for another."""

from __future__ import annotations

from quanyu.kernel.flow import Flow, declined, flow, granted, no_action, step
from quanyu.kernel.time import working_days
from tests.engines.casework import DAY, CaseDesk, make_engine


def offer() -> Flow:
    """A clerk asks, and writes down what was answered."""
    return flow(
        "offer",
        case="offer",
        private=True,
        steps=[step("ask", by="clerk", outcome=[granted, declined, no_action])],
        overall=working_days(5),
    )


def asked(word: str) -> CaseDesk:
    desk = CaseDesk(make_engine([offer()]))
    id = desk.find("rule:hiring|firm:1", flow="offer")
    assert id is not None
    desk.act(id, "clerk", "ask", fields={"outcome": word}, note="企业答复")
    desk.at += 30 * DAY
    return desk


def test_who_declined_is_not_asked_again_for_the_same_reason() -> None:
    desk = asked("declined")
    before = len([record for record in desk.records if record.kind == "case.opened"])
    desk.find("rule:hiring|firm:1", flow="offer", **{"from": desk.at})
    assert len([record for record in desk.records if record.kind == "case.opened"]) == before
    desk.find("rule:patents|firm:1", flow="offer", **{"from": desk.at})
    assert len([record for record in desk.records if record.kind == "case.opened"]) == before + 1


def test_who_took_it_is_asked_again() -> None:
    desk = asked("granted")
    desk.find("rule:hiring|firm:1", flow="offer", **{"from": desk.at})
    assert len([record for record in desk.records if record.kind == "case.opened"]) == 2
