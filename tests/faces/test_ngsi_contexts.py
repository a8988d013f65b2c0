"""Contexts over HTTP: publish, list, serve, remove, load again; a sender's words come back as the sender's words."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
import pytest

from quanyu.assembly.opening import open_hub
from quanyu.assembly.options import Options
from quanyu.faces.http.ngsi.asked import Asked
from quanyu.faces.http.ngsi.contexts import base_of
from quanyu.faces.http.ngsi.parameters import NONE
from quanyu.faces.http.ngsi.problem import ERRORS
from quanyu.kernel.ngsi.core import CORE_URL, core_context
from tests.faces.city import Knock

CITY = {"@context": {"c": "https://city.example/ns/", "heat": "c:heat"}}
URL = "https://contexts.example/city.jsonld"
GONE = "https://contexts.example/gone.jsonld"
BASE = "/ngsi-ld/v1/jsonldContexts"


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knock]:
    home = tmp_path_factory.mktemp("home")
    (home / "contexts").mkdir()
    (home / "contexts" / "map.toml").write_text(f'"{URL}" = "city.jsonld"\n"{GONE}" = "gone.jsonld"\n')
    (home / "contexts" / "city.jsonld").write_bytes(msgspec.json.encode(CITY))
    hub = open_hub(home, Options(open=True))
    knock = Knock(hub)
    try:
        yield knock
    finally:
        knock.close()
        hub.close()


def path_of(name: str) -> str:
    return f"{BASE}/{httpx.URL('/').copy_with(path='/' + name).raw_path[1:].decode().replace('/', '%2F').replace(':', '%3A')}"


def add(ask: Knock, document: Any, **headers: str) -> httpx.Response:
    return ask(
        "POST", BASE, content=msgspec.json.encode(document), headers={"Content-Type": "application/json", **headers}
    )


def kind_of(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    return str(response.json()["type"]).removeprefix(ERRORS)


def details(ask: Knock, name: str) -> dict[str, Any]:
    response = ask("GET", f"{path_of(name)}?details=true")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def used(ask: Knock, url: str) -> httpx.Response:
    link = f'<{url}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
    return ask("GET", "/ngsi-ld/v1/info/sourceIdentity", headers={"Link": link})


def test_a_published_context_is_served_listed_used_and_removed(ask: Knock) -> None:
    made = add(ask, {**CITY, "beside": "dropped"})
    assert (made.status_code, made.content) == (201, b"")
    location = made.headers["location"]
    id_ = location.removeprefix(f"{BASE}/")

    served = ask("GET", location)
    assert served.headers["content-type"] == "application/json"
    assert served.json() == CITY

    found = details(ask, id_)
    assert found.keys() == {"URL", "localId", "kind", "createdAt", "numberOfHits", "lastUsage"}
    assert (found["localId"], found["kind"], found["URL"]) == (id_, "Hosted", f"http://127.0.0.1:8000{location}")
    assert found["numberOfHits"] == 1

    assert used(ask, f"http://any.name.example{location}").status_code == 200
    assert details(ask, id_)["numberOfHits"] == 3

    assert f"http://127.0.0.1:8000{location}" in ask("GET", f"{BASE}?kind=Hosted").json()
    assert id_ in [each["localId"] for each in ask("GET", f"{BASE}?details=true").json()]
    assert not any(id_ in each for each in ask("GET", f"{BASE}?kind=Cached").json())

    gone = ask("DELETE", location)
    assert (gone.status_code, gone.content) == (204, b"")
    assert kind_of(ask("GET", location), 404) == "ResourceNotFound"
    assert kind_of(ask("DELETE", location), 404) == "ResourceNotFound"
    assert kind_of(used(ask, f"http://any.name.example{location}"), 504) == "LdContextNotAvailable"


def test_a_downloaded_context_is_cached_and_only_its_details_are_served(ask: Knock) -> None:
    assert used(ask, URL).status_code == 200
    found = details(ask, URL)
    assert (found["URL"], found["kind"], found["numberOfHits"]) == (URL, "Cached", 1)
    assert used(ask, URL).status_code == 200
    assert details(ask, URL)["numberOfHits"] == 3
    assert URL in ask("GET", f"{BASE}?kind=Cached&details=false").json()
    assert kind_of(ask("GET", path_of(URL)), 422) == "OperationNotSupported"

    assert ask("DELETE", f"{path_of(URL)}?reload=true").status_code == 204
    assert details(ask, URL)["kind"] == "Cached"
    assert ask("DELETE", path_of(URL)).status_code == 204
    assert kind_of(ask("GET", f"{path_of(URL)}?details=true"), 404) == "ResourceNotFound"


@pytest.mark.parametrize("broken", [None, b"[]", b"not json"])
def test_a_reload_that_fails_leaves_what_stood(ask: Knock, broken: bytes | None) -> None:
    assert used(ask, URL).status_code == 200
    file = ask.hub.home / "contexts" / "city.jsonld"
    before = file.read_bytes()
    file.unlink() if broken is None else file.write_bytes(broken)
    try:
        assert kind_of(ask("DELETE", f"{path_of(URL)}?reload=true"), 504) == "LdContextNotAvailable"
        assert details(ask, URL)["kind"] == "Cached"
    finally:
        file.write_bytes(before)


def test_the_core_contexts_are_served_and_stay(ask: Knock) -> None:
    assert ask("GET", path_of(CORE_URL)).json() == core_context("1.9")
    assert details(ask, CORE_URL)["kind"] == "Cached"
    assert CORE_URL in ask("GET", BASE).json()
    assert kind_of(ask("DELETE", path_of(CORE_URL)), 400) == "BadRequestData"
    assert ask("DELETE", f"{path_of(CORE_URL)}?reload=true").status_code == 204


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"a": "https://a.example/"}', "InvalidRequest"),
        (b"[]", "InvalidRequest"),
        (b'{"@context": ', "InvalidRequest"),
        (b"", "InvalidRequest"),
        (b'{"@context": 42}', "BadRequestData"),
        (b'{"@context": true}', "BadRequestData"),
        (b'{"@context": ["https://contexts.example/x.jsonld", 7]}', "BadRequestData"),
        (b'{"@context": "file:///etc/passwd"}', "BadRequestData"),
        (b'{"@context": ["data:application/json,{}"]}', "BadRequestData"),
        (b'{"@context": {"a": {"@id": 7}}}', "BadRequestData"),
        (b'{"@context": {"a": "a:b"}}', "BadRequestData"),
        (b'{"@context": "temperature"}', "BadRequestData"),
    ],
)
def test_what_is_no_context_is_not_published(ask: Knock, body: bytes, kind: str) -> None:
    before = ask("GET", BASE).json()
    response = ask("POST", BASE, content=body, headers={"Content-Type": "application/json"})
    assert kind_of(response, 400) == kind
    assert "location" not in response.headers
    assert ask("GET", BASE).json() == before


@pytest.mark.parametrize(
    "query", ["kind=other", "details=other", "details=true&kind=other", "details=other&kind=Hosted"]
)
def test_a_list_with_a_wrong_word(ask: Knock, query: str) -> None:
    assert kind_of(ask("GET", f"{BASE}?{query}"), 400) == "BadRequestData"


@pytest.mark.parametrize(
    ("method", "query", "status", "kind"),
    [
        ("GET", "", 404, "ResourceNotFound"),
        ("GET", "?details=true", 404, "ResourceNotFound"),
        ("DELETE", "", 404, "ResourceNotFound"),
        ("DELETE", "?reload=false", 404, "ResourceNotFound"),
        ("DELETE", "?reload=true", 400, "BadRequestData"),
        ("DELETE", "?reload=perhaps", 400, "BadRequestData"),
        ("GET", "?reload=true", 400, "InvalidRequest"),
    ],
)
def test_an_unknown_context(ask: Knock, method: str, query: str, status: int, kind: str) -> None:
    assert kind_of(ask(method, f"{BASE}/nothing{query}"), status) == kind


def test_what_is_published_cannot_be_loaded_again(ask: Knock) -> None:
    location = add(ask, CITY).headers["location"]
    assert kind_of(ask("DELETE", f"{location}?reload=true"), 400) == "BadRequestData"
    assert ask("GET", location).status_code == 200


def test_contexts_of_a_request_that_cannot_be_had_or_read(ask: Knock) -> None:
    assert kind_of(used(ask, GONE), 504) == "LdContextNotAvailable"
    assert kind_of(used(ask, "file:///etc/passwd"), 400) == "BadRequestData"
    assert kind_of(used(ask, "http://127.0.0.1:1/x.jsonld"), 504) == "LdContextNotAvailable"


def test_a_tenant_has_its_own(ask: Knock) -> None:
    location = add(ask, CITY, **{"NGSILD-Tenant": "south"}).headers["location"]
    assert add(ask, CITY, **{"NGSILD-Tenant": "north"}).status_code == 201
    assert ask("GET", location, headers={"NGSILD-Tenant": "south"}).json() == CITY
    for other in ({}, {"NGSILD-Tenant": "north"}):
        assert kind_of(ask("GET", location, headers=other), 404) == "ResourceNotFound"
        assert kind_of(ask("DELETE", location, headers=other), 404) == "ResourceNotFound"
        assert location not in ask("GET", BASE, headers=other).text
    assert ask("DELETE", location, headers={"NGSILD-Tenant": "south"}).status_code == 204


@pytest.mark.parametrize(
    ("headers", "base"),
    [
        ({b"host": b"hub.example"}, "http://hub.example"),
        ({b"host": b"hub.example:8443", b"x-forwarded-proto": b"https"}, "https://hub.example:8443"),
        ({b"host": b"[::1]:8000"}, "http://[::1]:8000"),
        ({b"host": b"hub.example/<script>"}, "http://known.example"),
        ({}, "http://known.example"),
    ],
)
def test_the_name_that_the_hub_is_asked_by(headers: dict[bytes, bytes], base: str) -> None:
    home: Any = SimpleNamespace(url="http://known.example")
    nothing: Any = None
    asked = Asked(home, nothing, nothing, NONE, headers, {}, "", "application/json")
    assert base_of(asked) == base
