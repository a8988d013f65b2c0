"""ISO 8601 durations and our own limits: how a timer of a drawing says how long."""

from __future__ import annotations

import re
from typing import Final

from quanyu.kernel.errors import Invalid
from quanyu.kernel.flow import Parameter
from quanyu.kernel.time import (
    Hours,
    Limit,
    Minutes,
    WorkingDays,
    calendar_days,
    calendar_months,
    hours,
    minutes,
    parse_limit,
)

LIMIT_LANGUAGE: Final = "urn:quanyu:limit"
"""Language of a timer that ISO 8601 has no words for: working days, parameters, dates of the case."""

PARAMETER: Final = "parameter:"

_DURATION: Final = re.compile(
    r"P(?:(\d{1,7})Y)?(?:(\d{1,7})M)?(?:(\d{1,7})W)?(?:(\d{1,7})D)?(?:T(?:(\d{1,7})H)?(?:(\d{1,7})M)?(?:(\d{1,7})S)?)?"
)


def limit_text(limit: Limit | Parameter) -> str:
    """Say a limit as an official writes it; the name of a parameter stands behind `parameter:`."""
    return f"{PARAMETER}{limit.id}" if isinstance(limit, Parameter) else str(limit)


def read_limit(text: str, where: str) -> Limit | Parameter:
    """Read what `limit_text` writes."""
    if text.startswith(PARAMETER):
        return Parameter(text.removeprefix(PARAMETER))
    return parse_limit(text, where=where)


def iso_text(limit: Limit | Parameter) -> str | None:
    """Say a limit as ISO 8601 does; None where it cannot."""
    match limit:
        case Parameter() | WorkingDays():
            return None
        case Minutes():
            return f"PT{limit.count}M"
        case Hours():
            return f"PT{limit.count}H"
    return f"P{limit.count}{'D' if limit.unit == 'calendar day' else 'M'}"


def read_iso(text: str, where: str) -> Limit:
    """Read a duration: days, weeks, months and years are calendar time, hours and minutes run day and night."""
    found = _DURATION.fullmatch(text)
    if found is None or text.endswith(("P", "T")):
        raise _unreadable(text, where, "it is no ISO 8601 duration of whole numbers")
    years, months, weeks, days, hour, minute, second = (int(part or 0) for part in found.groups())
    months += 12 * years
    days += 7 * weeks
    clock = (hour * 60 + minute) * 60 + second
    if months and (days or clock):
        raise _unreadable(text, where, "months do not add up with days or hours")
    if not months + days + clock or clock % 60:
        raise _unreadable(text, where, "it is not a whole number of minutes, at least one")
    if months:
        return calendar_months(months)
    if not clock:
        return calendar_days(days)
    if clock % 3600 or (days == 0 and hour == 0 and not second):
        return minutes(days * 1440 + clock // 60)
    return hours(days * 24 + clock // 3600)


def _unreadable(text: str, where: str, why: str) -> Invalid:
    return Invalid(
        f"Timer {text[:60]!r} cannot be read: {why}.",
        code="bpmn.duration",
        where=where,
        remedy="Write P3D, PT4H, PT30M, P1M, or a limit in working days by the extension.",
    )
