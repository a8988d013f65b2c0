"""Contexts that are kept: what is decided, what is folded, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quanyu.adapters.sqlite.contexts import SqliteContexts
from quanyu.assembly.hub import Hub
from quanyu.engines.context import contexts as module
from quanyu.engines.context.contexts import ContextsEngine, ContextsView, check_terms, checked_text, implied_id
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.journal import Command
from tests.hubs import MORNING, bare_hub

CITY = {"@context": {"heat": "https://city.example/ns/heat"}}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with bare_hub(tmp_path, extra=[ContextsEngine()]) as opened:
        yield opened


def add(hub: Hub, document: Any, kind: str = "Hosted") -> str:
    outcome = hub.commit_blocking([Command("context.add", "", {"kind": kind, "document": document})], "person:a")
    return outcome.outcomes[0].subject


def view(hub: Hub) -> ContextsView:
    store: Any = hub.store
    return ContextsView(SqliteContexts(store.connection))


def test_a_hosted_context_gets_a_new_id_each_time(hub: Hub) -> None:
    first, second = add(hub, {**CITY, "beside": 1}), add(hub, CITY)
    assert first != second
    held = view(hub).find(first)
    assert held is not None
    assert (held.kind, held.document, held.created) == (
        "Hosted", '{"@context":{"heat":"https://city.example/ns/heat"}}', MORNING,
    )  # fmt: skip
    assert {row[:2] for row in view(hub).held()} == {(first, "Hosted"), (second, "Hosted")}


def test_an_implied_context_is_kept_once(hub: Hub) -> None:
    for _ in range(2):
        add(hub, CITY, "ImplicitlyCreated")
    assert view(hub).held() == [(implied_id(checked_text(CITY)), "ImplicitlyCreated", MORNING)]


def test_a_removed_context_is_gone(hub: Hub) -> None:
    id_ = add(hub, CITY)
    hub.commit_blocking([Command("context.remove", id_, {})], "person:a")
    assert view(hub).find(id_) is None
    with pytest.raises(Missing) as caught:
        hub.commit_blocking([Command("context.remove", id_, {})], "person:a")
    assert caught.value.code == "context.missing"


def test_there_is_an_end_to_their_number(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NUMBER_MAX", 2)
    ids = [add(hub, CITY), add(hub, CITY)]
    with pytest.raises(Invalid) as caught:
        add(hub, CITY)
    assert caught.value.code == "context.full"
    hub.commit_blocking([Command("context.remove", ids[0], {})], "person:a")
    add(hub, CITY)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"kind": "Cached", "document": CITY}, "context.kind"),
        ({"document": {}}, "context.absent"),
        ({"document": []}, "context.absent"),
        ({}, "context.absent"),
        ({"document": {"@context": 7}}, "context.invalid"),
        ({"document": {"@context": {"a": "https://a.example/" + "x" * 1_000_000}}}, "context.too_large"),
        ({"document": {"@context": ["https://contexts.example/x.jsonld", 7]}}, "context.invalid"),
        ({"document": {"@context": {"@import": "file:///etc/passwd"}}}, "context.invalid"),
    ],
)
def test_what_is_not_kept(hub: Hub, body: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as caught:
        hub.commit_blocking([Command("context.add", "", body)], "person:a")
    assert caught.value.code == code
    assert caught.value.remedy
    assert view(hub).held() == []


def test_terms_beside_a_url_are_judged_when_it_can_be_had() -> None:
    document = {"@context": ["https://contexts.example/x.jsonld", {"heat": "warmth"}]}
    check_terms(document)
    with pytest.raises(Invalid) as caught:
        check_terms({"@context": {"heat": "warmth"}})
    assert caught.value.code == "context.invalid"
    with pytest.raises(Invalid) as caught:
        check_terms({"@context": {"heat": "heat:warmth"}})
    assert caught.value.code == "context.loop"


def test_numbers_that_no_machine_word_holds_are_kept_as_they_came(hub: Hub) -> None:
    id_ = add(hub, {"@context": {"heat": {"@id": "https://a.example/heat", "@context": {"n": 10**30}}}})
    held = view(hub).find(id_)
    assert held is not None
    assert str(10**30) in held.document
