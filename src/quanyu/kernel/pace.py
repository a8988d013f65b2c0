"""How fast strangers may send: a bucket of tokens per address, on machine time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from quanyu.kernel.errors import Unavailable
from quanyu.kernel.journal import Instant

ADDRESSES_MAX: Final = 20_000
SECOND_US: Final = 1_000_000


class Pace:
    """A token bucket per address: `burst` at once, then one each `every_s` seconds of machine time."""

    def __init__(self, machine: Callable[[], Instant], burst: int, every_s: float) -> None:
        self._machine = machine
        self._burst = burst
        self._every_us = round(every_s * SECOND_US)
        self._full_at: OrderedDict[str, Instant] = OrderedDict()

    def check(self, address: str, *, take: bool = True) -> None:
        """Take one token (or only look) or raise Unavailable (web.pace) that says when there is one again."""
        now = self._machine()
        # A bucket is known by the instant at which it will be full: that instant moves on by one token each time.
        full_at = max(self._full_at.pop(address, 0), now) + self._every_us
        wait = full_at - now - self._burst * self._every_us
        if wait <= 0:
            self._full_at[address] = full_at if take else full_at - self._every_us
            if len(self._full_at) > ADDRESSES_MAX:
                self._full_at.popitem(last=False)
            return
        self._full_at[address] = full_at - self._every_us
        raise Unavailable(
            "This address sends faster than the pages take.",
            code="web.pace",
            remedy="Wait a moment, or call 12345.",
            retry_after_s=wait // SECOND_US + 1,
        )
