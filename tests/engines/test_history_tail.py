"""A window that lies in the tail alone is answered from memory as a plain reading of its rows would be."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quanyu.adapters.lake.store import LakeStore
from quanyu.engines.history.columns import Rows, Words
from quanyu.engines.history.store import Window
from quanyu.kernel.view import Fold

ENTITIES = ("urn:ngsi-ld:A:b", "urn:ngsi-ld:A:a", "urn:ngsi-ld:A:c")
FOLDS: dict[str, Callable[[list[float]], float]] = {"mean": sum, "sum": sum, "min": min, "max": max, "count": len}
TICK = st.tuples(st.integers(0, 2), st.integers(0, 30), st.floats(-50, 50).map(lambda value: round(value, 1)))


def tail_of(ticks: list[tuple[int, int, float]]) -> Rows:
    words = Words()
    codes = np.array([words.code(ENTITIES[entity]) for entity, _, _ in ticks], np.int32)
    pm25, unit, quality, source = (
        np.full(len(ticks), words.code(name), np.int32) for name in ("pm25", "GQ", "measured", "test")
    )
    times = np.array([at for _, at, _ in ticks], np.int64)
    seqs = np.arange(1, len(ticks) + 1, dtype=np.int64)
    values = np.array([value for _, _, value in ticks], np.float64)
    offsets = np.zeros(len(ticks), np.int32)
    return Rows(words, codes, pm25, unit, quality, source, offsets, times, times, seqs, values)


def stands(ticks: list[tuple[int, int, float]], struck: set[tuple[int, int]]) -> dict[tuple[str, int], float]:
    last = {(ENTITIES[entity], at): (seq, value) for seq, (entity, at, value) in enumerate(ticks, 1)}
    return {key: value for key, (seq, value) in last.items() if (seq, 0) not in struck}


@settings(max_examples=150, deadline=None)
@given(
    st.lists(TICK, min_size=1, max_size=40),
    st.sampled_from(["mean", "sum", "min", "max", "count"]),
    st.integers(1, 12),
    st.sets(st.integers(1, 40)),
)
def test_folds_and_points_equal_a_plain_reading(
    ticks: list[tuple[int, int, float]], fold: Fold, width: int, struck_seqs: set[int]
) -> None:
    # Striking names the instance that stands; a duplicate before it was never one.
    struck = {(seq, 0) for seq in struck_seqs}
    expected = stands(ticks, struck)
    store = LakeStore(Path("nowhere"))
    found = store.folded(Window(None, "pm25", 0, 31), width, fold, tail_of(ticks), frozenset(struck))
    cells: dict[tuple[str, int], list[float]] = {}
    for (entity, at), value in expected.items():
        cells.setdefault((entity, at // width), []).append(value)
    how: Callable[[list[float]], float] = FOLDS[fold]
    told = {
        (found.entities[entity], int(bucket)): (value, int(count))
        for entity, bucket, value, count in zip(found.entity, found.bucket, found.value, found.count, strict=True)
    }
    assert told == {key: (pytest.approx(float(how(values))), len(values)) for key, values in cells.items()}
    one = [row for row in ticks if row[0] == 1]
    if one:
        points = store.points(Window((ENTITIES[1],), "pm25", 0, 31), tail_of(one), frozenset(), 5)
        plain = sorted((at, value) for (_, at), value in stands(one, set()).items())[:5]
        assert list(zip(points.observed_at.tolist(), points.value.tolist(), strict=True)) == plain
        assert (points.unit, points.quality) == ("GQ", "measured")


def test_a_tail_alone_loads_no_database() -> None:
    script = (
        "import sys; from tests.engines.test_history_tail import *;"
        "LakeStore(Path('nowhere')).folded(Window(None, 'pm25', 0, 9), 1, 'mean', tail_of([(0, 1, 2.0)]), frozenset());"
        "print('duckdb' in sys.modules, 'deltalake' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True,
                           env={"PYTHONPATH": ":".join(sys.path)})  # fmt: skip
    assert found.stdout.split() == ["False", "False"]
