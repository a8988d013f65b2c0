"""Tenants: their own journal and entities, made on first write only where that is allowed, capped when open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from quanyu.adapters.sqlite.context import SqliteContext
from quanyu.assembly.tenants import Tenants
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.journal import Command
from tests.hubs import HandClock

ID = "urn:ngsi-ld:Station:1"
CREATE = Command("entity.create", ID, {"type": "Station"})


@pytest.fixture
def tenants(tmp_path: Path) -> Iterator[Tenants]:
    made = Tenants(tmp_path, HandClock(), creates=True, open_max=2)
    yield made
    made.close()


def test_tenants_share_nothing(tenants: Tenants) -> None:
    for name in ("east", "west", "north"):
        tenants.get(name, write=True).commit_blocking([CREATE], "person:a")
    assert tenants.names() == ["east", "north", "west"]
    east = tenants.get("east")
    assert east.last_seq == 1
    assert SqliteContext(east.store.connection).find(ID) is not None  # type: ignore[attr-defined]


def test_a_tenant_that_does_not_exist_is_missing(tenants: Tenants, tmp_path: Path) -> None:
    with pytest.raises(Missing):
        tenants.get("south")
    with pytest.raises(Missing):
        Tenants(tmp_path, HandClock()).get("south", write=True)
    for name in ("", "../x", "A", "a" * 51):
        with pytest.raises(Invalid):
            tenants.get(name, write=True)
