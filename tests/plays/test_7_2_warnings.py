"""7.2, played: see the .md file beside this one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from capvalidator import Validator

from quanyu.kernel.cap import MEDIA_TYPE, check_alert, read_alert
from quanyu.kernel.journal import Command
from tests.kernel.test_cap import BOMB, GOOD
from tests.plays.stage import HOUR_US, Person, Play, Stage, playing

STORY = Path(__file__).with_suffix(".md")
RING = [[116.2, 39.9], [116.4, 39.9], [116.4, 40.05], [116.2, 40.05], [116.2, 39.9]]
DRAFT: dict[str, Any] = {
    "event": "rainstorm",
    "colour": "orange",
    "starts_at": "2026-07-21T02:00:00+08:00",
    "expires_at": "2026-07-21T14:00:00+08:00",
    "target": {"zh": "海淀区南部", "en": "the south of Haidian", "polygons": [RING]},
    "issuer": "emergency.duty",
    "channels": ["speakers", "screens"],
}


def refused(person: Person, path: str, body: dict[str, Any], code: str) -> dict[str, Any]:
    """Send what must be refused."""
    answer = person._stage.ask("POST", path, person._token, json=body)
    assert answer.is_client_error, answer.text
    problem: dict[str, Any] = answer.json()
    assert problem["code"] == code, problem
    assert problem["detail"]
    return problem


def texts(author: Person, draft: dict[str, Any]) -> dict[str, Any]:
    """The draft with the texts of its template."""
    return draft | {"texts": author.send("/api/v1/warnings/template", draft)["texts"]}


def issued(author: Person, second: Person, draft: dict[str, Any]) -> dict[str, Any]:
    """Draft, submit, approve, publish."""
    made = author.send("/api/v1/warnings", texts(author, draft))
    path = f"/api/v1/warnings/{made['id']}"
    author.send(f"{path}/submit", {"revision": 1})
    second.send(f"{path}/approve", {"revision": 1, "note": "属实"})
    found: dict[str, Any] = author.send(f"{path}/publish", {"revision": 1})
    return found


def put_terminals(engineer: Person) -> None:
    """Two actual channels and one of exercises; a channel never changes its kind."""
    for id, mode in (("speakers", "actual"), ("screens", "actual"), ("drill", "exercise")):
        body = {"mode": mode, "kind": "loudspeaker", "zh": id, "en": id, "simulated": True}
        engineer.send(f"/api/v1/warning-channels/{id}", body)
        terminals = [
            {"id": f"{id}-{n}", "lon": 116.15 + n * 0.01, "lat": 40.0, "district": "110108", "simulated": True}
            for n in range(20)
        ]
        assert engineer.send(f"/api/v1/warning-channels/{id}/terminals", {"terminals": terminals})["count"] == 20
        other = body | {"mode": "exercise" if mode == "actual" else "actual"}
        refused(engineer, f"/api/v1/warning-channels/{id}", other, "warning.channel_mode")


def put_homes(stage: Stage) -> None:
    """Three communities, two of them in the area."""
    for number, lon in enumerate((116.25, 116.3, 116.6)):
        id = f"urn:ngsi-ld:ResidentialCommunity:{number}"
        point = {"type": "Point", "coordinates": [lon, 39.95]}
        document = {
            "id": id,
            "type": "ResidentialCommunity",
            "name": {"type": "Property", "value": {"zh": f"社区{number}", "en": f"Community {number}"}},
            "district": {"type": "Property", "value": "110108"},
            "location": {"type": "GeoProperty", "value": point},
            "population": {"type": "Property", "value": 1000 + number, "unitCode": "IE"},
        }
        stage.hub.commit_blocking([Command("entity.create", id, document)], "system:test")


def test_a_rainstorm_from_draft_to_review(tmp_path: Path) -> None:
    with playing(tmp_path / "home", STORY, "2026-07-21T01:00:00+08:00") as (stage, play):
        rain(stage, play)


def rain(stage: Stage, play: Play) -> None:
    """The whole story, step by step."""
    author, second = stage.person("author", "warning_author"), stage.person("second", "warning_approver")
    engineer, gateway = stage.person("engineer", "warning_engineer"), stage.person("gateway", "warning_gateway")
    peer = stage.person("peer", "warning_peer")
    with play.step(1):
        put_terminals(engineer)
        put_homes(stage)
    with play.step(2):
        first = write(author)
    with play.step(3):
        for fields, where in (({"colour": "purple"}, "colour"), ({"event": "frogs"}, "event")):
            unknown = refused(author, "/api/v1/warnings", fields, "warning.word_unknown")
            assert unknown["where"] == where
            assert {"red", "rainstorm"} & set(unknown["allowed"])
        lacking = author.send("/api/v1/warnings", {"event": "rainstorm"})
        problem = refused(author, f"/api/v1/warnings/{lacking['id']}/submit", {"revision": 1}, "warning.incomplete")
        assert {"level", "start", "area", "notes", "measures", "issuer"} <= {
            each["check"] for each in problem["faults"]
        }
        author.send(f"/api/v1/warnings/{lacking['id']}/drop", {"revision": 1, "note": "重复"})
    with play.step(4):
        two_persons(stage, author, second, first)
    with play.step(5):
        one = author.send(f"/api/v1/warnings/{first['id']}/publish", {"revision": 1})
        seen_by_all(stage, one)
    with play.step(6):
        receipts(author, gateway, one)
    with play.step(7):
        sheet = author.get(f"/api/v1/warnings/{one['id']}/fallback")
        assert [home["people"] for home in sheet["homes"]] == [1000, 1001]
        assert "screens-5" in {each["id"] for each in sheet["silent"]}
        assert sheet["voice"]["zh"].startswith("请注意")
    with play.step(8):
        two = issued(author, second, DRAFT | {"kind": "Update", "colour": "red", "replaces": one["id"]})
        old = author.get(f"/api/v1/warnings/{one['id']}")
        assert (old["standing"], old["chain"][-1]["id"]) == ("superseded", two["id"])
        assert author.case(old["case"])["step"] == "review"
    with play.step(9):
        lifted = issued(author, second, DRAFT | {"kind": "Cancel", "replaces": two["id"]})
        for over in (one, two):
            refused(author, f"/api/v1/warnings/{over['id']}/resend", {"channel": "speakers"}, "warning.over")
        assert author.get(f"/api/v1/warnings/{two['id']}")["standing"] == "cancelled"
        assert "<entry>" not in feed(stage)
        assert author.case(lifted["case"])["step"] == "review"
    with play.step(10):
        exercise(stage, author, second)
    with play.step(11):
        from_a_peer(stage, author, peer)
    with play.step(12):
        last = issued(author, second, DRAFT)
        stage.pass_time(14 * HOUR_US)
        assert author.get(f"/api/v1/warnings/{last['id']}")["standing"] == "expired"
        case = second.does(last["case"], "review", note="已过有效期", lessons="三分钟内触达全部喇叭", outcome="lifted")
        assert (case["state"], case["outcome"]["word"]) == ("closed", "lifted")


def write(author: Person) -> dict[str, Any]:
    """Draft from the template, and look before it is handed on."""
    draft = texts(author, DRAFT)
    seen = author.send("/api/v1/warnings/preview", draft)
    assert seen["faults"] == []
    assert seen["terminals"] == {"speakers": 15, "screens": 15}
    assert (seen["area"]["people"], seen["area"]["types"]) == (2001, {"ResidentialCommunity": 2})
    assert set(seen["looks"]) == {"page", "large", "voice", "cap"}
    made: dict[str, Any] = author.send("/api/v1/warnings", draft)
    assert made["faults"] == []
    return author.send(f"/api/v1/warnings/{made['id']}/submit", {"revision": 1})  # type: ignore[no-any-return]


def two_persons(stage: Stage, author: Person, second: Person, first: dict[str, Any]) -> None:
    """By the author never, around it never, twice never."""
    path = f"/api/v1/warnings/{first['id']}"
    both = stage.person("both", "warning_author")
    grant = Command("role.grant", "person:author", {"role": "warning_approver"})
    stage.hub.commit_blocking([grant], "system:test")
    refused(author, f"{path}/approve", {"revision": 1}, "warning.same_person")
    assert second.is_refused(first["case"], "approve", passed=True)["code"] == "case.companion"
    assert both.is_refused(first["case"], "draft")["code"] in ("case.companion", "case.action_not_allowed")
    second.send(f"{path}/approve", {"revision": 1, "note": "属实"})
    refused(second, f"{path}/approve", {"revision": 1}, "warning.standing")


def feed(stage: Stage) -> str:
    """The public feed, as anybody reads it."""
    answer = stage.ask("GET", "/cap/feed.atom", "")
    assert answer.is_success, answer.text
    return answer.text


def seen_by_all(stage: Stage, one: dict[str, Any]) -> None:
    """The identifier, the message, the feed."""
    assert len(one["identifier"]) == 31
    assert one["in_force"] is True
    answer = stage.ask("GET", f"/cap/alerts/{one['identifier']}", "")
    assert answer.headers["content-type"].startswith(MEDIA_TYPE)
    assert Validator(answer.content).schema()[0]
    alert = read_alert(answer.content)
    assert check_alert(alert, stage.now) == []
    info = alert.infos[0]
    assert info.sender_name == "应急值守部门"
    assert {"quanyu:colour", "quanyu:class", "quanyu:notes", "quanyu:measures"} <= {
        each.name for each in info.parameters
    }
    assert one["identifier"] in feed(stage)
    assert stage.hub.warnings.in_force()[0]["identifier"] == one["identifier"]


def receipts(author: Person, gateway: Person, one: dict[str, Any]) -> None:
    """In batches, by id or number; counted, and the silent told again."""
    path = f"/api/v1/warnings/{one['id']}"
    asked = {each["channel"]: each["asked"] for each in one["reach"]}
    ids = [f"speakers-{n}" for n in range(6, 10)]
    sent = {"channel": "speakers", "terminals": ids, "states": ["reached", "acknowledged", "failed", "reached"]}
    assert gateway.send(f"{path}/receipts", sent)["recorded"] == 4
    refused(gateway, f"{path}/receipts", sent | {"states": ["reached"]}, "warning.receipts")
    refused(gateway, f"{path}/receipts", sent | {"terminals": ["nobody"] * 4}, "warning.terminal_unknown")
    screens, speakers = sorted(author.get(path)["reach"], key=lambda each: str(each["channel"]))
    assert (speakers["reached"], speakers["acknowledged"], speakers["failed"]) == (2, 1, 1)
    assert screens["silent"] == asked["screens"]
    assert speakers["simulated"] is True
    (haidian,) = author.get(f"{path}/districts")["items"]
    assert haidian["asked"] == sum(asked.values())
    failed = author.get(f"{path}/terminals", channel="speakers", state="failed")["items"]
    assert [each["id"] for each in failed] == ["speakers-8"]
    again = author.send(f"{path}/resend", {"channel": "speakers"})
    assert {each["channel"]: each["round"] for each in again["reach"]} == {"speakers": 1, "screens": 0}


def exercise(stage: Stage, author: Person, second: Person) -> None:
    """Actual channels are refused; on its own it is heard by those who take part, and by nobody else."""
    drill = DRAFT | {"status": "Exercise", "exercise": "七月防汛演练"}
    made = author.send("/api/v1/warnings", texts(author, drill))
    problem = refused(author, f"/api/v1/warnings/{made['id']}/submit", {"revision": 1}, "warning.incomplete")
    assert {each["check"] for each in problem["faults"]} == {"channels.mode"}
    done = issued(author, second, drill | {"channels": ["drill"]})
    assert done["reach"][0]["mode"] == "exercise"
    assert done["identifier"] not in feed(stage)
    assert stage.ask("GET", f"/cap/alerts/{done['identifier']}", "").status_code == 404
    sent = stage.hub.journal_read(0, 100_000, ["warning.sent"])
    assert {(record.body or {})["mode"] for record in sent if record.subject == done["id"]} == {"exercise"}


def from_a_peer(stage: Stage, author: Person, peer: Person) -> None:
    """A case for the duty officer, and nothing goes out; a bomb is refused and opens nothing."""
    before = feed(stage)
    stranger = stage.ask("POST", "/cap/alerts", author._token, content=GOOD.encode())
    assert stranger.status_code == 403
    answer = stage.ask("POST", "/cap/alerts", peer._token, content=GOOD.encode())
    assert answer.status_code == 201, answer.text
    case = author.case(answer.json()["case"])
    assert (case["flow"], case["step"]) == ("warning_notice", "assess")
    again = stage.ask("POST", "/cap/alerts", peer._token, content=GOOD.encode())
    assert again.json()["code"] == "warning.received_before"
    bomb = stage.ask("POST", "/cap/alerts", peer._token, content=BOMB.encode() + GOOD.partition("?>")[2].encode())
    assert (bomb.status_code, bomb.json()["code"]) == (400, "cap.doctype")
    assert feed(stage) == before
