"""Responsibility and time over HTTP: one bounce and an arbiter, one winner of two, more time, the bank, many at once."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from tests.engines.casework import DAY, HOUR, MORNING
from tests.faces.city import Knock, ids
from tests.faces.test_cases_api import act, opened, photo


@pytest.fixture
def hall(knock: Knock) -> Knock:
    """The city with a dispatcher and a checker besides."""
    knock.json("POST", "/api/v1/people/person:duty/roles", "admin", json={"role": "dispatcher", "unit": "centre"})
    return knock


def dispatched(hall: Knock, **body: Any) -> str:
    id = opened(hall, **body)
    act(hall, id, "duty", "accept")
    act(hall, id, "duty", "dispatch", fields={})
    return id


def listed(hall: Knock, who: str, name: str, **more: str) -> list[str]:
    asked = "&".join(f"{key}={value}" for key, value in {"list": name, **more}.items())
    found: list[str] = ids(hall.json("GET", f"/api/v1/cases?{asked}", who)["items"])
    return found


def test_a_wrong_unit_returns_once_then_an_arbiter_decides_and_the_clock_runs_on(hall: Knock) -> None:
    """AT7: at most one bounce before arbitration; clock keeps running; responsibility recorded."""
    id = dispatched(hall)
    due = hall.json("GET", f"/api/v1/cases/{id}", "chief")["due_at"]
    act(hall, id, "handler", "return", note="应由街道处置")
    for who in ("handler", "duty"):
        assert listed(hall, who, "returned") == [id], f"{who} handed it to and fro"
    assert listed(hall, "street", "returned") == []
    hall.hub.clock.at = MORNING + 2 * HOUR
    act(hall, id, "duty", "dispatch", fields={"unit": "streets.chaoyang"})
    assert listed(hall, "street", "mine") == [id]

    version = hall.json("GET", f"/api/v1/cases/{id}", "chief")["version"]
    again = {"action": "return", "note": "也不归我们", "version": version}
    problem = hall.problem(409, "POST", f"/api/v1/cases/{id}/actions", "street", json=again)
    assert problem["code"] == "case.return_exhausted"
    assert "Dispute it" in problem["remedy"]
    act(hall, id, "street", "dispute", note="也不归我们")
    assert listed(hall, "chief", "approvals") == [id]
    for who in ("duty", "street", "handler"):
        assert listed(hall, who, "approvals") == []
    act(hall, id, "chief", "arbitrate", fields={"decision": "nobody"}, note="无主设施,属地负责")
    case = hall.json("GET", f"/api/v1/cases/{id}", "chief")
    assert (case["unit"], case["because"], case["due_at"], case["clock"]) == (
        "streets.chaoyang",
        "territory",
        due,
        "green",
    )
    for action in ("return", "dispute"):
        body = {"action": action, "note": "仍有异议", "version": case["version"]}
        assert (
            hall.problem(409, "POST", f"/api/v1/cases/{id}/actions", "street", json=body)["code"] == "case.arbitrated"
        )
    told = [(each["action"], each["person"].get("unit"), each["note"]) for each in case["actions"]]
    assert told[3:] == [
        ("return", "ecology.enforcement", "应由街道处置"),
        ("dispatch", "centre", ""),
        ("dispute", "streets.chaoyang", "也不归我们"),
        ("arbitrate", "centre", "无主设施,属地负责"),
    ]
    assert case["actions"][-1]["fields"]["because"] == "territory"
    assert listed(hall, "chief", "approvals") == []


def test_of_two_officers_one_wins_and_the_other_is_told_who_did_what_when(hall: Knock) -> None:
    id = opened(hall)
    version = hall.json("GET", f"/api/v1/cases/{id}", "duty")["version"]
    body = {"action": "accept", "version": version}
    path = f"/api/v1/cases/{id}/actions"
    assert hall("POST", path, "duty", json=body).status_code == 200
    lost = hall.problem(409, "POST", path, "chief", json={"action": "suspend", "version": version})
    assert lost["code"] == "case.stale"
    assert "person:duty did 'accept' at 2026-03-02T08:00:00+08:00" in lost["detail"]
    assert hall.json("GET", f"/api/v1/cases/{id}", "chief")["version"] == version + 1


def test_a_photo_that_is_none_is_refused_and_nothing_is_lost(hall: Knock) -> None:
    id = dispatched(hall)
    before = hall.json("GET", f"/api/v1/cases/{id}", "chief")
    not_one = hall.problem(415, "POST", "/api/v1/files", "handler", content=b"GIF89a or so")
    assert (not_one["code"], not_one["remedy"]) == ("file.type", "Send a photo, or a PDF.")
    broken = hall.problem(400, "POST", "/api/v1/files", "handler", content=photo()[:200])
    assert broken["code"] == "file.broken"
    pdf = hall.json("POST", "/api/v1/files", "handler", content=b"%PDF-1.7 minutes")
    path = f"/api/v1/cases/{id}/actions"
    fields = {"pm25": 30}
    lie = {"sha256": pdf["sha256"], "type": "image/jpeg"}
    said = {"action": "inspect", "version": before["version"], "fields": fields, "files": [lie, lie]}
    assert hall.problem(400, "POST", path, "handler", json=said)["code"] == "case.evidence_missing"
    never = {"sha256": "0" * 64, "type": "image/jpeg"}
    gone = hall.problem(400, "POST", path, "handler", json=said | {"files": [never]})
    assert (gone["code"], gone["where"]) == ("file.unknown", "files[0].sha256")
    new = {"flow": "answer", "text": "x", "files": [never]}
    assert hall.problem(400, "POST", "/api/v1/cases", "duty", json=new)["code"] == "file.unknown"
    assert hall.json("GET", f"/api/v1/cases/{id}", "chief") == before
    kept = hall.json("POST", "/api/v1/files", "handler", content=photo())
    true = {"sha256": kept["sha256"], "type": "text/plain"}
    assert hall("POST", path, "handler", json=said | {"files": [true, true]}).status_code == 200


def test_more_time_is_asked_for_and_answered(hall: Knock) -> None:
    id = opened(hall, flow="repair")
    options = {each["action"]: each for each in hall.json("GET", f"/api/v1/cases/{id}", "clerk")["next"]}
    count = options["extend"]["fields"][0]
    assert count["title"] == {"zh": "延长(至多2个工作日)", "en": "Longer by (at most 2 working days)"}
    act(hall, id, "clerk", "extend", note="等待配件", fields={"count": 1})
    assert listed(hall, "chief", "approvals") == [id]
    (ask,) = hall.json("GET", f"/api/v1/cases/{id}", "clerk")["asks"]
    assert (ask["what"], ask["role"], ask["since"]) == ("extension", "chief", "2026-03-02T08:00:00+08:00")
    for who in ("clerk", "duty", "handler", "street", "nobody"):
        body = {"action": "decide_extension", "fields": {"decision": "granted"}}
        hall.problem(403, "POST", f"/api/v1/cases/{id}/actions", who, json=body)
    case = act(hall, id, "chief", "decide_extension", fields={"decision": "granted"})
    assert (case["due_at"], case["step_due_at"]) == ("2026-03-11T00:00:00+08:00", "2026-03-07T00:00:00+08:00")
    assert [clock["longer"] for clock in case["clocks"]] == [["1 working day"], ["1 working day"]]
    entry = case["actions"][-1]
    assert entry["title"] == {"zh": "审批延期", "en": "Decide on more time"}
    assert entry["fields"]["moved"][0]["due"] == "2026-03-11T00:00:00+08:00"
    assert entry["fields"]["moved"][0]["before"] == "2026-03-10T00:00:00+08:00"


def test_the_problem_bank_is_a_list_by_review_date_with_numbers_by_unit(hall: Knock) -> None:
    first, second, third = (dispatched(hall) for _ in range(3))
    for id, review in ((first, "2026-05-01"), (second, "2026-03-05"), (third, "2026-04-01")):
        act(hall, id, "duty", "suspend", note="产权不明", fields={"review": review})
    hall.hub.clock.at = MORNING + 10 * DAY
    assert listed(hall, "chief", "bank") == [second, third, first], "what should have been looked at comes first"
    assert listed(hall, "chief", "bank", sort="oldest") == [first, second, third]
    assert listed(hall, "chief", "bank", unit="ecology.enforcement") == [second, third, first]
    assert listed(hall, "street", "bank") == []
    case = hall.json("GET", f"/api/v1/cases/{second}", "chief")
    assert (case["bank"]["reason"], case["bank"]["overdue"]) == ("产权不明", True)
    assert case["bank"]["remind_at"] == "2026-03-05T00:00:00+08:00"
    (row,) = hall.json("GET", "/api/v1/cases/bank", "chief")["items"]
    assert row == {
        "unit": "ecology.enforcement", "count": 3, "overdue": 1, "oldest_at": "2026-03-02T08:00:00+08:00",
    }  # fmt: skip
    assert hall.json("GET", "/api/v1/cases/bank", "street")["items"] == []
    hall.problem(403, "GET", "/api/v1/cases/bank", "nobody")
    assert list(csv.reader(io.StringIO(hall("GET", "/api/v1/cases/bank?format=csv", "chief").text)))[1][1:3] == [
        "3",
        "1",
    ]
    facts = {each["state"]: each["review_at"] for each in hall.hub.views.cases.facts(0, MORNING + 20 * DAY)}
    assert facts["suspended"] is not None
    struck = {"action": "strike_off", "fields": {"outcome": "no_action"}, "note": "已拆除"}
    hall.problem(403, "POST", f"/api/v1/cases/{second}/actions", "duty", json=struck)
    assert (
        act(hall, second, "chief", "strike_off", **{k: v for k, v in struck.items() if k != "action"})["state"]
        == "closed"
    )


def test_many_cases_at_once_each_with_its_own_outcome(hall: Knock) -> None:
    done, stale, closed = opened(hall), opened(hall), dispatched(hall)
    version = hall.json("GET", f"/api/v1/cases/{done}", "duty")["version"]
    sent = [
        {"id": done, "action": "accept", "version": version},
        {"id": stale, "action": "accept", "version": version + 3},
        {"id": closed, "action": "accept"},
        {"id": "urn:ngsi-ld:Case:20260302-999", "action": "accept"},
        {"id": "rubbish", "action": "accept"},
        {"id": done, "action": "dispatch", "fields": {}},
        {"id": stale, "action": "check", "fields": {"passed": True}},
        {"id": stale, "action": "accept", "files": [{"sha256": "0" * 64, "type": "image/png"}]},
    ]
    response = hall("POST", "/api/v1/cases/actions", "duty", json={"actions": sent})
    assert response.status_code == 207
    answer = response.json()
    assert (answer["done"], answer["refused"]) == (2, 6)
    assert [each["status"] for each in answer["outcomes"]] == [200, 409, 409, 404, 400, 200, 403, 400]
    assert [each["id"] for each in answer["outcomes"]] == [each["id"] for each in sent]
    codes = [each["problem"]["code"] for each in answer["outcomes"] if "problem" in each]
    assert codes == [
        "case.stale", "case.action_not_allowed", "case.unknown", "case.id", "access.denied", "file.unknown",
    ]  # fmt: skip
    assert answer["outcomes"][5]["case"]["step"] == "inspect"
    assert "actions" not in answer["outcomes"][5]["case"]
    for who in ("street", "handler"):
        refused = hall.json("POST", "/api/v1/cases/actions", who, json={"actions": sent[1:2]})
        assert refused["refused"] == 1
    hall.problem(403, "POST", "/api/v1/cases/actions", "nobody", json={"actions": sent})
    hall.problem(401, "POST", "/api/v1/cases/actions", json={"actions": sent})


def several(hall: Knock, who: str, *sent: dict[str, Any]) -> list[int]:
    answer = hall.json("POST", "/api/v1/cases/actions", who, json={"actions": list(sent)})
    assert answer["refused"] == 0, answer
    return [each["seq"] for each in answer["outcomes"]]


def person_of(hall: Knock, id: str) -> str | None:
    person = hall.json("GET", f"/api/v1/cases/{id}", "chief")["person"]
    return None if person is None else str(person)


UNDO = "/api/v1/cases/actions/undo"


def test_one_press_takes_back_what_a_bulk_did_and_the_journal_says_so(hall: Knock) -> None:
    first, second, third, fourth = (dispatched(hall) for _ in range(4))
    act(hall, second, "chief", "assign", fields={"person": {"id": "person:earlier"}})
    seqs = several(
        hall, "chief",
        {"id": first, "action": "assign", "fields": {"person": {"id": "person:new"}}},
        {"id": second, "action": "assign", "fields": {"person": {"id": "person:new"}}},
        {"id": third, "action": "suspend", "note": "等材料", "fields": {"review": "2026-03-20"}},
        {"id": fourth, "action": "merge", "note": "同一件", "fields": {"into": first}},
    )  # fmt: skip
    answer = hall.json("POST", UNDO, "chief", json={"seqs": seqs})
    assert answer["done"] == 4
    assert (person_of(hall, first), person_of(hall, second)) == (None, "person:earlier")
    assert hall.json("GET", f"/api/v1/cases/{third}", "chief")["state"] == "open"
    assert hall.json("GET", f"/api/v1/cases/{fourth}", "chief")["merged_into"] is None
    entry = hall.json("GET", f"/api/v1/cases/{third}", "chief")["actions"][-1]
    assert (entry["action"], "undo of a bulk action" in entry["note"]) == ("resume", True)
    # Taken back once, it is not taken back again: what followed is looked at by somebody.
    assert hall.problem(409, "POST", UNDO, "chief", json={"seqs": seqs[:1]})["code"] == "case.undo_moved_on"


def test_what_cannot_be_taken_back_is_named_and_nothing_is(hall: Knock) -> None:
    id, other = opened(hall), dispatched(hall)
    (accepted,) = several(hall, "duty", {"id": id, "action": "accept"})
    refused = hall.problem(409, "POST", UNDO, "duty", json={"seqs": [accepted]})
    assert refused["code"] == "case.no_inverse"
    assert refused["faults"][0]["seq"] == accepted
    (assigned,) = several(hall, "chief", {"id": other, "action": "assign", "fields": {"person": {"id": "person:new"}}})
    assert hall.problem(409, "POST", UNDO, "duty", json={"seqs": [assigned]})["code"] == "case.undo_unknown"
    mixed = hall.problem(409, "POST", UNDO, "duty", json={"seqs": [accepted, assigned, 9_999_999]})
    assert (mixed["code"], len(mixed["faults"])) == ("case.undo_refused", 3)
    assert person_of(hall, other) == "person:new"
    hall.hub.clock.at += 11 * 60 * 1_000_000
    late = hall.problem(409, "POST", UNDO, "chief", json={"seqs": [assigned]})
    assert late["code"] == "case.undo_late"
    assert "bulk_undo_limit" in late["faults"][0]["problem"]["remedy"]
    assert person_of(hall, other) == "person:new"
    hall.problem(403, "POST", UNDO, "nobody", json={"seqs": [assigned]})
    hall.problem(401, "POST", UNDO, json={"seqs": [assigned]})


@pytest.mark.parametrize("count", [0, 101])
def test_a_call_holds_one_to_a_hundred_actions(standing: Knock, count: int) -> None:
    body = {"actions": [{"id": "urn:ngsi-ld:Case:20260302-1", "action": "accept"}] * count}
    assert standing.problem(400, "POST", "/api/v1/cases/actions", "duty", json=body)["where"]


def test_an_unanswered_bulk_sent_twice_is_done_once(hall: Knock) -> None:
    id = opened(hall)
    body = {"actions": [{"id": id, "action": "accept"}]}
    first, second = (
        hall.json("POST", "/api/v1/cases/actions", "duty", json=body, headers={"Idempotency-Key": "abc"}) for _ in "12"
    )
    assert (first["done"], second["done"], first["seq"]) == (1, 1, second["seq"])


def test_the_doer_checks_nothing_of_the_own_work_one_by_one_or_many_at_once(hall: Knock) -> None:
    for name, role, unit in (
        ("handler", "supervisor", "ecology.supervision"),
        ("street", "supervisor", "ecology.supervision"),
    ):
        hall.json("POST", f"/api/v1/people/person:{name}/roles", "admin", json={"role": role, "unit": unit})
    kept = hall.json("POST", "/api/v1/files", "handler", content=photo())
    proof = {"files": [{"sha256": kept["sha256"], "type": "image/jpeg"}] * 2, "fields": {"pm25": 30}}
    merged, id = dispatched(hall), dispatched(hall)
    for each in (merged, id):
        act(hall, each, "handler", "inspect", **proof)
    assert "check" not in [each["action"] for each in hall.json("GET", f"/api/v1/cases/{id}", "handler")["next"]]
    sent = {"actions": [{"id": each, "action": "check", "fields": {"passed": True}} for each in (merged, id)]}
    answer = hall.json("POST", "/api/v1/cases/actions", "handler", json=sent)
    assert [each["problem"]["code"] for each in answer["outcomes"]] == ["case.same_person"] * 2
    assert hall.json("POST", "/api/v1/cases/actions", "street", json=sent)["done"] == 2


def test_search_finds_part_of_text_number_and_address_and_never_a_reporter(hall: Knock) -> None:
    place = {"district": "110105", "address": "建国路88号楼下"}
    id = opened(
        hall, "clerk", text="污水外溢,有异味", place=place, reporter={"name": "欧阳修文", "phone": "13911112222"}
    )
    number = hall.json("GET", f"/api/v1/cases/{id}", "chief")["number"]
    for text in ("污水", "水外溢", "异", "建国路88", "88号", number, number[-3:]):
        assert listed(hall, "chief", "open", text=text) == [id], text
    for text in ("欧阳修文", "欧阳", "13911112222", "2222"):
        assert listed(hall, "chief", "all", text=text) == []
