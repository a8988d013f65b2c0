"""DateTime values of NGSI-LD (4.6.3): UTC with `Z`, at most six decimals; stored without trailing zeros."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from quanyu.kernel.errors import Invalid
from quanyu.kernel.time import Instant, format_instant, parse_instant

_DATE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,6})?Z", re.ASCII)


def canonical(text: object, where: str | None = None) -> str:
    """Return the one text by which an instant is stored, as `2020-09-01T12:03:00.5Z`; Invalid for what is no DateTime."""
    if isinstance(text, str) and len(text) < 40:
        found = _canonical(text)
        if found is not None:
            return found
    raise Invalid(
        f"{(text[:40] if isinstance(text, str) else type(text).__name__)!r} is not a DateTime in UTC.",
        code="entity.time",
        where=where,
        remedy="Write for example 2026-03-01T08:00:00Z or 2026-03-01T08:00:00.25Z.",
    )


def is_canonical(text: str) -> bool:
    """Whether a text is an instant as it is stored."""
    return len(text) < 40 and _canonical(text) == text


# The attributes of one entity were mostly observed at one instant, so a small memory serves.
@lru_cache(maxsize=4096)
def _canonical(text: str) -> str | None:
    if not _DATE_TIME.fullmatch(text):
        return None
    text = text.replace(",", ".")
    try:
        parse_instant(text)
    except Invalid:
        return None
    return _trimmed(text)


def _trimmed(text: str) -> str:
    return text[:-1].rstrip("0").rstrip(".") + "Z" if "." in text else text


def micros(text: object, where: str | None = None) -> Instant:
    """Return the microseconds since 1970 of a DateTime."""
    return _micros(canonical(text, where))


_micros = lru_cache(maxsize=4096)(parse_instant)


@lru_cache(maxsize=4096)
def text_of(at: Instant) -> str:
    """Return the canonical text of an instant; Invalid outside the years 1 to 9999."""
    return _trimmed(format_instant(at))
