"""Decides which subscriptions stand (5.8.1 to 5.8.5). Secrets of an endpoint go to the vault, records hold a mask."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import msgspec

from quanyu.engines.notify.parcel import MASK, URI_PART
from quanyu.engines.notify.webhook import may_be_public
from quanyu.kernel.entity import check_id
from quanyu.kernel.errors import Conflict, Invalid, Missing
from quanyu.kernel.journal import Command, Desk, Fact, Instant, Kind, Record, Row, State, Table
from quanyu.kernel.ngsi.instants import micros
from quanyu.kernel.ngsi.subscription import TRIGGERS_DEFAULT, TYPE, Subscription, check_subscription
from quanyu.kernel.ngsi.subscription_member import fault

SUBSCRIPTION = Table(
    "subscription",
    ("id TEXT", "n INTEGER", "document TEXT", "context TEXT", "secret TEXT", "creator TEXT", "roles TEXT",
     "created INTEGER", "modified INTEGER", "since INTEGER", "version INTEGER"),
)  # fmt: skip
"""`context`: URL of the @context it was written in; `secret`: a reference into the vault. `roles`: those of the token
that its creator came with, comma-separated, NULL for all. Records behind `since` concern it."""
SUBSCRIPTIONS = Table("subscriptions", ("name TEXT", "value INTEGER"))
"""`n`: the last number given; `seq`: the last record about subscriptions; `before`: how many must know what was."""

_SECRET: Final = re.compile(r"auth|token|secret|passw|cookie|credential|session|api.?key", re.IGNORECASE)


class SubscriptionsEngine:
    """Owns subscriptions. `allow_private` lets receivers stand on private addresses (a closed network, a test)."""

    name = "subscriptions"
    word = "subscription"
    """What its commands, its records and its errors begin with."""
    table = SUBSCRIPTION
    numbers = SUBSCRIPTIONS

    def __init__(self, allow_private: bool = False) -> None:
        self._allow_private = allow_private

    @property
    def commands(self) -> Collection[str]:
        """Command kinds that it decides."""
        return tuple(f"{self.word}.{each}" for each in ("create", "update", "delete", "replay"))

    @property
    def kinds(self) -> Collection[Kind]:
        """Record kinds that it owns."""
        return tuple(Kind(f"{self.word}.{each}") for each in ("created", "updated", "deleted", "replayed"))

    @property
    def tables(self) -> Collection[Table]:
        """State that it owns."""
        return (self.table, self.numbers)

    def decide(self, command: Command, desk: Desk) -> Iterable[Fact]:
        """Judge a command; `document` of a creation and `fragment` of an update are in the form that is kept."""
        id = check_id(command.subject)
        row = desk.state.get(self.table, id)
        verb = command.kind.rpartition(".")[2]
        if verb == "create":
            return [self._create(id, command.body, row, desk)]
        if row is None:
            raise missing(id)
        if verb == "delete":
            return [Fact(f"{self.word}.deleted", id, {})]
        if verb == "replay":
            return [Fact(f"{self.word}.replayed", id, {})]
        return [self._update(id, command.body["fragment"], row, desk)]

    def evolve(self, record: Record, state: State) -> None:
        """Fold a record into the tables."""
        body, id = record.body, record.subject
        assert body is not None, f"record {record.seq} was pruned and cannot be folded"
        verb = record.kind.rpartition(".")[2]
        if verb == "replayed":
            return
        row = state.get(self.table, id)
        before = _number(state, self.numbers, "before") - (
            1 if row and wants_before(msgspec.json.decode(row[2])) else 0
        )
        if verb == "deleted":
            state.delete(self.table, id)
        else:
            state.put(self.table, _row(record, body, row))
            before += wants_before(body["document"])
            if "n" in body:
                state.put(self.numbers, ("n", body["n"]))
        state.put(self.numbers, ("before", before))
        state.put(self.numbers, ("seq", record.seq))

    def _create(self, id: str, body: Mapping[str, Any], row: Row | None, desk: Desk) -> Fact:
        if row is not None:
            raise Conflict(
                f"Subscription {id[:200]} exists already.",
                code="subscription.exists",
                where="id",
                remedy="Update it, or choose another id.",
            )
        document, secret = self._sealed({**body["document"], "id": id, "type": TYPE}, None, desk)
        self._check(document, desk.at)
        made = {"n": _number(desk.state, self.numbers, "n") + 1, "document": document, "secret": secret}
        return Fact(f"{self.word}.created", id, {**made, "context": body["context"], "roles": body.get("roles")})

    def _update(self, id: str, fragment: Mapping[str, Any], row: Row, desk: Desk) -> Fact:
        if fragment.get("id", id) != id:
            raise fault(
                f"The fragment names {str(fragment['id'])[:80]}, the path {id[:80]}.",
                "id",
                "Leave it out: ids never change.",
            )
        standing = msgspec.json.decode(row[2])
        merged = {name: value for name, value in {**standing, **fragment}.items() if value is not None}
        document, secret = (merged, row[4]) if "notification" not in fragment else self._sealed(merged, row, desk)
        if "expiresAt" not in fragment and expired(merged, desk.at):
            # Changing what has expired does not wake it; only a new end does.
            check_subscription(document)
        else:
            self._check(document, desk.at)
        return Fact(f"{self.word}.updated", id, {"document": document, "secret": secret})

    def _check(self, document: Subscription, now: Instant) -> None:
        check_subscription(document)
        if expired(document, now):
            raise fault(
                f"It would end at {document['expiresAt']}, before now.", "expiresAt", "Give an instant to come."
            )
        host = urlsplit(document["notification"]["endpoint"]["uri"]).hostname or ""
        if not self._allow_private and not may_be_public(host):
            raise Invalid(
                f"Host {host[:80]} is not a public address.",
                code="subscription.private",
                where="notification.endpoint.uri",
                remedy="Give the address of a public host, or let the configuration allow private receivers.",
            )

    def _sealed(self, document: Subscription, row: Row | None, desk: Desk) -> tuple[Subscription, str | None]:
        """Return the document without its secrets, and the reference to them; a mask that comes back keeps them all."""
        endpoint = dict(document["notification"]["endpoint"])
        secrets, masks = {}, 0
        pairs = []
        for pair in endpoint.get("receiverInfo", ()):
            if _SECRET.search(pair["key"]):
                masks += pair["value"] == MASK
                secrets[pair["key"]] = pair["value"]
                pair = {**pair, "value": MASK}
            pairs.append(pair)
        if pairs:
            endpoint["receiverInfo"] = pairs
        password = urlsplit(endpoint["uri"]).password
        if password is not None:
            masks += password == MASK
            secrets[URI_PART] = unquote(password)
            endpoint["uri"] = endpoint["uri"].replace(f":{password}@", f":{MASK}@", 1)
        if not secrets:
            return document, None
        made = {**document, "notification": {**document["notification"], "endpoint": endpoint}}
        if masks and (row is None or row[4] is None or masks < len(secrets)):
            raise fault(
                "A secret is masked.",
                "notification.endpoint",
                "Send all secrets of the endpoint, or all of them masked.",
            )
        return made, row[4] if masks and row else desk.seal(f"{self.word}:{document['id']}", secrets)


def missing(id: str) -> Missing:
    """Return the error for a subscription that does not stand."""
    return Missing(
        f"Subscription {id[:200]} does not exist.",
        code="subscription.missing",
        where="id",
        remedy="Look the id up with GET /ngsi-ld/v1/subscriptions.",
    )


def expired(document: Mapping[str, Any], now: Instant) -> bool:
    """Whether the subscription ended before now."""
    return "expiresAt" in document and micros(document["expiresAt"]) <= now


def status_of(document: Mapping[str, Any], now: Instant) -> str:
    """Return active, paused or expired."""
    if expired(document, now):
        return "expired"
    return "active" if document.get("isActive", True) else "paused"


def wants_before(document: Mapping[str, Any]) -> bool:
    """Whether notifications tell, or depend on, what stood before a change."""
    triggers = document.get("notificationTrigger", TRIGGERS_DEFAULT)
    return document["notification"].get("showChanges", False) or not set(TRIGGERS_DEFAULT).issuperset(triggers)


def keeps_before(state: State) -> bool:
    """Whether any subscription must know what stood before a change: then records tell it."""
    return _number(state, SUBSCRIPTIONS, "before") > 0


def _number(state: State, table: Table, name: str) -> int:
    row = state.get(table, name)
    return int(row[1]) if row else 0


def _row(record: Record, body: Mapping[str, Any], old: Row | None) -> Row:
    text = msgspec.json.encode(body["document"]).decode()
    if old is None:
        roles = None if body["roles"] is None else ",".join(body["roles"])
        return (
            record.subject, body["n"], text, body["context"], body["secret"], record.actor, roles, record.at, record.at,
            record.seq, 1,
        )  # fmt: skip
    _, n, document, context, _, creator, roles, created, _, since, version = old
    if status_of(msgspec.json.decode(document), record.at) != "active":
        since = record.seq
    return (
        record.subject, n, text, context, body["secret"], creator, roles, created, record.at, since, version + 1,
    )  # fmt: skip
