"""How values are shown over HTTP: instants in RFC 3339 with the city's offset, JSON, CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from quanyu.kernel.time import format_instant

INSTANTS = frozenset({
    "at", "from", "to", "now", "since", "observedAt", "expires", "opened", "seen", "done", "due", "last_ok",
    "failing_since", "before", "day", "start", "amber", "red", "escalate", "stopped",
})  # fmt: skip
"""Names that hold instants besides those that end in `_at`."""
INSTANT_MIN = 100_000_000_000_000
"""1973 in microseconds: a smaller number under these names is not an instant."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def shown(value: Any, zone: str) -> Any:
    """Return a document with its instants written out; trends are pairs of instant and value."""
    if isinstance(value, Mapping):
        return {key: _field(key, each, zone) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [shown(each, zone) for each in value]
    return value


def _field(key: str, value: Any, zone: str) -> Any:
    if key in INSTANTS or key.endswith("_at"):
        return _instants(value, zone)
    if key == "trend" and isinstance(value, list | tuple):
        return [[_instants(at, zone), number] for at, number in value]
    return shown(value, zone)


def _instants(value: Any, zone: str) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= INSTANT_MIN:
        return format_instant(value, zone)
    if isinstance(value, list | tuple):
        return [_instants(each, zone) for each in value]
    return shown(value, zone)


class Listing(msgspec.Struct):
    """A page of a list: shown as JSON {items, next, total}, or as CSV when asked for."""

    items: Sequence[Any]
    next: str | None = None
    total: int | None = None
    name: str = "list"


def listing_document(listing: Listing, zone: str) -> dict[str, Any]:
    """Return the JSON shape of a list; `total` only when it was counted."""
    document: dict[str, Any] = {"items": shown(listing.items, zone), "next": listing.next}
    if listing.total is not None:
        document["total"] = listing.total
    return document


def csv_text(rows: Sequence[Mapping[str, Any]], zone: str, language: str) -> str:
    """Return rows as CSV with a byte order mark, so that spreadsheets read Chinese; no cell can be a formula."""
    columns: dict[str, None] = {}
    for row in rows:
        columns |= dict.fromkeys(row)
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out)
    writer.writerow(columns)
    for row in rows:
        document = shown(row, zone)
        writer.writerow([cell(document.get(column), language) for column in columns])
    return out.getvalue()


def cell(value: Any, language: str) -> str:
    """Return a value as a CSV cell: texts in the reader's language, documents as JSON, formulas disarmed."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping) and set(value) == {"zh", "en"}:
        value = value[language if language in ("zh", "en") else "zh"]
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    # A spreadsheet would run it; the apostrophe makes it text.
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
