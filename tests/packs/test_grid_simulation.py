"""The simulated grid: a daily rhythm of reports, crews that close most cases, some late, some returned."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from quanyu.assembly.packs import load_city, load_packs
from quanyu.domains.governance.grid.simulation import MATTERS, TITLES, grid, reports_of
from quanyu.kernel.crew import PHOTOS, photo
from quanyu.kernel.time import instant
from quanyu.kernel.townsfolk import SLOT_US
from quanyu.kernel.view import EVERYTHING, CaseQuery
from tests.packs.mini_city import mini_city

CITY = load_city("beijing")
MONDAY = instant(datetime(2026, 3, 2, tzinfo=ZoneInfo("Asia/Shanghai"))) // SLOT_US
DAY = 288


def test_reports_a_day_and_their_rhythm() -> None:
    days = [
        [slot for slot in range(MONDAY + n * DAY, MONDAY + (n + 1) * DAY) for _ in reports_of(7, slot, CITY)]
        for n in range(14)
    ]
    counts = [len(day) for day in days]
    hours = Counter((slot - MONDAY) % DAY // 12 for day in days for slot in day)
    assert all(45 <= count <= 135 for count in counts)
    assert 60 <= sum(counts) / len(counts) <= 120
    assert sum(hours[hour] for hour in range(8, 18)) > 5 * sum(hours[hour] for hour in range(6))


def test_the_same_seed_reports_the_same() -> None:
    def day(seed: int) -> list[object]:
        return [report for slot in range(MONDAY, MONDAY + DAY) for report in reports_of(seed, slot, CITY)]

    assert day(7) == day(7)
    assert day(7) != day(8)


def test_reports_are_simulated_varied_and_bound_to_a_place() -> None:
    made = [report for slot in range(MONDAY, MONDAY + 3 * DAY) for report in reports_of(7, slot, CITY)]
    assert len({report.body["text"] for report in made}) > 0.8 * len(made)
    assert {report.provenance for report in made} == {"simulated:governance/grid"}
    for report in made:
        place = report.body["place"]
        assert "模拟" in place["address"]
        assert place["grid"].startswith(place["district"])
        assert len(place["grid"]) == 15
        person = report.body.get("as_person") or report.body["reporter"]
        assert person["name"].endswith("(模拟)")


def test_what_the_simulation_says_of_subclasses_agrees_with_the_table() -> None:
    table = {row["code"]: row for pack in load_packs() for row in pack.tables.get("subclasses", ())}
    assert MATTERS.keys() == TITLES.keys()
    for code, (lead, _, _) in MATTERS.items():
        assert table[code]["lead"] == lead
        assert (table[code]["zh"], table[code]["en"]) == TITLES[code]


def test_placeholder_photographs_are_images_and_differ() -> None:
    made = [photo(number) for number in range(PHOTOS)]
    assert len(set(made)) == PHOTOS
    for content in made:
        with Image.open(BytesIO(content)) as image:
            assert image.size == (48, 48)


@pytest.mark.slow
def test_three_days_of_a_city(tmp_path: Path) -> None:
    with mini_city(tmp_path / "home") as city:
        for _ in range(3 * 144):
            city.step([grid])
        facts = list(city.cases.facts(0, 1 << 62))
        closed = [fact for fact in facts if fact["state"] == "closed"]
        actions = Counter(
            action["action"]
            for summary in city.cases.query(CaseQuery(list="all", limit=1000), EVERYTHING).items
            for action in (city.cases.find(summary["id"], EVERYTHING) or {})["actions"]
        )
    assert city.refused == []
    assert len(closed) > 0.5 * len(facts) > 60
    assert all(fact["simulated"] for fact in facts)
    assert {fact["outcome"] for fact in closed} == {"fixed", "planned"}
    assert actions["return"] > 0
    assert actions["confirm"] > 0
    assert actions["check"] < actions["open"] + actions["return"] + 40
    assert 0.75 < sum(bool(fact["handled_on_time"]) for fact in closed) / len(closed) < 1
    assert 0.85 < sum(bool(fact["first_dispatch_right"]) for fact in closed) / len(closed) < 1
    assert sum(fact["reworks"] > 0 for fact in closed) > 0


def test_the_same_city_does_the_same(tmp_path: Path) -> None:
    def half_a_day(home: Path) -> list[object]:
        with mini_city(home) as city:
            return [command for _ in range(60) for command in city.step([grid])]

    assert half_a_day(tmp_path / "one") == half_a_day(tmp_path / "two")
