"""Calls in line for the writer: gathered in the event loop, handed over once a turn, decided in groups by one thread."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Protocol, TypeVar

from quanyu.assembly.writer import Call
from quanyu.kernel.errors import Unavailable
from quanyu.kernel.journal import Receipt

T = TypeVar("T")
QUEUE_CALLS_MAX = 10_000
GROUP_CALLS_MAX = 2_000
GATHER_S = 0.002
"""While callers come in crowds the next group waits so long for more of them: what a group costs besides its calls (a
sync, waking every reader) is shared by twice as many, and the event loop and the writer take turns instead of
wrestling for the interpreter."""
GATHER_CALLS_MAX = 200
"""A group of so many is not waited with."""
STRIDE_PAUSE_S = 0.2
"""Rows that lag wait no longer than this for more calls to share a transaction with."""
Results = list[Receipt | Exception]
Job = tuple[Sequence[Call], Callable[[Results], None]]
Errand = Callable[[], None]


class Decider(Protocol):
    """Who stands at the head of the line; everything here runs in the line's thread."""

    def decide(self, calls: Sequence[Call]) -> Results:
        """Decide a group and make it durable; without calls, write what waits."""
        ...

    def spread(self) -> None:
        """Tell whoever listens what the last group made; its callers know by now."""
        ...

    @property
    def waits(self) -> bool:
        """Whether something waits that a pause could be used for."""
        ...


class Line:
    """A bounded queue with one thread at its end. `groups` and `calls` count what went through."""

    def __init__(self, decider: Decider) -> None:
        self._decider = decider
        self.groups = self.calls = self.queued = 0
        self._jobs: queue.SimpleQueue[Job | Errand | None] = queue.SimpleQueue()
        self._pending: dict[asyncio.AbstractEventLoop, list[tuple[Call, asyncio.Future[Receipt]]]] = {}
        self._guard = threading.Lock()
        self._closed = False
        # The writer's own: what it took out of the queue and has not done, and how many calls the last group had.
        self._left: list[Errand | None] = []
        self._crowd = 0
        self._thread = threading.Thread(target=self._write, name="writer", daemon=True)

    def start(self) -> None:
        """Let the thread run."""
        self._thread.start()

    def join(self, call: Call) -> asyncio.Future[Receipt]:
        """Stand in line from an event loop; done when the call is durable, or with what refused it."""
        loop = asyncio.get_running_loop()
        self._admit()
        future: asyncio.Future[Receipt] = loop.create_future()
        pending = self._pending.get(loop)
        if pending is None:
            # Everything that this turn of the loop adds goes to the writer in one hand-over.
            pending = self._pending[loop] = []
            loop.call_soon(self._hand_over, loop)
        pending.append((call, future))
        return future

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        pending = self._pending.pop(loop)

        def resolve(results: Results) -> None:
            for (_, future), result in zip(pending, results, strict=True):
                if not future.done():
                    if isinstance(result, Exception):
                        future.set_exception(result)
                    else:
                        future.set_result(result)

        def deliver(results: Results) -> None:
            # The calls are durable whether or not their loop still runs.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(resolve, results)

        try:
            self._put(([call for call, _ in pending], deliver))
        except Unavailable as error:
            resolve([error] * len(pending))

    def submit(self, call: Call) -> Receipt:
        """Stand in line from any thread but an event loop's."""
        self._admit()
        future: Future[Receipt] = Future()

        def deliver(results: Results) -> None:
            if isinstance(results[0], Exception):
                future.set_exception(results[0])
            else:
                future.set_result(results[0])

        self._put(([call], deliver))
        return future.result()

    def errand(self, work: Callable[[], T]) -> T:
        """Run something between two groups in the writer's thread, where alone the store may be written."""
        return self.send(work).result()

    def send(self, work: Callable[[], T]) -> Future[T]:
        """Queue an errand; the future says when it is done."""
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)

        self._put(run)
        return future

    @property
    def is_here(self) -> bool:
        """Whether the caller's is the writer's thread, which cannot wait for itself."""
        return threading.current_thread() is self._thread

    def close(self) -> bool:
        """Finish what is queued and end the thread; False when that was done before."""
        with self._guard:
            if self._closed:
                return False
            self._closed = True
            self._jobs.put(None)
        self._thread.join(timeout=30)
        return True

    @property
    def closed(self) -> bool:
        """Whether nothing more is taken."""
        return self._closed

    def _admit(self) -> None:
        with self._guard:
            if self._closed:
                raise _closing()
            if self.queued >= QUEUE_CALLS_MAX:
                raise Unavailable(
                    f"The commit queue holds {self.queued} calls.",
                    code="commit.busy",
                    remedy="Send it again later, in larger batches.",
                    retry_after_s=1,
                )
            self.queued += 1

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
            jobs = [work]
            count = self._gather(jobs, len(work[0]))
            if self._crowd > 1 and count < GATHER_CALLS_MAX and not self._left:
                time.sleep(GATHER_S)
                count = self._gather(jobs, count)
            self._crowd = count
            self._write_group(jobs, count)
            work = self._next()
        self._decider.decide(())

    def _gather(self, jobs: list[Job], count: int) -> int:
        """Add the calls that stand in line, up to the most of a group; return how many there are."""
        while count < GROUP_CALLS_MAX and not self._left and not self._jobs.empty():
            work = self._jobs.get()
            if work is None or callable(work):
                self._left.append(work)
            else:
                jobs.append(work)
                count += len(work[0])
        return count

    def _next(self) -> Job | Errand | None:
        """Return what is to be done next; a pause is used to write what waits."""
        if self._left:
            return self._left.pop()
        if self._decider.waits:
            try:
                return self._jobs.get(timeout=STRIDE_PAUSE_S)
            except queue.Empty:
                self._decider.decide(())
        return self._jobs.get()

    def _write_group(self, jobs: list[Job], count: int) -> None:
        results = self._decider.decide([call for calls, _ in jobs for call in calls])
        self.groups += 1
        self.calls += count
        with self._guard:
            self.queued -= count
        start = 0
        for calls, deliver in jobs:
            deliver(results[start : start + len(calls)])
            start += len(calls)
        self._decider.spread()


def _closing() -> Unavailable:
    return Unavailable("The hub is closing.", code="hub.closing", retry_after_s=5)
