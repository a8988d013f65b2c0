"""The port suite of the history's store: every adapter must pass it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from quanyu.adapters.lake.store import LakeStore
from quanyu.engines.history.columns import Rows, Words, gather, no_rows
from quanyu.engines.history.store import HistoryStore, Struck, Window
from quanyu.kernel.entity import Observation
from quanyu.kernel.errors import Unavailable
from quanyu.kernel.view import Fold
from tests.engines.past import MINUTE_US, MORNING, Journal, sensor

END = MORNING + 60 * MINUTE_US
Open = Callable[[], HistoryStore]


@pytest.fixture(params=["lake"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Open the store on the same place, as often as a test restarts."""
    stores: list[LakeStore] = []

    def opening() -> HistoryStore:
        stores.append(LakeStore(tmp_path / request.param))
        return stores[-1]

    yield opening
    for store in stores:
        store.close()


def rows_of(journal: Journal, first: int = 1) -> Rows:
    return gather((record for record in journal.records[first - 1 :] if record.kind == "observed"), Words())


def window(*numbers: int, end: int = END) -> Window:
    return Window(tuple(sensor(number) for number in numbers), "level", MORNING, end)


def level(number: int, minute: int, value: float) -> Observation:
    return Observation(sensor(number), "level", MORNING + minute * MINUTE_US, value, "MTR")


def values(store: HistoryStore, number: int, tail: Rows | None = None, struck: Struck = ()) -> list[float]:
    found = store.points(window(number), no_rows(Words()) if tail is None else tail, struck, 100)
    return [float(value) for value in found.value]


def test_an_empty_store_answers(opened: Open) -> None:
    store = opened()
    assert store.last_seq() == 0
    assert values(store, 1) == []
    assert len(store.folded(window(1), MINUTE_US, "mean", no_rows(Words()), ()).value) == 0
    assert store.statistics().rows == 0


def test_rows_come_back_in_time_order_with_unit_quality_and_instance(opened: Open) -> None:
    journal = Journal()
    journal.observe([level(1, 2, 2.0), level(1, 0, 0.5), level(2, 1, 9.0)], "simulated:green/air")
    store = opened()
    store.append(rows_of(journal), 1)
    points = opened().points(window(1), no_rows(Words()), (), 100)
    assert points.observed_at.tolist() == [MORNING, MORNING + 2 * MINUTE_US]
    assert points.value.tolist() == [0.5, 2.0]
    assert list(zip(points.seq.tolist(), points.offset.tolist(), strict=True)) == [(1, 1), (1, 0)]
    assert (points.unit, points.quality) == ("MTR", "simulated")


def test_the_limit_cuts_the_end_and_the_window_is_half_open(opened: Open) -> None:
    journal = Journal()
    journal.observe([level(1, minute, float(minute)) for minute in range(61)])
    store = opened()
    store.append(rows_of(journal), 1)
    assert store.points(window(1), no_rows(Words()), (), 3).value.tolist() == [0.0, 1.0, 2.0]
    assert values(store, 1)[-1] == 59.0


def test_last_seq_is_what_was_appended_also_after_reopening(opened: Open) -> None:
    journal = Journal()
    journal.observe([level(1, 0, 1.0)])
    store = opened()
    store.append(rows_of(journal), 7)
    assert store.last_seq() == 7
    assert opened().last_seq() == 7


def test_the_later_seq_corrects_across_appends_and_within_one(opened: Open) -> None:
    journal = Journal()
    journal.observe([level(1, 0, 1.0), level(1, 1, 1.0)])
    journal.observe([level(1, 0, 2.0)])
    store = opened()
    store.append(rows_of(journal), 2)
    assert values(store, 1) == [2.0, 1.0]
    journal.observe([level(1, 1, 3.0)])
    store.append(rows_of(journal, 3), 3)
    assert values(store, 1) == [2.0, 3.0]


def test_duplicates_are_one_value(opened: Open) -> None:
    journal = Journal()
    journal.observe([level(1, 0, 1.0), level(1, 0, 1.0)])
    store = opened()
    store.append(rows_of(journal), 1)
    journal.observe([level(1, 0, 1.0)])
    store.append(rows_of(journal, 2), 2)
    folded = store.folded(window(1), 60 * MINUTE_US, "count", no_rows(Words()), ())
    assert folded.value.tolist() == [1.0]


def test_a_struck_instance_leaves_nothing_at_its_instant(opened: Open) -> None:
    journal = Journal()
    journal.observe([level(1, 0, 1.0), level(1, 1, 5.0)])
    journal.observe([level(1, 0, 2.0)])
    store = opened()
    store.append(rows_of(journal), 2)
    assert values(store, 1, struck=frozenset({(2, 0)})) == [5.0]
    assert values(store, 1, struck=frozenset({(1, 0)})) == [2.0, 5.0]


def test_the_tail_is_laid_over_what_is_stored_and_stored_rows_count_once(opened: Open) -> None:
    journal = Journal()
    journal.observe([level(1, 0, 1.0), level(1, 5, 5.0)])
    store = opened()
    store.append(rows_of(journal), 1)
    journal.observe([level(1, 0, 2.0), level(1, 9, 9.0)])
    tail = rows_of(journal)
    assert values(store, 1, tail) == [2.0, 5.0, 9.0]
    folded = store.folded(window(1), 60 * MINUTE_US, "sum", tail, ())
    assert (folded.value.tolist(), folded.count.tolist()) == ([16.0], [3])


@pytest.mark.parametrize(
    ("fold", "expected"), [("mean", 3.0), ("sum", 3.0), ("min", 1.0), ("max", 2.0), ("count", 2.0)]
)
def test_folds(opened: Open, fold: Fold, expected: float) -> None:
    """A mean is handed out as its sum and count."""
    journal = Journal()
    journal.observe([level(1, 0, 1.0), level(1, 1, 2.0), level(2, 30, 7.0)])
    store = opened()
    store.append(rows_of(journal), 1)
    folded = store.folded(window(2, 1), 30 * MINUTE_US, fold, no_rows(Words()), ())
    cells = {
        (folded.entities[entity], bucket): (value, count)
        for entity, bucket, value, count in zip(
            folded.entity.tolist(), folded.bucket.tolist(), folded.value.tolist(), folded.count.tolist(), strict=True
        )
    }
    assert cells[sensor(1), 0] == (expected, 2)
    assert set(cells) == {(sensor(1), 0), (sensor(2), 1)}


def test_all_entities_are_those_found(opened: Open) -> None:
    journal = Journal()
    journal.observe([level(1, 0, 1.0), level(2, 0, 2.0)])
    store = opened()
    store.append(rows_of(journal), 1)
    everyone = Window(None, "level", MORNING, END)
    folded = store.folded(everyone, 60 * MINUTE_US, "sum", no_rows(Words()), ())
    assert sorted(zip(folded.entities, folded.value.tolist(), strict=True)) == [(sensor(1), 1.0), (sensor(2), 2.0)]


def test_statistics_count_rows_and_bytes(opened: Open) -> None:
    journal = Journal()
    journal.observe([level(1, minute, 1.0) for minute in range(9)])
    store = opened()
    store.append(rows_of(journal), 1)
    found = store.statistics()
    assert (found.rows, found.last_seq) == (9, 1)
    assert found.bytes > 0


def test_a_refusing_disk_is_unavailable_and_changes_nothing(opened: Open, tmp_path: Path) -> None:
    journal = Journal()
    journal.observe([level(1, 0, 1.0)])
    (tmp_path / "lake").write_text("in the way")
    store = opened()
    with pytest.raises(Unavailable) as refused:
        store.append(rows_of(journal), 1)
    assert refused.value.code == "lake.disk"
    assert store.last_seq() == 0
