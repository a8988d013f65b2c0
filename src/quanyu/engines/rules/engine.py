"""The reader of rules: judges what is observed, asks for cases, and keeps its memory with its cursor."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from quanyu.engines.rules import memory
from quanyu.engines.rules.book import Book
from quanyu.engines.rules.columns import Batch
from quanyu.engines.rules.compile import Plan, compile_rule
from quanyu.engines.rules.evaluate import Evaluator, Finding
from quanyu.engines.rules.fold import Folder
from quanyu.engines.rules.hits import Hits
from quanyu.engines.rules.pins import Pins
from quanyu.engines.rules.rehearse import warm
from quanyu.engines.rules.store import RULE_HIT, RULE_PAGE, RULE_STEP, Describe, Labels, Laws, Past, ReaderState
from quanyu.kernel.declare import Rule
from quanyu.kernel.entity import batch_of
from quanyu.kernel.errors import Unavailable
from quanyu.kernel.journal import Change, Command, Effects, Instant, Record, Table, provenance_kind
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.view import History

HELD_PLACES_MAX: Final = 50_000
HELD_READS_MAX: Final = 200
"""Batches without a finding are remembered in memory only, until so many series or reads have gone by: the cursor waits
with them, so that a restart reads them again."""
RELEASES: Final = frozenset({"change.released", "change.rolled_back"})


class RulesReader:
    """Reads observations; its memory is pages, and steps since, exactly as of its cursor.

    A changed rule has a new hash: what stood under the old one is passed over, and the rule is `cold` until warmed.
    `laws` gives rules and parameters with what the city released up to a record: a release is taken up where it stands
    in the journal, so the next observation is judged by it, now and whenever the journal is read again.
    `stated` describes entities that are met, where their last values, which are heard anyway, would have to be waited for.
    """

    name: Final = "rules"
    rest_s: Final = 0.05
    wants: Final = RELEASES | {"observed", "entity.created", "entity.replaced", "entity.merged", "entity.deleted"}
    tables: Final[tuple[Table, ...]] = (RULE_PAGE, RULE_STEP, RULE_HIT)

    def __init__(
        self,
        rules: Iterable[Rule],
        parameters: Parameters,
        describe: Describe,
        labels: Labels,
        state: ReaderState,
        *,
        jurisdiction: str,
        zone: str,
        laws: Laws | None = None,
        past: Past | None = None,
        stated: Describe | None = None,
    ) -> None:
        self._place = (jurisdiction, zone)
        self._describe = describe
        self._meet = stated or describe
        self._laws, self._past = laws, past
        self._evaluator = self._ruled_by(rules, parameters)
        titles = {row.id: {"zh": row.zh, "en": row.en} for row in parameters}
        self._folder = Folder(describe, labels, titles)
        self._taken = 0
        self._durable = 0
        self._reads = 0
        self._last: Effects | None = None
        self._stepped: list[Change] = []
        self._book = Book()
        self.hits = Hits(state, zone)
        self.cold: tuple[Plan, ...] = ()
        """Rules that have no memory here: new or changed since the last start."""
        self._knows(self._book.load(state, self._evaluator))
        self._folder.resume(self._evaluator.standing())

    def _ruled_by(self, rules: Iterable[Rule], parameters: Parameters) -> Evaluator:
        self._plans = tuple(compile_rule(rule, parameters) for rule in rules)
        self._pins = Pins(parameters, *self._place)
        self._stated = frozenset({"type"}.union(*(plan.attributes for plan in self._plans)))
        return Evaluator(self._plans, self._pins, self._meet)

    def _knows(self, hashes: set[str]) -> None:
        self.cold = tuple(plan for plan in self._plans if plan.hash not in hashes)
        if self.cold:
            self._evaluator.changes.ruled([plan.hash for plan in self._plans])

    @property
    def minds(self) -> Collection[str]:
        """Which kinds concern it at present: without a rule, releases alone."""
        return self.wants if self._plans else RELEASES

    @property
    def next_wake(self) -> Instant | None:
        """City time at which a series that still lives will have been silent for too long."""
        return self._evaluator.next_wake

    def warm(self, history: History, entities: Sequence[str], now: Instant) -> None:
        """Give the cold rules the memory that they would have, from the history of these entities before `now`.

        What holds already is told with the next sample; `now` is the city time of the reader's cursor.
        """
        documents = self._describe(entities)
        for plan in self.cold:
            mine = [entity for entity in entities if documents.get(entity, {}).get("type") == plan.rule.type]
            warm(self._evaluator, plan, self._pins, self._describe, history, mine, now)
        self.cold = ()

    def read(self, records: Sequence[Record], now: Instant) -> Effects:
        """Judge records in order. Records whose effects could not be committed come again: they are not judged twice."""
        again = records[0].seq <= self._taken
        fresh = [record for record in records if record.seq > self._taken] if again else records
        before = self._last if again and self._last is not None else Effects()
        simulated = {record.seq for record in fresh if provenance_kind(record.provenance) == "simulated"}
        parts = [(record, _batch(record)) for record in fresh]
        findings = list(self._judge(parts))
        self.hits.count(findings)
        self._taken = records[-1].seq
        self._reads += 1
        effects = self._effects(self._folder.commands(findings, simulated), before)
        self._last = effects
        return effects

    def wake(self, now: Instant) -> Effects:
        """Tell what has been silent for too long."""
        findings = self._evaluator.wake(now)
        self.hits.count(findings)
        return self._effects(self._folder.commands(findings, ()), Effects())

    def flush(self) -> Effects:
        """Write down what is only remembered, so that the cursor may stand at what was read."""
        self._durable, self._reads = self._taken, 0
        if self._evaluator.changes.empty and not self._stepped:
            return Effects()
        return Effects((), tuple(self._steps()))

    def unknown(self) -> dict[str, int]:
        """Return, by rule, how many samples could not be judged since the start because a parameter has no value then."""
        counts = (watch.unknown for watch in self._evaluator.watches)
        return {name: count for each in counts for name, count in each.items() if count}

    def _judge(self, parts: Sequence[tuple[Record, Batch | None]]) -> Iterator[Finding]:
        batches: list[Batch] = []
        for record, batch in parts:
            if batch is not None:
                batches.append(batch)
                continue
            if batches:
                yield from self._evaluator.read(batches)
                batches = []
            if record.kind in RELEASES:
                yield from self._take_up(record)
            elif record.kind == "entity.deleted":
                yield from self._evaluator.drop(record.subject, record.at, record.seq)
            elif not _beside(record, self._stated):
                self._evaluator.population.forget(record.subject)
        yield from self._evaluator.read(batches)

    def _take_up(self, record: Record) -> Iterator[Finding]:
        """Judge by the law of this record from now on; rules that stayed the same keep their memory.

        What stood under a rule that changed or went ends here; what holds under the new words is told with the next
        sample, as after a restart.
        """
        if self._laws is None or record.body is None or record.body["kind"] == "flow":
            return
        old, law = self._evaluator, self._laws(record.seq)
        self._evaluator = self._ruled_by(law.rules, law.parameters)
        hashes = {plan.hash for plan in self._plans}
        for finding in old.standing():
            if finding.plan.hash not in hashes:
                end = max(record.at, finding.start)
                yield msgspec.structs.replace(finding, end=end, last=end, seq=record.seq)
        entries = [entry for _, _, part in memory.everything(old) for entry in part]
        # Who is where comes before what was seen of them.
        self._knows(memory.apply(self._evaluator, sorted(entries, key=lambda entry: entry[0] not in memory.FIRST)))
        if self.cold and self._past is not None:
            types = sorted({plan.rule.type for plan in self.cold})
            ids = [entity for type_ in types for entity in self._past.entities(type_)]
            # A history that cannot say now costs the rule its first hours, not the reader its work.
            with suppress(Unavailable):
                self.warm(self._past.history, ids, record.at)
        self._stepped += self._book.rewrite(self._evaluator)

    def _effects(self, commands: Sequence[Command], before: Effects) -> Effects:
        """Step when something is to be told or enough was touched; else let the cursor wait."""
        changes = self._evaluator.changes
        if changes.empty and not commands and not self._stepped:
            return before
        held = changes.size < HELD_PLACES_MAX and self._reads < HELD_READS_MAX and not self._stepped
        if held and not commands and not before.commands and not before.delta:
            return Effects(upto=self._durable)
        self._durable, self._reads = self._taken, 0
        return Effects([*before.commands, *commands], (*before.delta, *self._steps()))

    def _steps(self) -> Iterator[Change]:
        """Yield the rows that bring the book to the present, in order."""
        stepped, self._stepped = self._stepped, []
        yield from stepped
        if not (stepped and self._evaluator.changes.empty):
            yield from self._book.step(self._evaluator)
        yield from self.hits.take()


def _batch(record: Record) -> Batch | None:
    if record.kind != "observed":
        return None
    body = record.body
    assert body is not None
    seen = body["rows"] if "rows" in body else batch_of(body)
    return Batch(seen, record.seq, record.at, body.get("as") == "history")


def _beside(record: Record, names: frozenset[str]) -> bool:
    """Say whether a record changes nothing of an entity that conditions read."""
    assert record.body is not None
    return record.kind == "entity.merged" and names.isdisjoint(record.body["patch"])
