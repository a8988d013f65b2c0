"""Numbers of entities in memory: hints that are followed by nobody who would believe them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.adapters.sqlite.context import numbers
from quanyu.adapters.sqlite.context.entry import BY_ID, BY_NUMBER, JSON_BY_NUMBER
from quanyu.adapters.sqlite.context.numbers import Numbers, Slots
from quanyu.kernel.entity import Document
from quanyu.kernel.view import EVERYTHING
from tests.engines.desk import Desk, sitting

LAMPS = 1_300
"""More than fit into the slots that one begins with, and more than are read at once."""


class Named(str):
    """An id whose hash is told."""

    __slots__ = ("told",)
    told: int

    def __hash__(self) -> int:
        return self.told


def named(name: str, told: int) -> Named:
    id = Named(name)
    id.told = told
    return id


def lamp(number: int) -> str:
    return f"urn:ngsi-ld:Lamp:{number:05d}"


def document(height: int) -> Document:
    return {"type": "Lamp", "height": {"type": "Property", "value": height}}


@contextmanager
def lamps(count: int = LAMPS) -> Iterator[Desk]:
    with sitting() as desk:
        for number in range(count):
            desk.send("entity.create", lamp(number), document(number))
        yield desk
        desk.context.numbers.close()


@given(st.dictionaries(st.integers(-(2**63), 2**63 - 1), st.integers(1, 2**40 - 1), max_size=12))
def test_what_was_put_is_found(told: dict[int, int]) -> None:
    slots = Slots(16)
    for hashed, n in told.items():
        slots.put(named("a", hashed), n)
    assert slots.held <= len(told)
    if len({hashed & numbers.MARKS for hashed in told}) == len(told):
        assert {hashed: slots.find(named("a", hashed)) for hashed in told} == told


def test_the_same_mark_has_one_slot_and_the_last_number() -> None:
    slots = Slots(16)
    slots.put(named("a", 5), 1)
    slots.put(named("b", 5 + 16), 2)
    assert (slots.find(named("a", 5)), slots.held) == (2, 1)


def test_slots_that_are_full_take_nobody_and_lose_nobody() -> None:
    slots = Slots(16)
    for number in range(1, 17):
        slots.put(named("a", (number << 40) + 3), number)
    assert slots.held == slots.room == 12
    assert [slots.find(named("a", (number << 40) + 3)) for number in range(1, 17)] == [*range(1, 13), 0, 0, 0, 0]


def test_all_numbers_are_read_after_many_look_ups() -> None:
    with lamps() as desk:
        held = desk.context.numbers
        for number in range(numbers.MISSED_MAX - 1):
            assert desk.context.json(lamp(number), EVERYTHING)
        held.settle()
        assert held.slots.held == held.slots.room < LAMPS
        assert desk.context.json(lamp(LAMPS - 1), EVERYTHING)
        held.settle()
        assert held.slots.held == LAMPS
        heights = [desk.find(lamp(number))["height"]["value"] for number in range(LAMPS)]
        assert heights == list(range(LAMPS))


def test_numbers_are_bounded() -> None:
    with lamps() as desk:
        held = Numbers(desk.store.connection, slots_max=numbers.SLOTS_MIN)
        for number in range(LAMPS):
            held.learn(lamp(number), number + 1)
        held.settle()
        assert held.slots.held == held.slots.room < numbers.SLOTS_MIN
        desk.context.numbers = held
        assert desk.find(lamp(LAMPS - 1))["height"]["value"] == LAMPS - 1


def test_a_hint_that_is_wrong_misleads_nobody() -> None:
    with lamps(3) as desk:
        desk.context.numbers.slots.put(lamp(0), 3)
        desk.context.numbers.slots.put(lamp(1), 99)
        desk.context.numbers.slots.put("urn:ngsi-ld:Lamp:none", 1)
        assert [desk.find(lamp(number))["height"]["value"] for number in range(3)] == [0, 1, 2]
        assert desk.context.json("urn:ngsi-ld:Lamp:none", EVERYTHING) is None
        assert desk.context.json(lamp(0), EVERYTHING) == (
            b'{"id":"urn:ngsi-ld:Lamp:00000","type":"Lamp","height":{"type":"Property","value":0}}'
        )


def test_what_is_gone_is_not_found_and_what_comes_again_is() -> None:
    with lamps(40) as desk:
        chance = random.Random(7)
        heights = dict(enumerate(range(40)))
        for step in range(200):
            number = chance.randrange(40)
            if number in heights:
                desk.send("entity.delete", lamp(number))
                del heights[number]
            else:
                desk.send("entity.create", lamp(number), document(1_000 + step))
                heights[number] = 1_000 + step
            shown = {each: desk.view.find(lamp(each), EVERYTHING) for each in range(40)}
            assert {each: found["height"]["value"] for each, found in shown.items() if found} == heights


def test_a_number_leads_to_the_row_without_the_index() -> None:
    def plan(sql: str, values: tuple[object, ...]) -> str:
        rows = desk.store.connection().execute(f"EXPLAIN QUERY PLAN {sql}", values)
        return " ".join(str(row[3]) for row in rows)

    with lamps(1) as desk:
        assert "USING INTEGER PRIMARY KEY (rowid=?)" in plan(BY_NUMBER, (1, "a"))
        assert "autoindex" not in plan(JSON_BY_NUMBER, (1, "a"))
        assert "autoindex" in plan(BY_ID, ("a",))


def test_what_cannot_be_read_stays_with_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    with lamps(3) as desk:
        monkeypatch.setattr(numbers, "_STEP", "SELECT no_such_column FROM entity WHERE id > ? LIMIT ?")
        held = desk.context.numbers
        held._begin()
        held.settle()
        assert held.slots.held == 0
        assert desk.find(lamp(2))["height"]["value"] == 2


def test_a_closed_home_reads_no_numbers() -> None:
    with lamps(3) as desk:
        held = desk.context.numbers
        held.close()
        held._begin()
        assert held._thread is None


def test_a_connection_that_copies_sees_every_commit() -> None:
    with lamps(1) as desk:
        single = desk.store.copying()
        assert (single is desk.store.copying(), single is desk.store.connection()) == (True, False)
        assert single.pragma("mmap_size") == 0
        desk.send("entity.replace", lamp(0), document(8))
        assert [row[0] for row in single.execute("SELECT doc ->> '$.height.value' FROM entity")] == [8]
