"""Subscriptions: who is told of which changes."""

from __future__ import annotations

from typing import Any

from quanyu.engines.notify.subscriptions_view import Subscribed, SubscriptionsView
from quanyu.faces.http.ngsi.asked import Answer, Asked, created
from quanyu.faces.http.ngsi.contexts import base_of
from quanyu.faces.http.ngsi.negotiate import PATCHED
from quanyu.faces.http.ngsi.route import NgsiRoute, words
from quanyu.faces.http.ngsi.selecting import page_of
from quanyu.kernel.entity import check_id
from quanyu.kernel.journal import Command
from quanyu.kernel.ngsi.subscription import (
    TYPE,
    Subscription,
    read_subscription,
    read_subscription_fragment,
    write_subscription,
)


async def subscribe(asked: Asked) -> Answer:
    """NGSI-LD 5.8.1, 6.10.3.1: make a subscription; its notifications speak the words of this request's @context."""
    document = read_subscription(asked.body, asked.context)
    await check_context(asked, document)
    id = document.get("id") or f"urn:ngsi-ld:{TYPE}:{asked.fresh_id()}"
    url, kept = asked.hub.contexts.implied(asked.context.source)
    actor = asked.actor
    # A token may be narrower than its owner: what it makes sees no more than the token.
    roles = sorted({grant.role for grant in actor.roles}) if actor.via == "token" else None
    make = Command("subscription.create", id, {"document": document, "context": url, "roles": roles})
    await asked.commit([make] if kept is None else [kept, make])
    return created("/subscriptions", id)


def query(asked: Asked) -> Answer:
    """NGSI-LD 5.8.4, 6.10.3.2: the subscriptions that stand, oldest first."""
    limit, offset, counted = page_of(asked)
    found, total = _view(asked).page(offset, limit)
    items = [shown(each, asked) for each in found]
    more = offset + limit < total
    return asked.listing(items, limit=limit, offset=offset, more=more, total=total if counted else None)


def retrieve(asked: Asked) -> dict[str, Any]:
    """NGSI-LD 5.8.3, 6.11.3.1: one subscription."""
    return shown(_view(asked).get(check_id(asked.path("subscriptionId"))), asked)


async def update(asked: Asked) -> None:
    """NGSI-LD 5.8.2, 6.11.3.2: change members of a subscription; null removes one."""
    id = check_id(asked.path("subscriptionId"))
    fragment = read_subscription_fragment(asked.body, asked.context)
    await check_context(asked, fragment)
    await asked.commit([Command("subscription.update", id, {"fragment": fragment})])


async def delete(asked: Asked) -> None:
    """NGSI-LD 5.8.5, 6.11.3.3: end a subscription, with all that waits for its receiver."""
    await asked.commit([Command("subscription.delete", check_id(asked.path("subscriptionId")), {})])


def shown(found: Subscribed, asked: Asked) -> dict[str, Any]:
    """Return a subscription in the words of the request."""
    whole = found.whole("sysAttrs" in asked.query.options)
    return write_subscription(with_context(asked, found, whole), asked.context)


def with_context(asked: Asked, found: Subscribed, whole: Subscription) -> Subscription:
    """Tell where the context of its notifications is when it is one that was kept here for it (5.13.1)."""
    if found.context.startswith("/"):
        whole.setdefault("jsonldContext", f"{base_of(asked)}{found.context}")
    return whole


async def check_context(asked: Asked, document: Subscription) -> None:
    """Get the context that notifications shall speak: one that cannot be had now is refused now."""
    url = document.get("jsonldContext")
    if url is not None:
        await asked.resolved(url)


def _view(asked: Asked) -> SubscriptionsView:
    view: SubscriptionsView = asked.hub.subscriptions
    return view


ONE = "/subscriptions/{subscriptionId}"
ROUTES = (
    NgsiRoute(method="POST", path="/subscriptions", permission="subscription.create", handle=subscribe,
              summary="Subscribe to changes", body="object", parameters=words("local"), makes_tenant=True, status=201),
    NgsiRoute(method="GET", path="/subscriptions", permission="view:subscriptions", handle=query,
              summary="Subscriptions", parameters=words("limit offset count options local"),
              options=words("sysAttrs")),
    NgsiRoute(method="GET", path=ONE, permission="view:subscriptions", handle=retrieve, summary="One subscription",
              parameters=words("options local"), options=words("sysAttrs"), quick=True),
    NgsiRoute(method="PATCH", path=ONE, permission="subscription.update", handle=update,
              summary="Change a subscription", body="object", reads=PATCHED, parameters=words("local"), status=204),
    NgsiRoute(method="DELETE", path=ONE, permission="subscription.delete", handle=delete,
              summary="End a subscription", parameters=words("local"), status=204),
)  # fmt: skip
