"""A hub that listens to devices, in the event loop of a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import structlog
from structlog.testing import capture_logs

from quanyu.assembly import Hub, Options, open_hub
from quanyu.assembly.devices import find_secrets
from quanyu.faces import hj212, mqtt
from quanyu.faces.cli.serve import bound
from quanyu.kernel.device import parse_devices
from quanyu.kernel.device.factors import parse_factors
from quanyu.kernel.view import EVERYTHING

WAIT_S = 20.0
FACTORS = """code,attribute,unit,scale,valid_from,valid_to,source,status
a34004,pm25,GQ,,2017-05-01,,manual of the station,unverified
a34002,pm10,GQ,,2017-05-01,,manual of the station,unverified
a21026,so2,GQ,1000,2017-05-01,,the station sends mg/m³,unverified
"""


@asynccontextmanager
async def listening(
    home: Path, devices: str, options: Options | None = None, environ: Mapping[str, str] | None = None
) -> AsyncIterator[Hub]:
    """Open a hub on a home and let it listen to what a devices file says; HJ 212 stands on any free port."""
    hub = open_hub(home, options or Options())
    async with AsyncExitStack() as stack:
        stack.callback(hub.close)
        hub.start()
        messages = [message for pack in hub.packs for message in pack.messages]
        plan = parse_devices(devices, "devices.toml", messages)
        door = stack.enter_context(bound("127.0.0.1", 0, "--hj212")) if plan.hj212 else None
        factors = parse_factors(FACTORS, "factors.csv")
        hub.devices.declare(plan, find_secrets(plan, home, environ or {}), home, factors, door)
        await stack.enter_async_context(mqtt.at_work(hub))
        await stack.enter_async_context(hj212.at_work(hub))
        yield hub


@contextmanager
def told() -> Iterator[list[Any]]:
    """Catch the log, all of it: another test may have set it to warnings only."""
    before = structlog.get_config()
    structlog.reset_defaults()
    try:
        with capture_logs() as logs:
            yield logs
    finally:
        structlog.configure(**before)


async def until(reached: Callable[[], Any], what: str) -> None:
    """Wait until something is so."""
    loop = asyncio.get_running_loop()
    end = loop.time() + WAIT_S
    while not reached():
        assert loop.time() < end, f"in {WAIT_S:.0f} s not: {what}"
        await asyncio.sleep(0.01)


def found(hub: Hub, id_: str) -> dict[str, Any]:
    """Return an entity with its last values; an empty one when it is not there."""
    return hub.views.entities.find(id_, EVERYTHING) or {}


def values(hub: Hub, id_: str) -> dict[str, Any]:
    """Return the plain values of an entity."""
    return {name: each["value"] for name, each in found(hub, id_).items() if isinstance(each, dict) and "value" in each}


def codes(hub: Hub) -> list[str]:
    """Return the codes of the dead letters, oldest first."""
    return [letter.code for letter in reversed(hub.devices.letters.newest(None, 1000))]
