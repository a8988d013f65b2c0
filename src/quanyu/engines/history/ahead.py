"""What the history was told a moment ago: instances and kept records that the state store may not show yet."""

from __future__ import annotations

from collections.abc import Sequence

from quanyu.engines.history.telling import Heard, Told
from quanyu.kernel.journal import Record


class Ahead:
    """Told instances with a time, and kept records, by entity. To show one twice is harmless: identity decides.

    What is taken is sorted by entity when somebody asks: mostly nobody does before the state store has it.
    """

    def __init__(self) -> None:
        self.told: dict[str, list[Told]] = {}
        self.described: dict[str, list[int]] = {}
        """By their seqs: documents that nobody will ask for are let go while they are young."""
        self.departed: dict[str, str] = {}
        self.count = 0
        self._taken: list[tuple[str, int, Heard, str | None]] = []

    def take(self, heard: Sequence[tuple[Record, Heard]]) -> int:
        """Add what records tell beside numbers; return how many of them tell anything."""
        telling = [
            (record.subject, record.seq, each, _departed(record))
            for record, each in heard
            if each.tells or each.describes
        ]
        self._taken += telling
        self.count += len(telling) + sum([len(each.tells) for _, _, each, _ in telling])
        return len(telling)

    def sort(self) -> Ahead:
        """Return itself with all that was taken in its place."""
        taken, self._taken = self._taken, []
        for subject, seq, heard, departed in taken:
            for each in heard.tells:
                self.told.setdefault(each.entity, []).append(each)
            if heard.describes:
                self.described.setdefault(subject, []).append(seq)
            if departed is not None:
                self.departed[subject] = departed
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
            newer = [each for each in seqs if each > seq]
            if newer:
                kept.described[entity] = newer
                kept.count += len(newer)
                if entity in self.departed:
                    kept.departed[entity] = self.departed[entity]
        return kept


def _departed(record: Record) -> str | None:
    """Return the types of an entity that a record deletes; None for other records."""
    return types_text((record.body or {}).get("type")) if record.kind == "entity.deleted" else None


def types_text(types: object) -> str:
    """Return one or several types as lines of text."""
    return types if isinstance(types, str) else "\n".join(types) if isinstance(types, list | tuple) else ""
