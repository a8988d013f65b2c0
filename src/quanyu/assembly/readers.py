"""Readers run here: each has a thread, a cursor, and commits its effects with its step."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from time import monotonic

import msgspec
import structlog

from quanyu.assembly.loops import LOOP, loop_finding
from quanyu.assembly.writer import Call
from quanyu.kernel.errors import QuanyuError, Unavailable
from quanyu.kernel.journal import Advance, Command, Effects, Instant, Reader, Receipt, Record

BATCH_RECORDS = 500
STEP_RECORDS_MAX = 5_000
TRIES = 3
PAUSE_S = 0.5
TURNS_MAX = 1_000
PACE_S = 0.02
"""A reader that is kept busy rests so long, or as it says: waking it costs more than one record more or less to read."""
log = structlog.get_logger()

Commit = Callable[[Call], Receipt]
Read = Callable[[int, int, Collection[str] | None], list[Record]]
"""Records after a seq, at most so many, of these kinds."""


class ReaderRunner:
    """Feeds one reader from the journal. `seen` is what it has taken in; its durable cursor may stand behind that."""

    def __init__(self, reader: Reader, cursor: int, read: Read, commit: Commit, clock: Callable[[], Instant]) -> None:
        self.reader = reader
        # Who its commands come from; the reader itself never sees their records.
        self.actor = f"engine:{reader.name}"
        self._journal, self._commit, self._clock = read, commit, clock
        self.cursor = cursor
        self.seen = cursor
        self.fault: str | None = None
        self.quarantined = 0
        # Where the reader held its cursor last; news that it does not want change nothing.
        self._hold: int | None = None
        self._owed: tuple[Effects, int] | None = None
        self._head = 0
        self._stopping = self._resting = self._busy = self._pausing = self._hurried = False
        self._rest_s: float = getattr(reader, "rest_s", PACE_S)
        self._ended = 0.0
        self._awaited = 0
        self._work = threading.Lock()
        self._errands: deque[Callable[[], None]] = deque()
        self._news = threading.Condition()
        # Whoever waits for the reader is told apart from its own thread, which sleeps until there is work.
        self._rested = threading.Condition(self._news._lock)  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._run, name=f"reader-{reader.name}", daemon=True)

    def start(self, head: int) -> None:
        """Begin to read up to what is there."""
        self._head = head
        self._thread.start()

    def run_now(self, work: Callable[[], Effects], timeout_s: float = 600) -> None:
        """Let the reader's own thread do something between two batches (a flush), and keep its effects.

        While that thread rests or has not begun, the caller's does it.
        """
        if self._resting or not self._thread.is_alive():
            with self._work:
                self._keep(work(), self.seen)
            return
        done: Future[None] = Future()

        def run() -> None:
            try:
                self._keep(work(), self.seen)
                done.set_result(None)
            except Exception as error:  # a runner: whoever asked hears it
                done.set_exception(error)

        with self._news:
            self._errands.append(run)
            self._news.notify_all()
        done.result(timeout_s)

    def put_down(self) -> None:
        """Write down what the reader only remembers, so that its durable cursor stands at what it has taken in."""

        def work() -> Effects:
            flush: Callable[[], Effects] | None = getattr(self.reader, "flush", None)
            effects = flush() if flush is not None else Effects()
            return effects if effects.upto is not None else msgspec.structs.replace(effects, upto=self.seen)

        self.run_now(work)

    def notify(self, head: int, kinds: Collection[str] | None = None) -> None:
        """Say that the journal has grown (by records of these kinds), or that time has passed.

        A reader that has read everything and wants none of them is not woken: it has taken them in.
        """
        with self._news:
            if kinds is not None and self._passes(kinds):
                self._head = self.seen = max(self._head, head)
                if self._awaited:
                    self._rested.notify_all()
                return
            self._head = max(self._head, head)
            if not self._pausing:
                self._news.notify_all()

    def hurry(self, head: int) -> None:
        """Say that somebody waits for the reader to have taken in everything up to a record."""
        with self._news:
            self._head = max(self._head, head)
            if not self._idle(head):
                self._hurried = True
                self._news.notify_all()

    def _minds(self) -> Collection[str] | None:
        """Return the kinds without which all others are nothing to the reader: those it wants, or fewer at present."""
        minds: Collection[str] | None = getattr(self.reader, "minds", self.reader.wants)
        return minds

    def _passes(self, kinds: Collection[str]) -> bool:
        wants = self._minds()
        if wants is None or self._busy or self._resting or self._owed is not None or self.seen != self._head:
            return False
        return self.seen - self.cursor < STEP_RECORDS_MAX and not any(map(wants.__contains__, kinds))

    def stop(self) -> None:
        """Finish the present batch and end the thread."""
        with self._news:
            self._stopping = True
            self._news.notify_all()
            self._rested.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout=30)

    def rest(self, resting: bool) -> None:
        """Leave the reading to `turn`, or take it up again; returns when the thread has ended its batch."""
        with self._news:
            self._resting = resting
            self._news.notify_all()
        with self._work:
            return

    def turn(self, seq: int) -> None:
        """Read on the caller's thread while the own one rests, until a record is taken in and nothing is due.

        Raises Unavailable `reader.behind` with the reader's fault.
        """
        with self._work:
            self._head = max(self._head, seq)
            for _ in range(TURNS_MAX):
                if self._idle(seq):
                    return
                if not self._attempt(self._head):
                    break
        raise Unavailable(
            f"Reader {self.reader.name} stands at {self.seen}, not yet at {seq}: {self.fault}.",
            code="reader.behind",
            retry_after_s=5,
        )

    def settled(self, seq: int, timeout_s: float) -> bool:
        """Wait until the reader has taken in a record and has nothing due; False when time ran out."""
        with self._news:
            self._awaited += 1
            try:
                return self._rested.wait_for(lambda: self._idle(seq) or self._stopping, timeout_s)
            finally:
                self._awaited -= 1

    def _idle(self, seq: int) -> bool:
        return self.seen >= seq and not self._due()

    def _wanted(self) -> bool:
        if self._stopping or self._errands:
            return True
        return not self._resting and (self._owed is not None or self._head > self.seen or self._due())

    def _due(self) -> bool:
        at = getattr(self.reader, "next_wake", None)
        return at is not None and at <= self._clock()

    def _pause(self) -> None:
        """Let more news come together when the last were read a moment ago, unless they are many or somebody waits."""
        left = self._ended + self._rest_s - monotonic()
        if left > 0 and self._head - self.seen < BATCH_RECORDS:
            self._pausing = True
            self._news.wait_for(lambda: self._hurried or self._stopping or bool(self._errands), left)
            self._pausing = False

    def _run(self) -> None:
        while True:
            with self._news:
                if self._news.wait_for(self._wanted, timeout=PAUSE_S):
                    self._pause()
                if self._stopping:
                    return
                head = self._head
                self._busy = True
            with self._work:
                while self._errands:
                    self._errands.popleft()()
                done = self._resting or self._attempt(head)
            with self._news:
                self._busy, self._ended = False, monotonic()
                self._hurried = self._hurried and not self._idle(self._head)
                self._rested.notify_all()
                if not done:
                    self._news.wait_for(lambda: self._stopping, timeout=PAUSE_S)

    def _attempt(self, head: int) -> bool:
        try:
            self._step(head)
        except Exception as error:  # a runner: the reader's fault must not end the hub
            self._failed(error)
            return False
        self._recovered()
        return True

    def _failed(self, error: Exception) -> None:
        if self.fault is None:
            log.error("reader fails", reader=self.reader.name, error=str(error), exc_info=error)
        self.fault = str(error)

    def _recovered(self) -> None:
        if self.fault is not None:
            log.info("reader works again", reader=self.reader.name)
            self.fault = None

    def _step(self, head: int) -> None:
        self._pay()
        if head > self.seen:
            minds, wants = self._minds(), self.reader.wants
            found = self._journal(self.seen, BATCH_RECORDS, minds)
            if found and minds is not wants:
                found = self._journal(self.seen, BATCH_RECORDS, wants)
            # The journal may have grown past `head` since; what was found counts, or it would be read twice.
            last = found[-1].seq if found else 0
            upto = last if len(found) == BATCH_RECORDS else max(head, last)
            records = [record for record in found if record.actor != self.actor and record.body is not None]
            effects = self._read(records) if records else Effects(upto=self._hold)
            self._keep(effects, upto)
        if self._due():
            wake: Callable[[Instant], Effects] = self.reader.wake  # type: ignore[attr-defined]
            self._keep(wake(self._clock()), self.seen)

    def _read(self, records: Sequence[Record]) -> Effects:
        for attempt in range(TRIES):
            try:
                return self.reader.read(records, self._clock())
            except Unavailable:
                raise
            except Exception as error:  # a runner: find the one record that cannot be read
                log.warning("reader stumbles", reader=self.reader.name, attempt=attempt, error=str(error))
                last = error
        if len(records) == 1:
            return self._quarantine(records[0], last)
        commands: list[Command] = []
        delta: list[object] = []
        for record in records:
            effects = self._read([record])
            self._hold = effects.upto
            commands += effects.commands
            delta += effects.delta
        return Effects(commands, tuple(delta), self._hold)  # type: ignore[arg-type]

    def _quarantine(self, record: Record, error: Exception) -> Effects:
        self.quarantined += 1
        log.error("record quarantined", reader=self.reader.name, seq=record.seq, error=str(error))
        body = {"reader": self.reader.name, "seq": record.seq, "kind": record.kind, "reason": str(error)[:500]}
        return Effects(
            [Command("record.quarantine", f"{self.reader.name}:{record.seq}", body, "derived", record.seq)],
            upto=self._hold,
        )

    def _keep(self, effects: Effects, upto: int) -> None:
        """Commit effects with the step; what the store refuses is owed.

        The reader has moved on in memory: asked again, it would not say again what it has found.
        """
        self._pay()
        self._owed = (effects, upto)
        self._pay()

    def _refused(self, command: Command, error: QuanyuError) -> None:
        log.warning("command refused", reader=self.reader.name, error=error.message)
        if error.code == LOOP:
            finding = loop_finding(self.reader.name, command, error, self._clock())
            self._commit(Call([finding], "system:loops", None, False))

    def _pay(self) -> None:
        """Commit what is owed; a step without effects is written only now and then."""
        if self._owed is None:
            return
        effects, upto = self._owed
        self._hold = effects.upto
        cursor = upto if effects.upto is None else min(upto, effects.upto)
        moved = effects.commands or effects.delta or (effects.upto is not None and cursor > self.cursor)
        if moved or cursor - self.cursor >= STEP_RECORDS_MAX:
            advance = Advance(self.reader.name, max(cursor, self.cursor), effects.delta)
            receipt = self._commit(Call(list(effects.commands), self.actor, None, False, advance))
            self.cursor = advance.seq
            for command, outcome in zip(effects.commands, receipt.outcomes, strict=True):
                if isinstance(outcome.error, QuanyuError):
                    self._refused(command, outcome.error)
        self.seen = max(self.seen, upto)
        self._owed = None
