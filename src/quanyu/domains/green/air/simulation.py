"""Twelve virtual air stations at 2013–2015 levels, every hour a pure function of seed, site and hour.

Calibrated by the figures of the 12 real sites of 2013-03 to 2015-12 (docs: reference figures of the demo): PM2.5 by
season, its distribution, daily cycle, likeness between sites and memory; the O3 cycle; the range of temperature; the
share of missing values. The other pollutants follow PM2.5 and O3 in a plausible way and are not calibrated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from math import cos, erfc, exp, gamma, log, pi, sqrt
from typing import Final

from quanyu.kernel.crew import Case, Habits, act
from quanyu.kernel.declare import City, Tick, simulation
from quanyu.kernel.entity import Observation, body_of, observations, urn
from quanyu.kernel.journal import Command, Instant
from quanyu.kernel.noise import share, smooth
from quanyu.kernel.time import day_of, moment

PROVENANCE: Final = "simulated:green/air"
CALIBRATION: Final = "levels of 12 Beijing sites, 2013-03 to 2015-12"
SITES: Final = 12
HOUR_US: Final = 3_600_000_000
YEAR_D: Final = 365.2425

PM25_MEAN: Final = 81.5
WEIBULL_SHAPE: Final = 1.05
"""A Weibull law of this shape has the median, the 95th percentile and the maximum of the real values."""

CITY_MEMORY: Final = ((4.0, 0.12), (16.0, 0.36), (50.0, 0.52))
SITE_MEMORY: Final = ((4.0, 0.35), (14.0, 0.65))
"""(width in hours, share of the variance): together they forget like the real series (lag 1 h 0.97, lag 24 h 0.39)."""

LOCAL_SHARE: Final = (0.05, 0.12)
LEVELS: Final = (0.85, 1.06)
"""Range over the sites: share of the variance that is a site's own, and a site's level against the city's."""

MISSING: Final = 0.0165
OUTAGES_PER_DAY: Final = 0.025
SOURCES_PER_DAY: Final = 0.05
STUCK_PER_DAY: Final = 0.004
UNITS: Final = {
    "pm25": "GQ",
    "pm10": "GQ",
    "so2": "GQ",
    "no2": "GQ",
    "co": "GQ",
    "o3": "GQ",
    "temperature": "CEL",
    "dewPoint": "CEL",
    "atmosphericPressure": "A97",
    "precipitation": "MMT",
    "windSpeed": "MTS",
    "windDirection": "DD",
}

STEP_HOURS: Final = {"accept": 0.25, "dispatch": 0.5, "inspect": 11.0, "check": 14.0, "handle": 18.0, "close": 2.0}


def hours_of(case: Case) -> float:
    """Return the mean hours that the present step of an air case takes."""
    return STEP_HOURS.get(str(case.get("step")), 4.0)


INSPECTORS: Final = Habits(
    flow="inspect_source",
    hours=hours_of,
    lead=lambda case: "ecology.enforcement",
    measured=lambda case, attribute: float(40 + 90 * share(0, str(case["id"]), attribute)) // 1,
    failed=0.08,
    planned=0.05,
    notes={
        "accept": ["核实监测数值,情况属实,予以受理。"],
        "dispatch": ["派遣就近执法小组到场排查。"],
        "inspect": [
            "排查周边扬尘点位,要求覆盖并洒水降尘。",
            "发现散煤燃烧点一处,已责令停止并登记。",
            "周边道路货车集中,已协调错峰通行。",
            "餐饮油烟净化设施未开启,已责令整改。",
            "三公里内未见明显污染源,判断为区域传输,已持续观察。",
        ],
        "check": ["现场复核:浓度回落,措施落实。"],
        "failed": ["现场复核:覆盖不完整,退回重新处置。"],
        "fixed": ["措施落实,数值回落,予以结案。"],
        "planned": ["需搬迁治理,已列入整治计划。"],
    },
)
MENDERS: Final = Habits(
    flow="mend_station",
    hours=hours_of,
    lead=lambda case: "ecology.monitoring",
    planned=0.05,
    notes={
        "accept": ["已登记监测设备异常。"],
        "dispatch": ["派遣运维人员。"],
        "handle": ["更换采样泵并校准,数据恢复。", "通信模块重启,补传数据。", "清洗采样头,零点校准通过。"],
        "fixed": ["数据恢复正常。"],
        "planned": ["等待备件,已列入检修计划。"],
    },
)


def site_id(number: int) -> str:
    """Return the entity id of a virtual station, numbered from 0."""
    return urn("AirQualityObserved", f"sim-{number + 1:02d}")


def found(city: City, seed: int) -> Iterator[Command]:
    """Make the stations once: spread over the districts, each within about 3 km of a district's centre."""
    for number in range(SITES):
        district = city.districts[number * len(city.districts) // SITES % len(city.districts)]
        lon, lat = district["centre"]
        lon += 0.06 * (share(seed, "site", number, "lon") - 0.5)
        lat += 0.05 * (share(seed, "site", number, "lat") - 0.5)
        name = {
            "zh": f"{district['name']['zh']}模拟站{number + 1:02d}",
            "en": f"{district['name']['en']} virtual station {number + 1:02d}",
        }
        document = {
            "id": site_id(number),
            "type": "AirQualityObserved",
            "name": {"type": "Property", "value": name},
            "stationCode": {"type": "Property", "value": f"SIM{number + 1:02d}"},
            "district": {"type": "Property", "value": district["code"]},
            "location": {
                "type": "GeoProperty",
                "value": {"type": "Point", "coordinates": [round(lon, 4), round(lat, 4)]},
            },
            "provenance": {
                "type": "Property",
                "value": {"kind": "simulated", "seed": seed, "calibration": CALIBRATION},
            },
        }
        yield Command("entity.create", document["id"], document, provenance=PROVENANCE)  # type: ignore[arg-type]


@simulation(found=found)
def air(tick: Tick) -> Iterable[Command]:
    """Each station reports its hour some minutes after the hour; inspectors work on what the rules found."""
    rows = [row for number in range(SITES) for row in _reports(tick, number)]
    commands = []
    if rows:
        batch = observations(sorted(rows, key=lambda row: row.observed_at))
        commands.append(Command("observe", "green/air", body_of(batch) | {"as": "live"}, provenance=PROVENANCE))
    for habits in (INSPECTORS, MENDERS):
        commands += act(tick, habits, provenance=PROVENANCE)
    return commands


def _reports(tick: Tick, number: int) -> Iterator[Observation]:
    delay = int((2 + 10 * share(tick.seed, "site", number, "delay")) * 60_000_000)
    first = -(-(tick.at - tick.step_us - delay + 1) // HOUR_US)
    for hour in range(first, (tick.at - delay) // HOUR_US + 1):
        yield from readings(tick.seed, number, hour * HOUR_US, tick.city.zone)


def readings(seed: int, number: int, at: Instant, zone: str) -> Iterator[Observation]:
    """Yield what a station reports for the hour that begins at `at`; missing values are left out."""
    hour = at // HOUR_US
    day = day_of(at, zone).toordinal()
    if _spell(seed, number, day, moment(at, zone).hour, "outage", OUTAGES_PER_DAY, 2, 8):
        return
    for attribute, value in values(seed, number, at, zone).items():
        if share(seed, "missing", number, hour, attribute) >= MISSING:
            yield Observation(site_id(number), attribute, at, value, UNITS[attribute])


def values(seed: int, number: int, at: Instant, zone: str) -> dict[str, float]:
    """Return what stands in the air at a site in that hour, in the units of `UNITS`."""
    local = moment(at, zone)
    day, of_year, clock = local.toordinal(), local.timetuple().tm_yday, local.hour
    hour = at / HOUR_US
    dust = pm25(seed, number, at, zone)
    sun = _daylight(clock)
    calm = smooth(seed, "calm", hour, 30.0)
    warmth = temperature(seed, hour, of_year, clock)
    wind = max(0.1, 1.7 * exp(-0.35 * calm) * (0.75 + 0.5 * sun))
    wet = smooth(seed, "rain", hour, 9.0)
    coarse = exp(0.35 * smooth(seed, f"coarse{number}", hour, 12.0))
    winter = 0.5 + 0.5 * cos(2 * pi * (of_year - 15) / YEAR_D)
    source = _spell(seed, number, day, clock, "source", SOURCES_PER_DAY, 2, 5)
    return {
        "pm25": dust,
        "pm10": float(round(1.05 * dust + 22 * coarse)),
        "so2": float(round(3 + (4 + 30 * winter) * exp(0.5 * calm - 0.3) * (2.0 if source else 1.0))),
        "no2": float(round(18 + 0.42 * dust**0.9 + 12 * (1 - sun))),
        "co": float(round(300 + 11 * dust, -2)),
        "o3": ozone(seed, number, hour, of_year, clock),
        "temperature": warmth,
        "dewPoint": round(warmth - max(0.5, 13 - 5 * wet - 4 * winter), 1),
        "atmosphericPressure": round(1010.0 + 11 * cos(2 * pi * (of_year - 10) / YEAR_D) - 3 * calm, 1),
        "precipitation": round(max(0.0, 6 * (wet - 2.1)) * (1.5 - winter), 1),
        "windSpeed": round(wind, 1),
        "windDirection": 22.5 * int(16 * share(seed, "wind", int(hour) // 3)),
    }


def pm25(seed: int, number: int, at: Instant, zone: str) -> float:
    """Return PM2.5 of an hour in whole µg/m³: level of site, season and hour, weather, local source, stuck sensor."""
    local = moment(at, zone)
    day, clock = local.toordinal(), local.hour
    if begin := _spell(seed, number, day, clock, "stuck", STUCK_PER_DAY, 24, 40):
        at -= (begin - 1) * HOUR_US
        local = moment(at, zone)
        day, clock = local.toordinal(), local.hour
    level = PM25_MEAN * _between(LEVELS, number) * _season(local.timetuple().tm_yday) * _cycle(clock)
    scale = level / gamma(1 + 1 / WEIBULL_SHAPE)
    tail = max(erfc(_weather(seed, number, at / HOUR_US) / sqrt(2)) / 2, 1e-9)
    source = 2.6 if _spell(seed, number, day, clock, "source", SOURCES_PER_DAY, 2, 5) else 1.0
    return float(round(max(2.0, min(844.0, scale * (-log(tail)) ** (1 / WEIBULL_SHAPE) * source))))


def ozone(seed: int, number: int, hour: float, of_year: int, clock: int) -> float:
    """Return O3 of an hour in whole µg/m³: lowest at 7 h, highest at 16 h, more in summer."""
    season = 1 + 0.55 * cos(2 * pi * (of_year - 172) / YEAR_D)
    spread = 0.35 * smooth(seed, "ozone", hour, 40.0) + 0.15 * smooth(seed, f"ozone{number}", hour, 8.0)
    return float(round(max(1.0, (25 + 80 * _daylight(clock)) * season * exp(spread - 0.0725))))


def temperature(seed: int, hour: float, of_year: int, clock: int) -> float:
    """Return the air temperature in °C, the same at all sites."""
    season = 14.3 - 14.5 * cos(2 * pi * (of_year - 18) / YEAR_D)
    day = 4.5 * (2 * _daylight(clock) - 0.93)
    return round(max(-19.9, min(41.6, season + day + 3.3 * smooth(seed, "warmth", hour, 60.0))), 1)


def _weather(seed: int, number: int, hour: float) -> float:
    """Standard normal: the city's weather and the site's own."""
    own = _between(LOCAL_SHARE, (number * 5) % SITES)
    site = sum(sqrt(part) * smooth(seed, f"site{number}/{width}", hour, width) for width, part in SITE_MEMORY)
    return sqrt(1 - own) * _city_weather(seed, hour) + sqrt(own) * site


@lru_cache(maxsize=1_024)
def _city_weather(seed: int, hour: float) -> float:
    return sum(sqrt(part) * smooth(seed, f"city{width}", hour, width) for width, part in CITY_MEMORY)


def _between(ends: tuple[float, float], number: int) -> float:
    return ends[0] + (ends[1] - ends[0]) * number / (SITES - 1)


def _season(of_year: int) -> float:
    """Factor of the time of year: mid-winter highest; winter 102.9 and summer 67.1 µg/m³ are its season means."""
    turn = 2 * pi * (of_year - 15) / YEAR_D
    return 1 + 0.245 * cos(turn) - 0.03 * cos(turn - pi / 2) + 0.036 * cos(2 * turn)


def _cycle(clock: int) -> float:
    """Factor of the hour: 91 at 21 h, 75 at 7 h."""
    place = ((clock - 7) % 24) / 14 if 7 <= clock <= 21 else 1 - ((clock - 21) % 24) / 10
    return 1 - 0.098 * cos(pi * place)


def _daylight(clock: int) -> float:
    """0 at 7 h, 1 at 16 h."""
    place = (clock - 7) / 9 if 7 <= clock <= 16 else 1 - ((clock - 16) % 24) / 15
    return 0.5 - 0.5 * cos(pi * place)


def _spell(
    seed: int, number: int, day: int, clock: int, name: str, per_day: float, shortest_h: int, longest_h: int
) -> int:
    """Return 0, or the number of the hour (from 1) within a spell; a spell begins on a day with the given chance."""
    for back in range(longest_h // 24 + 2):
        if share(seed, name, number, day - back) >= per_day:
            continue
        begin = int(24 * share(seed, name, number, day - back, "begin"))
        length = shortest_h + int((longest_h + 1 - shortest_h) * share(seed, name, number, day - back, "length"))
        since = 24 * back + clock - begin
        if 0 <= since < length:
            return since + 1
    return 0
