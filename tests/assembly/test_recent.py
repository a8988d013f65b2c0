"""The end of the journal in memory says what the journal says, and idle readers pass what they do not want."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from quanyu.assembly import recent as recent_module
from quanyu.kernel.entity import Observation, body_of, observations
from quanyu.kernel.journal import Command, Effects, Instant, Record, Table
from tests.hubs import MORNING, bare_hub

STATION = "urn:ngsi-ld:Station:1"


def observed(value: float) -> Command:
    return Command(
        "observe", "test", {**body_of(observations([Observation(STATION, "pm25", MORNING, value)])), "as": "live"}
    )


class Listener:
    """Remembers what it read; wants structure alone."""

    name = "listener"
    wants = ("entity.created", "entity.merged")
    tables: tuple[Table, ...] = ()

    def __init__(self) -> None:
        self.steps = 0
        self.seqs: list[int] = []

    def read(self, records: Sequence[Record], now: Instant) -> Effects:
        self.steps += 1
        self.seqs += [record.seq for record in records]
        return Effects()


def test_memory_and_journal_give_the_same_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_module, "RECORDS_MAX", 40)
    chance = random.Random(4)
    with bare_hub(tmp_path) as hub:
        hub.commit_blocking([Command("entity.create", STATION, {"type": "Station"})], "person:a")
        for number in range(150):
            if chance.random() < 0.3:
                hub.commit_blocking([Command("entity.merge", STATION, {"note": f"n{number}"})], "person:a")
            else:
                hub.commit_blocking([observed(float(number))] * chance.randrange(1, 4), "person:a")
            hub.errand(lambda: None)  # the group is remembered a moment after its callers are told
            after, limit = chance.randrange(hub.last_seq + 1), chance.choice([1, 3, 500])
            kinds = chance.choice([None, ["observed"], ["entity.merged", "entity.created"]])
            found = hub._recent.read(after, limit, kinds)
            if found is not None:
                assert found == hub.journal_read(after, limit, kinds)
        assert hub._recent.read(0, 10, None) is None, "what was forgotten must be asked of the journal"
        assert hub._recent.read(hub.last_seq - 2, 10, None) == hub.journal_read(hub.last_seq - 2, 10)


def test_an_idle_reader_is_not_woken_for_what_it_does_not_want(tmp_path: Path) -> None:
    listener = Listener()
    with bare_hub(tmp_path, readers=[listener]) as hub:
        hub.commit_blocking([Command("entity.create", STATION, {"type": "Station"})], "person:a")
        hub.settled_blocking()
        steps, runner = listener.steps, hub.runners["listener"]
        for number in range(50):
            hub.commit_blocking([observed(float(number))], "person:a")
        hub.settled_blocking()
        assert runner.seen == hub.last_seq
        assert listener.steps == steps
        seq = hub.commit_blocking([Command("entity.merge", STATION, {"note": "x"})], "person:a").seq
        hub.settled_blocking()
        assert listener.seqs == [1, seq]


def test_a_reader_that_starts_late_reads_all_of_the_journal(tmp_path: Path) -> None:
    with bare_hub(tmp_path) as hub:
        hub.commit_blocking([Command("entity.create", STATION, {"type": "Station"})], "person:a")
        for number in range(10):
            hub.commit_blocking([Command("entity.merge", STATION, {"note": f"{number}"})], "person:a")
    listener = Listener()
    with bare_hub(tmp_path, readers=[listener]) as hub:
        hub.settled_blocking()
        assert listener.seqs == list(range(1, 12))


def test_nobody_learns_of_a_record_that_cannot_be_read_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known: list[tuple[int, int]] = []
    with bare_hub(tmp_path) as hub:
        add = hub._recent.add

        def watched(stored: Sequence[Any], made: Sequence[Record]) -> None:
            known.append((hub.last_seq, stored[0].seq))
            add(stored, made)

        monkeypatch.setattr(hub._recent, "add", watched)
        hub.commit_blocking([Command("entity.create", STATION, {"type": "Station"})], "person:a")
        assert known == [(0, 1)], "a reader that was sent for it would find nothing and pass it for ever"
