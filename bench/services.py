"""Services: whole bundles from the first page to the one outcome, every action durable and judged as people's are."""

from __future__ import annotations

import itertools
import random
import statistics
import tempfile
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from bench.measure import ROUNDS, Result, cpu_s, result
from quanyu.assembly import Options, open_hub
from quanyu.assembly.clock import SimulatedClock
from quanyu.assembly.hub import Hub
from quanyu.assembly.writer import Call
from quanyu.engines.cases.tables import DAY_CASES_MAX, id_of
from quanyu.kernel.applicants import SUBJECTS, firm
from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Command
from quanyu.kernel.time import parse_instant

DAY: Final = 20260302
START: Final = parse_instant("2026-03-02T09:00:00+08:00")
GROUP: Final = 100
BUNDLES: Final = 300
DRAWING: Final = {"sha256": "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8", "type": "image/png"}
PEOPLE: Final = {
    "person:b-clerk": ("clerk", None),
    "person:b-desk": ("handler", "services.centre"),
    "person:b-food": ("handler", "market.supervision"),
    "person:b-sign": ("handler", "streets.advertising"),
    "person:b-fire": ("handler", "fire.safety"),
    "person:b-drain": ("handler", "facilities.water"),
}
OFFICES: Final = ("food", "sign", "fire", "drain")
ANSWERS: Final[tuple[dict[str, Any], ...]] = (
    {"shop_name": "春和小馆"},
    {"meals": ["hot", "drinks"]},
    {"guests_inside": True},
    {"seats": 24},
    {"sets_sign": True},
    {"sign_words": "春和小馆"},
    {"opening_on": "2026-05-01"},
    {"person_phone": "010-66880000"},
)
"""A page each, as people fill them in."""


def walk() -> list[tuple[str, dict[str, Any]]]:
    """Return who does what after the opening: 25 actions with it, four offices side by side."""
    clerk, desk = "person:b-clerk", "person:b-desk"
    steps: list[tuple[str, dict[str, Any]]] = [(clerk, {"action": "save", "fields": answers}) for answers in ANSWERS]
    drawing = {"action": "save", "fields": {"layout_plan": [DRAWING["sha256"]]}, "files": [DRAWING]}
    steps += [(clerk, drawing), (clerk, {"action": "fill"}), (desk, {"action": "claim"})]
    steps += [(desk, {"action": "review", "fields": {"complete": False, "asked_for": "请补图纸尺寸"}})]
    steps += [(clerk, {"action": "correct", "note": "已补"})]
    for name in OFFICES:
        granted = {f"{name}_granted": True, f"{name}_grounds": "符合条件"}
        steps += [(f"person:b-{name}", {"action": "claim", "step": name})]
        steps += [(f"person:b-{name}", {"action": name, "fields": granted})]
    steps += [(desk, {"action": "claim"})]
    steps += [(desk, {"action": "deliver", "note": "一次送达", "fields": {"outcome": "granted"}})]
    return steps


WALK: Final = walk()


def prepare(hub: Hub) -> None:
    """Hire the people and fill the registers."""
    commands = []
    for person, (role, unit) in PEOPLE.items():
        grant: dict[str, Any] = {"role": role} | ({"unit": unit} if unit else {})
        commands += [
            Command("person.put", person, {"name": person, "unit": unit}),
            Command("role.grant", person, grant),
        ]
    for number in range(SUBJECTS):
        each = firm(1, number)
        held = {
            "firms": {"firm.name": each["name"], "firm.credit_code": each["code"], "firm.in_business": True,
                      "firm.legal_person": each["legal_person"], "firm.registered_address": "春和路 1 号"},
            "premises": {"premises.address": "春和路 1 号", "premises.area_m2": 80, "premises.use": "commercial",
                         "premises.right": "租赁 1 号"},
            "health_certificates": {"staff.health_certified": True},
        }  # fmt: skip
        commands += [
            Command("register.put", f"firm:{each['code']}",
                    {"register": register, "values": values, "as_of": "2026-02-27", "source": "bench"})
            for register, values in held.items()
        ]  # fmt: skip
    _process(hub, [[Call(commands, "system:bench")]])


def calls(first: int, count: int, seed: int) -> Iterator[Call]:
    """Yield one call an action; many bundles are under way at once, and go on in no order."""
    chance = random.Random(seed)
    waiting = deque((number, 0) for number in range(first, first + count))
    under_way: list[tuple[int, int]] = []
    while waiting or under_way:
        if waiting and len(under_way) < GROUP:
            number, place = waiting.popleft()
        else:
            at = chance.randrange(len(under_way))
            under_way[at], under_way[-1] = under_way[-1], under_way[at]
            number, place = under_way.pop()
        if place < len(WALK):
            under_way.append((number, place + 1))
        if place == 0:
            body = {"flow": "open_restaurant", "text": "开办餐饮店", "channel": "counter", "document": "营业执照正本",
                    "subjects": [f"firm:{firm(1, number)['code']}"]}  # fmt: skip
            yield Call([Command("case.open", "", body)], "person:b-clerk")
        else:
            actor, body = WALK[place - 1]
            yield Call([Command("case.act", id_of(DAY * DAY_CASES_MAX + number), body, expects=place)], actor)


def _batched(made: Iterator[Call]) -> Iterator[list[Call]]:
    return iter(lambda: list(itertools.islice(made, GROUP)), [])


def _process(hub: Hub, groups: list[list[Call]]) -> None:
    """Write the groups in the writer's own thread, as they come from the faces; readers rest, they have CPU of their own."""

    def write() -> None:
        for group in groups:
            assert isinstance(hub.clock, SimulatedClock)
            hub.clock.jump(hub.clock.now() + 20_000)
            for each in hub.writer.process(group)[0]:
                if isinstance(each, Exception):
                    raise Invalid(f"The bench was refused: {each}", code="bench.refused") from each
        # What lags belongs to the work: rows that wait are written as they are at rest.
        hub.writer.process(())

    hub.errand(write)


def bundles() -> Iterator[Result]:
    """[services.bundle_per_s]: a restaurant from its first page through four offices to one outcome, 25 actions."""
    with tempfile.TemporaryDirectory() as name:
        hub = open_hub(Path(name) / "home", Options(demo=True))
        assert isinstance(hub.clock, SimulatedClock)
        hub.clock.jump(START)
        try:
            with hub.in_turn():
                prepare(hub)
                first, spent = 1, []
                for turn in range(ROUNDS + 1):
                    work = list(_batched(calls(first, BUNDLES, turn)))
                    first += BUNDLES
                    spent.append(cpu_s(lambda: _process(hub, work)) / BUNDLES)  # noqa: B023
            each = statistics.median(spent[1:])
        finally:
            hub.close()
    actions = len(WALK) + 1
    yield result("services.bundle_per_s", 1 / each, "bundles/s", "higher", "none",
                 f"{actions} actions, {each / actions * 1e6:.0f} µs CPU each, {GROUP} a commit, synced", 300)  # fmt: skip
