"""Carries letters to MQTT brokers (NGSI-LD 7.2): `mqtt://user:password@host:port/topic`, one connection for each broker.

A letter is taken when its quality of service says so: once written (0), acknowledged (1), or completed (2). What was not
when the connection ends has failed; whoever sent it tries again.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit
from uuid import uuid4

import msgspec
from gmqtt import Client
from gmqtt.mqtt.constants import MQTTv50, MQTTv311
from gmqtt.mqtt.handler import MQTTError
from gmqtt.storage import PersistentStorage

from quanyu.engines.notify.parcel import Letter
from quanyu.engines.notify.store import Answer
from quanyu.engines.notify.webhook import public

PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
VERSIONS: Final = {"mqtt3.1.1": MQTTv311, "mqtt5.0": MQTTv50}
IDLE_S = 60.0
IN_FLIGHT_MAX = 16
"""Messages that are not acknowledged yet; brokers take twenty or more (MQTT 5 receive maximum)."""
SWEEP_S = 0.2
NEVER = -2
"""gmqtt connects again while failures are at most so many; -1 would mean for ever."""
Done = Callable[[Answer], None]
Resolve = Callable[[str, int], list[str]]

# What it says is said by the answer to a letter; the rest would repeat at every try.
logging.getLogger("gmqtt").setLevel(logging.CRITICAL)


def resolved(host: str, port: int) -> list[str]:
    """Return the addresses of a host, as the system resolves it."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class MqttCarrier:
    """Implements `engines.notify.parcel.Carrier` for mqtt:// and mqtts://; `close` ends its thread."""

    def __init__(self, allow_private: bool = False, resolve: Resolve = resolved) -> None:
        self.allow_private = allow_private
        self.resolve = resolve
        self._brokers: dict[tuple[Any, ...], Broker] = {}
        self._guard = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def carry(self, letter: Letter, done: Done) -> None:
        """Take a letter; `done` is called on the carrier's thread."""
        with self._guard:
            loop = self._loop or self._start()
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._give, letter, done)

    def close(self) -> None:
        """End the connections and the thread; what is under way is not answered any more."""
        with self._guard:
            loop, self._loop = self._loop, None
            thread, self._thread = self._thread, None
        if loop is not None and thread is not None:
            atexit.unregister(self.close)
            asyncio.run_coroutine_threadsafe(self._end(), loop)
            thread.join(timeout=10)

    def _start(self) -> asyncio.AbstractEventLoop:
        self._loop = loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=_run, args=(loop,), name="mqtt-carrier", daemon=True)
        self._thread.start()
        loop.call_soon_threadsafe(self._sweep)
        atexit.register(self.close)
        return loop

    async def _end(self) -> None:
        for broker in self._brokers.values():
            with suppress(Exception):
                await asyncio.wait_for(broker.end(), 1)
        asyncio.get_running_loop().stop()

    def _give(self, letter: Letter, done: Done) -> None:
        try:
            parts = urlsplit(letter.uri)
            options = {name.lower(): value for name, value in letter.options.items()}
            version = VERSIONS[options.get("mqtt-version", "mqtt5.0")]
            qos = int(options.get("mqtt-qos", "0"))
            topic = unquote(parts.path.strip("/"))
            key = (parts.scheme, parts.hostname, parts.port, parts.username, parts.password, version)
            if qos not in (0, 1, 2) or not topic or not parts.hostname or parts.fragment or set(topic) & set("#+"):
                raise ValueError("the broker, the topic or the quality of service cannot be used")
        except (ValueError, KeyError) as fault:
            done(Answer(0, f"{type(fault).__name__}: {fault}"[:300]))
            return
        broker = self._brokers.get(key)
        if broker is None:
            broker = self._brokers[key] = Broker(self, parts, version)
        broker.add(Message(topic, _payload(letter), qos, letter.timeout_s, done))

    def _sweep(self) -> None:
        """Give up what takes too long, and connections that nobody needs."""
        loop = asyncio.get_running_loop()
        for key, broker in list(self._brokers.items()):
            if broker.sweep(loop.time()):
                del self._brokers[key]
                self._tasks.add(loop.create_task(broker.end()))
        self._tasks = {task for task in self._tasks if not task.done()}
        loop.call_later(SWEEP_S, self._sweep)


class Message:
    """A letter on its way to a topic."""

    __slots__ = ("deadline", "done", "payload", "qos", "timeout_s", "topic")

    def __init__(self, topic: str, payload: bytes, qos: int, timeout_s: float, done: Done) -> None:
        self.topic, self.payload, self.qos = topic, payload, qos
        self.timeout_s = timeout_s
        self.deadline = 0.0
        self.done = done


class Receipts(PersistentStorage):  # type: ignore[misc]
    """Where gmqtt keeps what is not acknowledged: here a message learns that it was."""

    def __init__(self, acknowledged: Callable[[], None]) -> None:
        super().__init__()
        self.sending: Message | None = None
        self.open: dict[int, Message] = {}
        self._acknowledged = acknowledged

    def push_message(self, mid: int, raw_package: bytes) -> None:
        """Take note of a message, or of its second step."""
        super().push_message(mid, raw_package)
        if self.sending is not None:
            self.open[mid], self.sending = self.sending, None

    def remove_message_by_mid(self, mid: int) -> None:
        """Tell that a message was acknowledged."""
        super().remove_message_by_mid(mid)
        message = self.open.pop(mid, None)
        if message is not None:
            message.done(Answer(200))
            self._acknowledged()


class Broker:
    """One connection to a broker for one user, made when there is something to say."""

    def __init__(self, carrier: MqttCarrier, parts: SplitResult, version: int) -> None:
        self._carrier, self._parts, self._version = carrier, parts, version
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Message] = deque()
        self._receipts = Receipts(self._pump)
        self._client: Any = None
        self._connecting: asyncio.Task[None] | None = None
        self._leaving: asyncio.Task[None] | None = None
        self._used = self._loop.time()

    def add(self, message: Message) -> None:
        """Publish a message, once there is a connection."""
        self._used = self._loop.time()
        message.deadline = self._used + message.timeout_s
        self._waiting.append(message)
        if self._client is not None:
            self._pump()
        elif self._connecting is None:
            self._connecting = self._loop.create_task(self._connect(message.timeout_s))

    def sweep(self, now: float) -> bool:
        """Fail what takes too long; return whether the connection may go."""
        if any(message.deadline < now for message in (*self._receipts.open.values(), *self._waiting)):
            self._lost("The broker did not answer in time.")
        busy = self._waiting or self._receipts.open or self._connecting is not None
        return not busy and now - self._used > IDLE_S

    async def end(self) -> None:
        """Say goodbye."""
        client, self._client = self._client, None
        if client is not None:
            client.on_disconnect = _ignore
            await client.disconnect()

    async def _connect(self, timeout_s: float) -> None:
        try:
            client = await asyncio.wait_for(self._connected(), timeout_s)
        except (OSError, ValueError, MQTTError, TimeoutError) as fault:
            self._fail(f"{type(fault).__name__}: {fault}"[:300])
            return
        finally:
            self._connecting = None
        self._client = client
        self._pump()

    def _pump(self) -> None:
        """Publish what waits, as far as the broker keeps up."""
        before = -1
        while self._waiting and self._client is not None and len(self._receipts.open) < IN_FLIGHT_MAX:
            if len(self._waiting) == before:
                return  # the last could not go yet; the next acknowledgement comes here again
            before = len(self._waiting)
            self._publish(self._waiting.popleft())

    async def _connected(self) -> Any:
        parts, carrier = self._parts, self._carrier
        host, port = str(parts.hostname), parts.port or PORTS[parts.scheme]
        addresses = await self._loop.run_in_executor(None, carrier.resolve, host, port)
        # All addresses must be public: a name with one private address is a trap, not a broker.
        if not addresses or not (carrier.allow_private or all(public(address) for address in addresses)):
            raise ValueError(f"{host} does not resolve to public addresses")
        self._receipts = Receipts(self._pump)
        client = Client(f"quanyu-{uuid4().hex[:12]}", persistent_storage=self._receipts)
        client.set_config({"reconnect_retries": NEVER, "reconnect_delay": 0})
        client.on_disconnect = self._disconnected
        if parts.username:
            client.set_auth_credentials(unquote(parts.username), unquote(parts.password) if parts.password else None)
        # A certificate is for a name, so a secured connection is made to the name that was judged.
        secure = parts.scheme == "mqtts"
        context: Any = ssl.create_default_context() if secure else False
        await client.connect(host if secure else addresses[0], port, ssl=context, version=self._version)
        return client

    def _publish(self, message: Message) -> None:
        self._receipts.sending = message if message.qos else None
        try:
            self._client.publish(message.topic, message.payload, qos=message.qos)
        except OverflowError as fault:  # the broker takes fewer at a time
            self._receipts.sending = None
            if self._receipts.open:
                self._waiting.appendleft(message)
            else:
                message.done(Answer(0, str(fault)))
            return
        except (OSError, ValueError, TypeError, AttributeError, RuntimeError, MQTTError) as fault:
            self._receipts.sending = None
            message.done(Answer(0, f"{type(fault).__name__}: {fault}"[:300]))
            return
        if not message.qos:
            message.done(Answer(200))

    def _disconnected(self, client: Any, packet: Any, exc: Any = None) -> None:
        if client is self._client:
            self._lost("The broker closed the connection.")

    def _lost(self, error: str) -> None:
        client, self._client = self._client, None
        open_, self._receipts.open = self._receipts.open, {}
        if client is not None:
            client.on_disconnect = _ignore
            self._leaving = self._loop.create_task(_left(client))
        for message in open_.values():
            message.done(Answer(0, error))
        self._fail(error)

    def _fail(self, error: str) -> None:
        waiting, self._waiting = self._waiting, deque()
        for message in waiting:
            message.done(Answer(0, error))


async def _left(client: Any) -> None:
    with suppress(Exception):
        await client.disconnect()


def _ignore(*_: Any) -> None:
    """A connection that was given up says nothing any more."""


def _payload(letter: Letter) -> bytes:
    """Return the message of clause 7.2: what would be headers as metadata, and the notification as it is."""
    metadata = msgspec.json.encode(dict(letter.headers))
    return b'{"metadata":' + metadata + b',"body":' + letter.body + b"}"


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()
