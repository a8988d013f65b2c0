"""The body of a query (5.2.23), and queries with several entity selectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from quanyu.faces.http.ngsi.asked import Asked
from quanyu.kernel.entity import Document
from quanyu.kernel.errors import Invalid, Unsupported
from quanyu.kernel.ngsi.pattern import compile_pattern
from quanyu.kernel.view import Filter, Selection

STRIDE = 500
SELECTORS_MAX = 100


class EntitySelector(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Entities by type selection, and by id or pattern (5.2.33)."""

    type: str
    id: str | list[str] | None = None
    idPattern: str | None = None  # noqa: N815


class GeoQ(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A geo query (5.2.13)."""

    georel: str
    geometry: str
    coordinates: Any
    geoproperty: str | None = None


class Ordering(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """In which order (5.2.43)."""

    orderBy: list[str]  # noqa: N815
    collation: str | None = None
    coordinates: Any = None
    geometry: str | None = None


class QueryBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A query (5.2.23)."""

    type: str
    entities: list[EntitySelector] | None = None
    attrs: list[str] | None = None
    pick: list[str] | None = None
    omit: list[str] | None = None
    q: str | None = None
    geoQ: GeoQ | None = None  # noqa: N815
    scopeQ: str | None = None  # noqa: N815
    csf: str | None = None
    lang: str | None = None
    datasetId: list[str] | None = None  # noqa: N815
    join: str | None = None
    joinLevel: int | None = None  # noqa: N815
    containedBy: list[str] | None = None  # noqa: N815
    expandValues: str | list[str] | None = None  # noqa: N815
    jsonKeys: str | list[str] | None = None  # noqa: N815
    ordering: Ordering | None = None
    splitEntities: bool | None = None  # noqa: N815
    entityMap: bool | None = None  # noqa: N815
    entityMapLifetime: str | None = None  # noqa: N815
    temporalQ: Any = None  # noqa: N815
    aggrParams: Any = None  # noqa: N815


def criteria_of_body(asked: Asked, *, temporal: bool = False) -> tuple[dict[str, Any], tuple[EntitySelector, ...]]:
    """Return what the body asks for by the names of parameters, and its selectors when there are several.

    `temporal`: the members of temporal queries are left to the caller, not refused.
    """
    try:
        body = msgspec.convert(asked.body, QueryBody)
    except msgspec.ValidationError as fault:
        said, _, path = str(fault).partition(" - at ")
        raise Invalid(
            f"The query does not fit: {said}.",
            code="query.body",
            where=path.strip("`").lstrip("$.") or "body",
            remedy="See NGSI-LD 5.2.23.",
        ) from fault
    _check(body, temporal=temporal)
    given: dict[str, Any] = {
        name: value
        for name in ("attrs", "pick", "omit", "q", "scopeQ", "csf", "lang", "datasetId", "join", "joinLevel",
                     "containedBy", "expandValues", "jsonKeys")
        if (value := getattr(body, name)) is not None
    }  # fmt: skip
    if body.geoQ is not None:
        given |= {name: value for name, value in msgspec.structs.asdict(body.geoQ).items() if value is not None}
    if body.ordering is not None:
        order = body.ordering
        given |= {"orderBy": order.orderBy, "collation": order.collation}
        given |= {"orderFrom": order.coordinates, "orderGeometry": order.geometry}
    selectors = tuple(body.entities or ())
    if len(selectors) == 1:
        given |= criteria_of_selector(selectors[0])
        selectors = ()
    return given, selectors


def _check(body: QueryBody, *, temporal: bool) -> None:
    if body.type != "Query":
        raise Invalid(f"Type {body.type[:40]!r} is not Query.", code="query.body", where="type", remedy="Write Query.")
    for name in ("entities", "attrs", "pick", "omit", "datasetId", "containedBy"):
        value = getattr(body, name)
        if value is not None and not value:
            raise Invalid(f"{name} is empty.", code="query.body", where=name, remedy="Leave it out.")
    if body.entities is not None and len(body.entities) > SELECTORS_MAX:
        raise Invalid(
            f"A query has {len(body.entities)} selectors.",
            code="query.body",
            where="entities",
            remedy=f"Name at most {SELECTORS_MAX}; a type selection holds many types.",
        )
    for name in ("temporalQ", "aggrParams"):
        if getattr(body, name) is not None and not temporal:
            raise Invalid(
                f"{name} is of temporal queries.",
                code="query.body",
                where=name,
                remedy="Send it to /ngsi-ld/v1/temporal/entityOperations/query.",
            )
    if body.entityMap:
        raise Unsupported(
            "Entity maps are known but not built.", code="query.unbuilt", where="entityMap", remedy="Leave it out."
        )


def criteria_of_selector(selector: EntitySelector) -> dict[str, Any]:
    """Return a selector by the names of parameters; an id counts more than a pattern (5.2.33)."""
    if selector.id is not None:
        return {"type": selector.type, "id": [selector.id] if isinstance(selector.id, str) else selector.id}
    return {"type": selector.type, **({"idPattern": selector.idPattern} if selector.idPattern else {})}


def any_of(view: Any, selections: Sequence[Selection], scope: Filter) -> Iterator[Document]:
    """Yield the entities of several selections one after another, each entity once."""
    for number, selection in enumerate(selections):
        after: str | None = "0"
        while after is not None:
            page = view.select(msgspec.structs.replace(selection, limit=STRIDE, after=int(after)), scope)
            after = page.after
            for document in page.items:
                if not any(_selects(earlier, document) for earlier in selections[:number]):
                    yield document


def _selects(selection: Selection, document: Document) -> bool:
    """Whether entity, type and pattern of a selection let a document through; the rest is the same for all."""
    if selection.types is not None and not selection.types.matches(document["type"]):
        return False
    if selection.ids is not None and document["id"] not in selection.ids:
        return False
    return selection.id_pattern is None or compile_pattern(selection.id_pattern)(document["id"])
