"""What a step costs, and what past cases would have been without it: golden cases first, then the laws."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.engines.cases.slimming import DAY_US, costs, process, share_of, without
from quanyu.engines.cases.walked import Stretch, Walk


def day(number: float) -> int:
    return round(number * DAY_US)


def row(*days: float, outcome: str = "granted", no: dict[int, str] | None = None) -> Walk:
    """A case whose steps a, b, c… followed one another and took so many days."""
    made, at = [], 0
    for place, length in enumerate(days):
        before = (place - 1,) if place else ()
        end = at + day(length)
        made.append(Stretch("abcdefgh"[place], at, end, before, (no or {}).get(place)))
        at = end
    return Walk(f"case:{len(days)}", 0, tuple(made), at, outcome)


def bundle() -> Walk:
    """Fill one day; then sign (3 days) and food (10 days) side by side; then deliver, one day."""
    return Walk(
        "case:bundle",
        0,
        (
            Stretch("fill", 0, day(1)),
            Stretch("sign", day(1), day(4), (0,)),
            Stretch("food", day(1), day(11), (0,)),
            Stretch("deliver", day(11), day(12), (1, 2)),
        ),
        day(12),
        "granted",
    )


def test_without_a_step_of_a_row_its_days_are_saved() -> None:
    found = without([row(1, 4, 2)], "b")
    assert (found.days_median, found.days_median_without, found.saved_days_total) == (7, 3, 4)


@pytest.mark.parametrize(("step", "saved"), [("sign", 0), ("food", 7), ("deliver", 1), ("fill", 1), ("other", 0)])
def test_a_branch_that_was_faster_gains_nothing(step: str, saved: float) -> None:
    assert without([bundle()], step).saved_days_total == saved


def test_what_the_step_refused_would_have_been_let_through() -> None:
    found = without([row(1, 4, 2), row(1, 6, 1, outcome="refused", no={1: "health_ok"})], "b")
    assert (found.cases, found.let_through, found.examples) == (2, 1, (("case:3", "health_ok"),))


def test_who_gave_up_is_counted_where_the_case_stood_and_saves_nothing() -> None:
    left = Walk("case:9", 0, (Stretch("fill", 0, day(1)), Stretch("review", day(1), None, (0,))), day(3), "withdrawn")
    told = {each.step: (each.begun, each.done, each.dropped) for each in costs([left, row(1, 2)])}
    assert told == {"fill": (1, 1, 0), "review": (1, 0, 1), "a": (1, 1, 0), "b": (1, 1, 0)}
    assert without([left], "review").cases == 0
    found = process([left, row(1, 2)])
    assert (found.cases, found.closed, found.dropped, found.days_median, found.days_p90) == (2, 1, 1, 3, 3)


def test_the_ninth_of_ten_is_the_ninetieth_percent() -> None:
    assert share_of([float(n) for n in range(1, 11)], 0.9) == 10
    assert share_of([float(n) for n in range(1, 11)], 0.5) == 6
    assert share_of([], 0.5) is None


@st.composite
def walks(draw: st.DrawFn) -> Walk:
    """A case with branches: every stretch begins when some earlier ones have all ended."""
    made: list[Stretch] = []
    for place in range(draw(st.integers(1, 7))):
        before = draw(st.sets(st.integers(0, place - 1), max_size=3)) if place else set()
        began = max((made[each].ended or 0 for each in before), default=0)
        ended = began + draw(st.integers(0, 10)) * DAY_US
        made.append(Stretch(draw(st.sampled_from("abcd")), began, ended, tuple(sorted(before))))
    return Walk("case:1", 0, tuple(made), max(each.ended or 0 for each in made), "granted")


@given(walks(), st.sampled_from("abcd"))
def test_no_case_takes_longer_without_a_step(walk: Walk, step: str) -> None:
    found = without([walk], step)
    spent = sum((each.ended or 0) - each.began for each in walk.stretches if each.step == step) / DAY_US
    assert 0 <= found.saved_days_total <= spent
    assert found.days_median is not None
    assert found.days_median_without is not None
    assert found.days_median_without <= found.days_median
