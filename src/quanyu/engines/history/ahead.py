"""What the history was told a moment ago: instances and kept records that the state store may not show yet."""

from __future__ import annotations

from collections.abc import Sequence

from quanyu.engines.history.telling import Heard, Told, born
from quanyu.kernel.journal import Instant, Record

Ended = tuple[str, tuple[int, Instant] | None]


class Ahead:
    """Told instances with a time, and kept records, by entity. To show one twice is harmless: identity decides.

    What is taken is sorted by entity when somebody asks: mostly nobody does before the state store has it.
    """

    def __init__(self) -> None:
        self.told: dict[str, list[Told]] = {}
        self.described: dict[str, list[tuple[int, int]]] = {}
        """Which record says so, and the seq of the one to look at: itself, or that which made the entity it deletes.

        By their seqs: documents that nobody will ask for are let go while they are young.
        """
        self.departed: dict[str, str] = {}
        self.count = 0
        self._taken: list[tuple[str, int, Heard, Ended | None]] = []

    def take(self, heard: Sequence[tuple[Record, Heard]]) -> int:
        """Add what records tell beside numbers; return how many of them there are."""
        self._taken += [(record.subject, record.seq, each, _ended(record)) for record, each in heard]
        self.count += len(heard) + sum([len(each.tells) for _, each in heard])
        return len(heard)

    def sort(self) -> Ahead:
        """Return itself with all that was taken in its place."""
        taken, self._taken = self._taken, []
        for subject, seq, heard, ended in taken:
            for each in heard.tells:
                self.told.setdefault(each.entity, []).append(each)
            if heard.describes:
                self.described.setdefault(subject, []).append((seq, seq))
            if ended is not None:
                self.departed[subject], began = ended
                if began is not None:
                    self.described[subject].append((seq, began[0]))
        return self

    def after(self, seq: int) -> Ahead:
        """Return what later records tell; itself when nothing is older."""
        if not self.count:
            return self
        kept = Ahead()
        for entity, tells in list(self.sort().told.items()):
            later = [each for each in tells if each.by > seq]
            if later:
                kept.told[entity] = later
                kept.count += len(later)
        for entity, seqs in list(self.described.items()):
            newer = [each for each in seqs if each[0] > seq]
            if newer:
                kept.described[entity] = newer
                kept.count += len(newer)
                if entity in self.departed:
                    kept.departed[entity] = self.departed[entity]
        return kept


def _ended(record: Record) -> Ended | None:
    """Return the types of an entity that a record deletes, and where its life began; None for other records."""
    if record.kind != "entity.deleted":
        return None
    return types_text((record.body or {}).get("type")), born(record)


def types_text(types: object) -> str:
    """Return one or several types as lines of text."""
    return types if isinstance(types, str) else "\n".join(types) if isinstance(types, list | tuple) else ""
