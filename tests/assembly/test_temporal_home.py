"""A home that tells of the past: the same answers unread, read, flushed, compacted, pruned and after a restart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from quanyu.assembly import Options, open_hub
from quanyu.assembly.housekeeping import keep_house
from quanyu.assembly.hub import Hub
from quanyu.assembly.keeping import check_hub, checkpoint, prune
from quanyu.kernel.journal import Command
from quanyu.kernel.ngsi.context import CORE
from quanyu.kernel.ngsi.q import parse_q
from quanyu.kernel.ngsi.selection import parse_types
from quanyu.kernel.temporal import Selector, TemporalQuery, parse_period
from quanyu.kernel.view import EVERYTHING
from tests.engines.chronicle import BUS, CAR, FUEL, SPEED, number

BODY: dict[str, Any] = {
    "type": "Vehicle",
    "scope": "/a",
    "name": {"type": "Property", "value": "A"},
    "speed": number(50, "11:00:00"),
}


def act(hub: Hub, kind: str, subject: str, body: dict[str, Any]) -> Any:
    return hub.commit_blocking([Command(kind, subject, body)], "person:open").outcomes[0].made


def live(hub: Hub) -> None:
    """Tell a bus to the history, let a car say of itself, amend, strike and forget."""
    act(hub, "entity.create", CAR, BODY)
    act(hub, "entity.update", CAR, {"attributes": {"speed": number(60, "11:30:00")}})
    act(hub, "entity.update", CAR, {"attributes": {"name": {"type": "Property", "value": "B"}}, "scope": "/b"})
    act(hub, "entity.drop", CAR, {"attribute": "name"})
    added = act(hub, "history.add", BUS, {"type": ["Bus"], "attributes": {"speed": SPEED, "fuel": FUEL}})
    measured = added[-1].seq
    amended = number(90, "12:05:30")
    body = {"id": [measured, 1], "attribute": "speed", "instance": amended, "created": added[-1].at}
    act(hub, "history.amend", BUS, body)
    act(hub, "history.strike", BUS, {"instances": [[measured, 2]], "reason": "wrong"})
    act(hub, "history.forget", BUS, {"attribute": "fuel", "dataset": ""})


def answers(hub: Hub) -> list[Any]:
    view = hub.temporal
    types = (Selector(types=parse_types("Vehicle,Bus", CORE)),)
    hourly: dict[str, Any] = {"values_only": True, "methods": ("sum", "totalCount"), "period": parse_period("PT1H")}
    return [
        view.find(CAR, TemporalQuery(), EVERYTHING),
        view.find(CAR, TemporalQuery(time_property="deletedAt"), EVERYTHING),
        view.find(BUS, TemporalQuery(sys=True), EVERYTHING),
        view.find(BUS, TemporalQuery(last=1), EVERYTHING),
        view.query(TemporalQuery(selectors=types, timed=True, start=0, count=True), EVERYTHING),
        view.query(TemporalQuery(selectors=types, timed=True, start=0, q=parse_q("speed>=90", CORE)), EVERYTHING),
        view.query(TemporalQuery(selectors=types, timed=True, start=0, **hourly), EVERYTHING),
        [view.stands(id, EVERYTHING) for id in (CAR, BUS, "urn:x:none")],
    ]


def test_the_same_answers_whatever_happens(tmp_path: Path) -> None:
    home, options = tmp_path / "home", Options(open=True)
    hub = open_hub(home, options)
    live(hub)
    first = answers(hub)
    car, gone, bus = (each.items[0] for each in first[:3])
    assert [each["value"] for each in car["speed"]] == [50, 60]
    assert [each["value"] for each in car["name"]] == ["A", "B"]
    assert [each["value"] for each in car["scope"]] == ["/a", "/b"]
    assert gone["name"][0]["value"] == "urn:ngsi-ld:null"
    assert [each["value"] for each in bus["speed"]] == [120, 90]
    assert [each["value"] for each in bus["fuel"]] == [40]
    assert [each["id"] for each in first[5].items] == [BUS]
    hub.start()
    hub.settled_blocking()
    assert answers(hub) == first
    hub.put_down()
    assert answers(hub) == first
    hub.close()
    hub = open_hub(home, options)
    try:
        assert answers(hub) == first
        hub.start()
        hub.put_down()
        seq = checkpoint(hub, hub.engines)
        hub.settled_blocking()
        hub.put_down()
        assert prune(hub, seq) > 0
        assert answers(hub) == first
        assert check_hub(hub).faults == []
    finally:
        hub.close()


def test_a_home_that_was_cut_off_tells_the_same(tmp_path: Path) -> None:
    home, options = tmp_path / "home", Options(open=True)
    hub = open_hub(home, options)
    hub.start()
    live(hub)
    hub.settled_blocking()
    first = answers(hub)
    hub.close()  # the tail is in memory and is lost
    for _ in range(2):
        hub = open_hub(home, options)
        hub.start()
        assert answers(hub) == first
        hub.settled_blocking()
        assert answers(hub) == first
        hub.close()


def test_what_was_forgotten_leaves_the_tables(tmp_path: Path) -> None:
    hub = open_hub(tmp_path / "home", Options(open=True))
    try:
        hub.start()
        text = {"type": "Property", "value": "a", "observedAt": "2020-09-01T10:00:00Z"}
        attributes = {"name": [text], "colour": [text, {**text, "datasetId": "urn:x:d"}]}
        act(hub, "history.add", BUS, {"type": ["Bus"], "attributes": attributes})
        act(hub, "history.add", CAR, {"type": ["Vehicle"], "attributes": {"name": [text]}})
        act(hub, "history.forget", BUS, {"attribute": "colour", "dataset": "urn:x:d"})
        hub.settled_blocking()
        assert keep_house(hub)["instances_swept"] == 1
        act(hub, "history.forget", BUS, {})
        act(hub, "history.add", BUS, {"type": ["Bus"], "attributes": {"name": [text]}})
        hub.settled_blocking()
        assert keep_house(hub)["instances_swept"] == 1
        found = hub.temporal.find(BUS, TemporalQuery(), EVERYTHING)
        assert found is not None
        assert (len(found.items[0]["name"]), "colour" in found.items[0]) == (1, False)
    finally:
        hub.close()
