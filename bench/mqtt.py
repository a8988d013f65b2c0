"""MQTT messages to committed observations, against a client that only counts what comes."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import uvloop
from gmqtt import Client

from bench.measure import Result, interleaved, result
from quanyu.assembly import Hub, open_hub
from quanyu.faces import mqtt
from quanyu.kernel.device import parse_devices
from tests.brokers import Publisher, mosquitto

MESSAGES = 20_000
PAYLOAD = '{"station": "gauge", "pm25": %d.5, "temp": 213}'
DEVICES = """
[mqtt.bench]
broker = "mqtt://127.0.0.1:{port}"
[[mqtt.bench.topic]]
topic = "ours/+district/air/+station"
type = "AirQualityObserved"
fields = {{ pm25 = {{ attribute = "pm25", unit = "GQ" }}, temp = {{ attribute = "temperature", unit = "CEL", scale = 0.1 }} }}
create = {{ district = "{{district}}" }}
"""


class Bare:
    """The peer: gmqtt's receive loop with a counter."""

    def __init__(self) -> None:
        self.count = 0
        self.client = Client("bare")
        self.client.on_message = self._heard

    def _heard(self, client: object, topic: str, payload: bytes, qos: int, properties: object) -> None:
        self.count += 1

    async def join(self, port: int) -> None:
        """Subscribe."""
        await self.client.connect("127.0.0.1", port)
        self.client.subscribe("bare/#")
        await asyncio.sleep(0.2)


def ingest() -> Iterator[Result]:
    """[mqtt.ingest]: MQTT QoS 0 to durable observations that every reader has seen, two values a message."""
    loop = uvloop.new_event_loop()
    with tempfile.TemporaryDirectory() as name, mosquitto(Path(name) / "broker") as broker:
        hub = open_hub(Path(name) / "home")
        hub.start()
        hub.devices.declare(parse_devices(DEVICES.format(port=broker.port), "devices.toml"), {}, Path(name))
        publishers = [Publisher(broker.port, f"{kind}/110105/air/s%d", PAYLOAD) for kind in ("ours", "bare")]
        try:
            mine, theirs = loop.run_until_complete(_compared(hub, broker.port, publishers))
            detail = f"{mine:.1f} µs CPU a message of two values, committed and read; bare {theirs:.1f}"
            yield result("mqtt.ingest", theirs / mine, "ratio", "higher", "bare gmqtt receive loop", detail, 0.3)
        finally:
            for publisher in publishers:
                publisher.close()
            hub.close()
            loop.close()


async def _until(reached: Callable[[], bool]) -> None:
    while not reached():  # noqa: ASYNC110
        await asyncio.sleep(0.05)


async def _compared(hub: Hub, port: int, publishers: list[Publisher]) -> tuple[float, float]:
    """Return the µs of CPU that a message costs us and the peer."""
    bare = Bare()
    await bare.join(port)
    async with mqtt.at_work(hub):
        gauge = hub.devices.gauges["mqtt:bench"]
        await _until(lambda: gauge.up)
        here = asyncio.get_running_loop()

        async def ours() -> None:
            wanted = gauge.observations + 2 * MESSAGES
            publishers[0].send(MESSAGES)
            await _until(lambda: gauge.observations >= wanted)
            await hub.settled(hub.last_seq)

        async def peer() -> None:
            wanted = bare.count + MESSAGES
            publishers[1].send(MESSAGES)
            await _until(lambda: bare.count >= wanted)

        mine, theirs = await asyncio.to_thread(
            interleaved,
            lambda: asyncio.run_coroutine_threadsafe(ours(), here).result(),
            lambda: asyncio.run_coroutine_threadsafe(peer(), here).result(),
        )
    await bare.client.disconnect()
    assert gauge.dropped == gauge.dead == 0
    return mine / MESSAGES * 1e6, theirs / MESSAGES * 1e6
