"""What decisions on cases know besides rows: flows, limits, the calendar, and what people may do."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from quanyu.engines.cases.bodies import AsPerson
from quanyu.engines.cases.clocks import Timekeeper
from quanyu.engines.cases.option import MACHINE, Asker
from quanyu.engines.cases.papers import Papers
from quanyu.engines.cases.state import OVERALL, CaseState, ClockState
from quanyu.engines.cases.tables import DAY_CASES_MAX, FLOW
from quanyu.kernel.errors import Conflict, Denied, Invalid, Missing
from quanyu.kernel.flow import (
    Flow,
    Parameter,
    Step,
    expand_calls,
    flow_document,
    flow_hash,
    kept_flow,
)
from quanyu.kernel.journal import Desk, Fact, Instant, State
from quanyu.kernel.mode import Mode, row_under, stands
from quanyu.kernel.parameter import Parameter as ParameterRow
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.receiver import Receiver
from quanyu.kernel.time import Limit, OfficialCalendar, day_of, due, parse_limit
from quanyu.kernel.view import Grant

Grants = Callable[[str], Sequence[Grant]]
Companion = Callable[[State, str | None, str, Mapping[str, Any]], bool]
"""Whether a step may be done: state, what the case is about, the step, the fields. For cases that go along with a thing
which an engine of its own decides on; both are moved in one commit.
"""

CITIZEN: Final = "citizen:"
MACHINES: Final = ("engine:", "simulation:", "system:")
DIVISION: Final = re.compile(r"[1-9][0-9]{5}")
CODE_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Letters and digits that nobody confuses when a code is read out on the telephone."""

CODE_LENGTH: Final = 12


class Office:
    """Holds the declared values; a calendar edit puts a new calendar in.

    `leads`: class of matters to the unit that answers for it, "" or "district" where none does. `territory`: code of a
    district (6 digits) or sub-district (9) to its office.
    """

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
        self.papers = papers or Papers()
        self.leads = leads or {}
        self.territory = territory or {}
        self.copies = copies or {}
        self.companions: dict[str, Companion] = {}
        self.receivers: dict[str, list[Receiver]] = {}
        for receiver in receivers:
            self.receivers.setdefault(receiver.event, []).append(receiver)
        self.flows: dict[str, tuple[str, Flow]] = {}
        self._by_hash: dict[str, Flow] = {}
        self.take(flows)
        self.parameters = parameters
        self.jurisdiction = jurisdiction
        self.grants = grants
        self.units = units
        self.keeper = Timekeeper(calendar)
        self.modes: Callable[[], Sequence[Mode]] = tuple
        """The city's emergencies as the writer sees them; assembly hands them in."""
        self.suspended: frozenset[str] = frozenset()
        """Actions that nobody may take while an emergency holds for a case's place."""

    def take(self, flows: Iterable[Flow]) -> None:
        """Open new cases by these flows from now on; those that are open keep the definition that they pinned."""
        self.flows = {flow.name: (flow_hash(flow), flow) for flow in expand_calls(flows)}
        self._by_hash |= dict(self.flows.values())

    @property
    def calendar(self) -> OfficialCalendar:
        """The calendar that new clocks are computed on."""
        return self.keeper.calendar

    @calendar.setter
    def calendar(self, calendar: OfficialCalendar) -> None:
        self.keeper = Timekeeper(calendar)

    def get_flow(self, name: str) -> tuple[str, Flow]:
        """Return hash and value of a declared flow; raises Invalid (case.flow_unknown)."""
        if name not in self.flows:
            known = ", ".join(sorted(self.flows)) or "none"
            raise Invalid(
                f"Flow {name!r} is not declared.",
                code="case.flow_unknown",
                where="body.flow",
                remedy=f"Known: {known}.",
            )
        return self.flows[name]

    def find_hash(self, digest: str) -> Flow | None:
        """Return a version that was declared or read before, by its hash."""
        return self._by_hash.get(digest)

    def pinned_flow(self, state: State, digest: str) -> Flow:
        """Return the definition that a case pinned, as the journal keeps it."""
        known = self._by_hash.get(digest)
        if known is None:
            row = state.get(FLOW, digest)
            assert row is not None, f"flow {digest} was pinned and never defined"
            known = self._by_hash[digest] = kept_flow(msgspec.json.decode(row[3]))
        return known

    def definition(self, state: State, digest: str, flow: Flow) -> Iterator[Fact]:
        """Yield the record that keeps a definition, once."""
        if state.get(FLOW, digest) is None:
            yield Fact("flow.defined", digest, flow_document(flow), "derived")

    def pin(
        self, flow: Flow, at: Instant, district: str | None, category: str | None = None
    ) -> dict[str, tuple[str, str]]:
        """Return limit or figure, and version, of every parameter that the flow refers to, as the law stands there then.

        A sub-class with a limit of its own (`<parameter>_<sub-class>`) takes that one.
        """
        if not flow.parameters:
            return {}
        own = {name: f"{name}_{category}" for name in flow.parameters}
        named = {name: own[name] if own[name] in self.parameters else name for name in flow.parameters}
        rows = {name: self.row_in_force(source, at, district) for name, source in named.items()}
        return {name: (_pinned_text(row), row.version) for name, row in rows.items()}

    def row_in_force(self, name: str, at: Instant, district: str | None) -> ParameterRow:
        """Return the nearest place's row of a parameter; raises Missing outside its validity."""
        place = district if district and DIVISION.fullmatch(district) else self.jurisdiction
        row = self.parameters.get_row(name, day_of(at, self.calendar.zone), place)
        return row_under(row, self.modes(), at, district)

    def check_suspended(self, action: str, at: Instant, district: str | None) -> None:
        """Refuse what the city's emergency suspends; raises Conflict (mode.suspended)."""
        if action in self.suspended and stands(self.modes(), at, district):
            raise Conflict(
                f"Action {action} is suspended while the emergency lasts.",
                code="mode.suspended",
                where="body.action",
                remedy="Wait until the emergency is lifted, or ask the commander.",
            )

    def clock(self, flow: Flow, name: str, limit: Limit | Parameter, at: Instant, case: CaseState) -> ClockState:
        """Start a clock under the law that the case pinned; a pending parameter counts as it stands now."""
        source = None
        if isinstance(limit, Parameter):
            text, version = case.limits[limit.id]
            row = self.row_in_force(limit.id, at, case.district)
            if row.applies == "pending":
                text, version = _limit_text(row), row.version
            source = f"{limit.id}@{version}"
            limit = parse_limit(text)
        after = flow.escalate_after if name == OVERALL else None
        return self.keeper.start(
            name, limit, at, amber=flow.amber, red=flow.red, escalate_after=after, parameter=source
        )

    def overall_clock(self, flow: Flow, at: Instant, case: CaseState, *, begun: bool) -> ClockState:
        """Start the clock of the whole case, or keep it ready for the step that begins it."""
        made = self.clock(flow, OVERALL, flow.overall, at, case)
        if begun:
            return made
        return replace(made, due=None, amber=None, red=None, escalate=None, certain=None, stopped=at)

    def step_clocks(self, flow: Flow, step: Step, token: int, at: Instant, case: CaseState) -> list[ClockState]:
        """Start the clock of a step that has a limit of its own."""
        return [] if step.within is None else [self.clock(flow, f"step.{token}", step.within, at, case)]

    def lapse(self, at: Instant, limit: Limit) -> Instant | None:
        """Return when a question to a reporter lapses; it stays open where the calendar cannot say."""
        try:
            return due(at, limit, self.calendar)
        except Missing:
            return None

    def asker(self, desk: Desk, person: AsPerson | None) -> Asker:
        """Return who asks: the actor with its grants, a citizen with a case, or the person a simulation acts for."""
        actor = desk.actor
        if person is not None:
            if not actor.startswith("simulation:"):
                raise Denied(
                    f"Actor {actor} acts in its own name only.",
                    code="case.as_person",
                    where="body.as_person",
                    remedy="Leave as_person out; only simulations act for simulated persons.",
                )
            return Asker(person.id, (Grant(person.role, person.unit),), name=person.name)
        if actor.startswith(CITIZEN):
            name = actor.removeprefix(CITIZEN)
            return Asker(actor, case=serial_of_citizen(name), subjects=subjects_of_citizen(actor))
        grants = self.grants(actor)
        return Asker(actor, (*grants, Grant(MACHINE)) if actor.startswith(MACHINES) else tuple(grants))

    def check_companion(self, state: State, flow: Flow, asset: str | None) -> None:
        """Refuse a case that goes along with a thing which does not exist: nobody could ever do its steps."""
        companion = self.companions.get(flow.name)
        if companion is not None and not companion(state, asset, "", {}):
            raise Invalid(
                f"A case of flow {flow.name} goes along with a thing of its own, and {asset or 'none'} is none.",
                code="case.companion_missing",
                where="body.asset",
                remedy="Make the thing; its case is opened with it.",
            )

    def vacancies(self) -> list[str]:
        """Name the roles of declared flows whose unit the city has not: their cases would be dispatched to nobody."""
        if self.units is None:
            return []
        return [
            f"flow {flow.name} gives the role {role} to the unit {unit}, which the city profile does not have"
            for _, flow in self.flows.values()
            for role, unit in {**flow.roles, "escalate": flow.escalate or ""}.items()
            if unit and unit not in self.units
        ]

    def check_unit(self, unit: str, where: str) -> str:
        """Return a unit that the city has; raises Invalid (case.unit_unknown)."""
        if self.units is not None and unit not in self.units:
            raise Invalid(
                f"Unit {unit!r} does not exist in this city.",
                code="case.unit_unknown",
                where=where,
                remedy="Choose a unit of the city profile.",
            )
        return unit


@lru_cache(maxsize=8192)
def _pinned_text(row: ParameterRow) -> str:
    """Return a limit as an official writes it, or a figure as a number."""
    value = row.value
    return repr(value) if isinstance(value, int | float) else _limit_text(row)


def _limit_text(row: ParameterRow) -> str:
    return str(row.pinned().limit())


def serial_of_citizen(number: str) -> int | None:
    """Return the serial in the number that a citizen was given; None when it is no number."""
    day, _, running = number.partition("-")
    return int(day) * DAY_CASES_MAX + int(running) if day.isascii() and day.isdigit() and running.isdigit() else None


def subjects_of_citizen(actor: str) -> tuple[str, ...]:
    """Return as whom a citizen signed in: `citizen:person:…`, `citizen:firm:…`, or both with `&` between them."""
    names = actor.removeprefix(CITIZEN).split("&") if actor.startswith(CITIZEN) else []
    return tuple(each for each in names if each.startswith(("person:", "firm:")))


def code_digest(id: str, code: str) -> str:
    """Return what is kept of a reporter's access code; the case id salts it."""
    return hashlib.sha256(f"{id}:{code.upper()}".encode()).hexdigest()


def person_document(asker: Asker, grant: Grant | None) -> dict[str, Any]:
    """Return who acted and in what capacity, as records keep it."""
    document: dict[str, Any] = {"id": asker.id}
    if asker.name:
        document["name"] = asker.name
    if grant is not None:
        document["role"] = grant.role
        if grant.unit:
            document["unit"] = grant.unit
    return document
