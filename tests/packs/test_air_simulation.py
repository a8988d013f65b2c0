"""The virtual air stations: the same for the same seed, and as the real figures say."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from statistics import fmean
from typing import Any, cast
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray

from quanyu.assembly.packs import load_city
from quanyu.domains.green.air.simulation import (
    HOUR_US,
    INSPECTORS,
    MENDERS,
    SITES,
    air,
    ozone,
    pm25,
    readings,
    site_id,
    temperature,
)
from quanyu.kernel.crew import act
from quanyu.kernel.declare import Tick, simulation
from quanyu.kernel.entity import batch_of
from quanyu.kernel.journal import Command
from quanyu.kernel.time import instant
from quanyu.kernel.view import EVERYTHING, CaseQuery, Filter, Page, Views
from tests.packs.mini_city import mini_city

ZONE = "Asia/Shanghai"
SEED = 20260302
CITY = load_city("beijing")
START = instant(datetime(2024, 3, 1, tzinfo=ZoneInfo(ZONE)))
SITES_LOOKED_AT = (0, 3, 6, 11)
YEAR_H = 366 * 24


class NoCases:
    """A city without cases."""

    def query(self, query: CaseQuery, scope: Filter) -> Page:
        return Page([])


VIEWS = cast(Any, Views)(entities=None, history=None, cases=NoCases(), indicators=None)


def tick(at: int, step_us: int, seed: int = SEED) -> Tick:
    return Tick(seed, 1, at, step_us, CITY, random.Random(0), VIEWS)


@pytest.fixture(scope="module")
def dust() -> NDArray[np.float64]:
    """PM2.5 of four sites over a year and two seeds: [seed × site, hour]."""
    hours = [START + n * HOUR_US for n in range(YEAR_H)]
    return np.array([[pm25(seed, site, at, ZONE) for seed in (1, 2) for site in SITES_LOOKED_AT] for at in hours]).T


def test_the_same_seed_says_the_same() -> None:
    one, two = list(air.step(tick(START, HOUR_US))), list(air.step(tick(START, HOUR_US)))
    other = list(air.step(tick(START, HOUR_US, seed=5)))
    assert one == two
    assert one != other
    assert one[0].provenance == "simulated:green/air"


def test_ticks_of_any_length_bring_each_hour_once() -> None:
    def heard(step_us: int) -> set[tuple[str, str, int, float]]:
        found: list[tuple[str, str, int, float]] = []
        for n in range(6 * HOUR_US // step_us):
            for command in air.step(tick(START + (n + 1) * step_us, step_us)):
                rows = batch_of(command.body)
                found += [(row.entity, row.attribute, row.observed_at, float(row.value)) for row in rows]
        assert len(found) == len(set(found))
        return set(found)

    assert heard(HOUR_US) == heard(HOUR_US // 6) == heard(6 * HOUR_US)


def test_stations_stand_in_districts_and_say_that_they_are_simulated() -> None:
    assert air.found is not None
    made = list(air.found(CITY, SEED))
    codes = {district["code"] for district in CITY.districts}
    west, south, east, north = CITY.box
    assert [command.subject for command in made] == [site_id(n) for n in range(SITES)]
    for command in made:
        lon, lat = command.body["location"]["value"]["coordinates"]
        assert command.body["district"]["value"] in codes
        assert west <= lon <= east
        assert south <= lat <= north
        assert command.body["provenance"]["value"]["kind"] == "simulated"
        assert command.body["provenance"]["value"]["seed"] == SEED
    assert all(isinstance(command, Command) for command in made)


def test_levels_by_season(dust: NDArray[np.float64]) -> None:
    months = np.array(
        [datetime.fromtimestamp((START + n * HOUR_US) / 1e6, ZoneInfo(ZONE)).month for n in range(YEAR_H)]
    )
    seasons = {"winter": (12, 1, 2), "spring": (3, 4, 5), "summer": (6, 7, 8), "autumn": (9, 10, 11)}
    means = {name: float(dust[:, np.isin(months, held)].mean()) for name, held in seasons.items()}
    print(means)
    for name, real in {"winter": 102.9, "spring": 79.0, "summer": 67.1, "autumn": 83.4}.items():
        # One season of a seed is some thirty spells of weather, so its mean strays by about a tenth.
        assert means[name] == pytest.approx(real, rel=0.22)
    assert means["winter"] > means["summer"]
    assert float(dust.mean()) == pytest.approx(83.1, rel=0.1)


def test_distribution(dust: NDArray[np.float64]) -> None:
    median, high = float(np.median(dust)), float(np.percentile(dust, 95))
    print(median, high, dust.max())
    assert median == pytest.approx(58, rel=0.15)
    assert high == pytest.approx(244, rel=0.15)
    assert dust.max() <= 844
    assert dust.min() >= 2


def test_daily_cycles(dust: NDArray[np.float64]) -> None:
    by_hour = [float(dust[:, hour::24].mean()) / float(dust.mean()) for hour in range(24)]
    assert by_hour[21] == pytest.approx(91 / 83.1, rel=0.05)
    assert by_hour[7] == pytest.approx(75 / 83.1, rel=0.05)
    days = range(1, 366, 2)
    means = {clock: fmean([ozone(SEED, 3, 24 * day + clock, day, clock) for day in days]) for clock in (7, 16)}
    assert means[7] == pytest.approx(25, rel=0.15)
    assert means[16] == pytest.approx(105, rel=0.15)


def correlation(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    return float(((one - one.mean()) * (two - two.mean())).mean() / (one.std() * two.std()))


def test_sites_are_alike_and_air_has_a_memory(dust: NDArray[np.float64]) -> None:
    sites = len(SITES_LOOKED_AT)
    pairs = [correlation(dust[n + i], dust[n + j]) for n in (0, sites) for i in range(sites) for j in range(i)]
    lags = {lag: fmean(correlation(row[:-lag], row[lag:]) for row in dust) for lag in (1, 24)}
    print(fmean(pairs), min(pairs), lags)
    assert fmean(pairs) == pytest.approx(0.88, abs=0.04)
    assert min(pairs) >= 0.75
    assert lags[1] == pytest.approx(0.97, abs=0.015)
    assert lags[24] == pytest.approx(0.39, abs=0.1)


def test_temperature() -> None:
    found = [
        temperature(SEED, 24 * day + clock, day % 365 + 1, clock) for day in range(1096) for clock in range(0, 24, 3)
    ]
    assert np.mean(found) == pytest.approx(14.3, abs=1)
    assert -19.9 <= min(found) <= -8
    assert 35 <= max(found) <= 41.6


def test_share_of_missing_values() -> None:
    hours = range(0, YEAR_H, 7)
    full = 12 * len(hours) * 3
    heard = sum(1 for site in (1, 5, 9) for n in hours for _ in readings(SEED, site, START + n * HOUR_US, ZONE))
    assert 1 - heard / full == pytest.approx(0.021, abs=0.007)


def test_some_sensor_stands_still_some_time() -> None:
    def longest(site: int) -> int:
        run = best = 0
        before = -1.0
        for n in range(YEAR_H):
            value = pm25(3, site, START + n * HOUR_US, ZONE)
            run = run + 1 if value == before else 0
            best, before = max(best, run), value
        return best

    assert max(longest(site) for site in (2, 8)) >= 18


def test_inspectors_and_menders_walk_air_cases_to_their_end(tmp_path: Path) -> None:
    @simulation()
    def crews(tick: Tick) -> Iterable[Command]:
        return [
            command for habits in (INSPECTORS, MENDERS) for command in act(tick, habits, provenance="simulated:air")
        ]

    with mini_city(tmp_path / "home") as city:
        found = [
            finding(flow, f"{flow}|{n}", city.clock.at) for flow in ("inspect_source", "mend_station") for n in range(6)
        ]
        city.hub.commit_blocking(found, "engine:rules")
        for _ in range(5 * 144):
            city.step([crews])
        closed = city.cases.query(CaseQuery(list="closed", limit=100), EVERYTHING).items
        actions = [each for case in closed for each in (city.cases.find(case["id"], EVERYTHING) or {})["actions"]]
    assert city.refused == []
    assert len(closed) >= 10
    inspected = [each for each in actions if each["action"] == "inspect"]
    assert inspected
    assert all(len(each["files"]) == 2 and each["fields"]["pm25"] > 0 for each in inspected)
    assert all(each["person"]["name"].endswith("(模拟)") for each in inspected)


def finding(flow: str, key: str, at: int) -> Command:
    body = {"rule": "r", "rule_title": {"zh": "甲", "en": "A"}, "severity": "orange", "flow": flow, "asset": key}
    return Command("case.find", key, body | {"from": at, "as": "live"}, provenance="derived")
