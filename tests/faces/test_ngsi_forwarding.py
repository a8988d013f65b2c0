"""What entities do when a registration says that another broker has them."""

from __future__ import annotations

from typing import Any

from tests.faces.cars import BASE, CAR, batch, car, get, ids, kind, put, send
from tests.faces.city import Knock


def register(knock: Knock, **members: Any) -> None:
    source = {
        "id": "urn:r:1", "type": "ContextSourceRegistration", "endpoint": "http://source.example.org",
        "information": [{"entities": [{"type": "Car"}]}], **members,
    }  # fmt: skip
    response = send(knock, "POST", "/ngsi-ld/v1/csourceRegistrations", source)
    assert response.status_code == 201, response.text


def test_a_source_that_adds_is_named_in_a_warning(knock: Knock) -> None:
    put(knock)
    register(knock)
    for path in (f"{BASE}?type=Car", f"{BASE}/{CAR}", "/ngsi-ld/v1/types"):
        answer = get(knock, path)
        assert answer.status_code == 200
        assert "urn:r:1" in answer.headers["ngsild-warning"]
        assert "ngsild-warning" not in get(knock, f"{path}{'&' if '?' in path else '?'}local=true").headers
    assert "ngsild-warning" not in get(knock, f"{BASE}?type=Bus").headers
    assert kind(get(knock, f"{BASE}?type=Car&orderBy=speed"), 400) == "BadRequestData"
    assert get(knock, f"{BASE}?type=Car&orderBy=speed&local=true").status_code == 200
    assert kind(get(knock, f"{BASE}/urn:x:9"), 501) == "OperationNotSupported", "it may stand there"
    assert kind(get(knock, f"{BASE}/urn:x:9?local=true"), 404) == "ResourceNotFound"
    assert send(knock, "PATCH", f"{BASE}/{CAR}/attrs", {"speed": 1}).status_code == 204, "it takes no writes"


def test_what_a_proxied_source_holds_is_not_made_up_here(knock: Knock) -> None:
    put(knock, type="Bus")
    register(knock, mode="redirect", operations=["redirectionOps"])
    assert kind(send(knock, "POST", BASE, car(id="urn:x:2")), 501) == "OperationNotSupported"
    assert kind(get(knock, f"{BASE}?type=Car"), 501) == "OperationNotSupported"
    assert "local=true" in get(knock, f"{BASE}?type=Car").json()["remedy"]
    assert send(knock, "POST", f"{BASE}?local=true", car(id="urn:x:2")).status_code == 201
    assert ids(knock, "type=Car&local=true") == ["urn:x:2"]
    assert ids(knock, "type=Bus") == [CAR]
    several = batch(knock, "create", [car(id="urn:x:3"), car(id="urn:x:4", type="Bus")])
    assert several.status_code == 201, "it takes no batches, so they stay here"


def test_an_inclusive_source_that_takes_writes_would_have_to_be_told(knock: Knock) -> None:
    put(knock)
    register(knock, operations=["updateOps"])
    assert kind(send(knock, "PATCH", f"{BASE}/{CAR}/attrs", {"speed": 1}), 501) == "OperationNotSupported"
    assert send(knock, "PATCH", f"{BASE}/{CAR}/attrs?local=true", {"speed": 1}).status_code == 204
    assert "ngsild-warning" not in get(knock, f"{BASE}/{CAR}").headers, "it takes no reads"
