"""The hotline: limits by kind of order, one duty for the first receiver, copies to the district, frequent problems."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from quanyu.assembly.opening import load_declared
from quanyu.domains.governance.hotline.simulation import MATTERS, TITLES, hotline, orders_of
from quanyu.kernel.journal import Command
from quanyu.kernel.public import is_public
from quanyu.kernel.townsfolk import SLOT_US
from quanyu.kernel.view import EVERYTHING, CaseQuery
from tests.hubs import HOUR_US, MORNING
from tests.packs.mini_city import MiniCity, mini_city

DECLARED = load_declared("beijing", True)
ORDERS = next(pack for pack in DECLARED.packs if pack.id == "governance/hotline").tables["orders"]
PLACE = {"lon": 116.47, "lat": 39.9, "district": "110105", "grid": "110105000100001", "address": "示例路 1 号"}


def opened(city: MiniCity, **body: Any) -> str:
    given = {"flow": "hotline_order", "class": "h0301", "text": "夜间施工", "place": PLACE} | body
    receipt = city.hub.commit_blocking([Command("case.open", "", given, "simulated:test")], "simulation:test")
    city.hub.settled_blocking()
    return str(receipt.outcomes[0].subject)


def act(city: MiniCity, id: str, role: str, unit: str | None, action: str, **body: Any) -> dict[str, Any]:
    person = {"id": f"person:{role}-{unit}", "name": "张三", "unit": unit, "role": role}
    command = Command("case.act", id, {"action": action, "as_person": person} | body, "simulated:test")
    city.hub.commit_blocking([command], "simulation:test")
    return found(city, id)


def found(city: MiniCity, id: str) -> dict[str, Any]:
    case = city.cases.find(id, EVERYTHING)
    assert case is not None
    return dict(case)


def test_every_channel_has_the_same_limits_and_the_limit_stands_on_the_order(tmp_path: Path) -> None:
    with mini_city(tmp_path / "home") as city:
        orders = [found(city, opened(city, channel=word)) for word in ("phone", "citizen", "counter")]
        danger = found(city, opened(city, **{"class": "h0101"}))
    assert {order["channel"] for order in orders} == {"phone", "citizen", "counter"}
    assert len({(order["due_at"], order["step_due_at"], order["severity"]) for order in orders}) == 1
    assert danger["due_at"] == MORNING + 2 * HOUR_US
    assert not any(is_public(order) for order in (*orders, danger)), "what a person tells the hotline is nobody else's"
    printed = next(clock for clock in danger["clocks"] if clock["name"] == "overall")
    assert printed["limit"] == "2 hours"
    assert printed["parameter"].startswith("hotline_feedback_limit@")


def test_an_order_for_a_sub_district_is_copied_to_its_district(tmp_path: Path) -> None:
    with mini_city(tmp_path / "home") as city:
        id = opened(city)
        act(city, id, "clerk", None, "accept")
        order = act(city, id, "dispatcher", None, "dispatch", fields={"unit": "street.110105900"})
        other = opened(city)
        act(city, other, "clerk", None, "accept")
        plain = act(city, other, "dispatcher", None, "dispatch", fields={"unit": "construction.sites"})
    assert order["supports"] == ["district.110105"]
    assert plain["supports"] == []


def test_the_first_unit_stays_responsible_until_a_dispute_is_decided(tmp_path: Path) -> None:
    with mini_city(tmp_path / "home") as city:
        id = opened(city)
        act(city, id, "clerk", None, "accept")
        order = act(city, id, "dispatcher", None, "dispatch", fields={"unit": "streets.order"})
        due = order["due_at"]
        assert "return" not in {option["action"] for option in order["next"]}
        disputed = act(city, id, "handler", "streets.order", "dispute", note="不属街面秩序")
        assert (disputed["unit"], disputed["lead_unit"], disputed["due_at"]) == ("streets.order", "streets.order", due)
        moved = act(city, id, "chief", None, "arbitrate", note="按清单", fields={
            "decision": "moved", "unit": "construction.sites",
        })  # fmt: skip
    assert (moved["unit"], moved["lead_unit"], moved["due_at"]) == ("construction.sites", "construction.sites", due)


def test_five_reports_of_one_problem_in_one_place_open_a_standing_case(tmp_path: Path) -> None:
    with mini_city(tmp_path / "home") as city:
        for _ in range(5):
            opened(city)
        opened(city, **{"class": "h0304"})
        standing = city.cases.query(CaseQuery(list="all", kind="standing"), EVERYTHING).items
    (case,) = standing
    assert case["title"]["zh"] == "同地同类诉求反复出现"
    assert case["place"]["grid"] == PLACE["grid"]


def test_what_the_simulation_says_of_orders_agrees_with_the_table() -> None:
    table = {row["code"]: row for row in ORDERS}
    assert MATTERS.keys() == TITLES.keys()
    assert MATTERS.keys() <= table.keys()
    for code, (lead, _, _) in MATTERS.items():
        # The catalogue leaves a matter of a sub-district to the office of its place; the dispatcher knows which.
        assert table[code]["lead"] == ("district" if lead == "street" else lead)
        assert (table[code]["zh"], table[code]["en"]) == TITLES[code]


def test_units_of_the_table_stand_in_the_city_and_every_kind_has_a_limit() -> None:
    units = {unit["id"] for unit in DECLARED.city.units} | {"district"}
    assert {row["lead"] for row in ORDERS} <= units
    limits = {row.id: row for row in DECLARED.parameters}
    for row in ORDERS:
        assert limits[f"hotline_feedback_limit_{row['code']}"].status == "unverified"


def test_the_same_seed_brings_the_same_orders_and_says_simulated() -> None:
    def day(seed: int) -> list[Command]:
        first = MORNING // SLOT_US
        return [each for slot in range(first, first + 288) for each in orders_of(seed, slot, DECLARED.city)]

    assert day(7) == day(7) != day(8)
    assert {each.provenance for each in day(7)} == {"simulated:governance/hotline"}
    assert all("模拟" in each.body["reporter"]["name"] for each in day(7))


def test_two_days_of_the_hotline(tmp_path: Path) -> None:
    with mini_city(tmp_path / "home") as city:
        city.found([hotline])
        for _ in range(2 * 144):
            city.step([hotline])
        facts = list(city.cases.facts(0, 1 << 62))
        actions = Counter(
            action["action"]
            for summary in city.cases.query(CaseQuery(list="all", limit=1000), EVERYTHING).items
            for action in found(city, summary["id"])["actions"]
        )
    assert city.refused == []
    assert 25 < len(facts) < 110
    assert all(fact["simulated"] for fact in facts)
    assert {fact["outcome"] for fact in facts} >= {"fixed", None}
    assert actions["call_back"] > 5
    assert {"phone", "citizen", "counter"} == {fact["reporter_channel"] for fact in facts} - {"rule"}


@pytest.mark.slow
def test_five_days_have_disputes_and_pauses(tmp_path: Path) -> None:
    with mini_city(tmp_path / "home") as city:
        city.found([hotline])
        for _ in range(5 * 144):
            city.step([hotline])
        actions = Counter(
            action["action"]
            for summary in city.cases.query(CaseQuery(list="all", limit=1000), EVERYTHING).items
            for action in found(city, summary["id"])["actions"]
        )
    assert city.refused == []
    assert {"dispute", "arbitrate", "pause", "resume"} <= actions.keys()


def test_feedback_keeps_the_limit_and_the_call_back_has_one_of_its_own(tmp_path: Path) -> None:
    with mini_city(tmp_path / "home") as city:
        id = opened(city, **{"class": "h0101"})
        late = opened(city, **{"class": "h0101"})
        for each in (id, late):
            act(city, each, "clerk", None, "accept")
            act(city, each, "dispatcher", None, "dispatch", fields={"unit": "facilities.gas"})
        act(city, id, "handler", "facilities.gas", "handle")
        city.clock.at += 5 * HOUR_US
        city.hub.runners["cases"].notify(city.hub.last_seq)
        city.hub.settled_blocking()
        kept, missed = found(city, id), act(city, late, "handler", "facilities.gas", "handle")
        assert (kept["late"], kept["clock"], kept["step"]) == (False, "stopped", "call_back")
        assert missed["late"]
        overdue = {case["id"] for case in city.cases.query(CaseQuery(list="overdue"), EVERYTHING).items}
        assert overdue == {late}
        answers = {"reached": True, "solved": True, "satisfied": True, "responded": True}
        for each in (id, late):
            act(city, each, "clerk", None, "call_back", fields=answers)
            act(city, each, "duty", None, "close", fields={"outcome": "planned", "date": "2026-04-01"})
        facts = {fact["serial"]: fact for fact in city.cases.facts(0, 1 << 62, True)}
    rows = [facts[serial] for serial in sorted(facts)]
    assert [(row["on_time"], row["handled_on_time"], row["data_solved"]) for row in rows] == [
        (True, True, True),
        (False, False, True),
    ]
