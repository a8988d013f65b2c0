"""The NGSI-LD core @context as a table of facts, and the JSON-LD document of each version made from it."""

from __future__ import annotations

import re
from copy import deepcopy
from functools import cache
from typing import Any, NamedTuple

from quanyu.kernel.errors import Missing
from quanyu.kernel.ngsi.core_terms import TERMS

NGSI_LD = "https://uri.etsi.org/ngsi-ld/"
DEFAULT_CONTEXT = "https://uri.etsi.org/ngsi-ld/default-context/"
PREFIXES = {
    "ngsi-ld": NGSI_LD,
    "geojson": "https://purl.org/geojson/vocab#",
}
OTHER_PREFIXES = {
    "dct": "http://purl.org/dc/terms/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
}
"""Written out in the document: a core context knows only the prefixes of `PREFIXES`."""

VERSIONS = ("1.6", "1.7", "1.8", "1.9")
NEWEST = VERSIONS[-1]
PROTECTED_SINCE = "1.8"
CORE_URLS = {f"{NGSI_LD}v1/ngsi-ld-core-context-v{version}.jsonld": version for version in VERSIONS}
"""URL → version of the core contexts whose documents are served without asking anybody."""

CORE_URL = f"{NGSI_LD}v1/ngsi-ld-core-context-v{NEWEST}.jsonld"
_ANY_CORE_URL = re.compile(r"https?://uri\.etsi\.org/ngsi-ld/v1/ngsi-ld-core-context(-v1\.[0-9])?\.jsonld")
_PROOF_SINCE = "1.9"
_PROOF = {
    "@id": "ngsi-ld:ngsildproof",
    "@context": [
        {
            "entityIdSealed": "ngsi-ld:entityIdSealed",
            "entityTypeSealed": {"@id": "ngsi-ld:entityTypeSealed", "@type": "@vocab"},
        },
        "https://w3id.org/security/data-integrity/v2",
    ],
}
_CONTAINERS = frozenset({"@list", "@set", "@index", "@language"})


class CoreTerm(NamedTuple):
    """A term of the core context with one meaning: full IRI, type or container ('' for none), first and last version."""

    name: str
    iri: str
    type: str
    container: str
    since: str
    until: str

    def stands_in(self, version: str) -> bool:
        """Say whether a version of the core context has the term in this meaning."""
        return VERSIONS.index(self.since) <= VERSIONS.index(version) <= VERSIONS.index(self.until)


@cache
def core_terms() -> tuple[CoreTerm, ...]:
    """Return all terms of all versions; a term stands twice when its meaning changed."""
    return tuple(_term(line) for line in TERMS.strip().splitlines())


def _term(line: str) -> CoreTerm:
    name, iri, shape, life = line.split()
    since, _, until = life.partition("-")
    return CoreTerm(
        name,
        _whole(name, iri),
        "" if shape == "-" or shape in _CONTAINERS else shape,
        shape if shape in _CONTAINERS else "",
        since,
        until or NEWEST,
    )


def _whole(name: str, iri: str) -> str:
    if iri == ".":
        return NGSI_LD + name
    if iri == "~":
        return DEFAULT_CONTEXT + name
    prefix, _, suffix = iri.partition(":")
    return (PREFIXES | OTHER_PREFIXES)[prefix or "ngsi-ld"] + suffix


def is_core_url(url: str) -> bool:
    """Say whether a URL names a core context, of whatever version up to v1.9, or the one without a version.

    Versions before v1.6 are not served as documents; as part of an @context they mean what every core context means
    here, the newest, since no name of theirs is stored differently.
    """
    return _ANY_CORE_URL.fullmatch(url) is not None


def core_context(version: str) -> dict[str, Any]:
    """Return the JSON-LD document of a version such as "1.9"; Missing `context.version` for one that is not known."""
    if version not in VERSIONS:
        raise Missing(
            f"The core context v{version} is not known.",
            code="context.version",
            where="version",
            remedy=f"Known are {', '.join(VERSIONS)}.",
        )
    definitions: dict[str, Any] = {}
    if version >= PROTECTED_SINCE:
        definitions |= {"@version": 1.1, "@protected": True}
    definitions |= PREFIXES
    definitions |= {"id": "@id", "type": "@type"}
    for term in core_terms():
        if term.stands_in(version):
            definitions[term.name] = _definition(term)
    if version >= _PROOF_SINCE:
        definitions["ngsildproof"] = deepcopy(_PROOF)
    definitions["@vocab"] = DEFAULT_CONTEXT
    return {"@context": definitions}


def _definition(term: CoreTerm) -> str | dict[str, str]:
    iri = _compact(term)
    if term.type:
        return {"@id": iri, "@type": term.type}
    if term.container:
        return {"@id": iri, "@container": term.container}
    return iri


def _compact(term: CoreTerm) -> str:
    if term.iri == DEFAULT_CONTEXT + term.name:
        return term.name
    for prefix, start in PREFIXES.items():
        if term.iri.startswith(start):
            return f"{prefix}:{term.iri[len(start) :]}"
    return term.iri
