"""A subscription at work: what it watches, compiled once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from quanyu.engines.notify.change import Change
from quanyu.kernel.entity import Document
from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Instant
from quanyu.kernel.ngsi.context import CORE
from quanyu.kernel.ngsi.geo import GeoQuery, parse_geo
from quanyu.kernel.ngsi.instants import micros
from quanyu.kernel.ngsi.pattern import compile_pattern
from quanyu.kernel.ngsi.q import Q
from quanyu.kernel.ngsi.scope import ScopeQ, parse_scope_q
from quanyu.kernel.ngsi.selection import Types, parse_types
from quanyu.kernel.ngsi.subscription import TRIGGERS_DEFAULT, query_of

Lookup = Callable[[str], Document | None]
_UPDATES: Final = frozenset({"attributeCreated", "attributeUpdated", "attributeDeleted"})


class Selector(msgspec.Struct, frozen=True):
    """One EntitySelector (5.2.33): all that is given must hold."""

    types: Types
    id: str | None = None
    pattern: str | None = None

    def matches(self, entity: str, types: Iterable[str]) -> bool:
        """Whether an entity is selected."""
        if self.id is not None:
            if entity != self.id:
                return False
        elif self.pattern is not None and not compile_pattern(self.pattern)(entity):
            return False
        return self.types.matches(tuple(types))


class Watch(msgspec.Struct, frozen=True, eq=False):
    """What a subscription watches. `since` is the seq behind which records concern it; instants are city time."""

    id: str
    since: int
    active: bool
    expires: Instant | None
    selectors: tuple[Selector, ...]
    watched: frozenset[str] | None
    triggers: frozenset[str]
    q: Q | None
    geo: GeoQuery | None
    scope_q: ScopeQ | None
    throttling_us: int | None
    interval_us: int | None

    def alive(self, now: Instant) -> bool:
        """Whether it is active at an instant."""
        return self.active and (self.expires is None or self.expires > now)

    def selects(self, entity: str, types: Iterable[str]) -> bool:
        """Whether an entity is among those it names."""
        return not self.selectors or any(each.matches(entity, types) for each in self.selectors)

    def fires(self, change: Change) -> bool:
        """Whether a change is of a kind, and of attributes, that it wants to hear of."""
        triggers = self.triggers
        if change.created and "entityCreated" in triggers and self._sees(change.made):
            return True
        if change.deleted and (change.before is None or self._sees(change.gone)):
            return "entityDeleted" in triggers or ("attributeDeleted" in triggers and self._gone(change))
        return (
            ("attributeUpdated" in triggers and bool(self.seen_of(change.changed)))
            or ("attributeCreated" in triggers and bool(self.seen_of(change.made)))
            or ("attributeDeleted" in triggers and bool(self.seen_of(change.gone)))
        )

    def seen_of(self, names: frozenset[str]) -> frozenset[str]:
        """Return the names that it watches."""
        return names if self.watched is None else names & self.watched

    def holds(self, document: Document, lookup: Lookup) -> bool:
        """Whether an entity, as its creator may see it, meets the queries (4.9, 4.10, 4.19)."""
        try:
            return (
                (self.scope_q is None or self.scope_q.matches(document.get("scope")))
                and (self.q is None or self.q.matches(document, lookup))
                and (self.geo is None or self.geo.matches(document))
            )
        except Invalid:  # a query that leads to more entities than one question may look at holds for none
            return False

    def _sees(self, names: frozenset[str]) -> bool:
        return self.watched is None or not names.isdisjoint(self.watched)

    def _gone(self, change: Change) -> bool:
        return change.before is None or bool(self.seen_of(change.gone))


def watch_of(id: str, document: Mapping[str, Any], since: int) -> Watch:
    """Compile a subscription as it is kept."""
    triggers = frozenset(document.get("notificationTrigger", TRIGGERS_DEFAULT))
    if "entityUpdated" in triggers:
        triggers |= _UPDATES
    seconds = {name: document.get(name) for name in ("throttling", "timeInterval")}
    throttling, interval = (None if each is None else int(each * 1e6) for each in seconds.values())
    return Watch(
        id=id,
        since=since,
        active=document.get("isActive", True),
        expires=micros(document["expiresAt"]) if "expiresAt" in document else None,
        selectors=tuple(
            Selector(_types(each["type"]), each.get("id"), each.get("idPattern"))
            for each in document.get("entities", ())
        ),
        watched=frozenset(document["watchedAttributes"]) if "watchedAttributes" in document else None,
        triggers=triggers,
        q=query_of(document["q"]) if "q" in document else None,
        geo=_geo(document["geoQ"]) if "geoQ" in document else None,
        scope_q=parse_scope_q(document["scopeQ"]) if "scopeQ" in document else None,
        throttling_us=throttling,
        interval_us=interval,
    )


_types = lru_cache(maxsize=2_048)(lambda text: parse_types(text, CORE))


def _geo(kept: Mapping[str, Any]) -> GeoQuery:
    return parse_geo(kept["georel"], kept["geometry"], kept["coordinates"], kept.get("geoproperty"), CORE)
