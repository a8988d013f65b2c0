"""A simulated city whose law is changed: people, stations, and words for what is proposed, replayed and released."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from quanyu.assembly import Options, open_hub
from quanyu.assembly.clock import SimulatedClock
from quanyu.assembly.hub import Hub
from quanyu.engines.changes.store import number_of
from quanyu.kernel.entity import Observation, body_of, observations
from quanyu.kernel.errors import QuanyuError
from quanyu.kernel.journal import Command, Receipt
from quanyu.kernel.view import EVERYTHING, CaseQuery

MORNING = 1_772_409_600_000_000
"""2026-03-02 08:00 +08:00, a Monday."""
HOUR = 3_600_000_000
DAY = 24 * HOUR
SOURCE = {"source": "京环发〔2026〕1号(样例)", "status": "unverified"}
O3 = {"value": 150, **SOURCE}
"""The hourly limit of ozone is 200 in the pack."""
PEOPLE = {"person:ann": "engineer", "person:bob": "chief", "person:eve": "chief"}


def refused(kind: type[QuanyuError], code: str) -> Any:
    return pytest.raises(kind, check=lambda error: error.code == code)


def station(name: str) -> str:
    return f"urn:ngsi-ld:AirQualityObserved:{name}"


@contextmanager
def city(home: Path, at: int | None = None, stations: Sequence[str] = ("east", "west")) -> Iterator[Hub]:
    """A hub at work whose clock stands; a fresh home gets its people and stations."""
    fresh = not home.exists()
    hub = open_hub(home, Options(demo=True))
    assert isinstance(hub.clock, SimulatedClock)
    if at is not None:
        hub.clock.jump(at)
    if fresh:
        commands = [Command("person.put", id, {"name": id}) for id in PEOPLE]
        commands += [Command("role.grant", id, {"role": role}) for id, role in PEOPLE.items()]
        commands += [
            Command("entity.create", station(name), {"type": "AirQualityObserved", "name": name, "district": "110105"})
            for name in stations
        ]
        hub.commit_blocking(commands, "system:test")
    hub.start()
    try:
        yield hub
    finally:
        hub.close()


def jump(hub: Hub, at: int) -> None:
    assert isinstance(hub.clock, SimulatedClock)
    hub.clock.jump(at)


def observe(hub: Hub, name: str, *seen: tuple[int, float], attribute: str = "o3", live: bool = True) -> None:
    """Let a station say values, at instants of event time."""
    batch = observations([Observation(station(name), attribute, at, value) for at, value in seen])
    body = body_of(batch) | ({} if live else {"as": "history"})
    hub.commit_blocking([Command("observe", "test", body, "simulated:test")], "simulation:test")
    hub.settled_blocking()


def propose(
    hub: Hub, kind: str, name: str, definition: dict[str, Any], actor: str = "person:ann", why: str = "太晚"
) -> str:
    body = {"kind": kind, "name": name, "why": why, "definition": definition}
    return hub.commit_blocking([Command("change.propose", "", body)], actor).outcomes[0].subject


def replay(hub: Hub, id: str, days: int = 30) -> dict[str, Any]:
    """Replay a proposal and return the outcome that is kept with it."""
    hub.changes.start_replay(id, days, "person:ann")
    hub.changes.replays.wait(number_of(id))
    job = hub.changes.job(id)
    assert job is not None
    assert job["state"] == "done", job
    outcome: dict[str, Any] = hub.changes.find(id)["replay"]["outcome"]
    return outcome


def release(hub: Hub, id: str, actor: str = "person:bob") -> Receipt:
    body = {"revision": hub.changes.get(id).revision}
    return hub.commit_blocking([Command("change.release", id, body)], actor)


def roll_back(hub: Hub, id: str, actor: str = "person:bob") -> Receipt:
    return hub.commit_blocking([Command("change.roll_back", id, {"reason": "误报太多"})], actor)


def enact(hub: Hub, kind: str, name: str, definition: dict[str, Any]) -> str:
    """Propose, replay over one day, and release."""
    id = propose(hub, kind, name, definition)
    replay(hub, id, days=1)
    release(hub, id)
    hub.settled_blocking()
    return id


def cases(hub: Hub, **query: Any) -> list[dict[str, Any]]:
    """All cases as they are shown, oldest first."""
    found = hub.views.cases.query(CaseQuery(list="all", sort="opened", limit=200, **query), EVERYTHING).items
    whole = [hub.views.cases.find(each["id"], EVERYTHING) for each in reversed(found)]
    return [each for each in whole if each is not None]


def open_case(hub: Hub, flow: str = "grid_case", **body: Any) -> dict[str, Any]:
    """Bring a matter in as the duty desk does."""
    sent = {"flow": flow, "text": "井盖破损", "place": {"district": "110105"}} | body
    made = hub.commit_blocking([Command("case.open", "", sent, "simulated:test")], "simulation:test")
    found = hub.views.cases.find(made.outcomes[0].subject, EVERYTHING)
    assert found is not None
    return found


def law_of_rule(hub: Hub, name: str) -> dict[str, Any]:
    found: dict[str, Any] = hub.changes.rule(name)["definition"]
    return found
