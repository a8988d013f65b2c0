"""A labelled day of reports: about six hundred matters, told by about two thousand people in their own words.

Simulated and seeded. Hard on purpose: other problems at the same spot, the same problem down the street, people who
choose the wrong class or none, and positions as telephones give them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Final

import msgspec

from quanyu.kernel.hexgrid import METRES_PER_DEGREE
from quanyu.kernel.likeness import HOUR_US, Report, letters_of

MORNING: Final = 1_772_409_600_000_000
"""2026-03-02 08:00 +08:00, a Monday."""

MATTERS: Final = 600
STREETS: Final = (
    "建国路",
    "朝阳北路",
    "和平街",
    "学院路",
    "复兴路",
    "广安门外大街",
    "东直门内大街",
    "玉泉路",
    "望京街",
    "南苑路",
)
MARKS: Final = (
    "公交站旁",
    "小学门口",
    "菜市场西门",
    "地铁口",
    "桥下",
    "加油站对面",
    "银行门前",
    "医院北侧",
    "社区服务站",
    "便利店前",
)
SAYINGS: Final[dict[str, tuple[str, ...]]] = {
    "c0101": (
        "{where}的井盖没了,很危险", "井盖丢失,{where},希望尽快处理", "{where}有个井没有盖子,晚上看不见会掉进去",
        "路上井盖破了一半,在{where}", "{where}自来水井盖松动,车一过就响",
    ),
    "c0108": (
        "{where}路灯不亮", "{where}那一排路灯坏了三天了,走路看不清", "路灯一闪一闪的,在{where},请维修",
        "晚上{where}漆黑一片,灯都没亮", "{where}的灯杆歪了,灯也灭了",
    ),
    "e0101": (
        "{where}垃圾成堆没人清", "{where}有一大堆生活垃圾,味道很大", "垃圾桶满了溢出来,{where}",
        "有人在{where}乱倒垃圾,苍蝇很多", "{where}暴露垃圾,请清理",
    ),
    "e0401": (
        "{where}积水严重,过不去", "下雨后{where}全是水,没过脚面", "{where}下水道堵了,路面积水",
        "积水半米深,车都熄火了,{where}", "{where}排水不畅,一直有水",
    ),
    "e0402": (
        "{where}路面塌了一个坑", "{where}地面下陷,有个大洞", "马路塌陷,{where},快来围挡", "{where}路中间出现坑洞,越来越大",
    ),
    "e0302": (
        "{where}工地半夜还在施工,吵得睡不着", "夜里十二点{where}打桩机还在响", "{where}夜间施工噪音扰民",
        "凌晨施工,{where},孩子睡不了觉",
    ),
    "e0501": (
        "{where}摆摊的把人行道占了", "{where}占道经营,没法走路", "烧烤摊摆到马路上,{where},油烟很大", "{where}流动摊贩堵路",
    ),
    "c0401": (
        "{where}有棵树倒了,挡住路", "大风刮倒行道树,{where}", "{where}树枝断了悬在半空", "{where}的树要倒了,请来看看",
    ),
    "e0502": (
        "{where}车乱停,把路堵了", "有车停在{where}人行道上", "{where}违停严重,公交进不来", "机动车乱停放,{where}",
    ),
    "c0203": (
        "{where}红绿灯坏了", "{where}信号灯不亮,车都乱走", "路口红灯一直不变,{where}", "{where}交通信号灯故障",
    ),
}  # fmt: skip
OPENINGS: Final = ("", "", "你好,", "我要反映一下,", "麻烦看一下:", "再次反映,")
ENDINGS: Final = ("", "", "。谢谢", ",请尽快处理", "!!", ",已经好几天了")


class Told(msgspec.Struct, frozen=True):
    """A report and the matter that it is about."""

    matter: int
    text: str
    report: Report


class _Matter(msgspec.Struct, frozen=True):
    category: str
    lon: float
    lat: float
    where: tuple[str, str, int]
    begun: int


def day(seed: int = 2026) -> list[Told]:
    """Return the reports in the order in which they come in."""
    chance = random.Random(seed)
    told = [each for number, matter in enumerate(_matters(chance)) for each in _tell(chance, number, matter)]
    return sorted(told, key=lambda each: each.report.at)


def _matters(chance: random.Random) -> Iterator[_Matter]:
    made = 0
    while made < MATTERS:
        first = _Matter(
            chance.choice(list(SAYINGS)), 116.4 + chance.uniform(-0.1, 0.1), 39.92 + chance.uniform(-0.08, 0.08),
            (chance.choice(STREETS), chance.choice(MARKS), chance.randrange(1, 200)), chance.randrange(24 * HOUR_US),
        )  # fmt: skip
        yield first
        made += 1
        kind = chance.random()
        if kind < 0.3:  # another problem at the same spot
            other = chance.choice([each for each in SAYINGS if each != first.category])
            yield msgspec.structs.replace(_moved(chance, first, 5, 60), category=other)
            made += 1
        elif kind < 0.55:  # the same problem down the street
            yield msgspec.structs.replace(
                _moved(chance, first, 220, 900), where=(*first.where[:2], first.where[2] + 40)
            )
            made += 1
        elif kind < 0.6:  # the same problem so near that only somebody on the spot can tell the two apart
            yield _moved(chance, first, 60, 150)
            made += 1


def _moved(chance: random.Random, matter: _Matter, least_m: float, most_m: float) -> _Matter:
    lon, lat = _shifted(chance, matter.lon, matter.lat, chance.uniform(least_m, most_m))
    return msgspec.structs.replace(matter, lon=lon, lat=lat, begun=chance.randrange(24 * HOUR_US))


def _shifted(chance: random.Random, lon: float, lat: float, away_m: float) -> tuple[float, float]:
    turn = chance.uniform(0, 2 * math.pi)
    north = away_m * math.sin(turn) / METRES_PER_DEGREE
    east = away_m * math.cos(turn) / METRES_PER_DEGREE / math.cos(math.radians(lat))
    return lon + east, lat + north


def _tell(chance: random.Random, number: int, matter: _Matter) -> Iterator[Told]:
    for _ in range(min(40, int(chance.paretovariate(1.2)) + chance.randrange(2))):
        street, mark, house = matter.where
        where = chance.choice((f"{street}{house}号{mark}", f"{street}{mark}", street, f"{street}{house}号附近", mark))
        text = (
            chance.choice(OPENINGS)
            + chance.choice(SAYINGS[matter.category]).format(where=where)
            + chance.choice(ENDINGS)
        )
        lon, lat = _shifted(chance, matter.lon, matter.lat, abs(chance.gauss(0, 25)))
        said = chance.random()
        category = matter.category if said < 0.7 else None if said < 0.9 else chance.choice(list(SAYINGS))
        at = MORNING + matter.begun + int(chance.expovariate(1 / (6 * HOUR_US)))
        yield Told(number, text, Report(at, letters_of(text), lon, lat, letters_of(street), category))
