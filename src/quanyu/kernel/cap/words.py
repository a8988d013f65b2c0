"""Words of the Common Alerting Protocol 1.2 (OASIS): an alert as a value, and its code lists."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from quanyu.kernel.time import Instant

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
SIGNATURE: Final = "http://www.w3.org/2000/09/xmldsig#"
MEDIA_TYPE: Final = "application/cap+xml"

Status = Literal["Actual", "Exercise", "System", "Test", "Draft"]
MsgType = Literal["Alert", "Update", "Cancel", "Ack", "Error"]
Scope = Literal["Public", "Restricted", "Private"]
Severity = Literal["Extreme", "Severe", "Moderate", "Minor", "Unknown"]
Urgency = Literal["Immediate", "Expected", "Future", "Past", "Unknown"]
Certainty = Literal["Observed", "Likely", "Possible", "Unlikely", "Unknown"]

CODES: Final[dict[str, tuple[str, ...]]] = {
    "status": ("Actual", "Exercise", "System", "Test", "Draft"),
    "msgType": ("Alert", "Update", "Cancel", "Ack", "Error"),
    "scope": ("Public", "Restricted", "Private"),
    "category": (
        "Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other",
    ),
    "responseType": (
        "Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None",
    ),
    "urgency": ("Immediate", "Expected", "Future", "Past", "Unknown"),
    "severity": ("Extreme", "Severe", "Moderate", "Minor", "Unknown"),
    "certainty": ("Observed", "Likely", "Possible", "Unlikely", "Unknown"),
}  # fmt: skip
"""The closed code lists, by element."""

Position = tuple[float, float]
"""Longitude, then latitude, as everywhere in this house; CAP itself writes latitude first."""


class Named(msgspec.Struct, frozen=True):
    """A value with the name of the list that it is of: event codes, parameters, geocodes."""

    name: str
    value: str


class Circle(msgspec.Struct, frozen=True):
    """A circle around a position; the radius in kilometres."""

    centre: Position
    radius_km: float


class Resource(msgspec.Struct, frozen=True):
    """A file that goes with an alert: only described here, nothing is fetched. `deref` is its content in base64."""

    description: str
    mime: str
    size_bytes: int | None = None
    uri: str = ""
    deref: str = ""
    digest: str = ""


class Area(msgspec.Struct, frozen=True):
    """Where an alert holds: in words, by closed polygons, circles and codes. Heights in feet, as the standard has them."""

    description: str
    polygons: tuple[tuple[Position, ...], ...] = ()
    circles: tuple[Circle, ...] = ()
    geocodes: tuple[Named, ...] = ()
    altitude_ft: float | None = None
    ceiling_ft: float | None = None


class Info(msgspec.Struct, frozen=True, kw_only=True):
    """What an alert says in one language; empty texts are absent ones."""

    categories: tuple[str, ...]
    event: str
    urgency: str
    severity: str
    certainty: str
    language: str = "en-US"
    responses: tuple[str, ...] = ()
    audience: str = ""
    event_codes: tuple[Named, ...] = ()
    effective: Instant | None = None
    onset: Instant | None = None
    expires: Instant | None = None
    sender_name: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    web: str = ""
    contact: str = ""
    parameters: tuple[Named, ...] = ()
    resources: tuple[Resource, ...] = ()
    areas: tuple[Area, ...] = ()


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """A CAP message. `references` are texts `sender,identifier,sent` as they stand.

    `signatures` are the raw XML of signatures: kept as evidence, never verified, and not written again, since a signature
    covers the bytes that it came with.
    """

    identifier: str
    sender: str
    sent: Instant
    status: str
    kind: str
    scope: str
    source: str = ""
    restriction: str = ""
    addresses: str = ""
    codes: tuple[str, ...] = ()
    note: str = ""
    references: tuple[str, ...] = ()
    incidents: str = ""
    infos: tuple[Info, ...] = ()
    signatures: tuple[str, ...] = ()


class Reference(msgspec.Struct, frozen=True):
    """Which message is meant: who sent it, its identifier, and when."""

    sender: str
    identifier: str
    sent: Instant


class Remark(msgspec.Struct, frozen=True):
    """A named check that an alert does not pass; it is legal by the schema all the same."""

    check: str
    where: str
    zh: str
    en: str


def alert_of(document: Any) -> Alert:
    """Return an alert from plain values, as a record keeps it."""
    return msgspec.convert(document, Alert)
