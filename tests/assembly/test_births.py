"""Who made an entity is found by its row, then by its deletion; in homes of earlier days by what was written down."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from quanyu.adapters.sqlite.history import SqliteHistory
from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.assembly import Options, open_hub
from quanyu.assembly.backup import restore
from quanyu.assembly.checkpoint import RebuiltState, dump, load
from quanyu.assembly.hub import Hub
from quanyu.assembly.keeping import check_hub
from quanyu.engines.context.tables import BORN, ENTITY
from quanyu.engines.history.tables import DESCRIBED
from quanyu.kernel.journal import Command, Table
from quanyu.kernel.temporal import TemporalQuery
from quanyu.kernel.view import EVERYTHING
from tests.engines.chronicle import CAR, number
from tests.homes.make import STATION

HOMES = sorted((Path(__file__).parents[1] / "homes").glob("*.quanyu.gz"))
BODY: dict[str, Any] = {"type": "Vehicle", "scope": "/a", "name": {"type": "Property", "value": "A"}}


def act(hub: Hub, kind: str, subject: str, body: dict[str, Any]) -> Any:
    return hub.commit_blocking([Command(kind, subject, body)], "person:open").outcomes[0].made


def told(hub: Hub, **more: Any) -> dict[str, Any]:
    found = hub.temporal.find(CAR, TemporalQuery(**more), EVERYTHING)
    assert found is not None
    return dict(found.items[0])


def values(document: dict[str, Any], name: str) -> list[Any]:
    return [each["value"] for each in document.get(name, [])]


def described(hub: Hub) -> list[int]:
    store = hub.store
    assert isinstance(store, SqliteStore)
    return [row[1] for row in store.rows(DESCRIBED)]


def rest(hub: Hub) -> None:
    """Let the history read, and write down what it holds."""
    hub.start()
    hub.settled_blocking()
    hub.put_down()


def test_a_life_is_found_whatever_became_of_it(tmp_path: Path) -> None:
    options = Options(open=True)
    hub = open_hub(tmp_path, options)
    (made,) = act(hub, "entity.create", CAR, BODY)
    assert values(told(hub), "name") == ["A"], "its row lags: whoever asks has it written"
    rest(hub)
    assert described(hub) == []
    hub.close()
    hub = open_hub(tmp_path, options)
    assert values(told(hub), "name") == ["A"]
    (deleted,) = act(hub, "entity.delete", CAR, {})
    assert (deleted.body["born"], deleted.body["created"]) == (made.seq, made.at)
    gone = told(hub, time_property="deletedAt")
    assert (values(gone, "name"), values(gone, "scope")) == (["urn:ngsi-ld:null"], [[]])
    assert values(told(hub), "scope") == ["/a"]
    act(hub, "entity.create", CAR, BODY | {"scope": "/b", "speed": number(50, "11:00:00")})
    lives = told(hub)
    assert values(lives, "name") == ["A", "A"]
    assert values(lives, "scope") == ["/a", "/b"]
    rest(hub)
    assert described(hub) == [made.seq, deleted.seq]
    assert told(hub) == lives
    hub.close()
    hub = open_hub(tmp_path, options)
    try:
        assert told(hub) == lives
        assert told(hub, time_property="deletedAt") == gone
        report = check_hub(hub)
        assert report.faults == []
    finally:
        hub.close()


def test_births_are_of_those_that_stand(tmp_path: Path) -> None:
    hub = open_hub(tmp_path, Options(open=True))
    try:
        store = hub.store
        assert isinstance(store, SqliteStore)
        index = SqliteHistory(store.connection, hub.upcast)
        seqs = {f"{CAR}{n}": act(hub, "entity.create", f"{CAR}{n}", BODY)[0].seq for n in range(5)}
        assert index.births([*seqs, "urn:x:none"]) == seqs
        act(hub, "entity.delete", f"{CAR}3", {})
        del seqs[f"{CAR}3"]
        assert index.births([f"{CAR}{n}" for n in range(5)]) == seqs
        assert index.births([]) == {}
    finally:
        hub.close()


@pytest.mark.parametrize("pressed", HOMES, ids=lambda path: path.name)
def test_an_entity_of_earlier_days_is_found_by_what_was_written_down(pressed: Path, tmp_path: Path) -> None:
    file, home = tmp_path / "home.quanyu", tmp_path / "home"
    file.write_bytes(gzip.decompress(pressed.read_bytes()))
    restore(file, home, lambda text, share: None)
    hub = open_hub(home, Options(demo=True))
    try:
        store = hub.store
        assert isinstance(store, SqliteStore)
        row = store.fetch(ENTITY, STATION)
        assert row is not None
        assert row[BORN] is None
        before = hub.temporal.find(STATION, TemporalQuery(), EVERYTHING)
        assert before is not None
        assert values(dict(before.items[0]), "name")
        (deleted,) = hub.commit_blocking([Command("entity.delete", STATION, {})], "system:test").outcomes[0].made
        assert "born" not in (deleted.body or {})
        after = hub.temporal.find(STATION, TemporalQuery(), EVERYTHING)
        assert after is not None
        assert values(dict(after.items[0]), "name") == values(dict(before.items[0]), "name")
        hub.start()
        hub.settled_blocking()
        assert check_hub(hub).faults == []
    finally:
        hub.close()


def test_rows_of_a_checkpoint_have_nothing_in_columns_that_came_later(tmp_path: Path) -> None:
    before, now = (
        Table("thing", ("id TEXT", "value INTEGER")),
        Table("thing", ("id TEXT", "value INTEGER", "more TEXT")),
    )
    state = RebuiltState()
    state.put(before, ("a", 1))
    digest, _ = dump(state, [before], tmp_path / "checkpoints" / "1.gz")
    assert list(load(tmp_path / "checkpoints" / "1.gz", [now], digest).rows(now)) == [("a", 1, None)]
