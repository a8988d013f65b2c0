"""Contexts from anybody: whatever is sent is a context or a clear error, and every name is stable."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quanyu.engines.context.contexts import check_terms, checked_text
from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.context import CORE, Context, iri_of, resolve, stored_name, urls_named
from quanyu.kernel.ngsi.core import CORE_URL, core_terms

keywords = st.sampled_from(
    ["@id", "@type", "@context", "@vocab", "@import", "@version", "@container", "@prefix", "@reverse", "@none", "@odd"]
)
words = st.one_of(
    keywords, st.text("ab:/#@ ", max_size=4), st.sampled_from(["https://a.example/", "https://a.example/x"])
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(-1, 2), st.just(1.1), words)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=4)),
    max_leaves=12,
)


def tried(call: Callable[[], Any]) -> Any:
    """What came of a call: its result, or the refusal."""
    try:
        return call()
    except Invalid as error:
        return error


def context_of(source: Any, served: Any) -> Context | None:
    made = tried(lambda: resolve(source, lambda url: served))
    if isinstance(made, Context):
        return made
    assert made.code.startswith("context.")
    assert made.where is not None
    assert made.remedy
    return None


@settings(max_examples=400, deadline=None)
@given(anything, anything, words)
def test_anything_is_a_context_or_a_clear_error(source: Any, served: Any, word: str) -> None:
    context = context_of(source, served)
    if context is None:
        return
    name = tried(lambda: context.name(word))
    if isinstance(name, Invalid):
        assert name.code == "context.no_name"
        return
    assert stored_name(iri_of(name)) == name
    for write in (context.word, context.type_word):
        written = tried(partial(write, name))
        if isinstance(written, Invalid):
            assert written.code == "context.confused"
        else:
            assert context.name(written) == name


@settings(max_examples=200, deadline=None)
@given(anything)
def test_what_is_published_can_be_kept_or_is_refused(source: Any) -> None:
    text = tried(lambda: checked_text({"@context": source}))
    if isinstance(text, Invalid):
        assert text.code.startswith("context.")
    else:
        assert all(url.startswith(("http://", "https://")) for url in urls_named(source))
        assert checked_text({"@context": source}) == text
        refusal = tried(lambda: check_terms({"@context": source}))
        assert refusal is None or refusal.code.startswith("context.")


@settings(max_examples=50, deadline=None)
@given(anything)
def test_core_terms_mean_the_same_in_every_context(source: Any) -> None:
    context = context_of(source, {})
    if context is not None:
        assert [context.name(term.name) for term in core_terms()] == [CORE.name(term.name) for term in core_terms()]


def test_documents_that_name_one_another_many_times_over_do_not_multiply() -> None:
    fetched: list[str] = []

    def fetch(url: str) -> Any:
        fetched.append(url)
        number = int(url.rpartition("/")[2])
        return {"@context": [f"https://c.example/{number + 1}"] * 10_000 if number < 3 else []}

    with pytest.raises(Invalid) as caught:
        resolve("https://c.example/0", fetch)
    assert caught.value.code == "context.too_large"
    assert len(fetched) == 4
    for source in (
        [None] * 200_001,
        ["https://c.example/9", CORE_URL] * 100_001,
        [{"a": "urn:a", "b": "urn:b"}] * 100_001,
    ):
        with pytest.raises(Invalid) as caught:
            resolve(source, fetch)
        assert caught.value.code == "context.too_large"
