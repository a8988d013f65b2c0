"""Plays test_4_5_credit.md: the repair of credit, with a receipt of everybody who used the information (AT8)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from quanyu.assembly.core import PERSONAL
from quanyu.assembly.keeping import check_hub
from quanyu.kernel.journal import Command
from quanyu.kernel.time import parse_instant
from tests.browser.receiving import Receiver, receiving
from tests.plays.stage import DAY_US, HOUR_US, Person, Play, Stage, playing

STORY = Path(__file__).with_suffix(".md")
CONDITIONS: dict[str, Any] = {"corrected": True, "duty_done": True, "committed": True}
SECRET = "a signing secret of the publication window"


def steps(case: dict[str, Any]) -> set[str]:
    return {token["step"] for token in case["tokens"]}


def notices(case: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {notice["receiver"]: notice for notice in case["notices"]}


def hook(engineer: Person, url: str) -> None:
    body = {"id": "credit-portal", "url": url, "title": "Publication window", "kinds": ["case.told"],
            "where": {"receiver": "credit_portal"}, "secret": SECRET}  # fmt: skip
    engineer.send("/api/v1/webhooks", body)


def answered(stage: Stage, office: Person, id: str, receiver: str) -> dict[str, Any]:
    """Wait for a receipt that comes over the network."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        stage.settle()
        case = office.case(id)
        if notices(case)[receiver]["receipt_at"]:
            return case
        time.sleep(0.02)
    raise AssertionError(f"{receiver} did not answer")


def refused(receiver: Receiver) -> None:
    until = time.monotonic() + 20
    while not receiver.refused and time.monotonic() < until:
        time.sleep(0.01)
    assert receiver.refused, "the notice was not even tried"


class Cast:
    """Everybody in the play, each with a token of their own, and the publication window, another system."""

    def __init__(self, stage: Stage, window: Receiver) -> None:
        self.office, self.second = (stage.person(name, "handler", "credit.office") for name in ("office", "second"))
        officer = {"role": "credit_officer", "unit": "credit.office"}
        stage.hub.commit_blocking([Command("role.grant", "person:office", officer)], "system:test")
        self.counter, self.chief = stage.person("counter", "clerk"), stage.person("chief", "chief")
        self.market = stage.person("market", "handler", "market.supervision")
        self.procurement = stage.person("procurement", "handler", "procurement.office")
        self.engineer = stage.person("engineer", "engineer")
        self.window = window
        hook(self.engineer, window.url)


def recorded(stage: Stage, play: Play, cast: Cast) -> str:
    with play.step(1):
        id = cast.counter.opens(
            "credit_record",
            text="行政处罚:占道堆放建筑材料",
            title={"zh": "某建筑公司", "en": "A building firm"},
            channel="counter",
            reporter={"name": "公司经办人"},
            **{"class": "general"},
        )
        case = cast.office.does(id, "record", document="(2026)城罚字第 17 号", counted_from="2026-04-15",
                           subject_kind="body", published=True)  # fmt: skip
        assert steps(case) == {"published_on", "object"}
        publication = next(clock for clock in case["clocks"] if clock["name"] == "publication")
        assert parse_instant(publication["due"]) == parse_instant("2027-04-16T00:00:00+08:00")
    return id


def waited_and_applied(stage: Stage, play: Play, cast: Cast, id: str) -> None:
    with play.step(2):
        assert cast.counter.is_refused(id, "apply", **CONDITIONS)["code"] == "case.action_not_allowed"
        assert cast.office.is_refused(id, "published_on", reorganised=False)["code"] == "case.no_way"
    with play.step(3):
        case = cast.counter.does(id, "object", note="处罚对象不是本公司")
        answer = next(token for token in case["tokens"] if token["step"] == "answer")
        assert parse_instant(answer["due_at"]) == parse_instant("2026-05-06T00:00:00+08:00")
        stage.pass_time(12 * DAY_US)
        case = cast.office.does(id, "answer", note="经核实,文书载明的当事人即为该公司", upheld=False)
        assert steps(case) == {"published_on", "object"}
    with play.step(4):
        stage.pass_until("2026-07-15T12:00:00+08:00")
        assert steps(cast.office.case(id)) == {"published_on", "object"}
        stage.pass_until("2026-07-16T08:00:00+08:00")
        assert steps(cast.office.case(id)) == {"apply", "object"}
    with play.step(5):
        for condition in CONDITIONS:
            problem = cast.counter.is_refused(id, "apply", **(CONDITIONS | {condition: False}))
            assert problem["code"] == "case.no_way"
        assert steps(cast.counter.does(id, "apply", note="材料齐全", **CONDITIONS)) == {"verify", "object"}


def decided_and_told(stage: Stage, play: Play, cast: Cast, id: str) -> None:
    with play.step(6):
        cast.office.does(id, "verify", note="已向处罚机关核实")
        assert cast.office.is_refused(id, "decide", passed=True)["status"] == 403
        case = cast.second.does(id, "decide", note="符合条件,予以修复", passed=True)
        assert steps(case) == {"close", "object"}
    with play.step(7):
        assert notices(case).keys() == {"credit_portal", "market", "procurement"}
        assert {notice["receipt_at"] for notice in case["notices"]} == {None}
        refused(cast.window)
        assert cast.market.list("unanswered") == cast.procurement.list("unanswered") == {id}
    with play.step(8):
        cast.market.does(id, "acknowledge", note="已解除联合惩戒", receiver="market")
        assert notices(cast.office.case(id))["market"]["by"] == "person:market"
        assert cast.market.list("unanswered") == set()
    with play.step(9):
        problem = cast.office.is_refused(id, "close", outcome="fixed")
        assert problem["code"] == "case.receipts_missing"
        assert "2 of 3 receivers" in problem["detail"]
        assert "Credit publication window" in problem["detail"]
        assert cast.market.is_refused(id, "acknowledge", note="代签", receiver="procurement")["status"] == 403
    with play.step(10):
        stage.pass_time(2 * DAY_US)
        case = cast.office.case(id)
        assert notices(case)["procurement"]["tries"] > 1
        assert case["escalated_to"] == "credit.office"
        assert id in cast.procurement.list("unanswered")
        assert id in cast.chief.list("unanswered")


def answered_by_all(stage: Stage, play: Play, cast: Cast, id: str) -> None:
    with play.step(11):
        before = cast.office.case(id)
        stage.restart()
        after = cast.office.case(id)
        assert after["notices"] == before["notices"]
        assert after["version"] == before["version"]
        waiting = cast.engineer.get("/api/v1/webhooks/credit-portal/deliveries", state="waiting")["items"]
        assert waiting
    with play.step(12):
        cast.window.lives = True
        # The window says under which address it is back: what waits goes there at once.
        hook(cast.engineer, cast.window.url + "?back=1")
        case = answered(stage, cast.office, id, "credit_portal")
        assert notices(case)["credit_portal"]["by"] == "webhook:credit-portal"
        told = [letter["body"] for letter in cast.window.taken]
        assert len({body["key"] for body in told}) == 1, "told again or not, the key is the same"
        assert told[0]["data"]["document"] == "(2026)城罚字第 17 号"
    with play.step(13):
        cast.procurement.does(id, "acknowledge", note="已恢复投标资格", receiver="procurement")
        case = cast.office.does(id, "close", note="回执齐全", outcome="fixed")
        assert (case["state"], case["outcome"]["word"]) == ("closed", "fixed")
    with play.step(14):
        course = [entry["action"] for entry in cast.office.case(id)["actions"]]
        wanted = ["open", "record", "object", "answer", "apply", "verify", "decide", "tell", "receipt", "close"]
        places = [course.index(action) for action in wanted]
        assert places == sorted(places)
        assert course.count("acknowledge") == 2
        stage.pass_time(HOUR_US)
        assert cast.office.get("/api/v1/indicators/credit_repaired")["name"] == "credit_repaired"


def kept_and_erased(stage: Stage, play: Play, cast: Cast) -> None:
    with play.step(15):
        id = cast.counter.opens(
            "credit_person",
            text="赵六逾期未缴罚款",
            title={"zh": "赵六行政处罚信息", "en": "A penalty of Zhao Liu"},
            channel="counter",
            reporter={"name": "赵六"},
            **{"class": "minor"},
        )
        case = cast.office.does(id, "record", note="赵六本人到场", document="(2026)城罚字第 18 号",
                                counted_from="2026-07-20", act_ended="2026-07-01", subject_kind="person",
                                published=False)  # fmt: skip
        assert "赵六" not in str(case)
        assert "第 18 号" not in str(case)
        # Who only works on it has no business with the name; who answers for the record states a purpose.
        assert cast.second.opened(id, "核对登记内容").status_code == 403
        seen = cast.office.opened(id, "核对登记内容").json()
        assert (seen["name"], seen["title"], seen["text"]) == ("赵六", "赵六行政处罚信息", "赵六逾期未缴罚款")
        words = {name: value for each in seen["said"] for name, value in each.items() if name != "seq"}
        assert words == {"note": "赵六本人到场", "document": "(2026)城罚字第 18 号"}
        assert parse_instant(case["keeping"]["erases_at"]) == parse_instant("2031-07-02T00:00:00+08:00")
    with play.step(16):
        cast.counter.does(id, "apply", note="材料齐全", **CONDITIONS)
        cast.office.does(id, "verify", note="属实")
        cast.second.does(id, "decide", note="予以修复", passed=True)
        cast.market.does(id, "acknowledge", note="已撤下", receiver="market")
        cast.procurement.does(id, "acknowledge", note="已撤下", receiver="procurement")
        answered(stage, cast.office, id, "credit_portal")
        assert cast.office.does(id, "close", note="回执齐全", outcome="fixed")["state"] == "closed"
        stage.restart()
    with play.step(17):
        stage.pass_until("2031-07-02T08:00:00+08:00")
        case = cast.chief.case(id)
        assert case["keeping"]["erased_at"] is not None
        assert stage.hub.store.fetch_shared(PERSONAL, case["reporter"]) is None  # type: ignore[attr-defined]
        assert cast.office.opened(id, "核对登记内容").status_code == 404
        told = {each["receiver"] for each in case["notices"] if each["event"] == "credit_erased"}
        assert told == {"credit_portal", "market", "procurement"}
        cast.market.does(id, "acknowledge", note="已删除", receiver="market")
        cast.procurement.does(id, "acknowledge", note="已删除", receiver="procurement")
        assert cast.market.list("unanswered") == set()
    with play.step(18):
        report = check_hub(stage.hub)
        assert report.faults == []
        assert report.erased_persons == 1


def test_credit_is_repaired_everywhere(tmp_path: Path) -> None:
    with receiving() as window, playing(tmp_path / "home", STORY, "2026-04-15T09:00:00+08:00") as (stage, play):
        cast = Cast(stage, window)
        id = recorded(stage, play, cast)
        waited_and_applied(stage, play, cast, id)
        decided_and_told(stage, play, cast, id)
        answered_by_all(stage, play, cast, id)
        kept_and_erased(stage, play, cast)
        assert play.over
