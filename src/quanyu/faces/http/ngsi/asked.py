"""What a handler is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from re import ASCII
from re import compile as pattern
from typing import Any, Final, Protocol
from urllib.parse import quote, unquote
from uuid import uuid4

from starlette.concurrency import run_in_threadpool

from quanyu.engines.access.view import AccessView, Actor
from quanyu.faces.http.ngsi.links import context_link, page_value
from quanyu.faces.http.ngsi.negotiate import GEO, LD
from quanyu.faces.http.ngsi.parameters import Parameters
from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Command, Instant, Receipt, Waiting
from quanyu.kernel.ngsi.context import CORE
from quanyu.kernel.view import Filter, Views

Header = tuple[bytes, bytes]
"""A name in lower case and a value, as they are sent."""
_IN_SEGMENT: Final = ":@!$&'()*+,;="
_AWKWARD: Final = pattern(rf"[^\w\-.~{_IN_SEGMENT}]", ASCII).search
"""Finds what stands in a segment of a path by its code alone (RFC 3986, 3.3)."""


class Context(Protocol):
    """A resolved @context, as this face uses it (`kernel.ngsi.context.Context` is one)."""

    def name(self, term: str) -> str:
        """Return the stored name of a term."""
        ...

    def word(self, name: str) -> str:
        """Return the term of a stored name."""
        ...

    @property
    def links(self) -> tuple[str, ...]:
        """The URLs that it was made of."""
        ...

    @property
    def source(self) -> Any:
        """What stands under "@context" in a body."""
        ...


class Contexts(Protocol):
    """What the hub knows of contexts; None and an absent source stand for the core context."""

    def known(self, source: Any) -> Any:
        """Return the context of a source when it is at hand, else None; called in the event loop."""
        ...

    def resolve(self, source: Any) -> Any:
        """Return the context, fetching what is missing; called in a thread."""
        ...


class Clock(Protocol):
    """City time."""

    def now(self) -> Instant:
        """Return city time."""
        ...


class NgsiHub(Protocol):
    """The hub of a tenant, as this face sees it."""

    @property
    def views(self) -> Views: ...  # noqa: D102

    @property
    def contexts(self) -> Contexts: ...  # noqa: D102

    @property
    def clock(self) -> Clock: ...  # noqa: D102

    @property
    def machine(self) -> Callable[[], Instant]: ...  # noqa: D102

    async def commit(
        self, commands: Sequence[Command], actor: str, *, key: str | None = None, atomic: bool = True
    ) -> Receipt:
        """Commit commands; returns when durable."""
        ...


class Answer:
    """An answer that is more than a body with status 200.

    `body`: None (no content), bytes (JSON text as it is), or plain values. `context`: what its names are written in; None
    for bodies without names (lists of ids, batch results). `headers`: pairs in addition. `links`: Link values in addition.
    """

    __slots__ = ("body", "context", "headers", "links", "media", "status")

    def __init__(
        self,
        body: Any = None,
        status: int = 200,
        *,
        context: Any = None,
        headers: Sequence[Header] = (),
        links: Sequence[str] = (),
        media: str | None = None,
    ) -> None:
        self.body = body
        self.status = status
        self.context = context
        self.headers = headers
        self.links = links
        self.media = media


def created(folder: str, id: str) -> Answer:
    """Return 201 with the path that leads to what was made: its id below a folder of the base."""
    segment = quote(id, safe=_IN_SEGMENT) if _AWKWARD(id) else id
    return Answer(None, 201, headers=((b"location", f"/ngsi-ld/v1{folder}/{segment}".encode()),))


def header_of(name: bytes, value: str) -> Header:
    """Return a header of an answer; what its alphabet lacks is shown by a question mark."""
    return name, value.encode("latin-1", "replace")


class Asked:
    """A request that was let in.

    `hub` is the tenant's, `home` the one that knows who may. `media` is the representation that the answer will have.
    `context` is the request's @context, the core's where it names none (of a list body: the Link's; its items are asked
    with `context_of`).
    """

    __slots__ = ("actor", "body", "context", "headers", "home", "hub", "media", "query", "raw_path", "received", "scope",
                 "tenant", "way")  # fmt: skip

    def __init__(
        self,
        home: Any,
        actor: Actor,
        scope: Filter,
        query: Parameters,
        headers: Mapping[bytes, bytes],
        way: Mapping[str, str],
        raw_path: str,
        media: str,
    ) -> None:
        self.home = home
        self.hub: Any = home
        self.actor = actor
        self.scope = scope
        self.query = query
        self.headers = headers
        self.way = way
        self.raw_path = raw_path
        self.media = media
        self.received = ""
        self.tenant: str | None = None
        self.context: Any = CORE
        self.body: Any = None

    def path(self, name: str) -> str:
        """Return a part of the path, decoded."""
        return self.way[name]

    def header(self, name: bytes) -> str:
        """Return a header by its lower-case name, empty when it was not sent."""
        return self.headers.get(name, b"").decode("latin-1")

    @property
    def key(self) -> str | None:
        """The sender's idempotency key."""
        given = self.headers.get(b"idempotency-key")
        return given.decode("latin-1") if given else None

    @property
    def purpose(self) -> str:
        """Why personal data is asked for (percent-encoded in the header)."""
        return unquote(self.header(b"quanyu-purpose"))[:200]

    def scope_of(self, action: str) -> Filter:
        """Return what the actor may see of another view."""
        access: AccessView = self.home.access
        return access.scope(self.actor, action, self.purpose)

    def fresh_id(self) -> str:
        """Return a part of an id that nobody has."""
        return uuid4().hex

    def check(self, kind: str) -> None:
        """Raise Denied unless the actor may send commands of a kind."""
        self.home.access.check(self.actor, kind)

    async def threaded(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Run what reads for long in a thread."""
        return await run_in_threadpool(work, *arguments)

    async def at_once(self, look: Callable[..., Any], *arguments: Any) -> Any:
        """Look in the event loop; where that would wait for the writer, in a thread."""
        hub = self.hub
        if not hub.waits:
            return look(*arguments)
        try:
            return hub.at_once(look, *arguments)
        except Waiting:
            return await run_in_threadpool(look, *arguments)

    def commit(self, commands: Sequence[Command], *, atomic: bool = True) -> Awaitable[Receipt]:
        """Commit to the tenant's hub under the actor and the sender's idempotency key."""
        found: Awaitable[Receipt] = self.hub.commit(commands, self.actor.id, key=self.key, atomic=atomic)
        return found

    @property
    def embeds_context(self) -> bool:
        """Whether a GeoJSON answer carries its @context in the body (6.3.15; `Prefer: body=json` moves it out)."""
        return self.media != GEO or "body=json" not in self.header(b"prefer").replace(" ", "")

    def check_link(self) -> None:
        """Refuse a @context in the Link header beside a JSON-LD body (6.3.5)."""
        if self.received == LD and b"link" in self.headers and context_link(self.header(b"link")) is not None:
            raise _misplaced("A JSON-LD body and the Link header both give a @context.", "Link")

    async def context_of(self, document: Mapping[str, Any] | None) -> Any:
        """Return the @context of a document of this request (6.3.5), from its body or from the Link header."""
        link = context_link(self.header(b"link")) if b"link" in self.headers else None
        if self.received == LD and document is not None:
            if "@context" not in document:
                raise _misplaced("A body of type application/ld+json holds no @context.", "@context")
            return await self.resolved(document["@context"])
        if document is not None and "@context" in document:
            raise _misplaced(f"A body of type {self.received} holds a @context.", "@context")
        return await self.resolved(link)

    async def resolved(self, source: Any) -> Any:
        """Return a context: at once when it is at hand, else in a thread."""
        contexts: Contexts = self.hub.contexts
        found = contexts.known(source)
        return found if found is not None else await run_in_threadpool(contexts.resolve, source)

    def listing(
        self, items: Any, *, limit: int, offset: int, more: bool, total: int | None = None, context: Any = ...
    ) -> Answer:
        """Return a page of a list that is read by limit and offset (6.3.10), with its count when it was asked (6.3.13).

        `more`: whether something follows. `total`: of the whole list, None when it was not asked.
        """
        links = []
        if offset > 0:
            links.append(self.page("prev", limit=str(limit), offset=str(max(0, offset - limit))))
        if more and limit:
            links.append(self.page("next", limit=str(limit), offset=str(offset + limit)))
        headers = () if total is None else (header_of(b"ngsild-results-count", str(total)),)
        return Answer(items, context=self.context if context is ... else context, headers=headers, links=links)

    def page(self, rel: str, **moved: str) -> str:
        """Return the Link value of another page of this request."""
        return page_value(self.raw_path.rstrip("/"), self.query.pairs, rel, self.media, **moved)


def _misplaced(what: str, where: str) -> Invalid:
    return Invalid(
        what,
        code="context.place",
        where=where,
        remedy="application/json takes its @context from the Link header, application/ld+json from its body.",
    )
