"""The native API: what it answers, what it refuses, and in which words."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from quanyu.faces import http
from quanyu.faces.http import problem
from quanyu.faces.http.body import JSON_BYTES_MAX
from quanyu.faces.http.shown import FORMULA_STARTS, cell, shown
from quanyu.kernel.errors import Conflict, Denied, Invalid, Missing, QuanyuError, Unavailable, Unsupported
from tests.faces.city import STATION, Knock, ids
from tests.hubs import MORNING


def opened(knock: Knock, who: str = "duty", **body: Any) -> str:
    given_ = {"flow": "inspect_source", "text": "工地扬尘", "place": {"district": "110105"}} | body
    return str(knock.json("POST", "/api/v1/cases", who, json=given_)["id"])


def act(knock: Knock, id: str, who: str, action: str, **body: Any) -> Any:
    version = knock.json("GET", f"/api/v1/cases/{id}", "chief")["version"]
    sent = {"action": action, "version": version} | body
    return knock.json("POST", f"/api/v1/cases/{id}/actions", who, json=sent)["case"]


# -- the city and what is declared ------------------------------------------------------------------------------------


def test_the_city_says_its_time_in_its_zone(standing: Knock) -> None:
    city = standing.json("GET", "/api/v1/city", "handler")
    assert city["now"] == "2026-03-02T08:00:00+08:00"
    assert city["districts"][0]["name"]["zh"] == "朝阳区"
    assert {unit["id"] for unit in city["units"]} >= {"centre"}
    assert city["simulated"] is True
    outlines = standing("GET", "/api/v1/city/districts.geojson", "handler")
    assert outlines.headers["content-type"] == "application/geo+json"


def test_types_count_what_the_actor_sees_and_hide_masked_attributes(standing: Knock) -> None:
    (station,) = standing.json("GET", "/api/v1/types", "duty")["items"]
    assert (station["type"], station["count"]) == ("AirQualityObserved", 1)


@pytest.mark.parametrize("path", ["layers", "flows", "indicators", "vitals"])
def test_lists_have_items(standing: Knock, path: str) -> None:
    assert len(standing.json("GET", f"/api/v1/{path}", "duty")["items"]) == 1


def test_rules_and_parameters_are_for_those_who_keep_them(standing: Knock) -> None:
    for path in ("rules", "parameters"):
        assert len(standing.json("GET", f"/api/v1/{path}", "chief")["items"]) == 1
        standing.problem(403, "GET", f"/api/v1/{path}", "handler")


def test_an_indicator_shows_instants_as_text(standing: Knock) -> None:
    found = standing.json("GET", "/api/v1/indicators/pm25_day_mean", "duty")
    assert found["trend"] == [["2026-03-02T08:00:00+08:00", 41.0]]
    assert standing.problem(404, "GET", "/api/v1/indicators/nothing", "duty")["code"] == "indicator.missing"


# -- entities ---------------------------------------------------------------------------------------------------------


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


# -- cases ------------------------------------------------------------------------------------------------------------


def test_a_case_walks_through_the_api(knock: Knock) -> None:
    id = opened(knock)
    case = knock.json("GET", f"/api/v1/cases/{id}", "duty")
    assert case["opened_at"] == "2026-03-02T08:00:00+08:00"
    assert "accept" in [each["action"] for each in case["next"]]
    after = act(knock, id, "duty", "accept")
    assert after["version"] == case["version"] + 1
    assert after["step"] == "dispatch"


def test_an_action_on_an_old_version_is_a_conflict(knock: Knock) -> None:
    id = opened(knock)
    path = f"/api/v1/cases/{id}/actions"
    response = knock("GET", f"/api/v1/cases/{id}", "duty")
    tag = response.headers["etag"]
    assert tag == f'"{response.json()["version"]}"'
    differ = {"action": "accept", "version": 99}
    assert knock.problem(412, "POST", path, "duty", json=differ, headers={"If-Match": tag})["where"] == "If-Match"
    assert knock("POST", path, "duty", json={"action": "accept"}, headers={"If-Match": tag}).status_code == 200
    stale = knock.problem(409, "POST", path, "duty", json={"action": "accept"}, headers={"If-Match": tag})
    assert stale["remedy"]


def test_who_may_not_act_is_refused_and_changes_nothing(knock: Knock) -> None:
    id = opened(knock)
    before = knock.json("GET", f"/api/v1/cases/{id}", "chief")
    for who in ("handler", "engineer", "nobody"):
        body = {"action": "accept", "version": before["version"]}
        assert knock.problem(403, "POST", f"/api/v1/cases/{id}/actions", who, json=body)["remedy"]
    assert knock.json("GET", f"/api/v1/cases/{id}", "chief") == before


def test_lists_and_counts_show_a_unit_its_own_cases_only(knock: Knock) -> None:
    id = opened(knock)
    act(knock, id, "duty", "accept")
    knock.json("POST", "/api/v1/people/person:duty/roles", "admin", json={"role": "dispatcher", "unit": "centre"})
    act(knock, id, "duty", "dispatch", fields={})
    for who, count in (("chief", 1), ("handler", 1), ("street", 0)):
        page = knock.json("GET", "/api/v1/cases?count=true", who)
        assert (len(page["items"]), page["total"]) == (count, count)
        assert knock.json("GET", "/api/v1/cases/lists", who)["open"] == count
        found = [hit["id"] for hit in knock.json("GET", "/api/v1/search?text=扬尘", who)["items"]]
        assert (id in found) is bool(count)
        rows = list(csv.reader(io.StringIO(knock("GET", "/api/v1/cases?format=csv", who).text)))
        assert len(rows) == (count + 1 if count else 1)
    knock.problem(404, "GET", f"/api/v1/cases/{id}", "street")
    knock.problem(404, "GET", "/api/v1/cases/urn:ngsi-ld:Case:20260302-99", "chief")


def test_the_reporter_goes_to_the_vault(knock: Knock) -> None:
    id = opened(knock, "clerk", reporter={"name": "赵六", "phone": "13900001111"})
    assert "13900001111" not in knock("GET", "/api/v1/journal?limit=1000", "admin").text
    assert "13900001111" not in knock("GET", f"/api/v1/cases/{id}", "chief").text


def photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(out, "JPEG")
    return out.getvalue()


def test_a_photo_is_seen_only_through_its_case(knock: Knock) -> None:
    kept = knock.json("POST", "/api/v1/files", "duty", content=photo(), headers={"Content-Type": "image/jpeg"})
    assert (kept["type"], kept["width"], kept["height"]) == ("image/jpeg", 64, 48)
    form = knock.json("POST", "/api/v1/files", "duty", files={"file": ("a.jpg", photo(), "image/jpeg")})
    assert form["sha256"] == kept["sha256"]
    lie = {"sha256": kept["sha256"], "type": "text/html"}
    id = opened(knock, files=[lie])
    response = knock("GET", f"/api/v1/cases/{id}/files/{kept['sha256']}", "duty")
    assert response.headers["content-type"] == "image/jpeg", "judged by content, not by what was said"
    assert "sandbox" in response.headers["content-security-policy"]
    knock.problem(404, "GET", f"/api/v1/cases/{id}/files/{kept['sha256']}", "street")
    other = opened(knock)
    knock.problem(404, "GET", f"/api/v1/cases/{other}/files/{kept['sha256']}", "duty")
    knock.problem(404, "GET", f"/api/v1/cases/{id}/files/{'0' * 64}", "duty")


def test_files_that_are_refused(standing: Knock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quanyu.faces.http.route.FILE_BYTES_MAX", 1000)
    path = "/api/v1/files"
    assert standing.problem(415, "POST", path, "duty", content=b"<html>")["code"] == "file.type"
    assert standing.problem(400, "POST", path, "duty", content=b"")["code"] == "file.empty"
    assert standing.problem(413, "POST", path, "duty", content=b"x" * 1001)["code"] == "http.too_large"
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    words = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n'
    assert standing.problem(400, "POST", path, "duty", content=words, headers=form)["code"] == "file.empty"
    for content in (b"--x\r\nbroken", b"garbage", b"--x\r\n\x00: \xff\r\n\r\n"):
        code = standing.problem(400, "POST", path, "duty", content=content, headers=form)["code"]
        assert code in ("file.empty", "http.form")
    bare = {"Content-Type": "multipart/form-data"}
    assert standing.problem(400, "POST", path, "duty", content=words, headers=bare)["code"] == "http.form"


# -- search, administration, health -----------------------------------------------------------------------------------


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


# -- the form of answers and refusals ---------------------------------------------------------------------------------


def test_every_route_is_described(standing: Knock) -> None:
    described = standing.json("GET", "/api/openapi.json")
    assert described["openapi"] == "3.1.0"
    for route in http.table():
        operation = described["paths"][route.path][route.method.lower()]
        assert operation["summary"]
        assert operation["description"], f"{route.path} says nothing"
        assert operation["x-permission"] == route.permission
    names = [each["name"] for each in described["paths"]["/api/v1/cases"]["get"]["parameters"]]
    assert {"list", "from", "to", "after"} <= set(names)
    text = json.dumps(described)
    for reference in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert reference in described["components"]["schemas"]
    operations = [each["operationId"] for path in described["paths"].values() for each in path.values()]
    assert len(operations) == len(set(operations))


def test_unknown_and_bad_parameters_are_named(standing: Knock) -> None:
    unknown = standing.problem(400, "GET", "/api/v1/cases?lst=open", "duty")
    assert (unknown["code"], unknown["where"]) == ("http.query", "lst")
    assert "list" in unknown["remedy"]
    for query in ("list=x", "limit=0", "limit=abc", "limit=2&limit=3", "from=yesterday", "box=1,2,3", "after=!"):
        assert standing.problem(400, "GET", f"/api/v1/cases?{query}", "duty")["where"]
    for query in ("q=pm25~3", "box=a,b,c,d", "near=1,2", "limit=99999999"):
        assert standing.problem(400, "GET", f"/api/v1/entities?{query}", "duty")["where"]


@pytest.mark.parametrize(
    ("content", "media", "status", "code"),
    [
        (b'{"flow": 5}', "application/json", 400, "http.shape"),
        (b'{"flow": "x", "shoe": 1}', "application/json", 400, "http.shape"),
        (b'{"flow": "x", "place": {"lon": "a"}}', "application/json", 400, "http.shape"),
        (b"{", "application/json", 400, "http.json"),
        (b"\xff\xfe", "application/json", 400, "http.json"),
        (b"", "application/json", 400, "http.json"),
        (b"[" * 100_000, "application/json", 400, "http.shape"),
        (b"{}", "text/plain", 415, "http.media_type"),
        (b"{}", "", 415, "http.media_type"),
        (b" " * (JSON_BYTES_MAX + 1), "application/json", 413, "http.too_large"),
    ],
)
def test_bad_bodies(standing: Knock, content: bytes, media: str, status: int, code: str) -> None:
    headers = {"Content-Type": media} if media else {}
    found = standing.problem(status, "POST", "/api/v1/cases", "duty", content=content, headers=headers)
    assert found["code"] == code
    assert found["remedy"]
    if b"lon" in content:
        assert found["where"] == "place.lon"


def test_a_body_without_a_length_is_stopped_while_it_streams(standing: Knock) -> None:
    async def endless() -> Any:
        for _ in range(10):
            yield b" " * 1_000_000

    headers = {"Content-Type": "application/json"}
    standing.problem(413, "POST", "/api/v1/cases", "duty", content=endless(), headers=headers)


def test_unknown_paths_and_methods(standing: Knock) -> None:
    assert standing.problem(404, "GET", "/api/v1/nothing")["code"] == "http.path"
    wrong = standing("PUT", "/api/v1/cases", "duty")
    assert wrong.status_code == 405
    assert wrong.headers["allow"] == "GET, POST"
    assert standing("HEAD", "/healthz").status_code == 200


def test_what_is_unchanged_is_not_sent_again(standing: Knock) -> None:
    tag = standing("GET", "/api/v1/layers", "duty").headers["etag"]
    again = standing("GET", "/api/v1/layers", "duty", headers={"If-None-Match": tag})
    assert again.status_code == 304
    assert again.content == b""


def test_our_own_failure_says_nothing_of_our_inside(standing: Knock, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object) -> Any:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(type(standing.hub.catalogue), "layers", broken)
    found = standing.problem(500, "GET", "/api/v1/layers", "duty")
    assert found["code"] == "http.internal"
    assert found["error_id"] in found["remedy"]
    assert "hunter2" not in json.dumps(found)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Invalid("x"), 400),
        (Denied("x"), 403),
        (Missing("x"), 404),
        (Conflict("x"), 409),
        (Unsupported("x"), 501),
        (Unavailable("x", retry_after_s=3), 503),
        (QuanyuError("x"), 500),
        (Denied("x", code="access.stranger"), 401),
        (Conflict("x", code="idempotency.reused"), 422),
    ],
)
def test_each_kind_of_error_has_its_status(error: QuanyuError, status: int) -> None:
    response = problem.answer(error, "/x")
    document = msgspec.json.decode(response.body)
    assert (response.status_code, document["status"]) == (status, status)
    assert document["code"] == error.code
    assert ("retry-after" in response.headers) == (status == 503)
    assert problem.outcome(None, "/x") is None


def test_csv_opens_as_text_in_a_spreadsheet() -> None:
    assert cell("=HYPERLINK(1)", "zh") == "'=HYPERLINK(1)"
    assert cell(-5, "zh") == "-5"
    assert cell({"zh": "+危险", "en": "danger"}, "zh") == "'+危险"
    assert cell({"zh": "危险", "en": "danger"}, "en") == "danger"
    assert [cell(each, "zh") for each in (None, True, False, [1], {"a": 1})] == ["", "true", "false", "[1]", '{"a":1}']


@given(st.text())
def test_no_text_becomes_a_formula(text: str) -> None:
    assert not cell(text, "zh").startswith(FORMULA_STARTS)


def test_instants_are_shown_wherever_they_stand() -> None:
    document = {
        "at": MORNING,
        "due_at": None,
        "count": MORNING,
        "from": MORNING,
        "list": [{"closed_at": MORNING}],
        "to": 5,
    }
    found = shown(document, "Asia/Shanghai")
    text = "2026-03-02T08:00:00+08:00"
    assert found == {"at": text, "due_at": None, "count": MORNING, "from": text, "list": [{"closed_at": text}], "to": 5}


def test_the_home_stays_clean(standing: Knock) -> None:
    assert not [path for path in Path(standing.hub.home).iterdir() if path.suffix == ".part"]
