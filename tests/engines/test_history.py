"""The history as its readers, views and the runner know it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from quanyu.adapters.lake.store import PACKAGES, LakeStore
from quanyu.engines.history.engine import HistoryEngine
from quanyu.engines.history.tables import INSTANCES
from quanyu.kernel.entity import Observation
from quanyu.kernel.errors import Invalid, Missing, Unavailable
from quanyu.kernel.journal import Command
from tests.desk import MemoryDesk
from tests.engines.past import HOUR_US, MINUTE_US, MORNING, Journal, Past, State, sensor

END = MORNING + 24 * HOUR_US


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LakeStore]:
    store = LakeStore(tmp_path / "lake", grace_hours=0)
    yield store
    store.close()


def level(number: int, minute: int, value: float | str) -> Observation:
    return Observation(sensor(number), "level", MORNING + minute * MINUTE_US, value, "MTR")


def test_a_write_is_visible_before_anybody_read_it(store: LakeStore) -> None:
    journal = Journal()
    past = Past(store, journal, State())
    journal.observe([level(1, 0, 1.5)])
    assert past.view.series(sensor(1), "level", MORNING, END).value == [1.5]
    past.feed()
    journal.observe([level(1, 1, 2.5)])
    assert past.view.series(sensor(1), "level", MORNING, END).value == [1.5, 2.5]
    past.flush()
    assert past.view.series(sensor(1), "level", MORNING, END).value == [1.5, 2.5]


def test_the_cursor_stays_at_the_last_flush(store: LakeStore) -> None:
    journal, state = Journal(), State()
    past = Past(store, journal, state)
    for minute in range(3):
        journal.observe([level(1, minute, 1.0)])
    past.feed()
    assert (state.cursor, state.mark, store.last_seq()) == (0, 0, 0)
    past.flush()
    assert (state.cursor, state.mark, store.last_seq()) == (3, 3, 3)


def test_a_large_tail_is_flushed_in_reading(store: LakeStore) -> None:
    journal, state = Journal(), State()
    past = Past(store, journal, state, rows_held_max=100)
    journal.observe([level(1, minute, 1.0) for minute in range(100)])
    past.feed()
    assert state.cursor == 1
    assert past.reader.next_wake is None


def test_an_old_tail_is_flushed_when_city_time_says_so(store: LakeStore) -> None:
    journal, state = Journal(), State()
    past = Past(store, journal, state, held_us_max=HOUR_US)
    journal.observe([level(1, 0, 1.0)])
    past.feed()
    due = past.reader.next_wake
    assert due == journal.now + HOUR_US
    assert past.reader.wake(due - 1).upto == 0
    assert past.reader.wake(due).upto is None
    assert past.reader.next_wake is None
    assert store.last_seq() == 1


def test_power_between_lake_and_cursor_doubles_nothing(store: LakeStore) -> None:
    journal, state = Journal(), State()
    journal.observe([level(1, 0, 1.0), level(1, 1, 2.0)])
    past = Past(store, journal, state)
    past.feed()
    past.reader.flush()
    assert (store.last_seq(), state.cursor) == (1, 0)
    again = Past(LakeStore(store.lake), journal, state)
    again.feed()
    again.flush()
    assert again.reader.statistics().rows == 2
    assert state.cursor == 1


def test_what_the_lake_lacks_behind_the_cursor_is_fetched_again(store: LakeStore) -> None:
    journal, state = Journal(), State()
    journal.observe([level(1, 0, 1.0)])
    state.cursor = 1
    past = Past(store, journal, state)
    journal.observe([level(1, 1, 2.0)])
    past.feed()
    past.flush()
    assert past.view.series(sensor(1), "level", MORNING, END).value == [1.0, 2.0]
    assert store.last_seq() == 2


def test_texts_become_instances_with_offsets_after_the_numbers(store: LakeStore) -> None:
    journal, state = Journal(), State()
    journal.observe([level(1, 0, "open"), level(1, 1, 2.0)], "measured:scada")
    past = Past(store, journal, state)
    past.feed()
    past.flush()
    at, text = journal.records[0].at, '{"type":"Property","value":"open"}'
    assert state.rows(INSTANCES) == [(sensor(1), "level", "", MORNING, at, text, "measured", "scada", 1, 1, at, 1)]


def test_too_much_unread_is_unavailable(store: LakeStore) -> None:
    journal = Journal()
    past = Past(store, journal, State(), rows_ahead_max=10)
    journal.observe([level(1, minute, 1.0) for minute in range(11)])
    with pytest.raises(Unavailable) as behind:
        past.view.series(sensor(1), "level", MORNING, END)
    assert behind.value.code == "history.behind"
    past.feed()
    assert len(past.view.series(sensor(1), "level", MORNING, END).value) == 11


def test_buckets_start_at_the_start_and_gaps_are_none(store: LakeStore) -> None:
    journal = Journal()
    journal.observe([level(1, 5, 1.0), level(1, 6, 3.0), level(1, 25, 7.0)])
    past = Past(store, journal, State())
    one, other = past.view.buckets([sensor(1), sensor(9)], "level", MORNING, MORNING + 25 * MINUTE_US, 10 * MINUTE_US)
    assert one.at == [MORNING, MORNING + 10 * MINUTE_US, MORNING + 20 * MINUTE_US]
    assert one.value == [2.0, None, None]
    assert other.value == [None, None, None]


@pytest.mark.parametrize("width", [0, -1])
def test_a_bucket_needs_a_width(store: LakeStore, width: int) -> None:
    with pytest.raises(Invalid) as refused:
        Past(store, Journal(), State()).view.buckets([sensor(1)], "level", MORNING, END, width)
    assert refused.value.code == "history.width"


def test_too_many_cells_are_refused(store: LakeStore) -> None:
    with pytest.raises(Invalid) as refused:
        Past(store, Journal(), State()).view.buckets([sensor(1)] * 100, "level", MORNING, END, MINUTE_US // 60)
    assert refused.value.code == "history.cells"


def test_last_looks_back_as_far_as_needed(store: LakeStore) -> None:
    journal = Journal()
    journal.observe([level(1, 0, 1.0), level(2, 0, 2.0), level(2, 60 * 24 * 100, 3.0)])
    past = Past(store, journal, State())
    late = MORNING + 200 * 24 * HOUR_US
    assert past.view.last(sensor(1), "level", late) == (1.0, MORNING)
    assert past.view.last(sensor(2), "level", late) == (3.0, MORNING + 100 * 24 * HOUR_US)
    assert past.view.last(sensor(3), "level", late) is None


def test_striking_is_decided_once() -> None:
    desk = MemoryDesk(HistoryEngine())
    desk.records.append(Journal().observe([level(1, 0, 1.0), level(1, 1, 2.0)]))
    body = {"instances": [[1, 0], [1, 0], [1, 1]], "reason": "wrong sensor"}
    made = desk.run(Command("history.strike", "", body))
    assert [record.body for record in made] == [{"instances": [(1, 0), (1, 1)], "reason": "wrong sensor"}]
    assert desk.run(Command("history.strike", "", body)) == []
    assert sorted(desk.state.rows.values()) == [(1, 0, 2), (1, 1, 2)]


@pytest.mark.parametrize(
    ("body", "error", "code"),
    [
        ({"instances": "all"}, Invalid, "history.strike"),
        ({"instances": [[1, 0]]}, Invalid, "history.strike"),
        ({"instances": [[1, 0]], "reason": "of the future"}, Missing, "history.instance"),
        ({"instances": [[0, 0]], "reason": "before the first"}, Missing, "history.instance"),
    ],
)
def test_a_strike_must_name_instances_of_the_past(body: dict[str, object], error: type[Exception], code: str) -> None:
    desk = MemoryDesk(HistoryEngine())
    with pytest.raises(error) as refused:
        desk.run(Command("history.strike", "", body))
    assert getattr(refused.value, "code", None) == code


def test_an_idle_hub_loads_neither_duckdb_nor_deltalake() -> None:
    script = (
        "import sys; import quanyu.engines.history.view, quanyu.adapters.lake.store, quanyu.adapters.lake.check;"
        "print({'duckdb', 'deltalake'} & set(sys.modules))"
    )
    environment = os.environ | {"PYTHONPATH": PACKAGES}
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert found.stdout.strip() == "set()"
