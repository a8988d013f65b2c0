"""The read view `held`: values of a subject by element, the newest where several registers hold one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from quanyu.engines.registers.store import HELD, Fetch, Reveal, shelf_of
from quanyu.kernel.form import Held

_value = msgspec.json.Decoder().decode


class RegistersView:
    """Reads what is held. Whoever asks has proven the subject and writes the reading down: see assembly.registers."""

    def __init__(self, fetch: Fetch, reveal: Reveal) -> None:
        self._fetch = fetch
        self._reveal = reveal

    def held(self, subject: str, elements: Collection[str]) -> dict[str, Held]:
        """Return what is held of a subject by element; what was erased is not."""
        shelf = shelf_of(self._fetch(HELD, subject))
        opened: dict[str, Mapping[str, str] | None] = {}
        found: dict[str, Held] = {}
        for register, lines in shelf.items():
            for id in elements:
                line = lines.get(id)
                if line is None or (id in found and found[id].as_of >= line.as_of):
                    continue
                if line.reference not in opened:
                    opened[line.reference] = self._reveal(line.reference)
                fields = opened[line.reference]
                if fields is not None and id in fields:
                    value: Any = _value(fields[id])
                    value = tuple(value) if isinstance(value, list) else value
                    found[id] = Held(id, register, value, line.as_of, line.source, line.simulated)
        return found

    def shelf(self, subject: str) -> list[dict[str, Any]]:
        """Return which registers hold what of a subject, as of when and from where: no values."""
        return [
            {
                "register": register,
                "element": id,
                "as_of": line.as_of,
                "source": line.source,
                "simulated": line.simulated,
            }
            for register, lines in shelf_of(self._fetch(HELD, subject)).items()
            for id, line in lines.items()
        ]
