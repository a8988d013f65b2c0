"""Quick reads of one turn of the event loop, done one after another.

Between two requests the server and the network push out of the processor's caches what a read needs: done alone, a read costs
more than right after another. So those that came together are answered together, one turn later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

Read = Callable[[Any], Any]
Waiting = list[tuple[Read, Any, asyncio.Future[Any]]]


class Together:
    """Of several event loops, each has turns of its own."""

    def __init__(self) -> None:
        # Put at once: loops of other threads may look.
        self._turn: tuple[asyncio.AbstractEventLoop | None, Waiting] = (None, [])

    def read(self, work: Read, asked: Any) -> asyncio.Future[Any]:
        """Return what `work` will say, or raise, when those that came in this turn have all been let in."""
        loop = asyncio.get_running_loop()
        of, waiting = self._turn
        if of is not loop:
            waiting = []
            self._turn = (loop, waiting)
            loop.call_soon(self._read_all, waiting)
        future = loop.create_future()
        waiting.append((work, asked, future))
        return future

    def _read_all(self, waiting: Waiting) -> None:
        if self._turn[1] is waiting:
            self._turn = (None, [])
        for work, asked, future in waiting:
            if future.done():
                continue
            try:
                future.set_result(work(asked))
            except Exception as error:  # whatever it is, the one who asked hears it, and the others are answered
                future.set_exception(error)
