"""Every door: a stranger, somebody without roles, the right person; and what guards the doors themselves."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from quanyu.engines.access.secret import digest_of, id_of
from quanyu.faces import http
from quanyu.faces.http.guard import CSP
from quanyu.faces.http.ngsi.route import BASE, NgsiRoute
from quanyu.faces.http.route import PUBLIC, SIGNED_IN, Route, starlette_routes
from quanyu.kernel.journal import Command
from tests.faces.city import MACHINE, TOKENS, Knock, ids, knocking

TABLE = http.table()
GUARDED = [route for route in TABLE if route.permission != PUBLIC]
NAMES = [f"{route.method} {route.path}" for route in TABLE]


def path_of(route: Route | NgsiRoute) -> str:
    base = BASE if isinstance(route, NgsiRoute) else ""
    return base + re.sub(r"{\w+}", "x", route.path)


def test_only_these_routes_are_public() -> None:
    public = {route.path for route in TABLE if route.permission == PUBLIC}
    assert public == {"/healthz", "/readyz", "/sign-in", "/api/openapi.json", "/cap/feed.atom", "/cap/alerts/{id}"}
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("route", GUARDED, ids=lambda route: f"{route.method} {route.path}")
def test_a_stranger_is_refused_everywhere(standing: Knock, route: Route | NgsiRoute) -> None:
    found = standing.problem(401, route.method, path_of(route))
    assert found["code"] == "access.stranger"
    assert "sign-in" in found["remedy"]


@pytest.mark.parametrize(
    "route",
    [route for route in GUARDED if route.permission != SIGNED_IN],
    ids=lambda route: f"{route.method} {route.path}",
)
def test_who_has_no_role_is_refused_everywhere_and_told_who_may(standing: Knock, route: Route | NgsiRoute) -> None:
    found = standing.problem(403, route.method, path_of(route), "nobody")
    assert found["code"] == "access.denied"
    assert "administrator" in found["remedy"]


@pytest.mark.parametrize("route", GUARDED, ids=lambda route: f"{route.method} {route.path}")
def test_an_administrator_is_let_in_everywhere(standing: Knock, route: Route | NgsiRoute) -> None:
    if route.path == "/events":
        return  # never ends by itself: tests/faces/test_events.py
    status = standing(route.method, path_of(route), "admin").status_code
    assert status not in (401, 403, 500), f"{route.method} {route.path}"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/people"),
        ("GET", "/api/v1/tokens"),
        ("GET", "/api/v1/journal"),
        ("GET", "/metrics"),
        ("POST", "/api/v1/people"),
        ("DELETE", "/api/v1/entities/x"),
        ("POST", "/api/v1/observations"),
        ("POST", "/api/v1/webhooks"),
    ],
)
def test_a_handler_does_not_keep_the_hub(standing: Knock, method: str, path: str) -> None:
    assert standing.problem(403, method, path, "handler")["code"] == "access.denied"


def test_a_route_without_permission_stops_the_start(standing: Knock) -> None:
    bare = Route(method="GET", path="/x", permission="", handle=lambda ask: None, summary="")
    with pytest.raises(AssertionError, match="no permission"):
        starlette_routes(standing.hub, [bare])


def test_a_bad_token_is_a_stranger_even_with_a_good_cookie(standing: Knock) -> None:
    for value in ("Bearer wrong", "Basic abc", "Bearer", "Bearer " + "x" * 500):
        standing.problem(401, "GET", "/api/v1/me", headers={"Authorization": value})


def sign_in(knock: Knock, who: str = "duty") -> str:
    link = knock.json("POST", f"/api/v1/people/person:{who}/sign-in", "admin")
    response = knock("GET", link["path"])
    assert response.status_code == 303
    assert response.headers["location"] == "/"
    cookie = response.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    knock.client.cookies.clear()
    assert knock.problem(401, "GET", link["path"])["code"] == "access.link"
    return cookie.partition(";")[0]


def test_signing_in_and_out(knock: Knock) -> None:
    cookie = {"Cookie": sign_in(knock)}
    me = knock.json("GET", "/api/v1/me", headers=cookie)
    assert (me["actor"], me["name"], me["open"]) == ("person:duty", "姓名 duty", False)
    assert me["roles"][0]["title"]["zh"] == "值班员"
    assert "case.act:accept" in me["may"]
    assert knock("POST", "/api/v1/sign-out", headers=cookie, json={}).status_code == 204
    knock.problem(401, "GET", "/api/v1/me", headers=cookie)


def test_a_session_ends_when_idle_and_when_old(knock: Knock) -> None:
    cookie = {"Cookie": sign_in(knock)}
    hour = 3_600_000_000
    for _ in range(7):
        knock.hub.machine_clock.at += hour * 3 // 2
        knock.json("GET", "/api/v1/me", headers=cookie)
    knock.hub.machine_clock.at += hour * 3 // 2
    knock.problem(401, "GET", "/api/v1/me", headers=cookie)
    cookie = {"Cookie": sign_in(knock)}
    knock.json("GET", "/api/v1/me", headers=cookie)
    knock.hub.machine_clock.at += hour * 2 + 1
    knock.problem(401, "GET", "/api/v1/me", headers=cookie)


def test_an_old_link_opens_nothing(knock: Knock) -> None:
    link = knock.json("POST", "/api/v1/people/person:duty/sign-in", "admin")
    knock.hub.machine_clock.at += 15 * 60_000_000
    assert knock.problem(401, "GET", link["path"])["code"] == "access.link"
    assert knock.problem(401, "GET", "/sign-in?token=" + "x" * 999)["code"] == "access.link"
    shown = knock("GET", link["path"], headers={"Accept": "text/html"})
    assert (shown.status_code, shown.headers["location"]) == (303, "/?link=used"), "a person is shown a page"
    assert "set-cookie" not in shown.headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 204),
        ({"Origin": "http://127.0.0.1:8000"}, 204),
        ({"Origin": "https://127.0.0.1:8000"}, 204),
        ({"Sec-Fetch-Site": "same-origin"}, 204),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://evil.example"}, 403),
    ],
)
def test_another_site_cannot_make_a_browser_act(knock: Knock, headers: dict[str, str], status: int) -> None:
    cookie = {"Cookie": sign_in(knock)}
    assert knock("POST", "/api/v1/sign-out", headers={**cookie, **headers}, json={}).status_code == status
    if status == 403:
        knock.json("GET", "/api/v1/me", headers=cookie)


def test_a_token_is_shown_once_and_revoked_at_once(knock: Knock) -> None:
    made = knock.json("POST", "/api/v1/tokens", "engineer", json={"title": "gateway"})
    bearer = {"Authorization": f"Bearer {made['token']}"}
    assert knock.json("GET", "/api/v1/me", headers=bearer)["actor"] == "person:engineer"
    listed = knock("GET", "/api/v1/tokens", "admin").text
    assert made["id"] in listed
    assert made["token"] not in listed
    assert digest_of(made["token"]) not in listed
    other = knock.problem(403, "POST", "/api/v1/tokens", "engineer", json={"title": "x", "person": "person:admin"})
    assert other["code"] == "access.denied"
    assert knock("DELETE", f"/api/v1/tokens/{made['id']}", "engineer").status_code == 204
    knock.problem(401, "GET", "/api/v1/me", headers=bearer)
    foreign = id_of(digest_of(TOKENS["admin"]))
    knock.problem(403, "DELETE", f"/api/v1/tokens/{foreign}", "engineer")


def test_a_narrowed_token_may_less_than_its_person(knock: Knock) -> None:
    knock.json("POST", "/api/v1/people/person:chief/roles", "admin", json={"role": "engineer"})
    made = knock.json(
        "POST", "/api/v1/tokens", "admin", json={"title": "t", "person": "person:chief", "roles": ["engineer"]}
    )
    bearer = {"Authorization": f"Bearer {made['token']}"}
    assert [role["role"] for role in knock.json("GET", "/api/v1/me", headers=bearer)["roles"]] == ["engineer"]
    knock.problem(403, "POST", "/api/v1/cases", headers=bearer, json={"flow": "inspect_source", "text": "x"})


def test_rights_end_with_the_role_and_with_the_person(knock: Knock) -> None:
    assert knock("GET", "/api/v1/cases", "duty").status_code == 200
    knock.json("DELETE", "/api/v1/people/person:duty/roles", "admin", json={"role": "duty", "unit": "centre"})
    knock.problem(403, "GET", "/api/v1/cases", "duty")
    assert knock("DELETE", "/api/v1/people/person:duty", "admin").status_code == 204
    knock.problem(401, "GET", "/api/v1/me", "duty")
    assert "person:duty" in ids(knock.json("GET", "/api/v1/people", "admin")["items"])


def test_nothing_secret_is_written_down(knock: Knock, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cookie = sign_in(knock)
    made = knock.json("POST", "/api/v1/tokens", "engineer", json={"title": "gateway"})
    hook = {"id": "police", "url": "https://hooks.example.org/x", "title": "t", "kinds": ["case.*"]}
    secret = knock.json("POST", "/api/v1/webhooks", "engineer", json=hook)["secret"]
    knock("GET", "/sign-in?token=ql_secret-that-is-wrong")
    knock("GET", "/api/v1/me", headers={"Authorization": "Bearer qy_secret-that-is-wrong"})
    journal = knock("GET", "/api/v1/journal?limit=1000", "admin").text
    home = b"".join(path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file())
    said = "".join(capsys.readouterr())
    for word in (cookie.partition("=")[2], made["token"], secret, "secret-that-is-wrong", "姓名 duty"):
        assert word.encode() not in home, "on the disk"
        assert word not in journal
        assert word not in said, "in the log"


def test_every_answer_carries_the_security_headers(standing: Knock) -> None:
    for path in ("/healthz", "/api/v1/me", "/api/v1/nothing", "/nowhere"):
        headers = standing("GET", path).headers
        assert headers["content-security-policy"] == CSP
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_open_mode_lets_in_this_machine_only(tmp_path: Path) -> None:
    with knocking(tmp_path / "home", local=True) as knock:
        me = knock.json("GET", "/api/v1/me")
        assert (me["actor"], me["open"], me["may"]) == ("person:open", True, ["*"])
        taken = knock.json("POST", "/api/v1/cases", json={"flow": "inspect_source", "text": "扬尘"})
        assert taken["id"].startswith("urn:ngsi-ld:Case:")
        foreign: list[dict[str, Any]] = [
            {"headers": {"Host": "evil.example"}},
            {"headers": {"Host": "127.0.0.1.evil.example:8000"}},
            {"headers": {"Origin": "http://evil.example"}},
            {"headers": {"Origin": "http://localhost:9999"}},
            {"headers": {"Origin": "null"}},
        ]
        for each in foreign:
            for path in ("/api/v1/me", "/healthz", "/"):
                assert knock.problem(403, "GET", path, **each)["code"] == "access.foreign"
        assert knock("GET", "/api/v1/me", headers={"Host": "localhost:8000"}).status_code == 200
        assert knock("GET", "/api/v1/me", headers={"Host": "[::1]:8000"}).status_code == 200


def test_open_mode_refuses_another_machine(tmp_path: Path) -> None:
    import httpx

    with knocking(tmp_path / "home", local=True) as knock:
        transport = httpx.ASGITransport(knock.app, client=("10.0.0.9", 5000))
        knock.client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")
        assert knock.problem(403, "GET", "/api/v1/me")["code"] == "access.foreign"


def test_the_gate_judges_behind_the_door(knock: Knock) -> None:
    command = Command("entity.delete", "urn:ngsi-ld:AirQualityObserved:dongsi", {})
    with pytest.raises(Exception, match="may not entity"):
        knock.hub.commit_blocking([command], "person:handler")
    assert knock.hub.machine() == MACHINE
