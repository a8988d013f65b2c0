"""Coming in by the printed link, and a city that lives."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Visit
from tests.browser.serving import Server
from tests.browser.watching import ready, until

pytestmark = pytest.mark.browser
VITALS_MAX = 12
UNKNOWN = "status of 401"


def test_the_printed_link_opens_once_a_living_overview(browser: Browser, city: Server, visiting: Visit) -> None:
    visitor = visiting(browser, city)
    page = visitor.page
    page.goto(city.printed)
    ready(page)
    assert page.url == f"{city.url}/"
    cards = page.get_by_test_id("vital-card")
    assert 1 <= cards.count() <= VITALS_MAX
    values = page.get_by_test_id("vital-value").all_inner_texts()
    assert all(any(letter.isdigit() for letter in value) or value == "–" for value in values), values
    assert sum(value != "–" for value in values) >= 10, values
    clock = page.get_by_test_id("connection").locator("time")
    first = clock.inner_text()
    expect(page.get_by_test_id("connection")).to_contain_text("实时")
    until("the city clock moves", lambda: clock.inner_text() > first, 5, page)
    assert city.streams() >= 1

    stranger = visiting(browser, city)
    stranger.page.goto(city.printed)
    expect(stranger.page.get_by_test_id("sign-in-needed")).to_be_visible()
    expect(stranger.page.get_by_role("alert")).to_contain_text("已用过")
    assert stranger.context.cookies() == []
    stranger.watch.forgive(UNKNOWN)


def test_a_link_from_the_command_line_is_for_the_person_named(browser: Browser, city: Server, visiting: Visit) -> None:
    page = visiting(browser, city).sign_in("person:clerk").page
    assert (
        page.evaluate("() => fetch('/api/v1/me').then((answer) => answer.json()).then((me) => me.actor)")
        == "person:clerk"
    )
    expect(page.locator("nav .name")).to_have_text("受理员 柏")


def test_signing_out_ends_the_session(browser: Browser, city: Server, visiting: Visit) -> None:
    visitor = visiting(browser, city).sign_in("person:auditor")
    visitor.page.get_by_role("button", name="退出").click()
    expect(visitor.page.get_by_test_id("sign-in-needed")).to_be_visible()
    assert visitor.context.cookies() == []
    visitor.watch.forgive(UNKNOWN)
