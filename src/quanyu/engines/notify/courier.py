"""Couriers: one queue and one thread per receiver, so that a dead receiver delays nobody."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

import msgspec

from quanyu.engines.notify.store import Delivery, Post
from quanyu.engines.notify.webhook import TRIES_MAX, pause_us, signature
from quanyu.kernel.journal import Instant

Report = Callable[[Delivery], None]
"""Takes a delivery as it stands after a try; called in the courier's thread."""


class Courier:
    """Delivers to one receiver in order; a delivery that fails holds back those behind it until it is sent or dead."""

    def __init__(
        self, webhook: str, url: str, secret: Callable[[], str | None], post: Post, machine: Callable[[], Instant],
        report: Report, edge: Callable[[Delivery], str | None] | None = None,
    ) -> None:  # fmt: skip
        self.webhook = webhook
        self.url = url
        self._secret = secret
        self._post = post
        self._machine = machine
        self._report = report
        self._edge = edge
        self._queue: deque[Delivery] = deque()
        self._news = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None

    @property
    def waiting(self) -> int:
        """How many deliveries wait here, the one under way included."""
        return len(self._queue)

    def add(self, delivery: Delivery) -> None:
        """Queue a delivery behind the others."""
        with self._news:
            self._queue.append(delivery)
            self._news.notify_all()

    def step(self) -> Instant | None:
        """Try the first delivery if it is due; return when to look again, None when nothing waits."""
        with self._news:
            if not self._queue:
                return None
            first = self._queue[0]
        now = self._machine()
        if first.due > now:
            return first.due
        tried = self._try(first, now)
        with self._news:
            if self._queue and self._queue[0] is first:
                self._queue.popleft()
                if tried.state == "waiting":
                    self._queue.appendleft(tried)
            following = self._queue[0].due if self._queue else None
        self._report(tried)
        return following

    def start(self) -> None:
        """Begin to deliver in a thread of its own."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"courier-{self.webhook}", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread after the try under way, at most the time-out of one."""
        with self._news:
            self._stopping = True
            self._queue.clear()
            self._news.notify_all()

    def _run(self) -> None:
        while not self._stopping:
            due = self.step()
            with self._news:
                if self._stopping:
                    return
                if due is None and not self._queue:
                    self._news.wait()
                elif due is not None:
                    self._news.wait(max(0.0, (due - self._machine()) / 1e6))

    def _try(self, delivery: Delivery, now: Instant) -> Delivery:
        # Asked before every try: what was right when it was queued may be over by now.
        why = None if self._edge is None else self._edge(delivery)
        if why is not None:
            return msgspec.structs.replace(delivery, state="dead", error=f"Not sent: {why}", done=now)
        secret = self._secret()
        if secret is None:
            return msgspec.structs.replace(delivery, state="dead", error="The signing secret is erased.", done=now)
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": delivery.key,
            "Quanyu-Event": delivery.kind,
            "Quanyu-Signature": signature(secret, delivery.payload, now),
        }
        answer = self._post(self.url, delivery.payload, headers)
        tries = delivery.tries + 1
        done = self._machine()
        if answer.taken:
            return msgspec.structs.replace(
                delivery, state="sent", tries=tries, status=answer.status, error=None, done=done
            )
        error = answer.error or f"HTTP status {answer.status}"
        last = tries >= TRIES_MAX
        return msgspec.structs.replace(
            delivery,
            state="dead" if last else "waiting",
            tries=tries,
            due=done + pause_us(tries),
            status=answer.status,
            error=error[:300],
            done=done if last else None,
        )
