"""Requests that nobody should send, to every route: each is answered or refused in the standard's words, and what is
refused changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quanyu.faces.http.ngsi import table
from quanyu.faces.http.ngsi.problem import BARE, ERRORS
from quanyu.faces.http.ngsi.route import NgsiRoute
from tests.faces.city import Knock, knocking
from tests.faces.hostile import REFUSED, Told, Wish, ask, encoded, requests
from tests.faces.sound import WATCH, entity, evolution, registration, subscription

EXAMPLES = 30
SOAKED = 4_000
CPU_S_MAX = 5.0
"""Of one request: no more than a slow machine needs for the largest that is let in."""

KINDS = frozenset(
    [
        "InvalidRequest",
        "BadRequestData",
        "AlreadyExists",
        "OperationNotSupported",
        "ResourceNotFound",
        "InternalError",
        "TooComplexQuery",
        "TooManyResults",
        "LdContextNotAvailable",
        "NoMultiTenantSupport",
        "NonexistentTenant",
        "Conflict",
    ]
)
ROUTES = table()
NAMED = [pytest.param(route, id=f"{route.method} {route.path}") for route in ROUTES]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knock]:
    with knocking(tmp_path_factory.mktemp("home")) as knock:
        yield knock


def refill(knock: Knock) -> None:
    """Let something of everything stand, whatever an earlier request took away."""
    media = [(b"content-type", b"application/json")]
    watch = {name: value for name, value in subscription(WATCH).items() if name != "datasetId"}
    for path, document in (
        ("entities", entity()), ("temporal/entities", evolution()), ("subscriptions", subscription()),
        ("csourceRegistrations", registration()), ("csourceSubscriptions", watch),
    ):  # fmt: skip
        told = ask(knock, Wish("POST", f"/ngsi-ld/v1/{path}".encode(), media, encoded(document)))
        assert told.status in (201, 204, 409), told


def judge(knock: Knock, wish: Wish) -> Told:
    """Ask, and look at what came back and what changed."""
    before, started = knock.hub.last_seq, time.process_time()
    told = ask(knock, wish)
    spent = time.process_time() - started
    assert spent < CPU_S_MAX, f"{spent:.1f} s for {wish}"
    if told.status < 300:
        if told.body:
            assert b"content-type" in told.headers
            msgspec.json.decode(told.body)
        assert wish.method != "GET" or knock.hub.last_seq == before
        return told
    assert told.status in REFUSED, f"{wish} -> {told}"
    assert knock.hub.last_seq == before, f"refused and changed: {wish} -> {told}"
    if told.status in BARE:
        assert told.body == b""
        return told
    assert told.headers[b"content-type"] == b"application/problem+json"
    problem = msgspec.json.decode(told.body)
    assert problem["status"] == told.status
    assert problem["title"]
    assert problem["detail"]
    assert problem["code"]
    assert len(told.body) < 20_000, f"a refusal as long as its request: {wish}"
    kind = problem["type"]
    assert kind.removeprefix(ERRORS) in KINDS or kind.startswith("urn:quanyu:problem:"), kind
    return told


def fuzz(knock: Knock, route: NgsiRoute, examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        derandomize=examples == EXAMPLES,
    )
    @given(st.data())
    def one(data: st.DataObject) -> None:
        judge(knock, data.draw(requests(route)))

    refill(knock)
    one()


@pytest.mark.parametrize("route", NAMED)
def test_a_route_answers_or_refuses_whatever_comes(route: NgsiRoute, city: Knock) -> None:
    fuzz(city, route, EXAMPLES)


@pytest.mark.soak
@pytest.mark.parametrize("route", NAMED)
def test_a_route_answers_or_refuses_whatever_comes_for_long(route: NgsiRoute, city: Knock) -> None:
    fuzz(city, route, SOAKED)
