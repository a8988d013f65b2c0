"""Who this broker is: the identity of the context source."""

from __future__ import annotations

from typing import Any

from quanyu.faces.http.ngsi.asked import Asked
from quanyu.faces.http.ngsi.route import NgsiRoute
from quanyu.kernel.time import format_instant


def identity(asked: Asked) -> dict[str, Any]:
    """NGSI-LD 5.15.1, 6.33.3.1: the identity of this context source, by which loops are found."""
    hub = asked.hub
    return {
        "id": f"urn:ngsi-ld:ContextSourceIdentity:{hub.alias}",
        "type": "ContextSourceIdentity",
        "contextSourceAlias": hub.alias,
        "contextSourceUptime": f"PT{max(0, hub.machine() - hub.opened_at) // 1_000_000}S",
        "contextSourceTimeAt": format_instant(hub.machine() // 1_000_000 * 1_000_000),
    }


ROUTES = (
    NgsiRoute(method="GET", path="/info/sourceIdentity", permission="view:entities", handle=identity, quick=True,
              summary="Identity of this context source"),
)  # fmt: skip
