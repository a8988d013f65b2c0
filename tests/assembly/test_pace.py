"""Readers that are kept busy gather what comes, and pass over what means nothing to them at present."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import pytest

from quanyu.assembly import readers as readers_module
from quanyu.kernel.journal import Command, Effects, Instant, Record, Table
from tests.hubs import bare_hub


class Listener:
    """Remembers what each of its steps read; until a pump is made it minds nothing else."""

    name = "listener"
    tables: tuple[Table, ...] = ()
    wants: Collection[str] | None = ("entity.created", "entity.merged")

    def __init__(self, minds: Collection[str]) -> None:
        self.minds: Collection[str] | None = minds
        self.steps: list[list[int]] = []

    def read(self, records: Sequence[Record], now: Instant) -> Effects:
        self.steps.append([record.seq for record in records])
        if any(record.kind == "entity.created" for record in records):
            self.minds = self.wants
        return Effects()


def make(number: int) -> Command:
    return Command("entity.create", f"urn:ngsi-ld:Pump:{number}", {"type": "Pump", "note": "new"})


def merge(number: int) -> Command:
    return Command("entity.merge", f"urn:ngsi-ld:Pump:{number}", {"note": "old"})


def test_a_busy_reader_gathers_until_somebody_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers_module, "PACE_S", 3_600.0)
    listener = Listener(("entity.created", "entity.merged"))
    with bare_hub(tmp_path, readers=[listener]) as hub:
        hub.commit_blocking([make(1)], "person:a")
        hub.settled_blocking()
        for number in range(2, 7):
            hub.commit_blocking([make(number)], "person:a")
        assert listener.steps == [[1]], "an hour has not passed, and nobody waits"
        hub.settled_blocking()
        assert listener.steps == [[1], [2, 3, 4, 5, 6]]
        hub.settled_blocking()
        assert len(listener.steps) == 2


def test_what_a_reader_does_not_mind_comes_along_with_what_it_does(tmp_path: Path) -> None:
    listener = Listener(("entity.created",))
    with bare_hub(tmp_path) as hub:
        hub.commit_blocking([make(1)], "person:a")
    with bare_hub(tmp_path, readers=[listener]) as hub:
        runner = hub.runners["listener"]
        hub.settled_blocking()
        listener.minds = ("entity.created",)
        hub.commit_blocking([merge(1)], "person:a")
        hub.settled_blocking()
        assert listener.steps == [[1]]
        assert runner.seen == 2, "it was passed over"
        with hub.in_turn():
            hub.commit_blocking([merge(1), make(2), merge(2)], "person:a")
            hub.settled_blocking()
        assert listener.steps == [[1], [3, 4, 5]]
