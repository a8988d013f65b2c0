"""HJ 212-2017: takes in what monitoring stations send over TCP, and answers when it is durable. Shut unless asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quanyu.assembly import Hub


@asynccontextmanager
async def at_work(hub: Hub) -> AsyncIterator[None]:
    """Let stations in while the process answers."""
    plan, socket = hub.devices.plan.hj212, hub.devices.door
    if plan is None or socket is None:
        yield
        return
    from quanyu.faces.hj212.door import Door

    door = Door(hub, plan)
    await door.open(socket)
    try:
        yield
    finally:
        await door.close()
