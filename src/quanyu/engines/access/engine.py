"""Decides who comes, goes, holds which role, and which secrets open the door."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import msgspec

from quanyu.engines.access import command as bodies
from quanyu.engines.access.role import Role
from quanyu.engines.access.secret import id_of
from quanyu.engines.access.store import LINKS, PEOPLE, POLICY, SESSIONS, TOKENS, Person, person_of, row_of, token_of
from quanyu.kernel.errors import Conflict, Denied, Invalid, Missing
from quanyu.kernel.journal import Command, Desk, Fact, Kind, Record, State, Table
from quanyu.kernel.view import Grant

PERSON_PATTERN = re.compile(r"^person:[a-z0-9][a-z0-9_.-]{0,62}$")
LANGUAGES = ("zh", "en")


class AccessEngine:
    """Owner of people, grants, tokens, sign-in links and sessions.

    `roles` are all declared roles by id, `units` and `districts` what a grant may be bound to.
    """

    name = "access"
    kinds: Collection[Kind] = tuple(
        Kind(name)
        for name in (
            "person.put", "person.left", "role.granted", "role.withdrawn", "token.issued", "token.revoked",
            "signin.issued", "signin.used", "session.opened", "session.closed",
        )
    )  # fmt: skip
    tables: Collection[Table] = (PEOPLE, TOKENS, LINKS, SESSIONS, POLICY)

    def __init__(self, roles: Mapping[str, Role], units: Collection[str], districts: Collection[str]) -> None:
        self._roles = roles
        self._units = frozenset(units)
        self._districts = frozenset(districts)
        self._deciders: dict[str, Callable[[Command, Desk], Iterable[Fact]]] = {
            "person.put": self._put,
            "person.leave": self._leave,
            "role.grant": self._grant,
            "role.withdraw": self._withdraw,
            "token.issue": self._issue_token,
            "token.revoke": self._revoke_token,
            "signin.issue": self._issue_link,
            "signin.use": self._use_link,
            "session.open": self._open_session,
            "session.close": self._close_session,
        }

    @property
    def commands(self) -> Collection[str]:
        """Command kinds that it decides."""
        return self._deciders.keys()

    def decide(self, command: Command, desk: Desk) -> Iterable[Fact]:
        """Judge a command; Invalid, Missing, Conflict or Denied say why not."""
        return self._deciders[command.kind](command, desk)

    def evolve(self, record: Record, state: State) -> None:
        """Fold a record into people, tokens, links and sessions."""
        if record.body is not None:
            _EVOLVERS[record.kind](record, record.body, state)

    def _put(self, command: Command, desk: Desk) -> Iterable[Fact]:
        body = bodies.read(command, bodies.Put)
        if not PERSON_PATTERN.match(command.subject):
            raise Invalid(
                f"Person id {command.subject[:80]!r} is not usable.",
                code="person.id",
                where="subject",
                remedy="Write person: and then lower-case letters, digits, dots, dashes or underscores.",
            )
        if body.language not in LANGUAGES:
            raise Invalid(
                f"Language {body.language[:20]!r} is not spoken by the hub.",
                code="person.language",
                where="language",
                remedy=f"Use one of {', '.join(LANGUAGES)}.",
            )
        self._check_place(body.unit, None)
        name = desk.seal(command.subject, {"name": body.name})
        yield Fact("person.put", command.subject, {"name": name, "unit": body.unit, "language": body.language})

    def _leave(self, command: Command, desk: Desk) -> Iterable[Fact]:
        bodies.read(command, bodies.Nothing)
        _present(command.subject, desk.state)
        yield Fact("person.left", command.subject, {})

    def _grant(self, command: Command, desk: Desk) -> Iterable[Fact]:
        body = bodies.read(command, bodies.Granting)
        person = _present(command.subject, desk.state)
        if body.role not in self._roles:
            raise Invalid(
                f"Role {body.role[:80]!r} is not declared.",
                code="role.unknown",
                where="role",
                remedy=f"Use one of {', '.join(sorted(self._roles))}.",
            )
        self._check_place(body.unit, body.district)
        _check_bound(self._roles[body.role], body)
        if Grant(body.role, body.unit, body.district) in person.grants:
            raise Conflict(f"Person {person.id} holds role {body.role} already.", code="role.held", where="role")
        yield Fact("role.granted", person.id, msgspec.to_builtins(body))

    def _withdraw(self, command: Command, desk: Desk) -> Iterable[Fact]:
        body = bodies.read(command, bodies.Granting)
        person = _present(command.subject, desk.state)
        if Grant(body.role, body.unit, body.district) not in person.grants:
            raise Missing(
                f"Person {person.id} does not hold role {body.role[:80]} there.",
                code="role.not_held",
                where="role",
                remedy="Name role, unit and district exactly as they were granted.",
            )
        yield Fact("role.withdrawn", person.id, msgspec.to_builtins(body))

    def _issue_token(self, command: Command, desk: Desk) -> Iterable[Fact]:
        body = bodies.read(command, bodies.TokenIssue)
        person = _present(command.subject, desk.state)
        for role in body.roles or ():
            if role not in {grant.role for grant in person.grants}:
                raise Invalid(
                    f"Person {person.id} does not hold role {role[:80]}: a token cannot be wider than its person.",
                    code="token.roles",
                    where="roles",
                    remedy="Leave roles out to give the token all roles of its person.",
                )
        if desk.state.get(TOKENS, id_of(body.digest)) is not None:
            raise Conflict("Token exists already.", code="token.exists", remedy="Draw a new secret.")
        yield Fact("token.issued", id_of(body.digest), {"person": person.id, **msgspec.to_builtins(body)})

    def _revoke_token(self, command: Command, desk: Desk) -> Iterable[Fact]:
        bodies.read(command, bodies.Nothing)
        row = desk.state.get(TOKENS, command.subject)
        if row is None:
            raise Missing(f"Token {command.subject[:40]} does not exist.", code="token.missing", where="subject")
        if token_of(row).revoked_at is not None:
            raise Conflict(f"Token {command.subject} is revoked already.", code="token.revoked", where="subject")
        yield Fact("token.revoked", command.subject, {})

    def _issue_link(self, command: Command, desk: Desk) -> Iterable[Fact]:
        body = bodies.read(command, bodies.LinkIssue)
        person = _present(command.subject, desk.state)
        yield Fact(
            "signin.issued",
            id_of(body.digest),
            {"person": person.id, "digest": body.digest, "expires": body.expires},
        )

    def _use_link(self, command: Command, desk: Desk) -> Iterable[Fact]:
        body = bodies.read(command, bodies.LinkUse)
        row = desk.state.get(LINKS, command.subject)
        # One refusal for every reason: a guesser learns nothing from it.
        if row is None or row[1] != body.digest or row[4] is not None or row[3] <= body.now:
            raise Denied(
                "Sign-in link is unknown, used or expired.",
                code="access.link",
                remedy="Ask for a new one: quanyu token sign-in.",
            )
        person = _present(row[2], desk.state)
        yield Fact("signin.used", command.subject, {})
        yield _opened(person.id, body.session, body.now, body.expires, body.idle_us)

    def _open_session(self, command: Command, desk: Desk) -> Iterable[Fact]:
        body = bodies.read(command, bodies.SessionOpen)
        person = _present(command.subject, desk.state)
        yield _opened(person.id, body.digest, body.now, body.expires, body.idle_us)

    def _close_session(self, command: Command, desk: Desk) -> Iterable[Fact]:
        bodies.read(command, bodies.Nothing)
        if desk.state.get(SESSIONS, command.subject) is None:
            raise Missing(f"Session {command.subject[:40]} does not exist.", code="session.missing", where="subject")
        yield Fact("session.closed", command.subject, {})

    def _check_place(self, unit: str | None, district: str | None) -> None:
        if unit is not None and unit not in self._units:
            raise Invalid(
                f"Unit {unit[:80]!r} is not in the city profile.",
                code="unit.unknown",
                where="unit",
                remedy="List the units with GET /api/v1/city.",
            )
        if district is not None and district not in self._districts:
            raise Invalid(
                f"District {district[:80]!r} is not in the city profile.",
                code="district.unknown",
                where="district",
                remedy="List the districts with GET /api/v1/city.",
            )


def _present(id: str, state: State) -> Person:
    row = state.get(PEOPLE, id)
    if row is None:
        raise Missing(f"Person {id[:80]} does not exist.", code="person.missing", where="subject")
    person = person_of(row)
    if person.state != "here":
        raise Conflict(
            f"Person {id} has left.", code="person.left", where="subject", remedy="Put the person again first."
        )
    return person


def _check_bound(role: Role, body: bodies.Granting) -> None:
    """A role that reaches by unit or district must be bound to one, or it would reach the whole city."""
    reaches = {permission.reach for permission in role.permissions}
    if "unit" in reaches and body.unit is None:
        raise Invalid(
            f"Role {role.id} reaches by unit, and no unit is named.",
            code="role.unbound",
            where="unit",
            remedy="Name the unit in which the person holds the role.",
        )
    if "district" in reaches and body.district is None and body.unit is None:
        raise Invalid(
            f"Role {role.id} reaches by district, and neither district nor unit is named.",
            code="role.unbound",
            where="district",
            remedy="Name the district, or a unit that belongs to one.",
        )


def _opened(person: str, digest: str, now: int, expires: int, idle_us: int) -> Fact:
    return Fact(
        "session.opened",
        id_of(digest),
        {"person": person, "digest": digest, "opened": now, "expires": expires, "idle_us": idle_us},
    )


def _put(record: Record, body: dict[str, Any], state: State) -> None:
    row = state.get(PEOPLE, record.subject)
    # Who left and comes back starts without roles: the old ones were withdrawn by leaving.
    grants = person_of(row).grants if row is not None else ()
    person = Person(record.subject, body["name"], body["unit"], body["language"], "here", grants, record.at)
    state.put(PEOPLE, row_of(person))
    _turn(record, state)


def _left(record: Record, body: dict[str, Any], state: State) -> None:
    row = state.get(PEOPLE, record.subject)
    if row is not None:
        gone = msgspec.structs.replace(person_of(row), state="left", grants=(), changed_at=record.at)
        state.put(PEOPLE, row_of(gone))
        _turn(record, state)


def _granted(record: Record, body: dict[str, Any], state: State) -> None:
    _regrant(record, state, lambda grants: (*grants, Grant(**body)))


def _withdrawn(record: Record, body: dict[str, Any], state: State) -> None:
    _regrant(record, state, lambda grants: tuple(each for each in grants if each != Grant(**body)))


def _regrant(record: Record, state: State, change: Callable[[tuple[Grant, ...]], tuple[Grant, ...]]) -> None:
    row = state.get(PEOPLE, record.subject)
    if row is not None:
        person = person_of(row)
        changed = msgspec.structs.replace(person, grants=change(person.grants), changed_at=record.at)
        state.put(PEOPLE, row_of(changed))
        _turn(record, state)


def _issued(record: Record, body: dict[str, Any], state: State) -> None:
    roles = None if body["roles"] is None else msgspec.json.encode(body["roles"]).decode()
    row = (
        record.subject, body["digest"], body["person"], body["title"], roles, record.at, body["expires"], None
    )  # fmt: skip
    state.put(TOKENS, row)


def _revoked(record: Record, body: dict[str, Any], state: State) -> None:
    _mark(TOKENS, record, state)


def _linked(record: Record, body: dict[str, Any], state: State) -> None:
    state.put(LINKS, (record.subject, body["digest"], body["person"], body["expires"], None))


def _used(record: Record, body: dict[str, Any], state: State) -> None:
    _mark(LINKS, record, state)


def _session(record: Record, body: dict[str, Any], state: State) -> None:
    row = (
        record.subject, body["digest"], body["person"], body["opened"], body["expires"], body["idle_us"], None
    )  # fmt: skip
    state.put(SESSIONS, row)


def _closed(record: Record, body: dict[str, Any], state: State) -> None:
    _mark(SESSIONS, record, state)


def _mark(table: Table, record: Record, state: State) -> None:
    """Write the instant of the end into the last column, which every secret's table keeps for it."""
    row = state.get(table, record.subject)
    if row is not None:
        state.put(table, (*row[:-1], record.at))


def _turn(record: Record, state: State) -> None:
    state.put(POLICY, ("access", record.seq))


_EVOLVERS: dict[str, Callable[[Record, dict[str, Any], State], None]] = {
    "person.put": _put,
    "person.left": _left,
    "role.granted": _granted,
    "role.withdrawn": _withdrawn,
    "token.issued": _issued,
    "token.revoked": _revoked,
    "signin.issued": _linked,
    "signin.used": _used,
    "session.opened": _session,
    "session.closed": _closed,
}
