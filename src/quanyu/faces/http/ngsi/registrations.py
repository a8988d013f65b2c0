"""Context source registrations: who else provides context."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool

from quanyu.engines.context.registered import Registered, RegistrationsView, interest_of
from quanyu.engines.context.registrations import local_conflict, missing
from quanyu.faces.http.ngsi.asked import Answer, Asked, created
from quanyu.faces.http.ngsi.negotiate import PATCHED
from quanyu.faces.http.ngsi.parameters import Parameters
from quanyu.faces.http.ngsi.route import NgsiRoute, words
from quanyu.faces.http.ngsi.selecting import page_of
from quanyu.kernel.entity import check_id
from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Command
from quanyu.kernel.ngsi.discovery import Discovery, Period
from quanyu.kernel.ngsi.geo import GeoQuery, parse_geo
from quanyu.kernel.ngsi.instants import micros, text_of
from quanyu.kernel.ngsi.pattern import compile_pattern
from quanyu.kernel.ngsi.q import parse_q
from quanyu.kernel.ngsi.reading import read_name
from quanyu.kernel.ngsi.registration import (
    Registration,
    read_registration,
    read_registration_fragment,
    write_registration,
)
from quanyu.kernel.ngsi.scope import parse_scope_q
from quanyu.kernel.ngsi.selection import parse_types
from quanyu.kernel.view import EVERYTHING, Query

KIND = "ContextSourceRegistration"


async def register(asked: Asked) -> Answer:
    """NGSI-LD 5.9.2, 6.8.3.1: register a context source."""
    document = read_registration(asked.body, asked.context)
    id = document.get("id") or f"urn:ngsi-ld:{KIND}:{asked.fresh_id()}"
    if document.get("mode") == "redirect":
        await run_in_threadpool(_check_redirected, asked, document)
    await asked.commit([Command("registration.create", id, {"document": document})])
    return created("/csourceRegistrations", id)


def _check_redirected(asked: Asked, document: Registration) -> None:
    """Refuse to redirect for entities that stand here (5.9.2.4); those named by id are judged again when it is kept."""
    view = asked.hub.views.entities
    for info in document["information"]:
        for each in info.get("entities", ()):
            types = each["type"] if isinstance(each["type"], list) else [each["type"]]
            pattern = compile_pattern(each["idPattern"]) if "idPattern" in each and "id" not in each else None
            for type_ in types:
                ids = (each["id"],) if "id" in each else None
                after = None
                while True:
                    page = view.query(Query(type=type_, ids=ids, limit=1_000, after=after), EVERYTHING)
                    for entity in page.items:
                        if pattern is None or pattern(entity["id"]):
                            raise local_conflict(entity["id"])
                    after = page.after
                    if after is None:
                        break


def retrieve(asked: Asked) -> dict[str, Any]:
    """NGSI-LD 5.10.1, 6.9.3.1: one registration."""
    id = check_id(asked.path("registrationId"))
    found = _view(asked).find(id)
    if found is None:
        raise missing(id)
    return shown(found, asked)


def discover(asked: Asked) -> Answer:
    """NGSI-LD 5.10.2, 6.8.3.2: the registrations that concern entities, attributes, places or times."""
    limit, offset, counted = page_of(asked)
    found = _view(asked).discover(discovery_of(asked))
    items = [shown(each, asked) for each in found[offset : offset + limit]]
    total = len(found) if counted else None
    return asked.listing(items, limit=limit, offset=offset, more=offset + limit < len(found), total=total)


async def update(asked: Asked) -> None:
    """NGSI-LD 5.9.3, 6.9.3.2: change members of a registration."""
    id = check_id(asked.path("registrationId"))
    fragment = read_registration_fragment(asked.body, asked.context)
    if _view(asked).find(id) is None:
        raise missing(id)
    await asked.commit([Command("registration.update", id, {"fragment": fragment})])


async def delete(asked: Asked) -> None:
    """NGSI-LD 5.9.4, 6.9.3.3: forget a registration."""
    await asked.commit([Command("registration.delete", check_id(asked.path("registrationId")), {})])


def discovery_of(asked: Asked) -> Discovery:
    """Return what the parameters ask for; one of type, attrs, q, a geo query or ids has to narrow it."""
    query, context = asked.query, asked.context
    types = parse_types(query["type"], context) if "type" in query else None
    attributes = {read_name(word, context, "attrs") for word in query.words("attrs") or ()}
    ids = query.words("id")
    for id in ids or ():
        check_id(id)
    if "idPattern" in query:
        compile_pattern(query["idPattern"])
    q = parse_q(query["q"], context) if "q" in query else None
    geo = _geo(query, context)
    if q is not None:
        attributes |= q.attributes()
    if geo is None and types is None and not attributes and ids is None:
        raise Invalid(
            "The query is too wide.",
            code="query.wide",
            where="query",
            remedy="Give type, attrs, id, q or a geo query.",
        )
    return Discovery(
        interest_of(types, ids, query.get("idPattern"), attributes or None, query.words("datasetId")),
        geo,
        _period(query),
        parse_q(query["csf"], context) if "csf" in query else None,
        parse_scope_q(query["scopeQ"]) if "scopeQ" in query else None,
    )


def _geo(query: Parameters, context: Any) -> GeoQuery | None:
    given = [name for name in ("georel", "geometry", "coordinates") if name in query]
    if not given:
        return None
    if len(given) < 3:
        raise Invalid(
            f"A geo query is not whole with {' and '.join(given)} alone.",
            code="query.geo",
            where="georel",
            remedy="Give georel, geometry and coordinates.",
        )
    return parse_geo(query["georel"], query["geometry"], query["coordinates"], query.get("geoproperty"), context)


def _period(query: Parameters) -> Period | None:
    relation = query.get("timerel")
    if relation is None:
        for name in ("timeAt", "endTimeAt"):
            if name in query:
                raise _untimely(f"{name} needs timerel.", "timerel")
        return None
    if relation not in ("before", "after", "between"):
        raise _untimely(f"Relation {relation[:40]!r} is not known.", "timerel")
    for name in ("timeAt", "endTimeAt")[: 2 if relation == "between" else 1]:
        if name not in query:
            raise _untimely(f"Relation {relation} needs {name}.", name)
    at = micros(query["timeAt"], "timeAt")
    managed = query.get("timeproperty", "observedAt")
    if managed not in ("observedAt", "createdAt", "modifiedAt", "deletedAt"):
        raise _untimely(f"Time property {managed[:40]!r} is not known.", "timeproperty")
    if relation == "between":
        return Period(at, micros(query["endTimeAt"], "endTimeAt"), managed != "observedAt")
    return Period(at if relation == "after" else None, at if relation == "before" else None, managed != "observedAt")


def _untimely(what: str, where: str) -> Invalid:
    return Invalid(
        what,
        code="query.time",
        where=where,
        remedy="Write for example timerel=between&timeAt=2026-03-01T00:00:00Z&endTimeAt=2026-03-02T00:00:00Z.",
    )


def shown(found: Registered, asked: Asked) -> dict[str, Any]:
    """Return a registration in the words of the request."""
    made = write_registration(found.document, asked.context)
    if "sysAttrs" in asked.query.options:
        made |= {"createdAt": text_of(found.created), "modifiedAt": text_of(found.modified)}
    return made


def _view(asked: Asked) -> RegistrationsView:
    view: RegistrationsView = asked.hub.registrations
    return view


QUERY = words(
    "id type idPattern attrs q csf georel geometry coordinates geoproperty timerel timeAt endTimeAt timeproperty scopeQ "
    "datasetId limit offset count options local"
)
ONE = "/csourceRegistrations/{registrationId}"
ROUTES = (
    NgsiRoute(method="POST", path="/csourceRegistrations", permission="registration.create", handle=register,
              summary="Register a context source", body="object", makes_tenant=True, status=201),
    NgsiRoute(method="GET", path="/csourceRegistrations", permission="view:registrations", handle=discover,
              summary="Registrations that concern something", parameters=QUERY, options=words("sysAttrs")),
    NgsiRoute(method="GET", path=ONE, permission="view:registrations", handle=retrieve, summary="One registration",
              parameters=words("options"), options=words("sysAttrs"), quick=True),
    NgsiRoute(method="PATCH", path=ONE, permission="registration.update", handle=update,
              summary="Change a registration", body="object", reads=PATCHED, status=204),
    NgsiRoute(method="DELETE", path=ONE, permission="registration.delete", handle=delete,
              summary="Forget a registration", status=204),
)  # fmt: skip
