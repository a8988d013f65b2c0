"""Rows that lag behind the journal: everybody who looks finds them, and no cut loses one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.assembly import lagging, line
from quanyu.assembly.core import FOLDED
from quanyu.assembly.hub import Hub
from quanyu.assembly.keeping import check_home
from quanyu.engines.cases.views import CasesView
from quanyu.kernel.errors import Unavailable
from quanyu.kernel.journal import Group
from quanyu.kernel.view import EVERYTHING, CaseQuery
from tests.assembly.test_cases_hub import OPEN, act, case_hub
from tests.hubs import HandClock

FIRST = "urn:ngsi-ld:Case:20260302-1"


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause is long enough to write what waits, and nobody's look keeps the rows near."""
    monkeypatch.setattr(line, "STRIDE_PAUSE_S", 3600)
    monkeypatch.setattr(lagging, "WATCHED_US", 0)


@contextmanager
def quiet_hub(home: Path) -> Iterator[tuple[Hub, CasesView]]:
    """A hub whose timers do not look."""
    home.mkdir(exist_ok=True)
    with case_hub(home, HandClock()) as (hub, view):
        hub.runners["cases"].rest(True)
        yield hub, view


def walk(hub: Hub) -> None:
    hub.commit_blocking([OPEN], "person:duty")
    act(hub, FIRST, "duty", "accept")
    act(hub, FIRST, "dispatcher", "dispatch")


def written(hub: Hub) -> list[tuple[int, int]]:
    """Return (serial, version) of the rows as they lie in the file."""
    connection = hub.store.connection()  # type: ignore[attr-defined]
    return connection.execute("SELECT serial, version FROM case_row").fetchall()  # type: ignore[no-any-return]


def copied(home: Path, target: Path) -> Path:
    """Return the home as a machine that loses its power would leave it."""
    target.mkdir()
    for part in home.iterdir():
        if part.name.startswith("quanyu.db"):
            shutil.copy(part, target / part.name)
    return target


def test_a_row_waits_until_somebody_looks_and_nobody_sees_an_old_one(tmp_path: Path) -> None:
    with quiet_hub(tmp_path / "home") as (hub, view):
        hub.settle()
        walk(hub)
        assert (written(hub), bool(hub.store.waits)) == ([], True)
        document = view.find(FIRST, EVERYTHING)
        assert document is not None
        assert (document["version"], len(document["actions"])) == (3, 3)
        assert (written(hub), bool(hub.store.waits)) == ([(202603020000001, 3)], False)
        act(hub, FIRST, "handler", "comment", note="在看")
        assert written(hub) == [(202603020000001, 3)], "it waits again"
        assert view.count(CaseQuery(list="open"), EVERYTHING) == 1
        assert written(hub) == [(202603020000001, 4)]


def test_after_a_cut_the_last_records_are_folded_again(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with quiet_hub(home) as (hub, view):
        hub.settle()
        walk(hub)
        cut = copied(home, tmp_path / "cut")
        assert check_home(cut, hub.engines, hub.upcast).faults == [], "it is sound as it lies there"
        act(hub, FIRST, "handler", "comment", note="在看")
        view.find(FIRST, EVERYTHING)
        act(hub, FIRST, "handler", "comment", note="还在看")
        half = copied(home, tmp_path / "half")
    for place, version in ((cut, 3), (half, 5)):
        with quiet_hub(place) as (hub, view):
            document = view.find(FIRST, EVERYTHING)
            assert document is not None
            assert document["version"] == version
            act(hub, FIRST, "handler", "comment", note="接着看")
        with quiet_hub(place) as (hub, _view):
            report = check_home(place, hub.engines, hub.upcast)
            assert (report.faults, report.tables["case_row"]) == ([], 1)


def test_a_changed_row_is_found_although_others_wait(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with quiet_hub(home) as (hub, view):
        walk(hub)
        view.find(FIRST, EVERYTHING)
        act(hub, FIRST, "handler", "comment", note="在看")
        store = hub.store
        assert isinstance(store, SqliteStore)
        hub.errand(lambda: store._writer.execute("UPDATE case_row SET unit = 'another'"))
        faults = check_home(home, hub.engines, hub.upcast).faults
        assert any("case_row" in fault for fault in faults)


def test_a_group_that_fails_takes_no_row_that_waits_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    with quiet_hub(home) as (hub, view):
        walk(hub)
        write = hub.store.write

        def full(group: Group) -> None:
            raise Unavailable("full", code="store.full")

        monkeypatch.setattr(hub.store, "write", full)
        with pytest.raises(Unavailable):
            act(hub, FIRST, "handler", "comment", note="在看")
        with pytest.raises(Unavailable):
            view.find(FIRST, EVERYTHING)
        monkeypatch.setattr(hub.store, "write", write)
        document = view.find(FIRST, EVERYTHING)
        assert document is not None
        assert document["version"] == 3
    with quiet_hub(home) as (hub, _view):
        assert check_home(home, hub.engines, hub.upcast).faults == []


def test_so_many_records_and_no_more_lie_behind_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lagging, "RECORDS_MAX", 10)
    with quiet_hub(tmp_path / "home") as (hub, _view):
        walk(hub)
        for number in range(30):
            act(hub, FIRST, "dispatcher", "comment", note=str(number))
            mark = hub.store.fetch(FOLDED, "cases")
            assert mark is not None
            assert hub.last_seq - mark[1] < 10
            assert [version for _, version in written(hub)] in ([], [mark[1] - 1]), "flow, opening, then actions"


def test_rows_are_written_at_the_end_and_whenever_a_hub_rests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    with quiet_hub(home) as (hub, _view):
        walk(hub)
    with quiet_hub(home) as (hub, _view):
        assert not hub.store.waits
        assert [version for _, version in written(hub)] == [3]


def test_one_look_lets_the_next_groups_write_their_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lagging, "WATCHED_US", 3_600_000_000)
    with quiet_hub(tmp_path / "home") as (hub, view):
        walk(hub)
        view.find(FIRST, EVERYTHING)
        act(hub, FIRST, "handler", "comment", note="在看")
        assert not hub.store.waits
        assert [version for _, version in written(hub)] == [4]
