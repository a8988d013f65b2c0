"""NGSI-LD (ETSI GS CIM 009 v1.9.1) over HTTP, below /ngsi-ld/v1.

A module adds routes by a tuple `ROUTES` of `NgsiRoute` and its name in MODULES below; nothing else is registered. Its
handlers take an `Asked` (tenant's hub, actor, scope, @context, parameters, body) and return plain values (200, written
with the request's @context), None (204) or an `Answer`; they raise errors of the kernel's tree, which the door turns
into ProblemDetails. A coroutine runs in the event loop and commits; a plain function runs in a thread and reads.

    async def create(asked: Asked) -> Answer: ...

    ROUTES = (
        NgsiRoute(method="POST", path="/entities", permission="entity.create", handle=create, summary="Make an entity",
                  body="object", parameters=words("local"), makes_tenant=True, status=201),
    )

Every route declares a permission; it then stands in the access test over all routes, in the OpenAPI and in the docs.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quanyu.faces.http.ngsi.route import NgsiRoute

MODULES = (
    "entities", "attributes", "batch", "discovery", "temporal", "subscriptions", "contexts", "registrations",
    "registration_subscriptions", "source",
)  # fmt: skip
"""The modules of this folder that hold routes, in the order of the reference."""


def table() -> tuple[NgsiRoute, ...]:
    """Return every NGSI-LD route."""
    found = (importlib.import_module(f"quanyu.faces.http.ngsi.{name}") for name in MODULES)
    return tuple(route for module in found for route in module.ROUTES)
