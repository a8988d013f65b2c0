"""Words of the temporal evolution of entities (NGSI-LD 4.5.6 to 4.5.9, 4.5.19, 4.11): what is asked, what is answered.

An **evolution** is a document like an entity's, whose attributes hold every instance that is asked for, oldest first:
`{"id", "type", <attribute>: [instance…]}`. `scope`, where it is known, is such a list of Property instances too. An
instance is in stored form with `instanceId`, and its instants are microseconds (int): `observedAt`, `deletedAt`, and
`createdAt` and `modifiedAt` when asked for. An **aggregate** holds `{"type", <method>: [(value, start, end)…]}` for an
attribute, a list of such when it has several datasets, each but the default's with its `datasetId`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from quanyu.kernel.entity import Document
from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Instant
from quanyu.kernel.ngsi.geo import GeoQuery
from quanyu.kernel.ngsi.q import Q
from quanyu.kernel.ngsi.scope import ScopeQ
from quanyu.kernel.ngsi.selection import Types
from quanyu.kernel.time import instant, moment
from quanyu.kernel.view import Filter

TimeProperty = Literal["observedAt", "createdAt", "modifiedAt", "deletedAt"]
Method = Literal["totalCount", "distinctCount", "sum", "avg", "min", "max", "stddev", "sumsq"]
METHODS: tuple[Method, ...] = ("totalCount", "distinctCount", "sum", "avg", "min", "max", "stddev", "sumsq")

BEGINNING: Instant = -(2**61)
END: Instant = 2**61
"""Before and after every instant that can be written."""

PAGE_INSTANCES = 10_000
"""Instances of one answer; what is more is answered in part (6.3.10)."""

EDGES_MAX = 100_000
NULL = "urn:ngsi-ld:null"

_DURATION = re.compile(
    r"P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?"
    r"(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{1,6})?)S)?)?",
    re.ASCII,
)
_SHARES_US = (7 * 86_400_000_000, 86_400_000_000, 3_600_000_000, 60_000_000)


class Period(msgspec.Struct, frozen=True):
    """A duration (ISO 8601): whole months of the calendar in UTC, then microseconds. Both 0: the whole span asked for."""

    months: int = 0
    width_us: int = 0

    def edges(self, origin: Instant, end: Instant) -> list[Instant]:
        """Return the starts of the periods from `origin` on up to the last before `end`, and where that one ends."""
        edges = [origin]
        while edges[-1] < end:
            edges.append(self.step(origin, len(edges)))
            if len(edges) > EDGES_MAX:
                raise too_many("periods", EDGES_MAX, "aggrPeriodDuration", "Ask for longer periods or a shorter time.")
        return edges if len(edges) > 1 else [origin, self.step(origin, 1)]

    def step(self, origin: Instant, count: int) -> Instant:
        """Return the start of the period with a number; a month's day that does not exist is its last day."""
        at = origin if not self.months else _months_on(origin, self.months * count)
        return at + self.width_us * count


WHOLE = Period()


class Selector(msgspec.Struct, frozen=True):
    """Entities by id, or by pattern of the id, and by type (5.2.33); an id counts more than a pattern."""

    ids: tuple[str, ...] | None = None
    id_pattern: str | None = None
    types: Types | None = None


class TemporalQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Whose evolution (5.7.4), in which time (4.11), how much of it.

    Names are stored names. Instances are taken
    when `time_property` lies in [start, end). `timed` says that a temporal relation was given: without one, instances
    that lack the time property are taken too. `attrs` also chooses entities, `pick` and `omit` only what is told of
    them. `page` bounds the instances of the answer, `limit` its entities.
    """

    selectors: tuple[Selector, ...] = (Selector(),)
    """An entity is asked for when any of these chooses it."""
    attrs: tuple[str, ...] | None = None
    q: Q | None = None
    geo: GeoQuery | None = None
    scope_q: ScopeQ | None = None
    pick: tuple[str, ...] | None = None
    omit: frozenset[str] = frozenset()
    datasets: tuple[str, ...] | None = None
    """Wanted datasets; "" is the default instance (`@none`)."""
    time_property: TimeProperty = "observedAt"
    timed: bool = False
    start: Instant = BEGINNING
    end: Instant = END
    last: int | None = None
    values_only: bool = False
    """Every instance must have the time property: simplified and aggregated answers show nothing else."""
    methods: tuple[Method, ...] = ()
    period: Period = WHOLE
    limit: int = 20
    offset: int = 0
    count: bool = False
    descending: bool | None = None
    """Order by id; None: the order of creation."""
    page: int = PAGE_INSTANCES
    sys: bool = False


class Evolutions(msgspec.Struct, frozen=True):
    """An answer: documents, how many entities match in all when counted, whether more entities follow.

    `first` and `last` are the ends of the time answered when only a part of the instances is told (`partial`); `rest`
    are the attributes (with their kinds) of each entity that have instances in other parts alone.
    """

    items: Sequence[Document]
    total: int | None = None
    more: bool = False
    partial: bool = False
    first: Instant | None = None
    last: Instant | None = None
    rest: Mapping[str, Mapping[str, str]] = {}


class Temporal(Protocol):
    """Published by history: how entities came to be what they are."""

    def find(self, id: str, query: TemporalQuery, scope: Filter) -> Evolutions | None:
        """Return the evolution of one entity, or None when the history does not know it or the actor may not see it."""
        ...

    def query(self, query: TemporalQuery, scope: Filter) -> Evolutions:
        """Return the evolutions of the matching entities; Invalid `query.too_many` when it would read too much."""
        ...

    def stands(self, id: str, scope: Filter) -> bool:
        """Tell whether the history knows the entity."""
        ...

    def instance(self, id: str, attribute: str, instance: tuple[int, int], scope: Filter) -> Document | None:
        """Return one instance of an attribute with `createdAt`, None when it does not stand."""
        ...


def parse_period(text: str, where: str = "aggrPeriodDuration") -> Period:
    """Read an ISO 8601 duration; years are twelve months, weeks seven days, days 24 hours (UTC has no other)."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise Invalid(
            f"Duration {text[:60]!r} in {where} cannot be read.",
            code="temporal.duration",
            where=where,
            remedy="Write an ISO 8601 duration such as PT1H, P1D or P1M.",
        )
    years, months, *shares, seconds = found.groups()
    width_us = sum(int(share or 0) * us for share, us in zip(shares, _SHARES_US, strict=True))
    whole, _, fraction = (seconds or "0").partition(".")
    width_us += int(whole) * 1_000_000 + int(fraction.ljust(6, "0") or 0)
    period = Period(int(years or 0) * 12 + int(months or 0), width_us)
    if period.months > 120_000 or period.width_us > END:
        raise too_long(text, where)
    return period


def instance_id(seq: int, offset: int) -> str:
    """Return the URI of an instance."""
    return f"urn:ngsi-ld:instance:{seq}-{offset}"


def instance_of(uri: str) -> tuple[int, int] | None:
    """Return seq and offset of an instance; None for any other URI."""
    found = _INSTANCE.fullmatch(uri)
    return (int(found[1]), int(found[2])) if found else None


def too_many(what: str, limit: int, where: str, remedy: str) -> Invalid:
    """Return the error of a question whose answer would be too large."""
    return Invalid(f"The answer needs more than {limit:,} {what}.", code="query.too_many", where=where, remedy=remedy)


def too_long(text: str, where: str) -> Invalid:
    """Return the error of a duration that leaves the calendar."""
    return Invalid(
        f"Duration {text[:60]!r} in {where} is longer than the calendar.",
        code="temporal.duration",
        where=where,
        remedy="Ask for a shorter period.",
    )


_INSTANCE = re.compile(r"urn:ngsi-ld:instance:(\d{1,18})-(\d{1,9})", re.ASCII)


def _months_on(at: Instant, months: int) -> Instant:
    when = moment(at)
    year, month = divmod(when.year * 12 + when.month - 1 + months, 12)
    if year > 9999:
        raise too_long(f"P{months}M", "aggrPeriodDuration")
    return instant(_in_month(when, year, month + 1))


def _in_month(when: datetime, year: int, month: int) -> datetime:
    for day in range(when.day, 27, -1):
        try:
            return when.replace(year=year, month=month, day=day)
        except ValueError:
            continue
    return when.replace(year=year, month=month)
