"""Coming and going: sign-in links, sign-out, and who I am."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from quanyu.engines.access.secret import digest_of, fresh_secret, id_of
from quanyu.faces.http.auth import COOKIE, SECRET_LENGTH_MAX
from quanyu.faces.http.route import PUBLIC, SIGNED_IN, Ask, Route
from quanyu.kernel.errors import Denied
from quanyu.kernel.journal import Command

SESSION_US = 12 * 3_600_000_000
IDLE_US = 2 * 3_600_000_000
SYSTEM = "system:http"
USED = "/?link=used"
"""Where the console says that a link was used or has expired."""


class SignIn(msgspec.Struct):
    """The secret of a one-time link."""

    token: str


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """An empty object."""


def me(ask: Ask) -> dict[str, Any]:
    """Who asks, with roles and the action patterns they hold."""
    actor, access = ask.actor, ask.hub.access
    roles = [
        {**msgspec.to_builtins(grant), "title": access.roles[grant.role].title if grant.role in access.roles else None}
        for grant in actor.roles
    ]
    return {
        "actor": actor.id,
        "name": actor.name,
        "language": actor.language,
        "unit": actor.unit,
        "open": access.open,
        "roles": roles,
        "may": access.patterns(actor),
    }


async def sign_in(ask: Ask) -> Response:
    """Use a one-time link: opens a session, sets its cookie and leads to the console."""
    token = ask.query.token
    if len(token) > SECRET_LENGTH_MAX:
        raise Denied("Sign-in link is unknown, used or expired.", code="access.link")
    now = ask.hub.machine()
    secret, digest = fresh_secret("qs"), digest_of(token)
    body = {
        "digest": digest,
        "now": now,
        "session": digest_of(secret),
        "expires": now + SESSION_US,
        "idle_us": IDLE_US,
    }
    try:
        await ask.hub.commit([Command("signin.use", id_of(digest), body)], SYSTEM)
    except Denied:
        # A person before a browser is shown a page that says it; whoever is still signed in just goes on.
        if "text/html" not in ask.request.headers.get("accept", ""):
            raise
        return RedirectResponse(USED, 303, {"Cache-Control": "no-store"})
    response = RedirectResponse("/", 303, {"Cache-Control": "no-store"})
    _set_cookie(response, ask.request, secret, SESSION_US // 1_000_000)
    return response


async def sign_out(ask: Ask) -> Response:
    """End this session; a token cannot be signed out, only revoked."""
    if ask.actor.via == "session":
        await ask.hub.commit([Command("session.close", ask.actor.credential, {})], ask.actor.id)
    response = Response(status_code=204, headers={"Cache-Control": "no-store"})
    _set_cookie(response, ask.request, "", 0)
    return response


def _set_cookie(response: Response, request: Request, value: str, age_s: int) -> None:
    response.set_cookie(
        COOKIE, value, max_age=age_s, path="/", httponly=True, samesite="lax", secure=request.url.scheme == "https"
    )


ROUTES = (
    Route(method="GET", path="/api/v1/me", permission=SIGNED_IN, handle=me, summary="Who asks"),
    Route(method="GET", path="/sign-in", permission=PUBLIC, handle=sign_in, summary="Use a one-time sign-in link",
          query=SignIn, status=303),
    Route(method="POST", path="/api/v1/sign-out", permission=SIGNED_IN, handle=sign_out, summary="End this session",
          body=Nothing, status=204),
)  # fmt: skip
