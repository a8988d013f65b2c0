"""What demonstration registers hold of simulated firms and persons, who applies for single items, and what offices do.

A few applications a day; the clear ones are decided by comparison of data. Every name, number and text is made up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from quanyu.kernel.applicants import SUBJECTS, Plan, applications, firm, person
from quanyu.kernel.crew import TURN_US, Case, Habits, act
from quanyu.kernel.declare import City, Tick, simulation
from quanyu.kernel.journal import Command
from quanyu.kernel.noise import share

PROVENANCE: Final = "simulated:services/items"
AS_OF: Final = "2025-12-31"
SOURCE: Final = "演示登记库(模拟)"
PHONE: Final = "010-00000000"
STEP_HOURS: Final = {
    "review": 9.0,
    "correct": 40.0,
    "decide": 30.0,
    "deliver": 12.0,
    "refuse": 8.0,
    "verify": 20.0,
    "close": 6.0,
}


def sign(seed: int, number: int) -> Mapping[str, Any]:
    """Return what a firm says of its sign: most stay above their own front and are not lit."""
    own = share(seed, "sign/own", number) < 0.8
    lit = share(seed, "sign/lit", number) < 0.3
    more = {} if own and not lit else {"sign_drawing": "photo"}
    return {"sign_text": "示例招牌(模拟)", "above_own_front": own, "lit": lit, "person_phone": PHONE} | more


def food(seed: int, number: int) -> Mapping[str, Any]:
    """Return what a firm says of its food business."""
    return {"food_kinds": ["hot", "drinks"], "person_phone": PHONE, "layout_plan": "photo"}


def proof(seed: int, number: int) -> Mapping[str, Any]:
    """Return what a person says of a proof."""
    return {"used_for": "子女入学(模拟)", "person_phone": PHONE}


PLANS: Final = (
    Plan(flow="shop_sign", zh="户外招牌设置申请", en="Application for a shop sign", subject="firm", per_day=2.0, answers=sign),
    Plan(flow="food_licence", zh="食品经营许可申请", en="Application for a food licence", subject="firm", per_day=1.5,
         answers=food),
    Plan(flow="residence_proof", zh="户籍信息证明申请", en="Application for a proof of registration", subject="person",
         per_day=3.0, answers=proof),
)  # fmt: skip


def hours_of(case: Case) -> float:
    """Return the mean hours of the present step."""
    return STEP_HOURS.get(str(case.get("step")), 20.0)


def filled(case: Case, field: str, point: float) -> Any:
    """Return what an office fills in."""
    known: dict[str, Any] = {
        "complete": point < 0.88,
        "asked_for": "请补充经营场所平面布局图的比例尺(模拟)。",
        "grant": point < 0.94,
        "grounds": "经审查,符合法定条件(模拟)。" if point < 0.94 else "现场与图纸不一致(模拟)。",
        "wrong": point < 0.4,
    }
    return known.get(field)


NOTES: Final = {
    "review": ("材料已核对。",),
    "correct": ("已按告知补正。",),
    "decide": ("已作出决定。",),
    "granted": ("准予,证照已送达(模拟)。",),
    "refused": ("不予许可:现场不符合条件。可补正后重新申请,也可依法申请行政复议(模拟)。",),
    "corrected": ("登记已更正。",),
    "no_action": ("登记无误,已向申请人说明。",),
}
OFFICES: Final = tuple(
    Habits(
        flow=flow,
        hours=hours_of,
        lead=lambda case: str(case.get("unit") or "services.centre"),
        turn_us=3 * TURN_US,
        night=0.05,
        fills=filled,
        notes=NOTES,
    )
    for flow in ("shop_sign", "food_licence", "residence_proof", "register_correction")
)


def found(city: City, seed: int) -> Iterator[Command]:
    """Put what the registers hold, once; one firm in six lacks health certificates, one has a dwelling for premises."""
    for number in range(SUBJECTS):
        each = firm(seed, number)
        subject = f"firm:{each['code']}"
        yield _held(subject, "firms", {
            "firm.name": each["name"], "firm.credit_code": each["code"], "firm.legal_person": each["legal_person"],
            "firm.registered_address": f"{each['road']}路{number + 1}号(模拟地址)", "firm.founded_on": "2025-06-01",
            "firm.in_business": True, "firm.trade": "catering" if number % 3 else "utilities",
        })  # fmt: skip
        yield _held(subject, "premises", {
            "premises.address": f"{each['road']}路{number + 1}号一层(模拟地址)", "premises.area_m2": 60 + 15 * number,
            "premises.use": "mixed" if number % 2 else "commercial", "premises.right": f"不动产权示例第{number + 1:04d}号(模拟)",
        })  # fmt: skip
        yield _held(subject, "health_certificates", {"staff.health_certified": bool(number % 6)})
        yield _held(subject, "insured_staff", {"firm.staff": 4 + 3 * number})
        yield _held(subject, "builders", {"firm.construction_qualified": True})
    for number in range(SUBJECTS):
        resident = person(seed, number)
        subject = f"person:{resident['id']}"
        yield _held(subject, "residents", {
            "person.name": resident["name"], "person.citizen_id": resident["citizen_id"],
            "person.address": f"{resident['road']}路{number + 11}号(模拟地址)", "person.registered": True,
        })  # fmt: skip
        yield _held(subject, "births", {
            "child.birth_certificate": f"SIM{number + 1:07d}", "child.birth_date": "2025-12-01",
            "child.sex": "female" if number % 2 else "male",
        })  # fmt: skip


def _held(subject: str, register: str, values: Mapping[str, Any]) -> Command:
    body = {"register": register, "values": dict(values), "as_of": AS_OF, "source": SOURCE}
    return Command("register.put", subject, body, provenance=PROVENANCE)


@simulation(found=found)
def items(tick: Tick) -> Iterable[Command]:
    """New applications and drafts, then the work of the offices."""
    work = [command for office in OFFICES for command in act(tick, office, provenance=PROVENANCE)]
    return [*applications(tick, PLANS, PROVENANCE), *work]
