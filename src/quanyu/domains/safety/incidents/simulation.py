"""Incidents of a simulated city: an everyday one every other day, an emergency every fortnight, and what desks and units do.

All of it is made up and says so. A declaration follows in the step after the opening, with the tasks of the plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from quanyu.kernel.crew import CREWS, TURN_US, Case, Habits, act
from quanyu.kernel.declare import Tick, simulation
from quanyu.kernel.journal import Command
from quanyu.kernel.noise import share
from quanyu.kernel.view import CaseQuery

PROVENANCE: Final = "simulated:safety/incidents"
SLOT_US: Final = 600_000_000
EVERYDAY_A_DAY: Final = 0.5
EMERGENCIES_A_DAY: Final = 0.07
SLOTS_A_DAY: Final = 144

MATTERS: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "water_main": ("供水管爆裂", "Burst water main", "路口供水管爆裂漫水(模拟)。", "facilities.water"),
    "road_sink": ("路面塌陷", "Road subsidence", "道路出现塌陷坑(模拟)。", "roads.maintenance"),
    "power_cut": ("区域停电", "Power cut in an area", "小区停电待修(模拟)。", "facilities.power"),
    "tree_fall": ("树木倒伏阻路", "Fallen trees across a road", "大树倒伏阻路(模拟)。", "green.landscaping"),
}
"""Everyday kinds: what they are called, what is told, and who leads."""

EMERGENCY: Final = ("gas_explosion", "燃气爆燃", "Gas explosion", "居民楼燃气爆燃(模拟)。", "facilities.gas")
ORDERS: Final[Mapping[str, tuple[tuple[str, str, str], ...]]] = {
    "water_main": (("facilities.water", "关阀止水并抢修", "Close the valve and repair"),
                   ("roads.traffic", "围挡疏导交通", "Fence off and divert traffic")),
    "road_sink": (("roads.maintenance", "围挡警示并回填修复", "Fence off and repair"),
                  ("facilities.gas", "排查燃气管线", "Check gas pipes")),
    "power_cut": (("facilities.power", "抢修复电", "Restore power"),),
    "tree_fall": (("green.landscaping", "清理倒伏树木", "Clear the trees"),),
    "gas_explosion": (("facilities.gas", "切断气源并检测浓度", "Shut the gas and measure it"),
                      ("fire.rescue", "灭火救援", "Put out the fire and rescue"),
                      ("health.office", "医疗救治伤员", "Treat the injured")),
}  # fmt: skip
PLANS: Final = {kind: f"{kind}_normal" for kind in MATTERS}
KIND_BY_TITLE: Final = {zh: kind for kind, (zh, *_) in MATTERS.items()} | {EMERGENCY[1]: EMERGENCY[0]}

HOURS: Final = {"accept": 0.3, "sort": 0.3, "dispatch": 0.4, "handle": 5.0, "check": 6.0, "stabilise": 9.0,
                "evaluate": 60.0, "close": 4.0, "receive": 0.3, "carry_out": 4.0, "to_county": 0.6, "to_city": 1.0,
                "to_province": 1.0, "to_state": 1.0}  # fmt: skip


def hours_of(case: Case) -> float:
    """Return the mean hours of the present step."""
    return HOURS.get(str(case.get("step")), 12.0)


def kind_of(case: Case) -> str:
    """Return the kind that a simulated incident was opened as."""
    title = case.get("title") or {}
    return KIND_BY_TITLE.get(str(title.get("zh", "")).removesuffix("(模拟)"), "water_main")


def lead_of(case: Case) -> str:
    """Return the unit that leads: for a task the one that holds it."""
    if case.get("flow") == "incident_task":
        return str(case.get("unit") or "emergency.duty")
    kind = kind_of(case)
    return MATTERS[kind][3] if kind in MATTERS else EMERGENCY[4]


def filled(case: Case, field: str, point: float) -> Any:
    """Return what desks fill in."""
    known: dict[str, Any] = {
        "emergency": kind_of(case) == EMERGENCY[0],
        "loss_said": "损失评估见附件(模拟)。",
        "recovery_plan": "分两期恢复(模拟)。",
        "said": "事发情况与处置进展(模拟)。",
        "said_city": "续报进展(模拟)。",
        "said_province": "续报进展(模拟)。",
        "said_state": "续报进展(模拟)。",
    }
    return known.get(field)


NOTES: Final = {
    "accept": ("电话核实属实。",),
    "sort": ("按类型分流。",),
    "dispatch": ("派牵头单位,协办单位同步。",),
    "handle": ("现场处置完毕。",),
    "check": ("现场恢复正常。",),
    "failed": ("现场尚未恢复,继续处置。",),
    "stabilise": ("险情解除,转入善后。",),
    "evaluate": ("已组织评估。",),
    "fixed": ("资料齐全,归档。",),
    "receive": ("收到,立即执行。",),
    "carry_out": ("任务完成。",),
    "acknowledge": ("电话确认收悉。",),
}
DESKS: Final = tuple(
    Habits(
        flow=flow,
        hours=hours_of,
        lead=lead_of,
        failed=0.05,
        turn_us=TURN_US,
        night=0.8,
        fills=filled,
        notes=NOTES,
        measured=lambda case, attribute: 100.0,
    )
    for flow in ("incident", "incident_task", "incident_report")
)


@simulation()
def incidents(tick: Tick) -> Iterable[Command]:
    """What happened in this tick, what the duty desk declares, then the work of desks and units."""
    commands = list(happened(tick))
    commands += declared(tick)
    for habits in DESKS:
        commands += act(tick, habits, provenance=PROVENANCE)
    return commands


def happened(tick: Tick) -> Iterator[Command]:
    """Open the incidents of the slots that ended in this tick."""
    for slot in range((tick.at - tick.step_us) // SLOT_US + 1, tick.at // SLOT_US + 1):
        if share(tick.seed, "incident", slot) < EVERYDAY_A_DAY / SLOTS_A_DAY:
            kind = list(MATTERS)[int(share(tick.seed, "incident", slot, "kind") * len(MATTERS))]
            zh, en, text, _ = MATTERS[kind]
            yield opening(tick, slot, zh, en, text, "yellow")
        elif share(tick.seed, "emergency", slot) < EMERGENCIES_A_DAY / SLOTS_A_DAY:
            _, zh, en, text, _ = EMERGENCY
            yield opening(tick, slot, zh, en, text, "red")


def opening(tick: Tick, slot: int, zh: str, en: str, text: str, severity: str) -> Command:
    """Return the command that opens an incident at a made-up place."""
    district = tick.city.districts[int(share(tick.seed, "incident", slot, "place") * len(tick.city.districts))]
    body = {
        "flow": "incident",
        "title": {"zh": f"{zh}(模拟)", "en": f"{en} (simulated)"},
        "text": text,
        "severity": severity,
        "channel": "simulation",
        "place": {"district": str(district["code"]), "address": "示例地点(模拟)"},
    }
    return Command("case.open", "", body, provenance=PROVENANCE)


def declared(tick: Tick) -> Iterator[Command]:
    """Declare what was opened in the tick before, with the reports and tasks that follow."""
    query = CaseQuery(list="all", flow="incident", opened_from=tick.at - tick.step_us, opened_to=tick.at)
    for case in tick.views.cases.query(query, CREWS).items:
        if not case["simulated"]:
            continue
        kind = kind_of(case)
        yield Command("incident.declare", case["id"], {"kind": kind}, provenance=PROVENANCE)
        if kind == EMERGENCY[0]:
            yield beside(case, "incident_report", "首次报告", "First report", **{"class": "city"})
            said = {"values": {"dead": 0, "seriously_hurt": 2, "loss_cny": 300_000}, "source": "现场(模拟)"}
            yield Command("incident.figure", case["id"], said, provenance=PROVENANCE)
            level = {"level": 4, "why": "按伤亡损失定级(模拟)", "seen": 0}
            yield Command("incident.level", case["id"], level, provenance=PROVENANCE)
        plan = PLANS.get(kind, "gas_explosion_upper")
        yield Command("incident.activate", case["id"], {"plan": plan}, provenance=PROVENANCE)
        for unit, zh, en in ORDERS[kind]:
            yield beside(case, "incident_task", zh, en, units={"unit": unit})


def beside(case: Case, flow: str, zh: str, en: str, **more: Any) -> Command:
    """Return the command that opens a case beside an incident."""
    body = {
        "flow": flow,
        "title": {"zh": f"{zh}(模拟)", "en": f"{en} (simulated)"},
        "text": f"{case['title']['zh']}:{zh}",
        "severity": "orange",
        "channel": "incident",
        "asset": case["id"],
        "asset_type": "Case",
        "place": {name: value for name, value in (case.get("place") or {}).items() if value is not None},
        **more,
    }
    return Command("case.open", "", body, provenance=PROVENANCE)
