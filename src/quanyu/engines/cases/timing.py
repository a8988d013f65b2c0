"""Time at work on cases: timers that fire once, and clocks counted again when somebody edits the calendar."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

import msgspec

from quanyu.engines.cases.applying import forgotten, lapsed
from quanyu.engines.cases.bodies import RecountBody, TimerBody, read_body
from quanyu.engines.cases.erasing import erased
from quanyu.engines.cases.notices import NOTICE, Telling
from quanyu.engines.cases.office import Office
from quanyu.engines.cases.rows import get_case, get_timer
from quanyu.engines.cases.state import KEEP, OVERALL, CaseState, ClockState
from quanyu.engines.cases.store import TimerStore
from quanyu.engines.cases.tables import id_of, serial_of
from quanyu.engines.cases.waking import OF_STEPS, OF_WAITS, branch_moves, tell_if_listed
from quanyu.kernel.errors import Conflict, Denied, Missing
from quanyu.kernel.flow import Flow
from quanyu.kernel.journal import Body, Command, Desk, Effects, Fact, Instant, Record, Table
from quanyu.kernel.time import WallLimit, parse_limit

WAKE_TIMERS_MAX: Final = 1000
"""Timers committed at one waking; the next waking takes the next thousand."""

OF_DRAFTS: Final = "step."
"""Timers of steps: where a draft was never handed in, the limit of its step ends it."""

_MACHINES: Final = ("engine:", "system:")


def _check_machine(command: Command, desk: Desk) -> None:
    if not desk.actor.startswith(_MACHINES):
        raise Denied(
            f"Actor {desk.actor} may not send {command.kind}.",
            code="case.machine_only",
            where=command.kind,
            remedy="Clocks are moved by the hub alone; use pause, resume or reopen.",
        )


def decide_timer(office: Office, command: Command, desk: Desk) -> Iterator[Fact]:
    """Fire a timer whose instant has come; one that has fired or moved meanwhile is nobody's fault and does nothing."""
    _check_machine(command, desk)
    body = read_body(command.kind, command.body, TimerBody)
    serial = serial_of(command.subject)
    if get_timer(desk.state, serial) != (body.due, body.name):
        return
    if desk.at < body.due:
        raise Conflict(
            f"Timer {body.name} of case {command.subject} is not due yet.",
            code="case.timer_early",
            where="body.due",
            remedy="Send it when city time has reached its instant.",
            due=body.due,
        )
    found = get_case(desk.state, serial)
    assert found is not None, f"timer of case {serial} has no case"
    fact: Body = {"timer": body.name, "due": body.due}
    case, at = found[1], desk.at
    if body.name.startswith((OF_WAITS, OF_STEPS)):
        flow = office.pinned_flow(desk.state, case.flow_hash)
        moves = branch_moves(office, flow, case, body.name, at)
        steps = [each["step"] for each in moves.get("passed", ()) if "step" in each]
        notices, untold = tell_if_listed(Telling(office, desk.state, serial, flow, moves), case, steps, at)
        yield Fact("case.timed", id_of(serial), fact | moves | untold, "derived")
        yield from notices
        return
    if body.name == KEEP:
        flow = office.pinned_flow(desk.state, case.flow_hash)
        yield from erased(office, flow, serial, case, fact | ({"at": at} if case.historical else {}), desk)
        return
    if body.name.startswith(OF_DRAFTS):
        flow = office.pinned_flow(desk.state, case.flow_hash)
        fact |= lapsed(flow, case, body.name, at)
    unheard = body.name.startswith(NOTICE)
    if body.name == f"{OVERALL}.escalate" or (unheard and "escalate" in found[1].units):
        fact["unit"] = found[1].units["escalate"]
    yield Fact("case.timed", id_of(serial), fact, "derived")
    yield from forgotten(serial, fact)
    if unheard:
        flow = office.pinned_flow(desk.state, found[1].flow_hash)
        yield from Telling(office, desk.state, serial, flow).again(found[1], body.name.rpartition(".")[0], desk.at)


def decide_recount(office: Office, command: Command, desk: Desk) -> Iterator[Fact]:
    """Count the running clocks of a case again: one record for each whose instants changed."""
    _check_machine(command, desk)
    body = read_body(command.kind, command.body, RecountBody)
    serial = serial_of(command.subject)
    found = get_case(desk.state, serial)
    if found is None:
        raise Missing(
            f"Case {command.subject} does not exist.", code="case.unknown", where="subject", remedy="Check the id."
        )
    case = found[1]
    flow = office.pinned_flow(desk.state, case.flow_hash)
    for clock in case.clocks:
        if not clock.runs:
            continue
        new = recounted(office, flow, case, clock, clock.start if case.historical else desk.at)
        if new != clock:
            change = {"clocks": [msgspec.to_builtins(new)], "clock": clock.name, "before": clock.due, "due": new.due}
            if case.historical:
                change["historical"] = True
            yield Fact("case.due_changed", id_of(serial), change | {"reason": body.reason}, "derived")


def recounted(office: Office, flow: Flow, case: CaseState, clock: ClockState, at: Instant) -> ClockState:
    """Return a clock with its instants on the present calendar; a pending parameter brings the limit of `at` along."""
    if clock.parameter is not None:
        name = clock.parameter.partition("@")[0]
        row = office.row_in_force(name, at, case.district)
        if row.applies == "pending":
            clock = msgspec.structs.replace(clock, limit=str(row.pinned().limit()), parameter=f"{name}@{row.version}")
    after = flow.escalate_after if clock.name == OVERALL else None
    longer = case.longer(clock)
    return office.keeper.recount(clock, amber=flow.amber, red=flow.red, escalate_after=after, longer=longer)


def recount_commands(
    cases: Iterable[tuple[int, CaseState]], reason: str, parameter: str | None = None
) -> Iterator[Command]:
    """Yield a case.recount for every case with a clock that counts days, or (`parameter`) whose limit is that one.

    Its decision keeps only what changed. Send them after the engine was given the new calendar or parameters. Wall-clock
    limits do not depend on a calendar, but how long after them a case escalates may; standing clocks are counted when
    they resume.
    """

    def touched(clock: ClockState) -> bool:
        if parameter is None:
            return clock.runs and not isinstance(parse_limit(clock.limit), WallLimit)
        return clock.runs and (clock.parameter or "").partition("@")[0] == parameter

    for serial, case in cases:
        escalates = parameter is None and case.overall.runs and "escalate" in case.units
        if escalates or any(touched(clock) for clock in case.clocks):
            yield Command("case.recount", id_of(serial), {"reason": reason}, provenance="derived")


class CaseTimers:
    """The clock hand of the cases: wakes at the earliest timer and says which have come.

    It remembers nothing: timers are rows, a fired one is gone, so a restart fires what is left and nothing twice.
    """

    name = "cases"
    wants: Collection[str] | None = ()
    tables: Collection[Table] = ()
    rest_s = 0.5
    """While cases move all the time, their rows are written no oftener for the sake of the timers."""

    def __init__(self, store: TimerStore) -> None:
        self._store = store

    @property
    def next_wake(self) -> Instant | None:
        """When the earliest pending timer is due; None when no clock runs."""
        return self._store.next_timer()

    def read(self, records: Sequence[Record], now: Instant) -> Effects:
        """Hear nothing: timers follow from rows, not from records."""
        return Effects()

    def wake(self, now: Instant) -> Effects:
        """Return the timers due by now, earliest first."""
        rows = self._store.timers_due(now, WAKE_TIMERS_MAX)
        return Effects(
            [
                Command("case.timer", id_of(serial), {"name": name, "due": at}, provenance="derived")
                for at, serial, name in rows
            ]
        )
