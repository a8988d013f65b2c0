"""Evolutions by example: what is told, amended, struck and forgotten (NGSI-LD 5.6.11 to 5.6.16)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quanyu.kernel.entity import Observation
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.ngsi.context import CORE
from quanyu.kernel.ngsi.selection import parse_types
from quanyu.kernel.temporal import Selector, TemporalQuery, instance_of
from quanyu.kernel.view import EVERYTHING
from tests.engines.chronicle import CAR, SPEED, Chronicle, at, number, one, tell, values

ALL = TemporalQuery()


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Chronicle]:
    chronicle = Chronicle(tmp_path / "lake")
    yield chronicle
    chronicle.store.close()


@pytest.mark.parametrize("state", ["unread", "read", "flushed", "again"])
def test_what_is_told_is_found(past: Chronicle, state: str) -> None:
    tell(past)
    if state != "unread":
        past.feed()
    if state in ("flushed", "again"):
        past.flush()
    if state == "again":
        past.again()
    document = one(past.view.find(CAR, ALL, EVERYTHING))
    assert (document["id"], document["type"]) == (CAR, "Vehicle")
    assert values(document, "speed") == [120, 80, 100]
    assert values(document, "fuel") == [67, 53, 40]
    assert document["fuel"][2]["datasetId"] == "urn:x:fuel"
    assert document["speed"][0]["observedAt"] == at("12:03:00")
    assert len({each["instanceId"] for name in ("speed", "fuel") for each in document[name]}) == 6


def test_plain_numbers_may_be_pruned_and_all_else_is_kept(past: Chronicle) -> None:
    tell(past)
    added, measured = past.records
    assert (added.kind, measured.kind) == ("history.added", "history.measured")
    assert {kind.name: kind.life for kind in past.engine.kinds}["history.measured"] == "telemetry"
    assert added.body is not None
    assert added.body["numbers"] == 5
    assert [list(added.body["attributes"]), len(added.body["attributes"]["fuel"])] == [["fuel"], 1]


def test_telling_the_same_key_again_corrects_it(past: Chronicle) -> None:
    tell(past)
    past.feed()
    past.flush()
    tell(past, speed=[number(121, "12:03:00"), number(100, "12:07:00"), number(60, "12:09:00")])
    assert values(one(past.view.find(CAR, ALL, EVERYTHING)), "speed") == [121, 80, 100, 60]


def test_a_second_telling_adds_types_and_makes_no_entity(past: Chronicle) -> None:
    tell(past)
    (added, _) = past.tell("history.add", CAR, {"type": ["Truck", "Vehicle"], "attributes": {"speed": SPEED}})
    assert added.body is not None
    assert (added.body["created"], added.body["type"]) == (False, ["Vehicle", "Truck"])
    assert one(past.view.find(CAR, ALL, EVERYTHING))["type"] == ["Vehicle", "Truck"]


def test_texts_shapes_and_relations_are_told_whole(past: Chronicle) -> None:
    place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [116.4, 39.9]}}
    sub = {"type": "Property", "value": 5, "accuracy": {"type": "Property", "value": 0.1}}
    tell(
        past,
        location=[{**place, "observedAt": "2020-09-01T12:03:00Z"}],
        parked=[{"type": "Relationship", "object": "urn:x:p", "observedAt": "2020-09-01T12:03:00Z"}],
        depth=[{**sub, "observedAt": "2020-09-01T12:03:00Z"}],
    )
    past.observe([Observation(CAR, "door", at("12:04:00"), "open")])
    document = one(past.view.find(CAR, ALL, EVERYTHING))
    assert document["location"][0]["value"] == place["value"]
    assert document["parked"][0]["object"] == "urn:x:p"
    assert document["depth"][0]["accuracy"] == sub["accuracy"]
    assert values(document, "door") == ["open"]


def test_before_is_exclusive_after_and_between_begin_inclusive(past: Chronicle) -> None:
    tell(past)

    def asked(**span: Any) -> list[Any]:
        return values(one(past.view.find(CAR, TemporalQuery(timed=True, **span), EVERYTHING)), "speed")

    assert asked(start=at("12:05:00")) == [80, 100]
    assert asked(end=at("12:05:00")) == [120]
    assert asked(start=at("12:03:00"), end=at("12:07:00")) == [120, 80]


def test_the_last_n_are_counted_per_attribute(past: Chronicle) -> None:
    tell(past)
    document = one(past.view.find(CAR, TemporalQuery(last=2), EVERYTHING))
    assert values(document, "speed") == [80, 100]
    assert values(document, "fuel") == [53, 40]


def test_datasets_are_chosen(past: Chronicle) -> None:
    tell(past)
    assert values(one(past.view.find(CAR, TemporalQuery(datasets=("",)), EVERYTHING)), "fuel") == [67, 53]
    document = one(past.view.find(CAR, TemporalQuery(datasets=("urn:x:fuel",)), EVERYTHING))
    assert (values(document, "fuel"), "speed" in document) == ([40], False)


def test_one_instance_is_amended_and_keeps_its_identity(past: Chronicle) -> None:
    tell(past)
    past.feed()
    past.flush()
    before = one(past.view.find(CAR, ALL, EVERYTHING))["speed"][0]["instanceId"]
    pair = instance_of(before)
    assert pair is not None
    known = past.view.instance(CAR, "speed", pair, EVERYTHING)
    assert known is not None
    amended = {"type": "Property", "value": 129, "observedAt": "2020-09-01T12:03:00Z"}
    past.tell(
        "history.amend",
        CAR,
        {"id": list(pair), "attribute": "speed", "instance": amended, "created": known["createdAt"]},
    )
    document = one(past.view.find(CAR, TemporalQuery(sys=True), EVERYTHING))
    assert values(document, "speed") == [129, 80, 100]
    assert document["speed"][0]["instanceId"] == before
    assert document["speed"][0]["createdAt"] < document["speed"][0]["modifiedAt"]
    past.tell("history.strike", CAR, {"instances": [list(pair)], "reason": "deleted"})
    assert values(one(past.view.find(CAR, ALL, EVERYTHING)), "speed") == [80, 100]
    with pytest.raises(Missing) as gone:
        past.tell("history.amend", CAR, {"id": list(pair), "attribute": "speed", "instance": amended, "created": 0})
    assert gone.value.code == "history.instance"


def test_an_amended_instance_may_move_in_time(past: Chronicle) -> None:
    tell(past)
    moved = {"type": "Property", "value": 1, "observedAt": "2020-09-01T13:00:00Z"}
    past.tell("history.amend", CAR, {"id": [2, 0], "attribute": "speed", "instance": moved, "created": past.now})
    for _ in range(2):
        assert values(one(past.view.find(CAR, ALL, EVERYTHING)), "speed") == [80, 100, 1]
        past.feed()
        past.flush()


@pytest.mark.parametrize(
    ("dataset", "left"), [("", [40]), ("urn:x:fuel", [67, 53]), ("*", [])], ids=["default", "one", "all"]
)
def test_datasets_of_an_attribute_are_forgotten(past: Chronicle, dataset: str, left: list[int]) -> None:
    tell(past)
    past.feed()
    past.flush()
    past.tell("history.forget", CAR, {"attribute": "fuel", "dataset": dataset})
    assert past.view.has(CAR, "fuel", None, EVERYTHING) == bool(left)
    for _ in range(2):
        assert values(one(past.view.find(CAR, ALL, EVERYTHING)), "fuel") == left
        past.feed()
        past.again()
    tell(past, fuel=[number(1, "11:00:00")])
    assert values(one(past.view.find(CAR, ALL, EVERYTHING)), "fuel") == [1, *left]


def test_a_whole_entity_is_forgotten(past: Chronicle) -> None:
    tell(past)
    past.feed()
    past.flush()
    past.tell("history.forget", CAR, {})
    assert past.view.find(CAR, ALL, EVERYTHING) is None
    with pytest.raises(Missing) as unknown:
        past.tell("history.forget", CAR, {})
    assert unknown.value.code == "history.missing"
    tell(past, speed=[number(7, "12:00:00")])
    assert values(one(past.view.find(CAR, ALL, EVERYTHING)), "speed") == [7]


def test_what_entities_say_of_themselves_is_told(past: Chronicle) -> None:
    car = {"id": CAR, "type": "Vehicle", "scope": "/a", "name": {"type": "Property", "value": "A"}, "speed": SPEED[0]}
    past.standing.documents[CAR] = {"id": CAR, "type": "Vehicle"}
    first = past.write("entity.created", CAR, {"n": 1, "document": car})
    past.write(
        "entity.merged",
        CAR,
        {
            "n": 1,
            "type": "Vehicle",
            "patch": {"name": {"type": "Property", "value": "B"}, "speed": SPEED[1]},
            "head": {"scope": "/b"},
        },
    )
    gone = past.write("entity.merged", CAR, {"n": 1, "type": "Vehicle", "patch": {"name": None}})
    for _ in range(2):
        document = one(past.view.find(CAR, ALL, EVERYTHING))
        assert values(document, "name") == ["A", "B"]
        assert values(document, "speed") == [120, 80]
        assert values(document, "scope") == ["/a", "/b"]
        assert document["scope"][0]["observedAt"] == first.at
        timed = TemporalQuery(timed=True, time_property="createdAt", end=first.at + 1)
        assert values(one(past.view.find(CAR, timed, EVERYTHING)), "name") == ["A"]
        deleted = one(past.view.find(CAR, TemporalQuery(time_property="deletedAt"), EVERYTHING))
        assert deleted["name"][0]["value"] == "urn:ngsi-ld:null"
        assert deleted["name"][0]["deletedAt"] == gone.at
        assert "speed" not in deleted
        past.feed()
    observed = TemporalQuery(timed=True, start=0)
    assert values(one(past.view.find(CAR, observed, EVERYTHING)), "name") == []


def test_only_the_touched_datasets_of_a_change_are_told(past: Chronicle) -> None:
    past.standing.documents[CAR] = {"id": CAR, "type": "Vehicle"}
    default = {"type": "Property", "value": 1}
    other = {"type": "Property", "value": 2, "datasetId": "urn:x:d"}
    past.write("entity.created", CAR, {"n": 1, "document": {"id": CAR, "type": "Vehicle", "level": [default, other]}})
    patch = {"level": [default, {**other, "value": 3}]}
    past.write("entity.merged", CAR, {"n": 1, "type": "Vehicle", "patch": patch, "datasets": {"level": ["urn:x:d"]}})
    past.write(
        "entity.merged",
        CAR,
        {"n": 1, "type": "Vehicle", "patch": {"level": default}, "datasets": {"level": ["urn:x:d"]}},
    )
    assert values(one(past.view.find(CAR, ALL, EVERYTHING)), "level") == [1, 2, 3]
    deleted = one(past.view.find(CAR, TemporalQuery(time_property="deletedAt"), EVERYTHING))
    assert [each["datasetId"] for each in deleted["level"]] == ["urn:x:d"]


def test_a_deleted_entity_keeps_its_past(past: Chronicle) -> None:
    past.write("entity.created", CAR, {"n": 1, "document": {"id": CAR, "type": "Vehicle", "speed": SPEED[0]}})
    past.write("entity.deleted", CAR, {"n": 1, "type": "Vehicle"})
    for _ in range(2):
        assert values(one(past.view.find(CAR, ALL, EVERYTHING)), "speed") == [120]
        found = past.view.query(
            TemporalQuery(selectors=(Selector(types=parse_types("Vehicle", CORE)),), timed=True), EVERYTHING
        )
        assert [each["id"] for each in found.items] == [CAR]
        past.feed()


@pytest.mark.parametrize(
    ("kind", "body", "error", "code"),
    [
        ("history.add", {"attributes": {}}, Invalid, "history.type"),
        ("history.add", {"attributes": "all"}, Invalid, "history.add"),
        ("history.add", {"attributes": {}, "create": False}, Missing, "history.missing"),
        ("history.amend", {"id": [9, 0], "attribute": "a", "instance": {}, "created": 0}, Missing, "history.instance"),
        ("history.amend", {}, Invalid, "history.amend"),
        ("history.forget", {"attribute": 1}, Invalid, "history.forget"),
    ],
)
def test_what_cannot_be_told_is_refused(
    past: Chronicle, kind: str, body: dict[str, Any], error: type[Exception], code: str
) -> None:
    with pytest.raises(error) as refused:
        past.tell(kind, CAR, body)
    assert getattr(refused.value, "code", None) == code
    assert past.records == []


def test_what_is_told_at_once_has_a_limit(past: Chronicle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quanyu.engines.history.deciding.INSTANCES_MAX", 2)
    with pytest.raises(Invalid) as refused:
        tell(past)
    assert refused.value.code == "history.size"
    assert past.records == []
