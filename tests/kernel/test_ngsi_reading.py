"""What a sender may write of an entity, and the stored form it takes."""

from typing import Any

import pytest

from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.members import ATTRIBUTES_MAX, DEPTH_MAX, INSTANCES_MAX, MEMBERS_MAX, NULL, VALUE_DEPTH_MAX
from quanyu.kernel.ngsi.reading import decode, decode_names, read_attribute, read_entity, read_name
from tests.kernel.ngsi_words import CITY, CORE

HEAD = {"id": "urn:ngsi-ld:Building:1", "type": "Building"}
POINT = {"type": "Point", "coordinates": [116.41, 39.93]}
URI = "urn:ngsi-ld:Person:Bob"


def read(attribute: Any) -> Any:
    return read_entity(HEAD | {"probe": attribute}, CORE)["probe"]


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"type": "Property", "value": 4}, {"type": "Property", "value": 4}),
        ({"@type": "Property", "value": "Dongsi"}, {"type": "Property", "value": "Dongsi"}),
        ({"value": [1, {"a": None}]}, {"type": "Property", "value": [1, {"a": None}]}),
        (False, {"type": "Property", "value": False}),
        (["a", "b"], {"type": "Property", "value": ["a", "b"]}),
        ({"street": "Dongsi", "number": 4}, {"type": "Property", "value": {"street": "Dongsi", "number": 4}}),
        (POINT, {"type": "GeoProperty", "value": POINT}),
        ({"value": POINT}, {"type": "GeoProperty", "value": POINT}),
        ({"type": "Property", "value": POINT}, {"type": "Property", "value": POINT}),
        (
            {"type": "GeoProperty", "value": '{"type": "Point", "coordinates": [116.41, 39.93]}'},
            {"type": "GeoProperty", "value": POINT},
        ),
        ({"object": URI}, {"type": "Relationship", "object": URI}),
        ({"type": "Relationship", "object": [URI]}, {"type": "Relationship", "object": [URI]}),
        (
            {"languageMap": {"en": "x", "zh-CN": ["y", "z"], "@none": "w"}},
            {"type": "LanguageProperty", "languageMap": {"en": "x", "zh-CN": ["y", "z"], "@none": "w"}},
        ),
        ({"vocab": "monument"}, {"type": "VocabProperty", "vocab": "monument"}),
        ({"vocab": ["a", "b"]}, {"type": "VocabProperty", "vocab": ["a", "b"]}),
        ({"json": {"id": "x", "n": None}}, {"type": "JsonProperty", "json": {"id": "x", "n": None}}),
        ({"json": [{"a": 1}]}, {"type": "JsonProperty", "json": [{"a": 1}]}),
        ({"valueList": [1, [2]]}, {"type": "ListProperty", "valueList": [1, [2]]}),
        (
            {"objectList": [URI, {"object": "urn:ngsi-ld:Person:Eve"}]},
            {"type": "ListRelationship", "objectList": [{"object": URI}, {"object": "urn:ngsi-ld:Person:Eve"}]},
        ),
        (10**30, {"type": "Property", "value": 1e30}),
    ],
)
def test_every_kind_is_read_into_its_normalized_form(sent: Any, stored: Any) -> None:
    assert read(sent) == stored


def test_metadata_is_kept_in_canonical_form_and_system_members_are_ignored() -> None:
    sent = {
        "type": "Property",
        "value": 4,
        "unitCode": "C62",
        "observedAt": "2020-09-09T16:40:00.000Z",
        "expiresAt": "2100-01-01T00:00:00,50Z",
        "datasetId": "@none",
        "valueType": "xsd:double",
        "createdAt": "2020-01-01T00:00:00Z",
        "modifiedAt": "x",
        "instanceId": "urn:x:1",
        "reliability": 0.7,
        "providedBy": {"type": "Relationship", "object": URI, "since": {"value": 2020}},
    }
    assert read(sent) == {
        "type": "Property",
        "value": 4,
        "unitCode": "C62",
        "observedAt": "2020-09-09T16:40:00Z",
        "expiresAt": "2100-01-01T00:00:00.5Z",
        "valueType": "xsd:double",
        "reliability": {"type": "Property", "value": 0.7},
        "providedBy": {"type": "Relationship", "object": URI, "since": {"type": "Property", "value": 2020}},
    }


def test_head_is_read_and_aliases_mean_the_same() -> None:
    document = {
        "@id": "http://city.example/école",
        "@type": ["Škola", "Building", "Building"],
        "scope": ["/Madrid/Gardens", "Pekín"],
        "expiresAt": "2100-01-01T00:00:00.120Z",
        "createdAt": "ignored",
        "@context": "ignored",
    }
    assert read_entity(document, CORE) == {
        "id": "http://city.example/école",
        "type": ["Škola", "Building"],
        "scope": ["/Madrid/Gardens", "Pekín"],
        "expiresAt": "2100-01-01T00:00:00.12Z",
    }
    assert read_entity(HEAD | {"type": ["Building"], "scope": ["/a"]}, CORE) == HEAD | {"scope": "/a"}


def test_names_are_translated_wherever_they_stand() -> None:
    document = HEAD | {
        "pm25": {"type": "Property", "value": 4, "accuracy": 0.1},
        "owner": {"type": "Relationship", "object": URI, "objectType": "City"},
        "category": {"type": "VocabProperty", "vocab": ["monument", "other"]},
    }
    city = "https://city.example/"
    assert read_entity(document, CITY) == {
        "id": HEAD["id"],
        "type": f"{city}Building",
        f"{city}pm25": {"type": "Property", "value": 4, f"{city}accuracy": {"type": "Property", "value": 0.1}},
        f"{city}owner": {"type": "Relationship", "object": URI, "objectType": f"{city}City"},
        "category": {"type": "VocabProperty", "vocab": [f"{city}monument", "other"]},
    }
    assert read_name("pm25", CITY) == f"{city}pm25"


def test_instances_of_several_datasets_stand_in_a_list() -> None:
    sent = [{"value": 55, "datasetId": "@none"}, {"type": "Property", "value": 11, "datasetId": "urn:x:gps"}]
    assert read(sent) == [
        {"type": "Property", "value": 55},
        {"type": "Property", "value": 11, "datasetId": "urn:x:gps"},
    ]
    assert read(sent[1:]) == {"type": "Property", "value": 11, "datasetId": "urn:x:gps"}


def test_a_proof_is_sealed_for_an_entity_and_a_type() -> None:
    proof = {"value": {"type": "DataIntegrityProof"}, "entityIdSealed": URI, "entityTypeSealed": "Building"}
    read = read_entity(HEAD | {"ngsildproof": proof}, CITY)["ngsildproof"]
    assert read == {"type": "Property", **proof, "entityTypeSealed": "https://city.example/Building"}


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"x": value}
    return value


def nested(levels: int) -> Any:
    attribute: dict[str, Any] = {"type": "Property", "value": 1}
    for _ in range(levels):
        attribute = {"type": "Property", "value": 1, "sub": attribute}
    return attribute


@pytest.mark.parametrize(
    ("attribute", "code", "where"),
    [
        (None, "attribute.value", "probe.value"),
        ({"type": "Property"}, "attribute.value", "probe.value"),
        ({"type": "Property", "value": None}, "attribute.value", "probe.value"),
        ({"observedAt": "2020-01-01T00:00:00Z"}, "attribute.value", "probe.value"),
        ({"type": "Relationship"}, "attribute.value", "probe.object"),
        ({"type": "Relationship", "object": []}, "attribute.value", "probe.object"),
        ({"type": "Relationship", "object": "not a uri"}, "entity.id", "probe.object"),
        ({"type": "Relationship", "object": [URI, 5]}, "entity.id", "probe.object[1]"),
        ({"type": "LanguageProperty"}, "attribute.value", "probe.languageMap"),
        ({"languageMap": {}}, "attribute.value", "probe.languageMap"),
        ({"languageMap": {"en": 5}}, "attribute.value", "probe.languageMap.en"),
        ({"languageMap": {"en": ["a", 5]}}, "attribute.value", "probe.languageMap.en"),
        ({"languageMap": {"": "x"}}, "attribute.language", "probe.languageMap"),
        ({"languageMap": {"en": NULL}}, "attribute.null", "probe.languageMap.en"),
        ({"languageMap": {"@none": NULL}}, "attribute.null", "probe.languageMap"),
        ({"languageMap": {"en": "x"}, "valueType": "xsd:string"}, "attribute.value", "probe.valueType"),
        ({"vocab": 5}, "attribute.value", "probe.vocab"),
        ({"vocab": []}, "attribute.value", "probe.vocab"),
        ({"vocab": ["a", NULL]}, "attribute.null", "probe.vocab[1]"),
        ({"json": 5}, "attribute.value", "probe.json"),
        ({"valueList": 5}, "attribute.value", "probe.valueList"),
        ({"valueList": [1, None]}, "attribute.value", "probe.valueList[1]"),
        ({"valueList": [1, NULL]}, "attribute.null", "probe.valueList[1]"),
        ({"objectList": URI}, "attribute.value", "probe.objectList"),
        ({"objectList": ["x"]}, "entity.id", "probe.objectList[0]"),
        ({"objectList": [{"object": URI, "x": 1}]}, "attribute.value", "probe.objectList[0]"),
        ({"objectList": [URI, NULL]}, "attribute.null", "probe.objectList[1]"),
        ({"type": "Property", "value": 1, "object": URI}, "attribute.member", "probe.object"),
        ({"type": "Property", "value": 1, "previousValue": 0}, "attribute.member", "probe.previousValue"),
        ({"type": "Property", "value": 1, "entityIdSealed": URI}, "attribute.member", "probe.entityIdSealed"),
        ({"type": "Property", "value": 1, "@context": {}}, "attribute.member", "probe.@context"),
        ({"type": "Property", "value": 1, "objectType": "A"}, "attribute.member", "probe.objectType"),
        ({"object": URI, "unitCode": "MTR"}, "attribute.member", "probe.unitCode"),
        ({"object": URI, "valueType": "x"}, "attribute.member", "probe.valueType"),
        ({"object": URI, "entity": {}}, "attribute.member", "probe.entity"),
        ({"object": URI, "objectType": 5}, "entity.type", "probe.objectType"),
        ({"value": 1, "unitCode": 5}, "attribute.value", "probe.unitCode"),
        ({"value": 1, "unitCode": NULL}, "attribute.null", "probe.unitCode"),
        ({"value": 1, "datasetId": "gps"}, "entity.id", "probe.datasetId"),
        ({"value": 1, "datasetId": NULL}, "attribute.null", "probe.datasetId"),
        ({"value": 1, "observedAt": "2026-08-10T12:00:00+02:00"}, "entity.time", "probe.observedAt"),
        ({"value": 1, "observedAt": {"value": "2026-08-10T12:00:00Z"}}, "entity.time", "probe.observedAt"),
        ({"value": 1, "my sub": 1}, "entity.name", "probe.my sub"),
        ({"value": 1, "scope": 1}, "attribute.reserved", "probe.scope"),
        ({"value": 1, "sub": NULL}, "attribute.null", "probe.sub"),
        (NULL, "attribute.null", "probe"),
        ({"value": NULL}, "attribute.null", "probe.value"),
        ({"value": {"a": [{"b": NULL}]}}, "attribute.null", "probe.value"),
        ({"type": "Properti", "value": 1}, "attribute.kind", "probe.type"),
        ({"type": ["Property"], "value": 1}, "attribute.kind", "probe.type"),
        ({"type": "GeoProperty", "value": "not a geometry"}, "attribute.geometry", "probe.value"),
        (
            {"type": "GeoProperty", "value": {"type": "GeometryCollection", "geometries": []}},
            "attribute.geometry",
            "probe.value.type",
        ),
        ({"type": "GeoProperty", "value": {"type": "Point", "coordinates": [181, 0]}}, "geo.range", None),
        ({"type": "GeoProperty", "value": {"type": "Point", "coordinates": [True, 0]}}, "geo.number", None),
        ([{"value": 1}, {"value": 2, "datasetId": "@none"}], "attribute.dataset", "probe[1]"),
        ([{"value": 1}, 2], "attribute.instances", "probe[1]"),
        (
            [{"value": n, "datasetId": f"urn:x:{n}"} for n in range(INSTANCES_MAX + 1)],
            "attribute.size",
            "probe",
        ),
        ({"value": 1} | {f"s{n}": n for n in range(MEMBERS_MAX)}, "attribute.size", "probe"),
        ({"value": deep(VALUE_DEPTH_MAX + 1)}, "attribute.depth", "probe.value"),
        ({"json": deep(VALUE_DEPTH_MAX + 1)}, "attribute.depth", "probe.json"),
        (nested(DEPTH_MAX + 1), "attribute.depth", None),
        (float("nan"), "attribute.number", "probe.value"),
        ({"value": [float("inf")]}, "attribute.number", "probe.value"),
        (10**400, "attribute.number", "probe.value"),
        (b"bytes", "attribute.value", "probe.value"),
    ],
)
def test_what_is_wrong_with_an_attribute_is_said_with_its_place(attribute: Any, code: str, where: str | None) -> None:
    with pytest.raises(Invalid) as fault:
        read(attribute)
    assert fault.value.code == code
    assert where is None or fault.value.where == where


@pytest.mark.parametrize(
    ("document", "code", "where"),
    [
        ([], "entity.shape", "$"),
        ({"type": "Building"}, "entity.id", "id"),
        (HEAD | {"id": "one"}, "entity.id", "id"),
        (HEAD | {"id": 5}, "entity.id", "id"),
        (HEAD | {"id": NULL}, "attribute.null", "id"),
        ({"id": "urn:x:1"}, "entity.type", "type"),
        (HEAD | {"type": 5}, "entity.type", "type"),
        (HEAD | {"type": []}, "entity.type", "type"),
        (HEAD | {"type": [f"T{n}" for n in range(40)]}, "entity.type", "type"),
        (HEAD | {"type": "9Vehicle"}, "entity.name", "type"),
        (HEAD | {"type": ["A", "b c"]}, "entity.name", "type[1]"),
        (HEAD | {"scope": "9bad"}, "entity.scope", "scope"),
        (HEAD | {"scope": "/a//b"}, "entity.scope", "scope"),
        (HEAD | {"scope": "a-b"}, "entity.scope", "scope"),
        (HEAD | {"scope": NULL}, "attribute.null", "scope"),
        (HEAD | {"scope": ["/ok", "9bad"]}, "entity.scope", "scope[1]"),
        (HEAD | {"scope": []}, "entity.scope", "scope"),
        (HEAD | {"scope": 5}, "entity.scope", "scope"),
        (HEAD | {"expiresAt": "tomorrow"}, "entity.time", "expiresAt"),
        (HEAD | {"my attr": 1}, "entity.name", "my attr"),
        (HEAD | {"datasetId": {"type": "Property", "value": 1}}, "attribute.reserved", "datasetId"),
        (HEAD | {"instanceId": 1}, "attribute.reserved", "instanceId"),
        (HEAD | {"observedAt": 1}, "attribute.reserved", "observedAt"),
        (HEAD | {"value": 1}, "attribute.reserved", "value"),
        (HEAD | {"location": {"type": "Property", "value": 7}}, "attribute.kind", "location.type"),
        (HEAD | {"location": "here"}, "attribute.kind", "location.type"),
        (HEAD | {"ngsildproof": {"type": "Property", "value": "x"}}, "attribute.value", "ngsildproof.value"),
        (HEAD | {f"a{n}": n for n in range(ATTRIBUTES_MAX + 1)}, "entity.size", "$"),
    ],
)
def test_what_is_wrong_with_an_entity_is_said_with_its_place(document: Any, code: str, where: str) -> None:
    with pytest.raises(Invalid) as fault:
        read_entity(document, CORE)
    assert (fault.value.code, fault.value.where) == (code, where)


def test_two_words_for_one_name_are_refused() -> None:
    both = {"pm25": 1, "https://city.example/pm25": 2}
    with pytest.raises(Invalid) as fault:
        read_entity(HEAD | both, CITY)
    assert fault.value.code == "attribute.twice"
    both = {"accuracy": 1, "https://city.example/accuracy": 2}
    with pytest.raises(Invalid) as fault:
        read_entity(HEAD | {"x": {"value": 1, **both}}, CITY)
    assert fault.value.code == "attribute.twice"


def test_one_attribute_is_read_by_itself() -> None:
    assert read_attribute("pm25", {"value": 1, "@context": "x"}, CORE) == {"type": "Property", "value": 1}
    assert read_attribute("pm25", {"value": NULL}, CORE, nulls=True) == NULL


def test_names_are_decoded_while_their_values_wait() -> None:
    body = b'{"id": "urn:x:1", "type": "Building", "@context": "x", "pm25": {"value": 1}}'
    members = decode_names(body, CITY)
    assert list(members) == ["id", "type", "@context", "https://city.example/pm25"]
    assert bytes(members["https://city.example/pm25"]) == b'{"value": 1}'
    assert list(decode_names(b'{"a": 1}', CORE)) == ["a"]


@pytest.mark.parametrize("body", [b"", b"{", b'{"a": 01}', b"\xff", b'"\\ud800"', b"[" * 100_000, b"1e999"])
def test_a_body_that_is_no_json_is_invalid(body: bytes) -> None:
    for read_body in (decode, lambda body: decode_names(body, CORE)):
        with pytest.raises(Invalid) as fault:
            read_body(body)
        assert fault.value.code == "body.json"
