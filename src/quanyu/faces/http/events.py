"""Server-sent events: one stream for each browser, replayed from the journal after a break, bounded everywhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from weakref import WeakKeyDictionary

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from quanyu.engines.access.view import Actor
from quanyu.faces.http.broadcast import KINDS, News, Sight, encoded, events_of, news_of, sight_of
from quanyu.faces.http.health import clients
from quanyu.faces.http.hub import Hub
from quanyu.faces.http.route import SIGNED_IN, Ask, Route
from quanyu.faces.http.shown import shown
from quanyu.kernel.errors import Conflict, Unavailable
from quanyu.kernel.journal import Record

CLIENTS_MAX = 2_000
QUEUE_MAX = 256
"""Events waiting for one client; a slower one loses them and is told to read again."""
REPLAY_MAX = 2_000
"""Records replayed to a client that comes back; beyond it a reset is cheaper for both."""
FOLD_S = 0.25
"""Groups of this long are told together."""
CLOCK_S = 5.0
"""Time between clock events, which also show that the stream lives."""
RESET = b"event: reset\ndata: {}\n\n"
log = structlog.get_logger()


class Client:
    """One open stream: what it may see, and what waits to be sent."""

    def __init__(self, actor: Actor, sight: Sight) -> None:
        self.actor = actor
        self.sight = sight
        self._waiting: list[bytes] = []
        self._news = asyncio.Event()
        self.gone = False

    def tell(self, events: Sequence[bytes]) -> None:
        """Queue events; on overflow all of them give way to one reset."""
        if len(self._waiting) + len(events) > QUEUE_MAX:
            self._waiting = [RESET]
        else:
            self._waiting.extend(events)
        self._news.set()

    def end(self) -> None:
        """Close the stream after what waits."""
        self.gone = True
        self._news.set()

    async def next(self, timeout_s: float) -> list[bytes]:
        """Return what waits, empty when nothing came in time."""
        if not self._waiting and not self.gone:
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), timeout_s)
            except TimeoutError:
                return []
        told, self._waiting = self._waiting, []
        return told


class Broadcaster:
    """Listens to the hub once for all clients of an event loop; starts with the first client, ends with the last."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.clients: set[Client] = set()
        self._task: asyncio.Task[None] | None = None
        self.told_seq = hub.last_seq

    def join(self, client: Client) -> int:
        """Take a client in; return the seq behind which it hears everything live."""
        if len(self.clients) >= CLIENTS_MAX:
            raise Unavailable(
                f"{CLIENTS_MAX} event streams are open.", code="events.full", remedy="Try again.", retry_after_s=30
            )
        if self._task is None or self._task.done():
            self.told_seq = self._hub.last_seq
            self._task = asyncio.get_running_loop().create_task(self._run())
        self.clients.add(client)
        clients.add(id(client))
        return self.told_seq

    def leave(self, client: Client) -> None:
        """Let a client go; the last one ends the listening."""
        self.clients.discard(client)
        clients.discard(id(client))
        if not self.clients and self._task is not None:
            self._task.cancel()
            self._task = None

    def end(self) -> None:
        """Close all streams: the process is stopping."""
        for client in list(self.clients):
            client.end()

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except Conflict:
                log.info("event broadcast fell behind the journal", seq=self.told_seq)
            except Exception as error:  # a runner: one bad record must not silence the streams
                log.error("event broadcast fails", exc_info=error)
            # Whatever was missed, everybody reads again.
            self.told_seq = self._hub.last_seq
            for client in list(self.clients):
                client.tell([RESET])

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        waiting: list[Record] = []
        flush_at = 0.0
        heard = self._hub.heard()
        following = asyncio.ensure_future(anext(heard))
        try:
            await asyncio.sleep(0)  # lets the ear open before the journal is read: nothing falls between the two
            waiting += await run_in_threadpool(self._hub.journal_read, self.told_seq, REPLAY_MAX, KINDS)
            while True:
                timeout = max(0.0, flush_at - loop.time()) if waiting else None
                done, _ = await asyncio.wait((following,), timeout=timeout)
                if done:
                    if not waiting:
                        flush_at = loop.time() + FOLD_S
                    known = waiting[-1].seq if waiting else self.told_seq
                    waiting.extend(record for record in following.result() if record.seq > known)
                    following = asyncio.ensure_future(anext(heard))
                if waiting and loop.time() >= flush_at:
                    batch, waiting = waiting, []
                    await self._tell(batch)
        finally:
            following.cancel()

    async def _tell(self, records: Sequence[Record]) -> None:
        news = news_of(record for record in records if record.seq > self.told_seq)
        if news.rights:
            self._look_again()
        if news:
            groups: dict[object, list[Client]] = {}
            for client in list(self.clients):
                groups.setdefault(client.sight.group, []).append(client)
            for members in groups.values():
                events = await run_in_threadpool(events_of, self._hub, news, members[0].sight)
                for client in members:
                    client.tell(events)
        self.told_seq = max(self.told_seq, news.seq)

    def _look_again(self) -> None:
        for client in list(self.clients):
            look_again(self._hub, client)


def look_again(hub: Hub, client: Client) -> None:
    """Give a client the rights of this moment; one whose session or token is dead is closed."""
    actor = hub.access.again(client.actor, hub.machine())
    if actor is None:
        client.end()
    elif actor != client.actor:
        client.actor, client.sight = actor, sight_of(hub, actor)


_broadcasters: WeakKeyDictionary[Hub, Broadcaster] = WeakKeyDictionary()


def broadcaster(hub: Hub) -> Broadcaster:
    """Return the hub's one broadcaster."""
    found = _broadcasters.get(hub)
    if found is None:
        found = _broadcasters[hub] = Broadcaster(hub)
    return found


async def events(ask: Ask) -> Response:
    """The stream: vitals, case, observed and clock events, each within the actor's rights."""
    caster = broadcaster(ask.hub)
    client = Client(ask.actor, sight_of(ask.hub, ask.actor))
    since = ask.request.headers.get("last-event-id", "")
    live_from = caster.join(client)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(
        _stream(ask.hub, caster, client, since, live_from), 200, headers, media_type="text/event-stream"
    )


async def _stream(hub: Hub, caster: Broadcaster, client: Client, since: str, live_from: int) -> AsyncIterator[bytes]:
    try:
        yield b"retry: 2000\n\n" + _clock(hub, live_from)
        for event in await _replayed(hub, client, since, live_from):
            yield event
        while not client.gone:
            told = await client.next(CLOCK_S)
            if told:
                yield b"".join(told)
            else:
                look_again(hub, client)
                yield _clock(hub, None)
    finally:
        caster.leave(client)


async def _replayed(hub: Hub, client: Client, since: str, live_from: int) -> list[bytes]:
    """Return what a returning client missed, or a reset when that is too long ago or from another journal."""
    if not since:
        return []
    if not (since.isascii() and since.isdigit() and len(since) < 19) or int(since) > live_from:
        return [RESET]
    missed = await run_in_threadpool(hub.journal_read, int(since), REPLAY_MAX + 1, KINDS)
    records = [record for record in missed if record.seq <= live_from]
    if len(missed) > REPLAY_MAX or any(record.body is None for record in records):
        return [RESET]
    news: News = news_of(records)
    news.seq = live_from
    return await run_in_threadpool(events_of, hub, news, client.sight)


def _clock(hub: Hub, seq: int | None) -> bytes:
    data = shown({"now": hub.clock.now(), "speed": hub.clock.speed}, hub.city.zone)
    return encoded("clock", data, seq)


ROUTES = (
    Route(method="GET", path="/events", permission=SIGNED_IN, handle=events, summary="Server-sent events"),
)  # fmt: skip
