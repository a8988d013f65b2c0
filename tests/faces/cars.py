"""A car, and the calls by which tests of the NGSI-LD face put and read it."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec

from quanyu.faces.http.ngsi.problem import ERRORS
from tests.faces.city import Knock

BASE = "/ngsi-ld/v1/entities"
CAR = "urn:ngsi-ld:Car:1"
DEFAULT = "https://uri.etsi.org/ngsi-ld/default-context/"


def car(**members: Any) -> dict[str, Any]:
    return {
        "id": CAR,
        "type": "Car",
        "speed": {"type": "Property", "value": 50, "unitCode": "KMH"},
        "owner": {"type": "Relationship", "object": "urn:ngsi-ld:Person:li"},
        **members,
    }


def send(
    knock: Knock, method: str, path: str, body: Any, media: str = "application/json", **headers: str
) -> httpx.Response:
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return knock(method, path, "admin", content=content, headers={"Content-Type": media, **headers})


def put(knock: Knock, **members: Any) -> None:
    response = send(knock, "POST", BASE, car(**members))
    assert response.status_code == 201, response.text


def get(knock: Knock, path: str, **headers: str) -> httpx.Response:
    return knock("GET", path, "admin", headers=headers)


def kind(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    return str(response.json()["type"]).removeprefix(ERRORS)


def ids(knock: Knock, query: str) -> list[str]:
    return [each["id"] for each in knock.json("GET", f"{BASE}?{query}", "admin")]


def batch(knock: Knock, operation: str, body: Any, media: str = "application/json") -> httpx.Response:
    return send(knock, "POST", f"/ngsi-ld/v1/entityOperations/{operation}", body, media)
