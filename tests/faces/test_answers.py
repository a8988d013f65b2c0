"""The form of answers and refusals: descriptions, parameters, bodies, problems, CSV."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.faces import http
from quanyu.faces.http import problem
from quanyu.faces.http.body import JSON_BYTES_MAX
from quanyu.faces.http.ngsi.route import BASE, NgsiRoute
from quanyu.faces.http.shown import FORMULA_STARTS, cell, shown
from quanyu.kernel.errors import Conflict, Denied, Invalid, Missing, QuanyuError, Unavailable, Unsupported
from tests.faces.city import Knock
from tests.hubs import MORNING


def test_every_route_is_described(standing: Knock) -> None:
    described = standing.json("GET", "/api/openapi.json")
    assert described["openapi"] == "3.1.0"
    for route in http.table():
        base = BASE if isinstance(route, NgsiRoute) else ""
        operation = described["paths"][base + route.path][route.method.lower()]
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
