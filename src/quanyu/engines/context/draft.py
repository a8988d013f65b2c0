"""A change of one entity in the making: what stands, what each operation does to it, and the facts it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

import msgspec

from quanyu.engines.context.instance import Attribute, keyed, packed
from quanyu.engines.context.observed import FUTURE_MAX_US
from quanyu.engines.context.overlay import laid
from quanyu.engines.context.tables import DOC, ENTITY_N, LAST, OBSERVED
from quanyu.kernel.entity import Document
from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Fact, Instant, Row, State
from quanyu.kernel.ngsi.instants import micros, text_of
from quanyu.kernel.ngsi.members import Instance

Keyed = dict[str | None, Instance]
EXACT_MAX: Final = 2**53
"""Whole numbers up to here are exact in the history's columns."""
_PLAIN: Final = frozenset({"type", "value", "unitCode", "observedAt"})


class Draft:
    """An entity as an operation finds it, last values laid over it, and what the operation has changed so far."""

    def __init__(self, subject: str, row: Row, state: State) -> None:
        self.subject = subject
        self.n: int = row[ENTITY_N]
        self.document: Document = msgspec.json.decode(row[DOC])
        self.head: dict[str, Any] = {}
        self._state = state
        observed = state.get(OBSERVED, self.n)
        self._observed: frozenset[str] = frozenset(observed[1].split("\n") if observed else ())
        self._before: dict[str, Keyed] = {}
        self._after: dict[str, Keyed] = {}
        self._touched: dict[str, dict[str | None, None]] = {}

    def standing(self, name: str) -> Keyed:
        """Return the instances of an attribute as they are now; the caller changes them by `put` and `drop` alone."""
        found = self._after.get(name)
        if found is None:
            attribute = self.document.get(name)
            if name in self._observed:
                last = self._state.get(LAST, self.n, name)
                assert last is not None, f"{name} of {self.subject} is said to be observed"
                attribute = laid(attribute, last[2], text_of(last[3]), last[7], None)
            self._before[name] = keyed(attribute)
            found = self._after[name] = dict(self._before[name])
        return found

    def put(self, name: str, instance: Instance) -> None:
        """Set an instance of an attribute."""
        key = instance.get("datasetId")
        self.standing(name)[key] = instance
        self._touched.setdefault(name, {})[key] = None

    def drop(self, name: str, dataset: str | None) -> None:
        """Remove an instance; the caller knows that it stands."""
        del self.standing(name)[dataset]
        self._touched.setdefault(name, {})[dataset] = None

    def add_types(self, types: str | list[str] | None) -> None:
        """NGSI-LD 4.16: types may be added, none goes."""
        if types is None:
            return
        old = self.document["type"]
        words = old if isinstance(old, list) else [old]
        more = [word for word in (types if isinstance(types, list) else [types]) if word not in words]
        if more:
            self.head["type"] = [*words, *more]

    def set_head(self, name: str, value: Any) -> None:
        """Set scope or expiresAt; None removes it."""
        if self.document.get(name) != value:
            self.head[name] = value

    def before(self, name: str) -> Attribute | None:
        """Return an attribute as it was found."""
        self.standing(name)
        return packed(self._before[name])

    def facts(self, at: Instant, before: bool) -> list[Fact]:
        """Return what the change comes to: one kept record, one of observed values, both, or nothing.

        A plain number with its instant, put where a plain number stands, is an observed value unless it is older.
        """
        rows: list[Any] = []
        patch: dict[str, Attribute | None] = {}
        datasets: dict[str, list[str | None]] = {}
        old: dict[str, Attribute | None] = {}
        for name, touched in self._touched.items():
            was, now = self._before[name], self._after[name]
            row = self._observation(name, was, now, at)
            if row is not None:
                rows.append(row)
                continue
            patch[name] = packed(self._kept(name, touched))
            if was.keys() | now.keys() != {None}:
                datasets[name] = list(touched)
            if was:
                old[name] = packed(was)
        facts = []
        if patch or self.head:
            body: dict[str, Any] = {
                "n": self.n,
                "type": self.head.get("type", self.document["type"]),
                "patch": patch,
                "added": [name for name in patch if name not in old],
            }
            if datasets:
                body["datasets"] = datasets
            if self.head:
                body["head"] = self.head
            if before:
                body["before"] = old | {name: self.document.get(name) for name in self.head}
            facts.append(Fact("entity.merged", self.subject, body))
        if rows:
            facts.append(Fact("observed", self.subject, {"rows": rows, "as": "live"}))
        return facts

    def _kept(self, name: str, touched: Mapping[str | None, None]) -> Keyed:
        """Return the instances to store: an observed value is written down only where the change was made to it."""
        now = self._after[name]
        if name not in self._observed or None in touched:
            return now
        stored = keyed(self.document.get(name)).get(None)
        return {key: stored if key is None else each for key, each in now.items() if key is not None or stored}  # type: ignore[misc]

    def _observation(self, name: str, was: Keyed, now: Keyed, at: Instant) -> Any:
        """Return the row of an observed value, or None when the change is to be kept."""
        if len(was) != 1 or len(now) != 1:
            return None
        old, new = was.get(None), now.get(None)
        if old is None or new is None or "observedAt" not in new or not (_is_plain(old) and _is_plain(new)):
            return None
        observed_at = micros(new["observedAt"])
        if observed_at > at + FUTURE_MAX_US:
            return None
        if "observedAt" in old and micros(old["observedAt"]) > observed_at:
            return None
        return [self.subject, name, observed_at, new["value"], new.get("unitCode"), self.n]


def _is_plain(instance: Instance) -> bool:
    value: Any = instance.get("value")
    if instance["type"] != "Property" or not instance.keys() <= _PLAIN:
        return False
    if value.__class__ is int:
        return bool(-EXACT_MAX <= value <= EXACT_MAX)
    return value.__class__ is float and isfinite(value)


def refuse_system(name: str) -> None:
    """Refuse to treat a member of the entity itself as an attribute (NGSI-LD 5.6.4, 5.6.19)."""
    if name in ("id", "type", "scope", "expiresAt", "createdAt", "modifiedAt", "deletedAt", "@context"):
        raise Invalid(
            f"{name!r} is no attribute.",
            code="attribute.fixed",
            where="attribute",
            remedy="Name a Property or a Relationship of the entity.",
        )
