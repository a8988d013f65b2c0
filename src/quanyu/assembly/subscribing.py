"""Puts the subscriptions of a hub together: their reader, its dispatch, what creators may see, and how it all ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from quanyu.adapters.http.carrier import HttpCarrier
from quanyu.adapters.mqtt.carrier import MqttCarrier
from quanyu.adapters.sqlite.notify import SqliteParcels
from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.assembly.hub import Hub
from quanyu.engines.access.view import AccessView
from quanyu.engines.notify.dispatch import Dispatch
from quanyu.engines.notify.parcel import Carrier, Letter
from quanyu.engines.notify.registration_reader import RegistrationSubscriptionsReader
from quanyu.engines.notify.registration_subscriptions import REGISTRATION_SUBSCRIPTION, lane_of
from quanyu.engines.notify.store import Answer
from quanyu.engines.notify.subscriptions_reader import SubscriptionsReader
from quanyu.engines.notify.subscriptions_view import SubscriptionsView
from quanyu.kernel.errors import QuanyuError
from quanyu.kernel.journal import Reader
from quanyu.kernel.ngsi.context import Context
from quanyu.kernel.view import Filter

Reveal = Callable[[str], Mapping[str, str] | None]


class CreatorSight:
    """What creators of subscriptions may see, found once for each version of the policy."""

    def __init__(self, access: AccessView, action: str = "view:entities") -> None:
        self._access, self._action = access, action
        self._version = -1
        self._scopes: dict[tuple[str, str | None], Filter | None] = {}

    def renew(self) -> None:
        """Forget what was found when the policy has changed."""
        version = self._access.version()
        if version != self._version:
            self._version, self._scopes = version, {}

    def scope(self, creator: str, roles: str | None) -> Filter | None:
        """Return what an actor with (only) these roles may see; None when that is nothing."""
        key = (creator, roles)
        if key not in self._scopes:
            held = None if roles is None else roles.split(",")
            self._scopes[key] = self._access.reach(creator, self._action, held)
        return self._scopes[key]


def subscribe(
    hub: Hub, store: SqliteStore, carrier: Carrier, reveal: Reveal, access: AccessView, tenant: str | None = None
) -> None:
    """Give a hub its subscriptions, to entities and to registrations: views, and readers with the rest of their lives."""

    def dispatch_of() -> Dispatch:
        return Dispatch(SqliteParcels(store.connection), carrier, reveal, hub.clock.now, hub.machine)

    def context_of(url: str) -> tuple[str, Context]:
        # A path is that of a context kept here, whatever name the hub is asked by. No network: neither the start nor the
        # others' notifications may wait for the web server of one subscription's context.
        absolute = url if not url.startswith("/") else f"{hub.url or 'http://localhost'}{url}"
        return absolute, hub.contexts.at_hand(absolute)

    dispatch = dispatch_of()
    reader = SubscriptionsReader(
        store, dispatch, hub.views.entities, context_of, CreatorSight(access), hub.machine, tenant
    )
    _live(hub, reader, dispatch)
    hub.subscriptions = SubscriptionsView(store, dispatch, hub.clock.now)
    dispatch = dispatch_of()
    sight = CreatorSight(access, "view:registrations")
    other = RegistrationSubscriptionsReader(
        store, dispatch, hub.registrations, context_of, sight, hub.machine, tenant
    )  # fmt: skip
    _live(hub, other, dispatch)
    hub.registration_subscriptions = SubscriptionsView(
        store, dispatch, hub.clock.now, REGISTRATION_SUBSCRIPTION, lane_of
    )  # fmt: skip


def _live(hub: Hub, reader: Reader, dispatch: Dispatch) -> None:
    runner = hub.attach(reader)
    dispatch.nudge = lambda: runner.notify(hub.last_seq)

    def end() -> None:
        dispatch.stop()
        with suppress(QuanyuError):
            runner.put_down()

    hub.endings.append(end)


class Carriers:
    """Hands each letter to the carrier of its scheme; shared by a home and its tenants."""

    def __init__(self, web: HttpCarrier, broker: MqttCarrier) -> None:
        self._parts = (web, broker)
        self._by_scheme: Mapping[str, Carrier] = {"http": web, "https": web, "mqtt": broker, "mqtts": broker}

    def carry(self, letter: Letter, done: Callable[[Answer], None]) -> None:
        """Take a letter; subscriptions and registrations name no scheme that is not carried."""
        self._by_scheme[letter.uri.partition(":")[0].lower()].carry(letter, done)

    def close(self) -> None:
        """End what carries."""
        for part in self._parts:
            part.close()


def carriers_of(allow_private: bool) -> Carriers:
    """Return the carriers of a home; `allow_private` lets letters go to private addresses."""
    return Carriers(HttpCarrier(allow_private), MqttCarrier(allow_private))
