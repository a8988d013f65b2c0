"""Who asks is remembered between requests, and what takes a right away is felt by the next one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from quanyu.assembly import Hub, Options, open_hub
from quanyu.assembly.doors import issue_token
from quanyu.assembly.keeping import erase
from quanyu.engines.access.secret import digest_of, id_of
from quanyu.engines.access.view import Actor
from quanyu.kernel.journal import Command

LI = "person:li"
HOUR_US = 3_600_000_000


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    made = open_hub(tmp_path, Options())
    made.start()
    send(made, "person.put", LI, name="李卫")
    send(made, "role.grant", LI, role="administrator")
    yield made
    made.close()


def send(hub: Hub, kind: str, subject: str, **body: object) -> None:
    hub.commit_blocking([Command(kind, subject, body)], "system:operator")


def by_token(hub: Hub, secret: str) -> Actor | None:
    return hub.access.actor_for_token(secret, hub.machine())


def by_session(hub: Hub, cookie: str) -> Actor | None:
    return hub.access.actor_for_session(cookie, hub.machine())


def signed_in(hub: Hub, cookie: str) -> None:
    now = hub.machine()
    send(hub, "session.open", LI, digest=digest_of(cookie), now=now, expires=now + HOUR_US, idle_us=HOUR_US)


def test_a_revoked_token_is_nobodys(hub: Hub) -> None:
    token = issue_token(hub, LI, "gateway")
    found = by_token(hub, token["token"])
    assert found is not None
    assert (found.id, found.name, [each.role for each in found.roles]) == (LI, "李卫", ["administrator"])
    assert by_token(hub, token["token"]) == found
    send(hub, "token.revoke", token["id"])
    assert by_token(hub, token["token"]) is None


def test_a_secret_that_was_refused_is_known_once_it_is_issued(hub: Hub) -> None:
    assert by_token(hub, "qy_later") is None
    body = {"digest": digest_of("qy_later"), "title": "later", "expires": None, "roles": None}
    send(hub, "token.issue", LI, **body)
    assert by_token(hub, "qy_later") is not None


def test_a_closed_session_is_nobodys(hub: Hub) -> None:
    signed_in(hub, "cookie")
    assert by_session(hub, "cookie") is not None
    send(hub, "session.close", id_of(digest_of("cookie")))
    assert by_session(hub, "cookie") is None


def test_a_withdrawn_role_and_a_person_who_left(hub: Hub) -> None:
    secret = issue_token(hub, LI, "gateway")["token"]
    version = hub.access.version()
    assert by_token(hub, secret) is not None
    send(hub, "role.withdraw", LI, role="administrator")
    found = by_token(hub, secret)
    assert found is not None
    assert found.roles == ()
    assert hub.access.version() > version
    send(hub, "person.leave", LI)
    assert by_token(hub, secret) is None


def test_a_new_name_and_an_erased_one(hub: Hub) -> None:
    secret = issue_token(hub, LI, "gateway")["token"]
    assert by_token(hub, secret) is not None
    send(hub, "person.put", LI, name="李伟")
    found = by_token(hub, secret)
    assert found is not None
    assert found.name == "李伟"
    erase(hub, LI, "asked", "system:operator")
    after = by_token(hub, secret)
    assert after is None or after.name == ""


def test_time_ends_what_is_remembered(hub: Hub) -> None:
    secret = issue_token(hub, LI, "gateway", days=1)["token"]
    now = hub.machine()
    assert hub.access.actor_for_token(secret, now) is not None
    assert hub.access.actor_for_token(secret, now + 25 * HOUR_US) is None
    signed_in(hub, "cookie")
    assert hub.access.actor_for_session("cookie", now + HOUR_US // 2) is not None
    assert hub.access.actor_for_session("cookie", now + 3 * HOUR_US) is None
