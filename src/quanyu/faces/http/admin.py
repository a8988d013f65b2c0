"""People, roles, tokens, webhooks and the journal: for those who keep the hub."""

from __future__ import annotations

import base64
from typing import Annotated, Any

import msgspec
from starlette.concurrency import run_in_threadpool

from quanyu.engines.access.secret import digest_of, fresh_secret, id_of
from quanyu.faces.http.city import Formatted
from quanyu.faces.http.entities import receipt
from quanyu.faces.http.route import SIGNED_IN, Ask, Route
from quanyu.faces.http.shown import Listing
from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Command
from quanyu.kernel.time import parse_instant

LINK_US = 15 * 60_000_000
Limit = Annotated[int, msgspec.Meta(ge=1, le=1000)]


class PeopleQuery(msgspec.Struct):
    """A page of people."""

    limit: Limit = 100
    after: str | None = None
    format: str = "json"


class GrantBody(msgspec.Struct, forbid_unknown_fields=True):
    """A role with the unit and district it is bound to."""

    role: str
    unit: str | None = None
    district: str | None = None


class PersonBody(msgspec.Struct, forbid_unknown_fields=True):
    """A person who comes or changes; roles are granted in the same commit."""

    id: str
    name: str
    unit: str | None = None
    language: str = "zh"
    roles: list[GrantBody] = []


class TokenBody(msgspec.Struct, forbid_unknown_fields=True):
    """A token for a person (default: oneself); `expires` in RFC 3339, machine time."""

    title: str
    person: str | None = None
    expires: str | None = None
    roles: list[str] | None = None


class WebhookBody(msgspec.Struct, forbid_unknown_fields=True):
    """A receiver; without a secret a new one is made and shown once."""

    id: str
    url: str
    title: str
    kinds: list[str]
    where: dict[str, Any] = {}
    paused: bool = False
    secret: str | None = None


class ReplayBody(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing: the dead letters. `after`: everything behind that seq that is still kept."""

    after: int | None = None


class DeliveriesQuery(msgspec.Struct):
    """Deliveries of a webhook, newest first."""

    state: str | None = None
    after: int | None = None
    limit: Limit = 100
    format: str = "json"


class JournalQuery(msgspec.Struct):
    """Records behind a seq; `kind` takes several with commas."""

    after: int = 0
    limit: Limit = 100
    kind: str | None = None
    format: str = "json"


def people(ask: Ask) -> Listing:
    """People with their roles."""
    found = ask.hub.access.people(ask.query.after, ask.query.limit)
    return Listing(found, found[-1]["id"] if len(found) == ask.query.limit else None, name="people")


async def put_person(ask: Ask) -> dict[str, Any]:
    """Put a person and grant roles: all or nothing."""
    sent: PersonBody = ask.body
    commands = [Command("person.put", sent.id, {"name": sent.name, "unit": sent.unit, "language": sent.language})]
    commands += [Command("role.grant", sent.id, msgspec.to_builtins(grant)) for grant in sent.roles]
    if sent.roles:
        ask.hub.access.check(ask.actor, "role.grant")
    return receipt(ask, await ask.hub.commit(commands, ask.actor.id, key=ask.key))


async def leave(ask: Ask) -> None:
    """A person leaves: roles end, tokens and sessions open nothing any more."""
    await ask.hub.commit([Command("person.leave", ask.path("id"), {})], ask.actor.id, key=ask.key)


async def grant(ask: Ask) -> dict[str, Any]:
    """Grant a role to a person."""
    command = Command("role.grant", ask.path("id"), msgspec.to_builtins(ask.body))
    return receipt(ask, await ask.hub.commit([command], ask.actor.id, key=ask.key))


async def withdraw(ask: Ask) -> dict[str, Any]:
    """Withdraw a role, named as it was granted."""
    command = Command("role.withdraw", ask.path("id"), msgspec.to_builtins(ask.body))
    return receipt(ask, await ask.hub.commit([command], ask.actor.id, key=ask.key))


async def sign_in_link(ask: Ask) -> dict[str, Any]:
    """Make a one-time sign-in link for a person: 15 minutes, one use, shown once."""
    secret = fresh_secret("ql")
    expires = ask.hub.machine() + LINK_US
    body = {"digest": digest_of(secret), "expires": expires}
    await ask.hub.commit([Command("signin.issue", ask.path("id"), body)], ask.actor.id)
    return {"path": f"/sign-in?token={secret}", "expires": expires}


def roles(ask: Ask) -> Listing:
    """Declared roles with what they may."""
    return Listing([msgspec.to_builtins(role) for role in ask.hub.access.roles.values()], name="roles")


def tokens(ask: Ask) -> Listing:
    """Tokens: everybody's for those who see all people, otherwise one's own."""
    person = None if ask.scope.person is None else ask.actor.id
    return Listing(ask.hub.access.tokens(person), name="tokens")


async def issue_token(ask: Ask) -> dict[str, Any]:
    """Issue a token; its secret is in this answer and nowhere else."""
    sent: TokenBody = ask.body
    secret = fresh_secret("qy")
    body = {
        "digest": digest_of(secret),
        "title": sent.title,
        "expires": None if sent.expires is None else parse_instant(sent.expires, where="expires"),
        "roles": sent.roles,
    }
    await ask.hub.commit([Command("token.issue", sent.person or ask.actor.id, body)], ask.actor.id)
    return {"id": id_of(digest_of(secret)), "token": secret, "title": sent.title, "expires": body["expires"]}


async def revoke_token(ask: Ask) -> None:
    """Revoke a token: it opens nothing from the next request on."""
    await ask.hub.commit([Command("token.revoke", ask.path("id"), {})], ask.actor.id)


def sessions(ask: Ask) -> Listing:
    """Open browser sessions."""
    person = None if ask.scope.person is None else ask.actor.id
    return Listing(ask.hub.access.sessions(person), name="sessions")


async def close_session(ask: Ask) -> None:
    """End a browser session."""
    await ask.hub.commit([Command("session.close", ask.path("id"), {})], ask.actor.id)


def webhooks(ask: Ask) -> Listing:
    """Webhooks with their health."""
    return Listing(ask.hub.webhooks.webhooks(), name="webhooks")


async def put_webhook(ask: Ask) -> dict[str, Any]:
    """Put a webhook; a secret made here is shown once."""
    sent: WebhookBody = ask.body
    known = await _known_webhook(ask, sent.id)
    made = fresh_secret("qw") if sent.secret is None and not known else None
    hook = {name: getattr(sent, name) for name in ("url", "title", "kinds", "where", "paused")}
    body = {"webhook": hook, "secret": sent.secret or made}
    taken = await ask.hub.commit([Command("webhook.put", sent.id, body)], ask.actor.id, key=ask.key)
    return {**receipt(ask, taken), **({"secret": made} if made else {})}


async def _known_webhook(ask: Ask, id_: str) -> bool:
    found = await run_in_threadpool(ask.hub.webhooks.webhooks)
    return any(each["id"] == id_ for each in found)


async def remove_webhook(ask: Ask) -> None:
    """Remove a webhook with what waits for it."""
    await ask.hub.commit([Command("webhook.remove", ask.path("id"), {})], ask.actor.id, key=ask.key)


async def replay(ask: Ask) -> dict[str, Any]:
    """Send dead letters again, or everything behind a seq."""
    command = Command("webhook.replay", ask.path("id"), {"after": ask.body.after})
    return receipt(ask, await ask.hub.commit([command], ask.actor.id, key=ask.key))


def deliveries(ask: Ask) -> Listing:
    """Deliveries of a webhook with tries, answers and errors."""
    asked = ask.query
    if asked.state not in (None, "waiting", "sent", "dead"):
        raise Invalid(
            f"State {asked.state[:40]!r} is not known.",
            code="http.query",
            where="state",
            remedy="Use waiting, sent or dead.",
        )
    found = ask.hub.webhooks.deliveries(ask.path("id"), asked.state, asked.after, asked.limit)
    return Listing(found, str(found[-1]["seq"]) if len(found) == asked.limit else None, name="deliveries")


def journal(ask: Ask) -> Listing:
    """Journal records, oldest first; bytes are base64, pruned bodies null."""
    asked = ask.query
    kinds = asked.kind.split(",") if asked.kind else None
    found = ask.hub.journal_read(asked.after, asked.limit, kinds)
    items = [{**msgspec.structs.asdict(record), "body": _readable(record.body)} for record in found]
    return Listing(items, str(found[-1].seq) if len(found) == asked.limit else None, name="journal")


def _readable(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {str(key): _readable(each) for key, each in value.items() if key != "digest"}
    if isinstance(value, list | tuple):
        return [_readable(each) for each in value]
    return value


ROUTES = (
    Route(method="GET", path="/api/v1/people", permission="view:people", handle=people, summary="People",
          query=PeopleQuery),
    Route(method="POST", path="/api/v1/people", permission="person.put", handle=put_person, summary="Put a person",
          body=PersonBody, status=201),
    Route(method="DELETE", path="/api/v1/people/{id}", permission="person.leave", handle=leave,
          summary="A person leaves", status=204),
    Route(method="POST", path="/api/v1/people/{id}/roles", permission="role.grant", handle=grant,
          summary="Grant a role", body=GrantBody, status=201),
    Route(method="DELETE", path="/api/v1/people/{id}/roles", permission="role.withdraw", handle=withdraw,
          summary="Withdraw a role", body=GrantBody),
    Route(method="POST", path="/api/v1/people/{id}/sign-in", permission="signin.issue", handle=sign_in_link,
          summary="Make a one-time sign-in link", status=201),
    Route(method="GET", path="/api/v1/roles", permission="view:people", handle=roles, summary="Roles",
          query=Formatted),
    Route(method="GET", path="/api/v1/tokens", permission="view:tokens", handle=tokens, summary="Tokens",
          query=Formatted),
    Route(method="POST", path="/api/v1/tokens", permission="token.issue", handle=issue_token,
          summary="Issue a token", body=TokenBody, status=201),
    Route(method="DELETE", path="/api/v1/tokens/{id}", permission="token.revoke", handle=revoke_token,
          summary="Revoke a token", status=204),
    Route(method="GET", path="/api/v1/sessions", permission="view:tokens", handle=sessions, summary="Sessions",
          query=Formatted),
    Route(method="DELETE", path="/api/v1/sessions/{id}", permission=SIGNED_IN, handle=close_session,
          summary="End a session", status=204),
    Route(method="GET", path="/api/v1/webhooks", permission="view:webhooks", handle=webhooks, summary="Webhooks",
          query=Formatted),
    Route(method="POST", path="/api/v1/webhooks", permission="webhook.put", handle=put_webhook,
          summary="Put a webhook", body=WebhookBody, status=201),
    Route(method="DELETE", path="/api/v1/webhooks/{id}", permission="webhook.remove", handle=remove_webhook,
          summary="Remove a webhook", status=204),
    Route(method="GET", path="/api/v1/webhooks/{id}/deliveries", permission="view:webhooks", handle=deliveries,
          summary="Deliveries of a webhook", query=DeliveriesQuery),
    Route(method="POST", path="/api/v1/webhooks/{id}/replay", permission="webhook.replay", handle=replay,
          summary="Send dead letters again", body=ReplayBody),
    Route(method="GET", path="/api/v1/journal", permission="view:journal", handle=journal, summary="The journal",
          query=JournalQuery),
)  # fmt: skip
