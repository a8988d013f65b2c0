"""Findings become `case.find`: one command per rule, asset or group, and episode that a read has news of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from quanyu.engines.rules.evaluate import Finding
from quanyu.engines.rules.store import Describe, Label, Labels, place_of, text_of
from quanyu.engines.rules.words import Titles, parameters_of, why
from quanyu.kernel.entity import Document
from quanyu.kernel.journal import Command


class Folder:
    """Folds findings by asset or, for rules with `group_by`, by group: it lasts while one of its assets stands."""

    def __init__(self, describe: Describe, labels: Labels, titles: Titles) -> None:
        self._describe, self._labels, self._titles = describe, labels, titles
        self._groups: dict[str, dict[str, Finding]] = {}
        self._group_of: dict[tuple[str, str], str] = {}

    def resume(self, standing: Iterable[Finding]) -> None:
        """Take up the groups that stand at the start."""
        grouped = [finding for finding in standing if finding.plan.rule.group_by is not None]
        documents = self._describe([finding.entity for finding in grouped]) if grouped else {}
        for finding in grouped:
            self._groups.setdefault(self._key(finding, documents), {})[finding.entity] = finding

    def commands(self, findings: Sequence[Finding], simulated: Iterable[int]) -> list[Command]:
        """Return the commands for new findings; `simulated`: seqs of records that said so."""
        if not findings:
            return []
        documents = self._describe(list(dict.fromkeys(finding.entity for finding in findings)))
        made_up = frozenset(simulated)
        commands = []
        told: dict[str, Finding] = {}
        for finding in sorted(findings, key=lambda finding: finding.last):
            key = self._key(finding, documents)
            if finding.plan.rule.group_by is None:
                commands.append(self._command(key, finding, documents, made_up))
                continue
            whole = self._join(key, finding)
            before = told.get(key)
            if before is not None and before.start != whole.start:
                commands.append(self._command(key, told.pop(key), documents, made_up))
            told[key] = whole
        return commands + [self._command(key, whole, documents, made_up) for key, whole in told.items()]

    def _key(self, finding: Finding, documents: dict[str, Document] | Any) -> str:
        rule = finding.plan.rule
        if rule.group_by is None:
            return f"rule:{rule.name}|asset:{finding.entity}"
        # A member belongs where it began, whatever its document says later; a deleted one has no document.
        known = self._group_of.get((rule.name, finding.entity))
        if known is None:
            group = text_of(documents.get(finding.entity, {}), rule.group_by) or "-"
            known = self._group_of[rule.name, finding.entity] = f"rule:{rule.name}|group:{group}"
        if finding.end is not None:
            self._group_of.pop((rule.name, finding.entity))
        return known

    def _join(self, key: str, finding: Finding) -> Finding:
        """Return the group's finding: from its first member, the worst value, the samples of all."""
        members = self._groups.setdefault(key, {})
        members[finding.entity] = finding
        everyone = list(members.values())
        pick = max if finding.plan.upward else min
        values = [member.value for member in everyone if member.value is not None]
        if finding.end is not None and all(member.end is not None for member in everyone):
            del self._groups[key]
            end: int | None = max(member.end for member in everyone if member.end is not None)
        else:
            end = None
        return msgspec.structs.replace(
            finding,
            start=min(member.start for member in everyone),
            end=end,
            last=max(member.last for member in everyone),
            value=pick(values) if values else None,
            count=sum(member.count for member in everyone),
        )

    def _command(self, key: str, finding: Finding, documents: Any, made_up: frozenset[int]) -> Command:
        rule = finding.plan.rule
        label = self._labels.get((rule.type, rule.attribute), Label(rule.attribute, rule.attribute))
        grouped = rule.group_by is not None
        body: dict[str, Any] = {
            "rule": rule.name,
            "rule_version": finding.plan.hash,
            "rule_title": dict(rule.title),
            "severity": rule.severity,
            "flow": rule.opens,
            "asset": None if grouped else finding.entity,
            "asset_type": rule.type,
            "attribute": rule.attribute,
            "from": finding.start,
            "to": finding.end,
            "value": finding.value,
            "limit": finding.limit,
            "unit": label.unit,
            "why": why(finding, label, self._titles),
            "count": finding.count,
            "place": place_of(documents.get(finding.entity, {})),
            "as": "history" if finding.historical else "live",
            "parameters": parameters_of(finding.pins),
        }
        provenance = "simulated:rules" if finding.seq in made_up else "derived:rules"
        return Command("case.find", key, body, provenance, finding.seq or None)
