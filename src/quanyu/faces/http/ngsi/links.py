"""Link headers: the @context of a request and of an answer (6.3.5), and the pages before and after (6.3.10)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import quote_plus

from quanyu.kernel.errors import Invalid

CONTEXT_REL = "http://www.w3.org/ns/json-ld#context"
LINK = re.compile(r'<([^>]*)>((?:\s*;\s*[^\s=;,]+\s*=\s*(?:"[^"]*"|[^\s;,"]+))*)')
PARAMETER = re.compile(r';\s*([^\s=;,]+)\s*=\s*(?:"([^"]*)"|([^\s;,"]+))')


@lru_cache(maxsize=1024)
def context_link(header: str) -> str | None:
    """Return the URL of the @context in a Link header, None when it names none; Invalid when it names two."""
    found: list[str] = []
    for match in LINK.finditer(header):
        parameters = {name.lower(): quoted or bare for name, quoted, bare in PARAMETER.findall(match.group(2))}
        if CONTEXT_REL in parameters.get("rel", "").split():
            found.append(match.group(1).strip())
    if len(found) > 1:
        raise Invalid(
            "The Link header names more than one @context.",
            code="http.link",
            where="Link",
            remedy="Publish one context that holds both, for example with POST /ngsi-ld/v1/jsonldContexts.",
        )
    return found[0] if found else None


def context_value(url: str) -> str:
    """Return the Link value that tells the @context of an answer."""
    return f'<{url}>; rel="{CONTEXT_REL}"; type="application/ld+json"'


def page_value(path: str, query: Sequence[tuple[str, str]], rel: str, media: str, **moved: str) -> str:
    """Return the Link value of another page: the query as it was asked, with some parameters moved."""
    left = dict(moved)
    pairs = [(name, left.pop(name, value)) for name, value in query]
    pairs += left.items()
    text = "&".join(f"{name}={quote_plus(value, safe=':/,')}" for name, value in pairs)
    return f'<{path}?{text}>;rel="{rel}";type="{media}"'
