"""What is one's own on the citizen pages: found, read, gone on with, answered and withdrawn without number and code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quanyu.assembly.clock import SimulatedClock
from quanyu.assembly.hub import Hub
from quanyu.assembly.personal import readings
from quanyu.faces.web.mine import PAGE
from quanyu.faces.web.sitting import COOKIE, SESSION_COOKIE
from quanyu.kernel.journal import Command
from quanyu.kernel.view import EVERYTHING, CaseQuery, Filter
from tests.faces.applying import FIRM, Applicant, applying, found_by_rule, given, hold, offered
from tests.faces.hall import HOUR, PROVENANCE, act, city_hall
from tests.faces.test_applications_api import Door
from tests.faces.test_web_do import case_of

OTHER = "firm:91110000600037341L"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with city_hall(tmp_path) as opened:
        hold(opened)
        yield opened


@pytest.fixture
def citizen(hub: Hub) -> Iterator[Applicant]:
    with applying(hub) as someone:
        someone.sign_in()
        yield someone


def rows(page: Any) -> list[str]:
    """The numbers in the list, as they stand."""
    return re.findall(r'href="/do/case/(\d{8}-\d+)', page.html)


def test_everything_of_ones_own_is_listed_and_what_waits_comes_first(hub: Hub, citizen: Applicant) -> None:
    assert "还没有" in citizen.go("/do/mine").text
    assert "您的申请和政策(0 件)" in citizen.go("/do").text
    handed, _ = citizen.start()
    citizen.answer_all(handed)
    citizen.press(f"/do/case/{handed}/check")
    draft, _ = citizen.start()
    offer, benefit = offered(hub), given(hub)
    looked_into = found_by_rule(hub, "policy_offer", ("新办企业辅导", "Guidance"), key="2")
    assert "2 件等您办理" in citizen.go("/do").text
    page = citizen.go("/do/mine")
    assert rows(page) == [offer, draft, benefit, handed]
    assert looked_into not in page.html
    assert "等您办理(2 件)" in page.text
    assert "请在2026年4月1日" in page.text
    assert "已直接办好" in page.text
    assert "政策推送" in page.text
    said = {"complete": False, "asked_for": "请补充店面平面图"}
    act(hub, f"urn:ngsi-ld:Case:{handed}", "handler", "services.centre", "review", fields=said)
    page = citizen.go("/do/mine?lang=en")
    assert rows(page) == [offer, draft, handed, benefit]
    assert "The office asks you to mend something" in page.text
    assert "Waiting for you (3)" in page.text


def test_one_goes_on_reads_and_withdraws_without_number_and_code(hub: Hub, citizen: Applicant) -> None:
    number, _ = citizen.start()
    citizen.browser.client.cookies.clear()
    citizen.go(f"/do/case/{number}", 403)
    citizen.sign_in()
    citizen.go("/do/mine")
    citizen.go(f"/do/case/{rows(citizen.page)[0]}")
    citizen.go(f"/do/case/{number}/q/shop_name")
    citizen.press(citizen.at, {"answer": "老王面馆"})
    assert case_of(hub, number)["application"]["forms"][0]["answers"][0]["value"] == "老王面馆"
    citizen.go(f"/do/case/{number}")
    citizen.press(f"/do/case/{number}/withdraw", {"sure": "yes"})
    assert citizen.at == "/do/mine"
    assert rows(citizen.page) == []
    citizen.go(f"/do/case/{number}", 403)


def test_an_offer_is_taken_in_one_step(hub: Hub, citizen: Applicant) -> None:
    number = offered(hub)
    page = citizen.go(f"/do/case/{number}").text
    assert "新增专利 1 件" in page
    assert "您要办这一项吗" in page
    assert "不需要说明理由" in page
    asked = citizen.page
    citizen.press(f"/do/case/{number}/answer", {"answer": "yes"})
    assert citizen.at == f"/do/case/{number}"
    assert case_of(hub, number)["step"] == "give"
    assert "兑现服务" in citizen.page.text
    citizen.page = asked
    citizen.press(f"/do/case/{number}/answer", {"answer": "no"})
    assert case_of(hub, number)["step"] == "give"
    act(
        hub,
        f"urn:ngsi-ld:Case:{number}",
        "handler",
        "services.enterprise",
        "give",
        note="已兑现",
        fields={"outcome": "granted"},
    )
    assert "已兑现" in citizen.go(f"/do/case/{number}").text


def test_declining_asks_no_reason_and_an_empty_or_stale_answer_changes_nothing(hub: Hub, citizen: Applicant) -> None:
    number = offered(hub)
    citizen.go(f"/do/case/{number}")
    citizen.press(f"/do/case/{number}/answer", {"answer": "perhaps"}, 422)
    assert "请选择接受还是谢绝" in citizen.page.text
    citizen.press(f"/do/case/{number}/answer", {"answer": "no", "key": "forged.1.x"}, 422)
    assert case_of(hub, number)["step"] == "answer"
    citizen.press(f"/do/case/{number}/answer", {"answer": "no"})
    hub.settled_blocking()
    assert case_of(hub, number)["outcome"]["word"] == "declined"
    assert rows(citizen.go("/do/mine")) == [number]
    assert "等您办理" not in citizen.page.text


def test_taking_an_offer_that_is_applied_for_goes_on_with_its_form(hub: Hub, citizen: Applicant) -> None:
    number = found_by_rule(hub, "policy_application", ("吸纳就业补贴推送", "Support for hiring is offered"))
    act(hub, f"urn:ngsi-ld:Case:{number}", "handler", "services.enterprise", "check", fields={"fits": True})
    assert "推送给您的政策" in citizen.go("/do/mine").text
    citizen.go(f"/do/case/{number}")
    citizen.press(f"/do/case/{number}/answer", {"answer": "yes"})
    assert "老王餐饮有限公司" in citizen.page.text
    assert "您已接受,请在2026年4月" in citizen.go("/do/mine").text
    citizen.answer_all(number, {"account": "某银行 62220000", "person_phone": "13800138000"})
    citizen.press(f"/do/case/{number}/check")
    assert case_of(hub, number)["step"] == "give"
    (handed,) = case_of(hub, number)["application"]["handed_in"]
    assert {line["element"] for line in handed["held"]} == {"firm.name", "firm.credit_code", "firm.in_business"}
    assert "等您办理" not in citizen.go("/do/mine").text
    assert "兑现服务" in citizen.go(f"/do/case/{number}").text
    citizen.go("/do/known")
    assert "登记数据所指" in citizen.page.text


def test_a_benefit_says_what_was_done_and_asks_for_nothing(hub: Hub, citizen: Applicant) -> None:
    number = given(hub)
    page = citizen.go(f"/do/case/{number}")
    assert "已兑付" in page.text
    assert "免申即享" in page.text
    assert f"/do/case/{number}/answer" not in page.html
    for path in ("/receipt", "/check", "/q/shop_name", "/wrong/firm_name"):
        citizen.go(f"/do/case/{number}{path}")
        assert "已兑付" in citizen.page.text
    citizen.go("/do/mine?lang=en")
    assert "Given on" in citizen.page.text


def test_nobody_else_sees_any_of_it(hub: Hub, citizen: Applicant) -> None:
    number, code = citizen.start()
    offer, benefit = offered(hub), given(hub)
    own = (number, offer, benefit)
    with applying(hub) as stranger:
        assert stranger.go("/do/mine").text
        assert stranger.at == "/do/sign-in"
        assert "您的申请和政策" not in stranger.go("/do").text
        for each in own:
            stranger.go(f"/do/case/{each}", 403)
            key = "Sec-Fetch-Site"
            sent = stranger.browser.request("POST", f"/do/case/{each}/answer", data={"answer": "yes"},
                                            headers={key: "same-origin"})  # fmt: skip
            assert sent.status_code == 403
        stranger.go("/do/continue")
        stranger.press("/do/continue", {"number": number, "code": code})
        stranger.go(f"/do/case/{number}")
        stranger.go("/do/mine")
        assert stranger.at == "/do/sign-in"
        stranger.go(f"/do/case/{offer}", 403)
        stranger.browser.client.cookies.clear()
        stranger.sign_in(OTHER)
        assert rows(stranger.go("/do/mine")) == []
        for each in own:
            stranger.go(f"/do/case/{each}", 403)
        stranger.browser.client.cookies.clear()
        stranger.browser.client.cookies.set(COOKIE, f"{FIRM}.9999999999.forged", domain="127.0.0.1", path="/do")
        stranger.go("/do/mine")
        assert stranger.at == "/do/sign-in"
    citizen.go("/do")
    citizen.press("/do/sign-in", {"go": "out"})
    citizen.go("/do/mine")
    assert citizen.at == "/do/sign-in"
    assert case_of(hub, offer)["step"] == "answer"


def test_the_list_is_paged_and_searched_by_words_and_number(hub: Hub, citizen: Applicant) -> None:
    given_away = given(hub)
    numbers = [offered(hub, key=str(place)) for place in range(PAGE + 3)]
    first = rows(citizen.go("/do/mine"))
    assert first[:PAGE] == numbers[: -PAGE - 1 : -1]
    link = re.search(r'href="(/do/mine\?[^"]*after=[^"]+)"', citizen.page.html)
    assert link is not None
    more = rows(citizen.go(link[1].replace("&amp;", "&")))
    assert more == [*numbers[2::-1], given_away]
    assert "等您办理(" not in citizen.page.text
    assert rows(citizen.go("/do/mine?q=就业")) == [given_away]
    assert rows(citizen.go(f"/do/mine?q={numbers[4]}")) == [numbers[4]]
    assert rows(citizen.go("/do/mine?q=没有这样的")) == []
    citizen.go("/do/mine?after=forged", 400)
    assert len(rows(citizen.go("/do/mine?type=large"))) == PAGE


def test_an_erased_firm_finds_nothing_and_a_lapsed_draft_is_gone(hub: Hub, citizen: Applicant) -> None:
    assert isinstance(hub.clock, SimulatedClock)
    draft, _ = citizen.start()
    offer = offered(hub)
    hub.clock.jump(hub.clock.now() + 45 * 24 * HOUR)
    hub.settled_blocking()
    assert rows(citizen.go("/do/mine")) == [offer]
    assert case_of(hub, draft)["state"] == "closed"
    hub.commit_blocking([Command("person.erase", FIRM, {"reason": "asked"})], "system:test")
    hub.settled_blocking()
    assert rows(citizen.go("/do/mine")) == []
    citizen.go(f"/do/case/{offer}", 403)
    own = hub.views.cases.query(CaseQuery(list="all"), Filter(subjects=frozenset({FIRM})))
    assert own.items == []
    entries = hub.views.cases.find(f"urn:ngsi-ld:Case:{offer}", EVERYTHING)
    assert entries is not None
    assert entries["actions"][-1]["action"] == "disown"


class TestEmpty:
    """A required question is not passed over, and may be left open on purpose."""

    @pytest.mark.parametrize(
        ("name", "said"),
        [("shop_name", "请填写"), ("meals", "请选择"), ("sets_sign", "请选择"), ("premises_right", "请选择文件")],
    )
    def test_continue_with_nothing_shows_the_question_again(
        self, hub: Hub, citizen: Applicant, name: str, said: str
    ) -> None:
        number, _ = citizen.start()
        version = case_of(hub, number)["version"]
        question = f"/do/case/{number}/q/{name}"
        citizen.go(question)
        typed = {"answer": ""} if name == "shop_name" else {}
        citizen.press(question, typed, 422)
        html = citizen.page.html
        assert said in citizen.page.text
        assert 'href="#answer"' in html
        assert "answer-wrong" in html
        assert 'aria-invalid="true"' in html
        assert re.search(r'aria-describedby="[^"]*answer-wrong', html)
        assert case_of(hub, number)["version"] == version
        citizen.press(question, typed | {"skip": "later"})
        assert citizen.at != question
        assert case_of(hub, number)["version"] == version + 1

    def test_what_is_left_open_is_marked_and_refused_with_every_fault(self, hub: Hub, citizen: Applicant) -> None:
        number, _ = citizen.start()
        citizen.go(f"/do/case/{number}/q/shop_name")
        for _ in range(20):
            if "/q/" not in citizen.at:
                break
            optional = citizen.at.endswith("/opening_on")
            citizen.press(citizen.at, {} if optional else {"skip": "later"})
        assert citizen.at.endswith("/check")
        page = citizen.page.text
        assert page.count("留待补填") >= 4
        citizen.press(f"/do/case/{number}/check", status=422)
        assert 'href="#shop_name"' in citizen.page.html
        assert 'href="#person_phone"' in citizen.page.html
        citizen.go(f"/do/case/{number}/q/shop_name?go=check")
        assert "这一题您上次没有填" in citizen.page.text
        citizen.press(citizen.at, {"skip": "later"})
        assert citizen.at.endswith("/check")
        assert "手头没有" not in citizen.go(f"/do/case/{number}/q/opening_on").text

    def test_what_was_typed_counts_even_beside_the_second_button(self, hub: Hub, citizen: Applicant) -> None:
        number, _ = citizen.start()
        question = f"/do/case/{number}/q/person_phone"
        citizen.go(question)
        citizen.press(question, {"answer": "12", "skip": "later"}, 422)
        assert dict(citizen.page.form(question).fields)["answer"] == "12"
        citizen.press(question, {"answer": "13800138000", "skip": "later"})
        citizen.go(f"/do/case/{number}/check")
        assert "13800138000" in citizen.page.text


class TestEligible:
    """Whether one may, before anything is begun."""

    def test_a_proven_firm_is_told_and_only_what_decides_is_fetched_and_written_down(
        self, hub: Hub, citizen: Applicant
    ) -> None:
        assert "按登记数据,您符合条件" in citizen.go("/do/item/open_restaurant").text
        (reading,) = readings(hub, FIRM)
        assert sorted(reading["elements"]) == ["firm.in_business", "premises.use"]
        assert "whether the conditions are met" in reading["purpose"]
        values = {"premises.use": "dwelling"}
        body = {"register": "premises", "values": values, "as_of": "2026-03-01", "source": "demonstration"}
        hub.commit_blocking([Command("register.put", FIRM, body, PROVENANCE)], "simulation:test")
        page = citizen.go("/do/item/open_restaurant?lang=en").text
        assert "As registers stand, you cannot have this" in page
        assert "not met" in page
        assert "Decided by:" in page
        citizen.go("/do/known?lang=zh")
        assert "办理前查看是否符合条件" in citizen.page.text

    def test_a_stranger_reads_what_decides_it_and_nothing_is_fetched(self, hub: Hub) -> None:
        with applying(hub) as stranger:
            page = stranger.go("/do/item/open_restaurant").text
        assert "依据:" in page
        assert "现在没有查看任何数据" in page
        assert "符合条件。" not in page
        assert readings(hub, FIRM) == []

    def test_what_no_register_knows_is_said_to_be_asked(self, hub: Hub) -> None:
        with applying(hub) as someone:
            someone.sign_in(OTHER)
            assert "还不清楚,办理时会问您" in someone.go("/do/item/open_restaurant").text


class TestDesk:
    """An officer looks a list up for whoever shows a document."""

    def test_a_clerk_sees_the_list_for_a_purpose_that_is_written_down(self, hub: Hub, citizen: Applicant) -> None:
        number, _ = citizen.start()
        door = Door(hub)
        try:
            with applying(hub) as clerk:
                clerk.browser.client.cookies.set(SESSION_COOKIE, door.session("clerk"), domain="127.0.0.1")
                clerk.go("/do")
                clerk.press("/do/desk", {"desk": "counter"})
                clerk.go("/do/mine")
                clerk.press("/do/mine", {"subject": FIRM[5:], "document": ""}, 422)
                clerk.press("/do/mine", {"subject": "a b", "document": ""}, 422)
                assert 'href="#subject"' in clerk.page.html
                assert 'href="#document"' in clerk.page.html
                assert not [each for each in readings(hub, FIRM) if "applications" in each["purpose"]]
                clerk.press("/do/mine", {"subject": FIRM[5:], "document": "营业执照正本"})
                assert rows(clerk.page) == [number]
                clerk.go(f"/do/case/{number}/q/shop_name")
                clerk.press(clerk.at, {"answer": ""}, 422)
                clerk.press(f"/do/case/{number}/q/shop_name", {"skip": "later"})
                assert "留待补填" in clerk.go(f"/do/case/{number}/check").text
            looks = [each for each in readings(hub, FIRM) if "finding the applicant's applications" in each["purpose"]]
            assert [(each["actor"], each["proof"]) for each in looks] == [("person:clerk", "营业执照正本")]
            citizen.go("/do/known")
            assert "应申请人要求查看其申请和政策" in citizen.page.text
            with applying(hub) as handler:
                handler.browser.client.cookies.set(SESSION_COOKIE, door.session("handler"), domain="127.0.0.1")
                handler.go("/do/mine")
                assert handler.at == "/do/sign-in"
        finally:
            door.close()
