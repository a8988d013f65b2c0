"""A warning written in the console: its area drawn and counted, its words marked at once, and who heard it on the map."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Visit
from tests.browser.serving import Server
from tests.browser.test_incident import warned
from tests.browser.watching import accessible, judged, leaks, picture, too_wide

pytestmark = pytest.mark.browser


def test_an_author_writes_a_warning_and_sees_whom_it_reaches(browser: Browser, city: Server, visiting: Visit) -> None:
    visitor = visiting(browser, city).sign_in("person:duty")
    page = visitor.open("/warnings")
    expect(page.get_by_test_id("warnings")).to_be_visible()
    page.get_by_test_id("write-warning").click()
    page.get_by_test_id("warning-event").select_option("rainstorm")
    page.get_by_test_id("warning-colour").select_option("orange")
    page.get_by_test_id("warning-template").click()
    expect(page.locator("fieldset.texts textarea").first).not_to_have_value("")
    drawn(page)
    page.reload()
    expect(page.get_by_test_id("restored")).to_be_visible()
    expect(page.get_by_test_id("warning-event")).to_have_value("rainstorm")
    page.get_by_test_id("warning-preview").click()
    expect(page.get_by_test_id("warning-faults")).to_be_visible()
    assert judged(page, (accessible, leaks)) == []
    page.set_viewport_size({"width": 360, "height": 780})
    assert judged(page, (accessible, too_wide)) == []
    page.set_viewport_size({"width": 1600, "height": 900})
    page.get_by_test_id("warning-save").click()
    expect(page.get_by_test_id("warning-standing")).to_have_text("草稿")
    expect(page.get_by_test_id("warning")).not_to_contain_text("person:")


def drawn(page: Page) -> None:
    """Draw by mouse and by keyboard, take back, type, and see each time who is inside."""
    area, text = page.get_by_test_id("area"), page.get_by_test_id("area-text")
    canvas = area.get_by_role("img")
    canvas.scroll_into_view_if_needed()
    for x, y in ((600, 120), (720, 120), (720, 220)):
        canvas.click(position={"x": x, "y": y})
    expect(page.get_by_test_id("draw-state")).to_contain_text("3 个顶点")
    page.get_by_test_id("draw-finish").click()
    expect(page.get_by_test_id("area-count")).to_be_visible()
    triangle = text.input_value()
    page.get_by_test_id("draw-circle").click()
    page.get_by_test_id("draw-radius").fill("5")
    canvas.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("draw-state")).to_contain_text("圆 1 个")
    picture(page, "warning-area")
    page.get_by_test_id("draw-undo").click()
    expect(text).to_have_value(triangle)
    canvas.focus()
    page.keyboard.press("0")
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 600, box["y"] + 120)
    page.mouse.down()
    page.mouse.move(box["x"] + 580, box["y"] + 100, steps=3)
    page.mouse.up()
    expect(text).not_to_have_value(triangle)
    page.get_by_test_id("draw-undo").click()
    expect(text).to_have_value(triangle)
    page.get_by_test_id("draw-clear").click()
    expect(text).to_have_value("")
    text.fill("39.9, 116.2\nnorth")
    expect(page.get_by_test_id("draw-state")).to_contain_text("第 2 行")
    expect(page.get_by_test_id("warning-save")).to_be_disabled()
    text.fill("39.9, 116.2\n39.9, 116.6\n40.1, 116.4")
    expect(page.get_by_test_id("warning-save")).to_be_enabled()
    page.wait_for_timeout(1500)


def test_who_heard_a_warning_stands_on_the_map(browser: Browser, city: Server, visiting: Visit) -> None:
    id = warned(city)
    page = visiting(browser, city, color_scheme="dark").sign_in("person:duty").open(f"/warnings?warning={id}&lang=en")
    reach = page.get_by_test_id("reach-map")
    expect(reach).to_contain_text("Silent 1")
    expect(page.get_by_test_id("warning")).to_contain_text(
        city.ask("GET", f"/api/v1/warnings/{id}")["names"]["person:chief"]
    )
    receipt = {"channel": "browser", "terminals": ["speaker-1"], "states": "reached"}
    city.ask("POST", f"/api/v1/warnings/{id}/receipts", json=receipt)
    page.reload()
    expect(reach).to_contain_text("Reached 1")
    expect(reach.get_by_role("img")).to_be_visible()
    assert judged(page, (accessible, leaks)) == []
    picture(page, "warning-reach")
