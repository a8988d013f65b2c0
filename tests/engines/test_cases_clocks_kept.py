"""No clock is forgotten: over pauses, more time, the bank, edits of the calendar, restarts and days it does not know.

Every running clock of an open case has a due instant with its timer, or says that it has none and up to which day the
calendar is sure, and then stands on the list of the calendar's keeper.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from quanyu.engines.cases.actions import available
from quanyu.engines.cases.clocks import earliest, pending
from quanyu.engines.cases.tables import ASK, serial_of
from quanyu.engines.cases.timing import recount_commands, recounted
from quanyu.kernel.errors import QuanyuError
from quanyu.kernel.flow import Flow, extension, fixed, flow, no_action, pause, step
from quanyu.kernel.time import (
    Limit,
    calendar_days,
    calendar_months,
    format_instant,
    hours,
    parse_instant,
    working_days,
)
from tests.engines.casework import CALENDAR, HOUR, CaseDesk, make_engine

START: Final = parse_instant("2026-12-16T09:30:00+08:00")
"""Two weeks before the calendar of the package ends."""

LIMITS: Final[list[Limit]] = [hours(30), working_days(6), calendar_days(9), calendar_months(1)]


def make_flow(number: int) -> Flow:
    """A flow whose overall, first and second clock count different kinds of time."""
    whole, first, second = (LIMITS[(number + shift) % len(LIMITS)] for shift in range(3))
    return flow(
        f"kind{number}",
        case="work",
        steps=[
            step("work", by="clerk", within=first, may=[pause("weather")], extend=extension(first)),
            step("look", by="duty", within=second, fails="work", may=[pause("weather")]),
            step("close", by="duty", outcome=[fixed, no_action]),
        ],
        overall=whole,
        extend=extension(whole),
        escalate="ecology.director",
        escalate_after=working_days(3),
    )


FLOWS: Final = [make_flow(number) for number in range(len(LIMITS))]
FIELDS: Final[dict[str, dict[str, Any]]] = {
    "close": {"outcome": "no_action"},
    "strike_off": {"outcome": "no_action"},
    "pause": {"ground": "weather"},
    "extend": {"count": 1},
}


class Clocks(RuleBasedStateMachine):
    """A few cases, everything that moves a clock, and a calendar that ends."""

    @initialize()
    def begin(self) -> None:
        self.calendar = CALENDAR
        self.desk = CaseDesk(make_engine(FLOWS), at=START)
        self.ids = [self.desk.open("person:clerk", flow=each.name) for each in FLOWS[:2]]

    @rule(which=st.integers(0, len(FLOWS) - 1))
    def open(self, which: int) -> None:
        if len(self.ids) < 5:
            self.ids.append(self.desk.open("person:clerk", flow=FLOWS[which].name))

    @rule(which=st.integers(0, 4), pick=st.integers(0, 20), days=st.integers(1, 20), agrees=st.integers(0, 3))
    def act(self, which: int, pick: int, days: int, agrees: int) -> None:
        """Take one of the actions that a case offers, as somebody who may."""
        id = self.ids[which % len(self.ids)]
        case = self.desk.state_of(id)
        flow = self.desk.cases.office.pinned_flow(self.desk.state, case.flow_hash)
        options = [each for each in available(flow, case) if each.action not in ("comment", "claim", "assign")]
        if not options:
            return
        option = options[pick % len(options)]
        today = date.fromisoformat(format_instant(self.desk.at, "Asia/Shanghai")[:10])
        given: dict[str, dict[str, Any]] = {
            "suspend": {"review": (today + timedelta(days)).isoformat()},
            "postpone": {"review": (today + timedelta(days)).isoformat()},
            "merge": {"into": self.ids[pick % len(self.ids)]},
            "look": {"passed": agrees > 0},
            "decide_extension": {"decision": "granted" if agrees else "refused"},
        }
        fields = given.get(option.action) or FIELDS.get(option.action, {})
        self.attempt(id, option.by[-1].role, option.action, fields)

    def attempt(self, id: str, who: str, action: str, fields: dict[str, Any]) -> None:
        try:
            self.desk.act(id, who, action, note="理由", fields=fields)
        except QuanyuError as refused:
            assert refused.code.startswith("case.")  # noqa: PT017

    @rule(hours=st.integers(1, 90))
    def time_passes(self, hours: int) -> None:
        self.desk.at += hours * HOUR
        self.desk.wake()

    @rule(day=st.integers(0, 40), works=st.booleans())
    def calendar_is_corrected(self, day: int, works: bool) -> None:
        self._edit({min(date(2026, 12, 1) + timedelta(day), self.calendar.last_day): works})

    @rule(days=st.integers(1, 60))
    def calendar_is_carried_on(self, days: int) -> None:
        last = self.calendar.last_day + timedelta(days)
        self._edit({last: False}, last)

    def _edit(self, days: dict[date, bool], last: date | None = None) -> None:
        self.calendar = self.calendar.with_days(days, source="test", last_day=last)
        self.desk.cases.renew(calendar=self.calendar)
        open_cases = [(serial_of(id), self.desk.state_of(id)) for id in self.ids]
        for command in recount_commands([each for each in open_cases if each[1].state != "closed"], "edited"):
            self.desk.run(command, "system:calendar")
        self.desk.wake()

    @rule()
    def restart(self) -> None:
        self.desk.state = self.desk.replayed()
        self.desk.cases = self.desk.engine = make_engine(FLOWS, self.calendar)

    @invariant()
    def every_clock_is_kept(self) -> None:
        timers = {id: (at, name) for at, id, name in self.desk.timers()}
        unknown = {
            row[0] for (table, _), row in self.desk.state.rows.items() if table == ASK.name and row[1] == "calendar"
        }
        for id in self.ids:
            case = self.desk.state_of(id)
            assert timers.get(id) == earliest(case)
            waiting = {name for _, name in pending(case)}
            running = [clock for clock in case.clocks if clock.runs] if case.state == "open" else []
            if case.merged_into is not None:
                assert not waiting
                running = []
            assert (serial_of(id) in unknown) is any(clock.due is None for clock in running)
            for clock in running:
                if clock.due is None:
                    assert clock.certain == self.calendar.last_day.isoformat()
                else:
                    name = f"{clock.name}.overdue"
                    assert (name in case.fired) is not (name in waiting), "fired or waiting, never neither, never both"
                    assert (name in case.fired) is (clock.due <= self.desk.at) or case.last[2] == self.desk.at
            if case.state == "open":
                assert case.merged_into is not None or running or case.overall.stands
            if case.state == "suspended":
                assert case.bank is not None
                assert ("bank.review" in case.fired) is not ("bank.review" in waiting)

    @invariant()
    def counting_again_changes_nothing(self) -> None:
        office = self.desk.cases.office
        for id in self.ids:
            case = self.desk.state_of(id)
            for clock in case.clocks:
                if case.state != "closed" and case.merged_into is None and clock.runs:
                    flow = office.pinned_flow(self.desk.state, case.flow_hash)
                    assert recounted(office, flow, case, clock, self.desk.at) == clock

    def teardown(self) -> None:
        if hasattr(self, "desk"):
            assert self.desk.state.rows == self.desk.replayed().rows
            for id in self.ids:
                assert self.desk.folded(id) == self.desk.state_of(id)


TestClocks = Clocks.TestCase
TestClocks.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
