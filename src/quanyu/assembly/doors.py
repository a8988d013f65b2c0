"""The first way in, and the keys that an operator hands out on the machine itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quanyu.assembly.hub import Hub
from quanyu.engines.access.secret import digest_of, fresh_secret, id_of
from quanyu.kernel.errors import Missing
from quanyu.kernel.journal import Command

ACTOR = "system:operator"
ADMINISTRATOR = "person:admin"
LINK_US = 15 * 60_000_000
DAY_US = 86_400_000_000


def first_link(hub: Hub) -> str | None:
    """Return the path of a sign-in link for the administrator; None once anybody has signed in, or in open mode.

    A home without people gets its administrator here: there is no default password.
    """
    if hub.access.open or hub.access.ever_signed_in():
        return None
    if hub.access.find_person(ADMINISTRATOR) is None:
        commands = [
            Command("person.put", ADMINISTRATOR, {"name": "管理员"}),
            Command("role.grant", ADMINISTRATOR, {"role": "administrator"}),
        ]
        hub.commit_blocking(commands, ACTOR)
    return str(sign_in_link(hub, ADMINISTRATOR)["path"])


def sign_in_link(hub: Hub, person: str = ADMINISTRATOR) -> dict[str, Any]:
    """Issue a one-time sign-in link: 15 minutes, one use, told here and nowhere else."""
    secret = fresh_secret("ql")
    expires = hub.machine() + LINK_US
    hub.commit_blocking(
        [Command("signin.issue", _full(person), {"digest": digest_of(secret), "expires": expires})], ACTOR
    )
    return {"person": _full(person), "path": f"/sign-in?token={secret}", "url": hub.url, "expires": expires}


def issue_token(
    hub: Hub, person: str, title: str, days: int | None = None, roles: Sequence[str] | None = None
) -> dict[str, Any]:
    """Issue an API token; `days` from now it ends, `roles` narrows it."""
    secret = fresh_secret("qy")
    expires = None if days is None else hub.machine() + days * DAY_US
    body = {"digest": digest_of(secret), "title": title, "expires": expires, "roles": list(roles) if roles else None}
    hub.commit_blocking([Command("token.issue", _full(person), body)], ACTOR)
    return {"id": id_of(digest_of(secret)), "person": _full(person), "token": secret, "expires": expires}


def list_tokens(hub: Hub) -> list[dict[str, Any]]:
    """Return all tokens without their digests."""
    return hub.access.tokens()


def revoke_token(hub: Hub, id: str) -> dict[str, Any]:
    """Revoke a token by its id; the secret itself is taken too."""
    found = id_of(digest_of(id)) if id.startswith("qy_") else id
    if not any(token["id"] == found for token in hub.access.tokens()):
        raise Missing(
            f"Token {found[:40]} does not exist.", code="token.missing", where="id", remedy="See quanyu token list."
        )
    hub.commit_blocking([Command("token.revoke", found, {})], ACTOR)
    return {"id": found}


def _full(person: str) -> str:
    return person if ":" in person else f"person:{person}"
