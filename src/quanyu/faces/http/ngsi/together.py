"""Quick reads of one turn of the event loop, done one after another.

Between two requests the server and the network push out of the processor's caches what a read needs: done alone, a read costs
more than right after another. So those that came together are answered together, one turn later and as of one moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import groupby
from typing import Any, Final

Read = Callable[[Any], Any]
SEVERAL: Final = 4
"""Fewer reads do not pay for beginning and ending a moment of their own."""
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
        for hub, some in groupby(waiting, _hub_of):
            several = [*some]
            if len(several) < SEVERAL:
                _answer(several)
                continue
            try:
                with hub.views.entities.still():
                    _answer(several)
            except Exception:  # where there is no moment to be had, each hears of it by its own read
                _answer(several)


def _hub_of(one: tuple[Read, Any, asyncio.Future[Any]]) -> Any:
    return one[1].hub


def _answer(waiting: Waiting) -> None:
    for work, asked, future in waiting:
        if future.done():
            continue
        try:
            future.set_result(work(asked))
        except Exception as error:  # whatever it is, the one who asked hears it, and the others are answered
            future.set_exception(error)
