"""The vectors equal the reference, and however a stream is cut, the episodes are the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from quanyu.engines.rules import memory
from quanyu.engines.rules.columns import Batch
from quanyu.engines.rules.compile import compile_rule
from quanyu.engines.rules.evaluate import Evaluator, Finding
from quanyu.engines.rules.pins import Pins
from quanyu.kernel.declare import rule
from quanyu.kernel.entity import Observation, observations
from quanyu.kernel.parameter import Parameter, Parameters
from quanyu.kernel.time import hours, instant, minutes, moment
from tests.engines.reference_rules import Episode, Reference

MINUTE = 60_000_000
START = instant(moment(1_772_409_600_000_000, "Asia/Shanghai").replace(hour=23, minute=0, second=0))
"""An hour before midnight: parameters change at midnight, so most streams cross it."""
TYPES = {"urn:a": "Air", "urn:b": "Air", "urn:c": "Air", "urn:w": "Water"}


MIDNIGHT = moment(START, "Asia/Shanghai").date() + timedelta(days=1)


def dated(name: str, value: float, first: date, last: date | None) -> Parameter:
    return Parameter(name, value, "C62", first, last, "CN", "test", "unverified", "限", "limit")


PARAMETERS = Parameters(
    [
        dated("p_limit", 6.0, date(2020, 1, 1), MIDNIGHT - timedelta(days=1)),
        dated("p_limit", 4.0, MIDNIGHT, None),
        dated("p_ends", 7.0, date(2020, 1, 1), MIDNIGHT - timedelta(days=1)),
    ]
)
"""`p_limit` falls at midnight from 6 to 4; `p_ends` is not known from midnight on."""


def parameters(at: int) -> Mapping[str, float]:
    late = moment(at, "Asia/Shanghai").date() >= MIDNIGHT
    return {"p_limit": 4.0} if late else {"p_limit": 6.0, "p_ends": 7.0}


@rule(on="Air.x", opens="f", zh="甲", en="a")
def above_five(x: float) -> bool:
    return x > 5


@rule(on="Air.x", opens="f", zh="甲", en="a", clears=0.8)
def clears_low(x: float) -> bool:
    return x >= 5


@rule(on="Air.x", opens="f", zh="甲", en="a", clears=0.8)
def above_limit(x: float, p_limit: float) -> bool:
    return x > p_limit


@rule(on="Air.x", opens="f", zh="甲", en="a", clears=0.8, lasting=minutes(30))
def above_ends(x: float, p_ends: float) -> bool:
    return x > p_ends - 2


@rule(on="Air.x", opens="f", zh="甲", en="a", lasting=minutes(20), max_gap=minutes(15))
def lasts(x: float) -> bool:
    return x > 3


@rule(on="Air.x", opens="f", zh="甲", en="a", clears=1.5)
def below(x: float) -> bool:
    return x < 3


@rule(on="Air.x", opens="f", zh="甲", en="a", lasting=minutes(10), clears=0.5)
def within_band(x: float) -> bool:
    return 2 < x <= 6


@rule(on="Air.x", opens="f", zh="甲", en="a", max_gap=minutes(40))
def beside(x: float, y: float, p_ends: float) -> bool:
    return x > 2 and (not y > 4 or x > p_ends)


@rule(on="Air.x", opens="f", zh="甲", en="a")
def quotient(x: float, y: float) -> bool:
    return max(x, y) - min(x, y) > abs(-x) / 2


@rule(on="Air.x", opens="f", zh="甲", en="a", clears=0.8)
def beyond(x: float, z: float) -> bool:
    """Nothing watches z for itself."""
    return x > z


@rule(on="Air.y", opens="f", zh="甲", en="a", unchanged=minutes(20), max_gap=minutes(60))
def stuck(y: float) -> bool:
    return y > 1


@rule(on="Air.y", opens="f", zh="甲", en="a", absent=minutes(30))
def silent(y: float) -> bool:
    return True


@rule(on="Air.y", opens="f", zh="甲", en="a", baseline=2.0)
def strange(y: float) -> bool:
    return True


@rule(on="Water.x", opens="f", zh="甲", en="a", lasting=hours(1))
def wet(x: float) -> bool:
    return x > 1


RULES = (
    above_five,
    clears_low,
    above_limit,
    above_ends,
    lasts,
    below,
    within_band,
    beside,
    quotient,
    beyond,
    stuck,
    silent,
    strange,
    wet,
)

PLANS = [compile_rule(each, PARAMETERS) for each in RULES]


def beside_unknown(values: Mapping[str, float | None]) -> bool:
    """Kleene by hand: `or` is true when one side is, whatever is unknown of the other."""
    x, y, ends = values["x"], values["y"], values["p_ends"]
    assert x is not None
    return x > 2 and ((y is not None and y <= 4) or (ends is not None and x > ends))


UNKNOWN = {"beside": beside_unknown}

steps = st.sampled_from([-7, 0, 1, 3, 3, 5, 5, 10, 16, 31, 45])
values = st.sampled_from([0.0, 1.0, 2.0, 2.5, 3.0, 4.0, 4.5, 5.0, 6.0, 7.0, 9.0])


@st.composite
def streams(draw: st.DrawFn) -> list[list[Observation]]:
    """Rows of one instant each (one or both attributes, in any order), some late; gaps small and wide."""
    now, rows = START, []
    for _ in range(draw(st.integers(1, 60))):
        now += draw(steps) * MINUTE
        entity = draw(st.sampled_from(sorted(TYPES)))
        names = draw(st.sampled_from([("x",), ("y",), ("x", "y"), ("y", "x"), ("x", "z"), ("z",)]))
        rows.append([Observation(entity, name, now, draw(values)) for name in names])
    return rows


def evaluator() -> Evaluator:
    pins = Pins(PARAMETERS, "110000", "Asia/Shanghai")
    return Evaluator(PLANS, pins, lambda ids: {id: {"id": id, "type": TYPES[id]} for id in ids})


def episodes(findings: Sequence[Finding], judge: Evaluator) -> list[Episode]:
    """Ended episodes and those that stand."""
    told = [finding for finding in findings if finding.end is not None] + list(judge.standing())
    return sorted(
        ((f.plan.name, f.entity, f.start, f.end, f.value, f.count) for f in told), key=lambda e: (*e[:3], e[3] or 0)
    )


def expected(records: Sequence[Sequence[Observation]]) -> list[Episode]:
    reference = Reference(RULES, TYPES, parameters, UNKNOWN, low={"below"})
    for record in records:
        reference.record(record)
    found = reference.episodes + reference.standing()
    return sorted(found, key=lambda e: (*e[:3], e[3] or 0))


def flat(rows: Sequence[Sequence[Observation]]) -> list[Observation]:
    return [observation for row in rows for observation in row]


@settings(max_examples=150, deadline=None)
@given(streams())
def test_one_record_equals_the_reference(rows: list[list[Observation]]) -> None:
    judge = evaluator()
    record = flat(rows)
    assert episodes(judge.read([Batch(observations(record), 1)]), judge) == expected([record])


@settings(max_examples=150, deadline=None)
@given(streams(), st.sets(st.integers(1, 59)), st.sampled_from(["reads", "records", "restarts"]))
def test_cuts_equal_the_reference(rows: list[list[Observation]], cuts: set[int], how: str) -> None:
    bounds = [0, *sorted(cut for cut in cuts if cut < len(rows)), len(rows)]
    records = [flat(rows[a:b]) for a, b in pairwise(bounds)]
    batches = [Batch(observations(record), seq, 0, True) for seq, record in enumerate(records)]
    judge = evaluator()
    found: list[Finding] = []
    if how == "records":
        found += judge.read(batches)
    else:
        kept: list[bytes] = []
        for batch in batches:
            found += judge.read([batch])
            if how == "restarts":
                kept.append(memory.pack(judge.changes.take(judge.watches)))
                judge = evaluator()
                for body in kept:
                    memory.apply(judge, memory.unpack(body))
    assert episodes(found, judge) == expected(records)


@settings(max_examples=60, deadline=None)
@given(streams(), st.integers(1, 8), st.booleans())
def test_rows_equal_columns(rows: list[list[Observation]], size: int, texts: bool) -> None:
    """Small batches are judged as the journal holds them, large ones in columns."""
    stream = flat(rows)
    records = [stream[i : i + size] for i in range(0, len(stream), size)]
    if texts and stream:
        last = stream[-1]
        records.append([Observation(last.entity, last.attribute, last.observed_at + 1, "open"), last])
    columns, plain = evaluator(), evaluator()
    wanted = columns.read([Batch(observations(record), seq) for seq, record in enumerate(records)])
    found = plain.read(
        [Batch([msgspec.structs.astuple(each) for each in record], seq) for seq, record in enumerate(records)]
    )
    assert episodes(found, plain) == episodes(wanted, columns)
    assert [each.seq for each in found] == [each.seq for each in wanted]


@settings(max_examples=60, deadline=None)
@given(streams(), st.integers(1, 59))
def test_pages_bring_the_same_memory_back(rows: list[list[Observation]], cut: int) -> None:
    records = [flat(rows[:cut]), flat(rows[cut:])]
    first, second = (Batch(observations(record), 1) for record in records)
    judge = evaluator()
    found = judge.read([first])
    again = evaluator()
    for _, _, entries in memory.everything(judge):
        memory.apply(again, memory.unpack(memory.pack(entries)))
    found += again.read([second])
    assert episodes(found, again) == expected(records)
