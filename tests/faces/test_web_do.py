"""Applying on the citizen pages without JavaScript: from the list to the receipt, saved, gone on with, withdrawn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from quanyu import cities
from quanyu.assembly.clock import SimulatedClock
from quanyu.assembly.hub import Hub
from quanyu.engines.cases.engine import CasesEngine
from quanyu.kernel.time import moment, parse_calendar
from quanyu.kernel.view import EVERYTHING, CaseQuery
from tests.faces.applying import FIRM, Applicant, applying, hold
from tests.faces.hall import HOUR, MORNING, act, city_hall


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with city_hall(tmp_path) as opened:
        hold(opened)
        yield opened


@pytest.fixture
def citizen(hub: Hub) -> Iterator[Applicant]:
    with applying(hub) as someone:
        yield someone


def case_of(hub: Hub, number: str) -> dict[str, Any]:
    found = hub.views.cases.find(f"urn:ngsi-ld:Case:{number}", EVERYTHING)
    assert found is not None
    return found


def test_a_signed_in_firm_opens_a_restaurant(hub: Hub, citizen: Applicant) -> None:
    assert "开办餐饮店" in citizen.go("/do?q=餐饮").text
    citizen.sign_in()
    number, code = citizen.start()
    assert code
    page = citizen.page.text
    assert "老王餐饮有限公司" in page
    assert "2026-02-28" in page
    citizen.answer_all(number)
    citizen.press(f"/do/case/{number}/check")
    assert citizen.at == f"/do/case/{number}/receipt"
    assert "已提交" in citizen.page.text
    case = case_of(hub, number)
    assert case["step"] == "review"
    assert {line["element"] for line in case["application"]["handed_in"][0]["held"]} >= {
        "firm.name",
        "premises.area_m2",
    }
    assert "13800138000" not in str(case)
    assert [each["subject"] for each in case["application"]["subjects"]] == [FIRM]


def test_a_stranger_is_asked_everything_and_goes_on_at_another_browser(hub: Hub, citizen: Applicant) -> None:
    number, code = citizen.start()
    citizen.go(f"/do/case/{number}/q/shop_name")
    citizen.press(citizen.at, {"answer": "老王面馆"})
    with applying(hub) as other:
        other.go(f"/do/case/{number}", 403)
        other.press("/do/continue", {"number": number, "code": "AAAABBBBCCCC"}, 403)
        other.press("/do/continue", {"number": number, "code": code.lower()})
        assert other.at == f"/do/case/{number}"
        other.go(f"/do/case/{number}/check")
        assert "老王面馆" in other.page.text
        assert "请回答这个问题" in other.page.text
        other.press(f"/do/case/{number}/check", status=422)
        assert "还有问题没有回答" in other.page.text


def test_what_the_city_holds_is_never_shown_to_a_stranger_with_a_code(hub: Hub, citizen: Applicant) -> None:
    citizen.sign_in()
    number, code = citizen.start()
    with applying(hub) as other:
        other.go("/do/continue")
        other.press("/do/continue", {"number": number, "code": code})
        assert "老王餐饮有限公司" not in other.page.html
        assert "已有登记" in other.page.text
        other.go(f"/do/case/{number}/check")
        assert "老王餐饮有限公司" not in other.page.html
        other.sign_in("firm:91110108MA01ABCD3X")
        other.go(f"/do/case/{number}")
        assert "老王餐饮有限公司" not in other.page.html


def test_not_right_opens_a_correction_and_the_applicants_word_counts(hub: Hub, citizen: Applicant) -> None:
    citizen.sign_in()
    number, _ = citizen.start()
    citizen.go(f"/do/case/{number}/wrong/premises_area_m2")
    citizen.press(citizen.at, {"answer": ""}, 422)
    citizen.press(f"/do/case/{number}/wrong/premises_area_m2", {"answer": "去年扩建过"})
    assert citizen.at == f"/do/case/{number}/q/premises_area_m2"
    citizen.press(citizen.at, {"answer": "60"})
    case = case_of(hub, number)
    assert case["application"]["contradicted"] == ["premises_area_m2"]
    hub.settled_blocking()
    corrections = hub.views.cases.query(CaseQuery(list="all", flow="register_correction"), EVERYTHING).items
    assert [each["class"] for each in corrections] == ["premises"]
    assert corrections[0]["unit"] == hub.forms.get_register("premises").owner


def test_sending_twice_and_going_back_do_nothing_twice(hub: Hub, citizen: Applicant) -> None:
    citizen.go("/do/item/open_restaurant")
    first = citizen.page
    citizen.press("/do/item/open_restaurant")
    number = citizen.at.rpartition("/")[2]
    citizen.page = first
    citizen.press("/do/item/open_restaurant")
    assert citizen.at.rpartition("/")[2] == number
    question = f"/do/case/{number}/q/shop_name"
    citizen.go(question)
    asked = citizen.page
    citizen.press(question, {"answer": "一"})
    citizen.page = asked
    citizen.press(question, {"answer": "一"})
    version = case_of(hub, number)["version"]
    citizen.page = asked
    citizen.press(question, {"answer": "二"}, 422)
    assert case_of(hub, number)["version"] == version


def test_two_people_at_one_draft_lose_nothing(hub: Hub, citizen: Applicant) -> None:
    number, code = citizen.start()
    question = f"/do/case/{number}/q/shop_name"
    citizen.go(question)
    with applying(hub) as other:
        other.go("/do/continue")
        other.press("/do/continue", {"number": number, "code": code})
        other.go(question)
        other.press(question, {"answer": "新名字"})
    citizen.press(question, {"answer": "老名字"}, 422)
    assert "刚才有人改动了这份申请" in citizen.page.text
    assert dict(citizen.page.form(question).fields)["answer"] == "老名字"
    citizen.press(question, {"answer": "老名字"})
    assert case_of(hub, number)["application"]["forms"][0]["answers"][0]["value"] == "老名字"


def test_an_expired_key_and_an_expired_sitting_keep_what_was_typed(hub: Hub, citizen: Applicant) -> None:
    number, _ = citizen.start()
    question = f"/do/case/{number}/q/shop_name"
    citizen.go(question)
    citizen.press(question, {"answer": "老名字", "key": "forged.1.x"}, 422)
    assert dict(citizen.page.form(question).fields)["answer"] == "老名字"
    citizen.browser.client.cookies.clear()
    citizen.press(question, {"answer": "老名字"}, 403)
    assert "老名字" in citizen.page.text
    assert "本次登录已结束" in citizen.page.text


def test_a_file_that_is_not_what_it_says_is_refused(hub: Hub, citizen: Applicant) -> None:
    citizen.sign_in()
    number, _ = citizen.start()
    citizen.go(f"/do/case/{number}/q/meals")
    citizen.press(citizen.at, {"answer": ["hot"]})
    question = f"/do/case/{number}/q/layout_plan"
    for name, content, said in (
        ("plan.pdf", b"MZ\x90\x00 this is a program", "不是照片也不是 PDF"),
        ("plan.jpg", b"%PDF-1.4\n%%EOF", "与名称不符"),
    ):
        citizen.go(question)
        citizen.press(question, files=[(name, content, "application/pdf")], status=422)
        assert said in citizen.page.text
    assert case_of(hub, number)["version"] == 2


def test_a_form_with_a_million_fields_is_a_page_with_clear_words(citizen: Applicant) -> None:
    number, _ = citizen.start()
    body = "&".join(f"f{place}=1" for place in range(200_000))
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
    response = citizen.browser.request("POST", f"/do/case/{number}/q/shop_name", content=body, headers=headers)
    assert response.status_code == 400
    assert "表单没有完整收到" in response.text


def test_withdrawing_a_draft_forgets_it(hub: Hub, citizen: Applicant) -> None:
    number, _ = citizen.start()
    citizen.go(f"/do/case/{number}/q/person_phone")
    citizen.press(citizen.at, {"answer": "13800138000"})
    citizen.go(f"/do/case/{number}")
    citizen.press(f"/do/case/{number}/withdraw", status=422)
    citizen.press(f"/do/case/{number}/withdraw", {"sure": "yes"})
    case = case_of(hub, number)
    assert case["outcome"]["word"] == "withdrawn"
    assert case["application"]["forms"][0]["answers"] == []


def test_nobody_is_chosen_outside_a_demo_city_or_signed_in_by_a_forged_link(hub: Hub, citizen: Applicant) -> None:
    citizen.go("/do/sign-in?link=firm:91350100M000100Y43.9999999999.forged", 422)
    citizen.press("/do/sign-in", {"subject": FIRM[5:], "code": "AAAABBBBCCCC"}, 422)
    assert "老王餐饮有限公司" in citizen.page.text
    citizen.press("/do/sign-in", {"subject": FIRM, "go": "simulated"})
    assert FIRM[5:] in citizen.page.text
    hub.simulated = False
    with applying(hub) as other:
        other.go("/do/sign-in")
        other.press("/do/sign-in", {"subject": FIRM, "go": "simulated"}, 422)


def test_pages_speak_both_languages_and_large_type_is_plain(hub: Hub, citizen: Applicant) -> None:
    citizen.sign_in()
    number, _ = citizen.start()
    for path in ("/do", "/do/item/open_restaurant", "/do/sign-in", "/do/continue", f"/do/case/{number}",
                 f"/do/case/{number}/check", f"/do/case/{number}/q/meals", f"/do/case/{number}/receipt"):  # fmt: skip
        for query in ("?lang=en", "?lang=zh&type=large"):
            citizen.go(path + query)
    assert "店里卖什么" in citizen.go(f"/do/case/{number}/q/meals?lang=zh&type=large").text
    assert "What is sold" in citizen.go(f"/do/case/{number}/q/meals?lang=en").text


def handed_in(citizen: Applicant) -> str:
    citizen.sign_in()
    number, _ = citizen.start()
    citizen.answer_all(number)
    citizen.press(f"/do/case/{number}/check")
    return number


def accept(hub: Hub, number: str) -> None:
    act(hub, f"urn:ngsi-ld:Case:{number}", "handler", "services.centre", "review", fields={"complete": True})


def test_an_office_that_is_closed_today_takes_it_all_the_same(hub: Hub, citizen: Applicant) -> None:
    assert isinstance(hub.clock, SimulatedClock)
    hub.clock.jump(MORNING + 5 * 24 * HOUR)
    assert "部门今天不办公,2026-03-09 恢复办公" in citizen.go("/do/item/open_restaurant").text
    number = handed_in(citizen)
    assert "2026-03-09" in citizen.page.text
    accept(hub, number)
    # 45 working days from the Saturday: the first that counts is Monday the 9th.
    due = case_of(hub, number)["due_at"]
    assert due is not None
    food = next(each for each in case_of(hub, number)["tokens"] if each["step"] == "food")
    assert moment(food["due_at"] - 1, hub.city.zone).date().isoformat() == "2026-03-20"


def test_a_calendar_that_ends_tomorrow_leaves_the_day_open_and_says_so(hub: Hub, citizen: Applicant) -> None:
    text = (Path(str(cities.__file__)).parent / "calendar_cn.csv").read_text("utf-8")
    known = "".join(line for line in text.splitlines(keepends=True) if not "2026-03-04" <= line[:10] < "2100")
    short = parse_calendar(known, last_day=date(2026, 3, 3))
    hub.calendar = short
    for engine in hub.engines:
        if isinstance(engine, CasesEngine):
            engine.renew(calendar=short)
    number = handed_in(citizen)
    accept(hub, number)
    case = case_of(hub, number)
    assert (case["due_at"], case["latest_certain_day"]) == (None, "2026-03-03")
    assert "尚不能确定，不早于 2026-03-03" in citizen.go(f"/do/case/{number}/receipt").text


def test_a_correction_notice_is_answered_on_the_same_pages(hub: Hub, citizen: Applicant) -> None:
    number = handed_in(citizen)
    said = {"complete": False, "asked_for": "请补充店面平面图"}
    act(hub, f"urn:ngsi-ld:Case:{number}", "handler", "services.centre", "review", fields=said)
    assert "请补充店面平面图" in citizen.go(f"/do/case/{number}").text
    citizen.go(f"/do/case/{number}/q/shop_name")
    citizen.press(citizen.at, {"answer": "老王面馆(总店)"})
    citizen.go(f"/do/case/{number}/check")
    citizen.press(citizen.at)
    assert case_of(hub, number)["begun"]
    page = citizen.go(f"/do/case/{number}").text
    assert "食品经营许可" in page
    assert "消防安全检查" in page


def test_whoever_signed_in_sees_what_is_held_and_who_read_it_but_no_value(hub: Hub, citizen: Applicant) -> None:
    citizen.go("/do/known")
    assert citizen.at.startswith("/do/sign-in")
    citizen.sign_in()
    citizen.go("/do/known")
    assert "还没有人查看过" in citizen.page.text
    citizen.start()
    citizen.go("/do/known")
    assert "企业名称" in citizen.page.text
    assert "老王餐饮有限公司" not in citizen.page.html
    assert "您本人" in citizen.page.text
    assert "各部门共用一份申请" in citizen.page.text
    assert "one application for all offices" not in citizen.page.text
    assert "凭本市发放的链接" in citizen.page.text
    citizen.go("/do/known?lang=en")
    assert "Who read it" in citizen.page.text
    assert "one application for all offices" in citizen.page.text
    assert len(citizen.page.html) < 30_000
