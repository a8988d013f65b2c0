"""One batch of changes being told: each entity is read once, each representation written once, however many want it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from quanyu.engines.notify.change import Change, laid
from quanyu.engines.notify.dispatch import Dispatch
from quanyu.engines.notify.notice import Notice, seen_by
from quanyu.engines.notify.pace import Paces
from quanyu.engines.notify.parcel import Parcel, notification_id
from quanyu.engines.notify.watch import Watch
from quanyu.kernel.entity import Document
from quanyu.kernel.journal import Instant
from quanyu.kernel.view import EVERYTHING, Entities, Filter

ITEMS_MAX = 500
"""Entities in one parcel."""
BLIND = "Its creator may see no entities any more."


class Bundle(msgspec.Struct):
    """What becomes a parcel: encoded items by entity, the records that they stand for, and what ends the letter."""

    tail: str
    items: dict[str, bytes] = {}
    seqs: list[int] = []


class Holder(Protocol):
    """What the round needs of a subscription."""

    creator: str
    roles: str | None
    notice: Notice | None


class Round:
    """Gathers what each subscription is told; `send` hands it to the dispatch. `now` is city, `machine` machine time.

    `ends` are the entities that are deleted later in the batch, as they stood then, where the records tell.
    """

    def __init__(
        self,
        entities: Entities,
        scope: Callable[[str, str | None], Filter | None],
        held: Callable[[str], Any],
        paces: Paces,
        dispatch: Dispatch,
        now: Instant,
        machine: Instant,
        ends: Mapping[str, Document],
    ) -> None:
        self.now, self.machine = now, machine
        self._entities, self._scope, self._held = entities, scope, held
        self._paces, self._dispatch = paces, dispatch
        self._documents: dict[str, Document | None] = {}
        self._gone: dict[str, Document] = {}
        self._ends = ends
        self._stood: tuple[Change | None, Document | None] = (None, None)
        self._seen: dict[Any, Any] = {}
        self._written: dict[Any, bytes] = {}
        self._bundles: dict[str, Bundle] = {}
        self._passed: set[str] = set()

    def scope_of(self, watch: Watch) -> Filter | None:
        """Return what the creator of a subscription may see; nothing at all is noted as its trouble."""
        holder: Holder | None = self._held(watch.id)
        if holder is None:
            return None
        scope = self._scope(holder.creator, holder.roles)
        if scope is None:
            self._dispatch.trouble(watch.id, BLIND)
        return scope

    def standing(self, change: Change) -> Document | None:
        """Return the entity as the change left it, whoever may see it."""
        if self._stood[0] is not change:
            self._stood = (change, self._standing(change))
            self._seen.clear()
            self._written.clear()
        return self._stood[1]

    def tell(self, watch: Watch, change: Change) -> None:
        """Tell a subscription of a change that fired, if its creator may see it and the queries hold."""
        scope = self.scope_of(watch)
        if scope is None:
            return
        self.standing(change)
        seen = self._seen.get(scope)
        if seen is None:
            seen = self._seen[scope] = (seen_by(self._stood[1], scope), _change_seen(change, scope))
        document, change = seen
        if document is None or (scope.masked and not watch.fires(change)):
            return
        if not self._holds(watch, document, change, scope):
            return
        notice: Notice = self._held(watch.id).notice
        gone = watch.seen_of(change.gone) if "attributeDeleted" in watch.triggers else frozenset()
        key = (notice.key, notice.show_changes, gone, scope)
        items = self._written.get(key)
        if items is None:
            told = notice.document(watch, change, None if change.deleted else document)
            items = b"" if told is None else notice.items(told, self._finder(scope))
            self._written[key] = items
        if items:
            self._tell(watch, change.entity, items, change.seq, change.deleted)

    def tell_later(self, watch: Watch, entity: str, item: str | None) -> None:
        """Tell what waited while a subscription was throttled: an entity as it stands, or the item of one that is gone."""
        if item is not None:
            self._add(watch, entity, item.encode(), 0)
            return
        scope = self.scope_of(watch)
        document = None if scope is None else seen_by(self._find(entity), scope)
        if scope is not None and document is not None and watch.holds(document, self._finder(scope)):
            self.tell_standing(watch, document, scope)

    def tell_standing(self, watch: Watch, document: Document, scope: Filter) -> None:
        """Tell of an entity as it stands, whatever changed."""
        holder = self._held(watch.id)
        items = holder.notice.items(document, self._finder(scope)) if holder is not None else b""
        if items:
            self._add(watch, document["id"], items, 0)

    def send(self) -> None:
        """Hand over everything that was gathered."""
        for id in list(self._bundles):
            self._send(id)

    def _standing(self, change: Change) -> Document | None:
        """Return the entity as the change left it."""
        if change.deleted:
            return change.before or {"id": change.entity, "type": list(change.types or ())}
        document = self._find(change.entity)
        if document is None:
            # It is gone since. What came and went within this batch is told all the same.
            base = change.document or self._gone.get(change.entity) or self._ends.get(change.entity)
            if base is not None:
                self._gone[change.entity] = base = laid(base, change.patch, change.at)
            return base
        return laid(document, change.patch, change.at) if change.patch else document

    def _find(self, id: str) -> Document | None:
        if id not in self._documents:
            self._documents[id] = self._entities.find(id, EVERYTHING, True)
        return self._documents[id]

    def _finder(self, scope: Filter) -> Callable[[str], Document | None]:
        return lambda id: seen_by(self._find(id), scope)

    def _holds(self, watch: Watch, document: Document, change: Change, scope: Filter) -> bool:
        if change.deleted and change.before is None:
            return watch.q is None and watch.geo is None and watch.scope_q is None
        return watch.holds(document, self._finder(scope))

    def _tell(self, watch: Watch, entity: str, items: bytes, seq: int, deleted: bool) -> None:
        if watch.throttling_us is None:
            self._add(watch, entity, items, seq)
            return
        bundle = self._bundles.get(watch.id)
        repeated = bundle is not None and entity in bundle.items
        passes = watch.id in self._passed or self._paces.passes(watch, self.machine)
        if passes and not repeated:
            self._passed.add(watch.id)
            self._add(watch, entity, items, seq)
        else:
            self._paces.wait(watch, entity, items.decode() if deleted else None)

    def _add(self, watch: Watch, entity: str, items: bytes, seq: int) -> None:
        bundle = self._bundles.get(watch.id)
        if bundle is not None and (entity in bundle.items or len(bundle.items) >= ITEMS_MAX):
            self._send(watch.id)
            bundle = None
        if bundle is None:
            notice: Notice = self._held(watch.id).notice
            bundle = self._bundles[watch.id] = Bundle(notice.tail)
        bundle.items[entity] = items
        bundle.seqs.append(seq)

    def _send(self, id: str) -> None:
        bundle = self._bundles.pop(id)
        entities, seqs = tuple(bundle.items), bundle.seqs
        parts = seqs if seqs[0] else [self.machine, *entities]
        parcel = Parcel(
            id, 0, notification_id(id, *parts), seqs[0], b",".join(bundle.items.values()), len(entities), entities,
            bundle.tail,
        )  # fmt: skip
        # What the clock told stands for no record: it holds no cursor, so it is a row at once.
        self._dispatch.send(parcel, hold=bool(parcel.seq))


def _change_seen(change: Change, scope: Filter) -> Change:
    """Return a change without the attributes that an actor may not see."""
    if not scope.masked or (scope.masked.isdisjoint(change.touched) and change.before is None):
        return change
    hidden, before = scope.masked, change.before
    return msgspec.structs.replace(
        change,
        made=change.made - hidden,
        changed=change.changed - hidden,
        gone=change.gone - hidden,
        before=None if before is None else {name: each for name, each in before.items() if name not in hidden},
    )
