"""Simulated townsfolk: when in the day matters come up, where, and what about; every name and address is made up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from quanyu.kernel.declare import City, Tick
from quanyu.kernel.hexgrid import grid_code
from quanyu.kernel.noise import share, smooth
from quanyu.kernel.time import moment

SLOT_US: Final = 300_000_000
"""Matters come up in slots of five minutes; a slot is numbered from 1970."""
SLOTS_PER_DAY: Final = 288
BUSIEST: Final = 0.97
"""Most matters that half a slot may hold, as a chance."""

RHYTHM: Final = (
    0.10, 0.06, 0.05, 0.05, 0.08, 0.20, 0.50, 1.10, 2.00, 2.30, 2.10, 1.70,
    1.20, 1.30, 1.80, 2.00, 1.90, 1.60, 1.30, 0.90, 0.70, 0.50, 0.30, 0.20,
)  # fmt: skip
"""Matters by hour of the day against the mean hour."""

ROADS: Final = (
    "春和", "夏荷", "秋实", "冬青", "云杉", "银杏", "玉兰", "海棠", "松涛", "竹影",
    "梧桐", "月季", "紫藤", "丁香", "白杨", "石榴",
)  # fmt: skip


def slots_of(tick: Tick) -> range:
    """Return the slots that ended in a tick."""
    return range((tick.at - tick.step_us) // SLOT_US + 1, tick.at // SLOT_US + 1)


def arrivals(seed: int, name: str, slot: int, per_day: float, city: City) -> Iterator[int]:
    """Yield a number for each matter that comes up in a slot: by hour, fewer at weekends, some days more than others."""
    at = moment(slot * SLOT_US, city.zone)
    weekend = 0.8 if at.weekday() >= 5 else 1.05
    mood = max(0.6, 1 + 0.18 * smooth(seed, f"{name}s", slot / SLOTS_PER_DAY, 3.0))
    rate = per_day / SLOTS_PER_DAY * RHYTHM[at.hour] * weekend * mood
    for number in range(2):
        # Two independent chances per slot: more than one in five minutes happens in the morning.
        if share(seed, name, slot, number) < min(rate / 2, BUSIEST):
            yield slot * 2 + number


def whereabouts(seed: int, number: int, city: City, key: str = "") -> tuple[Mapping[str, Any], dict[str, Any], str]:
    """Return district, place and road of a matter; most people live near a district's centre."""
    district = city.districts[int(share(seed, f"{key}district", number) ** 1.6 * len(city.districts))]
    lon, lat = (
        round(each + _near(seed, f"{key}{axis}", number), 5)
        for each, axis in zip(district["centre"], "xy", strict=True)
    )
    road = ROADS[int(share(seed, f"{key}road", number) * len(ROADS))] + "路"
    door = 1 + int(share(seed, f"{key}door", number) * 180)
    place = {
        "lon": lon,
        "lat": lat,
        "district": district["code"],
        "grid": grid_code(district["code"], lon, lat, city.box),
        "address": f"{district['name']['zh']}{road}{door}号附近(模拟地址)",
    }
    return district, place, road


def _near(seed: int, axis: str, number: int) -> float:
    """Return a shift from the district's centre in degrees, mostly small."""
    point = share(seed, axis, number) - 0.5
    return 0.12 * point * abs(2 * point)
