"""Bodies pressed in the file: what goes in comes out, and the words that they are pressed against never change."""

from __future__ import annotations

import zlib
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.adapters.sqlite.learning import SAMPLES, learned
from quanyu.adapters.sqlite.press import BODIES, BYTES_MIN, LEARNED, MARK, WORDS, Press
from quanyu.adapters.sqlite.snapshot import SqliteSnapshot
from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.kernel.journal import Group, Head, Stored, Table

ACTED = {
    "action": "accept", "person": {"id": "person:duty", "role": "duty", "unit": "city.command"}, "step": "accept",
    "left": 1, "tokens": [[2, "dispatch", 1772409600060000, "dispatcher", None, None]], "clocks": [],
}  # fmt: skip
BODY = msgspec.msgpack.encode(ACTED)
PINNED = {
    1: "1e6d8adab59bddb4f919e5cb41a1657d3ada1f4915d7f0c3a63fbbc2d66f3435",
    2: "728c6ab1f49bdda5fe16f311e697fc845cd9c663571579f974f1ef987a3e87fe",
}

values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=9), inner, max_size=6),
    max_leaves=40,
)


def stored(kind: str, body: bytes | None, seq: int = 1) -> Stored:
    head = (seq, 1772409600000000, "person:duty", kind, 1, "urn:ngsi-ld:Case:20260302-1")
    return Stored(*head, body, None, "reported", b"salt", None, bytes(32))


def test_words_that_homes_are_pressed_against_stay_as_they_are() -> None:
    assert {number: sha256(words).hexdigest() for number, words in WORDS.items()} == PINNED


@given(st.dictionaries(st.text(max_size=9), values, max_size=8))
def test_what_is_pressed_comes_out_again(body: dict[str, Any]) -> None:
    encoded = msgspec.msgpack.encode(body)
    pressed = Press().body("case.acted", encoded)
    assert pressed is not None
    assert len(pressed) <= len(encoded)
    assert Press().plain(pressed) == encoded


def test_what_is_alike_becomes_much_shorter() -> None:
    pressed = Press().body("case.acted", BODY)
    assert pressed is not None
    assert pressed[:2] == bytes((MARK, BODIES))
    assert len(pressed) < len(BODY) / 2


@pytest.mark.parametrize(
    ("kind", "body"),
    [("observed", BODY), ("case.acted", BODY[: BYTES_MIN - 1]), ("case.acted", None), ("case.acted", b"")],
)
def test_other_kinds_short_bodies_and_pruned_ones_lie_as_they_are(kind: str, body: bytes | None) -> None:
    assert Press().body(kind, body) is body
    assert body is None or Press().plain(body) is body


def test_a_store_and_its_snapshot_read_pressed_and_plain_bodies_side_by_side(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "quanyu.db", [])
    records = [stored("case.acted", BODY), stored("observed", BODY, 2), stored("case.acted", None, 3)]
    store.write(Group(records, {}, Head()))
    connection = store.connection()
    connection.execute("SELECT 1")
    lengths = [row[0] for row in connection.execute("SELECT length(body) FROM journal ORDER BY seq")]
    assert lengths[0] < lengths[1] == len(BODY)
    assert store.read(0, 9) == records
    with SqliteSnapshot(tmp_path / "quanyu.db") as snapshot:
        assert snapshot.read(0, 9) == records
    store.close()


def test_the_last_column_of_a_pressed_table_is_given_back_as_it_was(tmp_path: Path) -> None:
    table = Table("thing", ("id INTEGER", "word TEXT", "doc BLOB"), pressed=True)
    store = SqliteStore(tmp_path / "quanyu.db", [table])
    doc = BODY * 3
    rows = [(1, "a", doc), (2, "b", b"\x80"), (3, "c", None)]
    store.write(Group([], {"thing": {row[0]: row for row in rows}}, Head()))
    lengths = [row[0] for row in store.connection().execute("SELECT length(doc) FROM thing ORDER BY id")]
    assert lengths[0] < len(doc) / 2
    assert lengths[1:] == [1, None]
    assert list(store.rows(table)) == rows
    assert [store.fetch(table, row[0]) for row in rows] == rows
    assert [store.fetch_shared(table, row[0]) for row in rows] == rows
    assert store.fetch_some(table, [1, 2, 3]) == {row[0]: row for row in rows}
    with SqliteSnapshot(tmp_path / "quanyu.db") as snapshot:
        assert list(snapshot.rows(table)) == rows
    store.write(Group([], {"thing": {1: None, 2: (2, "d", doc)}}, Head()))
    assert list(store.rows(table)) == [(2, "d", doc), rows[2]]
    store.close()


def opening(number: int) -> Stored:
    """A case as many are opened here, but for what one person wrote."""
    head = {"flow": "repair_of_lamps", "text": f"路灯{number}不亮，住户{number * 7919}来电", "unit": "lamps.south"}
    at = 1772409600000000 + number
    body = {"head": head, "opened_at": at, "units": {"lead": "lamps.south", "check": "lamps.check"}}
    return Stored(
        number, at, "person:a", "case.opened", 1, f"urn:ngsi-ld:Case:20260302-{number}", msgspec.msgpack.encode(body),
        None, "reported", b"salt", None, bytes(32),
    )  # fmt: skip


def lengths(store: SqliteStore) -> list[int]:
    return [row[0] for row in store.connection().execute("SELECT length(body) FROM journal ORDER BY seq")]


def test_a_home_learns_the_words_that_many_of_its_cases_say_and_no_others(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "quanyu.db", [])
    records = [opening(number) for number in range(1, SAMPLES + 20)]
    for start in range(0, len(records), 10):
        store.write(Group(records[start : start + 10], {}, Head()))
    assert store.read(0, 1000) == records
    found = lengths(store)
    assert max(found[SAMPLES:]) < min(found[: SAMPLES - 1]) * 0.8
    ((number, words),) = store.connection().execute("SELECT number, words FROM press_words").fetchall()
    assert number == LEARNED
    assert isinstance(words, bytes)
    assert b"repair_of_lamps" in words
    assert "住户".encode() not in words, "what one person wrote is nobody's word"
    with SqliteSnapshot(tmp_path / "quanyu.db") as snapshot:
        assert snapshot.read(0, 1000) == records
    store.close()
    again = SqliteStore(tmp_path / "quanyu.db", [])
    assert again.read(0, 1000) == records
    again.write(Group([opening(900)], {}, Head()))
    assert lengths(again)[-1] < found[0] * 0.8, "what was learned is used after a start, too"
    assert again.connection().execute("SELECT count(*) FROM press_words").fetchone() == (1,)
    again.close()


def test_words_learned_in_a_group_that_was_lost_are_forgotten(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "quanyu.db", [])
    store.write(Group([opening(number) for number in range(1, SAMPLES)], {}, Head()))
    with pytest.raises(Exception, match=r"UNIQUE|constraint"):
        store.write(Group([opening(SAMPLES), opening(1)], {}, Head()))
    kept = opening(SAMPLES)
    store.write(Group([kept], {}, Head()))
    store.close()
    again = SqliteStore(tmp_path / "quanyu.db", [])
    assert again.read(SAMPLES - 1, 1) == [kept]
    again.close()


@given(st.lists(st.dictionaries(st.text(max_size=9), values, min_size=1, max_size=6), min_size=1, max_size=20))
def test_whatever_is_learned_from_everything_comes_out_again(said: list[dict[str, Any]]) -> None:
    bodies = [msgspec.msgpack.encode(each) for each in said]
    words = learned(bodies)
    presser = zlib.compressobj(1, zlib.DEFLATED, -12, 4, 0, words)
    pressed = presser.compress(bodies[0]) + presser.flush()
    assert zlib.decompressobj(-12, words).decompress(pressed) == bodies[0]
