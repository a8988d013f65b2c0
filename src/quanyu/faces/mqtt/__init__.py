"""MQTT: hears the declared topics of any broker and commits what devices say. Routes it has none; it works beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quanyu.assembly import Hub


@asynccontextmanager
async def at_work(hub: Hub) -> AsyncIterator[None]:
    """Listen to every declared broker while the process answers."""
    brokers = hub.devices.plan.brokers
    if not brokers:
        yield
        return
    from quanyu.faces.mqtt.listener import Listener

    async with AsyncExitStack() as stack:
        for broker in brokers:
            listener = Listener(hub, broker)
            stack.push_async_callback(listener.close)
            listener.start()
        yield
