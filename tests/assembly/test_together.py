"""What is decided together is what would be decided one by one, and anything out of the ordinary is decided alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quanyu.assembly import together
from quanyu.assembly.hub import Hub
from quanyu.assembly.together import TOGETHER_MIN
from quanyu.assembly.writer import BODY_BYTES_MAX, Call
from quanyu.engines.context.engine import ContextEngine
from quanyu.kernel.entity import Checked
from quanyu.kernel.errors import Denied, Invalid, Unavailable
from quanyu.kernel.journal import Command, Receipt
from tests.engines.desk import Desk, sitting
from tests.engines.test_context_index import check_indexes, documents
from tests.hubs import bare_hub

NEVER = 10**9


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with bare_hub(tmp_path) as hub:
        yield hub


def new(number: int, **members: Any) -> Checked:
    return Checked({"id": f"urn:e:{number}", "type": "A", "x": {"type": "Property", "value": number}, **members})


def upsert(document: Any, **more: Any) -> Command:
    return Command("entity.upsert", document["id"], {"document": document}, **more)


batch = [upsert(new(number)) for number in range(TOGETHER_MIN)]
commands = st.one_of(
    st.tuples(st.integers(0, 8), documents, st.sampled_from(["entity.create", "entity.upsert"]), st.booleans()),
    st.tuples(st.integers(0, 8), documents, st.just("entity.delete"), st.booleans()),
)


def command_of(given: Any) -> Command:
    number, document, kind, checked = given
    id = f"urn:e:{number}"
    found: Any = Checked({"id": id, **document}) if checked else document
    body = {} if kind == "entity.delete" else {"document": found} if kind == "entity.upsert" else found
    return Command(kind, id, body)


def told(desk: Desk, call: Call) -> tuple[Any, list[bytes]]:
    """What a call comes to, for its sender and for the journal."""
    (result,), made = desk.writer.process([call])
    written = [msgspec.msgpack.encode(msgspec.structs.astuple(record)) for record in made]
    if isinstance(result, Exception):
        return str(result), written
    return [(each.subject, each.seqs, str(each.error)) for each in result.outcomes], written


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.lists(commands, min_size=1, max_size=12), st.booleans()), max_size=3))
def test_together_comes_to_what_one_by_one_comes_to(history: list[Any]) -> None:
    with sitting() as many, sitting() as alone, pytest.MonkeyPatch.context() as patch:
        for given_, atomic in history:
            call = Call([command_of(each) for each in given_], "person:a", None, atomic)
            patch.setattr(together, "TOGETHER_MIN", 1)
            found = told(many, call)
            patch.setattr(together, "TOGETHER_MIN", NEVER)
            assert found == told(alone, call)
        check_indexes(many)
        alone.settle()
        for table in ContextEngine.tables:
            assert list(many.store.rows(table)) == list(alone.store.rows(table))


def heard(desk: Desk, calls: list[Call]) -> list[Any]:
    """What each call of a group comes to, and what the journal says of who sent it."""
    results, made = desk.writer.process(calls)
    told = [str(each) if isinstance(each, Exception) else (each.seq, each.outcomes[0].subject) for each in results]
    return [told, [msgspec.structs.astuple(record)[:6] for record in made]]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.tuples(commands, st.sampled_from("abc"), st.booleans()), min_size=1, max_size=9), max_size=3)
)
def test_calls_of_one_command_are_decided_together_as_they_are_alone(groups: list[Any]) -> None:
    with sitting() as many, sitting() as alone, pytest.MonkeyPatch.context() as patch:
        for group in groups:
            calls = [Call([command_of(given_)], f"person:{who}", None, atomic) for given_, who, atomic in group]
            patch.setattr(together, "TOGETHER_MIN", 1)
            found = heard(many, calls)
            patch.setattr(together, "TOGETHER_MIN", NEVER)
            assert found == heard(alone, calls)
        check_indexes(many)
        alone.settle()
        for table in ContextEngine.tables:
            assert list(many.store.rows(table)) == list(alone.store.rows(table))


def test_of_a_crowd_each_is_asked_for_itself_whether_it_may() -> None:
    def gate(command: Command, desk: Any) -> None:
        if desk.actor == "person:3":
            raise Denied("Not this one.", code="access.denied")

    with sitting() as desk:
        desk.writer._gate = desk.writer._together._gate = gate
        calls = [Call([each], f"person:{number}") for number, each in enumerate(batch)]
        results, made = desk.writer.process(calls)
        assert [isinstance(each, Receipt) for each in results] == [number != 3 for number in range(TOGETHER_MIN)]
        assert [record.actor for record in made] == [f"person:{n}" for n in range(TOGETHER_MIN) if n != 3]
        again = [Call([upsert(new(100 + n))], f"person:{n}") for n in range(4, 4 + TOGETHER_MIN)]
        results, made = desk.writer.process(again)
        assert [record.actor for record in made] == [call.actor for call in again]
        assert [each.seq for each in results if isinstance(each, Receipt)] == [record.seq for record in made]


def test_a_crowd_in_which_the_engine_fails_is_decided_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*given: Any) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(ContextEngine, "evolve_all", fails)
    with sitting() as desk:
        results, made = desk.writer.process([Call([each], "person:a") for each in batch])
        assert all(isinstance(each, Receipt) for each in results)
        assert len(made) == TOGETHER_MIN


def test_a_batch_of_new_entities_is_decided_together(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(ContextEngine, "decide", lambda *given: asked.append(given))
    receipt = hub.commit_blocking(batch, "person:a", atomic=False)
    assert [outcome.seqs for outcome in receipt.outcomes] == [(seq,) for seq in range(1, TOGETHER_MIN + 1)]
    assert [outcome.made[0].body for outcome in receipt.outcomes] == [
        {"n": number + 1, "document": new(number)} for number in range(TOGETHER_MIN)
    ]
    assert not asked


@pytest.mark.parametrize(
    ("odd", "code"),
    [
        (upsert(new(99, x={"type": "Property", "value": 2**70})), "record.value"),
        (upsert(new(99, x={"type": "Property", "value": "\ud800"})), "record.value"),
        (upsert(new(99), provenance="rumour"), "provenance.unknown"),
        (upsert(new(99), cause=10**6), None),
        (Command("entity.vanish", "urn:e:99", {}), "command.unknown"),
        (Command("entity.upsert", "urn:e:99", {}), "entity.shape"),
        (Command("entity.create", "urn:e:0", new(0)), "entity.exists"),
    ],
)
def test_one_that_is_out_of_the_ordinary_has_its_own_fate(hub: Hub, odd: Command, code: str | None) -> None:
    receipt = hub.commit_blocking([*batch, odd], "person:a", atomic=False)
    *others, last = receipt.outcomes
    assert [outcome.error for outcome in others] == [None] * TOGETHER_MIN
    assert getattr(last.error, "code", None) == code
    assert hub.last_seq == TOGETHER_MIN + (code is None)


def test_a_body_too_large_is_refused_alone(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub.writer._together, "_body_bytes_max", 10)
    assert hub.commit_blocking(batch, "person:a").seq == TOGETHER_MIN
    assert BODY_BYTES_MAX > 10


def test_who_may_not_send_one_of_them_may_send_the_others(tmp_path: Path) -> None:
    def gate(command: Command, desk: Any) -> None:
        if command.subject == "urn:e:3":
            raise Denied("Not this one.", code="access.denied")

    with sitting() as desk:
        desk.writer._gate = desk.writer._together._gate = gate
        (result,), made = desk.writer.process([Call(batch, "person:a", None, False)])
        assert isinstance(result, Receipt)
        assert [each.error is None for each in result.outcomes] == [number != 3 for number in range(TOGETHER_MIN)]
        assert len(made) == TOGETHER_MIN - 1


def test_kept_records_are_taken_when_the_disk_runs_low(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.disk_free = lambda home: 0.0
    assert hub.commit_blocking(batch, "person:a").seq == TOGETHER_MIN
    kinds = hub.writer._owners
    engine, kind = kinds["entity.created"]
    monkeypatch.setitem(kinds, "entity.created", (engine, msgspec.structs.replace(kind, life="telemetry")))
    with pytest.raises(Unavailable, match="nearly full"):
        hub.commit_blocking([upsert(new(100 + number)) for number in range(TOGETHER_MIN)], "person:a")
    assert hub.last_seq == TOGETHER_MIN


def test_a_call_refused_after_all_leaves_nothing(hub: Hub) -> None:
    with pytest.raises(Invalid):
        hub.commit_blocking([*batch, upsert(new(99, x={"type": "Property", "value": 2**70}))], "person:a")
    assert hub.last_seq == 0
    assert hub.commit_blocking(batch, "person:a").seq == TOGETHER_MIN
