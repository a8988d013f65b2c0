"""Threshold rules over batches of observations, against the same rules event by event in Python."""

from __future__ import annotations

import importlib.util
import statistics
import sys
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from bench.measure import Result, cpu_s, result
from quanyu.engines.rules.compile import Plan, compile_rule
from quanyu.engines.rules.evaluate import Batch, Evaluator, Finding
from quanyu.engines.rules.memory import pack
from quanyu.engines.rules.pins import Pins
from quanyu.kernel.declare import Rule
from quanyu.kernel.entity import Observations
from quanyu.kernel.parameter import Parameter, Parameters

TYPES = 5
RULES = 20
SENSORS = 10_000
EVENTS = 10_000
BATCHES = 20
ROUNDS = 5
START = 1_772_409_600_000_000
SECOND = 1_000_000
CLEARS = 0.9
DECLARED = '''
@rule(on="Kind{type}.value", opens="inspect", zh="规则", en="rule", clears={clears})
def kind{type}_above_{number}(value: float, limit_{type}: float) -> bool:
    """Above a multiple of the limit."""
    return value > {factor} * limit_{type}
'''


def declared() -> list[Plan]:
    """Return 20 rules on each of 5 types, with limits from 1.0 to 1.95 times a parameter."""
    text = "from quanyu.kernel.declare import rule\n" + "".join(
        DECLARED.format(type=type_, number=number, factor=round(1 + 0.05 * number, 2), clears=CLEARS)
        for type_ in range(TYPES)
        for number in range(RULES)
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench_declared_rules.py"
        path.write_text(text, "utf-8")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None and spec.loader is not None
        module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        rules = (value for value in vars(module).values() if isinstance(value, Rule))
        return [compile_rule(rule, parameters()) for rule in rules]


def parameters() -> Parameters:
    """Return one limit for each type."""
    return Parameters(
        Parameter(f"limit_{n}", 60.0, "C62", date(2020, 1, 1), None, "CN", "bench", "unverified", "限值", "limit")
        for n in range(TYPES)
    )


def sensor(number: int) -> str:
    """Return an id."""
    return f"urn:ngsi-ld:Kind{number % TYPES}:{number:06d}"


def judge(plans: Sequence[Plan]) -> Evaluator:
    """Return an evaluator without memory."""
    values = parameters()
    types = {sensor(number): f"Kind{number % TYPES}" for number in range(SENSORS)}
    return Evaluator(plans, Pins(values, "CN", "Asia/Shanghai"), lambda ids: {id: types[id] for id in ids})


def stream(seed: int) -> list[Batch]:
    """Return batches of 10,000 events of random sensors: each swings slowly about its own level, with jitter."""
    import numpy as np

    chance = np.random.default_rng(seed)
    level, phase = chance.normal(50, 8, SENSORS), chance.random(SENSORS) * 6.28
    batches = []
    for number in range(BATCHES):
        who = chance.integers(0, SENSORS, EVENTS)
        at = START + number * 60 * SECOND + np.arange(EVENTS) * 60 * SECOND // EVENTS
        value = level[who] + 6 * np.sin(phase[who] + number * 6.28 / 1440) + chance.normal(0, 1, EVENTS)
        columns = (array("i", who.tolist()), array("i", bytes(4 * EVENTS)), array("q", at.tolist()))
        # Fresh names in every batch, as a journal gives them.
        names = tuple(sensor(n) for n in range(SENSORS))
        batches.append(Batch(Observations(names, ("value",), *columns, array("d", value.tolist())), number + 1, START))
    return batches


Episode = tuple[str, str, int, int | None, float, int]


class PerEvent:
    """The peer: rules by type, a dict of what stands, plain Python conditions, one event at a time."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules: dict[str, list[tuple[str, Any]]] = {}
        for rule in rules:
            self.rules.setdefault(rule.type, []).append((rule.name, rule.condition))
        self.limit = 60.0
        self.last: dict[str, int] = {}
        self.standing: dict[tuple[str, str], list[Any]] = {}
        self.ended: list[Episode] = []

    def read(self, batch: Observations) -> None:
        """Judge a batch event by event."""
        last, standing, ended, names, limit = self.last, self.standing, self.ended, batch.entities, self.limit
        for number, at, value in zip(batch.entity, batch.observed_at, batch.value, strict=True):
            entity = names[number]
            if at <= last.get(entity, 0):
                continue
            last[entity] = at
            for name, condition in self.rules[f"Kind{number % TYPES}"]:
                key = (name, entity)
                run = standing.get(key)
                if run is None:
                    if condition(value, limit):
                        standing[key] = [at, value, 1]
                elif condition(value, limit) or condition(value / CLEARS, limit):
                    run[1] = max(run[1], value)
                    run[2] += 1
                else:
                    ended.append((name, entity, run[0], at, run[1], run[2]))
                    del standing[key]

    def episodes(self) -> list[Episode]:
        """Return what ended and what stands, ordered."""
        open_ = [(name, entity, run[0], None, run[1], run[2]) for (name, entity), run in self.standing.items()]
        return sorted(self.ended + open_, key=_order)


def episodes(findings: Sequence[Finding], judged: Evaluator) -> list[Episode]:
    """Return what ended and what stands, ordered."""
    told = [finding for finding in findings if finding.end is not None] + list(judged.standing())
    found = [(f.plan.name, f.entity, f.start, f.end, f.value, f.count) for f in told]
    return sorted(found, key=_order)  # type: ignore[arg-type]


def _order(episode: Episode) -> tuple[str, str, int]:
    return episode[:3]


def threshold_rules() -> Iterator[Result]:
    """[rules.events], [rules.vs_python]: 100 rules with hysteresis on 10,000 sensors, findings and memory included."""
    plans, batches = declared(), stream(7)
    judges = [judge(plans) for _ in range(ROUNDS + 1)]
    ours, theirs, told = [], [], 0
    for judged in judges:
        findings: list[Finding] = []
        kept: list[bytes] = []

        def vectors(judged: Evaluator = judged, findings: list[Finding] = findings, kept: list[bytes] = kept) -> None:
            for batch in batches:
                findings += judged.read([batch])
                kept.append(pack(judged.changes.take()))

        peer = PerEvent([plan.rule for plan in plans])

        def events(peer: PerEvent = peer) -> None:
            for batch in batches[: BATCHES // 4]:
                peer.read(batch.observations)

        ours.append(cpu_s(vectors) / (BATCHES * EVENTS))
        theirs.append(cpu_s(events) / (BATCHES // 4 * EVENTS))
        told = len(findings)
    for batch in batches[BATCHES // 4 :]:
        peer.read(batch.observations)
    assert episodes(findings, judged) == peer.episodes(), "the vectors and the events disagree"
    mine, slow = statistics.median(ours[1:]), statistics.median(theirs[1:])
    detail = f"{told} findings in {BATCHES * EVENTS} events, memory packed after each batch of {EVENTS}"
    yield result("rules.events", 1e-6 / mine, "M/s", "higher", "none", detail, 5)
    detail = f"{slow * 1e6:.2f} µs against {mine * 1e6:.3f} µs CPU an event, findings equal"
    yield result("rules.vs_python", slow / mine, "ratio", "higher", "per event, by type, with state", detail, 20)
