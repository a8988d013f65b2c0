"""What a pack may declare. Decorators return frozen values and register nothing; assembly collects them.

Rules, measures and indicators are here; flows have their own words in `kernel.flow`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from quanyu.kernel.device import Field, Message
from quanyu.kernel.entity import Observations
from quanyu.kernel.journal import Command, Instant
from quanyu.kernel.receiver import Receiver
from quanyu.kernel.time import Limit
from quanyu.kernel.view import Fold, Views

Severity = Literal["info", "yellow", "orange", "red"]
Direction = Literal["lower", "higher", "band"]


class Rule(msgspec.Struct, frozen=True):
    """A condition on one entity type, judged in event time, that opens a case of flow `opens`.

    The body of `condition` is one expression over attributes of the entity and parameters of the pack. `lasting`: it
    must hold so long; `max_gap`: a longer silence breaks it; `clears` (hysteresis): once true it stays true until the
    expression is false with the observed value divided by this factor; `absent`: fires when no value came for so long
    (the expression is then ignored); `baseline`: fires when the value strays so many robust deviations from its past;
    `unchanged`: fires when the value did not move for so long (stuck sensor).
    """

    name: str
    on: str
    condition: Callable[..., Any]
    opens: str
    severity: Severity
    title: Mapping[str, str]
    lasting: Limit | None = None
    clears: float | None = None
    max_gap: Limit | None = None
    absent: Limit | None = None
    unchanged: Limit | None = None
    baseline: float | None = None
    within: str | None = None
    group_by: str | None = None
    doc: str = ""

    @property
    def type(self) -> str:
        """Entity type that it watches."""
        return self.on.partition(".")[0]

    @property
    def attribute(self) -> str:
        """Attribute whose new values are judged."""
        return self.on.partition(".")[2]


def rule(
    *,
    on: str,
    opens: str,
    zh: str,
    en: str,
    severity: Severity = "yellow",
    lasting: Limit | None = None,
    clears: float | None = None,
    max_gap: Limit | None = None,
    absent: Limit | None = None,
    unchanged: Limit | None = None,
    baseline: float | None = None,
    within: str | None = None,
    group_by: str | None = None,
) -> Callable[[Callable[..., Any]], Rule]:
    """Declare a rule; the decorated function's one expression is its condition, its docstring says why it matters."""

    def declared(condition: Callable[..., Any]) -> Rule:
        return Rule(
            name=condition.__name__,
            on=on,
            condition=condition,
            opens=opens,
            severity=severity,
            title={"zh": zh, "en": en},
            lasting=lasting,
            clears=clears,
            max_gap=max_gap,
            absent=absent,
            unchanged=unchanged,
            baseline=baseline,
            within=within,
            group_by=group_by,
            doc=(condition.__doc__ or "").strip(),
        )

    return declared


class Recurrence(msgspec.Struct, frozen=True, kw_only=True):
    """The same problem reported so often within so many days that it needs a standing case with an owner.

    `flow` is whose openings count; `by` says what is the same: class, asset, grid, district or address of the place;
    `count` and `days` name parameters; `opens` is the flow of the standing case.
    """

    name: str
    flow: str
    by: tuple[str, ...]
    count: str
    days: str
    opens: str
    severity: Severity
    title: Mapping[str, str]
    doc: str


def recurrence(
    name: str,
    *,
    flow: str,
    by: Iterable[str],
    count: str,
    days: str,
    opens: str,
    zh: str,
    en: str,
    doc: str,
    severity: Severity = "yellow",
) -> Recurrence:
    """Declare a recurrence; `doc` says why it matters."""
    title = {"zh": zh, "en": en}
    return Recurrence(
        name=name, flow=flow, by=tuple(by), count=count, days=days, opens=opens, severity=severity, title=title, doc=doc
    )


class Measure(msgspec.Struct, frozen=True):
    """A declared fold: over history (an attribute of a type in a window), context (last values) or cases (flat rows).

    `over="cases"`: `where` and `value` are expressions over the columns of the cases view's `facts`.
    """

    name: str
    over: Literal["history", "context", "cases"]
    fold: Fold | Literal["share"]
    window: Limit
    type: str | None = None
    attribute: str | None = None
    where: str | None = None
    value: str | None = None


class Indicator(msgspec.Struct, frozen=True, kw_only=True):
    """A pure formula over measures and parameters, with its band, target direction, owner unit and rhythm.

    `band` holds two ends: numbers, names of parameters, or None for open. A value outside the band for `lasting` (None:
    at once) opens a case of flow `opens`. `vital` puts it on the overview in that order.
    """

    name: str
    formula: Callable[..., Any]
    measures: tuple[Measure, ...]
    title: Mapping[str, str]
    unit: str
    owner: str
    every: Limit
    direction: Direction
    band: tuple[float | str | None, float | str | None] = (None, None)
    digits: int = 1
    opens: str | None = None
    lasting: Limit | None = None
    vital: int | None = None
    stale_after: Limit | None = None
    doc: str = ""


def indicator(
    *,
    measures: Iterable[Measure],
    zh: str,
    en: str,
    unit: str,
    owner: str,
    every: Limit,
    direction: Direction,
    band: tuple[float | str | None, float | str | None] = (None, None),
    digits: int = 1,
    opens: str | None = None,
    lasting: Limit | None = None,
    vital: int | None = None,
    stale_after: Limit | None = None,
) -> Callable[[Callable[..., Any]], Indicator]:
    """Declare an indicator; the function's arguments name measures and parameters, and it may return None (no data)."""

    def declared(formula: Callable[..., Any]) -> Indicator:
        return Indicator(
            name=formula.__name__,
            formula=formula,
            measures=tuple(measures),
            title={"zh": zh, "en": en},
            unit=unit,
            owner=owner,
            every=every,
            direction=direction,
            band=band,
            digits=digits,
            opens=opens,
            lasting=lasting,
            vital=vital,
            stale_after=stale_after,
            doc=(formula.__doc__ or "").strip(),
        )

    return declared


class City(msgspec.Struct, frozen=True):
    """A city profile as packs see it: code, names, zone, districts, units, receivers. Shapes are GeoJSON."""

    code: str
    name: Mapping[str, str]
    zone: str
    centre: tuple[float, float]
    box: tuple[float, float, float, float]
    districts: tuple[Mapping[str, Any], ...]
    units: tuple[Mapping[str, Any], ...]
    facts: tuple[Mapping[str, Any], ...] = ()
    outline: str = "hex"
    receivers: tuple[Receiver, ...] = ()
    registers: Mapping[str, str] = {}
    """Register to the unit that keeps it here, where it is not the one that the pack names."""


class Tick(msgspec.Struct, frozen=True):
    """One step of the simulated city: `at` is its end; `chance` is seeded by (seed, pack, tick) and by nothing else."""

    seed: int
    number: int
    at: Instant
    step_us: int
    city: City
    chance: random.Random
    views: Views


class Simulation(msgspec.Struct, frozen=True):
    """How a part of the city behaves: `found` makes its entities once, `step` its commands of each tick."""

    name: str
    step: Callable[[Tick], Iterable[Command]]
    found: Callable[[City, int], Iterable[Command]] | None = None


def simulation(
    *, found: Callable[[City, int], Iterable[Command]] | None = None
) -> Callable[[Callable[[Tick], Iterable[Command]]], Simulation]:
    """Declare how a part of the city behaves; same seed and tick, same commands."""

    def declared(step: Callable[[Tick], Iterable[Command]]) -> Simulation:
        return Simulation(name=step.__name__, step=step, found=found)

    return declared


class Chunk(msgspec.Struct, frozen=True):
    """Consecutive rows of a file as text columns; `lines[i]` is the 1-based line of row i in that file."""

    file: str
    lines: Sequence[int]
    columns: Mapping[str, Sequence[str]]


class Reject(msgspec.Struct, frozen=True):
    """A row that cannot be taken, and why; it goes to the reject file and stops nothing."""

    line: int
    reason: str
    column: str | None = None


class Imported(msgspec.Struct, frozen=True):
    """What a chunk means: entities to make (once each), observations, the rows refused, and doubts about rows taken.

    With `lines` (one per command) a command that is refused is its row refused, and the others stand.
    """

    observations: Observations | None = None
    commands: Sequence[Command] = ()
    rejects: Sequence[Reject] = ()
    doubts: Sequence[Reject] = ()
    lines: Sequence[int] = ()


class Source(msgspec.Struct, frozen=True):
    """A reader of one documented file shape: `quanyu import <name> FILE…`. `columns` must stand in the header."""

    name: str
    title: Mapping[str, str]
    columns: tuple[str, ...]
    parse: Callable[[Chunk, City], Imported]
    doc: str = ""


def source(*, columns: Iterable[str], zh: str, en: str) -> Callable[[Callable[[Chunk, City], Imported]], Source]:
    """Declare a parser; it is called chunk by chunk and keeps nothing between calls."""

    def declared(parse: Callable[[Chunk, City], Imported]) -> Source:
        return Source(
            name=parse.__name__,
            title={"zh": zh, "en": en},
            columns=tuple(columns),
            parse=parse,
            doc=(parse.__doc__ or "").strip(),
        )

    return declared


def message(
    name: str,
    *,
    type: str,
    fields: Mapping[str, Field],
    zh: str,
    en: str,
    time: str | None = None,
    format: str | None = None,  # noqa: A002
    zone: str | None = None,
    missing: Iterable[float | str] = (),
) -> Message:
    """Declare what one kind of device says in JSON; a city's devices file names it instead of type and fields."""
    return Message(
        type,
        fields=fields,
        time=time,
        format=format,
        zone=zone,
        missing=tuple(missing),
        name=name,
        title={"zh": zh, "en": en},
    )
