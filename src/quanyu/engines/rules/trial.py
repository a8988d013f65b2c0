"""A rule tried on a made-up series, sample by sample: what it sees, what it remembers, and when it would fire."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from quanyu.engines.rules.columns import Batch
from quanyu.engines.rules.compile import Plan
from quanyu.engines.rules.evaluate import Evaluator, Finding
from quanyu.engines.rules.pins import Pins
from quanyu.engines.rules.store import Label
from quanyu.engines.rules.words import Titles, why
from quanyu.kernel.entity import Observations
from quanyu.kernel.journal import Instant

SAMPLES_MAX: Final = 1_000
_ASSET: Final = "urn:ngsi-ld:Trial:1"

Sample = tuple[Instant, Mapping[str, float]]
"""An instant of event time and the values seen then, by attribute."""


def tried(
    plan: Plan, pins: Pins, samples: Sequence[Sample], label: Label, titles: Titles, until: Instant | None = None
) -> Iterator[dict[str, Any]]:
    """Yield one step per sample: the condition as it stands there, since when it holds, and what the rule says.

    `until`: an instant after the last sample at which a rule of silence is asked once more.
    """
    watched = {plan.rule.attribute, *plan.attributes}
    evaluator = Evaluator([plan], pins, lambda ids: {each: {"id": each, "type": plan.rule.type} for each in ids})
    known: dict[str, float] = {}
    for at, values in samples:
        seen = {name: float(value) for name, value in values.items() if name in watched}
        known |= seen
        findings = evaluator.read([Batch(_batch(at, seen), 0, at, False)]) if seen else []
        yield _step(plan, pins, at, known, findings, evaluator, label, titles)
    if until is not None:
        yield _step(plan, pins, until, known, evaluator.wake(until), evaluator, label, titles)


def _batch(at: Instant, seen: Mapping[str, float]) -> Observations:
    names = tuple(seen)
    count = len(names)
    return Observations((_ASSET,), names, [0] * count, list(range(count)), [at] * count, list(seen.values()))


def _step(
    plan: Plan,
    pins: Pins,
    at: Instant,
    known: Mapping[str, float],
    findings: Sequence[Finding],
    evaluator: Evaluator,
    label: Label,
    titles: Titles,
) -> dict[str, Any]:
    columns = {name: known.get(name, np.nan) for name in (plan.rule.attribute, *plan.attributes)}
    columns |= pins.epoch_at(plan.parameters, at).values if plan.parameters else {}
    with np.errstate(all="ignore"):
        limit = float(plan.limit(columns)) if plan.limit is not None else None
        holds = bool(plan.test(columns))
    since, told = _memory(plan, evaluator)
    return {
        "at": at,
        "values": dict(known),
        "limit": None if limit is None or limit != limit else limit,
        "holds": holds,
        "since": since,
        "stood_us": None if since is None else at - since,
        "wanted_us": plan.lasting_us or plan.absent_us or 0,
        "told": told,
        "says": [_said(finding, label, titles) for finding in findings],
    }


def _memory(plan: Plan, evaluator: Evaluator) -> tuple[Instant | None, bool]:
    """Return since when the condition stands, hysteresis and gaps included, and whether that was told."""
    for watch in evaluator.watches:
        found = watch.lane_of(plan.hash)
        if found is not None and len(found[0].level):
            cell = found[0].memory[0, found[1]]
            return (int(cell["since"]), bool(cell["fired"])) if cell["on"] else (None, False)
        for silence in watch.silences:
            if len(silence.fired) and silence.fired[0]:
                return int(silence.since[0]), True
    return None, False


def _said(finding: Finding, label: Label, titles: Titles) -> dict[str, Any]:
    word = "ends" if finding.end is not None and not finding.new else "fires" if finding.new else "grows"
    return {
        "word": word,
        "from": finding.start,
        "to": finding.end,
        "value": finding.value,
        "limit": finding.limit,
        "why": why(finding, label, titles),
    }
