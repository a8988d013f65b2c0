"""The engine of cases: routes commands to decisions, and records into rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Final

import msgspec

from quanyu.engines.cases import fold
from quanyu.engines.cases.acting import decide_act
from quanyu.engines.cases.migrating import decide_migrate
from quanyu.engines.cases.notices import decide_receipt
from quanyu.engines.cases.office import Grants, Office
from quanyu.engines.cases.opening import decide_find, decide_open
from quanyu.engines.cases.owning import decide_disown
from quanyu.engines.cases.papers import Papers
from quanyu.engines.cases.rows import get_case, get_opening, write_changed, write_opened
from quanyu.engines.cases.shifting import decide_accept, decide_hand_over, evolve_shift
from quanyu.engines.cases.state import CaseState
from quanyu.engines.cases.tables import FLOW, FOLD, ROW, TABLES, serial_of
from quanyu.engines.cases.timing import decide_recount, decide_timer
from quanyu.kernel.errors import Denied, Invalid
from quanyu.kernel.flow import Flow, flow_document, flow_from_document, flow_hash
from quanyu.kernel.journal import Body, Command, Desk, Fact, Kind, Record, State, Table
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.receiver import Receiver
from quanyu.kernel.time import OfficialCalendar

Decision = Callable[[Office, Command, Desk], Iterator[Fact]]


def _decide_flow(office: Office, command: Command, desk: Desk) -> Iterator[Fact]:
    """Keep a definition in the journal, under its hash."""
    if not desk.actor.startswith(("system:", "engine:")):
        raise Denied(
            f"Actor {desk.actor} may not define flows.",
            code="flow.define_denied",
            where=command.kind,
            remedy="Flows come from packs; an administrator loads them.",
        )
    flow = flow_from_document(command.body)
    digest = flow_hash(flow)
    if command.subject not in ("", digest):
        raise Invalid(
            f"Flow {flow.name} has the hash {digest}, not {command.subject}.",
            code="flow.hash",
            where="subject",
            remedy="Send the hash of this document, or none.",
        )
    yield from office.definition(desk.state, digest, flow)


DECISIONS: Final[Mapping[str, Decision]] = {
    "case.open": decide_open,
    "case.find": decide_find,
    "case.act": decide_act,
    "case.migrate": decide_migrate,
    "case.timer": decide_timer,
    "case.recount": decide_recount,
    "case.receipt": decide_receipt,
    "case.disown": lambda office, command, desk: decide_disown(desk, command),
    "flow.define": _decide_flow,
    "shift.hand_over": decide_hand_over,
    "shift.accept": decide_accept,
}


def _serial(command: Command) -> int | None:
    """Return what a decision will look up first; an id that is none is refused by the decision."""
    try:
        return serial_of(command.subject)
    except Invalid:
        return None


class CasesEngine:
    """Owns cases and flows. `grants` tells what an actor may do, as the writer sees it at that moment.

    `copies`: a unit whose orders another one gets a copy of (a sub-district and its district) → that other unit.
    """

    name = "cases"
    commands: Collection[str] = tuple(DECISIONS)
    kinds: Collection[Kind] = tuple(
        Kind(name)
        for name in (
            "shift.handed_over",
            "shift.accepted",
            "case.opened",
            "case.found",
            "case.acted",
            "case.timed",
            "case.due_changed",
            "case.told",
            "case.receipt",
            "case.disowned",
            "flow.defined",
            "form.defined",
        )
    )
    tables: Collection[Table] = TABLES
    begins_with = dict.fromkeys(("case.act", "case.timer", "case.recount"), lambda command: (ROW, _serial(command)))

    def __init__(
        self,
        flows: Iterable[Flow],
        parameters: Parameters,
        calendar: OfficialCalendar,
        grants: Grants,
        units: Collection[str] | None = None,
        jurisdiction: str = "CN",
        receivers: Iterable[Receiver] = (),
        leads: Mapping[str, str] | None = None,
        territory: Mapping[str, str] | None = None,
        copies: Mapping[str, str] | None = None,
        papers: Papers | None = None,
    ) -> None:
        self.office = Office(
            flows, parameters, calendar, grants, units, jurisdiction, receivers, leads, territory, copies, papers
        )

    def definitions(self) -> list[Command]:
        """Return the commands that keep all declared flows in the journal; sending them again changes nothing."""
        return [
            Command("flow.define", digest, flow_document(flow), "derived")
            for digest, flow in self.office.flows.values()
        ]

    def renew(
        self,
        *,
        calendar: OfficialCalendar | None = None,
        parameters: Parameters | None = None,
        flows: Iterable[Flow] | None = None,
    ) -> None:
        """Put an edited calendar or what the city released in; call it in the writer, then commit `recount_commands`."""
        if calendar is not None:
            self.office.calendar = calendar
        if parameters is not None:
            self.office.parameters = parameters
        if flows is not None:
            self.office.take(flows)

    def decide(self, command: Command, desk: Desk) -> Iterable[Fact]:
        """Judge a command; every refusal is an error of the tree with a code that starts with case. or flow."""
        return DECISIONS[command.kind](self.office, command, desk)

    def evolve(self, record: Record, state: State) -> None:
        """Fold a record into the rows of its case."""
        body = record.body
        assert body is not None, f"record {record.seq} of kind {record.kind} is kept for ever and has no body"
        FOLDS.get(record.kind, _change)(record, body, state)


def _define(record: Record, body: Body, state: State) -> None:
    state.put(FLOW, (record.subject, body["name"], record.seq, msgspec.json.encode(body, order="sorted")))


def _open(record: Record, body: Body, state: State) -> None:
    head, case = fold.opened(body)
    write_opened(state, serial_of(record.subject), head, case, record.seq)


def _change(record: Record, body: Body, state: State) -> None:
    live = state.get(ROW, serial_of(record.subject))
    assert live is not None, f"record {record.seq} is about {record.subject}, which was never opened"
    before: CaseState = live[4]
    case = fold.changed(before, record, body)
    write_changed(state, live, case, record.seq, bump=record.kind == "case.acted")
    if before.state == "closed" and case.state == "open":
        _take_fold_key(state, live[0])


def _take_fold_key(state: State, serial: int) -> None:
    """Let findings come back to a reopened case, unless a newer case of the same cause is open."""
    key = get_opening(state, serial).fold_key
    if key is None:
        return
    row = state.get(FOLD, key)
    other = None if row is None else get_case(state, row[1])
    if other is None or other[1].state == "closed":
        state.put(FOLD, (key, serial))


FOLDS: Final[Mapping[str, Callable[[Record, Body, State], None]]] = {
    "case.opened": _open,
    "flow.defined": _define,
    "form.defined": _define,
    "shift.handed_over": evolve_shift,
    "shift.accepted": evolve_shift,
}
"""What each kind of record does to the rows; any other changes a case that stands."""
