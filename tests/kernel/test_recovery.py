"""Recovery: the loss is the area above the curve, hours count from the start, and what was not measured is not assumed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.kernel.recovery import HOUR_US, recovery


def hours(*pairs: tuple[float, float]) -> list[tuple[int, float]]:
    return [(int(at * HOUR_US), value) for at, value in pairs]


def test_a_fall_and_its_return() -> None:
    curve = recovery(hours((-1, 100), (2, 40), (4, 60), (5, 92), (8, 100)), 100, 0, 10 * HOUR_US)
    assert curve.lost_h == pytest.approx(2 * 0.6 + 1 * 0.4 + 3 * 0.08)
    assert curve.hours_to == {"50": 4, "90": 5, "100": 8}
    assert (curve.lowest, curve.gaps, curve.known, curve.recovered) == (0.4, (), 1, True)


def test_a_relapse_counts_from_the_last_return() -> None:
    curve = recovery(hours((0, 40), (1, 95), (2, 30), (3, 95)), 100, 0, 4 * HOUR_US)
    assert curve.hours_to == {"50": 3, "90": 3, "100": None}
    assert not curve.recovered


def test_what_was_not_measured_is_a_gap_and_no_loss() -> None:
    curve = recovery(hours((2, 0), (20, 100)), 100, 0, 24 * HOUR_US, gap_us=6 * HOUR_US)
    assert curve.gaps == ((0, 2 * HOUR_US), (8 * HOUR_US, 20 * HOUR_US))
    assert curve.lost_h == pytest.approx(6)
    assert curve.known == pytest.approx(10 / 24, abs=1e-4)
    nothing = recovery([], 100, 0, HOUR_US)
    assert (nothing.lost_h, nothing.lowest, nothing.known) == (0, None, 0)


@given(st.lists(st.tuples(st.integers(0, 48), st.floats(0, 200)), max_size=20, unique_by=lambda each: each[0]))
def test_the_loss_is_never_more_than_the_time_that_is_known(values: list[tuple[int, float]]) -> None:
    curve = recovery(hours(*sorted(values)), 100, 0, 48 * HOUR_US)
    assert -1e-6 <= curve.lost_h <= 48 * curve.known + 0.01
    back = [hour for hour in curve.hours_to.values() if hour is not None]
    assert back == sorted(back)
