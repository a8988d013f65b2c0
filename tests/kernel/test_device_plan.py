"""The devices file: what it declares, and that every fault is named with its line and a remedy."""

from __future__ import annotations

import pytest

from quanyu.kernel.device import Field, Message, Plan, Secret, message_faults, parse_devices
from quanyu.kernel.device.lines import line_of
from quanyu.kernel.errors import Invalid

GOOD = """# what the district sends
[mqtt.district]
broker = "mqtts://broker.city.example"
user = "quanyu"
password_env = "DISTRICT_MQTT"

[[mqtt.district.topic]]
topic = "city/+district/air/+station"
qos = 1
type = "AirQualityObserved"
time = "ts"
format = "ms"
[mqtt.district.topic.fields]
pm25 = { attribute = "pm25", unit = "GQ" }
"body.temp" = { attribute = "temperature", unit = "CEL", scale = 0.1, offset = -40 }
[mqtt.district.topic.create]
district = "{district}"

[[mqtt.district.topic]]
topic = "wells/+well/level"
type = "Well"
payload = "number"
value = { attribute = "level", unit = "CMT" }

[hj212]
as = "replay"
factors = "factors.csv"
password_file = "hj212.password"
[[hj212.station]]
mn = "010000A8900016F000169DC0"
type = "AirQualityObserved"
entity = "urn:ngsi-ld:AirQualityObserved:gate"
data = "2061"
"""


def plan(text: str, *messages: Message) -> Plan:
    return parse_devices(text, "devices.toml", messages)


def fault(text: str, code: str, line: int, *messages: Message) -> Invalid:
    with pytest.raises(Invalid) as caught:
        plan(text, *messages)
    assert caught.value.code == code
    assert caught.value.where == f"devices.toml, line {line}", caught.value.message
    assert caught.value.remedy
    return caught.value


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def test_a_file_declares_brokers_topics_and_stations() -> None:
    found = plan(GOOD)
    (broker,) = found.brokers
    assert (broker.host, broker.port, broker.tls, broker.origin) == ("broker.city.example", 8883, True, "live")
    assert broker.secret == Secret(env="DISTRICT_MQTT")
    air, well = broker.topics
    assert air.message.fields["body.temp"] == Field("temperature", "CEL", 0.1, -40)
    assert air.id_template().fill({"district": "110105", "station": "7"}) == "urn:ngsi-ld:AirQualityObserved:110105:7"
    assert (well.qos, well.create, well.message.payload) == (0, None, "number")
    assert found.hj212 is not None
    (station,) = found.hj212.stations
    assert (found.hj212.origin, station.data, station.edition, station.secret.file) == (
        "replay",
        "2061",
        "2017",
        "hj212.password",
    )
    assert plan("") == Plan()


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("qos = 1", "qos = 3", "devices.shape", 9),
        ("qos = 1", "quality = 1", "devices.shape", 9),
        ("[mqtt.district]", "[mqtt.District]", "devices.name", 2),
        ('"mqtts://broker.city.example"', '"http://broker"', "devices.broker", 3),
        ('"mqtts://broker.city.example"', '"mqtt://broker:99999"', "devices.broker", 3),
        ('"mqtts://broker.city.example"', '"mqtt://u:p@broker"', "devices.secret", 3),
        ('password_env = "DISTRICT_MQTT"', 'password = "123456"', "devices.shape", 5),
        ('password_env = "DISTRICT_MQTT"', "", "devices.secret", 2),
        ('password_env = "DISTRICT_MQTT"', 'password_env = "A"\npassword_file = "b"', "devices.secret", 6),
        ('user = "quanyu"', 'user = "quanyu"\nkeepalive_s = 1', "devices.shape", 5),
        ("city/+district/air/+station", "city/#district/air", "devices.topic", 8),
        ("wells/+well/level", "city/+district/air/+station", "devices.topic", 20),
        ("wells/+well/level", "wells/level", "devices.template", 19),
        ('district = "{district}"', 'district = "{town}"', "devices.template", 17),
        ('district = "{district}"', 'dis-trict = "x"', "entity.name", 17),
        ('unit = "GQ"', 'unit = "µg/m³"', "devices.unit", 14),
        ('unit = "GQ"', 'colour = "red"', "devices.shape", 14),
        ('attribute = "pm25"', 'attribute = "pm 25"', "entity.name", 14),
        ('format = "ms"', 'format = "minutes"', "devices.message", 7),
        ('time = "ts"\n', "", "devices.message", 7),
        ('type = "Well"\n', "", "devices.shape", 19),
        ('payload = "number"', 'payload = "xml"', "devices.shape", 22),
        ('value = { attribute = "level", unit = "CMT" }', "", "devices.message", 19),
        ('type = "Well"', 'message = "well"', "devices.message", 21),
        ('mn = "010000A8900016F000169DC0"', 'mn = "no"\nzone = "Mars"', "devices.shape", 31),
        ('mn = "010000A8900016F000169DC0"', 'mn = "a b"', "devices.station", 30),
        ('password_file = "hj212.password"\n', "", "devices.secret", 28),
        ('data = "2061"', 'data = "1062"', "devices.shape", 33),
        ("urn:ngsi-ld:AirQualityObserved:gate", "the gate", "devices.station", 32),
        ('type = "Well"', 'type = "Well"\nentity = "urn:ngsi-ld:Well:{payload.id}"', "devices.template", 19),
        ('factors = "factors.csv"\n', "", "devices.shape", 25),
    ],
)
def test_a_fault_is_named_with_its_line(old: str, new: str, code: str, line: int) -> None:
    fault(changed(old, new), code, line)


def test_a_password_in_an_address_is_not_repeated() -> None:
    said = fault(changed('"mqtts://broker.city.example"', '"mqtt://u:geheim@broker"'), "devices.secret", 3)
    assert "geheim" not in f"{said.message}{said.remedy}{said.where}"


def test_what_is_no_toml_and_what_is_twice() -> None:
    fault("[mqtt", "devices.toml", 1)
    fault("[mqtt]\na = \n", "devices.toml", 2)
    fault('[mqtt.a]\nbroker = "mqtt://b"\ntopic = []\n', "devices.topic", 1)
    fault('[hj212]\nfactors = "f.csv"\npassword_env = "P"\nstation = []\n', "devices.station", 1)
    station = GOOD[GOOD.index("[[hj212.station]]") :]
    fault(GOOD + station, "devices.station", 35)


def test_a_topic_may_name_what_a_pack_declares() -> None:
    air = Message("AirQualityObserved", fields={"pm25": Field("pm25", "GQ")}, name="air_station")
    text = '[mqtt.a]\nbroker = "mqtt://b"\n[[mqtt.a.topic]]\ntopic = "+station"\nmessage = "air_station"\n'
    assert plan(text, air).brokers[0].topics[0].message is air
    fault(text, "devices.message", 5)
    fault(text + 'type = "X"\n', "devices.message", 5, air)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (Message("A"), "needs fields"),
        (Message("A", "number"), "needs value"),
        (Message("A", "ngsi-ld", time="t"), "brings its attributes"),
        (Message("A", fields={"a": Field("a")}, format="s"), "not the field of the time"),
        (Message("A", fields={"a": Field("a", "nonsense")}), "no common code"),
        (Message("A", fields={"a": Field("a")}, zone="Mars"), "Mars"),
        (Message("A b", fields={"a": Field("a")}), "A b"),
    ],
)
def test_a_message_that_a_pack_declares_is_judged_too(message: Message, said: str) -> None:
    assert any(said in each for each in message_faults(message))


def test_a_good_message_has_no_faults() -> None:
    assert list(message_faults(Message("A", fields={"a": Field("a", "GQ")}, time="t", format="%Y"))) == []


def test_lines_of_keys_in_tables_and_arrays() -> None:
    text = 'a = 1\n[b."c d"]\ne.f = 2\n[[g]]\nh = 1\n[[g]]\n[g.i]\nj = 3\n'
    wanted = {
        ("a",): 1,
        ("b", "c d"): 2,
        ("b", "c d", "e", "f"): 3,
        ("g", 0, "h"): 5,
        ("g", 1, "i", "j"): 8,
        ("g", 1, "x"): 6,
    }
    assert {path: line_of(text, path) for path in wanted} == wanted
    assert line_of(text, ("nowhere",)) == 1
