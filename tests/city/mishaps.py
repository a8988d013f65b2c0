"""What happens to a city between two steps: restarts, cuts, people who may and who may not, keeping."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from quanyu.assembly.clock import SimulatedClock
from quanyu.assembly.core import PERSONAL
from quanyu.engines.access.view import Actor
from quanyu.kernel.errors import Denied, QuanyuError
from quanyu.kernel.journal import Command
from quanyu.kernel.time import moment
from quanyu.kernel.view import EVERYTHING, CaseQuery, Filter
from tests.city.living import LivingCity

MINUTE_US = 60_000_000
OFFICERS = ("person:duty", "person:clerk", "person:checker", "person:chief")
OUTSIDERS = ("person:stranger", "person:auditor", "person:engineer", "citizen:9")
"""Nobody at all, people whose work is no case, and a citizen whose code opens another case."""

MAY = {"person:engineer": ("entity.delete", "calendar.edit")}


def restart(city: LivingCity) -> None:
    city.restart()


def power_cut(city: LivingCity) -> None:
    city.lose_power()


def power_cut_before_readers(city: LivingCity) -> None:
    """What was acknowledged a moment ago was seen by no reader yet."""
    city.commit([_report(city)], "person:clerk")
    city.lose_power()


def clock_step(city: LivingCity) -> None:
    """The clock jumps within the step, somebody acts, and the city stops before the step is made."""
    clock = city.hub.clock
    assert isinstance(clock, SimulatedClock)
    clock.jump(city.driver.position.at + city.chance.randrange(1, 10) * MINUTE_US)
    city.commit([_report(city)], "person:clerk")
    if city.chance.random() < 0.5:
        city.restart()


def sent_twice(city: LivingCity) -> None:
    key = f"again-{city.hub.last_seq}"
    command = _report(city)
    first = city.commit([command], "person:duty", key=key)
    if city.chance.random() < 0.5:
        city.restart()
    before = city.hub.last_seq
    again = city.commit([command], "person:duty", key=key)
    assert (again.seq, again.outcomes[0].subject) == (first.seq, first.outcomes[0].subject)
    assert city.hub.last_seq == before, "the same call made records twice"
    with pytest.raises(QuanyuError) as refused:
        city.commit([_report(city)], "person:duty", key=key)
    assert refused.value.code == "idempotency.reused"


def stale(city: LivingCity) -> None:
    case = _some_case(city)
    if case is not None:
        command = Command(
            "case.act", case["id"], {"action": "comment", "note": "迟到的备注"}, expects=case["version"] + 7
        )
        _refused(city, command, "person:duty", "case.stale")


def allowed(city: LivingCity) -> None:
    """Somebody takes an action that the case offers and that needs nothing but a note."""
    case, officer = _some_case(city), city.chance.choice(OFFICERS)
    found = case and city.hub.views.cases.find(case["id"], Filter(actor=officer))
    offered = (found or {}).get("next", ())
    actor = Actor(officer, "", city.hub.access.grants(officer))
    refused = [option["action"] for option in offered if not city.hub.access.may(actor, "case.act", option["action"])]
    assert refused == [], f"{officer} is offered {refused} and may not"
    options = [option for option in offered if _plain(option)]
    if found and options:
        option = city.chance.choice(options)
        body = {"action": option["action"], "note": "照章办理", "fields": _answers(city, option)}
        city.commit([Command("case.act", found["id"], body, expects=found["version"])], officer)


def forbidden(city: LivingCity) -> None:
    """Somebody without a role for it tries; by command, by grant, and by keeping."""
    case = _some_case(city)
    outsider = city.chance.choice(OUTSIDERS)
    tries = [
        Command("role.grant", outsider, {"role": "administrator"}),
        Command("person.erase", "person:duty", {"reason": "x"}),
        Command("calendar.edit", "calendar", {"days": {}}),
        Command("entity.delete", "urn:ngsi-ld:AirQualityObserved:sim-01", {}),
        Command("simulation.tick", "simulation", {"number": 0}),
    ]
    if case is not None:
        body = {"action": case["step"] or "close", "note": "代办"}
        tries.append(Command("case.act", case["id"], body, expects=case["version"]))
    for command in tries:
        if command.kind in MAY.get(outsider, ()):
            continue
        before = city.hub.last_seq
        outcome = city.commit([command], outsider, atomic=False).outcomes[0]
        assert isinstance(outcome.error, Denied), f"{outsider} sends {command.kind}: {outcome.error or 'accepted'}"
        assert city.hub.last_seq == before
        city.forbidden_tried += 1


def calendar(city: LivingCity) -> None:
    day = (moment(city.hub.clock.now(), city.hub.city.zone) + timedelta(days=city.chance.randrange(1, 12))).date()
    works = city.chance.random() < 0.5
    city.operation("edit-calendar", days={day.isoformat(): works}, source="模拟通知")


def erasure(city: LivingCity) -> None:
    """A person reports something and wants to be forgotten."""
    person = f"person:guest-{city.hub.last_seq}"
    reporter = {"id": person, "name": "访客", "phone": "13800000000"}
    opened = city.commit([_report(city, reporter=reporter)], "person:clerk")
    record = city.hub.journal_read(opened.outcomes[0].seqs[0] - 1, 1)[0]
    assert "13800000000" not in msgspec.json.encode(record.body).decode()
    assert any(row[1] == person for row in city.hub.store.rows(PERSONAL))
    city.operation("erase", person=person, reason="本人申请")
    city.erased.add(person)


def checkpoint(city: LivingCity) -> None:
    # What is pruned can be counted no more.
    city.before_pruning()
    city.operation("checkpoint", prune_telemetry=city.chance.random() < 0.5)


def flush(city: LivingCity) -> None:
    city.hub.flush_history()
    city.acknowledged = city.hub.last_seq


def backup(city: LivingCity) -> None:
    city.restore_elsewhere()


MISHAPS: Mapping[str, tuple[float, Callable[[LivingCity], None]]] = {
    "restart": (0.012, restart),
    "power cut": (0.012, power_cut),
    "power cut before readers": (0.012, power_cut_before_readers),
    "clock step": (0.015, clock_step),
    "sent twice": (0.015, sent_twice),
    "stale": (0.03, stale),
    "allowed": (0.12, allowed),
    "forbidden": (0.05, forbidden),
    "calendar": (0.01, calendar),
    "erasure": (0.015, erasure),
    "checkpoint": (0.012, checkpoint),
    "flush": (0.015, flush),
    "backup": (0.006, backup),
}
"""Chance of each before a step."""


def befall(city: LivingCity) -> bool:
    """Let happen what chance wants; return whether anything did."""
    happened = [name for name, (share, _) in MISHAPS.items() if city.chance.random() < share]
    for name in happened:
        city.log.append(f"before step {city.driver.position.number + 1}: {name}")
        MISHAPS[name][1](city)
        city.acknowledged = max(city.acknowledged, city.hub.last_seq)
    city.hub.settled_blocking()
    return bool(happened)


def _report(city: LivingCity, **more: Any) -> Command:
    district = city.chance.choice(city.hub.city.districts)
    lon, lat = district["centre"]
    body = {
        "flow": "grid_case",
        "text": f"窗口登记 {city.chance.randrange(10**9)}",
        "class": "e0601",
        "channel": "counter",
        "place": {"lon": lon, "lat": lat, "district": district["code"], "address": "模拟地址"},
    }
    return Command("case.open", "", body | more, "simulated:test")


def _some_case(city: LivingCity) -> dict[str, Any] | None:
    found = city.hub.views.cases.query(CaseQuery(list="open", sort="opened", limit=40), EVERYTHING).items
    return city.chance.choice(found) if found else None


def _plain(option: Mapping[str, Any]) -> bool:
    required = {field["name"] for field in option["fields"] if field["required"]}
    return not option["evidence"] and required <= {"note", "unit"} and option["action"] not in ("merge", "assign")


def _answers(city: LivingCity, option: Mapping[str, Any]) -> dict[str, Any]:
    wanted = {field["name"] for field in option["fields"] if field["required"]}
    return {"unit": city.chance.choice(city.hub.city.units)["id"]} if "unit" in wanted else {}


def _refused(city: LivingCity, command: Command, actor: str, code: str) -> None:
    before = city.hub.last_seq
    with pytest.raises(QuanyuError) as refused:
        city.commit([command], actor)
    assert refused.value.code == code
    assert city.hub.last_seq == before
