"""Subscriptions between the words of a sender and the form that is kept."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.context import CORE, resolve
from quanyu.kernel.ngsi.subscription import (
    query_of,
    read_subscription,
    read_subscription_fragment,
    write_subscription,
)

CITY = "https://city.example/"
OWN = resolve(
    {"Haus": f"{CITY}Building", "Name": f"{CITY}name", "Art": f"{CITY}kind", "Turm": f"{CITY}Tower"}, lambda url: {}
)
WHOLE: dict[str, Any] = {
    "id": "urn:ngsi-ld:Subscription:1",
    "type": "Subscription",
    "subscriptionName": "Houses",
    "entities": [{"type": "Haus|Turm", "idPattern": "^urn:"}, {"type": "Haus", "id": "urn:x:1"}],
    "watchedAttributes": ["Name", "height"],
    "notificationTrigger": ["entityCreated"],
    "throttling": 2.5,
    "q": 'Name=="A";Art==Turm|height>3',
    "geoQ": {"georel": "near;maxDistance==5", "geometry": "Point", "coordinates": [1, 2], "geoproperty": "Name"},
    "scopeQ": "/a/#",
    "isActive": True,
    "expiresAt": "2030-01-01T00:00:00Z",
    "lang": "de",
    "datasetId": ["urn:d:1", "@none"],
    "notification": {
        "pick": ["id", "Name{height,Art{Name}}"],
        "format": "concise",
        "sysAttrs": True,
        "join": "inline",
        "joinLevel": 2,
        "endpoint": {
            "uri": "mqtts://user:pw@broker.example:8883/a/b",
            "accept": "application/ld+json",
            "timeout": 500,
            "cooldown": 10,
            "receiverInfo": [{"key": "A", "value": "b"}],
            "notifierInfo": [{"key": "MQTT-QoS", "value": "1"}],
        },
    },
}


def test_what_is_read_is_written_again_in_the_same_words() -> None:
    kept = read_subscription(WHOLE, OWN)
    assert write_subscription(kept, OWN) == WHOLE
    assert kept["entities"][1]["type"] == f"{CITY}Building"
    assert kept["watchedAttributes"] == [f"{CITY}name", "height"]
    assert write_subscription(kept, CORE)["notification"]["pick"] == [
        "id",
        f"{CITY}name{{height,{CITY}kind{{{CITY}name}}}}",
    ]


def test_a_query_keeps_the_meaning_of_its_words() -> None:
    kept = read_subscription(WHOLE, OWN)
    house = {f"{CITY}name": {"type": "Property", "value": "A"}, f"{CITY}kind": {"type": "Property", "value": "Turm"}}
    assert query_of(kept["q"]).matches(house)
    assert not query_of(kept["q"]).matches({"Name": house[f"{CITY}name"], "Art": house[f"{CITY}kind"]})
    encoded = read_subscription({**WHOLE, "q": "Name==%22Gr%C3%BCne%20Gasse%22"}, OWN)
    assert query_of(encoded["q"]).matches({f"{CITY}name": {"type": "Property", "value": "Grüne Gasse"}})


def test_unknown_and_read_only_members_are_left_out() -> None:
    given_ = {
        **WHOLE,
        "status": "expired",
        "__context": "x",
        "notification": {**WHOLE["notification"], "timesSent": 42},
    }
    assert read_subscription(given_, OWN) == read_subscription(WHOLE, OWN)


def test_null_removes_in_a_fragment_and_is_nothing_in_a_whole() -> None:
    fragment = read_subscription_fragment({"q": None, "throttling": "urn:ngsi-ld:null", "isActive": False}, CORE)
    assert fragment == {"q": None, "throttling": None, "isActive": False}
    assert "q" not in read_subscription({**WHOLE, "q": None}, OWN)


@pytest.mark.parametrize(
    "uri",
    [
        "http://a",
        "http://a/",
        "https://a.b:1/x?y=%20z",
        "http://[::1]:8080/x",
        "http://a?x=1",
        "mqtt://u@h/t",
        "mqtt://h:1/a/b",
    ],
)
def test_addresses_of_receivers(uri: str) -> None:
    wish = {"type": "Subscription", "entities": [{"type": "A"}], "notification": {"endpoint": {"uri": uri}}}
    assert read_subscription(wish, CORE)["notification"]["endpoint"]["uri"] == uri


MEMBERS = [*WHOLE, *WHOLE["notification"], "uri", "timeInterval", "csf", "jsonldContext", "x"]
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(MEMBERS), json, max_size=6))
def test_whatever_is_sent_is_a_subscription_or_a_clear_error(changes: dict[str, Any]) -> None:
    try:
        kept = read_subscription({**WHOLE, **changes}, OWN)
    except Invalid:
        return
    assert write_subscription(kept, OWN)["notification"]["endpoint"]["uri"]
