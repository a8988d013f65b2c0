"""The Store port: what every state store must do. A second adapter joins by one more entry in STORES."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from quanyu.adapters.sqlite.store import MIGRATIONS, SCHEMA_VERSION, SqliteStore
from quanyu.assembly.chain import Chain, linked
from quanyu.kernel.errors import Conflict, Unavailable
from quanyu.kernel.journal import Group, Head, Record, Store, Stored, Table

PAIR = Table("pair", ("a TEXT", "b INTEGER", "value"), keys=2)
NUMBERED = Table("numbered", ("id TEXT", "n INTEGER PRIMARY KEY", "value TEXT"))
STORES: dict[str, Callable[[Path], Store]] = {
    "sqlite": lambda home: SqliteStore(home / "quanyu.db", [PAIR, NUMBERED]),
}


@pytest.fixture(params=sorted(STORES))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made = STORES[request.param](tmp_path)
    yield made
    made.close()  # type: ignore[attr-defined]


def made(seq: int, kind: str = "observed") -> tuple[Record, bytes]:
    return Record(seq, seq, "person:a", kind, 1, "s", {}, None, "measured"), b"\x80"


def grown(head: Head, count: int) -> tuple[list[Stored], Head]:
    """Return a commit of so many records."""
    records = linked([made(head.seq + 1 + n) for n in range(count)], head.chain)
    return records, Head(records[-1].seq, records[-1].at, records[-1].chain or b"")


def test_written_group_is_there(store: Store) -> None:
    assert store.head() == Head()
    records, head = grown(Head(), 3)
    store.write(Group(records, {"pair": {("x", 1): ("x", 1, 2.5)}, "numbered": {"i": ("i", 7, "t")}}, head))
    assert store.head() == head
    assert store.read(0, 10) == records
    assert store.read(1, 1) == records[1:2]
    assert store.read(0, 10, {"other"}) == []
    assert store.fetch(PAIR, ("x", 1)) == ("x", 1, 2.5)
    assert store.fetch(NUMBERED, "i") == ("i", 7, "t")
    chain = Chain(Head())
    assert [chain.fault(each) for each in store.read(0, 10)] == [None] * 3
    assert chain.whole


@pytest.mark.parametrize("count", [1, 63, 64, 65, 300])
def test_groups_of_any_size_are_written_fetched_and_removed(store: Store, count: int) -> None:
    records, head = grown(Head(), count)
    pairs = {(f"p{n}", n): (f"p{n}", n, n / 2) for n in range(count)}
    numbered = {f"i{n}": (f"i{n}", n, None) for n in range(count)}
    store.write(Group(records, {"pair": pairs, "numbered": numbered}, head))
    assert store.read(0, 1_000) == records
    assert sorted(store.rows(PAIR)) == sorted(pairs.values())
    assert store.fetch_some(NUMBERED, ["none", *numbered]) == numbered
    store.write(Group([], {"pair": dict.fromkeys([*pairs][1:]), "numbered": dict.fromkeys([*numbered][1:])}, head))
    assert list(store.rows(PAIR)) == [("p0", 0, 0.0)]
    assert store.fetch_some(NUMBERED, [*numbered]) == {"i0": ("i0", 0, None)}
    assert store.fetch_some(NUMBERED, []) == {}


def test_rows_are_replaced_removed_and_yielded_in_order(store: Store) -> None:
    store.write(Group([], {"pair": {("b", 1): ("b", 1, "x"), ("a", 2): ("a", 2, None)}}, Head()))
    store.write(Group([], {"pair": {("b", 1): ("b", 1, b"\x00"), ("a", 1): ("a", 1, 1)}}, Head()))
    assert list(store.rows(PAIR)) == [("a", 1, 1), ("a", 2, None), ("b", 1, b"\x00")]
    store.write(Group([], {"pair": {("a", 1): None, ("z", 9): None}}, Head()))
    assert store.fetch(PAIR, ("a", 1)) is None
    assert len(list(store.rows(PAIR))) == 2


def test_a_row_put_in_place_of_one_that_went_is_another_row(store: Store) -> None:
    store.write(Group([], {"numbered": {"i": ("i", 7, "t")}}, Head()))
    store.write(Group([], {"numbered": {"i": ("i", 8, "u")}}, Head(), again={"numbered": ["i"]}))
    assert list(store.rows(NUMBERED)) == [("i", 8, "u")]


def test_a_group_that_cannot_be_written_leaves_nothing(store: Store) -> None:
    records, head = grown(Head(), 2)
    store.write(Group(records, {}, head))
    with pytest.raises(apsw.ConstraintError):
        store.write(Group(records, {"pair": {("x", 1): ("x", 1, 1)}}, head))
    assert store.fetch(PAIR, ("x", 1)) is None
    assert store.head() == head


def test_full_disk_is_unavailable_and_changes_nothing(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "quanyu.db", [PAIR])
    records, head = grown(Head(), 1)
    store.write(Group(records, {}, head))
    store._writer.execute("PRAGMA max_page_count = 20")
    big = {("x", n): ("x", n, "v" * 4000) for n in range(100)}
    with pytest.raises(Unavailable) as refused:
        store.write(Group([], {"pair": big}, head))
    assert refused.value.code == "store.full"
    assert list(store.rows(PAIR)) == []
    store.write(Group([], {"pair": {("x", 1): ("x", 1, 1)}}, head))
    store.close()


def test_older_home_is_copied_then_migrated(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path / "quanyu.db", [PAIR])
    first.write(Group([], {"pair": {("x", 1): ("x", 1, 1)}}, Head()))
    first.close()
    wider = Table("pair", ("a TEXT", "b INTEGER", "value", "note TEXT"), keys=2)
    migrations = {**MIGRATIONS, SCHEMA_VERSION: "ALTER TABLE pair ADD note TEXT"}
    store = SqliteStore(tmp_path / "quanyu.db", [wider], migrations=migrations)
    assert list(store.rows(wider)) == [("x", 1, 1, None)]
    store.close()
    copy = apsw.Connection(str(tmp_path / f"quanyu.db.schema-{SCHEMA_VERSION}"))
    assert list(copy.execute("SELECT * FROM pair")) == [("x", 1, 1)]
    copy.close()


def test_newer_home_is_refused(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "quanyu.db", []).close()
    db = apsw.Connection(str(tmp_path / "quanyu.db"))
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    db.close()
    with pytest.raises(Conflict, match="newer"):
        SqliteStore(tmp_path / "quanyu.db", [])


def test_folder_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="does not open"):
        SqliteStore(tmp_path / "none" / "quanyu.db", [])
