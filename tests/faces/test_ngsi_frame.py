"""The door of NGSI-LD: paths, media types, parameters, contexts, bodies, tenants and errors, with routes made up here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware

from quanyu.faces.http.ngsi import negotiate
from quanyu.faces.http.ngsi.asked import Answer, Asked, created
from quanyu.faces.http.ngsi.door import NgsiDoor
from quanyu.faces.http.ngsi.links import context_link
from quanyu.faces.http.ngsi.problem import ERRORS, details, one
from quanyu.faces.http.ngsi.route import NgsiRoute, words
from quanyu.kernel.errors import Conflict, Denied, Invalid, Missing, Unavailable, Unsupported
from quanyu.kernel.ngsi.context import CORE as CORE_CONTEXT
from tests.faces.city import Knock, city_hub

CORE = CORE_CONTEXT.links[0]
LINK = f'<{CORE}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
THING = {"id": "urn:x:1", "type": "T"}


def thing(asked: Asked) -> Any:
    return {**THING, "way": asked.path("thing"), "query": dict(asked.query)}


def things(asked: Asked) -> Answer:
    limit, offset = asked.query.number("limit", 2, 0, 10), asked.query.number("offset", 0)
    total = 5 if asked.query.flag("count") else None
    return asked.listing([THING] * limit, limit=limit, offset=offset, more=offset + limit < 5, total=total)


async def make(asked: Asked) -> Answer:
    return created("/things", asked.body["id"])


async def many(asked: Asked) -> Answer:
    found = [(await asked.context_of(item)).source for item in asked.body]
    return Answer({"contexts": found}, 207)


def stored(asked: Asked) -> bytes:
    return b'{"id":"urn:x:1","type":"T"}'


def feature(asked: Asked) -> Any:
    return {"type": "Feature"}


def fails(asked: Asked) -> None:
    raise ZeroDivisionError


def where_in(asked: Asked) -> Any:
    return {"same": asked.hub is asked.home}


ASKS = words("limit offset count options")
ROUTES = (
    NgsiRoute(method="GET", path="/things", permission="view:entities", handle=things, summary="", parameters=ASKS,
              options=words("sysAttrs"), unbuilt=words("join")),
    NgsiRoute(method="POST", path="/things", permission="entity.create", handle=make, summary="", body="object"),
    NgsiRoute(method="GET", path="/things/{thing}", permission="view:entities", handle=thing, summary="",
              parameters=words("lang")),
    NgsiRoute(method="PATCH", path="/things/{thing}", permission="entity.merge", handle=make, summary="",
              body="object", reads=negotiate.PATCHED),
    NgsiRoute(method="POST", path="/many", permission="entity.create", handle=many, summary="", body="list"),
    NgsiRoute(method="GET", path="/stored", permission="view:entities", handle=stored, summary="", quick=True),
    NgsiRoute(method="GET", path="/feature", permission="view:entities", handle=feature, summary="",
              answers=negotiate.MAPPED),
    NgsiRoute(method="DELETE", path="/fails", permission="entity.delete", handle=fails, summary=""),
    NgsiRoute(method="GET", path="/where", permission="view:entities", handle=where_in, summary=""),
)  # fmt: skip


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knock]:
    home = tmp_path_factory.mktemp("home")
    with city_hub(home) as hub:
        knock = Knock(hub)
        knock.app = Starlette(middleware=[Middleware(NgsiDoor, hub=hub, routes=ROUTES)])
        transport = httpx.ASGITransport(knock.app, client=("127.0.0.1", 5000), raise_app_exceptions=False)
        knock.client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")
        yield knock
        knock.close()


def get(ask: Knock, path: str, **headers: str) -> httpx.Response:
    return ask("GET", f"/ngsi-ld/v1{path}", "admin", headers=headers)


def post(
    ask: Knock, path: str, content: bytes | str, media: str = "application/json", **headers: str
) -> httpx.Response:
    return ask("POST", f"/ngsi-ld/v1{path}", "admin", content=content, headers={"Content-Type": media, **headers})


def kind(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found = response.json()
    assert found["status"] == status
    assert found["title"]
    assert found["detail"]
    return str(found["type"]).removeprefix(ERRORS)


# -- answers --------------------------------------------------------------------------------------------------------------


def test_json_names_its_context_in_a_link_and_json_ld_in_its_body(ask: Knock) -> None:
    plain = get(ask, "/things/urn:x:1")
    assert plain.headers["content-type"] == "application/json"
    assert plain.headers["link"] == LINK
    assert "@context" not in plain.json()
    linked = get(ask, "/things/urn:x:1", Accept="application/ld+json")
    assert linked.headers["content-type"] == "application/ld+json"
    assert linked.json()["@context"] == CORE
    assert "link" not in linked.headers
    assert [item["@context"] for item in get(ask, "/things", Accept="application/ld+json").json()] == [CORE, CORE]


def test_stored_text_is_sent_as_it_is_and_takes_a_context(ask: Knock) -> None:
    assert get(ask, "/stored").content == b'{"id":"urn:x:1","type":"T"}'
    assert get(ask, "/stored", Accept="application/ld+json").json() == {"@context": CORE, **THING}


def test_geojson_is_answered_where_it_is_offered(ask: Knock) -> None:
    embedded = get(ask, "/feature", Accept="application/geo+json")
    assert embedded.headers["content-type"] == "application/geo+json"
    assert embedded.json()["@context"] == CORE
    linked = get(ask, "/feature", Accept="application/geo+json", Prefer="body=json")
    assert "@context" not in linked.json()
    assert linked.headers["link"] == LINK
    assert kind(get(ask, "/stored", Accept="application/geo+json"), 406) == "InvalidRequest"


def test_what_was_made_is_named_and_has_no_body(ask: Knock) -> None:
    made = post(ask, "/things", '{"id": "urn:x:1"}')
    assert (made.status_code, made.content, made.headers["location"]) == (201, b"", "/ngsi-ld/v1/things/urn:x:1")
    head = ask("HEAD", "/ngsi-ld/v1/stored", "admin")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == "27"


@pytest.mark.parametrize("id", ["urn:x:1", "urn:车站:1", "https://x.org/a b?c=%41#d", "urn:x:a;b=c,d@e!$&'()*+~"])
def test_what_was_made_is_found_where_its_location_leads(ask: Knock, id: str) -> None:
    made = post(ask, "/things", msgspec.json.encode({"id": id}))
    assert ask("GET", made.headers["location"], "admin").json()["way"] == id


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/ld+json, application/json", "application/json"),
        ("application/json;q=0.1, application/ld+json;q=0.9", "application/ld+json"),
        ("application/json;q=0, */*", "application/ld+json"),
        ("*/*;q=0.9, application/ld+json;q=0.8", "application/json"),
        ("application/ld+json;q=notanumber", "application/ld+json"),
        ("text/html, application/ld+json;q=nan", "application/ld+json"),
        ("APPLICATION/LD+JSON", "application/ld+json"),
    ],
)
def test_the_weight_decides_then_the_order_of_the_standard(accept: str, expected: str) -> None:
    assert negotiate.answered(accept.encode(), negotiate.MAPPED) == expected


@given(st.text(max_size=60))
def test_any_accept_header_is_answered_or_refused(accept: str) -> None:
    with suppress(Invalid):
        assert negotiate.answered(accept.encode(), negotiate.MAPPED) in negotiate.MAPPED


# -- parameters and pages -------------------------------------------------------------------------------------------------


def test_a_page_names_its_neighbours_and_the_count_when_asked(ask: Knock) -> None:
    page = get(ask, "/things?limit=2&options=sysAttrs&offset=2&count=true")
    prev, following, context = page.headers["link"].split(", ")
    assert (
        prev == '</ngsi-ld/v1/things?limit=2&options=sysAttrs&offset=0&count=true>;rel="prev";type="application/json"'
    )
    assert following.startswith("</ngsi-ld/v1/things?limit=2&options=sysAttrs&offset=4&count=true>")
    assert context == LINK
    assert page.headers["ngsild-results-count"] == "5"
    assert 'rel="next"' in get(ask, "/things").headers["link"]
    assert "ngsild-results-count" not in get(ask, "/things").headers


@pytest.mark.parametrize(
    ("query", "status", "expected"),
    [
        ("nonsense=1", 400, "InvalidRequest"),
        ("limit=1&limit=2", 400, "InvalidRequest"),
        ("options=nonsense", 400, "InvalidRequest"),
        ("%ff=1", 400, "InvalidRequest"),
        ("join=inline", 501, "OperationNotSupported"),
        ("limit=x", 400, "BadRequestData"),
        ("limit=11", 400, "BadRequestData"),
        ("limit=-1", 400, "BadRequestData"),
        ("offset=99999999999999", 400, "BadRequestData"),
        ("count=yes", 400, "BadRequestData"),
    ],
)
def test_an_unknown_parameter_is_refused_and_an_unbuilt_one_said(
    ask: Knock, query: str, status: int, expected: str
) -> None:
    response = get(ask, f"/things?{query}")
    assert kind(response, status) == expected
    if status == 501 or query == "nonsense=1":
        assert response.json()["remedy"] == "Accepted: count, limit, offset, options."


def test_a_list_of_words_has_no_holes() -> None:
    from quanyu.faces.http.ngsi.parameters import Parameters

    assert Parameters(id="a, b").words("id") == ("a", "b")
    assert Parameters().words("id") is None
    with pytest.raises(Invalid, match="words with commas"):
        Parameters(id="a,,b").words("id")


# -- contexts -------------------------------------------------------------------------------------------------------------


def test_a_context_comes_from_the_body_or_from_the_link_by_media_type(ask: Knock) -> None:
    inside = f'{{"id": "urn:x:1", "@context": "{CORE}"}}'
    assert post(ask, "/things", inside, "application/ld+json").status_code == 201
    assert post(ask, "/things", '{"id": "urn:x:1"}', Link=LINK).status_code == 201
    assert kind(post(ask, "/things", inside), 400) == "BadRequestData"
    assert kind(post(ask, "/things", '{"id": "urn:x:1"}', "application/ld+json"), 400) == "BadRequestData"
    assert kind(post(ask, "/things", inside, "application/ld+json", Link=LINK), 400) == "BadRequestData"
    assert kind(post(ask, "/things", "{}", Link=f"{LINK}, {LINK}"), 400) == "InvalidRequest"


def test_a_context_that_cannot_be_had_is_said_so(ask: Knock) -> None:
    body = '{"id": "urn:x:1", "@context": "https://example.org/none.jsonld"}'
    assert kind(post(ask, "/things", body, "application/ld+json"), 504) == "LdContextNotAvailable"


def test_the_items_of_a_list_keep_their_contexts(ask: Knock) -> None:
    items = f'[{{"@context": "{CORE}"}}, {{"@context": "{CORE}"}}]'
    answer = post(ask, "/many", items, "application/ld+json")
    assert (answer.status_code, answer.json()) == (207, {"contexts": [CORE, CORE]})
    assert "link" not in answer.headers


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (LINK, CORE),
        (f'<{CORE}>;rel="http://www.w3.org/ns/json-ld#context"', CORE),
        (f"<{CORE}>;rel=http://www.w3.org/ns/json-ld#context", CORE),
        (f'</next>; rel="next", {LINK}', CORE),
        ('</next>; rel="next"', None),
        ("nonsense", None),
    ],
)
def test_a_link_header_is_read(header: str, expected: str | None) -> None:
    assert context_link(header) == expected


# -- bodies and doors -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "InvalidRequest"),
        (b"{", "InvalidRequest"),
        (b'{"a": \xff}', "InvalidRequest"),
        (b'"text"', "InvalidRequest"),
        (b"[]", "InvalidRequest"),
        (b'{"a":' + b"[" * 70 + b"]" * 70 + b"}", "BadRequestData"),
        (b"[" * 100_000, "InvalidRequest"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(ask: Knock, body: bytes, expected: str) -> None:
    assert kind(post(ask, "/things", body), 400) == expected


def test_a_wide_body_is_not_deep(ask: Knock) -> None:
    assert post(ask, "/things", '{"id": "urn:x:1", "a": [' + ",".join(["{}"] * 200) + "]}").status_code == 201


def test_media_types_lengths_and_methods(ask: Knock) -> None:
    for media in ("application/xml", "application/merge-patch+json", ""):
        refused = post(ask, "/things", "{}", media)
        assert (refused.status_code, refused.content) == (415, b""), "bare, as 6.3.4 says"
    path = "/ngsi-ld/v1/things/urn:x:1"
    patched = ask(
        "PATCH", path, "admin", content='{"id": "a"}', headers={"Content-Type": "application/merge-patch+json"}
    )
    assert patched.status_code == 201

    async def stream() -> Any:
        yield b"{}"

    bare = ask("POST", "/ngsi-ld/v1/things", "admin", content=stream(), headers={"Content-Type": "application/json"})
    assert (bare.status_code, bare.content) == (411, b"")
    refused = ask("PUT", path, "admin", content="{}")
    assert refused.status_code == 405
    assert refused.headers["allow"] == "GET, PATCH"
    ask.hub.body_bytes_max = 100
    try:
        assert kind(post(ask, "/things", b" " * 101), 413) == "InvalidRequest"
    finally:
        del ask.hub.body_bytes_max


def test_paths_are_found_with_a_slash_at_the_end_and_decoded_by_segment(ask: Knock) -> None:
    assert get(ask, "/things/").status_code == 200
    assert get(ask, "/things/https%3A%2F%2Fx.org%2F1?lang=en").json()["way"] == "https://x.org/1"
    for path in ("", "/", "/nothing", "/things/a/b"):
        assert kind(get(ask, path), 404) == "ResourceNotFound"
    assert ask("GET", "/ngsi-ld/v2/things", "admin").status_code == 404


def test_an_error_of_ours_says_nothing_about_our_inside(ask: Knock) -> None:
    response = ask("DELETE", "/ngsi-ld/v1/fails", "admin")
    assert kind(response, 500) == "InternalError"
    assert "ZeroDivision" not in response.text
    assert one(ZeroDivisionError())["type"] == f"{ERRORS}InternalError"


@pytest.mark.parametrize(
    ("error", "status", "expected"),
    [
        (Invalid("x", code="entity.type"), 400, "BadRequestData"),
        (Invalid("x", code="query.too_many"), 403, "TooManyResults"),
        (Missing("x"), 404, "ResourceNotFound"),
        (Conflict("x", code="entity.exists"), 409, "AlreadyExists"),
        (Conflict("x", code="entity.stale"), 409, "Conflict"),
        (Unsupported("x"), 501, "OperationNotSupported"),
        (Unavailable("x", code="commit.busy"), 503, "InternalError"),
        (Denied("x", code="access.denied"), 403, "urn:quanyu:problem:access.denied"),
    ],
)
def test_every_kind_of_error_has_the_standards_word(error: Exception, status: int, expected: str) -> None:
    found = details(error)
    assert (found.status, found.type.removeprefix(ERRORS)) == (status, expected)


# -- tenants --------------------------------------------------------------------------------------------------------------


def test_a_hub_without_tenants_says_so(ask: Knock) -> None:
    assert kind(get(ask, "/where", **{"NGSILD-Tenant": "east"}), 501) == "NoMultiTenantSupport"


def test_tenants_are_entered_by_their_header(tmp_path: Path) -> None:
    from quanyu.assembly import Options, open_hub

    hub: Any = open_hub(tmp_path / "home", Options(open=True))
    try:
        hub.contexts = StillHere()
        app = NgsiDoor(Starlette(), hub, ROUTES)
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 5000))

        async def knock(method: str, path: str, tenant: str) -> httpx.Response:
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                return await client.request(method, f"/ngsi-ld/v1{path}", headers={"NGSILD-Tenant": tenant})

        assert kind(asyncio.run(knock("GET", "/where", "east")), 404) == "NonexistentTenant"
        assert kind(asyncio.run(knock("GET", "/where", "../x")), 400) == "InvalidRequest"
        tenant = hub.tenants.enter("east", write=True)
        tenant.contexts = StillHere()
        hub.tenants.leave("east")
        answer = asyncio.run(knock("GET", "/where", "east"))
        assert (answer.json(), answer.headers["ngsild-tenant"]) == ({"same": False}, "east")
    finally:
        hub.close()


class StillHere:
    def known(self, source: Any) -> Any:
        return CORE_CONTEXT
