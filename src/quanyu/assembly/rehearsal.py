"""What a change would have meant for the days before: rules over the history, flows and limits over the cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from quanyu.assembly.law import LawBook, refers
from quanyu.assembly.replaying import Breath
from quanyu.engines.cases.office import Office
from quanyu.engines.cases.rehearse import FlowRehearsal
from quanyu.engines.cases.views import CasesView
from quanyu.engines.changes.law import Law, of_name, read_row
from quanyu.engines.changes.store import Change
from quanyu.engines.indicators.formula import Plan as Formula
from quanyu.engines.rules.comparing import Stay, Version, compared
from quanyu.engines.rules.compile import Plan, compile_rule
from quanyu.engines.rules.pins import Pins
from quanyu.engines.rules.rehearse import laid, window_us
from quanyu.engines.rules.store import text_of
from quanyu.kernel.declare import Rule
from quanyu.kernel.entity import Document, Observations
from quanyu.kernel.flow import Flow, expand_calls, flow_from_document
from quanyu.kernel.journal import Instant
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.rule_file import rule_from_document
from quanyu.kernel.time import day_of
from quanyu.kernel.view import EVERYTHING, CaseQuery, Query

if TYPE_CHECKING:
    from quanyu.assembly.hub import Hub

DAY_US = 86_400_000_000
PAGE = 200
ENTITIES_MAX = 20_000
SAMPLES_MAX = 10_000_000
SERIES_MAX = 100_000
"""Samples of one series; a series with more is read from its beginning and said to be cut."""
CASES_MAX = 100_000


class Pair:
    """One rule in two versions, by the parameters of two laws."""

    def __init__(
        self, name: str, before: Rule | None, after: Rule | None, laws: tuple[Parameters, Parameters], hub: Hub
    ) -> None:
        self.name = name
        self.plans = tuple(
            None if rule is None else compile_rule(rule, parameters)
            for rule, parameters in zip((before, after), laws, strict=True)
        )
        self.pins = tuple(Pins(parameters, hub.city.code, hub.city.zone) for parameters in laws)
        self.versions: list[Version] = []

    @property
    def known(self) -> Plan:
        """The plan that stands on at least one side."""
        plan = self.plans[0] or self.plans[1]
        assert plan is not None, f"rule {self.name} stands on no side"
        return plan

    @property
    def attributes(self) -> tuple[str, ...]:
        """Everything that either version reads, the judged attribute last."""
        plans = [plan for plan in self.plans if plan is not None]
        read = dict.fromkeys(name for plan in plans for name in plan.attributes)
        return (*(name for name in read if name != self.known.rule.attribute), self.known.rule.attribute)

    def pinned(self, at: Instant) -> list[dict[str, Any]]:
        """Return, for both laws, the versions of the parameters that were used."""
        return [
            {
                "law": word,
                "id": pin.id,
                "version": pin.version,
                "value": pin.value,
                "status": pin.status,
            }
            for word, plan, pins in zip(("before", "after"), self.plans, self.pins, strict=True)
            if plan is not None and plan.parameters
            for pin in pins.epoch_at(plan.parameters, at).pinned.values()
            if pin is not None
        ]


class Rehearsal:
    """One replay: `run` returns the outcome as the record keeps it."""

    def __init__(self, hub: Hub, book: LawBook, change: Change, days: int, breath: Breath) -> None:
        self.hub, self.change, self.breath = hub, change, breath
        self.law: Law = book.law
        self.until = hub.clock.now()
        self.since = self.until - days * DAY_US
        self.seq = hub.last_seq
        self.data_at: Instant | None = None
        self.cut = False
        self._places: dict[str, str | None] = {}
        self._documents: dict[str, Document] = {}
        self._versions: dict[str, Flow] = {}

    def run(self, days: int) -> dict[str, Any]:
        """Walk through the history and the cases once; raises Stopped when somebody stops it."""
        after = self._parameters()
        pairs = self._pairs((self.law.parameters, after))
        flows = self._flows()
        for pair in pairs:
            pair.versions = [
                Version(plan, pins, self._describe, self.since)
                for plan, pins in zip(pair.plans, pair.pins, strict=True)
            ]
        self._walk_history(pairs)
        stays = self._stays(pairs) if pairs else {}
        for pair in pairs:
            for version in pair.versions:
                version.finish(self.until)
        rules = [self._compared(pair, stays.get(pair.name, {})) for pair in pairs]
        return {
            "days": days,
            "from": self.since,
            "to": self.until,
            "seq": self.seq,
            "data_at": self.data_at,
            "simulated": self.hub.simulated,
            "entities": self.breath.job.entities,
            "samples": self.breath.job.samples,
            "cut": self.cut,
            "parameters": [pin for pair in pairs for pin in pair.pinned(self.until)],
            "rules": rules,
            "indicators": self._indicators(),
            "flows": self._walk_cases(flows, after),
        }

    def _compared(self, pair: Pair, stays: Mapping[str, Sequence[Stay]]) -> dict[str, Any]:
        before, after = pair.versions
        return compared(pair.name, before, after, self.until, self.hub.city.zone, self._places, stays)

    # -- what is compared ---------------------------------------------------------------------------------------------

    def _parameters(self) -> Parameters:
        """Return the parameters as if the new row had stood through all these days."""
        if self.change.kind != "parameter":
            return self.law.parameters
        # A little earlier than asked: what a rule remembers at the beginning was judged by the same row.
        first = day_of(self.since - 32 * DAY_US, self.hub.city.zone)
        document = {**self.change.definition, "valid_from": first.isoformat(), "valid_to": None}
        return self.law.parameters.under([read_row(document)])

    def _pairs(self, laws: tuple[Parameters, Parameters]) -> list[Pair]:
        kind, name, law = self.change.kind, self.change.name, self.law
        if kind == "rule":
            present = of_name(law.rules, name)
            new = None if self.change.definition["off"] else rule_from_document(self.change.definition)
            return [] if present is None and new is None else [Pair(name, present, new, laws, self.hub)]
        if kind == "flow":
            return []
        pairs = [Pair(rule.name, rule, rule, laws, self.hub) for rule in law.rules]
        return [pair for pair in pairs if name in pair.known.parameters]

    def _flows(self) -> dict[str, tuple[Flow | None, Flow | None]]:
        kind, name, law = self.change.kind, self.change.name, self.law
        if kind == "rule":
            return {}
        before = expand_calls(law.flows)
        if kind == "flow":
            others = [flow for flow in law.flows if flow.name != name]
            after = expand_calls([*others, flow_from_document(self.change.definition)])
            return {name: (of_name(before, name), of_name(after, name))}
        return {flow.name: (flow, flow) for flow in before if any(refers(each, name) for each in flow.parameters)}

    def _indicators(self) -> list[dict[str, Any]]:
        """Name the indicators that compute with the parameter: they are not replayed, but will move."""
        if self.change.kind != "parameter":
            return []
        return [
            {"name": each.name, "title": dict(each.title)}
            for pack in self.hub.packs
            for each in pack.indicators
            if self.change.name in Formula(each, self.law.parameters).parameters
        ]

    # -- rules over the history ---------------------------------------------------------------------------------------

    def _walk_history(self, pairs: Sequence[Pair]) -> None:
        by_type: dict[str, list[Pair]] = {}
        for pair in pairs:
            by_type.setdefault(pair.known.rule.type, []).append(pair)
        entities = self.hub.views.entities
        total = sum(entities.count(Query(type=type_), EVERYTHING) for type_ in by_type) or 1
        job = self.breath.job
        for type_, mine in by_type.items():
            names = tuple(dict.fromkeys(name for pair in mine for name in pair.attributes))
            start = self.since - max(window_us(plan) for pair in mine for plan in pair.plans if plan is not None)
            for document in self._entities(type_):
                if job.entities >= ENTITIES_MAX or job.samples >= SAMPLES_MAX:
                    self.cut = True
                    return
                seen = self._read(document["id"], names, start)
                if len(seen):
                    for pair in mine:
                        for version in pair.versions:
                            version.read(seen)
                job.entities += 1
                job.samples += len(seen)
                self.breath.take(0.8 * job.entities / total)

    def _entities(self, type_: str) -> Iterator[Document]:
        after: str | None = None
        while True:
            page = self.hub.views.entities.query(Query(type=type_, limit=PAGE, after=after), EVERYTHING)
            self._documents = {document["id"]: document for document in page.items}
            self._places |= {id: text_of(document, "district") for id, document in self._documents.items()}
            yield from page.items
            if page.after is None:
                return
            after = page.after

    def _describe(self, ids: Sequence[str]) -> Mapping[str, Document]:
        return {id: self._documents[id] for id in ids if id in self._documents}

    def _read(self, entity: str, names: Sequence[str], start: Instant) -> Observations:
        history = self.hub.views.history
        series = [history.series(entity, name, start, self.until, SERIES_MAX) for name in names]
        self.cut = self.cut or any(len(each.at) == SERIES_MAX for each in series)
        newest = max((each.at[-1] for each in series if len(each.at)), default=None)
        if newest is not None:
            self.data_at = max(newest, self.data_at or newest)
        return laid(entity, series)

    # -- the cases of that time ---------------------------------------------------------------------------------------

    def _stays(self, pairs: Sequence[Pair]) -> dict[str, dict[str, list[Stay]]]:
        """Return, by rule and asset, the cases that were open meanwhile, also those opened up to a month before."""
        found: dict[str, dict[str, list[Stay]]] = {pair.name: {} for pair in pairs}
        query = CaseQuery(list="all", sort="opened", opened_from=self.since - 31 * DAY_US, limit=PAGE)
        for _, head, state in self._cases(query):
            if head.asset is None or head.asset not in self._places:
                continue
            for name, by_asset in found.items():
                stay = Stay(state.opened_at, state.closed_at, head.rule == name)
                by_asset.setdefault(head.asset, []).append(stay)
        return found

    def _walk_cases(
        self, flows: Mapping[str, tuple[Flow | None, Flow | None]], after: Parameters
    ) -> list[dict[str, Any]]:
        if not flows:
            return []
        offices = [
            Office([], parameters, self.hub.calendar, lambda _: (), None, self.hub.city.code)
            for parameters in (self.law.parameters, after)
        ]
        version_of = self._version if self.change.kind == "flow" else None
        rehearsals = {
            name: FlowRehearsal((offices[0], old), (offices[1], new), self.until, version_of)
            for name, (old, new) in flows.items()
        }
        only = next(iter(flows)) if len(flows) == 1 else None
        query = CaseQuery(list="all", sort="opened", flow=only, opened_from=self.since, limit=PAGE)
        for case in self._cases(query):
            if case[1].flow in rehearsals:
                rehearsals[case[1].flow].see(case)
        return [rehearsal.outcome() for rehearsal in rehearsals.values()]

    def _version(self, digest: str) -> Flow:
        """Return the flow that a case pinned."""
        if digest not in self._versions:
            document = self.hub.views.cases.find_flow(digest)
            assert document is not None, f"flow {digest} was pinned and never defined"
            self._versions[digest] = flow_from_document(document)
        return self._versions[digest]

    def _cases(self, query: CaseQuery) -> Iterator[Any]:
        view = self.hub.views.cases
        assert isinstance(view, CasesView)
        for count, case in enumerate(view.states(query, EVERYTHING)):
            if count >= CASES_MAX:
                self.cut = True
                return
            if not count % PAGE:
                self.breath.take()
            self.breath.job.cases = count + 1
            yield case
