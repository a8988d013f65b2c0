"""Limits: how long the law gives, in the three kinds of time that it counts (rules.md A2)."""

import re
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from quanyu.kernel.errors import Invalid

Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class _Counted:
    """A whole number, at least one, of some unit of time."""

    count: int

    unit: ClassVar[str]
    zh: ClassVar[str]

    def __post_init__(self) -> None:
        if type(self.count) is not int or not 1 <= self.count <= 1_000_000:
            raise Invalid(
                f"limit of {self.count!r} {self.unit}s is not a whole number from 1 to 1000000", code="limit.count"
            )

    def __str__(self) -> str:
        return f"{self.count} {self.unit}{'s' if self.count != 1 else ''}"

    def words(self, language: Language) -> str:
        """Say the limit as an official reads it: ``20个工作日`` or ``20 working days``."""
        return f"{self.count}{self.zh}" if language == "zh" else str(self)


@dataclass(frozen=True, slots=True)
class Minutes(_Counted):
    """Wall-clock minutes; nights and holidays count."""

    unit = "minute"
    zh = "分钟"

    @property
    def length_us(self) -> int:
        """Microseconds."""
        return self.count * 60_000_000


@dataclass(frozen=True, slots=True)
class Hours(_Counted):
    """Wall-clock hours; nights and holidays count."""

    unit = "hour"
    zh = "小时"

    @property
    def length_us(self) -> int:
        """Microseconds."""
        return self.count * 3_600_000_000


@dataclass(frozen=True, slots=True)
class WorkingDays(_Counted):
    """Statutory working days of the official calendar; the day of the start is not counted."""

    unit = "working day"
    zh = "个工作日"


@dataclass(frozen=True, slots=True)
class CalendarDays(_Counted):
    """Natural days; the day of the start is not counted."""

    unit = "calendar day"
    zh = "个自然日"


@dataclass(frozen=True, slots=True)
class CalendarMonths(_Counted):
    """Months to the same day number, or to the last day of a shorter month."""

    unit = "calendar month"
    zh = "个月"


DayLimit = WorkingDays | CalendarDays | CalendarMonths
"""Limits that end with a day."""

WallLimit = Minutes | Hours
"""Limits that have a fixed length."""

Limit = WallLimit | DayLimit
"""Any limit; written in TOML and CSV as ``"20 working days"``."""

_KINDS: Final[dict[str, type[Limit]]] = {
    kind.unit: kind for kind in (Minutes, Hours, WorkingDays, CalendarDays, CalendarMonths)
}
_TEXT: Final = re.compile(r"([1-9][0-9]{0,6}) ([a-z]+(?: [a-z]+)?)")


def minutes(count: int) -> Minutes:
    """Wall-clock minutes."""
    return Minutes(count)


def hours(count: int) -> Hours:
    """Wall-clock hours."""
    return Hours(count)


def working_days(count: int) -> WorkingDays:
    """Statutory working days; needs an official calendar to become a date."""
    return WorkingDays(count)


def calendar_days(count: int) -> CalendarDays:
    """Natural days."""
    return CalendarDays(count)


def calendar_months(count: int) -> CalendarMonths:
    """Calendar months, clamped to the end of a shorter month."""
    return CalendarMonths(count)


def parse_limit(text: str, *, where: str | None = None) -> Limit:
    """Read ``"4 hours"``, ``"2 working days"``, ``"1 calendar month"``; plain ``"days"`` is refused as ambiguous."""
    found = _TEXT.fullmatch(text)
    kind = _KINDS.get(found[2].removesuffix("s")) if found else None
    if found is None or kind is None:
        raise Invalid(
            f"limit {text[:60]!r} cannot be read",
            code="limit.unreadable",
            where=where,
            remedy="write a whole number and one of " + ", ".join(f"{unit}s" for unit in _KINDS),
        )
    return kind(int(found[1]))
