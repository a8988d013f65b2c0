"""Who applies for bundles in the simulated city, and what the offices side by side do with them.

About four a day: restaurants, newborns, road works. Every name, number and text is made up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from quanyu.kernel.applicants import Plan, applications
from quanyu.kernel.crew import TURN_US, Case, Habits, act
from quanyu.kernel.declare import Tick, simulation
from quanyu.kernel.journal import Command
from quanyu.kernel.noise import share

PROVENANCE: Final = "simulated:services/onething"
PHONE: Final = "010-00000000"
STEP_HOURS: Final = {
    "review": 8.0, "correct": 40.0, "food": 45.0, "sign": 20.0, "fire": 30.0, "drain": 28.0, "household_entry": 14.0,
    "insurance": 12.0, "social_card": 24.0, "road": 26.0, "traffic": 18.0, "green": 18.0, "pipes": 14.0, "deliver": 8.0,
    "refuse": 8.0,
}  # fmt: skip


def restaurant(seed: int, number: int) -> Mapping[str, Any]:
    """Return what is said of a restaurant; guests, signs and hot meals decide which offices are needed."""
    inside, sign = share(seed, "inside", number) < 0.8, share(seed, "sign", number) < 0.9
    hot = share(seed, "hot", number) < 0.75
    said: dict[str, Any] = {
        "shop_name": "示例小馆(模拟)",
        "meals": ["hot", "drinks"] if hot else ["drinks"],
        "guests_inside": inside,
        "sets_sign": sign,
        "person_phone": PHONE,
    }
    said |= {"seats": 24} if inside else {}
    said |= {"sign_words": "示例小馆"} if sign else {}
    return said | ({"layout_plan": "photo"} if hot else {})


def child(seed: int, number: int) -> Mapping[str, Any]:
    """Return what is said of a child."""
    return {
        "child_name": "示例宝宝(模拟)",
        "household": "own",
        "insure": share(seed, "insure", number) < 0.9,
        "card": share(seed, "card", number) < 0.7,
        "person_phone": PHONE,
    }


def works(seed: int, number: int) -> Mapping[str, Any]:
    """Return what is said of road works."""
    return {
        "site": "春和路示例路口(模拟地址)",
        "works": ("gas", "water", "telecom")[number % 3],
        "area_m2": 12,
        "starts_on": "2026-05-06",
        "ends_on": "2026-05-20",
        "blocks_lane": share(seed, "lane", number) < 0.6,
        "near_trees": share(seed, "trees", number) < 0.3,
        "near_pipes": share(seed, "pipes", number) < 0.7,
        "person_phone": PHONE,
        "works_plan": "photo",
    }


PLANS: Final = (
    Plan(flow="open_restaurant", zh="开办餐饮店", en="Open a restaurant", subject="firm", per_day=1.5, answers=restaurant,
         gives_up=0.12),
    Plan(flow="newborn", zh="新生儿出生", en="A child is born", subject="person", per_day=1.5, answers=child, gives_up=0.03),
    Plan(flow="road_excavation", zh="占用挖掘道路", en="Dig up a road", subject="firm", per_day=1.0, answers=works),
)  # fmt: skip


def hours_of(case: Case) -> float:
    """Return the mean hours of the present step."""
    return STEP_HOURS.get(str(case.get("step")), 20.0)


def filled(case: Case, field: str, point: float) -> Any:
    """Return what a desk or an office fills in: most is complete, most is granted."""
    if field.endswith("_granted"):
        return point < 0.96
    if field.endswith("_grounds"):
        return "符合条件(模拟)。"
    known: dict[str, Any] = {
        "complete": point < 0.9,
        "asked_for": "请补充平面布局图的尺寸(模拟)。",
    }
    return known.get(field)


NOTES: Final = {
    "review": ("一窗受理,材料已核对。",),
    "correct": ("已按告知补正。",),
    "granted": ("全部事项办结,结果一次送达(模拟)。",),
    "refused": ("有事项不予许可,理由附后;可补正后重新申请,也可依法申请行政复议(模拟)。",),
}
DESKS: Final = tuple(
    Habits(
        flow=plan.flow,
        hours=hours_of,
        lead=lambda case: str(case.get("unit") or "services.centre"),
        turn_us=3 * TURN_US,
        night=0.05,
        fills=filled,
        notes=NOTES,
    )
    for plan in PLANS
)


@simulation()
def onething(tick: Tick) -> Iterable[Command]:
    """New bundles and drafts, then the work of the desk and the offices."""
    work = [command for desk in DESKS for command in act(tick, desk, provenance=PROVENANCE)]
    return [*applications(tick, PLANS, PROVENANCE), *work]
