"""How deep a record stands under its causes: a chain that is too deep is a loop, and stops."""

from __future__ import annotations

from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import CAUSE_DEPTH_MAX, Store

KNOWN_MAX = 100_000


class Causes:
    """Remembers the depths of records made lately; owned by the writer."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._depths: dict[int, int] = {}

    def note(self, seq: int, depth: int) -> None:
        """Remember how deep a new record stands."""
        self._depths[seq] = depth
        if len(self._depths) > KNOWN_MAX:
            self._depths.clear()

    def depth(self, cause: int) -> int:
        """Return how deep a record stands whose cause this is; Invalid (cause.loop) past the limit."""
        depth = 0
        seq: int | None = cause
        while seq is not None:
            known = self._depths.get(seq)
            if known is not None:
                depth += 1 + known
                break
            depth += 1
            found = self._store.read(seq - 1, 1)
            seq = found[0].cause if found and depth <= CAUSE_DEPTH_MAX else None
        if depth > CAUSE_DEPTH_MAX:
            raise Invalid(
                f"Record {cause} is the end of a chain of more than {CAUSE_DEPTH_MAX} causes: a loop.",
                code="cause.loop",
                where="cause",
                remedy="Look at the rule that causes itself.",
            )
        return depth
