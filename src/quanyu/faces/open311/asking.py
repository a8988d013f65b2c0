"""The question for a list of service requests, read from its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Instant
from quanyu.kernel.time import parse_instant

DAY_US: Final = 86_400_000_000
WINDOW_DAYS: Final = 90
SIZE: Final = 1000
"""The first so many are answered where no page is asked for (GeoReport v2)."""

DEEP_MAX: Final = 10_000
STATUSES: Final = ("open", "closed")


class Asked(msgspec.Struct, frozen=True):
    """Numbers alone, or a window with filters and a page."""

    start: Instant
    end: Instant
    ids: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    skip: int = 0
    size: int = SIZE


def read_asked(given: Mapping[str, str], now: Instant) -> Asked:
    """Return the question; Invalid names the parameter that cannot be read.

    A window without an end reaches 90 days on, one without a beginning 90 days back; a longer one is cut to 90 days.
    """
    span = WINDOW_DAYS * DAY_US
    start, end = _instant(given, "start_date"), _instant(given, "end_date")
    if end is None:
        end = now + 1 if start is None else min(now + 1, start + span)
    if start is None:
        start = end - span
    if start > end:
        raise _wrong("start_date", given["start_date"], "a time before end_date")
    size = _whole(given, "page_size", SIZE, SIZE)
    page = _whole(given, "page", 1, DEEP_MAX)
    if (page - 1) * size >= DEEP_MAX:
        raise _wrong("page", str(page), f"a page within the first {DEEP_MAX} requests, or a narrower window")
    statuses = _words(given, "status")
    for word in statuses:
        if word not in STATUSES:
            raise _wrong("status", word, " or ".join(STATUSES))
    return Asked(
        max(start, end - span), end, _words(given, "service_request_id")[:SIZE], _words(given, "service_code"),
        statuses, (page - 1) * size, size,
    )  # fmt: skip


def _words(given: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in given.get(name, "").split(",") if word.strip())


def _instant(given: Mapping[str, str], name: str) -> Instant | None:
    text = given.get(name)
    # A plus that nobody escaped arrives as a space.
    return parse_instant(text.replace(" ", "+"), where=name) if text else None


def _whole(given: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = given.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:9]) <= most:
        raise _wrong(name, text, f"a whole number from 1 to {most}")
    return int(text)


def _wrong(name: str, value: str, accepted: str) -> Invalid:
    return Invalid(
        f"Parameter {name} is {value!r:.60}.", code="open311.parameter", where=name, remedy=f"Send {accepted}."
    )
