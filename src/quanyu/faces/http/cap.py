"""CAP 1.2 at the border: a public feed of what is in force, each message as XML, and messages of authorised peers.

What a peer sends opens a case for the duty officer. Nothing of it is published here before somebody drafts it anew and a
second person approves it.
"""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from starlette.responses import Response

from quanyu.faces.http.route import PUBLIC, Ask, Raw, Route
from quanyu.kernel.cap import MEDIA_TYPE, written_time

ATOM = "http://www.w3.org/2005/Atom"
CAP = "urn:oasis:names:tc:emergency:cap:1.2"
FEED_TYPE = "application/atom+xml; charset=utf-8"


def feed(ask: Ask) -> Response:
    """RFC 4287: the warnings in force as an Atom feed, the worst first; exercises are not in it."""
    hub = ask.hub
    found = hub.warnings.views.in_force()
    zone = ask.zone
    base = str(ask.request.base_url).rstrip("/")
    updated = max((each.published_at or 0 for each in found), default=hub.clock.now())
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<feed xmlns="{ATOM}" xmlns:cap="{CAP}">',
        f"<id>urn:quanyu:cap:{escape(hub.city.code)}</id>",
        f"<title>{escape(hub.city.name['zh'])} 预警 / {escape(hub.city.name['en'])} warnings</title>",
        f"<updated>{written_time(updated, zone)}</updated>",
        f'<link rel="self" href="{escape(base)}/cap/feed.atom"/>',
        f"<author><name>{escape(hub.city.name['en'])}</name></author>",
    ]
    for each in found:
        alert = each.alert
        if alert is None or not alert.infos:
            continue
        info = alert.infos[0]
        address = escape(f"{base}/cap/alerts/{alert.identifier}")
        lines += [
            "<entry>",
            f"<id>urn:cap:{escape(alert.sender)}:{escape(alert.identifier)}</id>",
            f"<title>{escape(info.headline)}</title>",
            f"<updated>{written_time(alert.sent, zone)}</updated>",
            f'<link rel="alternate" type="{MEDIA_TYPE}" href="{address}"/>',
            f"<summary>{escape(info.description)}</summary>",
            *(f"<cap:{name}>{escape(value)}</cap:{name}>" for name, value in (
                ("identifier", alert.identifier), ("status", alert.status), ("msgType", alert.kind),
                ("event", info.event), ("urgency", info.urgency), ("severity", info.severity),
                ("certainty", info.certainty), ("areaDesc", info.areas[0].description if info.areas else ""),
            )),
            *([f"<cap:expires>{written_time(info.expires, zone)}</cap:expires>"] if info.expires else []),
            "</entry>",
        ]  # fmt: skip
    lines.append("</feed>")
    return Response("\n".join(lines).encode(), 200, {"Cache-Control": "public, max-age=30"}, FEED_TYPE)


def alert(ask: Ask) -> Response:
    """CAP 1.2: one published message as XML; what is over stays readable and says so in a header. Exercises are not here."""
    warnings = ask.hub.warnings
    warning = warnings.get(ask.path("id"))
    warnings.public(warning.key)
    headers = {"Cache-Control": "public, max-age=30", "Quanyu-Standing": warning.standing}
    return Response(warnings.views.cap(warning), 200, headers, f"{MEDIA_TYPE}; charset=utf-8")


async def receive(ask: Ask) -> dict[str, Any]:
    """CAP 1.2: take a message of a peer in; a case is opened for the duty officer, and nothing is published."""
    return await ask.hub.warnings.receive(ask.body, ask.actor.id)


ROUTES = (
    Route(method="GET", path="/cap/feed.atom", permission=PUBLIC, handle=feed, summary="Warnings in force, as Atom"),
    Route(method="GET", path="/cap/alerts/{id}", permission=PUBLIC, handle=alert,
          summary="One published warning as CAP 1.2"),
    Route(method="POST", path="/cap/alerts", permission="warning.receive", handle=receive,
          summary="A CAP 1.2 message of a peer, for the duty officer", body=Raw, status=201),
)  # fmt: skip
