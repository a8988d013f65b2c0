"""Moving open cases to another version of their flow over HTTP: seen before, refused one by one, and undone."""

from __future__ import annotations

from typing import Any

import msgspec

from quanyu.kernel.flow import Flow, flow_document, flow_hash, step
from quanyu.kernel.journal import Command
from tests.engines.casework import plain_flow
from tests.faces.city import Knock
from tests.faces.test_cases_api import opened

MOVES = "/api/v1/flows/answer/moves"


def newer() -> Flow:
    old = plain_flow()
    return msgspec.structs.replace(old, steps=(step("listen", by="clerk"), old.steps[1]))


def ready(knock: Knock) -> tuple[str, str]:
    knock.hub.commit_blocking([Command("flow.define", "", flow_document(newer()))], "system:test")
    return opened(knock, flow="answer"), flow_hash(newer())


def test_a_chief_sees_what_a_move_does_and_then_moves_and_moves_back(knock: Knock) -> None:
    id, to = ready(knock)
    before = knock.json("GET", f"/api/v1/cases/{id}", "chief")
    shown = knock.json("POST", f"{MOVES}/preview", "chief", json={"to": to, "map": {}})["items"]
    assert [(each["id"], each["why_not"]["code"]) for each in shown] == [(id, "case.migrate_place")]
    given: dict[str, Any] = {"to": to, "map": {"accept": "listen"}}
    shown = knock.json("POST", f"{MOVES}/preview", "chief", json=given)["items"]
    assert shown[0]["steps"] == [{"from": "accept", "to": "listen"}]
    assert knock.json("GET", f"/api/v1/cases/{id}", "chief") == before

    sent = given | {"note": "新规", "cases": [{"id": id, "version": before["version"]}]}
    made = knock.json("POST", MOVES, "chief", json=sent)
    assert (made["done"], made["refused"]) == (1, 0)
    case = knock.json("GET", f"/api/v1/cases/{id}", "chief")
    assert (case["step"], case["flow_hash"]) == ("listen", to)
    assert [(each["step"], each["due_at"]) for each in case["tokens"]] == [("listen", None)]
    assert case["actions"][-1]["fields"] == {"from": before["flow_hash"], "to": to, "map": {"accept": "listen"}}
    assert case["actions"][-1]["title"]["en"] == "Moved to a new version of the flow"

    back = {"to": before["flow_hash"], "map": {"listen": "accept"}, "note": "撤回", "cases": [{"id": id}]}
    assert knock.json("POST", MOVES, "chief", json=back)["done"] == 1
    assert knock.json("GET", f"/api/v1/cases/{id}", "chief")["step"] == "accept"


def test_who_may_not_move_cases_is_refused_and_sees_no_case_of_others(knock: Knock) -> None:
    id, to = ready(knock)
    sent = {"to": to, "map": {"accept": "listen"}, "note": "x", "cases": [{"id": id}]}
    for who in ("handler", "nobody"):
        assert knock("POST", MOVES, who, json=sent).status_code in (403, 207)
        assert knock.json("GET", f"/api/v1/cases/{id}", "chief")["step"] == "accept"
    made = knock("POST", MOVES, "clerk", json=sent)
    assert made.status_code == 403 or made.json()["refused"] == 1
    asked = knock("POST", f"{MOVES}/preview", "street", json={"to": to, "map": {}})
    assert asked.json()["items"] == []


def test_one_case_that_cannot_go_holds_up_no_other(knock: Knock) -> None:
    id, to = ready(knock)
    sent = {"to": to, "map": {"accept": "listen"}, "note": "新规", "cases": [
        {"id": "urn:ngsi-ld:Case:20260302-999"}, {"id": id, "version": 99}, {"id": id}]}  # fmt: skip
    made = knock.json("POST", MOVES, "chief", json=sent)
    assert [each.get("problem", {}).get("code") for each in made["outcomes"]] == ["case.unknown", "case.stale", None]
    problem = knock.problem(400, "POST", f"{MOVES}/preview", "chief", json={"to": "nothing"})
    assert problem["code"] == "case.flow_unknown"
