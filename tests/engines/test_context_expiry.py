"""Transient entities and attributes (NGSI-LD 4.22): hidden from their instant on, removed soon after."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quanyu.adapters.sqlite.context import SqliteContext
from quanyu.engines.context.expiry import ContextExpiry
from quanyu.engines.context.view import ContextView
from quanyu.kernel.errors import Missing
from quanyu.kernel.journal import Command
from quanyu.kernel.ngsi.instants import text_of
from quanyu.kernel.view import EVERYTHING, Query, Selection
from tests.engines.desk import NOON, SECOND, Desk, sitting
from tests.hubs import HandClock, bare_hub

ALERT = "urn:ngsi-ld:Alert:1"
SOON = text_of(NOON + 60 * SECOND)


def prop(value: Any, **members: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, **members}


@pytest.fixture
def desk() -> Iterator[Desk]:
    with sitting() as desk:
        yield desk


def test_an_entity_is_hidden_from_its_instant_on(desk: Desk) -> None:
    desk.send("entity.create", ALERT, {"type": "Alert", "level": prop(1), "expiresAt": SOON})
    desk.send("entity.create", "urn:ngsi-ld:Alert:2", {"type": "Alert"})
    desk.at = NOON + 60 * SECOND - 1
    assert desk.find(ALERT)["expiresAt"] == SOON
    assert desk.view.tally(Selection(), EVERYTHING) == 2
    desk.at += 1
    assert desk.view.find(ALERT, EVERYTHING) is None
    assert desk.view.json(ALERT, EVERYTHING) is None
    assert desk.view.tally(Selection(), EVERYTHING) == 1
    assert desk.view.count(Query(type="Alert"), EVERYTHING) == 1
    (left,) = desk.view.select(Selection(), EVERYTHING).items
    assert desk.view.select(Selection(offset=0, limit=1), EVERYTHING).items == [left]
    assert desk.view.select(Selection(offset=1), EVERYTHING).items == []
    with pytest.raises(Missing):
        desk.send("entity.append", ALERT, {"attributes": {"level": prop(2)}})


def test_its_id_may_be_used_again_before_it_is_removed(desk: Desk) -> None:
    desk.send("entity.create", ALERT, {"type": "Alert", "expiresAt": SOON})
    desk.at = NOON + 61 * SECOND
    gone, made = desk.send("entity.create", ALERT, {"type": "Alert", "level": prop(2)})
    assert (gone.kind, made.kind) == ("entity.deleted", "entity.created")
    assert desk.find(ALERT)["level"] == prop(2)


def test_an_instance_expires_alone(desk: Desk) -> None:
    speed = [prop(10), prop(20, datasetId="urn:d:1", expiresAt=SOON)]
    desk.send("entity.create", ALERT, {"type": "Alert", "speed": speed, "flash": prop(1, expiresAt=SOON)})
    desk.at = NOON + 61 * SECOND
    assert desk.find(ALERT) == {"id": ALERT, "type": "Alert", "speed": prop(10)}
    assert desk.context.expired(desk.at, 10) == [ALERT]
    (record,) = desk.send("entity.expire", ALERT)
    assert record.body is not None
    assert record.body["patch"] == {"speed": prop(10), "flash": None}
    assert desk.send("entity.expire", ALERT) == ()
    assert desk.context.next_expiry() is None


def test_replacing_makes_durable_and_merging_does_not(desk: Desk) -> None:
    flash = prop(1, expiresAt=SOON)
    desk.send("entity.create", ALERT, {"type": "Alert", "a": flash, "b": flash, "c": flash})
    desk.send("entity.update", ALERT, {"attributes": {"a": prop(2)}})
    desk.send("entity.partial", ALERT, {"attribute": "b", "fragment": {"value": 2}})
    desk.send("entity.patch", ALERT, {"fragment": {"c": prop(2)}})
    desk.at = NOON + 61 * SECOND
    assert desk.find(ALERT) == {"id": ALERT, "type": "Alert", "a": prop(2)}


class Later:
    """A store that is put in place when there is one."""

    store: SqliteContext | None = None

    def next_expiry(self) -> int | None:
        return None if self.store is None else self.store.next_expiry()

    def expired(self, now: int, limit: int) -> list[str]:
        return [] if self.store is None else self.store.expired(now, limit)


def test_the_clock_hand_removes_what_has_expired(tmp_path: Path) -> None:
    clock, shelf = HandClock(NOON), Later()
    reader = ContextExpiry(shelf)
    with bare_hub(tmp_path, clock, readers=[reader]) as hub:
        shelf.store = SqliteContext(hub.store.connection)  # type: ignore[attr-defined]
        hub.commit_blocking([Command("entity.create", ALERT, {"type": "Alert", "expiresAt": SOON})], "person:a")
        hub.settle()
        assert reader.next_wake == NOON + 60 * SECOND
        clock.at = NOON + 60 * SECOND
        assert ContextView(shelf.store, clock.now).find(ALERT, EVERYTHING) is None
        hub.settled_blocking()
        assert [record.kind for record in hub.journal_read(0, 10)] == ["entity.created", "entity.deleted"]
        assert reader.read([], clock.at).commands == ()
