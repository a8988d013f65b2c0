"""A home of an earlier layout of cases: its rows are folded again from the journal, and its checkpoints still count."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from quanyu.adapters.sqlite import cases as sqlite_cases
from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.assembly import refold as refolding
from quanyu.assembly.checkpoint import RebuiltState, dump, load
from quanyu.assembly.core import CURSOR, FOLDED
from quanyu.assembly.hub import Hub
from quanyu.assembly.keeping import check_home, checkpoint, prune
from quanyu.assembly.refold import refold
from quanyu.engines.cases.engine import CasesEngine
from quanyu.engines.cases.tables import TABLES
from quanyu.kernel.entity import Observation, body_of, observations
from quanyu.kernel.journal import Command, Table
from tests.engines.casework import PHOTOS, make_engine
from tests.hubs import MORNING, bare_hub

OPEN = Command("case.open", "", {"flow": "inspect_source", "text": "工地扬尘"})


class CaseStore(SqliteStore):
    """A store with the indexes of cases."""

    def __init__(self, path: Path, tables: list[Table], schemas: list[str]) -> None:
        super().__init__(path, tables, [*schemas, sqlite_cases.SCHEMA])


@contextmanager
def case_home(home: Path) -> Iterator[tuple[Hub, CaseStore, CasesEngine]]:
    engine = make_engine()
    with bare_hub(home, extra=[engine], kind=CaseStore) as hub:
        assert isinstance(hub.store, CaseStore)
        yield hub, hub.store, engine


def fill(hub: Hub) -> None:
    for _ in range(4):
        id = hub.commit_blocking([OPEN], "person:duty").outcomes[0].subject
        for who, action, body in (
            ("duty", "accept", {}),
            ("dispatcher", "dispatch", {}),
            ("handler", "inspect", {"files": PHOTOS, "fields": {"pm25": 20}}),
        ):
            hub.commit_blocking([Command("case.act", id, {"action": action, **body})], f"person:{who}")


def without_rows(home: Path) -> None:
    with case_home(home) as (_, store, _engine):
        for table in (*TABLES, FOLDED):
            store.clear(table)


def test_rows_that_are_missing_are_folded_again_once(tmp_path: Path) -> None:
    with case_home(tmp_path) as (hub, store, engine):
        fill(hub)
        assert not refold(hub, store, engine), "they stand already"
    without_rows(tmp_path)
    with case_home(tmp_path) as (hub, store, engine):
        assert refold(hub, store, engine)
        assert not refold(hub, store, engine)
        assert check_home(tmp_path, hub.engines, hub.upcast).faults == []
        assert sum(row[0] for row in store.connection().execute("SELECT total(n) FROM case_tally")) == 4


def test_a_cut_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with case_home(tmp_path) as (hub, _store, _engine):
        fill(hub)
    without_rows(tmp_path)
    monkeypatch.setattr(refolding, "STEP", 3)
    with case_home(tmp_path) as (hub, store, engine):
        write, left = store.write, [2]

        def cut(group: object) -> None:
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            write(group)  # type: ignore[arg-type]

        monkeypatch.setattr(store, "write", cut)
        with pytest.raises(KeyboardInterrupt):
            refold(hub, store, engine)
    with case_home(tmp_path) as (hub, store, engine):
        assert refold(hub, store, engine)
        assert check_home(tmp_path, hub.engines, hub.upcast).faults == []
        assert store.fetch(CURSOR, refolding.MARK) is None


def test_a_home_without_cases_needs_nothing(tmp_path: Path) -> None:
    with case_home(tmp_path) as (hub, store, engine):
        assert not refold(hub, store, engine)


def test_a_checkpoint_of_an_earlier_layout_still_stands_for_what_was_pruned(tmp_path: Path) -> None:
    with case_home(tmp_path) as (hub, _, engine):
        hub.commit_blocking([Command("entity.create", "urn:ngsi-ld:A:1", {"type": "A"})], "system:test")
        batch = observations([Observation("urn:ngsi-ld:A:1", "x", MORNING, 1.0)])
        fill(hub)
        hub.commit_blocking([Command("observe", "test", body_of(batch), "measured")], "system:test")
        seq = checkpoint(hub, [each for each in hub.engines if each is not engine])
        assert prune(hub, seq) == 1
        fill(hub)
        hub.settle()
        report = check_home(tmp_path, hub.engines, hub.upcast)
        assert (report.faults, report.rebuilt_from, report.tables["case_row"]) == ([], seq, 8)


def test_rows_of_a_table_that_is_no_more_count_for_the_digest_alone(tmp_path: Path) -> None:
    gone, stays = Table("gone", ("id TEXT", "value INTEGER")), Table("stays", ("id TEXT", "value INTEGER"))
    state = RebuiltState()
    state.put(gone, ("a", 1))
    state.put(stays, ("a", 2))
    digest, counts = dump(state, [gone, stays], tmp_path / "checkpoints" / "1.gz")
    assert counts == {"gone": 1, "stays": 1}
    loaded = load(tmp_path / "checkpoints" / "1.gz", [stays], digest)
    assert list(loaded.rows(stays)) == [("a", 2)]
    assert list(loaded.rows(gone)) == []
