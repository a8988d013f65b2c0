"""Shifts in a real home: kept over a restart, sound after a rebuild, and drawn up from the journal alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec.structs import replace

from quanyu.assembly import Hub, Options, open_hub
from quanyu.assembly.clock import SimulatedClock
from quanyu.assembly.demo import make_people
from quanyu.assembly.keeping import check_hub
from quanyu.assembly.opening import territory_of
from quanyu.assembly.packs import load_city
from quanyu.kernel.journal import Command
from quanyu.kernel.view import EVERYTHING
from tests.hubs import HOUR_US, MORNING

DESK = "city.command"
REPORT = {
    "flow": "grid_case", "text": "路灯不亮", "channel": "counter", "class": "c0108",
    "place": {"lon": 116.4, "lat": 39.9, "district": "110101"},
}  # fmt: skip


def hand_over(hub: Hub, who: str, **more: Any) -> str:
    body = hub.shifts.draft(DESK, EVERYTHING) | {"notes": "", "to": None} | more
    return str(hub.commit_blocking([Command("shift.hand_over", "", body)], who).outcomes[0].subject)


def test_shifts_are_kept_and_a_home_with_them_is_sound(tmp_path: Path) -> None:
    hub = open_hub(tmp_path, Options(demo=True))
    assert isinstance(hub.clock, SimulatedClock)
    hub.clock.jump(MORNING)
    hub.start()
    make_people(hub)
    case = hub.commit_blocking([Command("case.open", "", dict(REPORT))], "person:clerk").outcomes[0].subject
    hub.clock.jump(MORNING + 8 * HOUR_US)
    id = hand_over(hub, "person:duty", notes="夜间复查")
    before = hub.shifts.find(id, EVERYTHING)
    assert before is not None
    assert [line["id"] for line in before["log"]["events"]["opened"]] == [case]
    hub.commit_blocking([Command("shift.accept", id, {"remarks": "已阅"})], "person:chief")
    hub.settled_blocking()
    report = check_hub(hub)
    assert report.faults == []
    hub.close()

    hub = open_hub(tmp_path, Options(demo=True))
    hub.start()
    after = hub.shifts.find(id, EVERYTHING)
    assert after is not None
    assert (after["log"], after["accepted"]["remarks"]) == (before["log"], "已阅")
    second = hand_over(hub, "person:chief")
    kept = hub.shifts.find(second, EVERYTHING)
    assert kept is not None
    assert (kept["number"], kept["after"], kept["log"]["events"]) == (2, before["upto"], {})
    assert [each["id"] for each in hub.shifts.query(EVERYTHING).items] == [second, id]
    hub.close()


def test_every_district_has_an_office_that_answers_and_a_sub_district_comes_first_where_it_has_one() -> None:
    city = load_city("beijing")
    territory = territory_of(city)
    assert {code for code in territory if len(code) == 6} == {district["code"] for district in city.districts}
    assert all(len(code) in (6, 9) and code.isdigit() for code in territory)
    assert territory["110105"] == "district.110105"
    street = {
        "id": "street.110105001",
        "name": {"zh": "街道", "en": "Street"},
        "kind": "subdistrict",
        "district": "110105",
    }
    more = territory_of(replace(city, units=(*city.units, street)))
    assert (more["110105001"], more["110105"]) == ("street.110105001", "district.110105")


def test_a_class_without_an_owner_falls_to_the_office_of_its_district(tmp_path: Path) -> None:
    hub = open_hub(tmp_path, Options(demo=True))
    assert isinstance(hub.clock, SimulatedClock)
    hub.clock.jump(MORNING)
    hub.start()
    make_people(hub)
    units = {}
    for category in ("c0108", "e0601"):
        case = (
            hub.commit_blocking([Command("case.open", "", REPORT | {"class": category})], "person:clerk")
            .outcomes[0]
            .subject
        )
        for who, action in (("clerk", "collect"), ("duty", "register"), ("duty", "dispatch")):
            hub.commit_blocking([Command("case.act", case, {"action": action})], f"person:{who}")
        found = hub.views.cases.find(case, EVERYTHING)
        assert found is not None
        units[category] = (found["unit"], found["because"])
    assert units == {"c0108": ("facilities.power", None), "e0601": ("district.110101", "territory")}
    hub.close()
