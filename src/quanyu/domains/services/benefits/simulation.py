"""What happens to a few simulated firms, observed once a day, and what the enterprise office and the firms do about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from quanyu.kernel.applicants import SUBJECTS, firm
from quanyu.kernel.crew import TURN_US, Case, Habits, act
from quanyu.kernel.declare import City, Tick, simulation
from quanyu.kernel.entity import Observation, body_of, observations, urn
from quanyu.kernel.journal import Command
from quanyu.kernel.noise import share

PROVENANCE: Final = "simulated:services/benefits"
DAY_US: Final = 86_400_000_000
STEP_HOURS: Final = {"check": 16.0, "answer": 60.0, "give": 40.0, "drop": 8.0, "unanswered": 8.0}


def hours_of(case: Case) -> float:
    """Return the mean hours of the present step."""
    return STEP_HOURS.get(str(case.get("step")), 20.0)


def filled(case: Case, field: str, point: float) -> Any:
    """Return what the office or the firm fills in."""
    known: dict[str, Any] = {
        "fits": point < 0.9,
        "taken": point < 0.65,
        "evidence_read": "单位参保登记、经营主体登记,截至昨日(模拟)",
    }
    return known.get(field)


NOTES: Final = {
    "check": ("已与登记数据核对。",),
    "answer": ("企业电话答复,由工作人员代录(模拟)。",),
    "granted": ("已兑现(模拟)。",),
    "no_action": ("不符合条件或未答复,已说明(模拟)。",),
}
OFFICE: Final = tuple(
    Habits(
        flow=flow,
        hours=hours_of,
        lead=lambda case: str(case.get("unit") or "services.enterprise"),
        turn_us=6 * TURN_US,
        night=0.05,
        fills=filled,
        notes=NOTES,
    )
    for flow in ("policy_offer", "policy_application", "benefit_direct")
)


def entity(seed: int, number: int) -> str:
    """Return the entity id of a simulated firm."""
    return urn("Firm", firm(seed, number)["code"])


def found(city: City, seed: int) -> Iterator[Command]:
    """Make the firms, once."""
    for number in range(SUBJECTS):
        each, id = firm(seed, number), entity(seed, number)
        document = {
            "id": id,
            "type": "Firm",
            "name": {"type": "Property", "value": {"zh": each["name"], "en": f"Example firm {number + 1} (simulated)"}},
            "creditCode": {"type": "Property", "value": each["code"]},
        }
        yield Command("entity.create", id, document, provenance=PROVENANCE)


@simulation(found=found)
def benefits(tick: Tick) -> Iterable[Command]:
    """What registers say of the firms each day, then the work of the office."""
    days = range((tick.at - tick.step_us) // DAY_US + 1, tick.at // DAY_US + 1)
    rows = [row for day in days for row in seen(tick.seed, day)]
    commands: list[Command] = []
    if rows:
        body = body_of(observations(rows)) | {"as": "live"}
        commands.append(Command("observe", "services/benefits", body, provenance=PROVENANCE))
    for habits in OFFICE:
        commands += act(tick, habits, provenance=PROVENANCE)
    return commands


def seen(seed: int, day: int) -> Iterator[Observation]:
    """Yield what is known of every firm on a day: a third are young, some hire, a few get a patent."""
    for number in range(SUBJECTS):
        hires = share(seed, "hires", number, day // 30) < 0.12
        patent = share(seed, "patent", number, day // 30) < 0.06
        values = {
            "ageMonths": (float(3 + number if number < 4 else 30 + number), "MON"),
            "newStaff": (8.0 if hires else 1.0, "IE"),
            "newPatents": (1.0 if patent else 0.0, "C62"),
        }
        for name, (value, unit) in values.items():
            yield Observation(entity(seed, number), name, day * DAY_US, value, unit)
