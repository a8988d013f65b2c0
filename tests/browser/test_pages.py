"""Every page in both languages, themes and two widths: quiet, within its policy, accessible, and pictured."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Visit, Visitor
from tests.browser.serving import Server
from tests.browser.watching import accessible, judged, leaks, picture, too_wide

pytestmark = pytest.mark.browser
WIDTHS = ((1600, 900), (390, 844))
THEMES = ("light", "dark")
CONSOLE = {
    "overview": "/?",
    "map": "/map?table=1",
    "board": "/board?",
    "columns": "/board?view=columns",
    "case": "/case/{case}?",
    "new": "/case/new?",
    "operations": "/operations?",
    "rules": "/rules?",
    "rule": "/rules/heavy_particles?",
    "changes": "/rules?tab=changes",
    "flow": "/flows/credit_record?",
    "shifts": "/shifts?",
    "services": "/services?",
    "incidents": "/incidents?",
    "warnings": "/warnings?",
    "drawer": "/?open=indicator:pm25_day_mean",
    "station": "/map?layers=air_pm25&open=urn:ngsi-ld:AirQualityObserved:sim-01",
}
CITIZEN = {"report": "/report?", "my": "/my?", "around": "/around?", "report-large": "/report?type=large"}
ONCE = {"columns": "en", "changes": "zh", "drawer": "zh", "station": "en", "report-large": "zh"}
"""Other views of a page that is seen in both languages already: one is enough."""


def looked_at(*names: str) -> list[tuple[str, str]]:
    return [(name, language) for name in names for language in ("zh", "en") if ONCE.get(name, language) == language]


def seen_in_all_looks(page: Page, name: str) -> list[str]:
    faults = []
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        for width, height in WIDTHS:
            page.set_viewport_size({"width": width, "height": height})
            picture(page, f"{name}-{theme}-{width}")
            faults += [f"{theme} {width}: {each}" for each in judged(page, (accessible, leaks, too_wide))]
    return faults


@pytest.fixture(scope="module")
def signed_in(browser: Browser, city: Server) -> Iterator[Visitor]:
    visitor = Visitor(browser, city).sign_in("person:chief")
    yield visitor
    visitor.context.close()


@pytest.fixture
def chief(signed_in: Visitor) -> Iterator[Visitor]:
    """The duty chief, before the same browser for every page; each page answers for its own complaints."""
    signed_in.watch.complaints.clear()
    yield signed_in
    assert signed_in.watch.complaints == []


@pytest.mark.parametrize(("name", "language"), looked_at(*CONSOLE))
def test_console_pages(chief: Visitor, name: str, language: str) -> None:
    open_cases = chief.server.cases(list="open", flow="grid_case", limit=1)
    path = CONSOLE[name].replace("{case}", open_cases[0]["id"])
    page = chief.open(f"{path}&lang={language}")
    if name == "case":
        page.locator("[data-testid^=action-]").first.click()
    assert page.evaluate("() => document.documentElement.lang") == {"zh": "zh-CN", "en": "en"}[language]
    assert seen_in_all_looks(page, f"{name}-{language}") == []


@pytest.mark.parametrize(("name", "language"), looked_at(*CITIZEN, "sign-in"))
def test_public_pages(browser: Browser, city: Server, visiting: Visit, name: str, language: str) -> None:
    stranger = visiting(browser, city)
    stranger.page.goto(f"{city.url}{CITIZEN.get(name, '/?')}&lang={language}", wait_until="load")
    if name == "sign-in":
        stranger.page.get_by_test_id("sign-in-needed").wait_for()
        stranger.watch.forgive("status of 401")
    assert seen_in_all_looks(stranger.page, f"{name}-{language}") == []
