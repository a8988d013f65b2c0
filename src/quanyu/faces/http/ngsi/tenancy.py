"""Tenants (4.14, 6.3.14): the hub behind the header NGSILD-Tenant, entered with a permission of its own."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool

from quanyu.engines.access.view import Actor
from quanyu.kernel.errors import Unsupported


async def enter(home: Any, actor: Actor, name: str, write: bool) -> Any:
    """Return the hub of a tenant, which stays open until `leave`; Denied for who may not `tenant:<name>`."""
    tenants = getattr(home, "tenants", None)
    if tenants is None:
        raise Unsupported("This hub has no tenants.", code="tenant.none", where="NGSILD-Tenant")
    home.access.check(actor, "tenant", name)
    found = tenants.opened(name)
    return found if found is not None else await run_in_threadpool(tenants.enter, name, write)


def leave(home: Any, name: str) -> None:
    """Give back what `enter` held."""
    home.tenants.leave(name)


async def refused(home: Any, name: str) -> None:
    """Take back a tenant that was made for a request that was refused, so that it changed nothing."""
    if home.tenants.is_fresh(name):
        await run_in_threadpool(home.tenants.unmake, name)
