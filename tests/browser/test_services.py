"""Services on the console: from the catalogue to a step that costs too much, by mouse and by keys."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Visit
from tests.browser.serving import Server
from tests.browser.test_pages import seen_in_all_looks

pytestmark = pytest.mark.browser


def test_a_bundle_its_fields_and_what_a_step_costs(browser: Browser, city: Server, visiting: Visit) -> None:
    page = visiting(browser, city).sign_in("person:chief").open("/services?lang=en")
    rows = page.get_by_test_id("service-row")
    expect(rows).to_have_count(19)
    page.get_by_test_id("life-person").click()
    expect(rows.first).to_have_text("A child is born")
    page.keyboard.press("j")
    expect(page.get_by_test_id("service-detail")).to_have_attribute("data-id", "residence_proof")
    page.goto(f"{city.url}/services?lang=en&service=residence_proof")
    page.locator("summary").click()
    fields = page.get_by_test_id("service-fields")
    expect(fields).to_contain_text("Register of households")
    expect(fields).to_contain_text("Asked of the applicant")
    expect(page.get_by_test_id("try")).to_have_attribute("href", "/do/item/residence_proof")
    steps = page.get_by_test_id("process-steps")
    expect(steps).to_contain_text("Fill in the application")
    page.locator("[data-testid=remove][data-step=fill]").click()
    expect(page.get_by_test_id("without")).to_contain_text("days saved in all")
    assert seen_in_all_looks(page, "services-en") == []
    page.goto(
        page.url.replace("lang=en", "lang=zh")
        .replace("residence_proof", "open_restaurant")
        .replace("&without=fill", "")
    )
    expect(page.get_by_test_id("service-detail")).to_contain_text("10 个工作日")
    assert seen_in_all_looks(page, "services-zh") == []
