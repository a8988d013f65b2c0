"""The native HTTP API, sign-in, health and the event stream.

`routes(hub)` gives the routes, `middleware(hub)` what must stand around them, and `before(hub, app)` what answers before
them; `stop(hub)` ends open streams. Every route is in one table with its permission; what the table does not have is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from starlette.routing import Route as StarletteRoute

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from quanyu.faces.http.hub import Hub
    from quanyu.faces.http.ngsi.route import NgsiRoute
    from quanyu.faces.http.route import Route

ORDER = 10


def table() -> tuple[Route | NgsiRoute, ...]:
    """Return every route of this face with its permission: the native API's and those of NGSI-LD."""
    from quanyu.faces.http import ngsi

    return (*native(), *ngsi.table())


def native() -> tuple[Route, ...]:
    """Return every route of the native API."""
    from quanyu.faces.http import (
        admin,
        alike,
        applications,
        bulk,
        cap,
        cases,
        changes,
        city,
        devices,
        dossier,
        entities,
        events,
        files,
        flows,
        forms,
        health,
        history,
        incident_lists,
        incident_yearly,
        incidents,
        indicators,
        mode,
        moves,
        observations,
        personal,
        search,
        services,
        session,
        shifts,
        subscriptions,
        undo,
        warnings,
    )

    modules = (
        health, session, city, indicators, entities, observations, history, alike, applications, bulk, undo, cases, dossier,
        shifts, flows, moves,
        forms, incident_lists, incident_yearly, incidents, mode, services,
        changes, personal, files, search, admin, devices, subscriptions, events, warnings, cap,
    )  # fmt: skip
    return (*(route for module in modules for route in module.ROUTES), *_description())


def _description() -> tuple[Route, ...]:
    from quanyu.faces.http.openapi import openapi
    from quanyu.faces.http.route import PUBLIC, Ask, Route

    def describe(ask: Ask) -> dict[str, Any]:
        """This description."""
        return openapi(table())

    return (
        Route(method="GET", path="/api/openapi.json", permission=PUBLIC, handle=describe, summary="This description"),
    )


def routes(hub: Hub) -> Sequence[BaseRoute]:
    """Return the face's routes; unknown paths of the API end in a problem, not in the console."""
    from quanyu.faces.http.route import Lost, starlette_routes

    return [*starlette_routes(hub, native()), StarletteRoute("/api/{rest:path}", Lost())]


def middleware(hub: Hub) -> Sequence[Middleware]:
    """Return what stands around the whole application, outermost first."""
    from quanyu.faces.http.guard import OpenGuard, SecurityHeaders

    return [Middleware(SecurityHeaders), Middleware(OpenGuard, hub=hub)]


def before(hub: Hub, app: ASGIApp) -> ASGIApp:
    """Return the application behind the door of NGSI-LD, which answers its own paths before anything else looks."""
    from quanyu.faces.http import ngsi
    from quanyu.faces.http.ngsi.door import NgsiDoor

    return NgsiDoor(app, hub, ngsi.table())


def stop(hub: Hub) -> None:
    """End the open event streams, so that a stopping server need not wait for them."""
    from quanyu.faces.http.events import broadcaster

    broadcaster(hub).end()
