"""Who asks: a bearer token, a session cookie, or the open actor; and whether a browser was tricked into asking."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request

from quanyu.engines.access.view import Actor
from quanyu.faces.http.hub import Hub
from quanyu.kernel.errors import Denied

COOKIE = "quanyu_session"
SECRET_LENGTH_MAX = 200
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def find_actor(hub: Hub, request: Request) -> Actor | None:
    """Return who asks, None for a stranger."""
    return actor_of(hub, request.headers.get("authorization"), request.cookies.get(COOKIE))


def actor_of(hub: Hub, authorization: str | None, cookie: str | None) -> Actor | None:
    """Return who asks by the headers; a bad token is a stranger even where a cookie or open mode would do."""
    if authorization is not None:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not 0 < len(token.strip()) <= SECRET_LENGTH_MAX:
            return None
        return hub.access.actor_for_token(token.strip(), hub.machine())
    if cookie and len(cookie) <= SECRET_LENGTH_MAX:
        actor = hub.access.actor_for_session(cookie, hub.machine())
        if actor is not None:
            return actor
    return hub.access.open_actor()


def check_origin(request: Request, actor: Actor | None) -> None:
    """Refuse a state-changing request that another site made a browser send."""
    headers = request.headers
    check_site(request.method, actor, headers.get("sec-fetch-site"), headers.get("origin"), headers.get("host", ""))


def check_site(method: str, actor: Actor | None, site: str | None, origin: str | None, host: str) -> None:
    """Refuse by the headers what another site made a browser send; a bearer token cannot be borrowed so."""
    if method in SAFE_METHODS or (actor is not None and actor.via == "token"):
        return
    # By name, not by scheme: behind a proxy that ends TLS the browser says https and the hub sees http.
    foreign = origin is not None and urlsplit(origin).netloc != host
    # No header at all: not a browser, and a program that holds the cookie needs no trick.
    if site not in (None, "same-origin", "none") or foreign:
        raise Denied(
            "The request was made by another site.",
            code="access.cross_site",
            where="Origin",
            remedy="Send it from the hub's own pages, or with a bearer token.",
        )


def stranger(path: str) -> Denied:
    """Return the error for somebody who has not signed in."""
    return Denied(
        f"{path} needs somebody who has signed in.",
        code="access.stranger",
        remedy="Send Authorization: Bearer <token>, or open a sign-in link (quanyu token sign-in).",
    )
