"""The temporal API over HTTP: what it takes, shows, changes, deletes and refuses."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from quanyu.faces.http.ngsi.problem import ERRORS
from quanyu.kernel.ngsi.context import CORE
from tests.faces.city import STATION, Knock

BASE = "/ngsi-ld/v1/temporal/entities"
ID = "urn:ngsi-ld:Vehicle:A4567"


def number(value: float, time: str, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": f"2020-09-01T{time}Z", **more}


CAR: dict[str, Any] = {
    "id": ID,
    "type": "Vehicle",
    "speed": [number(120, "12:03:00"), number(80, "12:05:00"), number(100, "12:07:00")],
    "fuelLevel": [number(67, "12:03:00"), number(53, "13:05:00"), number(40, "14:07:00", datasetId="urn:x:fuel")],
}


def send(knock: Knock, method: str, path: str, body: Any, media: str = "application/json") -> httpx.Response:
    return knock(method, path, "admin", content=msgspec.json.encode(body), headers={"Content-Type": media})


def kind(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    return str(response.json()["type"]).removeprefix(ERRORS)


def told(knock: Knock, document: dict[str, Any] = CAR) -> None:
    made = send(knock, "POST", BASE, document)
    assert (made.status_code, made.headers["location"]) == (201, f"{BASE}/{document['id']}")
    assert made.content == b""


def read(knock: Knock, query: str = "", id: str = ID) -> Any:
    return knock.json("GET", f"{BASE}/{id}?{query}", "admin")


def bare(instances: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in each.items() if name != "instanceId"} for each in instances]


def test_an_evolution_is_made_extended_and_read(knock: Knock) -> None:
    told(knock)
    document = read(knock)
    assert (document["id"], document["type"]) == (ID, "Vehicle")
    assert bare(document["speed"]) == CAR["speed"]
    assert bare(document["fuelLevel"]) == CAR["fuelLevel"]
    assert send(knock, "POST", BASE, {**CAR, "speed": [number(121, "12:03:00")]}).status_code == 204
    assert [each["value"] for each in read(knock)["speed"]] == [121, 80, 100]
    more = {"colour": [{"type": "Property", "value": "red", "observedAt": "2020-09-01T12:00:00Z"}]}
    assert send(knock, "POST", f"{BASE}/{ID}/attrs/", more).status_code == 204
    assert bare(read(knock)["colour"]) == more["colour"]
    unknown = send(knock, "POST", f"{BASE}/urn:ngsi-ld:Vehicle:none/attrs", more)
    assert kind(unknown, 404) == "ResourceNotFound"


def test_an_instance_is_changed_and_keeps_its_id(knock: Knock) -> None:
    told(knock)
    first = read(knock)["speed"][0]["instanceId"]
    path = f"{BASE}/{ID}/attrs/speed/{first}"
    assert send(knock, "PATCH", path, {"value": 129}).status_code == 204
    changed = read(knock, "options=sysAttrs")["speed"][0]
    assert (changed["value"], changed["instanceId"]) == (129, first)
    assert changed["observedAt"] == "2020-09-01T12:03:00Z"
    assert send(knock, "PATCH", path, {"unitCode": "KMH", "value": 1.5}).status_code == 204
    assert read(knock)["speed"][0]["unitCode"] == "KMH"
    assert kind(send(knock, "PATCH", path, {"type": "Relationship", "object": "urn:x:y"}), 400) == "BadRequestData"
    assert knock("DELETE", path, "admin").status_code == 204
    assert [each["value"] for each in read(knock)["speed"]] == [80, 100]
    assert kind(knock("DELETE", path, "admin"), 404) == "ResourceNotFound"
    assert kind(knock("DELETE", f"{BASE}/{ID}/attrs/speed/urn:x:1", "admin"), 404) == "ResourceNotFound"
    assert kind(knock("DELETE", f"{BASE}/{ID}/attrs/speed/no-uri", "admin"), 400) == "BadRequestData"
    other = read(knock)["fuelLevel"][0]["instanceId"]
    assert kind(send(knock, "PATCH", f"{BASE}/{ID}/attrs/speed/{other}", {"value": 1}), 404) == "ResourceNotFound"


@pytest.mark.parametrize(
    ("query", "left"),
    [("", [40]), ("datasetId=@none", [40]), ("datasetId=urn:x:fuel", [67, 53]), ("deleteAll=true", None)],
)
def test_attributes_are_deleted_by_dataset(knock: Knock, query: str, left: list[int] | None) -> None:
    told(knock)
    assert knock("DELETE", f"{BASE}/{ID}/attrs/fuelLevel?{query}", "admin").status_code == 204
    document = read(knock)
    assert [each["value"] for each in document.get("fuelLevel", [])] == (left or [])
    assert ("fuelLevel" in document) == (left is not None)
    assert kind(knock("DELETE", f"{BASE}/{ID}/attrs/fuelLevel?{query}", "admin"), 404) == "ResourceNotFound"


def test_an_evolution_is_deleted(knock: Knock) -> None:
    told(knock)
    assert knock("DELETE", f"{BASE}/{ID}", "admin").status_code == 204
    assert kind(knock("GET", f"{BASE}/{ID}", "admin"), 404) == "ResourceNotFound"
    assert kind(knock("DELETE", f"{BASE}/{ID}", "admin"), 404) == "ResourceNotFound"
    assert kind(knock("DELETE", f"{BASE}/no-uri", "admin"), 400) == "BadRequestData"
    assert kind(knock("DELETE", f"{BASE}/{ID}/attrs/speed", "admin"), 404) == "ResourceNotFound"
    told(knock)


def test_the_past_of_what_was_deleted_is_deleted_too(knock: Knock) -> None:
    entity = {"id": ID, "type": "Vehicle", "speed": number(120, "12:03:00")}
    assert send(knock, "POST", "/ngsi-ld/v1/entities", entity).status_code == 201
    assert knock("DELETE", f"/ngsi-ld/v1/entities/{ID}", "admin").status_code == 204
    assert bare(read(knock)["speed"])[0] == number(120, "12:03:00")
    assert knock("DELETE", f"{BASE}/{ID}/attrs/speed", "admin").status_code == 204
    assert knock("DELETE", f"{BASE}/{ID}", "admin").status_code == 204
    assert knock("GET", f"{BASE}/{ID}", "admin").status_code == 404
    assert kind(knock("DELETE", f"{BASE}/{ID}", "admin"), 404) == "ResourceNotFound"


def test_times_are_asked_for(knock: Knock) -> None:
    told(knock)

    def speeds(query: str) -> list[Any]:
        return [each["value"] for each in read(knock, query).get("speed", [])]

    assert speeds("timerel=before&timeAt=2020-09-01T12:05:00Z") == [120]
    assert speeds("timerel=after&timeAt=2020-09-01T12:05:00.000Z") == [80, 100]
    assert speeds("timerel=between&timeAt=2020-09-01T12:03:00Z&endTimeAt=2020-09-01T12:07:00Z") == [120, 80]
    assert speeds("timerel=before&timeAt=2020-09-01T12:05:00Z&timeproperty=createdAt") == []
    assert speeds("lastN=1") == [100]
    stamped = read(knock, "timeproperty=createdAt")["speed"][0]
    assert ("createdAt" in stamped, "modifiedAt" in stamped) == (True, False)
    assert read(knock, "timeproperty=modifiedAt&options=temporalValues")["speed"]["values"][0][1] > "2026"


def test_attributes_are_chosen(knock: Knock) -> None:
    told(knock)
    assert read(knock, "attrs=speed").keys() == {"id", "type", "speed"}
    assert read(knock, "pick=speed").keys() == {"speed"}
    assert read(knock, "pick=id,speed").keys() == {"id", "speed"}
    assert read(knock, "omit=type,speed").keys() == {"id", "fuelLevel"}
    assert [each["value"] for each in read(knock, "datasetId=urn:x:fuel")["fuelLevel"]] == [40]
    for query in ("attrs=unknown", "pick=unknown", "omit=id,type,speed,fuelLevel"):
        assert kind(knock("GET", f"{BASE}/{ID}?{query}", "admin"), 404) == "ResourceNotFound"


def test_values_and_aggregates_are_short(knock: Knock) -> None:
    told(knock)
    expected = {
        "type": "Property",
        "values": [[120, "2020-09-01T12:03:00Z"], [80, "2020-09-01T12:05:00Z"], [100, "2020-09-01T12:07:00Z"]],
    }
    for query in ("options=temporalValues", "format=temporalValues", "format=temporalValues&options=aggregatedValues"):
        assert read(knock, f"attrs=speed&{query}")["speed"] == expected
    assert read(knock, "options=temporalValues")["fuelLevel"][1]["datasetId"] == "urn:x:fuel"
    query = "attrs=speed&options=aggregatedValues&aggrMethods=avg,max&aggrPeriodDuration=PT1H"
    assert read(knock, query)["speed"] == {
        "type": "Property",
        "avg": [[100.0, "2020-09-01T12:03:00Z", "2020-09-01T13:03:00Z"]],
        "max": [[120.0, "2020-09-01T12:03:00Z", "2020-09-01T13:03:00Z"]],
    }


def test_who_has_nothing_in_the_span_has_no_aggregates(knock: Knock) -> None:
    told(
        knock,
        {
            "id": ID,
            "type": "Vehicle",
            "owner": {"type": "Property", "value": "li", "observedAt": "2017-07-29T12:00:04Z"},
        },
    )
    told(knock, {**CAR, "id": "urn:x:2"})
    query = "type=Vehicle&timerel=after&timeAt=2020-01-01T00:00:00Z&options=aggregatedValues&aggrMethods=avg"
    found = knock.json("GET", f"{BASE}?{query}&aggrPeriodDuration=PT1H", "admin")
    assert [each["id"] for each in found] == ["urn:x:2"]


def test_a_long_evolution_is_told_in_parts(knock: Knock) -> None:
    speed = [number(each, f"12:{each:02}:00") for each in range(30)]
    told(knock, {**CAR, "speed": speed, "fuelLevel": [number(1, "15:00:00")]})
    knock.hub.temporal_page = 20
    part = knock("GET", f"{BASE}/{ID}?timerel=after&timeAt=2019-01-01T00:00:00Z", "admin")
    assert part.status_code == 206
    assert part.headers["content-range"] == "date-time 2019-01-01T00:00:00Z-2020-09-01T12:19:00Z/*"
    assert (len(part.json()["speed"]), part.json()["fuelLevel"]) == (20, [])
    short = knock("GET", f"{BASE}/{ID}?options=temporalValues", "admin")
    assert short.headers["content-range"] == "date-time 2020-09-01T12:00:00Z-2020-09-01T12:19:00Z/*"
    assert short.json()["fuelLevel"] == {"type": "Property", "values": []}
    newest = knock("GET", f"{BASE}/{ID}?lastN=40", "admin")
    assert newest.headers["content-range"] == "date-time 2020-09-01T15:00:00Z-2020-09-01T12:11:00Z/40"
    between = "timerel=between&timeAt=2019-01-01T00:00:00Z&endTimeAt=2021-01-01T00:00:00Z"
    last = knock("GET", f"{BASE}/{ID}?lastN=40&{between}", "admin")
    assert last.headers["content-range"] == "date-time 2021-01-01T00:00:00Z-2020-09-01T12:11:00Z/40"


def test_entities_are_queried_by_their_past(knock: Knock) -> None:
    told(knock)
    told(knock, {"id": "urn:ngsi-ld:Bus:1", "type": "Bus", "speed": [number(45, "12:03:00")]})
    window = "timerel=after&timeAt=2020-01-01T00:00:00Z"

    def ids(query: str) -> list[str]:
        return sorted(each["id"] for each in knock.json("GET", f"{BASE}?{window}&{query}", "admin"))

    assert ids("type=Vehicle") == [ID]
    assert ids("type=Vehicle,Bus") == ["urn:ngsi-ld:Bus:1", ID]
    assert ids("local=true") == ["urn:ngsi-ld:Bus:1", ID]
    assert ids("type=Vehicle,Bus&q=speed>110") == [ID]
    assert ids("attrs=fuelLevel") == [ID]
    assert ids(f"type=Vehicle&id={ID}") == [ID]
    assert ids("type=Vehicle&idPattern=Bus") == []
    page = knock("GET", f"{BASE}?{window}&type=Vehicle,Bus&orderBy=id;desc&limit=1&count=true", "admin")
    assert ([each["id"] for each in page.json()], page.headers["ngsild-results-count"]) == ([ID], "2")
    assert 'rel="next"' in page.headers["link"]
    body = {
        "type": "Query",
        "entities": [{"type": "Vehicle"}, {"type": "Bus"}],
        "temporalQ": {"timerel": "after", "timeAt": "2020-01-01T00:00:00Z", "lastN": 1},
    }
    found = send(knock, "POST", "/ngsi-ld/v1/temporal/entityOperations/query", body).json()
    assert sorted((each["id"], each["speed"][0]["value"]) for each in found) == [("urn:ngsi-ld:Bus:1", 45), (ID, 100)]
    body["temporalQ"] = {"timerel": "after", "timeAt": "2020-01-01T00:00:00Z", "aggrMethods": ["max"]}
    found = send(knock, "POST", "/ngsi-ld/v1/temporal/entityOperations/query", body).json()
    assert {each["id"]: each["speed"]["max"][0][0] for each in found} == {"urn:ngsi-ld:Bus:1": 45, ID: 120}


def test_what_the_context_tells_is_told_in_the_words_of_a_context(knock: Knock) -> None:
    patch = {"name": {"type": "Property", "value": "西四"}}
    assert send(knock, "PATCH", f"/ngsi-ld/v1/entities/{STATION}", patch).status_code == 204
    assert knock("DELETE", f"/ngsi-ld/v1/entities/{STATION}/attrs/name", "admin").status_code == 204
    document = read(knock, id=STATION)
    assert [each["value"] for each in document["name"]] == ["东四", "西四"]
    gone = read(knock, "timeproperty=deletedAt", STATION)
    assert gone["name"][0] | {"instanceId": "", "deletedAt": ""} == {
        "type": "Property",
        "value": "urn:ngsi-ld:null",
        "instanceId": "",
        "deletedAt": "",
    }
    linked = knock("GET", f"{BASE}/{STATION}", "admin", headers={"Accept": "application/ld+json"}).json()
    assert linked["@context"] == CORE.source


BETWEEN = "timerel=between&timeAt=2020-01-01T00:00:00Z"
AFTER = "timerel=after&timeAt=2020-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("query", "type_"),
    [
        ("type=Vehicle", "BadRequestData"),
        (AFTER, "BadRequestData"),
        (f"{AFTER}&id={ID}", "BadRequestData"),
        (f"{AFTER}&attrs=createdAt", "BadRequestData"),
        ("timerel=after&type=Vehicle", "BadRequestData"),
        (f"{BETWEEN}&type=Vehicle", "BadRequestData"),
        ("timerel=during&timeAt=2020-01-01T00:00:00Z&type=Vehicle", "BadRequestData"),
        ("timerel=after&timeAt=2020-01-01&type=Vehicle", "BadRequestData"),
        (f"{AFTER}&type=Vehicle&timeproperty=expiresAt", "BadRequestData"),
        (f"{AFTER}&type=Vehicle&lastN=0", "BadRequestData"),
        (f"{AFTER}&type=Vehicle&lastN=x", "BadRequestData"),
        (f"{AFTER}&type=Vehicle&options=aggregatedValues", "BadRequestData"),
        (f"{AFTER}&type=Vehicle&options=aggregatedValues&aggrMethods=most", "BadRequestData"),
        (f"{AFTER}&type=Vehicle&options=aggregatedValues&aggrMethods=avg&aggrPeriodDuration=1h", "BadRequestData"),
        (f"{AFTER}&type=Vehicle&pick=a&attrs=b", "BadRequestData"),
        (f"{AFTER}&type=Vehicle&pick=a&omit=a", "BadRequestData"),
        (f"{AFTER}&type=Vehicle&pick=owner{{name}}", "BadRequestData"),
        (f"{AFTER}&type=Vehicle&q=owner{{name}}==1", "BadRequestData"),
        (f"{AFTER}&type=Vehicle&orderBy=name", "BadRequestData"),
        (f"{AFTER}&type=Vehicle&options=none", "InvalidRequest"),
        (f"{AFTER}&type=Vehicle&format=none", "InvalidRequest"),
        (f"{AFTER}&type=Vehicle&page=1", "InvalidRequest"),
    ],
)
def test_a_question_that_means_nothing_is_refused(knock: Knock, query: str, type_: str) -> None:
    assert kind(knock("GET", f"{BASE}?{query}", "admin"), 400) == type_


@pytest.mark.parametrize(
    "temporal",
    [
        None,
        {"timerel": "after", "timeAt": "2020-01-01T00:00:00Z", "lastN": 2.5},
        {"timerel": "after", "timeAt": "2020-01-01T00:00:00Z", "lastN": 0},
        {"timerel": "during", "timeAt": "2020-01-01T00:00:00Z"},
        {"timerel": "between", "timeAt": "2020-01-01T00:00:00Z"},
        {"timeAt": "2020-01-01T00:00:00Z"},
    ],
)
def test_a_body_that_means_nothing_is_refused(knock: Knock, temporal: Any) -> None:
    body = {"type": "Query", "entities": [{"type": "Vehicle"}], "temporalQ": temporal}
    refused = send(knock, "POST", "/ngsi-ld/v1/temporal/entityOperations/query", body)
    assert kind(refused, 400) == "BadRequestData"


def test_a_telling_that_means_nothing_changes_nothing(knock: Knock) -> None:
    for document in (
        {"type": "Vehicle"},
        {"id": ID},
        {"id": "no-uri", "type": "Vehicle"},
        {**CAR, "speed": [{"type": "Property"}]},
    ):
        assert send(knock, "POST", BASE, document).status_code == 400
    assert kind(knock("GET", f"{BASE}/{ID}", "admin"), 404) == "ResourceNotFound"
    far = send(knock, "POST", f"{BASE}/{ID}/attrs", {"id": "urn:x:other", "speed": []})
    assert kind(far, 400) == "BadRequestData"


def test_a_stranger_learns_nothing(knock: Knock) -> None:
    told(knock)
    for method, path in (("GET", f"{BASE}/{ID}"), ("DELETE", f"{BASE}/{ID}"), ("GET", f"{BASE}?type=Vehicle&{AFTER}")):
        assert knock(method, path).status_code == 401
        assert knock(method, path, "nobody").status_code == 403
    seen = knock.json("GET", f"{BASE}/{STATION}", "duty")
    assert "phone" not in seen
    assert "phone" in knock.json("GET", f"{BASE}/{STATION}", "admin", headers={"Quanyu-Purpose": "care"})
