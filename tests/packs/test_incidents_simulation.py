"""The simulated incidents agree with the tables of their packs, are the same for a seed, and do not swamp a city."""

from __future__ import annotations

import random
from typing import Any, cast

from quanyu.assembly.commanding import book_of
from quanyu.assembly.packs import load_city, load_packs
from quanyu.domains.safety.cyber.simulation import ASSETS, scanned
from quanyu.domains.safety.incidents.simulation import (
    EMERGENCY,
    MATTERS,
    ORDERS,
    PLANS,
    SLOT_US,
    SLOTS_A_DAY,
    happened,
)
from quanyu.kernel.declare import Tick

CITY = load_city("beijing")
BOOK = book_of(load_packs())


def tick(seed: int, number: int) -> Tick:
    return Tick(seed, number, number * SLOT_US, SLOT_US, CITY, random.Random(0), cast(Any, None))


def test_kinds_plans_and_units_stand_in_the_tables() -> None:
    units = {str(unit["id"]) for unit in CITY.units}
    for kind in (*MATTERS, EMERGENCY[0]):
        assert kind in BOOK.kinds
        tasks = BOOK.find(PLANS.get(kind, "gas_explosion_upper"))
        assert tasks is not None
        asked = {task.unit for task in tasks.tasks}
        assert {unit for unit, _, _ in ORDERS[kind]} <= asked <= units
    assert {asset[3] for asset in ASSETS} <= units
    assert BOOK.kinds[EMERGENCY[0]].handling == "emergency"


def test_every_plan_names_units_of_the_city_and_has_tasks() -> None:
    units = {str(unit["id"]) for unit in CITY.units}
    for plan in BOOK.plans:
        assert plan.tasks, plan.plan
        assert {plan.lead, *plan.supports, *(task.unit for task in plan.tasks)} <= units, plan.plan


def test_a_city_has_a_few_incidents_a_week_and_says_that_they_are_simulated() -> None:
    days = 60
    made = [each for number in range(days * SLOTS_A_DAY) for each in happened(tick(7, number))]
    assert 10 <= len(made) <= 70
    assert all("(模拟)" in each.body["title"]["zh"] and each.provenance.startswith("simulated") for each in made)
    again = [each for number in range(days * SLOTS_A_DAY) for each in happened(tick(7, number))]
    assert made == again


def test_scans_are_mostly_harmless() -> None:
    values = [row.value for day in range(365) for row in scanned(7, day) if row.attribute == "weakness"]
    grave = sum(float(value) >= 9 for value in values)
    assert 0 < grave < 0.1 * len(values)
