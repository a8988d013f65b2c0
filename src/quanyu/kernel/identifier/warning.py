"""Warning identifiers of the national early-warning system: ``ZZZZZZDDDUUUXX_YYYYMMDDhhmmss_N`` (rules.md B1)."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

from quanyu.kernel.identifier.grammar import DIGITS, LETTERS, Grammar, Part, compact
from quanyu.kernel.time import Instant, instant, moment

BEIJING_TIME: Final = timezone(timedelta(hours=8))

_GRAMMAR: Final = Grammar(
    "warning id",
    "warning",
    (
        Part("division", 6),
        Part("industry", 3),
        # Letters are let through in unit and extension: only their defaults 000 and 00 are known.
        Part("unit", 3, DIGITS + LETTERS),
        Part("extension", 2, DIGITS + LETTERS),
        Part("underscore", 1, "_"),
        Part("date", 8),
        Part("clock", 6),
        Part("underscore", 1, "_"),
        Part("sequence", 1),
    ),
)


@dataclass(frozen=True, slots=True)
class WarningId:
    """Who issued a warning, when, and which message of that second it is (from 0)."""

    division: str
    industry: str
    unit: str
    extension: str
    issued: Instant
    sequence: int

    def __str__(self) -> str:
        stamp = moment(self.issued, BEIJING_TIME)
        unit = f"{self.division}{self.industry}{self.unit}{self.extension}"
        return f"{unit}_{compact(stamp.date())}{stamp:%H%M%S}_{self.sequence}"


def parse_warning_id(text: str) -> WarningId:
    """Read 31 characters; the time is always Beijing time (+08:00), whatever zone the city is in."""
    division, industry, unit, extension, _, _, clock, _, sequence = _GRAMMAR.split(text)
    day = _GRAMMAR.date(text, 16)
    for position, name, most in ((24, "hour", 23), (26, "minute", 59), (28, "second", 59)):
        value = text[position - 1 : position + 1]
        if int(value) > most:
            raise _GRAMMAR.fault(text, position, f"{name} is {value}", f"00 to {most}")
    issued = datetime(day.year, day.month, day.day, int(clock[:2]), int(clock[2:4]), int(clock[4:]), 0, BEIJING_TIME)
    return WarningId(division, industry, unit, extension, instant(issued), int(sequence))


def make_warning_id(
    division: str, industry: str, issued: Instant, *, unit: str = "000", extension: str = "00", sequence: int = 0
) -> WarningId:
    """Name a new warning; microseconds are dropped because the identifier counts whole seconds."""
    return parse_warning_id(str(WarningId(division, industry, unit, extension, issued, sequence)))
