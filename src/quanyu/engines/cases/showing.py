"""Parts of a case as faces show them: clocks, the problem bank, outcomes, findings."""

from __future__ import annotations

from typing import Any

import msgspec

from quanyu.engines.cases.clocks import light
from quanyu.engines.cases.state import CaseState
from quanyu.kernel.flow import ENDINGS
from quanyu.kernel.journal import Instant
from quanyu.kernel.unit import find_unit, symbol


def clock_document(clock: Any, case: CaseState, now: Instant) -> dict[str, Any]:
    """Show a clock with its pauses, what was added to it, and its light."""
    document: dict[str, Any] = {name: getattr(clock, name) for name in clock.__struct_fields__}
    document["pauses"] = [{"from": start, "to": end, "ground": ground} for start, end, ground in clock.pauses]
    document["longer"] = list(case.longer(clock))
    return document | {"light": light(clock, case.seen_at if case.historical else now)}


def bank_document(case: CaseState, now: Instant) -> dict[str, Any] | None:
    """Show why a case lies in the problem bank and whether somebody should have looked at it again."""
    if case.bank is None:
        return None
    document: dict[str, Any] = msgspec.to_builtins(case.bank)
    return document | {"overdue": now >= case.bank.remind_at}


def keeping_document(case: CaseState) -> dict[str, Any] | None:
    """Show until when what the case tells of a person is kept, under which limit, and when it was erased."""
    if case.keep is None:
        return None
    return {"erases_at": case.keep.due, "limit": case.keep.limit, "parameter": case.keep.parameter,
            "from": case.keep.start, "erased_at": case.erased_at}  # fmt: skip


def dated_documents(case: CaseState, now: Instant) -> dict[str, Any]:
    """Show what runs besides the clocks: the problem bank, and how long what is told of a person is kept."""
    return {"bank": bank_document(case, now), "keeping": keeping_document(case)}


def outcome_document(case: CaseState) -> dict[str, Any] | None:
    """Show how a case ended, with the title of the word."""
    if case.outcome is None:
        return None
    ending = ENDINGS[case.outcome.word]
    made = {name: getattr(case.outcome, name) for name in ("word", "note", "date", "who", "by", "at")}
    return made | {"title": {"zh": ending.zh, "en": ending.en}}


def finding_document(finding: Any) -> dict[str, Any]:
    """Show what a rule saw, with the sign of its unit."""
    return {
        "from": finding.start,
        "to": finding.end,
        "value": finding.value,
        "limit": finding.limit,
        "unit": finding.unit,
        "unit_symbol": symbol(finding.unit) if finding.unit and find_unit(finding.unit) else finding.unit,
        "severity": finding.severity,
        "why": finding.why,
        "count": finding.count,
    }
