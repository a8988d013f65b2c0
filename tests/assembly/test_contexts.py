"""The contexts of a hub: at hand after the first time, bounded in memory, counted, and named by one URL."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from quanyu.adapters.sqlite.contexts import SqliteContexts
from quanyu.assembly import contexts as module
from quanyu.assembly.contexts import PATH, Contexts
from quanyu.assembly.hub import Hub
from quanyu.engines.context.contexts import ContextsEngine, ContextsView
from quanyu.kernel.errors import Invalid, Missing, Unavailable, Unsupported
from quanyu.kernel.journal import Command
from quanyu.kernel.ngsi.context import CORE
from quanyu.kernel.ngsi.core import CORE_URL, CORE_URLS
from tests.hubs import bare_hub

HEAT = "https://city.example/ns/heat"
URL = "https://contexts.example/city.jsonld"


class StillWeb:
    """Documents by URL; asks are noted."""

    def __init__(self) -> None:
        self.documents: dict[str, Any] = {URL: {"@context": {"heat": HEAT}}}
        self.asked: list[str] = []
        self.held: dict[str, Any] = {}

    def fetch(self, url: str) -> Any:
        self.asked.append(url)
        if url not in self.documents:
            raise Unavailable(f"{url} is away", code="context.unavailable", where="@context")
        self.held[url] = SimpleNamespace(at=5)
        return self.documents[url]

    def at_hand(self, url: str) -> Any:
        return self.documents[url] if url in self.held else None

    def reload(self, url: str) -> None:
        document = self.fetch(url)
        if "@context" not in document:
            raise Invalid("no context", code="context.invalid")

    def forget(self, url: str) -> bool:
        return self.held.pop(url, None) is not None

    def kept(self) -> Mapping[str, Any]:
        return self.held


@pytest.fixture
def web() -> StillWeb:
    return StillWeb()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with bare_hub(tmp_path, extra=[ContextsEngine()]) as opened:
        yield opened


@pytest.fixture
def contexts(hub: Hub, web: StillWeb) -> Contexts:
    store: Any = hub.store
    return Contexts(ContextsView(SqliteContexts(store.connection)), web, lambda: 7, 3)


def test_the_core_needs_nobody(contexts: Contexts, web: StillWeb) -> None:
    assert contexts.known(None) is CORE
    assert contexts.known(CORE_URL) is CORE
    assert contexts.resolve([CORE_URL]) is CORE
    assert contexts.known([CORE_URL]) is CORE
    assert web.asked == []


@pytest.mark.parametrize("source", [URL, [URL, CORE_URL], {"heat": HEAT}, [URL, {"noise": HEAT}]])
def test_a_context_is_at_hand_after_the_first_time(contexts: Contexts, web: StillWeb, source: Any) -> None:
    assert contexts.known(source) is None
    found = contexts.resolve(source)
    assert found.name("heat") == HEAT
    assert contexts.known(source) is found
    assert contexts.resolve(source) is found
    assert len(web.asked) <= 1


def test_what_failed_is_tried_again(contexts: Contexts, web: StillWeb) -> None:
    away = "https://contexts.example/away.jsonld"
    for _ in range(2):
        with pytest.raises(Unavailable):
            contexts.resolve(away)
    web.documents[away] = {"@context": {}}
    assert contexts.resolve(away).name("heat") == "heat"


def test_memory_is_bounded(contexts: Contexts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESOLVED_MAX", 3)
    sources = [{"heat": f"{HEAT}{number}"} for number in range(5)]
    for source in sources:
        contexts.resolve(source)
    assert [contexts.known(source) is not None for source in sources] == [False, False, True, True, True]
    monkeypatch.setattr(module, "TERMS_MAX", 500)
    contexts.resolve({f"t{number}": HEAT for number in range(100)})
    assert len(contexts._resolved) == 1
    contexts.resolve({f"t{number}": HEAT for number in range(600)})
    assert len(contexts._resolved) == 1
    assert contexts._terms <= 500


def test_uses_are_counted_where_a_context_is_named(contexts: Contexts, web: StillWeb) -> None:
    outer = "https://contexts.example/outer.jsonld"
    web.documents[outer] = {"@context": [URL]}
    contexts.resolve(outer)
    contexts.known(outer)
    contexts.known(URL)
    contexts.resolve(URL)
    assert (contexts.get(outer).hits, contexts.get(URL).hits, contexts.get(URL).last) == (2, 3, 7)


def kept(hub: Hub, kind: str = "Hosted", document: Any = None) -> str:
    body = {"kind": kind, "document": document or {"@context": {"heat": HEAT}}}
    return hub.commit_blocking([Command("context.add", "", body)], "person:a").outcomes[0].subject


def test_a_published_context_is_meant_by_its_id_under_any_host(hub: Hub, contexts: Contexts, web: StillWeb) -> None:
    id_ = kept(hub, document={"@context": [URL]})
    assert contexts.resolve(f"https://hub.example:8443{PATH}{id_}").name("heat") == HEAT
    assert web.asked == [URL]
    with pytest.raises(Unavailable):
        contexts.resolve(f"https://other.example{PATH}0123")
    assert web.asked[-1] == f"https://other.example{PATH}0123"
    with pytest.raises(Invalid):
        contexts.resolve(f"{PATH}{id_}")


def test_entries(hub: Hub, contexts: Contexts) -> None:
    hosted, implied = kept(hub), kept(hub, "ImplicitlyCreated")
    contexts.resolve(URL)
    by_kind = {kind: [each.id for each in contexts.entries(kind)] for kind in ("Cached", "Hosted", "ImplicitlyCreated")}
    assert by_kind == {"Cached": [*CORE_URLS, URL], "Hosted": [hosted], "ImplicitlyCreated": [implied]}
    assert len(contexts.entries()) == len(CORE_URLS) + 3
    assert contexts.get(CORE_URL).created == 3
    with pytest.raises(Invalid) as caught:
        contexts.entries("Borrowed")
    assert caught.value.code == "context.kind"


def test_documents(hub: Hub, contexts: Contexts) -> None:
    assert contexts.document(kept(hub)) == b'{"@context":{"heat":"https://city.example/ns/heat"}}'
    assert b"hasObjectLists" in contexts.document(CORE_URL)
    contexts.resolve(URL)
    with pytest.raises(Unsupported) as caught:
        contexts.document(URL)
    assert caught.value.code == "context.cached"
    with pytest.raises(Missing) as gone:
        contexts.document("nothing")
    assert gone.value.code == "context.missing"


def test_a_reload_reaches_every_context_made_of_it(contexts: Contexts, web: StillWeb) -> None:
    assert contexts.resolve([URL, {"noise": HEAT}]).name("heat") == HEAT
    web.documents[URL] = {"@context": {"heat": f"{HEAT}/new"}}
    contexts.reload(URL)
    assert contexts.resolve([URL, {"noise": HEAT}]).name("heat") == f"{HEAT}/new"


def test_a_reload_that_fails(hub: Hub, contexts: Contexts, web: StillWeb) -> None:
    found = contexts.resolve(URL)
    web.documents[URL] = {}
    with pytest.raises(Unavailable) as caught:
        contexts.reload(URL)
    assert caught.value.code == "context.unavailable"
    assert contexts.known(URL) is found
    for name in (kept(hub), "nothing"):
        with pytest.raises(Invalid) as refused:
            contexts.reload(name)
        assert refused.value.code == "context.reload"
    contexts.reload(CORE_URL)


def test_forgetting(contexts: Contexts) -> None:
    contexts.resolve(URL)
    assert contexts.get(URL).hits == 1
    assert contexts.forget(URL)
    assert contexts.known(URL) is None
    contexts.resolve(URL)
    assert contexts.get(URL).hits == 1
    assert contexts.forget(URL)
    assert not contexts.forget(URL)
    with pytest.raises(Invalid) as caught:
        contexts.forget(CORE_URL)
    assert caught.value.code == "context.core"


@pytest.mark.parametrize("source", [None, [], CORE_URL, [CORE_URL], URL, [URL], [URL, CORE_URL]])
def test_what_one_url_names_needs_no_context_of_its_own(contexts: Contexts, source: Any) -> None:
    name, command = contexts.implied(source)
    assert command is None
    assert name == (URL if source and URL in source else CORE_URL)


@pytest.mark.parametrize(
    "source", [{"heat": HEAT}, [URL, {"heat": HEAT}], [URL, "https://contexts.example/two.jsonld"]]
)
def test_an_implied_context_can_be_named_once_it_is_kept(
    hub: Hub, contexts: Contexts, web: StillWeb, source: Any
) -> None:
    web.documents["https://contexts.example/two.jsonld"] = {"@context": {}}
    name, command = contexts.implied(source)
    assert command is not None
    hub.commit_blocking([command], "person:a")
    assert contexts.get(name.removeprefix(PATH)).kind == "ImplicitlyCreated"
    assert contexts.resolve(f"http://hub.example{name}").name("heat") == HEAT


def test_what_is_not_at_hand_is_brought_beside_the_one_who_asks(contexts: Contexts, web: StillWeb) -> None:
    with pytest.raises(Unavailable) as caught:
        contexts.at_hand(URL)
    assert caught.value.code == "context.unavailable"
    for _ in range(500):
        if contexts.known(URL) is not None:
            break
        time.sleep(0.01)
    assert contexts.at_hand(URL).name("heat") == HEAT
    assert web.asked == [URL]


def test_what_cannot_be_brought_is_asked_for_again(contexts: Contexts, web: StillWeb) -> None:
    away = "https://contexts.example/away.jsonld"
    for _ in range(500):
        with pytest.raises(Unavailable):
            contexts.at_hand(away)
        if len(web.asked) > 2:
            break
        time.sleep(0.01)
    assert set(web.asked) == {away}
    web.documents[away] = {"@context": {"heat": HEAT}}
    contexts.resolve(away)
    assert contexts.at_hand(away).name("heat") == HEAT
