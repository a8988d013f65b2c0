"""Four simulated assets: their weakness scanned every day, now and then a grave one, and the offices that mend it.

Names, figures and texts are made up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from quanyu.kernel.crew import TURN_US, Case, Habits, act
from quanyu.kernel.declare import City, Tick, simulation
from quanyu.kernel.entity import Observation, body_of, observations, urn
from quanyu.kernel.journal import Command
from quanyu.kernel.noise import share

PROVENANCE: Final = "simulated:safety/cyber"
DAY_US: Final = 86_400_000_000
GRAVE_SHARE: Final = 0.04
"""Share of days on which a scan finds a grave weakness."""

ASSETS: Final = (
    ("dispatch", "供水调度系统", "Water control", "facilities.water", "critical"),
    ("portal", "政务服务门户", "Service portal", "city.data", "other"),
    ("traffic", "交通信号平台", "Traffic signals", "roads.traffic", "critical"),
    ("hotline", "热线工单系统", "Hotline orders", "hotline.centre", "other"),
)
HOURS: Final = {"accept": 2.0, "dispatch": 2.0, "mend": 40.0, "check": 8.0, "close": 3.0, "contain": 5.0, "preserve": 6.0,
                "restore": 8.0}  # fmt: skip
NOTES: Final = {
    "accept": ("扫描结果属实(模拟)。",),
    "dispatch": ("派发运营单位限期整改。",),
    "mend": ("已升级补丁并复测。",),
    "check": ("复测通过。",),
    "failed": ("复测仍高,继续整改。",),
    "fixed": ("整改完成。",),
    "contain": ("已隔离。",),
    "preserve": ("日志已留存。",),
    "restore": ("恢复运行。",),
}


def asset_id(number: int) -> str:
    """Return the entity id of an asset, numbered from 0."""
    return urn("CyberAsset", f"sim-{ASSETS[number][0]}")


def lead_of(case: Case) -> str:
    """Return the unit that runs the asset of a case."""
    units = {asset_id(number): asset[3] for number, asset in enumerate(ASSETS)}
    return units.get(str(case.get("asset")), "city.data")


def filled(case: Case, field: str, point: float) -> Any:
    """Return what the office fills in."""
    return {"cause": "版本过旧(模拟)。"}.get(field)


OFFICES: Final = tuple(
    Habits(
        flow=flow,
        hours=lambda case: HOURS.get(str(case.get("step")), 12.0),
        lead=lead_of,
        failed=0.1,
        turn_us=6 * TURN_US,
        night=0.1,
        fills=filled,
        notes=NOTES,
        measured=lambda case, attribute: 3.1,
    )
    for flow in ("cyber_ticket", "cyber_incident")
)


def found(city: City, seed: int) -> Iterator[Command]:
    """Make the register, once."""
    for number, (_, zh, en, unit, kind) in enumerate(ASSETS):
        document = {
            "id": asset_id(number),
            "type": "CyberAsset",
            "name": {"type": "Property", "value": {"zh": f"{zh}(模拟)", "en": f"{en} (simulated)"}},
            "operator": {"type": "Property", "value": unit},
            "operatorKind": {"type": "Property", "value": kind},
            "software": {"type": "Property", "value": "模拟软件 1.0"},
            "exposed": {"type": "Property", "value": kind == "other"},
        }
        yield Command("entity.create", asset_id(number), document, provenance=PROVENANCE)


@simulation(found=found)
def cyber(tick: Tick) -> Iterable[Command]:
    """The scans of the days that ended in this tick, then the offices' work."""
    days = range((tick.at - tick.step_us) // DAY_US + 1, tick.at // DAY_US + 1)
    rows = [row for day in days for row in scanned(tick.seed, day)]
    commands: list[Command] = []
    if rows:
        body = body_of(observations(rows)) | {"as": "live"}
        commands.append(Command("observe", "safety/cyber", body, provenance=PROVENANCE))
    for habits in OFFICES:
        commands += act(tick, habits, provenance=PROVENANCE)
    return commands


def scanned(seed: int, day: int) -> Iterator[Observation]:
    """Yield what the scan of a day says of every asset."""
    for number in range(len(ASSETS)):
        point = share(seed, "cyber", number, day)
        grave = share(seed, "cyber", number, day, "grave") < GRAVE_SHARE
        value = round(9.0 + point if grave else 1 + 5 * point, 1)
        yield Observation(asset_id(number), "weakness", day * DAY_US, value, "C62")
        yield Observation(asset_id(number), "downMinutes", day * DAY_US, 0.0, "MIN")
