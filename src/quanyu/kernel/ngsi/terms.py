"""Local contexts of JSON-LD 1.1 as NGSI-LD needs them: which IRI a term means, and which term an IRI is written with.

What is read: terms and their expanded definitions, prefixes, @vocab, `null`, keyword aliases, @import, @version.
What is read over, since it never changes a name at the top of an entity or an attribute: @base, @language, @direction,
@propagate, @protected (NGSI-LD lets the core win in any case), and contexts inside a term's definition: names beneath
such a term are read like all others. A term that is no name for an attribute or a type (`null`, @reverse, an alias of a
keyword other than @id and @type) stands, and whoever uses it is told so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from quanyu.kernel.errors import Invalid

TERMS_MAX = 50_000
CHARS_MAX = 8_000_000
"""All IRIs of a context together: prefixes built upon prefixes may not multiply."""

IRI_CHARS_MAX = 4_096
NESTING_MAX = 100
"""Definitions that wait for one another: a prefix of a prefix of a prefix."""

ABSOLUTE = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*|_):\S*")
_LIKE_KEYWORD = re.compile(r"@[A-Za-z]+")
_LIKE_IRI = re.compile(r".*((:[^:])|/)", re.DOTALL)
_DELIMITER = re.compile(r"[:/?#\[\]@]$")
_NODE_KEYWORDS = frozenset(
    {"@default", "@embed", "@explicit", "@first", "@graph", "@id", "@included", "@index", "@json", "@language", "@list"}
    | {"@nest", "@none", "@omitDefault", "@preserve", "@requireAll", "@reverse", "@set", "@type", "@value", "@prefix"}
    | {"@direction", "@container", "@context"}
)
_CONTEXT_KEYWORDS = frozenset(
    ["@version", "@import", "@base", "@vocab", "@language", "@direction", "@propagate", "@protected"]
)
_DEFINITION_KEYWORDS = frozenset(
    [
        "@id",
        "@reverse",
        "@type",
        "@container",
        "@context",
        "@language",
        "@direction",
        "@index",
        "@nest",
        "@prefix",
        "@protected",
    ]
)
_CONTAINERS = frozenset(["@list", "@set", "@index", "@language", "@graph", "@id", "@type"])
KEYWORDS = _NODE_KEYWORDS | _CONTEXT_KEYWORDS


class Term(NamedTuple):
    """What a term means: an IRI, a keyword, or nothing (None); and what decides when an IRI is written with it."""

    iri: str | None
    type: str = ""
    """@type of the definition: `@id`, `@vocab`, `@none`, … or '' for none."""
    container: str = "@none"
    prefix: bool = False
    reverse: bool = False
    languaged: bool = False
    """Defined with @language or @direction: only strings are written with it."""


class Terms:
    """The active context while contexts are read into it, one after the other; the last word on a term holds."""

    def __init__(self) -> None:
        self.terms: dict[str, Term] = {}
        self.vocab: str | None = None
        self._chars = 0
        self._local: Mapping[str, Any] = {}
        self._defined: dict[str, bool] = {}

    def clear(self) -> None:
        """Forget everything, as a `null` in an @context says."""
        self.terms, self.vocab = {}, None

    def copy(self) -> Terms:
        """Return another active context that knows the same."""
        other = Terms()
        other.terms, other.vocab = dict(self.terms), self.vocab
        return other

    def read(self, local: Mapping[str, Any]) -> None:
        """Take in one local context (its @import already laid in); Invalid `context.invalid` names the bad entry."""
        version = local.get("@version")
        if "@version" in local and (isinstance(version, bool) or version != 1.1):
            raise _invalid(f"@version is {version!r}, not 1.1", "@version")
        if "@vocab" in local:
            self.vocab = self._vocab(local["@vocab"])
        self._local, self._defined = local, dict.fromkeys(_CONTEXT_KEYWORDS, True)
        for name in local:
            self._define(name, 0)
        self._local, self._defined = {}, {}

    def expand(self, name: str) -> str | None:
        """Return the IRI or keyword that a word means; None when it means nothing or cannot be one."""
        return self._expand(name, 0)

    def _vocab(self, value: Any) -> str | None:
        if value is None:
            return None
        if isinstance(value, str):
            whole = self._expand(value, 0)
            if whole is not None and ABSOLUTE.fullmatch(whole):
                return _bounded(whole, "@vocab")
        raise _invalid(f"@vocab {_shown(value)} is no absolute IRI", "@vocab")

    def _expand(self, value: str, nesting: int) -> str | None:
        """JSON-LD 1.1 API 5.2.2, IRI expansion against the vocabulary."""
        if value in KEYWORDS:
            return value
        if _LIKE_KEYWORD.fullmatch(value):
            return None
        if value in self._local and not self._defined.get(value):
            self._define(value, nesting + 1)
        term = self.terms.get(value)
        if term is not None:
            return term.iri
        if value.find(":") > 0:
            prefix, _, suffix = value.partition(":")
            if prefix == "_" or suffix.startswith("//"):
                return value
            if prefix in self._local and not self._defined.get(prefix):
                self._define(prefix, nesting + 1)
            term = self.terms.get(prefix)
            if term is not None and term.prefix and term.iri is not None:
                return term.iri + suffix
            if ABSOLUTE.fullmatch(value):
                return value
        return value if self.vocab is None else self.vocab + value

    def _define(self, name: str, nesting: int) -> None:
        """JSON-LD 1.1 API 4.2.2, create term definition."""
        done = self._defined.get(name)
        if done:
            return
        if nesting > NESTING_MAX:
            raise _too_large(f"Terms of the @context wait for one another over {NESTING_MAX} levels.", name)
        if done is False:
            raise Invalid(
                f"The @context defines {_shown(name)} by itself.",
                code="context.loop",
                where=name[:100],
                remedy="Let every term end at an IRI.",
            )
        self._defined[name] = False
        value = self._local[name]
        if self._ignored(name, value):
            self._defined[name] = True
            return
        before = self.terms.pop(name, None)
        made = self._made(name, value, nesting)
        made = before if made is None else made
        if made is not None:
            self._keep(name, made)
        self._defined[name] = True

    def _ignored(self, name: str, value: Any) -> bool:
        if name == "@type" and isinstance(value, dict) and value.get("@container", "@set") == "@set":
            return True
        if name in KEYWORDS:
            raise _invalid(f"the keyword {name} cannot be redefined", name)
        if name == "":
            raise _invalid("a term cannot be empty", "")
        return _LIKE_KEYWORD.fullmatch(name) is not None

    def _keep(self, name: str, term: Term) -> None:
        self._chars += len(name) + len(term.iri or "")
        if len(self.terms) >= TERMS_MAX or self._chars > CHARS_MAX:
            raise _too_large(f"The @context holds more than {TERMS_MAX} terms or {CHARS_MAX} characters.", "@context")
        self.terms[name] = term

    def _made(self, name: str, value: Any, nesting: int) -> Term | None:
        """Return the meaning of a definition; None when it is one that JSON-LD reads over."""
        simple = value is None or isinstance(value, str)
        definition = {"@id": value} if simple else value
        if not isinstance(definition, dict):
            raise _invalid(f"{_shown(name)} is defined by neither a string nor an object", name)
        for key in definition:
            if key not in _DEFINITION_KEYWORDS:
                raise _invalid(f"the definition of {_shown(name)} holds {_shown(key)}", name)
        kind, container = _shape(name, definition)
        reverse = "@reverse" in definition
        if reverse and ("@id" in definition or "@nest" in definition):
            raise _invalid(f"the definition of {_shown(name)} holds @reverse beside @id or @nest", name)
        target = definition.get("@reverse" if reverse else "@id", name)
        if target is not None and not isinstance(target, str):
            raise _invalid(f"{_shown(name)} means {_shown(target)}, which is no IRI", name)
        if target is not None and target not in KEYWORDS and _LIKE_KEYWORD.fullmatch(target):
            return None
        iri = self._meant(name, target, nesting, reverse)
        if iri in ("@context", "@preserve"):
            raise _invalid(f"{_shown(name)} cannot be another name for {iri}", name)
        prefix = (
            simple
            and iri is not None
            and target != name
            and ":" not in name[1:]
            and (iri.startswith("_:") or _DELIMITER.search(iri) is not None)
        )
        if "@prefix" in definition:
            prefix = self._prefix(name, definition["@prefix"], iri)
        languaged = "@type" not in definition and ("@language" in definition or "@direction" in definition)
        return Term(iri, kind, container, prefix, reverse, languaged)

    def _meant(self, name: str, target: str | None, nesting: int, reverse: bool) -> str | None:
        if target is None:
            return None
        if target == name and not reverse:
            return _bounded(self._itself(name, nesting), name)
        iri = self._expand(target, nesting)
        if iri is None or (iri not in KEYWORDS and ABSOLUTE.fullmatch(iri) is None):
            raise _invalid(f"{_shown(name)} means {_shown(target)}, which is no absolute IRI", name)
        if not reverse and _LIKE_IRI.match(name):
            self._defined[name] = True
            if self._expand(name, nesting) != iri:
                raise _invalid(f"{_shown(name)} looks like an IRI and means another one", name)
        return _bounded(iri, name)

    def _itself(self, name: str, nesting: int) -> str:
        """Return what a term means when its definition does not say so: a compact IRI, or a word of @vocab."""
        prefix, colon, suffix = name.partition(":")
        if colon and prefix:
            if suffix.startswith("//"):
                return name
            if prefix in self._local and not self._defined.get(prefix):
                self._define(prefix, nesting + 1)
            term = self.terms.get(prefix)
            return name if term is None or term.iri is None else term.iri + suffix
        if self.vocab is None:
            raise _invalid(f"{_shown(name)} says no @id, and there is no @vocab", name)
        return self.vocab + name

    def _prefix(self, name: str, value: Any, iri: str | None) -> bool:
        if not isinstance(value, bool):
            raise _invalid(f"the @prefix of {_shown(name)} is neither true nor false", name)
        if ":" in name or "/" in name or iri is None or iri in KEYWORDS:
            raise _invalid(f"{_shown(name)} cannot be a prefix", name)
        return value


def _shape(name: str, definition: Mapping[str, Any]) -> tuple[str, str]:
    """Return @type and @container of a definition, the parts of a container in one word as JSON-LD sorts them."""
    kind = definition.get("@type", "")
    if not isinstance(kind, str) or ("@type" in definition and not kind):
        raise _invalid(f"the @type of {_shown(name)} is no string", name)
    held = definition.get("@container", [])
    parts = held if isinstance(held, list) else [held]
    if not all(isinstance(part, str) and part in _CONTAINERS for part in parts) or len(parts) > 3:
        raise _invalid(f"the @container of {_shown(name)} is none that JSON-LD knows", name)
    if "@type" in parts and not kind:
        kind = "@id"
    return kind, "".join(sorted(parts)) or "@none"


def _bounded(iri: str, name: str) -> str:
    if len(iri) > IRI_CHARS_MAX:
        raise _too_large(f"An IRI of the @context is longer than {IRI_CHARS_MAX} characters.", name)
    return iri


def _invalid(why: str, name: str) -> Invalid:
    return Invalid(
        f"The @context cannot be read: {why}.",
        code="context.invalid",
        where=name[:100] or "@context",
        remedy="Write a JSON-LD context: an object of terms, a URL, or a list of these.",
    )


def _too_large(what: str, name: str) -> Invalid:
    return Invalid(
        what, code="context.too_large", where=name[:100], remedy="Name only the contexts that the document uses."
    )


def _shown(value: Any) -> str:
    return repr(value)[:100]
