"""A warning written in the console from its template, looked at, saved and handed to the second person."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Visit
from tests.browser.serving import Server

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
    page.get_by_test_id("warning-preview").click()
    expect(page.get_by_test_id("warning-faults")).to_be_visible()
    page.get_by_test_id("warning-save").click()
    expect(page.get_by_test_id("warning-standing")).to_have_text("草稿")
