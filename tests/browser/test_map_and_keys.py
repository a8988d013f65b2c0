"""The map with and without WebGL, and the console without a mouse."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Launch, Visit
from tests.browser.serving import Server
from tests.browser.watching import accessible, picture, ready, until

pytestmark = pytest.mark.browser
PAINTED = """() => {
  const shown = document.querySelector('[data-testid=map] canvas');
  if (!shown || !shown.width) return false;
  const small = document.createElement('canvas');
  [small.width, small.height] = [160, 120];
  const context = small.getContext('2d');
  context.drawImage(shown, 0, 0, 160, 120);
  const pixels = new Uint32Array(context.getImageData(0, 0, 160, 120).data.buffer);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const grounds = [...counts.values()].filter((count) => count > 500).length;
  return grounds >= 2 && counts.size > 60;
}"""


def drawn(page: Page) -> None:
    """Wait until the map shows ground and land, and on them the many shades of edges, points and names."""
    until("the map is drawn", lambda: page.evaluate(PAINTED), 20, page)


def test_the_map_is_drawn_and_stays_so_in_the_other_theme(browser: Browser, city: Server, visiting: Visit) -> None:
    page = visiting(browser, city).sign_in("person:chief").open("/map")
    drawn(page)
    assert page.locator("[data-testid=map] .maplibregl-canvas").count() == 1
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(500)
    drawn(page)
    page.emulate_media(color_scheme="light")
    page.wait_for_timeout(500)
    drawn(page)


def test_without_webgl_a_plain_map_and_a_table_hold_the_same(launch: Launch, city: Server, visiting: Visit) -> None:
    plain = launch("--disable-webgl", "--disable-3d-apis")
    page = visiting(plain, city).sign_in("person:chief").open("/map")
    assert page.evaluate("() => document.createElement('canvas').getContext('webgl2')") is None
    assert page.locator(".maplibregl-canvas").count() == 0
    drawn(page)
    page.keyboard.press("t")
    rows = page.get_by_test_id("in-view").locator("tbody tr")
    stations = rows.filter(has_text="模拟站")
    expect(stations).to_have_count(12)
    picture(page, "map-without-webgl")
    assert accessible(page) == []
    before = rows.count()
    page.locator("[data-testid=map] canvas").focus()
    for _ in range(8):
        page.keyboard.press("+")
    until("the table follows the map", lambda: rows.count() < before, 5, page)
    page.keyboard.press("0")
    expect(stations).to_have_count(12)
    stations.first.get_by_role("link").click()
    expect(page.get_by_test_id("drawer")).to_contain_text("PM2.5")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("drawer")).to_have_count(0)


def test_keys_search_go_move_open_and_list_themselves(browser: Browser, city: Server, visiting: Visit) -> None:
    page = visiting(browser, city).sign_in("person:duty").page
    page.keyboard.press("/")
    expect(page.get_by_test_id("search")).to_be_focused()
    page.keyboard.type("海淀")
    expect(page.locator("#search-hits [role=option]").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("search")).not_to_be_focused()

    page.keyboard.press("g")
    page.keyboard.press("b")
    ready(page)
    assert page.url.endswith("/board")
    rows = page.get_by_test_id("case-row")
    page.keyboard.press("j")
    expect(rows.nth(0).get_by_role("link")).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(rows.nth(2).get_by_role("link")).to_be_focused()
    page.keyboard.press("k")
    chosen = rows.nth(1)
    expect(chosen.get_by_role("link")).to_be_focused()
    id = chosen.get_attribute("data-id")
    page.keyboard.press("Enter")
    ready(page)
    assert page.url.endswith(f"/case/{id}".replace(":", "%3A"))

    page.keyboard.press("?")
    keys = page.get_by_role("dialog")
    for key in ("/", "g", "b", "?", "a"):
        expect(keys.locator("kbd", has_text=key).first).to_be_visible()
    keys.get_by_role("checkbox").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("o")
    assert "/case/" in page.url, "letters are off"
