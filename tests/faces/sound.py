"""Sound NGSI-LD documents that say everything that they may: what tests send as it is, or bend."""

from __future__ import annotations

from typing import Any

from quanyu.faces.http.ngsi.route import NgsiRoute
from quanyu.kernel.ngsi.core import CORE_URL

CAR = "urn:ngsi-ld:Car:1"
SUBSCRIPTION = "urn:ngsi-ld:Subscription:1"
REGISTRATION = "urn:ngsi-ld:ContextSourceRegistration:1"
WATCH = "urn:ngsi-ld:CSourceSubscription:1"
RECEIVER = "http://receiver.example.org/notify"


def entity(id: str = CAR) -> dict[str, Any]:
    """An entity with an attribute of every kind."""
    return {
        "id": id,
        "type": ["Car", "Vehicle"],
        "scope": ["/depot/north", "/fleet"],
        "speed": [
            {"type": "Property", "value": 50, "unitCode": "KMH", "observedAt": "2026-03-01T08:00:00Z",
             "accuracy": {"type": "Property", "value": 0.5}},
            {"type": "Property", "value": 51, "datasetId": "urn:d:2"},
        ],
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [116.4, 39.9]}},
        "area": {"type": "GeoProperty", "value": {"type": "Polygon", "coordinates": [
            [[0, 0], [0, 1], [1, 1], [0, 0]]]}},
        "owner": {"type": "Relationship", "object": "urn:ngsi-ld:Person:li", "objectType": "Person"},
        "label": {"type": "LanguageProperty", "languageMap": {"zh": "车", "en": "car"}},
        "colour": {"type": "VocabProperty", "vocab": "Red"},
        "raw": {"type": "JsonProperty", "json": {"a": [1, {"b": None}]}},
        "route": {"type": "ListProperty", "valueList": [1, "b", {"c": 3}]},
        "stops": {"type": "ListRelationship", "objectList": [{"object": "urn:s:1"}, {"object": "urn:s:2"}]},
        "short": 7,
    }  # fmt: skip


def evolution() -> dict[str, Any]:
    """The temporal representation of an entity."""
    told = [{"type": "Property", "value": n, "observedAt": f"2026-03-01T0{n}:00:00Z"} for n in range(3)]
    words = [{"type": "Property", "value": "low", "observedAt": "2026-03-01T00:00:00Z"}]
    return {"id": CAR, "type": "Car", "fuelLevel": told, "mood": words}


def subscription(id: str = SUBSCRIPTION) -> dict[str, Any]:
    """A subscription that says everything."""
    return {
        "id": id,
        "type": "Subscription",
        "subscriptionName": "all",
        "description": "everything",
        "entities": [{"type": "Car", "idPattern": "urn:.*"}],
        "watchedAttributes": ["speed"],
        "notificationTrigger": ["entityCreated", "attributeUpdated"],
        "q": "speed>10;label=='car'",
        "geoQ": {"georel": "near;maxDistance==1000", "geometry": "Point", "coordinates": [116.4, 39.9]},
        "scopeQ": "/depot/#",
        "isActive": True,
        "expiresAt": "2028-01-01T00:00:00Z",
        "throttling": 5,
        "lang": "zh",
        "datasetId": ["@none"],
        "notification": {
            "attributes": ["speed"],
            "format": "keyValues",
            "endpoint": {"uri": RECEIVER, "accept": "application/json", "timeout": 1000, "cooldown": 1000,
                         "receiverInfo": [{"key": "X", "value": "y"}],
                         "notifierInfo": [{"key": "MQTT-QoS", "value": "1"}]},
            "sysAttrs": True,
        },
        "jsonldContext": CORE_URL,
    }  # fmt: skip


def registration() -> dict[str, Any]:
    """A registration that says everything."""
    return {
        "id": REGISTRATION,
        "type": "ContextSourceRegistration",
        "registrationName": "one",
        "endpoint": "http://source.example.org:1026",
        "information": [
            {"entities": [{"type": "Bus", "id": "urn:ngsi-ld:Bus:1"}], "propertyNames": ["speed"],
             "relationshipNames": ["owner"]}
        ],
        "observationInterval": {"startAt": "2026-01-01T00:00:00Z", "endAt": "2027-01-01T00:00:00Z"},
        "location": {"type": "Point", "coordinates": [116.4, 39.9]},
        "mode": "auxiliary",
        "operations": ["retrieveOps"],
        "expiresAt": "2028-01-01T00:00:00Z",
        "scope": ["/a"],
        "extra": 7,
    }  # fmt: skip


def query() -> dict[str, Any]:
    """The body of a query."""
    return {
        "type": "Query",
        "entities": [{"type": "Car"}, {"type": "Bus", "idPattern": "urn:.*"}],
        "attrs": ["speed"],
        "q": "speed>10",
        "geoQ": {"georel": "within", "geometry": "Polygon",
                 "coordinates": [[[116, 39], [117, 39], [117, 40], [116, 39]]]},
        "scopeQ": "/depot/#",
        "lang": "zh",
        "datasetId": ["@none"],
        "join": "inline",
        "joinLevel": 2,
        "ordering": {"orderBy": ["speed;desc"]},
    }  # fmt: skip


def temporal_query() -> dict[str, Any]:
    """The body of a temporal query."""
    between = {"timerel": "between", "timeAt": "2026-03-01T00:00:00Z", "endTimeAt": "2026-03-02T00:00:00Z", "lastN": 5}
    aggregated = {"aggrMethods": ["avg", "max"], "aggrPeriodDuration": "PT1H"}
    return {"type": "Query", "entities": [{"type": "Car"}], "temporalQ": between, "aggrParams": aggregated}


def sound_body(route: NgsiRoute) -> Any:
    """A body that the route takes."""
    path = route.path
    if path.startswith("/temporal"):
        if path.endswith("query"):
            return temporal_query()
        return evolution() if path.count("/") == 2 or path.endswith("attrs") else {"value": 9}
    if path.startswith("/entityOperations"):
        if path.endswith("delete"):
            return [CAR, "urn:ngsi-ld:Car:9"]
        return query() if path.endswith("query") else [entity(), entity("urn:ngsi-ld:Car:2")]
    if path.startswith("/jsonldContexts"):
        return {"@context": {"heat": "https://city.example/ns/heat", "city": "https://city.example/ns/"}}
    if path.startswith("/csourceRegistrations"):
        return registration()
    if path.startswith("/csourceSubscriptions"):
        return {name: value for name, value in subscription(WATCH).items() if name != "datasetId"}
    if path.startswith("/subscriptions"):
        return subscription()
    if "{attrId}" in path:
        return entity()["speed"][0]
    return entity() if path == "/entities" else {"speed": {"type": "Property", "value": 3}, "short": 8}
