"""A citizen without JavaScript reports, the clerk finds it on the board, the citizen follows it, nobody else sees who."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Visit, Visitor
from tests.browser.serving import Server
from tests.browser.watching import accessible, judged, leaks, picture

pytestmark = pytest.mark.browser
TEXT = "儿童滑梯的扶手松动，孩子差点摔下来"
NAME, PHONE = "欧阳测试", "13712345678"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "slide.jpg"
    exif = Image.Exif()
    exif[0x010E] = "camera of the reporter"
    Image.radial_gradient("L").resize((1200, 900)).convert("RGB").save(path, "JPEG", exif=exif)
    return path


def file_report(page: Page, url: str, photo: Path) -> tuple[str, str]:
    """Fill the form in and send it; number and code of the confirmation."""
    page.goto(f"{url}/report")
    page.locator("#photo").set_input_files(photo)
    page.locator("#district").select_option("110108")
    page.get_by_label("地点").fill("清河测试路 9 号")
    page.locator("#category").select_option(index=1)
    page.locator("#text").fill(TEXT)
    page.locator("#name").fill(NAME)
    page.locator("#phone").fill(PHONE)
    page.locator("button.main").click()
    if page.locator("form button[value^=new]").count():
        page.locator("button[value^=new]").click()
    said = page.locator("main").inner_text()
    number = re.search(r"\b\d{8}-\d+\b", said)
    code = re.search(r"\b[A-Z0-9]{4}-[A-Z0-9]{4}-[A-Z0-9]{4}\b", said)
    assert number is not None, said
    assert code is not None, said
    return number[0], code[0]


def look_up(page: Page, url: str, number: str, code: str) -> str:
    page.goto(f"{url}/my")
    page.locator("#number").fill(number)
    page.locator("#code").fill(code)
    page.locator("main button.main").click()
    return page.locator("main").inner_text()


def test_a_report_without_javascript_reaches_the_clerk_and_is_followed(
    browser: Browser, city: Server, visiting: Visit, photo: Path
) -> None:
    clerk: Visitor = visiting(browser, city).sign_in("person:clerk")
    board = clerk.open("/board?sort=opened")
    citizen = visiting(browser, city, java_script_enabled=False)
    number, code = file_report(citizen.page, city.url, photo)
    picture(citizen.page, "citizen-1-filed")

    board.get_by_test_id("board-news").click()
    row = board.locator(f"[data-testid=case-row][data-id$='{number}']")
    expect(row).to_have_count(1)
    row.get_by_role("link").click()
    expect(board.get_by_test_id("case")).to_be_visible()
    expect(board.locator("main")).to_contain_text(TEXT)
    expect(board.locator("main")).to_contain_text("市民上报")
    shown = board.get_by_test_id("timeline").locator("img").first
    shown.scroll_into_view_if_needed()
    expect(shown).to_have_js_property("complete", True)
    assert shown.evaluate("(one) => one.naturalWidth") > 0
    picture(board, "citizen-2-clerk")
    assert judged(board, (accessible, leaks)) == []
    assert PHONE not in board.content()
    assert NAME not in board.content()

    mine = look_up(citizen.page, city.url, number, code)
    picture(citizen.page, "citizen-3-followed")
    assert leaks(citizen.page) == []
    assert number in mine
    assert "现在" in mine or "进行" in mine or "受理" in mine, mine


def test_a_stranger_sees_neither_the_matter_nor_who_brought_it(
    browser: Browser, city: Server, visiting: Visit, photo: Path
) -> None:
    number, _ = file_report(visiting(browser, city, java_script_enabled=False).page, city.url, photo)
    stranger = visiting(browser, city, java_script_enabled=False)
    assert TEXT not in look_up(stranger.page, city.url, number, "AAAA-AAAA-AAAA")
    id = f"urn:ngsi-ld:Case:{number}"
    for path in (f"/api/v1/cases/{id}", f"/api/v1/cases?text={PHONE}", f"/api/v1/search?text={NAME}"):
        assert stranger.context.request.get(city.url + path).status == 401
    stranger.page.goto(f"{city.url}/around")
    assert PHONE not in stranger.page.content()

    elsewhere = visiting(browser, city).sign_in("person:facilities.gas")
    answer = elsewhere.context.request.get(f"{city.url}/api/v1/cases/{id}")
    assert answer.status == 404
    clerk = visiting(browser, city).sign_in("person:clerk")
    document = clerk.context.request.get(f"{city.url}/api/v1/cases/{id}").text()
    assert TEXT in document
    assert PHONE not in document
    assert NAME not in document
    file = re.search(r'"sha256":"([0-9a-f]{64})"', document)
    assert file is not None
    assert clerk.context.request.get(f"{city.url}/api/v1/cases/{id}/files/{file[1]}").ok
    assert elsewhere.context.request.get(f"{city.url}/api/v1/cases/{id}/files/{file[1]}").status == 404
    assert (
        b"camera of the reporter"
        not in clerk.context.request.get(f"{city.url}/api/v1/cases/{id}/files/{file[1]}").body()
    )
    stranger.watch.forgive("status of 403")
