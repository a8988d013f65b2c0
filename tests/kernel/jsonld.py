"""PyLD as an oracle: a loader that knows the core contexts and what a test gives it, and never the network."""

from __future__ import annotations

from typing import Any

from pyld import jsonld

from quanyu.kernel.ngsi.context import stored_name
from quanyu.kernel.ngsi.core import CORE_URL, CORE_URLS, DEFAULT_CONTEXT, NGSI_LD, core_context

PROOF_URL = "https://w3id.org/security/data-integrity/v2"


class Loader:
    def __init__(self, documents: dict[str, Any] | None = None) -> None:
        self.documents = {
            **{url: core_context(version) for url, version in CORE_URLS.items()},
            PROOF_URL: {"@context": {}},
            **(documents or {}),
        }

    def __call__(self, url: str, options: dict[str, Any]) -> dict[str, Any]:
        return {
            "contentType": "application/ld+json",
            "contextUrl": None,
            "documentUrl": url,
            "document": self.documents[url],
        }


def with_core(source: Any) -> list[Any]:
    return [*(source if isinstance(source, list) else [source]), CORE_URL]


def expanded(document: dict[str, Any], source: Any, loader: Loader) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = jsonld.expand(
        {**document, "@context": with_core(source)}, {"documentLoader": loader, "base": "https://base.example/"}
    )
    return found


def compacted(document: list[dict[str, Any]], source: Any, loader: Loader) -> dict[str, Any]:
    found: dict[str, Any] = jsonld.compact(
        document, with_core(source), {"documentLoader": loader, "base": "https://base.example/"}
    )
    del found["@context"]
    return found


def in_full(value: Any) -> Any:
    """Names that PyLD shortens with the core's own prefixes, as this house writes them."""
    if isinstance(value, dict):
        return {_in_full(key): in_full(held) for key, held in value.items()}
    if isinstance(value, list):
        return [in_full(each) for each in value]
    return _in_full(value) if isinstance(value, str) else value


def _in_full(name: str) -> str:
    prefix, colon, suffix = name.partition(":")
    if not colon or prefix != "ngsi-ld":
        return name
    iri = NGSI_LD + suffix
    return iri if iri.startswith(DEFAULT_CONTEXT) else stored_name(iri)
