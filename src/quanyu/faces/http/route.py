"""The route table's word: each route declares who may use it, what it reads and what it answers."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Literal
from urllib.parse import unquote

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute
from starlette.types import Receive, Scope, Send

from quanyu.engines.access.view import Actor
from quanyu.faces.http import problem
from quanyu.faces.http.auth import check_origin, find_actor, stranger
from quanyu.faces.http.body import FILE_BYTES_MAX, query_of, read_bytes, read_json
from quanyu.faces.http.hub import Hub
from quanyu.faces.http.shown import Listing, csv_text, listing_document, shown
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.view import NOTHING, Filter

PUBLIC = "public"
SIGNED_IN = "signed-in"
PURPOSE_HEADER = "quanyu-purpose"
Method = Literal["GET", "POST", "PATCH", "DELETE", "PUT"]


class NoQuery(msgspec.Struct):
    """A route without query parameters."""


class Raw:
    """Body shape of a route that takes bytes as they are."""


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One route. `permission`: PUBLIC, SIGNED_IN, a view action (`view:cases`), a command kind, or a prefix and `*`.

    A plain handler runs in a thread (it reads the store), a coroutine in the event loop (it commits). `read` returns
    the body of a request where JSON alone is not enough.
    """

    method: Method
    path: str
    permission: str
    handle: Callable[[Ask], Any]
    summary: str
    query: type[msgspec.Struct] = NoQuery
    body: Any = None
    read: Callable[[Request], Awaitable[Any]] | None = None
    answer: Any = None
    status: int = 200


class Ask:
    """A request that was let in: who asks, what they may see, and what they sent."""

    def __init__(self, hub: Hub, request: Request, actor: Actor | None, scope: Filter, query: Any, body: Any) -> None:
        self.hub = hub
        self.request = request
        self._actor = actor
        self.scope = scope
        self.query = query
        self.body = body

    @property
    def actor(self) -> Actor:
        """Who asks; only public routes may be asked by nobody."""
        assert self._actor is not None, "a public route asked for its actor"
        return self._actor

    @property
    def zone(self) -> str:
        """The city's time zone."""
        return self.hub.city.zone

    @property
    def key(self) -> str | None:
        """The sender's idempotency key."""
        return self.request.headers.get("idempotency-key")

    def path(self, name: str) -> str:
        """Return a part of the path."""
        return str(self.request.path_params[name])

    def scope_of(self, action: str) -> Filter:
        """Return what the actor may see of another view."""
        return self.hub.access.scope(self.actor, action, self.purpose)

    @property
    def purpose(self) -> str:
        """Why personal data is asked for (percent-encoded in the header)."""
        return unquote(self.request.headers.get(PURPOSE_HEADER, ""))[:200]


class Paths:
    """All methods of one path: an ASGI application that finds the route, lets in or refuses, and answers."""

    def __init__(self, hub: Hub, routes: Iterable[Route]) -> None:
        self._hub = hub
        self._routes: dict[str, Route] = {route.method: route for route in routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; every error becomes a problem."""
        request = Request(scope, receive)
        actor: Actor | None = None
        try:
            route = self._route(request)
            actor = find_actor(self._hub, request)
            response = await self._answered(route, request, actor)
        except Exception as error:  # the border of the face: whatever it is, the caller gets a problem
            response = problem.answer(error, scope["path"], actor.id if actor else "")
        await response(scope, receive, send)

    def _route(self, request: Request) -> Route:
        method = "GET" if request.method == "HEAD" else request.method
        route = self._routes.get(method)
        if route is None:
            allow = ", ".join(self._routes)
            raise Invalid(
                f"Method {method} is not known on {request.url.path}.",
                code="http.method",
                remedy=f"Use {allow}.",
                allow=allow,
            )
        return route

    async def _answered(self, route: Route, request: Request, actor: Actor | None) -> Response:
        hub = self._hub
        scope = let_in(hub, route, request, actor)
        check_origin(request, actor)
        query = query_of(request, route.query)
        body = None
        if route.read is not None:
            body = await route.read(request)
        elif route.body is Raw:
            body = await read_bytes(request, FILE_BYTES_MAX)
        elif route.body is not None:
            body = await read_json(request, route.body)
        ask = Ask(hub, request, actor, scope, query, body)
        if inspect.iscoroutinefunction(route.handle):
            return respond(ask, route, await route.handle(ask))
        return await run_in_threadpool(_read, ask, route)


def _read(ask: Ask, route: Route) -> Response:
    return respond(ask, route, route.handle(ask))


def let_in(hub: Hub, route: Route, request: Request, actor: Actor | None) -> Filter:
    """Return what the actor may see here, or raise Denied; every route of the native API passes here."""
    return admitted(hub, route.permission, actor, request.url.path, request.headers.get(PURPOSE_HEADER, ""))


def admitted(hub: Hub, permission: str, actor: Actor | None, path: str, purpose: str) -> Filter:
    """Return what the actor may see under a permission, or raise Denied: the one door of every HTTP route."""
    if permission == PUBLIC:
        return NOTHING
    if actor is None:
        raise stranger(path)
    if permission == SIGNED_IN:
        return NOTHING
    if permission.startswith("view:"):
        return hub.access.scope(actor, permission, unquote(purpose)[:200] if purpose else "")
    if permission.endswith("*"):
        if not hub.access.touches(actor, permission[:-1]):
            hub.access.check(actor, permission[:-1])
    else:
        hub.access.check(actor, permission)
    return NOTHING


def respond(ask: Ask, route: Route, result: Any) -> Response:
    """Return the response of a handler's result: a Response as it is, a list as JSON or CSV, the rest as JSON."""
    if isinstance(result, Response):
        return result
    if isinstance(result, Listing):
        if getattr(ask.query, "format", "json") == "csv":
            return _csv(ask, result)
        result = listing_document(result, ask.zone)
    else:
        result = shown(result, ask.zone)
    content = b"" if result is None else msgspec.json.encode(result)
    status = 204 if result is None else route.status
    headers = {"Cache-Control": "no-store" if route.method != "GET" else "private, no-cache"}
    if route.method == "GET":
        version = result.get("version") if isinstance(result, dict) and "id" in result else None
        digest = hashlib.blake2b(content, digest_size=12).hexdigest()
        # Not everything that is shown moves the version (findings, receipts): the tag stands for the whole answer.
        tag = f'"{version}-{digest}"' if version is not None else f'W/"{digest}"'
        headers["ETag"] = tag
        if tag in _tags(ask.request.headers.get("if-none-match")):
            return Response(status_code=304, headers=headers)
    return Response(content, status, headers, "application/json" if content else None)


def _csv(ask: Ask, listing: Listing) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="{listing.name}.csv"',
        "Cache-Control": "private, no-cache",
    }
    if listing.next is not None:
        headers["Quanyu-Next"] = listing.next
    text = csv_text(listing.items, ask.zone, ask.actor.language)
    return Response(text.encode(), 200, headers, "text/csv; charset=utf-8")


def _tags(header: str | None) -> list[str]:
    return [tag.strip() for tag in (header or "").split(",")]


def expected_version(request: Request, stated: int | None) -> int | None:
    """Return the version that the sender saw, from If-Match or the body; Invalid when the two differ."""
    header = request.headers.get("if-match")
    if header is None or header.strip() == "*":
        return stated
    text = header.strip().removeprefix("W/").strip('"').partition("-")[0]
    if not (text.isascii() and text.isdigit()) or (stated is not None and int(text) != stated):
        raise Invalid(
            f"If-Match {header[:40]} is not the version stated in the body.",
            code="http.precondition",
            where="If-Match",
            remedy='Send the ETag of the case, for example If-Match: "7".',
        )
    return int(text)


def starlette_routes(hub: Hub, table: Sequence[Route]) -> list[StarletteRoute]:
    """Return the table as Starlette routes; a route without a permission is our mistake and stops the start."""
    by_path: dict[str, list[Route]] = {}
    for route in table:
        assert route.permission, f"{route.method} {route.path} declares no permission"
        by_path.setdefault(route.path, []).append(route)
    return [StarletteRoute(path, Paths(hub, routes)) for path, routes in by_path.items()]


class Lost:
    """Answers every path of the API that the table does not have."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a problem."""
        error = Missing(
            f"Path {scope['path'][:200]} does not exist.", code="http.path", remedy="See GET /api/openapi.json."
        )
        await problem.answer(error, scope["path"])(scope, receive, send)
