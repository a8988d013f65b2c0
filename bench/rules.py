"""Threshold rules over batches of observations, against the same rules event by event in Python."""

from __future__ import annotations

import importlib.util
import statistics
import sys
import tempfile
import time
from array import array
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from bench.measure import Result, result
from quanyu.engines.rules.columns import Batch
from quanyu.engines.rules.compile import Plan, compile_rule
from quanyu.engines.rules.evaluate import Evaluator, Finding
from quanyu.engines.rules.memory import pack
from quanyu.engines.rules.pins import Pins
from quanyu.kernel.declare import Rule
from quanyu.kernel.entity import Observations, batch_of, body_of
from quanyu.kernel.parameter import Parameter, Parameters

TYPES = 5
RULES = 20
SENSORS = 10_000
EVENTS = 10_000
BATCHES = 20
WARM = 5
"""Batches before the clock starts: they meet the sensors and tell what stands from the start."""
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
        assert spec is not None
        assert spec.loader is not None
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
    documents = {sensor(n): {"id": sensor(n), "type": f"Kind{n % TYPES}"} for n in range(SENSORS)}
    return Evaluator(plans, Pins(values, "CN", "Asia/Shanghai"), lambda ids: {id: documents[id] for id in ids})


def stream(seed: int, sweep: bool) -> list[bytes]:
    """Return bodies of batches of 10,000 events: every sensor swings slowly about its own level, with jitter.

    In a sweep every sensor reports once a batch, as polls and ticks do; else sensors report at random.
    """
    import numpy as np

    chance = np.random.default_rng(seed)
    level, phase = chance.normal(50, 8, SENSORS), chance.random(SENSORS) * 6.28
    batches = []
    for number in range(WARM + BATCHES):
        who = np.arange(SENSORS) if sweep else chance.integers(0, SENSORS, EVENTS)
        at = START + number * 60 * SECOND + np.arange(EVENTS) * 60 * SECOND // EVENTS
        value = level[who] + 6 * np.sin(phase[who] + number * 6.28 / 1440) + chance.normal(0, 1, EVENTS)
        met, entity = np.unique(who, return_inverse=True)
        columns = (array("i", entity.tolist()), array("i", bytes(4 * EVENTS)), array("q", at.tolist()))
        names = tuple(sensor(int(n)) for n in met)
        body = msgspec.msgpack.encode(body_of(Observations(names, ("value",), *columns, array("d", value.tolist()))))
        batches.append(body)
    return batches


def decoded(bodies: Sequence[bytes]) -> Iterator[Batch]:
    """Yield batches as a reader gets them: fresh names, columns over bytes."""
    return (Batch(batch_of(msgspec.msgpack.decode(body)), seq, START) for seq, body in enumerate(bodies))


Episode = tuple[str, str, int, int | None, float, int]


class PerEvent:
    """The peer: rules by type, a dict of what stands, plain Python conditions, one event at a time."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules: dict[str, list[tuple[str, Any]]] = {}
        for rule in rules:
            self.rules.setdefault(rule.type, []).append((rule.name, rule.condition))
        self.rules_of = {sensor(number): self.rules[f"Kind{number % TYPES}"] for number in range(SENSORS)}
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
            for name, condition in self.rules_of[entity]:
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
        open_: list[Episode] = [
            (name, entity, run[0], None, run[1], run[2]) for (name, entity), run in self.standing.items()
        ]
        return sorted(self.ended + open_, key=_order)


def episodes(findings: Sequence[Finding], judged: Evaluator) -> list[Episode]:
    """Return what ended and what stands, ordered."""
    told = [finding for finding in findings if finding.end is not None] + list(judged.standing())
    found = [(f.plan.name, f.entity, f.start, f.end, f.value, f.count) for f in told]
    return sorted(found, key=_order)  # type: ignore[arg-type]


def _order(episode: Episode) -> tuple[str, str, int]:
    return episode[:3]


def measured(plans: Sequence[Plan], bodies: Sequence[bytes]) -> tuple[float, float, float, int]:
    """Return median CPU seconds an event (read; read and packed; per event in Python), and how much was found."""
    reads: list[float] = []
    steps: list[float] = []
    peers: list[float] = []
    for _ in range(ROUNDS + 1):
        judged, peer = judge(plans), PerEvent([plan.rule for plan in plans])
        findings = judged.read(list(decoded(bodies[:WARM])))
        pack(judged.changes.take(judged.watches))
        first, read_s, step_s, peer_s = len(findings), 0.0, 0.0, 0.0
        for batch in decoded(bodies[WARM:]):
            start = time.process_time()
            findings += judged.read([batch])
            read = time.process_time()
            pack(judged.changes.take(judged.watches))
            read_s, step_s = read_s + read - start, step_s + time.process_time() - start
        for number, batch in enumerate(decoded(bodies)):
            start = time.process_time()
            assert not isinstance(batch.observations, list)
            peer.read(batch.observations)
            peer_s += time.process_time() - start if number >= WARM else 0
        for times, taken in zip((reads, steps, peers), (read_s, step_s, peer_s), strict=True):
            times.append(taken / (BATCHES * EVENTS))
    assert episodes(findings, judged) == peer.episodes(), "the vectors and the events disagree"
    read_each, step_each, peer_each = (statistics.median(times[1:]) for times in (reads, steps, peers))
    return read_each, step_each, peer_each, len(findings) - first


def threshold_rules() -> Iterator[Result]:
    """[rules.events], [rules.vs_python]: 100 rules with hysteresis on 10,000 sensors, findings and memory included."""
    plans = declared()
    read, step, slow, told = measured(plans, stream(7, sweep=True))
    mixed, _, mixed_slow, _ = measured(plans, stream(8, sweep=False))
    detail = (
        f"sweeps of {SENSORS} sensors: {read * 1e6:.3f} µs CPU an event, {told} findings in {BATCHES * EVENTS};"
        f" {1e-6 / step:.1f} M/s with memory packed after every batch; {1e-6 / mixed:.1f} M/s when sensors report at random"
    )
    yield result("rules.events", 1e-6 / read, "M/s", "higher", "none", detail, 5)
    detail = (
        f"{slow * 1e6:.2f} µs against {read * 1e6:.3f} µs CPU an event, findings equal;"
        f" {mixed_slow / mixed:.1f} when sensors report at random"
    )
    yield result("rules.vs_python", slow / read, "ratio", "higher", "per event, by type, with state", detail, 20)
