"""Instants: whole microseconds since 1970-01-01T00:00Z, and the days and hours of a city that they fall into."""

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from quanyu.kernel.errors import Invalid

Instant = int
"""Microseconds since 1970-01-01T00:00Z without leap seconds: the clock word of the journal."""

Zone = str | tzinfo
"""An IANA name such as ``Asia/Shanghai``, or a time zone already resolved."""

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_RFC3339: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,12}))?(?:([Zz])|([+-])(\d\d):(\d\d))", re.ASCII
)


@lru_cache(maxsize=64)
def _named_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as fault:
        raise Invalid(
            f"time zone {name!r} is not known", code="time.zone", remedy="write an IANA name such as Asia/Shanghai"
        ) from fault


def zone_of(zone: Zone) -> tzinfo:
    """Resolve an IANA name; raises Invalid (time.zone) for a name that the zone database does not hold."""
    return _named_zone(zone) if isinstance(zone, str) else zone


def instant(when: datetime) -> Instant:
    """Count the microseconds of an aware datetime; a naive one is refused because its zone would be a guess."""
    if when.utcoffset() is None:
        raise Invalid(
            f"datetime {when.isoformat()} has no time zone", code="time.naive", remedy="attach a zone before converting"
        )
    return (when - _EPOCH) // _MICROSECOND


def moment(at: Instant, zone: Zone = UTC) -> datetime:
    """Show an instant as an aware datetime of ``zone``; raises Invalid outside the years 1 to 9999."""
    try:
        return (_EPOCH + timedelta(microseconds=at)).astimezone(zone_of(zone))
    except OverflowError as fault:
        raise Invalid(f"instant {at} is outside the years 1 to 9999", code="time.range") from fault


def parse_instant(text: str, *, where: str | None = None) -> Instant:
    """Read RFC 3339 with an offset or Z; digits finer than a microsecond are cut off, never rounded up."""
    found = _RFC3339.fullmatch(text)
    if found is None:
        raise _unreadable(text, where, "it is not RFC 3339 with an offset")
    year, month, day, hour, minute, second, fraction, zulu, sign, off_hour, off_minute = found.groups()
    micro = int((fraction or "")[:6].ljust(6, "0"))
    offset = timedelta() if zulu else timedelta(hours=int(off_hour), minutes=int(off_minute))
    if not zulu and int(off_minute) > 59:
        raise _unreadable(text, where, "offset minutes exceed 59")
    try:
        zone = timezone(-offset if sign == "-" else offset)
        when = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), micro, zone)
        return instant(when)
    except (ValueError, OverflowError) as fault:
        raise _unreadable(text, where, str(fault)) from fault


def _unreadable(text: str, where: str | None, why: str) -> Invalid:
    return Invalid(
        f"time {text[:60]!r} cannot be read: {why}",
        code="time.unreadable",
        where=where,
        remedy="write for example 2026-03-01T08:00:00+08:00 or 2026-03-01T00:00:00Z",
    )


def format_instant(at: Instant, zone: Zone = UTC) -> str:
    """Write RFC 3339, with six decimals only where needed; offsets with seconds (before 1901) fall back to UTC."""
    when = moment(at, zone)
    offset = when.utcoffset() or timedelta()
    if offset % timedelta(minutes=1):
        when, offset = moment(at), timedelta()
    text = when.isoformat()
    return text if offset else text.removesuffix("+00:00") + "Z"


def day_of(at: Instant, zone: Zone) -> date:
    """Name the local day that holds the instant; days are half-open, so 24:00 belongs to the next day."""
    return moment(at, zone).date()


def midnight(day: date, zone: Zone) -> Instant:
    """Give the instant at which a local day begins, which is also the half-open end of the day before."""
    return instant(datetime(day.year, day.month, day.day, tzinfo=zone_of(zone)))


def day_bounds(day: date, zone: Zone) -> tuple[Instant, Instant]:
    """Give the half-open range of a local day; 23 or 25 hours long where the zone changes its offset."""
    return midnight(day, zone), midnight(next_day(day), zone)


def next_day(day: date) -> date:
    """Step one calendar day; raises Invalid after the year 9999 instead of overflowing."""
    return shift_day(day, 1)


def shift_day(day: date, count: int) -> date:
    """Step ``count`` calendar days; raises Invalid (time.range) outside the years 1 to 9999."""
    try:
        return day + timedelta(days=count)
    except OverflowError as fault:
        raise Invalid(f"day {day} + {count} is outside the years 1 to 9999", code="time.range") from fault


def hour_of(at: Instant, zone: Zone) -> Instant:
    """Give the start of the local hour that holds the instant (matters in zones that are off by 30 or 45 minutes)."""
    offset = (moment(at, zone).utcoffset() or timedelta()) // _MICROSECOND
    return (at + offset) // HOUR * HOUR - offset


def hour_bounds(at: Instant, zone: Zone) -> tuple[Instant, Instant]:
    """Give the half-open local hour that holds the instant."""
    start = hour_of(at, zone)
    return start, start + HOUR
