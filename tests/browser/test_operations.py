"""Nothing stops in silence: a receiver that does not take its notifications is on the screen until it has them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Visit
from tests.browser.receiving import receiving
from tests.browser.serving import Server, serving
from tests.browser.test_pages import seen_in_all_looks
from tests.browser.watching import until

pytestmark = pytest.mark.browser
ID = "urn:ngsi-ld:Subscription:dead-letters"
NGSI = "/ngsi-ld/v1"
REFUSALS = 5
"""So many refusals of one notification make it a dead letter."""
DEVICES = """
[mqtt.district]
broker = "mqtt://127.0.0.1:1"
as = "replay"

[[mqtt.district.topic]]
topic = "air/+station"
type = "AirQualityObserved"
fields = { pm25 = { attribute = "pm25", unit = "GQ" } }
"""


def send(server: Server, path: str, **document: Any) -> None:
    answer = server.client.post(f"{NGSI}{path}", json=document)
    assert answer.status_code == 201, answer.text


def subscribe(server: Server, id: str, uri: str) -> None:
    wish = {"entities": [{"type": "Sluice"}], "notification": {"endpoint": {"uri": uri}}}
    send(server, "/subscriptions", id=id, type="Subscription", subscriptionName=id.rpartition(":")[2], **wish)


def refused_for_good(server: Server) -> bool:
    """Say whether the notification has become a dead letter; it is tried again at once meanwhile."""
    server.ask("POST", f"/api/v1/subscriptions/{ID}/replay", json={})
    return bool(server.ask("GET", f"/api/v1/subscriptions/{ID}")["dead"])


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    """A devices file whose broker is never there."""
    path = tmp_path / "devices.toml"
    path.write_text(DEVICES, "utf-8")
    return path


def test_a_dead_receiver_is_seen_and_gets_its_notifications_once_it_lives(
    browser: Browser, home: Path, devices: Path, visiting: Visit
) -> None:
    more = ("--allow-private", "--devices", str(devices))
    with receiving() as receiver, serving(home, speed=1, more=more) as server:
        subscribe(server, ID, receiver.url)
        subscribe(server, "urn:ngsi-ld:Subscription:other", f"{receiver.url}/../other")
        send(server, "/entities", id="urn:ngsi-ld:Sluice:1", type="Sluice", open={"type": "Property", "value": True})
        page = visiting(browser, server).sign_in("person:admin").open("/operations?lang=en")
        row = page.locator(f"[data-testid=subscription-row][data-id='{ID}']")
        expect(row).to_have_attribute("data-doing", "failing")
        expect(row).to_contain_text("HTTP status 404")
        until("a dead letter", lambda: refused_for_good(server), page=page)
        assert receiver.refused >= REFUSALS
        expect(row.get_by_test_id("dead")).to_have_text("1")
        expect(page.get_by_test_id("totals")).to_contain_text(re.compile(r"failing [12]"))
        only_what_is_asked_for(page)
        row.get_by_test_id("subscription-open").click()
        expect(page.get_by_test_id("subscription-detail")).to_contain_text("urn:ngsi-ld:Sluice:1")
        expect(page.locator("[data-testid=device-row][data-id='mqtt:district']")).to_have_attribute(
            "data-health", "down"
        )
        assert seen_in_all_looks(page, "operations-failing-en") == []
        page.set_viewport_size({"width": 390, "height": 844})

        receiver.lives = True
        row.get_by_test_id("replay").click()
        expect(row).to_have_attribute("data-doing", "ok")
        expect(row.get_by_test_id("dead")).to_have_text("0")
        expect(row.get_by_test_id("replay")).to_have_count(0)
        expect(page.get_by_test_id("subscription-detail")).to_contain_text("Everything was delivered.")
        assert "urn:ngsi-ld:Sluice:1" in [entity["id"] for each in receiver.taken for entity in each["data"]]
        page.goto(page.url.replace("lang=en", "lang=zh"))
        expect(row).to_contain_text("正常")


def only_what_is_asked_for(page: Page) -> None:
    rows = page.get_by_test_id("subscription-row")
    expect(rows).to_have_count(2)
    page.get_by_test_id("filter-text").fill("DEAD-LET")
    expect(rows).to_have_count(1)
    page.get_by_test_id("filter-health").select_option("ok")
    expect(rows).to_have_count(0)
    page.get_by_test_id("filter-health").select_option("unheard")
    expect(rows).to_have_count(1)
    page.get_by_test_id("filter-health").select_option("")


def test_who_may_not_see_it_finds_no_link_and_no_numbers(browser: Browser, city: Server, visiting: Visit) -> None:
    duty = visiting(browser, city).sign_in("person:duty")
    expect(duty.page.locator("nav a[href^='/operations']")).to_have_count(0)
    page = duty.open("/operations?lang=en")
    expect(page.get_by_test_id("subscriptions")).to_have_count(0)
    expect(page.locator("main")).to_contain_text("You may not see or do this")
    admin = visiting(browser, city).sign_in("person:admin")
    expect(admin.page.locator("nav a[href^='/operations']")).to_have_count(1)
    admin.page.keyboard.press("g")
    admin.page.keyboard.press("a")
    expect(admin.page.get_by_test_id("readers").locator("[data-testid=reader-row]").first).to_be_visible()
