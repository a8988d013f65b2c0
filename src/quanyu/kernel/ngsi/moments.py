"""Dates and times as values write them (NGSI-LD 4.6.3): told apart by shape, and ordered by a key without parsing."""

import re
from typing import Final, Literal

_TIME: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.,][0-9]{1,6})?Z"
_DATE: Final = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_SHAPE: Final = {
    "dateTime": re.compile(f"{_DATE}T{_TIME}"),
    "time": re.compile(_TIME),
    "date": re.compile(_DATE),
}

TimeKind = Literal["dateTime", "date", "time"]


def kind_of_time(text: str) -> TimeKind | None:
    """Tell by its shape whether a text is a date, a time in UTC, or both; None for any other text."""
    if len(text) > 30 or len(text) < 9 or not text[0].isdigit():
        return None
    if text[-1] != "Z":
        return "date" if _SHAPE["date"].fullmatch(text) else None
    if _SHAPE["dateTime"].fullmatch(text):
        return "dateTime"
    return "time" if _SHAPE["time"].fullmatch(text) else None


def order_key(text: str) -> str:
    """Give a text that sorts as the date or time does: without Z, and a fraction without its last zeros."""
    if text[-1] != "Z":
        return text
    if len(text) in (9, 20):
        return text[:-1]
    return text[:-1].replace(",", ".").rstrip("0").rstrip(".")
