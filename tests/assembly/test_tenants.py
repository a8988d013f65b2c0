"""Tenants: their own journal and entities, made on first write only where that is allowed, capped when open."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from quanyu.assembly import Options, open_hub
from quanyu.assembly.hub import Hub
from quanyu.assembly.tenants import Tenants
from quanyu.kernel.errors import Denied, Invalid, Missing, Unavailable
from quanyu.kernel.journal import Command
from quanyu.kernel.ngsi.context import CORE
from quanyu.kernel.ngsi.subscription import read_subscription
from quanyu.kernel.view import EVERYTHING

ID = "urn:ngsi-ld:Station:1"
CREATE = Command("entity.create", ID, {"type": "Station"})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    hub = open_hub(tmp_path_factory.mktemp("home"), Options(makes_tenants=True))
    yield hub
    hub.close()


def tenants_of(home: Hub, folder: Path, creates: bool = True) -> Tenants:
    assert home.tenants is not None
    return Tenants(folder, home.tenants._opener, creates, open_max=2)


def test_a_tenant_with_subscriptions_is_opened_with_its_home(tmp_path: Path) -> None:
    wish = {"type": "Subscription", "entities": [{"type": "Station"}],
            "notification": {"endpoint": {"uri": "http://receiver.example.org/"}}}  # fmt: skip
    body = {"document": read_subscription(wish, CORE), "context": CORE.links[0], "roles": None}
    for _ in range(2):
        hub = open_hub(tmp_path, Options(makes_tenants=True))
        assert hub.tenants is not None
        hub.start()
        if not hub.tenants.names():
            for name in ("quiet", "telling"):
                write(hub.tenants, name)
            found = hub.tenants.enter("telling")
            found.commit_blocking([Command("subscription.create", "urn:s:1", body)], "system:test")
            hub.tenants.leave("telling")
        else:
            for _ in range(500):
                if hub.tenants._open:
                    break
                time.sleep(0.01)
            assert list(hub.tenants._open) == ["telling"]
        hub.close()


def write(tenants: Tenants, name: str, actor: str = "system:test") -> None:
    hub = tenants.enter(name, write=True)
    try:
        hub.commit_blocking([CREATE], actor)
    finally:
        tenants.leave(name)


def test_tenants_share_nothing(home: Hub, tmp_path: Path) -> None:
    tenants = tenants_of(home, tmp_path)
    for name in ("east", "west", "North"):
        write(tenants, name)
    assert tenants.names() == ["North", "east", "west"]
    assert tenants.opened("east") is None, "two may be open, and it is the one that rested longest"
    east = tenants.enter("east")
    assert east.last_seq == 1
    assert east.views.entities.find(ID, EVERYTHING) is not None
    assert home.views.entities.find(ID, EVERYTHING) is None
    assert tenants.opened("east") is east
    tenants.close()


def test_a_tenant_that_does_not_exist_is_missing(home: Hub, tmp_path: Path) -> None:
    with pytest.raises(Missing) as caught:
        tenants_of(home, tmp_path).enter("south")
    assert caught.value.code == "tenant.missing"
    with pytest.raises(Missing):
        tenants_of(home, tmp_path, creates=False).enter("south", write=True)
    for name in ("", "../x", "a b", "a" * 51):
        with pytest.raises(Invalid) as refused:
            tenants_of(home, tmp_path).enter(name, write=True)
        assert refused.value.code == "tenant.name"
    assert not (tmp_path / "tenants").exists()


def test_a_tenant_at_work_is_never_closed_to_make_room(home: Hub, tmp_path: Path) -> None:
    tenants = tenants_of(home, tmp_path)
    east, west = tenants.enter("east", write=True), tenants.enter("west", write=True)
    with pytest.raises(Unavailable) as caught:
        tenants.enter("north", write=True)
    assert caught.value.code == "tenant.busy"
    tenants.leave("east")
    write(tenants, "north")
    with pytest.raises(Unavailable):
        east.commit_blocking([CREATE], "system:test")
    west.commit_blocking([CREATE], "system:test")
    tenants.close()


def test_the_home_says_who_may_write_in_a_tenant(home: Hub, tmp_path: Path) -> None:
    tenants = tenants_of(home, tmp_path)
    with pytest.raises(Denied):
        write(tenants, "east", actor="person:nobody")
    home.commit_blocking(
        [
            Command("person.put", "person:a", {"name": "甲"}),
            Command("role.grant", "person:a", {"role": "administrator"}),
        ],
        "system:test",
    )
    write(tenants, "east", actor="person:a")
    tenants.close()


def test_a_tenant_made_for_nothing_is_taken_back(home: Hub, tmp_path: Path) -> None:
    tenants = tenants_of(home, tmp_path)
    tenants.enter("ghost", write=True)
    assert not tenants.is_fresh("ghost")
    tenants.unmake("ghost")
    assert tenants.names() == ["ghost"]
    tenants.leave("ghost")
    assert tenants.is_fresh("ghost")
    tenants.unmake("ghost")
    assert tenants.names() == []
    write(tenants, "ghost")
    assert not tenants.is_fresh("ghost")
    tenants.unmake("ghost")
    assert tenants.names() == ["ghost"]
    tenants.close()
