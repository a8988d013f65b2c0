"""The ear of subscriptions to registrations: tells which sources newly match, were updated, or match no longer (5.11.7)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, Final, Protocol

import msgspec

from quanyu.engines.notify.dispatch import Dispatch
from quanyu.engines.notify.notice import JSON, LD, TIMEOUT_MS, headers_of, opening
from quanyu.engines.notify.parcel import Parcel, Receiver, notification_id
from quanyu.engines.notify.registration_subscriptions import REGISTRATION_SUBSCRIPTION, lane_of
from quanyu.engines.notify.store import Rows
from quanyu.engines.notify.subscriptions import status_of
from quanyu.engines.notify.subscriptions_reader import Sight
from quanyu.kernel import journal
from quanyu.kernel.errors import QuanyuError
from quanyu.kernel.journal import Command, Effects, Instant, Record, Table
from quanyu.kernel.ngsi.context import CORE, Context
from quanyu.kernel.ngsi.core import CORE_URL
from quanyu.kernel.ngsi.instants import micros
from quanyu.kernel.ngsi.registration import Registration, write_registration
from quanyu.kernel.ngsi.registration_subscription import Wanted, wanted_of
from quanyu.kernel.ngsi.subscription import Subscription

NEW: Final = "newlyMatching"
UPDATED: Final = "updated"
GONE: Final = "noLongerMatching"
ITEMS_MAX: Final = 500
CONTEXT_AGAIN_US: Final = 10_000_000
BLIND: Final = "Its creator may see no registrations any more."
_encode = msgspec.json.Encoder().encode


class Sources(Protocol):
    """The registrations that stand."""

    def documents(self) -> Iterator[tuple[Registration, Instant | None, int]]:
        """Yield them oldest first, each with the city time at which it ends (None: never) and the seq that made it."""
        ...


class _Held(msgspec.Struct):
    """A subscription as the reader holds it. `last`: machine time of its last notification.

    `pending`: registrations that changed while it was throttled, each with why and as it was told last.
    """

    id: str
    document: Subscription
    context: str
    secret: str | None
    creator: str
    roles: str | None
    wanted: Wanted
    url: str = CORE_URL
    words: Context = CORE
    last: Instant = 0
    stale_at: Instant | None = None
    """From when on its context is asked for again (machine time), None when it is here."""
    pending: dict[str, tuple[str, Registration]] = {}

    @property
    def interval_us(self) -> int | None:
        seconds = self.document.get("timeInterval")
        return None if seconds is None else int(seconds * 1e6)

    @property
    def throttling_us(self) -> int:
        return int(self.document.get("throttling", 0) * 1e6)


class RegistrationSubscriptionsReader:
    """Reads records of registrations and of subscriptions to them. `contexts` resolves the URL of a context; it may raise.

    Periods and throttling follow machine time and begin anew when the hub is opened; expiry follows city time.
    """

    name = "registration_subscriptions"
    wants: Collection[str] | None = frozenset(
        {
            *(f"registration.{each}" for each in ("created", "updated", "deleted")),
            *(f"registration_subscription.{each}" for each in ("created", "updated", "deleted", "replayed")),
        }
    )
    tables: Collection[Table] = ()

    def __init__(
        self,
        rows: Rows,
        dispatch: Dispatch,
        sources: Sources,
        contexts: Callable[[str], tuple[str, Context]],
        sight: Sight,
        machine: Callable[[], Instant],
        tenant: str | None = None,
    ) -> None:
        self.dispatch = dispatch
        self._sources, self._contexts, self._sight, self._machine = sources, contexts, sight, machine
        self._tenant = tenant
        self._held: dict[str, _Held] = {}
        for id, _, document, context, secret, creator, roles, *_ in rows.rows(REGISTRATION_SUBSCRIPTION):
            self._open(id, msgspec.json.decode(document), context, secret, creator, roles, machine())
        self._ending: dict[str, tuple[Instant, Registration]] = {}
        for registration, ends, _ in sources.documents():
            if ends is not None:
                self._ending[registration["id"]] = (ends, registration)

    @property
    def next_wake(self) -> Instant | None:
        """At once when the dispatch or a subscription is due, else when the next registration ends."""
        machine = self._machine()
        if self.dispatch.next_wake is not None or any(self._due(held, machine) for held in self._held.values()):
            return 0
        return min((ends for ends, _ in self._ending.values()), default=None)

    def read(self, records: Sequence[Record], now: Instant) -> Effects:
        """Tell what the records changed, and follow the subscriptions' own records, in order."""
        self._sight.renew()
        delta: list[journal.Change] = []
        for record in records:
            body = record.body or {}
            if record.kind.startswith("registration_subscription."):
                delta += self._follow(record, body, now)
                continue
            after: Registration | None = body.get("document")
            if after is not None and "expiresAt" in after:
                self._ending[record.subject] = (micros(after["expiresAt"]), after)
            else:
                self._ending.pop(record.subject, None)
            self._changed(body.get("before"), after, record.seq, now)
        return self._effects(delta)

    def wake(self, now: Instant) -> Effects:
        """Tell of registrations that have ended, and those whose throttling or period has passed."""
        self._sight.renew()
        over = [(id, ended) for id, (ends, ended) in self._ending.items() if ends <= now]
        commands = [Command("registration.expire", id, {}) for id, _ in over]
        for id, ended in over:
            # A reader does not hear what it causes itself.
            del self._ending[id]
            self._changed(ended, None, 0, now)
        machine = self._machine()
        for held in self._held.values():
            if self._due(held, machine) and status_of(held.document, now) == "active":
                self._tell_due(held, machine)
        return self._effects([], commands)

    def flush(self) -> Effects:
        """Make rows of what is not delivered: before the hub is closed or pruned."""
        self.dispatch.save()
        return self._effects([])

    # -- subscriptions -------------------------------------------------------------------------------------------------

    def _follow(self, record: Record, body: dict[str, Any], now: Instant) -> list[journal.Change]:
        id, verb = record.subject, record.kind.rpartition(".")[2]
        if verb == "replayed":
            return self.dispatch.replay(lane_of(id))
        if verb == "deleted":
            self._held.pop(id, None)
            return self.dispatch.close(lane_of(id))
        known = self._held.get(id)
        if verb == "created":
            roles = None if body["roles"] is None else ",".join(body["roles"])
            self._open(id, body["document"], body["context"], body["secret"], record.actor, roles, self._machine())
        elif known is not None:
            self._open(id, body["document"], known.context, body["secret"], known.creator, known.roles, self._machine())
        held = self._held.get(id)
        if held is not None and status_of(held.document, now) == "active":
            # Initially, and after a change, all that match are told (5.11.3.4, 5.11.7).
            # Those that came later have records of their own to be told by.
            self._tell(held, NEW, self._matching(held, record.seq), record.seq)
        return []

    def _open(
        self, id: str, document: Subscription, context: str, secret: str | None, creator: str, roles: str | None,
        machine: Instant,
    ) -> None:  # fmt: skip
        held = _Held(id, document, context, secret, creator, roles, wanted_of(document))
        if id in self._held:
            held.last = self._held[id].last
        if "timeInterval" in document:
            held.last = machine
        self._held[id] = held
        self._receive(held)

    def _receive(self, held: _Held) -> None:
        """Make the receiver; without its context a notification uses core words, till it is to be had."""
        id, document, held.stale_at = held.id, held.document, None
        try:
            held.url, held.words = self._contexts(document.get("jsonldContext", held.context))
        except QuanyuError as error:
            held.stale_at = self._machine() + CONTEXT_AGAIN_US
            self.dispatch.trouble(lane_of(id), error.message)
        endpoint = document["notification"]["endpoint"]
        accept = _accept(held)
        receiver = Receiver(
            id=lane_of(id),
            uri=endpoint["uri"],
            opening=opening(id, "ContextSourceNotification", accept, held.url),
            headers=headers_of(endpoint, accept, held.url, held.secret is not None, self._tenant),
            options={pair["key"]: pair["value"] for pair in endpoint.get("notifierInfo", ())},
            secret=held.secret,
            timeout_us=int(endpoint.get("timeout", TIMEOUT_MS) * 1_000),
            cooldown_us=int(endpoint.get("cooldown", 0) * 1_000),
        )
        self.dispatch.open(receiver, status_of(document, self.dispatch.now()) != "active")

    # -- telling -------------------------------------------------------------------------------------------------------

    def _changed(self, before: Registration | None, after: Registration | None, seq: int, now: Instant) -> None:
        for held in self._held.values():
            if held.interval_us is not None or status_of(held.document, now) != "active":
                continue
            was = before is not None and held.wanted.selects(before)
            is_ = after is not None and held.wanted.selects(after)
            if is_ and after is not None:
                self._tell_one(held, UPDATED if was else NEW, after, seq)
            elif was and before is not None:
                self._tell_one(held, GONE, after or before, seq)

    def _tell_one(self, held: _Held, reason: str, registration: Registration, seq: int) -> None:
        machine = self._machine()
        if held.throttling_us and machine - held.last < held.throttling_us:
            earlier = held.pending.get(registration["id"])
            if earlier is not None and earlier[0] == NEW and reason == UPDATED:
                reason = NEW
            held.pending[registration["id"]] = (reason, registration)
            return
        self._tell(held, reason, [registration], seq)

    def _due(self, held: _Held, machine: Instant) -> bool:
        wait = held.interval_us if held.interval_us is not None else held.throttling_us if held.pending else None
        return wait is not None and machine - held.last >= wait

    def _tell_due(self, held: _Held, machine: Instant) -> None:
        if held.interval_us is not None:
            held.last = machine
            self._tell(held, NEW, self._matching(held), 0)
            return
        pending, held.pending = held.pending, {}
        for reason in (NEW, UPDATED, GONE):
            self._tell(held, reason, [each for why, each in pending.values() if why == reason], 0)

    def _matching(self, held: _Held, until: int | None = None) -> list[Registration]:
        several = self._sources.documents()
        return [each for each, _, seq in several if (until is None or seq <= until) and held.wanted.selects(each)]

    def _tell(self, held: _Held, reason: str, registrations: Iterable[Registration], seq: int) -> None:
        """Hand a notification to the dispatch; `seq` 0 is what the clock told, which no record stands for."""
        several = list(registrations)
        if not several:
            return
        if self._sight.scope(held.creator, held.roles) is None:
            self.dispatch.trouble(lane_of(held.id), BLIND)
            return
        held.last = self._machine()
        if held.stale_at is not None and held.stale_at <= held.last:
            self._receive(held)
        for start in range(0, len(several), ITEMS_MAX):
            part = several[start : start + ITEMS_MAX]
            ids = tuple(each["id"] for each in part)
            told = notification_id(held.id, seq or held.last, reason, *ids)
            items = b",".join(self._item(held, each, reason) for each in part)
            tail = f'],"triggerReason":"{reason}"}}'
            parcel = Parcel(lane_of(held.id), 0, told, seq, items, len(part), ids, tail)
            self.dispatch.send(parcel, hold=bool(seq))

    def _item(self, held: _Held, registration: Registration, reason: str) -> bytes:
        shown = registration if reason == GONE else held.wanted.narrowed(registration)
        written = write_registration(shown, held.words)
        return _encode({**written, "@context": held.url} if _accept(held) == LD else written)

    def _effects(self, delta: list[journal.Change], commands: Sequence[Command] = ()) -> Effects:
        delta += self.dispatch.collect()
        return Effects(tuple(commands), tuple(delta), self.dispatch.hold())


def _accept(held: _Held) -> str:
    """Return the media type of the notifications: registrations have no GeoJSON."""
    return LD if held.document["notification"]["endpoint"].get("accept", JSON) == LD else JSON
