"""The services of the simulated city in the real hub: filled in once, handled side by side, decided unattended, offered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from quanyu.assembly import Options, open_hub
from quanyu.assembly.clock import SimulatedClock
from quanyu.assembly.hub import Hub
from quanyu.assembly.packs import load_packs
from quanyu.assembly.simulation import Driver, Position
from quanyu.kernel.time import parse_instant
from quanyu.kernel.view import EVERYTHING, CaseQuery

HOUR_US = 3_600_000_000
START = parse_instant("2026-03-02T00:00:00+08:00")
DAYS = 10
NOT_LIVED = ("register_correction", "policy_application")
"""Corrections come from applicants; the demo's parameter gives the support for hiring without an application."""
PACKS = [pack for pack in load_packs() if pack.measure == "services"]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """Ten days of applications, and nothing else of the city."""
    made = open_hub(tmp_path_factory.mktemp("home"), Options(demo=True))
    assert isinstance(made.clock, SimulatedClock)
    made.clock.jump(START)
    simulations = [each for pack in PACKS for each in pack.simulations]
    driver = Driver(made, made.clock, made.views, made.city, simulations, Position(-1, START, 7, HOUR_US))
    with made.in_turn():
        driver.found()
        for _ in range(24 * DAYS):
            driver.step()
    assert driver.refused == 0
    yield made
    made.close()


def cases(hub: Hub, flow: str, **asked: Any) -> list[dict[str, Any]]:
    query = CaseQuery(list="all", flow=flow, sort="opened", limit=500, **asked)
    return list(hub.views.cases.query(query, EVERYTHING).items)


def whole(hub: Hub, case: dict[str, Any]) -> dict[str, Any]:
    found = hub.views.cases.find(case["id"], EVERYTHING)
    assert found is not None
    return found


def test_every_flow_of_the_services_is_lived_and_says_simulated(hub: Hub) -> None:
    for pack in PACKS:
        for flow in pack.flows:
            found = cases(hub, flow.name)
            if flow.name not in NOT_LIVED:
                assert found, flow.name
            assert all(each["simulated"] for each in found)


def test_a_correction_always_says_what_is_to_be_corrected(hub: Hub) -> None:
    looked = [
        line["fields"]
        for pack in PACKS
        for flow in pack.flows
        for each in cases(hub, flow.name)
        for line in whole(hub, each)["actions"]
        if "complete" in line["fields"]
    ]
    back = [fields for fields in looked if not fields["complete"]]
    assert back
    assert all(fields["asked_for"] for fields in back)
    assert not any("asked_for" in fields for fields in looked if fields["complete"])


def test_an_application_asks_only_what_no_register_holds(hub: Hub) -> None:
    done = next(each for each in cases(hub, "newborn") if (each["outcome"] or {}).get("word") == "granted")
    found = whole(hub, done)
    saved = next(each for each in found["actions"] if each["action"] == "save")
    handed_in = found["application"]["handed_in"][0]
    held = {line["name"] for line in handed_in["held"]}
    assert {"person_name", "child_birth_certificate"} <= held
    assert not held & set(saved["fields"])
    assert "示例宝宝" not in str(saved["fields"]), "what is personal is sealed"


def test_a_clear_case_is_decided_by_comparison_and_says_what_was_compared(hub: Hub) -> None:
    notes = [
        (line["actor"], line["note"])
        for each in cases(hub, "shop_sign", state="closed")
        for line in whole(hub, each)["actions"]
        if line["action"] == "issue"
    ]
    assert notes
    assert {actor for actor, _ in notes} == {"engine:unattended"}
    assert all("设在自有门面上方且不发光" in note and "registered for commercial" in note for _, note in notes)


def test_what_is_not_clear_goes_to_a_desk(hub: Hub) -> None:
    decided = [each for each in cases(hub, "food_licence") if each["state"] == "closed"]
    assert decided
    assert all(any(line["action"] == "review" for line in whole(hub, each)["actions"])
               for each in decided if each["outcome"]["word"] == "granted")  # fmt: skip


def test_offices_work_side_by_side_and_only_those_needed(hub: Hub) -> None:
    steps: Counter[str] = Counter()
    for each in cases(hub, "road_excavation"):
        states = {step["name"]: step["state"] for step in whole(hub, each)["steps"]}
        steps.update(f"{name} {states.get(name)}" for name in ("road", "green"))
    assert steps["road done"]
    assert any(word.startswith("green passed_by") for word in steps), steps


def test_offers_come_by_themselves_and_belong_to_the_firm(hub: Hub) -> None:
    offers = cases(hub, "policy_offer")
    assert offers
    assert all(whole(hub, each)["asset"].startswith("urn:ngsi-ld:Firm:") for each in offers)


def test_the_process_shows_what_steps_cost(hub: Hub) -> None:
    found = hub.views.cases.process("open_restaurant", START, hub.clock.now(), EVERYTHING, "review")
    assert found["cases"] == len(cases(hub, "open_restaurant"))
    assert [step["step"] for step in found["steps"]][:2] == ["fill", "review"]
    assert found["without"]["saved_days_total"] > 0
