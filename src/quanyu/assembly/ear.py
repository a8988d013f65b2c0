"""A listener of committed groups: a bounded queue between the writer's thread and an event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from quanyu.kernel.errors import Conflict
from quanyu.kernel.journal import Record

HEARD_GROUPS_MAX = 1_000


class Ear:
    """One listener of committed groups, with a bounded queue between the writer and its event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._groups: deque[Sequence[Record]] = deque()
        self._news = asyncio.Event()
        self._lagging = False

    def hear(self, records: Sequence[Record]) -> None:
        """Take a group in the writer's thread; never waits."""
        # Once a group is lost none may follow: what is heard has no hole, it ends.
        self._lagging = self._lagging or len(self._groups) >= HEARD_GROUPS_MAX
        if self._lagging:
            return
        self._groups.append(records)
        with suppress(RuntimeError):  # its loop has ended
            self._loop.call_soon_threadsafe(self._news.set)

    async def next(self) -> Sequence[Record]:
        """Return the next group."""
        while not self._groups:
            if self._lagging:
                raise Conflict("The listener fell behind the journal.", code="heard.lagging", remedy="Read again.")
            self._news.clear()
            await self._news.wait()
        return self._groups.popleft()
