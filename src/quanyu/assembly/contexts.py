"""The contexts of a hub: resolved ones at hand for requests, and behind them what is kept, mapped or downloaded."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, Protocol
from urllib.parse import unquote

import msgspec
import structlog

from quanyu.engines.context.contexts import KEPT, ContextKind, ContextsView, implied_id, missing
from quanyu.kernel.errors import Invalid, QuanyuError, Unavailable, Unsupported
from quanyu.kernel.journal import Command, Instant
from quanyu.kernel.ngsi.context import CORE, Context, resolve
from quanyu.kernel.ngsi.core import CORE_URL, CORE_URLS, core_context, is_core_url

PATH = "/ngsi-ld/v1/jsonldContexts/"
LOCAL = re.compile(r"https?://[^/?#]+/ngsi-ld/v1/jsonldContexts/([^/?#]+)")
RESOLVED_MAX = 512
TERMS_MAX = 400_000
"""Terms of all resolved contexts together: what bounds their memory."""
USES_MAX = 20_000
FETCHED_AT_ONCE = 4
"""Contexts that are downloaded beside what asked for them."""
log = structlog.get_logger()


class Kept(Protocol):
    """What is known of a downloaded document; instants are machine time."""

    @property
    def at(self) -> Instant: ...  # noqa: D102


class Web(Protocol):
    """Downloads contexts and keeps them as files; what it raises are the errors of `fetch`."""

    def fetch(self, url: str) -> Any:
        """Return the document of a context, from the map, the files or the network."""
        ...

    def at_hand(self, url: str) -> Any:
        """Return the document from the map or the files, None when only the network has it."""
        ...

    def reload(self, url: str) -> None:
        """Get it again; what stood stays when that fails."""
        ...

    def forget(self, url: str) -> bool:
        """Drop what was kept; False when nothing was."""
        ...

    def kept(self) -> Mapping[str, Kept]:
        """Return what is kept, by URL."""
        ...


class Use(msgspec.Struct):
    """How often a context was found here since the hub was opened, and when last (machine time)."""

    hits: int = 0
    last: Instant = 0


class Entry(msgspec.Struct, frozen=True):
    """A context that this hub holds. `url` is the original one of a Cached context, None for those that are kept here."""

    id: str
    kind: ContextKind
    url: str | None
    created: Instant
    hits: int = 0
    last: Instant = 0


class _Resolved(msgspec.Struct, frozen=True):
    context: Context
    uses: tuple[Use, ...]


class Contexts:
    """What a hub knows of contexts. `web` is shared by a home and its tenants; what people publish is their tenant's own.

    A URL below `/ngsi-ld/v1/jsonldContexts/` whose id is kept here means that context, whatever name the hub was asked by.
    """

    def __init__(self, view: ContextsView, web: Web, machine: Callable[[], Instant], opened_at: Instant = 0) -> None:
        self.web = web
        self._view = view
        self._machine = machine
        self._opened_at = opened_at
        self._resolved: OrderedDict[str | bytes, _Resolved] = OrderedDict()
        self._terms = 0
        self._uses: dict[str, Use] = {}
        self._guard = threading.Lock()
        self._coming: set[str] = set()

    # -- for requests -------------------------------------------------------------------------------------------------

    def known(self, source: Any) -> Context | None:
        """Return the Context of a source when it is at hand; touches no file, so the event loop may ask."""
        if source is None or (isinstance(source, str) and is_core_url(source)):
            return CORE
        key = _key(source)
        with self._guard:
            found = self._resolved.get(key)
            if found is None:
                return None
            self._resolved.move_to_end(key)
            self._count(found.uses)
        return found.context

    def resolve(self, source: Any) -> Context:
        """Return the Context of a source, getting what is missing; may take seconds, so a thread asks.

        Invalid `context.…` for what is no context, Unavailable `context.unavailable` for what cannot be had.
        """
        return self._made(source, self.web.fetch)

    def at_hand(self, url: str) -> Context:
        """Return the Context of a URL without asking the network, for who may not wait: readers, which tell many.

        Unavailable for what is only there: then its download begins beside this, and a later call may find it.
        """
        try:
            return self._made(url, self._held)
        except Unavailable:
            with self._guard:
                begins = url not in self._coming and len(self._coming) < FETCHED_AT_ONCE
                if begins:
                    self._coming.add(url)
            if begins:
                threading.Thread(target=self._bring, args=(url,), name="context", daemon=True).start()
            raise

    def _bring(self, url: str) -> None:
        try:
            self.resolve(url)
        except QuanyuError as fault:
            log.info("context does not come", url=url, reason=fault.message)
        finally:
            with self._guard:
                self._coming.discard(url)

    def _held(self, url: str) -> Any:
        found = self.web.at_hand(url)
        if found is None:
            raise Unavailable(
                f"Context {url[:200]} is not at hand.",
                code="context.unavailable",
                where="@context",
                remedy="It is being downloaded; ask again.",
            )
        return found

    def _made(self, source: Any, download: Callable[[str], Any]) -> Context:
        found = self.known(source)
        if found is not None:
            return found
        named: list[str] = []

        def fetch(url: str) -> Any:
            named.append(url)
            return self._fetch(url, download)

        context = resolve(source, fetch)
        with self._guard:
            uses = tuple(self._use(_use_key(url)) for url in named)
            self._count(uses)
            self._keep(_key(source), _Resolved(context, uses))
        return context

    def _fetch(self, url: str, download: Callable[[str], Any]) -> Any:
        local = LOCAL.fullmatch(url)
        held = None if local is None else self._view.find(unquote(local.group(1)))
        return download(url) if held is None else msgspec.json.decode(held.document)

    def _keep(self, key: str | bytes, resolved: _Resolved) -> None:
        if resolved.context.size > TERMS_MAX:
            return
        old = self._resolved.pop(key, None)
        self._terms += resolved.context.size - (0 if old is None else old.context.size)
        self._resolved[key] = resolved
        while len(self._resolved) > RESOLVED_MAX or self._terms > TERMS_MAX:
            _, gone = self._resolved.popitem(last=False)
            self._terms -= gone.context.size

    def _use(self, name: str) -> Use:
        if name not in self._uses and len(self._uses) >= USES_MAX:
            self._uses.pop(next(iter(self._uses)))
        return self._uses.setdefault(name, Use())

    def _count(self, uses: tuple[Use, ...]) -> None:
        now = self._machine()
        for use in uses:
            use.hits += 1
            use.last = now

    # -- for those who look after them --------------------------------------------------------------------------------

    def entries(self, kind: str | None = None) -> list[Entry]:
        """Return what is held here: the core contexts, what was downloaded, what is kept. Invalid for no such kind."""
        if kind is not None and kind not in (*KEPT, "Cached"):
            raise Invalid(
                f"Kind {kind[:60]!r} is not known.",
                code="context.kind",
                where="kind",
                remedy="Use Cached, Hosted or ImplicitlyCreated.",
            )
        cached = [*CORE_URLS, *self.web.kept()] if kind in (None, "Cached") else []
        found = [self.find(url) for url in cached]
        found += [self._entry(id_, held, None, at) for id_, held, at in self._view.held() if kind in (None, held)]
        return [each for each in found if each is not None]

    def find(self, name: str) -> Entry | None:
        """Return what is held under an id or a URL, None when nothing is."""
        held = self._view.find(name)
        if held is not None:
            return self._entry(held.id, held.kind, None, held.created)
        if name in CORE_URLS:
            return self._entry(name, "Cached", name, self._opened_at)
        kept = self.web.kept().get(name)
        return None if kept is None else self._entry(name, "Cached", name, kept.at)

    def get(self, name: str) -> Entry:
        """Return what is held under an id or a URL; Missing when nothing is."""
        found = self.find(name)
        if found is None:
            raise missing(name)
        return found

    def document(self, name: str) -> bytes:
        """Return a context as JSON; Unsupported `context.cached` for a downloaded one: its URL serves it."""
        held = self._view.find(name)
        if held is not None:
            return held.document.encode()
        if name in CORE_URLS:
            return msgspec.json.encode(core_context(CORE_URLS[name]))
        self.get(name)
        raise Unsupported(
            f"Context {name[:200]} was downloaded and is not published here.",
            code="context.cached",
            where="contextId",
            remedy="Ask for details=true, or get it from its URL.",
        )

    def served(self, name: str) -> None:
        """Count that a context was asked for by name."""
        with self._guard:
            self._count((self._use(name),))

    def reload(self, name: str) -> None:
        """Download a context again; Invalid when it is none that was downloaded, Unavailable when that fails."""
        if is_core_url(name):
            return
        entry = self.find(name)
        if entry is None or entry.url is None:
            raise Invalid(
                f"Context {name[:200]} was not downloaded, so it cannot be loaded again.",
                code="context.reload",
                where="reload",
                remedy="Leave reload out to remove it.",
            )
        try:
            self.web.reload(name)
        except Invalid as fault:
            raise Unavailable(fault.message, code="context.unavailable", where=fault.where) from fault
        self._renew()

    def forget(self, name: str) -> bool:
        """Drop a downloaded context; False when there is none. Invalid for the core's, which stay."""
        if is_core_url(name):
            raise Invalid(
                "A core context is part of this hub.",
                code="context.core",
                where="contextId",
                remedy="It cannot be removed.",
            )
        gone = self.web.forget(name)
        if gone:
            self.removed(name)
        return gone

    def removed(self, name: str) -> None:
        """Forget how often a context was used that went, and everything that may be made of it."""
        self._renew()
        with self._guard:
            self._uses.pop(name, None)

    def _renew(self) -> None:
        with self._guard:
            self._resolved.clear()
            self._terms = 0

    def implied(self, source: Any) -> tuple[str, Command | None]:
        """Return the path or URL that stands for a source, and the command that keeps it there (None: it is a URL).

        For what must name its context by one URL later: a subscription, a registration. A path is below this hub.
        """
        parts = source if isinstance(source, list) else [source]
        foreign = [part for part in parts if part is not None and not (isinstance(part, str) and is_core_url(part))]
        if not foreign:
            return CORE_URL, None
        if len(foreign) == 1 and isinstance(foreign[0], str):
            return foreign[0], None
        document = {"@context": source}
        id_ = implied_id(msgspec.json.encode(document).decode())
        return PATH + id_, Command("context.add", id_, {"kind": "ImplicitlyCreated", "document": document})

    def _entry(self, id_: str, kind: ContextKind, url: str | None, created: Instant) -> Entry:
        use = self._uses.get(id_) or Use()
        return Entry(id_, kind, url, created, use.hits, use.last)


def _key(source: Any) -> str | bytes:
    return source if isinstance(source, str) else sha256(msgspec.json.encode(source)).digest()


def _use_key(url: str) -> str:
    local = LOCAL.fullmatch(url)
    return url if local is None else unquote(local.group(1))
