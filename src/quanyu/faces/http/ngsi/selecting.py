"""Which entities are asked for, and in which shape: from parameters, or from the body of a query (5.2.23)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from quanyu.faces.http.ngsi.asked import Asked
from quanyu.faces.http.ngsi.negotiate import GEO
from quanyu.faces.http.ngsi.parameters import LIMIT_DEFAULT, LIMIT_MAX, Parameters
from quanyu.kernel.entity import check_id
from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.context import Context
from quanyu.kernel.ngsi.discovery import Interest
from quanyu.kernel.ngsi.geo import GeoQuery, parse_geo
from quanyu.kernel.ngsi.members import HEAD, SYSTEM
from quanyu.kernel.ngsi.order import Order, parse_order
from quanyu.kernel.ngsi.pattern import compile_pattern
from quanyu.kernel.ngsi.projection import Picked, levels, parse_projection
from quanyu.kernel.ngsi.q import Q, parse_q
from quanyu.kernel.ngsi.reading import read_name
from quanyu.kernel.ngsi.scope import parse_scope_q
from quanyu.kernel.ngsi.selection import EVERY, parse_types
from quanyu.kernel.ngsi.writing import FORMATS, Shape
from quanyu.kernel.view import Selection

OWN = HEAD | SYSTEM
JOINS = ("inline", "flat", "@none")
LEVEL_MAX = 10
WORDS_MAX = 1_000
IDS_MAX = 10_000
"""Words of a list, and ids, in one query."""
Criteria = Mapping[str, Any]
"""The members of a query by the names of the parameters; lists may be text with commas or lists."""


class Join(msgspec.Struct, frozen=True):
    """How linked entities come along (4.5.23); `level` 0 is not at all."""

    kind: str = "@none"
    level: int = 0
    contained_by: frozenset[str] = frozenset()


def criteria_of(query: Parameters) -> Criteria:
    """Return what the parameters of a request ask for."""
    return query


def listed(given: Criteria, name: str, most: int = WORDS_MAX) -> tuple[str, ...] | None:
    """Return a list of words, None when it is not given; Invalid for none or more than `most`."""
    value = given.get(name)
    if value is None:
        return None
    words = tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else tuple(value)
    if not words or not all(isinstance(word, str) and word for word in words):
        raise Invalid(f"{name} is no list of words.", code="query.value", where=name, remedy="Name at least one.")
    if len(words) > most:
        raise Invalid(
            f"{name} holds {len(words)} words.",
            code="query.value",
            where=name,
            remedy=f"Name at most {most} at a time.",
        )
    return words


def selection_of(asked: Asked, given: Criteria, *, wide: bool = False) -> Selection:
    """Return the entities that are asked for; `wide` lets a query through that nothing narrows (local scope)."""
    context: Context = asked.context
    types = parse_types(given["type"], context) if given.get("type") else None
    attrs = tuple(_attribute(word, context) for word in listed(given, "attrs") or ())
    ids = listed(given, "id", IDS_MAX)
    for id in ids or ():
        check_id(id)
    if given.get("idPattern"):
        compile_pattern(given["idPattern"])
    q = _q(given, context)
    geo = geo_of(given, context)
    told = q is not None and not q.attributes() <= OWN
    if not (wide or types is not None or set(attrs) - OWN or told or geo is not None or asked.query.flag("local")):
        raise Invalid(
            "The query is too wide.",
            code="query.wide",
            where="query",
            remedy="Give type, attrs, q or a geo query, or keep to what is local with local=true.",
        )
    if given.get("type") == EVERY and asked.query.get("local") == "false":
        raise Invalid(
            "type=* is of what is local.", code="query.local", where="local", remedy="Leave local out, or say true."
        )
    return Selection(
        ids=ids,
        id_pattern=given.get("idPattern"),
        types=types,
        attrs=attrs,
        q=q,
        geo=geo,
        scope_q=parse_scope_q(given["scopeQ"]) if given.get("scopeQ") else None,
        order=order_of(asked, given),
    )


def _attribute(word: str, context: Context) -> str:
    return word if word in OWN else read_name(word, context, "attrs")


def _q(given: Criteria, context: Context) -> Q | None:
    if not given.get("q"):
        return None
    expanded = {_attribute(word, context) for word in listed(given, "expandValues") or ()}
    return parse_q(given["q"], context, expanded)


def geo_of(given: Criteria, context: Context) -> GeoQuery | None:
    """Return a geo query; Invalid when parts of it are missing."""
    parts = [name for name in ("georel", "geometry", "coordinates") if given.get(name)]
    if not parts:
        return None
    if len(parts) < 3:
        raise Invalid(
            f"A geo query is not whole with {' and '.join(parts)} alone.",
            code="query.geo",
            where="georel",
            remedy="Give georel, geometry and coordinates.",
        )
    return parse_geo(given["georel"], given["geometry"], given["coordinates"], given.get("geoproperty"), context)


def order_of(asked: Asked, given: Criteria) -> Order | None:
    """Return the order of the answer."""
    if listed(given, "orderBy") is None:
        return None
    text: str | Sequence[str] = given["orderBy"]
    return parse_order(
        text if isinstance(text, str) else list(text),
        asked.context,
        order_from=given.get("orderFrom"),
        order_geometry=given.get("orderGeometry") or "Point",
        collation=given.get("collation"),
    )


def page_of(asked: Asked) -> tuple[int, int, bool]:
    """Return limit, offset and whether the count is asked; a page of nothing needs a count (6.3.10, 6.3.13)."""
    query = asked.query
    limit, offset = query.number("limit", LIMIT_DEFAULT, 0, LIMIT_MAX), query.number("offset", 0)
    counted = query.flag("count")
    if limit == 0 and not counted:
        raise Invalid("A page of nothing was asked.", code="query.value", where="limit", remedy="Ask count=true, too.")
    return limit, offset, counted


def format_of(query: Parameters) -> str:
    """Return the representation, from `format` or from its older place in `options` (6.3.7)."""
    given = query.get("format")
    if given is None:
        return next((word for word in FORMATS if word in query.options), "normalized")
    if given not in FORMATS:
        raise Invalid(
            f"Format {given[:40]!r} is not known here.",
            code="http.query",
            where="format",
            remedy=f"Use one of: {', '.join(FORMATS)}.",
        )
    return given


def shape_of(asked: Asked, given: Criteria, attrs: tuple[str, ...] | None) -> Shape:
    """Return how entities are written."""
    query, context = asked.query, asked.context
    geometry = given.get("geometryProperty") or query.get("geometryProperty")
    if geometry is not None and asked.media != GEO:
        raise Invalid(
            "geometryProperty is for GeoJSON.",
            code="query.geometry",
            where="geometryProperty",
            remedy="Accept application/geo+json, or leave it out.",
        )
    pick, omit = (
        parse_projection(given[name], context, name) if given.get(name) else None for name in ("pick", "omit")
    )
    _check_projections(pick, omit, attrs)
    return Shape(
        format=FORMATS[format_of(query)],
        sys="sysAttrs" in query.options,
        lang=given.get("lang"),
        pick=pick,
        omit=omit,
        attrs=attrs or None,
        dataset=datasets_of(given),
        geometry=read_name(geometry, context, "geometryProperty") if geometry else "location",
    )


def _check_projections(
    pick: tuple[Picked, ...] | None, omit: tuple[Picked, ...] | None, attrs: tuple[str, ...] | None
) -> None:
    """Refuse projections that contradict one another: `attrs` beside them, or one member in both (4.21)."""
    both = set() if pick is None or omit is None else {each for each in pick if isinstance(each, str)} & set(omit)
    if (attrs and (pick or omit)) or both:
        raise Invalid(
            f"{' and '.join(map(str, sorted(map(str, both))))} is picked and omitted."
            if both
            else "attrs does not go with pick or omit.",
            code="query.projection",
            where="omit" if both else "attrs",
            remedy="Say it once.",
        )


def datasets_of(given: Criteria) -> tuple[str, ...] | None:
    """Return the datasets whose instances are asked for; `@none` is the default instance."""
    words = listed(given, "datasetId")
    for word in words or ():
        if word != "@none":
            check_id(word, "datasetId")
    return words


def join_of(given: Criteria, shape: Shape, q: Q | None) -> Join:
    """Return how linked entities come along; Invalid when a projection or a query reaches farther (5.7.1.4, 5.7.2.4)."""
    kind = given.get("join") or "@none"
    if kind not in JOINS:
        raise Invalid(
            f"join {str(kind)[:40]!r} is not known.", code="query.join", where="join", remedy="Use inline or flat."
        )
    level = _level(given.get("joinLevel"))
    contained = frozenset(check_id(id, "containedBy") for id in listed(given, "containedBy", IDS_MAX) or ())
    join = Join(kind, level, contained) if kind != "@none" else Join()
    reach = max(levels(shape.pick), levels(shape.omit))
    if reach > join.level or (q is not None and q.hops > join.level):
        raise Invalid(
            f"What is asked reaches {max(reach, q.hops if q else 0)} links far, the join {join.level}.",
            code="query.deep",
            where="joinLevel",
            remedy="Ask join=inline (or flat) with a joinLevel that reaches as far.",
        )
    return join


def _level(given: Any) -> int:
    if given is None:
        return 1
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) < 4:
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= LEVEL_MAX:
        raise Invalid(
            f"joinLevel {str(given)[:40]!r} is no whole number from 1 to {LEVEL_MAX}.",
            code="query.value",
            where="joinLevel",
            remedy="Ask fewer levels.",
        )
    return given


def interest_of(selection: Selection, datasets: Sequence[str] | None = None) -> Interest:
    """Return what a query concerns, to be matched with registrations (5.12)."""
    attributes = set(selection.attrs)
    if selection.q is not None:
        attributes |= selection.q.attributes()
    if selection.geo is not None:
        attributes.add(selection.geo.attribute)
    return Interest(
        selection.types,
        selection.ids,
        selection.id_pattern,
        frozenset(attributes - OWN) or None,
        None if datasets is None else frozenset(datasets),
    )
