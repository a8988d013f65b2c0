"""A real past, imported into the living city, can be opened from its map."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from quanyu.assembly.remote import operate
from tests.browser.conftest import Visit
from tests.browser.serving import Server
from tests.browser.watching import picture

pytestmark = pytest.mark.browser
SET = Path(__file__).parents[3] / "shared" / "data" / "beijing-air"


def heavy_days(folder: Path) -> Path:
    """Stand in for the air set where it is not there: two days at one real site, heavy for six hours."""
    lines = ["No,year,month,day,hour,PM2.5,PM10,SO2,NO2,CO,O3,TEMP,PRES,DEWP,RAIN,wd,WSPM,station"]
    for n in range(48):
        heavy = 300 if 6 <= n < 12 else 20
        lines.append(f"{n + 1},2014,3,{1 + n // 24},{n % 24},{heavy},30,5,20,500,40,5,1010,-5,0,N,1,Huairou")
    path = folder / "PRSA_Huairou.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_an_imported_past_is_opened_from_the_map(
    browser: Browser, city: Server, visiting: Visit, tmp_path: Path
) -> None:
    files = sorted(SET.glob("*Huairou*")) or [heavy_days(tmp_path)]
    told = operate(city.home, "import", {"kind": "air", "files": [str(path) for path in files], "mode": "history"})
    assert told["rejected"] == 0
    assert told["cases"] >= 1
    page = visiting(browser, city).sign_in("person:chief").open("/map?cases=historical&from=2013-03-01&to=2016-03-01")
    page.keyboard.press("t")
    rows = page.get_by_test_id("in-view").locator("tbody tr").filter(has_text="细颗粒物浓度过高")
    expect(rows.first).to_be_visible()
    rows.first.locator("a").click()
    case = page.get_by_test_id("case")
    expect(case).to_be_visible()
    # Judged by the limit of its day, twice 75, and late for nobody today.
    expect(page.get_by_test_id("timeline")).to_contain_text("150")
    picture(page, "imported-case")
