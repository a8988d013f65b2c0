"""The demo city: simulated people with roles, and simulated weeks made quickly, so that there is a past at first sight."""

from __future__ import annotations

from collections.abc import Callable

from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.assembly.clock import SimulatedClock
from quanyu.assembly.hub import Hub
from quanyu.assembly.simulation import STEP_US, Driver, Position, position
from quanyu.engines.indicators.reader import IndicatorsReader
from quanyu.kernel.crew import PHOTOS, photo
from quanyu.kernel.journal import Command, Instant
from quanyu.kernel.time import parse_instant

START = "2026-03-02T08:00:00+08:00"
WARM_DAYS = 14
SHOWN_DAYS = 3
"""Indicators are evaluated for the last days of the past only: older points are in no trend that is shown."""
DAY_US = 86_400_000_000

PEOPLE = (
    ("person:duty", "值班员 安", None, (("duty", None), ("dispatcher", None), ("warning_author", None))),
    ("person:clerk", "受理员 柏", None, (("clerk", None),)),
    ("person:checker", "核查员 岑", None, (("supervisor", None),)),
    ("person:chief", "指挥长 丁", None, (("chief", None), ("warning_approver", None))),
    ("person:commander", "指挥员 戎", None, (("commander", None),)),
    ("person:auditor", "审计员 方", None, (("auditor", None),)),
    ("person:engineer", "数据工程师 高", None, (("engineer", None), ("warning_engineer", None))),
    ("person:admin", "管理员 何", None, (
        ("administrator", None), ("warning_author", None),
        ("clerk", None), ("duty", None), ("dispatcher", None), ("handler", "ecology.enforcement"),
        ("commander", None), ("handler", "emergency.duty"),
    )),
)  # fmt: skip
"""Invented people; every name says what the person is for.

The first link of a demo signs its administrator in: that person walks an air alarm alone, but for the check on site.
"""


def start_demo(
    hub: Hub, seed: int, start: str | None, warm_days: int, progress: Callable[[str, float], None]
) -> Driver:
    """Return the driver of a demo home at its start, or where it stopped; the first time makes its past."""
    clock = hub.clock
    assert isinstance(clock, SimulatedClock)
    at = position(hub)
    simulations = [each for pack in hub.packs for each in pack.simulations]
    until: Instant = parse_instant(start or START)
    if at is not None and at.at >= until:
        clock.jump(at.at)
        return Driver(hub, clock, hub.views, hub.city, simulations, at)
    first = at or Position(-1, until - warm_days * DAY_US, seed, STEP_US)
    clock.jump(first.at)
    driver = Driver(hub, clock, hub.views, hub.city, simulations, first)
    if at is None:
        # A home that was stopped before its first step has its people already.
        if hub.access.find_person(PEOPLE[0][0]) is None:
            make_people(hub)
        for number in range(PHOTOS):
            hub.files.keep(photo(number), "image/png")
    indicators = hub.runners["indicators"].reader
    assert isinstance(indicators, IndicatorsReader)
    indicators.quiet_until = until - SHOWN_DAYS * DAY_US
    store = hub.store
    assert isinstance(store, SqliteStore)
    # Nobody is acknowledged while the past is made; a cut here leaves a home that goes on where it stands.
    hub.errand(lambda: store.set_durable(False))
    try:
        with hub.in_turn():
            if at is None:
                driver.found()
            driver.warm(until, progress)
    finally:
        hub.errand(lambda: store.set_durable(True))
    return driver


def make_people(hub: Hub) -> None:
    """Put the demo's people in, with every role that the packs know."""
    known = set(hub.access.roles)
    commands = []
    for id, name, unit, grants in PEOPLE:
        commands.append(Command("person.put", id, {"name": name, "unit": unit}, "simulated"))
        commands += [
            Command("role.grant", id, {"role": role, **({"unit": where} if where else {})}, "simulated")
            for role, where in grants
            if role in known
        ]
    for office in hub.city.units:
        id = f"person:{office['id']}"
        commands.append(
            Command("person.put", id, {"name": f"{office['name']['zh']} 经办人", "unit": office["id"]}, "simulated")
        )
        if "handler" in known:
            commands.append(Command("role.grant", id, {"role": "handler", "unit": office["id"]}, "simulated"))
    hub.commit_blocking(commands, "system:demo")
