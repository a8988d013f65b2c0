"""Whatever happens, in whatever order: the history equals an oracle that folds the journal in plain Python."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quanyu.adapters.lake.compact import Request, compaction
from quanyu.adapters.lake.parquet import write_rows
from quanyu.adapters.lake.store import LakeStore
from quanyu.engines.history.columns import Words, gather
from quanyu.kernel.entity import Observation
from quanyu.kernel.view import Fold
from tests.engines.past import (
    HOUR_US,
    MINUTE_US,
    MORNING,
    Journal,
    Past,
    State,
    buckets_of,
    fold_of,
    sensor,
    series_of,
)

MONTH_US = 31 * 24 * HOUR_US
SENSORS = [sensor(number) for number in range(4)]

observation = st.builds(
    Observation,
    st.sampled_from(SENSORS),
    st.sampled_from(["level", "flow"]),
    st.one_of(
        st.integers(0, 40).map(lambda minute: MORNING + minute * MINUTE_US),
        st.integers(0, 2).map(lambda month: MORNING + month * MONTH_US),
    ),
    st.integers(0, 5).map(float),
)
step = st.one_of(
    st.tuples(st.just("observe"), st.lists(observation, min_size=1, max_size=90)),
    st.tuples(st.just("observe"), st.lists(observation, min_size=1, max_size=6)),
    st.tuples(st.just("strike"), st.integers(0, 10**6)),
    st.tuples(st.just("feed"), st.integers(1, 4)),
    st.tuples(st.just("flush"), st.none()),
    st.tuples(st.just("cut"), st.sampled_from(["memory", "file", "log", "torn", "lake"])),
    st.tuples(st.just("compact"), st.tuples(st.booleans(), st.integers(1, 8))),
)


class City:
    """A history with the accidents that may befall it."""

    def __init__(self, home: Path) -> None:
        self.lake = home / "lake"
        self.journal, self.state = Journal(), State()
        self.store = LakeStore(self.lake, grace_hours=0)
        self.past = Past(self.store, self.journal, self.state, rows_held_max=150)

    def observe(self, rows: list[Observation]) -> None:
        self.journal.observe(rows)

    def strike(self, choice: int) -> None:
        instances = [
            (record.seq, offset)
            for record in self.journal.records
            if record.kind == "observed"
            for offset in range(len(gather([record], Words())))
        ]
        if instances:
            self.journal.strike(instances[choice % len(instances)])

    def feed(self, batch: int) -> None:
        self.past.feed(batch)

    def flush(self, _: None) -> None:
        self.past.flush()

    def cut(self, where: str) -> None:
        """Lose the power: with rows in memory, after the file, after or within the log; or let the cursor run ahead."""
        if where == "file" and (self.lake / "observations").exists():
            rows = self.past.reader.tail_rows()
            if len(rows):
                write_rows(self.store._database(), self.store.table, "single-orphan.parquet", rows)
        if where == "log":
            self.past.reader.flush()
        log = self.store.table / "_delta_log"
        if where == "torn" and log.exists():
            number = max(int(path.stem) for path in log.glob("*.json") if path.stem.isdigit())
            (log / f"{number + 1:020}.json").write_text('{"add":{"path":"single-')
        self.store.close()
        self.store = LakeStore(self.lake, grace_hours=0)
        if where == "lake":
            self.state.cursor = self.past.seen
        self.past = Past(self.store, self.journal, self.state, rows_held_max=150)

    def compact(self, how: tuple[bool, int]) -> None:
        """Compact, but lose the power after some steps."""
        everything, steps = how
        if not (self.store.table / "_delta_log").exists():
            return
        self.store._current()
        work = compaction(self.store.table, Request(tuple(self.past.reader.struck), everything, 0))
        for _ in range(steps):
            with suppress(StopIteration):
                next(work)
        work.close()
        self.store.refresh()

    def check(self) -> None:
        """Every series and bucket equals the oracle's."""
        view, end = self.past.view, MORNING + 3 * MONTH_US
        for attribute in ("level", "flow"):
            for entity in SENSORS:
                found = view.series(entity, attribute, MORNING, end)
                assert (list(found.at), list(found.value)) == series_of(self.journal, entity, attribute, MORNING, end)
        for fold in ("mean", "count", "max"):
            self.check_fold(fold)

    def check_fold(self, fold: Fold) -> None:
        start, end = MORNING + 3 * MINUTE_US, MORNING + 39 * MINUTE_US
        expected = buckets_of(self.journal, SENSORS, "level", start, end, 7 * MINUTE_US, fold)
        found = self.past.view.buckets(SENSORS, "level", start, end, 7 * MINUTE_US, fold)
        assert [list(series.value) for series in found] == [[_close(cell) for cell in row] for row in expected]
        groups = {entity: f"place {i % 2}" for i, entity in enumerate(SENSORS)}
        for group, (value, count) in self.past.view.fold("level", start, end, fold, groups).items():
            values = [
                value
                for entity, place in groups.items()
                if place == group
                for value in series_of(self.journal, entity, "level", start, end)[1]
            ]
            assert (value, count) == (_close(fold_of(values, fold)), len(values))


def _close(value: float | None) -> Any:
    return None if value is None else pytest.approx(value)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(step, min_size=3, max_size=14))
def test_history_equals_the_journal(steps: list[tuple[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as home:
        city = City(Path(home))
        for name, argument in steps:
            act: Callable[[Any], None] = getattr(city, name)
            act(argument)
        city.check()
        city.past.feed()
        city.past.flush()
        city.check()
        city.store.close()
