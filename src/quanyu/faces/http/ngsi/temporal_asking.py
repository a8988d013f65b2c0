"""What is asked of evolutions: the temporal query (4.11), aggregation (4.5.19), and the rest of a query (5.7.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, cast

import msgspec

from quanyu.faces.http.ngsi.asked import Asked
from quanyu.faces.http.ngsi.parameters import Parameters
from quanyu.faces.http.ngsi.querying import EntitySelector, criteria_of_selector
from quanyu.faces.http.ngsi.selecting import Criteria, datasets_of, listed, selection_of
from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.instants import micros
from quanyu.kernel.ngsi.projection import levels, parse_projection
from quanyu.kernel.ngsi.reading import read_name
from quanyu.kernel.ngsi.writing import Shape
from quanyu.kernel.temporal import (
    METHODS,
    PAGE_INSTANCES,
    Method,
    Selector,
    TemporalQuery,
    TimeProperty,
    parse_period,
)
from quanyu.kernel.view import Selection

TIMES = ("observedAt", "createdAt", "modifiedAt", "deletedAt")
RELATIONS = ("before", "after", "between")
VALUES, AGGREGATED = "temporalValues", "aggregatedValues"
FORMATS = ("normalized", "concise", "simplified", "keyValues", VALUES, AGGREGATED)
OWN = frozenset({"id", "type"})


class TemporalQ(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A temporal query in a body (5.2.21)."""

    timerel: str
    timeAt: str | None = None  # noqa: N815
    endTimeAt: str | None = None  # noqa: N815
    timeproperty: str | None = None
    lastN: Annotated[int, msgspec.Meta(ge=1)] | None = None  # noqa: N815
    aggrMethods: str | list[str] | None = None  # noqa: N815
    aggrPeriodDuration: str | None = None  # noqa: N815


class AggrParams(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Aggregation in a body (5.2.44)."""

    aggrMethods: str | list[str]  # noqa: N815
    aggrPeriodDuration: str | None = None  # noqa: N815


class Wanted(msgspec.Struct, frozen=True):
    """A question about evolutions, and how its answer is written."""

    query: TemporalQuery
    shape: Shape
    format: str

    @property
    def aggregated(self) -> bool:
        """Whether aggregates are told instead of instances."""
        return bool(self.query.methods)


def temporal_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the temporal members of a query body by the names of parameters; a temporal query must be there."""
    found: dict[str, Any] = {}
    for name, shape in (("temporalQ", TemporalQ), ("aggrParams", AggrParams)):
        if body.get(name) is None:
            continue
        try:
            read = msgspec.convert(body[name], shape)
        except msgspec.ValidationError as fault:
            said, _, path = str(fault).partition(" - at ")
            raise Invalid(
                f"{name} does not fit: {said}.",
                code="query.body",
                where=f"{name}{path.strip('`').removeprefix('$')}",
                remedy="See NGSI-LD 5.2.21 and 5.2.44.",
            ) from fault
        found |= {member: value for member, value in msgspec.structs.asdict(read).items() if value is not None}
    if "lastN" in found:
        found["lastN"] = str(found["lastN"])
    return found


def wanted_of(
    asked: Asked,
    given: Criteria,
    *,
    selectors: Sequence[EntitySelector] = (),
    one: bool = False,
    limit: int = 1,
    offset: int = 0,
    count: bool = False,
) -> Wanted:
    """Return what is asked; `one`: of an entity known by its id, which needs neither a selection nor a time."""
    format_ = _format(asked.query, given)
    methods = _methods(given) if format_ == AGGREGATED else ()
    _check_projection(given)
    # Evolutions are put in order by id alone, wherever they are; that is looked at below.
    plain = {name: value for name, value in given.items() if not name.startswith("order") and name != "collation"}
    chosen = _chosen(asked, plain, selectors, one=one)
    attrs = _attributes(asked, plain)
    shape = _shape(asked, given, format_, attrs)
    picked = None if shape.pick is None else tuple(_name(each) for each in shape.pick)
    query = TemporalQuery(
        selectors=chosen[1],
        attrs=attrs,
        q=chosen[0].q,
        geo=chosen[0].geo,
        scope_q=chosen[0].scope_q,
        pick=None if picked is None else tuple(name for name in picked if name not in OWN),
        omit=frozenset(_name(each) for each in shape.omit or ()) - OWN,
        datasets=_datasets(given),
        values_only=format_ in (VALUES, AGGREGATED),
        last=_positive(given, "lastN"),
        methods=methods,
        limit=limit,
        offset=offset,
        count=count,
        descending=_descending(given),
        page=getattr(asked.home, "temporal_page", PAGE_INSTANCES),
        sys=shape.sys,
        **_times(given, needed=not one),
    )
    if methods and given.get("aggrPeriodDuration"):
        query = msgspec.structs.replace(query, period=parse_period(given["aggrPeriodDuration"]))
    return Wanted(query, shape, format_)


def _chosen(
    asked: Asked, given: Criteria, selectors: Sequence[EntitySelector], *, one: bool
) -> tuple[Selection, tuple[Selector, ...]]:
    if one:
        return Selection(), (Selector(),)
    selections = [selection_of(asked, {**given, **criteria_of_selector(each)}) for each in selectors]
    selections = selections or [selection_of(asked, given)]
    first = selections[0]
    if first.q is not None and first.q.hops:
        raise Invalid(
            "A temporal query follows no links.", code="query.deep", where="q", remedy="Ask for own attributes."
        )
    return first, tuple(Selector(each.ids, each.id_pattern, each.types) for each in selections)


def _times(given: Criteria, *, needed: bool) -> dict[str, Any]:
    """NGSI-LD 4.11: before a time, after (from) it, or between it and another; ends are exclusive."""
    relation, at, end = given.get("timerel"), given.get("timeAt"), given.get("endTimeAt")
    property_ = given.get("timeproperty") or "observedAt"
    if property_ not in TIMES:
        raise _unfit("timeproperty", property_, TIMES)
    found: dict[str, Any] = {"time_property": cast(TimeProperty, property_)}
    if relation is None:
        if needed or at is not None or end is not None:
            raise Invalid(
                "There is no temporal relation.",
                code="temporal.relation",
                where="timerel",
                remedy="Give timerel (before, after or between) and timeAt.",
            )
        return found
    if relation not in RELATIONS:
        raise _unfit("timerel", relation, RELATIONS)
    for name, value in (("timeAt", at), ("endTimeAt", end if relation == "between" else "")):
        if value is None:
            raise Invalid(
                f"Relation {relation} has no {name}.",
                code="temporal.relation",
                where=name,
                remedy="Write for example 2026-03-01T08:00:00Z.",
            )
    instant = micros(at, "timeAt")
    found["timed"] = True
    found["end" if relation == "before" else "start"] = instant
    if relation == "between":
        found["end"] = micros(end, "endTimeAt")
    return found


def _format(query: Parameters, given: Criteria) -> str:
    """Return the representation: `format` counts more than `options` (6.3.12); a body that aggregates says so itself."""
    asked = query.get("format")
    if asked is not None and asked not in FORMATS:
        raise Invalid(
            f"Format {asked[:40]!r} is not known here.",
            code="http.query",
            where="format",
            remedy=f"Use one of: {', '.join(FORMATS)}.",
        )
    if asked is None:
        asked = next((word for word in FORMATS if word in query.options), None)
    if asked is None and given is not query and given.get("aggrMethods"):
        return AGGREGATED
    return {"simplified": VALUES, "keyValues": VALUES, None: "normalized"}.get(asked, asked or "normalized")


def _methods(given: Criteria) -> tuple[Method, ...]:
    words = listed(given, "aggrMethods")
    if not words:
        raise Invalid(
            "Aggregated values need a method.",
            code="temporal.methods",
            where="aggrMethods",
            remedy=f"Give one or several of: {', '.join(METHODS)}.",
        )
    for word in words:
        if word not in METHODS:
            raise _unfit("aggrMethods", word, METHODS)
    return cast(tuple[Method, ...], tuple(dict.fromkeys(words)))


def _shape(asked: Asked, given: Criteria, format_: str, attrs: tuple[str, ...] | None) -> Shape:
    context = asked.context
    picked = {name: parse_projection(given[name], context, name) for name in ("pick", "omit") if given.get(name)}
    if max(levels(picked.get("pick")), levels(picked.get("omit"))):
        raise Invalid(
            "An evolution has no linked entities.", code="query.deep", where="pick", remedy="Leave the braces out."
        )
    both = {_name(each) for each in picked.get("pick") or ()} & {_name(each) for each in picked.get("omit") or ()}
    if both:
        raise _contrary("omit", f"{min(both)} is both picked and omitted.")
    written = {VALUES: "simplified", "concise": "concise"}.get(format_, "normalized")
    return Shape(
        format=cast(Any, written),
        sys="sysAttrs" in asked.query.options,
        lang=given.get("lang"),
        pick=picked.get("pick"),
        omit=picked.get("omit"),
        attrs=attrs,
    )


def _check_projection(given: Criteria) -> None:
    if given.get("attrs") and (given.get("pick") or given.get("omit")):
        raise _contrary("attrs", "attrs stands beside pick or omit.")


def _contrary(where: str, what: str) -> Invalid:
    return Invalid(what, code="query.contrary", where=where, remedy="Give one of them.")


def _attributes(asked: Asked, given: Criteria) -> tuple[str, ...] | None:
    words = listed(given, "attrs")
    if words is None:
        return None
    return tuple(word if word == "scope" else read_name(word, asked.context, "attrs") for word in words)


def _datasets(given: Criteria) -> tuple[str, ...] | None:
    words = datasets_of(given)
    return None if words is None else tuple("" if word == "@none" else word for word in words)


def _positive(given: Criteria, name: str) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or int(text) < 1:
        raise Invalid(
            f"Parameter {name} is {text[:40]!r}, not a whole number from 1 on.",
            code="query.value",
            where=name,
            remedy="Write for example 10.",
        )
    return int(text)


def _descending(given: Criteria) -> bool | None:
    """NGSI-LD 5.7.4.4: evolutions are put in order by id alone."""
    words = listed(given, "orderBy")
    if words is None:
        return None
    if words not in (("id",), ("id;asc",), ("id;desc",)):
        raise Invalid(
            "Evolutions are put in order by id alone.",
            code="query.order",
            where="orderBy",
            remedy="Write id or id;desc.",
        )
    return words == ("id;desc",)


def _name(picked: Any) -> str:
    return picked if isinstance(picked, str) else str(picked[0])


def _unfit(name: str, given: str, known: Sequence[str]) -> Invalid:
    return Invalid(
        f"{name} {str(given)[:40]!r} is not known.",
        code="temporal.word",
        where=name,
        remedy=f"Use one of: {', '.join(known)}.",
    )
