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
        self.described: dict[str, list[Record]] = {}
        self.departed: dict[str, str] = {}
        self.count = 0
        self._taken: list[tuple[Record, Heard]] = []

    def take(self, heard: Sequence[tuple[Record, Heard]]) -> int:
        """Add what records tell beside numbers; return how many of them tell anything."""
        telling = [pair for pair in heard if pair[1].tells or pair[1].describes]
        self._taken += telling
        self.count += len(telling) + sum([len(each.tells) for _, each in telling])
        return len(telling)

    def sort(self) -> Ahead:
        """Return itself with all that was taken in its place."""
        taken, self._taken = self._taken, []
        for record, heard in taken:
            for each in heard.tells:
                self.told.setdefault(each.entity, []).append(each)
            if heard.describes:
                self.described.setdefault(record.subject, []).append(record)
            if record.kind == "entity.deleted" and record.body is not None:
                self.departed[record.subject] = types_text(record.body.get("type"))
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
        for entity, records in list(self.described.items()):
            newer = [record for record in records if record.seq > seq]
            if newer:
                kept.described[entity] = newer
                kept.count += len(newer)
                if entity in self.departed:
                    kept.departed[entity] = self.departed[entity]
        return kept


def types_text(types: object) -> str:
    """Return one or several types as lines of text."""
    return types if isinstance(types, str) else "\n".join(types) if isinstance(types, list | tuple) else ""
