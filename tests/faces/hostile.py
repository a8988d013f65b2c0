"""What nobody should send to NGSI-LD: requests of every route, made of sound parts that were bent, and of bytes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from copy import deepcopy
from typing import Any, NamedTuple
from urllib.parse import quote, unquote_to_bytes

import msgspec
from hypothesis import strategies as st

from quanyu.faces.http.ngsi.route import BASE, NgsiRoute
from quanyu.kernel.ngsi.core import CORE_URL
from tests.faces.city import STATION, TOKENS, Knock
from tests.faces.sound import CAR, REGISTRATION, SUBSCRIPTION, sound_body

INSTANCE = "urn:ngsi-ld:Instance:1-0"
REFUSED = frozenset({400, 401, 403, 404, 405, 406, 409, 411, 413, 415, 422, 501, 503, 504})

Pairs = Sequence[tuple[bytes, bytes]]


class Told(NamedTuple):
    """What came back."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes


class Wish(NamedTuple):
    """A request as it goes over the wire; a body of None has no Content-Length."""

    method: str
    target: bytes
    headers: Pairs = ()
    body: bytes | None = None


def ask(knock: Knock, wish: Wish, who: str | None = "admin", pieces: int = 1) -> Told:
    """Put a request to the application as the server would, whatever bytes it holds."""
    path, _, query = wish.target.partition(b"?")
    headers = [(b"host", b"127.0.0.1:8000"), *((name.lower(), value) for name, value in wish.headers)]
    if who is not None:
        headers.append((b"authorization", f"Bearer {TOKENS[who]}".encode()))
    if wish.body is not None and all(name != b"content-length" for name, _ in headers):
        headers.append((b"content-length", str(len(wish.body)).encode()))
    body = wish.body or b""
    size = -(-len(body) // pieces) or 1
    parts = [body[start : start + size] for start in range(0, len(body), size)] or [b""]
    waiting = [
        {"type": "http.request", "body": part, "more_body": number < len(parts)} for number, part in enumerate(parts, 1)
    ]
    said: list[Any] = []

    async def receive() -> Any:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        said.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": wish.method, "scheme": "http",
        "path": _decoded(path), "raw_path": path, "query_string": query, "root_path": "", "headers": headers,
        "client": ("127.0.0.1", 5000), "server": ("127.0.0.1", 8000), "state": {},
    }  # fmt: skip
    app: Any = knock.app
    knock.loop.run_until_complete(asyncio.wait_for(app(scope, receive, send), 60))
    content = b"".join(each.get("body", b"") for each in said[1:])
    return Told(said[0]["status"], dict(said[0]["headers"]), content)


def _decoded(path: bytes) -> str:
    return unquote_to_bytes(path).decode("utf-8", "replace")


# -- sound parts ---------------------------------------------------------------------------------------------------------

WORDS: dict[str, tuple[str, ...]] = {
    "type": ("Car", "Car,Bus", "(Car;Bus)|Tram", "*", "((((((Car))))))"),
    "id": (CAR, f"{CAR},{STATION}", "no uri"),
    "idPattern": ("urn:.*", "(a+)+$", "[", "^urn:ngsi-ld:(Car|Bus):[0-9]{1,99}$", "(.*)*(.*)*x"),
    "attrs": ("speed", "speed,owner", "@type", "scope"),
    "pick": ("id,speed", "owner{name{age}}", "{{{"),
    "omit": ("speed", "owner{name}"),
    "q": ("speed>10", "speed==1..5", "label~=(a+)+", "owner{age}>3|!x", "raw[a][b]==1", "a.b.c!=\"x\"", "((((a))))"),
    "csf": ("extra==7", "x>"),
    "georel": ("near;maxDistance==1000", "within", "disjoint", "near;maxDistance==1e999", "equals"),
    "geometry": ("Point", "Polygon", "MultiPolygon", "GeometryCollection"),
    "coordinates": ("[116.4,39.9]", "[[[0,0],[0,1],[1,1],[0,0]]]", "[[[0,0],[1,1],[0,1],[1,0],[0,0]]]", "[NaN,1e400]"),
    "geoproperty": ("location", "area", "speed"),
    "geometryProperty": ("location", "area"),
    "scopeQ": ("/depot/#", "/a/+,/b;/c", "#"),
    "limit": ("0", "1", "1000", "1001", "-1", "1e3", "99999999999999999999"),
    "offset": ("0", "5", "1000000000", "1000000001"),
    "after": ("0", "1", "9223372036854775807", "9223372036854775808"),
    "count": ("true", "false", "yes"),
    "options": ("sysAttrs", "keyValues", "concise", "sysAttrs,keyValues", "noOverwrite", "update", "replace",
                "temporalValues", "aggregatedValues", "nothing"),
    "format": ("normalized", "simplified", "concise", "temporalValues", "aggregatedValues", "xml"),
    "lang": ("zh", "en;q=0.1,*", "*", "x" * 600),
    "datasetId": ("@none", "urn:d:2", "@none,urn:d:2", "x"),
    "join": ("inline", "flat", "@none", "sideways"),
    "joinLevel": ("1", "2", "10", "11"),
    "containedBy": (CAR, "x"),
    "orderBy": ("speed;desc", "id", "location;dist-asc", "label[zh],-x"),
    "orderFrom": ("[116,39]", "[]", "[[]]"),
    "orderGeometry": ("Point", "Polygon"),
    "collation": ("zh", "en-u-kn", "zzz"),
    "timerel": ("before", "after", "between", "during"),
    "timeAt": ("2026-03-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "0000-00-00T00:00:00Z", "2026-02-30T00:00:00Z"),
    "endTimeAt": ("2026-03-02T00:00:00Z", "1500-01-01T00:00:00Z"),
    "timeproperty": ("observedAt", "createdAt", "modifiedAt", "deletedAt"),
    "lastN": ("1", "0", "999999999", "1000000000000"),
    "aggrMethods": ("avg", "min,max,totalCount,distinctCount,sum,sumsq,stddev", "median"),
    "aggrPeriodDuration": ("PT1H", "P1Y", "PT0.000001S", "PT0S", "P99999999Y", "1h", "P1M"),
    "observedAt": ("2026-03-01T00:00:00Z", "now"),
    "keep": ("speed", "speed,x"),
    "drop": ("speed", "owner"),
    "deleteAll": ("true", "false"),
    "details": ("true", "false"),
    "kind": ("Cached", "Hosted", "ImplicitlyCreated", "Other"),
    "reload": ("true", "false"),
    "local": ("true", "false"),
    "expandValues": ("colour", "speed,colour"),
    "jsonKeys": ("raw",),
    "splitEntities": ("true",),
}  # fmt: skip
PATHS: dict[str, tuple[str, ...]] = {
    "entityId": (CAR, STATION, "urn:ngsi-ld:Car:404", "no uri"),
    "attrId": ("speed", "owner", "label", "location", "scope", "type", "id", "colour", "@context", "fuelLevel"),
    "instanceId": (INSTANCE, "urn:ngsi-ld:Instance:9223372036854775808-99999999999999999999", "x"),
    "subscriptionId": (SUBSCRIPTION, "urn:x", "x"),
    "registrationId": (REGISTRATION, "urn:x", "x"),
    "contextId": ("00000000", CORE_URL, "urn:x"),
    "type": ("Car", "https://uri.etsi.org/ngsi-ld/default-context/Car", "a b"),
}
CONTEXTS: tuple[Any, ...] = (
    CORE_URL, {"Car": "https://city.example/Car"}, {"speed": None}, {"a": "b:c", "b": "a:d"}, "http://127.0.0.1/x",
    {"@vocab": 7}, [[[[]]]], "file:///etc/passwd", {"speed": {"@reverse": "https://x.example/y"}}, [None], None,
    {"type": "https://x.example/t"}, {"@import": CORE_URL}, "http://127.0.0.1:8000/ngsi-ld/v1/jsonldContexts/00000000",
    {"https": "https://x.example/"}, {"speed": "@type"}, {"speed": "@value"}, 7,
)  # fmt: skip
MEDIA = (
    "application/json", "application/ld+json", "application/merge-patch+json", "application/geo+json", "text/plain", "",
    "application/json; charset=latin-1", "*/*;q=0, application/json",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -0.0, 2**63, -(2**63), 2**64, 10**30, 10**400, 1e308, 5e-324, "", "\x00", "a\x00b", "\ud800", "\udfff",
    "\u202e", "😀" * 300, "x" * 5_000, "urn:ngsi-ld:null", "@none", "@value", "@id", "@type", "@context", "id", "type", "value",
    "NaN", "1e999", "2026-03-01T00:00:00Z", "2026-02-30T25:61:61Z", "9999-12-31T23:59:59.9999999Z", "-1", "//", "urn:", "http://[",
    [], {}, [[]], [None], {"": None}, {"type": None}, {"@value": 1}, {"type": "Property"}, {"type": "Nothing", "value": 1},
    {"type": "Property", "value": None}, {"type": "Relationship", "object": []}, {"type": "GeoProperty", "value": {}},
    {"type": "Point", "coordinates": []}, {"type": "Point", "coordinates": [1e308, -1e308]},
    {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 1], [1, 0], [0, 0]]]}, {"type": "Point", "coordinates": [181, 91]},
    {"type": "LanguageProperty", "languageMap": {"": ""}}, {"type": "ListProperty", "valueList": {}},
    {"type": "VocabProperty", "vocab": ["a", None]}, {"type": "Polygon", "coordinates": [[[0, 0]] * 3]},
    {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [0, 0]}] * 3},
)  # fmt: skip


# -- bent ones -------------------------------------------------------------------------------------------------------------

loose_text = st.text(max_size=12)
loose_values = st.one_of(
    st.sampled_from(VALUES),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | loose_text,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(loose_text, inner, max_size=3),
        max_leaves=6,
    ),
)


def encoded(document: Any) -> bytes:
    """JSON with everything that Python can say in it: surrogates escaped, numbers of any size."""
    return json.dumps(document, ensure_ascii=True, allow_nan=True).encode()


def _spots(document: Any) -> list[tuple[Any, Any]]:
    found = []
    waiting = [document]
    while waiting:
        holder = waiting.pop()
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        for key in keys:
            found.append((holder, key))
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])
    return found


@st.composite
def bent(draw: st.DrawFn, sound: Any) -> Any:
    """A sound document with a few parts replaced, taken out, renamed, wrapped or put in twice."""
    document = msgspec.json.decode(msgspec.json.encode(sound))
    if not isinstance(document, dict | list):
        return deepcopy(draw(loose_values))
    for _ in range(draw(st.integers(0, 3))):
        spots = _spots(document)
        if not spots:
            break
        holder, key = draw(st.sampled_from(spots))
        deed = draw(st.sampled_from(("replace", "replace", "remove", "rename", "wrap", "double", "exchange")))
        if deed == "replace":
            holder[key] = deepcopy(draw(loose_values))
        elif deed == "remove":
            del holder[key]
        elif deed == "wrap":
            holder[key] = [holder[key]]
        elif deed == "exchange":
            other, spot = draw(st.sampled_from(spots))
            if spot in (other if isinstance(other, dict) else range(len(other))):
                holder[key] = deepcopy(other[spot])
        elif isinstance(holder, list):
            holder.append(deepcopy(holder[key]))
        else:
            name = draw(st.one_of(loose_text, st.sampled_from(("@context", "@id", "@type", "type", "value", "scope"))))
            holder[name] = holder[key] if deed == "double" else holder.pop(key)
            holder[name] = deepcopy(holder[name])
    return document


@st.composite
def spoilt(draw: st.DrawFn, content: bytes) -> bytes:
    """The bytes of a body, sound or with a piece cut out or put in."""
    deed = draw(st.sampled_from(("sound",) * 6 + ("cut", "put", "twice", "random")))
    if deed == "sound" or not content:
        return content
    if deed == "random":
        return draw(st.binary(max_size=40))
    at = draw(st.integers(0, len(content)))
    if deed == "cut":
        return content[:at]
    if deed == "put":
        return (
            content[:at]
            + draw(st.sampled_from((b"\x00", b"\xff\xfe", b"[[[", b'"', b",", b"1e9999", b"NaN")))
            + content[at:]
        )
    key = b'{"type":"Car","type":{},"id":1,'
    return key + content[1:] if content[:1] == b"{" else content + content


@st.composite
def targets(draw: st.DrawFn, route: NgsiRoute) -> bytes:
    """Path and query of a request of a route."""
    parts = []
    for part in route.path.split("/"):
        if part.startswith("{"):
            known = st.sampled_from(PATHS[part[1:-1]])
            part = quote(draw(known if draw(st.integers(0, 5)) else loose_text.map(_sendable)), safe="")
        parts.append(part)
    path = (BASE + "/".join(parts)).encode()
    if not draw(st.integers(0, 9)):
        path += draw(st.sampled_from((b"/", b"//", b"/%00", b"/%ff", b"/..%2f", b"\xff", b"/attrs/attrs")))
    pairs = []
    names = sorted(route.parameters | route.unbuilt)
    for name in draw(st.lists(st.sampled_from(names), max_size=5, unique=True)) if names else []:
        sound = st.sampled_from(WORDS.get(name, ("true", "x")))
        value = draw(sound if draw(st.integers(0, 4)) else loose_text.map(_sendable))
        pairs.append(f"{name}={quote(value, safe='')}".encode())
    if not draw(st.integers(0, 15)):
        pairs.append(
            draw(
                st.sampled_from((b"%ff=1", b"type=%ff", b"nothing=1", b"&&&", b"=", b"type", b"q=%00", b"id=%ED%A0%80"))
            )
        )
    return path + (b"?" + b"&".join(pairs) if pairs else b"")


def _sendable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


@st.composite
def requests(draw: st.DrawFn, route: NgsiRoute) -> Wish:
    """A request of a route: most parts sound, some bent."""
    target = draw(targets(route))
    headers: list[tuple[bytes, bytes]] = []
    media = draw(st.sampled_from(route.reads)) if draw(st.integers(0, 7)) else draw(st.sampled_from(MEDIA))
    if not draw(st.integers(0, 4)):
        headers.append((b"accept", draw(st.sampled_from((*MEDIA, "a" * 300, ";;,"))).encode()))
    link = draw(st.integers(0, 9))
    if link < 2:
        url = draw(st.sampled_from([each for each in CONTEXTS if isinstance(each, str)] + ["\xff", ">", ""]))
        rel = "http://www.w3.org/ns/json-ld#context"
        headers.append((b"link", f'<{url}>; rel="{rel}"; type="application/ld+json"'.encode("latin-1")))
    if not draw(st.integers(0, 19)):
        name = draw(
            st.sampled_from((b"ngsild-tenant", b"idempotency-key", b"prefer", b"via", b"x-forwarded-proto", b"cookie"))
        )
        headers.append((name, draw(st.sampled_from((b"a", b"", b"\xff\xfe", b"x" * 300, b"body=json", b"../..")))))
    body = None
    if route.body is not None:
        headers.append((b"content-type", media.encode()))
        document = draw(bent(sound_body(route)))
        if media == "application/ld+json" and draw(st.integers(0, 9)):
            for each in document if isinstance(document, list) else [document]:
                if isinstance(each, dict):
                    each.setdefault("@context", deepcopy(draw(st.sampled_from(CONTEXTS))))
        body = draw(spoilt(encoded(document)))
    return Wish(route.method, target, headers, body)
