"""What collectors, citizens and supervisors report in a simulated city, and what the crews do about it.

Sixty to a hundred and twenty reports a day with a daily rhythm; every text, name and number is made up by the project.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from quanyu.kernel.crew import Case, Habits, act, drawn, person_name
from quanyu.kernel.declare import City, Tick, simulation
from quanyu.kernel.journal import Command
from quanyu.kernel.noise import share
from quanyu.kernel.townsfolk import arrivals, slots_of, whereabouts

PROVENANCE: Final = "simulated:governance/grid"
REPORTS_PER_DAY: Final = 90.0
MATTERS: Final[Mapping[str, tuple[str, float, str]]] = {
    "c0101": ("facilities.water", 2, "{spot}上水井盖破损,行人绊脚"),
    "c0102": ("facilities.water", 2, "{spot}污水井外溢,有异味"),
    "c0103": ("facilities.water", 3, "{spot}雨水箅子被落叶堵住"),
    "c0108": ("facilities.power", 4, "{spot}有两盏路灯不亮"),
    "c0109": ("facilities.water", 1, "{spot}消火栓渗水"),
    "c0201": ("roads.traffic", 3, "{spot}隔离护栏倒伏"),
    "c0202": ("roads.traffic", 2, "{spot}指路标志被树枝遮挡"),
    "c0203": ("roads.traffic", 1, "{spot}信号灯不亮"),
    "c0204": ("roads.maintenance", 5, "{spot}人行道地砖松动,雨后溅水"),
    "c0205": ("roads.maintenance", 4, "{spot}路面坑洼"),
    "c0206": ("roads.traffic", 1, "{spot}公交站亭玻璃开裂"),
    "c0301": ("streets.sanitation", 7, "{spot}垃圾桶满溢"),
    "c0302": ("streets.sanitation", 1, "{spot}公厕水龙头损坏"),
    "c0303": ("streets.advertising", 1, "{spot}户外广告牌松动"),
    "c0401": ("green.landscaping", 2, "{spot}行道树断枝悬挂"),
    "c0402": ("green.landscaping", 2, "{spot}绿地裸露,浮土较多"),
    "c0501": ("district", 2, "{spot}宣传栏面板脱落"),
    "e0101": ("streets.sanitation", 9, "{spot}有暴露垃圾"),
    "e0102": ("streets.sanitation", 3, "{spot}堆放装修渣土"),
    "e0103": ("streets.sanitation", 4, "{spot}路面有沙石遗撒"),
    "e0201": ("streets.advertising", 7, "{spot}墙面张贴小广告"),
    "e0202": ("streets.advertising", 1, "{spot}新设广告牌,未见许可"),
    "e0301": ("construction.sites", 4, "{spot}工地裸土未覆盖,起风扬尘"),
    "e0302": ("construction.sites", 2, "{spot}夜间施工噪声扰民"),
    "e0401": ("facilities.water", 2, "{spot}积水影响通行"),
    "e0402": ("roads.maintenance", 1, "{spot}路面小面积塌陷,已有人看守"),
    "e0403": ("facilities.telecom", 1, "{spot}通信线缆下垂"),
    "e0501": ("streets.order", 6, "{spot}占道摆摊,行人绕行"),
    "e0502": ("roads.traffic", 6, "{spot}机动车停在人行道上"),
    "e0503": ("streets.order", 9, "{spot}共享单车堆放,堵住出入口"),
    "e0504": ("emergency.duty", 2, "{spot}消防通道被占用"),
    "e0601": ("district", 2, "{spot}居民反映事项,需现场了解"),
}
"""Sub-class (tables/subclasses.csv) → unit, how often against the others, what people write."""

TITLES: Final[Mapping[str, tuple[str, str]]] = {
    "c0101": ("上水井盖", "Water-supply manhole"),
    "c0102": ("污水井盖", "Sewage manhole"),
    "c0103": ("雨水箅子", "Rain grate"),
    "c0108": ("路灯", "Street lamp"),
    "c0109": ("消火栓", "Fire hydrant"),
    "c0201": ("道路护栏", "Road barrier"),
    "c0202": ("交通标志牌", "Traffic sign"),
    "c0203": ("交通信号灯", "Traffic signal"),
    "c0204": ("人行道铺装", "Pavement"),
    "c0205": ("路面", "Road surface"),
    "c0206": ("公交站亭", "Bus shelter"),
    "c0301": ("垃圾桶", "Litter bin"),
    "c0302": ("公共厕所", "Public toilet"),
    "c0303": ("户外广告牌", "Outdoor sign"),
    "c0401": ("行道树", "Street tree"),
    "c0402": ("绿地", "Green area"),
    "c0501": ("宣传栏", "Notice board"),
    "e0101": ("暴露垃圾", "Exposed rubbish"),
    "e0102": ("积存渣土", "Heap of spoil"),
    "e0103": ("道路不洁", "Dirty road"),
    "e0201": ("违规小广告", "Illegal leaflets"),
    "e0202": ("违规户外广告", "Illegal sign"),
    "e0301": ("施工扬尘", "Construction dust"),
    "e0302": ("夜间施工噪声", "Night construction noise"),
    "e0401": ("道路积水", "Flooded road"),
    "e0402": ("路面塌陷", "Road collapse"),
    "e0403": ("架空线缆坠落", "Fallen cable"),
    "e0501": ("占道经营", "Street vending"),
    "e0502": ("机动车乱停放", "Illegal parking"),
    "e0503": ("非机动车乱停放", "Bicycles in the way"),
    "e0504": ("占用消防通道", "Fire lane blocked"),
    "e0601": ("其他事件", "Other matter"),
}
WEIGHTS: Final = tuple((code, weight) for code, (_, weight, _) in MATTERS.items())
URGENT: Final = frozenset({"c0101", "c0102", "c0203", "e0401", "e0402", "e0403", "e0504"})

SPOTS: Final = (
    "路口东南角", "中学门口", "菜市场北门", "地铁口外侧", "小区南门", "公园西侧", "公交站旁", "医院对面",
    "桥下", "便民店门前", "幼儿园围墙外", "停车场入口", "社区服务站旁", "河边步道", "写字楼后街", "老年活动站门口",
)  # fmt: skip

STEP_HOURS: Final = {"collect": 0.17, "register": 0.17, "dispatch": 0.35, "feedback": 1.2, "check": 5.0, "close": 1.0}
HANDLE_HOURS: Final = {"c": 6.0, "e": 0.7}
SLOW_SHARE: Final = 0.05
SLOW_HOURS: Final = 40.0
"""Some matters drag on: a part is missing, or nobody feels responsible."""
WRONG_UNITS: Final = ("streets.sanitation", "streets.order", "roads.maintenance", "green.landscaping", "roads.traffic")


def hours_of(case: Case) -> float:
    """Return the mean hours of the present step: crews mend components slower than they clear events."""
    step = str(case.get("step"))
    if step != "handle":
        return STEP_HOURS.get(step, 2.0)
    code = str(case.get("class") or "c")
    if share(0, "slow", str(case["id"])) < SLOW_SHARE:
        return SLOW_HOURS
    return 0.4 if code in URGENT else HANDLE_HOURS.get(code[0], 6.0)


def unit_of(case: Case) -> str:
    """Return the unit that a case belongs to: that of its sub-class, or the district's own office."""
    lead = MATTERS[case["class"]][0] if case.get("class") in MATTERS else "district"
    if lead != "district":
        return lead
    district = (case.get("place") or {}).get("district")
    return f"district.{district}" if district else "city.command"


CREWS: Final = Habits(
    flow="grid_case",
    hours=hours_of,
    lead=unit_of,
    others=WRONG_UNITS,
    wrong_unit=0.06,
    failed=0.06,
    planned=0.05,
    paused=0.02,
    extended=0.005,
    banked=0.01,
    night=0.5,
    notes={
        "collect": ["位置和照片清楚,属实。", "已电话核实,情况属实。"],
        "register": ["符合立案条件,予以立案。"],
        "dispatch": ["按小类派遣,请在时限内处置。", "请就近班组到场。"],
        "handle": [
            "已到场处置完毕,现场照片附后。",
            "班组更换部件,恢复原状。",
            "清理完毕,并告知周边商户。",
            "已修复,设置警示半天后撤除。",
        ],
        "feedback": ["处置结果已回填,请核查。"],
        "check": ["现场核查通过。", "复查与照片一致,通过。"],
        "failed": ["现场核查:问题仍在,退回重新处置。", "只处置了一半,退回。"],
        "confirm": ["回访:市民表示已解决。"],
        "fixed": ["核查通过,予以结案。"],
        "planned": ["需专项改造,已列入计划。"],
    },
)


@simulation()
def grid(tick: Tick) -> Iterable[Command]:
    """New reports of the slots that ended in this tick, then the work of the crews."""
    reports = [report for slot in slots_of(tick) for report in reports_of(tick.seed, slot, tick.city)]
    return [*reports, *act(tick, CREWS, provenance=PROVENANCE)]


def reports_of(seed: int, slot: int, city: City) -> Iterator[Command]:
    """Yield the reports of five minutes of city time; a slot is numbered from 1970."""
    for number in arrivals(seed, "report", slot, REPORTS_PER_DAY, city):
        yield _report(seed, number, city)


def _report(seed: int, number: int, city: City) -> Command:
    code = drawn(share(seed, "matter", number), WEIGHTS)
    district, place, road = whereabouts(seed, number, city)
    spot = road + SPOTS[int(share(seed, "spot", number) * len(SPOTS))]
    zh, en = TITLES[code]
    body: dict[str, Any] = {
        "flow": "grid_case",
        "class": code,
        "title": {"zh": f"{zh}:{spot}", "en": f"{en}, {district['name']['en']}"},
        "text": MATTERS[code][2].format(spot=spot) + "。",
        "severity": "orange" if code in URGENT else "yellow" if share(seed, "severity", number) < 0.6 else "info",
        "place": place,
        "as": "live",
    }
    return Command("case.open", "", body | _source(seed, number, district["code"]), provenance=PROVENANCE)


def _source(seed: int, number: int, district: str) -> dict[str, Any]:
    """Say who noticed it: a collector on the round, a citizen, or a supervisor who found what collectors missed."""
    who = share(seed, "who", number)
    if who < 0.22:
        return {"channel": "citizen", "reporter": {"name": person_name(seed, f"citizen/{number}")}}
    role, kind = ("supervisor", "grid_missed") if who < 0.28 else ("collector", "grid")
    place = int(share(seed, "collector", number) * 5)
    person = {
        "id": f"person:sim-{role}-{district}-{place + 1}",
        "name": person_name(seed, f"{role}/{district}/{place}"),
        "unit": "city.supervision",
        "role": role,
    }
    return {"channel": "simulation", "kind": kind, "as_person": person}
