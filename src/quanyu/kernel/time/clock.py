"""The statutory clock: a limit that runs from a start, can be paused and extended, and says what is left."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from quanyu.kernel.errors import Conflict, Invalid
from quanyu.kernel.time.calendar import OfficialCalendar, days_after, due_day
from quanyu.kernel.time.instant import Instant, day_bounds, day_of, format_instant, midnight, next_day, shift_day
from quanyu.kernel.time.limit import DayLimit, Hours, Limit, Minutes, WallLimit, WorkingDays


@dataclass(frozen=True, slots=True)
class Pause:
    """A stretch in which the clock stands still, half-open; ``end`` is None while it lasts."""

    start: Instant
    end: Instant | None
    ground: str


@dataclass(frozen=True, slots=True)
class Clock:
    """A running limit; every change returns a new clock, so a fold over actions rebuilds it.

    Pausing (unverified: no general rule was found, so the simplest defensible one is used):
    wall-clock limits move by the paused time; a day is used up at its end, so a day at whose end
    (24:00 local) the clock stands still does not count, and a pause within one day changes nothing.
    A pause that begins when the duty is already late changes nothing either.
    """

    start: Instant
    limit: Limit
    pauses: tuple[Pause, ...] = ()
    extensions: tuple[Limit, ...] = ()

    @property
    def stands(self) -> bool:
        """Whether a pause is open."""
        return bool(self.pauses) and self.pauses[-1].end is None

    def paused(self, at: Instant, ground: str) -> "Clock":
        """Stop the clock for a stated ground; raises Conflict when it stands already."""
        if self.stands:
            raise Conflict(f"clock stands already since {format_instant(self.pauses[-1].start)}", code="clock.paused")
        if not ground.strip():
            raise Invalid("pause has no ground", code="clock.ground", remedy="name the ground that the rule allows")
        latest = (self.pauses[-1].end or 0) if self.pauses else self.start
        if at < latest:
            raise Invalid(
                f"pause at {format_instant(at)} is before the clock runs at {format_instant(latest)}",
                code="clock.order",
            )
        return replace(self, pauses=(*self.pauses, Pause(at, None, ground)))

    def resumed(self, at: Instant) -> "Clock":
        """Let the clock run again; raises Conflict when it is running."""
        if not self.stands:
            raise Conflict("clock is running and cannot be resumed", code="clock.running")
        return replace(self, pauses=self._closed(at))

    def extended(self, limit: Limit, *, once: bool = True) -> "Clock":
        """Add time of the same kind; ``once`` raises Conflict at the second extension, as most rules allow only one."""
        if once and self.extensions:
            raise Conflict(f"clock is already extended by {self.extensions[0]}", code="clock.already_extended")
        if _family(limit) != _family(self.limit):
            raise Invalid(f"clock of {self.limit} cannot be extended by {limit}", code="clock.mixed_extension")
        return replace(self, extensions=(*self.extensions, limit))

    def due(self, calendar: OfficialCalendar, now: Instant | None = None) -> Instant:
        """Give the first late instant; while the clock stands, as if it were resumed at ``now``.

        Raises Conflict (clock.paused) for a standing clock without ``now``, and Missing (calendar.unknown_day)
        beyond the calendar.
        """
        return self._due(self._effective(calendar, now), calendar)

    def left(self, now: Instant, calendar: OfficialCalendar) -> int:
        """Microseconds until the duty is late, nights and holidays included; negative once it is."""
        return self.due(calendar, now) - now

    def share_used(self, now: Instant, calendar: OfficialCalendar) -> float:
        """Share of the limit that is used, in the time that it counts; reaches 1.0 exactly when the duty is late.

        A counted day is used evenly from midnight to midnight, so a holiday does not move the amber light;
        while the clock stands, today does not count.
        """
        pauses = self._effective(calendar, now)
        if isinstance(self.limit, WallLimit):
            return max(0, now - self.start - _stood(pauses)) / self._wall_us()
        first, today = day_of(self.start, calendar.zone), day_of(now, calendar.zone)
        used = float(sum(self._counts(day, pauses, calendar) for day in days_after(first, shift_day(today, -1))))
        standing = self.stands and len(pauses) == len(self.pauses)
        if today > first and not standing and self._counts(today, pauses, calendar):
            begin, end = day_bounds(today, calendar.zone)
            used += (now - begin) / (end - begin)
        return used / self._days(first, calendar)

    def _effective(self, calendar: OfficialCalendar, now: Instant | None) -> tuple[Pause, ...]:
        """Pauses that began before the duty was late, the open one closed at ``now``."""
        pauses = self.pauses
        if self.stands:
            if now is None:
                raise Conflict("clock stands and has no due instant", code="clock.paused", remedy="ask with an instant")
            pauses = self._closed(max(now, pauses[-1].start))
        for count, pause in enumerate(pauses):
            if pause.start >= self._due(pauses[:count], calendar):
                return pauses[:count]
        return pauses

    def _closed(self, at: Instant) -> tuple[Pause, ...]:
        last = self.pauses[-1]
        if at < last.start:
            raise Invalid(
                f"clock cannot resume at {format_instant(at)}, before its pause at {format_instant(last.start)}",
                code="clock.order",
            )
        return (*self.pauses[:-1], replace(last, end=at))

    def _due(self, pauses: Sequence[Pause], calendar: OfficialCalendar) -> Instant:
        if isinstance(self.limit, WallLimit):
            return self.start + self._wall_us() + _stood(pauses)
        day = day_of(self.start, calendar.zone)
        if not pauses:
            return midnight(next_day(self._unpaused_due_day(day, calendar)), calendar.zone)
        days = self._days(day, calendar)
        while days:
            day = next_day(day)
            days -= int(self._counts(day, pauses, calendar))
        return midnight(next_day(day), calendar.zone)

    def _counts(self, day: date, pauses: Sequence[Pause], calendar: OfficialCalendar) -> bool:
        if isinstance(self.limit, WorkingDays) and not calendar.is_working_day(day):
            return False
        end = midnight(next_day(day), calendar.zone)
        return not any(pause.start < end and (pause.end is None or end <= pause.end) for pause in pauses)

    def _days(self, first: date, calendar: OfficialCalendar) -> int:
        """Number of days to use up: working days as written, calendar days and months as they fall after ``first``."""
        if isinstance(self.limit, WorkingDays):
            return sum(each.count for each in (self.limit, *self.extensions))
        return (self._unpaused_due_day(first, calendar) - first).days

    def _unpaused_due_day(self, first: date, calendar: OfficialCalendar) -> date:
        day = first
        for each in (self.limit, *self.extensions):
            if isinstance(each, DayLimit):
                day = due_day(day, each, calendar)
        return day

    def _wall_us(self) -> int:
        return sum(each.length_us for each in (self.limit, *self.extensions) if isinstance(each, WallLimit))


def _stood(pauses: Sequence[Pause]) -> int:
    return sum(pause.end - pause.start for pause in pauses if pause.end is not None)


def _family(limit: Limit) -> str:
    match limit:
        case Minutes() | Hours():
            return "wall clock"
        case WorkingDays():
            return "working days"
        case _:
            return "calendar"
