"""One kept-alive connection to a receiver: writes a request, reads its answer, and says when it is free again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

import httptools

from quanyu.engines.notify.store import Answer

ANSWER_BYTES_MAX = 65_536


class Job:
    """A request on its way; `again` is how often it met a connection that the receiver had closed meanwhile.

    `deadline` ends its waiting for a connection, in the loop's time.
    """

    __slots__ = ("again", "deadline", "done", "request", "timeout_s")

    def __init__(self, request: bytes, timeout_s: float, done: Callable[[Answer], None]) -> None:
        self.request = request
        self.timeout_s = timeout_s
        self.done = done
        self.again = 0
        self.deadline = 0.0


class Owner(Protocol):
    """What a connection tells to whoever opened it."""

    def free(self, connection: Connection) -> None:
        """Take a connection that can carry the next request."""
        ...

    def lost(self, connection: Connection, job: Job | None, fresh: bool) -> None:
        """Take the job of a connection that ended; `fresh` when nothing of an answer had come to it."""
        ...


class Connection(asyncio.Protocol):
    """Implements the client's half of HTTP/1.1 for one request at a time."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._job: Job | None = None
        self._began = False
        self._keeps = True
        self._size = 0
        self._ended = False
        self.used = 0
        self.deadline = 0.0

    @property
    def busy(self) -> bool:
        """Whether a request waits for its answer."""
        return self._job is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # The fast loop has transports of its own, which are not subclasses of asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def send(self, job: Job, deadline: float) -> None:
        """Write a request; its answer goes to the job."""
        assert self._transport is not None, "a connection is used once it is made"
        self._job, self.deadline, self._began, self._size = job, deadline, False, 0
        self._transport.write(job.request)

    def close(self, error: str | None = None) -> None:
        """End the connection; a request under way is answered with the error."""
        job, self._job = self._job, None
        self._ended = True
        if self._transport is not None:
            self._transport.abort()
        self._owner.lost(self, None, False)
        if job is not None:
            job.done(Answer(0, error))

    def drop(self) -> None:
        """End the connection without a word to anybody."""
        self._ended, self._job = True, None
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Feed the parser; what is no HTTP ends the connection."""
        self._began = True
        self._size += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as fault:
            if not self._ended:
                self.close(f"{type(fault).__name__}: {fault}"[:300])
        if self._size > ANSWER_BYTES_MAX and self._job is not None:
            self._complete_early()

    def _complete_early(self) -> None:
        """An answer longer than anybody reads: its status counts, the connection goes."""
        job, self._job = self._job, None
        status = self._parser.get_status_code()
        self.close()
        if job is not None:
            job.done(Answer(status))

    def eof_received(self) -> None:
        """An answer without a length ends where the connection ends."""
        if self._job is not None and self._began and not self._ended:
            status = self._parser.get_status_code()
            if status:
                job, self._job = self._job, None
                job.done(Answer(status))

    def connection_lost(self, exc: Exception | None) -> None:
        """Hand an unanswered job back."""
        if self._ended:
            return
        self._ended = True
        job, self._job = self._job, None
        self._owner.lost(self, job, not self._began)

    # -- what the parser calls ----------------------------------------------------------------------------------------

    def on_headers_complete(self) -> None:
        """Remember whether the receiver keeps the connection."""
        self._keeps = self._parser.should_keep_alive()

    def on_message_complete(self) -> None:
        """Give the answer to its job and offer the connection for the next."""
        status = self._parser.get_status_code()
        if 100 <= status < 200:
            return
        job, self._job = self._job, None
        self.used += 1
        if job is not None:
            job.done(Answer(status))
        if self._ended:
            return
        if self._keeps:
            self._owner.free(self)
        else:
            self.close()
