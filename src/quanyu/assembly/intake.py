"""From messages to observations: a bounded queue, groups with one commit each, dead letters, and an answer when durable.

One intake belongs to one event loop. A message that waits for its answer (QoS 1 and 2, HJ 212) hears `taken` when it is
durable, `dead` when it is a dead letter on the disk, and nothing while the hub cannot commit: its sender keeps it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

import msgspec
import structlog

from quanyu.assembly.devices import Gauge, as_error
from quanyu.engines.context.observed import FUTURE_MAX_US
from quanyu.kernel.device import Gathering, Row
from quanyu.kernel.entity import body_of
from quanyu.kernel.errors import Invalid, Missing, QuanyuError, Unavailable
from quanyu.kernel.journal import Command, Receipt
from quanyu.kernel.view import EVERYTHING

if TYPE_CHECKING:
    from quanyu.assembly.hub import Hub

ITEMS_MAX = 50_000
BYTES_MAX = 32 * 1024 * 1024
GROUP_MAX = 5_000
KNOWN_MAX = 200_000
LETTERS_PER_GROUP_MAX = 100
ASIDE_PER_MINUTE_MAX = 600
RETRY_S_MAX = 5.0
SPELL_S = 60.0
Item = TypeVar("Item")
log = structlog.get_logger()


Answer = Literal["taken", "dead", "ended"]
"""What became of a message; `ended`: this process ends, and the sender should keep it."""


class Reading(msgspec.Struct, frozen=True, gc=False):
    """What one message says: rows, the documents of entities that it may bring into being, and what was left out of it."""

    rows: Sequence[Row]
    births: Mapping[str, Mapping[str, Any]] = {}
    complaint: QuanyuError | None = None


def newborn(id_: str, type_: str, name: str, described: Mapping[str, str]) -> dict[str, Any]:
    """Return the document of an entity that begins with a message: its name, unless described, and what is declared."""
    attributes = {"name": name, **described}
    return {"id": id_, "type": type_} | {
        each: {"type": "Property", "value": value} for each, value in attributes.items()
    }


class Words(msgspec.Struct, frozen=True):
    """What an intake says of itself in the journal and in dead letters."""

    source: str
    provenance: str


class _Waiting(msgspec.Struct, Generic[Item], gc=False):
    item: Item
    size: int
    answer: asyncio.Future[Answer] | None
    dead: bool = False


class Intake(Generic[Item]):
    """`read` turns a message into rows or raises; `show` gives its place and payload for a dead letter.

    `pace` is told False when the queue is half full and True when it has drained: who reads a connection stops and goes on.
    """

    def __init__(
        self,
        hub: Hub,
        words: Words,
        gauge: Gauge,
        read: Callable[[Item], Reading],
        show: Callable[[Item], tuple[str, bytes]],
        *,
        pace: Callable[[bool], None] = lambda go: None,
        linger_s: float = 0.0,
    ) -> None:
        self._hub, self._words, self.gauge = hub, words, gauge
        self._read, self._show, self._pace, self._linger_s = read, show, pace, linger_s
        self._queue: deque[_Waiting[Item]] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self._known: dict[str, None] = {}
        self._idle, self._room = asyncio.Event(), asyncio.Event()
        self._idle.set()
        self._room.set()
        self._group: list[_Waiting[Item]] = []
        self._slowed = False
        self._lost_at = -SPELL_S
        self._letters = 0
        self._aside = (0, 0)
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"intake {words.source}")

    @property
    def slowed(self) -> bool:
        """The queue is half full: whoever reads should stop."""
        return self._slowed

    def offer(self, item: Item, size: int, answer: asyncio.Future[Answer] | None = None) -> bool:
        """Take a message in; False when there is no room (the caller says or counts that it was lost)."""
        gauge = self.gauge
        gauge.received += 1
        if len(self._queue) >= ITEMS_MAX or self._bytes + size > BYTES_MAX:
            self._room.clear()
            return False
        self._queue.append(_Waiting(item, size, answer))
        self._bytes += size
        gauge.waiting += 1
        self._idle.clear()
        if not self._wake.is_set():
            self._wake.set()
        if not self._slowed and (len(self._queue) * 2 > ITEMS_MAX or self._bytes * 2 > BYTES_MAX):
            self._slowed = True
            self._pace(False)
        return True

    async def taken(self, item: Item, size: int) -> Answer:
        """Take a message in, waiting for room; return when it is durable, a dead letter on the disk, or not to be had."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        while not self.offer(item, size, answer):
            self.gauge.received -= 1
            await self._room.wait()
        return await answer

    def lost(self) -> None:
        """Count a message for which there was no room; a spell of losses is logged when it begins."""
        self.gauge.dropped += 1
        now = asyncio.get_running_loop().time()
        if now - self._lost_at > SPELL_S:
            log.warning("messages are lost", source=self._words.source, reason="the queue is full")
        self._lost_at = now

    async def drain(self, grace_s: float = 5.0) -> None:
        """Wait until what came in is committed, at most so long."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), grace_s)

    async def end(self) -> None:
        """End; whoever still waits for an answer hears `ended`, and has the message still."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        for each in (*self._group, *self._queue):
            _answer(each, "ended")
        self._idle.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            if self._linger_s and len(self._queue) < GROUP_MAX:
                # Messages without an answer wait a moment for company: a record for many costs what a record for one does.
                await asyncio.sleep(self._linger_s)
            group = self._group = [self._queue.popleft() for _ in range(min(GROUP_MAX, len(self._queue)))]
            self._bytes -= sum(each.size for each in group)
            if not self._queue:
                self._wake.clear()
            try:
                await self._take_group(group)
            except Exception as fault:  # our own mistake: it must not end the source
                log.error("intake failed", source=self._words.source, messages=len(group), exc_info=fault)
                for each in group:
                    self._dead(each, as_error(fault))
                await self._write_letters()
            for each in group:
                _answer(each, "dead" if each.dead else "taken")
            self._group = []
            self._drained(len(group))

    def _drained(self, count: int) -> None:
        self.gauge.waiting -= count
        if not self._queue:
            self._idle.set()
        self._room.set()
        if self._slowed and len(self._queue) * 4 < ITEMS_MAX and self._bytes * 4 < BYTES_MAX:
            self._slowed = False
            self._pace(True)

    async def _take_group(self, group: list[_Waiting[Item]]) -> None:
        self._letters = 0
        readings: list[tuple[_Waiting[Item], Reading]] = []
        latest = self._hub.clock.now() + FUTURE_MAX_US
        for each in group:
            try:
                reading = self._read(each.item)
                if any(row[2] > latest for row in reading.rows):
                    raise _future(reading.rows)
            except Exception as fault:  # one message's fault must not take the group with it
                self._dead(each, as_error(fault))
            else:
                readings.append((each, reading))
                if reading.complaint is not None:
                    self._letter(each, reading.complaint)
        await self._observe(await self._standing(readings))
        if self._letters:
            await self._write_letters()

    async def _standing(self, readings: list[tuple[_Waiting[Item], Reading]]) -> list[tuple[_Waiting[Item], Reading]]:
        """Return the readings whose entities exist, after making those that may be made; the rest are dead letters."""
        known = self._known
        unseen = {row[0]: None for _, reading in readings for row in reading.rows if row[0] not in known}
        if not unseen:
            return readings
        births = {id_: document for _, reading in readings for id_, document in reading.births.items() if id_ in unseen}
        unborn = [id_ for id_ in unseen if id_ not in births]
        faults: dict[str, QuanyuError] = {}
        for id_, there in zip(unborn, await asyncio.to_thread(self._exist, unborn), strict=True):
            if not there:
                faults[id_] = _unknown(id_)
        if births:
            words = self._words
            commands = [
                Command("entity.create", id_, dict(document), words.provenance) for id_, document in births.items()
            ]
            receipt = await self._commit(commands, atomic=False)
            for id_, outcome in zip(births, receipt.outcomes, strict=True):
                error = outcome.error
                if error is not None and getattr(error, "code", "") != "entity.exists":
                    faults[id_] = as_error(error)
        if len(known) > KNOWN_MAX:
            known.clear()
        known.update((id_, None) for id_ in unseen if id_ not in faults)
        if not faults:
            return readings
        left = []
        for each, reading in readings:
            wrong = next((faults[row[0]] for row in reading.rows if row[0] in faults), None)
            if wrong is None:
                left.append((each, reading))
            else:
                self._dead(each, wrong)
        return left

    def _exist(self, ids: Sequence[str]) -> list[bool]:
        view = self._hub.views.entities
        return [view.find(id_, EVERYTHING) is not None for id_ in ids]

    async def _observe(self, readings: Sequence[tuple[_Waiting[Item], Reading]]) -> None:
        """Commit all rows in one call; when they are refused, halve until the guilty message stands alone."""
        gathering = Gathering()
        for _, reading in readings:
            gathering.take(reading.rows)
        if not len(gathering):
            return
        words = self._words
        commands = [
            Command("observe", words.source, {**body_of(batch), "as": "live"}, words.provenance)
            for batch in gathering.batches()
        ]
        try:
            await self._commit(commands, atomic=True)
        except QuanyuError as fault:
            for _, reading in readings:
                for row in reading.rows:
                    self._known.pop(row[0], None)
            if len(readings) == 1:
                self._dead(readings[0][0], fault)
                return
            half = len(readings) // 2
            await self._observe(readings[:half])
            await self._observe(readings[half:])
        else:
            self.gauge.observations += len(gathering)

    async def _commit(self, commands: Sequence[Command], *, atomic: bool) -> Receipt:
        """Commit, waiting as long as the hub cannot; the messages stay with us, and nothing more is read meanwhile."""
        pause, told = 0.1, False
        while True:
            try:
                receipt = await self._hub.commit(commands, f"system:{self._words.source}", atomic=atomic)
            except Unavailable as fault:
                if not told:
                    log.warning("observations wait", source=self._words.source, reason=fault.message)
                    told, self.gauge.fault = True, fault.message
                if not self._slowed:
                    self._slowed = True
                    self._pace(False)
                await asyncio.sleep(pause)
                pause = min(pause * 2, RETRY_S_MAX)
            else:
                if told:
                    log.info("observations go on", source=self._words.source)
                    self.gauge.fault = None
                return receipt

    def _dead(self, each: _Waiting[Item], fault: QuanyuError) -> None:
        each.dead = True
        self._letter(each, fault)

    def _letter(self, each: _Waiting[Item], fault: QuanyuError) -> None:
        self.gauge.dead += 1
        self._letters += 1
        if self._letters > LETTERS_PER_GROUP_MAX:
            return  # a flood fills no disk: it is counted
        place, payload = self._show(each.item)
        hub = self._hub
        hub.devices.letters.add(hub.machine(), self._words.source, place, payload, fault.code, fault.message)

    async def _write_letters(self) -> None:
        try:
            await asyncio.to_thread(self._hub.devices.letters.write)
        except OSError as fault:
            log.error("dead letters cannot be written", source=self._words.source, error=str(fault))

    async def set_aside(self, place: str, payload: bytes, fault: QuanyuError) -> None:
        """Keep as a dead letter what never became a message (a broken frame, an unknown station)."""
        self.gauge.dead += 1
        minute = int(asyncio.get_running_loop().time() // 60)
        self._aside = (minute, self._aside[1] + 1 if self._aside[0] == minute else 1)
        if self._aside[1] > ASIDE_PER_MINUTE_MAX:
            return
        hub = self._hub
        hub.devices.letters.add(hub.machine(), self._words.source, place, payload, fault.code, fault.message)
        await self._write_letters()


def _answer(each: _Waiting[Any], answer: Answer) -> None:
    if each.answer is not None and not each.answer.done():
        each.answer.set_result(answer)


def _future(rows: Sequence[Row]) -> Invalid:
    latest = max(rows, key=lambda row: row[2])
    return Invalid(
        f"An observation of {latest[0]} lies more than a day in the future.",
        code="observations.future",
        remedy="Check the device's clock and time zone.",
    )


def _unknown(id_: str) -> Missing:
    return Missing(
        f"Entity {id_} does not exist, and its topic may not make it.",
        code="entity.missing",
        where=id_,
        remedy="Create it, or give its topic a create table.",
    )
