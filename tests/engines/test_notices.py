"""Telling receivers and waiting for their receipts: at least once, under one key, and no end before the last answer."""

from __future__ import annotations

from typing import Any

import pytest

from quanyu.engines.cases.engine import CasesEngine
from quanyu.engines.cases.notices import TRIES_MAX
from quanyu.kernel.errors import Conflict, Denied, Invalid
from quanyu.kernel.flow import Flow, fixed, flow, no_action, step
from quanyu.kernel.journal import Command, Record
from quanyu.kernel.receiver import Receiver, parse_receivers
from quanyu.kernel.time import hours
from tests.engines.casework import CALENDAR, HOUR, PEOPLE, UNITS, CaseDesk, limits

SHEET = """event,id,zh,en,unit,webhook,within,source,status
withdrawn,portal,门户,Portal,,portal-hook,4 hours,test,simulated
withdrawn,street,街道,Street,streets.chaoyang,,8 hours,test,simulated
"""


def withdraw_flow() -> Flow:
    return flow(
        "withdraw",
        case="credit",
        steps=[
            step("accept", by="clerk", tells="withdrawn"),
            step("close", by="duty", outcome=[fixed, no_action]),
        ],
        overall=hours(240),
        escalate="ecology.director",
    )


def receivers(text: str = SHEET) -> list[Receiver]:
    return list(parse_receivers(text, "receivers.csv", set(UNITS)))


def desk(listed: list[Receiver] | None = None) -> CaseDesk:
    engine = CasesEngine(
        [withdraw_flow()],
        limits(),
        CALENDAR,
        lambda actor: PEOPLE.get(actor, []),
        UNITS,
        receivers=receivers() if listed is None else listed,
    )
    return CaseDesk(engine)


def told(office: CaseDesk) -> str:
    """Open a case whose first step tells both receivers."""
    id = office.open(flow="withdraw")
    office.act(id, "clerk", "accept")
    return id


def receipt(office: CaseDesk, id: str, webhook: str = "portal-hook", **said: Any) -> list[Record]:
    body = {"event": "withdrawn", "receiver": "portal", "round": 1, "webhook": webhook} | said
    return office.run(Command("case.receipt", id, body), "engine:notify")


def test_each_receiver_is_told_once_with_a_key_and_what_it_is_about() -> None:
    office = desk()
    id = told(office)
    notices = [record for record in office.records if record.kind == "case.told"]
    assert [record.body["receiver"] for record in notices if record.body] == ["portal", "street"]
    first = notices[0].body or {}
    assert first["key"].endswith(":withdrawn:portal:1")
    assert first["case"]["flow"] == "withdraw"
    assert [each.receiver for each in office.state_of(id).outstanding] == ["portal", "street"]


def test_a_case_does_not_end_before_the_last_receipt_and_then_it_is_proven() -> None:
    office = desk()
    id = told(office)
    with pytest.raises(Conflict) as refused:
        office.act(id, "duty", "close", fields={"outcome": "fixed"})
    assert (refused.value.code, refused.value.details["receivers"]) == ("case.receipts_missing", ["portal", "street"])
    receipt(office, id)
    office.act(id, "street", "acknowledge", fields={"receiver": "street"}, note="已停止使用")
    assert office.state_of(id).outstanding == ()
    office.act(id, "duty", "close", fields={"outcome": "fixed"})
    case = office.state_of(id)
    assert case.outcome is not None
    assert case.outcome.word == "fixed"
    assert {each.by for each in case.notices} == {"webhook:portal-hook", "person:street"}
    assert office.folded(id) == case
    assert office.replayed().rows == office.state.rows


def test_a_receipt_of_another_webhook_or_a_second_one_changes_nothing() -> None:
    office = desk()
    id = told(office)
    assert receipt(office, id, "somebody-else") == []
    assert len(receipt(office, id)) == 1
    assert receipt(office, id) == []
    assert receipt(office, id, receiver="nobody") == []
    assert office.run(Command("case.receipt", "urn:ngsi-ld:Case:20260302-99", {
        "event": "withdrawn", "receiver": "portal", "round": 1, "webhook": "portal-hook",
    }), "engine:notify") == []  # fmt: skip


def test_a_silent_receiver_is_told_again_under_the_same_key_and_somebody_hears_of_it() -> None:
    office = desk()
    id = told(office)
    office.at += 5 * HOUR
    assert office.wake() == ["notice.withdrawn.portal.overdue"]
    again = [record.body for record in office.records if record.kind == "case.told" and record.body][-1]
    assert again["key"].endswith(":withdrawn:portal:1")
    assert again["notice"][5:7] == (1, 2) or again["notice"][5:7] == [1, 2]
    case = office.state_of(id)
    assert case.escalated_to == "ecology.director"
    assert {each.receiver: each.tries for each in case.outstanding} == {"portal": 2, "street": 1}
    assert office.folded(id) == case


def test_telling_ends_after_so_many_tries_and_the_notice_stays_open() -> None:
    office = desk()
    id = told(office)
    office.act(id, "street", "acknowledge", fields={"receiver": "street"}, note="收到")
    for _ in range(TRIES_MAX + 3):
        office.at += 5 * HOUR
        office.wake()
    notices = [record for record in office.records if record.kind == "case.told"]
    assert len(notices) == TRIES_MAX + 1
    assert [each.receiver for each in office.state_of(id).outstanding] == ["portal"]


def test_a_delivery_that_was_given_up_is_seen_and_a_later_one_still_counts() -> None:
    office = desk()
    id = told(office)
    receipt(office, id, error="HTTP status 500")
    assert receipt(office, id, error="HTTP status 500") == []
    assert office.state_of(id).outstanding[0].error == "HTTP status 500"
    receipt(office, id)
    portal = next(each for each in office.state_of(id).notices if each.receiver == "portal")
    assert (portal.error, portal.receipt_at) == (None, office.at)


def test_only_a_receivers_own_people_acknowledge_and_a_chief_with_paper_in_hand() -> None:
    office = desk()
    id = told(office)
    with pytest.raises(Denied):
        office.act(id, "handler", "acknowledge", fields={"receiver": "street"}, note="收到")
    with pytest.raises(Denied):
        office.act(id, "street", "acknowledge", fields={"receiver": "portal"}, note="收到")
    office.act(id, "chief", "acknowledge", fields={"receiver": "portal"}, note="纸质回执已存档")
    assert [each.receiver for each in office.state_of(id).outstanding] == ["street"]
    with pytest.raises(Denied) as refused:
        office.run(Command("case.receipt", id, {}), "person:street")
    assert refused.value.code == "case.machine_only"


def test_a_reopened_case_tells_anew_and_an_old_receipt_does_not_count() -> None:
    office = desk()
    id = told(office)
    receipt(office, id)
    office.act(id, "chief", "acknowledge", fields={"receiver": "street"}, note="纸质回执")
    office.act(id, "duty", "close", fields={"outcome": "fixed"})
    office.act(id, "duty", "reopen", note="发现仍在公示")
    office.act(id, "clerk", "accept")
    assert [each.round for each in office.state_of(id).outstanding] == [2, 2]
    assert receipt(office, id) == []
    assert len(receipt(office, id, round=2)) == 1


def test_history_tells_nobody_and_an_event_without_receivers_is_refused() -> None:
    office = desk()
    id = office.open(flow="withdraw", **{"as": "history"})
    office.act(id, "clerk", "accept")
    assert not [record for record in office.records if record.kind == "case.told"]
    deaf = desk([])
    id = deaf.open(flow="withdraw")
    rows = dict(deaf.state.rows)
    with pytest.raises(Conflict) as refused:
        deaf.act(id, "clerk", "accept")
    assert refused.value.code == "case.receivers_missing"
    assert deaf.state.rows == rows


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("withdrawn,x,甲,A,,,4 hours,test,simulated", "receiver.mute"),
        ("withdrawn,x,甲,A,nowhere,,4 hours,test,simulated", "receiver.unit"),
        ("withdrawn,x,甲,A,streets.chaoyang,,4 days,test,simulated", "limit.unreadable"),
        ("withdrawn,x,甲,A,streets.chaoyang,,4 hours,test,perhaps", "status.unknown"),
        ("withdrawn,portal,甲,A,streets.chaoyang,,4 hours,test,simulated", "sheet.twice"),
    ],
)
def test_a_receiver_that_could_never_answer_is_refused_with_its_line(row: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        receivers(SHEET + row + "\n")
    assert refused.value.code == code
    assert "line 4" in str(refused.value.where)
