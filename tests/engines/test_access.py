"""Who may: grants, reach, secrets, sessions, and that nothing secret is written down."""

from __future__ import annotations

from typing import Any

import apsw
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.adapters.sqlite.access import SCHEMA, SqliteAccess
from quanyu.engines.access.engine import AccessEngine
from quanyu.engines.access.gate import Gate
from quanyu.engines.access.role import Permission, Role, collect, roles_of
from quanyu.engines.access.scope import Located, Policy
from quanyu.engines.access.secret import digest_of, fresh_secret, id_of
from quanyu.engines.access.view import AccessView, Actor
from quanyu.kernel.errors import Conflict, Denied, Invalid, Missing, QuanyuError
from quanyu.kernel.journal import Command, State
from quanyu.kernel.view import Grant
from tests.desk import MemoryDesk


def role(id: str, *permissions: Permission) -> Role:
    return Role(id, {"zh": id, "en": id}, permissions)


ROLES = collect(
    [
        role("handler", Permission("case.act:*", "unit"), Permission("view:cases", "unit")),
        role("warden", Permission("case.act:*", "district"), Permission("view:cases", "district")),
        role("chief", Permission("view:*", personal=True), Permission("token.issue", "own")),
        role("foreman", Permission("role.grant", "unit"), Permission("case.*", "unit")),
        role("mate", Permission("case.act:note", "unit")),
        role("reader", Permission("view:entities", types=("Road",))),
    ]
)
UNITS = {"ecology": None, "roads": "east", "water": "west"}
POLICY = Policy(ROLES, UNITS, personal=("phone",))
SECOND = 1_000_000
NOW = 1_780_000_000 * SECOND


def desk() -> MemoryDesk:
    return MemoryDesk(AccessEngine(ROLES, UNITS, ("east", "west")))


def with_person(name: str = "li", *grants: Grant) -> MemoryDesk:
    made = desk()
    made.run(Command("person.put", f"person:{name}", {"name": "李卫", "unit": "roads"}))
    for grant in grants:
        made.run(Command("role.grant", f"person:{name}", msgspec.to_builtins(grant)))
    return made


def view_of(made: MemoryDesk, *, local: bool = False) -> AccessView:
    connection = apsw.Connection(":memory:")
    for table in made.engine.tables:
        keys = ", ".join(column.split()[0] for column in table.columns[: table.keys])
        connection.execute(
            f"CREATE TABLE {table.name} ({', '.join(table.columns)}, PRIMARY KEY ({keys})) WITHOUT ROWID"
        )
    connection.execute(SCHEMA)
    for (table_name, _), row in made.state.rows.items():
        connection.execute(f"INSERT INTO {table_name} VALUES ({', '.join('?' * len(row))})", row)
    return AccessView(SqliteAccess(lambda: connection), POLICY, lambda ref: made.vault[ref][1], local)


def refused(made: MemoryDesk, command: Command, kind: type[QuanyuError]) -> QuanyuError:
    before = dict(made.state.rows)
    with pytest.raises(kind) as caught:
        made.run(command)
    assert made.state.rows == before, "a refused command changes nothing"
    return caught.value


def test_a_name_goes_to_the_vault_and_not_into_the_journal() -> None:
    made = with_person()
    assert made.vault["personal:1"] == ("person:li", {"name": "李卫"})
    assert "李卫" not in repr(made.records)
    assert view_of(made).people()[0]["name"] == "李卫"


def test_replay_makes_the_same_rows() -> None:
    made = with_person("li", Grant("chief"), Grant("handler", "roads"))
    made.run(Command("role.withdraw", "person:li", {"role": "chief"}))
    made.run(Command("token.issue", "person:li", {"digest": digest_of("x"), "title": "gateway"}))
    made.run(Command("token.revoke", id_of(digest_of("x")), {}))
    made.run(Command("person.leave", "person:li", {}))
    assert made.replayed().rows == made.state.rows


@pytest.mark.parametrize(
    ("command", "kind", "code"),
    [
        (Command("person.put", "Li Wei", {"name": "李卫"}), Invalid, "person.id"),
        (Command("person.put", "person:a", {"name": "A", "language": "fr"}), Invalid, "person.language"),
        (Command("person.put", "person:a", {"name": "A", "unit": "moon"}), Invalid, "unit.unknown"),
        (Command("person.put", "person:a", {"name": "A", "shoe": 42}), Invalid, "command.body"),
        (Command("person.leave", "person:nobody", {}), Missing, "person.missing"),
        (Command("role.grant", "person:nobody", {"role": "chief"}), Missing, "person.missing"),
        (Command("role.grant", "person:li", {"role": "king"}), Invalid, "role.unknown"),
        (Command("role.grant", "person:li", {"role": "warden", "district": "moon"}), Invalid, "district.unknown"),
        (Command("role.grant", "person:li", {"role": "chief"}), Conflict, "role.held"),
        (Command("role.grant", "person:li", {"role": "handler"}), Invalid, "role.unbound"),
        (Command("role.grant", "person:li", {"role": "warden"}), Invalid, "role.unbound"),
        (Command("role.withdraw", "person:li", {"role": "chief", "unit": "roads"}), Missing, "role.not_held"),
        (Command("token.issue", "person:li", {"digest": "plain", "title": "t"}), Invalid, "command.body"),
        (
            Command("token.issue", "person:li", {"digest": digest_of("n"), "title": "t", "roles": ["administrator"]}),
            Invalid,
            "token.roles",
        ),
        (Command("token.revoke", "nothing", {}), Missing, "token.missing"),
        (Command("session.close", "nothing", {}), Missing, "session.missing"),
    ],
)
def test_bad_commands_are_refused_with_a_code(command: Command, kind: type[QuanyuError], code: str) -> None:
    assert refused(with_person("li", Grant("chief")), command, kind).code == code


def test_who_has_left_has_no_roles_and_opens_nothing() -> None:
    made = with_person("li", Grant("chief"))
    made.run(Command("token.issue", "person:li", {"digest": digest_of("s"), "title": "t"}))
    made.run(Command("person.leave", "person:li", {}))
    assert refused(made, Command("role.grant", "person:li", {"role": "chief"}), Conflict).code == "person.left"
    assert view_of(made).actor_for_token("s", NOW) is None
    made.run(Command("person.put", "person:li", {"name": "李卫"}))
    actor = view_of(made).actor_for_token("s", NOW)
    assert actor is not None
    assert actor.roles == ()


def test_a_token_opens_until_it_expires_or_is_revoked() -> None:
    made = with_person("li", Grant("chief"), Grant("handler", "roads"))
    secret = fresh_secret("qy")
    body = {"digest": digest_of(secret), "title": "gateway", "expires": NOW + SECOND, "roles": ["handler"]}
    made.run(Command("token.issue", "person:li", body))
    assert refused(made, Command("token.issue", "person:li", body), Conflict).code == "token.exists"
    view = view_of(made)
    actor = view.actor_for_token(secret, NOW)
    assert actor is not None
    assert (actor.id, actor.roles) == ("person:li", (Grant("handler", "roads"),))
    assert view.actor_for_token(secret, NOW + SECOND) is None
    assert view.actor_for_token(secret + "x", NOW) is None
    assert view.again(actor, NOW) == actor
    assert view.again(actor, NOW + SECOND) is None
    assert secret not in repr(made.records)
    assert digest_of(secret) not in repr(view.tokens())
    made.run(Command("token.revoke", id_of(digest_of(secret)), {}))
    assert view_of(made).actor_for_token(secret, NOW) is None
    assert refused(made, Command("token.revoke", id_of(digest_of(secret)), {}), Conflict).code == "token.revoked"


def signed_in(made: MemoryDesk, link: str, session: str, now: int) -> Command:
    body = {
        "digest": digest_of(link),
        "now": now,
        "session": digest_of(session),
        "expires": now + 60 * SECOND,
        "idle_us": 10 * SECOND,
    }
    return Command("signin.use", id_of(digest_of(link)), body)


def test_a_sign_in_link_works_once_and_in_time() -> None:
    made = with_person("li", Grant("chief"))
    for link in ("one", "late"):
        body = {"digest": digest_of(link), "expires": NOW + SECOND}
        made.run(Command("signin.issue", "person:li", body))
    assert refused(made, signed_in(made, "late", "s", NOW + SECOND), Denied).code == "access.link"
    assert refused(made, signed_in(made, "other", "s", NOW), Denied).code == "access.link"
    kinds = [record.kind for record in made.run(signed_in(made, "one", "s", NOW))]
    assert kinds == ["signin.used", "session.opened"]
    assert refused(made, signed_in(made, "one", "t", NOW), Denied).code == "access.link"


def test_a_session_ends_by_age_by_idleness_and_by_sign_out() -> None:
    made = with_person("li", Grant("chief"))
    opening = {"digest": digest_of("s"), "now": NOW, "expires": NOW + 60 * SECOND, "idle_us": 10 * SECOND}
    made.run(Command("session.open", "person:li", opening))
    view = view_of(made)
    for second in (0, 9, 18, 27):
        actor = view.actor_for_session("s", NOW + second * SECOND)
        assert actor is not None
    assert view.actor_for_session("s", NOW + 38 * SECOND) is None, "idle for eleven seconds"
    assert view_of(made).actor_for_session("s", NOW + 60 * SECOND) is None, "older than its absolute end"
    assert view.sessions("person:li")[0]["person"] == "person:li"
    assert actor is not None
    assert view.again(actor, NOW) == actor
    Gate(POLICY)(Command("session.close", id_of(digest_of("s")), {}), as_actor(made, "person:li"))
    made.run(Command("session.close", id_of(digest_of("s")), {}))
    closed = view_of(made)
    assert closed.actor_for_session("s", NOW) is None
    assert closed.again(actor, NOW) is None
    assert closed.sessions() == []


def as_actor(made: MemoryDesk, actor: str) -> MemoryDesk:
    made.actor = actor
    return made


def test_scope_is_what_grants_reach_together() -> None:
    view = view_of(with_person())

    def scope(*grants: Grant, action: str = "view:cases", purpose: str = "") -> Any:
        return view.scope(Actor("person:li", "", grants), action, purpose)

    assert scope(Grant("handler", "roads"), Grant("handler", "water")).units == {"roads", "water"}
    assert scope(Grant("warden", None, "east")).places == {"east"}
    assert scope(Grant("warden", "water")).places == {"west"}, "a unit's district stands in for the grant's"
    assert scope(Grant("citizen")).person == "person:li"
    widest = scope(Grant("handler", "roads"), Grant("chief"))
    assert (widest.units, widest.places, widest.person) == (None, None, None)
    assert scope(Grant("reader"), action="view:entities").types == {"Road"}
    assert scope(Grant("chief")).masked == {"phone"}
    assert scope(Grant("chief"), purpose="case 12").masked == frozenset()
    assert scope(Grant("handler", "roads"), purpose="curiosity").masked == {"phone"}


@pytest.mark.parametrize("grants", [(), (Grant("handler"),), (Grant("warden"),), (Grant("gone"),), (Grant("reader"),)])
def test_scope_denies_by_default_and_says_who_may(grants: tuple[Grant, ...]) -> None:
    with pytest.raises(Denied) as caught:
        view_of(with_person()).scope(Actor("person:li", "", grants), "view:cases")
    assert "administrator" in str(caught.value.remedy)
    assert "chief" in str(caught.value.remedy)


CASES_AT = {"case:1": Located("roads", "east", "citizen:9"), "case:2": Located("water", "west", None)}


def locate(command: Command, state: State) -> Located | None:
    return CASES_AT.get(command.subject)


@pytest.mark.parametrize(
    ("actor", "grants", "command", "passes"),
    [
        ("person:li", (Grant("handler", "roads"),), Command("case.act", "case:1", {"action": "accept"}), True),
        ("person:li", (Grant("handler", "roads"),), Command("case.act", "case:2", {"action": "accept"}), False),
        ("person:li", (Grant("handler", "roads"),), Command("case.act", "case:9", {"action": "accept"}), False),
        ("person:li", (Grant("warden", None, "west"),), Command("case.act", "case:2", {"action": "accept"}), True),
        ("person:li", (Grant("warden", None, "west"),), Command("case.act", "case:1", {"action": "accept"}), False),
        ("person:li", (Grant("handler", "roads"),), Command("entity.create", "urn:x", {}), False),
        ("person:li", (), Command("case.open", "", {}), False),
        ("person:li", (Grant("administrator"),), Command("entity.delete", "urn:x", {}), True),
        ("person:li", (Grant("chief"),), Command("token.issue", "person:li", {}), True),
        ("person:li", (Grant("chief"),), Command("token.issue", "person:boss", {}), False),
        ("citizen:9", (), Command("case.open", "", {}), True),
        ("citizen:9", (), Command("case.act", "case:1", {"action": "confirm"}), True),
        ("citizen:8", (), Command("case.act", "case:1", {"action": "confirm"}), False),
        ("citizen:9", (), Command("token.issue", "person:li", {}), False),
        ("engine:rules", (), Command("case.find", "x", {}), True),
        ("simulation:air", (), Command("observe", "x", {}), True),
        ("system:http", (), Command("signin.use", "x", {}), True),
        ("person:open", (), Command("entity.delete", "urn:x", {}), False),
        ("root", (), Command("entity.delete", "urn:x", {}), False),
    ],
)
def test_gate(actor: str, grants: tuple[Grant, ...], command: Command, passes: bool) -> None:
    made = as_actor(with_person("li", *grants), actor)
    gate = Gate(POLICY, locate)
    if passes:
        gate(command, made)
        assert made.records, "the gate raises nothing and writes nothing"
    else:
        with pytest.raises(Denied) as caught:
            gate(command, made)
        assert caught.value.code == "access.denied"


def test_gate_knows_the_open_actor_only_when_open() -> None:
    made = as_actor(desk(), "person:open")
    command = Command("entity.delete", "urn:x", {})
    Gate(POLICY, open=True)(command, made)
    with pytest.raises(Denied):
        Gate(POLICY)(command, made)


def test_nobody_hands_on_more_than_he_has() -> None:
    made = as_actor(with_person("li", Grant("foreman", "roads")), "person:li")
    gate = Gate(POLICY)
    gate(Command("role.grant", "person:li", {"role": "mate", "unit": "roads"}), made)
    with pytest.raises(Denied) as elsewhere:
        gate(Command("role.grant", "person:li", {"role": "foreman", "unit": "water"}), made)
    assert elsewhere.value.code == "access.denied"
    with pytest.raises(Denied) as wider:
        gate(Command("role.grant", "person:li", {"role": "administrator", "unit": "roads"}), made)
    assert wider.value.code == "access.handed_on"


def test_open_mode_is_one_named_actor_with_every_role() -> None:
    assert view_of(desk()).open_actor() is None
    view = view_of(desk(), local=True)
    actor = view.open_actor()
    assert actor is not None
    assert {grant.role for grant in actor.roles} == set(ROLES)
    assert view.may(actor, "entity.delete")
    assert view.scope(actor, "view:cases").units is None
    assert view.scope(actor, "view:entities").masked == {"phone"}, "a purpose must be stated even here"
    assert view.patterns(actor) == ["*"]


def test_a_case_action_without_a_place_is_left_to_the_cases_engine() -> None:
    made = as_actor(with_person("li", Grant("handler", "roads")), "person:li")
    Gate(POLICY)(Command("case.act", "case:1", {"action": "accept"}), made)
    with pytest.raises(Denied):
        Gate(POLICY)(Command("case.open", "", {}), made)


def test_engines_ask_for_grants_by_id() -> None:
    view = view_of(with_person("li", Grant("chief")), local=True)
    assert view.grants("person:li") == (Grant("chief"),)
    assert view.grants("person:nobody") == view.grants("citizen:1") == ()
    assert {grant.role for grant in view.grants("person:open")} == set(ROLES)


def test_may_and_patterns_follow_the_roles() -> None:
    view = view_of(with_person())
    actor = Actor("person:li", "", (Grant("handler", "roads"),))
    assert view.may(actor, "case.act", "accept")
    assert view.may(actor, "case.act", "accept", Located("roads"))
    assert not view.may(actor, "case.act", "accept", Located("water"))
    assert view.patterns(actor) == ["case.act:*", "view:cases"]
    with pytest.raises(Denied):
        view.check(actor, "role.grant")


def test_rights_change_at_the_next_question() -> None:
    made = with_person("li", Grant("chief"))
    made.run(Command("token.issue", "person:li", {"digest": digest_of("s"), "title": "t"}))
    view = view_of(made)
    before = view.version()
    made.run(Command("role.withdraw", "person:li", {"role": "chief"}))
    assert view_of(made).version() > before


def test_roles_are_read_from_a_file_and_bad_ones_refused() -> None:
    good = {"role": [{"id": "clerk", "zh": "受理员", "en": "Clerk", "permissions": [{"action": "case.open"}]}]}
    assert roles_of(good, "roles.toml")[0].reaches("case.open")
    bad = {"role": [{"id": "clerk", "zh": "受理员", "en": "Clerk", "permissions": [{"action": "x", "reach": "moon"}]}]}
    with pytest.raises(Invalid) as caught:
        roles_of(bad, "roles.toml")
    assert caught.value.where == "roles.toml"
    twice = Role("a", {"zh": "", "en": ""}, (Permission("x"),))
    with pytest.raises(Conflict):
        collect([twice, Role("a", {"zh": "", "en": ""})])


@given(st.lists(st.sampled_from(["handler", "warden", "citizen", "reader"])), st.sampled_from([None, *UNITS]))
def test_scope_never_shows_more_than_some_grant_allows(names: list[str], unit: str | None) -> None:
    grants = tuple(Grant(name, unit) for name in names)
    seen = POLICY.filter("person:x", grants, "view:cases")
    if seen is not None:
        limits = [seen.units, seen.places, frozenset([seen.person]) if seen.person else None]
        assert any(limit for limit in limits), "no grant here reaches all"
        for place in (Located("ecology", "north", "person:y"), Located(None, None, None)):
            assert not (seen.units and place.unit in seen.units) or any(grant.unit == place.unit for grant in grants)


def test_secrets_are_long_and_named_by_their_digest() -> None:
    secret = fresh_secret("qy")
    assert len(secret) > 40
    assert secret != fresh_secret("qy")
    assert id_of(digest_of(secret)) == digest_of(secret)[:20]
