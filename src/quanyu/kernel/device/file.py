"""The devices file: a plan read from TOML, every fault with its line and what to do."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

import msgspec

from quanyu.kernel.device.lines import line_of
from quanyu.kernel.device.message import Field, Message, Payload, message_faults
from quanyu.kernel.device.plan import Broker, Hj212, Origin, Plan, Secret, Station, Topic
from quanyu.kernel.device.template import Template
from quanyu.kernel.device.topic import Pattern
from quanyu.kernel.entity import ID_PATTERN, check_name
from quanyu.kernel.errors import Invalid, QuanyuError
from quanyu.kernel.time.instant import zone_of
from quanyu.kernel.unit import find_unit

NAME = re.compile(r"^[a-z][a-z0-9_-]{0,39}$")
ADDRESS = re.compile(r"^(mqtts?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?/?$")
UNKNOWN = re.compile(r"unknown field `([^`]+)`")
T = TypeVar("T", bound=msgspec.Struct)


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

    def shaped(self, given: Any, shape: type[T], path: tuple[str | int, ...]) -> T:
        """Return a table in its shape; an unknown key is refused with those that are accepted."""
        try:
            return msgspec.convert(given, shape)
        except msgspec.ValidationError as fault:
            said, _, at = str(fault).partition(" - at ")
            unknown = UNKNOWN.search(said)
            steps = [unknown[1]] if unknown else re.findall(r"\.(\w+)", at)
            accepted = ", ".join(each.encode_name for each in msgspec.structs.fields(shape))
            raise Invalid(
                f"{said}.", code="devices.shape", where=self.where(*path, *steps), remedy=f"Accepted here: {accepted}."
            ) from fault

    def broker(self, name: str, table: dict[str, Any]) -> Broker:
        path = ("mqtt", name)
        if not NAME.match(name):
            raise Invalid(
                f"{name[:60]!r} is no name of a source.",
                code="devices.name",
                where=self.where(*path),
                remedy="Use small letters, digits, - and _.",
            )
        found = self.shaped(table, _Broker, path)
        host, port, tls = self._address(found.broker, *path, "broker")
        if not found.topic:
            raise Invalid(
                f"Broker {name} has no topic.",
                code="devices.topic",
                where=self.where(*path),
                remedy=f"Add [[mqtt.{name}.topic]].",
            )
        if not 5 <= found.keepalive_s <= 3600:
            raise Invalid(
                "keepalive_s is not 5 to 3600.",
                code="devices.shape",
                where=self.where(*path, "keepalive_s"),
                remedy="Leave it out: 60.",
            )
        topics = tuple(self._topic(table, (*path, "topic", number)) for number, table in enumerate(found.topic))
        patterns = [topic.pattern for topic in topics]
        for number, pattern in enumerate(patterns):
            if pattern in patterns[:number]:
                at = (*path, "topic", number, "topic")
                raise Invalid(
                    f"Topic {pattern} stands twice.", code="devices.topic", where=self.where(*at), remedy="Remove one."
                )
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
            raise Invalid(
                "The broker's address holds a user or a password.",
                code="devices.secret",
                where=self.where(*path),
                remedy=remedy,
            )
        if parts is None or not 0 < int(parts[3] or 1) < 65536:
            raise Invalid(
                f"{url[:80]!r} is no address of a broker.",
                code="devices.broker",
                where=self.where(*path),
                remedy=remedy,
            )
        tls = parts[1] == "mqtts"
        return parts[2].strip("[]"), int(parts[3] or (8883 if tls else 1883)), tls

    def _secret(self, found: Any, path: tuple[str | int, ...], needed: bool) -> Secret:
        if found.password_env and found.password_file:
            raise Invalid(
                "Password is named twice.",
                code="devices.secret",
                where=self.where(*path, "password_file"),
                remedy="Keep password_env or password_file.",
            )
        if needed and not (found.password_env or found.password_file):
            raise Invalid(
                "There is no password.",
                code="devices.secret",
                where=self.where(*path),
                remedy="Add password_env (a variable's name) or password_file (a file beside this one).",
            )
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
            raise Invalid(
                "Nothing says which entity the topic is about.",
                code="devices.template",
                where=self.where(*path),
                remedy='Name a part of the topic (+station), or write entity = "urn:ngsi-ld:…".',
            )
        if topic.message.payload == "number" and "{payload." in f"{found.entity}{found.create}":
            raise Invalid(
                "The payload is one number, and a template asks for a field of it.",
                code="devices.template",
                where=self.where(*path),
                remedy="Use the named parts of the topic.",
            )
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
                raise Invalid(
                    f"No pack declares the message {found.message!r}.",
                    code="devices.message",
                    where=self.where(*path, "message"),
                    remedy=f"There are: {names}.",
                )
            if found.type or found.fields or found.value:
                raise Invalid(
                    f"The message {found.message} has its type and fields already.",
                    code="devices.message",
                    where=self.where(*path, "message"),
                    remedy="Leave out type, fields and value, or leave out message.",
                )
            return known
        if found.type is None:
            raise Invalid(
                "The topic has no type.",
                code="devices.shape",
                where=self.where(*path),
                remedy='Write type = "AirQualityObserved".',
            )
        fields = {name: self._field(each, (*path, "fields", name)) for name, each in found.fields.items()}
        value = None if found.value is None else self._field(found.value, (*path, "value"))
        message = Message(
            found.type, found.payload, fields, value, found.time, found.format, found.zone, found.missing
        )  # fmt: skip
        for fault in message_faults(message):
            raise Invalid(
                fault,
                code="devices.message",
                where=self.where(*path),
                remedy="See docs/guides/devices.md for what a topic needs.",
            )
        return message

    def _field(self, given: Any, path: tuple[str | int, ...]) -> Field:
        field = self.shaped(given, Field, path)
        check_name(field.attribute, self.where(*path))
        if field.unit is not None and find_unit(field.unit) is None:
            raise Invalid(
                f"Unit {field.unit} is no common code.",
                code="devices.unit",
                where=self.where(*path),
                remedy="Write a UN/CEFACT code: GQ, CEL, P1.",
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
                raise Invalid(
                    f"Station {station.mn} stands twice.",
                    code="devices.station",
                    where=self.where(*at, "mn"),
                    remedy="Remove one.",
                )
            stations[station.mn] = station
        if not stations:
            raise Invalid(
                "There is no station.", code="devices.station", where=self.where(*path), remedy="Add [[hj212.station]]."
            )
        return Hj212(tuple(stations.values()), found.factors, found.host, found.origin)

    def _station(self, given: dict[str, Any], shared: Secret, path: tuple[str | int, ...]) -> Station:
        found = self.shaped(given, _Station, path)
        if not re.fullmatch(r"[0-9A-Za-z]{1,24}", found.mn):
            raise Invalid(
                f"MN {found.mn[:40]!r} is not 1 to 24 letters and digits.",
                code="devices.station",
                where=self.where(*path, "mn"),
                remedy="Write it as the station sends it.",
            )
        own = self._secret(found, path, needed=shared == Secret())
        check_name(found.type, self.where(*path, "type"))
        self._templates({"entity": found.entity}, (), path)
        if not ID_PATTERN.match(found.entity):
            raise Invalid(
                f"{found.entity[:80]!r} is no id of an entity.",
                code="devices.station",
                where=self.where(*path, "entity"),
                remedy="Write for example urn:ngsi-ld:AirQualityObserved:gate.",
            )
        self._templates(found.create or {}, (), (*path, "create"))
        for zone in filter(None, [found.zone]):
            self._zone(zone, (*path, "zone"))
        secret = shared if own == Secret() else own
        return Station(found.mn, found.entity, found.type, secret, found.data, found.zone, found.create, found.edition)

    def _zone(self, zone: str, path: tuple[str | int, ...]) -> None:
        try:
            zone_of(zone)
        except QuanyuError as fault:
            raise Invalid(
                fault.message + ".",
                code="devices.shape",
                where=self.where(*path),
                remedy="Write an IANA name: Asia/Shanghai.",
            ) from fault
