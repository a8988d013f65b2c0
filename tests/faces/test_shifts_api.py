"""A shift is handed over with a complete log, accepted by somebody else, and never changes afterwards."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from quanyu.adapters.sqlite.cases import SqliteCases
from quanyu.engines.cases.shift_log import HEADINGS, heading_of
from quanyu.engines.cases.timing import CaseTimers
from quanyu.kernel.errors import Conflict
from quanyu.kernel.journal import Command
from quanyu.kernel.view import EVERYTHING
from tests.engines.casework import DAY, HOUR, MORNING, REVIEW
from tests.faces.city import Knock, knocking
from tests.faces.test_cases_api import act, opened

SHIFTS = "/api/v1/shifts"


@pytest.fixture
def watch(knock: Knock) -> Knock:
    """The city with a second duty officer besides the one at the desk `centre`, and a dispatcher."""
    knock.json("POST", "/api/v1/people/person:duty/roles", "admin", json={"role": "dispatcher", "unit": "centre"})
    knock.json("POST", "/api/v1/people/person:clerk/roles", "admin", json={"role": "duty", "unit": "centre"})
    return knock


def busy(watch: Knock) -> dict[str, str]:
    """Let something of each kind happen."""
    named = {name: opened(watch, text=f"事件 {name}") for name in ("closed", "returned", "banked", "late", "other")}
    act(watch, named["closed"], "duty", "accept")
    consultation = opened(watch, "clerk", flow="answer", text="咨询")
    act(watch, consultation, "clerk", "accept", fields={"outcome": "no_action"}, note="已答复")
    act(watch, named["closed"], "duty", "dispatch", fields={})
    act(watch, named["returned"], "duty", "accept")
    act(watch, named["returned"], "duty", "dispatch", fields={})
    act(watch, named["returned"], "handler", "return", note="<b>应由街道</b>")
    act(watch, named["banked"], "duty", "suspend", note="产权不明", fields=REVIEW)
    act(watch, named["other"], "duty", "merge", fields={"into": named["late"]}, note="同一处")
    return named | {"consultation": consultation}


def test_a_shift_is_handed_over_and_accepted_with_its_log(watch: Knock) -> None:
    named = busy(watch)
    watch.hub.clock.at = MORNING + 8 * HOUR
    draft = watch.json("GET", f"{SHIFTS}/running", "duty")
    assert (draft["desk"], draft["from_at"]) == ("centre", "2026-03-02T00:00:00+08:00")
    made = watch.json("POST", SHIFTS, "duty", json={"notes": "三号泵房需夜间复查", "to": "person:clerk"})
    assert made["id"] == "shift:centre:1"
    kept = watch.json("GET", f"{SHIFTS}/{made['id']}", "clerk")
    assert (kept["state"], kept["notes"], kept["to_at"]) == (
        "waiting",
        "三号泵房需夜间复查",
        "2026-03-02T16:00:00+08:00",
    )
    log = kept["log"]
    assert log == draft["log"]
    assert log["totals"] == {
        "opened": 6, "closed": 1, "returned": 1, "suspended": 1, "merged": 1,
    }  # fmt: skip
    (returned,) = log["events"]["returned"]
    assert (returned["id"], returned["note"], returned["who"]) == (
        named["returned"],
        "<b>应由街道</b>",
        "person:handler",
    )
    (closed,) = log["events"]["closed"]
    assert (closed["word"], closed["note"], closed["at"]) == ("no_action", "已答复", "2026-03-02T08:00:00+08:00")
    standing = {case["id"]: case for case in log["open"]}
    assert set(standing) == {named[name] for name in ("closed", "returned", "late")}
    assert standing[named["closed"]]["step_title"] == {"zh": "现场检查", "en": "Inspect"}
    assert log["lights"] == {"green": 3}
    assert (log["counts"]["open"], log["counts"]["bank"]) == (3, 1)
    assert log["warnings"] == ["the source teller is stale"]
    assert kept["names"]["person:handler"] == "姓名 handler"

    accepted = watch.json("POST", f"{SHIFTS}/{made['id']}/accept", "clerk", json={"remarks": "已阅,泵房已安排"})
    assert accepted["id"] == made["id"]
    after = watch.json("GET", f"{SHIFTS}/{made['id']}", "chief")
    assert (after["state"], after["accepted"]["remarks"]) == ("accepted", "已阅,泵房已安排")
    assert (after["accepted"]["person"]["id"], after["accepted"]["at"]) == ("person:clerk", "2026-03-02T16:00:00+08:00")
    assert after["log"] == log


def test_the_log_never_changes_and_the_next_shift_begins_where_it_ended(watch: Knock) -> None:
    named = busy(watch)
    first = watch.json("POST", SHIFTS, "duty", json={})["id"]
    before = watch.json("GET", f"{SHIFTS}/{first}", "chief")
    act(watch, named["late"], "duty", "accept", note="夜班")
    watch.json("POST", f"{SHIFTS}/{first}/accept", "clerk", json={})
    watch.hub.clock.at = MORNING + 12 * HOUR
    act(watch, named["closed"], "chief", "suspend", note="停工", fields=REVIEW)
    second = watch.json("POST", SHIFTS, "clerk", json={})["id"]
    assert second == "shift:centre:2"
    kept = watch.json("GET", f"{SHIFTS}/{second}", "chief")
    assert kept["from_at"] == before["to_at"]
    assert kept["after"] == before["upto"]
    assert kept["log"]["totals"] == {"suspended": 1}, "what stood in the first log is not told again"
    again = watch.json("GET", f"{SHIFTS}/{first}", "chief")
    assert {k: v for k, v in again.items() if k not in ("state", "accepted")} == {
        k: v for k, v in before.items() if k not in ("state", "accepted")
    }
    page = watch.json("GET", f"{SHIFTS}?limit=1", "chief")
    assert [each["id"] for each in page["items"]] == [second]
    assert "log" not in page["items"][0]
    rest = watch.json("GET", f"{SHIFTS}?limit=1&after={page['next']}", "chief")
    assert ([each["id"] for each in rest["items"]], rest["next"]) == ([first], None)
    assert watch.json("GET", f"{SHIFTS}?desk=streets.chaoyang", "chief")["items"] == []


def test_every_event_of_the_journal_stands_in_exactly_one_shift(watch: Knock) -> None:
    busy(watch)
    handed: list[Any] = []
    for officer, taker in (("duty", "clerk"), ("clerk", "duty"), ("duty", "clerk")):
        id = watch.json("POST", SHIFTS, officer, json={})["id"]
        watch.json("POST", f"{SHIFTS}/{id}/accept", taker, json={})
        handed.append(watch.json("GET", f"{SHIFTS}/{id}", "chief"))
        opened(watch, text="新事件")
        watch.hub.clock.at += HOUR
    told = [line["seq"] for shift in handed for lines in shift["log"]["events"].values() for line in lines]
    upto = handed[-1]["upto"]
    records = watch.hub.journal_read(0, 100_000, ("case.opened", "case.acted", "case.timed"))
    assert sorted(told) == [record.seq for record in records if record.seq <= upto and heading_of(record)]


def test_who_hands_over_does_not_accept_and_nobody_hands_over_twice(watch: Knock) -> None:
    id = watch.json("POST", SHIFTS, "duty", json={"to": "person:clerk"})["id"]
    path = f"{SHIFTS}/{id}/accept"
    assert watch.problem(403, "POST", path, "duty", json={})["code"] == "shift.same_person"
    assert watch.problem(409, "POST", SHIFTS, "clerk", json={})["code"] == "shift.unaccepted"
    watch.json("POST", "/api/v1/people/person:street/roles", "admin", json={"role": "duty", "unit": "centre"})
    assert watch.problem(403, "POST", path, "street", json={})["code"] == "shift.not_receiver"
    watch.json("POST", path, "clerk", json={"remarks": "收到"})
    again = watch.problem(409, "POST", path, "chief", json={})
    assert again["code"] == "shift.accepted"
    assert "person:clerk" in again["detail"]


def test_who_may_and_what_is_refused(watch: Knock) -> None:
    for who in ("handler", "engineer", "nobody"):
        watch.problem(403, "POST", SHIFTS, who, json={})
        watch.problem(403, "POST", f"{SHIFTS}/shift:centre:1/accept", who, json={})
    for who in ("handler", "nobody"):
        watch.problem(403, "GET", SHIFTS, who)
        watch.problem(403, "GET", f"{SHIFTS}/running", who)
    watch.problem(401, "GET", SHIFTS)
    assert watch.problem(403, "POST", SHIFTS, "duty", json={"desk": "streets.chaoyang"})["code"] == "shift.role_missing"
    assert watch.problem(400, "POST", SHIFTS, "admin", json={})["code"] == "shift.desk"
    assert watch.problem(404, "POST", f"{SHIFTS}/shift:centre:9/accept", "chief", json={})["code"] == "shift.unknown"
    assert watch.problem(404, "GET", f"{SHIFTS}/shift:centre:9", "chief")["code"] == "shift.unknown"
    assert watch.problem(400, "POST", SHIFTS, "duty", json={"to": "person:x"})["code"] == "shift.receiver"
    assert watch.problem(400, "GET", f"{SHIFTS}?after=x", "chief")["code"] == "query.shifts"
    assert watch.json("GET", SHIFTS, "chief")["items"] == []


def test_a_desk_that_the_city_does_not_have_is_refused(tmp_path: Path) -> None:
    with knocking(tmp_path / "home", local=True) as local:
        assert local.problem(400, "POST", SHIFTS, json={"desk": "nowhere"})["code"] == "shift.desk"
        assert local.problem(400, "GET", f"{SHIFTS}/running")["code"] == "shift.desk", "this city has no command centre"
        centre = {"id": "centre", "name": {"zh": "指挥中心", "en": "Centre"}, "kind": "command"}
        local.hub.city = replace(local.hub.city, units=(centre,))
        assert local.json("GET", f"{SHIFTS}/running")["desk"] == "centre", "who is on duty everywhere is at the centre"
        assert local.json("POST", SHIFTS, json={"desk": "centre"})["id"] == "shift:centre:1"


def test_a_log_with_a_gap_is_refused(watch: Knock) -> None:
    draft = watch.hub.shifts.draft("centre", EVERYTHING)
    stale = draft | {"notes": "", "to": None}
    id = watch.json("POST", SHIFTS, "duty", json={})["id"]
    watch.json("POST", f"{SHIFTS}/{id}/accept", "clerk", json={})
    with pytest.raises(Conflict) as refused:
        watch.hub.commit_blocking([Command("shift.hand_over", "", stale)], "person:duty")
    assert refused.value.code == "shift.gap"


def test_the_log_goes_to_paper_and_to_a_spreadsheet(watch: Knock) -> None:
    busy(watch)
    id = watch.json("POST", SHIFTS, "duty", json={"notes": "<script>alert(1)</script>"})["id"]
    page = watch("GET", f"{SHIFTS}/{id}?format=html", "chief")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>交接班记录 1</h1>" in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "&lt;b&gt;应由街道&lt;/b&gt;" in page.text
    assert "<script" not in page.text
    assert "姓名 duty" in page.text
    english = watch("GET", f"{SHIFTS}/{id}?format=html&lang=en", "chief").text
    assert "<h1>Shift hand-over 1</h1>" in english
    assert "Returned (1)" in english
    rows = list(csv.DictReader(io.StringIO(watch("GET", f"{SHIFTS}/{id}?format=csv", "chief").text.lstrip("\ufeff"))))
    assert [row["heading"] for row in rows].count("新立案") == 6
    assert [row["heading"] for row in rows].count("绿灯") == 3


def test_overdue_and_escalated_cases_are_told(watch: Knock) -> None:
    id = opened(watch)
    hand = CaseTimers(SqliteCases(watch.hub.store.connection, watch.hub.upcast))
    watch.hub.clock.at = MORNING + 10 * DAY
    while commands := hand.wake(watch.hub.clock.now()).commands:
        watch.hub.commit_blocking(commands, "engine:cases")
    draft = watch.json("GET", f"{SHIFTS}/running", "duty")
    assert draft["from_at"] == "2026-03-12T00:00:00+08:00"
    assert [line["id"] for line in draft["log"]["events"]["overdue"]] == [id]
    assert draft["log"]["events"]["escalated"][0]["word"] == "ecology.director"
    assert draft["log"]["lights"] == {"overdue": 1}
    assert draft["log"]["counts"]["overdue"] == 1


def test_every_heading_has_its_words() -> None:
    assert all(zh and en for zh, en in HEADINGS.values())
