"""What a decision may look at while its call is decided."""

from __future__ import annotations

import random
from collections.abc import Mapping

from quanyu.assembly.state import WriterState
from quanyu.assembly.vault import seal
from quanyu.kernel.journal import Instant, State


class WriterDesk:
    """What a decision may look at while its call is decided."""

    def __init__(self, state: WriterState, chance: random.Random) -> None:
        self.state: State = state
        """The rows, those decided a moment ago included."""
        self._vault = state
        self.chance = chance
        self.at: Instant = 0
        self.actor = ""
        self.seq = 1

    def seal(self, person: str, fields: Mapping[str, str]) -> str:
        """Put personal fields into the vault in the transaction of this call."""
        return seal(self._vault, person, fields)
