"""The law in force: what packs declare, with the city's releases laid over it, as of any record of the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

from quanyu.engines.changes.store import RELEASE, Release, Rows, release_of
from quanyu.kernel.declare import Rule
from quanyu.kernel.errors import QuanyuError
from quanyu.kernel.flow import Flow, expand_calls, flow_from_document
from quanyu.kernel.journal import Instant
from quanyu.kernel.parameter import Parameter, Parameters, parse_parameters
from quanyu.kernel.rule_file import rule_from_document
from quanyu.kernel.time import day_of

CITY = "city"
"""Stands where a pack's name stands, for what the city released."""


class Law(NamedTuple):
    """Rules that judge, all rules (those switched off too), flows and parameters; `numbers` of the releases in force.

    `drawings`: what flows in force were sent as, by name, when that was a picture. `faults`: released definitions that do
    not fit what the packs declare today, and are passed over.
    """

    rules: tuple[Rule, ...]
    every_rule: tuple[Rule, ...]
    flows: tuple[Flow, ...]
    parameters: Parameters
    numbers: Mapping[tuple[str, str], int]
    drawings: Mapping[str, Mapping[str, Any]]
    faults: tuple[str, ...] = ()

    @property
    def off(self) -> frozenset[str]:
        """Names of the rules that are switched off."""
        return frozenset(rule.name for rule in self.every_rule) - {rule.name for rule in self.rules}


class Base(NamedTuple):
    """What the packs declare."""

    rules: Sequence[Rule]
    flows: Sequence[Flow]
    parameters: Parameters


Fits = Callable[[Rule, Parameters], object]
"""Raises an error of the tree when a rule cannot be judged; handed in, because the rules engine alone knows."""


def releases_in(store: Rows, upto: int | None = None) -> dict[tuple[str, str], dict[int, Release]]:
    """Return the releases of each (kind, line) by number, up to a record's seq."""
    found: dict[tuple[str, str], dict[int, Release]] = {}
    for row in store.rows(RELEASE):
        kind, line, number, seq, _ = row
        if upto is None or seq <= upto:
            found.setdefault((kind, line), {})[number] = release_of(row)
    return found


def law_of(
    base: Base, releases: Mapping[tuple[str, str], Mapping[int, Release]], zone: str, fits: Fits = lambda *_: None
) -> Law:
    """Lay releases over what packs declare; a definition that does not fit any more is passed over and named."""
    faults: list[str] = []
    newest = {key: lines[max(lines)] for key, lines in releases.items()}
    rows = [row for key, lines in releases.items() if key[0] == "parameter" for row in rows_of(lines, zone, faults)]
    rows.sort(key=lambda each: each[0])
    parameters = base.parameters.under(row for _, row in rows if row.id in base.parameters)
    flows = {flow.name: flow for flow in base.flows}
    every = {rule.name: rule for rule in base.rules}
    off: set[str] = set()
    for (kind, name), release in newest.items():
        if release.definition is None or kind == "parameter":
            continue
        try:
            if kind == "flow":
                flows[name] = flow_from_document(release.definition)
                continue
            rule = rule_from_document(release.definition)
            fits(rule, parameters)
        except QuanyuError as fault:
            faults.append(f"{kind} {name}: {fault.message}")
            continue
        every[name] = rule
        if release.definition["off"]:
            off.add(name)
    try:
        expand_calls(flows.values())
    except QuanyuError as fault:
        faults.append(f"flows: {fault.message}")
        flows = {flow.name: flow for flow in base.flows}
    declared = {rule.name: rule for rule in base.rules}
    for rule in [each for each in every.values() if each.opens not in flows and each is not declared.get(each.name)]:
        faults.append(f"rule {rule.name}: it opens the flow {rule.opens!r}, which does not exist any more")
        every |= {rule.name: declared[rule.name]} if rule.name in declared else {}
        if rule.name not in declared:
            del every[rule.name]
    rules = tuple(rule for rule in every.values() if rule.name not in off)
    numbers = {key: max(lines) for key, lines in releases.items()}
    drawings = {name: each.drawing for (kind, name), each in newest.items() if kind == "flow" and each.drawing}
    return Law(rules, tuple(every.values()), tuple(flows.values()), parameters, numbers, drawings, tuple(faults))


def rows_of(lines: Mapping[int, Release], zone: str, faults: list[str]) -> list[tuple[Instant, Parameter]]:
    """Return the dated rows that a parameter's releases add, oldest first, with the instant of each release."""
    retired: dict[int, date] = {}
    for release in lines.values():
        if release.retires is not None:
            retired[release.retires] = day_of(release.at, zone)
    found = []
    for number, release in sorted(lines.items()):
        if release.definition is None:
            continue
        try:
            row = read_row(release.definition)
        except QuanyuError as fault:
            faults.append(f"parameter {release.definition.get('id')}: {fault.message}")
            continue
        found.append((release.at, replace(row, retired_from=retired.get(number))))
    return found


def read_row(document: Mapping[str, Any]) -> Parameter:
    """Return the parameter row of a document; raises Invalid (parameter.*) as a params.toml would."""
    given = {name: value for name, value in document.items() if value is not None}
    [row] = parse_parameters({"parameter": [given]}, pack=CITY)
    return row


def row_document(row: Parameter) -> dict[str, Any]:
    """Return a row in JSON types, days as texts."""
    document = {
        "id": row.id,
        "value": row.value,
        "unit": row.unit,
        "valid_from": row.valid_from.isoformat(),
        "valid_to": row.valid_to.isoformat() if row.valid_to else None,
        "jurisdiction": row.jurisdiction,
        "source": row.source,
        "status": row.status,
        "applies": row.applies,
        "zh": row.zh,
        "en": row.en,
        "note": row.note,
    }
    if row.emergency is not None:
        document["emergency"] = row.emergency
    return document if row.note else {name: value for name, value in document.items() if name != "note"}


def of_name(items: Iterable[Rule | Flow], name: str) -> Any:
    """Find a rule or a flow by its name."""
    return next((each for each in items if each.name == name), None)
