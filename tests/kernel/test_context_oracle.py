"""PyLD as the oracle: our stored form is expansion and compaction with the core context, and so is the way back."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st
from pyld import jsonld

from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.context import CORE, Context, resolve
from quanyu.kernel.ngsi.translation import shown_form, stored_form
from tests.kernel.jsonld import Loader, compacted, expanded, in_full

URL = "https://contexts.example/one.jsonld"
OTHER_URL = "https://contexts.example/two/two.jsonld"
TERMS = ["a", "b", "speed", "Kind", "ex", "geo", "location", "value", "ex:a", "Property"]
IRIS = [
    "https://ex.example/", "https://ex.example/a", "https://ex.example/speed", "https://geo.example#", "ex:b", "geo:b",
    "a", "b", "https://uri.etsi.org/ngsi-ld/default-context/speed", "https://uri.etsi.org/ngsi-ld/location", "urn:x:y",
]  # fmt: skip
ATTRIBUTES = [
    "a", "b", "speed", "ex", "location", "ex:a", "ex:b", "geo:deep", "plain", "title", "startAt", "https://ex.example/a",
    "https://ex.example/deep/er", "https://uri.etsi.org/ngsi-ld/default-context/b", "ngsi-ld:odd", "urn:x:y",
    "https://uri.etsi.org/ngsi-ld/default-context/value",
]  # fmt: skip
CLASSES = [
    "Kind",
    "a",
    "ex:Car",
    "Car",
    "https://ex.example/speed",
    "geo",
    "https://uri.etsi.org/ngsi-ld/default-context/Kind",
]

definitions = st.one_of(
    st.sampled_from(IRIS),
    st.fixed_dictionaries(
        {},
        optional={
            "@id": st.sampled_from(IRIS),
            "@type": st.sampled_from(["@id", "@vocab", "@none", "https://ex.example/double"]),
            "@prefix": st.booleans(),
        },
    ),
    st.none(),
)
inline = st.dictionaries(st.sampled_from(TERMS), definitions, max_size=5).flatmap(
    lambda held: st.sampled_from([{}, {"@vocab": "https://vocab.example/"}]).map(lambda vocab: {**vocab, **held})
)
parts = st.one_of(inline, st.just(URL), st.just(OTHER_URL))
sources = st.one_of(parts, st.lists(parts, max_size=3))
scalars = st.one_of(st.integers(-9, 9), st.text("xyz", min_size=1, max_size=3), st.booleans())
instants = st.just("2026-01-02T03:04:05Z")
urns = st.sampled_from(["urn:ngsi-ld:Car:1", "urn:ngsi-ld:Car:2"])
words = st.sampled_from(CLASSES)


def instances(sub_attributes: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    sorts: list[dict[str, st.SearchStrategy[Any]]] = [
        {"type": st.just("Property"), "value": scalars},
        {"type": st.just("Relationship"), "object": urns, "objectType": words},
        {"type": st.just("VocabProperty"), "vocab": words | st.lists(words, min_size=2, max_size=2)},
        {"type": st.just("JsonProperty"), "json": st.just({"a": [1, {"@type": "x"}]})},
        {"type": st.just("ListProperty"), "valueList": st.lists(scalars, max_size=3)},
        {"type": st.just("LanguageProperty"), "languageMap": st.just({"en": "road", "zh": "路"})},
    ]
    whole = st.one_of(*(st.fixed_dictionaries(sort, optional={"observedAt": instants}) for sort in sorts))
    return st.tuples(whole, sub_attributes).map(lambda pair: {**pair[1], **pair[0]})


attributes = st.deferred(lambda: st.dictionaries(st.sampled_from(ATTRIBUTES), instances(st.just({})), max_size=2))
entities = st.tuples(
    st.dictionaries(st.sampled_from(ATTRIBUTES), instances(attributes), max_size=4),
    words | st.lists(words, min_size=2, max_size=2, unique=True),
).map(lambda pair: {"id": "urn:ngsi-ld:Thing:1", "type": pair[1], **pair[0]})
documents = st.fixed_dictionaries({URL: inline, OTHER_URL: inline})


def expected_context(source: Any, loader: Loader) -> bool:
    """Whether PyLD reads the context at all."""
    try:
        expanded({"id": "urn:x:1", "type": "Thing"}, source, loader)
    except jsonld.JsonLdError:
        return False
    except TypeError:
        # PyLD stumbles over a compact IRI whose prefix is null.
        reject()
    return True


def their_answer(stored: dict[str, Any], source: Any, loader: Loader) -> dict[str, Any] | None:
    """None when PyLD finds an IRI that the context would read as a compact one."""
    try:
        return compacted(expanded(stored, [], loader), source, loader)
    except jsonld.JsonLdError as error:
        if "confused with prefix" not in str(error):
            raise
        return None


def our_answer(stored: dict[str, Any], context: Context) -> dict[str, Any] | None:
    try:
        return shown_form(stored, context)
    except Invalid:
        return None


def our_reading(document: dict[str, Any], context: Context) -> dict[str, Any] | None:
    try:
        return stored_form(document, context)
    except Invalid:
        return None


def our_context(source: Any, held: dict[str, Any]) -> Context | None:
    try:
        return resolve(source, lambda url: held[url])
    except Invalid:
        return None


def distinct(document: dict[str, Any], context: Context) -> bool:
    """JSON-LD joins what two words of one name say, and drops what names nothing; a document of ours does neither."""
    try:
        names = [context.name(key) for key in document]
        for word in _words(document.get("type"), document.get("vocab"), document.get("objectType")):
            context.name(word)
    except Invalid:
        return False
    return len(names) == len(set(names)) and all(
        distinct(value, context) for value in document.values() if isinstance(value, dict) and "type" in value
    )


def _words(*values: Any) -> list[str]:
    return [word for value in values if value is not None for word in (value if isinstance(value, list) else [value])]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(sources, documents, entities)
def test_the_stored_form_is_expansion_and_compaction_with_the_core(
    source: Any, served: dict[str, Any], entity: dict[str, Any]
) -> None:
    held = {url: {"@context": context} for url, context in served.items()}
    loader = Loader(held)
    context = our_context(source, held)
    assert (context is not None) == expected_context(source, loader)
    assume(context is not None and distinct(entity, context))
    assert context is not None

    whole = expanded(entity, source, loader)
    stored = stored_form(entity, context)

    assert stored == in_full(compacted(whole, [], loader))
    assert stored_form(stored, CORE) == stored


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(sources, documents, entities)
def test_an_answer_is_compaction_with_the_senders_context(
    source: Any, served: dict[str, Any], entity: dict[str, Any]
) -> None:
    held = {url: {"@context": context} for url, context in served.items()}
    loader = Loader(held)
    context = our_context(source, held)
    assume(expected_context(source, loader) and context is not None and distinct(entity, CORE))
    assert context is not None
    stored = stored_form(entity, CORE)
    theirs = their_answer(stored, source, loader)
    shown = our_answer(stored, context)
    if theirs is None or shown is None:
        # Where we refuse and JSON-LD does not, its answer would be read as something else.
        assert shown is None
        assert theirs is None or our_reading(theirs, context) != stored
        return

    assert in_full(shown) == in_full(theirs)
    assert stored_form(shown, context) == stored
