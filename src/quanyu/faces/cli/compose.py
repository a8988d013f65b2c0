"""Puts every face that answers HTTP into one application: the folder is the registration here too."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import ModuleType
from typing import TYPE_CHECKING

import quanyu.faces

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from quanyu.assembly import Hub

ORDER = 100


def _all() -> list[ModuleType]:
    return [
        importlib.import_module(f"quanyu.faces.{each.name}")
        for each in pkgutil.iter_modules(quanyu.faces.__path__)
        if each.name != "cli"
    ]


def faces() -> list[ModuleType]:
    """Return the face packages that have routes, in their ORDER (the console's fall-back comes last)."""
    with_routes = [face for face in _all() if hasattr(face, "routes")]
    return sorted(with_routes, key=lambda face: (getattr(face, "ORDER", ORDER), face.__name__))


def compose(hub: Hub) -> ASGIApp:
    """Return the application: routes of all faces, their middleware, and what faces put around it all."""
    from starlette.applications import Starlette

    found = faces()
    routes = [route for face in found for route in face.routes(hub)]
    middleware = [each for face in found if hasattr(face, "middleware") for each in face.middleware(hub)]

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with working(hub):
            yield

    app: ASGIApp = Starlette(routes=routes, middleware=middleware, lifespan=lifespan)
    for face in found:
        if hasattr(face, "before"):
            app = face.before(hub, app)
    return app


@asynccontextmanager
async def working(hub: Hub) -> AsyncIterator[None]:
    """Let the faces work that talk to somebody else than HTTP: those that have `at_work`."""
    async with AsyncExitStack() as stack:
        for face in _all():
            if hasattr(face, "at_work"):
                await stack.enter_async_context(face.at_work(hub))
        yield


def stop(hub: Hub) -> None:
    """Tell the faces that the process is stopping, so that open streams end."""
    for face in faces():
        if hasattr(face, "stop"):
            face.stop(hub)
