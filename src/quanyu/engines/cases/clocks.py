"""Clocks of a case: their instants are computed when a decision starts, resumes or recounts them, and kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

from msgspec.structs import replace

from quanyu.engines.cases.state import KEEP, OF_BRANCHES, OVERALL, REMINDER, CaseState, ClockState
from quanyu.kernel.errors import Missing
from quanyu.kernel.journal import Instant
from quanyu.kernel.time import (
    CalendarDays,
    Clock,
    DayLimit,
    Limit,
    OfficialCalendar,
    Pause,
    WallLimit,
    WorkingDays,
    day_of,
    due,
    due_day,
    midnight,
    parse_limit,
)

Light = Literal["green", "amber", "red", "overdue", "unknown", "stopped", "paused"]

DAY_US: Final = 86_400_000_000
QUARTER_US: Final = 900_000_000
STEPS_OF_SEARCH: Final = 48
"""Halvings that find an instant within half a microsecond in any stretch of four years."""


class Timekeeper:
    """Computes instants of clocks on one official calendar; a day's answers serve all cases of that day."""

    def __init__(self, calendar: OfficialCalendar) -> None:
        self.calendar = calendar
        self._days: dict[tuple[int, str, float, float], tuple[Instant, Instant, Instant] | str] = {}

    def start(
        self,
        name: str,
        limit: Limit,
        at: Instant,
        *,
        amber: float,
        red: float,
        escalate_after: Limit | None = None,
        parameter: str | None = None,
    ) -> ClockState:
        """Start a clock; beyond the calendar its due is None and `certain` says up to where the calendar is sure."""
        text = str(limit)
        if isinstance(limit, WallLimit):
            length = limit.length_us
            instants: tuple[Instant, Instant, Instant] | str = (
                at + length,
                at + round(length * amber),
                at + round(length * red),
            )
        else:
            instants = self.in_days(at, limit, text, amber, red)
        if isinstance(instants, str):
            return ClockState(name, text, at, None, certain=instants, parameter=parameter)
        late, amber_at, red_at = instants
        escalate = self._escalation(late, escalate_after)
        return ClockState(name, text, at, late, amber_at, red_at, escalate, parameter=parameter)

    def in_days(
        self, at: Instant, limit: DayLimit, text: str, amber: float, red: float
    ) -> tuple[Instant, Instant, Instant] | str:
        """Return due, amber and red of a clock that starts at an instant, or the last day of which the calendar is sure."""
        # A day begins with a quarter of an hour in every zone.
        key = (at // QUARTER_US, text, amber, red)
        known = self._days.get(key)
        if known is None:
            if len(self._days) > 10_000:
                self._days.clear()
            try:
                known = (due(at, limit, self.calendar), self._share(at, limit, amber), self._share(at, limit, red))
            except Missing as fault:
                known = str(fault.details["latest_certain_day"])
            self._days[key] = known
        return known

    def _share(self, start: Instant, limit: DayLimit, share: float) -> Instant:
        """Return when a share of the days is used, each counted day evenly from midnight to midnight."""
        zone = self.calendar.zone
        first = day_of(start, zone)
        counted: type[WorkingDays | CalendarDays] = CalendarDays
        if isinstance(limit, WorkingDays):
            total, counted = limit.count, WorkingDays
        else:
            total = (due_day(first, limit, self.calendar) - first).days
        whole = int(share * total + 1e-9)
        part = share * total - whole
        if part < 1e-9:
            return due(start, counted(whole), self.calendar) if whole else midnight(first, zone) + DAY_US
        return midnight(due_day(first, counted(whole + 1), self.calendar), zone) + round(part * DAY_US)

    def _escalation(self, late: Instant, after: Limit | None) -> Instant:
        """Return when somebody above is told: at the due instant, or so long after it as the calendar knows."""
        if after is None:
            return late
        try:
            return due(late, after, self.calendar)
        except Missing:
            return late

    def resume(
        self,
        clock: ClockState,
        at: Instant,
        *,
        amber: float,
        red: float,
        escalate_after: Limit | None = None,
        longer: Sequence[str] = (),
    ) -> ClockState:
        """Let a standing clock run again; its instants move by what the law does not count."""
        begun, _, ground = clock.pauses[-1]
        clock = replace(clock, pauses=(*clock.pauses[:-1], (begun, at, ground)))
        return self.recount(clock, amber=amber, red=red, escalate_after=escalate_after, longer=longer)

    def recount(
        self,
        clock: ClockState,
        *,
        amber: float,
        red: float,
        escalate_after: Limit | None = None,
        longer: Sequence[str] = (),
    ) -> ClockState:
        """Compute a running clock's instants again: after a pause, more time (`longer`), or an edit of the calendar."""
        limit = parse_limit(clock.limit)
        if not clock.pauses and not longer:
            fresh = self.start(clock.name, limit, clock.start, amber=amber, red=red, escalate_after=escalate_after)
            return replace(
                clock, due=fresh.due, amber=fresh.amber, red=fresh.red, escalate=fresh.escalate, certain=fresh.certain
            )
        more = tuple(parse_limit(each) for each in longer)
        kernel = Clock(clock.start, limit, tuple(Pause(*each) for each in clock.pauses), more)
        try:
            late = kernel.due(self.calendar)
            instants = [self._search(kernel, late, share) for share in (amber, red)]
        except Missing as fault:
            certain = str(fault.details["latest_certain_day"])
            return replace(clock, due=None, amber=None, red=None, escalate=None, certain=certain)
        clock = replace(clock, due=late, amber=instants[0], red=instants[1], certain=None)
        return replace(clock, escalate=self._escalation(late, escalate_after))

    def _search(self, clock: Clock, late: Instant, share: float) -> Instant:
        low, high = clock.start, late
        for _ in range(STEPS_OF_SEARCH):
            if high - low <= 1:
                break
            middle = (low + high) // 2
            if clock.share_used(middle, self.calendar) >= share:
                high = middle
            else:
                low = middle
        return high


def paused(clock: ClockState, at: Instant, ground: str) -> ClockState:
    """Stop counting for a stated ground; the instants are unknown until it resumes."""
    pauses = (*clock.pauses, (at, None, ground))
    return replace(clock, due=None, amber=None, red=None, escalate=None, pauses=pauses)


def light(clock: ClockState, now: Instant) -> Light:
    """Return the colour of a clock: by instants that are kept, so every reader sees the same."""
    if clock.stopped is not None:
        return "stopped"
    if clock.stands:
        return "paused"
    if clock.due is None or clock.amber is None or clock.red is None:
        return "unknown"
    if now >= clock.due:
        return "overdue"
    if now >= clock.red:
        return "red"
    return "amber" if now >= clock.amber else "green"


TURNS: Final = {
    "amber": 0,
    "red": 1,
    "overdue": 2,
    "escalate": 3,
    "lapse": 4,
    "review": 5,
    "strike": 6,
    "over": 7,
    "erase": 8,
}
"""Which of two timers of one instant fires first, by the last word of its name."""


def pending(state: CaseState) -> Iterator[tuple[Instant, str]]:
    """Yield the timers that have not fired, as (instant, name); historical cases have none but the erasure.

    The clocks of a merged case are those of the one that leads; only the question to its own reporter lapses.
    """
    if state.keep is not None and state.keep.due is not None and state.erased_at is None:
        yield state.keep.due, KEEP
    if state.historical:
        return
    for name, at in _instants(state if state.merged_into is None else replace(state, clocks=())):
        if name not in state.fired:
            yield at, name


def _instants(state: CaseState) -> Iterator[tuple[str, Instant]]:
    for clock in state.clocks:
        if clock.stopped is not None:
            continue
        if clock.name.startswith(OF_BRANCHES):
            if clock.due is not None:
                yield f"{clock.name}.{_last_word(clock.name)}", clock.due
            continue
        for word, at in (("amber", clock.amber), ("red", clock.red), ("overdue", clock.due)):
            if at is not None:
                yield f"{clock.name}.{word}", at
        if clock.name == OVERALL and clock.escalate is not None and state.units.get("escalate"):
            yield f"{clock.name}.escalate", clock.escalate
    if state.confirm_by is not None:
        yield "confirm.lapse", state.confirm_by
    if state.bank is not None:
        yield REMINDER, state.bank.remind_at


def _last_word(clock: str) -> str:
    """Return what happens when a clock of a branch runs out: a wait is over, a timer on a step strikes, a step is late."""
    stem = clock.partition(".")[0]
    return "over" if stem == "wait" else "strike" if stem == "bound" else "overdue"


def earliest(state: CaseState) -> tuple[Instant, str] | None:
    """Return the next timer to fire; instants before names, so that amber comes before overdue."""
    first: tuple[Instant, str] | None = None
    for each in pending(state):
        if first is None or each[0] < first[0] or (each[0] == first[0] and _turn(each[1]) < _turn(first[1])):
            first = each
    return first


def _turn(name: str) -> tuple[int, str]:
    return TURNS[name.rpartition(".")[2]], name


def forget_fired(state: CaseState, clock: ClockState, at: Instant) -> tuple[str, ...]:
    """Return the fired timers without those that a moved clock puts back into the future."""
    instants = {"amber": clock.amber, "red": clock.red, "overdue": clock.due, "escalate": clock.escalate,
                "over": clock.due, "strike": clock.due}  # fmt: skip
    ahead = {f"{clock.name}.{word}" for word, instant in instants.items() if instant is None or instant > at}
    return tuple(name for name in state.fired if name not in ahead)
