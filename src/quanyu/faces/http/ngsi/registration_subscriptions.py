"""Subscriptions to registrations: who is told which sources there are."""

from __future__ import annotations

from typing import Any

from quanyu.engines.notify.subscriptions_view import Subscribed, SubscriptionsView
from quanyu.faces.http.ngsi.asked import Answer, Asked, created
from quanyu.faces.http.ngsi.negotiate import PATCHED
from quanyu.faces.http.ngsi.route import NgsiRoute, words
from quanyu.faces.http.ngsi.selecting import page_of
from quanyu.faces.http.ngsi.subscriptions import check_context, with_context
from quanyu.kernel.entity import check_id
from quanyu.kernel.journal import Command
from quanyu.kernel.ngsi.registration_subscription import (
    read_registration_subscription,
    read_registration_subscription_fragment,
    write_registration_subscription,
)

KIND = "registration_subscription"


async def subscribe(asked: Asked) -> Answer:
    """NGSI-LD 5.11.2, 6.12.3.1: subscribe to registrations."""
    document = read_registration_subscription(asked.body, asked.context)
    await check_context(asked, document)
    id = document.get("id") or f"urn:ngsi-ld:Subscription:{asked.fresh_id()}"
    url, kept = asked.hub.contexts.implied(asked.context.source)
    actor = asked.actor
    # A token may be narrower than its owner: what it makes sees no more than the token.
    roles = sorted({grant.role for grant in actor.roles}) if actor.via == "token" else None
    make = Command(f"{KIND}.create", id, {"document": document, "context": url, "roles": roles})
    await asked.commit([make] if kept is None else [kept, make])
    return created("/csourceSubscriptions", id)


def query(asked: Asked) -> Answer:
    """NGSI-LD 5.11.5, 6.12.3.2: the subscriptions to registrations, oldest first."""
    limit, offset, counted = page_of(asked)
    found, total = _view(asked).page(offset, limit)
    items = [_shown(each, asked) for each in found]
    more = offset + limit < total
    return asked.listing(items, limit=limit, offset=offset, more=more, total=total if counted else None)


def retrieve(asked: Asked) -> dict[str, Any]:
    """NGSI-LD 5.11.4, 6.13.3.1: one subscription to registrations."""
    return _shown(_view(asked).get(check_id(asked.path("subscriptionId"))), asked)


async def update(asked: Asked) -> None:
    """NGSI-LD 5.11.3, 6.13.3.2: change members of a subscription; null removes one."""
    id = check_id(asked.path("subscriptionId"))
    fragment = read_registration_subscription_fragment(asked.body, asked.context)
    await check_context(asked, fragment)
    await asked.commit([Command(f"{KIND}.update", id, {"fragment": fragment})])


async def delete(asked: Asked) -> None:
    """NGSI-LD 5.11.6, 6.13.3.3: end a subscription, with all that waits for its receiver."""
    await asked.commit([Command(f"{KIND}.delete", check_id(asked.path("subscriptionId")), {})])


def _shown(found: Subscribed, asked: Asked) -> dict[str, Any]:
    whole = found.whole("sysAttrs" in asked.query.options)
    if "notificationTrigger" not in found.document:
        whole.pop("notificationTrigger", None)  # what triggers is a change of a registration, whichever
    return write_registration_subscription(with_context(asked, found, whole), asked.context)


def _view(asked: Asked) -> SubscriptionsView:
    view: SubscriptionsView = asked.hub.registration_subscriptions
    return view


ALL = "/csourceSubscriptions"
ONE = "/csourceSubscriptions/{subscriptionId}"
SEEN = "view:registrations"
ROUTES = (
    NgsiRoute(method="POST", path=ALL, permission=f"{KIND}.create", handle=subscribe, body="object",
              summary="Subscribe to registrations", makes_tenant=True, status=201),
    NgsiRoute(method="GET", path=ALL, permission=SEEN, handle=query, summary="Subscriptions to registrations",
              parameters=words("limit offset count options"), options=words("sysAttrs")),
    NgsiRoute(method="GET", path=ONE, permission=SEEN, handle=retrieve, summary="One subscription to registrations",
              parameters=words("options"), options=words("sysAttrs"), quick=True),
    NgsiRoute(method="PATCH", path=ONE, permission=f"{KIND}.update", handle=update, body="object", reads=PATCHED,
              summary="Change a subscription to registrations", status=204),
    NgsiRoute(method="DELETE", path=ONE, permission=f"{KIND}.delete", handle=delete,
              summary="End a subscription to registrations", status=204),
)  # fmt: skip
