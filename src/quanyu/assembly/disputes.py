"""What applicants say is not right in a register becomes a case of the department that keeps it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from quanyu.engines.cases.state import CaseState
from quanyu.engines.cases.views import CasesView
from quanyu.kernel.form import Blank, Forms
from quanyu.kernel.journal import Command, Effects, Instant, Record, Table, provenance_kind
from quanyu.kernel.view import EVERYTHING, Registers

FLOW = "register_correction"
OWNER = "owner"
"""The role of the flow that the department takes."""


class DisputesReader:
    """Opens a case for each item of a register that an application contradicts when it is handed in, once.

    The case names register, subject and element; what is held and what the applicant says stay sealed where they are.
    """

    name = "disputes"
    wants: Collection[str] | None = frozenset({"case.acted"})
    tables: Collection[Table] = ()

    def __init__(self, cases: CasesView, forms: Forms, registers: Registers, flows: Collection[str]) -> None:
        self._cases, self._forms, self._registers = cases, forms, registers
        self._opens = FLOW in flows

    def read(self, records: Sequence[Record], now: Instant) -> Effects:
        """Look at each form that was handed in."""
        return Effects([command for record in records if self._opens for command in self._disputed(record)])

    def _disputed(self, record: Record) -> Iterator[Command]:
        body = record.body or {}
        if "form" not in body or body.get("historical"):
            return
        found = self._cases.form(record.subject, body["step"], EVERYTHING)
        case = self._cases.find(record.subject, EVERYTHING) if found is not None else None
        if found is None or case is None:
            return
        blank, state = found
        earlier = [each for each in case["application"]["handed_in"] if each["seq"] < record.seq]
        before = {line["name"] for line in earlier[-1].get("held", ())} if earlier else None
        for name in state.contradicted:
            if before is None or name in before:
                yield from self._case(record, record.subject.rpartition(":")[2], blank, state, name)

    def _case(self, record: Record, number: str, blank: Blank, state: CaseState, name: str) -> Iterator[Command]:
        item = blank.by_name.get(name)
        lines = [
            (line["as_of"], subject, line["register"])
            for subject in state.subjects
            for line in self._registers.shelf(subject)
            if item is not None and line["element"] == item.element
        ]
        if item is None or not lines:
            return
        _, subject, id = max(lines)
        register = self._forms.get_register(id)
        title = {
            "zh": f"核实“{register.zh}”中的“{item.title.zh}”",
            "en": f"Verify “{item.title.en}” in “{register.en}”",
        }
        text = (
            f"申请 {number} 的申请人指出{register.zh}({id})中 {subject} 的 {item.element}({item.title.zh})有误,请核实。\n"
            f"The applicant of {number} says that {item.element} ({item.title.en}) of {subject} in {register.en} ({id}) is"
            " not right."
        )
        opening: Mapping[str, Any] = {
            "flow": FLOW, "title": title, "text": text, "channel": "rule", "units": {OWNER: register.owner},
        }  # fmt: skip
        source = "simulated" if provenance_kind(record.provenance) == "simulated" else "derived"
        yield Command("case.open", "", dict(opening), f"{source}:disputes", cause=record.seq)
