"""What a city promises: a report through dispute, repair, re-check and call-back to fixed; a record through to its repair;
a rule that is changed by two persons after its replay.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Visit, Visitor
from tests.browser.receiving import receiving
from tests.browser.serving import Server, serving
from tests.browser.test_citizen import file_report, look_up
from tests.browser.watching import accessible, judged, leaks, picture, ready, until

pytestmark = pytest.mark.browser
SLOW = 1
"""At the pace of a clock no simulated crew comes before a tester's hand."""
LEAD, OTHER = "streets.order", "facilities.gas"


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"place-{number}.jpg" for number in range(3)]
    for number, path in enumerate(paths):
        Image.linear_gradient("L").resize((800, 600)).rotate(90 * number).convert("RGB").save(path, "JPEG")
    return paths


def act(page: Page, action: str, note: str = "", photo: Path | None = None, outcome: str = "", **fields: str) -> None:
    """Take a step that is offered, as its form asks for it, and wait until the page shows what came of it."""
    version = page.get_by_test_id("case").get_attribute("data-version")
    page.get_by_test_id(f"action-{action}").first.click()
    for name, value in fields.items():
        field = page.get_by_test_id(f"field-{name}")
        if field.evaluate("(one) => one.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    if outcome:
        page.get_by_test_id("outcome-select").select_option(outcome)
    if note:
        page.get_by_test_id("note-input").fill(note)
    if photo is not None:
        page.get_by_test_id("photo-input").set_input_files(photo)
        expect(page.locator("form img")).to_have_count(1)
    page.get_by_test_id("send-action").click()
    expect(page.get_by_test_id("form-action")).to_have_count(0)
    until("the page has gone on", lambda: gone_on(page, version), 10, page)


def gone_on(page: Page, version: str | None) -> bool:
    """Whoever hands a case on may lose sight of it and stands before the board again."""
    case = page.get_by_test_id("case")
    return case.count() == 0 or case.get_attribute("data-version") != version


def answered(server: Server, id: str) -> set[str]:
    notices = server.ask("GET", f"/api/v1/cases/{id}")["notices"]
    return {each["receiver"] for each in notices if each["receipt_at"]}


def case_page(browser: Browser, server: Server, visiting: Visit, person: str, id: str) -> Page:
    return visiting(browser, server).sign_in(person).open(f"/case/{id}")


def test_a_report_is_disputed_mended_checked_again_and_fixed(
    browser: Browser, home: Path, photos: list[Path], visiting: Visit
) -> None:
    with serving(home, speed=SLOW) as server:
        citizen = visiting(browser, server, java_script_enabled=False)
        number, code = file_report(citizen.page, server.url, photos[0])
        id = f"urn:ngsi-ld:Case:{number}"
        clerk = case_page(browser, server, visiting, "person:clerk", id)
        act(clerk, "collect", "位置和照片清楚。")
        duty = case_page(browser, server, visiting, "person:duty", id)
        act(duty, "register")
        act(duty, "dispatch", unit=OTHER)

        wrong = case_page(browser, server, visiting, f"person:{OTHER}", id)
        act(wrong, "dispute", "滑梯不属于燃气设施。")
        chief = case_page(browser, server, visiting, "person:chief", id)
        expect(chief.locator("main")).to_contain_text("异议待裁定")
        act(chief, "arbitrate", "按职责清单改派。", decision="moved", unit=LEAD)
        expect(chief.get_by_test_id("branches")).to_contain_text("处置")
        picture(chief, "governance-1-arbitrated")

        doer = case_page(browser, server, visiting, f"person:{LEAD}", id)
        act(doer, "handle", "已紧固扶手。", photos[1])
        duty.reload()
        ready(duty)
        act(duty, "feedback")
        checker = case_page(browser, server, visiting, "person:checker", id)
        act(checker, "check", "扶手仍松动。", passed="no")
        act(doer, "handle", "更换螺栓并复核。", photos[2])
        until(
            "the duty officer's page has heard", lambda: duty.get_by_test_id("action-feedback").count() == 1, 10, duty
        )
        act(duty, "feedback")
        until("the checker's page has heard", lambda: checker.get_by_test_id("action-check").count() == 1, 10, checker)
        act(checker, "check", "现场复核，牢固。", passed="yes")

        act(clerk, "confirm", "回访：市民确认已修好。", fixed="yes")
        expect(duty.get_by_test_id("timeline")).to_contain_text("市民确认已修好")
        act(duty, "close", "核查通过，回访满意。", outcome="fixed")
        expect(duty.get_by_test_id("case-outcome")).to_have_attribute("data-word", "fixed")
        picture(duty, "governance-2-fixed")
        assert judged(duty, (accessible, leaks)) == []
        assert "已解决" in look_up(citizen.page, server.url, number, code)
        course = [entry["action"] for entry in server.ask("GET", f"/api/v1/cases/{id}")["actions"]]
        assert [word for word in course if word in ("dispute", "arbitrate", "handle", "check", "confirm", "close")] == [
            "dispute", "arbitrate", "handle", "check", "handle", "check", "confirm", "close",
        ]  # fmt: skip


def test_a_credit_record_is_repaired_once_every_consumer_has_answered(
    browser: Browser, home: Path, visiting: Visit
) -> None:
    with receiving() as window, serving(home, speed=SLOW, more=("--allow-private",)) as server:
        window.lives = True
        hook = {"id": "credit-portal", "url": window.url, "title": "Publication window", "kinds": ["case.told"],
                "where": {"receiver": "credit_portal"}, "secret": "a signing secret of the window"}  # fmt: skip
        server.ask("POST", "/api/v1/webhooks", json=hook)
        server.ask("POST", "/api/v1/people/person:checker/roles", json={"role": "handler", "unit": "credit.office"})
        record = {"flow": "credit_record", "text": "行政处罚:占道堆放建筑材料", "class": "minor",
                  "title": {"zh": "测试建筑公司", "en": "A building firm"}, "channel": "counter"}  # fmt: skip
        id = server.ask("POST", "/api/v1/cases", json=record)["id"]

        office = case_page(browser, server, visiting, "person:credit.office", id)
        act(office, "record", document="(2026)城罚字第 17 号", counted_from="2026-02-20", subject_kind="body",
            published="yes")  # fmt: skip
        expect(office.get_by_test_id("branches").locator("li")).to_have_count(2)
        counter = case_page(browser, server, visiting, "person:clerk", id)
        act(counter, "apply", "材料齐全。", corrected="yes", duty_done="yes", committed="yes")
        expect(office.get_by_test_id("action-verify")).to_be_visible()
        act(office, "verify", "已向处罚机关核实。")
        assert office.get_by_test_id("action-decide").count() == 0, "who verified does not decide"
        second = case_page(browser, server, visiting, "person:checker", id)
        act(second, "decide", "符合条件，予以修复。", passed="yes")

        expect(second.get_by_test_id("receipt")).to_have_count(3)
        there = second.locator("[data-testid=receipt][data-there=true]")
        until("the window has answered", lambda: answered(server, id) == {"credit_portal"}, 20, second)
        expect(there).to_have_count(1)
        assert window.taken[0]["body"]["data"]["document"] == "(2026)城罚字第 17 号"
        picture(second, "governance-4-told")
        for receiver, unit in (("market", "market.supervision"), ("procurement", "procurement.office")):
            consumer = case_page(browser, server, visiting, f"person:{unit}", id)
            act(consumer, "acknowledge", "已撤下。", receiver=receiver)
        expect(there).to_have_count(3)
        act(second, "close", "回执齐全。", outcome="fixed")
        expect(second.get_by_test_id("case-outcome")).to_have_attribute("data-word", "fixed")
        expect(second.get_by_test_id("receipts")).to_have_attribute("data-missing", "0")
        picture(second, "governance-5-repaired")
        assert judged(second, (accessible, leaks)) == []


def test_a_rule_is_changed_by_two_persons_after_its_replay(browser: Browser, home: Path, visiting: Visit) -> None:
    with serving(home, speed=SLOW) as server:
        engineer: Visitor = visiting(browser, server).sign_in("person:engineer")
        page = engineer.open("/rules/heavy_particles")
        check = page.get_by_test_id("rule-check")
        page.get_by_test_id("rule-when").fill("pm25 > 1.2 * pm25_daylimit")
        expect(check).to_contain_text("pm25_daylimit")
        expect(page.get_by_test_id("propose")).to_be_disabled()
        page.get_by_test_id("rule-when").fill("pm25 > 1.2 * pm25_day_limit")
        expect(check).to_have_attribute("data-ok", "true")
        page.get_by_test_id("change-why").fill("更早发现污染过程。")
        page.get_by_test_id("propose").click()
        expect(page.get_by_test_id("differences")).to_contain_text("1.2")
        assert page.get_by_test_id("release").count() == 0, "who wrote it does not release it"
        engineer.watch.forgive("status of 400")

        chief = visiting(browser, server).sign_in("person:chief")
        theirs = chief.open(page.url.removeprefix(server.url))
        expect(theirs.get_by_test_id("release")).to_be_disabled()
        theirs.get_by_test_id("replay-start").click()
        expect(theirs.get_by_test_id("replay-says")).to_contain_text("会触发")
        picture(theirs, "governance-3-replayed")
        assert judged(theirs, (accessible, leaks)) == []
        theirs.get_by_test_id("release").click()
        expect(theirs.get_by_test_id("change")).to_have_attribute("data-state", "released")
        rule = server.ask("GET", "/api/v1/rules/heavy_particles")
        assert (rule["condition"], rule["release"]) == ("pm25 > 1.2 * pm25_day_limit", 1)
