"""Commands that their engine decides at once, of one call or of many: most batches make entities that nobody knew before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from quanyu.kernel.errors import QuanyuError
from quanyu.kernel.journal import PROVENANCE_KINDS, Command, Engine, Instant, Kind, Record, provenance_kind

TOGETHER_MIN: Final = 8
"""Fewer commands are decided one by one."""
_encode = msgspec.msgpack.Encoder().encode

Written = tuple[list[Record], list[bytes]]
"""Records, and their bodies as the journal holds them."""


class Together:
    """Decides what would come out the same one by one; anything out of the ordinary is left to that, errors too."""

    def __init__(
        self,
        deciders: Mapping[str, Engine],
        owners: Mapping[str, tuple[Engine, Kind]],
        gate: Callable[[Command, Any], None] | None,
        body_bytes_max: int,
    ) -> None:
        self._deciders, self._owners, self._gate = deciders, owners, gate
        self._body_bytes_max = body_bytes_max
        self._kinds = {kind for kind, engine in deciders.items() if hasattr(engine, "decide_all")}

    def takes(self, first: Command, count: int) -> bool:
        """Whether so many commands that begin with this one may be worth a look."""
        return count >= TOGETHER_MIN and first.kind in self._kinds

    def decide(
        self, commands: Sequence[Command], actors: Sequence[str], desk: Any, at: Instant, kept_only: bool
    ) -> Written | None:
        """Return a record for each command, folded into the state; None, with nothing folded, says to take each alone.

        `actors`: who sends each.
        """
        engine: Any = self._engine(commands)
        facts = None if engine is None else engine.decide_all(commands, desk)
        if facts is None or not self._may(commands, actors, desk):
            return None
        name = facts[0].kind
        kind = self._owners[name][1]
        if kept_only and kind.life != "kept":
            return None
        try:
            bodies = [_encode(fact.body) for fact in facts]
        except (OverflowError, UnicodeEncodeError):
            return None
        if max(map(len, bodies)) > self._body_bytes_max:
            return None
        version = kind.version
        records = [
            Record(seq, at, actor, name, version, fact.subject, fact.body, None, fact.provenance or command.provenance)
            for seq, (fact, command, actor) in enumerate(zip(facts, commands, actors, strict=True), desk.seq)
        ]
        engine.evolve_all(records, desk.state)
        return records, bodies

    def _engine(self, commands: Sequence[Command]) -> Engine | None:
        """Return the one engine of all of the commands if it decides together."""
        if not self.takes(commands[0], len(commands)):
            return None
        found = self._deciders[commands[0].kind]
        if any(self._deciders.get(kind) is not found for kind in {command.kind for command in commands}):
            return None
        if any(command.cause is not None for command in commands):
            return None
        said = {command.provenance for command in commands}
        return found if all(provenance_kind(each) in PROVENANCE_KINDS for each in said) else None

    def _may(self, commands: Sequence[Command], actors: Sequence[str], desk: Any) -> bool:
        """Whether each actor may send what it sends; who may not is told of each alone."""
        if self._gate is not None:
            try:
                for command, desk.actor in zip(commands, actors, strict=True):
                    self._gate(command, desk)
            except QuanyuError:
                return False
        return True
