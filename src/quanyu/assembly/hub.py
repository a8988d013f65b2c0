"""The Hub: one way in (`commit`), one way to hear (the journal from a cursor), and the read views."""

from __future__ import annotations

import asyncio
import queue
import random
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from quanyu.assembly.catalogue import Catalogue
from quanyu.assembly.clock import CityClock, machine_now
from quanyu.assembly.contexts import Contexts
from quanyu.assembly.core import CURSOR
from quanyu.assembly.ear import Ear
from quanyu.assembly.files import Files
from quanyu.assembly.health import health_of
from quanyu.assembly.owner import Lock
from quanyu.assembly.readers import ReaderRunner
from quanyu.assembly.recent import Recent
from quanyu.assembly.writer import Call, Gate, Writer
from quanyu.engines.access.view import AccessView
from quanyu.engines.context.registered import RegistrationsView
from quanyu.engines.history.engine import HistoryReader
from quanyu.engines.history.temporal import TemporalView
from quanyu.engines.notify.subscriptions_view import SubscriptionsView
from quanyu.engines.notify.view import NotifyView
from quanyu.kernel.declare import City
from quanyu.kernel.errors import Unavailable
from quanyu.kernel.journal import Command, Engine, Instant, Kind, Reader, Receipt, Record, Store, Stored, Table
from quanyu.kernel.pack import Pack
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.temporal import PAGE_INSTANCES
from quanyu.kernel.time import OfficialCalendar
from quanyu.kernel.view import Views

if TYPE_CHECKING:
    from quanyu.assembly.subscribing import Carriers
    from quanyu.assembly.tenants import Tenants

T = TypeVar("T")
QUEUE_CALLS_MAX = 10_000
GROUP_CALLS_MAX = 2_000
DISK_FREE_MIN = 0.05
STRIDE_PAUSE_S = 0.2
"""Deferred rows wait no longer than this for more calls to share a transaction with."""
Job = tuple[Sequence[Call], Callable[[list[Receipt | Exception]], None]]
Errand = Callable[[], None]


class Hub:
    """A home at work. Made by `assembly.open_hub`, which also joins the parts below; `close` ends its threads."""

    city: City
    packs: Sequence[Pack]
    parameters: Parameters
    calendar: OfficialCalendar
    views: Views
    access: AccessView
    webhooks: NotifyView
    history: HistoryReader
    temporal: TemporalView
    registrations: RegistrationsView
    subscriptions: SubscriptionsView
    registration_subscriptions: SubscriptionsView
    catalogue: Catalogue
    files: Files
    contexts: Contexts
    carriers: Carriers | None = None
    engines: Sequence[Engine] = ()
    lock: Lock | None = None
    simulated = False
    seed: int | None = None
    url: str | None = None
    """Where its faces are served, once they are."""
    tenants: Tenants | None = None
    """The homes within this home; a tenant's own hub has none."""
    body_bytes_max = 16 * 1024 * 1024
    """What the body of a request may hold."""
    temporal_page = PAGE_INSTANCES
    """Instances in one answer about the past."""

    def __init__(
        self,
        home: Path,
        store: Store,
        engines: Sequence[Engine],
        clock: CityClock,
        *,
        machine: Callable[[], Instant] = machine_now,
        chance: random.Random | None = None,
        gate: Gate | None = None,
        reader_tables: Collection[Table] = (),
    ) -> None:
        self.home = home
        self.store = store
        self.clock = clock
        self.machine = machine
        self.opened_at = machine()
        self._kinds: dict[str, Kind] = {kind.name: kind for engine in engines for kind in engine.kinds}
        self.writer = Writer(store, engines, clock.now, machine, chance or random.SystemRandom(), gate, reader_tables)
        self.runners: dict[str, ReaderRunner] = {}
        self.endings: list[Callable[[], None]] = []
        self.last_seq = self.writer.head.seq
        self._recent = Recent(self.upcast, self.last_seq)
        self.groups = self.calls = 0
        self._jobs: queue.SimpleQueue[Job | Errand | None] = queue.SimpleQueue()
        self._queued = 0
        self._pending: dict[asyncio.AbstractEventLoop, list[tuple[Call, asyncio.Future[Receipt]]]] = {}
        self._ears: list[Ear] = []
        self._guard = threading.Lock()
        self._closed = False
        self._in_turn = False
        self.disk_free: Callable[[Path], float] = disk_free
        self._thread = threading.Thread(target=self._write, name="writer", daemon=True)
        self._thread.start()

    def declare(self, city: City, packs: Sequence[Pack], parameters: Parameters, calendar: OfficialCalendar) -> None:
        """Take what is declared rather than happened."""
        self.city, self.packs, self.parameters, self.calendar = city, packs, parameters, calendar

    @property
    def alias(self) -> str:
        """What other context sources call this hub: of its journal's first link, so no two homes share it."""
        first = self.store.read(0, 1)
        return f"quanyu-{first[0].chain.hex()[:16]}" if first else "quanyu"

    # -- one way in ---------------------------------------------------------------------------------------------------

    async def commit(
        self, commands: Sequence[Command], actor: str, *, key: str | None = None, atomic: bool = True
    ) -> Receipt:
        """Commit commands; returns when durable. Raises what refused them (atomic) or reports it per outcome."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Receipt] = loop.create_future()
        self._admit()
        pending = self._pending.setdefault(loop, [])
        pending.append((Call(commands, actor, key, atomic), future))
        if len(pending) == 1:
            # Everything that this turn of the loop adds goes to the writer in one hand-over.
            loop.call_soon(self._hand_over, loop)
        return await future

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        pending = self._pending.pop(loop)

        def resolve(results: list[Receipt | Exception]) -> None:
            for (_, future), result in zip(pending, results, strict=True):
                if not future.done():
                    if isinstance(result, Exception):
                        future.set_exception(result)
                    else:
                        future.set_result(result)

        def deliver(results: list[Receipt | Exception]) -> None:
            # The calls are durable whether or not their loop still runs.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(resolve, results)

        try:
            self._put(([call for call, _ in pending], deliver))
        except Unavailable as error:
            resolve([error] * len(pending))

    def commit_blocking(
        self,
        commands: Sequence[Command],
        actor: str,
        *,
        key: str | None = None,
        atomic: bool = True,
        at: Instant | None = None,
    ) -> Receipt:
        """Commit from any thread but the event loop's; `at` is given by a simulation alone."""
        return self._submit(Call(commands, actor, key, atomic, None, at))

    def _submit(self, call: Call) -> Receipt:
        self._admit()
        future: Future[Receipt] = Future()

        def deliver(results: list[Receipt | Exception]) -> None:
            if isinstance(results[0], Exception):
                future.set_exception(results[0])
            else:
                future.set_result(results[0])

        self._put(([call], deliver))
        return future.result()

    def errand(self, work: Callable[[], T]) -> T:
        """Run something between two groups in the writer's thread, where alone the store may be written."""
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)

        self._put(run)
        return future.result()

    @property
    def telemetry_kinds(self) -> list[str]:
        """Kinds whose bodies may be pruned."""
        return sorted(kind.name for kind in self._kinds.values() if kind.life == "telemetry")

    def _admit(self) -> None:
        with self._guard:
            if self._closed:
                raise _closing()
            if self._queued >= QUEUE_CALLS_MAX:
                raise Unavailable(
                    f"The commit queue holds {self._queued} calls.",
                    code="commit.busy",
                    remedy="Send it again later, in larger batches.",
                    retry_after_s=1,
                )
            self._queued += 1

    def _put(self, work: Job | Errand) -> None:
        """Queue work for the writer; nothing comes after the word that ends it, or it would wait for ever."""
        with self._guard:
            if self._closed:
                raise _closing()
            self._jobs.put(work)

    def _write(self) -> None:
        work = self._next()
        while work is not None:
            if callable(work):
                work()
                work = self._next()
                continue
            jobs, count = [work], len(work[0])
            following: Job | Errand | None = None
            waiting = False
            while count < GROUP_CALLS_MAX and not self._jobs.empty():
                following = self._jobs.get()
                waiting = following is None or callable(following)
                if following is None or callable(following):
                    break
                jobs.append(following)
                count += len(following[0])
            self._write_group(jobs, count)
            work = following if waiting else self._next()
        self.writer.process([])

    def _next(self) -> Job | Errand | None:
        """Return what is to be done next; a pause is used to write what was deferred."""
        if self.writer.state.deferred:
            try:
                return self._jobs.get(timeout=STRIDE_PAUSE_S)
            except queue.Empty:
                self.writer.process([])
        return self._jobs.get()

    def _write_group(self, jobs: list[Job], count: int) -> None:
        self._watch_disk()
        results, made = self.writer.process([call for calls, _ in jobs for call in calls])
        if made:
            # Before anybody learns of the new end: a reader that looks for it must find what leads there.
            self._recent.add(self.writer.written)
        self.last_seq = self.writer.head.seq
        self.groups += 1
        self.calls += count
        with self._guard:
            self._queued -= count
        start = 0
        for calls, deliver in jobs:
            deliver(results[start : start + len(calls)])
            start += len(calls)
        if made:
            kinds = {record.kind for record in made}
            for runner in self.runners.values():
                runner.notify(self.last_seq, kinds)
            for ear in list(self._ears):
                ear.hear(made)

    def _watch_disk(self) -> None:
        # A home whose disk does not even answer refuses the write by itself.
        with suppress(OSError):
            self.writer.kept_only = self.disk_free(self.home) < DISK_FREE_MIN

    # -- one way to hear ----------------------------------------------------------------------------------------------

    def journal_read(self, after: int, limit: int, kinds: Collection[str] | None = None) -> list[Record]:
        """Return records with seq > after, in order, as their present version would have written them."""
        return [self.upcast(stored) for stored in self.store.read(after, limit, kinds)]

    def _read_recent(self, after: int, limit: int, kinds: Collection[str] | None) -> list[Record]:
        """Return records for a reader: from memory when it keeps up, otherwise from the journal."""
        found = self._recent.read(after, limit, kinds)
        return self.journal_read(after, limit, kinds) if found is None else found

    def upcast(self, stored: Stored) -> Record:
        """Return a stored record with its body decoded and brought to the present version of its kind."""
        kind = self._kinds[stored.kind]
        body: dict[str, Any] | None = None
        if stored.body is not None:
            body = kind.upcast(stored.version, msgspec.msgpack.decode(stored.body))
        return Record(
            stored.seq, stored.at, stored.actor, stored.kind, kind.version, stored.subject, body, stored.cause,
            stored.provenance,
        )  # fmt: skip

    async def heard(self) -> AsyncIterator[Sequence[Record]]:
        """Yield every committed group from now on; Conflict `heard.lagging` when the listener fell behind."""
        ear = Ear(asyncio.get_running_loop())
        self._ears.append(ear)
        try:
            while True:
                yield await ear.next()
        finally:
            self._ears.remove(ear)

    def attach(self, reader: Reader) -> ReaderRunner:
        """Give a reader its thread and cursor; it starts with `start`."""
        row = self.store.fetch(CURSOR, reader.name)
        runner = ReaderRunner(reader, row[1] if row else 0, self._read_recent, self._submit, self.clock.now)
        self.runners[reader.name] = runner
        return runner

    def start(self) -> None:
        """Let the readers run."""
        for runner in self.runners.values():
            runner.start(self.last_seq)
        if self.tenants is not None:
            self.tenants.resume()

    async def settled(self, seq: int, timeout_s: float = 60.0) -> None:
        """Wait until every reader has taken in a record."""
        await asyncio.to_thread(self.settled_blocking, seq, timeout_s)

    def settled_blocking(self, seq: int | None = None, timeout_s: float = 60.0) -> None:
        """Wait until every reader has taken in a record (None: all there are, those that readers add included)."""
        while True:
            target = self.last_seq if seq is None else seq
            for runner in self.runners.values():
                if self._in_turn:
                    runner.turn(target)
                    continue
                runner.notify(self.last_seq)
                if not runner.settled(target, timeout_s):
                    raise Unavailable(
                        f"Reader {runner.reader.name} stands at {runner.seen}, not yet at {target}"
                        + (f": {runner.fault}" if runner.fault else "."),
                        code="reader.behind",
                        retry_after_s=5,
                    )
            if seq is not None or self.last_seq == target:
                return

    @contextmanager
    def in_turn(self) -> Iterator[None]:
        """Let the readers' threads rest; `settled_blocking` then runs one reader after another on its caller's thread.

        So a simulated city comes out the same however the machine shares its time, and nothing waits for a hand-over.
        """
        if self._in_turn:
            yield
            return
        for runner in self.runners.values():
            runner.rest(True)
        self._in_turn = True
        try:
            yield
        finally:
            self._in_turn = False
            for runner in self.runners.values():
                runner.rest(False)

    def put_down(self) -> None:
        """Let every reader write down what it only remembers; their cursors then stand at what was read."""
        for runner in self.runners.values():
            runner.put_down()

    def flush_history(self) -> None:
        """Make everything that was observed durable in the history."""
        if "history" in self.runners:
            self.runners["history"].run_now(self.history.flush)

    def health(self) -> dict[str, Any]:
        """Return what an operator looks at first: journal, queue, readers, and what will be a fault soon."""
        return health_of(self)

    @property
    def queued(self) -> int:
        """How many calls wait for the writer."""
        return self._queued

    def close(self) -> None:
        """Stop the readers, finish what is queued, close the store."""
        if self._closed:
            return
        for end in self.endings:
            end()
        for runner in self.runners.values():
            runner.stop()
        with self._guard:
            self._closed = True
            self._jobs.put(None)
        self._thread.join(timeout=30)
        if self.tenants is not None:
            self.tenants.close()
        if self.carriers is not None:
            self.carriers.close()
        for part in (getattr(self, "history", None) and self.history.store, self.store):
            close = getattr(part, "close", None)
            if close is not None:
                close()
        if self.lock is not None:
            self.lock.release()


def disk_free(home: Path) -> float:
    """Return the free share of the disk that holds the home."""
    usage = shutil.disk_usage(home)
    return usage.free / usage.total


def _closing() -> Unavailable:
    return Unavailable("The hub is closing.", code="hub.closing", retry_after_s=5)
