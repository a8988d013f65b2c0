"""What a step of a flow costs in days and drop-outs, and what past cases would have been without it.

Days are stretches of 24 hours as the calendar shows them: nights and days off are part of what people wait for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from quanyu.engines.cases.walked import Stretch, Walk
from quanyu.kernel.journal import Instant

DAY_US: Final = 86_400_000_000
LET_THROUGH_SHOWN: Final = 20
DROPPED: Final = frozenset({"withdrawn", "lapsed"})


class StepCost(msgspec.Struct, frozen=True):
    """A step over past cases: how often it was begun and done, days at it, where people gave up, where it said no."""

    step: str
    begun: int
    done: int
    days_median: float | None
    days_p90: float | None
    dropped: int
    refused: int


class Without(msgspec.Struct, frozen=True):
    """What past cases that were closed would have been without a step.

    `let_through` are cases in which the step said no, with its reason: nobody would have said it there.
    """

    step: str
    cases: int
    with_step: int
    days_median: float | None
    days_median_without: float | None
    saved_days_median: float | None
    saved_days_total: float
    let_through: int
    examples: tuple[tuple[str, str], ...]


def costs(walks: Iterable[Walk]) -> list[StepCost]:
    """Return what each step cost, in the order in which cases first come to them."""
    days: dict[str, list[float]] = {}
    begun: dict[str, int] = {}
    dropped: dict[str, int] = {}
    refused: dict[str, int] = {}
    for walk in walks:
        last = _last_open(walk)
        for stretch in walk.stretches:
            begun[stretch.step] = begun.get(stretch.step, 0) + 1
            spent = days.setdefault(stretch.step, [])
            if stretch.ended is not None and not (stretch is last and walk.outcome in DROPPED):
                spent.append((stretch.ended - stretch.began) / DAY_US)
            if stretch.no is not None:
                refused[stretch.step] = refused.get(stretch.step, 0) + 1
        if last is not None and walk.outcome in DROPPED:
            dropped[last.step] = dropped.get(last.step, 0) + 1
    return [
        StepCost(
            step=step,
            begun=count,
            done=len(days[step]),
            days_median=share_of(days[step], 0.5),
            days_p90=share_of(days[step], 0.9),
            dropped=dropped.get(step, 0),
            refused=refused.get(step, 0),
        )
        for step, count in begun.items()
    ]


def without(walks: Iterable[Walk], step: str) -> Without:
    """Replay closed cases with every stretch at the step taking no time; branches that were faster do not gain."""
    before: list[float] = []
    after: list[float] = []
    saved: list[float] = []
    passed: list[tuple[str, str]] = []
    for walk in walks:
        if walk.closed_at is None or walk.outcome in DROPPED:
            continue
        whole = (walk.closed_at - walk.opened_at) / DAY_US
        before.append(whole)
        mine = [stretch for stretch in walk.stretches if stretch.step == step]
        gain = _gain(walk, step) / DAY_US if mine else 0.0
        after.append(whole - gain)
        if mine:
            saved.append(gain)
        if reason := next((stretch.no for stretch in mine if stretch.no is not None), None):
            passed.append((walk.case, reason))
    return Without(
        step=step,
        cases=len(before),
        with_step=len(saved),
        days_median=share_of(before, 0.5),
        days_median_without=share_of(after, 0.5),
        saved_days_median=share_of(saved, 0.5),
        saved_days_total=round(sum(saved), 3),
        let_through=len(passed),
        examples=tuple(passed[:LET_THROUGH_SHOWN]),
    )


def share_of(values: Sequence[float], share: float) -> float | None:
    """Return the value below which a share of the values lies (nearest rank), None without values."""
    if not values:
        return None
    ranked = sorted(values)
    return round(ranked[min(len(ranked) - 1, int(share * len(ranked)))], 3)


def _gain(walk: Walk, step: str) -> Instant:
    """Return how much earlier the case would have ended, every stretch beginning as soon as those before it ended."""
    ends: list[Instant] = []
    end_of_case = walk.opened_at
    for stretch in walk.stretches:
        ready = max((ends[place] for place in stretch.before), default=stretch.began)
        idle = stretch.began - max((walk.stretches[place].ended or stretch.began for place in stretch.before),
                                   default=stretch.began)  # fmt: skip
        length = 0 if step == stretch.step else (stretch.ended or walk.closed_at or stretch.began) - stretch.began
        ends.append(ready + max(0, idle) + max(0, length))
        end_of_case = max(end_of_case, ends[-1]) if stretch.ended is not None else end_of_case
    assert walk.closed_at is not None
    return max(0, walk.closed_at - end_of_case)


def _last_open(walk: Walk) -> Stretch | None:
    """Return the step at which a case was given up: the latest that was not done, else the latest of all."""
    waiting = [stretch for stretch in walk.stretches if stretch.ended is None]
    return next(reversed(waiting or walk.stretches), None)


class Process(msgspec.Struct, frozen=True):
    """Volume, days from opening to end, and drop-outs of a flow over past cases, with what each step cost."""

    cases: int
    closed: int
    dropped: int
    days_median: float | None
    days_p90: float | None
    steps: tuple[StepCost, ...]


def process(walks: Sequence[Walk]) -> Process:
    """Return what past cases of a flow say of it."""
    closed = [walk for walk in walks if walk.closed_at is not None and walk.outcome not in DROPPED]
    days = [(walk.closed_at - walk.opened_at) / DAY_US for walk in closed if walk.closed_at is not None]
    return Process(
        cases=len(walks),
        closed=len(closed),
        dropped=sum(walk.outcome in DROPPED for walk in walks),
        days_median=share_of(days, 0.5),
        days_p90=share_of(days, 0.9),
        steps=tuple(costs(walks)),
    )
