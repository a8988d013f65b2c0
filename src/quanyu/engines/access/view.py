"""The read side of access: who is behind a cookie or a token, and what may they see and do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

import msgspec

from quanyu.engines.access.gate import CITIZEN, OPEN_ACTOR, PERSONAL_READ, TRUSTED
from quanyu.engines.access.role import Permission, Role
from quanyu.engines.access.scope import Located, Policy
from quanyu.engines.access.secret import digest_of, id_of
from quanyu.engines.access.store import AccessStore, Person
from quanyu.kernel.journal import Instant
from quanyu.kernel.view import EVERYTHING, Filter, Grant

ADMINISTRATOR = (Grant("administrator"),)
SEEN_MAX = 20_000
"""Sessions whose last use is remembered; beyond it the oldest are forgotten and count as idle from now."""

Reveal = Callable[[str], Mapping[str, str] | None]
"""Opens a vault reference; None when the person was erased."""


class Actor(msgspec.Struct, frozen=True):
    """Who asks: id, name, grants (of a token: already narrowed), and the credential by which we know."""

    id: str
    name: str
    roles: tuple[Grant, ...] = ()
    language: str = "zh"
    unit: str | None = None
    via: Literal["session", "token", "open", "citizen"] = "session"
    credential: str = ""


class AccessView:
    """Answers from committed rows; people are cached until a record changes who may do what.

    `open` is the local mode without sign-in: the caller makes sure that it listens on loopback only.
    """

    def __init__(self, store: AccessStore, policy: Policy, reveal: Reveal, open: bool = False) -> None:  # noqa: A002
        self._store = store
        self._policy = policy
        self._reveal = reveal
        self.open = open
        self._people: dict[str, Person | None] = {}
        self._people_version = -1
        self._seen: dict[str, Instant] = {}
        self.widen: Callable[[Sequence[Grant]], Sequence[Grant]] = lambda grants: grants
        """Adds what roles gain while the city's emergency stands; assembly hands it in."""

    @property
    def roles(self) -> Mapping[str, Role]:
        """All declared roles by id."""
        return self._policy.roles

    @property
    def personal(self) -> frozenset[str]:
        """Attributes that are shown only for a purpose."""
        return self._policy.personal

    def ever_signed_in(self) -> bool:
        """Tell whether anybody has ever opened a session here."""
        return self._store.any_session()

    def version(self) -> int:
        """Return the policy version: streams compare it to notice that rights have changed."""
        return self._store.policy()

    def open_actor(self) -> Actor | None:
        """Return the one local actor with every role, None unless the hub was started with --open."""
        if not self.open:
            return None
        return self._open_actor

    @cached_property
    def _open_actor(self) -> Actor:
        grants = tuple(Grant(role) for role in self.roles)
        return Actor(OPEN_ACTOR, "本机用户", grants, via="open", credential="open")

    def actor_for_session(self, cookie: str, now: Instant) -> Actor | None:
        """Return who signed in, None when the session is unknown, closed, too old or idle; `now` is machine time."""
        digest = digest_of(cookie)
        id_ = id_of(digest)
        session = self._store.find_session(id_)
        if session is None or session.digest != digest or session.closed_at is not None or session.expires <= now:
            self._seen.pop(id_, None)
            return None
        # The last use lives in memory: after a restart a session counts as used just now, its absolute end stays.
        if now - self._seen.get(id_, now) > session.idle_us:
            return None
        self._remember(id_, now)
        return self._actor(session.person, "session", id_, None)

    def actor_for_token(self, token: str, now: Instant) -> Actor | None:
        """Return whose token it is, None when it is unknown, revoked or expired; `now` is machine time."""
        digest = digest_of(token)
        found = self._store.find_token(id_of(digest))
        if found is None or found.digest != digest or found.revoked_at is not None:
            return None
        if found.expires is not None and found.expires <= now:
            return None
        return self._actor(found.person, "token", found.id, found.roles)

    def again(self, actor: Actor, now: Instant) -> Actor | None:
        """Return the actor with the rights of this moment, None when the credential is dead: for long streams."""
        if actor.via == "open":
            return self.open_actor()
        if actor.via == "session":
            session = self._store.find_session(actor.credential)
            alive = session is not None and session.closed_at is None and session.expires > now
            return self._actor(actor.id, "session", actor.credential, None) if alive else None
        token = self._store.find_token(actor.credential)
        if token is None or token.revoked_at is not None or (token.expires is not None and token.expires <= now):
            return None
        return self._actor(actor.id, "token", token.id, token.roles)

    def scope(self, actor: Actor, action: str, purpose: str = "") -> Filter:
        """Return what the actor may see of a view action (`view:cases`); Denied says who can grant it."""
        if actor.via == "open":
            everything = self._policy.filter(actor.id, ADMINISTRATOR, action, purpose)
            return everything or msgspec.structs.replace(EVERYTHING, actor=actor.id)
        found = self._policy.filter(actor.id, actor.roles, action, purpose)
        if found is None:
            raise self._policy.refusal(actor.id, action)
        return found

    def reach(self, actor: str, action: str, roles: Collection[str] | None = None) -> Filter | None:
        """Return what an actor may see who is not here to ask (a subscription's creator); None when that is nothing.

        `roles` are those of the token that the actor came with; None is all that the actor holds now.
        """
        if actor.startswith(TRUSTED):
            return msgspec.structs.replace(EVERYTHING, actor=actor)
        grants: Sequence[Grant] = self.grants(actor)
        if self.open and actor == OPEN_ACTOR:
            grants = (Grant("administrator"),)
        elif roles is not None:
            grants = [grant for grant in grants if grant.role in roles]
        return self._policy.filter(actor, grants, action)

    def may(self, actor: Actor, kind: str, detail: str = "", at: Located | None = None) -> bool:
        """Tell whether a command may be sent; without a place, whether it may be sent at any place at all."""
        if actor.via == "open":
            return True
        action = f"{kind}:{detail}" if detail else kind
        if at is None:
            return bool(self._policy.permitted(actor.roles, action))
        return self._policy.allows(actor.id, actor.roles, action, at)

    def check(self, actor: Actor, kind: str, detail: str = "", at: Located | None = None) -> None:
        """Raise Denied unless `may`; the gate judges again with the place of the subject."""
        if not self.may(actor, kind, detail, at):
            raise self._policy.refusal(actor.id, f"{kind}:{detail}" if detail else kind)

    def check_personal(self, actor: Actor, action: str) -> None:
        """Raise Denied unless a role of the actor opens personal data behind an action."""
        if actor.via != "open" and not self._policy.sees_personal(actor.roles, action):
            raise self._policy.refusal(actor.id, PERSONAL_READ)

    def touches(self, actor: Actor, prefix: str) -> bool:
        """Tell whether the actor may do anything whose action begins so (`case.act:`): enough to be heard."""
        if actor.via == "open":
            return True
        held = (permission for grant in actor.roles for permission in self._permissions(grant.role))
        return any(each.covers(f"{prefix}\0") or each.action.startswith(prefix) for each in held)

    def patterns(self, actor: Actor) -> list[str]:
        """Return the action patterns that the actor holds, for faces that hide what cannot be done."""
        if actor.via == "open":
            return ["*"]
        return sorted({each.action for grant in actor.roles for each in self._permissions(grant.role)})

    def grants(self, actor: str) -> tuple[Grant, ...]:
        """Return the grants behind an actor's id, for engines that judge who takes a step; nobody else has any."""
        if self.open and actor == OPEN_ACTOR:
            return tuple(Grant(role) for role in self.roles)
        person = self._person(actor) if actor.startswith("person:") else None
        return () if person is None or person.state != "here" else tuple(self.widen(person.grants))

    def citizen(self, id: str) -> Actor:
        """Return a citizen who gave no name; `id` is the face's word for the visit."""
        return Actor(f"citizen:{id}", "", CITIZEN, via="citizen", credential=id)

    def find_person(self, id: str) -> dict[str, Any] | None:
        """Return a person as lists show it."""
        person = self._store.find_person(id)
        return None if person is None else self._shown(person)

    def people(self, after: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
        """Return people with their names opened; the caller has checked `view:people`."""
        return [self._shown(person) for person in self._store.people(after, limit)]

    def tokens(self, person: str | None = None) -> list[dict[str, Any]]:
        """Return tokens without their digests."""
        return [_without_digest(token) for token in self._store.tokens(person)]

    def sessions(self, person: str | None = None) -> list[dict[str, Any]]:
        """Return open sessions without their digests, with their last use (machine time) where known."""
        return [
            {**_without_digest(session), "seen": self._seen.get(session.id)} for session in self._store.sessions(person)
        ]

    def _actor(
        self, person: str, via: Literal["session", "token"], credential: str, narrowed: Sequence[str] | None
    ) -> Actor | None:
        found = self._person(person)
        if found is None or found.state != "here":
            return None
        grants = found.grants
        if narrowed is not None:
            grants = tuple(grant for grant in grants if grant.role in narrowed)
        grants = tuple(self.widen(grants))
        return Actor(found.id, self._name(found), grants, found.language, found.unit, via, credential)

    def _person(self, id: str) -> Person | None:
        version = self._store.policy()
        if version != self._people_version:
            self._people = {}
            self._people_version = version
        if id not in self._people:
            self._people[id] = self._store.find_person(id)
        return self._people[id]

    def _permissions(self, role: str) -> tuple[Permission, ...]:
        declared = self.roles.get(role)
        return () if declared is None else declared.permissions

    def _name(self, person: Person) -> str:
        return (self._reveal(person.name) or {}).get("name", "")

    def _shown(self, person: Person) -> dict[str, Any]:
        return {**msgspec.to_builtins(person), "name": self._name(person)}

    def _remember(self, session: str, now: Instant) -> None:
        self._seen.pop(session, None)
        self._seen[session] = now
        if len(self._seen) > SEEN_MAX:
            self._seen.pop(next(iter(self._seen)))


def _without_digest(row: msgspec.Struct) -> dict[str, Any]:
    return {key: value for key, value in msgspec.to_builtins(row).items() if key != "digest"}
