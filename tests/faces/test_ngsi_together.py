"""Quick reads that came in one turn of the loop are done together; each hears its own answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from quanyu.faces.http.ngsi.together import Together
from quanyu.kernel.errors import Missing


def test_those_of_one_turn_are_read_after_all_were_let_in() -> None:
    seen: list[Any] = []

    def work(asked: int) -> int:
        seen.append(("read", asked))
        return asked * 10

    async def one(together: Together, asked: int) -> int:
        seen.append(("in", asked))
        found: int = await together.read(work, asked)
        return found

    async def several() -> list[int]:
        together = Together()
        found = await asyncio.gather(*(one(together, asked) for asked in range(3)))
        return [*found, await one(together, 7)]

    assert asyncio.run(several()) == [0, 10, 20, 70]
    assert seen == [
        *(("in", each) for each in range(3)),
        *(("read", each) for each in range(3)),
        ("in", 7),
        ("read", 7),
    ]


def test_a_read_that_fails_fails_alone() -> None:
    def work(asked: int) -> int:
        if asked == 1:
            raise Missing("Nothing here.", code="entity.missing")
        return asked

    async def several() -> list[Any]:
        together = Together()
        return await asyncio.gather(*(together.read(work, asked) for asked in range(3)), return_exceptions=True)

    first, second, third = asyncio.run(several())
    assert (first, third) == (0, 2)
    assert isinstance(second, Missing)


def test_who_has_left_is_not_read_for() -> None:
    read: list[int] = []

    async def left() -> int:
        together = Together()
        gone = together.read(read.append, 1)
        stays = together.read(lambda asked: asked, 2)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        found: int = await stays
        return found

    assert asyncio.run(left()) == 2
    assert read == []


def test_a_loop_that_ended_keeps_nobody_waiting_in_the_next() -> None:
    together = Together()

    async def ends() -> None:
        together.read(str, 1)

    async def begins() -> str:
        found: str = await together.read(str, 2)
        return found

    loop = asyncio.new_event_loop()
    loop.run_until_complete(ends())
    loop.close()
    assert asyncio.run(begins()) == "2"
