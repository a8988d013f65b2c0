"""How the evolution of an entity is written: whole, as pairs, aggregated."""

from typing import Any

import pytest

from quanyu.kernel.ngsi.changes import deleted_instance
from quanyu.kernel.ngsi.instants import micros
from quanyu.kernel.ngsi.members import NULL
from quanyu.kernel.ngsi.temporal_shape import Aggregate, write_aggregated, write_temporal
from quanyu.kernel.ngsi.writing import Shape
from tests.kernel.ngsi_words import CITY, CORE

HEAD = {"id": "urn:x:1", "type": "https://city.example/Building"}
PM25 = "https://city.example/pm25"
NOON, LATER = "2020-08-01T12:03:00Z", "2020-08-01T13:03:00Z"
SIMPLIFIED = Shape(format="simplified")


def observed(value: Any, at: str, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": micros(at), **more}


def test_an_evolution_is_written_whole() -> None:
    instance = observed(4, NOON, instanceId="urn:x:i", createdAt=micros(LATER), provenance="measured:m")
    written = write_temporal(HEAD, {PM25: [instance], "empty": []}, CITY)
    assert written == {
        "id": "urn:x:1",
        "type": "Building",
        "pm25": [
            {
                "type": "Property",
                "value": 4,
                "observedAt": NOON,
                "instanceId": "urn:x:i",
                "provenance": {"type": "Property", "value": "measured:m"},
            }
        ],
    }
    assert write_temporal(HEAD, {PM25: [instance]}, CITY, Shape(sys=True))["pm25"][0]["createdAt"] == LATER
    assert write_temporal(HEAD, {PM25: [instance]}, CITY, time="createdAt")["pm25"][0]["createdAt"] == LATER
    assert write_temporal(HEAD, {PM25: [instance]}, CITY, Shape(format="concise"))["pm25"] == [
        {"value": 4, "observedAt": NOON, "instanceId": "urn:x:i", "provenance": "measured:m"}
    ]


@pytest.mark.parametrize(
    ("instance", "plural", "value"),
    [
        ({"type": "Property", "value": 4}, "values", 4),
        ({"type": "GeoProperty", "value": {"type": "Point"}}, "values", {"type": "Point"}),
        ({"type": "Relationship", "object": ["urn:x:1"]}, "objects", ["urn:x:1"]),
        ({"type": "LanguageProperty", "languageMap": {"en": "x"}}, "languageMaps", {"languageMap": {"en": "x"}}),
        ({"type": "VocabProperty", "vocab": "https://city.example/monument"}, "vocabs", {"vocab": "monument"}),
        ({"type": "JsonProperty", "json": [{"a": 1}]}, "jsons", {"json": [{"a": 1}]}),
        ({"type": "ListProperty", "valueList": [1, 2]}, "valueLists", [1, 2]),
        ({"type": "ListRelationship", "objectList": [{"object": "urn:x:1"}]}, "objectLists", ["urn:x:1"]),
    ],
)
def test_an_evolution_is_written_as_pairs(instance: dict[str, Any], plural: str, value: Any) -> None:
    written = write_temporal(HEAD, {"a": [instance | {"observedAt": NOON}]}, CITY, SIMPLIFIED)
    assert written["a"] == {"type": instance["type"], plural: [[value, NOON]]}


@pytest.mark.parametrize(
    ("instance", "plural", "value"),
    [
        ({"type": "Property", "value": 4}, "values", NULL),
        ({"type": "Relationship", "object": "urn:x:1"}, "objects", NULL),
        ({"type": "LanguageProperty", "languageMap": {"en": "x"}}, "languageMaps", {"languageMap": {"@none": NULL}}),
        ({"type": "VocabProperty", "vocab": "x"}, "vocabs", {"vocab": NULL}),
        ({"type": "ListProperty", "valueList": [1]}, "valueLists", [NULL]),
    ],
)
def test_what_was_deleted_stands_in_the_evolution(instance: dict[str, Any], plural: str, value: Any) -> None:
    gone = deleted_instance(instance | {"instanceId": "urn:x:i"}, micros(NOON))
    whole = write_temporal(HEAD, {"a": [gone]}, CORE, time="deletedAt")["a"][0]
    assert (whole["deletedAt"], whole["instanceId"]) == (NOON, "urn:x:i")
    pairs = write_temporal(HEAD, {"a": [gone]}, CORE, SIMPLIFIED, time="deletedAt")["a"]
    assert pairs == {"type": instance["type"], plural: [[value, NOON]]}


def test_each_dataset_has_its_own_pairs() -> None:
    several = [
        observed(60, NOON, datasetId="urn:x:d"),
        observed(80, NOON),
        observed(62, LATER, datasetId="urn:x:d"),
        {"type": "Relationship", "object": "urn:x:1", "observedAt": NOON},
    ]
    written = write_temporal(HEAD, {"speed": several}, CORE, SIMPLIFIED)
    assert written["speed"] == [
        {"type": "Property", "datasetId": "urn:x:d", "values": [[60, NOON], [62, LATER]]},
        {"type": "Property", "values": [[80, NOON]]},
        {"type": "Relationship", "objects": [["urn:x:1", NOON]]},
    ]
    one = write_temporal(HEAD, {"speed": several}, CORE, Shape(format="simplified", dataset=("urn:x:d",)))
    assert one["speed"] == {"type": "Property", "datasetId": "urn:x:d", "values": [[60, NOON], [62, LATER]]}
    assert "speed" not in write_temporal(HEAD, {"speed": several}, CORE, Shape(dataset=("urn:x:none",)))


def test_pairs_are_written_in_one_language() -> None:
    street = {"type": "LanguageProperty", "languageMap": {"en": "x", "fr": "y"}, "observedAt": NOON}
    gone = deleted_instance(street) | {"observedAt": LATER}
    written = write_temporal(HEAD, {"street": [street, gone]}, CORE, Shape(format="simplified", lang="fr"))
    assert written["street"] == {"type": "Property", "values": [["y", NOON], [NULL, LATER]]}


def test_the_evolution_of_a_scope_stands_among_the_attributes() -> None:
    scopes: list[dict[str, Any]] = [
        {"type": "Property", "value": ["/a", "/b"], "observedAt": NOON},
        {"type": "Property", "value": [], "deletedAt": 0},
    ]
    head = HEAD | {"scope": "/a"}
    assert write_temporal(head, {}, CORE)["scope"] == "/a"
    assert write_temporal(head, {"scope": scopes}, CITY)["scope"] == [
        {"type": "Property", "value": ["/a", "/b"], "observedAt": NOON},
        {"type": "Property", "value": [], "deletedAt": "1970-01-01T00:00:00Z"},
    ]
    pairs = write_temporal(head, {"scope": scopes[:1]}, CITY, SIMPLIFIED)["scope"]
    assert pairs == {"type": "Property", "values": [[["/a", "/b"], NOON]]}


def test_only_what_is_asked_for_is_written_of_an_evolution() -> None:
    attributes = {PM25: [observed(4, NOON)], "fuel": [observed(1, NOON)]}

    def members(**asked: Any) -> list[str]:
        return list(write_temporal(HEAD, attributes, CITY, Shape(**asked)))

    assert members(pick=("id", PM25)) == ["id", "pm25"]
    assert members(pick=("id",)) == ["id"]
    assert members(omit=("type", PM25)) == ["id", "fuel"]
    assert members(attrs=(PM25,)) == ["id", "type", "pm25"]


def test_aggregates_are_triples_of_value_and_period() -> None:
    periods = [(100.0, micros(NOON), micros(LATER))]
    one = Aggregate({"avg": periods, "max": periods})
    other = Aggregate({"avg": periods}, kind="Relationship", dataset="urn:x:d")
    written = write_aggregated(HEAD, {PM25: [one], "fuel": [one, other], "none": []}, CITY)
    triple = [[100.0, NOON, LATER]]
    assert written == {
        "id": "urn:x:1",
        "type": "Building",
        "pm25": {"type": "Property", "avg": triple, "max": triple},
        "fuel": [
            {"type": "Property", "avg": triple, "max": triple},
            {"type": "Relationship", "datasetId": "urn:x:d", "avg": triple},
        ],
    }
    assert list(write_aggregated(HEAD, {PM25: [one]}, CITY, Shape(omit=("id", PM25)))) == ["type"]
