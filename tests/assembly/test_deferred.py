"""Deferred rows: written in strides, never missing without a marker that says so, made again after a cut."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.assembly import line as line_module
from quanyu.assembly import writer as writer_module
from quanyu.assembly.core import CoreEngine
from quanyu.assembly.hub import Hub
from quanyu.kernel.errors import Unavailable
from quanyu.kernel.journal import Command, Desk, Fact, Group, Kind, Record, Row, State, Table
from tests.hubs import HandClock

NOTE = Table("note", ("id TEXT", "word TEXT"))
FRESH = Table("fresh_note", ("id TEXT",), canonical=False)
WORD = Table("word", ("word TEXT", "id TEXT"), keys=2, canonical=False, deferred=FRESH)


class Notes:
    """Keeps one word a note, and an index of words that is deferred."""

    name = "notes"
    commands = ("note.write",)
    kinds = (Kind("note.written"),)
    tables = (NOTE, FRESH, WORD)

    def decide(self, command: Command, desk: Desk) -> Iterable[Fact]:
        return [Fact("note.written", command.subject, command.body)]

    def evolve(self, record: Record, state: State) -> None:
        assert record.body is not None
        old = state.get(NOTE, record.subject)
        if old is not None:
            state.delete(WORD, old[1], record.subject)
        state.put(NOTE, (record.subject, record.body["word"]))
        state.put(WORD, (record.body["word"], record.subject))
        state.put(FRESH, (record.subject,))

    def remake(self, row: Row, state: State) -> None:
        note = state.get(NOTE, row[0])
        assert note is not None
        state.put(WORD, (note[1], row[0]))
        state.put(FRESH, row)


class Torn(SqliteStore):
    """Fails one write on request."""

    fails = False

    def write(self, group: Group) -> None:
        if self.fails:
            self.fails = False
            raise Unavailable("The disk is away.", code="store.write")
        super().write(group)


def opened(home: Path) -> Hub:
    engines: list[Any] = [CoreEngine(), Notes()]
    store = Torn(home / "quanyu.db", [table for engine in engines for table in engine.tables])
    return Hub(home, store, engines, HandClock(), chance=random.Random(1))


def write(hub: Hub, id: str, word: str) -> None:
    hub.commit_blocking([Command("note.write", id, {"word": word})], "person:a")


def rows(hub: Hub, table: Table) -> list[Row]:
    hub.errand(lambda: None)
    return list(hub.store.rows(table))


def index_of(notes: dict[str, str]) -> list[Row]:
    return sorted((word, id) for id, word in notes.items())


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause is long enough to write what is deferred."""
    monkeypatch.setattr(line_module, "STRIDE_PAUSE_S", 60)


@pytest.mark.usefixtures("patient")
def test_rows_wait_for_a_stride_and_markers_say_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "DEFERRED_ROWS_MAX", 3)
    hub = opened(tmp_path)
    write(hub, "1", "ash")
    write(hub, "2", "oak")
    assert rows(hub, WORD) == []
    assert rows(hub, FRESH) == [("1",), ("2",)]
    write(hub, "1", "elm")
    assert rows(hub, WORD) == [("elm", "1"), ("oak", "2")]
    assert rows(hub, FRESH) == []
    hub.close()


def test_a_pause_writes_what_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_module, "STRIDE_PAUSE_S", 0.01)
    hub = opened(tmp_path)
    write(hub, "1", "ash")
    for _ in range(1000):
        if not list(hub.store.rows(FRESH)):
            break
        time.sleep(0.01)
    assert rows(hub, WORD) == [("ash", "1")]
    hub.close()


@pytest.mark.usefixtures("patient")
def test_closing_writes_what_waits(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    write(hub, "1", "ash")
    hub.close()
    hub = opened(tmp_path)
    assert rows(hub, WORD) == [("ash", "1")]
    assert rows(hub, FRESH) == []
    hub.close()


@pytest.mark.usefixtures("patient")
def test_a_cut_leaves_markers_and_the_next_start_makes_the_rows_again(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    write(hub, "1", "ash")
    write(hub, "2", "oak")
    # As a power cut leaves it: the database as it stands, nothing more.
    (tmp_path / "cut").mkdir()
    hub.errand(lambda: hub.store.backup(tmp_path / "cut" / "quanyu.db"))  # type: ignore[attr-defined]
    hub.close()
    again = opened(tmp_path / "cut")
    assert rows(again, WORD) == []
    write(again, "3", "yew")
    again.close()
    again = opened(tmp_path / "cut")
    assert rows(again, WORD) == index_of({"1": "ash", "2": "oak", "3": "yew"})
    assert rows(again, FRESH) == []
    again.close()


@pytest.mark.usefixtures("patient")
def test_a_group_that_fails_takes_no_deferred_row_with_it(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    write(hub, "1", "ash")
    hub.store.fails = True  # type: ignore[attr-defined]
    with pytest.raises(Unavailable):
        write(hub, "2", "oak")
    write(hub, "3", "yew")
    hub.close()
    hub = opened(tmp_path)
    assert rows(hub, WORD) == index_of({"1": "ash", "3": "yew"})
    assert rows(hub, NOTE) == [("1", "ash"), ("3", "yew")]
    hub.close()


@pytest.mark.parametrize("seed", range(5))
def test_index_and_markers_together_know_every_note(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(writer_module, "DEFERRED_ROWS_MAX", chance.randrange(1, 9))
    monkeypatch.setattr(line_module, "STRIDE_PAUSE_S", chance.choice([0.0001, 60]))
    hub = opened(tmp_path)
    notes: dict[str, str] = {}
    for _ in range(120):
        id, word = str(chance.randrange(12)), chance.choice(["ash", "elm", "oak", "yew"])
        hub.store.fails = chance.random() < 0.1  # type: ignore[attr-defined]
        try:
            write(hub, id, word)
            notes[id] = word
        except Unavailable:
            pass
        if chance.random() < 0.1:
            hub.store.fails = False  # type: ignore[attr-defined]
            hub.close()
            hub = opened(tmp_path)
        hub.errand(lambda: None)
        fresh = {row[0] for row in hub.store.rows(FRESH)}
        indexed = {row for row in hub.store.rows(WORD) if row[1] not in fresh}
        assert {(word, id) for id, word in notes.items() if id not in fresh} <= indexed
    hub.close()
