"""What the history was told a moment ago: instances and kept records that the state store may not show yet."""

from __future__ import annotations

from quanyu.engines.history.telling import Heard, Told
from quanyu.kernel.journal import Record


class Ahead:
    """Told instances with a time, and kept records, by entity. To show one twice is harmless: identity decides."""

    def __init__(self) -> None:
        self.told: dict[str, list[Told]] = {}
        self.described: dict[str, list[Record]] = {}
        self.departed: dict[str, str] = {}
        self.count = 0

    def take(self, record: Record, heard: Heard) -> None:
        """Add what a record tells beside numbers."""
        if heard.tells:
            for each in heard.tells:
                self.told.setdefault(each.entity, []).append(each)
            self.count += len(heard.tells)
        if heard.describes:
            self.described.setdefault(record.subject, []).append(record)
            self.count += 1
        if record.kind == "entity.deleted" and record.body is not None:
            self.departed[record.subject] = types_text(record.body.get("type"))

    def after(self, seq: int) -> Ahead:
        """Return what later records tell; itself when nothing is older."""
        if not self.count and not self.departed:
            return self
        kept = Ahead()
        for entity, tells in list(self.told.items()):
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
