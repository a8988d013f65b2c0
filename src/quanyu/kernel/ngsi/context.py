"""Contexts: between the words that a sender uses and the names that are stored."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.core import CORE_URL, DEFAULT_CONTEXT, NEWEST, core_context, is_core_url
from quanyu.kernel.ngsi.terms import ABSOLUTE, KEYWORDS, Term, Terms

FETCHES_MAX = 64
DEPTH_MAX = 32
ENTRIES_MAX = 200_000
"""Entries of all lists and objects that are read for one context, each as often as it is named: documents that name one
another many times over may not multiply."""

CACHED_NAMES_MAX = 20_000
NAME_CHARS_MAX = 4_096

Fetch = Callable[[str], Any]
"""URL → parsed JSON: a document with "@context", or a context itself; raises Unavailable `context.unavailable`."""

_WEB = re.compile(r"https?://[^\s/?#]+[^\s]*", re.IGNORECASE)
_KEYWORD_NAMES = {"@id": "id", "@type": "type"}
# Containers that a term may have to be chosen for an attribute (a node object), and for a type or vocabulary word (a
# bare IRI), in order of preference.
_NODE_CONTAINERS = ("@id", "@id@set", "@type", "@set@type", "@set", "@none", "@index", "@index@set")
_WORD_CONTAINERS = ("@set", "@none")


class _Names(dict[str, str]):
    """A dict that finds what it does not hold and keeps it; senders choose the keys, so it is emptied when full."""

    def __init__(self, find: Callable[[str], str]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, key: str) -> str:
        found = self._find(key)
        if len(self) >= CACHED_NAMES_MAX:
            self.clear()
        if len(key) < NAME_CHARS_MAX:
            self[key] = found
        return found


class Context:
    """Translates names: a sender's word → stored name (`name`), stored name → word of an answer (`word`, `type_word`).

    The core context is always the last part, so its terms mean what they mean whatever the sender's context says of
    them. `name` is right for attributes, types and vocabulary words alike. `word` writes an attribute's name and
    `type_word` a type or vocabulary word, as JSON-LD compaction would choose; only structural words (`value`,
    `observedAt`, `Property`, …) are never asked for. Both directions are kept in dicts, for the life of the Context.

    `name` raises Invalid `context.no_name` for a word that its context gives no meaning (`null`, a reverse property,
    a keyword); `word` Invalid `context.confused` when a prefix of the context would read the stored IRI as another.
    """

    name: Callable[[str], str]
    word: Callable[[str], str]
    type_word: Callable[[str], str]
    members: dict[str, str]
    """Memory of `reading.decode_names`."""
    core: bool
    """No context but the core's: translation is the identity for every name without a colon."""
    links: tuple[str, ...]
    """URLs that the sender named, the core's apart (for the core alone: its own)."""
    source: Any
    """What stands under "@context" in a body: the sender's, and the core's last unless one of the sender's brings it."""
    size: int
    """Terms that it knows: what it costs to keep."""

    def __init__(self, terms: Terms, source: Any, links: tuple[str, ...], core: bool) -> None:
        self._terms = terms
        self.source, self.links, self.core = source, links, core
        self.members = {}
        self.size = len(terms.terms)
        self._by_iri: dict[str, list[str]] | None = None
        self._prefixes: list[tuple[str, str]] = []
        self.name = _Names(self._find_name).__getitem__
        self.word = _Names(lambda name: self._find_word(name, _NODE_CONTAINERS)).__getitem__
        self.type_word = _Names(lambda name: self._find_word(name, _WORD_CONTAINERS)).__getitem__

    def _find_name(self, word: str) -> str:
        iri = self._terms.expand(word)
        term = self._terms.terms.get(word)
        if iri in _KEYWORD_NAMES:
            return _KEYWORD_NAMES[iri]
        if iri is None or iri in KEYWORDS or (term is not None and term.reverse):
            raise Invalid(
                f"{word[:100]!r} names nothing: its @context maps it to "
                f"{'the reverse of ' if term is not None and term.reverse else ''}{iri or 'null'}.",
                code="context.no_name",
                where=word[:100],
                remedy="Rename it, or give the term an IRI.",
            )
        return stored_name(iri)

    def _find_word(self, name: str, containers: tuple[str, ...]) -> str:
        if self.core or name in ("id", "type"):
            return name
        iri = iri_of(name)
        candidates = self._inverse().get(iri, ())
        chosen = _chosen(((term, self._terms.terms[term]) for term in candidates), containers)
        if chosen is not None:
            return chosen
        if ":" not in name and name in _CORE.terms:
            return name
        if name == iri[len(DEFAULT_CONTEXT) :] and name not in self._terms.terms:
            return name
        compact = [
            word
            for prefix, start in self._prefixes
            if iri.startswith(start)
            and iri != start
            and (word := f"{prefix}:{iri[len(start) :]}") not in self._terms.terms
        ]
        if compact:
            return min(compact, key=lambda word: (len(word), word))
        if self._terms.expand(iri) != iri:
            raise Invalid(
                f"{iri[:200]!r} cannot be written with this @context, which would read it as another name.",
                code="context.confused",
                where="@context",
                remedy="Ask with a context that does not use the IRI's scheme as a prefix or term.",
            )
        return iri

    def _inverse(self) -> dict[str, list[str]]:
        """Return the terms of each IRI, shortest first, then by letter; and note the sender's prefixes."""
        if self._by_iri is None:
            by_iri: dict[str, list[str]] = {}
            prefixes = []
            for word, term in self._terms.terms.items():
                if term.iri is not None:
                    by_iri.setdefault(term.iri, []).append(word)
                    if term.prefix:
                        prefixes.append((word, term.iri))
            for words in by_iri.values():
                words.sort(key=lambda word: (len(word), word))
            self._prefixes = prefixes
            self._by_iri = by_iri
        return self._by_iri


def _chosen(candidates: Iterable[tuple[str, Term]], containers: Iterable[str]) -> str | None:
    """JSON-LD 1.1 API 6.3, term selection for a node or a bare IRI: the first that fits by container, then by type."""
    fitting = [(word, term) for word, term in candidates if not (term.reverse or term.languaged)]
    for container in containers:
        for types in (("@id",), ("", "@none")):
            for word, term in fitting:
                if term.container == container and term.type in types:
                    return word
    return None


def iri_of(name: str) -> str:
    """Return the IRI of a stored name."""
    if ":" in name:
        return name
    term = _CORE.terms.get(name)
    return DEFAULT_CONTEXT + name if term is None or term.iri is None else term.iri


def stored_name(iri: str) -> str:
    """Return the stored name of an IRI: a bare word for core terms and what lies in the default context, else itself."""
    name = _CORE_NAMES.get(iri)
    if name is not None:
        return name
    if iri.startswith(DEFAULT_CONTEXT):
        word = iri[len(DEFAULT_CONTEXT) :]
        if word and ":" not in word and word[0] != "@" and word not in _CORE.terms:
            return word
    return iri


def _core() -> Terms:
    terms = Terms()
    terms.read(core_context(NEWEST)["@context"])
    return terms


_CORE = _core()
_CORE_NAMES = {term.iri: name for name, term in _CORE.terms.items() if term.iri is not None}

CORE = Context(_CORE, CORE_URL, (CORE_URL,), core=True)
"""The core context alone: what a request without any @context means."""


def resolve(source: Any, fetch: Fetch) -> Context:
    """Return the Context of an @context as a sender wrote it: a URL, an object, or a list of these, as deep as it may.

    `fetch` is asked once for each URL; core contexts are never fetched. Invalid `context.invalid` for what is no
    context, `context.loop` for one that contains itself, `context.too_large` past FETCHES_MAX documents, DEPTH_MAX
    levels, ENTRIES_MAX entries or the limits of `terms`; what `fetch` raises goes through.
    """
    terms = Terms()
    walk = _Walk(terms, fetch)
    walk.take(source, "", ())
    if not walk.foreign:
        return CORE
    terms.terms.update(_CORE.terms)
    terms.vocab = _CORE.vocab
    shown = source if walk.holds_core else _with_core_last(source)
    context = Context(terms, shown, walk.links(source), core=False)
    # Now, where a large context may take its time, and not with the first answer that is written in it.
    context._inverse()
    return context


def urls_named(source: Any) -> list[str]:
    """Return the URLs that a source itself names, the core's apart; Invalid when its parts cannot be a context."""
    found: list[str] = []
    waiting = [(source, 0)]
    while waiting:
        part, depth = waiting.pop()
        if depth > DEPTH_MAX:
            raise _too_large(f"nests deeper than {DEPTH_MAX} levels")
        if isinstance(part, list):
            waiting += [(each, depth + 1) for each in part]
        elif isinstance(part, dict):
            waiting += [(part[key], depth + 1) for key in ("@context", "@import") if key in part]
        elif isinstance(part, str):
            if not is_core_url(part):
                found.append(_checked_url(part))
        elif part is not None:
            raise _unreadable(f"{part!r:.100} is neither a URL nor an object nor a list")
    return found


def _checked_url(url: str) -> str:
    if _WEB.fullmatch(url) is None:
        raise _unreadable(f"{url!r:.200} is no http or https URL")
    return url


class _Walk:
    """Reads a source into Terms, in order, following URLs."""

    def __init__(self, terms: Terms, fetch: Fetch) -> None:
        self._terms = terms
        self._fetch = fetch
        self._fetched: dict[str, Any] = {}
        self._left = ENTRIES_MAX
        self.foreign = False
        self.holds_core = False
        """Whether a document that the sender named brings the core context itself."""

    def take(self, source: Any, origin: str, open_urls: tuple[str, ...], depth: int = 0) -> None:
        """Take in a context found in the document at `origin` ('' for the sender's own)."""
        if depth > DEPTH_MAX:
            raise _too_large(f"nests deeper than {DEPTH_MAX} levels")
        if source is None:
            self._terms.clear()
        elif isinstance(source, list):
            self._spend(len(source))
            for each in source:
                self.take(each, origin, open_urls, depth + 1)
        elif isinstance(source, str):
            self._follow(source, origin, open_urls, depth)
        elif isinstance(source, dict):
            if "@context" in source:
                self.take(source["@context"], origin, open_urls, depth + 1)
            elif source:
                self.foreign = True
                local = self._imported(source, origin)
                self._spend(len(local))
                self._terms.read(local)
        else:
            raise _unreadable(f"{source!r:.100} is neither a URL nor an object nor a list")

    def _spend(self, entries: int) -> None:
        self._left -= entries
        if self._left < 0:
            raise _too_large(f"holds more than {ENTRIES_MAX} entries, each counted as often as it is named")

    def links(self, source: Any) -> tuple[str, ...]:
        """Return the URLs that a source itself names."""
        held = source if isinstance(source, list) else [source]
        return tuple(each for each in held if isinstance(each, str) and not is_core_url(each))

    def _follow(self, url: str, origin: str, open_urls: tuple[str, ...], depth: int) -> None:
        url = _joined(origin, url)
        if is_core_url(url):
            self.holds_core |= bool(open_urls)
            self._spend(len(_CORE.terms))
            self._terms.terms.update(_CORE.terms)
            self._terms.vocab = _CORE.vocab
            return
        if url in open_urls:
            raise Invalid(
                f"The @context {url:.200} contains itself.",
                code="context.loop",
                where="@context",
                remedy="Name each context once.",
            )
        self.foreign = True
        self.take(self._document(url), url, (*open_urls, url), depth + 1)

    def _document(self, url: str) -> Any:
        if _checked_url(url) not in self._fetched:
            if len(self._fetched) >= FETCHES_MAX:
                raise _too_large(f"names more than {FETCHES_MAX} documents")
            self._fetched[url] = self._fetch(url)
        return self._fetched[url]

    def _imported(self, local: Mapping[str, Any], origin: str) -> Mapping[str, Any]:
        """Lay a local context over the one that its @import names."""
        if "@import" not in local:
            return local
        url = local["@import"]
        if not isinstance(url, str):
            raise _unreadable("@import is no URL")
        url = _joined(origin, url)
        document = core_context(NEWEST) if is_core_url(url) else self._document(url)
        beneath = document.get("@context", document) if isinstance(document, dict) else None
        if not isinstance(beneath, dict) or "@import" in beneath:
            raise _unreadable("@import names no single context of terms")
        return {**beneath, **{key: value for key, value in local.items() if key != "@import"}}


def _joined(origin: str, url: str) -> str:
    """Return a URL as the document at `origin` means it."""
    if not origin or ABSOLUTE.fullmatch(url):
        return url
    scheme, _, rest = origin.partition("://")
    host, _, path = rest.partition("?")[0].partition("#")[0].partition("/")
    if url.startswith("//"):
        return f"{scheme}:{url}"
    return f"{scheme}://{host}{posixpath.normpath(posixpath.join('/' + posixpath.dirname(path), url))}"


def _with_core_last(source: Any) -> Any:
    held = source if isinstance(source, list) else [source]
    named = [each for each in held if isinstance(each, str) and is_core_url(each)]
    others = [each for each in held if not (isinstance(each, str) and is_core_url(each))]
    return [*others, named[-1] if named else CORE_URL]


def _unreadable(why: str) -> Invalid:
    return Invalid(
        f"The @context cannot be read: {why}.",
        code="context.invalid",
        where="@context",
        remedy="Write a JSON-LD context: an object of terms, a URL, or a list of these.",
    )


def _too_large(what: str) -> Invalid:
    return Invalid(
        f"The @context {what}.",
        code="context.too_large",
        where="@context",
        remedy="Name only the contexts that the document uses.",
    )
