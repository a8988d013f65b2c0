"""Subscriptions over HTTP: the whole life of one, what is shown of it, and the notifications that it brings."""

from __future__ import annotations

import time
from typing import Any

import httpx
import msgspec
import pytest

from quanyu.faces.http.ngsi.problem import ERRORS
from quanyu.kernel.ngsi.context import CORE
from tests.faces.city import STATION, Knock

BASE = "/ngsi-ld/v1/subscriptions"
NATIVE = "/api/v1/subscriptions"
ID = "urn:ngsi-ld:Subscription:1"
URI = "http://receiver.example.org/notify"


def wish(endpoint: dict[str, Any] | None = None, notification: dict[str, Any] | None = None, **members: Any) -> Any:
    return {
        "id": ID,
        "type": "Subscription",
        "entities": [{"type": "AirQualityObserved"}],
        "notification": {"endpoint": {"uri": URI, **(endpoint or {})}, **(notification or {})},
        **members,
    }


def send(knock: Knock, method: str, path: str, body: Any, media: str = "application/json") -> httpx.Response:
    return knock(method, path, "admin", content=msgspec.json.encode(body), headers={"Content-Type": media})


def kind(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    return str(response.json()["type"]).removeprefix(ERRORS)


def told(knock: Knock, count: int = 1) -> list[dict[str, Any]]:
    """Wait until so many letters went out, and take them."""
    carrier = knock.hub.carrier
    for _ in range(400):
        if len(carrier.letters) >= count:
            break
        time.sleep(0.01)
    found = [msgspec.json.decode(letter.body) for letter in carrier.letters]
    assert len(found) == count, found
    carrier.letters.clear()
    carrier.answer_all(204)
    return found


def change(knock: Knock, **attributes: Any) -> None:
    knock.hub.commit_blocking([command("entity.merge", STATION, attributes)], "system:test")


def command(kind: str, subject: str, body: dict[str, Any]) -> Any:
    from quanyu.kernel.journal import Command

    return Command(kind, subject, body)


def test_the_life_of_a_subscription(knock: Knock) -> None:
    made = send(knock, "POST", BASE, wish())
    assert (made.status_code, made.headers["location"]) == (201, f"{BASE}/{ID}")
    assert kind(send(knock, "POST", BASE, wish()), 409) == "AlreadyExists"
    whole = {**wish(), "status": "active", "notificationTrigger": ["attributeCreated", "attributeUpdated"]}
    assert knock.json("GET", f"{BASE}/{ID}", "admin") == whole
    assert send(knock, "PATCH", f"{BASE}/{ID}", {"isActive": False}, "application/merge-patch+json").status_code == 204
    assert knock.json("GET", f"{BASE}/{ID}", "admin")["status"] == "paused"
    assert send(knock, "PATCH", f"{BASE}/{ID}", {"isActive": None, "q": "pm25>50"}).status_code == 204
    found = knock.json("GET", f"{BASE}/{ID}?options=sysAttrs", "admin")
    assert (found["status"], found["q"], found["createdAt"]) == ("active", "pm25>50", "2026-03-02T00:00:00Z")
    linked = knock("GET", f"{BASE}/{ID}", "admin", headers={"Accept": "application/ld+json"}).json()
    assert linked["@context"] == CORE.source
    assert knock("DELETE", f"{BASE}/{ID}", "admin").status_code == 204
    for method, body in (("GET", None), ("PATCH", {"isActive": True}), ("DELETE", None)):
        response = knock(method, f"{BASE}/{ID}", "admin") if body is None else send(knock, method, f"{BASE}/{ID}", body)
        assert kind(response, 404) == "ResourceNotFound"
    assert kind(knock("GET", f"{BASE}/nothing", "admin"), 400) == "BadRequestData"
    nameless = wish()
    del nameless["id"]
    assert send(knock, "POST", BASE, nameless).headers["location"].startswith(f"{BASE}/urn:ngsi-ld:Subscription:")


@pytest.mark.parametrize(
    "bad",
    [
        {},
        wish(type="Registration"),
        wish(id="no uri"),
        wish(entities=[]),
        wish(entities=[{"id": "urn:x:1"}]),
        wish(entities=[{"type": "A;("}]),
        wish(entities=[{"type": "A", "idPattern": "("}]),
        wish(watchedAttributes=[]),
        wish(watchedAttributes=[1]),
        wish(notificationTrigger=["entityChanged"]),
        wish(throttling=-30),
        wish(throttling=True),
        wish(throttling=3, timeInterval=3),
        wish(timeInterval=3, watchedAttributes=["a"]),
        wish(q="pm25>>"),
        wish(csf="(("),
        wish(geoQ={"georel": "near;maxDistance==5", "geometry": "Point"}),
        wish(geoQ={"georel": "beside", "geometry": "Point", "coordinates": [1, 2]}),
        wish(geoQ=5),
        wish(scopeQ="//"),
        wish(isActive="yes"),
        wish(expiresAt="2000-01-01T00:00:00Z"),
        wish(expiresAt="tomorrow"),
        wish(datasetId=["x y"]),
        wish(jsonldContext="unknownContext"),
        wish(notification={"format": "xml"}),
        wish(notification={"format": "keyValues", "showChanges": True}),
        wish(notification={"attributes": []}),
        wish(notification={"pick": []}),
        wish(notification={"pick": ["a"], "omit": ["a"]}),
        wish(notification={"pick": ["a"], "attributes": ["a"]}),
        wish(notification={"joinLevel": 2}),
        wish(notification={"join": "flat", "joinLevel": 0}),
        wish({"uri": "ftp://a.org/"}),
        wish({"uri": "http://a.org:99999/"}),
        wish({"uri": "http://user:pw@a.org/"}),
        wish({"uri": "mqtt://a.org"}),
        wish({"uri": "http://a.org/\r\nX: y"}),
        wish({"accept": "text/plain"}),
        wish({"timeout": 0}),
        wish({"receiverInfo": [{"key": "K", "value": 42}]}),
        wish({"receiverInfo": [{"key": "K"}]}),
        wish({"receiverInfo": [{"key": "K", "value": "a\r\nb: c"}]}),
        wish({"receiverInfo": [{"key": "Authorization", "value": "********"}]}),
        {"type": "Subscription", "entities": [{"type": "A"}]},
        {"type": "Subscription", "notification": {"endpoint": {"uri": URI}}},
        {"type": "Subscription", "entities": [{"type": "A"}], "notification": {"format": "normalized"}},
    ],
)
def test_what_is_no_subscription_changes_nothing(bad: Any, knock: Knock) -> None:
    seq = knock.hub.last_seq
    assert kind(send(knock, "POST", BASE, bad), 400) == "BadRequestData"
    assert knock.hub.last_seq == seq


@pytest.mark.parametrize(
    "bad",
    [
        {"id": "urn:ngsi-ld:Subscription:2"},
        {"type": None},
        {"notification": None},
        {"notification": {"format": "keyValues"}},
        {"notification": {"format": "keyValues", "endpoint": None}},
        {"entities": None},
        {"expiresAt": "2020-08-01T22:07:00Z"},
        {"timeInterval": 5, "throttling": 5},
    ],
)
def test_what_is_no_update_changes_nothing(bad: Any, knock: Knock) -> None:
    assert send(knock, "POST", BASE, wish()).status_code == 201
    before = knock.json("GET", f"{BASE}/{ID}", "admin")
    assert kind(send(knock, "PATCH", f"{BASE}/{ID}", bad), 400) == "BadRequestData"
    assert knock.json("GET", f"{BASE}/{ID}", "admin") == before


def test_a_list_is_paged_and_counted(knock: Knock) -> None:
    assert knock.json("GET", BASE, "admin") == []
    for number in range(3):
        assert send(knock, "POST", f"{BASE}/", wish(id=f"urn:s:{number}")).status_code == 201
    page = knock("GET", f"{BASE}?limit=1&offset=1&count=true", "admin")
    assert [each["id"] for each in page.json()] == ["urn:s:1"]
    assert page.headers["ngsild-results-count"] == "3"
    links = page.headers["link"]
    assert f"<{BASE}?limit=1&offset=0" in links
    assert 'rel="prev"' in links
    assert f"<{BASE}?limit=1&offset=2" in links
    assert 'rel="next"' in links
    assert [each["id"] for each in knock.json("GET", BASE, "admin")] == ["urn:s:0", "urn:s:1", "urn:s:2"]
    assert kind(knock("GET", f"{BASE}?limit=0", "admin"), 400) == "BadRequestData"
    assert kind(knock("GET", f"{BASE}?page=2", "admin"), 400) == "InvalidRequest"


def test_a_change_is_told_with_counters_and_words_of_the_context(knock: Knock) -> None:
    context = {
        "Luft": "https://uri.etsi.org/ngsi-ld/default-context/AirQualityObserved",
        "feinstaub": {"@id": "https://uri.etsi.org/ngsi-ld/default-context/pm25"},
    }
    body = {**wish(entities=[{"type": "Luft"}], watchedAttributes=["feinstaub"]), "@context": context}
    assert send(knock, "POST", BASE, body, "application/ld+json").status_code == 201
    change(knock, name="Dongsi")
    change(knock, pm25=80)
    (told_,) = told(knock)
    assert (told_["type"], told_["subscriptionId"]) == ("Notification", ID)
    assert told_["data"][0]["type"] == "Luft"
    assert told_["data"][0]["feinstaub"] == {"type": "Property", "value": 80}
    assert "@context" not in told_
    letter_context = told_["data"][0].get("@context")
    assert letter_context is None
    shown = knock.json("GET", f"{BASE}/{ID}", "admin")["notification"]
    assert (shown["timesSent"], shown["status"]) == (1, "ok")
    assert shown["lastNotification"] == shown["lastSuccess"] == "2026-03-02T00:00:00Z"
    kept = knock.json("GET", f"{BASE}/{ID}", "admin")
    assert (kept["entities"], kept["watchedAttributes"]) == ([{"type": "AirQualityObserved"}], ["pm25"])


def test_secrets_are_never_shown_and_stay_when_their_mask_comes_back(knock: Knock) -> None:
    info = [{"key": "Authorization", "value": "Bearer hush"}, {"key": "X-Room", "value": "12"}]
    assert send(knock, "POST", BASE, wish({"receiverInfo": info})).status_code == 201
    shown = knock("GET", f"{BASE}/{ID}", "admin")
    assert "hush" not in shown.text
    endpoint = shown.json()["notification"]["endpoint"]
    assert endpoint["receiverInfo"] == [{"key": "Authorization", "value": "********"}, {"key": "X-Room", "value": "12"}]
    assert (
        send(knock, "PATCH", f"{BASE}/{ID}", {"notification": {"endpoint": {**endpoint, "timeout": 100}}}).status_code
        == 204
    )
    change(knock, pm25=81)
    for _ in range(400):
        if knock.hub.carrier.letters:
            break
        time.sleep(0.01)
    (letter,) = knock.hub.carrier.letters
    assert dict(letter.headers)["Authorization"] == "Bearer hush"
    assert dict(letter.headers)["X-Room"] == "12"
    assert "hush" not in repr(knock.hub.journal_read(0, 10_000))
    store = knock.hub.store.connection()
    assert not store.execute("SELECT count(*) FROM parcel WHERE items LIKE '%hush%'").fetchone()[0]
    bad = {
        "notification": {
            "endpoint": {"uri": URI, "receiverInfo": [*endpoint["receiverInfo"], {"key": "X-Token", "value": "new"}]}
        }
    }
    assert kind(send(knock, "PATCH", f"{BASE}/{ID}", bad), 400) == "BadRequestData"


def test_a_failing_receiver_is_seen_and_its_dead_letters_go_again(knock: Knock) -> None:
    assert send(knock, "POST", BASE, wish()).status_code == 201
    change(knock, pm25=82)
    carrier = knock.hub.carrier
    for _ in range(400):
        if carrier.out:
            break
        time.sleep(0.01)
    carrier.answer(500)
    shown = knock.json("GET", f"{BASE}/{ID}", "admin")["notification"]
    assert (shown["status"], shown["timesSent"], shown["timesFailed"]) == ("failed", 1, 1)
    assert "lastFailure" in shown
    assert "lastSuccess" not in shown
    (health,) = knock.json("GET", NATIVE, "admin")["items"]
    assert (health["health"], health["error"], health["waiting"]) == ("failing", "HTTP status 500", 1)
    for asked, total in (
        ("health=failing", 1),
        ("health=unheard", 1),
        ("health=ok", 0),
        ("text=RECEIVER", 1),
        ("text=x9", 0),
    ):
        assert knock.json("GET", f"{NATIVE}?{asked}", "admin")["total"] == total, asked
    assert knock.json("GET", f"{NATIVE}/{ID}", "admin")["creator"] == "person:admin"
    assert 'quanyu_notifications{state="failing"} 1.0' in knock("GET", "/metrics", "admin").text
    (warning,) = knock.json("GET", "/readyz")["warnings"]
    assert "1 receivers of subscriptions do not answer; 1 notifications wait" in warning
    assert knock.json("GET", f"{NATIVE}/{ID}/notifications", "admin")["items"] == []
    assert send(knock, "POST", f"{NATIVE}/{ID}/replay", {}).status_code == 200
    assert kind_native(knock("GET", f"{NATIVE}/urn:s:9", "admin")) == "subscription.missing"
    assert kind_native(knock("GET", f"{NATIVE}?after=x", "admin")) == "query.cursor"


def kind_native(response: httpx.Response) -> str:
    return str(response.json()["code"])


def test_an_expired_subscription_is_silent_until_it_gets_a_new_end(knock: Knock) -> None:
    assert send(knock, "POST", BASE, wish(expiresAt="2026-03-02T00:01:00Z")).status_code == 201
    knock.hub.clock.at += 61_000_000
    assert knock.json("GET", f"{BASE}/{ID}", "admin")["status"] == "expired"
    change(knock, pm25=83)
    knock.hub.settled_blocking()
    assert knock.hub.carrier.letters == []
    assert send(knock, "PATCH", f"{BASE}/{ID}", {"description": "over"}).status_code == 204
    assert send(knock, "PATCH", f"{BASE}/{ID}", {"expiresAt": "2030-01-01T00:00:00Z"}).status_code == 204
    assert knock.json("GET", f"{BASE}/{ID}", "admin")["status"] == "active"
    change(knock, pm25=84)
    assert told(knock)[0]["data"][0]["pm25"]["value"] == 84


def test_a_subscriber_gets_only_what_its_creator_may_see(knock: Knock) -> None:
    assert (
        send(
            knock, "POST", BASE, wish(watchedAttributes=["phone", "pm25"], notificationTrigger=["entityUpdated"])
        ).status_code
        == 201
    )
    change(knock, phone="13900000000")
    change(knock, pm25=85, phone=None)
    (first,) = told(knock)
    assert first["data"][0]["pm25"]["value"] == 85
    assert "phone" not in first["data"][0]
    knock.hub.commit_blocking([command("person.leave", "person:admin", {})], "system:test")
    change(knock, pm25=86)
    knock.hub.settled_blocking()
    assert knock.hub.carrier.letters == []
    assert "may see no entities" in str(knock.hub.subscriptions.get(ID).health.error)


def test_a_private_receiver_is_refused_where_that_is_not_allowed(knock: Knock) -> None:
    from quanyu.engines.notify.subscriptions import SubscriptionsEngine

    knock.hub.writer._deciders["subscription.create"] = SubscriptionsEngine()
    for host in ("localhost", "10.0.0.1", "[::1]"):
        response = send(knock, "POST", BASE, wish({"uri": f"http://{host}/x"}))
        assert (kind(response, 400), response.json()["code"]) == ("BadRequestData", "subscription.private")
