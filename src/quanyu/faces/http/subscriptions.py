"""How subscriptions do: who is told, what waits, what is dead; and sending it again."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

import msgspec

from quanyu.engines.notify.subscriptions_view import Subscribed
from quanyu.faces.http.entities import receipt
from quanyu.faces.http.route import Ask, Route
from quanyu.faces.http.shown import Listing
from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Command

Limit = Annotated[int, msgspec.Meta(ge=1, le=1000)]


class SubscriptionsQuery(msgspec.Struct):
    """A page of subscriptions; `text` is sought in id, name and endpoint, `after` is the offset of the page before.

    `health=unheard` are those that fail, or whose notifications are dead or were dropped.
    """

    text: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    health: Literal["new", "ok", "failing", "unheard"] | None = None
    limit: Limit = 100
    after: str | None = None
    format: str = "json"


class NotificationsQuery(msgspec.Struct):
    """Notifications of a subscription that were not delivered, oldest first."""

    state: Literal["waiting", "dead"] = "dead"
    limit: Limit = 100
    format: str = "json"


class SubscriptionReplayBody(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing: the dead letters are sent again, behind what waits."""


def subscriptions(ask: Ask) -> Listing:
    """Subscriptions with the health of their deliveries; instants of deliveries are city time."""
    asked = ask.query
    offset = _offset(asked.after)
    chosen = None if asked.text is None and asked.health is None else partial(_chosen, asked)
    found, total = ask.hub.subscriptions.page(offset, asked.limit, chosen)
    following = str(offset + asked.limit) if offset + asked.limit < total else None
    return Listing([_health(each) for each in found], following, total, name="subscriptions")


def subscription(ask: Ask) -> dict[str, Any]:
    """One subscription with the health of its deliveries."""
    return _health(ask.hub.subscriptions.get(ask.path("id")))


def notifications(ask: Ask) -> Listing:
    """Notifications that wait or are dead."""
    ask.hub.subscriptions.get(ask.path("id"))
    return Listing(
        ask.hub.subscriptions.deliveries(ask.path("id"), ask.query.state, ask.query.limit), name="notifications"
    )


async def replay_notifications(ask: Ask) -> dict[str, Any]:
    """Send dead letters again."""
    return receipt(
        ask, await ask.hub.commit([Command("subscription.replay", ask.path("id"), {})], ask.actor.id, key=ask.key)
    )


def _offset(after: str | None) -> int:
    if after is None:
        return 0
    if not (after.isascii() and after.isdigit()) or len(after) > 9:
        raise Invalid(
            f"Cursor {after[:40]!r} continues no list of subscriptions.",
            code="query.cursor",
            where="after",
            remedy="Send the cursor of the page before, unchanged.",
        )
    return int(after)


def _chosen(asked: SubscriptionsQuery, found: Subscribed) -> bool:
    if asked.text is not None:
        endpoint = found.document["notification"]["endpoint"]["uri"]
        text = f"{found.id}\n{found.document.get('subscriptionName', '')}\n{endpoint}"
        if asked.text.strip().casefold() not in text.casefold():
            return False
    if asked.health == "unheard":
        return bool(found.health.error is not None or found.dead or found.health.dropped)
    return asked.health is None or asked.health == _word(found)


def _word(found: Subscribed) -> str:
    # An error without a failed attempt says why nothing is sent though it should be.
    return "failing" if found.health.error is not None else "new" if found.health.last_sent is None else "ok"


def _health(found: Subscribed) -> dict[str, Any]:
    health = found.health
    return {
        "id": found.id,
        "name": found.document.get("subscriptionName"),
        "endpoint": found.document["notification"]["endpoint"]["uri"],
        "creator": found.creator,
        "created_at": found.created,
        "status": found.status,
        "health": _word(found),
        "failures": health.failures,
        "error": health.error,
        "sent": health.sent,
        "failed": health.failed,
        "last_sent_at": health.last_sent,
        "last_ok_at": health.last_ok,
        "last_failed_at": health.last_failed,
        "waiting": found.waiting,
        "dead": found.dead,
        "dropped": health.dropped,
        "first_dropped": health.first_dropped,
    }


ROUTES = (
    Route(method="GET", path="/api/v1/subscriptions", permission="view:subscriptions", handle=subscriptions,
          summary="Subscriptions with their deliveries", query=SubscriptionsQuery),
    Route(method="GET", path="/api/v1/subscriptions/{id}", permission="view:subscriptions", handle=subscription,
          summary="Deliveries of one subscription"),
    Route(method="GET", path="/api/v1/subscriptions/{id}/notifications", permission="view:subscriptions",
          handle=notifications, summary="Notifications that were not delivered", query=NotificationsQuery),
    Route(method="POST", path="/api/v1/subscriptions/{id}/replay", permission="subscription.replay", handle=replay_notifications,
          summary="Send dead letters again", body=SubscriptionReplayBody),
)  # fmt: skip
