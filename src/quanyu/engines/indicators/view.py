"""The read view of indicators: each with its band, age, trend, the rows behind it and the case that it opened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from quanyu.engines.indicators.formula import formula_text
from quanyu.engines.indicators.measure import window_us
from quanyu.engines.indicators.reader import asset_of
from quanyu.engines.indicators.store import IndicatorStore
from quanyu.kernel.declare import City, Indicator, Measure
from quanyu.kernel.journal import Instant, Row
from quanyu.kernel.unit import find_unit, symbol
from quanyu.kernel.view import EVERYTHING, CaseQuery, Cases

TREND_SHOWN: Final = 48
STALE_TURNS: Final = 3
"""Without a declared limit a value is stale when its data are older than this many turns of its rhythm."""


class IndicatorsView:
    """Implements `kernel.view.Indicators`. `titles` holds words of packs by key: `measure.<name>` → zh, en."""

    def __init__(
        self,
        indicators: Iterable[Indicator],
        store: IndicatorStore,
        cases: Cases,
        clock: Callable[[], Instant],
        city: City,
        titles: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self._declared = {each.name: each for each in indicators}
        self._store, self._cases, self._clock = store, cases, clock
        self._owners = {unit["id"]: unit["name"] for unit in city.units}
        self._titles = titles or {}

    def current(self) -> list[dict[str, Any]]:
        """Return every declared indicator without formula and measures: vital signs first, in their order."""
        rows = {row[0]: row for row in self._store.latest()}
        order = sorted(self._declared.values(), key=lambda each: (each.vital is None, each.vital or 0, each.name))
        return [self._short(each, rows.get(each.name)) for each in order]

    def find(self, id: str) -> dict[str, Any] | None:
        """Return one indicator with formula, measures, pinned parameters and districts; None when undeclared."""
        indicator = self._declared.get(id)
        if indicator is None:
            return None
        row = self._store.find(id)
        body = msgspec.json.decode(row[7]) if row else {}
        taken = {each["name"]: each for each in body.get("measures", ())}
        return self._short(indicator, row) | {
            "formula": formula_text(indicator.formula),
            "doc": indicator.doc,
            "measures": [self._measure(each, taken.get(each.name), row) for each in indicator.measures],
            "by_district": body.get("by_district"),
        }

    def _short(self, indicator: Indicator, row: Row | None) -> dict[str, Any]:
        now = self._clock()
        unit = find_unit(indicator.unit)
        body = msgspec.json.decode(row[7]) if row else {}
        seen_at = (row[3] or row[2]) if row else None
        limit = window_us(indicator.stale_after) if indicator.stale_after else STALE_TURNS * window_us(indicator.every)
        age_us = None if seen_at is None else max(0, now - seen_at)
        return {
            "name": indicator.name,
            "title": dict(indicator.title),
            "unit": indicator.unit,
            "unit_symbol": symbol(indicator.unit) if unit else indicator.unit,
            "value": row[4] if row else None,
            "digits": indicator.digits,
            "band": body.get("band", [end if not isinstance(end, str) else None for end in indicator.band]),
            "direction": indicator.direction,
            "state": row[5] if row else "none",
            "at": seen_at,
            "computed_at": row[2] if row else None,
            "age_s": None if age_us is None else age_us // 1_000_000,
            "stale": age_us is None or age_us > limit,
            "owner": indicator.owner,
            "owner_name": self._owners.get(indicator.owner, {"zh": indicator.owner, "en": indicator.owner}),
            "trend": [list(point) for point in self._store.trend(indicator.name, TREND_SHOWN)],
            "vital": indicator.vital,
            "case": self._case(indicator),
            "parameters": body.get("parameters", []),
            "simulated": bool(row[6]) if row else False,
        }

    def _case(self, indicator: Indicator) -> str | None:
        if indicator.opens is None:
            return None
        page = self._cases.query(
            CaseQuery(list="all", state="open", asset=asset_of(indicator.name), limit=1), EVERYTHING
        )
        return page.items[0]["id"] if page.items else None

    def _measure(self, measure: Measure, taken: Mapping[str, Any] | None, row: Row | None) -> dict[str, Any]:
        """Describe a measure so that a face can link to the rows behind it."""
        end = row[2] if row else None
        start = None if end is None else end - window_us(measure.window)
        return {
            "name": measure.name,
            "title": dict(self._titles.get(f"measure.{measure.name}", {"zh": measure.name, "en": measure.name})),
            "value": taken["value"] if taken else None,
            "count": taken["count"] if taken else 0,
            "over": measure.over,
            "fold": measure.fold,
            "type": measure.type,
            "attribute": measure.attribute,
            "where": measure.where,
            "from": start,
            "to": end,
        }
