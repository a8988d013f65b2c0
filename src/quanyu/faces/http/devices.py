"""Devices.

How the sources of measured values do, and what of them could not be taken.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from quanyu.faces.http.route import Ask, Route
from quanyu.faces.http.shown import Listing

Limit = Annotated[int, msgspec.Meta(ge=1, le=1000)]


class LettersQuery(msgspec.Struct):
    """Dead letters, newest first, of all sources or of one (`mqtt:<name>`, `hj212:<mn>`)."""

    source: str | None = None
    after: int | None = None
    limit: Limit = 100
    format: str = "json"


def devices(ask: Ask) -> Listing:
    """Declared brokers and stations: up or down, since when, and how much came, was taken, lost or refused."""
    found: list[dict[str, Any]] = [{"id": name, **gauge} for name, gauge in ask.hub.devices.health().items()]
    return Listing(found, name="devices")


def letters(ask: Ask) -> Listing:
    """Messages that could not be taken: where they came from, what they said (cut), and why."""
    asked = ask.query
    found = ask.hub.devices.letters.newest(asked.after, asked.limit, asked.source)
    items = [msgspec.to_builtins(letter) for letter in found]
    return Listing(items, str(found[-1].number) if len(found) == asked.limit else None, name="dead-letters")


ROUTES = (
    Route(method="GET", path="/api/v1/devices", permission="view:health", handle=devices, summary="Sources of values"),
    Route(method="GET", path="/api/v1/devices/dead-letters", permission="view:health", handle=letters,
          summary="What devices sent and could not be taken", query=LettersQuery),
)  # fmt: skip
