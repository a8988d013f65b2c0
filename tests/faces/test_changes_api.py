"""Changes over HTTP: propose, look, replay, release, roll back; rules as sentences; a rule on trial."""

from __future__ import annotations

from typing import Any

from quanyu.engines.changes.store import number_of
from tests.faces.city import Knock

CHANGES = "/api/v1/changes"
PROPOSAL: dict[str, Any] = {
    "kind": "rule",
    "name": "ozone_hour",
    "why": "夏季来得早",
    "definition": {"when": "o3 > 0.8 * o3_hour_limit"},
}


def propose(knock: Knock, who: str = "engineer", **changes: Any) -> str:
    made = knock.json("POST", CHANGES, who, json=PROPOSAL | changes)
    found: str = made["outcomes"][0]["subject"]
    return found


def replayed(knock: Knock, id: str) -> None:
    started = knock("POST", f"{CHANGES}/{id}/replay", "engineer", json={"days": 30})
    assert started.status_code == 202, started.text
    knock.hub.changes.replays.wait(number_of(id))
    found = knock.json("GET", f"{CHANGES}/{id}/replay", "chief")
    assert (found["job"]["state"], found["replay"]["revision"]) == ("done", found["revision"])


def test_a_change_goes_from_proposal_to_release_and_back(knock: Knock) -> None:
    id = propose(knock)
    shown = knock.json("GET", f"{CHANGES}/{id}", "chief")
    assert shown["state"] == "proposed"
    assert shown["proposed_by"] == "person:engineer"
    assert shown["proposed_at"] == "2026-03-02T08:00:00+08:00"
    [difference] = shown["differences"]
    assert (difference["field"], difference["before"]) == ("when", "o3 > o3_hour_limit")
    assert shown["sentences"]["after"]["whole"]["zh"].startswith("所有")
    assert not shown["replayed"]
    found = knock.problem(409, "POST", f"{CHANGES}/{id}/release", "chief", json={"revision": 1})
    assert found["code"] == "change.replay_missing"
    replayed(knock, id)
    knock.json("POST", f"{CHANGES}/{id}/release", "chief", json={"revision": 1})
    found = knock.problem(409, "POST", f"{CHANGES}/{id}/release", "chief", json={"revision": 1})
    assert found["code"] == "change.state"
    released = knock.json("GET", f"{CHANGES}/{id}", "chief")
    assert (released["state"], released["release"], released["decided_by"]) == ("released", 1, "person:chief")
    assert released["in_force_at"] == "2026-03-02T08:00:00+08:00"
    knock.json("POST", f"{CHANGES}/{id}/roll-back", "chief", json={"reason": "误报"})
    assert knock.json("GET", f"{CHANGES}/{id}", "chief")["state"] == "rolled_back"


def test_an_edit_asks_for_another_replay_and_another_person(knock: Knock) -> None:
    id = propose(knock)
    replayed(knock, id)
    edit = {"revision": 1, "why": "再低一点", "definition": {"when": "o3 > 0.7 * o3_hour_limit"}}
    knock.json("PATCH", f"{CHANGES}/{id}", "chief", json=edit)
    assert knock.problem(409, "PATCH", f"{CHANGES}/{id}", "engineer", json=edit)["code"] == "change.revision"
    found = knock.problem(403, "POST", f"{CHANGES}/{id}/release", "chief", json={"revision": 2})
    assert found["code"] == "change.same_person"
    found = knock.problem(409, "POST", f"{CHANGES}/{id}/release", "admin", json={"revision": 2})
    assert found["code"] == "change.replay_stale"


def test_changes_are_listed_by_kind_name_and_state(knock: Knock) -> None:
    first, second = propose(knock), propose(knock, name="nitrogen_dioxide_hour", definition={"off": True})
    knock.json("POST", f"{CHANGES}/{first}/withdraw", "engineer", json={"reason": "不改了"})
    knock.json("POST", f"{CHANGES}/{second}/reject", "chief", json={"reason": "不同意"})
    listed = knock.json("GET", CHANGES, "chief")["items"]
    assert [(each["id"], each["state"]) for each in listed] == [(second, "rejected"), (first, "withdrawn")]
    assert [each["id"] for each in knock.json("GET", f"{CHANGES}?name=ozone_hour", "chief")["items"]] == [first]
    assert knock.json("GET", f"{CHANGES}?state=proposed", "chief")["items"] == []
    page = knock.json("GET", f"{CHANGES}?limit=1", "chief")
    assert knock.json("GET", f"{CHANGES}?limit=1&after={page['next']}", "chief")["items"][0]["id"] == first
    assert knock.problem(404, "GET", f"{CHANGES}/urn:ngsi-ld:Change:9", "chief")["code"] == "change.unknown"
    assert knock.problem(404, "DELETE", f"{CHANGES}/{first}/replay", "chief")["code"] == "change.replay_unknown"


def test_a_refusal_names_line_and_column(knock: Knock) -> None:
    body = PROPOSAL | {"definition": {"when": "o3 > 1 and\no3 ** 2 > 4"}}
    found = knock.problem(400, "POST", CHANGES, "engineer", json=body)
    assert (found["code"], found["where"]) == ("rule.condition", "rule ozone_hour:2:1")
    assert knock.json("GET", CHANGES, "chief")["items"] == []


def test_a_definition_is_looked_at_before_it_is_proposed(standing: Knock) -> None:
    body = {name: PROPOSAL[name] for name in ("kind", "name", "definition")}
    found = standing.json("POST", f"{CHANGES}/check", "engineer", json=body)
    assert [each["field"] for each in found["differences"]] == ["when"]
    assert found["sentences"]["after"]["when"]["en"].startswith("o3 > 0.8")
    wrong = body | {"definition": {"when": "o3 > ozone"}}
    refused = standing.problem(400, "POST", f"{CHANGES}/check", "engineer", json=wrong)
    assert (refused["code"], refused["where"]) == ("rule.name_unknown", "rule ozone_hour:1:6")
    standing.problem(403, "POST", f"{CHANGES}/check", "duty", json=body)


def test_who_may_do_what(knock: Knock) -> None:
    id = propose(knock)
    for path, body in (("release", {"revision": 1}), ("reject", {"reason": "x"}), ("roll-back", {"reason": "x"})):
        assert knock.problem(403, "POST", f"{CHANGES}/{id}/{path}", "engineer", json=body)["code"] == "access.denied"
    for who in ("duty", "handler", "clerk"):
        assert knock.problem(403, "GET", f"{CHANGES}/{id}", who)["code"] == "access.denied"
        assert knock.problem(403, "POST", CHANGES, who, json=PROPOSAL)["code"] == "access.denied"
        assert knock.problem(403, "POST", f"{CHANGES}/{id}/replay", who, json={})["code"] == "access.denied"
    assert (
        knock.problem(403, "POST", f"{CHANGES}/{id}/withdraw", "chief", json={"reason": "x"})["code"]
        == "change.not_author"
    )


def test_rules_are_sentences_with_their_version_and_counters(standing: Knock) -> None:
    rules = {rule["name"]: rule for rule in standing.json("GET", "/api/v1/rules", "engineer")["items"]}
    ozone = rules["ozone_hour"]
    assert (ozone["pack"], ozone["release"], ozone["off"]) == ("green/air", 0, False)
    assert ozone["hits"] == {"days": {}, "total": 0, "window_days": 30}
    assert set(ozone["sentence"]) == {"when", "lasting", "where", "then", "whole"}
    assert standing.json("GET", "/api/v1/rules/ozone_hour", "engineer") == ozone
    assert standing.problem(404, "GET", "/api/v1/rules/nothing", "engineer")["code"] == "rule.unknown"


def test_a_rule_is_tried_on_a_series(standing: Knock) -> None:
    samples = [
        {"at": f"2026-03-02T0{hour}:00:00+08:00", "values": {"o3": value}} for hour, value in enumerate((150, 210))
    ]
    path = "/api/v1/rules/ozone_hour/trial"
    steps = standing.json("POST", path, "engineer", json={"samples": samples})["steps"]
    assert [[said["word"] for said in step["says"]] for step in steps] == [[], ["fires"]]
    assert steps[1]["at"] == "2026-03-02T01:00:00+08:00"
    other = {"samples": samples, "definition": {"when": "o3 > 100"}}
    steps = standing.json("POST", path, "engineer", json=other)["steps"]
    assert [len(step["says"]) for step in steps] == [1, 1], "it fires, and tells again when it is worse"
    bad = {"samples": samples[::-1]}
    assert standing.problem(400, "POST", path, "engineer", json=bad)["code"] == "change.samples"
    assert standing.problem(400, "POST", path, "engineer", json={"samples": []})["code"] == "change.samples"
    unknown = "/api/v1/rules/nothing/trial"
    assert standing.problem(404, "POST", unknown, "engineer", json={"samples": samples})["code"] == "rule.unknown"
    wrong = {"samples": samples, "definition": {"when": "o3 >"}}
    assert standing.problem(400, "POST", path, "engineer", json=wrong)["code"] == "rule.condition"
