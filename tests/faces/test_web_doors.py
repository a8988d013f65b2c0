"""What the public pages refuse, and how they say it: bad forms, other sites, floods, wrong codes, markup in words."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from quanyu.assembly.hub import Hub
from quanyu.faces.web import my, report, shield
from quanyu.faces.web.seal import KEY_FILE, load_seal
from quanyu.kernel.journal import Command
from quanyu.kernel.view import EVERYTHING, CaseQuery
from tests.faces.hall import PROVENANCE, Browser, browsing, city_hall
from tests.faces.test_web_walk import LAMP, PICTURE, filed, opened
from tests.faces.test_web_walk import report as send_report

MARKUP = '"><script>alert(1)</script><b onclick=x>'


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with city_hall(tmp_path) as opened_hub:
        yield opened_hub


@pytest.fixture
def browser(hub: Hub) -> Iterator[Browser]:
    with browsing(hub) as opened_browser:
        yield opened_browser


def count(hub: Hub) -> int:
    return hub.views.cases.count(CaseQuery(list="all"), EVERYTHING)


def test_every_fault_is_listed_with_a_link_to_its_field_and_nothing_is_lost(browser: Browser) -> None:
    typed = {"phone": "call me", "name": "李四", "category": "x9999"}
    page = browser.send(browser.get("/report"), "/report", typed, photos=[PICTURE], status=422)
    links = {value for tag, name, value in page.attributes if tag == "a" and name == "href" and value.startswith("#")}
    assert {"#district", "#address", "#category", "#phone"} <= links
    assert {link[1:] for link in links} <= set(page.ids)
    fields = dict(page.form("/report").fields)
    assert (fields["phone"], fields["name"]) == ("call me", "李四")
    assert fields["kept"]
    done = browser.send(page, "/report", LAMP | {"phone": "010-12345678"})
    filed(done)


def test_a_photo_can_be_dropped_again(hub: Hub, browser: Browser) -> None:
    page = browser.send(browser.get("/report"), "/report", photos=[PICTURE], status=422)
    kept = dict(page.form("/report").fields)["kept"]
    number, _ = filed(browser.send(page, "/report", LAMP | {"drop": kept}))
    case = hub.views.cases.find(f"urn:ngsi-ld:Case:{number}", EVERYTHING)
    assert case is not None
    assert case["actions"][0]["files"] == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"%PDF-1.4 a letter", "只能上传"),
        (b"GIF89a nothing", "只能上传"),
        (b"\xff\xd8\xff broken", "无法打开"),
        (b"\xff\xd8\xff" + bytes(20 * 1024 * 1024), "太大"),
    ],
)
def test_a_file_that_is_no_photo_is_refused_with_its_reason(browser: Browser, content: bytes, words: str) -> None:
    page = browser.send(browser.get("/report"), "/report", LAMP, photos=[("x", content, "image/jpeg")], status=422)
    assert words in page.text
    assert dict(page.form("/report").fields)["text"] == LAMP["text"]


def test_a_fourth_photo_is_refused(browser: Browser) -> None:
    page = browser.send(browser.get("/report"), "/report", LAMP, photos=[PICTURE] * 4, status=422)
    assert "最多 3 张" in page.text


def test_a_body_past_the_limit_is_refused(hub: Hub, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    form = browser.get("/report")
    monkeypatch.setattr(shield, "BODY_BYTES_MAX", 2000)
    page = browser.send(form, "/report", LAMP, photos=[("x.jpg", bytes(3000), "image/jpeg")], status=413)
    assert "照片太大" in page.text
    assert count(hub) == 0


def test_a_broken_form_is_refused(browser: Browser) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Sec-Fetch-Site": "same-origin"}
    answer = browser.request("POST", "/report", content=b"--y nothing", headers=headers)
    assert answer.status_code in (400, 422)
    assert "12345" in answer.text


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://elsewhere.example"}],
)
def test_another_site_cannot_send_forms(hub: Hub, browser: Browser, headers: dict[str, str]) -> None:
    page = browser.send(browser.get("/report"), "/report", LAMP, headers=headers, status=403)
    assert "来自其他网站" in page.text
    assert count(hub) == 0


def test_a_browser_that_hides_its_origin_may_send(browser: Browser) -> None:
    filed(browser.send(browser.get("/report"), "/report", LAMP, headers={"Origin": "null"}))


def test_the_trap_for_robots_refuses_and_says_so(hub: Hub, browser: Browser) -> None:
    page = browser.send(browser.get("/report"), "/report", LAMP | {"website": "https://x.example"}, status=422)
    assert "请把这一栏清空" in page.text
    assert count(hub) == 0


def test_a_form_with_a_foreign_or_old_key_asks_once_more_and_keeps_what_was_typed(hub: Hub, browser: Browser) -> None:
    page = browser.send(browser.get("/report"), "/report", LAMP | {"key": "made.up.key"}, status=422)
    assert "打开太久" in page.text
    assert count(hub) == 0
    filed(browser.send(page, "/report"))


def test_a_forged_photo_or_join_is_ignored(hub: Hub, browser: Browser) -> None:
    first, _ = send_report(browser)
    page = browser.get("/report")
    forged = LAMP | {"address": "三里屯路 5 号"}
    page.form("/report").names.add("kept")
    number, _ = filed(browser.send(page, "/report", forged | {"kept": f"{'a' * 64}.sig"}, go=f"join:{first}.sig"))
    case = hub.views.cases.find(f"urn:ngsi-ld:Case:{number}", EVERYTHING)
    assert case is not None
    assert [entry["action"] for entry in case["actions"]] == ["open"]
    assert case["actions"][0]["files"] == []
    assert browser.request("GET", f"/report/photo/{'a' * 64}.sig").status_code == 404


def test_a_flood_from_one_address_is_slowed_and_others_are_not(hub: Hub) -> None:
    with browsing(hub, address="10.0.0.1") as flood, browsing(hub, address="10.0.0.2") as other:
        page = flood.get("/report")
        for _ in range(report.BURST):
            flood.send(page, "/report", status=422)
        late = flood.request("POST", "/report", data={})
        assert late.status_code == 429
        assert 1 <= int(late.headers["retry-after"]) <= report.EVERY_S + 1
        assert "提交太频繁" in late.text
        other.send(other.get("/report"), "/report", status=422)


def test_wrong_code_and_unknown_number_look_alike_and_guessing_is_slowed(browser: Browser) -> None:
    number, code = send_report(browser)
    door = browser.get("/my")
    wrong = browser.send(door, "/my", {"number": number, "code": "AAAA-BBBB-CCCC"}, status=403)
    unknown = browser.send(door, "/my", {"number": "20200101-9", "code": code}, status=403)
    assert wrong.html.replace(number, "") == unknown.html.replace("20200101-9", "")
    for _ in range(my.WRONG_BURST - 2):
        browser.send(door, "/my", {"number": "x", "code": "y"}, status=403)
    browser.send(door, "/my", {"number": number, "code": code}, status=429)


def test_right_codes_cost_nothing(browser: Browser) -> None:
    number, code = send_report(browser)
    for _ in range(my.WRONG_BURST + 2):
        opened(browser, number, code)


def test_a_ticket_opens_its_own_matter_only_and_for_half_an_hour(hub: Hub, browser: Browser) -> None:
    for signed in ("", "citizen:20260302-1", "citizen:20260302-1.9999999999.AAAA"):
        answer = browser.request("POST", "/my/comment", data={"pass": signed, "note": "x"})
        assert answer.status_code == 403
        assert "页面已过期" in answer.text
    seal = load_seal(hub.home)
    signed = seal.sign_until("pass", "citizen:20260302-1", hub.machine() - 1)
    assert browser.request("POST", "/my/answer", data={"pass": signed}).status_code == 403
    signed = seal.sign_until("form", "citizen:20260302-1", hub.machine() + 10**9)
    assert browser.request("POST", "/my/withdraw", data={"pass": signed}).status_code == 403


def test_an_action_that_the_matter_does_not_allow_shows_how_it_stands(browser: Browser) -> None:
    number, code = send_report(browser)
    fields = dict(opened(browser, number, code).form("/my/comment").fields) | {"fixed": "yes"}
    answer = browser.request("POST", "/my/answer", data=fields)
    assert answer.status_code == 409
    assert "事项刚有变化" in answer.text


def test_markup_in_words_stays_words_everywhere(browser: Browser) -> None:
    typed = LAMP | {"address": MARKUP, "text": MARKUP, "name": MARKUP}
    page = browser.send(browser.get("/report"), "/report", typed | {"phone": MARKUP}, status=422)
    pages = [page, browser.send(page, "/report", {"phone": ""})]
    number, code = filed(pages[1])
    pages.append(browser.send(browser.get("/report"), "/report", typed))
    mine = opened(browser, number, code)
    pages += [mine, browser.send(mine, "/my/comment", {"note": MARKUP})]
    pages.append(browser.get(f"/my?number={MARKUP}"))
    for each in pages:
        assert "<script>alert" not in each.html
        assert not each.inline
        assert not [attribute for attribute in each.attributes if attribute[1].startswith("on")]


def test_camera_data_does_not_reach_the_file_but_gives_the_place(hub: Hub, browser: Browser) -> None:
    image, out = Image.new("RGB", (40, 40)), io.BytesIO()
    exif = image.getexif()
    exif.get_ifd(0x8825).update({1: "N", 2: (39.0, 54.0, 36.0), 3: "E", 4: (116.0, 27.0, 36.0)})
    image.save(out, "JPEG", exif=exif)
    number, _ = filed(browser.send(browser.get("/report"), "/report", LAMP, photos=[("a.jpg", out.getvalue(), "")]))
    case = hub.views.cases.find(f"urn:ngsi-ld:Case:{number}", EVERYTHING)
    assert case is not None
    assert (case["place"]["lon"], case["place"]["lat"]) == (116.46, 39.91)
    assert b"Exif" not in hub.files.get(case["actions"][0]["files"][0]["sha256"])


def test_the_key_of_signed_fields_is_readable_by_its_owner_alone(hub: Hub, browser: Browser) -> None:
    path = hub.home / KEY_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_seal(hub.home).sign("a", "b") == load_seal(hub.home).sign("a", "b")
    assert browser.get("/report").forms


def test_a_city_without_a_pack_for_reports_sends_people_to_the_phone(hub: Hub, browser: Browser) -> None:
    hub.packs = ()
    for method in ("GET", "POST"):
        answer = browser.request(method, "/report")
        assert answer.status_code == 503
        assert "网上暂不受理" in answer.text
        assert "12345" in answer.text


def test_a_failure_of_ours_is_a_page_without_our_inside(hub: Hub, browser: Browser) -> None:
    hub.packs = (object(),)  # type: ignore[assignment]
    answer = browser.request("GET", "/report")
    assert answer.status_code == 500
    assert "页面出错了" in answer.text
    assert "AttributeError" not in answer.text


def test_a_case_found_by_a_rule_is_never_offered_as_the_same(hub: Hub, browser: Browser) -> None:
    body = {
        "flow": "grid_case",
        "text": "路灯",
        "class": "c0108",
        "place": {"district": "110105", "address": "建国路 12 号"},
    }
    hub.commit_blocking([Command("case.open", "", body | {"channel": "rule"}, PROVENANCE)], "simulation:test")
    filed(browser.send(browser.get("/report"), "/report", LAMP))
    hub.commit_blocking([Command("case.open", "", body | {"channel": "counter"}, PROVENANCE)], "simulation:test")
    hub.settled_blocking()
    page = browser.send(browser.get("/report"), "/report", LAMP)
    assert "是同一个问题吗" in page.text
    assert "模拟" in page.text


def test_large_type_asks_one_thing_a_page_and_reads_it_back(browser: Browser) -> None:
    page = browser.get("/report?type=large")
    steps = [page]
    for typed in ({}, {"district": "110105", "address": "建国路"}, {"text": "路灯不亮"}, {"phone": "13800000000"}):
        page = browser.send(page, "/report", typed, photos=[PICTURE] if not typed else ())
        steps.append(page)
    assert [re.search("第 . 步", each.text)[0] for each in steps] == [f"第 {n} 步" for n in range(1, 6)]  # type: ignore[index]
    for words in ("朝阳区", "建国路", "路灯不亮", "13800000000"):
        assert words in page.text
    back = browser.send(page, "/report", go="to:place")
    assert dict(back.form("/report").fields)["address"] == "建国路"
    wrong = browser.send(back, "/report", {"address": ""}, status=422)
    assert "请填写地点" in wrong.text
    filed(browser.send(page, "/report"))


def test_switching_type_and_language_keeps_both_in_links(browser: Browser) -> None:
    page = browser.get("/report?type=large&lang=en")
    links = [value for tag, name, value in page.attributes if (tag, name) == ("a", "href") and value.startswith("/my")]
    assert links == ["/my?lang=en&type=large"]
    assert page.form("/report").action == "/report?lang=en&type=large"
