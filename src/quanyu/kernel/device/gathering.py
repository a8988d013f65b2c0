"""Rows gathered into batches of observations: columns that grow as messages come in."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

from quanyu.kernel.entity import Observations
from quanyu.kernel.journal import Instant

Row = tuple[str, str, Instant, float | str, str | None]
"""Entity, attribute, instant of the event, value, unit (common code)."""


class Gathering:
    """A batch in the making. An attribute has one unit in a batch; rows in another unit go to a batch beside it."""

    def __init__(self) -> None:
        self._entities: dict[str, int] = {}
        self._attributes: dict[str, int] = {}
        self._units: dict[str, str | None] = {}
        self._entity, self._attribute = array("i"), array("i")
        self._observed_at, self._value = array("q"), array("d")
        self._texts: list[tuple[str, str, int, str]] = []
        self._beside: Gathering | None = None

    def __len__(self) -> int:
        own = len(self._value) + len(self._texts)
        return own if self._beside is None else own + len(self._beside)

    def take(self, rows: Iterable[Row]) -> None:
        """Add rows in their order; numbers must be finite, and True and False are 1 and 0."""
        entities, attributes, units = self._entities, self._attributes, self._units
        for row in rows:
            entity, name, at, value, unit = row
            if units.setdefault(name, unit) != unit:
                self._beside = self._beside or Gathering()
                self._beside.take((row,))
                continue
            of = entities.setdefault(entity, len(entities))
            what = attributes.setdefault(name, len(attributes))
            if value.__class__ is str:
                self._texts.append((entity, name, at, str(value)))
                continue
            self._entity.append(of)
            self._attribute.append(what)
            self._observed_at.append(at)
            self._value.append(value)  # type: ignore[arg-type]

    def batches(self) -> Iterator[Observations]:
        """Yield the batches; what was gathered last comes last."""
        if self._value or self._texts:
            yield Observations(
                tuple(self._entities),
                tuple(self._attributes),
                self._entity,
                self._attribute,
                self._observed_at,
                self._value,
                {name: unit for name, unit in self._units.items() if unit},
                self._texts,
            )
        if self._beside is not None:
            yield from self._beside.batches()
