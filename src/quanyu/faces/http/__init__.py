"""The native HTTP API, sign-in, health and the event stream.

`routes(hub)` gives the routes and `middleware(hub)` what must stand around the whole application; `stop(hub)` ends open
streams. Every route is in one table with its permission; what the table does not have is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from starlette.routing import Route as StarletteRoute

if TYPE_CHECKING:
    from quanyu.faces.http.hub import Hub
    from quanyu.faces.http.route import Route

ORDER = 10


def table() -> tuple[Route, ...]:
    """Return every route of this face with its permission."""
    from quanyu.faces.http import (
        admin,
        cases,
        city,
        devices,
        entities,
        events,
        files,
        health,
        history,
        indicators,
        observations,
        personal,
        search,
        session,
    )

    modules = (
        health, session, city, indicators, entities, observations, history, cases, personal, files, search, admin,
        devices, events,
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

    return [*starlette_routes(hub, table()), StarletteRoute("/api/{rest:path}", Lost())]


def middleware(hub: Hub) -> Sequence[Middleware]:
    """Return what stands around the whole application, outermost first."""
    from quanyu.faces.http.guard import OpenGuard, SecurityHeaders

    return [Middleware(SecurityHeaders), Middleware(OpenGuard, hub=hub)]


def stop(hub: Hub) -> None:
    """End the open event streams, so that a stopping server need not wait for them."""
    from quanyu.faces.http.events import broadcaster

    broadcaster(hub).end()
