"""Commit: decided once, durable before it is acknowledged, all or nothing, refused without a trace."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quanyu.adapters.sqlite.context import SqliteContext
from quanyu.assembly.hub import Hub
from quanyu.assembly.writer import Call
from quanyu.engines.context import entering, fold
from quanyu.kernel.entity import Observation, body_of, observations
from quanyu.kernel.errors import Conflict, Invalid, Missing, Unavailable, Unsupported
from quanyu.kernel.journal import Command, Receipt
from quanyu.kernel.ngsi.context import CORE
from quanyu.kernel.ngsi.selection import parse_types
from quanyu.kernel.view import EVERYTHING, Selection
from tests.hubs import HOUR_US, MORNING, HandClock, bare_hub

DONGSI = "urn:ngsi-ld:AirQualityObserved:dongsi"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with bare_hub(tmp_path) as hub:
        yield hub


def create(id: str = DONGSI, **attributes: Any) -> Command:
    return Command("entity.create", id, {"type": "AirQualityObserved", **attributes})


def observe(value: float | str, at: int = MORNING, id: str = DONGSI, attribute: str = "pm25") -> Command:
    batch = observations([Observation(id, attribute, at, value, "GQ")])
    return Command("observe", "test", body_of(batch), "measured")


def context(hub: Hub) -> SqliteContext:
    return SqliteContext(hub.store.connection)  # type: ignore[attr-defined]


def test_receipt_names_the_records_and_they_are_readable_at_once(hub: Hub) -> None:
    receipt = hub.commit_blocking([create(name="东四")], "person:a")
    assert receipt.outcomes[0].seqs == (1,)
    assert [record.kind for record in hub.journal_read(0, 10)] == ["entity.created"]
    found = context(hub).find(DONGSI)
    assert found is not None
    assert found["name"] == {"type": "Property", "value": "东四"}


def test_atomic_call_is_all_or_nothing(hub: Hub) -> None:
    with pytest.raises(Conflict, match="exists already"):
        hub.commit_blocking([create(), create()], "person:a")
    assert hub.last_seq == 0
    assert context(hub).find(DONGSI) is None


def test_refused_command_of_a_loose_call_leaves_the_others(hub: Hub) -> None:
    receipt = hub.commit_blocking([create(), create(), observe(7.0)], "person:a", atomic=False)
    assert [type(outcome.error) for outcome in receipt.outcomes] == [type(None), Conflict, type(None)]
    assert hub.last_seq == 2


def test_a_call_sees_what_was_decided_before_it_in_the_group(hub: Hub) -> None:
    async def both() -> tuple[Any, Any]:
        return await asyncio.gather(
            hub.commit([create()], "person:a"), hub.commit([create()], "person:b"), return_exceptions=True
        )

    first, second = asyncio.run(both())
    assert first.seq == 1
    assert isinstance(second, Conflict)
    assert hub.line.groups == 1


@pytest.mark.parametrize("id", ["urn:\ud800", "urn:a\0b", None, ["urn:a"]])
def test_a_subject_that_no_store_could_hold_is_its_own_callers_fault(hub: Hub, id: Any) -> None:
    bad, good = Call([Command("entity.create", id, {"type": "A"})], "person:a"), Call([create()], "person:a")
    (refused, receipt), _ = hub.errand(lambda: hub.writer.process([bad, good]))
    assert isinstance(refused, Exception)
    assert isinstance(receipt, Receipt)
    assert context(hub).find(DONGSI) is not None


def test_a_fault_in_what_was_left_for_later_stays_with_its_record(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    enter_all = entering.enter_all

    def faulty(state: Any, entities: Any) -> Any:
        assert all(document["id"] != "urn:a" for _, document in entities)
        return enter_all(state, entities)

    monkeypatch.setattr(fold, "enter_all", faulty)
    ids = ("urn:b", "urn:a", "urn:c")
    for id in ids:
        hub.commit_blocking([Command("entity.create", id, {"type": "A"})], "person:a")
    assert [context(hub).find(id) is not None for id in ids] == [True, True, True]
    found, _ = context(hub).select(Selection(types=parse_types("A", CORE)), EVERYTHING, MORNING)
    assert [each["id"] for each in found] == ["urn:b", "urn:c"]
    assert any("missing in the indexes" in warning for warning in hub.health()["warnings"])
    hub.commit_blocking([Command("entity.create", "urn:d", {"type": "A"})], "person:a")
    assert [record.subject for record in hub.journal_read(0, 9)] == [*ids, "urn:d"]


def test_many_callers_share_one_sync(hub: Hub) -> None:
    hub.commit_blocking([create()], "person:a")
    before = hub.line.groups

    async def crowd() -> None:
        await asyncio.gather(*(hub.commit([observe(float(i))], "person:a") for i in range(64)))

    asyncio.run(crowd())
    assert hub.line.groups - before <= 3


def test_same_key_gives_the_same_receipt_and_another_body_is_refused(hub: Hub) -> None:
    first = hub.commit_blocking([create()], "person:a", key="k")
    again = hub.commit_blocking([create()], "person:a", key="k")
    assert (again.seq, again.outcomes[0].seqs) == (first.seq, first.outcomes[0].seqs)
    assert hub.last_seq == 1
    with pytest.raises(Conflict) as refused:
        hub.commit_blocking([create(name="x")], "person:a", key="k")
    assert refused.value.details["status"] == 422


def test_unknown_command_and_provenance_are_refused(hub: Hub) -> None:
    with pytest.raises(Unsupported) as refused:
        hub.commit_blocking([Command("entity.paint", DONGSI, {})], "person:a")
    assert "entity.create" in str(refused.value.remedy)
    with pytest.raises(Invalid, match="Provenance"):
        hub.commit_blocking([Command("entity.create", DONGSI, {"type": "A"}, "guessed")], "person:a")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (create("dongsi"), "entity.id"),
        (Command("entity.create", DONGSI, {}), "entity.type"),
        (Command("entity.create", DONGSI, {"type": "A", "scope": "/bei jing"}), "entity.scope"),
        (Command("entity.create", DONGSI, {"type": "A", "pm 25": 1}), "entity.name"),
        (create(pm25={"type": "Colour", "value": 1}), "attribute.kind"),
        (create(pm25={"type": "Property"}), "attribute.value"),
        (create(near={"type": "Relationship", "object": 7}), "attribute.object"),
    ],
)
def test_bad_documents_say_what_is_wrong_and_change_nothing(hub: Hub, command: Command, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        hub.commit_blocking([command], "person:a")
    assert refused.value.code == code
    assert refused.value.where
    assert hub.last_seq == 0


def test_stale_version_is_a_conflict(hub: Hub) -> None:
    hub.commit_blocking([create(), Command("entity.merge", DONGSI, {"name": "一"}, expects=1)], "person:a")
    with pytest.raises(Conflict, match="version 2, not 1"):
        hub.commit_blocking([Command("entity.merge", DONGSI, {"name": "二"}, expects=1)], "person:a")


def test_observation_lies_over_the_document_and_a_late_one_does_not(hub: Hub) -> None:
    hub.commit_blocking([create(pm25=1.0), observe(80.0), observe(70.0, MORNING - HOUR_US)], "person:a")
    found = context(hub).find(DONGSI)
    assert found is not None
    assert found["pm25"]["value"] == 80.0
    assert found["pm25"]["observedAt"] == MORNING
    assert found["pm25"]["unitCode"] == "GQ"
    hub.commit_blocking([Command("entity.merge", DONGSI, {"pm25": 3.0})], "person:a")
    described = context(hub).find(DONGSI)
    assert described is not None
    assert described["pm25"] == {"type": "Property", "value": 3.0}


def test_observation_of_a_stranger_or_of_nothing_is_refused(hub: Hub) -> None:
    with pytest.raises(Missing, match="does not exist"):
        hub.commit_blocking([observe(1.0)], "person:a")
    hub.commit_blocking([create()], "person:a")
    with pytest.raises(Invalid, match="finite"):
        hub.commit_blocking([observe(float("nan"))], "person:a")
    with pytest.raises(Invalid, match="future"):
        hub.commit_blocking([observe(1.0, MORNING + 48 * HOUR_US)], "person:a")
    assert hub.last_seq == 1


def test_texts_are_observed_too(hub: Hub) -> None:
    hub.commit_blocking([create(), observe("NNW", attribute="windDirection")], "person:a")
    assert context(hub).last(DONGSI, "windDirection") == ("NNW", MORNING)


def test_deleted_entity_takes_its_values_along(hub: Hub) -> None:
    hub.commit_blocking([create(), observe(1.0), Command("entity.delete", DONGSI, {})], "person:a")
    assert context(hub).find(DONGSI) is None
    hub.commit_blocking([create()], "person:a")
    found = context(hub).find(DONGSI)
    assert found is not None
    assert "pm25" not in found


def test_clock_steps_back_a_little_and_is_held_or_far_and_stops_writes(tmp_path: Path) -> None:
    clock = HandClock()
    with bare_hub(tmp_path, clock) as hub:
        hub.commit_blocking([create()], "person:a")
        clock.at = MORNING - 60_000_000
        assert hub.commit_blocking([observe(1.0)], "person:a").at == MORNING
        clock.at = MORNING - 600_000_000
        with pytest.raises(Unavailable) as refused:
            hub.commit_blocking([observe(1.0)], "person:a")
        assert refused.value.code == "clock.back"
        clock.at = MORNING
        assert hub.commit_blocking([observe(1.0)], "person:a").seq == 3


def test_what_was_acknowledged_is_there_after_reopening(tmp_path: Path) -> None:
    with bare_hub(tmp_path) as hub:
        hub.commit_blocking([create(), observe(5.0)], "person:a", key="once")
    with bare_hub(tmp_path) as hub:
        assert hub.last_seq == 2
        found = context(hub).find(DONGSI)
        assert found is not None
        assert found["pm25"]["value"] == 5.0
        assert hub.commit_blocking([create(), observe(5.0)], "person:a", key="once").seq == 2
