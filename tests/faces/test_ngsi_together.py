"""Quick reads that came in one turn of the loop are done together; each hears its own answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from quanyu.faces.http.ngsi.together import SEVERAL, Together
from quanyu.kernel.errors import Missing


@dataclass
class Home:
    """A hub that tells when it stands still; `broken`: it cannot."""

    name: str
    seen: list[Any] = field(default_factory=list)
    broken: bool = False

    @property
    def views(self) -> Any:
        return self

    entities = views

    @contextmanager
    def still(self) -> Iterator[None]:
        if self.broken:
            raise OSError("closed")
        self.seen.append("still")
        yield
        self.seen.append("on")


@dataclass
class One:
    n: int
    hub: Any = None


def test_those_of_one_turn_are_read_after_all_were_let_in() -> None:
    seen: list[Any] = []

    def work(asked: One) -> int:
        seen.append(("read", asked.n))
        return asked.n * 10

    async def one(together: Together, n: int) -> int:
        seen.append(("in", n))
        found: int = await together.read(work, One(n))
        return found

    async def several() -> list[int]:
        together = Together()
        found = await asyncio.gather(*(one(together, n) for n in range(3)))
        return [*found, await one(together, 7)]

    assert asyncio.run(several()) == [0, 10, 20, 70]
    assert seen == [
        *(("in", each) for each in range(3)),
        *(("read", each) for each in range(3)),
        ("in", 7),
        ("read", 7),
    ]


def test_a_read_that_fails_fails_alone() -> None:
    def work(asked: One) -> int:
        if asked.n == 1:
            raise Missing("Nothing here.", code="entity.missing")
        return asked.n

    async def several() -> list[Any]:
        together = Together()
        return await asyncio.gather(*(together.read(work, One(n)) for n in range(3)), return_exceptions=True)

    first, second, third = asyncio.run(several())
    assert (first, third) == (0, 2)
    assert isinstance(second, Missing)


def test_who_has_left_is_not_read_for() -> None:
    read: list[int] = []

    async def left() -> int:
        together = Together()
        gone = together.read(read.append, One(1))
        stays = together.read(lambda asked: asked.n, One(2))
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
        together.read(lambda asked: str(asked.n), One(1))

    async def begins() -> str:
        found: str = await together.read(lambda asked: str(asked.n), One(2))
        return found

    loop = asyncio.new_event_loop()
    loop.run_until_complete(ends())
    loop.close()
    assert asyncio.run(begins()) == "2"


@pytest.mark.parametrize("broken", [False, True])
def test_several_of_one_hub_are_read_as_of_one_moment(broken: bool) -> None:
    east, west = Home("east", broken=broken), Home("west")

    def work(asked: One) -> str:
        asked.hub.seen.append(asked.n)
        return f"{asked.hub.name} {asked.n}"

    async def several() -> list[str]:
        together = Together()
        asked = [*(One(n, east) for n in range(SEVERAL)), One(9, west)]
        return [*await asyncio.gather(*(together.read(work, each) for each in asked))]

    assert asyncio.run(several()) == [*(f"east {n}" for n in range(SEVERAL)), "west 9"]
    assert east.seen == ([*range(SEVERAL)] if broken else ["still", *range(SEVERAL), "on"])
    assert west.seen == [9]
