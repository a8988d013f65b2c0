"""The door for stations: limits on connections, time and garbage; MN and password; one frame after the other, answered late.

A connection's next frame is read when the one before is durable, so a hub that cannot commit is felt by the sender.
"""

from __future__ import annotations

import asyncio
import hmac
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from quanyu.assembly.devices import Gauge, provenance
from quanyu.assembly.intake import Intake, Words
from quanyu.faces.hj212.frame import Broken, Frame, Stream, masked, packed, read
from quanyu.faces.hj212.reading import KINDS, Arrived, FrameReader
from quanyu.kernel.errors import Denied, Invalid, QuanyuError, Unsupported

if TYPE_CHECKING:
    from quanyu.assembly import Hub
    from quanyu.kernel.device import Hj212, Station

CONNECTIONS_MAX = 2_000
IDLE_S = 3_600.0
FRAME_S = 30.0
"""So long a frame that has begun may take to become whole."""
GONE_S = 900.0
"""A station without a connection for so long is down; many connect for each message."""
READ_BYTES = 16_384
FAULTS_MAX = 10
"""Broken frames after which a connection is closed; a good frame starts the count anew."""
GARBAGE_BYTES_MAX = 64 * 1024
GRACE_S = 5.0
SOURCE = "hj212"
UNVERIFIED = "HJ 212-2025 is unverified: frames are read by the grammar of 2017"
log = structlog.get_logger()


class Door:
    """Listens on a bound socket; `gauge` counts all stations together, each station has one of its own."""

    def __init__(self, hub: Hub, plan: Hj212) -> None:
        self._hub = hub
        devices, now = hub.devices, hub.machine()
        self.gauge = devices.gauge(SOURCE, "hj212", now)
        self._stations = {station.mn: station for station in plan.stations}
        self._gauges = {mn: devices.gauge(f"{SOURCE}:{mn}", "hj212-station", now) for mn in self._stations}
        self._reader = FrameReader(devices.factors, hub.city.zone)
        self._intakes = {
            edition: Intake[Arrived](
                hub, Words(SOURCE, provenance(plan.origin, source)), self.gauge, self._reader.read, _shown
            )
            for edition, source in (("2017", SOURCE), ("2025-unverified", f"{SOURCE}-2025-unverified"))
            if any(station.edition == edition for station in plan.stations)
        }
        for mn, station in self._stations.items():
            self._gauges[mn].note = UNVERIFIED if station.edition != "2017" else None
        self._connections: set[asyncio.Task[None]] = set()
        self._open: dict[str, int] = {}
        self._gone: dict[str, asyncio.TimerHandle] = {}
        self._server: asyncio.Server | None = None

    async def open(self, bound: socket.socket) -> None:
        """Let stations in."""
        self._server = await asyncio.start_server(self._come, sock=bound, limit=READ_BYTES)
        self.gauge.up, self.gauge.since = True, self._hub.machine()
        host, port = bound.getsockname()[:2]
        log.info("door is open", source=SOURCE, address=f"{host}:{port}", stations=len(self._stations))
        if any(gauge.note for gauge in self._gauges.values()):
            log.warning(UNVERIFIED, source=SOURCE)

    async def close(self) -> None:
        """Let nobody in any more, commit what came, and end the connections."""
        assert self._server is not None, "only an open door is closed"
        self._server.close()
        self.gauge.up = False
        await asyncio.gather(*(intake.drain(GRACE_S) for intake in self._intakes.values()))
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        for timer in self._gone.values():
            timer.cancel()
        for intake in self._intakes.values():
            await intake.end()

    async def _come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._connections) >= CONNECTIONS_MAX:
            writer.close()
            return
        self._connections.add(task)
        visit = Visit(self, reader, writer)
        try:
            await visit.run()
        except (OSError, asyncio.CancelledError):
            pass  # whoever goes without a word has lost nothing: what was not answered comes again
        except Exception as fault:  # our own mistake costs one connection
            log.error("connection failed", source=SOURCE, exc_info=fault)
        finally:
            self._connections.discard(task)
            for mn in visit.seen:
                self._leave(mn)
            writer.close()
            with suppress(Exception):
                await asyncio.wait_for(writer.wait_closed(), 1.0)

    def admit(self, frame: Frame) -> Station:
        """Return the station that sends a frame; Denied when it is not declared or its password is wrong."""
        station = self._stations.get(frame.mn)
        if station is None:
            raise Denied(f"Station {frame.mn} is not declared.", code="hj212.station", where=frame.mn)
        wanted = self._hub.devices.secret(station.secret) or ""
        if not hmac.compare_digest(wanted.encode(), frame.pw.encode()):
            raise Denied(f"Station {frame.mn} gives a wrong password.", code="hj212.password", where=frame.mn)
        return station

    def arrive(self, mn: str) -> Gauge:
        """Note that a station has a connection; its coming is said once."""
        gauge = self._gauges[mn]
        self._open[mn] = self._open.get(mn, 0) + 1
        timer = self._gone.pop(mn, None)
        if timer is not None:
            timer.cancel()
        if not gauge.up:
            gauge.up, gauge.fault, gauge.since = True, None, self._hub.machine()
            log.info("station is up", source=f"{SOURCE}:{mn}")
        return gauge

    def _leave(self, mn: str) -> None:
        self._open[mn] -= 1
        if self._open[mn] == 0 and self._server is not None and self._server.is_serving():
            self._gone[mn] = asyncio.get_running_loop().call_later(GONE_S, self._down, mn)

    def _down(self, mn: str) -> None:
        gauge = self._gauges[mn]
        self._gone.pop(mn, None)
        gauge.up, gauge.fault, gauge.since = False, "no connection", self._hub.machine()
        log.warning("station is down", source=f"{SOURCE}:{mn}", reason=gauge.fault)

    async def take(self, station: Station, frame: Frame, data: bytes) -> bool:
        """Return True when a frame's values are durable; False when it became a dead letter or this process ends."""
        gauge = self._gauges[station.mn]
        gauge.received += 1
        arrived = Arrived(station, gauge, frame, data)
        became = await self._intakes[station.edition].taken(arrived, len(data))
        gauge.dead += became == "dead"
        gauge.observations += arrived.values if became == "taken" else 0
        return became == "taken"

    async def set_aside(self, place: str, data: bytes, fault: QuanyuError) -> None:
        """Keep what is no data of a station as a dead letter, without its password."""
        await next(iter(self._intakes.values())).set_aside(place, masked(data), fault)


class Visit:
    """One connection."""

    def __init__(self, door: Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._door, self._reader, self._writer = door, reader, writer
        self._stream = Stream()
        self._faults = 0
        self.seen: set[str] = set()
        self._peer = str((writer.get_extra_info("peername") or ("?",))[0])

    async def run(self) -> None:
        """Read frames until the sender goes, keeps silent, or sends too much that is none."""
        loop = asyncio.get_running_loop()
        begun: float | None = None
        while True:
            begun = (begun or loop.time()) if self._stream.partial else None
            limit = loop.time() + IDLE_S if begun is None else begun + FRAME_S
            try:
                async with asyncio.timeout_at(limit):
                    piece = await self._reader.read(READ_BYTES)
            except TimeoutError:
                if begun is None or not await self._all(self._stream.give_up()):
                    return
                begun = None
                continue
            if not piece or not await self._all(self._stream.feed(piece)):
                return
            if self._stream.skipped > GARBAGE_BYTES_MAX:
                await self._fault(b"", Invalid("The connection sends no frames.", code="hj212.garbage"))
                return

    async def _all(self, found: Iterator[bytes | Broken]) -> bool:
        """Take what a stream found; False when the connection should end."""
        for each in found:
            if isinstance(each, Broken):
                await self._fault(each.raw, Invalid(f"The frame is broken: {each.why}.", code="hj212.broken"))
                good = True
            else:
                good = await self._frame(each)
            if not good or self._faults >= FAULTS_MAX:
                return False
        return True

    async def _frame(self, data: bytes) -> bool:
        """Take one frame; False when whoever sends it has no business here."""
        try:
            frame = read(data)
            station = self._door.admit(frame)
            refused = _refusal(frame)
        except Denied as fault:
            await self._fault(data, fault)
            return False
        except QuanyuError as fault:
            await self._fault(data, fault)
            return True
        self._faults, self._stream.skipped = 0, 0
        if frame.mn not in self.seen:
            self._door.arrive(frame.mn)
            self.seen.add(frame.mn)
        if refused is not None:
            await self._door.set_aside(frame.mn, data, refused)
        elif await self._door.take(station, frame, data) and frame.answer_wanted:
            self._writer.write(answer(frame))
            await self._writer.drain()
        return True

    async def _fault(self, raw: bytes, fault: QuanyuError) -> None:
        self._faults += 1
        await self._door.set_aside(self._peer, raw, fault)


def _refusal(frame: Frame) -> QuanyuError | None:
    """Return why a good frame is not taken in."""
    if frame.cn not in KINDS:
        return Unsupported(
            f"Command {frame.cn} is not taken in.", code="hj212.command", remedy=f"Taken in: {', '.join(KINDS)}."
        )
    if frame.split:
        return Unsupported(f"Data split over frames are not read ({frame.cn}).", code="hj212.split")
    return None


def answer(frame: Frame) -> bytes:
    """Return the answer to data (9014): the frame's own QN and names, no data, and no answer wanted."""
    return packed(f"QN={frame.qn};ST=91;CN=9014;PW={frame.pw};MN={frame.mn};Flag=4;CP=&&&&".encode("ascii"))


def _shown(arrived: Arrived) -> tuple[str, bytes]:
    return arrived.station.mn, masked(arrived.data)
