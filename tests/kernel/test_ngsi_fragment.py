"""Fragments, simplified input, batches and evolutions: what a sender may leave out, remove or send many of."""

from functools import partial
from typing import Any

import pytest

from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.members import ATTRIBUTES_MAX, NULL, removed
from quanyu.kernel.ngsi.reading import (
    BATCH_MAX,
    read_attribute_fragment,
    read_batch,
    read_entity,
    read_fragment,
    read_ids,
)
from quanyu.kernel.ngsi.reading_temporal import (
    TEMPORAL_INSTANCES_MAX,
    read_evolution,
    read_evolution_fragment,
    read_temporal_instance,
)
from tests.kernel.ngsi_words import CITY, CORE

GPS = {"datasetId": "urn:x:gps"}
POINT = {"type": "Point", "coordinates": [1, 2]}


def test_a_fragment_needs_no_head_and_removes_by_null() -> None:
    sent = {
        "type": "Building",
        "a": NULL,
        "b": {"type": "Property", "value": NULL, "unitCode": "CEL"},
        "c": {"type": "LanguageProperty", "languageMap": {"@none": NULL}},
        "d": [{"type": "Property", "value": 1}, {"type": "Property", "value": NULL, **GPS}],
        "e": {"type": "ListRelationship", "objectList": [NULL], **GPS},
        "f": {"value": 1, "sub": NULL, "unitCode": NULL},
        "scope": NULL,
        "expiresAt": NULL,
    }
    read = read_fragment(sent, CORE)
    assert read == {
        "type": "Building",
        "a": NULL,
        "b": NULL,
        "c": NULL,
        "d": [{"type": "Property", "value": 1}, {"type": "Property", "value": NULL, **GPS}],
        "e": {"type": "ListRelationship", "objectList": NULL, **GPS},
        "f": {"type": "Property", "value": 1},
        "scope": NULL,
        "expiresAt": NULL,
    }
    assert [removed(read[name]) for name in "abcef"] == [True, True, True, True, False]


@pytest.mark.parametrize(
    ("attribute", "code"),
    [
        ({"unitCode": "CEL"}, "attribute.value"),
        ({"type": "Property", "value": {"a": NULL}}, "attribute.null"),
        ({"datasetId": NULL, "value": 1}, "attribute.null"),
    ],
)
def test_a_fragment_that_is_no_merge_holds_whole_attributes(attribute: Any, code: str) -> None:
    with pytest.raises(Invalid) as fault:
        read_fragment({"a": attribute}, CORE)
    assert fault.value.code == code


def test_a_fragment_may_be_read_without_nulls() -> None:
    with pytest.raises(Invalid) as fault:
        read_fragment({"a": NULL}, CORE, nulls=False)
    assert fault.value.code == "attribute.null"


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"observedAt": "2022-03-14T13:00:00.000Z"}, {"observedAt": "2022-03-14T13:00:00Z"}),
        ({"unitCode": NULL, "reliability": NULL}, {"unitCode": NULL, "reliability": NULL}),
        ({"accuracy": {"value": 1}}, {"https://city.example/accuracy": {"type": "Property", "value": 1}}),
        ({"street": "Platz", "country": NULL}, {"type": "Property", "value": {"street": "Platz", "country": NULL}}),
        ({"value": {"country": NULL}}, {"type": "Property", "value": {"country": NULL}}),
        (
            {"languageMap": {"fr": NULL, "en": "x"}},
            {"type": "LanguageProperty", "languageMap": {"fr": NULL, "en": "x"}},
        ),
        ({"type": "Property", "unitCode": "CEL"}, {"type": "Property", "unitCode": "CEL"}),
        ({}, {}),
        (5, {"type": "Property", "value": 5}),
    ],
)
def test_a_merge_names_only_what_changes_at_any_depth(sent: Any, stored: Any) -> None:
    assert read_fragment({"a": sent}, CITY, merge=True) == {"a": stored}


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"type": "Property", "value": 100}, {"type": "Property", "value": 100}),
        ({"value": 100, "@context": "x", **GPS}, {"value": 100, **GPS}),
        ({"value": POINT}, {"value": POINT}),
        ({"object": "urn:x:1"}, {"type": "Relationship", "object": "urn:x:1"}),
        ({"vocab": "monument"}, {"type": "VocabProperty", "vocab": "https://city.example/monument"}),
        (
            {"providedBy": {"type": "Relationship", "object": "urn:x:1"}, "unitCode": NULL},
            {"providedBy": {"type": "Relationship", "object": "urn:x:1"}, "unitCode": NULL},
        ),
        ({"street": "a"}, {"street": {"type": "Property", "value": "a"}}),
        ({"type": "Property", "value": NULL, "unitCode": "CEL", **GPS}, {"type": "Property", "value": NULL, **GPS}),
    ],
)
def test_a_fragment_of_an_attribute_holds_any_of_its_members(sent: Any, stored: Any) -> None:
    assert read_attribute_fragment("a", sent, CITY) == stored


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (5, "attribute.value"),
        ({"datasetId": NULL}, "attribute.null"),
        ({"value": {"a": NULL}}, "attribute.null"),
        ({"type": "Nothing", "value": 1}, "attribute.kind"),
        ({"value": {"type": "Point", "coordinates": [200, 0]}}, "geo.range"),
    ],
)
def test_a_fragment_of_an_attribute_is_checked_all_the_same(sent: Any, code: str) -> None:
    with pytest.raises(Invalid) as fault:
        read_attribute_fragment("a", sent, CORE)
    assert fault.value.code == code


STANDING = {
    "speed": {"type": "Property", "value": 1},
    "owner": [{"type": "Relationship", "object": "urn:x:1"}, {"type": "Property", "value": 1, **GPS}],
    "street": {"type": "LanguageProperty", "languageMap": {"fr": "x"}},
    "kind": {"type": "VocabProperty", "vocab": "a"},
    "route": {"type": "ListRelationship", "objectList": [{"object": "urn:x:1"}]},
    "raw": {"type": "JsonProperty", "json": {}},
}


@pytest.mark.parametrize(
    ("name", "sent", "stored"),
    [
        (
            "new",
            {"type": "PostalAddress", "city": "x"},
            {"type": "Property", "value": {"type": "PostalAddress", "city": "x"}},
        ),
        ("new", POINT, {"type": "GeoProperty", "value": POINT}),
        ("new", {"languageMap": {"en": "x"}}, {"type": "LanguageProperty", "languageMap": {"en": "x"}}),
        ("new", {"vocab": "x"}, {"type": "VocabProperty", "vocab": "x"}),
        ("new", {"json": {"x": 1}}, {"type": "JsonProperty", "json": {"x": 1}}),
        ("new", [{"value": 1}, {"value": 2}], {"type": "Property", "value": [{"value": 1}, {"value": 2}]}),
        (
            "new",
            {"dataset": {"@none": 1, "urn:x:gps": 2}},
            [{"type": "Property", "value": 1}, {"type": "Property", "value": 2, **GPS}],
        ),
        ("speed", NULL, NULL),
        ("owner", "urn:x:2", {"type": "Relationship", "object": "urn:x:2"}),
        ("owner", {"dataset": {"urn:x:gps": 2}}, {"type": "Property", "value": 2, **GPS}),
        (
            "owner",
            {"dataset": {"urn:x:else": NULL}},
            {"type": "Relationship", "object": NULL, "datasetId": "urn:x:else"},
        ),
        ("street", "rue", {"type": "LanguageProperty", "languageMap": {"fr": "rue"}}),
        ("kind", "b", {"type": "VocabProperty", "vocab": "b"}),
        ("route", ["urn:x:2"], {"type": "ListRelationship", "objectList": [{"object": "urn:x:2"}]}),
        ("raw", {"a": 1}, {"type": "JsonProperty", "json": {"a": 1}}),
    ],
)
def test_simplified_values_take_the_kind_that_stands(name: str, sent: Any, stored: Any) -> None:
    read = read_fragment({name: sent}, CORE, simplified=True, standing=STANDING, lang="fr")
    assert read == {name: stored}


def test_a_simplified_entity_is_read_as_properties() -> None:
    sent = {"id": "urn:x:1", "type": "Car", "speed": 4, "tags": ["a"], "location": POINT}
    assert read_entity(sent, CORE, simplified=True) == {
        "id": "urn:x:1",
        "type": "Car",
        "speed": {"type": "Property", "value": 4},
        "tags": {"type": "Property", "value": ["a"]},
        "location": {"type": "GeoProperty", "value": POINT},
    }


@pytest.mark.parametrize(
    ("name", "sent", "code"),
    [
        ("new", {"dataset": {}}, "attribute.dataset"),
        ("new", {"dataset": 5}, "attribute.dataset"),
        ("owner", 5, "entity.id"),
        ("street", 5, "attribute.value"),
    ],
)
def test_a_simplified_value_must_fit(name: str, sent: Any, code: str) -> None:
    with pytest.raises(Invalid) as fault:
        read_fragment({name: sent}, CORE, simplified=True, standing=STANDING)
    assert fault.value.code == code


def test_a_batch_reads_each_entity_by_itself() -> None:
    items = [{"id": "urn:x:1", "type": "Car"}, {"id": "urn:x:2"}, None, {"id": 5, "type": "Car"}]
    read = read_batch(items, partial(read_entity, context=CORE))
    assert [item.id for item in read] == ["urn:x:1", "urn:x:2", None, None]
    assert read[0].document == {"id": "urn:x:1", "type": "Car"}
    assert read[0].error is None
    assert [item.error.code for item in read if item.error] == ["entity.type", "entity.shape", "entity.id"]


@pytest.mark.parametrize("items", [{}, [], [0] * (BATCH_MAX + 1)])
def test_a_batch_is_a_bounded_list(items: Any) -> None:
    for read in (partial(read_batch, read=lambda item: item), read_ids):
        with pytest.raises(Invalid) as fault:
            read(items)
        assert fault.value.code == "batch.size"


def test_a_batch_of_ids_is_checked() -> None:
    assert read_ids(["urn:x:1"]) == ["urn:x:1"]
    with pytest.raises(Invalid) as fault:
        read_ids(["urn:x:1", "x"])
    assert (fault.value.code, fault.value.where) == ("entity.id", "[1]")


def test_an_evolution_lists_the_instances_of_each_attribute() -> None:
    sent = {
        "id": "urn:x:1",
        "type": "Car",
        "scope": [{"type": "Property", "value": "/a", "observedAt": "2020-01-01T00:00:00.0Z"}, {"value": NULL}],
        "pm25": [
            {"type": "Property", "value": 1, "observedAt": "2020-01-01T00:00:00Z", "instanceId": "urn:x:i"},
            {"type": "Property", "value": 2, "observedAt": "2020-01-01T00:00:01Z"},
        ],
        "owner": {"object": "urn:x:2"},
        "none": [],
        "tags": ["a"],
    }
    head, attributes = read_evolution(sent, CITY)
    assert head == {"id": "urn:x:1", "type": "Car"}
    assert attributes == {
        "scope": [
            {"type": "Property", "value": "/a", "observedAt": "2020-01-01T00:00:00Z"},
            {"type": "Property", "value": []},
        ],
        "https://city.example/pm25": [
            {"type": "Property", "value": 1, "observedAt": "2020-01-01T00:00:00Z"},
            {"type": "Property", "value": 2, "observedAt": "2020-01-01T00:00:01Z"},
        ],
        "https://city.example/owner": [{"type": "Relationship", "object": "urn:x:2"}],
        "none": [],
        "tags": [{"type": "Property", "value": ["a"]}],
    }
    assert read_evolution_fragment({"scope": ["/a", "/b"]}, CORE).head == {"scope": ["/a", "/b"]}


@pytest.mark.parametrize(
    ("sent", "code", "where"),
    [
        (5, "entity.shape", "$"),
        ({"type": "Car"}, "entity.id", "id"),
        ({"id": "urn:x:1"}, "entity.type", "type"),
        ({f"a{n}": 1 for n in range(ATTRIBUTES_MAX + 20)}, "entity.size", "$"),
        ({"scope": [{"type": "Relationship", "object": "urn:x:1"}]}, "entity.scope", "scope[0]"),
        ({"scope": [{"value": "9"}]}, "entity.scope", "scope[0].value"),
        ({"scope": [{"value": "/a", "observedAt": 5}]}, "entity.time", "scope[0].observedAt"),
        ({"a": [{"value": 1}, {"value": NULL}]}, "attribute.null", "a[1].value"),
        ({"a": [{"value": 1}, {"value": 1, "observedAt": "x"}]}, "entity.time", "a[1].observedAt"),
        ({"a": [1] * (TEMPORAL_INSTANCES_MAX + 1)}, "attribute.size", "a"),
        ({"pm25": 1, "https://city.example/pm25": 1}, "attribute.twice", "https://city.example/pm25"),
    ],
)
def test_what_is_wrong_with_an_evolution_is_said_with_its_place(sent: Any, code: str, where: str) -> None:
    with pytest.raises(Invalid) as fault:
        read_evolution(sent, CITY)
    assert (fault.value.code, fault.value.where) == (code, where)


def test_one_instance_of_an_evolution_is_read_whole() -> None:
    sent = {"type": "Property", "value": 129, "observedAt": "2020-09-01T12:03:00Z", "@context": "x"}
    assert read_temporal_instance("speed", sent, CORE) == {
        "type": "Property",
        "value": 129,
        "observedAt": "2020-09-01T12:03:00Z",
    }
