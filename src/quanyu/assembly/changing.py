"""Changes as faces see them: proposals with their differences and replays, rules as sentences, a rule on trial."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from quanyu.assembly.catalogue import unit_symbol
from quanyu.assembly.law import LawBook
from quanyu.assembly.rehearsal import Rehearsal
from quanyu.assembly.replaying import Breath, Job, Replays
from quanyu.engines.cases.engine import CasesEngine
from quanyu.engines.changes.deciding import no_kind
from quanyu.engines.changes.law import Law, of_name
from quanyu.engines.changes.store import CHANGE, Change, change_of, number_of, unknown
from quanyu.engines.changes.words import Words, differences
from quanyu.engines.rules.compile import compile_rule, condition_of
from quanyu.engines.rules.engine import RulesReader
from quanyu.engines.rules.pins import Pins
from quanyu.engines.rules.saying import condition_words, sentence
from quanyu.engines.rules.store import Label
from quanyu.engines.rules.trial import Sample, tried
from quanyu.kernel.declare import Rule
from quanyu.kernel.errors import Missing
from quanyu.kernel.journal import Instant, Record
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.rule_file import rule_document, rule_from_document
from quanyu.kernel.time import day_of

if TYPE_CHECKING:
    from quanyu.assembly.hub import Hub

DAY_US = 86_400_000_000
HIT_DAYS = 30
log = structlog.get_logger()


class Changes:
    """What is proposed, in force and replayed; `rules` gives its hit counters once it runs."""

    def __init__(self, hub: Hub, book: LawBook, labels: Mapping[tuple[str, str], Label]) -> None:
        self._hub, self.book, self._labels = hub, book, labels
        self.rules: RulesReader | None = None
        self.replays = Replays(self._rehearse, hub.commit_blocking, hub.machine)

    @property
    def law(self) -> Law:
        """What is in force."""
        return self.book.law

    # -- changes ------------------------------------------------------------------------------------------------------

    def query(
        self,
        kind: str | None = None,
        name: str | None = None,
        state: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[dict[str, Any]]:
        """Return changes, newest first, without definitions and outcomes."""
        rows = sorted(self._hub.store.rows(CHANGE), reverse=True)
        found = (change_of(row) for row in rows if before is None or row[0] < before)
        wanted = (
            each
            for each in found
            if kind in (None, each.kind) and name in (None, each.name) and state in (None, each.state)
        )
        return [self._summary(each) for each, _ in zip(wanted, range(limit), strict=False)]

    def find(self, id: str) -> dict[str, Any]:
        """Return a change with its differences, sentences, replay and running job; raises Missing (change.unknown)."""
        change = self.get(id)
        return self._summary(change) | {
            "definition": change.definition,
            "before": change.before,
            "replay": None if change.replay is None else msgspec.to_builtins(change.replay),
            "job": self.job(id),
            **self._said(change.kind, change.before, change.definition),
        }

    def summary(self, id: str) -> dict[str, Any]:
        """Return a change without definition and outcome; raises Missing (change.unknown)."""
        return self._summary(self.get(id))

    def get(self, id: str) -> Change:
        """Return a change as it stands; raises Missing (change.unknown)."""
        number = number_of(id)
        found = next((row for row in self._hub.store.rows(CHANGE) if row[0] == number), None)
        if found is None:
            raise unknown(id)
        return change_of(found)

    def _summary(self, change: Change) -> dict[str, Any]:
        latest = self.law.numbers.get((change.kind, change.line), 0)
        replay = change.replay
        return {
            "id": change.id,
            "number": change.number,
            "kind": change.kind,
            "name": change.name,
            "title": self._title(change),
            "state": change.state,
            "why": change.why,
            "revision": change.revision,
            "proposed_by": change.authors[0],
            "proposed_at": change.proposed_at,
            "authors": list(change.authors),
            "edited_at": change.edited_at or None,
            "replayed": replay is not None and replay.revision == change.revision,
            "base": change.base,
            "base_moved": change.state == "proposed" and latest != change.base,
            "release": change.release,
            "in_force_at": change.in_force_from,
            "decided_by": change.decided_by,
            "decided_at": change.decided_at,
            "reason": change.reason,
            "rolled_back_by": change.rolled_back_by,
            "rolled_back_at": change.rolled_back_at,
            "superseded_by": change.superseded_by,
        }

    def _title(self, change: Change) -> Words:
        document = change.definition
        title: Words = document["title"] if "title" in document else {"zh": document["zh"], "en": document["en"]}
        return title

    def check(self, kind: str, name: str, definition: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a proposal would say, and keep nothing; raises what would refuse it."""
        judge = self.book.checks.get(kind)
        if judge is None:
            raise no_kind(kind)
        checked = judge(name, dict(definition), self._hub.clock.now(), "proposed")
        return {
            "definition": checked.document,
            "before": checked.before,
            **self._said(kind, checked.before, checked.document),
        }

    def _said(self, kind: str, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> dict[str, Any]:
        """Return the differences of two definitions; of rules the sentences, too."""
        names = dict(self._names(str(after.get("on", "")).partition(".")[0]))
        found: dict[str, Any] = {"differences": differences(before, after, lambda text: condition_words(text, names))}
        if kind == "rule":
            texts = {"before": before, "after": after}
            found["sentences"] = {
                word: None if text is None else self._sentence(rule_from_document(dict(text)))
                for word, text in texts.items()
            }
        return found

    # -- replays ------------------------------------------------------------------------------------------------------

    def start_replay(self, id: str, days: int, asked_by: str) -> dict[str, Any]:
        """Begin a replay of a proposal over so many days."""
        return msgspec.structs.asdict(self.replays.start(self.get(id), days, asked_by))

    def stop_replay(self, id: str) -> dict[str, Any]:
        """Stop the replay of a proposal."""
        return msgspec.structs.asdict(self.replays.stop(id))

    def job(self, id: str) -> dict[str, Any] | None:
        """Return how far the newest replay is; None when none was started since the hub opened."""
        job: Job | None = self.replays.find(number_of(id))
        return None if job is None else msgspec.structs.asdict(job)

    def _rehearse(self, change: Change, days: int, breath: Breath) -> dict[str, Any]:
        return Rehearsal(self._hub, self.book, change, days, breath).run(days)

    # -- rules --------------------------------------------------------------------------------------------------------

    def rule_list(self) -> list[dict[str, Any]]:
        """Return all rules: as sentences, with their version, source, and how often they fired of late."""
        since = self._hub.clock.now() - HIT_DAYS * DAY_US
        hits = {} if self.rules is None else self.rules.hits.since(since)
        return [self._rule(rule, hits.get(rule.name, {})) for rule in self.law.every_rule]

    def rule(self, name: str) -> dict[str, Any]:
        """Return one rule; raises Missing (rule.unknown)."""
        found = next((each for each in self.rule_list() if each["name"] == name), None)
        if found is None:
            raise _no_rule(name)
        return found

    def _rule(self, rule: Rule, hits: Mapping[str, int]) -> dict[str, Any]:
        release = self.law.numbers.get(("rule", rule.name), 0)
        off = rule.name in self.law.off
        return {
            "name": rule.name,
            "title": dict(rule.title),
            "on": rule.on,
            "opens": rule.opens,
            "severity": rule.severity,
            "condition": condition_of(rule),
            "doc": rule.doc,
            "pack": self.book.packs.get(("rule", rule.name)),
            "off": off,
            "release": release,
            "hash": compile_rule(rule, self.law.parameters).hash,
            "definition": rule_document(rule, condition_of(rule), off),
            "options": {
                name: str(value)
                for name in ("lasting", "max_gap", "absent", "unchanged", "clears", "baseline", "within", "group_by")
                if (value := getattr(rule, name)) is not None
            },
            "sentence": self._sentence(rule),
            "hits": {"days": dict(hits), "total": sum(hits.values()), "window_days": HIT_DAYS},
        }

    def trial(
        self, name: str, definition: Mapping[str, Any] | None, samples: Sequence[Sample], until: Instant | None
    ) -> list[dict[str, Any]]:
        """Try a rule, as it stands or as it would be, on a series; raises what a proposal would raise."""
        at = self._hub.clock.now()
        if definition is None:
            found = of_name(self.law.every_rule, name)
            if found is None:
                raise _no_rule(name)
            rule: Rule = found
        else:
            rule = rule_from_document(self.book.checks["rule"](name, dict(definition), at, "restored").document)
        plan = compile_rule(rule, self.law.parameters)
        pins = Pins(self.law.parameters, self._hub.city.code, self._hub.city.zone)
        label = self._labels.get((rule.type, rule.attribute), Label(rule.attribute, rule.attribute))
        titles = {row.id: {"zh": row.zh, "en": row.en} for row in self.law.parameters}
        return list(tried(plan, pins, samples, label, titles, until))

    # -- words --------------------------------------------------------------------------------------------------------

    @cached_property
    def _types(self) -> Mapping[str, Words]:
        return {row["type"]: row["title"] for row in self._hub.catalogue.types() if row["title"]}

    def _sentence(self, rule: Rule) -> dict[str, Words]:
        flow = of_name(self.law.flows, rule.opens)
        type_words = self._types.get(rule.type, {"zh": rule.type, "en": rule.type})
        flow_words = {"zh": rule.opens, "en": rule.opens} if flow is None else dict(flow.title)
        return sentence(rule, condition_of(rule), dict(self._names(rule.type)), type_words, flow_words)

    def _names(self, type_: str) -> Iterator[tuple[str, Words]]:
        """Yield what attributes of a type and parameters are called, the latter with what they are today."""
        today = day_of(self._hub.clock.now(), self._hub.city.zone)
        for name in {row.id for row in self.law.parameters}:
            try:
                row = self.law.parameters.get_row(name, today, self._hub.city.code)
            except Missing:
                continue
            amount = f"{row.value} {unit_symbol(row.unit)}".strip()
            yield name, {"zh": f"{row.zh}({amount})", "en": f"{row.en} ({amount})"}
        for (kind, name), label in self._labels.items():
            if kind == type_:
                yield name, {"zh": label.zh, "en": label.en}


def take_up(hub: Hub, book: LawBook, renewals: Sequence[Callable[[Parameters], None]]) -> None:
    """Let whoever decides, counts and shows go by a release from the moment that its receipt is given.

    The rules engine is not among them: it takes a release up where it stands in the journal.
    """
    engines = [engine for engine in hub.engines if isinstance(engine, CasesEngine)]

    def take(record: Record) -> None:
        try:
            law = book.renew()
            for engine in engines:
                engine.renew(parameters=law.parameters, flows=law.flows)
            hub.parameters = law.parameters
            for renew in renewals:
                renew(law.parameters)
        except Exception as error:  # a runner: the release is durable and holds from the next start; the writer goes on
            log.error("release not taken up", change=record.subject, error=str(error), exc_info=error)

    hub.takers |= {"change.released": take, "change.rolled_back": take}


def _no_rule(name: str) -> Missing:
    return Missing(
        f"Rule {name[:80]!r} does not exist.",
        code="rule.unknown",
        where="name",
        remedy="GET /api/v1/rules lists them.",
    )
