"""Stopping, crashing and starting again, seen from the pages that stay open."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from quanyu.assembly import Options, open_hub
from quanyu.kernel.journal import Command
from tests.browser.conftest import Visit
from tests.browser.serving import Server, serving, start
from tests.browser.watching import ready, until

pytestmark = pytest.mark.browser
GONE = r"ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE"
RECONNECT_S = 5.0
SLACK_S = 2.0
"""What a busy machine may add; the pause between two tries is never longer than 4.5 s."""
START_CPU_S = 3.0
IDLE_MB = 200.0


def matter(text: str) -> dict[str, object]:
    title = {"zh": text, "en": text}
    place = {"district": "110101", "address": "测试胡同 3 号"}
    return {"flow": "grid_case", "kind": "grid", "title": title, "text": text, "place": place, "channel": "counter"}


def open_while_nobody_serves(home: Path, text: str) -> str:
    """Commit a case into a home at rest; its id."""
    hub = open_hub(home, Options(demo=True, speed=1))
    try:
        hub.start()
        return hub.commit_blocking([Command("case.open", "", matter(text))], "person:clerk").outcomes[0].subject
    finally:
        hub.close()


def let_in(page: Page, id: str) -> None:
    """Show what waits above the board; the case stands there once, and no row twice."""
    page.get_by_test_id("board-news").click()
    expect(page.locator(f"[data-testid=case-row][data-id='{id}']")).to_have_count(1)
    shown: list[str] = page.get_by_test_id("case-row").evaluate_all("(rows) => rows.map((row) => row.dataset.id)")
    assert len(shown) == len(set(shown))


def live(page: Page) -> bool:
    return "实时" in page.get_by_test_id("connection").inner_text()


def test_two_tabs_come_back_after_a_crash_and_have_missed_nothing(
    browser: Browser, home: Path, visiting: Visit
) -> None:
    with serving(home, speed=1) as server:
        visitor = visiting(browser, server).sign_in("person:clerk")
        first, second = visitor.open("/board?sort=opened"), visitor.tab("/board?sort=opened")
        until("two tabs share one stream", lambda: server.streams() == 1 and live(first) and live(second), 10, first)
        server.end(signal.SIGKILL)
        for page in (first, second):
            until("the page says that it is alone", lambda page=page: not live(page), 10, page)  # type: ignore[misc]
    missed = open_while_nobody_serves(home, "断线时登记的事项")
    with serving(home, port=server.port, speed=1) as again:
        since = time.monotonic()
        until("both tabs are live again", lambda: live(first) and live(second), 15, first)
        took = time.monotonic() - since
        assert took < RECONNECT_S + SLACK_S
        for page in (first, second):
            let_in(page, missed)
        answer = visitor.context.request.post(f"{again.url}/api/v1/cases", data=matter("门前的路灯整夜不亮"))
        after = answer.json()["id"]
        for page in (first, second):
            let_in(page, after)
        assert again.streams() == 1
    visitor.watch.forgive(GONE)


def test_a_second_start_goes_on_where_the_first_one_stopped(
    browser: Browser, home: Path, visiting: Visit, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(home) as server:
        cookies = (visitor := visiting(browser, server).sign_in("person:duty")).context.cookies()
        before, cases = server.now(), {case["id"] for case in server.cases(list="all", limit=500)}
    server = start(home, port=server.port)
    try:
        cpu_s = server.cpu_s()
        ready(visitor.open("/board"))
        assert visitor.context.cookies()[0]["value"] == cookies[0]["value"], "whoever had signed in still is"
        assert server.now() >= before
        assert cases <= {case["id"] for case in server.cases(list="all", limit=500)}
        idle_mb = server.rss_mb()
        with capsys.disabled():
            print(f"\nsecond start: first answer after {server.answered_s:.2f} s ({cpu_s:.2f} s CPU), "
                  f"{idle_mb:.0f} MB resident")  # fmt: skip
        assert cpu_s < START_CPU_S
        assert idle_mb < IDLE_MB
    finally:
        server.end()
    visitor.watch.forgive(GONE)


def test_values_that_no_longer_come_are_greyed(browser: Browser, home: Path, visiting: Visit) -> None:
    with serving(home, speed=1) as server:
        visitor = visiting(browser, server).sign_in("person:duty")
        page = visitor.page
        server.end()
        until("the page says that it is alone", lambda: not live(page), 10, page)
        expect(page.get_by_test_id("connection")).to_contain_text("已断开")
        expect(page.locator(".clock.stale")).to_have_count(1)
        assert page.get_by_test_id("vital-card").count() > 0, "the last known values stay"
    visitor.watch.forgive(GONE)


def test_a_taken_port_is_refused_without_touching_the_home(city: Server, home: Path) -> None:
    with pytest.raises(AssertionError, match=r"(?s)did not answer.*taken by another program.*another --port"):
        start(home, port=city.port)
