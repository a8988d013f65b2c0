"""A connection to a broker that comes back by itself, stops reading when told to, and answers when it is durable.

gmqtt answers QoS 1 and 2 with what a coroutine returns, so those messages have a connection of their own; QoS 0 goes
through a plain function, which costs a tenth. Its own reconnecting is switched off: it knows no growing pause.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from gmqtt import Client, Subscription
from gmqtt.mqtt.constants import MQTTv50, MQTTv311
from gmqtt.mqtt.handler import MQTTError

if TYPE_CHECKING:
    from quanyu.assembly.intake import Intake
    from quanyu.faces.mqtt.heard import Ear, Heard
    from quanyu.kernel.device import Broker, Topic

CONNECT_S = 10.0
PAUSE_S, PAUSE_S_MAX = 0.5, 60.0
SESSION_S = 24 * 3600
IN_FLIGHT_MAX = 1_000
"""So many messages of QoS 1 and 2 a broker may send before the first is answered (MQTT 5 receive maximum)."""
PACKET_BYTES_MAX = 1024 * 1024
NEVER = -2
"""gmqtt tries again while failures are at most so many; -1 would mean for ever."""
TAKEN, NOT_TAKEN = 0, 128

# What it says, our own log says once; the rest would repeat at every try.
logging.getLogger("gmqtt").setLevel(logging.CRITICAL)


class Link:
    """One connection with its topics; `up`, `fault` and `refused` say how it is."""

    intake: Intake[Heard]

    def __init__(
        self,
        broker: Broker,
        topics: Sequence[Topic],
        ear: Ear,
        client: str,
        password: str | None,
        ca_file: str | None,
        now: Callable[[], int],
        changed: Callable[[], None],
    ) -> None:
        self._broker, self._topics, self._ear, self._name = broker, topics, ear, client
        self._password, self._ca_file, self._now, self._changed = password, ca_file, now, changed
        self._acked = topics[0].qos > 0
        self._version: int = MQTTv50
        self._client: Any = None
        self._transport: Any = None
        self._task: asyncio.Task[None] | None = None
        self.up = False
        self.fault: str | None = None
        self.refused: list[str] = []

    def start(self) -> None:
        """Connect, and keep connected."""
        self._task = asyncio.get_running_loop().create_task(self._keep(), name=f"mqtt {self._name}")

    async def close(self) -> None:
        """Leave the broker."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._leave()

    async def _keep(self) -> None:
        pause = PAUSE_S
        while True:
            lost = asyncio.Event()
            try:
                await self._connect(lost)
            except (OSError, MQTTError, ValueError) as fault:
                self._down(_words(fault))
            else:
                self.up, self.fault, pause = True, None, PAUSE_S
                self._changed()
                await lost.wait()
                self._down("the connection broke")
            await self._leave()
            # Many hubs that lost one broker do not come back in step.
            await asyncio.sleep(pause * random.uniform(0.7, 1.3))  # noqa: S311
            pause = min(pause * 2, PAUSE_S_MAX)

    def _down(self, why: str) -> None:
        self.up, self.fault = False, why
        self._changed()

    async def _connect(self, lost: asyncio.Event) -> None:
        client = self._client = self._make(lost)
        context = ssl.create_default_context(cafile=self._ca_file) if self._broker.tls else False
        joining = asyncio.ensure_future(
            client.connect(
                self._broker.host, self._broker.port, context, self._broker.keepalive_s, version=self._version
            )
        )
        leaving = asyncio.ensure_future(lost.wait())
        try:
            await asyncio.wait({joining, leaving}, timeout=CONNECT_S, return_when=asyncio.FIRST_COMPLETED)
            if lost.is_set() and not joining.done():
                # A refusal comes with its reason a moment before the end.
                await asyncio.wait({joining}, timeout=0.2)
            if not joining.done():
                # An old broker closes the door on a newer protocol without a word: the next try speaks the other one.
                self._version = MQTTv311 if self._version == MQTTv50 else MQTTv50
                raise TimeoutError("the broker does not answer")
            joining.result()
        finally:
            for task in (joining, leaving):
                task.cancel()
            await asyncio.gather(joining, leaving, return_exceptions=True)
        self._transport = client._connection._transport
        self.refused = []
        client.subscribe([self._subscription(topic) for topic in self._topics])

    def _make(self, lost: asyncio.Event) -> Any:
        session = {"maximum_packet_size": PACKET_BYTES_MAX}
        if self._acked:
            session |= {"session_expiry_interval": SESSION_S, "receive_maximum": IN_FLIGHT_MAX}
        client = Client(
            self._name, clean_session=not self._acked, optimistic_acknowledgement=not self._acked, **session
        )
        client.set_config({"reconnect_retries": NEVER})
        if self._broker.user is not None:
            client.set_auth_credentials(self._broker.user, self._password)
        client.on_message = self._answered if self._acked else self._heard
        client.on_disconnect = lambda *_: lost.set()
        client.on_subscribe = self._subscribed
        return client

    def _subscription(self, topic: Topic) -> Subscription:
        place = self._ear.reader(topic)
        # A retained message without a time of its own is old by nobody knows how much.
        return Subscription(place.pattern.filter, qos=topic.qos, retain_handling_options=0 if place.timed else 2)

    def _subscribed(self, client: Any, mid: int, answers: Sequence[int], properties: Any) -> None:
        if client is not self._client:
            return
        self.refused = [
            topic.pattern for topic, answer in zip(self._topics, answers, strict=False) if answer >= NOT_TAKEN
        ]
        self._changed()

    def _stale(self, topic: str, properties: dict[str, Any]) -> bool:
        return bool(properties.get("retain")) and not self._ear.timed(topic)

    def _heard(self, client: Any, topic: str, payload: bytes, qos: int, properties: dict[str, Any]) -> None:
        if properties["retain"] and self._stale(topic, properties):
            return
        intake = self.intake
        if not intake.offer((topic, payload, self._now()), len(payload) + len(topic)):
            intake.lost()
        if intake.slowed and self._transport.is_reading():
            self.pace(False)

    async def _answered(self, client: Any, topic: str, payload: bytes, qos: int, properties: dict[str, Any]) -> int:
        if self._stale(topic, properties):
            return TAKEN
        # A dead letter is answered too: sent again, it would be no better.
        became = await self.intake.taken((topic, payload, self._now()), len(payload) + len(topic))
        return NOT_TAKEN if became == "ended" else TAKEN

    def pace(self, go: bool) -> None:
        """Read on, or leave what comes to the broker and the network."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        # The stream reader of the client pauses and resumes by itself too; asking twice is no fault.
        with suppress(RuntimeError):
            if go:
                transport.resume_reading()
            elif transport.is_reading():
                transport.pause_reading()

    async def _leave(self) -> None:
        client, self._client, self._transport = self._client, None, None
        if client is None or client._connection is None:
            return
        with suppress(Exception):
            await asyncio.wait_for(client.disconnect(), 2.0)


def _words(fault: Exception) -> str:
    if isinstance(fault, ssl.SSLCertVerificationError):
        return f"the broker's certificate is not accepted: {fault.verify_message}"
    return f"{type(fault).__name__}: {fault}"[:200]
