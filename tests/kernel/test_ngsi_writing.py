"""How an entity is written: three formats, whole or in part, in one language, as GeoJSON."""

from typing import Any

import pytest

from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.geojson import geojson_collection, geojson_feature
from quanyu.kernel.ngsi.language import choose, parse_lang
from quanyu.kernel.ngsi.members import NULL
from quanyu.kernel.ngsi.projection import levels, parse_projection
from quanyu.kernel.ngsi.writing import Shape, is_self_written, write_entities, write_entity
from tests.kernel.ngsi_words import CITY, CORE

CONCISE, SIMPLIFIED = Shape(format="concise"), Shape(format="simplified")
POINT = {"type": "Point", "coordinates": [1, 2]}
GPS = {"datasetId": "urn:x:gps"}
AT = 1_583_049_600_500_000
KINDS: list[tuple[Any, Any, Any]] = [
    ({"type": "Property", "value": 4}, 4, 4),
    ({"type": "Property", "value": 4, "unitCode": "C62"}, {"value": 4, "unitCode": "C62"}, 4),
    ({"type": "Property", "value": {"a": 1}}, {"a": 1}, {"a": 1}),
    ({"type": "Property", "value": {"value": 1}}, {"value": {"value": 1}}, {"value": 1}),
    ({"type": "Property", "value": {"type": "x"}}, {"value": {"type": "x"}}, {"type": "x"}),
    ({"type": "Property", "value": [{"object": 1}]}, {"value": [{"object": 1}]}, [{"object": 1}]),
    ({"type": "Property", "value": POINT}, {"type": "Property", "value": POINT}, POINT),
    ({"type": "GeoProperty", "value": POINT}, POINT, POINT),
    ({"type": "GeoProperty", "value": POINT, **GPS}, {"value": POINT, **GPS}, POINT),
    ({"type": "Relationship", "object": "urn:x:1"}, {"object": "urn:x:1"}, "urn:x:1"),
    ({"type": "Relationship", "object": ["urn:x:1"]}, {"object": ["urn:x:1"]}, ["urn:x:1"]),
    ({"type": "LanguageProperty", "languageMap": {"en": "x"}},) + ({"languageMap": {"en": "x"}},) * 2,
    ({"type": "VocabProperty", "vocab": "a"}, {"vocab": "a"}, {"vocab": "a"}),
    ({"type": "JsonProperty", "json": {"a": 1}}, {"json": {"a": 1}}, {"json": {"a": 1}}),
    ({"type": "ListProperty", "valueList": [1, 2]}, {"valueList": [1, 2]}, [1, 2]),
    ({"type": "ListRelationship", "objectList": [{"object": "urn:x:1"}]}, {"objectList": ["urn:x:1"]}, ["urn:x:1"]),
    ({"type": "Property", "value": NULL}, NULL, NULL),
    ({"type": "LanguageProperty", "languageMap": {"@none": NULL}}, NULL, NULL),
    (
        {"type": "Property", "value": 1, "accuracy": {"type": "Property", "value": 2}},
        {"value": 1, "accuracy": 2},
        1,
    ),
    (
        [{"type": "Property", "value": 1}, {"type": "Property", "value": 2, **GPS}],
        [{"value": 1}, {"value": 2, **GPS}],
        {"dataset": {"@none": 1, "urn:x:gps": 2}},
    ),
]


@pytest.mark.parametrize(("stored", "concise", "simplified"), KINDS)
def test_every_kind_has_three_forms(stored: Any, concise: Any, simplified: Any) -> None:
    document = {"id": "urn:x:1", "type": "Car", "probe": stored}
    assert write_entity(document, CORE) == document
    assert write_entity(document, CORE, CONCISE)["probe"] == concise
    assert write_entity(document, CORE, SIMPLIFIED)["probe"] == simplified


CITY_NAME = "https://city.example/"
ENTITY = {
    "id": "urn:x:1",
    "type": [f"{CITY_NAME}Building", "Other"],
    "scope": "/a",
    f"{CITY_NAME}pm25": {"type": "Property", "value": 4, f"{CITY_NAME}accuracy": {"type": "Property", "value": 1}},
    f"{CITY_NAME}owner": {"type": "Relationship", "object": "urn:x:2", "objectType": [f"{CITY_NAME}City", "X"]},
    "kind": {"type": "VocabProperty", "vocab": f"{CITY_NAME}monument"},
}


def test_names_are_written_in_the_words_of_the_context() -> None:
    assert write_entity(ENTITY, CITY) == {
        "id": "urn:x:1",
        "type": ["Building", "Other"],
        "scope": "/a",
        "pm25": {"type": "Property", "value": 4, "accuracy": {"type": "Property", "value": 1}},
        "owner": {"type": "Relationship", "object": "urn:x:2", "objectType": ["City", "X"]},
        "kind": {"type": "VocabProperty", "vocab": "monument"},
    }
    assert write_entity(ENTITY, CITY, SIMPLIFIED)["kind"] == {"vocab": "monument"}
    assert write_entity(ENTITY, CORE) == ENTITY


OBSERVED = {
    "id": "urn:x:1",
    "type": "Car",
    "createdAt": AT,
    "modifiedAt": AT,
    "expiresAt": "2100-01-01T00:00:00Z",
    "speed": {
        "type": "Property",
        "value": 4,
        "observedAt": AT,
        "provenance": "simulated:green/air",
        "createdAt": AT,
        "expiresAt": "2100-01-01T00:00:00Z",
        "accuracy": {"type": "Property", "value": 1, "modifiedAt": AT},
    },
    "fuel": {"type": "Property", "value": 4, "observedAt": AT, "provenance": "reported:alice"},
    "name": {"type": "Property", "value": 4, "provenance": {"type": "Property", "value": "survey"}},
}
TEXT = "2020-03-01T08:00:00.5Z"


def test_what_a_view_lays_over_is_written_in_words() -> None:
    assert write_entity(OBSERVED, CORE) == {
        "id": "urn:x:1",
        "type": "Car",
        "speed": {
            "type": "Property",
            "value": 4,
            "observedAt": TEXT,
            "provenance": {"type": "Property", "value": "simulated:green/air"},
            "accuracy": {"type": "Property", "value": 1},
        },
        "fuel": {"type": "Property", "value": 4, "observedAt": TEXT},
        "name": {"type": "Property", "value": 4, "provenance": {"type": "Property", "value": "survey"}},
    }
    assert write_entity(OBSERVED, CORE, CONCISE)["speed"] == {
        "value": 4,
        "observedAt": TEXT,
        "provenance": "simulated:green/air",
        "accuracy": 1,
    }


def test_system_members_are_written_when_asked_for() -> None:
    written = write_entity(OBSERVED, CORE, Shape(sys=True))
    assert (written["createdAt"], written["modifiedAt"], written["expiresAt"]) == (TEXT, TEXT, "2100-01-01T00:00:00Z")
    assert written["speed"]["createdAt"] == TEXT
    assert written["speed"]["expiresAt"] == "2100-01-01T00:00:00Z"
    assert written["speed"]["accuracy"] == {"type": "Property", "value": 1, "modifiedAt": TEXT}
    simplified = write_entity(OBSERVED, CORE, Shape(format="simplified", sys=True))
    assert (simplified["createdAt"], simplified["speed"]) == (TEXT, 4)


def test_only_what_is_asked_for_is_written() -> None:
    def members(**asked: Any) -> list[str]:
        return list(write_entity(ENTITY, CITY, Shape(**asked)))

    pm25, owner = f"{CITY_NAME}pm25", f"{CITY_NAME}owner"
    assert members(pick=("id", pm25)) == ["id", "pm25"]
    assert members(pick=("type",)) == ["type"]
    assert members(pick=("nothing",)) == []
    assert members(omit=("id", pm25, "scope")) == ["type", "owner", "kind"]
    assert members(omit=("type", (owner, ("id",)))) == ["id", "scope", "pm25", "owner", "kind"]
    assert members(attrs=(owner,)) == ["id", "type", "scope", "owner"]
    assert write_entities([ENTITY, OBSERVED], CORE, Shape(pick=("speed",), format="simplified")) == [{"speed": 4}]


def test_only_the_datasets_asked_for_are_written() -> None:
    several = [{"type": "Property", "value": n, "datasetId": f"urn:x:{n}"} for n in range(3)]
    document = {"id": "urn:x:1", "type": "Car", "a": [*several, {"type": "Property", "value": 9}], "b": several[0]}

    def asked(*dataset: str) -> Any:
        return write_entity(document, CORE, Shape(dataset=dataset, format="simplified"))

    assert asked("urn:x:0") == {"id": "urn:x:1", "type": "Car", "a": 0, "b": 0}
    assert asked("urn:x:1", "@none") == {"id": "urn:x:1", "type": "Car", "a": {"dataset": {"urn:x:1": 1, "@none": 9}}}
    assert asked("urn:x:7") == {"id": "urn:x:1", "type": "Car"}


@pytest.mark.parametrize(
    ("lang", "tag", "text"),
    [
        ("fr;q=0.2,nl;q=0.9", "nl", "Grote Markt"),
        ("FR", "fr", "Grand Place"),
        ("nl-BE", "nl", "Grote Markt"),
        ("en", "en-US", "Main Square"),
        ("en-GB,*;q=0.5", "fr", "Grand Place"),
        ("pt", "fr", "Grand Place"),
        ("fr;q=0,nl", "nl", "Grote Markt"),
        ("*", "fr", "Grand Place"),
    ],
)
def test_the_best_language_is_chosen(lang: str, tag: str, text: str) -> None:
    texts = {"fr": "Grand Place", "nl": "Grote Markt", "en-US": "Main Square"}
    assert choose(texts, parse_lang(lang)) == (tag, text)


def test_a_language_filter_turns_a_map_into_a_property() -> None:
    street = {
        "type": "LanguageProperty",
        "languageMap": {"en": "x", "@none": "y"},
        "note": {"type": "Property", "value": 1},
    }
    document = {"id": "urn:x:1", "type": "Car", "street": street}
    assert write_entity(document, CORE, Shape(lang="en"))["street"] == {
        "type": "Property",
        "value": "x",
        "lang": "en",
        "note": {"type": "Property", "value": 1},
    }
    assert write_entity(document, CORE, Shape(lang="fr", format="concise"))["street"] == {
        "value": "y",
        "lang": "@none",
        "note": 1,
    }
    assert write_entity(document, CORE, Shape(lang="en", format="simplified"))["street"] == "x"
    gone = document | {"street": {"type": "LanguageProperty", "languageMap": {"@none": NULL}}}
    assert write_entity(gone, CORE, Shape(lang="en")) == gone


@pytest.mark.parametrize("text", ["", ",", "fr;q=x", "fr;p=1", "fr;q=2", "f r", "fr," * 40, "x" * 600])
def test_a_language_filter_that_cannot_be_read_is_invalid(text: str) -> None:
    with pytest.raises(Invalid) as fault:
        parse_lang(text)
    assert fault.value.code == "lang.syntax"


def test_projections_name_members_of_linked_entities() -> None:
    picked = parse_projection("id,owner{id|isIn{pm25}},pm25", CITY)
    owner, pm25 = f"{CITY_NAME}owner", f"{CITY_NAME}pm25"
    assert picked == ("id", (owner, ("id", ("isIn", (pm25,)))), pm25)
    assert parse_projection(["id", "owner{id}"], CITY) == ("id", (owner, ("id",)))
    assert (levels(picked), levels(("id",)), levels(None)) == (2, 0, 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "a,",
        "a||b",
        "a{",
        "a{}",
        "a}b",
        "a{b}}",
        "a b",
        "{a}",
        [],
        [5],
        "a{" * 11 + "b" + "}" * 11,
        "a," * 2000,
    ],
)
def test_a_projection_that_cannot_be_read_is_invalid(text: Any) -> None:
    with pytest.raises(Invalid) as fault:
        parse_projection(text, CORE, "omit")
    assert fault.value.code in ("projection.syntax", "entity.name")
    assert fault.value.where == "omit"


def test_a_shape_is_plain_when_the_stored_text_is_the_answer() -> None:
    assert Shape().plain(CORE)
    assert not Shape().plain(CITY)
    for asked in (
        {"format": "concise"},
        {"sys": True},
        {"lang": "en"},
        {"pick": ("id",)},
        {"omit": ("id",)},
        {"attrs": ("a",)},
        {"dataset": ("@none",)},
    ):
        assert not Shape(**asked).plain(CORE)


def test_a_document_that_expires_somewhere_is_not_its_own_answer() -> None:
    expiring = {"type": "Property", "value": 1, "expiresAt": "2100-01-01T00:00:00Z"}
    document = {"id": "urn:x:1", "type": ["Car"], "a": {"type": "Property", "value": {"expiresAt": 1}}}
    assert is_self_written(document)
    assert not is_self_written(document | {"expiresAt": "2100-01-01T00:00:00Z"})
    assert not is_self_written(document | {"b": expiring})
    assert not is_self_written(document | {"b": [{"type": "Property", "value": 1}, expiring]})
    assert not is_self_written(document | {"b": {"type": "Property", "value": 1, "c": expiring}})
    assert not is_self_written(document | {"b": {"type": "Property", "value": 1, "c": [expiring, expiring]}})


def test_an_entity_is_a_feature_with_the_geometry_of_its_default_instance() -> None:
    document = {
        "id": "urn:x:1",
        "type": "Car",
        "location": [
            {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [9, 9]}, **GPS},
            {"type": "GeoProperty", "value": POINT},
        ],
        "speed": {"type": "Property", "value": 5},
    }
    feature = geojson_feature(document, CORE)
    assert feature == {
        "id": "urn:x:1",
        "type": "Feature",
        "geometry": POINT,
        "properties": {"type": "Car", "location": document["location"], "speed": {"type": "Property", "value": 5}},
    }
    assert geojson_feature(document, CORE, Shape(geometry="speed"))["geometry"] is None
    assert geojson_feature(document, CORE, Shape(geometry="area"))["geometry"] is None
    assert geojson_feature(document, CORE, Shape(dataset=("urn:x:gps",)))["geometry"]["coordinates"] == [9, 9]
    simplified = geojson_feature(document, CORE, SIMPLIFIED)
    assert simplified["properties"] == {
        "type": "Car",
        "location": {"dataset": {"urn:x:gps": {"type": "Point", "coordinates": [9, 9]}, "@none": POINT}},
        "speed": 5,
    }
    assert geojson_feature(document, CORE, Shape(), {"id": "urn:x:1", "a": 1})["properties"] == {"a": 1}
    assert geojson_collection([feature]) == {"type": "FeatureCollection", "features": [feature]}
