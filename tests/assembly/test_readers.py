"""Readers: cursor, state and commands move together; one bad record is set aside; a loop of causes stops."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import pytest

from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Change, Command, Effects, Instant, Record, Table
from tests.hubs import HandClock, bare_hub

SEEN = Table("seen_by_counter", ("kind TEXT", "count INTEGER"), canonical=False)


class Counter:
    """Counts the records of a kind, and answers each entity with another entity while it is told to."""

    name = "counter"
    tables: Collection[Table] = (SEEN,)
    wants: Collection[str] | None = frozenset({"entity.created"})

    def __init__(self, count: int = 0, answer: bool = False, fails_on: str = "") -> None:
        self.count, self.answer, self.fails_on = count, answer, fails_on
        self.next_wake: Instant | None = None
        self.woken = 0

    def read(self, records: Sequence[Record], now: Instant) -> Effects:
        if any(record.subject == self.fails_on for record in records):
            raise ValueError("cannot read this")
        self.count += len(records)
        commands = [
            Command("entity.create", f"{record.subject}.{record.seq}", {"type": "A"}, "derived", record.seq)
            for record in records
            if self.answer
        ]
        return Effects(commands, (Change("seen_by_counter", ("entity.created",), ("entity.created", self.count)),))

    def wake(self, now: Instant) -> Effects:
        self.woken += 1
        self.next_wake = None
        return Effects([Command("entity.create", "urn:ngsi-ld:A:woken", {"type": "A"}, "derived")])


def create(name: str) -> Command:
    return Command("entity.create", f"urn:ngsi-ld:A:{name}", {"type": "A"})


def stored(hub: object) -> int:
    row = hub.store.fetch(SEEN, "entity.created")  # type: ignore[attr-defined]
    return int(row[1]) if row else 0


def test_state_and_cursor_survive_together(tmp_path: Path) -> None:
    with bare_hub(tmp_path, readers=[Counter()]) as hub:
        for name in "abc":
            hub.commit_blocking([create(name)], "person:a")
        hub.settled_blocking()
        assert stored(hub) == 3
        cursor = hub.runners["counter"].cursor
    with bare_hub(tmp_path, readers=[Counter(count=3)]) as hub:
        assert hub.runners["counter"].cursor == cursor == 3
        hub.commit_blocking([create("d")], "person:a")
        hub.settled_blocking()
        assert stored(hub) == 4


def test_reader_does_not_see_what_it_caused(tmp_path: Path) -> None:
    with bare_hub(tmp_path, readers=[Counter(answer=True)]) as hub:
        hub.commit_blocking([create("a")], "person:a")
        hub.settled_blocking()
        records = hub.journal_read(0, 10)
    assert [(record.actor, record.cause) for record in records] == [("person:a", None), ("engine:counter", 1)]


def test_one_bad_record_is_set_aside_and_the_others_go_on(tmp_path: Path) -> None:
    with bare_hub(tmp_path, readers=[Counter(fails_on="urn:ngsi-ld:A:b")]) as hub:
        hub.commit_blocking([create("a"), create("b"), create("c")], "person:a")
        hub.settled_blocking()
        assert stored(hub) == 2
        quarantined = hub.journal_read(0, 10, {"record.quarantined"})
        assert [record.body and record.body["seq"] for record in quarantined] == [2]
        assert hub.health()["readers"]["counter"]["quarantined"] == 1


def test_reader_is_woken_when_its_time_has_come(tmp_path: Path) -> None:
    clock, counter = HandClock(), Counter()
    with bare_hub(tmp_path, clock, readers=[counter]) as hub:
        counter.next_wake = clock.at + 1_000
        hub.settled_blocking()
        assert counter.woken == 0
        clock.at += 1_000
        hub.settled_blocking()
        assert counter.woken == 1
        assert hub.journal_read(0, 10)[0].subject == "urn:ngsi-ld:A:woken"


def test_a_chain_of_causes_stops_at_eight(tmp_path: Path) -> None:
    with bare_hub(tmp_path) as hub:
        cause = None
        for depth in range(9):
            command = Command("entity.create", f"urn:ngsi-ld:A:{depth}", {"type": "A"}, "derived", cause)
            cause = hub.commit_blocking([command], "engine:x").seq
        with pytest.raises(Invalid) as refused:
            hub.commit_blocking(
                [Command("entity.create", "urn:ngsi-ld:A:z", {"type": "A"}, "derived", cause)], "engine:x"
            )
        assert refused.value.code == "cause.loop"
