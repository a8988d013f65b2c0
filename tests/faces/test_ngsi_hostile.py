"""Requests that are meant to hurt NGSI-LD: each is refused in clear words at a bounded cost, and changes nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
import structlog
from starlette.applications import Starlette

from quanyu.adapters.http.contexts import WebContexts
from quanyu.adapters.sqlite.context import search
from quanyu.assembly import Options, open_hub
from quanyu.faces.http.ngsi import body as face_body
from quanyu.faces.http.ngsi import entities as face_entities
from quanyu.faces.http.ngsi import table
from quanyu.faces.http.ngsi.door import NgsiDoor
from quanyu.faces.http.ngsi.problem import ERRORS, TEXT_MAX
from quanyu.kernel.ngsi.core import CORE_URL
from tests.faces.city import STATION, Knock, knocking
from tests.faces.hostile import Told, Wish, ask, encoded
from tests.faces.sound import CAR, entity

BASE = "/ngsi-ld/v1"
JSON = [(b"content-type", b"application/json")]
LINKED = [(b"content-type", b"application/ld+json")]
CPU_S_MAX = 5.0
"""More than a slow machine needs for what is refused below; without its bound each of them takes minutes."""

LARGE = 2_000_000


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knock]:
    home = tmp_path_factory.mktemp("home")
    with knocking(home) as knock:
        knock.hub.contexts.web = WebContexts(home / "contexts")
        assert send(knock, "POST", "/entities", encoded(entity())).status == 201
        yield knock


def send(
    knock: Knock, method: str, path: str, content: bytes | None = None, headers: Any = JSON, pieces: int = 1
) -> Told:
    return ask(
        knock, Wish(method, f"{BASE}{path}".encode(), headers if content is not None else (), content), pieces=pieces
    )


def refused(
    knock: Knock, method: str, path: str, content: bytes | None = None, headers: Any = JSON, pieces: int = 1
) -> Any:
    """Send what must be refused; return status and type. Nothing is changed, and little time is spent."""
    before, started = knock.hub.last_seq, time.process_time()
    with structlog.testing.capture_logs():
        told = send(knock, method, path, content, headers, pieces)
    assert time.process_time() - started < CPU_S_MAX
    assert knock.hub.last_seq == before
    assert len(told.body) < 4 * TEXT_MAX
    problem = msgspec.json.decode(told.body)
    assert problem["status"] == told.status
    assert problem["detail"]
    return told.status, problem["type"].removeprefix(ERRORS)


def document(rest: str) -> bytes:
    return b'{"id":"urn:a:1","type":"T",' + rest.encode() + b"}"


def prop(value: str) -> bytes:
    return document('"v":{"type":"Property","value":' + value + "}")


BAD = (400, "BadRequestData")
UNREAD = (400, "InvalidRequest")
TOO_LARGE = (413, "InvalidRequest")
NESTED = '[{"type":"GeometryCollection","geometries":'
ring = ",".join(f"[{each % 180},{each % 90}]" for each in range(10_001))
many_points = ",".join([ring] * 11)


# -- bodies ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"[" * LARGE, TOO_LARGE, id="brackets that never close"),
        pytest.param(b'{"a":' * 100_000, UNREAD, id="objects that never close"),
        pytest.param(b"[" * 500 + b"]" * 500, UNREAD, id="a deep list for an object"),
        pytest.param(prop("[" * 100 + "]" * 100), BAD, id="a deep value"),
        pytest.param(prop("[" * 40 + "]" * 40), BAD, id="a value somewhat too deep"),
        pytest.param(document('"v":{"type":"Property","value":1,' * 20 + '"w":1' + "}" * 20), BAD, id="deep sub-attributes"),
        pytest.param(prop("[" + "[]," * LARGE + "0]"), TOO_LARGE, id="a million empty lists"),
        pytest.param(document('"a":1,' * LARGE + '"a":1'), TOO_LARGE, id="a million keys that are one"),
        pytest.param(document(",".join(f'"a{n}":1' for n in range(50_000))), BAD, id="many attributes"),
        pytest.param(prop("9" * 5_000), UNREAD, id="a number of 5,000 digits"),
        pytest.param(prop("9" * 400), BAD, id="a number of 400 digits"),
        pytest.param(prop("1e999"), UNREAD, id="a number beyond all"),
        pytest.param(prop("NaN"), UNREAD, id="no number"),
        pytest.param(document('"v\\u0000":1'), BAD, id="NUL in a name"),
        pytest.param(b'{"id":"urn:a:\\u0000","type":"T"}', BAD, id="NUL in an id"),
        pytest.param(b'{"id":"urn:a:1","type":"T\\u0000"}', BAD, id="NUL in a type"),
        pytest.param(prop('"\\ud800"'), UNREAD, id="half a surrogate pair"),
        pytest.param(b'{"id":"urn:a:1","type":"T","v":"\xed\xa0\x80"}', UNREAD, id="a surrogate in UTF-8"),
        pytest.param(b'\xff\xfe{\x00"\x00', UNREAD, id="UTF-16"),
        pytest.param(b'{"id":"urn:' + b"x" * LARGE + b'","type":"T"}', BAD, id="a long id"),
        pytest.param(b'{"id":"urn:a:1","type":"' + b"x" * LARGE + b'"}', BAD, id="a long type"),
        pytest.param(document(f'"{"x" * LARGE}":1'), BAD, id="a long name"),
        pytest.param(document('"scope":[' + '"/a",' * 50_000 + '"/a"]'), BAD, id="many scopes"),
        pytest.param(b'{"id":"urn:a:1","type":[' + b'"T",' * 50_000 + b'"T"]}', BAD, id="many types"),
    ],
)  # fmt: skip
def test_bodies_that_hurt(content: bytes, expected: tuple[int, str], city: Knock) -> None:
    assert refused(city, "POST", "/entities", content) == expected


def test_what_looks_odd_and_is_sound_is_kept_as_it_came(city: Knock) -> None:
    odd = '"v":{"type":"Property","value":"a\\u0000b"},"w":1,"w":2,"n":{"type":"Property","value":-0.0}'
    assert send(city, "POST", "/entities", document(odd)).status == 201
    found = msgspec.json.decode(send(city, "GET", "/entities/urn:a:1").body)
    assert (found["v"]["value"], found["w"]["value"]) == ("a\x00b", 2)
    assert send(city, "DELETE", "/entities/urn:a:1").status == 204


@pytest.mark.parametrize("pieces", [1, 7])
def test_a_body_at_the_limit_is_read_and_one_beyond_is_not(
    pieces: int, city: Knock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(city.hub, "body_bytes_max", 10_000, raising=False)
    whole = document('"v":"' + "x" * (10_000 - len(document('"v":""'))) + '"')
    assert len(whole) == 10_000
    assert send(city, "POST", "/entities", whole, pieces=pieces).status == 201
    assert send(city, "DELETE", "/entities/urn:a:1").status == 204
    assert refused(city, "POST", "/entities", whole + b" ", pieces=pieces) == TOO_LARGE
    lying = [*JSON, (b"content-length", b"5")]
    assert refused(city, "POST", "/entities", whole + b" ", lying, pieces) == TOO_LARGE
    for length in (b"99999999999999999999999", b"10001"):
        assert refused(city, "POST", "/entities", b"{}", [*JSON, (b"content-length", length)]) == TOO_LARGE


def test_as_many_parts_as_allowed_are_read(city: Knock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_body, "PARTS_MAX", 10)
    assert send(city, "POST", "/entities", prop("[0,0,0,0,0]")).status == 201
    assert send(city, "DELETE", "/entities/urn:a:1").status == 204
    assert refused(city, "POST", "/entities", prop("[0,0,0,0,0,0]")) == TOO_LARGE


@pytest.mark.parametrize(
    "shape",
    [
        '{"type":"Polygon","coordinates":[[[0,0],[1,1],[0,0]]]}',
        '{"type":"Polygon","coordinates":[[[0,0],[0,1],[1,1],[1,0]]]}',
        '{"type":"Polygon","coordinates":[]}',
        '{"type":"Polygon","coordinates":[[]]}',
        '{"type":"Polygon","coordinates":[[[0,0],[0,1],[1,"x"],[0,0]]]}',
        '{"type":"Polygon","coordinates":[[[0,0],[0,1],[1,null],[0,0]]]}',
        '{"type":"Polygon","coordinates":[[[0],[0,1],[1,1],[0]]]}',
        '{"type":"Polygon","coordinates":[[[0,0],[0,91],[1,1],[0,0]]]}',
        '{"type":"Polygon","coordinates":[[[0,0],[1e308,1],[1,1],[0,0]]]}',
        '{"type":"Point","coordinates":[[0,0]]}',
        '{"type":"LineString","coordinates":[[0,0]]}',
        '{"type":"Circle","coordinates":[0,0]}',
        '{"type":"Polygon"}',
        f'{{"type":"MultiPoint","coordinates":[{many_points}]}}',
        '{"type":"GeometryCollection","geometries":' + NESTED * 20 + "[]" + "}]" * 20 + "}",
    ],
)  # fmt: skip
def test_shapes_that_are_none(shape: str, city: Knock) -> None:
    assert (
        refused(city, "POST", "/entities", document('"location":{"type":"GeoProperty","value":' + shape + "}")) == BAD
    )


def test_an_entity_twice_in_a_batch_is_made_once(city: Knock) -> None:
    twins = encoded([{"id": "urn:a:twin", "type": "T", "n": number} for number in range(3)])
    told = send(city, "POST", "/entityOperations/create", twins)
    result = msgspec.json.decode(told.body)
    assert (told.status, result["success"]) == (207, ["urn:a:twin"])
    assert [each["error"]["type"] for each in result["errors"]] == [f"{ERRORS}AlreadyExists"] * 2
    assert msgspec.json.decode(send(city, "GET", "/entities/urn:a:twin?format=simplified").body)["n"] == 0
    assert send(city, "POST", "/entityOperations/upsert", twins).status == 204
    assert msgspec.json.decode(send(city, "GET", "/entities/urn:a:twin?format=simplified").body)["n"] == 2
    again = send(city, "POST", "/entityOperations/delete", encoded(["urn:a:twin", "urn:a:twin"]))
    assert (again.status, len(msgspec.json.decode(again.body)["errors"])) == (207, 1)


# -- queries ---------------------------------------------------------------------------------------------------------------


def asking(members: str) -> bytes:
    return b'{"type":"Query","entities":[{"type":"Car"}],' + members.encode() + b"}"


def words(stem: str, count: int) -> str:
    return "[" + ",".join(f'"{stem}{number}"' for number in range(count)) + "]"


@pytest.mark.parametrize(
    "members",
    [
        pytest.param('"q":"' + "a>1;" * LARGE + 'a>1"', id="millions of terms"),
        pytest.param('"q":"' + "(" * LARGE + '"', id="millions of brackets"),
        pytest.param('"q":"' + ";".join(f"a{n}~=(x+x+)+y" for n in range(50)) + '"', id="many patterns"),
        pytest.param('"q":"a~=' + "(x*)*" * 200 + 'y"', id="a pattern that never ends"),
        pytest.param('"q":"' + "a." * 5_000 + 'a>1"', id="a long path"),
        pytest.param('"attrs":' + words("a", 300_000), id="attributes"),
        pytest.param('"pick":' + words("a", 300_000), id="picked"),
        pytest.param('"omit":' + words("a", 300_000), id="omitted"),
        pytest.param('"datasetId":' + words("urn:d:", 300_000), id="datasets"),
        pytest.param('"expandValues":' + words("a", 300_000) + ',"q":"a>1"', id="values"),
        pytest.param('"join":"inline","containedBy":' + words("urn:a:", 300_000), id="containers"),
        pytest.param('"ordering":{"orderBy":' + words("a", 300_000) + "}", id="order"),
        pytest.param('"scopeQ":"' + "/a" * 100_000 + '"', id="a deep scope"),
        pytest.param('"lang":"' + "a," * 100_000 + 'b"', id="languages"),
        pytest.param('"geoQ":{"georel":"within","geometry":"Polygon","coordinates":[[' + ring + "]]}", id="a wild ring"),
        pytest.param('"geoQ":{"georel":"within","geometry":"Polygon","coordinates":"' + "[" * 900_000 + '"}', id="brackets"),
        pytest.param('"geoQ":{"georel":"near;maxDistance==1e999","geometry":"Point","coordinates":[0,0]}', id="far away"),
        pytest.param('"geoQ":{"georel":"within","geometry":"Polygon","coordinates":[[[0,0],[1,1],[0,0]]]}', id="no area"),
    ],
)  # fmt: skip
def test_queries_that_hurt(members: str, city: Knock) -> None:
    status, kind = refused(city, "POST", "/entityOperations/query", asking(members))
    assert (status, kind) in (BAD, (403, "TooComplexQuery"), TOO_LARGE)


def test_selectors_and_ids_have_a_limit(city: Knock) -> None:
    many = b'{"type":"Query","entities":[' + b'{"type":"Car"},' * 200 + b'{"type":"Car"}]}'
    assert refused(city, "POST", "/entityOperations/query", many) == BAD
    ids = f'{{"type":"Query","entities":[{{"type":"Car","id":{words("urn:a:", 300_000)}}}]}}'.encode()
    assert refused(city, "POST", "/entityOperations/query", ids) == BAD
    assert refused(city, "POST", "/entityOperations/delete", words("urn:a:", 100_000).encode()) == BAD
    assert refused(city, "POST", "/entityOperations/create", b"[" + b"{}," * 100_000 + b"{}]") == BAD


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|aa)+$", "(.*)*x", "([a-z]+)*[0-9]", "a{1,1000}{1,1000}", "(?=a)", "\\1", "["]
)
def test_patterns_cost_no_more_than_their_text(pattern: str, city: Knock) -> None:
    long = {"id": "urn:a:long", "type": "Long", "v": "a" * 4_000}
    send(city, "POST", "/entities", encoded(long))
    for query in (f"idPattern={quote(pattern)}", f"q={quote(f'v~={pattern}', safe='')}"):
        started = time.process_time()
        assert send(city, "GET", f"/entities?type=Long&{query}").status in (200, 400, 403)
        assert time.process_time() - started < CPU_S_MAX


def test_a_long_path_and_a_long_query_are_quoted_in_part(city: Knock) -> None:
    assert refused(city, "GET", f"/entities/urn:a:{'x' * 60_000}") == BAD
    assert refused(city, "GET", "/entities?" + "&".join(f"a{number}=1" for number in range(10_000))) == UNREAD
    assert refused(city, "GET", f"/entities?{'x' * 60_000}=1") == UNREAD
    assert refused(city, "GET", f"/{'x/' * 30_000}") == (404, "ResourceNotFound")


def test_a_purge_that_reaches_too_far_deletes_nothing(city: Knock, monkeypatch: pytest.MonkeyPatch) -> None:
    heap = [{"id": f"urn:a:heap:{number}", "type": "Heap", "deep": {"n": number % 3}} for number in range(60)]
    assert send(city, "POST", "/entityOperations/create", encoded(heap)).status == 201
    monkeypatch.setattr(face_entities, "PURGED_AT_ONCE", 10)
    looked: list[int] = []
    sound = search.Search.hits

    def hits(self: Any, wanted: Any, after: int = 0) -> Any:
        looked.append(after)
        if len(looked) > 2:
            raise search.too_many(10)
        return sound(self, wanted, after)

    monkeypatch.setattr(search.Search, "hits", hits)
    assert refused(city, "DELETE", "/entities?type=Heap&q=deep[n]%3C2") == (403, "TooManyResults")
    assert len(looked) > 2
    monkeypatch.setattr(search.Search, "hits", sound)
    assert send(city, "DELETE", "/entities?type=Heap&q=deep[n]%3C2").status == 204
    left = msgspec.json.decode(send(city, "GET", "/entities?type=Heap&limit=100").body)
    assert {each["deep"]["value"]["n"] for each in left} == {2}


# -- contexts --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        pytest.param({"a": "b:x", "b": "a:x"}, id="terms in a circle"),
        pytest.param({f"p{n}": f"p{n + 1}:x/" for n in range(3_000)}, id="a chain of prefixes"),
        pytest.param({f"t{n}": "urn:x:" for n in range(60_000)}, id="too many terms"),
        pytest.param({"a": "urn:" + "x" * 5_000}, id="a long IRI"),
        pytest.param([None] * 300_000, id="a long list"),
        pytest.param([CORE_URL] * 5_000, id="the core many times over"),
        pytest.param([[[[[[[[[[]]]]]]]]]] * 30_000, id="lists of lists"),
        pytest.param({"@vocab": 7}, id="no vocabulary"),
        pytest.param("file:///etc/passwd", id="a file"),
        pytest.param("ftp://a.example/", id="another protocol"),
        pytest.param("http://", id="no host"),
        pytest.param(7, id="a number"),
    ],
)
def test_contexts_that_hurt(source: Any, city: Knock) -> None:
    content = encoded({"id": "urn:a:1", "type": "T", "v": 1, "@context": source})
    assert refused(city, "POST", "/entities", content, LINKED) == BAD


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9/x", "http://localhost/x", "http://169.254.169.254/latest/meta-data/", "http://[::1]/x",
     "http://[::ffff:169.254.169.254]/x", "http://0/x", "http://2130706433/x", "http://10.0.0.1/x", "http://[fd00::1]/x"],
)  # fmt: skip
def test_nobody_makes_the_hub_ask_a_private_address(url: str, city: Knock) -> None:
    unavailable = (504, "LdContextNotAvailable")
    content = encoded({"id": "urn:a:1", "type": "T", "v": 1, "@context": [url]})
    assert refused(city, "POST", "/entities", content, LINKED) == unavailable
    link = [(b"link", f'<{url}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'.encode())]
    assert refused(city, "POST", "/entities", b'{"id":"urn:a:1","type":"T"}', [*JSON, *link]) == unavailable
    batch = encoded([{"id": "urn:a:1", "type": "T", "@context": url}])
    told = send(city, "POST", "/entityOperations/upsert", batch, LINKED)
    assert told.status == 207
    assert msgspec.json.decode(told.body)["errors"][0]["error"]["type"] == f"{ERRORS}LdContextNotAvailable"
    wish = {
        "type": "Subscription",
        "entities": [{"type": "T"}],
        "notification": {"endpoint": {"uri": "http://a.example/"}},
    }
    assert refused(city, "POST", "/subscriptions", encoded({**wish, "jsonldContext": url})) == unavailable


def hosted(knock: Knock, source: Any) -> str:
    """Publish a context here; return its URL."""
    told = send(knock, "POST", "/jsonldContexts", encoded({"@context": source}))
    assert told.status == 201, told
    return f"http://127.0.0.1:8000{told.headers[b'location'].decode()}"


def test_published_contexts_may_not_multiply(city: Knock) -> None:
    """Each names the one before many times: eight small documents, and 10^24 entries."""
    url = hosted(city, {"a": "urn:a"})
    for _ in range(8):
        url = hosted(city, [url] * 1_000)
    content = encoded({"id": "urn:a:1", "type": "T", "v": 1, "@context": url})
    assert refused(city, "POST", "/entities", content, LINKED) == BAD


def test_everything_still_stands(city: Knock) -> None:
    for id in (CAR, STATION):
        assert send(city, "GET", f"/entities/{id}").status == 200


# -- tenants ---------------------------------------------------------------------------------------------------------------


def test_a_refused_request_makes_no_tenant(tmp_path: Path) -> None:
    home = tmp_path / "home"
    hub: Any = open_hub(home, Options(open=True))
    app = NgsiDoor(Starlette(), hub, table())
    loop = asyncio.new_event_loop()
    knock: Any = SimpleNamespace(app=app, loop=loop)
    try:
        for content in (b"nonsense", b"{}", b'{"id":"x","type":"T"}'):
            wish = Wish("POST", f"{BASE}/entities".encode(), [*JSON, (b"ngsild-tenant", b"ghost")], content)
            assert ask(knock, wish, who=None).status == 400
            assert hub.tenants.names() == []
        for name in (b"../x", b"..", b"", b"a/b", b"a" * 300, b"\xff", b"x%00", b"a\\b"):
            wish = Wish("POST", f"{BASE}/entities".encode(), [*JSON, (b"ngsild-tenant", name)], b"{}")
            assert ask(knock, wish, who=None).status == 400
        assert not (home / "tenants").exists() or list((home / "tenants").iterdir()) == []
        wish = Wish(
            "POST", f"{BASE}/entities".encode(), [*JSON, (b"ngsild-tenant", b"east")], b'{"id":"urn:a:1","type":"T"}'
        )
        assert [ask(knock, wish, who=None).status for _ in range(2)] == [201, 409]
        assert hub.tenants.names() == ["east"]
    finally:
        loop.close()
        hub.close()
