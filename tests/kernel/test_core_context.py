"""The table of core terms: every version loads into PyLD, and each term means there what its row says."""

from __future__ import annotations

import json

import pytest
from pyld import jsonld

from quanyu.kernel.errors import Missing
from quanyu.kernel.ngsi.core import CORE_URL, CORE_URLS, VERSIONS, core_context, core_terms, is_core_url
from tests.kernel.jsonld import Loader

SAMPLE = {
    "": ("x", {"@value": "x"}),
    "@id": ("urn:a:b", {"@id": "urn:a:b"}),
    "@vocab": ("x", {"@id": "https://uri.etsi.org/ngsi-ld/default-context/x"}),
    "DateTime": ("2026-01-01T00:00:00Z", {"@value": "2026-01-01T00:00:00Z", "@type": "https://uri.etsi.org/ngsi-ld/DateTime"}),
    "@json": ({"x": 1}, {"@value": {"x": 1}, "@type": "@json"}),
    "@list": (["x"], {"@list": [{"@value": "x"}]}),
    "@set": (["x"], {"@value": "x"}),
    "@language": ({"en": "x"}, {"@value": "x", "@language": "en"}),
    "@index": ({"one": "x"}, {"@value": "x", "@index": "one"}),
}  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
def test_each_term_expands_in_pyld_as_its_row_says(version: str) -> None:
    rows = [row for row in core_terms() if row.stands_in(version)]
    document = {row.name: SAMPLE[row.type or row.container][0] for row in rows}

    found = jsonld.expand({**document, "@context": core_context(version)["@context"]}, {"documentLoader": Loader()})

    assert found == [{row.iri: [SAMPLE[row.type or row.container][1]] for row in sorted(rows, key=lambda row: row.iri)}]


def test_versions_hold_as_many_entries_as_are_published() -> None:
    assert {version: len(core_context(version)["@context"]) for version in VERSIONS} == {
        "1.6": 147, "1.7": 152, "1.8": 179, "1.9": 212,
    }  # fmt: skip


def test_v1_9_adds_34_terms_and_renames_one() -> None:
    before, after = core_context("1.8")["@context"], core_context("1.9")["@context"]

    assert len(after.keys() - before.keys()) == 34
    assert before.keys() - after.keys() == {"objectsLists"}
    assert after["objectLists"] == {"@id": "ngsi-ld:hasObjectLists", "@container": "@list"}
    assert before["entityMap"] == "ngsi-ld:hasEntityMap"
    assert after["entityMap"] == {"@id": "ngsi-ld:hasEntityMap", "@container": "@index"}


@pytest.mark.parametrize(
    ("version", "term", "definition"),
    [
        ("1.6", "observedAt", {"@id": "ngsi-ld:observedAt", "@type": "DateTime"}),
        ("1.6", "coordinates", {"@id": "geojson:coordinates", "@container": "@list"}),
        ("1.6", "description", "http://purl.org/dc/terms/description"),
        ("1.7", "vocab", {"@id": "ngsi-ld:hasVocab", "@type": "@vocab"}),
        ("1.8", "json", {"@id": "ngsi-ld:hasJSON", "@type": "@json"}),
        ("1.8", "attributeCount", "attributeCount"),
        ("1.9", "attributeCount", "ngsi-ld:attributeCount"),
        ("1.9", "valueType", {"@id": "ngsi-ld:hasValueType", "@type": "@vocab"}),
        ("1.9", "@protected", True),
    ],
)
def test_definitions(version: str, term: str, definition: object) -> None:
    assert core_context(version)["@context"][term] == definition


@pytest.mark.parametrize("term", ["vocab", "json", "ngsildproof", "@protected"])
def test_v1_6_has_no_later_term(term: str) -> None:
    assert term not in core_context("1.6")["@context"]


def test_urls() -> None:
    assert CORE_URLS[CORE_URL] == "1.9"
    assert all(is_core_url(url) for url in CORE_URLS)
    assert is_core_url("http://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld")
    assert is_core_url("https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.3.jsonld")
    assert not is_core_url("https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.10.jsonld")
    assert not is_core_url("https://uri.etsi.org.example/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld")


def test_a_version_that_nobody_published() -> None:
    with pytest.raises(Missing) as caught:
        core_context("2.0")
    assert caught.value.code == "context.version"
    assert "1.9" in (caught.value.remedy or "")


def test_a_document_is_the_callers_own() -> None:
    first = core_context("1.9")
    first["@context"]["value"] = "https://other.example/"
    assert core_context("1.9")["@context"]["value"] == "ngsi-ld:hasValue"
    json.dumps(first)
