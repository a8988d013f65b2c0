"""Who is told of what: triggers, selections, queries, representations, rights, paces and what survives a kill."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from quanyu.engines.notify.subscriptions import SUBSCRIPTIONS
from quanyu.kernel.ngsi.core import CORE_URL
from quanyu.kernel.ngsi.subscription import TRIGGERS
from quanyu.kernel.view import Filter
from tests.hubs import MORNING
from tests.telling import OWN, OWN_URL, Told, telling

SECOND = 1_000_000
DATASET = "urn:ngsi-ld:Dataset:french"
PLACE = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [116.4, 39.9]}}


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    with telling(tmp_path / "home") as told:
        yield told


OPERATIONS: dict[str, Callable[[Told], None]] = {
    "create": lambda told: told.create("urn:b:2", name="new"),
    "add": lambda told: told.merge(colour="red"),
    "change": lambda told: told.merge(name="other"),
    "observe": lambda told: told.observe(("urn:b:1", "name", MORNING, 7.0)),
    "drop": lambda told: told.merge(name=None),
    "drop instance": lambda told: told.commit("entity.drop", "urn:b:1", {"attribute": "title", "dataset": DATASET}),
    "replace": lambda told: told.commit("entity.replace", "urn:b:1", {"type": "Building", "name": "n", "fresh": 1}),
    "delete": lambda told: told.commit("entity.delete", "urn:b:1", {}),
}
FIRES = {
    "create": {"entityCreated", "entityUpdated", "attributeCreated"},
    "add": {"entityUpdated", "attributeCreated"},
    "change": {"entityUpdated", "attributeUpdated"},
    "observe": {"entityUpdated", "attributeUpdated"},
    "drop": {"entityUpdated", "attributeDeleted"},
    "drop instance": {"entityUpdated", "attributeDeleted"},
    "replace": {"entityUpdated", "attributeCreated", "attributeUpdated", "attributeDeleted"},
    "delete": {"entityUpdated", "entityDeleted", "attributeDeleted"},
}


def house(told: Told) -> None:
    title = [
        {"type": "Property", "value": "Tower"},
        {"type": "Property", "value": "Tour", "datasetId": DATASET},
    ]
    told.create(name="old", title=title, height=300)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_trigger_fires_where_the_standard_says(operation: str, told: Told) -> None:
    house(told)
    for trigger in TRIGGERS:
        told.subscribe(f"urn:s:{trigger}", notificationTrigger=[trigger])
    told.silence()
    OPERATIONS[operation](told)
    assert {body["subscriptionId"].removeprefix("urn:s:") for body in told.letters()} == FIRES[operation]


def test_without_triggers_what_comes_and_changes_is_told(told: Told) -> None:
    told.subscribe()
    house(told)
    told.merge(name="other")
    told.merge(height=None)
    told.commit("entity.delete", "urn:b:1", {})
    assert len(told.letters()) == 2


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"entities": [{"type": "Building"}]}, ["urn:b:1", "urn:b:2", "urn:b:3"]),
        ({"entities": [{"type": "Building;Monument"}]}, ["urn:b:3"]),
        ({"entities": [{"type": "(Tower|Car)"}, {"type": "Monument"}]}, ["urn:b:3", "urn:c:1"]),
        ({"entities": [{"type": "*", "idPattern": "^urn:c:"}]}, ["urn:c:1"]),
        ({"entities": [{"type": "Building", "id": "urn:b:2"}, {"type": "Car", "id": "urn:b:1"}]}, ["urn:b:2"]),
        ({"watchedAttributes": ["speed", "floors"]}, ["urn:b:2", "urn:c:1"]),
        ({"entities": [{"type": "Building"}], "watchedAttributes": ["floors"]}, ["urn:b:2"]),
        ({"q": "floors>3"}, ["urn:b:2"]),
        ({"q": 'name=="Eiffel%20Tower"'}, ["urn:b:3"]),
        ({"scopeQ": "/paris/#"}, ["urn:b:3"]),
        ({"geoQ": {"georel": "near;maxDistance==2000", "geometry": "Point", "coordinates": [116.4, 39.91]}}, ["urn:b:1"]),
        (
            {"geoQ": {"georel": "within", "geometry": "Polygon", "geoproperty": "seat",
                      "coordinates": [[[0, 0], [0, 9], [9, 9], [9, 0], [0, 0]]]}},
            ["urn:b:3"],
        ),
    ],
)  # fmt: skip
def test_who_is_selected(wish: dict[str, Any], expected: list[str], told: Told) -> None:
    told.subscribe(**wish)
    told.create("urn:b:1", location=PLACE, name="hall")
    told.create("urn:b:2", name="shop", floors=4)
    seat = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [2.3, 4.8]}}
    told.create("urn:b:3", ["Building", "Monument"], name="Eiffel Tower", scope="/paris/centre", seat=seat)
    told.create("urn:c:1", "Car", speed=80)
    assert [each["id"] for each in told.told()] == expected


def test_a_query_may_follow_a_relationship(told: Told) -> None:
    told.subscribe(entities=[{"type": "Car"}], q="owner{age}<18")
    told.create("urn:p:1", "Person", age=17)
    told.create("urn:p:2", "Person", age=40)
    for number in (2, 1):
        told.create(f"urn:c:{number}", "Car", owner={"type": "Relationship", "object": f"urn:p:{number}"})
    assert [each["id"] for each in told.told()] == ["urn:c:1"]


@pytest.mark.parametrize(
    ("notification", "members", "expected"),
    [
        ({}, {}, {"id": "urn:b:1", "type": "Building", "name": {"type": "Property", "value": "A"}}),
        ({"format": "concise"}, {}, {"id": "urn:b:1", "type": "Building", "name": "A"}),
        ({"format": "keyValues"}, {}, {"id": "urn:b:1", "type": "Building", "name": "A"}),
        ({"attributes": ["name"]}, {}, {"id": "urn:b:1", "type": "Building", "name": {"type": "Property", "value": "A"}}),
        ({"attributes": ["colour"]}, {}, {"id": "urn:b:1", "type": "Building"}),
        ({"pick": ["id", "name"], "format": "simplified"}, {}, {"id": "urn:b:1", "name": "A"}),
        ({"omit": ["name", "type"]}, {}, {"id": "urn:b:1"}),
        (
            {"sysAttrs": True, "pick": ["createdAt", "name"]},
            {},
            {"createdAt": "2026-03-02T00:00:00Z", "name": {"type": "Property", "value": "A",
             "createdAt": "2026-03-02T00:00:00Z", "modifiedAt": "2026-03-02T00:00:00Z"}},
        ),
        ({}, {"datasetId": [DATASET]}, {"id": "urn:b:1", "type": "Building"}),
    ],
)  # fmt: skip
def test_how_entities_are_written(
    notification: dict[str, Any], members: dict[str, Any], expected: dict[str, Any], told: Told
) -> None:
    told.subscribe(notification=notification, **members)
    told.create(name="A")
    assert told.told() == [expected]


def test_words_and_headers_follow_the_context_and_the_accepted_type(told: Told) -> None:
    told.subscribe("urn:s:json", context=OWN, entities=[{"type": "Haus"}])
    told.subscribe("urn:s:ld", context=OWN, entities=[{"type": "Haus"}], endpoint={"accept": "application/ld+json"})
    told.subscribe("urn:s:core", context=OWN, entities=[{"type": "Haus"}], jsonldContext=CORE_URL)
    told.create(type="https://city.example/Building", **{"https://city.example/name": "A"})
    found = {body["subscriptionId"]: body for body in told.letters(None)}
    headers = {letter.headers for letter, _ in told.carrier.out}
    link = '<{}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
    assert headers == {
        (("Content-Type", "application/json"), ("Link", link.format(OWN_URL))),
        (("Content-Type", "application/ld+json"),),
        (("Content-Type", "application/json"), ("Link", link.format(CORE_URL))),
    }
    name = {"type": "Property", "value": "A"}
    assert found["urn:s:json"]["data"] == [{"id": "urn:b:1", "type": "Haus", "Name": name}]
    assert found["urn:s:ld"]["@context"] == OWN_URL
    assert found["urn:s:ld"]["data"] == [{"id": "urn:b:1", "type": "Haus", "Name": name, "@context": OWN_URL}]
    whole = {"id": "urn:b:1", "type": "https://city.example/Building", "https://city.example/name": name}
    assert found["urn:s:core"]["data"] == [whole]


def test_a_lost_context_means_core_words_until_it_is_back(told: Told) -> None:
    told.subscribe(context=OWN, entities=[{"type": "Haus"}])
    told.silence()
    del told.words.known[OWN_URL]
    told.kill()
    told.create(type="https://city.example/Building", floors=2)
    assert told.told()[0]["type"] == "https://city.example/Building"
    told.words.known[OWN_URL] = OWN
    told.machine.at += 11 * SECOND
    told.merge(size=1)
    assert told.told()[0]["type"] == "Haus"


def test_features_are_told_as_a_collection(told: Told) -> None:
    told.subscribe(endpoint={"accept": "application/geo+json"}, notification={"format": "keyValues"})
    told.create(location=PLACE)
    (body,) = told.letters()
    assert body["data"] == {
        "type": "FeatureCollection",
        "features": [
            {
                "id": "urn:b:1",
                "type": "Feature",
                "geometry": PLACE["value"],
                "properties": {"type": "Building", "location": PLACE["value"]},
            }
        ],
    }


def test_linked_entities_come_along(told: Told) -> None:
    told.create("urn:p:1", "Person", name="Li")
    told.subscribe("urn:s:flat", {"join": "flat", "format": "keyValues"})
    told.subscribe("urn:s:inline", {"join": "inline", "joinLevel": 1, "format": "keyValues"})
    told.create(owner={"type": "Relationship", "object": "urn:p:1"})
    found = {body["subscriptionId"]: body["data"] for body in told.letters()}
    person = {"id": "urn:p:1", "type": "Person", "name": "Li"}
    assert found["urn:s:flat"] == [{"id": "urn:b:1", "type": "Building", "owner": "urn:p:1"}, person]
    assert found["urn:s:inline"] == [{"id": "urn:b:1", "type": "Building", "owner": person}]


def test_changes_show_what_was(told: Told) -> None:
    told.create(name="old", street={"type": "LanguageProperty", "languageMap": {"fr": "Place"}})
    told.subscribe(notification={"showChanges": True}, notificationTrigger=["entityUpdated", "entityDeleted"])
    told.merge(name="new")
    told.merge(street=None)
    told.commit("entity.delete", "urn:b:1", {})
    changed, dropped, deleted = told.told()
    assert changed["name"] == {"type": "Property", "value": "new", "previousValue": "old"}
    gone = {
        "type": "LanguageProperty",
        "languageMap": {"@none": "urn:ngsi-ld:null"},
        "previousLanguageMap": {"fr": "Place"},
    }
    assert dropped["street"] == gone
    assert deleted["name"] == {"type": "Property", "value": "urn:ngsi-ld:null", "previousValue": "new"}
    assert deleted["deletedAt"] == "2026-03-02T00:00:00Z"


def test_an_end_is_told_with_what_is_gone(told: Told) -> None:
    told.create(name="A", size=1)
    told.subscribe("urn:s:e", {"format": "keyValues"}, notificationTrigger=["entityDeleted"])
    told.subscribe("urn:s:sys", {"sysAttrs": True, "format": "keyValues"}, notificationTrigger=["entityDeleted"])
    told.subscribe("urn:s:a", notificationTrigger=["attributeDeleted"], entities=[{"type": "Building"}],
                   watchedAttributes=["name"])  # fmt: skip
    told.subscribe("urn:s:q", notificationTrigger=["entityDeleted"], q="size>5")
    told.commit("entity.delete", "urn:b:1", {})
    found = {body["subscriptionId"]: body["data"][0] for body in told.letters()}
    head = {"id": "urn:b:1", "type": "Building", "deletedAt": "2026-03-02T00:00:00Z"}
    assert found == {
        "urn:s:e": head,
        "urn:s:sys": {**head, "createdAt": "2026-03-02T00:00:00Z", "modifiedAt": "2026-03-02T00:00:00Z"},
        "urn:s:a": {**head, "name": {"type": "Property", "value": "urn:ngsi-ld:null"}},
    }


def test_records_tell_what_was_only_while_somebody_asks(told: Told) -> None:
    told.create(name="A")

    def counted() -> int:
        row = told.hub.writer.state.get(SUBSCRIPTIONS, "before")
        return 0 if row is None else int(row[1])

    told.subscribe("urn:s:1")
    assert counted() == 0
    told.subscribe("urn:s:2", notificationTrigger=["entityDeleted"])
    told.subscribe("urn:s:3", {"showChanges": True})
    assert counted() == 2
    told.commit("subscription.update", "urn:s:2", {"fragment": {"notificationTrigger": None}})
    told.commit("subscription.delete", "urn:s:3", {})
    assert counted() == 0
    told.merge(name="B")
    assert "before" not in (told.hub.journal_read(told.hub.last_seq - 1, 1)[0].body or {})


def test_a_peak_between_two_readings_is_told(told: Told) -> None:
    told.create(load=1.0)
    told.subscribe(q="load>50")
    told.silence()
    for number, value in enumerate((10.0, 90.0, 20.0)):
        told.observe(("urn:b:1", "load", MORNING + number, value))
    (peak,) = told.told()
    assert (peak["load"]["value"], peak["load"]["observedAt"]) == (90, "2026-03-02T00:00:00.000001Z")


def test_a_late_observation_tells_what_stands(told: Told) -> None:
    told.create(load=1.0)
    told.subscribe()
    told.observe(("urn:b:1", "load", MORNING, 5.0))
    told.silence()
    told.observe(("urn:b:1", "load", MORNING - SECOND, 77.0))
    assert [each["load"]["value"] for each in told.told()] in ([], [5])


def test_imported_history_is_told_to_nobody(told: Told) -> None:
    told.create(load=1.0)
    told.subscribe()
    told.silence()
    told.observe(("urn:b:1", "load", MORNING, 5.0), mode="history")
    assert told.told() == []


def test_a_large_batch_of_observations_is_one_notification(told: Told) -> None:
    for number in range(5):
        told.create(f"urn:b:{number}", load=1.0)
    told.subscribe(watchedAttributes=["load"])
    told.silence()
    told.observe(*((f"urn:b:{number}", "load", MORNING, float(number)) for number in range(5)))
    (body,) = told.letters()
    assert [each["id"] for each in body["data"]] == [f"urn:b:{number}" for number in range(5)]


def test_only_what_comes_after_a_subscription_concerns_it(told: Told) -> None:
    told.create("urn:b:1", name="A")
    told.subscribe()
    told.create("urn:b:2", name="B")
    told.commit("subscription.update", "urn:s:1", {"fragment": {"isActive": False}})
    told.create("urn:b:3", name="C")
    told.commit("subscription.update", "urn:s:1", {"fragment": {"isActive": True}})
    told.create("urn:b:4", name="D")
    assert [each["id"] for each in told.told()] == ["urn:b:2", "urn:b:4"]


def test_rights_limit_what_is_told_and_what_is_asked(told: Told) -> None:
    told.rights.set("person:a", Filter(types=frozenset({"Building"}), masked=frozenset({"phone"})))
    told.rights.set("person:b as guard", None)
    told.subscribe("urn:s:all", entities=[{"type": "*"}])
    told.subscribe("urn:s:ask", q='phone=="123"')
    told.subscribe("urn:s:watch", watchedAttributes=["phone"])
    told.subscribe("urn:s:guard", actor="person:b", roles=["guard"])
    told.create("urn:b:1", phone="123", name="A")
    told.create("urn:c:1", ["Building", "Secret"], name="B")
    found = told.letters()
    assert [(body["subscriptionId"], body["data"]) for body in found] == [
        ("urn:s:all", [{"id": "urn:b:1", "type": "Building", "name": {"type": "Property", "value": "A"}}])
    ]
    assert "may see no entities" in str(told.hub.subscriptions.get("urn:s:guard").health.error)
    told.rights.set("person:a", None)
    told.merge(name="C")
    assert told.told() == []
