"""What was: the series of an attribute, raw or in buckets."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import msgspec

from quanyu.faces.http.entities import missing
from quanyu.faces.http.route import Ask, Route
from quanyu.faces.http.shown import Listing
from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Instant
from quanyu.kernel.time import parse_instant
from quanyu.kernel.view import Series

DAY_US = 86_400_000_000
BUCKETS_MAX = 20_000
WIDTHS = {"s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": DAY_US}


class HistoryQuery(msgspec.Struct, rename={"start": "from", "end": "to"}):
    """A series; without `from` the last day, without `width` raw values."""

    attribute: str
    start: str | None = None
    end: str | None = None
    width: str | None = None
    fold: Literal["mean", "min", "max", "sum", "count"] = "mean"
    limit: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 100_000
    format: str = "json"


def width_us(text: str) -> int:
    """Return a width such as 15m, 1h or 1d in microseconds."""
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit() and 0 < int(number) <= 10_000 and unit in WIDTHS):
        raise Invalid(
            f"Width {text[:20]!r} cannot be read.", code="http.query", where="width", remedy="Write 30s, 15m, 1h or 1d."
        )
    return int(number) * WIDTHS[unit]


def _span(ask: Ask) -> tuple[Instant, Instant]:
    end = parse_instant(ask.query.end, where="to") if ask.query.end else ask.hub.clock.now()
    start = parse_instant(ask.query.start, where="from") if ask.query.start else end - DAY_US
    if start >= end:
        raise Invalid("The span ends before it begins.", code="http.query", where="from", remedy="Give from before to.")
    return start, end


def history(ask: Ask) -> Any:
    """The series of one attribute of one entity, times in event time, half-open."""
    id_, asked = ask.path("id"), ask.query
    visible = ask.scope_of("view:entities")
    found = ask.hub.views.entities.find(id_, visible)
    if found is None or asked.attribute in visible.masked or asked.attribute in ask.scope.masked:
        raise missing(id_)
    start, end = _span(ask)
    view = ask.hub.views.history
    series: Series | None
    if asked.width is None:
        series = view.series(id_, asked.attribute, start, end, asked.limit)
    else:
        width = width_us(asked.width)
        if math.ceil((end - start) / width) > BUCKETS_MAX:
            raise Invalid(
                f"The span holds more than {BUCKETS_MAX} buckets.",
                code="http.query",
                where="width",
                remedy="Ask for wider buckets or a shorter span.",
            )
        (series,) = view.buckets([id_], asked.attribute, start, end, width, asked.fold) or (None,)
    at = [] if series is None else list(series.at)
    value = [] if series is None else [_finite(each) for each in series.value]
    if asked.format == "csv":
        return Listing([{"at": a, asked.attribute: v} for a, v in zip(at, value, strict=True)], name="history")
    return {
        "entity": id_,
        "attribute": asked.attribute,
        "unit": getattr(series, "unit", None),
        "unit_symbol": _symbol(ask, str(found["type"]), asked.attribute),
        "at": at,
        "value": value,
        "provenance": getattr(series, "provenance", None),
    }


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _symbol(ask: Ask, type_: str, attribute: str) -> str | None:
    for row in ask.hub.catalogue.types():
        if row["type"] == type_:
            return next((each.get("unit_symbol") for each in row["attributes"] if each["name"] == attribute), None)
    return None


ROUTES = (
    Route(method="GET", path="/api/v1/entities/{id}/history", permission="view:history", handle=history,
          summary="The series of an attribute", query=HistoryQuery),
)  # fmt: skip
