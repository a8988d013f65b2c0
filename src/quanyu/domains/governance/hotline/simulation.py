"""What people bring to the simulated hotline, how the exchange answers, and what units and call-takers do about it.

About thirty orders a day; a few spots have the same trouble again and again. Texts, names and numbers are made up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from quanyu.kernel.crew import TURN_US, Case, Habits, act, drawn, person_name
from quanyu.kernel.declare import City, Tick, simulation
from quanyu.kernel.entity import Observation, body_of, observations, urn
from quanyu.kernel.journal import Command
from quanyu.kernel.noise import share, smooth
from quanyu.kernel.time import moment
from quanyu.kernel.townsfolk import RHYTHM, arrivals, slots_of, whereabouts

PROVENANCE: Final = "simulated:governance/hotline"
ORDERS_PER_DAY: Final = 30.0
CALLS_PER_HOUR: Final = 420.0
HOUR_US: Final = 3_600_000_000
EXCHANGE: Final = urn("HotlineExchange", "sim")

MATTERS: Final[Mapping[str, tuple[str, float, str]]] = {
    "h0101": ("facilities.gas", 1, "{road}楼道有燃气味,请尽快来人"),
    "h0102": ("emergency.duty", 1, "{road}小区电梯停在半层,有人在里面"),
    "h0201": ("facilities.water", 4, "{road}从早上开始没有水"),
    "h0202": ("facilities.power", 3, "{road}整栋楼停电"),
    "h0203": ("facilities.gas", 1, "{road}做饭时突然没有燃气"),
    "h0204": ("facilities.heat", 4, "{road}家里暖气不热"),
    "h0301": ("construction.sites", 7, "{road}工地夜里还在施工,无法休息"),
    "h0302": ("street", 7, "{road}小区物业不清扫楼道"),
    "h0303": ("roads.traffic", 6, "{road}车辆长期堵住通道"),
    "h0304": ("streets.sanitation", 5, "{road}垃圾几天没有清运"),
    "h0401": ("street", 1, "{road}老楼想加装电梯,邻居意见不一"),
    "h0402": ("district", 1, "{road}院内违建多年,没有单位处理"),
    "h0501": ("hotline.centre", 6, "咨询居住登记怎么办理"),
    "h0502": ("street", 2, "独居老人需要送餐服务"),
    "h0601": ("district", 2, "窗口办事等候时间过长"),
    "h0901": ("district", 2, "{road}有一件事不知该找谁"),
}
"""Kind of order (tables/orders.csv) → unit, how often against the others, what people say."""

TITLES: Final[Mapping[str, tuple[str, str]]] = {
    "h0101": ("燃气异味", "Smell of gas"),
    "h0102": ("电梯困人", "People caught in a lift"),
    "h0201": ("停水", "No water"),
    "h0202": ("停电", "No power"),
    "h0203": ("停气", "No gas"),
    "h0204": ("供暖不热", "No heat"),
    "h0301": ("施工噪声扰民", "Construction noise"),
    "h0302": ("物业服务", "Property management"),
    "h0303": ("停车秩序", "Parking"),
    "h0304": ("环境卫生", "Sanitation"),
    "h0401": ("老楼加装电梯", "Lift for an old building"),
    "h0402": ("历史遗留违建", "Old illegal building"),
    "h0501": ("政策咨询", "Question about rules"),
    "h0502": ("求助", "Request for help"),
    "h0601": ("服务态度投诉", "Complaint about service"),
    "h0901": ("其他诉求", "Other matter"),
}
WEIGHTS: Final = tuple((code, weight) for code, (_, weight, _) in MATTERS.items())
URGENT: Final = frozenset({"h0101", "h0102", "h0103"})
SUPPLY: Final = frozenset({"h0201", "h0202", "h0203", "h0204"})
CHANNELS: Final = (("phone", 70.0), ("citizen", 20.0), ("counter", 10.0))

SORE_SPOTS: Final = 3
SORE_SHARE: Final = 0.09
"""So many spots of the city come up again and again, and such a share of the orders is about them."""

STEP_HOURS: Final = {"accept": 0.3, "dispatch": 0.3, "call_back": 5.0, "close": 3.0, "plan": 20.0, "check": 12.0}


def hours_of(case: Case) -> float:
    """Return the mean hours of the present step: danger is met at once, hard matters take days."""
    step, code = str(case.get("step")), str(case.get("class") or "")
    if step != "handle":
        return STEP_HOURS.get(step, 3.0)
    if code in URGENT:
        return 0.5
    return 7.0 if code in SUPPLY else 110.0 if code.startswith("h04") else 30.0


def unit_of(case: Case) -> str:
    """Return the unit that an order belongs to: that of its kind, or the office of its place."""
    lead = MATTERS[case["class"]][0] if case.get("class") in MATTERS else "district"
    if lead not in ("district", "street"):
        return lead
    district = (case.get("place") or {}).get("district")
    if not district:
        return "hotline.centre"
    return f"street.{district}900" if lead == "street" else f"district.{district}"


def said(case: Case, field: str, point: float) -> Any:
    """Return what a citizen says when called back; most are content, and not everybody is reached."""
    shares = {"reached": 0.9, "responded": 0.96, "solved": 0.84, "satisfied": 0.88}
    words = {"cause": "夜间作业许可与居民区距离过近(模拟)", "measures": "调整时段、增设隔声、专人巡查(模拟)"}
    return point < shares[field] if field in shares else words.get(field)


NOTES: Final[Mapping[str, tuple[str, ...]]] = {
    "accept": ("来电人叙述清楚,予以受理。", "信息完整,受理。"),
    "dispatch": ("按职责清单转办,时限已印在工单上。",),
    "handle": ("已联系市民并处理完毕。", "已到场处理,向市民说明情况。", "已协调解决,市民知悉。"),
    "call_back": ("已回访,记录市民评价。",),
    "plan": ("查明原因,提出治理方案。",),
    "check": ("抽查现场,未再出现。",),
    "failed": ("抽查发现问题仍在,退回继续治理。",),
    "fixed": ("反馈属实,予以办结。",),
    "planned": ("需跨部门协调,已列入计划。",),
    "no_action": ("重复来电,已并案说明。",),
}
CREWS: Final = Habits(
    flow="hotline_order",
    hours=hours_of,
    lead=unit_of,
    others=("streets.order", "roads.maintenance", "streets.sanitation"),
    wrong_unit=0.05,
    planned=0.06,
    paused=0.03,
    extended=0.03,
    turn_us=2 * TURN_US,
    night=0.4,
    fills=said,
    notes=NOTES,
)
HEALERS: Final = Habits(
    flow="standing_problem",
    turn_us=6 * TURN_US,
    hours=hours_of,
    lead=unit_of,
    failed=0.1,
    planned=0.2,
    fills=said,
    notes=NOTES,
)


def found(city: City, seed: int) -> Iterator[Command]:
    """Make the exchange of the hotline, once."""
    name = {"zh": "热线话务(模拟)", "en": "Hotline exchange (simulated)"}
    document = {"id": EXCHANGE, "type": "HotlineExchange", "name": {"type": "Property", "value": name}}
    yield Command("entity.create", EXCHANGE, document, provenance=PROVENANCE)


@simulation(found=found)
def hotline(tick: Tick) -> Iterable[Command]:
    """New orders of the slots that ended in this tick, the exchange's last full hour, then the work of everybody."""
    orders = [order for slot in slots_of(tick) for order in orders_of(tick.seed, slot, tick.city)]
    work = [*act(tick, CREWS, provenance=PROVENANCE), *act(tick, HEALERS, provenance=PROVENANCE)]
    return [*traffic(tick), *orders, *work]


def traffic(tick: Tick) -> Iterator[Command]:
    """Observe the calls of each hour that ended in this tick."""
    for hour in range((tick.at - tick.step_us) // HOUR_US + 1, tick.at // HOUR_US + 1):
        clock = (moment(hour * HOUR_US, tick.city.zone).hour - 1) % 24
        calls = round(CALLS_PER_HOUR * (0.25 + RHYTHM[clock]) * (1 + 0.1 * smooth(tick.seed, "calls", hour, 6.0)))
        connected = round(calls * (0.975 - 0.02 * share(tick.seed, "lost", hour)))
        in_time = round(connected * (0.985 - 0.03 * share(tick.seed, "slow", hour)))
        values = {"calls": calls, "connected": connected, "inTime": in_time}
        seen = observations(Observation(EXCHANGE, name, hour * HOUR_US, each, "C62") for name, each in values.items())
        yield Command("observe", "governance/hotline", body_of(seen) | {"as": "live"}, provenance=PROVENANCE)


def orders_of(seed: int, slot: int, city: City) -> Iterator[Command]:
    """Yield the orders of five minutes of city time."""
    for number in arrivals(seed, "order", slot, ORDERS_PER_DAY, city):
        yield _order(seed, number, city)


def _order(seed: int, number: int, city: City) -> Command:
    code = drawn(share(seed, "hotline/matter", number), WEIGHTS)
    district, place, road = whereabouts(seed, number, city, "hotline/")
    if share(seed, "hotline/sore", number) < SORE_SHARE:
        spot = int(share(seed, "hotline/spot", number) * SORE_SPOTS)
        code, (district, place, road) = "h0301", whereabouts(seed, spot, city, "sore/")
    zh, en = TITLES[code]
    who = person_name(seed, f"caller/{number}")
    body: dict[str, Any] = {
        "flow": "hotline_order",
        "class": code,
        "title": {"zh": f"{zh}:{road}", "en": f"{en}, {district['name']['en']}"},
        "text": MATTERS[code][2].format(road=road) + "。",
        "severity": "orange" if code in URGENT else "yellow" if code in SUPPLY else "info",
        "place": place,
        "channel": drawn(share(seed, "hotline/channel", number), CHANNELS),
        "reporter": {"name": who},
        "as": "live",
    }
    return Command("case.open", "", body, provenance=PROVENANCE)
