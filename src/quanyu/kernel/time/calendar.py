"""The official calendar of a jurisdiction, and due dates that refuse to go beyond what it knows."""

import calendar as month_lengths
import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.status import Status, parse_status
from quanyu.kernel.time.instant import Instant, day_of, midnight, next_day, shift_day, zone_of
from quanyu.kernel.time.limit import CalendarDays, CalendarMonths, DayLimit, Limit, WallLimit, WorkingDays

COLUMNS: Final = ("day", "kind", "name", "source", "status")


@dataclass(frozen=True, slots=True, order=True)
class YearSource:
    """Where the days of one year come from, and whether somebody compared them with the official notice."""

    year: int
    source: str
    status: Status


@dataclass(frozen=True, slots=True)
class OfficialCalendar:
    """Working days of a jurisdiction from ``first_day`` to ``last_day``, both known; every other day is unknown.

    Monday to Friday are working days unless listed in ``holidays``; other days only if listed in ``workdays``.
    A notice for the next year may still move the last days of December: enter them with ``with_days``.
    """

    jurisdiction: str
    first_day: date
    last_day: date
    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()
    sources: tuple[YearSource, ...] = ()
    zone: str = "Asia/Shanghai"

    def __post_init__(self) -> None:
        zone_of(self.zone)
        if self.first_day > self.last_day:
            raise Invalid(f"calendar begins on {self.first_day}, ends on {self.last_day}", code="calendar.span")
        for day in sorted(self.holidays | self.workdays):
            if not self.knows(day):
                raise Invalid(
                    f"calendar lists {day}, outside {self.first_day} to {self.last_day}", code="calendar.outside"
                )
        if both := sorted(self.holidays & self.workdays):
            raise Invalid(f"calendar lists {both[0]} both as holiday and as working day", code="calendar.contradiction")

    @property
    def last_certain_day(self) -> date:
        """The last day that the calendar can judge."""
        return self.last_day

    def knows(self, day: date) -> bool:
        """Whether the day lies within the known years."""
        return self.first_day <= day <= self.last_day

    def is_working_day(self, day: date) -> bool:
        """Judge a day; raises Missing (calendar.unknown_day) instead of guessing beyond the known days."""
        if not self.knows(day):
            raise Missing(
                f"calendar of {self.jurisdiction} does not know {day}; it knows {self.first_day} to {self.last_day}",
                code="calendar.unknown_day",
                remedy="enter the official holidays of that year in the calendar",
                day=day.isoformat(),
                earliest_certain_day=self.first_day.isoformat(),
                latest_certain_day=self.last_certain_day.isoformat(),
            )
        return day in self.workdays or (day.weekday() < 5 and day not in self.holidays)

    def with_days(
        self, days: Mapping[date, bool], *, source: str, status: Status = "unverified", last_day: date | None = None
    ) -> "OfficialCalendar":
        """Return an edited calendar: True makes a working day, False a day off; ``last_day`` extends what is known.

        Years that are touched get the new source and status. Days outside the (extended) calendar raise Invalid.
        """
        end = last_day or self.last_day
        if end < self.last_day:
            raise Invalid(f"calendar cannot shrink from {self.last_day} to {end}", code="calendar.span")
        working = {day for day, works in days.items() if works}
        resting = set(days) - working
        touched = {day.year for day in days}
        if end > self.last_day:
            touched |= set(range(next_day(self.last_day).year, end.year + 1))
        kept = tuple(each for each in self.sources if each.year not in touched)
        return replace(
            self,
            last_day=end,
            holidays=frozenset((self.holidays - working) | {day for day in resting if day.weekday() < 5}),
            workdays=frozenset((self.workdays - resting) | {day for day in working if day.weekday() >= 5}),
            sources=tuple(sorted((*kept, *(YearSource(year, source, status) for year in touched)))),
        )

    def working_days_between(self, after: date, until: date) -> int:
        """Count working days later than ``after`` and not later than ``until``; raises Missing beyond the calendar."""
        return sum(self.is_working_day(day) for day in days_after(after, until))


def days_after(after: date, until: date) -> Iterator[date]:
    """Yield the days later than ``after`` and not later than ``until``."""
    return (after + timedelta(days=step) for step in range(1, (until - after).days + 1))


def due_day(start: date, limit: DayLimit, calendar: OfficialCalendar) -> date:
    """Give the last day of a limit; the day of the start is not counted (rules.md A2).

    Raises Missing (calendar.unknown_day, details ``latest_certain_day``) when working days leave the calendar.
    Calendar days and months that end on a day off are not moved: no such rule is verified.
    """
    match limit:
        case WorkingDays(count):
            day = start
            while count:
                day = next_day(day)
                count -= int(calendar.is_working_day(day))
            return day
        case CalendarDays(count):
            return shift_day(start, count)
        case CalendarMonths(count):
            return _month_later(start, count)


def _month_later(start: date, count: int) -> date:
    year, month = divmod(start.year * 12 + start.month - 1 + count, 12)
    if year > 9999:
        raise Invalid(f"day {start} + {count} months is after the year 9999", code="time.range")
    return date(year, month + 1, min(start.day, month_lengths.monthrange(year, month + 1)[1]))


def due(start: Instant, limit: Limit, calendar: OfficialCalendar) -> Instant:
    """Give the first instant at which a duty is late: hours add plainly, days run to 24:00 local of the due day.

    The instant is half-open: at 24:00, the next local midnight, the duty is late; a microsecond before it is not.
    """
    if isinstance(limit, WallLimit):
        return start + limit.length_us
    return midnight(next_day(due_day(day_of(start, calendar.zone), limit, calendar)), calendar.zone)


def parse_calendar(
    text: str, *, jurisdiction: str = "CN", zone: str = "Asia/Shanghai", last_day: date | None = None
) -> OfficialCalendar:
    """Read the CSV of an official calendar (``#`` lines are comments); each year with a row is known as a whole.

    ``last_day`` cuts the last year short where only its first months are published. Raises Invalid with the line.
    """
    holidays: dict[date, int] = {}
    workdays: dict[date, int] = {}
    sources: dict[int, YearSource] = {}
    for line, row in _rows(text):
        where = f"line {line}"
        day = _day(row["day"], where)
        days = {"holiday": holidays, "workday": workdays}.get(row["kind"])
        if days is None:
            raise Invalid(f"kind {row['kind']!r} is neither holiday nor workday", code="calendar.row", where=where)
        if day in holidays or day in workdays:
            raise Invalid(f"day {day} is listed twice", code="calendar.row", where=where)
        days[day] = line
        source = YearSource(day.year, row["source"], parse_status(row["status"], where=where))
        if sources.setdefault(day.year, source) != source:
            raise Invalid(f"year {day.year} has two sources or statuses", code="calendar.row", where=where)
    years = _consecutive(sorted(sources))
    return OfficialCalendar(
        jurisdiction=jurisdiction,
        zone=zone,
        first_day=date(years[0], 1, 1),
        last_day=last_day or date(years[-1], 12, 31),
        holidays=frozenset(holidays),
        workdays=frozenset(workdays),
        sources=tuple(sorted(sources.values())),
    )


def _rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield rows with the number of their line in the file."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip() and line[0] != "#"]
    if not lines or tuple(next(csv.reader([lines[0][1]]))) != COLUMNS:
        raise Invalid(f"calendar does not begin with the columns {','.join(COLUMNS)}", code="calendar.columns")
    for number, line in lines[1:]:
        cells = next(csv.reader(io.StringIO(line)))
        if len(cells) != len(COLUMNS):
            raise Invalid(
                f"row has {len(cells)} cells, not {len(COLUMNS)}", code="calendar.row", where=f"line {number}"
            )
        yield number, dict(zip(COLUMNS, (cell.strip() for cell in cells), strict=True))


def _day(text: str, where: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as fault:
        raise Invalid(f"day {text!r} is not a date", code="calendar.row", where=where, remedy="write 2026-10-01") from (
            fault
        )


def _consecutive(years: list[int]) -> list[int]:
    if not years:
        raise Invalid("calendar has no days", code="calendar.empty")
    for year, following in pairwise(years):
        if following != year + 1:
            raise Invalid(
                f"calendar jumps from {year} to {following}",
                code="calendar.gap",
                remedy="add the missing years or drop the earlier ones",
            )
    return years
