"""Decide and fold computed indicators: the latest value of each, and its trend."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal

import msgspec

from quanyu.engines.indicators.store import INDICATOR, TREND, TREND_KEPT
from quanyu.kernel.declare import Indicator
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.journal import Command, Desk, Fact, Instant, Kind, Record, State

Standing = Literal["normal", "warn", "out", "none"]


class MeasureResult(msgspec.Struct, frozen=True):
    """One measure's part in a result; `count` is the number of rows behind it."""

    name: str
    value: float | None
    count: int


class PlaceResult(msgspec.Struct, frozen=True):
    """The same formula over one district."""

    code: str
    value: float | None
    count: int


class ParameterUsed(msgspec.Struct, frozen=True):
    """A parameter as it stood on the day, with the version of its row."""

    id: str
    version: str
    value: Any
    unit: str
    source: str
    status: str


class Computed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of indicator.compute and indicator.computed; `at` and `data_at` are city time and event time."""

    at: Instant
    data_at: Instant | None
    value: float | None
    state: Standing
    band: tuple[float | None, float | None]
    measures: tuple[MeasureResult, ...]
    parameters: tuple[ParameterUsed, ...] = ()
    by_district: tuple[PlaceResult, ...] | None = None
    simulated: bool = False


class IndicatorsEngine:
    """Owns computed indicators. Only declared ones are taken, and never older than what stands."""

    name: Final = "indicators"
    commands: Final = frozenset({"indicator.compute"})
    kinds: Final = (Kind("indicator.computed", life="telemetry"),)
    tables: Final = (INDICATOR, TREND)

    def __init__(self, indicators: Iterable[Indicator]) -> None:
        self._declared = {each.name: each for each in indicators}

    def decide(self, command: Command, desk: Desk) -> Iterable[Fact]:
        """Take a result of a declared indicator."""
        if command.subject not in self._declared:
            raise Missing(
                f"Indicator {command.subject!r} is not declared.",
                code="indicator.unknown",
                where="subject",
                remedy=f"Declared are {', '.join(sorted(self._declared)) or 'none'}.",
            )
        try:
            computed = msgspec.convert(command.body, Computed)
        except msgspec.ValidationError as fault:
            raise Invalid(
                f"Result of indicator {command.subject} cannot be read: {fault}.", code="indicator.body", where="body"
            ) from fault
        row = desk.state.get(INDICATOR, command.subject)
        if row is not None and computed.at < row[2]:
            raise Invalid(
                f"Result of indicator {command.subject} is older than the one that stands.",
                code="indicator.order",
                where="body.at",
                remedy="Compute it again.",
            )
        return [Fact("indicator.computed", command.subject, msgspec.to_builtins(computed))]

    def evolve(self, record: Record, state: State) -> None:
        """Put the latest value and one more point of the trend."""
        body = record.body
        assert body is not None, f"record {record.seq} was pruned and cannot be folded"
        row = state.get(INDICATOR, record.subject)
        n = row[1] + 1 if row else 1
        document = msgspec.json.encode(body).decode()
        latest = (record.subject, n, body["at"], body["data_at"], body["value"], body["state"])
        state.put(INDICATOR, (*latest, int(body["simulated"]), document))
        state.put(TREND, (record.subject, n % TREND_KEPT, body["at"], body["value"]))
