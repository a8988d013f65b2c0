"""A rule as a document: what the journal keeps of a rule that a city wrote, its condition as text."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from quanyu.kernel.declare import Rule, Severity
from quanyu.kernel.errors import Invalid
from quanyu.kernel.flow import NAME
from quanyu.kernel.time import Limit, parse_limit

TEXT_MAX: Final = 2_000
"""Characters of a condition."""
LENGTHS: Final = ("lasting", "max_gap", "absent", "unchanged")
NUMBERS: Final = ("clears", "baseline")


class Written(msgspec.Struct, frozen=True):
    """The condition of a rule that a city wrote: one expression as text, compiled like the body of a function."""

    text: str

    def __call__(self, *_: Any, **__: Any) -> Any:
        """Stand where a function stands; conditions are compiled, never called."""
        raise AssertionError("a condition is compiled, not called")


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    on: str
    when: str
    severity: Severity
    opens: str
    title: dict[str, str]
    lasting: str | None = None
    clears: float | None = None
    max_gap: str | None = None
    absent: str | None = None
    unchanged: str | None = None
    baseline: float | None = None
    group_by: str | None = None
    doc: str = ""
    off: bool = False


def rule_document(rule: Rule, when: str, off: bool = False) -> dict[str, Any]:
    """Return a rule in JSON types; `when` is its condition as text, lengths read as an official writes them."""
    document: dict[str, Any] = {
        "name": rule.name,
        "on": rule.on,
        "when": when,
        "severity": rule.severity,
        "opens": rule.opens,
        "title": dict(rule.title),
        "doc": rule.doc,
        "off": off,
    }
    document |= {name: None if getattr(rule, name) is None else str(getattr(rule, name)) for name in LENGTHS}
    return document | {name: getattr(rule, name) for name in (*NUMBERS, "group_by")}


def rule_from_document(document: dict[str, Any]) -> Rule:
    """Return the rule that a document describes; raises Invalid `rule.document` with the field.

    Whether its condition has a vector form, and what its names mean, is judged when it is compiled.
    """
    try:
        read = msgspec.convert(document, _Document)
    except msgspec.ValidationError as fault:
        raise _refusal(str(fault), None) from fault
    if not NAME.match(read.name):
        raise _refusal(f"the name {read.name[:80]!r} is not in snake_case", "name")
    if not read.when.strip() or len(read.when) > TEXT_MAX:
        raise _refusal(f"the condition is empty or longer than {TEXT_MAX} characters", "when")
    for language in ("zh", "en"):
        if not read.title.get(language, "").strip():
            raise _refusal(f"the title has no words in {language}", "title")
    return Rule(
        name=read.name,
        on=read.on,
        condition=Written(read.when.strip()),
        opens=read.opens,
        severity=read.severity,
        title={language: read.title[language].strip() for language in ("zh", "en")},
        clears=read.clears,
        baseline=read.baseline,
        group_by=read.group_by,
        doc=read.doc,
        lasting=_length("lasting", read.lasting),
        max_gap=_length("max_gap", read.max_gap),
        absent=_length("absent", read.absent),
        unchanged=_length("unchanged", read.unchanged),
    )


def _length(name: str, text: str | None) -> Limit | None:
    return None if text is None else parse_limit(text, where=name)


def _refusal(why: str, where: str | None) -> Invalid:
    return Invalid(
        f"Rule cannot be read: {why}.",
        code="rule.document",
        where=where,
        remedy='Write name, on, when, severity, opens and title in zh and en; lengths like "1 hour".',
    )
