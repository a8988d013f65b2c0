"""Paces of subscriptions, and what survives restarts and kills."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quanyu.kernel.journal import Command
from quanyu.kernel.ngsi.core import CORE_URL
from tests.telling import URI, Told, telling

SECOND = 1_000_000


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    with telling(tmp_path / "home") as told:
        yield told


def test_throttling_tells_once_and_then_how_it_stands(told: Told) -> None:
    told.create(load=0)
    told.create("urn:b:2", load=0)
    told.subscribe(throttling=15, notificationTrigger=["entityUpdated", "entityDeleted"])
    told.merge(load=1)
    assert [each["load"]["value"] for each in told.told()] == [1]
    told.merge(load=2)
    told.merge(load=3)
    told.commit("entity.delete", "urn:b:2", {})
    told.step(14 * SECOND)
    assert told.told() == []
    told.kill()
    told.step(SECOND)
    (body,) = told.letters()
    first, second = body["data"]
    assert (first["id"], first["load"]["value"]) == ("urn:b:1", 3)
    assert second["deletedAt"]
    told.merge(load=4)
    assert told.told() == [], "the throttling began anew"
    told.step(15 * SECOND)
    assert len(told.letters()) == 1
    told.step(30 * SECOND)
    told.merge(load=5)
    assert len(told.letters()) == 1


def test_periods_go_on_over_a_restart(told: Told) -> None:
    told.create(load=7, name="A")
    told.create("urn:b:2", load=1)
    told.subscribe(timeInterval=10, q="load>5")
    told.merge(load=8)
    assert told.told() == [], "changes are not told, only the clock tells"
    told.step(9 * SECOND)
    assert told.told() == []
    told.kill()
    told.step(SECOND)
    assert [(each["id"], each["load"]["value"]) for each in told.told()] == [("urn:b:1", 8)]
    told.step(10 * SECOND)
    assert len(told.letters()) == 1
    told.commit("subscription.update", "urn:s:1", {"fragment": {"isActive": False}})
    told.step(30 * SECOND)
    assert told.told() == []
    told.commit("subscription.delete", "urn:s:1", {})
    told.step()
    assert list(told.store.rows(told.hub.runners["subscriptions"].reader.tables[2])) == []  # type: ignore[index]


def test_a_kill_between_match_and_delivery_tells_again_under_the_same_id(told: Told) -> None:
    told.subscribe()
    told.create(name="A")
    (first,) = told.letters(None)
    told.kill()
    (again,) = told.letters()
    assert again["id"] == first["id"]
    assert again["data"] == first["data"]
    told.step(SECOND)
    told.kill()
    assert told.letters() == []


def test_what_failed_waits_in_rows_and_goes_out_after_a_restart(told: Told) -> None:
    told.subscribe()
    told.create(name="A")
    told.letters(None)
    told.carrier.answer(503)
    told.step()
    told.kill()
    told.machine.at += 5 * SECOND
    assert len(told.letters()) == 1
    assert told.hub.subscriptions.get("urn:s:1").waiting == 0


def test_what_waits_for_an_expired_subscription_rests_until_it_gets_a_new_end(told: Told) -> None:
    told.subscribe(expiresAt="2026-03-02T01:00:00Z")
    told.create(name="A")
    told.letters(None)
    told.carrier.answer(503)
    told.clock.at += 3_600 * SECOND
    told.step(60 * SECOND)
    told.merge(name="B")
    told.step(60 * SECOND)
    assert told.carrier.out == []
    assert told.hub.subscriptions.get("urn:s:1").waiting == 1
    told.commit("subscription.update", "urn:s:1", {"fragment": {"expiresAt": "2030-01-01T00:00:00Z"}})
    assert len(told.letters()) == 1


def test_a_clean_end_leaves_nothing_to_be_told_twice(told: Told) -> None:
    told.subscribe()
    told.create(name="A")
    told.letters()
    told.create("urn:b:2", name="B")
    told.step()
    told.hub.close()
    told.carrier.letters.clear()
    told.carrier.out.clear()
    told.open()
    assert [each["id"] for each in told.told()] == ["urn:b:2"]


def test_a_thousand_subscriptions_made_at_once_all_fire_after_a_restart(tmp_path: Path) -> None:
    with telling(tmp_path / "home", threads=True) as told:
        hub = told.hub

        def make(start: int) -> None:
            from quanyu.kernel.ngsi.context import CORE
            from quanyu.kernel.ngsi.subscription import read_subscription

            for number in range(start, start + 100):
                wish = {"type": "Subscription", "entities": [{"type": "Building"}],
                        "notification": {"endpoint": {"uri": f"{URI}{number}"}}}  # fmt: skip
                body = {"document": read_subscription(wish, CORE), "context": CORE_URL, "roles": None}
                hub.commit_blocking([Command("subscription.create", f"urn:s:{number}", body)], "person:a")

        threads = [threading.Thread(target=make, args=(start,)) for start in range(0, 1000, 100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        told._threads = False
        told.kill()
        told.create(name="A")
        assert {body["subscriptionId"] for body in told.letters()} == {f"urn:s:{number}" for number in range(1000)}
        assert told.hub.subscriptions.page(990, 100)[1] == 1000


def test_the_fault_of_one_subscription_is_seen_and_keeps_no_other_from_hearing(told: Told) -> None:
    told.subscribe("urn:s:1")
    told.subscribe("urn:s:2")
    told.silence()
    reader: Any = told.hub.runners["subscriptions"].reader
    reader.held("urn:s:1").notice.items = None
    told.create(name="A")
    assert [body["subscriptionId"] for body in told.letters()] == ["urn:s:2"]
    health = told.hub.subscriptions.get("urn:s:1").health
    assert (health.dropped, "TypeError" in str(health.error)) == (1, True)


def test_a_tenant_is_named(tmp_path: Path) -> None:
    with telling(tmp_path / "home", tenant="city") as told:
        told.subscribe()
        told.create(name="A")
        told.letters(None)
        assert ("NGSILD-Tenant", "city") in told.carrier.out[0][0].headers


def test_a_removed_subscription_and_a_changed_address(told: Told) -> None:
    told.subscribe()
    told.create(name="A")
    told.letters(None)
    told.carrier.answer(500)
    fragment = {"notification": {"endpoint": {"uri": "http://new.example.org/"}}}
    told.commit("subscription.update", "urn:s:1", {"fragment": fragment})
    told.step()
    assert [letter.uri for letter, _ in told.carrier.out] == ["http://new.example.org/"]
    told.carrier.answer(500)
    told.commit("subscription.delete", "urn:s:1", {})
    told.step(60 * SECOND)
    assert told.carrier.out == []
    assert told.hub.subscriptions.find("urn:s:1") is None
