"""What is known of terminals, a byte each: asked, failed, reached, acknowledged; only ever more, in whatever order it comes.

So a receipt that comes twice or late changes nothing, and batches may be recorded in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from quanyu.engines.warnings.store import BLOCK, REACH
from quanyu.kernel.journal import State

STATES: Final = ("none", "silent", "failed", "reached", "acknowledged")
"""By their byte. `silent`: asked, and nothing was heard."""
CODES: Final[Mapping[str, int]] = {name: code for code, name in enumerate(STATES)}
SILENT: Final = 1
FAILED: Final = 2
TOLD: Final = frozenset({"failed", "reached", "acknowledged"})
"""What a terminal may answer."""


def bitmaps(numbers: Any) -> dict[str, bytes]:
    """Return numbers of terminals as bitmaps by block (in text, so that records stay plain)."""
    import numpy as np

    numbers = np.unique(np.asarray(numbers, dtype=np.int64))
    made: dict[str, bytes] = {}
    blocks = numbers // BLOCK
    starts = np.searchsorted(blocks, np.unique(blocks))
    for each in np.split(numbers, starts[1:]) if len(numbers) else ():
        marks = np.zeros(BLOCK, dtype=np.uint8)
        marks[each % BLOCK] = 1
        made[str(int(each[0]) // BLOCK)] = np.packbits(marks).tobytes()
    return made


def counted(maps: Mapping[str, bytes]) -> int:
    """Return how many terminals bitmaps name."""
    return sum(int.from_bytes(each, "big").bit_count() for each in maps.values())


def highest(maps: Mapping[str, bytes]) -> int:
    """Return the highest number that bitmaps name; -1 where they name none."""
    import numpy as np

    found = -1
    for block, marks in maps.items():
        set_ = np.flatnonzero(np.unpackbits(np.frombuffer(marks, dtype=np.uint8)))
        if len(set_):
            found = max(found, int(block) * BLOCK + int(set_[-1]))
    return found


def ask(state: State, key: str, channel: str, maps: Mapping[str, bytes]) -> None:
    """Mark terminals as asked; what was heard of them before stays."""
    import numpy as np

    for block, marks in maps.items():
        asked = np.unpackbits(np.frombuffer(marks, dtype=np.uint8))
        row = state.get(REACH, key, channel, int(block))
        if row is not None:
            asked = np.maximum(asked, np.frombuffer(row[3], dtype=np.uint8))
        state.put(REACH, (key, channel, int(block), asked.tobytes()))


def hear(state: State, key: str, channel: str, numbers: bytes, states: bytes) -> None:
    """Fold a batch of receipts in: for each terminal the most that was ever heard; who was not asked is not counted."""
    import numpy as np

    at = np.frombuffer(numbers, dtype="<u4")
    said = np.frombuffer(states, dtype=np.uint8)
    blocks = at // BLOCK
    for block in np.unique(blocks).tolist():
        row = state.get(REACH, key, channel, block)
        if row is None:
            continue
        known = np.frombuffer(row[3], dtype=np.uint8).copy()
        chosen = blocks == block
        heard = np.zeros(BLOCK, dtype=np.uint8)
        np.maximum.at(heard, at[chosen] % BLOCK, said[chosen])
        heard[known == 0] = 0
        np.maximum(known, heard, out=known)
        state.put(REACH, (key, channel, block, known.tobytes()))


def asked_again(rows: Iterable[tuple[int, bytes]], states: frozenset[int]) -> dict[str, bytes]:
    """Return bitmaps of the terminals that stand in one of some states."""
    import numpy as np

    made = {}
    for block, known in rows:
        marks = np.isin(np.frombuffer(known, dtype=np.uint8), list(states))
        if marks.any():
            made[str(block)] = np.packbits(marks).tobytes()
    return made


def tally(rows: Iterable[bytes]) -> dict[str, int]:
    """Return how many terminals stand in which state, those not asked left out."""
    import numpy as np

    total = np.zeros(len(STATES), dtype=np.int64)
    for known in rows:
        total += np.bincount(np.frombuffer(known, dtype=np.uint8), minlength=len(STATES))
    return {name: int(total[code]) for code, name in enumerate(STATES) if code}


def stood(rows: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, int]]:
    """Yield number and state of every terminal that was asked."""
    import numpy as np

    for block, known in rows:
        states = np.frombuffer(known, dtype=np.uint8)
        for place in np.flatnonzero(states).tolist():
            yield block * BLOCK + place, int(states[place])
