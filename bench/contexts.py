"""Names translated: our reading of a sender's context against PyLD's expansion of the same documents.

Both results are brought to the stored form, so that they can be compared; PyLD is spared its own compaction.
"""

from __future__ import annotations

from typing import Any

import msgspec
from pyld import jsonld

from quanyu.kernel.ngsi.context import resolve, stored_name
from quanyu.kernel.ngsi.core import CORE_URL, CORE_URLS, core_context
from quanyu.kernel.ngsi.reading import decode_names
from quanyu.kernel.ngsi.translation import stored_form

URL = "https://contexts.example/air.jsonld"
CONTEXT = [URL, CORE_URL]
AIR = "https://air.example/ns#"
WORDS = ("AirQualityObserved", "pm25", "pm10", "no2", "so2", "o3", "co", "name", "address", "refDevice", "provider")
DOCUMENT = {"@context": {"air": AIR, **{word: f"air:{word}" for word in WORDS}}}
SERVED = {
    URL: DOCUMENT,
    "https://w3id.org/security/data-integrity/v2": {"@context": {}},
    **{url: core_context(version) for url, version in CORE_URLS.items()},
}
HELD = resolve(CONTEXT, SERVED.__getitem__)


def decoded(body: bytes) -> dict[str, msgspec.Raw]:
    """Return the attributes of a body by stored name, their values still JSON."""
    return decode_names(body, HELD)


def expanded(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document in stored names, translated by us."""
    return stored_form(document, HELD)


def oracle_expanded(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document in stored names, expanded by PyLD."""
    (found,) = jsonld.expand(document, {"documentLoader": _load})
    return {stored_name(iri) if iri[0] != "@" else iri[1:]: _plain(iri, held) for iri, held in found.items()}


def _load(url: str, options: dict[str, Any]) -> dict[str, Any]:
    return {"contentType": "application/ld+json", "contextUrl": None, "documentUrl": url, "document": SERVED[url]}


def _plain(iri: str, held: Any) -> Any:
    if iri == "@type":
        names = [stored_name(each) for each in held]
        return names[0] if len(names) == 1 else names
    if not isinstance(held, list):
        return held
    return _value(held[0]) if len(held) == 1 else [_value(each) for each in held]


def _value(held: dict[str, Any]) -> Any:
    if "@value" in held:
        return held["@value"]
    if "@list" in held:
        return [_value(each) for each in held["@list"]]
    if held.keys() == {"@id"}:
        return held["@id"]
    return {_word(iri): _plain(iri, inner) for iri, inner in held.items()}


def _word(iri: str) -> str:
    return iri[1:] if iri[0] == "@" else stored_name(iri)
