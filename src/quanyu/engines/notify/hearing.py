"""Observations of one batch of records, as far as any watch may care: what each record lays down on which entity."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from quanyu.engines.notify.change import observed_in
from quanyu.kernel.journal import Instant, Record

Laid = tuple[Instant, Any, str | None]
"""observed_at, value, unit."""
Patch = Mapping[str, Laid]
"""Attribute → what a record observed last of it."""


class Hearing:
    """Reads observations of attributes that are `wanted`."""

    def __init__(self, records: Sequence[Record], wanted: Callable[[str], bool]) -> None:
        self._records = records
        self._wanted = wanted
        self._latest: dict[tuple[str, str], Instant] | None = None

    def patches(self, record: Record) -> Mapping[str, Patch]:
        """Return by entity what a record observed."""
        found: dict[str, dict[str, Laid]] = {}
        for entity, attribute, observed_at, value, unit in observed_in(record, self._wanted):
            patch = found.get(entity)
            if patch is None:
                found[entity] = {attribute: (observed_at, value, unit)}
            elif attribute not in patch or patch[attribute][0] <= observed_at:
                patch[attribute] = (observed_at, value, unit)
        return found

    def with_latest(self, entity: str, patch: Patch) -> dict[str, tuple[Instant, Any, str | None, Instant]]:
        """Return a patch as `Change` holds it: with the instants at which the batch observed its attributes last."""
        if self._latest is None:
            latest: dict[tuple[str, str], Instant] = {}
            self._latest = latest
            for record in self._records:
                if record.kind == "observed" and record.body is not None:
                    for of, name, observed_at, _, _ in observed_in(record, _any):
                        latest[of, name] = max(observed_at, latest.get((of, name), observed_at))
        return {name: (*laid, self._latest[entity, name]) for name, laid in patch.items()}


def _any(name: str) -> bool:
    return True
