"""The ear of subscriptions: finds whom a change concerns, writes their notifications and hands them to the dispatch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

import msgspec

from quanyu.engines.notify.change import Change, change_of
from quanyu.engines.notify.dispatch import Dispatch
from quanyu.engines.notify.hearing import Hearing
from quanyu.engines.notify.index import Index
from quanyu.engines.notify.memory import Memory, types_of
from quanyu.engines.notify.notice import Notice
from quanyu.engines.notify.pace import PACE, Paces
from quanyu.engines.notify.parcel import DELIVERY, PARCELS
from quanyu.engines.notify.round import Round
from quanyu.engines.notify.store import Rows
from quanyu.engines.notify.subscriptions import SUBSCRIPTION
from quanyu.engines.notify.watch import Watch, watch_of
from quanyu.kernel import journal
from quanyu.kernel.entity import Document
from quanyu.kernel.errors import QuanyuError, Unavailable
from quanyu.kernel.journal import Effects, Instant, Record, Table
from quanyu.kernel.ngsi.context import Context
from quanyu.kernel.ngsi.subscription import Subscription
from quanyu.kernel.view import EVERYTHING, Entities, Filter, Selection

PERIODIC_ITEMS_MAX = 500
PERIODIC_PAGES_MAX = 20
CONTEXT_AGAIN_US = 10_000_000
OWN = frozenset({"subscription.created", "subscription.updated", "subscription.deleted", "subscription.replayed"})


class Sight(Protocol):
    """What creators of subscriptions may see."""

    def renew(self) -> None:
        """Notice that rights may have changed; called before each batch."""
        ...

    def scope(self, creator: str, roles: str | None) -> Filter | None:
        """Return what an actor with (only) these roles may see; None when that is nothing."""
        ...


class Held(msgspec.Struct):
    """A subscription that stands, as the reader holds it."""

    document: Subscription
    context: str
    secret: str | None
    creator: str
    roles: str | None
    notice: Notice | None = None
    stale_at: Instant | None = None
    """Machine time at which a context that could not be had is asked for again."""


class SubscriptionsReader:
    """Reads records of entities and of subscriptions. `contexts` resolves the URL or the path of a context, and returns
    the URL that others know it by, too; it may raise.

    `machine` rules throttling and periods; expiry and what is shown follow city time.
    """

    name = "subscriptions"
    wants: Collection[str] | None = OWN | {
        "entity.created", "entity.replaced", "entity.merged", "entity.deleted", "observed",
    }  # fmt: skip
    tables: Collection[Table] = (PARCELS, DELIVERY, PACE)

    def __init__(
        self,
        rows: Rows,
        dispatch: Dispatch,
        entities: Entities,
        contexts: Callable[[str], tuple[str, Context]],
        sight: Sight,
        machine: Callable[[], Instant],
        tenant: str | None = None,
    ) -> None:
        self.dispatch = dispatch
        self.index = Index()
        self._entities, self._contexts, self._sight = entities, contexts, sight
        self._machine = machine
        self._tenant = tenant
        self._held: dict[str, Held] = {}
        self._memory = Memory(lambda id: entities.find(id, EVERYTHING), self.index.gated)
        self._paces = Paces(rows.rows(PACE))
        self._alarm: Instant | None = None
        self._ends: dict[str, Instant] = {}
        self._paced: dict[str, Watch] = {}
        for id, _, document, context, secret, creator, roles, _, _, since, _ in rows.rows(SUBSCRIPTION):
            self._open(id, Held(msgspec.json.decode(document), context, secret, creator, roles), since, dispatch.now())
        self._set_alarm()

    @property
    def minds(self) -> Collection[str] | None:
        """Which kinds concern it at present: without a subscription, those of subscriptions alone."""
        return self.wants if self._held else OWN

    @property
    def next_wake(self) -> Instant | None:
        """At once when the dispatch has something to write or a throttled or periodic subscription is due."""
        due = self._alarm is not None and self._alarm <= self._machine()
        return 0 if due else self.dispatch.next_wake

    def read(self, records: Sequence[Record], now: Instant) -> Effects:
        """Tell what the records changed, and follow the subscriptions' own records, in order."""
        delta: list[journal.Change] = []
        ends = {
            record.subject: record.body["before"]
            for record in records
            if record.kind == "entity.deleted" and record.body is not None and "before" in record.body
        }
        round_ = self._round(now, ends)
        hearing = Hearing(records, self.index.wants)
        try:
            for record in records:
                if record.kind in OWN:
                    round_.send()
                    delta += self._follow(record, now)
                elif self.index.watches and record.body is not None:
                    if record.kind == "observed":
                        self._hear(record, round_, hearing)
                    else:
                        self._take(record, round_)
        except Exception:  # whatever it was, the records are read again, or one of them never
            self._memory.forget()
            raise
        round_.send()
        self._set_alarm()
        return self._effects(delta)

    def wake(self, now: Instant) -> Effects:
        """Notify those whose throttling or period has passed; write what the dispatch has to say."""
        round_ = self._round(now)
        for watch, pending in self._paces.due(self._paced.values(), self._machine()):
            if not watch.alive(now):
                continue
            try:
                if watch.interval_us is not None:
                    self._tell_all(watch, round_)
                else:
                    for entity, item in pending.items():
                        round_.tell_later(watch, entity, item)
            except QuanyuError as error:
                self.dispatch.trouble(watch.id, error.message)
        round_.send()
        self._set_alarm()
        return self._effects([])

    def flush(self) -> Effects:
        """Make rows of what is not delivered: before the hub is closed or pruned."""
        self.dispatch.save()
        return self._effects([])

    def held(self, id: str) -> Held | None:
        """Return a subscription with its writer ready; used by the round."""
        held = self._held.get(id)
        if held is None:
            return None
        if held.notice is None or (held.stale_at is not None and held.stale_at <= self._machine()):
            self._write_anew(id, held)
        return held

    # -- subscriptions ------------------------------------------------------------------------------------------------

    def _follow(self, record: Record, now: Instant) -> list[journal.Change]:
        id, body = record.subject, record.body or {}
        if record.kind == "subscription.replayed":
            return self.dispatch.replay(id)
        if record.kind == "subscription.deleted":
            self._held.pop(id, None)
            self._ends.pop(id, None)
            self._paced.pop(id, None)
            self.index.remove(id)
            if not self.index.watches:
                self._memory.forget()
            self._paces.stop(id)
            return self.dispatch.close(id)
        if record.kind == "subscription.created":
            roles = None if body["roles"] is None else ",".join(body["roles"])
            held = Held(body["document"], body["context"], body["secret"], record.actor, roles)
            self._open(id, held, record.seq, now)
            return []
        known, watch = self._held.get(id), self.index.watches.get(id)
        if known is not None and watch is not None:
            held = Held(body["document"], known.context, body["secret"], known.creator, known.roles)
            self._open(id, held, watch.since if watch.alive(now) else record.seq, now)
        return []

    def _open(self, id: str, held: Held, since: int, now: Instant) -> None:
        watch = watch_of(id, held.document, since)
        self._held[id] = held
        self._ends.pop(id, None)
        self._paced.pop(id, None)
        if watch.throttling_us is not None or watch.interval_us is not None:
            self._paced[id] = watch
        if watch.expires is not None and watch.alive(now):
            self._ends[id] = watch.expires
        gated = set(self.index.gated)
        self.index.put(watch)
        if not gated.issuperset(self.index.gated):
            self._memory.forget()
        self._paces.start(watch, self._machine())
        self._write_anew(id, held, paused=not watch.alive(now))

    def _write_anew(self, id: str, held: Held, paused: bool | None = None) -> None:
        """Make the writer and the receiver; without its context a notification uses core words, till it is to be had."""
        url = held.document.get("jsonldContext", held.context)
        context: Context | None = None
        # The hub may learn by what name it is served: then a path becomes a URL.
        held.stale_at = self._machine() + CONTEXT_AGAIN_US if url.startswith("/") else None
        try:
            url, context = self._contexts(url)
        except QuanyuError:
            held.stale_at = self._machine() + CONTEXT_AGAIN_US
        held.notice = Notice(held.document, url, context)
        self.dispatch.open(held.notice.receiver(id, held.document, held.secret, self._tenant), paused)

    # -- changes ------------------------------------------------------------------------------------------------------

    def _end_expired(self, now: Instant) -> None:
        """Let what waits for an expired subscription rest."""
        for id in [id for id, at in self._ends.items() if at <= now]:
            del self._ends[id]
            self.dispatch.pause(id)

    def _round(self, now: Instant, ends: Mapping[str, Document] = MappingProxyType({})) -> Round:
        self._sight.renew()
        self._end_expired(now)
        return Round(
            self._entities, self._sight.scope, self.held, self._paces, self.dispatch, now, self._machine(), ends
        )  # fmt: skip

    def _hear(self, record: Record, round_: Round, hearing: Hearing) -> None:
        """Tell of observations; most of what is observed concerns nobody, so that is found out first."""
        if (record.body or {}).get("as") == "history":
            # It notifies nobody, but may tell the last value.
            self._memory.forget()
            return
        for entity, patch in hearing.patches(record).items():
            part = self._memory.observe(entity, patch)
            if part is None:
                continue
            types = types_of(part)
            watches = self.index.candidates(entity, types, patch, lambda: part)  # noqa: B023
            if watches:
                laid = hearing.with_latest(entity, patch)
                self._tell_each(
                    watches, Change(record.seq, record.at, entity, types, changed=frozenset(patch), patch=laid), round_
                )

    def _take(self, record: Record, round_: Round) -> None:
        """Tell of a change that was written."""
        change = change_of(record)
        # Instances that were named one by one leave others standing that the record does not tell.
        self._memory.take(change, in_full=not (record.body or {}).get("datasets"))

        def standing() -> Document | None:
            return round_.standing(change) if change.deleted else self._memory.standing(change)

        self._tell_each(
            self.index.candidates(change.entity, change.types or (), change.touched, standing), change, round_
        )

    def _tell_each(self, watches: Sequence[Watch], change: Change, round_: Round) -> None:
        for watch in watches:
            if (
                watch.since < change.seq
                and watch.alive(round_.now)
                and watch.selects(change.entity, change.types or ())
                and watch.fires(change)
            ):
                self._tell(watch, change, round_)

    def _tell(self, watch: Watch, change: Change, round_: Round) -> None:
        try:
            round_.tell(watch, change)
        except Unavailable:
            raise
        except (QuanyuError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            # The fault of one subscription must not keep the others from hearing.
            self.dispatch.lost(watch.id, change.seq, f"{type(error).__name__}: {error}")

    # -- time ---------------------------------------------------------------------------------------------------------

    def _tell_all(self, watch: Watch, round_: Round) -> None:
        """Tell of all entities that a periodic subscription names (5.8.6)."""
        scope = round_.scope_of(watch)
        if scope is None:
            return
        told: set[str] = set()
        for selector in watch.selectors:
            after = 0
            for _ in range(PERIODIC_PAGES_MAX):
                selection = Selection(
                    ids=None if selector.id is None else (selector.id,),
                    id_pattern=None if selector.id is not None else selector.pattern,
                    types=selector.types, q=watch.q, geo=watch.geo, scope_q=watch.scope_q, limit=PERIODIC_ITEMS_MAX,
                    after=after, sys=True,
                )  # fmt: skip
                page = self._entities.select(selection, scope)
                for document in page.items:
                    if document["id"] not in told:
                        told.add(document["id"])
                        round_.tell_standing(watch, document, scope)
                if page.after is None:
                    break
                after = int(page.after)

    def _set_alarm(self) -> None:
        machine = self._machine()
        times = [self._paces.next_of(watch, machine) for watch in self._paced.values()]
        self._alarm = min((at for at in times if at is not None), default=None)

    def _effects(self, delta: list[journal.Change]) -> Effects:
        delta += self._paces.delta()
        delta += self.dispatch.collect()
        return Effects((), tuple(delta), self.dispatch.hold())
