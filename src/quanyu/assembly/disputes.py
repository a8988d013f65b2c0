"""What applicants say is not right in a register becomes a case of the department that keeps it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from quanyu.assembly.hub import Hub
from quanyu.assembly.personal import read_personal
from quanyu.engines.cases.papers import SEALED
from quanyu.engines.cases.views import CasesView
from quanyu.kernel.errors import Missing
from quanyu.kernel.form import Item, Register
from quanyu.kernel.journal import Command, Effects, Instant, Record, Table, provenance_kind
from quanyu.kernel.view import EVERYTHING, Registers

FLOW = "register_correction"
OWNER = "owner"
"""The role of the flow that the department takes."""
PURPOSE = "核实登记信息 · to verify what a register holds"


class Dispute(msgspec.Struct, frozen=True):
    """One item of a register that an application contradicts."""

    application: str
    subject: str
    register: str
    item: Item

    def opening(self, register: Register) -> dict[str, Any]:
        """Return the case that the department gets: it names what is disputed, and shows no value."""
        number, item = self.application.rpartition(":")[2], self.item
        title = {
            "zh": f"核实“{register.zh}”中的“{item.title.zh}”",
            "en": f"Verify “{item.title.en}” in “{register.en}”",
        }
        text = (
            f"申请 {number} 的申请人指出{register.zh}({register.id})中 {self.subject} 的 {item.element}({item.title.zh})有误,"
            f"请核实。\nThe applicant of {number} says that {item.element} ({item.title.en}) of {self.subject} in"
            f" {register.en} ({register.id}) is not right."
        )
        return {"flow": FLOW, "title": title, "text": text, "channel": "rule", "units": {OWNER: register.owner}}


class DisputesReader:
    """Opens a case for each item of a register that an application contradicts when it is handed in, once.

    What is held and what the applicant says stay sealed where they are; `said` shows both to the department.
    """

    name = "disputes"
    wants: Collection[str] | None = frozenset({"case.acted"})
    tables: Collection[Table] = ()

    def __init__(
        self, cases: CasesView, register: Mapping[str, Register], registers: Registers, flows: Collection[str]
    ) -> None:
        self._cases, self._register, self._registers = cases, register, registers
        self._opens = FLOW in flows

    def read(self, records: Sequence[Record], now: Instant) -> Effects:
        """Look at each form that was handed in."""
        return Effects([command for record in records if self._opens for command in self._opened(record)])

    def _opened(self, record: Record) -> Iterator[Command]:
        source = "simulated" if provenance_kind(record.provenance) == "simulated" else "derived"
        for each in disputes_of(record, self._cases, self._registers):
            body = each.opening(self._register[each.register])
            yield Command("case.open", "", body, f"{source}:disputes", cause=record.seq)


def disputes_of(record: Record, cases: CasesView, registers: Registers) -> Iterator[Dispute]:
    """Yield what the form that a record hands in contradicts, but for what was contradicted when it came before."""
    body = record.body or {}
    if "form" not in body or body.get("historical"):
        return
    found = cases.form(record.subject, body["step"], EVERYTHING)
    case = cases.find(record.subject, EVERYTHING) if found is not None else None
    if found is None or case is None:
        return
    blank, state = found
    earlier = [each for each in case["application"]["handed_in"] if each["seq"] < record.seq]
    before = {line["name"] for line in earlier[-1].get("held", ())} if earlier else None
    for name in state.contradicted:
        item = blank.by_name.get(name)
        if item is None or (before is not None and name not in before):
            continue
        lines = [
            (line["as_of"], subject, line["register"])
            for subject in state.subjects
            for line in registers.shelf(subject)
            if line["element"] == item.element
        ]
        if lines:
            _, subject, register = max(lines)
            yield Dispute(record.subject, subject, register, item)


def get_dispute(hub: Hub, case: Mapping[str, Any]) -> Dispute:
    """Return what a case of correction is about; raises Missing (`register.dispute`) where nothing is disputed."""
    cases, registers = hub.views.cases, hub.views.registers
    assert isinstance(cases, CasesView), "a hub with forms has its own cases"
    assert registers is not None, "a hub with forms has registers"
    opened = hub.journal_read(case["actions"][0]["seq"] - 1, 1)[0]
    cause = hub.journal_read(opened.cause - 1, 1) if opened.cause is not None else []
    for each in disputes_of(cause[0], cases, registers) if cause else ():
        if each.opening(hub.forms.get_register(each.register))["title"] == case["title"]:
            return each
    raise Missing(
        f"Case {case['id']} is about nothing that an applicant disputes now.",
        code="register.dispute",
        where="id",
        remedy="Cases of the flow register_correction are; the applicant may have taken it back.",
    )


def said(hub: Hub, dispute: Dispute, actor: str, case: str) -> dict[str, Any]:
    """Return what the register holds and what the applicant says instead, both written down as read by the actor."""
    element = dispute.item.element or ""
    held = hub.fetches.fetch(dispute.subject, [element], actor, PURPOSE, f"case {case}").get(element)
    application = hub.views.cases.find(dispute.application, EVERYTHING) or {}
    answers = (application.get("application") or {}).get("forms", ())
    lines = [line for form in answers for line in form["answers"] if line["name"] == dispute.item.name]
    word = lines[0].get("value") if lines else None
    if lines and SEALED in lines[0]:
        opened = read_personal(hub, str(lines[0][SEALED]), actor, PURPOSE)
        word = msgspec.json.decode(opened[dispute.item.name])
    return {
        "case": case,
        "application": dispute.application,
        "subject": dispute.subject,
        "register": dispute.register,
        "element": element,
        "title": {"zh": dispute.item.title.zh, "en": dispute.item.title.en},
        "held": msgspec.to_builtins(held),
        "said": word,
    }
