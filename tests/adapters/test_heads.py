"""Heads of records in short: what goes in comes out, whatever it is, in this process and in the next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.adapters.sqlite import heads
from quanyu.adapters.sqlite.heads import Heads
from quanyu.adapters.sqlite.press import Press
from quanyu.adapters.sqlite.snapshot import SqliteSnapshot
from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.kernel.journal import BASE_BYTES, Group, Head, Stored, Table, salt_of

BASE = bytes(range(BASE_BYTES))
ACTORS = st.one_of(
    st.text(), st.sampled_from(["person:a", "engine:b", "system:c", "citizen:20260302-1", "person:", ""])
)
SUBJECTS = st.one_of(
    st.text(),
    st.text(max_size=12).map(lambda rest: f"urn:ngsi-ld:Case:{rest}"),
    st.from_regex(r"urn:ngsi-ld:Case:[0-9]{7,9}-[0-9]{1,8}", fullmatch=True),
    st.sampled_from(["urn:", "urn::", "urn:x", "urn:ngsi-ld:Case:20260302-1", "urn:ngsi-ld:Case:00000000-0", "x" * 300,
                     "urn:ngsi-ld:Case:20260302-01", "urn:ngsi-ld:Case:２０２６０３０２-1", "urn:" + "y" * 300 + ":z"]),
)  # fmt: skip


def stored(seq: int, *, subject: str = "urn:ngsi-ld:Case:20260302-1", actor: str = "person:a", kind: str = "case.acted",
           provenance: str = "reported", salt: bytes | None = None, link: bool = False) -> Stored:  # fmt: skip
    own = salt_of(BASE, seq) if salt is None else salt
    return Stored(seq, 7, actor, kind, 1, subject, b"body", None, provenance, own, None, bytes(32) if link else None)


@given(st.lists(st.tuples(SUBJECTS, ACTORS, st.text(max_size=9), st.text(max_size=9)), min_size=1, max_size=8))
def test_what_is_written_in_short_reads_as_it_was(given: Sequence[tuple[str, str, str, str]]) -> None:
    known, last = Heads(Press()), len(given)
    records = [
        stored(seq, subject=subject, actor=actor, kind=kind, provenance=provenance, link=seq == last)
        for seq, (subject, actor, kind, provenance) in enumerate(given, 1)
    ]
    rows = known.rows(records, BASE)
    assert known.salted(rows, lambda seq: None) == records
    assert known.salted(known.rows(records, None), lambda seq: None) == records


def test_a_head_takes_a_few_bytes() -> None:
    known = Heads(Press())
    for _ in range(2):
        (row,) = known.rows([stored(1)], None)
    assert [len(row[place]) for place in (2, 3, 5, 8)] == [1, 1, 8, 1]


def test_words_beyond_the_most_are_spelled_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "WORDS_MAX", 3)
    known = Heads(Press())
    records = [stored(seq, actor=f"person:{seq}", link=True) for seq in range(1, 6)]
    rows = known.rows(records, None)
    assert [row[2].__class__ for row in rows] == [bytes, str, str, str, str]
    assert [known.stored(row) for row in rows] == records


def test_many_words_have_codes_of_two_bytes(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "quanyu.db", [])
    records = [stored(seq, actor=f"person:{seq}") for seq in range(1, 301)]
    records[-1] = stored(300, actor="person:300", link=True)
    store.write(Group(records, {}, Head(), salt=BASE))
    lengths = {length for (length,) in store.connection().execute("SELECT length(actor) FROM journal")}
    assert lengths == {1, 2}
    assert store.read(0, 400) == records
    assert [each.salt for each in store.read(0, 400, ["case.acted"])] == [None] * 300, "nobody who asks so needs salts"
    assert store.read(41, 1) == [records[41]], "the salt comes from the end of the commit"
    with SqliteSnapshot(tmp_path / "quanyu.db") as snapshot:
        assert snapshot.read(0, 400) == records
        assert snapshot.read(7, 2) == records[7:9]
    store.close()
    again = SqliteStore(tmp_path / "quanyu.db", [])
    assert again.read(0, 400) == records
    again.close()


def test_words_of_a_lost_group_are_forgotten(tmp_path: Path) -> None:
    pair = Table("pair", ("a TEXT", "b TEXT NOT NULL"))
    store = SqliteStore(tmp_path / "quanyu.db", [pair])
    store.write(Group([stored(1, link=True)], {}, Head()))
    with pytest.raises(Exception, match=r"UNIQUE|constraint"):
        store.write(Group([stored(2, actor="person:lost"), stored(1, link=True)], {}, Head()))
    kept = stored(2, actor="person:next", link=True)
    store.write(Group([kept], {}, Head()))
    assert store.read(1, 1) == [kept]
    store.close()
    store = SqliteStore(tmp_path / "quanyu.db", [pair])
    assert store.read(1, 1) == [kept]
    words = [word for (word,) in store.connection().execute("SELECT text FROM journal_word")]
    assert "person:lost" not in words
    store.close()


def test_pruning_forgets_bodies_that_have_salts_of_their_own_and_no_others(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "quanyu.db", [])
    store.write(Group([stored(1, kind="observed", salt=b"own", link=True)], {}, Head()))
    store.write(Group([stored(2, kind="observed"), stored(3, link=True)], {}, Head(), salt=BASE))
    assert store.prune(9, ["observed"]) == 1
    assert [each.body for each in store.read(0, 9)] == [None, b"body", b"body"]
    assert store.read(1, 9) == [stored(2, kind="observed"), stored(3, link=True)]
    store.close()
