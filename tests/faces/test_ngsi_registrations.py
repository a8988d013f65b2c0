"""Registrations over HTTP: the whole life of one, and the queries that find it."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from quanyu.faces.http.ngsi.problem import ERRORS
from quanyu.kernel.ngsi.context import CORE
from tests.faces.city import STATION, Knock

BASE = "/ngsi-ld/v1/csourceRegistrations"
ID = "urn:ngsi-ld:ContextSourceRegistration:1"


def source(**members: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "type": "ContextSourceRegistration",
        "endpoint": "http://source.example.org:1026",
        "information": [{"entities": [{"type": "Car"}], "propertyNames": ["speed"], "relationshipNames": ["owner"]}],
        **members,
    }


def send(knock: Knock, method: str, path: str, body: Any, media: str = "application/json") -> httpx.Response:
    return knock(method, path, "admin", content=msgspec.json.encode(body), headers={"Content-Type": media})


def kind(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    return str(response.json()["type"]).removeprefix(ERRORS)


def ids(knock: Knock, query: str) -> list[str]:
    return [each["id"] for each in knock.json("GET", f"{BASE}?{query}", "admin")]


def test_the_life_of_a_registration(knock: Knock) -> None:
    made = send(knock, "POST", BASE, source())
    assert (made.status_code, made.headers["location"]) == (201, f"{BASE}/{ID}")
    assert kind(send(knock, "POST", BASE, source()), 409) == "AlreadyExists"
    assert knock.json("GET", f"{BASE}/{ID}", "admin") == source()
    linked = knock("GET", f"{BASE}/{ID}", "admin", headers={"Accept": "application/ld+json"}).json()
    assert linked["@context"] == CORE.source
    assert send(knock, "PATCH", f"{BASE}/{ID}", {"description": "d"}, "application/merge-patch+json").status_code == 204
    told = knock.json("GET", f"{BASE}/{ID}?options=sysAttrs", "admin")
    assert (told["description"], told["createdAt"]) == ("d", "2026-03-02T00:00:00Z")
    assert send(knock, "PATCH", f"{BASE}/{ID}", {"description": None}).status_code == 204
    assert knock("DELETE", f"{BASE}/{ID}", "admin").status_code == 204
    assert kind(knock("GET", f"{BASE}/{ID}", "admin"), 404) == "ResourceNotFound"
    assert kind(send(knock, "PATCH", f"{BASE}/{ID}", {"description": "d"}), 404) == "ResourceNotFound"
    assert kind(knock("DELETE", f"{BASE}/{ID}", "admin"), 404) == "ResourceNotFound"
    assert kind(knock("GET", f"{BASE}/nothing", "admin"), 400) == "BadRequestData"
    assert knock("DELETE", f"{BASE}/", "admin").status_code == 405
    nameless = source()
    del nameless["id"]
    assert send(knock, "POST", BASE, nameless).headers["location"].startswith(f"{BASE}/urn:ngsi-ld:ContextSource")


def test_registrations_are_found_by_what_they_provide(knock: Knock) -> None:
    made: list[dict[str, Any]] = [
        {"location": {"type": "Point", "coordinates": [116.4, 39.9]}},
        {"information": [{"propertyNames": ["colour"]}], "grade": "A"},
        {"observationInterval": {"startAt": "2020-01-01T00:00:00Z", "endAt": "2021-01-01T00:00:00Z"}},
    ]
    for number, members in enumerate(made):
        assert send(knock, "POST", BASE, source(id=f"urn:r:{number}", **members)).status_code == 201
    assert ids(knock, "type=Car") == ["urn:r:0", "urn:r:1"]
    assert ids(knock, "type=Car&attrs=owner,x") == ["urn:r:0"]
    assert ids(knock, "attrs=colour") == ["urn:r:1"]
    assert ids(knock, "q=colour==1") == ["urn:r:1"]
    assert ids(knock, 'type=Car&csf=grade=="A"') == ["urn:r:1"]
    assert ids(knock, "type=Car&georel=near;maxDistance==9000&geometry=Point&coordinates=[116.4,39.9]") == ["urn:r:0"]
    assert ids(knock, "type=Car&timerel=before&timeAt=2020-06-01T00:00:00Z") == ["urn:r:2"]
    assert ids(knock, "type=Car&timerel=after&timeAt=2020-06-01T00:00:00Z") == ["urn:r:2"]
    assert ids(knock, "type=Car&timerel=between&timeAt=2022-06-01T00:00:00Z&endTimeAt=2023-01-01T00:00:00Z") == []
    assert ids(knock, "id=urn:x:1") == ["urn:r:0", "urn:r:1"]
    page = knock("GET", f"{BASE}?type=Car&limit=1&offset=1&count=true", "admin")
    assert page.headers["ngsild-results-count"] == "2"
    assert f'<{BASE}?type=Car&limit=1&offset=0&count=true>;rel="prev"' in page.headers["link"]
    assert 'rel="next"' not in page.headers["link"]
    counted = knock("GET", f"{BASE}?type=Car&limit=0&count=true", "admin")
    assert (counted.json(), counted.headers["ngsild-results-count"]) == ([], "2")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "idPattern=x",
        "type=Car&id=x",
        "type=Car&q=(",
        "type=Car&georel=within",
        "type=Car&timerel=before",
        "type=Car&timeAt=2020-01-01T00:00:00Z",
        "type=Car&timerel=between&timeAt=2020-01-01T00:00:00Z",
        "type=Car&timerel=soon&timeAt=2020-01-01T00:00:00Z",
        "type=Car&timerel=after&timeAt=2020-01-01T00:00:00Z&timeproperty=x",
        "type=Car&limit=0",
        "type=Car&idPattern=(",
    ],
)
def test_a_query_that_cannot_be_answered_is_refused(standing: Knock, query: str) -> None:
    assert kind(standing("GET", f"{BASE}?{query}", "admin"), 400) == "BadRequestData"


def test_a_source_is_not_redirected_to_for_what_stands_here(knock: Knock) -> None:
    for entity in ({"type": "AirQualityObserved"}, {"type": "AirQualityObserved", "idPattern": "dongsi$"}):
        sent = source(mode="redirect", information=[{"entities": [entity]}])
        assert kind(send(knock, "POST", BASE, sent), 409) == "Conflict"
    elsewhere = {"type": "AirQualityObserved", "idPattern": "xidan$"}
    assert (
        send(knock, "POST", BASE, source(mode="redirect", information=[{"entities": [elsewhere]}])).status_code == 201
    )
    assert STATION.endswith("dongsi")


def test_the_source_says_who_it_is(standing: Knock) -> None:
    told = standing.json("GET", "/ngsi-ld/v1/info/sourceIdentity", "admin")
    assert told["id"] == f"urn:ngsi-ld:ContextSourceIdentity:{told['contextSourceAlias']}"
    assert told["contextSourceUptime"] == "PT0S"
    assert told["contextSourceTimeAt"].endswith("Z")
