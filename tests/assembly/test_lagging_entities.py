"""Rows of entities that lag behind the journal: every door shows what was acknowledged, and a cut loses nothing."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quanyu.adapters.sqlite.atlas import SqliteAtlas
from quanyu.adapters.sqlite.context import SqliteContext
from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.assembly import lagging, line
from quanyu.assembly.core import FOLDED, CoreEngine
from quanyu.assembly.hub import Hub
from quanyu.assembly.keeping import check_home, checkpoint
from quanyu.engines.context.engine import ContextEngine
from quanyu.engines.context.tables import ENTITY
from quanyu.engines.context.view import ContextView
from quanyu.kernel.entity import Observation, body_of, observations
from quanyu.kernel.errors import Unavailable
from quanyu.kernel.journal import Command, Desk, Engine, Fact, Group, Kind, Record, State, Table, Waiting
from quanyu.kernel.ngsi.choice import AnyOf
from quanyu.kernel.ngsi.geo import GeoQuery
from quanyu.kernel.ngsi.selection import Types
from quanyu.kernel.view import EVERYTHING, Query, Selection
from tests.assembly.test_lagging import copied
from tests.engines import desk as desks
from tests.engines.test_context_index import IDS, bodies, check_indexes, play
from tests.hubs import MORNING, HandClock, bare_hub

STATION = "urn:ngsi-ld:AirQualityObserved:dongsi"
OTHER = "urn:ngsi-ld:AirQualityObserved:wanliu"
KIND = "AirQualityObserved"


@pytest.fixture(autouse=True, scope="module")
def no_rest() -> Iterator[None]:
    """No pause is long enough to write what waits, nothing is too old, and nobody's look keeps the rows near."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line, "STRIDE_PAUSE_S", 3600)
        patch.setattr(lagging, "AGE_US", 3_600_000_000)
        patch.setattr(lagging, "WATCHED_US", 0)
        yield


def make(hub: Hub, id: str = STATION, **attributes: Any) -> None:
    hub.commit_blocking([Command("entity.create", id, {"type": KIND, **attributes})], "person:a")


def observe(hub: Hub, value: float, id: str = STATION, later: int = 0) -> None:
    batch = observations([Observation(id, "pm25", MORNING + later, value, "GQ")])
    hub.commit_blocking([Command("observe", "test", body_of(batch), "measured")], "system:test")


def context(hub: Hub) -> ContextView:
    return ContextView(SqliteContext(hub.store.connection))  # type: ignore[attr-defined]


def written(hub: Hub) -> list[str]:
    """Return the ids of entities as they lie in the file."""
    connection = hub.store.connection()  # type: ignore[attr-defined]
    return [id for (id,) in connection.execute("SELECT id FROM entity ORDER BY n")]


def stilled(view: ContextView) -> list[bytes | None]:
    with view.still():
        return [view.json(id, EVERYTHING) for id in IDS]


# -- every door ---------------------------------------------------------------------------------------------------------

NEAR = GeoQuery("near", {"type": "Point", "coordinates": [1.0, 40.0]}, "location", 100_000.0)
Door = Callable[[ContextView, SqliteAtlas], Any]
DOORS: tuple[Door, ...] = (
    lambda view, _: [view.find(id, EVERYTHING, sys=True) for id in IDS],
    lambda view, _: [view.json(id, EVERYTHING) for id in IDS],
    lambda view, _: stilled(view),
    lambda view, _: [view.last(id, "x") for id in IDS],
    lambda view, _: view.query(Query(where=(("x", "==", 1),)), EVERYTHING),
    lambda view, _: view.query(Query(ids=IDS), EVERYTHING),
    lambda view, _: view.query(Query(box=(0.5, 39.0, 2.5, 41.0)), EVERYTHING),
    lambda view, _: view.count(Query(type="A"), EVERYTHING),
    lambda view, _: view.select(Selection(types=Types(AnyOf(("A", "B")))), EVERYTHING),
    lambda view, _: view.select(Selection(geo=NEAR), EVERYTHING),
    lambda view, _: view.tally(Selection(attrs=("x", "z")), EVERYTHING),
    lambda view, _: view.types(EVERYTHING),
    lambda view, _: view.discover_types(EVERYTHING),
    lambda view, _: view.discover_attributes(EVERYTHING),
    lambda _, atlas: list(atlas.places()),
    lambda _, atlas: atlas.standing(IDS),
    lambda _, atlas: list(atlas.documents([1, 2, 3])),
)
looks = st.lists(st.sampled_from(range(len(DOORS))), max_size=2)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(IDS), bodies, looks), max_size=15))
def test_every_door_shows_what_was_acknowledged(history: list[Any]) -> None:
    with desks.sitting() as lags, desks.sitting() as never:
        atlases = [SqliteAtlas(desk.store.connection, desk.store.read) for desk in (lags, never)]
        for id, body, doors in history:
            play(lags, [(id, body, False)])
            play(never, [(id, body, True)])
            never.settle()
            assert not never.store.waits
            for door in doors:
                assert DOORS[door](lags.view, atlases[0]) == DOORS[door](never.view, atlases[1]), door
        check_indexes(lags)


# -- a cut --------------------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(IDS), bodies, st.booleans()), max_size=20), st.data())
def test_after_a_cut_everything_is_as_if_none_had_been(history: list[Any], data: st.DataObject) -> None:
    engines: list[Engine] = [CoreEngine(), ContextEngine()]
    with desks.sitting() as desk, TemporaryDirectory() as folder:
        cut = data.draw(st.integers(0, len(history)))
        play(desk, history[:cut])
        home = copied(Path(desk.store.path).parent, Path(folder) / "cut")
        upcast = Hub.upcast.__get__(_Kinds(engines))
        assert check_home(home, engines, upcast).faults == [], "it is sound as it lies there"
        again = desks.Desk(home)
        again.at = desk.at
        try:
            play(again, history[cut:])
            play(desk, history[cut:])
            for door in DOORS:
                atlases = [SqliteAtlas(each.store.connection, each.store.read) for each in (desk, again)]
                assert door(again.view, atlases[1]) == door(desk.view, atlases[0])
            check_indexes(again)
            report = check_home(home, engines, upcast)
            assert report.faults == []
        finally:
            again.store.close()


class _Kinds:
    """What a hub knows of the kinds of records."""

    def __init__(self, engines: Iterable[Any]) -> None:
        self._kinds = {kind.name: kind for engine in engines for kind in engine.kinds}


def test_a_checkpoint_and_the_end_leave_nothing_waiting(tmp_path: Path) -> None:
    with bare_hub(tmp_path) as hub:
        make(hub)
        assert (written(hub), bool(hub.store.waits)) == ([], True)
        checkpoint(hub, hub.engines)
        assert written(hub) == [STATION]
        make(hub, OTHER)
    with bare_hub(tmp_path) as hub:
        assert not hub.store.waits
        assert written(hub) == [STATION, OTHER]


def test_a_group_that_fails_takes_no_row_that_waits_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with bare_hub(tmp_path) as hub:
        make(hub)
        write = hub.store.write

        def full(group: Group) -> None:
            raise Unavailable("full", code="store.full")

        monkeypatch.setattr(hub.store, "write", full)
        with pytest.raises(Unavailable):
            make(hub, OTHER)
        with pytest.raises(Unavailable):
            context(hub).find(STATION, EVERYTHING)
        monkeypatch.setattr(hub.store, "write", write)
        assert context(hub).find(OTHER, EVERYTHING) is None
        assert context(hub).find(STATION, EVERYTHING) is not None
        assert context(hub).count(Query(type=KIND), EVERYTHING) == 1
        assert check_home(tmp_path, hub.engines, hub.upcast).faults == []


def test_what_is_stated_does_not_wait_for_what_is_observed(tmp_path: Path) -> None:
    with bare_hub(tmp_path) as hub:
        name = {"type": "Property", "value": "a"}
        make(hub, pm25={"type": "Property", "value": 1}, name=name)
        make(hub, OTHER)
        stated = context(hub).stated([OTHER, STATION, "urn:e:none"])
        assert [*stated] == [STATION, OTHER], "what is new is written first"
        assert stated[STATION].keys() == {"id", "type", "pm25", "name"}
        observe(hub, 12.0)
        assert hub.store.waits
        assert context(hub).stated([STATION]) == {STATION: stated[STATION]}
        assert hub.store.waits, "nobody waited"
        hub.settle()
        assert context(hub).stated([STATION]) == {STATION: {"id": STATION, "type": KIND, "name": name}}
        hub.commit_blocking([Command("entity.delete", STATION, {})], "person:a")
        assert context(hub).stated([STATION, OTHER]) == {OTHER: stated[OTHER]}


# -- how long rows wait -------------------------------------------------------------------------------------------------


def test_so_many_rows_and_no_more_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lagging, "ROWS_MAX", 30)
    with bare_hub(tmp_path) as hub:
        for number in range(40):
            make(hub, f"urn:e:{number}", name={"type": "Property", "value": number})
            assert hub.writer.state.waiting < 30
        assert 20 < len(written(hub)) <= 40


def test_no_row_waits_for_long_while_the_writer_is_at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lagging, "AGE_US", 0)
    with bare_hub(tmp_path) as hub:
        make(hub)
        make(hub, OTHER)
        assert STATION in written(hub)


# -- who waits for whom -------------------------------------------------------------------------------------------------


def test_one_entity_is_read_at_once_unless_its_own_rows_wait(tmp_path: Path) -> None:
    with bare_hub(tmp_path) as hub:
        view = context(hub)
        make(hub)
        make(hub, OTHER)
        observe(hub, 1.0, OTHER)
        hub.settle()
        observe(hub, 2.0, OTHER, later=1)
        strides = hub.store.strides
        for look in (view.find, view.json):
            assert hub.at_once(look, STATION, EVERYTHING) is not None
            assert hub.at_once(look, "urn:none", EVERYTHING) is None
            with pytest.raises(Waiting):
                hub.at_once(look, OTHER, EVERYTHING)
        assert hub.store.strides == strides, "nobody wrote rows for it"
        document = view.find(OTHER, EVERYTHING)
        assert document is not None
        assert document["pm25"]["value"] == 2.0
        hub.commit_blocking(
            [Command("entity.merge", STATION, {"name": {"type": "Property", "value": "x"}})], "person:a"
        )
        with pytest.raises(Waiting):
            hub.at_once(view.find, STATION, EVERYTHING)
        observe(hub, 3.0)
        hub.commit_blocking([Command("entity.delete", OTHER, {})], "person:a")
        with pytest.raises(Waiting):
            hub.at_once(view.find, OTHER, EVERYTHING)
        assert view.find(OTHER, EVERYTHING) is None


def test_who_looks_singly_may_see_one_moment(tmp_path: Path) -> None:
    with bare_hub(tmp_path) as hub:
        make(hub)
        view = context(hub)
        with view.still():
            assert view.json(STATION, EVERYTHING) is not None, "what waits is written, and no moment is held"
        hub.settle()
        with view.still():
            assert view.json(OTHER, EVERYTHING) is None
            # From this thread too: a transaction of the reading connection holds nobody up.
            make(hub, OTHER)
            hub.settle()
            assert view.json(OTHER, EVERYTHING) is None
        assert view.json(OTHER, EVERYTHING) is not None


def test_many_who_look_share_one_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with bare_hub(tmp_path) as hub:
        make(hub)
        hold, settles = threading.Event(), list[None]()
        settle = hub.writer.settle

        def counted() -> None:
            settles.append(None)
            settle()

        monkeypatch.setattr(hub.writer, "settle", counted)
        sent = hub.line.send(lambda: hold.wait(30))
        found: list[Any] = []
        view = context(hub)
        threads = [threading.Thread(target=lambda: found.append(view.find(STATION, EVERYTHING))) for _ in range(8)]
        for thread in threads:
            thread.start()
        while hub._settling is None:
            pass
        assert found == []
        hold.set()
        for thread in threads:
            thread.join(30)
        assert sent.result(30)
        assert len(found) == 8
        assert None not in found
        assert 1 <= len(settles) <= 2, "who came late to the first needed another at most"


# -- engines that begin to lag ------------------------------------------------------------------------------------------

COUNT = Table("count_a", ("id TEXT", "count INTEGER"))
COUNT_LAGS = Table("count_a", ("id TEXT", "count INTEGER"), lags=True)
COUNT_B = Table("count_b", ("id TEXT", "count INTEGER"), lags=True)


class Counts:
    """Counts what is said to it, once each."""

    def __init__(self, name: str, table: Table) -> None:
        self.name, self.table, self.tables = name, table, (table,)
        self.commands = (f"{name}.count",)
        self.kinds = (Kind(f"{name}.counted"),)

    def decide(self, command: Command, desk: Desk) -> Iterable[Fact]:
        return [Fact(f"{self.name}.counted", command.subject, {})]

    def evolve(self, record: Record, state: State) -> None:
        row = state.get(self.table, record.subject)
        state.put(self.table, (record.subject, row[1] + 1 if row else 1))


def counting(home: Path, table: Table) -> Hub:
    engines: list[Any] = [CoreEngine(), Counts("a", table), Counts("b", COUNT_B)]
    store = SqliteStore(home / "quanyu.db", [table for engine in engines for table in engine.tables])
    return Hub(home, store, engines, HandClock(), chance=random.Random(1))


def test_an_engine_that_begins_to_lag_folds_nothing_twice(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    hub = counting(tmp_path / "home", COUNT)
    for kind in ("b", "a", "b", "a"):
        hub.commit_blocking([Command(f"{kind}.count", "x", {})], "person:a")
    assert hub.store.waits == {"count_b"}
    cut = copied(tmp_path / "home", tmp_path / "cut")
    hub.close()
    for _ in range(2):
        hub = counting(cut, COUNT_LAGS)
        assert [list(hub.store.rows(table)) for table in (COUNT_LAGS, COUNT_B)] == [[("x", 2)], [("x", 2)]]
        hub.close()
    hub = counting(cut, COUNT_LAGS)
    assert {name: row[1] for name in "ab" if (row := hub.store.fetch(FOLDED, name)) is not None} == {"a": 4, "b": 4}
    assert ENTITY.lags
    hub.close()
