"""One turn of the loop before the eyes of those who turn it: sense, judge, open, dispatch, act, verify, close, evaluate."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Visit, Visitor
from tests.browser.serving import Server, serving
from tests.browser.stations import CLEAN, HEAVY, last_hours, put_station, report_dust
from tests.browser.watching import accessible, judged, leaks, picture, ready, until

pytestmark = pytest.mark.browser
VITAL = "pm25_day_mean"
FAST, SLOW = 7_200, 1
"""Two hours a second let vital signs move; at the pace of a clock no simulated crew comes before a tester's hand."""
GONE = r"ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|status of 503"
DOER = "person:ecology.enforcement"


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Photographs as a telephone makes them: no two alike, large enough to look at."""
    paths = [tmp_path / f"roof-{number}.jpg" for number in (1, 2)]
    for number, path in enumerate(paths):
        Image.linear_gradient("L").resize((640, 480)).rotate(90 * number).convert("RGB").save(path, "JPEG")
    return paths


def card(page: Page) -> tuple[str, str]:
    found = page.locator(f"[data-testid=vital-card][data-name={VITAL}]")
    return found.get_attribute("data-state") or "", found.get_by_test_id("vital-value").inner_text()


def act(page: Page, action: str, note: str = "") -> None:
    """Take a step that is offered and wait until the page shows what came of it."""
    version = page.get_by_test_id("case").get_attribute("data-version")
    if page.get_by_test_id("form-action").count() == 0:
        page.get_by_test_id(f"action-{action}").click()
    if note:
        page.get_by_test_id("note-input").fill(note)
    page.get_by_test_id("send-action").click()
    expect(page.get_by_test_id("case")).not_to_have_attribute("data-version", version or "")
    expect(page.get_by_test_id("form-action")).to_have_count(0)


def step_of(page: Page) -> str:
    return page.locator("li[aria-current=step]").inner_text()


def test_a_vital_sign_turns_becomes_a_case_is_fixed_and_follows(
    browser: Browser, home: Path, photos: list[Path], visiting: Visit
) -> None:
    with serving(home, speed=FAST) as server:
        port = server.port
        duty = visiting(browser, server).sign_in("person:duty")
        assert card(duty.page)[0] in ("normal", "warn")
        station = put_station(server, "loop")
        report_dust(server, station, hours := last_hours(server, 24), HEAVY)
        until("the vital sign turns", lambda: card(duty.page)[0] == "out", 20, duty.page)
        picture(duty.page, "loop-1-turned")
        link = duty.page.locator(f"[data-name={VITAL}]").get_by_test_id("vital-case")
        link.wait_for(timeout=30_000)
        link.click()
        ready(duty.page)
        assert duty.page.get_by_test_id("case").get_attribute("data-state") == "open"
    id = duty.page.url.rpartition("/")[2]

    with serving(home, port=port, speed=SLOW) as server:
        expect(duty.page.get_by_test_id("connection")).to_contain_text("实时")
        walk(browser, server, visiting, duty, id, photos)
        report_dust(server, station, hours, CLEAN)
        duty.open("/")

    with serving(home, port=port, speed=FAST) as server:
        until("the vital sign follows", lambda: card(duty.page)[0] in ("normal", "warn"), 20, duty.page)
        expect(link).to_have_count(0)
        picture(duty.page, "loop-6-followed")
        found = server.ask("GET", f"/api/v1/cases/{id}")
        assert (found["state"], found["outcome"]["word"]) == ("closed", "fixed")
        assert len(found["findings"]) == 1
        assert found["findings"][0]["to"] is not None
    duty.watch.forgive(GONE)


def walk(browser: Browser, server: Server, visiting: Visit, duty: Visitor, id: str, photos: list[Path]) -> None:
    """Walk the case from wherever the crews left it to its close, each step by somebody who may."""
    page = duty.open(f"/case/{id}")
    if server.ask("GET", f"/api/v1/cases/{id}")["step"] == "accept":
        act(page, "accept", "核实监测数值，予以受理。")
    if server.ask("GET", f"/api/v1/cases/{id}")["step"] == "dispatch":
        act(page, "dispatch")
    picture(page, "loop-2-dispatched")

    # The doer also holds the role of a checker: it must not help with what was done by the same hand.
    server.ask("POST", f"/api/v1/people/{DOER}/roles", json={"role": "supervisor"})
    doer = visiting(browser, server).sign_in(DOER)
    mine = doer.open(f"/case/{id}")
    mine.get_by_test_id("action-inspect").click()
    mine.get_by_test_id("measurement-pm25").fill("41.5")
    mine.get_by_test_id("note-input").fill("楼顶采样口旁有露天烧烤，已清理。")
    mine.get_by_test_id("photo-input").set_input_files(photos[:1])
    expect(mine.locator("form img")).to_have_count(1)
    mine.get_by_test_id("send-action").click()
    expect(mine.get_by_role("alert")).to_contain_text("照片")
    mine.get_by_test_id("photo-input").set_input_files(photos[1:])
    expect(mine.locator("form img")).to_have_count(2)
    picture(mine, "loop-3-evidence")
    act(mine, "inspect")
    expect(mine.get_by_test_id("timeline")).to_contain_text("生态环境执法部门 经办人")
    assert mine.get_by_test_id("action-check").count() == 0
    shown = mine.get_by_test_id("timeline").locator("img")
    expect(shown).to_have_count(2)
    until("photographs are shown", lambda: shown.first.evaluate("(one) => one.naturalWidth > 0"), 10, mine)

    checker = visiting(browser, server).sign_in("person:checker")
    theirs = checker.open(f"/case/{id}")
    theirs.get_by_test_id("action-check").click()
    picture(theirs, "loop-4-check")
    theirs.get_by_test_id("field-passed").select_option("yes")
    act(theirs, "check", "现场复核，措施落实。")

    until("the duty officer's page has heard", lambda: page.get_by_test_id("action-close").count() == 1, 10, page)
    page.get_by_test_id("action-close").click()
    page.get_by_test_id("outcome-select").select_option("fixed")
    act(page, "close", "数值回落，予以结案。")
    expect(page.get_by_test_id("case-outcome")).to_have_attribute("data-word", "fixed")
    picture(page, "loop-5-fixed")
    assert judged(page, (accessible, leaks)) == []


def test_a_rule_opens_a_case_that_leads_back_to_its_station(browser: Browser, city: Server, visiting: Visit) -> None:
    page = visiting(browser, city).sign_in("person:duty").open("/board?flow=inspect_source&sort=opened")
    station = put_station(city, "rule")
    report_dust(city, station, last_hours(city, 2), HEAVY)
    page.get_by_test_id("board-news").click()
    found = until("the case is there", lambda: city.cases(list="open", asset=station, limit=1), 10, page)[0]
    row = page.locator(f"[data-testid=case-row][data-id='{found['id']}']")
    expect(row).to_contain_text("细颗粒物浓度过高")
    row.get_by_role("link").click()
    expect(page.get_by_test_id("timeline")).to_contain_text("120 µg/m³")
    page.get_by_test_id("case-asset").click()
    drawer = page.get_by_test_id("drawer")
    expect(drawer).to_contain_text("校园楼顶站 rule")
    expect(drawer).to_contain_text("1500")
    expect(drawer.locator("canvas")).to_have_count(1)
    picture(page, "rule-station")
    assert judged(page, (accessible, leaks)) == []
