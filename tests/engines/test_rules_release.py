"""The reader takes a release up where it stands in the journal, whatever is restarted and however records are cut."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from quanyu.engines.rules.engine import RulesReader
from quanyu.engines.rules.store import Label, Past
from quanyu.kernel.declare import Rule, rule
from quanyu.kernel.entity import Document, Observation, body_of, observations
from quanyu.kernel.journal import Command, Record
from quanyu.kernel.parameter import Parameter, Parameters
from quanyu.kernel.rule_file import rule_document, rule_from_document
from quanyu.kernel.time import hours
from quanyu.kernel.view import Series
from tests.engines.test_rules_reader import HOUR, START, Rows

DAY = date(2026, 3, 2)


@rule(on="Air.x", opens="inspect", zh="过高", en="High", clears=0.9)
def high(x: float, x_limit: float) -> bool:
    return x > x_limit


@rule(on="Air.x", opens="inspect", zh="持续过高", en="Long high", lasting=hours(2))
def long_high(x: float) -> bool:
    return x > 80


@rule(on="Air.x", opens="mend", zh="无数据", en="Silent", absent=hours(3))
def silent(x: float) -> bool:
    return True


class Law(NamedTuple):
    rules: Sequence[Rule]
    parameters: Parameters


def row(value: float) -> Parameter:
    return Parameter("x_limit", value, "GQ", DAY, None, "CN", "test", "unverified", "限值", "limit")


BASE = Law([high, long_high, silent], Parameters([row(100)]))
TEXT = {"high": "x > x_limit", "long_high": "x > 80", "silent": "x >= 0"}


def written(each: Rule, **changes: Any) -> Rule:
    return rule_from_document(rule_document(each, TEXT[each.name]) | changes)


LAWS: list[Callable[[], Law]] = [
    lambda: BASE,
    lambda: Law(BASE.rules, BASE.parameters.under([row(60)])),
    lambda: Law([written(high, when="x > 2 * x_limit"), long_high, silent], BASE.parameters),
    lambda: Law([written(high), silent], BASE.parameters),
    lambda: Law([high, written(long_high, lasting="1 hour"), silent], BASE.parameters.under([row(120)])),
]


class Bench:
    """A reader over records at hand; `shut` and reopen loses what was not written."""

    def __init__(self, past: Past | None = None) -> None:
        self.rows = Rows()
        self.records: list[Record] = []
        self.released: dict[int, Law] = {}
        self.commands: list[Command] = []
        self.cursor = self.seen = 0
        self.past = past
        self.open()

    def law(self, seq: int) -> Law:
        known = [law for at, law in sorted(self.released.items()) if at <= seq]
        return known[-1] if known else BASE

    def open(self) -> None:
        law = self.law(self.cursor)
        labels = {("Air", "x"): Label("浓度", "Level")}
        self.reader = RulesReader(
            law.rules, law.parameters, _all_air, labels, self.rows, jurisdiction="CN", zone="Asia/Shanghai",
            laws=self.law, past=self.past,
        )  # fmt: skip
        self.seen = self.cursor

    def observe(self, entity: str, hour: float, value: float) -> None:
        at = START + round(hour * HOUR)
        body = body_of(observations([Observation(f"urn:{entity}", "x", at, value)]))
        self._add("observed", body, at)

    def release(self, law: Law, hour: float) -> None:
        self.released[len(self.records) + 1] = law
        self._add("change.released", {"kind": "rule"}, START + round(hour * HOUR))

    def _add(self, kind: str, body: dict[str, Any], at: int) -> None:
        self.records.append(Record(len(self.records) + 1, at, "person:1", kind, 1, "s", body, None, "measured"))

    def read(self, size: int = 100) -> None:
        while batch := self.records[self.seen : self.seen + size]:
            effects = self.reader.read(batch, batch[-1].at)
            self.rows.write(effects)
            self.commands += effects.commands
            self.seen = batch[-1].seq
            self.cursor = max(self.cursor, self.seen if effects.upto is None else min(effects.upto, self.seen))

    @property
    def episodes(self) -> dict[tuple[str, int], int | None]:
        """What was told, by subject and beginning: the end that was told last."""
        return {(command.subject, command.body["from"]): command.body["to"] for command in self.commands}


def _all_air(ids: Sequence[str]) -> Mapping[str, Document]:
    return {id: {"id": id, "type": "Air"} for id in ids}


def test_a_threshold_acts_on_the_next_observation() -> None:
    bench = Bench()
    bench.observe("a", 0, 90)
    bench.release(LAWS[1](), 0.5)
    bench.read()
    assert bench.commands == [], "what was seen before is not judged anew"
    bench.observe("a", 1, 90)
    bench.read()
    [found] = bench.commands
    assert (found.body["from"], found.body["limit"]) == (START + HOUR, 60)


def test_what_stood_under_words_that_went_ends_with_the_release() -> None:
    bench = Bench()
    bench.observe("a", 0, 150)
    bench.observe("a", 1, 150)
    bench.observe("a", 2, 150)
    bench.release(LAWS[3](), 2.5)
    bench.read()
    assert bench.episodes == {
        ("rule:high|asset:urn:a", START): None,
        ("rule:long_high|asset:urn:a", START): START + round(2.5 * HOUR),
    }, "the same words written by the city are the same rule; the one that went has ended"
    assert bench.reader.hits.since(START) == {"high": {"2026-03-02": 1}, "long_high": {"2026-03-02": 1}}


class Memory:
    """A history that knows one series."""

    def series(self, entity: str, attribute: str, start: int, end: int, limit: int = 0) -> Series:
        points = [(START + hour * HOUR, 90.0) for hour in (0, 1) if start <= START + hour * HOUR < end]
        return Series(entity, attribute, [at for at, _ in points], [value for _, value in points])


def test_new_words_are_warmed_from_the_history() -> None:
    bench = Bench(Past(Memory(), lambda _: ["urn:a"]))  # type: ignore[arg-type]
    bench.release(Law([written(long_high, lasting="3 hours")], BASE.parameters), 1.5)
    bench.observe("a", 3, 95)
    bench.read()
    [found] = bench.commands
    assert found.body["from"] == START, "it held since the morning"


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("see"), st.sampled_from("ab"), st.integers(0, 260)),
        st.tuples(st.just("law"), st.just(""), st.integers(0, len(LAWS) - 1)),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=60)
@given(STEPS, st.integers(1, 7), st.sets(st.integers(0, 40)))
def test_cuts_and_restarts_change_nothing(steps: list[tuple[str, str, int]], size: int, restarts: set[int]) -> None:
    whole, cut = Bench(), Bench()
    for hour, (word, entity, number) in enumerate(steps):
        for bench in (whole, cut):
            if word == "see":
                bench.observe(entity, hour, number)
            else:
                bench.release(LAWS[number](), hour)
        whole.read(1)
        if hour % size == 0:
            cut.read(size)
        if hour in restarts:
            cut.read(size)
            cut.open()
    cut.read(size)
    assert cut.episodes == whole.episodes
