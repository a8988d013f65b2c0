"""Subscriptions to registrations over HTTP: their life, and what their receivers are told."""

from __future__ import annotations

import time
from typing import Any

import httpx
import msgspec
import pytest

from quanyu.engines.context.registrations import REGISTRATION
from quanyu.faces.http.ngsi.problem import ERRORS
from quanyu.kernel.errors import Invalid, Unavailable
from quanyu.kernel.journal import Command
from quanyu.kernel.ngsi.context import CORE, Context, resolve
from quanyu.kernel.ngsi.registration_subscription import (
    read_registration_subscription,
    read_registration_subscription_fragment,
    wanted_of,
)
from tests.faces.city import Knock
from tests.hubs import HOUR_US

BASE = "/ngsi-ld/v1/csourceSubscriptions"
SOURCES = "/ngsi-ld/v1/csourceRegistrations"
ID = "urn:ngsi-ld:Subscription:1"
RECEIVER = "http://127.0.0.1:9999/told"


def wish(**members: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "type": "Subscription",
        "entities": [{"type": "Car"}],
        "notification": {"endpoint": {"uri": RECEIVER, "accept": "application/json"}},
        **members,
    }


def source(number: int = 1, *types: str, **members: Any) -> dict[str, Any]:
    return {
        "id": f"urn:r:{number}",
        "type": "ContextSourceRegistration",
        "endpoint": "http://source.example.org",
        "information": [{"entities": [{"type": each}]} for each in types or ("Car",)],
        **members,
    }


def send(knock: Knock, method: str, path: str, body: Any, status: int) -> httpx.Response:
    headers = {"Content-Type": "application/json"}
    response = knock(method, path, "admin", content=msgspec.json.encode(body), headers=headers)
    assert response.status_code == status, response.text
    return response


def told(knock: Knock, count: int = 1) -> list[tuple[str, list[str]]]:
    """Wait for letters; return why each was sent and about which registrations."""
    knock.hub.settled_blocking()
    carrier = knock.hub.carrier
    until = time.monotonic() + 5
    while len(carrier.letters) < count and time.monotonic() < until:
        carrier.answer_all(204)
        time.sleep(0.005)
    found = [msgspec.json.decode(letter.body) for letter in carrier.letters]
    assert all(each["type"] == "ContextSourceNotification" and each["subscriptionId"] == ID for each in found)
    carrier.letters.clear()
    carrier.answer_all(204)
    return [(each["triggerReason"], [item["id"] for item in each["data"]]) for each in found]


def quiet(knock: Knock) -> bool:
    knock.hub.settled_blocking()
    time.sleep(0.05)
    return not knock.hub.carrier.letters


def test_the_life_of_a_subscription(knock: Knock) -> None:
    made = send(knock, "POST", BASE, wish(csf='grade=="A"', scopeQ="/a/#"), 201)
    assert made.headers["location"] == f"{BASE}/{ID}"
    assert send(knock, "POST", BASE, wish(), 409).json()["type"] == f"{ERRORS}AlreadyExists"
    found = knock.json("GET", f"{BASE}/{ID}", "admin")
    assert (found["status"], found["csf"], found["entities"]) == ("active", 'grade=="A"', [{"type": "Car"}])
    assert "notificationTrigger" not in found
    temporal = {"timerel": "after", "timeAt": "2026-01-01T00:00:00Z"}
    send(knock, "PATCH", f"{BASE}/{ID}", {"temporalQ": temporal, "isActive": False}, 204)
    found = knock.json("GET", f"{BASE}/{ID}?options=sysAttrs", "admin")
    assert (found["status"], found["temporalQ"], found["createdAt"]) == ("paused", temporal, "2026-03-02T00:00:00Z")
    send(knock, "PATCH", f"{BASE}/{ID}", {"temporalQ": None}, 204)
    assert "temporalQ" not in knock.json("GET", f"{BASE}/{ID}", "admin")
    listed = knock("GET", f"{BASE}?limit=1&count=true", "admin")
    assert (listed.headers["ngsild-results-count"], len(listed.json())) == ("1", 1)
    assert knock("DELETE", f"{BASE}/{ID}", "admin").status_code == 204
    for method in ("GET", "DELETE"):
        assert knock(method, f"{BASE}/{ID}", "admin").status_code == 404
    send(knock, "PATCH", f"{BASE}/{ID}", {"isActive": True}, 404)
    nameless = {name: value for name, value in wish().items() if name != "id"}
    assert send(knock, "POST", BASE, nameless, 201).headers["location"].startswith(f"{BASE}/urn:ngsi-ld:Subscription:")


def test_a_receiver_hears_what_newly_matches_is_updated_and_matches_no_longer(knock: Knock) -> None:
    send(knock, "POST", BASE, wish(), 201)
    assert quiet(knock), "nothing matches yet"
    send(knock, "POST", SOURCES, source(1), 201)
    assert told(knock) == [("newlyMatching", ["urn:r:1"])]
    send(knock, "POST", SOURCES, source(2, "Bus"), 201)
    assert quiet(knock)
    send(knock, "PATCH", f"{SOURCES}/urn:r:1", {"description": "d"}, 204)
    assert told(knock) == [("updated", ["urn:r:1"])]
    send(knock, "PATCH", f"{SOURCES}/urn:r:1", {"information": [{"entities": [{"type": "Bus"}]}]}, 204)
    assert told(knock) == [("noLongerMatching", ["urn:r:1"])]
    send(knock, "PATCH", f"{SOURCES}/urn:r:2", {"information": [{"entities": [{"type": "Car"}]}]}, 204)
    assert told(knock) == [("newlyMatching", ["urn:r:2"])]
    assert knock("DELETE", f"{SOURCES}/urn:r:2", "admin").status_code == 204
    assert told(knock) == [("noLongerMatching", ["urn:r:2"])]
    counted = knock.json("GET", f"{BASE}/{ID}", "admin")["notification"]
    assert (counted["timesSent"], counted["status"]) == (5, "ok")


def test_what_stands_already_is_told_first_and_after_a_change(knock: Knock) -> None:
    for number, kind in enumerate(("Car", "Bus", "Car")):
        send(knock, "POST", SOURCES, source(number, kind), 201)
    send(knock, "POST", BASE, wish(), 201)
    assert told(knock) == [("newlyMatching", ["urn:r:0", "urn:r:2"])]
    send(knock, "PATCH", f"{BASE}/{ID}", {"entities": [{"type": "Bus"}]}, 204)
    assert told(knock) == [("newlyMatching", ["urn:r:1"])]
    send(knock, "PATCH", f"{BASE}/{ID}", {"isActive": False}, 204)
    send(knock, "POST", SOURCES, source(3, "Bus"), 201)
    assert quiet(knock), "it is paused"
    assert knock("DELETE", f"{BASE}/{ID}", "admin").status_code == 204


def test_only_what_matters_is_told_in_the_words_of_the_subscriber(knock: Knock) -> None:
    send(knock, "POST", BASE, wish(notification={"endpoint": {"uri": RECEIVER, "accept": "application/ld+json"}}), 201)
    send(knock, "POST", SOURCES, source(1, "Car", "Bus"), 201)
    knock.hub.settled_blocking()
    until = time.monotonic() + 5
    while not knock.hub.carrier.letters and time.monotonic() < until:
        time.sleep(0.005)
    (letter,) = knock.hub.carrier.letters
    (item,) = msgspec.json.decode(letter.body)["data"]
    assert item["information"] == [{"entities": [{"type": "Car"}]}]
    assert item["@context"] == CORE.source
    knock.hub.carrier.answer_all(204)


def test_a_registration_that_ends_matches_no_longer(knock: Knock) -> None:
    send(knock, "POST", BASE, wish(), 201)
    send(knock, "POST", SOURCES, source(1, expiresAt="2026-03-02T01:00:00Z"), 201)
    assert told(knock) == [("newlyMatching", ["urn:r:1"])]
    knock.hub.clock.at += HOUR_US
    knock.hub.runners["registration_subscriptions"].notify(knock.hub.last_seq)
    assert told(knock) == [("noLongerMatching", ["urn:r:1"])]
    assert knock("GET", f"{SOURCES}/urn:r:1", "admin").status_code == 404
    assert list(knock.hub.store.rows(REGISTRATION)) == [], "its row goes with it"
    knock.hub.commit_blocking([Command("registration.expire", "urn:r:1", {})], "system:test")


def test_a_throttled_receiver_hears_later_and_a_periodic_one_now_and_then(knock: Knock) -> None:
    second = 1_000_000
    send(knock, "POST", BASE, wish(throttling=60), 201)
    knock.hub.machine_clock.at += 60 * second
    for number in range(3):
        send(knock, "POST", SOURCES, source(number), 201)
    assert told(knock) == [("newlyMatching", ["urn:r:0"])]
    send(knock, "PATCH", f"{SOURCES}/urn:r:1", {"description": "d"}, 204)
    assert knock("DELETE", f"{SOURCES}/urn:r:2", "admin").status_code == 204
    assert quiet(knock)
    knock.hub.machine_clock.at += 60 * second
    knock.hub.runners["registration_subscriptions"].notify(knock.hub.last_seq)
    assert told(knock, 2) == [("newlyMatching", ["urn:r:1"]), ("noLongerMatching", ["urn:r:2"])]
    fragment = {"throttling": None, "timeInterval": 10}
    send(knock, "PATCH", f"{BASE}/{ID}", fragment, 204)
    assert told(knock) == [("newlyMatching", ["urn:r:0", "urn:r:1"])]
    send(knock, "PATCH", f"{SOURCES}/urn:r:1", {"description": "e"}, 204)
    assert quiet(knock), "a period does not ask what changed"
    knock.hub.machine_clock.at += 10 * second
    knock.hub.runners["registration_subscriptions"].notify(knock.hub.last_seq)
    assert told(knock) == [("newlyMatching", ["urn:r:0", "urn:r:1"])]


@pytest.mark.parametrize(
    ("temporal", "where"),
    [
        ("after", "temporalQ"),
        ({"timerel": "soon"}, "temporalQ.timerel"),
        ({"timerel": "after"}, "temporalQ.timeAt"),
        ({"timerel": "between", "timeAt": "2026-01-01T00:00:00Z"}, "temporalQ.endTimeAt"),
        ({"timerel": "after", "timeAt": "now"}, "temporalQ.timeAt"),
        ({"timerel": "after", "timeAt": "2026-01-01T00:00:00Z", "timeproperty": "x"}, "temporalQ.timeproperty"),
        ({"timerel": "after", "timeAt": "2026-01-01T00:00:00Z", "x": "y"}, "temporalQ.x"),
    ],
)
def test_a_temporal_query_that_cannot_be_read_is_refused(temporal: Any, where: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_registration_subscription(wish(temporalQ=temporal), CORE)
    assert caught.value.where == where


def test_what_a_subscription_selects_among_registrations() -> None:
    def selects(registration: dict[str, Any], **members: Any) -> bool:
        return wanted_of(read_registration_subscription(wish(**members), CORE)).selects(registration)

    past = source(observationInterval={"startAt": "2020-01-01T00:00:00Z"})
    at = {"timeAt": "2021-01-01T00:00:00Z"}
    assert selects(past, temporalQ={"timerel": "after", **at})
    assert selects(past, temporalQ={"timerel": "before", **at})
    assert selects(past, temporalQ={"timerel": "between", **at, "endTimeAt": "2022-01-01T00:00:00Z"})
    assert not selects(past)
    assert not selects(past, temporalQ={"timerel": "after", **at, "timeproperty": "createdAt"})
    here = source(location={"type": "Point", "coordinates": [1, 2]})
    near = {"georel": "near;maxDistance==10", "geometry": "Point", "coordinates": [1, 2]}
    assert selects(here, geoQ=near)
    assert not selects(source(), geoQ=near)
    assert selects(source(grade="A"), csf='grade=="A"')
    assert not selects(source(), csf='grade=="A"')
    named = source(information=[{"entities": [{"type": "Car"}], "propertyNames": ["speed"]}])
    wished = {"attributes": ["colour"], "endpoint": {"uri": RECEIVER}}
    assert not selects(named, notification=wished)
    assert selects(named, notification=wished, watchedAttributes=["speed"])
    assert selects(named, watchedAttributes=["colour"]), "watched attributes alone do not narrow (5.12)"
    assert read_registration_subscription_fragment({"temporalQ": None}, CORE) == {"temporalQ": None}


def test_a_context_that_is_kept_for_a_subscription_is_named(knock: Knock) -> None:
    linked = {"Content-Type": "application/ld+json"}
    for path in (BASE, "/ngsi-ld/v1/subscriptions"):
        body = wish(**{"@context": [{"Car": "https://x.org/Car"}]})
        made = knock("POST", path, "admin", content=msgspec.json.encode(body), headers=linked)
        assert made.status_code == 201, made.text
        url = knock.json("GET", f"{path}/{ID}", "admin")["jsonldContext"]
        assert url.startswith("http://127.0.0.1:8000/ngsi-ld/v1/jsonldContexts/")
        kept = knock.json("GET", url.removeprefix("http://127.0.0.1:8000"), "admin")
        assert kept["@context"][0] == {"Car": "https://x.org/Car"}


def test_a_lost_context_means_core_words_until_it_is_back(knock: Knock, monkeypatch: pytest.MonkeyPatch) -> None:
    away = [True]
    words = resolve({"Wagen": "https://uri.etsi.org/ngsi-ld/default-context/Car"}, lambda url: {})

    def at_hand(url: str) -> Context:
        if away[0]:
            raise Unavailable(f"{url} is away", code="context.unavailable")
        return words

    def heard() -> str:
        knock.hub.settled_blocking()
        until = time.monotonic() + 5
        while not knock.hub.carrier.letters and time.monotonic() < until:
            time.sleep(0.005)
        (letter,) = knock.hub.carrier.letters
        knock.hub.carrier.letters.clear()
        knock.hub.carrier.answer_all(204)
        found = msgspec.json.decode(letter.body)["data"][0]["information"][0]["entities"][0]["type"]
        return str(found)

    monkeypatch.setattr(knock.hub.contexts, "at_hand", at_hand)
    send(knock, "POST", BASE, wish(), 201)
    send(knock, "POST", SOURCES, source(1), 201)
    assert heard() == "Car"
    away[0] = False
    send(knock, "POST", SOURCES, source(2), 201)
    assert heard() == "Car"
    knock.hub.machine_clock.at += 11_000_000
    send(knock, "POST", SOURCES, source(3), 201)
    assert heard() == "Wagen"
