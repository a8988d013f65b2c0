"""The reader of indicators: evaluates each on its rhythm, and asks for a case while a value stays out of its band."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from quanyu.engines.indicators.engine import Standing
from quanyu.engines.indicators.formula import Plan
from quanyu.engines.indicators.measure import NOWHERE, Gauge, Measured
from quanyu.engines.indicators.store import RHYTHM, ReaderState
from quanyu.kernel.declare import Indicator
from quanyu.kernel.entity import urn
from quanyu.kernel.journal import Change, Command, Effects, Instant, Record, Table
from quanyu.kernel.parameter import Parameters, Pinned
from quanyu.kernel.time import day_of
from quanyu.kernel.unit import Unit, find_unit
from quanyu.kernel.view import EVERYTHING, CaseQuery, Views

ASSET_TYPE: Final = "KeyPerformanceIndicator"
SETTLE_SHARE: Final = 4
"""Evaluated a quarter of the rhythm after its turn, so that what belongs to the turn has arrived."""


def asset_of(name: str) -> str:
    """Return the id under which cases refer to an indicator."""
    return urn(ASSET_TYPE, name)


class IndicatorsReader:
    """Evaluates declared indicators; state of its own: the last evaluation, and since when a value is out."""

    name: Final = "indicators"
    wants: Final = frozenset({"observed", "case.opened", "case.acted"})
    tables: Final[tuple[Table, ...]] = (RHYTHM,)

    def __init__(
        self,
        indicators: Iterable[Indicator],
        parameters: Parameters,
        views: Views,
        state: ReaderState,
        *,
        jurisdiction: str,
        zone: str,
        simulated: bool = False,
    ) -> None:
        self._plans = {each.name: Plan(each, parameters) for each in indicators}
        self._parameters, self._views = parameters, views
        self._jurisdiction, self._zone, self._simulated = jurisdiction, zone, simulated
        self.quiet_until: Instant = 0
        """Nothing is evaluated before: a warm-up of weeks needs values of its last days only."""
        self._rhythm: dict[str, tuple[Instant, Instant | None, bool]] = {
            name: (at, since, bool(found)) for name, at, since, found in state.rows(RHYTHM) if name in self._plans
        }

    def renew(self, parameters: Parameters) -> None:
        """Compute by what the city released from the next turn on."""
        self._parameters = parameters

    @property
    def next_wake(self) -> Instant | None:
        """City time at which the next indicator is due; None until something was read for the first time."""
        due = min((self._due_at(plan) for plan in self._plans.values() if self._seen(plan)), default=None)
        return due if due is None else max(due, self.quiet_until)

    def read(self, records: Sequence[Record], now: Instant) -> Effects:
        """Evaluate what never was and what is due: news moves an indicator at most once per rhythm."""
        return self._evaluated(now, fresh=True) if records else Effects()

    def wake(self, now: Instant) -> Effects:
        """Evaluate what is due: windows move even when nothing is heard."""
        return self._evaluated(now, fresh=False)

    def _seen(self, plan: Plan) -> bool:
        return plan.indicator.name in self._rhythm

    def _due_at(self, plan: Plan) -> Instant:
        at = self._rhythm[plan.indicator.name][0]
        settle = plan.every_us // SETTLE_SHARE
        return ((at - settle) // plan.every_us + 1) * plan.every_us + settle

    def _evaluated(self, now: Instant, fresh: bool) -> Effects:
        if now < self.quiet_until:
            return Effects()
        due = [plan for plan in self._plans.values() if (self._due_at(plan) <= now if self._seen(plan) else fresh)]
        if not due:
            return Effects()
        commands: list[Command] = []
        delta: list[Change] = []
        pins = {plan.indicator.name: self._pins(plan, now) for plan in due}
        gauge = Gauge(self._views, now, {name: pin.value for each in pins.values() for name, pin in each.items()})
        for plan in due:
            name = plan.indicator.name
            body = self._computed(plan, gauge, pins[name], now)
            commands.append(Command("indicator.compute", name, body, provenance="derived:indicators"))
            commands += self._case(plan, body, now)
            at, since, found = self._rhythm[name]
            delta.append(Change(RHYTHM.name, (name,), (name, at, since, int(found))))
        return Effects(commands, tuple(delta))

    def _pins(self, plan: Plan, now: Instant) -> dict[str, Pinned]:
        return plan.pinned(self._parameters, day_of(now, self._zone), self._jurisdiction)

    def _computed(self, plan: Plan, gauge: Gauge, pins: Mapping[str, Pinned], now: Instant) -> dict[str, Any]:
        taken = {name: gauge.take(measure) for name, measure in plan.measures.items()}
        value = plan.value({name: each.total.value for name, each in taken.items()}, pins)
        band = plan.band(pins)
        ages = [each.data_at for each in taken.values()]
        known = [at for at in ages if at is not None]
        return {
            "at": now,
            "data_at": min(known) if len(known) == len(ages) else None,
            "value": value,
            "state": plan.judge(value, band),
            "band": list(band),
            "measures": [
                {"name": name, "value": each.total.value, "count": each.total.count} for name, each in taken.items()
            ],
            "parameters": [_pin_document(pin) for pin in pins.values()],
            "by_district": _by_district(plan, taken, pins),
            "simulated": self._simulated,
        }

    def _case(self, plan: Plan, body: Mapping[str, Any], now: Instant) -> list[Command]:
        """Remember how long the value is out; ask for a case once it lasts, and end the finding when it is back."""
        name, standing = plan.indicator.name, body["state"]
        _, since, found = self._rhythm.get(name, (now, None, False))
        if standing == "none":
            self._rhythm[name] = (now, since, found)
            return []
        if standing != "out":
            self._rhythm[name] = (now, None, False)
            ended = found and since is not None and plan.indicator.opens
            return [_finding(plan, body, since, now)] if ended and since is not None else []
        since = now if since is None else since
        asks = plan.indicator.opens is not None and now - since >= plan.lasting_us
        self._rhythm[name] = (now, since, found or asks)
        # Said again at every turn while the case is open, so that it shows the latest value; a case that was closed while
        # the value is still out (planned, no action) is somebody's answer and is not asked for again.
        return [_finding(plan, body, since, None)] if asks and (not found or self._open(name)) else []

    def _open(self, name: str) -> bool:
        query = CaseQuery(list="all", state="open", asset=asset_of(name), limit=1)
        return self._views.cases.count(query, EVERYTHING) > 0


def _by_district(plan: Plan, taken: Mapping[str, Measured], pins: Mapping[str, Pinned]) -> list[dict[str, Any]] | None:
    """Return the formula over each district that every measure knows; None when no district is known."""
    codes = {code for each in taken.values() for code in each.by_district if code != NOWHERE}
    rows = []
    for code in sorted(codes):
        parts = {name: each.by_district.get(code) for name, each in taken.items()}
        values = {
            name: (part.value if part else 0.0 if plan.measures[name].fold == "count" else None)
            for name, part in parts.items()
        }
        count = sum(part.count for part in parts.values() if part)
        rows.append({"code": code, "value": plan.value(values, pins), "count": count})
    return rows or None


def _pin_document(pin: Pinned) -> dict[str, Any]:
    return {
        "id": pin.id,
        "version": pin.version,
        "value": pin.value,
        "unit": pin.unit,
        "source": pin.source,
        "status": pin.status,
    }


def _finding(plan: Plan, body: Mapping[str, Any], since: Instant, end: Instant | None) -> Command:
    indicator = plan.indicator
    low, high = body["band"]
    value = body["value"]
    limit = high if high is not None and (low is None or value > high) else low
    finding = {
        "rule": f"indicator:{indicator.name}",
        "rule_title": {
            "zh": f"{indicator.title['zh']}超出目标",
            "en": f"{indicator.title['en']} out of target",
        },
        "severity": "yellow",
        "flow": indicator.opens,
        "asset": asset_of(indicator.name),
        "asset_type": ASSET_TYPE,
        "attribute": "value",
        "from": since,
        "to": end,
        "value": value,
        "limit": limit,
        "unit": indicator.unit,
        "why": _why(indicator, value, limit, body["state"]),
        "count": 1,
        "place": None,
        "as": "live",
        "parameters": [
            {"id": each["id"], "version": each["version"], "status": each["status"]} for each in body["parameters"]
        ],
    }
    provenance = "simulated:indicators" if body["simulated"] else "derived:indicators"
    return Command("case.find", f"indicator:{indicator.name}", finding, provenance=provenance)


def _why(indicator: Indicator, value: float, limit: float | None, standing: Standing) -> dict[str, str]:
    unit: Unit | None = find_unit(indicator.unit)
    symbol = f" {unit.symbol}" if unit and unit.code != "C62" else ""
    number, end = f"{value:.{indicator.digits}f}{symbol}", "" if limit is None else f"{limit:g}{symbol}"
    if standing != "out":
        return {
            "zh": f"{indicator.title['zh']}恢复至{number},回到目标区间",
            "en": f"{indicator.title['en']} is {number}, back in its band",
        }
    over = limit is not None and value > limit
    return {
        "zh": f"{indicator.title['zh']}为{number},{'高于' if over else '低于'}{end}",
        "en": f"{indicator.title['en']} is {number}, {'above' if over else 'below'} {end}",
    }
