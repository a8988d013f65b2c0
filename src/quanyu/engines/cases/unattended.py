"""Does what a flow leaves to the hub: a step by `machine` is done as soon as a case comes to it, under the hub's own name.

Where such a step ends the case, its note says what was compared and with what result, so that a decision that nobody
attended can be read like any other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from quanyu.engines.cases.option import MACHINE
from quanyu.engines.cases.views import CasesView
from quanyu.kernel.journal import Command, Effects, Instant, Record, Table
from quanyu.kernel.view import EVERYTHING

NOTE: Final = ("数据比对符合,无人工干预办结", "Decided by comparison of data, nobody attending")


class Unattended:
    """The reader that does the steps of machines; it remembers nothing, cursors see to it that nothing is done twice."""

    name: Final = "unattended"
    wants: Collection[str] | None = frozenset({"case.opened", "case.acted", "case.timed"})
    tables: Collection[Table] = ()

    def __init__(self, cases: CasesView) -> None:
        self._cases = cases

    def read(self, records: Sequence[Record], now: Instant) -> Effects:
        """Do each step by `machine` at which a record left a case."""
        return Effects([command for record in records for command in self._done(record)])

    def _done(self, record: Record) -> Iterator[Command]:
        body = record.body or {}
        if body.get("historical"):
            return
        steps = {token[1] for token in body.get("tokens", ()) if token[3] == MACHINE}
        if not steps:
            return
        for option in self._cases.next_actions(record.subject, EVERYTHING):
            if option["action"] in steps and option["step"] == option["action"]:
                fields = {"outcome": option["outcomes"][0]} if option["outcomes"] else {}
                act: dict[str, Any] = {"action": option["action"], "step": option["step"], "fields": fields}
                if fields:
                    act["note"] = _note(body.get("compared", ()))
                yield Command("case.act", record.subject, act, provenance="derived", cause=record.seq)


def _note(compared: Sequence[Mapping[str, Any]]) -> str:
    """Return what was compared and held, in zh and en; what did not hold had no part in the decision."""
    held = [each for each in compared if each["holds"]]
    told = [";".join(each[language] for each in held) for language in ("zh", "en")]
    said = [f"{words}:{facts}" if facts else words for words, facts in zip(NOTE, told, strict=True)]
    return " / ".join(said)
