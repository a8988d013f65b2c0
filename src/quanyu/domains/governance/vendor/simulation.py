"""Five simulated vendors: what monitoring measures of them every six hours, weekly reviews in turn, and the office's work.

One vendor in five falls below its commitment now and then. Names, figures and texts are made up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from quanyu.kernel.crew import TURN_US, Case, Habits, act
from quanyu.kernel.declare import City, Tick, simulation
from quanyu.kernel.entity import Observation, body_of, observations, urn
from quanyu.kernel.journal import Command
from quanyu.kernel.noise import share
from quanyu.kernel.time import moment

PROVENANCE: Final = "simulated:governance/vendor"
VENDORS: Final = (("云帆数据", "Yunfan Data"), ("青石软件", "Qingshi Software"), ("北辰运维", "Beichen Operations"),
                  ("明序科技", "Mingxu Technology"), ("知行云", "Zhixing Cloud"))  # fmt: skip
COMMITTED: Final = 99.9
HOUR_US: Final = 3_600_000_000
BEAT_US: Final = 6 * HOUR_US
REVIEW_HOUR: Final = 10
POOR_SHARE: Final = 0.12
"""Share of four-day stretches in which a vendor does worse than it promised."""

STEP_HOURS: Final = {"accept": 8.0, "hear": 20.0, "judge": 12.0, "mend": 50.0, "check": 16.0, "collect_evidence": 6.0,
                     "approve": 6.0, "close": 4.0, "drop": 4.0}  # fmt: skip


def vendor_id(number: int) -> str:
    """Return the entity id of a vendor, numbered from 0."""
    return urn("DigitalVendor", f"sim-{number + 1}")


def hours_of(case: Case) -> float:
    """Return the mean hours of the present step."""
    return STEP_HOURS.get(str(case.get("step")), 12.0)


def filled(case: Case, field: str, point: float) -> Any:
    """Return what the office fills in."""
    known: dict[str, Any] = {
        "statement": "供应商说明故障原因及整改计划(模拟)。",
        "breach": point < 0.8,
        "measure": "weight_down" if point < 0.3 else "warning",
        "availability": round(99.0 + 0.95 * point, 2),
        "timeliness": round(88 + 11 * point, 1),
        "incidents": int(3 * (1 - point)),
    }
    return known.get(field)


NOTES: Final = {
    "accept": ("监测数据与合同承诺比对无误。",),
    "hear": ("已听取陈述并留存。",),
    "judge": ("按合同约定认定。",),
    "mend": ("扩容并调整值守,提交整改报告。",),
    "check": ("连续监测达到承诺值。",),
    "failed": ("仍未达到承诺值,继续整改。",),
    "collect_evidence": ("汇集监测与工单数据。",),
    "approve": ("数据与来源一致,复核通过。",),
    "fixed": ("各方回执齐全。",),
    "no_action": ("因市电中断,不归责于供应商。",),
}
OFFICE: Final = tuple(
    Habits(
        flow=flow,
        hours=hours_of,
        lead=lambda case: "city.data",
        failed=0.1,
        turn_us=6 * TURN_US,
        night=0.05,
        fills=filled,
        notes=NOTES,
        measured=lambda case, attribute: 99.95,
    )
    for flow in ("vendor_breach", "vendor_review")
)


def found(city: City, seed: int) -> Iterator[Command]:
    """Make the vendors, once, each with the commitment of its contract."""
    for number, (zh, en) in enumerate(VENDORS):
        document = {
            "id": vendor_id(number),
            "type": "DigitalVendor",
            "name": {"type": "Property", "value": {"zh": f"{zh}(模拟)", "en": f"{en} (simulated)"}},
            "committed": {"type": "Property", "value": COMMITTED, "unitCode": "P1"},
        }
        yield Command("entity.create", vendor_id(number), document, provenance=PROVENANCE)


@simulation(found=found)
def vendor(tick: Tick) -> Iterable[Command]:
    """Measurements of the beats that ended in this tick, a review when its hour came, then the office's work."""
    beats = range((tick.at - tick.step_us) // BEAT_US + 1, tick.at // BEAT_US + 1)
    rows = [row for beat in beats for row in measured(tick.seed, beat)]
    commands = []
    if rows:
        body = body_of(observations(rows)) | {"as": "live"}
        commands.append(Command("observe", "governance/vendor", body, provenance=PROVENANCE))
    commands += reviews(tick)
    for habits in OFFICE:
        commands += act(tick, habits, provenance=PROVENANCE)
    return commands


def measured(seed: int, beat: int) -> Iterator[Observation]:
    """Yield what monitoring says of every vendor at a beat of six hours."""
    for number in range(len(VENDORS)):
        poor = share(seed, "vendor", number, beat // 16) < POOR_SHARE
        point = share(seed, "vendor", number, beat, "availability")
        values = {
            "availability": round(99.2 + 0.4 * point if poor else 99.91 + 0.08 * point, 3),
            "timeliness": round(90 + 9 * share(seed, "vendor", number, beat, "tickets"), 1),
            "incidents": float(2 if poor else int(1.3 * share(seed, "vendor", number, beat // 120))),
        }
        for name, value in values.items():
            yield Observation(vendor_id(number), name, beat * BEAT_US, value, "C62" if name == "incidents" else "P1")


def reviews(tick: Tick) -> Iterator[Command]:
    """Open the review of one vendor every Monday morning, in turn."""
    at, before = moment(tick.at, tick.city.zone), moment(tick.at - tick.step_us, tick.city.zone)
    if at.weekday() or not before.hour < REVIEW_HOUR <= at.hour:
        return
    number = at.toordinal() // 7 % len(VENDORS)
    zh, en = VENDORS[number]
    body = {
        "flow": "vendor_review",
        "title": {"zh": f"{zh}(模拟)履约评价", "en": f"Review of {en} (simulated)"},
        "text": "按监测与工单证据评价履约情况(模拟)。",
        "asset": vendor_id(number),
        "asset_type": "DigitalVendor",
        "severity": "info",
        "as": "live",
    }
    yield Command("case.open", "", body, provenance=PROVENANCE)
