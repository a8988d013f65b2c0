"""A town for tests of indicators: two stations, three cases, and what the reader asks of them, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from quanyu.engines.cases.bodies import FindBody, read_body
from quanyu.engines.indicators.reader import IndicatorsReader
from quanyu.kernel.declare import Indicator, Measure, indicator
from quanyu.kernel.entity import Document
from quanyu.kernel.journal import Effects, Record, Row, Table
from quanyu.kernel.parameter import parse_parameters
from quanyu.kernel.time import calendar_days, format_instant, hours
from quanyu.kernel.view import CaseQuery, Filter, Fold, Page, Query, Views

HOUR = 3_600_000_000
NOW = 1_772_409_600_000_000
PARAMETERS = parse_parameters(
    {
        "parameter": [
            {"id": "dust_limit", "value": value, "unit": "GQ", "valid_from": start, "jurisdiction": "CN"}
            | ({"valid_to": end} if end else {})
            | {"source": "a standard", "status": "verified", "zh": "限值", "en": "Limit"}
            for value, start, end in ((75, "2012-01-01", "2026-02-28"), (60, "2026-03-01", None))
        ]
    },
    pack="test",
)


@indicator(
    measures=[Measure(name="mean", over="history", fold="mean", window=hours(24), type="Air", attribute="pm25")],
    zh="均值",
    en="Mean dust",
    unit="GQ",
    owner="office",
    every=hours(1),
    direction="lower",
    band=(None, "dust_limit"),
    lasting=hours(2),
    opens="look",
    vital=1,
)
def dust(mean: float) -> float:
    """Mean of a day."""
    return mean


@indicator(
    measures=[
        Measure(name="heard", over="context", fold="count", window=hours(3), type="Air", attribute="pm25"),
        Measure(name="over", over="context", fold="count", window=hours(3), type="Air", attribute="pm25",
                where="pm25 > 2 * dust_limit"),
        Measure(name="high", over="context", fold="max", window=hours(3), type="Air", attribute="pm25"),
    ],
    zh="超标", en="Over", unit="P1", owner="office", every=hours(1), direction="lower", band=(None, 50),
)  # fmt: skip
def over_share(over: float, heard: float, high: float) -> float | None:
    """Stations over the limit, of those heard."""
    return 100 * over / heard if high >= 0 else None


@indicator(
    measures=[
        Measure(name="closed", over="cases", fold="share", window=calendar_days(7),
                where="closed_at is not None and closed_at >= start", value="on_time"),
        Measure(name="late", over="cases", fold="share", window=calendar_days(7), where="late"),
        Measure(name="took", over="cases", fold="mean", window=calendar_days(7),
                value="(closed_at - opened_at) / 3600000000"),
    ],
    zh="按期", en="On time", unit="P1", owner="office", every=hours(1), direction="higher", band=(90, None), digits=0,
)  # fmt: skip
def on_time(closed: float, late: float, took: float) -> float:
    """Closed in time."""
    return 100 * closed + 0 * late + 0 * took


ALL = (dust, over_share, on_time)


def station(name: str, district: str, value: float, at: int) -> Document:
    pm25 = {"type": "Property", "value": value, "observedAt": format_instant(at)}
    return {
        "id": f"urn:ngsi-ld:Air:{name}",
        "type": "Air",
        "district": {"type": "Property", "value": district},
        "pm25": pm25,
    }


def case_row(district: str, closed: bool, in_time: bool | None, **more: Any) -> dict[str, Any]:
    row = {"district": district, "opened_at": NOW - 5 * HOUR, "closed_at": NOW - HOUR if closed else None}
    return row | {"on_time": in_time, "late": in_time is False, "historical": False, "merged_into": None, **more}


class Town:
    """Everything the reader may look at, in memory; also the four views themselves."""

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self.rows: list[dict[str, Any]] = []
        self.open_assets: set[str] = set()
        self.views = Views(cast(Any, self), cast(Any, self), cast(Any, CaseRows(self)), cast(Any, None))

    def query(self, query: Query, scope: Filter) -> Page:
        left = [each for each in self.documents if query.after is None or each["id"] > query.after][: query.limit]
        return Page(left, left[-1]["id"] if len(left) == query.limit else None)

    def fold(
        self, attribute: str, start: int, end: int, fold: Fold, groups: Mapping[str, str]
    ) -> dict[str, tuple[float, int]]:
        found: dict[str, list[float]] = {}
        for each in self.documents:
            found.setdefault(groups[each["id"]], []).append(each[attribute]["value"])
        return {place: (sum(values) / len(values), len(values)) for place, values in found.items()}


class CaseRows:
    def __init__(self, town: Town) -> None:
        self.town = town

    def facts(self, start: int, end: int, data: bool = False) -> list[dict[str, Any]]:
        return self.town.rows

    def count(self, query: CaseQuery, scope: Filter) -> int:
        return int(query.asset in self.town.open_assets)

    def query(self, query: CaseQuery, scope: Filter) -> Page:
        return Page([{"id": "case"}] if query.asset in self.town.open_assets else [])


class Kept:
    """The reader's own rows."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self.kept = list(rows)

    def rows(self, table: Table) -> list[Row]:
        return self.kept


def reader(town: Town, kept: Iterable[Row] = (), indicators: Sequence[Indicator] = ALL) -> IndicatorsReader:
    return IndicatorsReader(
        indicators, PARAMETERS, town.views, Kept(kept), jurisdiction="110000", zone="Asia/Shanghai", simulated=True
    )


NEWS = Record(1, NOW, "simulation:city", "observed", 1, "air", {}, None, "simulated")


def results(effects: Effects) -> dict[str, dict[str, Any]]:
    return {each.subject: each.body for each in effects.commands if each.kind == "indicator.compute"}


def findings(effects: Effects) -> list[FindBody]:
    return [read_body(each.kind, each.body, FindBody) for each in effects.commands if each.kind == "case.find"]
