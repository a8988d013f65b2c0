"""Entities that link to one another, laid into each other or listed; what changed, and what is gone."""

from typing import Any

import pytest

from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi import linking
from quanyu.kernel.ngsi.changes import deleted_entity, deleted_instance, with_changes
from quanyu.kernel.ngsi.linking import Join, linked_ids, write_linked
from quanyu.kernel.ngsi.members import NULL
from quanyu.kernel.ngsi.writing import Shape, write_entity
from tests.kernel.ngsi_words import CITY, CORE


def link(*ids: str) -> dict[str, Any]:
    return {"type": "Relationship", "object": ids[0] if len(ids) == 1 else list(ids)}


def text(value: str) -> dict[str, Any]:
    return {"type": "Property", "value": value}


HOUSE = {"id": "urn:x:house", "type": "House", "locatedAt": link("urn:x:city"), "owner": link("urn:x:bob")}
TOWN = {
    "id": "urn:x:city",
    "type": "City",
    "name": text("Paris"),
    "isIn": link("urn:x:land"),
    "mayor": link("urn:x:eve"),
}
LAND = {
    "id": "urn:x:land",
    "type": "Land",
    "name": text("France"),
    "about": text("Europe"),
    "capital": link("urn:x:city"),
}
WORLD = {document["id"]: document for document in (HOUSE, TOWN, LAND)}


def linked(document: dict[str, Any], join: Join, level: int, **asked: Any) -> list[Any]:
    return write_linked([document], CORE, Shape(**asked), join=join, level=level, find=WORLD.get)


def test_linked_entities_are_laid_in_as_deep_as_asked_and_never_into_themselves() -> None:
    land = LAND
    one = {**HOUSE, "locatedAt": link("urn:x:city") | {"entity": TOWN}}
    two = {
        **HOUSE,
        "locatedAt": link("urn:x:city") | {"entity": TOWN | {"isIn": link("urn:x:land") | {"entity": land}}},
    }
    assert linked(HOUSE, "inline", 0) == [HOUSE]
    assert linked(HOUSE, "inline", 1) == [one]
    assert linked(HOUSE, "inline", 2) == [two]
    assert linked(HOUSE, "inline", 9) == [two]
    assert HOUSE["locatedAt"] == link("urn:x:city")


def test_linked_entities_take_the_place_of_their_ids_when_simplified() -> None:
    assert linked(HOUSE, "inline", 1, format="simplified") == [
        {
            "id": "urn:x:house",
            "type": "House",
            "locatedAt": {
                "id": "urn:x:city",
                "type": "City",
                "name": "Paris",
                "isIn": "urn:x:land",
                "mayor": "urn:x:eve",
            },
            "owner": "urn:x:bob",
        }
    ]


def test_several_linked_entities_stand_in_order() -> None:
    several = {"id": "urn:x:1", "type": "Route", "stops": link("urn:x:land", "urn:x:none", "urn:x:city")}
    listed = {"id": "urn:x:1", "type": "Route", "stops": {"type": "ListRelationship", "objectList": [
        {"object": "urn:x:land"}, {"object": "urn:x:none"}]}}  # fmt: skip
    assert linked(several, "inline", 1)[0]["stops"]["entity"] == [LAND, TOWN]
    assert linked(listed, "inline", 1)[0]["stops"]["entityList"] == [LAND]
    pick: Any = ("stops", ("stops", ("name",)))
    assert linked(several, "inline", 1, format="simplified", pick=pick) == [
        {"stops": [{"name": "France"}, "urn:x:none", {"name": "Paris"}]}
    ]
    assert linked(listed, "inline", 1, format="simplified", pick=pick) == [
        {"stops": [{"name": "France"}, "urn:x:none"]}
    ]
    assert linked(listed, "inline", 1, format="concise")[0]["stops"]["objectList"] == ["urn:x:land", "urn:x:none"]
    with_dataset = {**several, "stops": [link("urn:x:city"), link("urn:x:land") | {"datasetId": "urn:x:d"}]}
    assert [each["entity"]["id"] for each in linked(with_dataset, "inline", 1)[0]["stops"]] == [
        "urn:x:city",
        "urn:x:land",
    ]
    assert linked(with_dataset, "flat", 1, dataset=("urn:x:d",))[1:] == [{k: LAND[k] for k in ("id", "type")}]


def test_linked_entities_are_listed_behind_each_once() -> None:
    assert linked(HOUSE, "flat", 0) == [HOUSE]
    assert linked(HOUSE, "flat", 1) == [HOUSE, TOWN]
    assert linked(HOUSE, "flat", 3) == [HOUSE, TOWN, LAND]
    both = write_linked([HOUSE, TOWN], CORE, Shape(), join="flat", level=2, find=WORLD.get)
    assert both == [HOUSE, TOWN, LAND]
    seen = write_linked(
        [HOUSE], CORE, Shape(), join="flat", level=2, find=WORLD.get, contained_by=frozenset({"urn:x:city"})
    )
    assert seen == [HOUSE]


def test_projections_reach_along_the_links() -> None:
    pick: Any = ("id", ("locatedAt", ("id", "name", ("isIn", ("id", "about")))))
    assert linked(HOUSE, "flat", 2, pick=pick) == [
        {"id": "urn:x:house", "locatedAt": link("urn:x:city")},
        {"id": "urn:x:city", "name": text("Paris"), "isIn": link("urn:x:land")},
        {"id": "urn:x:land", "about": text("Europe")},
    ]
    omit: Any = ("type", "owner", ("locatedAt", ("mayor", ("isIn", ("about", "capital")))))
    assert linked(HOUSE, "inline", 2, omit=omit) == [
        {
            "id": "urn:x:house",
            "locatedAt": link("urn:x:city")
            | {
                "entity": {
                    "id": "urn:x:city",
                    "type": "City",
                    "name": text("Paris"),
                    "isIn": link("urn:x:land")
                    | {"entity": {"id": "urn:x:land", "type": "Land", "name": text("France")}},
                }
            },
        }
    ]
    nothing: Any = (("locatedAt", ("none",)),)
    assert linked(HOUSE, "flat", 1, pick=nothing) == [{"locatedAt": link("urn:x:city")}]
    assert linked(HOUSE, "inline", 1, pick=nothing) == [{"locatedAt": link("urn:x:city")}]
    assert linked(HOUSE, "flat", 1, pick=("none",)) == [{}]
    assert linked(HOUSE, "flat", 1, attrs=("owner",)) == [{k: HOUSE[k] for k in ("id", "type", "owner")}]
    assert linked_ids([HOUSE, TOWN], Shape()) == ["urn:x:city", "urn:x:bob", "urn:x:land", "urn:x:eve"]
    assert linked_ids([HOUSE], Shape(attrs=("owner",))) == ["urn:x:bob"]


def test_an_answer_holds_a_bounded_number_of_linked_entities(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linking, "LINKED_MAX", 1)
    with pytest.raises(Invalid) as fault:
        linked(HOUSE, "inline", 2)
    assert fault.value.code == "join.too_many"


AT = 1_583_049_600_500_000
BEFORE = {
    "id": "urn:x:1",
    "type": "https://city.example/Building",
    "scope": "/a",
    "createdAt": 0,
    "name": [text("Tower"), text("Tour") | {"datasetId": "urn:x:fr"}],
    "street": {"type": "LanguageProperty", "languageMap": {"fr": "Place"}, "createdAt": 0},
    "kind": {"type": "VocabProperty", "vocab": "https://city.example/monument"},
}


def test_a_deleted_entity_is_told_by_its_id_and_when() -> None:
    gone = deleted_entity(BEFORE, AT)
    when = "2020-03-01T08:00:00.5Z"
    assert write_entity(gone, CITY) == {"id": "urn:x:1", "type": "Building", "deletedAt": when}
    assert write_entity(gone, CITY, Shape(sys=True, format="simplified"))["createdAt"] == "1970-01-01T00:00:00Z"
    watched = deleted_entity(BEFORE, AT, attributes=["street"], sys=True)
    assert write_entity(watched, CITY, Shape(sys=True))["street"] == {
        "type": "LanguageProperty",
        "languageMap": {"@none": NULL},
        "createdAt": "1970-01-01T00:00:00Z",
        "deletedAt": when,
    }
    assert write_entity(watched, CITY, Shape(format="concise"))["street"] == {
        "languageMap": {"@none": NULL},
        "deletedAt": when,
    }


def test_a_deleted_entity_shows_what_it_held() -> None:
    written = write_entity(deleted_entity(BEFORE, AT, show_changes=True), CITY)
    assert written == {
        "id": "urn:x:1",
        "type": "Building",
        "deletedAt": "2020-03-01T08:00:00.5Z",
        "name": [
            {"type": "Property", "value": NULL, "previousValue": "Tower"},
            {"type": "Property", "value": NULL, "datasetId": "urn:x:fr", "previousValue": "Tour"},
        ],
        "street": {
            "type": "LanguageProperty",
            "languageMap": {"@none": NULL},
            "previousLanguageMap": {"fr": "Place"},
        },
        "kind": {"type": "VocabProperty", "vocab": NULL, "previousVocab": "monument"},
    }


def test_changes_show_what_stood_before_and_what_is_gone() -> None:
    after = {**BEFORE, "name": text("The tower"), "new": text("x")}
    del after["street"]
    shown = with_changes(after, BEFORE, ["name", "street", "new", "kind", "none"], show_changes=True)
    written = write_entity(shown, CORE)
    assert written["name"] == [
        {"type": "Property", "value": "The tower", "previousValue": "Tower"},
        {"type": "Property", "value": NULL, "datasetId": "urn:x:fr", "previousValue": "Tour"},
    ]
    assert written["street"]["previousLanguageMap"] == {"fr": "Place"}
    assert written["new"] == text("x")
    assert written["kind"] == BEFORE["kind"]
    assert "none" not in written
    unshown = with_changes(after, BEFORE, ["name", "street"], AT)
    assert write_entity(unshown, CORE, Shape(format="simplified"))["name"] == {
        "dataset": {"@none": "The tower", "urn:x:fr": NULL}
    }
    assert unshown["street"] == {
        "type": "LanguageProperty",
        "languageMap": {"@none": NULL},
        "createdAt": 0,
        "deletedAt": AT,
    }
    assert write_entity(with_changes(after, BEFORE, ["street"]), CORE, Shape(format="concise"))["street"] == NULL


@pytest.mark.parametrize(
    ("instance", "null"),
    [
        ({"type": "ListProperty", "valueList": [1]}, [NULL]),
        ({"type": "ListRelationship", "objectList": [{"object": "urn:x:1"}]}, [NULL]),
        ({"type": "JsonProperty", "json": {}}, NULL),
        ({"type": "Relationship", "object": "urn:x:1"}, NULL),
        ({"type": "GeoProperty", "value": {"type": "Point", "coordinates": [1, 2]}}, NULL),
    ],
)
def test_every_kind_can_be_gone(instance: dict[str, Any], null: Any) -> None:
    gone = deleted_instance(instance)
    member = next(name for name in instance if name != "type")
    assert gone == {"type": instance["type"], member: null}
    document = {"id": "urn:x:1", "type": "X", "a": gone}
    assert write_entity(document, CORE) == document
    assert write_entity(document, CORE, Shape(format="simplified"))["a"] == NULL
    assert write_entity(document, CORE, Shape(format="concise"))["a"] == NULL
