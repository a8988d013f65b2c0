"""Bad information that the simulated credit office records, and what its subjects and consumers do about it.

About one piece a day, most of it with a document some months old, so that repairs happen at once. Before the measures of
2026-04-01 the figures stand in for rules that were not seen; every firm, number and text is made up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from quanyu.kernel.crew import TURN_US, Case, Habits, act, drawn, person_name
from quanyu.kernel.declare import City, Tick, simulation
from quanyu.kernel.journal import Command
from quanyu.kernel.noise import share
from quanyu.kernel.time import moment
from quanyu.kernel.townsfolk import SLOT_US, arrivals, slots_of

PROVENANCE: Final = "simulated:governance/credit"
RECORDS_PER_DAY: Final = 2.5
GRADES: Final = (("minor", 4.0), ("general", 5.0), ("serious", 2.0))
AGE_DAYS: Final = {"minor": 20, "general": 150, "serious": 420}
"""Mean age of the document when its information is recorded."""

TRADES: Final = ("餐饮管理", "建筑劳务", "物业服务", "货运代理", "再生资源", "广告装饰", "信息技术", "家政服务")
NAMES: Final = ("安禾", "柏舟", "澄明", "德润", "恒远", "嘉木", "凌川", "明序", "青禾", "盛泽", "文涛", "子衿")
MATTERS: Final[Mapping[str, str]] = {
    "minor": "简易程序行政处罚:未按规定公示价目",
    "general": "行政处罚:占道堆放建筑材料",
    "serious": "行政处罚:逾期不履行缴纳义务",
}
STEP_HOURS: Final = {
    "record": 6.0, "apply": 40.0, "verify": 9.0, "decide": 9.0, "close": 4.0, "object": 1_500.0, "answer": 60.0,
    "cancelled": 10.0, "published_on": 40_000.0,
}  # fmt: skip


def hours_of(case: Case) -> float:
    """Return the mean hours of the branch that leads; waiting for a receipt takes hours, publication takes months."""
    if any(notice["receipt_at"] is None for notice in case.get("notices") or ()):
        return 8.0
    return STEP_HOURS.get(str(case.get("step")), 24.0)


def filled(case: Case, field: str, point: float) -> Any:
    """Return what is filled in: a document of the past, and conditions that are met more often than not."""
    opened = moment(case["opened_at"], "Asia/Shanghai").date()
    known: dict[str, Any] = {
        "document": f"(模拟){opened.year}第{1 + int(point * 9_000):04d}号",
        "counted_from": (
            opened - timedelta(days=round(2 * point * AGE_DAYS.get(str(case.get("class")), 100)))
        ).isoformat(),
        "subject_kind": "body",
        "published": case.get("class") != "minor",
        "reorganised": True,
        "corrected": True,
        "duty_done": True,
        "committed": True,
        "upheld": point < 0.2,
    }
    return known.get(field)


OFFICE: Final = Habits(
    flow="credit_record",
    hours=hours_of,
    lead=lambda case: "credit.office",
    failed=0.12,
    turn_us=6 * TURN_US,
    night=0.05,
    fills=filled,
    notes={
        "record": ["按生效文书登记,起算日以文书为准。"],
        "published_on": ["法院裁定批准重整计划,准予提前申请。"],
        "apply": ["已纠正并履行义务,提交公开信用承诺。"],
        "verify": ["材料齐全,已向原处罚机关核实。"],
        "decide": ["符合条件,予以修复。"],
        "failed": ["义务尚未履行完毕,不予修复。"],
        "object": ["对登记内容有异议,请求核实。"],
        "answer": ["已核实并书面答复。"],
        "fixed": ["各方回执齐全。"],
    },
)


@simulation()
def credit(tick: Tick) -> Iterable[Command]:
    """New information of the slots that ended in this tick, then the work of the office, the subjects and consumers."""
    records = [record for slot in slots_of(tick) for record in records_of(tick.seed, slot, tick.city)]
    return [*records, *act(tick, OFFICE, provenance=PROVENANCE)]


def records_of(seed: int, slot: int, city: City) -> Iterator[Command]:
    """Yield the information recorded in five minutes of city time, in office hours only."""
    if not 9 <= moment(slot * SLOT_US, city.zone).hour < 17:
        return
    for number in arrivals(seed, "credit", slot, RECORDS_PER_DAY, city):
        grade = drawn(share(seed, "credit/grade", number), GRADES)
        name = NAMES[int(share(seed, "credit/name", number) * len(NAMES))]
        trade = TRADES[int(share(seed, "credit/trade", number) * len(TRADES))]
        body: dict[str, Any] = {
            "flow": "credit_record",
            "class": grade,
            "title": {"zh": f"{name}{trade}有限公司(模拟)", "en": f"Simulated firm {number % 10_000:04d}"},
            "text": MATTERS[grade] + "(模拟)。",
            "severity": "yellow" if grade == "serious" else "info",
            "channel": "counter",
            "reporter": {"name": person_name(seed, f"subject/{number}")},
            "as": "live",
        }
        yield Command("case.open", "", body, provenance=PROVENANCE)
