"""The Hub: one way in (`commit`), one way to hear (the journal from a cursor), and the read views."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from quanyu.assembly.catalogue import Catalogue
from quanyu.assembly.chain import first_link
from quanyu.assembly.clock import CityClock, machine_now
from quanyu.assembly.contexts import Contexts
from quanyu.assembly.core import CURSOR
from quanyu.assembly.devices import Devices
from quanyu.assembly.disk import Disk
from quanyu.assembly.ear import Ear
from quanyu.assembly.files import Files
from quanyu.assembly.health import health_of
from quanyu.assembly.heap import HEAP
from quanyu.assembly.lagging import upcast
from quanyu.assembly.line import Line
from quanyu.assembly.owner import Lock
from quanyu.assembly.readers import ReaderRunner
from quanyu.assembly.recent import Latest, Recent
from quanyu.assembly.seals import sealed
from quanyu.assembly.writer import Call, Gate, Writer
from quanyu.engines.access.view import AccessView
from quanyu.engines.cases.shift_view import ShiftsView
from quanyu.engines.context.registered import RegistrationsView
from quanyu.engines.history.engine import HistoryReader
from quanyu.engines.history.temporal import TemporalView
from quanyu.engines.notify.subscriptions_view import SubscriptionsView
from quanyu.engines.notify.view import NotifyView
from quanyu.kernel.declare import City
from quanyu.kernel.errors import Unavailable
from quanyu.kernel.form import Forms
from quanyu.kernel.journal import Command, Engine, Instant, Kind, Reader, Receipt, Record, Store, Stored, Table, Waiting
from quanyu.kernel.pack import Pack
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.temporal import PAGE_INSTANCES
from quanyu.kernel.time import OfficialCalendar
from quanyu.kernel.view import Views

if TYPE_CHECKING:
    from quanyu.assembly.applications import Applications
    from quanyu.assembly.changing import Changes
    from quanyu.assembly.commanding import Emergency, Incidents
    from quanyu.assembly.registers import Fetches
    from quanyu.assembly.subscribing import Carriers
    from quanyu.assembly.tenants import Tenants
    from quanyu.assembly.warnings import Warnings

T = TypeVar("T")
DISK_FREE_MIN = 0.05


class Hub:
    """A home at work. Made by `assembly.open_hub`, which also joins the parts below; `close` ends its threads."""

    city: City
    packs: Sequence[Pack]
    parameters: Parameters
    calendar: OfficialCalendar
    views: Views
    forms: Forms = Forms()
    fetches: Fetches
    applications: Applications
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
    changes: Changes
    shifts: ShiftsView
    warnings: Warnings
    incidents: Incidents
    emergency: Emergency
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
        self.devices = Devices(home)
        self._kinds: dict[str, Kind] = {kind.name: kind for engine in engines for kind in engine.kinds}
        self.writer = Writer(store, engines, clock.now, machine, chance or random.SystemRandom(), gate, reader_tables)
        self.runners: dict[str, ReaderRunner] = {}
        self.takers: dict[str, Callable[[Record], None]] = {}
        """What takes records of a kind up in the writer's thread, before anybody learns of them: calendars, laws."""
        self.endings: list[Callable[[], None]] = []
        self.last_seq = self.writer.head.seq
        self._first_link: bytes | None = None
        self._recent = Recent(self.upcast, self.last_seq)
        self._made: Sequence[Record] = ()
        self._kinds_made: set[str] = set()
        self._latest: list[Latest] = []
        self._ears: list[Ear] = []
        self._in_turn = False
        self.disk_free: Callable[[Path], float] = Disk().free
        self.line = Line(self)
        self._settling: Future[None] | None = None
        self._settles = threading.Lock()
        self._at_once = threading.local()
        store.settle = self.settle
        self.line.start()

    def declare(self, city: City, packs: Sequence[Pack], parameters: Parameters, calendar: OfficialCalendar) -> None:
        """Take what is declared rather than happened."""
        self.city, self.packs, self.parameters, self.calendar = city, packs, parameters, calendar

    @property
    def alias(self) -> str:
        """What other context sources call this hub: of its journal's first link, so no two homes share it."""
        if self._first_link is None:
            self._first_link = first_link(self.store)
        return f"quanyu-{self._first_link.hex()[:16]}" if self._first_link else "quanyu"

    # -- one way in ---------------------------------------------------------------------------------------------------

    async def commit(
        self, commands: Sequence[Command], actor: str, *, key: str | None = None, atomic: bool = True
    ) -> Receipt:
        """Commit commands; returns when durable. Raises what refused them (atomic) or reports it per outcome."""
        return await self.line.join(Call(commands, actor, key, atomic))

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
        return self.line.submit(Call(commands, actor, key, atomic, None, at))

    def errand(self, work: Callable[[], T]) -> T:
        """Run something between two groups in the writer's thread, where alone the store may be written."""
        return self.line.errand(work)

    @property
    def telemetry_kinds(self) -> list[str]:
        """Kinds whose bodies may be pruned."""
        return sorted(kind.name for kind in self._kinds.values() if kind.life == "telemetry")

    @property
    def waits(self) -> bool:
        """Whether rows wait to be written."""
        return bool(self.store.waits)

    def settle(self) -> None:
        """Let whoever looks at rows find all that was acknowledged: those that wait are written.

        Who comes while that is under way shares it: nothing was acknowledged since it began.
        """
        if not self.store.waits:
            return
        if self.line.is_here:
            self.writer.settle()
            return
        if getattr(self._at_once, "on", False):
            raise Waiting
        with self._settles:
            found = self._settling
            if found is None:
                found = self._settling = self.line.send(self._settle)
        found.result()

    def _settle(self) -> None:
        try:
            self.writer.settle()
        finally:
            # Before the next group: whoever has a receipt of that must ask again.
            with self._settles:
                self._settling = None

    def at_once(self, look: Callable[..., T], *arguments: Any) -> T:
        """Look at something without waiting for the writer; raises Waiting where that is needed."""
        self._at_once.on = True
        try:
            return look(*arguments)
        finally:
            self._at_once.on = False

    def decide(self, calls: Sequence[Call]) -> list[Receipt | Exception]:
        """Decide a group; called by the line alone."""
        # A home whose disk does not even answer refuses the write by itself.
        with suppress(OSError):
            self.writer.kept_only = self.disk_free(self.home) < DISK_FREE_MIN
        results, self._made = self.writer.process(calls)
        if self._made:
            # Before anybody learns of the new end: a reader that looks for it must find what leads there.
            self._recent.add(self.writer.written, self._made)
            self._kinds_made = {record.kind for record in self._made}
            if not self._kinds_made.isdisjoint(self.takers):
                for record in self._made:
                    if record.kind in self.takers:
                        self.takers[record.kind](record)
            for each in self._latest:
                each.hear(self._kinds_made, self.writer.head.seq)
        self.last_seq = self.writer.head.seq
        return results

    def spread(self) -> None:
        """Tell readers and listeners what the last group made; called by the line alone."""
        made = self._made
        if made:
            for runner in self.runners.values():
                runner.notify(self.last_seq, self._kinds_made)
            for ear in list(self._ears):
                ear.hear(made)

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
        return upcast(self._kinds, stored)

    def latest(self, kinds: Collection[str]) -> Latest:
        """Return what knows, before anybody has the receipt, that a record of some kinds was made."""
        found = Latest(kinds)
        self._latest.append(found)
        return found

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
        runner = ReaderRunner(reader, row[1] if row else 0, self._read_recent, self.line.submit, self.clock.now)
        self.runners[reader.name] = runner
        return runner

    def start(self) -> None:
        """Let the readers run."""
        HEAP.ease()
        self.endings.append(HEAP.restore)
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
            # What is due shows in rows, and not every reader waits for those.
            self.settle()
            target = self.last_seq if seq is None else seq
            for runner in self.runners.values():
                if self._in_turn:
                    runner.turn(target)
                    continue
                runner.hurry(self.last_seq)
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

    def sealed(self, document: dict[str, Any], seqs: Iterable[int]) -> dict[str, Any]:
        """Return a document with the digests of records, the last link of the chain, and its own checksum."""
        return sealed(self.store, document, seqs)

    def health(self) -> dict[str, Any]:
        """Return what an operator looks at first: journal, queue, readers, and what will be a fault soon."""
        return health_of(self)

    def close(self) -> None:
        """Stop the readers, finish what is queued, close the store."""
        if self.line.closed:
            return
        for end in self.endings:
            end()
        for runner in self.runners.values():
            runner.stop()
        self.line.close()
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
