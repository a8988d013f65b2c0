"""Carries letters by HTTP/1.1 over kept-alive connections: a pool for each host and port, all on one thread.

The name of a receiver is resolved for each new connection and every address must be public, unless private ones are
allowed; the connection then goes to exactly the address that was judged. Redirects are answers and never followed.
"""

from __future__ import annotations

import asyncio
import atexit
import ssl
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from urllib.parse import urlsplit

import uvloop

from quanyu.adapters.http.connection import Connection, Job
from quanyu.adapters.http.post import Resolve, resolved
from quanyu.engines.notify.parcel import Letter
from quanyu.engines.notify.store import Answer
from quanyu.engines.notify.webhook import public

CONNECTIONS_MAX = 32
"""To one host and port; a receiver that is slow or dead fills its own pool only."""
SWEEP_S = 0.05
AGAIN_MAX = 3
Key = tuple[str, str, int]


class HttpCarrier:
    """Implements `engines.notify.parcel.Carrier` for http:// and https://; `close` ends its thread."""

    def __init__(
        self, allow_private: bool = False, resolve: Resolve = resolved, connections_max: int = CONNECTIONS_MAX
    ) -> None:
        self.allow_private = allow_private
        self.resolve = resolve
        self.connections_max = connections_max
        self.tls = lru_cache(maxsize=1)(ssl.create_default_context)
        self._pools: dict[Key, Pool] = {}
        self._given: deque[tuple[Letter, Callable[[Answer], None]]] = deque()
        self._scheduled = False
        self._guard = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def carry(self, letter: Letter, done: Callable[[Answer], None]) -> None:
        """Take a letter; `done` is called on the carrier's thread."""
        self._given.append((letter, done))
        with self._guard:
            if self._scheduled:
                return
            self._scheduled = True
            loop = self._loop or self._start()
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._distribute)

    def close(self) -> None:
        """End the connections and the thread; what is under way is not answered any more."""
        with self._guard:
            loop, self._loop = self._loop, None
            thread, self._thread = self._thread, None
        if loop is not None and thread is not None:
            atexit.unregister(self.close)
            asyncio.run_coroutine_threadsafe(self._end(), loop)
            thread.join(timeout=10)

    async def _end(self) -> None:
        for pool in self._pools.values():
            pool.end()
        # The transports close in the next turn of the loop.
        await asyncio.sleep(0.01)
        asyncio.get_running_loop().stop()

    def _start(self) -> asyncio.AbstractEventLoop:
        self._loop = loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=_run, args=(loop,), name="http-carrier", daemon=True)
        self._thread.start()
        # A loop that still runs while the interpreter is taken down would crash it.
        atexit.register(self.close)
        loop.call_soon_threadsafe(self._sweep)
        return loop

    def _distribute(self) -> None:
        with self._guard:
            self._scheduled = False
        while self._given:
            letter, done = self._given.popleft()
            try:
                key, head = request_head(letter.uri)
                request = head + _rest(letter)
            except ValueError as fault:
                done(Answer(0, f"{type(fault).__name__}: {fault}"[:300]))
                continue
            pool = self._pools.get(key)
            if pool is None:
                pool = self._pools[key] = Pool(self, key)
            pool.add(Job(request, letter.timeout_s, done))

    def _sweep(self) -> None:
        """Give up what takes too long."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for key, pool in list(self._pools.items()):
            pool.sweep(now)
            if pool.idle:
                del self._pools[key]
        loop.call_later(SWEEP_S, self._sweep)


class Pool:
    """The connections to one host and port, and the jobs that wait for them."""

    def __init__(self, carrier: HttpCarrier, key: Key) -> None:
        self._carrier = carrier
        self._scheme, self._host, self._port = key
        self._loop = asyncio.get_running_loop()
        self._connections: set[Connection] = set()
        self._free: list[Connection] = []
        self._jobs: deque[Job] = deque()
        self._opening: set[asyncio.Task[None]] = set()

    @property
    def idle(self) -> bool:
        """Whether nothing is left to keep."""
        return not (self._connections or self._jobs or self._opening)

    def add(self, job: Job) -> None:
        """Send a job on a free connection, or let it wait for one."""
        if self._free:
            self._free.pop().send(job, self._loop.time() + job.timeout_s)
            return
        job.deadline = self._loop.time() + job.timeout_s
        self._jobs.append(job)
        self._grow()

    def free(self, connection: Connection) -> None:
        """Give a free connection its next job."""
        if self._jobs:
            job = self._jobs.popleft()
            connection.send(job, self._loop.time() + job.timeout_s)
        else:
            self._free.append(connection)

    def lost(self, connection: Connection, job: Job | None, fresh: bool) -> None:
        """Forget a connection; its job goes out again when a kept connection had been closed under it."""
        self._connections.discard(connection)
        if connection in self._free:
            self._free.remove(connection)
        if job is None:
            self._grow()
            return
        if fresh and connection.used and job.again < AGAIN_MAX:
            job.again += 1
            self._jobs.appendleft(job)
            self._grow()
        else:
            job.done(Answer(0, "The receiver closed the connection without an answer."))

    def end(self) -> None:
        """Close every connection; nothing is answered any more."""
        self._jobs.clear()
        for task in self._opening:
            task.cancel()
        for connection in list(self._connections):
            connection.drop()

    def sweep(self, now: float) -> None:
        """Close connections whose request has taken longer than it may."""
        for connection in [each for each in self._connections if each.busy and each.deadline < now]:
            connection.close("The receiver did not answer in time.")
        while self._jobs and self._jobs[0].deadline < now:
            self._jobs.popleft().done(Answer(0, "All connections to the host were busy all the time."))

    def _grow(self) -> None:
        count = len(self._connections) + len(self._opening)
        if len(self._jobs) > len(self._opening) and count < self._carrier.connections_max:
            task = self._loop.create_task(self._open())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self) -> None:
        """Open one connection; when that fails, so do the jobs that wait."""
        timeout_s = max((job.timeout_s for job in self._jobs), default=10.0)
        try:
            connection = await asyncio.wait_for(self._connected(), timeout_s)
        except (OSError, ValueError) as fault:
            self._fail(f"{type(fault).__name__}: {fault}"[:300])
            return
        self._connections.add(connection)
        self.free(connection)

    async def _connected(self) -> Connection:
        carrier = self._carrier
        addresses = await self._loop.run_in_executor(None, carrier.resolve, self._host, self._port)
        # All addresses must be public: a name with one private address is a trap, not a receiver.
        if not addresses or not (carrier.allow_private or all(public(address) for address in addresses)):
            raise ValueError(f"{self._host} does not resolve to public addresses")
        secure = self._scheme == "https"
        _, connection = await self._loop.create_connection(
            lambda: Connection(self),
            addresses[0],
            self._port,
            ssl=carrier.tls() if secure else None,
            server_hostname=self._host if secure else None,
        )
        return connection

    def _fail(self, error: str) -> None:
        if self._connections:
            return
        jobs, self._jobs = self._jobs, deque()
        for job in jobs:
            job.done(Answer(0, error))


@lru_cache(maxsize=10_000)
def request_head(uri: str) -> tuple[Key, bytes]:
    """Return where a URI leads, and the first lines of a request to it; ValueError when it cannot be asked."""
    parts = urlsplit(uri)
    host = parts.hostname
    if not host:
        raise ValueError(f"{uri[:80]} names no host")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    name = f"[{host}]" if ":" in host else host
    named = name if parts.port is None else f"{name}:{port}"
    lines = f"POST {_clean(target)} HTTP/1.1\r\nHost: {_clean(named)}\r\nUser-Agent: Quanyu\r\n"
    return (parts.scheme, host, port), lines.encode("ascii")


def _rest(letter: Letter) -> bytes:
    lines = [f"{_clean(name)}: {_clean(value)}\r\n" for name, value in letter.headers]
    return f"{''.join(lines)}Content-Length: {len(letter.body)}\r\n\r\n".encode("latin-1") + letter.body


def _clean(text: str) -> str:
    if "\r" in text or "\n" in text or "\0" in text:
        raise ValueError("a header holds a line break")
    return text


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()
