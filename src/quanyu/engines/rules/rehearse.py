"""Rules over the past: what a rule would have found, and the memory that a new rule would have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import numpy as np

from quanyu.engines.rules.columns import Batch
from quanyu.engines.rules.compile import Plan
from quanyu.engines.rules.evaluate import Evaluator, Finding
from quanyu.engines.rules.memory import transplant
from quanyu.engines.rules.past import WINDOW
from quanyu.engines.rules.pins import Pins
from quanyu.engines.rules.store import Describe
from quanyu.kernel.entity import Document, Observations
from quanyu.kernel.journal import Instant
from quanyu.kernel.view import History, Series

DAY_US: Final = 86_400_000_000
WINDOW_MAX_US: Final = 31 * DAY_US
"""A rule looks no farther back than a month when it is warmed."""
SAMPLES_MAX: Final = 20_000
"""Samples of one series that a warm-up reads."""


def replay(
    plan: Plan, pins: Pins, batches: Iterable[Observations], describe: Describe | None = None
) -> Iterator[Finding]:
    """Yield what a rule would have found in past observations: each episode once, at its end, then those that stand.

    Without `describe` every entity is taken to be of the rule's type.
    """
    evaluator = Evaluator([plan], pins, describe or _all_of(plan.rule.type))
    for seq, observations in enumerate(batches):
        found = evaluator.read([Batch(observations, seq, 0, True)])
        yield from (finding for finding in found if finding.end is not None)
    yield from evaluator.standing()


def window_us(plan: Plan) -> int:
    """Return how far back a rule's memory reaches: what must last, twice, and the samples that its baseline wants."""
    baseline = WINDOW * (plan.max_gap_us or DAY_US // 24) if plan.rule.baseline is not None else 0
    lengths = (2 * plan.lasting_us, plan.absent_us or 0, plan.max_gap_us or 0, baseline, DAY_US)
    return min(max(lengths), WINDOW_MAX_US)


def warm(
    evaluator: Evaluator,
    plan: Plan,
    pins: Pins,
    describe: Describe,
    history: History,
    entities: Sequence[str],
    now: Instant,
) -> None:
    """Put into the evaluator the memory that a rule would have, from a window of history before `now`.

    Runs that stand are remembered as not yet told; silences are counted from the first live sample on.
    """
    if plan.absent_us is not None:
        return
    rehearsal = Evaluator([plan], pins, describe)
    start = now - window_us(plan)
    for entity in entities:
        names = (*plan.attributes, plan.rule.attribute)
        series = [history.series(entity, name, start, now, SAMPLES_MAX) for name in names]
        if any(len(each.at) for each in series):
            rehearsal.read([Batch(laid(entity, series), 0, now, True)])
    transplant(rehearsal, evaluator, plan)


def laid(entity: str, series: Sequence[Series]) -> Observations:
    """Lay series of one entity out as a batch in order of time."""
    at = np.concatenate([np.asarray(each.at, dtype=np.int64) for each in series])
    value = np.concatenate([np.asarray(each.value, dtype=np.float64) for each in series])
    attribute = np.repeat(np.arange(len(series)), [len(each.at) for each in series])
    order = np.argsort(at, kind="stable")
    columns = (np.zeros(len(at), dtype=np.intp), attribute[order], at[order], value[order])
    return Observations((entity,), tuple(each.attribute for each in series), *(column.tolist() for column in columns))


def _all_of(type_: str) -> Callable[[Sequence[str]], dict[str, Document]]:
    return lambda ids: {entity: {"id": entity, "type": type_} for entity in ids}
