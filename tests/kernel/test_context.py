"""Contexts by example: what a word is stored as, what a name is written as, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from quanyu.kernel.errors import Invalid, Unavailable
from quanyu.kernel.ngsi import context as module
from quanyu.kernel.ngsi import terms
from quanyu.kernel.ngsi.context import CORE, Context, iri_of, resolve, stored_name
from quanyu.kernel.ngsi.core import CORE_URL

CITY = "https://city.example/ns/"
URL = "https://contexts.example/city.jsonld"


def nothing(url: str) -> Any:
    raise AssertionError(f"{url} was fetched")


def inline(**definitions: Any) -> Context:
    return resolve({key.replace("__", ":"): value for key, value in definitions.items()}, nothing)


class Shelf:
    """Documents by URL; what is asked for twice was not remembered."""

    def __init__(self, **documents: Any) -> None:
        self.documents = {f"https://contexts.example/{name}.jsonld": held for name, held in documents.items()}
        self.asked: list[str] = []

    def __call__(self, url: str) -> Any:
        self.asked.append(url)
        if url not in self.documents:
            raise Unavailable(f"{url} is not on the shelf", code="context.unavailable")
        return self.documents[url]


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("temperature", "temperature"),
        ("温度", "温度"),
        ("location", "location"),
        ("value", "value"),
        ("@id", "id"),
        ("@type", "type"),
        ("https://uri.etsi.org/ngsi-ld/default-context/temperature", "temperature"),
        ("https://uri.etsi.org/ngsi-ld/hasValue", "value"),
        ("http://purl.org/dc/terms/title", "title"),
        ("ngsi-ld:default-context/temperature", "temperature"),
        ("ngsi-ld:odd", "https://uri.etsi.org/ngsi-ld/odd"),
        ("https://city.example/ns/temperature", "https://city.example/ns/temperature"),
        # A core word has a meaning of its own; this one must not be taken for it.
        ("https://uri.etsi.org/ngsi-ld/default-context/value", "https://uri.etsi.org/ngsi-ld/default-context/value"),
    ],
)
def test_the_core_context_alone(word: str, name: str) -> None:
    assert CORE.core
    assert CORE.name(word) == name
    assert CORE.word(name) == name
    assert stored_name(iri_of(name)) == name


@pytest.mark.parametrize(
    ("definitions", "word", "name"),
    [
        ({"temperature": f"{CITY}temperature"}, "temperature", f"{CITY}temperature"),
        ({"temperature": {"@id": f"{CITY}temperature"}}, "temperature", f"{CITY}temperature"),
        ({"c": CITY, "temperature": "c:heat"}, "temperature", f"{CITY}heat"),
        ({"c": CITY}, "c:heat", f"{CITY}heat"),
        ({"c": CITY, "c__heat": {"@type": "@id"}}, "c:heat", f"{CITY}heat"),
        ({"d": "c:deeper/", "c": CITY}, "d:heat", f"{CITY}deeper/heat"),
        ({"heat": "warmth", "warmth": f"{CITY}warmth"}, "heat", f"{CITY}warmth"),
        ({"@vocab": CITY, "heat": {"@type": "@id"}}, "heat", f"{CITY}heat"),
        ({"@vocab": CITY, "heat": "warmth"}, "heat", f"{CITY}warmth"),
        ({"ns": CITY, "@vocab": "ns:"}, "ns:x", f"{CITY}x"),
        # The core comes last: its @vocab and its terms are everybody's.
        ({"@vocab": CITY}, "heat", "heat"),
        ({"location": f"{CITY}place", "type": f"{CITY}type"}, "location", "location"),
        ({"other": f"{CITY}other"}, "heat", "heat"),
        # An expanded definition is no prefix unless it says so, nor is an IRI that ends in a letter.
        ({"c": {"@id": CITY}}, "c:heat", "c:heat"),
        ({"c": {"@id": CITY, "@prefix": True}}, "c:heat", f"{CITY}heat"),
        ({"c": "https://city.example/n"}, "c:heat", "c:heat"),
        ({"c": {"@id": "https://city.example/n", "@prefix": True}}, "c:heat", "https://city.example/nheat"),
        # Keyword aliases.
        ({"identifier": "@id", "kind": "@type"}, "identifier", "id"),
        ({"identifier": "@id", "kind": "@type"}, "kind", "type"),
        # What concerns values or scopes is read over.
        ({"@base": CITY, "@language": "zh", "@protected": True, "heat": f"{CITY}h"}, "heat", f"{CITY}h"),
        ({"heat": {"@id": f"{CITY}h", "@context": {"x": f"{CITY}inner"}, "@container": "@set"}}, "x", "x"),
        ({"heat": {"@id": f"{CITY}h", "@context": {"x": f"{CITY}inner"}, "@container": "@set"}}, "heat", f"{CITY}h"),
        ({"@propagate": False, "@version": 1.1, "heat": f"{CITY}h"}, "heat", f"{CITY}h"),
        ({"@madeup": CITY, "heat": f"{CITY}h"}, "heat", f"{CITY}h"),
        ({"@type": {"@container": "@set"}, "heat": f"{CITY}h"}, "heat", f"{CITY}h"),
        ({"c": CITY}, "https://c:heat", "https://c:heat"),
    ],
)
def test_stored_names(definitions: dict[str, Any], word: str, name: str) -> None:
    assert inline(**definitions).name(word) == name


@pytest.mark.parametrize(
    ("definitions", "name", "word"),
    [
        ({"heat": f"{CITY}heat"}, f"{CITY}heat", "heat"),
        ({"warmth": f"{CITY}heat", "heat": f"{CITY}heat"}, f"{CITY}heat", "heat"),
        ({"b": f"{CITY}heat", "a": f"{CITY}heat"}, f"{CITY}heat", "a"),
        # A relationship's term fits a node; a date's does not.
        ({"long": {"@id": f"{CITY}heat", "@type": "@id"}, "x": f"{CITY}heat"}, f"{CITY}heat", "long"),
        ({"heat": {"@id": f"{CITY}heat", "@type": f"{CITY}date"}}, f"{CITY}heat", f"{CITY}heat"),
        ({"heat": {"@id": f"{CITY}heat", "@type": f"{CITY}date"}, "c": CITY}, f"{CITY}heat", "c:heat"),
        ({"c": CITY}, f"{CITY}heat", "c:heat"),
        ({"c": CITY, "cc": f"{CITY}he"}, f"{CITY}heat", "c:heat"),
        ({"c": CITY, "deep": f"{CITY}deep/"}, f"{CITY}deep/heat", "deep:heat"),
        ({"c": CITY}, "heat", "heat"),
        ({"c": CITY}, "https://elsewhere.example/heat", "https://elsewhere.example/heat"),
        # The sender's word means something else, so the default context's own is written with the core's prefix.
        ({"heat": f"{CITY}heat"}, "heat", "ngsi-ld:default-context/heat"),
        ({"place": "https://uri.etsi.org/ngsi-ld/location"}, "location", "place"),
        ({"c": CITY}, "location", "location"),
        ({"c": CITY}, "startAt", "startAt"),
        ({"identifier": "@id", "kind": "@type"}, "id", "id"),
        ({"identifier": "@id", "kind": "@type"}, "type", "type"),
    ],
)
def test_words_of_an_answer(definitions: dict[str, Any], name: str, word: str) -> None:
    context = inline(**definitions)
    assert context.word(name) == word
    assert context.name(word) == name


def test_a_type_is_written_with_a_term_that_fits_a_bare_iri() -> None:
    context = inline(
        ByIndex={"@id": f"{CITY}Car", "@container": "@index"},
        Vehicle=f"{CITY}Car",
        Bus={"@id": f"{CITY}Bus", "@type": "@vocab"},
    )
    assert context.type_word(f"{CITY}Car") == "Vehicle"
    assert context.type_word(f"{CITY}Bus") == f"{CITY}Bus"


def test_names_are_kept_and_their_number_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CACHED_NAMES_MAX", 10)
    context = inline(c=CITY)
    held = context.name.__self__  # type: ignore[attr-defined]
    for number in range(25):
        assert context.name(f"c:a{number}") == f"{CITY}a{number}"
    assert 0 < len(held) <= 10
    assert context.name("c:" + "x" * 5_000).endswith("xxx")
    assert all(len(key) < 5_000 for key in held)


# -- sources ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        None,
        {},
        [],
        [{}],
        CORE_URL,
        [CORE_URL],
        [[CORE_URL], {}],
        "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.3.jsonld",
    ],
)
def test_nothing_but_the_core(source: Any) -> None:
    assert resolve(source, nothing) is CORE


def test_a_url_an_object_and_a_list() -> None:
    shelf = Shelf(
        city={"@context": ["https://contexts.example/base.jsonld", {"heat": "c:heat"}]},
        base={"@context": {"c": CITY, "heat": "https://old.example/heat"}},
    )
    context = resolve([URL, {"noise": "c:noise"}, [[{"late": "c:late"}]], CORE_URL], shelf)

    assert [context.name(word) for word in ("heat", "noise", "late", "free")] == [
        f"{CITY}heat", f"{CITY}noise", f"{CITY}late", "free",
    ]  # fmt: skip
    assert shelf.asked == [URL, "https://contexts.example/base.jsonld"]
    assert not context.core
    assert context.links == (URL,)
    assert context.source == [URL, {"noise": "c:noise"}, [[{"late": "c:late"}]], CORE_URL]


def test_what_stands_under_context_in_an_answer_ends_with_the_core() -> None:
    shelf = Shelf(city={"@context": {"c": CITY}})
    older = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.6.jsonld"
    assert resolve(URL, shelf).source == [URL, CORE_URL]
    assert resolve([older, URL], shelf).source == [URL, older]
    whole = {URL: {"@context": [{"a": "https://x.example/a"}, older]}}.__getitem__
    assert resolve(URL, whole).source == URL, "it brings the core itself"
    assert resolve({"c": CITY}, shelf).source == [{"c": CITY}, CORE_URL]
    assert resolve({"c": CITY}, shelf).links == ()
    assert CORE.source == CORE_URL
    assert CORE.links == (CORE_URL,)


def test_a_later_context_has_the_last_word_and_null_forgets() -> None:
    assert resolve([{"heat": f"{CITY}a"}, {"heat": f"{CITY}b"}], nothing).name("heat") == f"{CITY}b"
    assert resolve([{"heat": f"{CITY}a"}, None, {"noise": f"{CITY}n"}], nothing).name("heat") == "heat"


def test_the_core_named_first_still_has_the_last_word() -> None:
    context = resolve([CORE_URL, {"location": f"{CITY}place", "heat": "ngsi-ld:heat"}], nothing)
    assert context.name("location") == "location"
    assert context.name("heat") == "https://uri.etsi.org/ngsi-ld/heat"


def test_a_context_is_fetched_once_however_often_it_is_named() -> None:
    shelf = Shelf(city={"@context": ["https://contexts.example/base.jsonld"]}, base={"@context": {"c": CITY}})
    resolve([URL, "https://contexts.example/base.jsonld", URL], shelf)
    assert shelf.asked == [URL, "https://contexts.example/base.jsonld"]


@pytest.mark.parametrize(
    ("relative", "whole"),
    [
        ("./base.jsonld", "https://contexts.example/a/b/base.jsonld"),
        ("base.jsonld", "https://contexts.example/a/b/base.jsonld"),
        ("../base.jsonld", "https://contexts.example/a/base.jsonld"),
        ("../../../../base.jsonld", "https://contexts.example/base.jsonld"),
        ("/base.jsonld", "https://contexts.example/base.jsonld"),
        ("//other.example/base.jsonld", "https://other.example/base.jsonld"),
    ],
)
def test_a_relative_url_is_read_as_its_document_means_it(relative: str, whole: str) -> None:
    shelf = {
        "https://contexts.example/a/b/city.jsonld?v=1": {"@context": [relative]},
        whole: {"@context": {"heat": f"{CITY}heat"}},
    }
    context = resolve("https://contexts.example/a/b/city.jsonld?v=1", shelf.__getitem__)
    assert context.name("heat") == f"{CITY}heat"


def test_an_import_lies_beneath_its_context() -> None:
    shelf = Shelf(base={"@context": {"c": CITY, "heat": "c:old"}})
    context = resolve({"@import": "https://contexts.example/base.jsonld", "heat": "c:new", "noise": "c:n"}, shelf)
    assert [context.name("heat"), context.name("noise")] == [f"{CITY}new", f"{CITY}n"]


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        42,
        True,
        ["https://contexts.example/city.jsonld", 7],
        "not a url",
        "file:///etc/passwd",
        "data:application/json,{}",
        "ftp://contexts.example/x",
        "urn:a:b",
        "//contexts.example/city.jsonld",
        "",
        {"heat": 7},
        {"heat": ["x"]},
        {"heat": {"@id": 7}},
        {"heat": {"@id": "no iri"}},
        {"heat": "relative"},
        {"heat": {"@type": "@id"}},
        {"heat": {"@id": f"{CITY}h", "@type": 7}},
        {"heat": {"@id": f"{CITY}h", "@type": ""}},
        {"heat": {"@id": f"{CITY}h", "@container": "@bag"}},
        {"heat": {"@id": f"{CITY}h", "@container": 7}},
        {"heat": {"@id": f"{CITY}h", "@prefix": "yes"}},
        {"heat": {"@id": "@type", "@prefix": True}},
        {"heat": {"@id": f"{CITY}h", "comment": "no such thing"}},
        {"heat": {"@id": f"{CITY}h", "@reverse": f"{CITY}r"}},
        {"heat": {"@reverse": 7}},
        {"heat": "@context"},
        {"": f"{CITY}h"},
        {"@id": f"{CITY}h"},
        {"@version": 1.0},
        {"@version": True},
        {"@vocab": 7},
        {"@vocab": ""},
        {"@import": 7},
        {"@import": URL},
        {"c": CITY, "c:heat": "https://elsewhere.example/x"},
    ],
)
def test_what_is_no_context(source: Any) -> None:
    with pytest.raises(Invalid) as caught:
        resolve(source, lambda url: {"@context": {"@import": "https://contexts.example/other.jsonld"}})
    assert caught.value.code == "context.invalid"
    assert caught.value.remedy


@pytest.mark.parametrize(
    "definitions", [{"a": "b", "b": "a"}, {"a": "a:b"}, {"a": {"@id": "b:x"}, "b": {"@id": "c:x"}, "c": {"@id": "a:x"}}]
)
def test_a_term_defined_by_itself(definitions: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        resolve(definitions, nothing)
    assert caught.value.code == "context.loop"


def test_contexts_in_a_circle() -> None:
    shelf = Shelf(
        a={"@context": ["https://contexts.example/b.jsonld"]}, b={"@context": ["https://contexts.example/a.jsonld"]}
    )
    with pytest.raises(Invalid) as caught:
        resolve("https://contexts.example/a.jsonld", shelf)
    assert caught.value.code == "context.loop"
    assert "https://contexts.example/a.jsonld" in caught.value.message
    assert len(shelf.asked) == 2


def nested(levels: int) -> Any:
    source: Any = {"heat": f"{CITY}h"}
    for _ in range(levels):
        source = [source]
    return source


@pytest.mark.parametrize(
    "source",
    [
        nested(40),
        {"heat": CITY + "x" * 5_000},
        {f"p{number}": f"p{number - 1}:{'x' * 100}/" if number else CITY for number in range(90)},
        [f"https://contexts.example/{number}.jsonld" for number in range(70)],
        [{f"t{number}": CITY for number in range(terms.TERMS_MAX + 1)}],
    ],
    ids=["levels", "iri", "prefixes", "documents", "terms"],
)
def test_too_large(source: Any) -> None:
    with pytest.raises(Invalid) as caught:
        resolve(source, lambda url: {"@context": {"c": CITY}})
    assert caught.value.code == "context.too_large"


def test_prefixes_upon_prefixes_end_before_the_stack_does() -> None:
    chain = {f"p{number}": f"p{number + 1}:x/" for number in range(5_000)} | {"p5000": CITY}
    with pytest.raises(Invalid) as caught:
        resolve(chain, nothing)
    assert caught.value.code == "context.too_large"


def test_many_small_contexts_share_one_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terms, "CHARS_MAX", 5_000)
    with pytest.raises(Invalid) as caught:
        resolve([{"heat": f"{CITY}{'x' * 100}"}] * 60, nothing)
    assert caught.value.code == "context.too_large"


@pytest.mark.parametrize(
    ("definitions", "word"),
    [
        ({"heat": None}, "heat"),
        ({"heat": {"@id": None}}, "heat"),
        ({"heat": {"@reverse": f"{CITY}r"}}, "heat"),
        ({"heat": "@value"}, "heat"),
        ({}, "@value"),
        ({}, "@context"),
        ({}, "@unheardof"),
    ],
)
def test_a_word_that_names_nothing(definitions: dict[str, Any], word: str) -> None:
    with pytest.raises(Invalid) as caught:
        inline(**definitions).name(word)
    assert caught.value.code == "context.no_name"
    assert caught.value.where == word


def test_an_iri_that_the_context_would_read_as_another() -> None:
    with pytest.raises(Invalid) as caught:
        inline(urn=CITY).word("urn:a:b")
    assert caught.value.code == "context.confused"
    assert inline(https=CITY).word("https://elsewhere.example/x") == "https://elsewhere.example/x"


def test_a_context_that_cannot_be_had() -> None:
    with pytest.raises(Unavailable) as caught:
        resolve("https://contexts.example/gone.jsonld", Shelf())
    assert caught.value.code == "context.unavailable"
