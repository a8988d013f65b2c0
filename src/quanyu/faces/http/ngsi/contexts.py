"""The contexts that this broker holds: publish, list, serve, remove and load again (5.13)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool

from quanyu.engines.context.contexts import check_terms
from quanyu.faces.http.ngsi.asked import Answer, Asked, created
from quanyu.faces.http.ngsi.negotiate import JSON, LD
from quanyu.faces.http.ngsi.route import BASE, NgsiRoute, words
from quanyu.kernel.journal import Command
from quanyu.kernel.time import format_instant

PATH = "/jsonldContexts"
HOST = re.compile(r"[A-Za-z0-9._-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")


async def add(asked: Asked) -> Answer:
    """NGSI-LD 5.13.2, 6.29.3.1: publish a context; what stands beside its "@context" is dropped."""
    await run_in_threadpool(check_terms, asked.body)
    command = Command("context.add", "", {"kind": "Hosted", "document": asked.body})
    receipt = await asked.commit([command])
    return created(PATH, receipt.outcomes[0].subject)


def listed(asked: Asked) -> Answer:
    """NGSI-LD 5.13.3, 6.29.3.2: the contexts that are held here, as URLs or with details."""
    details = asked.query.flag("details")
    entries = asked.hub.contexts.entries(asked.query.get("kind"))
    return Answer([_details(asked, each) if details else _url(asked, each) for each in entries])


def served(asked: Asked) -> Answer:
    """NGSI-LD 5.13.4, 6.30.3.1: a context, or what is known about it.

    The core contexts are served, too: they are part of this hub. Being asked for is a use, so it counts as a hit.
    """
    name = asked.path("contextId")
    if asked.query.flag("details"):
        entry = asked.hub.contexts.get(name)
        asked.hub.contexts.served(name)
        return Answer(_details(asked, entry))
    document = asked.hub.contexts.document(name)
    asked.hub.contexts.served(name)
    return Answer(document)


async def removed(asked: Asked) -> None:
    """NGSI-LD 5.13.5, 6.30.3.2: remove a context, or download it again; what stood stays when that fails."""
    name = asked.path("contextId")
    contexts = asked.hub.contexts
    if asked.query.flag("reload"):
        await run_in_threadpool(contexts.reload, name)
        return
    if await run_in_threadpool(contexts.forget, name):
        return
    await asked.commit([Command("context.remove", name, {})])
    contexts.removed(name)


def _details(asked: Asked, entry: Any) -> Mapping[str, Any]:
    shown = {
        "URL": _url(asked, entry),
        "localId": entry.id,
        "kind": entry.kind,
        "createdAt": format_instant(entry.created),
        "numberOfHits": entry.hits,
    }
    return {**shown, "lastUsage": format_instant(entry.last)} if entry.last else shown


def _url(asked: Asked, entry: Any) -> str:
    """Return where a context can be downloaded: of one that is kept here, below the name that the hub was asked by."""
    if entry.url is not None:
        return str(entry.url)
    return f"{base_of(asked)}{BASE}{PATH}/{entry.id}"


def base_of(asked: Asked) -> str:
    """Return scheme and host as the sender names this hub: what stands before the path of a URL of ours."""
    host = asked.header(b"host")
    if not HOST.fullmatch(host):
        return str(asked.home.url or "")
    # A proxy that ends TLS says so; who lies about it is shown his own lie.
    return f"{'https' if asked.header(b'x-forwarded-proto') == 'https' else 'http'}://{host}"


ROUTES = (
    NgsiRoute(method="POST", path=PATH, permission="context.add", handle=add, summary="Publish a context",
              body="any", own_context=True, reads=(JSON, LD), makes_tenant=True, status=201),
    NgsiRoute(method="GET", path=PATH, permission="view:entities", handle=listed, summary="Contexts that are held here",
              parameters=words("details kind")),
    NgsiRoute(method="GET", path=PATH + "/{contextId}", permission="view:entities", handle=served,
              summary="A context, or what is known about it", parameters=words("details")),
    NgsiRoute(method="DELETE", path=PATH + "/{contextId}", permission="context.remove", handle=removed,
              summary="Remove a context, or download it again", parameters=words("reload"), status=204),
)  # fmt: skip
