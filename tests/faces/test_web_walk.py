"""The walk of a citizen without JavaScript: report with a photo, look at duplicates, follow, answer, withdraw."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from quanyu.assembly.core import PERSONAL
from quanyu.assembly.hub import Hub
from quanyu.engines.access import role
from quanyu.kernel.view import EVERYTHING
from tests.faces.hall import HOUR, Browser, Page, act, browsing, city_hall, photo, walk_to_close

LAMP = {"district": "110105", "address": "建国路 12 号门前", "category": "c0108", "text": "路灯不亮，已经三天"}
PICTURE = ("lamp.jpg", photo(), "image/jpeg")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with city_hall(tmp_path) as opened:
        yield opened


@pytest.fixture
def browser(hub: Hub) -> Iterator[Browser]:
    with browsing(hub) as opened:
        yield opened


def filed(page: Page) -> tuple[str, str]:
    """Number and code on a confirmation page."""
    number = re.search(r"\b\d{8}-\d+\b", page.text)
    code = re.search(r"\b[A-Z0-9]{4}-[A-Z0-9]{4}-[A-Z0-9]{4}\b", page.text)
    assert number is not None
    assert code is not None
    return number[0], code[0]


def report(browser: Browser, **typed: str) -> tuple[str, str]:
    page = browser.send(browser.get("/report"), "/report", LAMP | typed, photos=[PICTURE])
    if "是同一个问题吗" in page.text:
        page = browser.send(page, "/report", go="new")
    browser.hub.settled_blocking()
    return filed(page)


def opened(browser: Browser, number: str, code: str) -> Page:
    return browser.send(browser.get("/my"), "/my", {"number": number, "code": code})


def test_a_report_becomes_a_case_with_photo_place_and_sealed_reporter(hub: Hub, browser: Browser) -> None:
    number, _ = report(browser, name="李四", phone="13800000000")
    case = hub.views.cases.find(f"urn:ngsi-ld:Case:{number}", EVERYTHING)
    assert case is not None
    assert case["channel"] == "citizen"
    assert case["class"] == "c0108"
    assert case["title"] == {"zh": "路灯", "en": "Street lamp"}
    assert case["place"] == {"district": "110105", "address": "建国路 12 号门前"}
    assert case["reporter"].startswith("personal:")
    files = case["actions"][0]["files"]
    assert [file["type"] for file in files] == ["image/jpeg"]
    assert hub.files.get(files[0]["sha256"]).startswith(b"\xff\xd8\xff")
    assert "13800000000" not in str(case)
    assert "李四" not in str(case)


def test_a_matter_for_the_hotline_becomes_an_order_that_only_its_reporter_sees(hub: Hub, browser: Browser) -> None:
    gas = LAMP | {"category": "h0203", "text": "全楼停气"}
    number, code = filed(browser.send(browser.get("/report"), "/report", gas))
    case = hub.views.cases.find(f"urn:ngsi-ld:Case:{number}", EVERYTHING)
    assert case is not None
    assert (case["flow"], case["kind"], case["class"]) == ("hotline_order", "hotline", "h0203")
    assert case["due_at"] == case["opened_at"] + 24 * HOUR
    assert "停气" in opened(browser, number, code).text
    # The same words at the same place show a neighbour nothing of it.
    other, _ = filed(browser.send(browser.get("/report"), "/report", gas))
    assert other != number


def test_confirmation_names_number_code_next_steps_and_promise(browser: Browser) -> None:
    page = browser.send(browser.get("/report"), "/report", LAMP)
    filed(page)
    for words in ("接下来", "立案", "派遣", "处置", "承诺办结时间", "2026年", "请您确认是否真正解决", "12345"):
        assert words in page.text


def test_sending_a_form_twice_makes_one_case(hub: Hub, browser: Browser) -> None:
    form = browser.get("/report")
    first = browser.send(form, "/report", LAMP, photos=[PICTURE])
    before = hub.last_seq
    again = browser.send(form, "/report", LAMP, photos=[PICTURE], go="new")
    assert filed(first) == filed(again)
    assert hub.last_seq == before


def test_the_same_form_with_other_content_is_not_a_second_case(hub: Hub, browser: Browser) -> None:
    form = browser.get("/report")
    browser.send(form, "/report", LAMP)
    before = hub.last_seq
    page = browser.send(form, "/report", LAMP | {"text": "另一件事"}, go="new", status=409)
    assert "已经提交过" in page.text
    assert hub.last_seq == before


def test_a_near_matter_is_shown_without_names_and_can_be_joined(hub: Hub, browser: Browser) -> None:
    first, _ = report(browser, text="路灯不亮，请打 138 0000 1234 找我", name="李四", phone="13900001111")
    page = browser.send(browser.get("/report"), "/report", LAMP | {"address": "建国路 12 号"}, photos=[PICTURE])
    assert "是同一个问题吗" in page.text
    assert "138 0000 1234" not in page.html
    assert "13900001111" not in page.html
    assert "李四" not in page.html
    thumbs = [value for tag, name, value in page.attributes if tag == "img" and value.startswith("/report/photo/")]
    small = browser.request("GET", thumbs[0])
    assert small.headers["content-type"] == "image/jpeg"
    done = browser.send(page, "/report", go=page.button("/report", "join:"))
    number, code = filed(done)
    assert number != first
    assert first in done.text
    mine = opened(browser, number, code)
    assert f"与事项 {first} 相同" in mine.text
    hub.settled_blocking()
    merged = hub.views.cases.find(f"urn:ngsi-ld:Case:{number}", EVERYTHING)
    assert merged is not None
    assert merged["merged_into"] == f"urn:ngsi-ld:Case:{first}"


def test_nearness_counts_metres_where_both_have_a_point(browser: Browser) -> None:
    point = {"lon": "116.4601", "lat": "39.9087", "address": ""}
    report(browser, **point)
    near = browser.send(browser.get("/report"), "/report", LAMP | {"lon": "116.4611", "lat": "39.9087", "address": ""})
    assert "90 米" in near.text
    far = browser.send(browser.get("/report"), "/report", LAMP | {"lon": "116.4801", "lat": "39.9087", "address": ""})
    filed(far)


def test_going_back_to_change_keeps_everything(browser: Browser) -> None:
    report(browser)
    near = browser.send(browser.get("/report"), "/report", LAMP | {"name": "赵六"}, photos=[PICTURE])
    form = browser.send(near, "/report", go="edit")
    fields = dict(form.form("/report").fields)
    assert fields["text"] == LAMP["text"]
    assert fields["district"] == "110105"
    assert fields["name"] == "赵六"
    assert fields["kept"]


def test_following_shows_steps_units_and_promise_but_no_staff(hub: Hub, browser: Browser) -> None:
    number, code = report(browser)
    id = f"urn:ngsi-ld:Case:{number}"
    act(hub, id, "clerk", None, "collect", note="内部备注")
    act(hub, id, "duty", None, "register")
    act(hub, id, "dispatcher", None, "dispatch", fields={"unit": "facilities.power"})
    page = opened(browser, number.replace("-", "－"), code.lower())
    unit = next(each["name"]["zh"] for each in hub.city.units if each["id"] == "facilities.power")
    for words in ("处置", unit, "前办结", "已收到您的反映", "核查"):
        assert words in page.text
    for words in ("王五", "person:", "内部备注", "facilities.power"):
        assert words not in page.html


def test_a_no_reopens_and_a_yes_stands(hub: Hub, browser: Browser) -> None:
    number, code = report(browser)
    id = f"urn:ngsi-ld:Case:{number}"
    walk_to_close(hub, id)
    page = opened(browser, number, code)
    assert "灯泡已更换" in page.text
    refused = browser.send(page, "/my/answer", status=422)
    assert "请选择是否解决" in refused.text
    silent = browser.request("POST", "/my/answer", data=dict(page.form("/my/answer").fields) | {"fixed": "no"})
    assert "请说明还差什么" in silent.text
    fields = dict(page.form("/my/answer").fields) | {"fixed": "no", "note": "还是不亮"}
    answered = Page(browser.request("POST", "/my/answer", data=fields).text)
    assert "已记录为没有解决" in answered.text
    case = hub.views.cases.find(id, EVERYTHING)
    assert case is not None
    assert (case["state"], case["step"]) == ("open", "handle")
    act(hub, id, "handler", "facilities.power", "handle", files=[{"sha256": "a" * 64, "type": "image/jpeg"}])
    act(hub, id, "dispatcher", None, "feedback")
    act(hub, id, "supervisor", "city.supervision", "check", fields={"passed": True})
    act(hub, id, "duty", None, "close", fields={"outcome": "fixed"})
    fields = dict(opened(browser, number, code).form("/my/answer").fields) | {"fixed": "yes"}
    assert "已记录为解决" in browser.request("POST", "/my/answer", data=fields).text
    case = hub.views.cases.find(id, EVERYTHING)
    assert case is not None
    assert (case["state"], case["confirmed"]) == ("closed", "yes")


def test_a_comment_is_added_once(hub: Hub, browser: Browser) -> None:
    number, code = report(browser)
    page = opened(browser, number, code)
    browser.send(page, "/my/comment", {"note": "今晚更暗了"})
    before = hub.last_seq
    again = browser.send(page, "/my/comment", {"note": "今晚更暗了"})
    assert hub.last_seq == before
    assert again.text.count("今晚更暗了") == 1
    assert "请填写补充内容" in browser.send(page, "/my/comment", {"note": " "}, status=422).text


def test_a_comment_cannot_pretend_to_be_a_note_of_the_page(browser: Browser) -> None:
    other, _ = report(browser)
    number, code = report(browser, address="三里屯路 5 号", category="e0101", text="垃圾")
    forged = f"同一问题 {other} · Same matter as {other}"
    page = browser.send(opened(browser, number, code), "/my/comment", {"note": forged})
    assert f"您反映的问题与事项 {other} 相同" not in page.text


def test_withdrawing_destroys_the_contact_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    citizen = next(each for each in role.CORE_ROLES if each.id == "citizen")
    able = replace(citizen, permissions=(*citizen.permissions, role.Permission("person.erase")))
    monkeypatch.setattr(role, "CORE_ROLES", (*(each for each in role.CORE_ROLES if each is not citizen), able))
    with city_hall(tmp_path) as hub, browsing(hub) as browser:
        number, code = report(browser, name="李四", phone="13800000000")
        page = opened(browser, number, code)
        assert "加密保存着您留下的" in page.text
        assert len(list(hub.store.rows(PERSONAL))) == 1
        done = browser.send(page, "/my/withdraw")
        assert "已永久删除" in done.text
        assert "没有保存您的姓名和电话" in done.text
        assert list(hub.store.rows(PERSONAL)) == []
        before = hub.last_seq
        browser.send(page, "/my/withdraw")
        assert hub.last_seq == before


def test_where_the_role_may_not_erase_the_page_says_where_to_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    citizen = role.Role("citizen", {}, (role.Permission("case.open", "own"), role.Permission("case.act:*", "own")))
    monkeypatch.setattr(role, "CORE_ROLES", (citizen,))
    with city_hall(tmp_path) as hub, browsing(hub) as browser:
        number, code = report(browser, name="李四")
        refused = browser.send(opened(browser, number, code), "/my/withdraw", status=403)
        assert "到窗口要求删除" in refused.text
        assert len(list(hub.store.rows(PERSONAL))) == 1


def test_a_reporter_reads_why_the_clock_stands_and_who_disputes(hub: Hub, browser: Browser) -> None:
    number, code = report(browser)
    id = f"urn:ngsi-ld:Case:{number}"
    for desk, action, rest in (
        ("clerk", "collect", {}),
        ("duty", "register", {}),
        ("dispatcher", "dispatch", {"fields": {"unit": "facilities.power"}}),
    ):
        act(hub, id, desk, None, action, **rest)
    act(hub, id, "handler", "facilities.power", "dispute", note="不是本单位的灯")
    act(hub, id, "chief", None, "arbitrate", note="属本单位", fields={"decision": "stands"})
    act(hub, id, "handler", "facilities.power", "pause", fields={"ground": "weather"}, note="大风")
    page = opened(browser, number, code)
    for said in ("承办单位提出异议", "已裁定承办单位", "暂停计时：天气原因", "计时已暂停"):
        assert said in page.text
    assert "不是本单位的灯" not in page.text
    english = browser.get("/my?lang=en")
    read = browser.send(english, "/my", {"number": number, "code": code})
    assert "Clock paused: the weather" in read.text
