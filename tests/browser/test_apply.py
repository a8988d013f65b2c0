"""A restaurant is opened on a telephone without JavaScript, and the same at the counter: one form, one case, one clock."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from quanyu.assembly import Options, open_hub
from quanyu.assembly.applications import citizen_link
from tests.browser.conftest import Launch, Visit, Visitor
from tests.browser.serving import Server, serving
from tests.browser.watching import accessible, judged, leaks, picture, too_wide
from tests.faces.applying import FIRM, PDF, hold, offered
from tests.faces.hall import photo

pytestmark = pytest.mark.browser
PHONE = {"width": 320, "height": 640}
SMALL = """() => [...document.querySelectorAll(
  'main a, main button, main input:not([type=hidden]), main summary, main label.tick')]
  .map((one) => [one, one.getBoundingClientRect()])
  .filter(([one, box]) => box.width > 1 && box.height > 1 && one.closest('label.tick') !== one.parentElement)
  .filter(([one, box]) => box.height < 47.5)
  .map(([one, box]) => `${one.tagName} ${one.textContent.trim().slice(0, 30)} ${Math.round(box.height)} px high`)"""


def small(page: Page) -> list[str]:
    """Return what a thumb would miss."""
    return [each for each in page.evaluate(SMALL) if each]


PLAIN: Sequence[Callable[[Page], list[str]]] = (leaks, too_wide, small)
CHECKS = (accessible, *PLAIN)
"""Where scripts are off, axe's own timers never run."""


@pytest.fixture(scope="module")
def served(launch: Launch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A demo city of this morning whose registers know a firm."""
    home = tmp_path_factory.mktemp("apply") / "home"
    with serving(home, speed=1):
        pass
    hub = open_hub(home, Options(demo=True))
    try:
        hold(hub)
        with hub.in_turn():
            offered(hub)
    finally:
        hub.close()
    with serving(home, speed=1) as server:
        yield server


@pytest.fixture
def papers(tmp_path: Path) -> dict[str, Path]:
    plan, lease = tmp_path / "plan.jpg", tmp_path / "lease.pdf"
    plan.write_bytes(photo(400))
    lease.write_bytes(PDF)
    return {"layout_plan": plan, "premises_right": lease}


def press(page: Page) -> None:
    # A picture taken while the next page is under way fails.
    with page.expect_navigation():
        page.locator("main button.main").last.click()


def answer_all(page: Page, papers: dict[str, Path], look: Callable[[str], None]) -> None:
    """Answer what is asked, as a thumb does it, until everything is to be read over."""
    typed = {"shop_name": "老王面馆", "seats": "20", "sign_words": "老王面馆", "person_phone": "13800138000"}
    for _ in range(30):
        if "/q/" not in page.url:
            return
        name = re.sub(r"\?.*", "", page.url).rpartition("/")[2]
        look(name)
        if name in papers:
            page.locator("#answer").set_input_files(papers[name])
        elif name in typed:
            page.locator("#answer").fill(typed[name])
        elif name == "meals":
            page.get_by_label("热食").check()
        elif page.locator("input[type=radio]").count():
            page.get_by_label("是", exact=True).check()
        press(page)
    raise AssertionError(page.url)


def test_a_restaurant_on_a_telephone_without_javascript(
    browser: Browser, served: Server, visiting: Visit, papers: dict[str, Path]
) -> None:
    visitor: Visitor = visiting(browser, served, java_script_enabled=False, viewport=PHONE)
    page = visitor.page
    faults: dict[str, list[str]] = {}

    def look(name: str) -> None:
        picture(page, f"do-phone-{name}")
        faults[name] = judged(page, PLAIN)

    page.goto(f"{served.url}/do")
    look("list")
    page.locator("#q").fill("餐饮")
    page.get_by_role("button", name="查找").click()
    page.get_by_role("link", name=re.compile("开办餐饮店")).click()
    look("item")
    link = citizen_link(served.home, FIRM, time.time_ns() // 1000)["path"]
    page.goto(served.url + link)
    page.goto(f"{served.url}/do/item/open_restaurant")
    press(page)
    look("tasks")
    assert "老王餐饮有限公司" in page.locator("main").inner_text()
    number = re.search(r"\d{8}-\d+", page.url)
    assert number is not None
    page.locator("p.buttons a.main").click()
    answer_all(page, papers, look)
    assert page.url.partition("?")[0].endswith("/check")
    look("check")
    press(page)
    assert page.url.partition("?")[0].endswith("/receipt")
    look("receipt")
    said = page.locator("main").inner_text()
    assert number[0] in said
    assert "已提交" in said
    page.go_back()
    assert "/check" not in page.url
    assert page.locator("main button.main").count() == 0
    assert {name: found for name, found in faults.items() if found} == {}
    case = served.ask("GET", f"/api/v1/cases/urn:ngsi-ld:Case:{number[0]}")
    assert (case["step"], case["channel"]) == ("review", "citizen")


def test_the_same_at_the_counter(browser: Browser, served: Server, visiting: Visit, papers: dict[str, Path]) -> None:
    clerk: Visitor = visiting(browser, served).sign_in("person:clerk")
    page = clerk.page
    faults: dict[str, list[str]] = {}

    def look(name: str) -> None:
        picture(page, f"do-counter-{name}")
        faults[name] = judged(page, (accessible, leaks, too_wide))

    page.goto(f"{served.url}/do")
    page.get_by_role("button", name="在窗口").click()
    look("list")
    page.goto(f"{served.url}/do/item/open_restaurant")
    page.locator("#subject").fill(FIRM.removeprefix("firm:"))
    page.locator("#document").fill("营业执照正本")
    look("item")
    page.get_by_role("button", name="开始办理").click()
    assert "老王餐饮有限公司" in page.locator("main").inner_text()
    number = re.search(r"\d{8}-\d+", page.url)
    assert number is not None
    look("tasks")
    page.locator("p.buttons a.main").click()
    answer_all(page, papers, look)
    look("check")
    press(page)
    look("receipt")
    assert {name: found for name, found in faults.items() if found} == {}
    case = served.ask("GET", f"/api/v1/cases/urn:ngsi-ld:Case:{number[0]}")
    assert (case["step"], case["channel"]) == ("review", "counter")
    assert case["severity"] == "info"


@pytest.mark.parametrize(
    ("scheme", "tongue", "size"), [("dark", "en", PHONE), ("light", "en", None), ("dark", "zh-CN", None)]
)
def test_pages_read_well_in_both_languages_in_the_dark_and_wide(
    browser: Browser, served: Server, visiting: Visit, scheme: str, tongue: str, size: dict[str, int] | None
) -> None:
    wide = {"width": 1280, "height": 800}
    visitor: Visitor = visiting(browser, served, color_scheme=scheme, locale=tongue, viewport=size or wide)
    page, mark = visitor.page, f"{scheme}-{tongue}-{'phone' if size else 'wide'}"
    faults: dict[str, list[str]] = {}
    page.goto(served.url + citizen_link(served.home, FIRM, time.time_ns() // 1000)["path"])
    page.goto(f"{served.url}/do/item/open_restaurant")
    picture(page, f"do-{mark}-item")
    faults["item"] = judged(page, CHECKS)
    press(page)
    base = page.url.partition("?")[0]
    for name, path in (("tasks", ""), ("question", "/q/meals"), ("held", "/wrong/firm_name"), ("check", "/check"),
                       ("receipt", "/receipt"), ("large", "/q/shop_name?type=large")):  # fmt: skip
        page.goto(base + path)
        picture(page, f"do-{mark}-{name}")
        faults[name] = judged(page, CHECKS)
    page.goto(f"{served.url}/do/sign-in")
    picture(page, f"do-{mark}-sign")
    faults["sign"] = judged(page, CHECKS)
    assert {name: found for name, found in faults.items() if found} == {}


def test_a_firm_finds_an_offer_takes_it_and_sees_how_it_stands(
    browser: Browser, served: Server, visiting: Visit
) -> None:
    visitor: Visitor = visiting(browser, served, java_script_enabled=False, viewport=PHONE)
    page = visitor.page
    faults: dict[str, list[str]] = {}

    def look(name: str) -> None:
        picture(page, f"do-mine-{name}")
        faults[name] = judged(page, PLAIN)

    page.goto(served.url + citizen_link(served.home, FIRM, time.time_ns() // 1000)["path"])
    look("front")
    page.locator("main p.mine a").click()
    look("list")
    turns = page.locator("li.turn", has_text="知识产权与人才政策推送")
    assert turns.count() == 1
    assert "请在" in turns.inner_text()
    turns.locator("a").click()
    look("offer")
    number = re.search(r"\d{8}-\d+", page.url)
    assert number is not None
    page.get_by_role("button", name="要,我接受").click()
    look("taken")
    assert "兑现服务" in page.locator("main").inner_text()
    page.goto(f"{served.url}/do/mine")
    assert page.locator("li.turn", has_text="知识产权与人才政策推送").count() == 0
    row = page.locator("ul.offers li", has_text=number[0])
    assert "当前" in row.inner_text() or "兑现服务" in row.inner_text()
    look("after")
    assert {name: found for name, found in faults.items() if found} == {}
    assert served.ask("GET", f"/api/v1/cases/urn:ngsi-ld:Case:{number[0]}")["step"] == "give"


def test_an_empty_required_question_comes_back_and_may_be_left_open(
    browser: Browser, served: Server, visiting: Visit
) -> None:
    visitor: Visitor = visiting(browser, served, viewport=PHONE, locale="en")
    page = visitor.page
    page.goto(f"{served.url}/do/item/open_restaurant?lang=en")
    press(page)
    base = page.url.partition("?")[0]
    page.goto(f"{base}/q/shop_name?lang=en")
    press(page)
    visitor.watch.forgive("status of 422")
    assert page.locator(".summary").evaluate("one => one === document.activeElement")
    page.locator(".summary a").click()
    assert page.locator("#answer").evaluate("one => one === document.activeElement")
    assert page.locator("#answer").get_attribute("aria-describedby") == "answer-wrong"
    picture(page, "do-empty-en")
    assert judged(page, CHECKS) == []
    with page.expect_navigation():
        page.get_by_role("button", name=re.compile("I do not have this to hand")).click()
    page.goto(f"{base}/check?lang=en")
    assert "Left open for later" in page.locator("main").inner_text()
    assert judged(page, CHECKS) == []
