"""What a city listens to: brokers with their topics, stations at the HJ 212 door."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from quanyu.kernel.device.message import Message
from quanyu.kernel.device.template import Template
from quanyu.kernel.device.topic import Pattern

Origin = Literal["live", "replay"]
"""`live`: the source measures this city. `replay`: it plays something back, and its values say simulated."""


class Secret(msgspec.Struct, frozen=True):
    """Where a password stands: never in the devices file itself."""

    env: str | None = None
    file: str | None = None


class Topic(msgspec.Struct, frozen=True):
    """A topic with what its messages say, the id of the entity, and what a new entity begins with (None: no new ones)."""

    pattern: str
    qos: int
    message: Message
    entity: str | None
    create: Mapping[str, str] | None

    def id_template(self) -> Template:
        """Return the template of the entity's id: `urn:ngsi-ld:<type>:` and the named parts unless one was given."""
        names = Pattern(self.pattern).names
        default = f"urn:ngsi-ld:{self.message.type}:" + ":".join(f"{{{name}}}" for name in names)
        return Template(self.entity or default, names)


class Broker(msgspec.Struct, frozen=True):
    """An MQTT broker and the topics that are heard from it; one name, one line of health."""

    name: str
    host: str
    port: int
    tls: bool
    topics: tuple[Topic, ...]
    origin: Origin = "live"
    user: str | None = None
    secret: Secret = Secret()
    ca_file: str | None = None
    client: str | None = None
    keepalive_s: int = 60


class Station(msgspec.Struct, frozen=True):
    """A station that speaks HJ 212: its MN and password, its entity, and which data feed the plain attributes."""

    mn: str
    entity: str
    type: str
    secret: Secret
    data: Literal["2011", "2051", "2061", "2031"] = "2011"
    zone: str | None = None
    create: Mapping[str, str] | None = None
    edition: Literal["2017", "2025-unverified"] = "2017"


class Hj212(msgspec.Struct, frozen=True):
    """The HJ 212 door: where it listens, which stations it knows, and the file of factor codes."""

    stations: tuple[Station, ...]
    factors: str
    host: str = "127.0.0.1"
    origin: Origin = "live"


class Plan(msgspec.Struct, frozen=True):
    """Everything that a devices file declares."""

    brokers: tuple[Broker, ...] = ()
    hj212: Hj212 | None = None
