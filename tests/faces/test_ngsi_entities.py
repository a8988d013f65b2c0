"""Entities over HTTP: their whole life, their attributes, and the queries that find them."""

from __future__ import annotations

from typing import Any

import pytest

from quanyu.faces.http.ngsi import entities as face
from quanyu.faces.http.ngsi.problem import ERRORS
from tests.faces.cars import BASE, CAR, DEFAULT, batch, car, get, ids, kind, put, send
from tests.faces.city import STATION, Knock

# -- one entity ------------------------------------------------------------------------------------------------------------


def test_an_entity_is_made_read_and_deleted(knock: Knock) -> None:
    made = send(knock, "POST", BASE, car())
    assert (made.status_code, made.headers["location"]) == (201, f"{BASE}/{CAR}")
    assert get(knock, f"{BASE}/{CAR}").json() == car()
    assert kind(send(knock, "POST", BASE, car()), 409) == "AlreadyExists"
    assert kind(send(knock, "POST", BASE, {"id": CAR}), 400) == "BadRequestData"
    assert kind(send(knock, "POST", BASE, [car()]), 400) == "InvalidRequest"
    assert kind(get(knock, f"{BASE}/car"), 400) == "BadRequestData"
    assert knock("DELETE", f"{BASE}/{CAR}", "admin").status_code == 204
    assert kind(get(knock, f"{BASE}/{CAR}"), 404) == "ResourceNotFound"
    assert kind(knock("DELETE", f"{BASE}/{CAR}", "admin"), 404) == "ResourceNotFound"


def test_the_forms_of_an_answer(knock: Knock) -> None:
    put(knock, location={"type": "GeoProperty", "value": {"type": "Point", "coordinates": [116, 39]}})
    simple = get(knock, f"{BASE}/{CAR}?format=simplified").json()
    assert simple["speed"] == 50
    assert simple == get(knock, f"{BASE}/{CAR}?options=keyValues").json()
    assert get(knock, f"{BASE}/{CAR}?options=concise").json()["speed"] == {"value": 50, "unitCode": "KMH"}
    assert get(knock, f"{BASE}/{CAR}?options=sysAttrs").json()["createdAt"] == "2026-03-02T00:00:00Z"
    assert get(knock, f"{BASE}/{CAR}?pick=id,speed&format=simplified").json() == {"id": CAR, "speed": 50}
    assert "owner" not in get(knock, f"{BASE}/{CAR}?omit=owner").json()
    assert set(get(knock, f"{BASE}/{CAR}?attrs=speed").json()) == {"id", "type", "speed"}
    feature = get(knock, f"{BASE}/{CAR}?format=simplified", Accept="application/geo+json").json()
    assert (feature["type"], feature["geometry"]["coordinates"]) == ("Feature", [116, 39])
    features = get(knock, f"{BASE}?type=Car", Accept="application/geo+json").json()
    assert (features["type"], len(features["features"])) == ("FeatureCollection", 1)
    assert get(knock, f"{BASE}/{CAR}?type=Car").status_code == 200


@pytest.mark.parametrize(
    ("query", "status", "expected"),
    [
        ("attrs=colour", 404, "ResourceNotFound"),
        ("pick=colour", 404, "ResourceNotFound"),
        ("type=Bus", 404, "ResourceNotFound"),
        ("pick=id&omit=id", 400, "BadRequestData"),
        ("pick=id&attrs=speed", 400, "BadRequestData"),
        ("format=xml", 400, "InvalidRequest"),
        ("options=everything", 400, "InvalidRequest"),
        ("geometryProperty=place", 400, "BadRequestData"),
        ("join=both", 400, "BadRequestData"),
        ("join=inline&joinLevel=0", 400, "BadRequestData"),
        ("pick=owner{name}", 400, "BadRequestData"),
        ("datasetId=x", 400, "BadRequestData"),
        ("entityMap=true", 501, "OperationNotSupported"),
    ],
)
def test_what_cannot_be_shown_is_said(knock: Knock, query: str, status: int, expected: str) -> None:
    put(knock)
    assert kind(get(knock, f"{BASE}/{CAR}?{query}"), status) == expected


def test_linked_entities_come_along(knock: Knock) -> None:
    put(knock)
    person = {"id": "urn:ngsi-ld:Person:li", "type": "Person", "name": "李"}
    assert send(knock, "POST", BASE, person).status_code == 201
    inline = get(knock, f"{BASE}/{CAR}?join=inline&format=simplified").json()
    assert inline["owner"] == person
    flat = get(knock, f"{BASE}?type=Car&join=flat&format=simplified").json()
    assert [each["id"] for each in flat] == [CAR, person["id"]]
    picked = get(knock, f"{BASE}/{CAR}?join=inline&pick=owner{{name}}&format=simplified").json()
    assert picked == {"owner": {"name": "李"}}
    assert ids(knock, 'q=owner{name}=="李"&join=inline') == [CAR]
    assert kind(get(knock, f'{BASE}?q=owner{{name}}=="李"'), 400) == "BadRequestData"


def test_replace_and_merge(knock: Knock) -> None:
    put(knock)
    assert send(knock, "PUT", f"{BASE}/{CAR}", {"id": CAR, "type": "Car", "colour": "red"}).status_code == 204
    assert get(knock, f"{BASE}/{CAR}?format=simplified").json() == {"id": CAR, "type": "Car", "colour": "red"}
    assert send(knock, "PUT", f"{BASE}/{CAR}", {"colour": "blue"}).status_code == 204, "id and type stand"
    fragment = {"colour": {"value": "green"}, "speed": {"type": "Property", "value": 5}}
    assert send(knock, "PATCH", f"{BASE}/{CAR}", fragment, "application/merge-patch+json").status_code == 204
    assert send(knock, "PATCH", f"{BASE}/{CAR}?options=keyValues", {"speed": 6}).status_code == 204
    assert send(knock, "PATCH", f"{BASE}/{CAR}", {"colour": "urn:ngsi-ld:null"}).status_code == 204
    found = get(knock, f"{BASE}/{CAR}?format=simplified").json()
    assert found == {"id": CAR, "type": "Car", "speed": 6}
    at = "2026-03-01T00:00:00Z"
    assert send(knock, "PATCH", f"{BASE}/{CAR}", {"speed": {"value": 1, "observedAt": at}}).status_code == 204
    later = "2026-03-01T01:00:00Z"
    assert send(knock, "PATCH", f"{BASE}/{CAR}?observedAt={later}", {"speed": {"value": 2}}).status_code == 204
    assert get(knock, f"{BASE}/{CAR}").json()["speed"]["observedAt"] == later
    for method in ("PUT", "PATCH"):
        other = {"id": "urn:x:2", "type": "Car"}
        assert kind(send(knock, method, f"{BASE}/{CAR}", other), 400) == "BadRequestData"
        assert kind(send(knock, method, f"{BASE}/urn:x:9", {"colour": "red"}), 404) == "ResourceNotFound"
        assert send(knock, method, f"{BASE}/{CAR}?type=Bus", {"type": "Car"}).status_code == 404
    assert send(knock, "PATCH", f"{BASE}/urn:x:9?options=keyValues", {"colour": "red"}).status_code == 404


# -- attributes ------------------------------------------------------------------------------------------------------------


def test_attributes_are_appended_updated_changed_replaced_and_deleted(knock: Knock) -> None:
    put(knock)
    attrs = f"{BASE}/{CAR}/attrs"
    assert send(knock, "POST", attrs, {"colour": {"type": "Property", "value": "red"}}).status_code == 204
    left = send(knock, "POST", f"{attrs}?options=noOverwrite", {"colour": "blue", "doors": 4})
    assert left.status_code == 207
    assert left.json()["updated"] == [f"{DEFAULT}doors"]
    assert [each["attributeName"] for each in left.json()["notUpdated"]] == [f"{DEFAULT}colour"]
    assert send(knock, "PATCH", attrs, {"colour": "green", "wheels": 4}).status_code == 204
    scoped = send(knock, "PATCH", attrs, {"scope": "/a"})
    assert (scoped.status_code, scoped.json()["notUpdated"][0]["attributeName"]) == (207, "scope")
    assert send(knock, "PATCH", f"{attrs}/speed", {"value": 60}).status_code == 204
    assert get(knock, f"{BASE}/{CAR}").json()["speed"] == {"type": "Property", "value": 60, "unitCode": "KMH"}
    assert send(knock, "PUT", f"{attrs}/speed", {"type": "Property", "value": 70}).status_code == 204
    assert get(knock, f"{BASE}/{CAR}").json()["speed"] == {"type": "Property", "value": 70}
    assert knock("DELETE", f"{attrs}/colour", "admin").status_code == 204
    assert kind(knock("DELETE", f"{attrs}/colour", "admin"), 404) == "ResourceNotFound"
    assert kind(send(knock, "PATCH", f"{attrs}/colour", {"value": 1}), 404) == "ResourceNotFound"
    assert kind(send(knock, "PUT", f"{attrs}/colour", {"value": 1}), 404) == "ResourceNotFound"
    assert send(knock, "POST", f"{BASE}/urn:x:9/attrs", {"a": 1}).status_code == 404
    assert send(knock, "PATCH", f"{attrs}?type=Bus", {"a": 1}).status_code == 404
    assert kind(send(knock, "PATCH", f"{BASE}//attrs", {"a": 1}), 400) == "BadRequestData"


def test_instances_are_told_apart_by_their_dataset(knock: Knock) -> None:
    put(knock, speed=[{"type": "Property", "value": 1}, {"type": "Property", "value": 2, "datasetId": "urn:d:2"}])
    attrs = f"{BASE}/{CAR}/attrs/speed"
    assert send(knock, "PATCH", attrs, {"value": 3, "datasetId": "urn:d:2"}).status_code == 204
    assert get(knock, f"{BASE}/{CAR}?datasetId=urn:d:2&pick=speed").json()["speed"]["value"] == 3
    assert knock("DELETE", f"{attrs}?datasetId=urn:d:2", "admin").status_code == 204
    assert get(knock, f"{BASE}/{CAR}?pick=speed").json()["speed"] == {"type": "Property", "value": 1}
    assert knock("DELETE", f"{attrs}?deleteAll=true", "admin").status_code == 204
    assert "speed" not in get(knock, f"{BASE}/{CAR}").json()


# -- queries ---------------------------------------------------------------------------------------------------------------


def fill(knock: Knock, count: int = 5) -> list[str]:
    made = [f"urn:ngsi-ld:Car:{number}" for number in range(count)]
    for number, id in enumerate(made):
        place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [116 + number / 10, 39]}}
        put(knock, id=id, speed=number * 10, location=place, scope=f"/city/d{number % 2}")
    return made


def test_entities_are_found_by_every_part_of_a_query(knock: Knock) -> None:
    cars = fill(knock)
    assert ids(knock, "type=Car") == cars
    assert ids(knock, "type=Car,Bus&idPattern=[34]$") == cars[3:]
    assert ids(knock, f"type=Car&id={cars[1]},{cars[2]}") == cars[1:3]
    assert ids(knock, "q=speed>=30") == cars[3:]
    assert ids(knock, "attrs=speed") == cars
    assert ids(knock, "type=Car&scopeQ=/city/d0") == cars[::2]
    assert ids(knock, "type=Car&georel=near;maxDistance==9e3&geometry=Point&coordinates=[116,39]") == cars[:2]
    assert ids(knock, "type=Car&orderBy=speed;desc") == cars[::-1]
    assert ids(knock, "type=*&idPattern=Car:0") == cars[:1]
    assert set(ids(knock, "local=true")) == {*cars, STATION}
    assert ids(knock, "type=Bus") == []


def test_pages_link_to_one_another_and_count(knock: Knock, monkeypatch: pytest.MonkeyPatch) -> None:
    cars = fill(knock)
    page = get(knock, f"{BASE}?type=Car&limit=2&offset=2&count=true")
    assert [each["id"] for each in page.json()] == cars[2:4]
    assert page.headers["ngsild-results-count"] == "5"
    assert f'<{BASE}?type=Car&limit=2&offset=0&count=true>;rel="prev"' in page.headers["link"]
    assert f'<{BASE}?type=Car&limit=2&offset=4&count=true>;rel="next"' in page.headers["link"]
    assert 'rel="next"' not in get(knock, f"{BASE}?type=Car&limit=3&offset=2").headers["link"]
    assert get(knock, f"{BASE}?type=Car&limit=0&count=true").json() == []
    ordered = get(knock, f"{BASE}?type=Car&limit=2&orderBy=speed")
    assert 'rel="next"' in ordered.headers["link"]
    monkeypatch.setattr(face, "SHALLOW_MAX", 2)
    deep, seen = f"{BASE}?type=Car&limit=2", list[str]()
    while deep:
        page = get(knock, deep)
        seen += [each["id"] for each in page.json()]
        following = [link for link in page.headers["link"].split(", ") if 'rel="next"' in link]
        deep = following[0].partition(">")[0].removeprefix("<") if following else ""
    assert seen == cars, "also where a page continues from the last entity"


@pytest.mark.parametrize(
    "query",
    ["", "id=urn:x:1", "q=createdAt>=2020-01-01T00:00:00Z", "type=Car&limit=0", "type=Car&limit=1001", "type=(", "q=(",
     "type=Car&georel=within", "type=*&local=false", "type=Car&id=x", "type=Car&orderBy=location;dist-asc"],
)  # fmt: skip
def test_a_query_that_cannot_be_answered_is_refused(standing: Knock, query: str) -> None:
    assert kind(get(standing, f"{BASE}?{query}"), 400) == "BadRequestData"


def test_a_query_is_given_in_a_body_too(knock: Knock) -> None:
    cars = fill(knock)
    path = "/ngsi-ld/v1/entityOperations/query"

    def found(**members: Any) -> list[str]:
        response = send(knock, "POST", path, {"type": "Query", **members})
        assert response.status_code == 200, response.text
        return [each["id"] for each in response.json()]

    assert found(entities=[{"type": "Car", "idPattern": "[01]$"}]) == cars[:2]
    assert found(q="speed>30") == cars[4:]
    near = {"georel": "near;maxDistance==100", "geometry": "Point", "coordinates": [116, 39]}
    assert found(geoQ=near) == cars[:1]
    several = [{"type": "Car", "id": cars[3]}, {"type": "Car", "idPattern": "[13]$"}, {"type": "Bus"}]
    assert found(entities=several) == [cars[3], cars[1]], "each once"
    assert found(entities=several, ordering={"orderBy": ["speed"]}) == [cars[1], cars[3]]
    page = send(knock, "POST", f"{path}?limit=1&count=true", {"type": "Query", "entities": several})
    assert (page.headers["ngsild-results-count"], len(page.json())) == ("2", 1)
    picked = send(knock, "POST", path, {"type": "Query", "entities": [{"type": "Car"}], "pick": ["id"]})
    assert picked.json()[0] == {"id": cars[0]}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"type": "Question", "q": "a"}, 400),
        ({"type": "Query"}, 400),
        ({"type": "Query", "entities": []}, 400),
        ({"type": "Query", "entities": [{"id": "urn:x:1"}]}, 400),
        ({"type": "Query", "entities": [{"type": "A"}] * 101}, 400),
        ({"type": "Query", "q": "a", "unknown": 1}, 400),
        ({"type": "Query", "q": "a", "temporalQ": {"timerel": "after"}}, 400),
        ({"type": "Query", "q": "a", "entityMap": True}, 501),
    ],
)
def test_a_body_that_is_no_query_is_refused(standing: Knock, body: dict[str, Any], status: int) -> None:
    assert send(standing, "POST", "/ngsi-ld/v1/entityOperations/query", body).status_code == status


def test_a_purge_deletes_what_it_finds_or_attributes_of_it(knock: Knock) -> None:
    cars = fill(knock)
    assert knock("DELETE", f"{BASE}?q=speed>=30", "admin").status_code == 204
    assert ids(knock, "type=Car") == cars[:3]
    assert knock("DELETE", f"{BASE}?type=Car&drop=owner", "admin").status_code == 204
    assert knock("DELETE", f"{BASE}?type=Car&keep=speed", "admin").status_code == 204
    assert set(get(knock, f"{BASE}/{cars[0]}").json()) == {"id", "type", "scope", "speed"}
    for query in ("", "type=Car&keep=a&drop=b", "q=owner{name}==1"):
        assert kind(knock("DELETE", f"{BASE}?{query}", "admin"), 400) == "BadRequestData"


# -- batches ---------------------------------------------------------------------------------------------------------------


def test_each_entity_of_a_batch_has_a_fate_of_its_own(knock: Knock) -> None:
    both = [car(id="urn:x:1"), car(id="urn:x:2")]
    assert (batch(knock, "create", both).status_code, batch(knock, "create", both[:0]).status_code) == (201, 400)
    again = batch(knock, "create", [car(id="urn:x:3"), both[0], {"id": "urn:x:4"}, "x"])
    assert again.status_code == 207
    assert again.json()["success"] == ["urn:x:3"]
    told = [(each["entityId"], each["error"]["type"].removeprefix(ERRORS)) for each in again.json()["errors"]]
    assert told == [("urn:x:1", "AlreadyExists"), ("urn:x:4", "BadRequestData"), ("urn:ngsi-ld:null", "BadRequestData")]
    made = batch(knock, "upsert", [both[0], car(id="urn:x:5")])
    assert (made.status_code, made.json()) == (201, ["urn:x:5"])
    assert batch(knock, "upsert", both).status_code == 204
    assert batch(knock, "upsert?options=update", [{"id": "urn:x:1", "type": "Car", "doors": 4}]).status_code == 204
    assert {"speed", "doors"} <= get(knock, f"{BASE}/urn:x:1").json().keys()
    assert batch(knock, "upsert?options=update,replace", both).status_code == 400
    assert batch(knock, "update", [{"id": "urn:x:1", "doors": 5}]).status_code == 204
    kept = batch(knock, "update?options=noOverwrite", [{"id": "urn:x:1", "doors": 6}, {"id": "urn:x:9", "a": 1}])
    assert [each["error"]["type"].removeprefix(ERRORS) for each in kept.json()["errors"]] == [
        "AlreadyExists", "ResourceNotFound",
    ]  # fmt: skip
    assert batch(knock, "merge", [{"id": "urn:x:1", "doors": {"value": 7}}]).status_code == 204
    assert get(knock, f"{BASE}/urn:x:1?format=simplified").json()["doors"] == 7
    assert kind(batch(knock, "create", [None]), 400) == "BadRequestData"
    nameless = batch(knock, "merge", [{"doors": 1}])
    assert nameless.json()["errors"][0]["error"]["where"] == "id"
    gone = batch(knock, "delete", ["urn:x:1", "urn:x:9"])
    assert (gone.status_code, gone.json()["success"]) == (207, ["urn:x:1"])
    assert batch(knock, "delete", ["urn:x:2"]).status_code == 204
    assert kind(batch(knock, "delete", ["x"]), 400) == "BadRequestData"


def test_a_context_that_cannot_be_had_is_one_entitys_error(knock: Knock) -> None:
    body = [car(**{"@context": "https://nowhere.example.org/c.jsonld"}), car(id="urn:x:2", **{"@context": []})]
    response = batch(knock, "create", body, "application/ld+json")
    assert response.status_code == 207
    assert response.json()["success"] == ["urn:x:2"]
    assert response.json()["errors"][0]["error"]["type"].removeprefix(ERRORS) == "LdContextNotAvailable"
    assert response.json()["errors"][0]["entityId"] == CAR


# -- discovery -------------------------------------------------------------------------------------------------------------


def test_types_and_attributes_are_discovered(knock: Knock) -> None:
    put(knock)
    put(knock, id="urn:x:2", type=["Car", "Cab"])
    base = "/ngsi-ld/v1"
    assert get(knock, f"{base}/types").json()["typeList"] == ["AirQualityObserved", "Cab", "Car"]
    details = {each["typeName"]: each for each in get(knock, f"{base}/types?details=true").json()}
    assert details["Cab"]["attributeNames"] == ["owner", "speed"]
    one = get(knock, f"{base}/types/Car").json()
    assert (one["id"], one["entityCount"]) == (f"{DEFAULT}Car", 2)
    assert {each["attributeName"]: each["attributeTypes"] for each in one["attributeDetails"]} == {
        "owner": ["Relationship"], "speed": ["Property"],
    }  # fmt: skip
    assert "speed" in get(knock, f"{base}/attributes").json()["attributeList"]
    attributes = {each["attributeName"]: each for each in get(knock, f"{base}/attributes?details=true").json()}
    assert attributes["owner"]["typeNames"] == ["Cab", "Car"]
    speed = get(knock, f"{base}/attributes/speed").json()
    assert (speed["attributeCount"], speed["attributeTypes"]) == (2, ["Property"])
    assert kind(get(knock, f"{base}/types/Bus"), 404) == "ResourceNotFound"
    assert kind(get(knock, f"{base}/attributes/wings"), 404) == "ResourceNotFound"


def test_somebody_without_the_right_is_refused_as_by_the_native_api(standing: Knock) -> None:
    assert standing("GET", f"{BASE}?type=AirQualityObserved", "duty").status_code == 200
    assert standing("POST", BASE, "duty", json=car()).status_code == 403
    assert "phone" not in standing("GET", f"{BASE}/{STATION}", "duty").json()
