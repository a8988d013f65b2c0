"""The native API: city, entities, history, search, administration, health."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faces.city import STATION, Knock, ids
from tests.faces.test_cases_api import opened


def test_the_city_says_its_time_in_its_zone(standing: Knock) -> None:
    city = standing.json("GET", "/api/v1/city", "handler")
    assert city["now"] == "2026-03-02T08:00:00+08:00"
    assert city["districts"][0]["name"]["zh"] == "朝阳区"
    assert {unit["id"] for unit in city["units"]} >= {"centre"}
    assert {"id": "administrator", "title": {"zh": "系统管理员", "en": "Administrator"}} in city["roles"]
    assert city["simulated"] is True
    outlines = standing("GET", "/api/v1/city/districts.geojson", "handler")
    assert outlines.headers["content-type"] == "application/geo+json"


def test_types_count_what_the_actor_sees_and_hide_masked_attributes(standing: Knock) -> None:
    (station,) = standing.json("GET", "/api/v1/types", "duty")["items"]
    assert (station["type"], station["count"]) == ("AirQualityObserved", 1)


@pytest.mark.parametrize("path", ["layers", "flows", "indicators", "vitals"])
def test_lists_have_items(standing: Knock, path: str) -> None:
    assert len(standing.json("GET", f"/api/v1/{path}", "duty")["items"]) == (3 if path == "flows" else 1)


def test_rules_and_parameters_are_for_those_who_keep_them(standing: Knock) -> None:
    for path in ("rules", "parameters"):
        assert standing.json("GET", f"/api/v1/{path}", "chief")["items"]
        standing.problem(403, "GET", f"/api/v1/{path}", "handler")


def test_an_indicator_shows_instants_as_text(standing: Knock) -> None:
    found = standing.json("GET", "/api/v1/indicators/pm25_day_mean", "duty")
    assert found["trend"] == [["2026-03-02T08:00:00+08:00", 41.0]]
    assert standing.problem(404, "GET", "/api/v1/indicators/nothing", "duty")["code"] == "indicator.missing"


def test_entities_are_made_read_merged_and_deleted(knock: Knock) -> None:
    id = "urn:ngsi-ld:Road:x1"
    made = knock.json("POST", "/api/v1/entities", "engineer", json={"id": id, "type": "Road", "name": "长安街"})
    assert made["outcomes"][0]["subject"] == id
    assert knock.problem(409, "POST", "/api/v1/entities", "engineer", json={"id": id, "type": "Road"})["remedy"]
    knock.json("PATCH", f"/api/v1/entities/{id}", "engineer", json={"lanes": 8, "name": None})
    found = knock.json("GET", f"/api/v1/entities/{id}", "handler")
    assert found["lanes"]["value"] == 8
    assert "name" not in found
    assert knock("DELETE", f"/api/v1/entities/{id}", "engineer").status_code == 204
    assert knock.problem(404, "GET", f"/api/v1/entities/{id}", "handler")["code"] == "entity.missing"
    knock.problem(404, "PATCH", f"/api/v1/entities/{id}", "engineer", json={})
    assert knock.problem(400, "POST", "/api/v1/entities", "engineer", json={"type": "Road"})["where"] == "id"


def test_an_idempotency_key_makes_a_repeat_harmless(knock: Knock) -> None:
    key = {"Idempotency-Key": "k1"}
    body = {"id": "urn:ngsi-ld:Road:x2", "type": "Road"}
    first = knock.json("POST", "/api/v1/entities", "engineer", json=body, headers=key)
    assert knock.json("POST", "/api/v1/entities", "engineer", json=body, headers=key) == first
    other = {"id": "urn:ngsi-ld:Road:x3", "type": "Road"}
    knock.problem(422, "POST", "/api/v1/entities", "engineer", json=other, headers=key)


def test_entities_by_box_place_condition_and_cursor(knock: Knock) -> None:
    for number in range(3):
        place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [116 + number / 10, 40]}}
        body = {"id": f"urn:ngsi-ld:Bin:{number}", "type": "Bin", "full": number * 10, "location": place}
        knock.json("POST", "/api/v1/entities", "engineer", json=body)

    def found(**query: Any) -> list[str]:
        page = knock.json("GET", "/api/v1/entities", "duty", params={"type": "Bin"} | query)
        return [id.rpartition(":")[2] for id in ids(page["items"])]

    assert found() == ["0", "1", "2"]
    assert found(q="full>=10") == ["1", "2"]
    assert found(q="full>=10;full<20") == ["1"]
    assert found(box="115.9,39.9,116.15,40.1") == ["0", "1"]
    assert found(near="116.2,40,100") == ["2"]
    assert found(ids="urn:ngsi-ld:Bin:1,urn:ngsi-ld:Bin:7") == ["1"]
    page = knock.json("GET", "/api/v1/entities?type=Bin&limit=2&count=true", "duty")
    assert page["total"] == 3
    rest = knock.json("GET", "/api/v1/entities", "duty", params={"type": "Bin", "limit": 2, "after": page["next"]})
    assert ids(rest["items"]) == ["urn:ngsi-ld:Bin:2"]


def test_personal_attributes_need_a_purpose_and_the_right(knock: Knock) -> None:
    purpose = {"Quanyu-Purpose": "%E6%A0%B8%E5%AE%9E"}
    path = f"/api/v1/entities/{STATION}"
    assert "phone" not in knock.json("GET", path, "admin")
    assert "phone" not in knock.json("GET", path, "handler", headers=purpose)
    assert knock.json("GET", path, "admin", headers=purpose)["phone"]["value"] == "13800000000"


def test_observations_are_taken_whole_or_not_at_all(knock: Knock) -> None:
    row = {"entity": STATION, "attribute": "pm25", "observedAt": "2026-03-02T07:59:00+08:00", "value": 75.5}
    taken = knock.json("POST", "/api/v1/observations", "engineer", json={"items": [row]})
    assert taken["seq"] > 0
    found = knock.json("GET", f"/api/v1/entities/{STATION}", "duty")["pm25"]
    assert found["value"] == 75.5
    assert found["provenance"] == "simulated:http"
    bad = {**row, "entity": "urn:ngsi-ld:AirQualityObserved:gone"}
    knock.problem(404, "POST", "/api/v1/observations", "engineer", json={"items": [{**row, "value": 1}, bad]})
    assert knock.json("GET", f"/api/v1/entities/{STATION}", "duty")["pm25"]["value"] == 75.5
    late = knock.problem(
        400, "POST", "/api/v1/observations", "engineer", json={"items": [{**row, "observedAt": "2026-03-02 07:59"}]}
    )
    assert late["where"] == "items[0].observedAt"


def test_history_raw_in_buckets_and_as_csv(standing: Knock) -> None:
    path = f"/api/v1/entities/{STATION}/history"
    raw = standing.json("GET", f"{path}?attribute=pm25", "duty")
    assert raw["value"] == [1.5, None]
    assert raw["at"][0].endswith("+08:00")
    assert raw["unit_symbol"] == "µg/m³"
    assert standing.json("GET", f"{path}?attribute=pm25&width=1h", "duty")["value"] == [None]
    assert standing("GET", f"{path}?attribute=pm25&format=csv", "duty").text.startswith("\ufeffat,pm25")
    standing.problem(404, "GET", f"{path}?attribute=phone", "duty")
    standing.problem(404, "GET", "/api/v1/entities/urn:x/history?attribute=pm25", "duty")
    for query in ("width=1y", "width=0h", "width=1s&from=2020-01-01T00:00:00Z", "from=2030-01-01T00:00:00Z", "fold=x"):
        assert standing.problem(400, "GET", f"{path}?attribute=pm25&{query}", "duty")["code"]


def test_search_finds_each_kind_by_its_own_right(standing: Knock) -> None:
    def kinds(text: str, who: str) -> set[str]:
        found = standing.json("GET", "/api/v1/search", who, params={"text": text})["items"]
        return {hit["kind"] for hit in found}

    assert kinds("朝阳", "duty") == {"district"}
    assert kinds("东四", "duty") == {"entity"}
    assert kinds(STATION, "duty") == {"entity"}
    assert kinds("地图", "duty") == {"page"}
    assert kinds("朝阳", "nobody") == kinds(STATION, "nobody") == set()
    standing.problem(400, "GET", "/api/v1/search", "duty")


def test_people_are_put_with_roles_or_not_at_all(knock: Knock) -> None:
    body = {"id": "person:new", "name": "新人", "roles": [{"role": "duty", "unit": "centre"}]}
    knock.json("POST", "/api/v1/people", "admin", json=body)
    bad = {"id": "person:other", "name": "他", "roles": [{"role": "king"}]}
    assert knock.problem(400, "POST", "/api/v1/people", "admin", json=bad)["code"] == "role.unknown"
    people = {each["id"]: each for each in knock.json("GET", "/api/v1/people", "admin")["items"]}
    assert people["person:new"]["name"] == "新人"
    assert people["person:new"]["grants"] == [{"role": "duty", "unit": "centre", "district": None}]
    assert "person:other" not in people
    assert len(knock.json("GET", "/api/v1/people?limit=2", "admin")["items"]) == 2
    assert "duty" in ids(knock.json("GET", "/api/v1/roles", "admin")["items"])


def test_webhooks_through_the_api(knock: Knock) -> None:
    hook = {"id": "police", "url": "https://hooks.example.org/x", "title": "Police", "kinds": ["case.opened"]}
    assert knock.json("POST", "/api/v1/webhooks", "engineer", json=hook)["secret"]
    assert "secret" not in knock.json("POST", "/api/v1/webhooks", "engineer", json={**hook, "title": "P"})
    knock.hub.settled_blocking()
    opened(knock)
    knock.hub.settled_blocking()
    (shown_,) = knock.json("GET", "/api/v1/webhooks", "engineer")["items"]
    assert (shown_["title"], shown_["waiting"]) == ("P", 1)
    (delivery,) = knock.json("GET", "/api/v1/webhooks/police/deliveries", "engineer")["items"]
    assert (delivery["kind"], delivery["state"]) == ("case.opened", "waiting")
    knock.problem(400, "GET", "/api/v1/webhooks/police/deliveries?state=lost", "engineer")
    knock.json("POST", "/api/v1/webhooks/police/replay", "engineer", json={})
    inside = {**hook, "id": "inside", "url": "http://127.0.0.1/"}
    assert knock.problem(400, "POST", "/api/v1/webhooks", "engineer", json=inside)["code"] == "webhook.url"
    assert knock("DELETE", "/api/v1/webhooks/police", "engineer").status_code == 204


def test_the_journal_in_pages(standing: Knock) -> None:
    page = standing.json("GET", "/api/v1/journal?limit=3&kind=person.put,role.granted", "admin")
    assert [each["kind"] for each in page["items"]] == ["person.put", "role.granted", "person.put"]
    following = standing.json("GET", f"/api/v1/journal?limit=3&after={page['next']}", "admin")
    assert following["items"][0]["seq"] == int(page["next"]) + 1


def test_health_readiness_and_metrics(knock: Knock) -> None:
    assert knock.json("GET", "/healthz") == {"status": "alive"}
    assert knock.json("GET", "/readyz")["status"] == "ready"
    assert knock.json("GET", "/api/v1/health", "admin")["seq"] == knock.hub.last_seq
    knock("GET", "/api/v1/nothing")
    text = knock("GET", "/metrics", "admin").text
    assert f"quanyu_journal_seq {float(knock.hub.last_seq)}" in text
    assert 'quanyu_problems_total{code="http.path"}' in text
    assert 'quanyu_reader_lag{reader="notify"}' in text
    knock.hub.runners["notify"].fault = "broken"
    found = knock.problem(503, "GET", "/readyz")
    assert "notify" in found["detail"]
    assert knock("GET", "/readyz").headers["retry-after"] == "10"
