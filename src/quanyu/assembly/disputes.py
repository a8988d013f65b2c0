"""What applicants say is not right in a register becomes a case of the department that keeps it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from quanyu.assembly.hub import Hub
from quanyu.assembly.personal import read_personal
from quanyu.engines.cases.papers import NOTE_SEALED, SEALED
from quanyu.engines.cases.views import CasesView
from quanyu.kernel.errors import Missing
from quanyu.kernel.form import Item, Register
from quanyu.kernel.journal import Command, Effects, Instant, Record, Table, provenance_kind
from quanyu.kernel.view import EVERYTHING, Registers

FLOW = "register_correction"
OWNER = "owner"
"""The role of the flow that the department takes."""
CONTRADICT = "contradict"
PURPOSE = "核实登记信息 · to verify what a register holds"


class Dispute(msgspec.Struct, frozen=True):
    """One item of a register that an application contradicts."""

    application: str
    subject: str
    register: str
    item: Item
    channel: str
    note: str
    sealed: str | None = None
    """Where the applicant's words lie sealed; `note` has those of records that kept them in clear."""

    def opening(self, register: Register) -> dict[str, Any]:
        """Return the case that the department gets: it names what is disputed and shows no value; its subject sees it."""
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
        return {
            "flow": FLOW, "title": title, "text": text, "class": register.id, "severity": "info",
            "channel": self.channel, "units": {OWNER: register.owner}, "subjects": [self.subject],
        }  # fmt: skip


class DisputesReader:
    """Opens a case for each item of a register that an applicant contradicts, once; the application goes on meanwhile.

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
        """Look at each item that was contradicted."""
        return Effects([command for record in records if self._opens for command in self._opened(record)])

    def _opened(self, record: Record) -> Iterator[Command]:
        source = "simulated" if provenance_kind(record.provenance) == "simulated" else "derived"
        found = find_dispute(record, self._cases, self._registers)
        if found is not None:
            body = found.opening(self._register[found.register])
            yield Command("case.open", "", body, f"{source}:disputes", cause=record.seq)


def find_dispute(record: Record, cases: CasesView, registers: Registers) -> Dispute | None:
    """Return what a record contradicts in a register for the first time; None where it does no such thing."""
    body = record.body or {}
    fields = body.get("fields") or {}
    if body.get("action") != CONTRADICT or fields.get("right") is not False or body.get("historical"):
        return None
    found = cases.form(record.subject, body["step"], EVERYTHING)
    case = cases.find(record.subject, EVERYTHING) if found is not None else None
    item = found[0].by_name.get(fields["name"]) if found is not None else None
    if found is None or case is None or item is None:
        return None
    for entry in case["actions"]:
        if entry["action"] == CONTRADICT and entry["seq"] < record.seq and entry["fields"]["name"] == item.name:
            # Whoever took it back and says it again has told the department already.
            return None
    lines = [
        (line["as_of"], subject, line["register"])
        for subject in found[1].subjects
        for line in registers.shelf(subject)
        if line["element"] == item.element
    ]
    if not lines:
        return None
    _, subject, register = max(lines)
    return Dispute(
        record.subject, subject, register, item, case["channel"], str(body.get("note", "")), body.get(NOTE_SEALED)
    )


def get_dispute(hub: Hub, case: Mapping[str, Any]) -> Dispute:
    """Return what a case of correction is about; raises Missing (`register.dispute`) where nothing is disputed."""
    cases, registers = hub.views.cases, hub.views.registers
    assert isinstance(cases, CasesView), "a hub with forms has its own cases"
    assert registers is not None, "a hub with forms has registers"
    opened = hub.journal_read(case["actions"][0]["seq"] - 1, 1)[0]
    cause = hub.journal_read(opened.cause - 1, 1) if opened.cause is not None else []
    found = find_dispute(cause[0], cases, registers) if cause else None
    if found is not None:
        return found
    raise Missing(
        f"Case {case['id']} is about nothing that an applicant disputes.",
        code="register.dispute",
        where="id",
        remedy="Cases of the flow register_correction are.",
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
    note = dispute.note
    if dispute.sealed:
        note = msgspec.json.decode(read_personal(hub, dispute.sealed, actor, PURPOSE)["note"])
    return {
        "case": case,
        "application": dispute.application,
        "subject": dispute.subject,
        "register": dispute.register,
        "element": element,
        "title": {"zh": dispute.item.title.zh, "en": dispute.item.title.en},
        "held": msgspec.to_builtins(held),
        "said": word,
        "note": note,
    }
