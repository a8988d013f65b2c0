"""The door of /ngsi-ld/v1: finds the route, lets in or refuses, reads the body, calls the handler, writes the answer.

Plain ASGI: what is hot here (one entity made, read or changed) would pay more for request objects than for its work.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from http.cookies import CookieError, SimpleCookie
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from quanyu.engines.access.view import Actor
from quanyu.faces.http.auth import COOKIE, actor_of, check_site
from quanyu.faces.http.guard import check_named
from quanyu.faces.http.hub import Hub
from quanyu.faces.http.ngsi import negotiate, parameters, problem, tenancy
from quanyu.faces.http.ngsi.asked import Answer, Asked, Header, header_of
from quanyu.faces.http.ngsi.body import BYTES_MAX, parsed, received_bytes
from quanyu.faces.http.ngsi.links import context_value
from quanyu.faces.http.ngsi.route import BASE, NgsiRoute
from quanyu.faces.http.ngsi.together import Together
from quanyu.faces.http.route import admitted
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.journal import Waiting
from quanyu.kernel.ngsi.context import CORE
from quanyu.kernel.ngsi.core import CORE_URL

ROOT = "/ngsi-ld/"
BELOW = f"{BASE}/"
SENDING = frozenset({"POST", "PATCH", "PUT"})
NO_SNIFFING = (b"x-content-type-options", b"nosniff")
JSON_TYPE = (b"content-type", b"application/json")
CORE_LINK = (b"link", context_value(CORE_URL).encode())
NO_WAY: Mapping[str, str] = MappingProxyType({})


class Node:
    """A segment of the path tree: what follows by word, what follows as a parameter, and the routes that end here."""

    __slots__ = ("free", "name", "routes", "words")

    def __init__(self) -> None:
        self.words: dict[str, Node] = {}
        self.free: Node | None = None
        self.name = ""
        self.routes: dict[str, NgsiRoute] = {}


def tree(routes: Iterable[NgsiRoute]) -> Node:
    """Return the path tree of a table; a route without a permission is our mistake and stops the start."""
    root = Node()
    for route in routes:
        assert route.permission, f"{route.method} {route.path} declares no permission"
        node = root
        for part in route.path.strip("/").split("/"):
            if part.startswith("{"):
                node.free = node.free or Node()
                node.free.name = part[1:-1]
                node = node.free
            else:
                node = node.words.setdefault(part, Node())
        assert route.method not in node.routes, f"{route.method} {route.path} stands twice"
        node.routes[route.method] = route
    return root


def nodes_of(root: Node, path: str = "") -> dict[str, Node]:
    """Return the nodes below one that words alone lead to, by path."""
    found: dict[str, Node] = {}
    for word, node in root.words.items():
        found |= {f"{path}{word}": node, **nodes_of(node, f"{path}{word}/")}
    return found


def find(root: Node, path: str) -> tuple[Node, dict[str, str]] | None:
    """Return the node of a path below the base and its parameters; one slash at the end is nothing."""
    node = root
    way: dict[str, str] = {}
    for part in (path[:-1] if path.endswith("/") else path).split("/"):
        following = node.words.get(part)
        if following is None:
            following = node.free
            if following is None:
                return None
            way[following.name] = unquote(part) if "%" in part else part
        node = following
    return (node, way) if node.routes else None


class NgsiDoor:
    """ASGI middleware: answers what lies below /ngsi-ld/ and passes on the rest."""

    def __init__(self, app: ASGIApp, hub: Hub, routes: Iterable[NgsiRoute]) -> None:
        self._app = app
        self._hub = hub
        table = tuple(routes)
        self._tree = tree(table)
        self._nodes = nodes_of(self._tree)
        self._together = Together()
        self._quick = {route.handle: _at_once(route.handle) for route in table if route.quick}
        self._awaited = {route.handle for route in table if inspect.iscoroutinefunction(route.handle)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; every error becomes ProblemDetails."""
        if scope["type"] != "http" or not scope["path"].startswith(ROOT):
            await self._app(scope, receive, send)
            return
        actor: list[Actor] = []
        leases: list[str] = []
        try:
            route, asked = self._let_in(scope, actor)
            if b"ngsild-tenant" in asked.headers:
                await self._enter(route, asked, leases)
            if route.body is not None:
                bytes_max = getattr(asked.home, "body_bytes_max", BYTES_MAX)
                stated = asked.headers.get(b"content-length", b"")
                asked.body = parsed(await received_bytes(receive, stated, bytes_max), route.body)
                if not _is_core(route, asked):
                    await _take_context(route, asked)
            elif b"link" in asked.headers:
                asked.context = await asked.context_of(None)
            if route.quick:
                try:
                    result = await self._together.read(self._quick[route.handle], asked)
                except Waiting:
                    result = await run_in_threadpool(route.handle, asked)
            elif route.handle in self._awaited:
                result = await route.handle(asked)
            else:
                result = await run_in_threadpool(route.handle, asked)
            status, headers, body = rendered(asked, result)
        except Exception as error:  # the border of the face: whatever it is, the caller gets a problem
            status, named, body = problem.answer(error, scope["path"], actor[0].id if actor else "")
            headers = [header_of(name.lower().encode(), value) for name, value in named.items()]
        finally:
            if leases:
                tenancy.leave(self._hub, leases[0])
        if leases and status >= 400:
            await tenancy.refused(self._hub, leases[0])
        if body:
            headers.append(NO_SNIFFING)
        headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _let_in(self, scope: Scope, who: list[Actor]) -> tuple[NgsiRoute, Asked]:
        """Judge a request by its line and its headers; nothing here waits."""
        hub, headers = self._hub, _headers(scope)
        if hub.access.open:
            check_named(scope, headers.get(b"host"), headers.get(b"origin"))
        route, way, raw_path = self._route(scope)
        actor = _actor(hub, headers)
        if actor is not None:
            who.append(actor)
        purpose = headers[b"quanyu-purpose"].decode("latin-1") if b"quanyu-purpose" in headers else ""
        seen = admitted(hub, route.permission, actor, scope["path"], purpose)
        assert actor is not None, "every route of this face is for somebody"
        if b"origin" in headers or b"sec-fetch-site" in headers:
            _check_site(scope["method"], actor, headers)
        if scope["method"] in SENDING and b"content-length" not in headers:
            raise Invalid("The request says no Content-Length.", code="http.length", where="Content-Length")
        query = parameters.read(scope["query_string"], route)
        media = negotiate.answered(headers.get(b"accept", b""), route.answers)
        asked = Asked(hub, actor, seen, query, headers, way, raw_path, media)
        if route.body is not None:
            asked.received = negotiate.received(headers.get(b"content-type", b""), route.reads)
        return route, asked

    async def _enter(self, route: NgsiRoute, asked: Asked, leases: list[str]) -> None:
        """Enter the tenant that is named."""
        asked.tenant = asked.headers[b"ngsild-tenant"].decode("latin-1")
        asked.hub = await tenancy.enter(self._hub, asked.actor, asked.tenant, route.makes_tenant)
        leases.append(asked.tenant)

    def _node(self, raw_path: str) -> tuple[Node, Mapping[str, str]] | None:
        """Return the node of a path and its parameters: at once where words lead there, or to one before the last."""
        if not raw_path.startswith(BELOW):
            return None
        path = raw_path[len(BELOW) :]
        node = self._nodes.get(path)
        if node is not None and node.routes:
            return node, NO_WAY
        start, _, last = path.rpartition("/")
        before = self._nodes.get(start)
        if before is not None and before.free is not None and last and last not in before.words and "%" not in last:
            return (before.free, {before.free.name: last}) if before.free.routes else None
        return find(self._tree, path)

    def _route(self, scope: Scope) -> tuple[NgsiRoute, Mapping[str, str], str]:
        raw_path = scope.get("raw_path", b"").decode("latin-1") or scope["path"]
        node, way = self._node(raw_path) or (None, {})
        if node is None:
            raise Missing(
                f"Path {scope['path'][:200]} does not exist.", code="http.path", remedy="See GET /api/openapi.json."
            )
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        route = node.routes.get(method)
        if route is None:
            allow = ", ".join(node.routes)
            raise Invalid(
                f"Method {method} is not known on {scope['path'][:200]}.",
                code="http.method",
                remedy=f"Use {allow}.",
                allow=allow,
            )
        return route, way, raw_path


def _at_once(handle: Callable[[Asked], Any]) -> Callable[[Asked], Any]:
    """Return the handler of a quick route as one that raises Waiting instead of waiting for the writer."""

    def look(asked: Asked) -> Any:
        return asked.hub.at_once(handle, asked) if asked.hub.waits else handle(asked)

    return look


def _headers(scope: Scope) -> dict[bytes, bytes]:
    """Return the headers by lower-case name; what came more than once is joined as RFC 9110 says."""
    pairs = scope["headers"]
    found: dict[bytes, bytes] = dict(pairs)
    if len(found) != len(pairs):
        found = {}
        for name, value in pairs:
            found[name] = found[name] + b", " + value if name in found else value
    return found


def _actor(hub: Hub, headers: Mapping[bytes, bytes]) -> Actor | None:
    authorization = headers.get(b"authorization")
    cookies = headers.get(b"cookie")
    if authorization is None and cookies is None:
        return hub.access.open_actor()
    return actor_of(
        hub,
        None if authorization is None else authorization.decode("latin-1"),
        None if cookies is None else _cookie(cookies.decode("latin-1")),
    )


def _cookie(header: str) -> str | None:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return None
    return None if found is None else found.value


def _check_site(method: str, actor: Actor, headers: Mapping[bytes, bytes]) -> None:
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    check_site(
        method,
        actor,
        None if site is None else site.decode("latin-1"),
        None if origin is None else origin.decode("latin-1"),
        headers.get(b"host", b"").decode("latin-1"),
    )


def _is_core(route: NgsiRoute, asked: Asked) -> bool:
    """Whether a request with a body is written in the core context and says nothing of it."""
    if b"link" in asked.headers or route.own_context or asked.received == negotiate.LD:
        return False
    body = asked.body
    return body.__class__ is not dict or "@context" not in body


async def _take_context(route: NgsiRoute, asked: Asked) -> None:
    """Resolve the @context of the request, and take it out of the body."""
    asked.check_link()
    if route.own_context:
        asked.context = None
        return
    body = asked.body if isinstance(asked.body, dict) else None
    asked.context = await asked.context_of(body)
    if body is not None:
        body.pop("@context", None)


def rendered(asked: Asked, result: Any) -> tuple[int, list[Header], bytes]:
    """Return status, headers and body of a handler's result.

    None is 204, an Answer is itself, anything else is the body of a 200 written in the context of the request.
    """
    if result.__class__ is bytes and asked.context is CORE and asked.media == negotiate.JSON and asked.tenant is None:
        return 200, [JSON_TYPE, CORE_LINK], result
    if not isinstance(result, Answer):
        result = Answer(result, 204 if result is None else 200, context=asked.context)
    headers: list[Header] = []
    links: Sequence[str] = result.links
    body, context = result.body, result.context
    if body is None:
        content = b""
    else:
        media = result.media or asked.media
        headers.append(JSON_TYPE if media == negotiate.JSON else (b"content-type", media.encode()))
        if context is None:
            content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        elif media == negotiate.JSON or not asked.embeds_context:
            content = body if isinstance(body, bytes) else msgspec.json.encode(body)
            links = [*links, *map(context_value, context.links[:1])]
        else:
            content = embedded(body, context.source)
    if links:
        headers.append(header_of(b"link", ", ".join(links)))
    if asked.tenant is not None:
        headers.append(header_of(b"ngsild-tenant", asked.tenant))
    headers += result.headers
    return result.status, headers, content


def embedded(body: Any, source: Any) -> bytes:
    """Return a body with the @context in it, in every item of a list."""
    if isinstance(body, bytes):
        if body[:1] == b"{" and len(body) > 2:
            return b'{"@context":' + msgspec.json.encode(source) + b"," + body[1:]
        body = msgspec.json.decode(body)
    if isinstance(body, list):
        # One text of the context for all items: it may be long, and the list too.
        context = msgspec.Raw(msgspec.json.encode(source))
        return msgspec.json.encode([{**item, "@context": context} if isinstance(item, dict) else item for item in body])
    if isinstance(body, dict):
        return msgspec.json.encode({**body, "@context": source})
    return msgspec.json.encode(body)
