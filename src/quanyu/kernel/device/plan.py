"""The devices file: which brokers, topics and stations a city listens to, read from TOML with the line of each fault."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar

import msgspec

from quanyu.kernel.device.lines import line_of
from quanyu.kernel.device.message import EPOCHS, Field, Message, Payload
from quanyu.kernel.device.template import Template
from quanyu.kernel.device.topic import Pattern
from quanyu.kernel.entity import check_name
from quanyu.kernel.errors import Invalid, QuanyuError
from quanyu.kernel.time.instant import zone_of
from quanyu.kernel.unit import find_unit

Origin = Literal["live", "replay"]
"""`live`: the source measures this city. `replay`: it plays something back, and its values say simulated."""

NAME = re.compile(r"^[a-z][a-z0-9_-]{0,39}$")
ADDRESS = re.compile(r"^(mqtts?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?/?$")
UNKNOWN = re.compile(r"unknown field `([^`]+)`")
T = TypeVar("T", bound=msgspec.Struct)


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


class _Topic(msgspec.Struct, forbid_unknown_fields=True):
    topic: str
    qos: Literal[0, 1, 2] = 0
    message: str | None = None
    type: str | None = None
    payload: Payload = "json"
    fields: dict[str, Any] = {}
    value: dict[str, Any] | None = None
    time: str | None = None
    format: str | None = None
    zone: str | None = None
    missing: tuple[float | str, ...] = ()
    entity: str | None = None
    create: dict[str, str] | None = None


class _Broker(msgspec.Struct, forbid_unknown_fields=True):
    broker: str
    topic: list[dict[str, Any]]
    origin: Origin = msgspec.field(default="live", name="as")
    user: str | None = None
    password_env: str | None = None
    password_file: str | None = None
    ca_file: str | None = None
    client: str | None = None
    keepalive_s: int = 60


class _Station(msgspec.Struct, forbid_unknown_fields=True):
    mn: str
    type: str
    entity: str
    password_env: str | None = None
    password_file: str | None = None
    data: Literal["2011", "2051", "2061", "2031"] = "2011"
    zone: str | None = None
    create: dict[str, str] | None = None
    edition: Literal["2017", "2025-unverified"] = "2017"


class _Hj212(msgspec.Struct, forbid_unknown_fields=True):
    factors: str
    station: list[dict[str, Any]]
    host: str = "127.0.0.1"
    origin: Origin = msgspec.field(default="live", name="as")
    password_env: str | None = None
    password_file: str | None = None


class _Sheet(msgspec.Struct, forbid_unknown_fields=True):
    mqtt: dict[str, dict[str, Any]] = {}
    hj212: dict[str, Any] | None = None


def parse_devices(text: str, file: str, messages: Sequence[Message] = ()) -> Plan:
    """Read a devices file; Invalid names file and line. `messages` are those that packs declare, by name."""
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        line = re.search(r"line (\d+)", str(fault))
        raise Invalid(
            f"File {file} is no TOML: {fault}.",
            code="devices.toml",
            where=f"{file}, line {line[1] if line else text.count(chr(10)) + 1}",
            remedy="Mend that line.",
        ) from fault
    reading = _Reading(text, file, {message.name: message for message in messages})
    sheet = reading.shaped(given, _Sheet, ())
    brokers = tuple(reading.broker(name, table) for name, table in sheet.mqtt.items())
    return Plan(brokers, None if sheet.hj212 is None else reading.hj212(sheet.hj212))


class _Reading:
    """One reading of a file: knows the text, so that every fault has its line."""

    def __init__(self, text: str, file: str, messages: Mapping[str, Message]) -> None:
        self._text, self._file, self._messages = text, file, messages

    def where(self, *path: str | int) -> str:
        return f"{self._file}, line {line_of(self._text, path)}"

    def wrong(self, what: str, code: str, remedy: str, *path: str | int) -> Invalid:
        return Invalid(what, code=code, where=self.where(*path), remedy=remedy)

    def shaped(self, given: Any, shape: type[T], path: tuple[str | int, ...]) -> T:
        """Return a table in its shape; an unknown key is refused with those that are accepted."""
        try:
            return msgspec.convert(given, shape)
        except msgspec.ValidationError as fault:
            said, _, at = str(fault).partition(" - at ")
            unknown = UNKNOWN.search(said)
            steps = [unknown[1]] if unknown else re.findall(r"\.(\w+)", at)
            accepted = ", ".join(each.encode_name for each in msgspec.structs.fields(shape))
            raise self.wrong(f"{said}.", "devices.shape", f"Accepted here: {accepted}.", *path, *steps) from fault

    def broker(self, name: str, table: dict[str, Any]) -> Broker:
        path = ("mqtt", name)
        if not NAME.match(name):
            raise self.wrong(
                f"{name[:60]!r} is no name of a source.", "devices.name", "Use small letters, digits, - and _.", *path
            )
        found = self.shaped(table, _Broker, path)
        host, port, tls = self._address(found.broker, *path, "broker")
        if not found.topic:
            raise self.wrong(f"Broker {name} has no topic.", "devices.topic", f"Add [[mqtt.{name}.topic]].", *path)
        if not 5 <= found.keepalive_s <= 3600:
            raise self.wrong(
                "keepalive_s is not 5 to 3600.", "devices.shape", "Leave it out: 60.", *path, "keepalive_s"
            )
        topics = tuple(self._topic(table, (*path, "topic", number)) for number, table in enumerate(found.topic))
        patterns = [topic.pattern for topic in topics]
        for number, pattern in enumerate(patterns):
            if pattern in patterns[:number]:
                at = (*path, "topic", number, "topic")
                raise self.wrong(f"Topic {pattern} stands twice.", "devices.topic", "Remove one.", *at)
        secret = self._secret(found, path, needed=found.user is not None)
        return Broker(
            name,
            host,
            port,
            tls,
            topics,
            found.origin,
            found.user,
            secret,
            found.ca_file,
            found.client,
            found.keepalive_s,
        )

    def _address(self, url: str, *path: str | int) -> tuple[str, int, bool]:
        remedy = "Write mqtt://host:1883 or mqtts://host:8883; user and password_env or password_file stand beside it."
        parts = ADDRESS.match(url)
        if "@" in url:
            # The address may hold a secret, so the message does not repeat it.
            raise self.wrong("The broker's address holds a user or a password.", "devices.secret", remedy, *path)
        if parts is None or not 0 < int(parts[3] or 1) < 65536:
            raise self.wrong(f"{url[:80]!r} is no address of a broker.", "devices.broker", remedy, *path)
        tls = parts[1] == "mqtts"
        return parts[2].strip("[]"), int(parts[3] or (8883 if tls else 1883)), tls

    def _secret(self, found: Any, path: tuple[str | int, ...], needed: bool) -> Secret:
        if found.password_env and found.password_file:
            raise self.wrong(
                "Password is named twice.",
                "devices.secret",
                "Keep password_env or password_file.",
                *path,
                "password_file",
            )
        if needed and not (found.password_env or found.password_file):
            raise self.wrong(
                "There is no password.", "devices.secret",
                "Add password_env (a variable's name) or password_file (a file beside this one).", *path,
            )  # fmt: skip
        return Secret(found.password_env, found.password_file)

    def _topic(self, table: dict[str, Any], path: tuple[str | int, ...]) -> Topic:
        found = self.shaped(table, _Topic, path)
        with_where = self.where(*path, "topic")
        try:
            pattern = Pattern(found.topic)
        except Invalid as fault:
            raise Invalid(fault.message, code=fault.code, where=with_where, remedy=fault.remedy) from fault
        topic = Topic(found.topic, found.qos, self._message(found, path), found.entity, found.create)
        if found.entity is None and not pattern.names and topic.message.payload != "ngsi-ld":
            raise self.wrong(
                "Nothing says which entity the topic is about.", "devices.template",
                "Name a part of the topic (+station), or write entity = \"urn:ngsi-ld:…\".", *path,
            )  # fmt: skip
        self._templates({"entity": found.entity} if found.entity else {}, pattern.names, path)
        self._templates(found.create or {}, pattern.names, (*path, "create"))
        return topic

    def _templates(self, templates: Mapping[str, str], names: tuple[str, ...], path: tuple[str | int, ...]) -> None:
        for name, text in templates.items():
            Template(text, names, self.where(*path, name))
            if path[-1] == "create":
                check_name(name, self.where(*path, name))

    def _message(self, found: _Topic, path: tuple[str | int, ...]) -> Message:
        if found.message is not None:
            known = self._messages.get(found.message)
            if known is None:
                names = ", ".join(sorted(self._messages)) or "none"
                raise self.wrong(
                    f"No pack declares the message {found.message!r}.",
                    "devices.message",
                    f"There are: {names}.",
                    *path,
                    "message",
                )
            if found.type or found.fields or found.value:
                raise self.wrong(
                    f"The message {found.message} has its type and fields already.", "devices.message",
                    "Leave out type, fields and value, or leave out message.", *path, "message",
                )  # fmt: skip
            return known
        if found.type is None:
            raise self.wrong("The topic has no type.", "devices.shape", 'Write type = "AirQualityObserved".', *path)
        fields = {name: self._field(each, (*path, "fields", name)) for name, each in found.fields.items()}
        value = None if found.value is None else self._field(found.value, (*path, "value"))
        message = Message(
            found.type, found.payload, fields, value, found.time, found.format, found.zone, found.missing
        )  # fmt: skip
        for fault in message_faults(message):
            raise self.wrong(fault, "devices.message", "See docs/guides/devices.md for what a topic needs.", *path)
        return message

    def _field(self, given: Any, path: tuple[str | int, ...]) -> Field:
        field = self.shaped(given, Field, path)
        check_name(field.attribute, self.where(*path))
        if field.unit is not None and find_unit(field.unit) is None:
            raise self.wrong(
                f"Unit {field.unit} is no common code.", "devices.unit", "Write a UN/CEFACT code: GQ, CEL, P1.", *path
            )
        return field

    def hj212(self, table: dict[str, Any]) -> Hj212:
        path: tuple[str | int, ...] = ("hj212",)
        found = self.shaped(table, _Hj212, path)
        shared = self._secret(found, path, needed=False)
        stations: dict[str, Station] = {}
        for number, given in enumerate(found.station):
            at = (*path, "station", number)
            station = self._station(given, shared, at)
            if station.mn in stations:
                raise self.wrong(f"Station {station.mn} stands twice.", "devices.station", "Remove one.", *at, "mn")
            stations[station.mn] = station
        if not stations:
            raise self.wrong("There is no station.", "devices.station", "Add [[hj212.station]].", *path)
        return Hj212(tuple(stations.values()), found.factors, found.host, found.origin)

    def _station(self, given: dict[str, Any], shared: Secret, path: tuple[str | int, ...]) -> Station:
        found = self.shaped(given, _Station, path)
        if not re.fullmatch(r"[0-9A-Za-z]{1,24}", found.mn):
            raise self.wrong(
                f"MN {found.mn[:40]!r} is not 1 to 24 letters and digits.",
                "devices.station",
                "Write it as the station sends it.",
                *path,
                "mn",
            )
        own = self._secret(found, path, needed=shared == Secret())
        check_name(found.type, self.where(*path, "type"))
        self._templates({"entity": found.entity}, (), path)
        self._templates(found.create or {}, (), (*path, "create"))
        for zone in filter(None, [found.zone]):
            self._zone(zone, (*path, "zone"))
        secret = shared if own == Secret() else own
        return Station(found.mn, found.entity, found.type, secret, found.data, found.zone, found.create, found.edition)

    def _zone(self, zone: str, path: tuple[str | int, ...]) -> None:
        try:
            zone_of(zone)
        except QuanyuError as fault:
            raise self.wrong(
                fault.message + ".", "devices.shape", "Write an IANA name: Asia/Shanghai.", *path
            ) from fault


def message_faults(message: Message) -> Iterator[str]:
    """Yield what is wrong with a declared message, whoever declared it."""
    if message.payload == "json" and (not message.fields or message.value):
        yield "a json payload needs fields, and no value"
    if message.payload == "number" and (message.value is None or message.fields or message.time):
        yield "a number needs value, and has neither fields nor time"
    if message.payload == "ngsi-ld" and (message.fields or message.value or message.time):
        yield "an ngsi-ld payload brings its attributes and times itself: no fields, value or time"
    if message.format is not None and message.time is None:
        yield "format is given, but not the field of the time"
    if message.format is not None and message.format not in EPOCHS and "%" not in message.format:
        yield f"format {message.format!r} is neither s, ms, us nor made of words of strptime"
    try:
        check_name(message.type, "type")
        zone_of(message.zone or "UTC")
        for field in (*message.fields.values(), *filter(None, [message.value])):
            check_name(field.attribute, "fields")
            if field.unit is not None and find_unit(field.unit) is None:
                yield f"unit {field.unit} is no common code"
    except QuanyuError as fault:
        yield fault.message.rstrip(".")
