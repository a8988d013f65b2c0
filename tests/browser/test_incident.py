"""An incident from alarm to after-action report, by the people who stand before the console."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from quanyu.assembly.remote import operate
from tests.browser.conftest import Visit
from tests.browser.serving import Server, serving
from tests.browser.test_governance import act, case_page, photos
from tests.browser.watching import accessible, judged, leaks, picture, ready, too_wide, until
from tests.plays.test_7_2_warnings import DRAFT

pytestmark = pytest.mark.browser
SLOW = 1
GAS, FIRE = "facilities.gas", "fire.rescue"
__all__ = ["photos"]


def alarm(server: Server) -> str:
    """Let a rule find something: an asset that stays down opens a case by itself."""
    asset = "urn:ngsi-ld:CyberAsset:browser"
    server.ask("POST", "/api/v1/entities", json={"id": asset, "type": "CyberAsset", "operatorKind": "critical"})
    now = server.ask("GET", "/api/v1/city")["now"]
    item = {"entity": asset, "attribute": "downMinutes", "value": 90, "unit": "MIN", "observedAt": now}
    server.ask("POST", "/api/v1/observations", json={"items": [item]})

    def found() -> str | None:
        listed = server.ask("GET", "/api/v1/cases", params={"asset": asset})["items"]
        return str(listed[0]["id"]) if listed else None

    return until("the rule has opened a case", found, 20)


def command_page(browser: Browser, server: Server, visiting: Visit, person: str, id: str) -> Page:
    return visiting(browser, server).sign_in(person).open(f"/incidents/{id}")


def test_an_incident_runs_from_alarm_to_after_action_report(
    browser: Browser, home: Path, photos: list[Path], visiting: Visit
) -> None:
    with serving(home, speed=SLOW) as server:
        source = alarm(server)
        sent = {"kind": "gas_explosion", "text": "泵房燃气爆燃，系统先行告警", "source": source,
                "place": {"district": "110105", "address": "示例路 1 号"}}  # fmt: skip
        id = server.ask("POST", "/api/v1/incidents", json=sent)["id"]
        admin = case_page(browser, server, visiting, "person:admin", id)
        act(admin, "accept", "电话核实属实。")
        act(admin, "sort", "按应急处置。", emergency="yes")

        commander = command_page(browser, server, visiting, "person:commander", id)
        expect(commander.locator("main")).to_contain_text("来源事件")
        expect(commander.get_by_test_id("incident.reports").get_by_role("listitem")).to_have_count(1)
        graded(commander)
        commander.get_by_test_id("activate-gas_explosion_upper").click()
        expect(commander.get_by_test_id("orders")).to_have_attribute("data-waiting", "5")
        picture(commander, "incident-1-plan")

        switched(browser, server, visiting, commander, id)
        orders = {order["unit"]: order["id"] for order in server.ask("GET", f"/api/v1/incidents/{id}")["orders"]}
        listed(browser, server, visiting, id)
        gas = case_page(browser, server, visiting, f"person:{GAS}", orders[GAS])
        act(gas, "receive", "收到，立即关阀。")
        expect(commander.get_by_test_id("orders")).to_have_attribute("data-waiting", "4")
        done(gas, "已关阀，浓度正常。")
        commander.get_by_test_id("note").fill("市领导到达现场")
        commander.get_by_test_id("send-note").click()
        expect(commander.get_by_test_id("log")).to_contain_text("市领导到达现场")
        unfolded(commander, "resource")
        commander.get_by_test_id("resource").fill("移动供气车 1 号")
        commander.get_by_test_id("resource-unit").select_option(GAS)
        commander.get_by_test_id("send-resource").click()
        expect(commander.get_by_test_id("resources")).to_contain_text("移动供气车 1 号")
        linked(commander, warned(server))
        watched(commander)
        assert judged(dark_and_english(browser, server, visiting, f"/incidents/{id}"), (accessible, leaks)) == []
        assert judged(commander, (accessible, leaks)) == []
        commander.set_viewport_size({"width": 360, "height": 780})
        commander.get_by_test_id("incident").scroll_into_view_if_needed()
        picture(commander, "incident-5-narrow")
        assert judged(commander, (accessible, too_wide)) == []
        commander.set_viewport_size({"width": 1600, "height": 900})

        unfolded(commander, "response")
        commander.get_by_test_id("lift-why").fill("险情解除")
        commander.get_by_test_id("lift-response").click()
        expect(commander.get_by_test_id("grading")).to_contain_text("未启动")
        ended(admin, commander, photos)
        reported(browser, server, visiting, commander, id)


def done(page: Page, note: str) -> None:
    """Report that an order was carried out, with how much of it."""
    page.get_by_test_id("action-carry_out").click()
    page.get_by_test_id("measurement-done_percent").fill("100")
    page.get_by_test_id("outcome-select").select_option("fixed")
    page.get_by_test_id("note-input").fill(note)
    page.get_by_test_id("send-action").click()
    expect(page.get_by_test_id("case")).to_have_attribute("data-state", "closed")


def unfolded(page: Page, name: str) -> None:
    """Unfold a form that was folded away."""
    fold = page.get_by_test_id(f"fold-{name}")
    if fold.get_attribute("open") is None:
        fold.locator("summary").first.click()


def linked(page: Page, id: str) -> None:
    """Choose the warning among those in force; the one that holds here is offered first."""
    unfolded(page, "warning")
    page.get_by_test_id("find-warning").fill("暴雨")
    expect(page.get_by_test_id("offered")).to_contain_text("暴雨")
    page.get_by_test_id("find-warning").fill("没有这样的预警")
    expect(page.get_by_test_id("warnings")).to_contain_text("没有符合的生效预警")
    page.get_by_test_id("find-warning").fill("海淀")
    page.get_by_test_id("link-warning").first.click()
    expect(page.get_by_test_id("warnings").locator("section > ul > li, :scope > ul > li")).to_have_count(1)


def watched(page: Page) -> None:
    """Follow a function of the city until it is back; its curve is drawn at once."""
    unfolded(page, "function")
    page.get_by_test_id("thing-type").select_option(index=1)
    page.get_by_test_id("things").get_by_role("button").first.click()
    expect(page.get_by_test_id("function-normal")).not_to_have_value("")
    page.get_by_test_id("send-function").click()
    expect(page.get_by_test_id("curve").get_by_role("img")).to_be_visible()


def dark_and_english(browser: Browser, server: Server, visiting: Visit, path: str) -> Page:
    visitor = visiting(browser, server, color_scheme="dark", locale="en-US").sign_in("person:commander")
    page = visitor.open(f"{path}?lang=en")
    picture(page, f"dark-{path.split('/')[1]}")
    return page


def listed(browser: Browser, server: Server, visiting: Visit, id: str) -> None:
    """Find the incident in the list, in both languages and themes, and on a telephone."""
    page = visiting(browser, server).sign_in("person:commander").open("/incidents")
    row = page.locator(f'[data-testid="incident-row"][data-id="{id}"]')
    expect(row).to_have_attribute("data-level", "3")
    page.get_by_test_id("incidents-level").select_option("1")
    expect(page.get_by_test_id("incident-row")).to_have_count(0)
    page.get_by_test_id("incidents-level").select_option("")
    page.get_by_test_id("incidents-text").fill("泵房燃气")
    expect(page.get_by_test_id("incident-row")).to_have_count(1)
    assert server.client.get(str(page.get_by_test_id("incidents-csv").get_attribute("href"))).text.count("\n") == 2
    row.get_by_role("link").click()
    expect(page.get_by_test_id("incident")).to_be_visible()
    rows = server.ask("GET", "/api/v1/incidents", params={"list": "open"})["items"]
    ready_to_end = next(each["id"] for each in rows if each["tasks"] and each["tasks"] == each["tasks_done"])
    ending = dark_and_english(browser, server, visiting, f"/incidents/{ready_to_end}")
    expect(ending.get_by_test_id("ending")).to_contain_text("the incident can be ended")
    ending.set_viewport_size({"width": 360, "height": 780})
    assert judged(ending, (accessible, too_wide)) == []
    narrow = dark_and_english(browser, server, visiting, "/incidents")
    assert judged(narrow, (accessible, leaks)) == []
    narrow.set_viewport_size({"width": 360, "height": 780})
    assert judged(narrow, (accessible, too_wide)) == []


def warned(server: Server) -> str:
    """Write, approve and issue a warning, by two persons; return its id."""
    for person, role in (("chief", "warning_approver"), ("admin", "warning_author")):
        granted = server.client.post(f"/api/v1/people/person:{person}/roles", json={"role": role})
        assert granted.is_success or granted.json()["code"] == "role.held"
    token = operate(server.home, "token.issue", {"person": "person:chief", "title": "tests"})["token"]
    channel = {"mode": "actual", "kind": "loudspeaker", "zh": "试验喇叭", "en": "Test speakers", "simulated": True}
    server.ask("POST", "/api/v1/warning-channels/browser", json=channel)
    terminal = {"id": "speaker-1", "lon": 116.3, "lat": 40.0, "district": "110108", "simulated": True}
    server.ask("POST", "/api/v1/warning-channels/browser/terminals", json={"terminals": [terminal]})
    times = {"starts_at": "2026-03-02T08:00:00+08:00", "expires_at": "2026-03-03T20:00:00+08:00"}
    draft = DRAFT | times | {"channels": ["browser"]}
    draft["texts"] = server.ask("POST", "/api/v1/warnings/template", json=draft)["texts"]
    path = f"/api/v1/warnings/{server.ask('POST', '/api/v1/warnings', json=draft)['id']}"
    server.ask("POST", f"{path}/submit", json={"revision": 1})
    headers = {"Authorization": f"Bearer {token}"}
    server.ask("POST", f"{path}/approve", json={"revision": 1, "note": "属实"}, headers=headers)
    return str(server.ask("POST", f"{path}/publish", json={"revision": 1})["id"])


def graded(commander: Page) -> None:
    """Take figures in, put the level in force, announce the response."""
    unfolded(commander, "figure")
    commander.get_by_test_id("measure").select_option("dead")
    commander.get_by_test_id("figure").fill("3")
    commander.get_by_test_id("figure-source").fill("现场指挥部")
    commander.get_by_test_id("send-figure").click()
    expect(commander.get_by_test_id("grading")).to_have_attribute("data-grade", "3")
    commander.get_by_test_id("level").select_option("3")
    commander.get_by_test_id("level-why").fill("死亡三人")
    commander.get_by_test_id("send-level").click()
    expect(commander.get_by_test_id("grading")).to_have_attribute("data-level", "3")
    commander.get_by_test_id("matter").fill("燃气爆燃救援")
    commander.get_by_test_id("measures").fill("关阀\n疏散")
    commander.get_by_test_id("send-response").click()
    expect(commander.get_by_test_id("grading")).to_contain_text("3 级响应")


def switched(browser: Browser, server: Server, visiting: Visit, commander: Page, id: str) -> None:
    """One proposes the emergency, another sets it, and everybody sees it; then it is lifted."""
    unfolded(commander, "mode")
    commander.get_by_test_id("mode-reason").fill("燃气爆燃处置")
    commander.get_by_test_id("propose-mode").click()
    expect(commander.get_by_test_id("set-mode")).to_be_disabled()
    chief = command_page(browser, server, visiting, "person:chief", id)
    chief.get_by_test_id("set-mode").click()
    expect(chief.get_by_test_id("mode")).to_have_attribute("data-mode", "emergency")
    chief.reload()
    ready(chief)
    expect(chief.get_by_test_id("mode-banner")).to_contain_text("燃气爆燃处置")
    picture(chief, "incident-2-mode")
    chief.get_by_test_id("mode-reason").fill("险情可控")
    chief.get_by_test_id("lift-mode").click()
    expect(chief.get_by_test_id("mode")).to_have_attribute("data-mode", "normal")


def ended(admin: Page, commander: Page, photos: list[Path]) -> None:
    """Bring the incident's own case to its end."""
    commander.get_by_role("link", name="事件 2").first.click()
    ready(commander)
    act(commander, "stabilise", "险情解除。")
    act(commander, "evaluate", "评估完成。", loss_said="直接损失约三百万元", recovery_plan="更换管线")
    admin.reload()
    ready(admin)
    act(admin, "close", "资料齐全。", photos[0], outcome="fixed")
    expect(admin.get_by_test_id("case-outcome")).to_have_attribute("data-word", "fixed")


def reported(browser: Browser, server: Server, visiting: Visit, commander: Page, id: str) -> None:
    """Write a lesson down, and read the report that the journal gives, in both languages."""
    page = command_page(browser, server, visiting, "person:commander", id)
    unfolded(page, "lesson")
    page.get_by_test_id("lesson-unit").select_option(GAS)
    page.get_by_test_id("lesson-text").fill("泵房须装可燃气体报警器")
    page.get_by_test_id("send-lesson").click()
    expect(page.get_by_test_id("incident.lessons")).to_contain_text("泵房须装可燃气体报警器")
    picture(page, "incident-3-end")
    href = page.get_by_test_id("after-action").get_attribute("href")
    report = visiting(browser, server).sign_in("person:commander").page
    report.goto(server.url + str(href))
    expect(report.locator("body")).to_contain_text("处置评估报告")
    for word in ("市领导到达现场", "死亡三人", "已关阀", "试验喇叭 0/1", "校验值"):
        expect(report.locator("body")).to_contain_text(word)
    picture(report, "incident-4-report")
    report.goto(server.url + str(href).replace("lang=zh", "lang=en"))
    expect(report.locator("body")).to_contain_text("After-action report")
