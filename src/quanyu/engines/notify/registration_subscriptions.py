"""Decides which subscriptions to registrations stand (5.11.2 to 5.11.6): as those to entities, in tables of their own."""

from __future__ import annotations

from typing import Final

from quanyu.engines.notify.subscriptions import SUBSCRIPTION, SUBSCRIPTIONS, SubscriptionsEngine
from quanyu.kernel.journal import Table

REGISTRATION_SUBSCRIPTION: Final = Table("registration_subscription", SUBSCRIPTION.columns)
REGISTRATION_SUBSCRIPTIONS: Final = Table("registration_subscriptions", SUBSCRIPTIONS.columns)


class RegistrationSubscriptionsEngine(SubscriptionsEngine):
    """Owns subscriptions to registrations."""

    name = "registration_subscriptions"
    word = "registration_subscription"
    table = REGISTRATION_SUBSCRIPTION
    numbers = REGISTRATION_SUBSCRIPTIONS


def lane_of(id: str) -> str:
    """Return by what name the dispatch knows its receiver: no subscription to entities can have such an id."""
    return f"registrations {id}"
