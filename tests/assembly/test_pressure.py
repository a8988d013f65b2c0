"""Under pressure: full queues, slow readers, lost listeners, a store that refuses, records of older versions."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.assembly.ear import HEARD_GROUPS_MAX, Ear
from quanyu.assembly.hub import Hub
from quanyu.assembly.keeping import check_home
from quanyu.assembly.line import QUEUE_CALLS_MAX
from quanyu.assembly.readers import BATCH_RECORDS
from quanyu.kernel.errors import Conflict, QuanyuError, Unavailable
from quanyu.kernel.journal import (
    Body,
    Change,
    Command,
    Desk,
    Effects,
    Fact,
    Group,
    Instant,
    Kind,
    Receipt,
    Record,
    State,
    Table,
)
from tests.hubs import HandClock, bare_hub

WAIT_S_MAX = 30


def create(name: object) -> Command:
    return Command("entity.create", f"urn:ngsi-ld:A:{name}", {"type": "A"})


class Listener:
    """Counts what it reads; waits in `read` while its gate is shut, and fails on what it is told to."""

    tables: Collection[Table] = ()
    wants: Collection[str] | None = frozenset({"entity.created"})

    def __init__(self, name: str, fails_on: str = "") -> None:
        self.name, self.fails_on = name, fails_on
        self.batches: list[int] = []
        self.entered, self.gate = threading.Event(), threading.Event()
        self.gate.set()

    def read(self, records: Sequence[Record], now: Instant) -> Effects:
        self.entered.set()
        assert self.gate.wait(WAIT_S_MAX)
        if any(record.subject == self.fails_on for record in records):
            raise ValueError("cannot read this")
        self.batches.append(len(records))
        return Effects()


FOUND = Table("found_by_finder", ("seq INTEGER", "times INTEGER"), canonical=False)


class Finder:
    """Says once, and never again, what it has found in a record: as a rule does whose memory has moved on."""

    name = "finder"
    tables: Collection[Table] = (FOUND,)
    wants: Collection[str] | None = frozenset({"entity.created"})

    def __init__(self) -> None:
        self.known: set[int] = set()

    def read(self, records: Sequence[Record], now: Instant) -> Effects:
        fresh = [record for record in records if record.seq not in self.known]
        self.known |= {record.seq for record in fresh}
        commands = [
            Command("entity.create", f"{each.subject}.found", {"type": "B"}, "derived", each.seq) for each in fresh
        ]
        return Effects(commands, tuple(Change(FOUND.name, (each.seq,), (each.seq, 1)) for each in fresh))


class MoodyStore(SqliteStore):
    """Refuses the groups of readers for a while, as a full disk does."""

    refusals = 0

    def write(self, group: Group) -> None:
        if self.refusals and any(record.actor.startswith("engine:") for record in group.records):
            self.refusals -= 1
            raise Unavailable("The disk of the home is full.", code="store.full", retry_after_s=30)
        super().write(group)


@contextmanager
def held_writer(hub: Hub) -> Iterator[None]:
    """Keep the writer busy, as a slow disk does."""
    held, free = threading.Event(), threading.Event()

    def wait() -> None:
        held.set()
        assert free.wait(WAIT_S_MAX)

    thread = threading.Thread(target=hub.errand, args=(wait,))
    thread.start()
    assert held.wait(WAIT_S_MAX)
    try:
        yield
    finally:
        free.set()
        thread.join(WAIT_S_MAX)


def test_what_a_reader_found_is_not_lost_when_the_store_refuses_it(tmp_path: Path) -> None:
    with bare_hub(tmp_path, readers=[Finder()], kind=MoodyStore) as hub:
        hub.store.refusals = 2  # type: ignore[attr-defined]
        hub.commit_blocking([create("a")], "person:a")
        hub.settled_blocking()
        assert [record.subject for record in hub.journal_read(1, 10)] == ["urn:ngsi-ld:A:a.found"]
        assert [tuple(row) for row in hub.store.rows(FOUND)] == [(1, 1)]
        assert hub.health()["readers"]["finder"]["fault"] is None


def test_a_full_queue_refuses_at_once_and_says_when_to_come_back(tmp_path: Path) -> None:
    async def crowd(hub: Hub) -> tuple[QuanyuError, list[Receipt]]:
        with held_writer(hub):
            waiting = [asyncio.ensure_future(hub.commit([create(n)], "person:a")) for n in range(QUEUE_CALLS_MAX)]
            await asyncio.sleep(0)
            with pytest.raises(Unavailable) as refused:
                await hub.commit([create("late")], "person:a")
        return refused.value, await asyncio.gather(*waiting)

    with bare_hub(tmp_path) as hub:
        refusal, receipts = asyncio.run(crowd(hub))
        assert (refusal.code, refusal.details["retry_after_s"]) == ("commit.busy", 1)
        assert len(receipts) == hub.last_seq == QUEUE_CALLS_MAX
        assert hub.health()["queued"] == 0
        assert hub.commit_blocking([create("late")], "person:a").seq == QUEUE_CALLS_MAX + 1


def test_a_caller_whose_loop_has_ended_takes_nobody_along(tmp_path: Path) -> None:
    async def leave(hub: Hub) -> None:
        call = asyncio.ensure_future(hub.commit([create("a")], "person:a"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        call.cancel()

    with bare_hub(tmp_path) as hub:
        with held_writer(hub):
            asyncio.run(leave(hub))
        assert hub.commit_blocking([create("b")], "person:a").seq == 2


def test_a_closed_hub_refuses_and_leaves_nobody_waiting(tmp_path: Path) -> None:
    with bare_hub(tmp_path) as hub:
        hub.commit_blocking([create("a")], "person:a")
    with pytest.raises(Unavailable) as refused:
        hub.commit_blocking([create("b")], "person:a")
    assert refused.value.code == "hub.closing"
    with pytest.raises(Unavailable, match="closing"):
        hub.errand(lambda: None)


def test_a_slow_reader_delays_nobody_and_takes_bounded_batches(tmp_path: Path) -> None:
    slow, quick = Listener("slow"), Listener("quick")
    slow.gate.clear()
    with bare_hub(tmp_path, readers=[slow, quick]) as hub:
        hub.commit_blocking([create("first")], "person:a")
        assert slow.entered.wait(WAIT_S_MAX)
        hub.commit_blocking([create(n) for n in range(3 * BATCH_RECORDS)], "person:a")
        assert hub.runners["quick"].settled(hub.last_seq, WAIT_S_MAX)
        assert hub.health()["readers"]["slow"]["lag"] == hub.last_seq
        slow.gate.set()
        hub.settled_blocking()
        assert sum(slow.batches) == sum(quick.batches) == hub.last_seq
        assert max(slow.batches) <= BATCH_RECORDS


def test_a_record_that_cannot_be_read_is_set_aside_once_over_restarts(tmp_path: Path) -> None:
    bad = "urn:ngsi-ld:A:7"
    broken, sound = Listener("broken", fails_on=bad), Listener("sound")
    with bare_hub(tmp_path, readers=[broken, sound]) as hub:
        hub.commit_blocking([create(n) for n in range(20)], "person:a")
        hub.settled_blocking()
        assert (sum(broken.batches), sum(sound.batches)) == (19, 20)
    again = Listener("broken", fails_on=bad)
    with bare_hub(tmp_path, readers=[again, Listener("sound")]) as hub:
        hub.commit_blocking([create("more")], "person:a")
        hub.settled_blocking()
        reasons = [record.body for record in hub.journal_read(0, 100, {"record.quarantined"})]
        assert [(body and body["seq"], body and body["reason"]) for body in reasons] == [(8, "cannot read this")]
        assert check_home(hub.home, hub.engines, hub.upcast).quarantined == 1


def test_a_listener_that_lags_hears_no_hole_and_then_that_it_lags() -> None:
    records = [Record(n, 0, "a", "k", 1, "s", {}, None, "derived") for n in range(HEARD_GROUPS_MAX + 20)]

    async def lag() -> list[int]:
        ear = Ear(asyncio.get_running_loop())
        for record in records[: HEARD_GROUPS_MAX + 1]:
            ear.hear([record])
        heard = [(await ear.next())[0].seq for _ in range(10)]
        for record in records[HEARD_GROUPS_MAX + 1 :]:
            ear.hear([record])
        heard += [(await ear.next())[0].seq for _ in range(HEARD_GROUPS_MAX - 10)]
        with pytest.raises(Conflict) as lagging:
            await asyncio.wait_for(ear.next(), WAIT_S_MAX)
        assert lagging.value.code == "heard.lagging"
        return heard

    assert asyncio.run(lag()) == list(range(HEARD_GROUPS_MAX))


def test_a_listener_of_the_hub_hears_every_group_in_order(tmp_path: Path) -> None:
    async def listen(hub: Hub) -> list[int]:
        heard: list[int] = []
        groups = hub.heard()
        first = asyncio.ensure_future(anext(groups))
        await asyncio.sleep(0)
        for n in range(5):
            await hub.commit([create(n)], "person:a")
        heard += [record.seq for record in await first]
        while len(heard) < 5:
            heard += [record.seq for record in await anext(groups)]
        await groups.aclose()  # type: ignore[attr-defined]
        return heard

    with bare_hub(tmp_path) as hub:
        assert asyncio.run(listen(hub)) == [1, 2, 3, 4, 5]


NOTE = Table("note", ("id TEXT", "text TEXT", "words INTEGER"))


class Notes:
    """An engine whose record had another shape in its first version."""

    name = "notes"
    commands = frozenset({"note.write"})
    tables = (NOTE,)

    def __init__(self, version: int) -> None:
        upcasters = {1: lambda body: {"text": body["content"], "words": len(body["content"].split())}}
        self.kinds = (Kind("note.written", version, upcasters=upcasters if version > 1 else {}),)

    def decide(self, command: Command, desk: Desk) -> Iterable[Fact]:
        return [Fact("note.written", command.subject, command.body)]

    def evolve(self, record: Record, state: State) -> None:
        body: Body = record.body or {}
        text = body["content"] if self.kinds[0].version == 1 else body["text"]
        state.put(NOTE, (record.subject, text, body.get("words", len(text.split()))))


def test_a_record_of_an_older_version_is_read_as_the_present_one(tmp_path: Path) -> None:
    with bare_hub(tmp_path, extra=[Notes(1)]) as hub:
        hub.commit_blocking([Command("note.write", "a", {"content": "two words"})], "person:a")
    clock = HandClock()
    with bare_hub(tmp_path, clock, extra=[Notes(2)]) as hub:
        hub.commit_blocking([Command("note.write", "b", {"text": "one", "words": 1})], "person:a")
        records = hub.journal_read(0, 10)
        assert [record.body for record in records] == [{"text": "two words", "words": 2}, {"text": "one", "words": 1}]
        assert {record.version for record in records} == {2}
        report = check_home(tmp_path, hub.engines, hub.upcast)
        assert report.sound, report.faults
        assert report.tables["note"] == 2
